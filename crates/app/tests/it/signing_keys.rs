//! Rotating the keys that sign access tokens, on both databases.

use std::time::Duration;

use keybearer_app::clients::{self, NewSecret};
use keybearer_app::signing_keys::{self, Rotation, SigningRole};
use keybearer_app::{App, Permission, Permissions};
use keybearer_core::{Code, SecretString};

use crate::harness::{World, code, on_both};

on_both!(
    tokens_of_the_former_key_hold_until_the_overlap_ends,
    a_new_key_is_published_before_it_signs,
    a_leaked_key_ends_at_once,
    another_node_takes_a_token_of_a_key_it_has_not_seen,
    signing_keys_need_their_permissions_and_stay_in_their_environment,
);

async fn client(world: &World) -> NewSecret {
    clients::create(&world.app, &world.caller, "backend", Permissions::all()).await.unwrap()
}

async fn token(app: &App, client: &NewSecret) -> SecretString {
    clients::issue_token(app, client.client.id.as_str(), &client.secret, None).await.unwrap().token
}

fn kid(token: &SecretString) -> String {
    use base64::Engine as _;
    let header = token.expose().split('.').next().unwrap();
    let header = base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(header).unwrap();
    serde_json::from_slice::<serde_json::Value>(&header).unwrap()["kid"].as_str().unwrap().to_owned()
}

async fn published(world: &World) -> Vec<String> {
    let document = clients::jwks(&world.app).await.unwrap();
    let keys = document["keys"].as_array().unwrap().iter();
    keys.map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

fn seconds(ahead: u64, overlap: u64) -> Rotation {
    Rotation { ahead: Duration::from_secs(ahead), overlap: Duration::from_secs(overlap) }
}

async fn tokens_of_the_former_key_hold_until_the_overlap_ends(world: &World) {
    let client = client(world).await;
    let old = token(&world.app, &client).await;
    let keys = signing_keys::rotate(&world.app, &world.caller, seconds(0, 3600)).await.unwrap();
    let roles: Vec<SigningRole> = keys.iter().map(|key| key.role).collect();
    assert_eq!(roles, [SigningRole::Verifying, SigningRole::Signing]);
    let new = token(&world.app, &client).await;
    assert_ne!(kid(&old), kid(&new));
    let both = published(world).await;
    assert!(both.contains(&kid(&old)) && both.contains(&kid(&new)));
    for token in [&old, &new] {
        clients::authenticate(&world.app, token.expose(), None).await.unwrap();
    }
    world.clock.advance(Duration::from_secs(3600));
    let ended = clients::authenticate(&world.app, old.expose(), None).await;
    assert_eq!(code(ended), Code::Unauthenticated);
    clients::authenticate(&world.app, new.expose(), None).await.unwrap();
    let one = published(world).await;
    assert!(!one.contains(&kid(&old)) && one.contains(&kid(&new)));
    assert_eq!(world.audited(&kid(&new), "signing_key.rotated").await, 1);
}

async fn a_new_key_is_published_before_it_signs(world: &World) {
    let client = client(world).await;
    let old = kid(&token(&world.app, &client).await);
    let keys = signing_keys::rotate(&world.app, &world.caller, Rotation::default()).await.unwrap();
    let next = keys.last().unwrap();
    assert_eq!(next.role, SigningRole::Next);
    assert!(published(world).await.contains(&next.id.to_string()));
    assert_eq!(kid(&token(&world.app, &client).await), old);
    world.clock.advance(Duration::from_secs(599));
    let last = token(&world.app, &client).await;
    assert_eq!(kid(&last), old);
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(kid(&token(&world.app, &client).await), next.id.as_str());
    // the last token of the former key lives out its time
    world.clock.advance(Duration::from_secs(86_397));
    clients::authenticate(&world.app, last.expose(), None).await.unwrap();
}

async fn a_leaked_key_ends_at_once(world: &World) {
    let client = client(world).await;
    let leaked = token(&world.app, &client).await;
    // also when a successor is on its way already
    signing_keys::rotate(&world.app, &world.caller, Rotation::default()).await.unwrap();
    signing_keys::rotate(&world.app, &world.caller, seconds(0, 0)).await.unwrap();
    let refused = clients::authenticate(&world.app, leaked.expose(), None).await;
    assert_eq!(code(refused), Code::Unauthenticated);
    let fresh = token(&world.app, &client).await;
    clients::authenticate(&world.app, fresh.expose(), None).await.unwrap();
    assert_eq!(signing_keys::list(&world.app, &world.caller).await.unwrap().len(), 1);
}

async fn another_node_takes_a_token_of_a_key_it_has_not_seen(world: &World) {
    if !world.is_postgres() {
        return;
    }
    let other = world.another_node().await;
    let client = client(world).await;
    let old = token(&other, &client).await;
    clients::authenticate(&other, old.expose(), None).await.unwrap();
    signing_keys::rotate(&world.app, &world.caller, seconds(0, 3600)).await.unwrap();
    let new = token(&world.app, &client).await;
    assert_ne!(kid(&old), kid(&new));
    clients::authenticate(&other, new.expose(), None).await.unwrap();
    clients::authenticate(&other, old.expose(), None).await.unwrap();
}

async fn signing_keys_need_their_permissions_and_stay_in_their_environment(world: &World) {
    let reader = world.with_permissions(&[Permission::KeysRead]);
    let refused = signing_keys::rotate(&world.app, &reader, Rotation::default()).await;
    assert_eq!(code(refused), Code::PermissionDenied);
    let too_long = signing_keys::rotate(&world.app, &world.caller, seconds(0, 2_592_001)).await;
    assert_eq!(code(too_long), Code::InvalidArgument);
    let before = signing_keys::list(&world.app, &world.stranger).await.unwrap();
    signing_keys::rotate(&world.app, &world.caller, seconds(0, 0)).await.unwrap();
    assert_eq!(signing_keys::list(&world.app, &world.stranger).await.unwrap(), before);
}
