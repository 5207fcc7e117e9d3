use http_body_util::Full;
use keybearer_core::{sha256, to_hex};
use serde_json::json;

use crate::world::{World, bearer};

#[tokio::test]
async fn refusals_explain_themselves_in_www_authenticate() {
    let world = World::start().await;
    let none = world.get("/me", &[]).await;
    assert_eq!((none.status, none.header("www-authenticate")), (401, "Bearer realm=\"postcards\""));
    let pair = world.connect("ada").await;
    let token = bearer(&pair.access);
    let headers = [("authorization", token.as_str())];
    let delete = world.call("DELETE", "/api/postcards/card_0001", &headers, Full::default()).await.unwrap();
    assert_eq!(delete.status, 403);
    assert!(delete.header("www-authenticate").contains("error=\"insufficient_scope\""));
    assert!(delete.header("www-authenticate").contains("scope=\"postcards.delete\""));
    world.advance(60);
    let ended = world.me(&pair.access).await;
    assert_eq!(ended.status, 401);
    assert!(ended.header("www-authenticate").contains("error=\"invalid_token\""));
}

#[tokio::test]
async fn postcards_are_listed_in_pages_sent_and_deleted() {
    let world = World::start().await;
    let code = world.approve("ada", &[("scope", "postcards.read postcards.write postcards.delete")]);
    let code = crate::world::query(&code, "code").unwrap();
    let token = bearer(&crate::world::tokens(&world.exchange(&code).await).access);
    let headers = [("authorization", token.as_str()), ("content-type", "application/json")];

    let first = world.get("/api/postcards?limit=2", &headers).await;
    let cursor = first.json()["next_cursor"].as_str().unwrap().to_owned();
    assert_eq!(first.json()["postcards"].as_array().unwrap().len(), 2);
    assert!(first.header("link").ends_with(&format!("cursor={cursor}>; rel=\"next\"")));
    let second = world.get(&format!("/api/postcards?limit=2&cursor={cursor}"), &headers).await;
    assert_eq!((second.json()["postcards"].as_array().unwrap().len(), second.header("link")), (1, ""));
    assert_eq!(world.get("/api/postcards?cursor=nonsense", &headers).await.status, 400);

    let body = Full::from(json!({ "to": "bo@postcards.test", "text": "Hi" }).to_string());
    let sent = world.call("POST", "/api/postcards", &headers, body).await.unwrap();
    assert_eq!(sent.status, 201);
    let place = sent.header("location").to_owned();
    assert_eq!(world.get(&place, &headers).await.json()["text"], "Hi");
    assert_eq!(world.call("DELETE", &place, &headers, Full::default()).await.unwrap().status, 204);
    assert_eq!(world.get(&place, &headers).await.status, 404);
    let bad = world.call("POST", "/api/postcards", &headers, Full::from("{}")).await.unwrap();
    assert_eq!(bad.status, 422);
}

#[tokio::test]
async fn an_etag_that_is_known_gives_304() {
    let world = World::start().await;
    let token = bearer(&world.connect("ada").await.access);
    let first = world.get("/me", &[("authorization", &token)]).await;
    let tag = first.header("etag");
    let again = world.get("/me", &[("authorization", &token), ("if-none-match", tag)]).await;
    assert_eq!((again.status, again.body.len()), (304, 0));
}

#[tokio::test]
async fn an_upload_is_measured_and_an_echo_shows_what_came() {
    let world = World::start().await;
    let token = bearer(&world.connect("ada").await.access);
    let bytes = vec![7_u8; 3_000_000];
    let sum = to_hex(&sha256(&bytes));
    let upload =
        world.call("POST", "/api/upload", &[("authorization", &token)], Full::from(bytes)).await.unwrap();
    assert_eq!(
        (upload.json()["bytes"].as_u64(), upload.json()["sha256"].as_str()),
        (Some(3_000_000), Some(&*sum))
    );
    let headers = [("authorization", token.as_str()), ("x-thing", "1")];
    let echo = world.call("PUT", "/api/echo?a=%2F", &headers, Full::from("hello")).await.unwrap().json();
    assert_eq!((echo["method"].as_str(), echo["query"].as_str()), (Some("PUT"), Some("a=%2F")));
    assert_eq!(echo["headers"]["authorization"], token);
    assert_eq!((echo["headers"]["x-thing"].as_str(), echo["body_text"].as_str()), (Some("1"), Some("hello")));
}

#[tokio::test]
async fn a_stream_comes_in_chunks_and_can_break_off() {
    let world = World::start().await;
    let token = bearer(&world.connect("ada").await.access);
    let headers = [("authorization", token.as_str())];
    let whole = world.get("/api/stream?chunks=3&bytes=100", &headers).await;
    assert_eq!((whole.body.len(), whole.header("transfer-encoding")), (300, "chunked"));
    let events = world.get("/api/stream?chunks=2&form=events", &headers).await;
    assert_eq!(events.header("content-type"), "text/event-stream");
    let broken = world.call("GET", "/api/stream?chunks=3&break_after=1", &headers, Full::default()).await;
    assert!(broken.is_err());
}

#[tokio::test]
async fn statuses_and_redirects_come_as_asked() {
    let world = World::start().await;
    assert_eq!(world.get("/api/status/418", &[]).await.status, 418);
    assert_eq!(world.get("/api/status/99", &[]).await.status, 400);
    let redirect = world.get("/api/redirect?to=https%3A%2F%2Fevil.test%2Fx&status=307", &[]).await;
    assert_eq!((redirect.status, redirect.header("location")), (307, "https://evil.test/x"));
}
