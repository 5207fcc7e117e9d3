use http_body_util::Full;
use serde_json::{Value, json};

use crate::client::Reply;
use crate::world::{CONTROL, REDIRECT, SECRET, World, bearer, query};

async fn control(world: &World, method: &str, path: &str, body: Value) -> Reply {
    let token = bearer(CONTROL);
    let headers = [("authorization", token.as_str()), ("content-type", "application/json")];
    world.call(method, &format!("/_control/{path}"), &headers, Full::from(body.to_string())).await.unwrap()
}

#[tokio::test]
async fn control_needs_its_token() {
    let world = World::start().await;
    assert_eq!(world.get("/_control/state", &[]).await.status, 401);
    assert_eq!(world.get("/_control/state", &[("authorization", "Bearer wrong")]).await.status, 401);
    let state = control(&world, "GET", "state", json!({})).await;
    assert_eq!((state.status, state.header("cache-control")), (200, "no-store"));
    assert!(!state.text().contains(CONTROL) && !state.text().contains(SECRET));
    assert_eq!(world.control.counters().requests, 0, "control requests are not part of the record");
}

#[tokio::test]
async fn settings_and_switches_are_set_over_http() {
    let world = World::start().await;
    let wanted = json!({ "refresh": "invalid_grant*2", "rotate": "off", "dialect": "form,comma" });
    let state = control(&world, "POST", "set", wanted).await.json();
    assert_eq!(state["failures"]["refresh"], json!({ "failure": "invalid_grant", "left": 2 }));
    assert_eq!(
        (state["settings"]["rotate"].as_bool(), state["settings"]["dialect"].as_str()),
        (Some(false), Some("form,comma"))
    );
    let wrong = control(&world, "POST", "set", json!({ "access": "5", "rotate": "maybe" })).await;
    assert_eq!((wrong.status, wrong.json()["error"].as_str()), (400, Some("rotate must be on or off")));
    assert_eq!(world.control.settings().access_seconds, 60, "a refused request changes nothing");
    let reset = control(&world, "POST", "reset", json!({})).await.json();
    assert_eq!((reset["failures"].clone(), reset["settings"]["rotate"].as_bool()), (json!({}), Some(true)));
}

#[tokio::test]
async fn the_clock_moves_forward_and_can_be_wrong() {
    let world = World::start().await;
    let pair = world.connect("ada").await;
    let moved = control(&world, "POST", "clock", json!({ "forward_seconds": 61 })).await.json();
    assert_eq!(moved["clock"]["offset_seconds"], 61);
    assert_eq!(world.me(&pair.access).await.status, 401);
    control(&world, "POST", "clock", json!({ "skew_seconds": -300 })).await;
    let date = world.get("/", &[]).await.header("date").to_owned();
    assert_eq!(date, "Mon, 31 Dec 2029 23:56:01 GMT");
}

#[tokio::test]
async fn approve_answers_with_where_the_browser_goes() {
    let world = World::start().await;
    let address = format!("{}{}", world.control.url(), world.authorize_path(&[]));
    let body = json!({ "authorize_url": address, "as": "ada", "scopes": ["profile.read"] });
    let reply = control(&world, "POST", "approve", body).await.json();
    let target = url::Url::parse(reply["redirect_to"].as_str().unwrap()).unwrap();
    let answer = world.exchange(&query(&target, "code").unwrap()).await;
    assert_eq!(answer.json()["scope"], "profile.read");
    for wrong in ["https://evil.test/authorize?x=1", "nonsense", &format!("{}/apps", world.control.url())] {
        let reply = control(&world, "POST", "approve", json!({ "authorize_url": wrong, "as": "ada" })).await;
        assert_eq!(reply.status, 400, "{wrong}");
    }
    let stranger = address.replace("client_id=fieldnote", "client_id=nobody");
    let reply = control(&world, "POST", "approve", json!({ "authorize_url": stranger, "as": "ada" })).await;
    assert_eq!(reply.json()["error"], "No application has this client id.");
}

#[tokio::test]
async fn requests_are_listed_without_secrets() {
    let world = World::start().await;
    let pair = world.connect("ada").await;
    world.refresh(&pair.refresh).await;
    world.me(&pair.access).await;
    let listed = control(&world, "GET", "requests", json!({})).await;
    let text = listed.text();
    for secret in [SECRET, &pair.access, &pair.refresh, "cnry_client", "cnry_state", "verifier-verifier"] {
        assert!(!text.contains(secret), "{secret}");
    }
    let records = listed.json()["requests"].clone();
    assert_eq!(records[0]["grant_type"], "authorization_code");
    assert_eq!(
        (records[1]["refresh_token"].as_str(), records[1]["outcome"].as_str()),
        (Some("1.1"), Some("rotated"))
    );
    assert_eq!((records[2]["path"].as_str(), records[2]["status"].as_u64()), (Some("/me"), Some(200)));
    assert!(records[1]["body"]["refresh_token"].as_str().unwrap().starts_with("hmac:"));
    let later = control(&world, "GET", "requests?after=2", json!({})).await.json();
    assert_eq!(later["requests"].as_array().unwrap().len(), 1);
    let counters = control(&world, "GET", "counters", json!({})).await.json();
    assert_eq!(counters["token_requests"], json!({ "authorization_code": 1, "refresh_token": 1 }));
    assert_eq!(control(&world, "DELETE", "requests", json!({})).await.status, 204);
    assert_eq!(world.control.counters().requests, 0);
}

#[tokio::test]
async fn clients_people_and_grants_are_managed_over_http() {
    let world = World::start().await;
    let new =
        json!({ "client_id": "late", "client_secret": "s", "redirect_uris": [REDIRECT], "name": "Late" });
    assert_eq!(control(&world, "POST", "clients", new).await.status, 204);
    assert!(query(&world.approve("ada", &[("client_id", "late")]), "code").is_some());
    let pair = world.connect("ada").await;
    let people = control(&world, "GET", "people", json!({})).await.json();
    assert_eq!(
        (people["people"][0]["id"].as_str(), people["people"][0]["live_grants"].as_u64()),
        (Some("ada"), Some(1))
    );
    let withdrawn = control(&world, "POST", "withdraw", json!({ "as": "ada" })).await.json();
    assert_eq!(withdrawn["withdrawn"], 2);
    assert_eq!(world.refresh(&pair.refresh).await.status, 400);
    let allow = json!({ "client_id": "fieldnote", "allows": true });
    assert_eq!(control(&world, "POST", "administrator", allow).await.status, 204);
    assert!(query(&world.approve("cy", &[]), "code").is_some());
    world.control.reset();
    let address = format!("{}{}", world.control.url(), world.authorize_path(&[("client_id", "late")]));
    let reply = control(&world, "POST", "approve", json!({ "authorize_url": address, "as": "ada" })).await;
    assert_eq!(reply.status, 400, "a reset forgets what was registered later");
}

#[tokio::test]
async fn what_is_not_as_it_started_is_told() {
    let world = World::start().await;
    assert_eq!(world.control.unusual(), Vec::<String>::new());
    let wanted = json!({ "refresh": "invalid_grant*2", "rotate": "off", "api": "slow:3000" });
    control(&world, "POST", "set", wanted).await;
    control(&world, "POST", "clock", json!({ "forward_seconds": 61, "skew_seconds": -300 })).await;
    let state = control(&world, "GET", "state", json!({})).await.json();
    assert_eq!(
        state["unusual"],
        json!(["refresh=invalid_grant*2", "api=slow:3000", "rotate=off", "clock -239 s"])
    );
    assert_eq!(state["clock"]["skew_seconds"], -300);
    world.control.reset();
    assert_eq!(world.control.unusual(), Vec::<String>::new());
}

#[tokio::test]
async fn a_reset_keeps_the_applications_that_are_to_be_kept() {
    let world = World::start().await;
    world.control.keep_client(keybearer_sandbox::ClientConfig {
        client_id: "kept".to_owned(),
        client_secret: None,
        redirect_uris: vec![REDIRECT.to_owned()],
        name: "Kept".to_owned(),
    });
    world.control.reset();
    assert!(query(&world.approve("ada", &[("client_id", "kept")]), "code").is_some());
}
