//! What must hold, whoever wrote the provider.

use std::time::Duration;

use http::Method;
use keybearer_testkit::TestDatabase;
use serde_json::{Value, json};

use super::process::Peer;
use super::scenes::{Stage, storm};

async fn main_job(peer: Peer, refresh_class: &str) {
    let stage = Stage::set(peer, refresh_class, None).await;
    stage.connect().await;
    let path = stage.protected();
    assert_eq!(stage.server.proxied(&path).await.status(), 200, "a call with the new token");
    let granted = stage.server.account().await;
    assert!(!granted["granted_scopes"].as_array().unwrap().is_empty(), "{granted}");

    stage.let_token_end().await;
    let before = stage.peer.refreshes().await;
    assert_eq!(storm(&[&stage.server], &path, 100).await, 100, "every call is served");
    assert_eq!(stage.peer.refreshes().await - before, 1, "one refresh for a hundred calls");

    stage.let_token_end().await;
    assert_eq!(stage.server.proxied(&path).await.status(), 200, "the rotated token refreshes again");
    assert_eq!(stage.peer.refreshes().await - before, 2);

    let account = stage.server.account().await;
    let revoke = format!("/api/v1/accounts/{}:revoke", account["id"].as_str().unwrap());
    let revoked = stage.server.api(Method::POST, &revoke, json!(null)).await;
    assert_eq!(revoked["account"]["revoke_outcome"], "revoked", "{revoked}");
    assert_eq!(stage.peer.counts().await["revocations"], 1);
    assert_ne!(stage.server.proxied(&path).await.status(), 200, "nothing goes out after that");
}

#[tokio::test]
async fn oidc_provider_consent_refresh_rotation_and_revocation() {
    main_job(Peer::start("oidc-provider", &[]), "strict_family").await;
}

#[tokio::test]
async fn django_oauth_toolkit_consent_refresh_rotation_and_revocation() {
    main_job(Peer::start("dot", &[("ISS", "1"), ("CONSENT", "1")]), "strict_family").await;
}

#[tokio::test]
async fn authlib_consent_refresh_rotation_and_revocation() {
    main_job(Peer::start("authlib", &[]), "strict_single").await;
}

/// OAuth 1.0a: oauthlib judges the signatures of the request token, of the access token and of every call.
#[tokio::test]
async fn oauthlib_accepts_what_oauth1_signs() {
    let stage = Stage::set(Peer::start("oauth1", &[("CONSENT", "1")]), "static", None).await;
    stage.connect().await;
    let path = stage.protected();
    for query in ["", "?a=1&b=x%20y&a=2", "?plus=a%2Bb&empty="] {
        let answer = stage.server.proxied(&format!("{path}{query}")).await;
        assert_eq!(answer.status(), 200, "{query}: {}", String::from_utf8_lossy(answer.body()));
    }
}

#[tokio::test]
async fn three_processes_on_one_postgres_make_one_refresh() {
    let database = TestDatabase::create().unwrap();
    let url = database.url();
    let stage = Stage::set(Peer::start("oidc-provider", &[]), "strict_family", Some(url)).await;
    stage.connect().await;
    let (second, third) = (stage.another(2, url).await, stage.another(3, url).await);
    let path = stage.protected();
    for _ in 0..3 {
        stage.let_token_end().await;
        let before = stage.peer.refreshes().await;
        let servers = [&stage.server, &second, &third];
        assert_eq!(storm(&servers, &path, 100).await, 100, "every call is served");
        assert_eq!(stage.peer.refreshes().await - before, 1, "one refresh for three processes");
    }
}

/// Kills the server while the provider has acted and its answer is held back, then starts it again.
async fn killed_in_flight(peer: Peer, refresh_class: &str) -> (Stage, Value) {
    let mut stage = Stage::set(peer, refresh_class, None).await;
    stage.connect().await;
    stage.let_token_end().await;
    let before = stage.peer.token_answers().await;
    stage.peer.hold(60_000).await;
    let path = stage.protected();
    {
        let call = stage.server.proxied(&path);
        tokio::pin!(call);
        let acted = async {
            while stage.peer.token_answers().await == before {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            _ = &mut call => panic!("the answer was to be held back"),
            () = acted => {}
        }
    }
    let Stage { folder, peer, server } = stage;
    server.process.kill();
    peer.hold(0).await;
    let data = folder.path().join("data");
    let server = super::process::Server::start(&data, &folder.path().join("connectors"), None).await;
    stage = Stage { folder, peer, server };
    let settled = tokio::time::timeout(Duration::from_secs(5), async {
        loop {
            let account = stage.server.account().await;
            let path = format!("/api/v1/accounts/{}/refreshes", account["id"].as_str().unwrap());
            let history = stage.server.api(Method::GET, &path, json!(null)).await;
            if !history["refreshes"].as_array().unwrap().is_empty() {
                return account;
            }
        }
    });
    let account = settled.await.expect("settled within five seconds of the start");
    (stage, account)
}

#[tokio::test]
async fn a_kill_during_refresh_is_flagged_at_a_strict_provider() {
    let (stage, account) = killed_in_flight(Peer::start("oidc-provider", &[]), "strict_family").await;
    assert_eq!((&account["status"], &account["reason"]), (&json!("EXPIRED"), &json!("refresh_interrupted")));
    stage.consent().await;
    assert_eq!(stage.server.proxied(&stage.protected()).await.status(), 200, "a new sign-in repairs it");
}

#[tokio::test]
async fn a_kill_during_refresh_loses_nothing_inside_a_grace_window() {
    let peer = Peer::start("dot", &[("GRACE", "120")]);
    let (stage, account) = killed_in_flight(peer, "grace_same").await;
    assert_eq!(account["status"], "ACTIVE");
    assert_eq!(stage.server.proxied(&stage.protected()).await.status(), 200);
}
