use crate::world::{REDIRECT, SECRET, VERIFIER, World, basic, error, query, tokens};

#[tokio::test]
async fn a_code_becomes_tokens_that_nobody_may_cache() {
    let world = World::start().await;
    let reply = world.exchange(&world.code("ada")).await;
    let body = reply.json();
    assert_eq!(reply.header("cache-control"), "no-store");
    assert_eq!((body["token_type"].as_str(), body["expires_in"].as_u64()), (Some("Bearer"), Some(60)));
    assert_eq!(body["scope"], "profile.read postcards.read postcards.write");
    let me = world.me(&tokens(&reply).access).await.json();
    assert_eq!(me["sub"], "pc_ada");
    assert_eq!((me["name"].as_str(), me["postcards"].as_u64()), (Some("Ada Obi"), Some(3)));
}

#[tokio::test]
async fn a_wrong_or_missing_verifier_gives_nothing() {
    let world = World::start().await;
    let code = world.code("ada");
    let wrong = VERIFIER.replace("43", "44");
    assert_eq!(
        error(&world.exchange_with(&code, &[("code_verifier", &wrong)]).await),
        (400, "invalid_grant".into())
    );
    assert_eq!(
        error(&world.exchange_with(&code, &[("code_verifier", "")]).await),
        (400, "invalid_grant".into())
    );
    let short = world.exchange_with(&code, &[("code_verifier", "short")]).await;
    assert_eq!(error(&short), (400, "invalid_request".into()));
    assert_eq!(world.exchange(&code).await.status, 200, "a failed try must not use the code up");
}

#[tokio::test]
async fn the_exchange_must_name_the_same_redirect_address() {
    let world = World::start().await;
    let code = world.code("ada");
    let other = format!("{REDIRECT}/");
    assert_eq!(world.exchange_with(&code, &[("redirect_uri", &other)]).await.status, 400);
    assert_eq!(world.exchange_with(&code, &[("redirect_uri", "")]).await.status, 400);
}

#[tokio::test]
async fn a_code_that_comes_twice_revokes_what_it_gave() {
    let world = World::start().await;
    let code = world.code("ada");
    let first = tokens(&world.exchange(&code).await);
    assert_eq!(error(&world.exchange(&code).await), (400, "invalid_grant".into()));
    assert_eq!(world.me(&first.access).await.status, 401);
    assert_eq!(world.refresh(&first.refresh).await.status, 400);
}

#[tokio::test]
async fn a_code_ends_and_belongs_to_one_client() {
    let world = World::start().await;
    let code = world.code("ada");
    let stolen = [
        ("grant_type", "authorization_code"),
        ("client_id", "public"),
        ("code", code.as_str()),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ];
    assert_eq!(error(&world.form("/token", &[], &stolen).await), (400, "invalid_grant".into()));
    world.advance(60);
    assert_eq!(world.exchange(&code).await.status, 400);
}

#[tokio::test]
async fn clients_authenticate_by_basic_by_post_or_not_at_all() {
    let world = World::start().await;
    let grant = ("grant_type", "client_credentials");
    let posted = [grant, ("client_id", "fieldnote"), ("client_secret", SECRET)];
    assert_eq!(world.form("/token", &[], &posted).await.status, 200);
    let wrong = [grant, ("client_id", "fieldnote"), ("client_secret", "wrong")];
    assert_eq!(error(&world.form("/token", &[], &wrong).await), (401, "invalid_client".into()));
    let none = [grant, ("client_id", "fieldnote")];
    assert_eq!(error(&world.form("/token", &[], &none).await), (401, "invalid_client".into()));
    let bad = basic("fieldnote", "wrong");
    let reply = world.form("/token", &[("authorization", &bad)], &[grant]).await;
    assert_eq!((reply.status, reply.header("www-authenticate")), (401, "Basic realm=\"postcards\""));
    let good = basic("fieldnote", SECRET);
    let both = world.form("/token", &[("authorization", &good)], &posted).await;
    assert_eq!(error(&both), (400, "invalid_request".into()));

    let target = world.approve("ada", &[("client_id", "public")]);
    let code = query(&target, "code").unwrap();
    let public = [
        ("grant_type", "authorization_code"),
        ("client_id", "public"),
        ("code", code.as_str()),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ];
    assert_eq!(world.form("/token", &[], &public).await.status, 200);
}

#[tokio::test]
async fn client_credentials_give_an_access_token_without_a_refresh_token() {
    let world = World::start().await;
    let authorization = basic("fieldnote", SECRET);
    let pairs = [("grant_type", "client_credentials"), ("scope", "postcards.read")];
    let body = world.form("/token", &[("authorization", &authorization)], &pairs).await.json();
    assert!(body["access_token"].is_string() && body["refresh_token"].is_null());
    let public = [("grant_type", "client_credentials"), ("client_id", "public")];
    assert_eq!(error(&world.form("/token", &[], &public).await), (400, "unauthorized_client".into()));
    let other = [("grant_type", "password"), ("client_id", "public")];
    assert_eq!(error(&world.form("/token", &[], &other).await), (400, "unsupported_grant_type".into()));
}

#[tokio::test]
async fn revocation_ends_a_family_and_is_quiet_about_unknown_tokens() {
    let world = World::start().await;
    let pair = world.connect("ada").await;
    let authorization = basic("fieldnote", SECRET);
    let headers = [("authorization", authorization.as_str())];
    assert_eq!(world.form("/revoke", &headers, &[("token", "unknown")]).await.status, 200);
    let foreign = [("token", pair.refresh.as_str()), ("client_id", "public")];
    assert_eq!(world.form("/revoke", &[], &foreign).await.status, 200);
    assert_eq!(world.me(&pair.access).await.status, 200, "another client's revocation changes nothing");
    assert_eq!(world.form("/revoke", &headers, &[("token", &pair.refresh)]).await.status, 200);
    assert_eq!(world.me(&pair.access).await.status, 401);
    assert_eq!(error(&world.refresh(&pair.refresh).await), (400, "invalid_grant".into()));
    assert_eq!(world.form("/revoke", &[], &[("token", "x")]).await.status, 401);
}

#[tokio::test]
async fn introspection_tells_the_owning_client_only() {
    let world = World::start().await;
    let pair = world.connect("ada").await;
    let authorization = basic("fieldnote", SECRET);
    let headers = [("authorization", authorization.as_str())];
    let access = world.form("/introspect", &headers, &[("token", &pair.access)]).await.json();
    assert_eq!((access["active"].as_bool(), access["sub"].as_str()), (Some(true), Some("pc_ada")));
    let refresh = world.form("/introspect", &headers, &[("token", &pair.refresh)]).await.json();
    assert_eq!(refresh["active"], true);
    let foreign = [("token", pair.access.as_str()), ("client_id", "public")];
    assert_eq!(world.form("/introspect", &[], &foreign).await.json()["active"], false);
    world.advance(61);
    let ended = world.form("/introspect", &headers, &[("token", &pair.access)]).await.json();
    assert_eq!(ended, serde_json::json!({ "active": false }));
}
