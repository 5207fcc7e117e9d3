//! Rotation, reuse and the grace window, as a matrix.

use crate::world::{SECRET, World, basic, error, tokens};

const GONE: &str = "invalid_grant";

#[tokio::test]
async fn a_refresh_rotates_and_the_new_pair_works() {
    let world = World::start().await;
    let first = world.connect("ada").await;
    world.advance(61);
    assert_eq!(world.me(&first.access).await.status, 401);
    let second = tokens(&world.refresh(&first.refresh).await);
    assert_ne!(first.refresh, second.refresh);
    assert_eq!(world.me(&second.access).await.status, 200);
    assert_eq!(tokens(&world.refresh(&second.refresh).await).refresh.len(), second.refresh.len());
    let counters = world.control.counters();
    assert_eq!((counters.refreshes(), counters.rotations), (2, 2));
}

#[tokio::test]
async fn reuse_without_grace_revokes_the_family() {
    let world = World::start().await;
    let first = world.connect("ada").await;
    let second = tokens(&world.refresh(&first.refresh).await);
    assert_eq!(error(&world.refresh(&first.refresh).await), (400, GONE.into()));
    assert_eq!(error(&world.refresh(&second.refresh).await), (400, GONE.into()));
    assert_eq!(world.me(&second.access).await.status, 401);
    assert_eq!(world.control.counters().reuses, 1);
}

#[tokio::test]
async fn reuse_can_be_only_refused() {
    let world = World::start().await;
    world.control.set("reuse", "refuse").unwrap();
    let first = world.connect("ada").await;
    let second = tokens(&world.refresh(&first.refresh).await);
    assert_eq!(error(&world.refresh(&first.refresh).await), (400, GONE.into()));
    assert_eq!(world.refresh(&second.refresh).await.status, 200);
}

#[tokio::test]
async fn within_the_grace_window_the_same_pair_comes_again() {
    let world = World::start().await;
    world.control.set("grace", "10").unwrap();
    let first = world.connect("ada").await;
    let second = tokens(&world.refresh(&first.refresh).await);
    world.advance(9);
    let again = tokens(&world.refresh(&first.refresh).await);
    assert_eq!((again.access, again.refresh), (second.access, second.refresh));
    assert_eq!(world.control.counters().grace_answers, 1);
}

#[tokio::test]
async fn after_the_grace_window_reuse_revokes_the_family() {
    let world = World::start().await;
    world.control.set("grace", "10").unwrap();
    let first = world.connect("ada").await;
    let second = tokens(&world.refresh(&first.refresh).await);
    world.advance(10);
    assert_eq!(error(&world.refresh(&first.refresh).await), (400, GONE.into()));
    assert_eq!(error(&world.refresh(&second.refresh).await), (400, GONE.into()));
}

#[tokio::test]
async fn grace_ends_once_the_new_token_was_used() {
    let world = World::start().await;
    world.control.set("grace", "10").unwrap();
    let first = world.connect("ada").await;
    let second = tokens(&world.refresh(&first.refresh).await);
    tokens(&world.refresh(&second.refresh).await);
    assert_eq!(error(&world.refresh(&first.refresh).await), (400, GONE.into()));
}

#[tokio::test]
async fn without_rotation_the_token_stays_and_none_is_sent() {
    let world = World::start().await;
    world.control.set("rotate", "off").unwrap();
    let first = world.connect("ada").await;
    for _ in 0..2 {
        let reply = world.refresh(&first.refresh).await;
        assert!(reply.json()["refresh_token"].is_null());
        assert_eq!(world.me(&tokens(&reply).access).await.status, 200);
    }
}

#[tokio::test]
async fn an_unused_refresh_token_ends() {
    let world = World::start().await;
    let first = world.connect("ada").await;
    world.advance(7 * 86_400);
    assert_eq!(error(&world.refresh(&first.refresh).await), (400, GONE.into()));
}

#[tokio::test]
async fn rotation_does_not_outlive_the_absolute_end() {
    let world = World::start().await;
    world.control.set("absolute", "100").unwrap();
    let first = world.connect("ada").await;
    world.advance(60);
    let second = tokens(&world.refresh(&first.refresh).await);
    world.advance(40);
    assert_eq!(error(&world.refresh(&second.refresh).await), (400, GONE.into()));
}

#[tokio::test]
async fn the_oldest_live_refresh_token_makes_room() {
    let world = World::start().await;
    world.control.set("limit", "2").unwrap();
    let first = world.connect("ada").await;
    let second = world.connect("ada").await;
    let other = world.connect("dee").await;
    let third = world.connect("ada").await;
    assert_eq!(world.control.live_grants("ada"), 2);
    assert_eq!(error(&world.refresh(&first.refresh).await), (400, GONE.into()));
    for live in [second, other, third] {
        assert_eq!(world.refresh(&live.refresh).await.status, 200);
    }
}

#[tokio::test]
async fn a_refresh_may_narrow_the_scope_but_not_widen_it() {
    let world = World::start().await;
    let first = world.connect("ada").await;
    let authorization = basic("fieldnote", SECRET);
    let headers = [("authorization", authorization.as_str())];
    let ask = |scope: &'static str| {
        [("grant_type", "refresh_token"), ("refresh_token", first.refresh.as_str()), ("scope", scope)]
    };
    let wider = world.form("/token", &headers, &ask("postcards.delete")).await;
    assert_eq!(error(&wider), (400, "invalid_scope".into()));
    let narrower = world.form("/token", &headers, &ask("profile.read")).await;
    assert_eq!(narrower.json()["scope"], "profile.read");
}

#[tokio::test]
async fn a_refresh_token_belongs_to_one_client() {
    let world = World::start().await;
    let first = world.connect("ada").await;
    let stolen =
        [("grant_type", "refresh_token"), ("refresh_token", &first.refresh), ("client_id", "public")];
    assert_eq!(error(&world.form("/token", &[], &stolen).await), (400, GONE.into()));
    assert_eq!(world.refresh(&first.refresh).await.status, 200, "a stranger's try must not count as reuse");
}

#[tokio::test]
async fn of_many_at_once_exactly_one_rotates() {
    let world = World::start().await;
    let first = world.connect("ada").await;
    let tries = (0..20).map(|_| world.refresh(&first.refresh));
    let replies = futures_util::future::join_all(tries).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 200).count(), 1);
    assert_eq!(world.control.live_grants("ada"), 0);
}
