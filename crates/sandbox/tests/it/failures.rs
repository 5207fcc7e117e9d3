use keybearer_sandbox::{Failure, Stage};

use crate::world::{World, error, query, tokens};

#[tokio::test]
async fn a_switch_meets_the_next_request_or_every_one() {
    let world = World::start().await;
    let pair = world.connect("ada").await;
    world.control.set("refresh", "invalid_grant*1").unwrap();
    assert_eq!(error(&world.refresh(&pair.refresh).await), (400, "invalid_grant".into()));
    let pair = tokens(&world.refresh(&pair.refresh).await);
    world.control.fail(Stage::Refresh, Failure::ServerError(503), None).unwrap();
    for _ in 0..3 {
        assert_eq!(world.refresh(&pair.refresh).await.status, 503);
    }
    world.control.set("refresh", "works").unwrap();
    assert_eq!(world.refresh(&pair.refresh).await.status, 200);
}

#[tokio::test]
async fn switches_are_apart_for_exchange_refresh_and_api() {
    let world = World::start().await;
    let pair = world.connect("ada").await;
    world.control.set("exchange", "invalid_client").unwrap();
    assert_eq!(error(&world.exchange(&world.code("ada")).await), (401, "invalid_client".into()));
    assert_eq!(world.me(&pair.access).await.status, 200);
    assert_eq!(world.refresh(&pair.refresh).await.status, 200);
    world.control.set("api", "rate_limit:7*1").unwrap();
    let limited = world.me(&pair.access).await;
    assert_eq!((limited.status, limited.header("retry-after")), (429, "7"));
    world.control.set("api", "unauthorized*1").unwrap();
    assert!(world.me(&pair.access).await.header("www-authenticate").contains("invalid_token"));
    world.control.set("api", "insufficient_scope*1").unwrap();
    assert_eq!(world.me(&pair.access).await.status, 403);
    assert_eq!(world.me(&pair.access).await.status, 200);
}

#[tokio::test]
async fn odd_answers_look_as_odd_as_promised() {
    let world = World::start().await;
    let pair = world.connect("ada").await;
    let ask =
        async |failure: &str| world.try_refresh(&pair.refresh, &[("sandbox-fail", failure)]).await.unwrap();
    let html = ask("html").await;
    assert_eq!((html.status, html.header("content-type")), (502, "text/html; charset=utf-8"));
    let ok = ask("refresh=ok_error").await;
    assert_eq!((ok.status, ok.json()["ok"].as_bool()), (200, Some(false)));
    let garbage = ask("garbage").await;
    assert_eq!(garbage.status, 200);
    assert!(serde_json::from_slice::<serde_json::Value>(&garbage.body).is_err());
    let redirect = ask("redirect").await;
    assert_eq!(redirect.status, 307);
    assert!(redirect.header("location").contains("/api/echo"));
    let slow = ask("slow:1").await;
    assert_eq!(slow.status, 200, "everything before must have left the grant alone");
}

#[tokio::test]
async fn token_answers_can_lack_parts() {
    let world = World::start().await;
    let pair = world.connect("ada").await;
    let ask = async |token: &str, failure: &str| {
        world.try_refresh(token, &[("sandbox-fail", failure)]).await.unwrap().json()
    };
    let without = ask(&pair.refresh, "no_expires_in").await;
    assert!(without["expires_in"].is_null());
    let text = ask(without["refresh_token"].as_str().unwrap(), "text_expires_in").await;
    assert_eq!(text["expires_in"], "60");
    let bare = ask(text["refresh_token"].as_str().unwrap(), "no_refresh_token").await;
    assert!(bare["access_token"].is_string() && bare["refresh_token"].is_null());
}

#[tokio::test]
async fn dropped_connections_leave_the_grant_alone_but_a_lost_answer_rotates() {
    let world = World::start().await;
    let pair = world.connect("ada").await;
    for failure in ["drop_before", "drop_after_read"] {
        assert!(world.try_refresh(&pair.refresh, &[("sandbox-fail", failure)]).await.is_err());
    }
    assert_eq!(world.control.counters().rotations, 0);
    world.control.set("grace", "10").unwrap();
    world.control.set("refresh", "lose_answer*1").unwrap();
    assert!(world.try_refresh(&pair.refresh, &[]).await.is_err());
    assert_eq!(world.control.counters().rotations, 1);
    let saved = tokens(&world.refresh(&pair.refresh).await);
    assert_eq!(world.me(&saved.access).await.status, 200, "the grace window gives the lost pair again");
    let records = world.control.requests(0);
    let outcomes: Vec<_> =
        records.iter().filter(|r| r.stage == Some(Stage::Refresh)).map(|r| (r.status, r.outcome)).collect();
    let expected = [
        (None, Some("dropped")),
        (None, Some("dropped")),
        (None, Some("rotated")),
        (Some(200), Some("grace")),
    ];
    assert_eq!(outcomes, expected);
}

#[tokio::test]
async fn a_lost_answer_without_grace_loses_the_family() {
    let world = World::start().await;
    let pair = world.connect("ada").await;
    world.control.set("refresh", "lose_answer*1").unwrap();
    assert!(world.try_refresh(&pair.refresh, &[]).await.is_err());
    assert_eq!(error(&world.refresh(&pair.refresh).await), (400, "invalid_grant".into()));
    assert_eq!(world.control.live_grants("ada"), 0);
}

#[tokio::test]
async fn consent_can_be_decided_by_a_switch() {
    let world = World::start().await;
    let path = world.authorize_path(&[("login_hint", "dee")]);
    for (switch, error) in [
        ("deny", "access_denied"),
        ("temporarily_unavailable", "temporarily_unavailable"),
        ("invalid_scope", "invalid_scope"),
    ] {
        world.control.set("consent", switch).unwrap();
        assert_eq!(world.get(&path, &[]).await.param("error").as_deref(), Some(error));
    }
    world.control.set("consent", "partial*1").unwrap();
    let partial = world.get(&path, &[]).await.param("code").unwrap();
    assert_eq!(world.exchange(&partial).await.json()["scope"], "profile.read postcards.read");
    let approved = world.get(&path, &[("sandbox-fail", "approve")]).await.param("code").unwrap();
    let pair = tokens(&world.exchange(&approved).await);
    assert_eq!(world.me(&pair.access).await.json()["sub"], "pc_dee");
    world.control.set("consent", "500*1").unwrap();
    assert_eq!(world.get(&path, &[]).await.status, 500);
    assert_eq!(world.get(&path, &[]).await.status, 200);
}

#[tokio::test]
async fn answers_of_consent_can_be_forged() {
    let world = World::start().await;
    let answer = |switch: &str| {
        world.control.set("consent", &format!("{switch}*1")).unwrap();
        world.approve("ada", &[])
    };
    assert_eq!(query(&answer("wrong_iss"), "iss").as_deref(), Some("https://another-issuer.test"));
    assert_eq!(query(&answer("no_iss"), "iss"), None);
    assert_eq!(query(&answer("no_state"), "state"), None);
    assert_ne!(query(&answer("wrong_state"), "state").as_deref(), Some("cnry_state"));
    assert_eq!(query(&world.approve("ada", &[]), "iss").as_deref(), Some(world.control.url()));
}

#[tokio::test]
async fn dialects_change_the_token_answer() {
    let world = World::start().await;
    let answer = async |dialect: &str| {
        world.control.set("dialect", dialect).unwrap();
        world.exchange(&world.code("ada")).await
    };
    let form = answer("form,comma").await;
    assert_eq!(form.header("content-type"), "application/x-www-form-urlencoded");
    assert!(form.text().contains("scope=profile.read%2Cpostcards.read%2Cpostcards.write"));
    let nested = answer("nested").await.json();
    assert_eq!((nested["ok"].as_bool(), nested["authed_user"]["id"].as_str()), (Some(true), Some("pc_ada")));
    assert!(nested["authed_user"]["access_token"].is_string() && nested["access_token"].is_null());
    assert!(answer("no_expires_in").await.json()["expires_in"].is_null());
    assert_eq!(answer("text_expires_in").await.json()["expires_in"], "60");
    world.control.set("dialect", "ok_error").unwrap();
    let refused = world.refresh("unknown").await;
    assert_eq!((refused.status, refused.json()["error"].as_str()), (200, Some("invalid_grant")));
    world.control.set("dialect", "html_error").unwrap();
    let page = world.refresh("unknown").await;
    assert_eq!((page.status, page.header("content-type")), (400, "text/html; charset=utf-8"));
}
