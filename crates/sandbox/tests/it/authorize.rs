use http_body_util::Full;

use crate::client::Reply;
use crate::world::{REDIRECT, World, config, query};
use keybearer_sandbox::{Sandbox, StartError};

async fn authorize(world: &World, changes: &[(&str, &str)]) -> Reply {
    world.get(&world.authorize_path(changes), &[]).await
}

#[tokio::test]
async fn production_refuses_to_start_unless_forced() {
    let mut production = config();
    production.production = true;
    assert!(matches!(Sandbox::start(production).await, Err(StartError::Production)));
    let mut forced = config();
    (forced.production, forced.force_in_production) = (true, true);
    assert!(Sandbox::start(forced).await.is_ok());
}

#[tokio::test]
async fn a_taken_port_is_an_error_that_names_the_address() {
    let world = World::start().await;
    let mut second = config();
    second.listen = world.address;
    let error = Sandbox::start(second).await.err().unwrap().to_string();
    assert!(error.contains(&world.address.to_string()), "{error}");
}

#[tokio::test]
async fn shutdown_frees_the_port() {
    let world = World::start().await;
    let address = world.address;
    world.sandbox.shutdown().await;
    assert!(tokio::net::TcpListener::bind(address).await.is_ok());
}

#[tokio::test]
async fn a_public_url_with_a_path_is_refused() {
    let mut wrong = config();
    wrong.public_url = Some("http://localhost:4301/sandbox".parse().unwrap());
    assert!(matches!(Sandbox::start(wrong).await, Err(StartError::PublicUrl)));
}

#[tokio::test]
async fn the_redirect_address_must_be_the_exact_text() {
    let world = World::start().await;
    let close = [
        format!("{REDIRECT}/"),
        format!("{REDIRECT}?x=1"),
        REDIRECT.replace("localhost", "LOCALHOST"),
        REDIRECT.replace("http:", "https:"),
        REDIRECT.replace(":4300", ""),
        "https://evil.test/".to_owned(),
    ];
    for redirect in &close {
        let reply = authorize(&world, &[("redirect_uri", redirect)]).await;
        assert_eq!((reply.status, reply.header("location")), (400, ""), "{redirect}");
    }
    assert_eq!(authorize(&world, &[("redirect_uri", "")]).await.status, 400);
    assert_eq!(authorize(&world, &[("client_id", "nobody")]).await.status, 400);
    assert_eq!(authorize(&world, &[]).await.status, 200);
}

#[tokio::test]
async fn a_parameter_given_twice_is_refused() {
    let world = World::start().await;
    let path = format!("{}&state=other", world.authorize_path(&[]));
    assert_eq!(world.get(&path, &[]).await.status, 400);
}

#[tokio::test]
async fn pkce_with_s256_is_required() {
    let world = World::start().await;
    let cases: [&[(&str, &str)]; 4] = [
        &[("code_challenge", ""), ("code_challenge_method", "")],
        &[("code_challenge_method", "plain")],
        &[("code_challenge_method", "")],
        &[("code_challenge", "short")],
    ];
    for changes in cases {
        let reply = authorize(&world, changes).await;
        assert_eq!(reply.status, 303, "{changes:?}");
        assert_eq!(reply.param("error").as_deref(), Some("invalid_request"), "{changes:?}");
        assert_eq!(reply.param("state").as_deref(), Some("cnry_state"));
    }
}

#[tokio::test]
async fn pkce_can_be_made_optional_but_plain_stays_refused() {
    let world = World::start().await;
    world.control.set("pkce", "optional").unwrap();
    let without = [("code_challenge", ""), ("code_challenge_method", "")];
    assert_eq!(authorize(&world, &without).await.status, 200);
    let code = query(&world.approve("ada", &without), "code").unwrap();
    assert_eq!(world.exchange_with(&code, &[("code_verifier", "")]).await.status, 200);
    let plain = authorize(&world, &[("code_challenge_method", "plain")]).await;
    assert_eq!(plain.param("error").as_deref(), Some("invalid_request"));
}

#[tokio::test]
async fn answers_carry_state_and_issuer() {
    let world = World::start().await;
    let allowed = world.approve("ada", &[]);
    assert!(allowed.as_str().starts_with(REDIRECT));
    assert_eq!(query(&allowed, "state").as_deref(), Some("cnry_state"));
    assert_eq!(query(&allowed, "iss").as_deref(), Some(world.control.url()));
    let denied = world.approve("ben", &[]);
    assert_eq!(query(&denied, "error").as_deref(), Some("access_denied"));
    assert_eq!(query(&denied, "iss").as_deref(), Some(world.control.url()));
}

#[tokio::test]
async fn an_unknown_scope_or_response_type_goes_back_as_an_error() {
    let world = World::start().await;
    let scope = authorize(&world, &[("scope", "profile.read moon.read")]).await;
    assert_eq!(scope.param("error").as_deref(), Some("invalid_scope"));
    let implicit = authorize(&world, &[("response_type", "token")]).await;
    assert_eq!(implicit.param("error").as_deref(), Some("unsupported_response_type"));
}

#[tokio::test]
async fn the_five_people_answer_by_habit() {
    let world = World::start().await;
    assert!(query(&world.approve("ada", &[]), "code").is_some());
    assert_eq!(query(&world.approve("ben", &[]), "error").as_deref(), Some("access_denied"));
    let cy = world.approve("cy", &[]);
    assert!(query(&cy, "error_description").unwrap().contains("administrator"));
    world.control.administrator("fieldnote", true);
    assert!(query(&world.approve("cy", &[]), "code").is_some());
    let dee = query(&world.approve("dee", &[]), "code").unwrap();
    assert_eq!(world.exchange(&dee).await.json()["scope"], "profile.read postcards.read");
    let eve = query(&world.approve("eve", &[("login_hint", "ada")]), "code").unwrap();
    let token = world.exchange(&eve).await.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(world.me(&token).await.json()["email"], "eve@postcards.test");
}

#[tokio::test]
async fn discovery_is_at_both_places_and_names_its_own_issuer() {
    let world = World::start().await;
    for path in ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"] {
        let document = world.get(path, &[]).await.json();
        assert_eq!(document["issuer"], world.control.url());
        assert_eq!(document["token_endpoint"], format!("{}/token", world.control.url()));
        assert_eq!(document["code_challenge_methods_supported"], serde_json::json!(["S256"]));
        assert_eq!(document["authorization_response_iss_parameter_supported"], true);
    }
}

#[tokio::test]
async fn a_client_can_register_itself_and_use_what_it_got() {
    let world = World::start().await;
    let redirect = "http://127.0.0.1:9/cb";
    let body = serde_json::json!({ "redirect_uris": [redirect], "client_name": "Robot" }).to_string();
    let json = [("content-type", "application/json")];
    let reply = world.call("POST", "/register", &json, Full::from(body)).await.unwrap();
    assert_eq!((reply.status, reply.header("cache-control")), (201, "no-store"));
    let client = reply.json();
    let id = client["client_id"].as_str().unwrap();
    assert_eq!(client["client_secret_expires_at"], 0);
    let target = world.approve("ada", &[("client_id", id), ("redirect_uri", redirect)]);
    assert!(query(&target, "code").is_some());
    let bad = serde_json::json!({ "redirect_uris": ["myapp://cb#x"] }).to_string();
    let refused = world.call("POST", "/register", &json, Full::from(bad)).await.unwrap();
    assert_eq!(refused.json()["error"], "invalid_redirect_uri");
}
