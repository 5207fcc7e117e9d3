//! What endpoints get: order, signatures, retries.

use std::collections::BTreeSet;
use std::time::Duration;

use keybearer_app::webhooks::{self, DeliveryState, EndpointState};
use keybearer_app::{PageAsk, accounts, jobs};
use serde_json::json;

use crate::harness::World;
use crate::hooks::{
    Receiver, account, endpoint, endpoint_for, eventually, on_both_hooked, seen, touch, while_sending,
};

on_both_hooked!(
    events_arrive_signed_and_in_the_order_of_their_account,
    a_failed_event_holds_up_its_account_only_and_comes_again_unchanged,
    an_endpoint_gets_the_types_it_asked_for,
    an_endpoint_that_asks_for_time_gets_it,
    an_endpoint_that_is_gone_is_disabled,
    an_endpoint_that_fails_for_72_hours_is_disabled,
    a_redirect_is_not_followed,
    a_dead_endpoint_does_not_hold_up_another,
    a_paused_endpoint_gets_its_events_later,
    both_secrets_sign_until_the_overlap_ends,
    an_endpoint_that_works_again_gets_everything_at_once,
    a_node_that_stops_sends_nothing_twice,
);

async fn delivered(world: &World, id: &str, count: i64) {
    eventually(async || {
        let page = PageAsk::first(1);
        let list =
            webhooks::list_deliveries(&world.app, &world.caller, id, Some("delivered"), &page).await.unwrap();
        (list.total == count).then_some(())
    })
    .await;
}

async fn events_arrive_signed_and_in_the_order_of_their_account(world: &World) {
    let receiver = Receiver::start().await;
    let made = endpoint(world, &receiver.url).await;
    let ada = account(world, "ada").await;
    for _ in 0..3 {
        touch(world, &ada).await;
    }
    let (got, attempts) = while_sending(world, async {
        let got = receiver.wait(4).await;
        delivered(world, made.endpoint.id.as_str(), 4).await;
        (got, seen(world, made.endpoint.id.as_str()).await)
    })
    .await;
    let types: Vec<String> = got.iter().map(crate::hooks::Received::event_type).collect();
    assert_eq!(types[0], "connected_account.created");
    assert_eq!(types[1..], vec!["connected_account.updated"; 3]);
    let sequence: Vec<&str> = got.iter().map(|one| one.headers["keybearer-sequence"].as_str()).collect();
    assert_eq!(sequence, ["1", "2", "3", "4"]);
    for one in &got {
        assert_eq!(one.signed_by(made.secret.expose()), Some(0));
        let body = one.json();
        assert_eq!((body["id"].as_str(), body["spec_version"].as_str()), (Some(one.id()), Some("1")));
        assert_eq!(
            (&body["object"], &body["environment_id"]),
            (&json!("ConnectedAccount"), &json!(world.caller.environment))
        );
        let members: Vec<&String> = body["data"].as_object().unwrap().keys().collect();
        let expected = [
            "id",
            "identifier",
            "connection_id",
            "connection_name",
            "provider",
            "authorization_type",
            "status",
        ];
        assert_eq!(members, expected);
    }
    assert_eq!((attempts.failure_count, attempts.state), (0, EndpointState::Active));
    assert!(attempts.last_success_at.is_some());
}

async fn a_failed_event_holds_up_its_account_only_and_comes_again_unchanged(world: &World) {
    let receiver = Receiver::start().await;
    let made = endpoint(world, &receiver.url).await;
    receiver.answers(|one| if one.user() == "ada" { (500, "") } else { (200, "") });
    let (ada, ben) = (account(world, "ada").await, account(world, "ben").await);
    touch(world, &ada).await;
    touch(world, &ben).await;
    let jobs = jobs::start(&world.app);
    let got = receiver.wait(3).await;
    delivered(world, made.endpoint.id.as_str(), 2).await;
    assert_eq!(got.iter().filter(|one| one.user() == "ben").count(), 2);
    assert_eq!(receiver.received().len(), 3, "ada's second event waits for her first");

    receiver.answers(|_| (200, ""));
    world.clock.advance(Duration::from_secs(4));
    let early = webhooks::list_deliveries(
        &world.app,
        &world.caller,
        made.endpoint.id.as_str(),
        Some("pending"),
        &PageAsk::first(5),
    )
    .await;
    assert_eq!(early.unwrap().total, 2, "nothing before five seconds");
    world.clock.advance(Duration::from_secs(3));
    let got = receiver.wait(5).await;
    delivered(world, made.endpoint.id.as_str(), 4).await;
    jobs.stop(Duration::from_secs(20)).await;
    let ada: Vec<_> = got.iter().filter(|one| one.user() == "ada").collect();
    assert_eq!((ada[0].id(), &ada[0].body), (ada[1].id(), &ada[1].body), "the same event, byte for byte");
    assert_ne!(ada[0].headers["webhook-timestamp"], ada[1].headers["webhook-timestamp"]);
    assert_eq!(ada[1].signed_by(made.secret.expose()), Some(0));
    assert_eq!(ada[2].headers["keybearer-sequence"], "2");
    let delivery = webhooks::find_delivery(&world.app, &world.caller, made.endpoint.id.as_str(), ada[0].id())
        .await
        .unwrap();
    let tries: Vec<_> =
        delivery.tries.iter().map(|one| (one.number, one.status, one.failure.as_deref())).collect();
    assert_eq!(tries, [(2, Some(200), None), (1, Some(500), Some("server_error"))]);
}

async fn an_endpoint_gets_the_types_it_asked_for(world: &World) {
    let receiver = Receiver::start().await;
    let made = endpoint_for(world, &receiver.url, &["connected_account.status_updated"]).await;
    let ada = account(world, "ada").await;
    touch(world, &ada).await;
    accounts::disconnect(&world.app, &world.caller, &ada).await.unwrap();
    while_sending(world, delivered(world, made.endpoint.id.as_str(), 1)).await;
    let got = receiver.received();
    let data = got[0].json()["data"].clone();
    assert_eq!(
        (got.len(), &data["status"], &data["old_status"]),
        (1, &json!("DISCONNECTED"), &json!("ACTIVE"))
    );
}

async fn an_endpoint_that_asks_for_time_gets_it(world: &World) {
    let receiver = Receiver::start().await;
    let made = endpoint(world, &receiver.url).await;
    receiver.answers(|_| (429, "retry-after: 600\r\n"));
    account(world, "ada").await;
    let jobs = jobs::start(&world.app);
    receiver.wait(1).await;
    let id = made.endpoint.id.as_str();
    let until = eventually(async || seen(world, id).await.retry_at).await;
    assert!((600..=661).contains(&until.since(keybearer_testkit::TEST_TIME).as_secs()), "{until}");
    account(world, "ben").await;
    receiver.answers(|_| (200, ""));
    world.clock.advance(Duration::from_secs(599));
    eventually(async || (seen(world, id).await.failure_count == 1).then_some(())).await;
    assert_eq!(receiver.received().len(), 1, "the whole endpoint is left alone");
    world.clock.advance(Duration::from_secs(130));
    delivered(world, id, 2).await;
    jobs.stop(Duration::from_secs(20)).await;
}

async fn an_endpoint_that_is_gone_is_disabled(world: &World) {
    let receiver = Receiver::start().await;
    let made = endpoint(world, &receiver.url).await;
    let id = made.endpoint.id.as_str();
    receiver.answers(|_| (410, ""));
    let ada = account(world, "ada").await;
    touch(world, &ada).await;
    let jobs = jobs::start(&world.app);
    let gone = eventually(async || {
        Some(seen(world, id).await).filter(|endpoint| endpoint.state == EndpointState::Disabled)
    })
    .await;
    assert_eq!(gone.disabled_reason.as_deref(), Some("gone"));
    assert_eq!(world.audited(id, "webhook.disabled").await, 1);
    touch(world, &ada).await;
    let all =
        webhooks::list_deliveries(&world.app, &world.caller, id, None, &PageAsk::first(9)).await.unwrap();
    assert_eq!(all.total, 2, "nothing is queued for it any more");
    assert!(all.items.iter().all(|one| one.state == DeliveryState::Failed));

    receiver.answers(|_| (200, ""));
    let since = keybearer_testkit::TEST_TIME;
    let refused = webhooks::replay_since(&world.app, &world.caller, id, since, false).await;
    assert_eq!(crate::harness::code(refused), keybearer_core::Code::FailedPrecondition);
    webhooks::resume(&world.app, &world.caller, id).await.unwrap();
    assert_eq!(webhooks::replay_since(&world.app, &world.caller, id, since, false).await.unwrap(), 3);
    delivered(world, id, 3).await;
    let order: Vec<String> =
        receiver.received()[1..].iter().map(|one| one.headers["keybearer-sequence"].clone()).collect();
    assert_eq!(order, ["1", "2", "3"]);
    assert_eq!(webhooks::replay_since(&world.app, &world.caller, id, since, false).await.unwrap(), 0);
    assert_eq!(webhooks::replay_since(&world.app, &world.caller, id, since, true).await.unwrap(), 3);
    receiver.wait(7).await;
    jobs.stop(Duration::from_secs(20)).await;
}

async fn an_endpoint_that_fails_for_72_hours_is_disabled(world: &World) {
    let receiver = Receiver::start().await;
    let made = endpoint(world, &receiver.url).await;
    let id = made.endpoint.id.as_str();
    receiver.answers(|_| (503, ""));
    account(world, "ada").await;
    let jobs = jobs::start(&world.app);
    let mut tries = 0;
    for hours in [0, 1, 5, 10, 15, 15, 15, 10] {
        world.clock.advance(Duration::from_secs(hours * 3600));
        tries += 1;
        receiver.wait(tries).await;
        eventually(async || {
            (seen(world, id).await.failure_count == i64::try_from(tries).unwrap()).then_some(())
        })
        .await;
        assert_eq!(seen(world, id).await.state, EndpointState::Active, "{hours}");
    }
    world.clock.advance(Duration::from_secs(3600 + 1));
    let gone = eventually(async || {
        Some(seen(world, id).await).filter(|endpoint| endpoint.state == EndpointState::Disabled)
    })
    .await;
    jobs.stop(Duration::from_secs(20)).await;
    assert_eq!(gone.disabled_reason.as_deref(), Some("failing"));
    let all =
        webhooks::list_deliveries(&world.app, &world.caller, id, Some("failed"), &PageAsk::first(9)).await;
    assert_eq!(all.unwrap().total, 1);
}

async fn a_redirect_is_not_followed(world: &World) {
    let (receiver, trap) = (Receiver::start().await, Receiver::start().await);
    let made = endpoint(world, &receiver.url).await;
    let to: &'static str = Box::leak(format!("location: {}\r\n", trap.url).into_boxed_str());
    receiver.answers(move |_| (307, to));
    account(world, "ada").await;
    let id = made.endpoint.id.as_str();
    while_sending(world, async {
        eventually(async || (seen(world, id).await.failure_count == 1).then_some(())).await;
    })
    .await;
    let all =
        webhooks::list_deliveries(&world.app, &world.caller, id, None, &PageAsk::first(9)).await.unwrap();
    assert_eq!(all.items[0].failure.as_deref(), Some("redirect_not_followed"));
    assert_eq!(trap.received().len(), 0);
}

async fn a_dead_endpoint_does_not_hold_up_another(world: &World) {
    let (dead, alive) = (Receiver::start().await, Receiver::start().await);
    dead.answers(|_| (0, ""));
    let (dead_one, alive_one) = (endpoint(world, &dead.url).await, endpoint(world, &alive.url).await);
    let users: Vec<String> = (0..30).map(|number| format!("u-{number}")).collect();
    for user in &users {
        account(world, user).await;
    }
    while_sending(world, async {
        delivered(world, alive_one.endpoint.id.as_str(), 30).await;
        let id = dead_one.endpoint.id.as_str();
        eventually(async || (seen(world, id).await.failure_count >= 16).then_some(())).await;
        assert!(seen(world, id).await.retry_at.is_some(), "its breaker is open");
    })
    .await;
    assert_eq!(dead.received().len(), 16, "sixteen at once, and then it is left alone");
    let reached: BTreeSet<String> = alive.received().iter().map(crate::hooks::Received::user).collect();
    assert_eq!(reached, users.into_iter().collect());
}

async fn a_paused_endpoint_gets_its_events_later(world: &World) {
    let receiver = Receiver::start().await;
    let made = endpoint(world, &receiver.url).await;
    let id = made.endpoint.id.as_str();
    webhooks::pause(&world.app, &world.caller, id).await.unwrap();
    account(world, "ada").await;
    let other = Receiver::start().await;
    let witness = endpoint(world, &other.url).await;
    account(world, "ben").await;
    while_sending(world, async {
        delivered(world, witness.endpoint.id.as_str(), 1).await;
        assert_eq!(receiver.received().len(), 0);
        webhooks::resume(&world.app, &world.caller, id).await.unwrap();
        delivered(world, id, 2).await;
    })
    .await;
}

async fn both_secrets_sign_until_the_overlap_ends(world: &World) {
    let receiver = Receiver::start().await;
    let made = endpoint(world, &receiver.url).await;
    let id = made.endpoint.id.as_str();
    world.clock.advance(Duration::from_secs(1));
    let hour = Duration::from_secs(3600);
    let second = webhooks::rotate(&world.app, &world.caller, id, hour).await.unwrap();
    assert_eq!(second.endpoint.secrets.len(), 2);
    account(world, "ada").await;
    while_sending(world, async {
        let got = receiver.wait(1).await;
        assert_eq!(got[0].signed_by(second.secret.expose()), Some(0));
        assert_eq!(got[0].signed_by(made.secret.expose()), Some(1));
        world.clock.advance(hour);
        account(world, "ben").await;
        let got = receiver.wait(2).await;
        assert_eq!(got[1].signed_by(second.secret.expose()), Some(0));
        assert_eq!(got[1].signed_by(made.secret.expose()), None);
    })
    .await;
    let now = webhooks::rotate(&world.app, &world.caller, id, Duration::ZERO).await.unwrap();
    assert_eq!(now.endpoint.secrets.len(), 1, "without an overlap the former secret ends at once");
}

async fn an_endpoint_that_works_again_gets_everything_at_once(world: &World) {
    let receiver = Receiver::start().await;
    let made = endpoint(world, &receiver.url).await;
    let id = made.endpoint.id.as_str();
    receiver.answers(|_| (500, ""));
    for number in 0..12 {
        account(world, &format!("u-{number}")).await;
    }
    while_sending(world, async {
        receiver.wait(12).await;
        eventually(async || (seen(world, id).await.failure_count == 12).then_some(())).await;
        receiver.answers(|_| (200, ""));
        // one probe when the breaker ends; the other eleven would wait for their own time
        world.clock.advance(Duration::from_secs(46));
        delivered(world, id, 12).await;
    })
    .await;
}

async fn a_node_that_stops_sends_nothing_twice(world: &World) {
    let receiver = Receiver::start().await;
    let made = endpoint(world, &receiver.url).await;
    for number in 0..40 {
        account(world, &format!("u-{number}")).await;
    }
    let jobs = jobs::start(&world.app);
    receiver.wait(5).await;
    jobs.stop(Duration::from_secs(20)).await;
    while_sending(world, delivered(world, made.endpoint.id.as_str(), 40)).await;
    let ids: BTreeSet<String> = receiver.received().iter().map(|one| one.id().to_owned()).collect();
    assert_eq!((ids.len(), receiver.received().len()), (40, 40));
}
