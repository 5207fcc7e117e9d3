use crate::pages::Browser;
use crate::world::{World, error};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

async fn poll(world: &World, code: &str) -> crate::client::Reply {
    world.form("/token", &[], &[("grant_type", GRANT), ("client_id", "public"), ("device_code", code)]).await
}

async fn begin(world: &World) -> (String, String) {
    let asked = [("client_id", "public"), ("scope", "profile.read")];
    let body = world.form("/device_authorization", &[], &asked).await.json();
    assert_eq!((body["interval"].as_u64(), body["expires_in"].as_u64()), (Some(5), Some(600)));
    let text = |name: &str| body[name].as_str().unwrap().to_owned();
    (text("device_code"), text("user_code"))
}

async fn decide(world: &World, user_code: &str, person: &str, decision: &str) {
    let mut browser = Browser::new(world);
    let sign_in = browser.get(&format!("/device?user_code={}", user_code.to_lowercase())).await;
    let asked = browser.submit(&sign_in, "/sign-in", &[("person", person)]).await;
    let page = browser.follow(&asked).await;
    assert!(page.text().contains(user_code));
    let done = browser.submit(&page, "/device", &[("decision", decision)]).await;
    assert_eq!(done.status, 200);
}

#[tokio::test]
async fn a_device_waits_until_a_person_allows_it() {
    let world = World::start().await;
    let (device, user) = begin(&world).await;
    assert_eq!(error(&poll(&world, &device).await), (400, "authorization_pending".into()));
    assert_eq!(error(&poll(&world, &device).await), (400, "slow_down".into()));
    decide(&world, &user, "ada", "allow").await;
    world.advance(5);
    let token = poll(&world, &device).await.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(world.me(&token).await.json()["sub"], "pc_ada");
    assert_eq!(error(&poll(&world, &device).await), (400, "invalid_grant".into()));
}

#[tokio::test]
async fn a_device_hears_a_no_and_an_end() {
    let world = World::start().await;
    let (device, user) = begin(&world).await;
    decide(&world, &user, "ada", "deny").await;
    assert_eq!(error(&poll(&world, &device).await), (400, "access_denied".into()));
    let (late, user) = begin(&world).await;
    world.advance(600);
    assert_eq!(error(&poll(&world, &late).await), (400, "expired_token".into()));
    assert_eq!(world.get(&format!("/device?user_code={user}"), &[]).await.status, 404);
}
