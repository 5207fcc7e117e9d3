//! Endpoints, samples, replays and the list of events: who may do what, and what nobody learns.

use std::time::Duration;

use keybearer_app::outbox::{self, EventQuery};
use keybearer_app::webhooks::{self, CreateEndpoint, DeliveryState, UpdateEndpoint};
use keybearer_app::{PageAsk, Permission, accounts};
use keybearer_core::Code;
use keybearer_testkit::TEST_TIME;

use crate::harness::{World, code, fields, tick};
use crate::hooks::{
    Receiver, account, endpoint, endpoint_for, eventually, on_both_hooked, touch, while_sending,
};

on_both_hooked!(
    addresses_that_may_not_be_contacted_are_refused,
    an_update_changes_only_what_is_given,
    nobody_sees_or_touches_an_endpoint_of_another_environment,
    every_use_needs_its_permission,
    secrets_are_nowhere_but_in_the_answer,
    samples_reach_endpoints_and_no_list,
    one_event_can_be_sent_again,
    events_are_listed_by_type_time_connection_and_account,
    old_deliveries_are_tidied,
);

fn new(url: &str) -> CreateEndpoint {
    CreateEndpoint { url: url.to_owned(), ..CreateEndpoint::default() }
}

async fn addresses_that_may_not_be_contacted_are_refused(world: &World) {
    let refused = [
        "http://10.0.0.1/",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://[fd00:ec2::254]/",
        "https://[::ffff:10.0.0.1]/",
        "https://2852039166/",
        "https://0xa.1/",
        "http://1.1.1.1/",
        "ftp://a.example/",
        "https://user:pass@a.example/",
        "https://a.example/#part",
        "https://",
        "a.example",
        "",
    ];
    for url in refused {
        let made = webhooks::create(&world.app, &world.caller, &new(url)).await;
        assert_eq!(fields(made), ["url"], "{url}");
    }
    let long = format!("https://a.example/{}", "x".repeat(2048));
    assert_eq!(fields(webhooks::create(&world.app, &world.caller, &new(&long)).await), ["url"]);
    let types = CreateEndpoint { event_types: vec!["account.x".into()], ..new("https://a.example/") };
    assert_eq!(fields(webhooks::create(&world.app, &world.caller, &types).await), ["event_types"]);
    let made = webhooks::create(&world.app, &world.caller, &new("https://a.example/in?x=1")).await.unwrap();
    assert_eq!(made.endpoint.url, "https://a.example/in?x=1");
    let other = UpdateEndpoint { url: Some("https://192.168.1.1/".into()), ..UpdateEndpoint::default() };
    let changed = webhooks::update(&world.app, &world.caller, made.endpoint.id.as_str(), &other).await;
    assert_eq!(fields(changed), ["url"]);
}

async fn an_update_changes_only_what_is_given(world: &World) {
    let made = endpoint_for(world, "https://a.example/", &["connected_account.created"]).await.endpoint;
    let id = made.id.as_str();
    tick(world);
    let patch = UpdateEndpoint { description: Some("two".into()), ..UpdateEndpoint::default() };
    let now = webhooks::update(&world.app, &world.caller, id, &patch).await.unwrap();
    assert_eq!((now.url.as_str(), now.description.as_str()), ("https://a.example/", "two"));
    assert_eq!(now.event_types, made.event_types);
    let patch = UpdateEndpoint { event_types: Some(Vec::new()), ..UpdateEndpoint::default() };
    let now = webhooks::update(&world.app, &world.caller, id, &patch).await.unwrap();
    assert!(now.event_types.is_empty());
    assert_eq!(world.audited(id, "webhook.updated").await, 2);
    webhooks::delete(&world.app, &world.caller, id).await.unwrap();
    assert_eq!(code(webhooks::get(&world.app, &world.caller, id).await), Code::NotFound);
    assert_eq!(code(webhooks::delete(&world.app, &world.caller, id).await), Code::NotFound);
}

async fn nobody_sees_or_touches_an_endpoint_of_another_environment(world: &World) {
    let receiver = Receiver::start().await;
    let made = endpoint(world, &receiver.url).await.endpoint;
    account(world, "ada").await;
    let (app, stranger) = (&world.app, &world.stranger);
    let all = webhooks::list_deliveries(app, &world.caller, made.id.as_str(), None, &PageAsk::first(9)).await;
    let event = all.unwrap().items[0].event_id.to_string();
    let event = event.as_str();
    for id in [made.id.as_str(), "whe_1", "nonsense"] {
        let page = PageAsk::first(9);
        let refusals = [
            webhooks::get(app, stranger, id).await.unwrap_err(),
            webhooks::update(app, stranger, id, &UpdateEndpoint::default()).await.unwrap_err(),
            webhooks::pause(app, stranger, id).await.unwrap_err(),
            webhooks::resume(app, stranger, id).await.unwrap_err(),
            webhooks::rotate(app, stranger, id, Duration::ZERO).await.unwrap_err(),
            webhooks::send_sample(app, stranger, id, None).await.unwrap_err(),
            webhooks::list_deliveries(app, stranger, id, None, &page).await.unwrap_err(),
            webhooks::find_delivery(app, stranger, id, event).await.unwrap_err(),
            webhooks::replay(app, stranger, id, event).await.unwrap_err(),
            webhooks::replay_since(app, stranger, id, TEST_TIME, true).await.unwrap_err(),
            webhooks::delete(app, stranger, id).await.unwrap_err(),
        ];
        for refusal in refusals {
            assert_eq!(refusal.to_string(), "not_found: there is no such webhook endpoint");
        }
    }
    assert_eq!(webhooks::list(app, stranger, &PageAsk::first(9)).await.unwrap().total, 0);
    assert_eq!(
        outbox::list(app, stranger, &EventQuery::default(), &PageAsk::first(9)).await.unwrap().total,
        0
    );
    // its own endpoint and a foreign event
    let own = webhooks::create(app, stranger, &new(&receiver.url)).await.unwrap().endpoint;
    assert_eq!(code(webhooks::replay(app, stranger, own.id.as_str(), event).await), Code::NotFound);
    assert_eq!(webhooks::replay_since(app, stranger, own.id.as_str(), TEST_TIME, true).await.unwrap(), 0);
}

async fn every_use_needs_its_permission(world: &World) {
    let made = endpoint(world, "https://a.example/").await.endpoint;
    let (id, page) = (made.id.as_str(), PageAsk::first(9));
    let app = &world.app;
    let reader = world.with_permissions(&[Permission::WebhooksRead]);
    let refusals = [
        code(webhooks::create(app, &reader, &new("https://a.example/")).await),
        code(webhooks::update(app, &reader, id, &UpdateEndpoint::default()).await),
        code(webhooks::pause(app, &reader, id).await),
        code(webhooks::resume(app, &reader, id).await),
        code(webhooks::rotate(app, &reader, id, Duration::ZERO).await),
        code(webhooks::send_sample(app, &reader, id, None).await),
        code(webhooks::send_sample_to_all(app, &reader, "connected_account.created").await),
        code(webhooks::replay(app, &reader, id, "evt_1").await),
        code(webhooks::replay_since(app, &reader, id, TEST_TIME, true).await),
        code(webhooks::delete(app, &reader, id).await),
        code(outbox::list(app, &reader, &EventQuery::default(), &page).await),
    ];
    assert!(refusals.iter().all(|code| *code == Code::PermissionDenied), "{refusals:?}");
    let writer = world.with_permissions(&[Permission::WebhooksWrite]);
    let refusals = [
        code(webhooks::get(app, &writer, id).await),
        code(webhooks::list(app, &writer, &page).await),
        code(webhooks::list_deliveries(app, &writer, id, None, &page).await),
        code(webhooks::find_delivery(app, &writer, id, "evt_1").await),
    ];
    assert!(refusals.iter().all(|code| *code == Code::PermissionDenied), "{refusals:?}");
}

async fn secrets_are_nowhere_but_in_the_answer(world: &World) {
    let receiver = Receiver::start().await;
    let made = endpoint(world, &receiver.url).await;
    let id = made.endpoint.id.as_str();
    let second = webhooks::rotate(&world.app, &world.caller, id, Duration::from_secs(60)).await.unwrap();
    account(world, "ada").await;
    while_sending(world, receiver.wait(1)).await;
    let shown = webhooks::get(&world.app, &world.caller, id).await.unwrap();
    let everything = format!("{shown:?}{made:?}{second:?}{:?}", receiver.received());
    let stored = world.stored();
    for secret in [&made.secret, &second.secret] {
        let text = secret.expose().strip_prefix("whsec_").unwrap();
        assert!(!everything.contains(text));
        assert!(!stored.windows(text.len()).any(|window| window == text.as_bytes()));
    }
}

async fn samples_reach_endpoints_and_no_list(world: &World) {
    let receiver = Receiver::start().await;
    let made = endpoint_for(world, &receiver.url, &["connected_account.created"]).await;
    let id = made.endpoint.id.as_str();
    let one =
        webhooks::send_sample(&world.app, &world.caller, id, Some("connected_account.status_updated")).await;
    let all =
        webhooks::send_sample_to_all(&world.app, &world.caller, "connected_account.created").await.unwrap();
    webhooks::send_sample_to_all(&world.app, &world.caller, "connected_account.deleted").await.unwrap();
    let got = while_sending(world, receiver.wait(2)).await;
    let mut ids: Vec<String> = got.iter().map(|one| one.id().to_owned()).collect();
    ids.sort();
    let mut sent = [one.unwrap().event_id.to_string(), all.id.to_string()];
    sent.sort();
    assert_eq!(ids, sent, "what it asked for, and what was sent to it alone");
    let body = got.iter().find(|one| one.id() == all.id.as_str()).unwrap().json();
    assert_eq!(body, serde_json::Value::Object(all.envelope()));
    let listed = outbox::list(&world.app, &world.caller, &EventQuery::default(), &PageAsk::first(9)).await;
    assert_eq!(listed.unwrap().total, 0);
    let unknown = webhooks::send_sample(&world.app, &world.caller, id, Some("x")).await;
    assert_eq!(fields(unknown), ["event_type"]);
    webhooks::pause(&world.app, &world.caller, id).await.unwrap();
    let paused = webhooks::send_sample(&world.app, &world.caller, id, None).await;
    assert_eq!(code(paused), Code::FailedPrecondition);
}

async fn one_event_can_be_sent_again(world: &World) {
    let receiver = Receiver::start().await;
    let made = endpoint(world, &receiver.url).await;
    let id = made.endpoint.id.as_str();
    account(world, "ada").await;
    let find =
        async |event: &str| webhooks::find_delivery(&world.app, &world.caller, id, event).await.unwrap();
    while_sending(world, async {
        let event = receiver.wait(1).await[0].id().to_owned();
        eventually(async || (find(&event).await.state == DeliveryState::Delivered).then_some(())).await;
        let again = webhooks::replay(&world.app, &world.caller, id, &event).await.unwrap();
        assert_eq!((again.event_id.as_str(), again.attempts), (event.as_str(), 1));
        let got = receiver.wait(2).await;
        assert_eq!((got[0].id(), &got[0].body), (got[1].id(), &got[1].body));
        let after = eventually(async || Some(find(&event).await).filter(|one| one.attempts == 2)).await;
        assert_eq!(after.tries.iter().map(|one| one.number).collect::<Vec<_>>(), [2, 1]);
    })
    .await;
    assert_eq!(world.audited(id, "webhook.replayed").await, 1);
    let unknown = webhooks::replay(&world.app, &world.caller, id, "evt_1").await;
    assert_eq!(code(unknown), Code::NotFound);
    let long_ago = TEST_TIME.minus(Duration::from_secs(31 * 86_400));
    assert_eq!(
        fields(webhooks::replay_since(&world.app, &world.caller, id, long_ago, true).await),
        ["since"]
    );
}

async fn events_are_listed_by_type_time_connection_and_account(world: &World) {
    let ada = account(world, "ada").await;
    tick(world);
    touch(world, &ada).await;
    tick(world);
    account(world, "ben").await;
    let ids = accounts::get(&world.app, &world.caller, &ada).await.unwrap();
    let found = async |query: EventQuery| {
        let listed = outbox::list(&world.app, &world.caller, &query, &PageAsk::first(9)).await.unwrap();
        assert_eq!(i64::try_from(listed.items.len()).unwrap(), listed.total);
        let short = |one: outbox::Event| {
            format!(
                "{} {}",
                one.data["identifier"].as_str().unwrap(),
                one.event_type.rsplit('.').next().unwrap()
            )
        };
        listed.items.into_iter().map(short).collect::<Vec<_>>()
    };
    let all = ["ben created", "ada updated", "ada created"];
    assert_eq!(found(EventQuery::default()).await, all);
    let types = vec!["connected_account.created".to_owned(), "connected_account.deleted".to_owned()];
    assert_eq!(found(EventQuery { event_types: types, ..EventQuery::default() }).await, [all[0], all[2]]);
    let half = EventQuery { event_types: vec!["connected_account".into()], ..EventQuery::default() };
    assert_eq!(found(half).await, Vec::<String>::new());
    let of = EventQuery { account_id: Some(ids.id.to_string()), ..EventQuery::default() };
    assert_eq!(found(of).await, all[1..]);
    let of = EventQuery { connection_id: Some(ids.connection_id.to_string()), ..EventQuery::default() };
    assert_eq!(found(of).await, all);
    let of = EventQuery { organization_id: Some("org_1".into()), ..EventQuery::default() };
    assert_eq!(found(of).await, Vec::<String>::new());
    let second = Duration::from_secs(1);
    let when = EventQuery {
        from: Some(TEST_TIME.plus(second)),
        until: Some(TEST_TIME.plus(second * 2)),
        ..EventQuery::default()
    };
    assert_eq!(found(when).await, [all[1]]);
    let bad = EventQuery { account_id: Some("x".into()), ..EventQuery::default() };
    let list =
        async |query, size| outbox::list(&world.app, &world.caller, &query, &PageAsk::first(size)).await;
    assert_eq!(fields(list(bad, 1).await), ["connected_account_id"]);
    assert_eq!(fields(list(EventQuery::default(), 101).await), ["page_size"]);
    let first = list(EventQuery::default(), 2).await.unwrap();
    let next = PageAsk { size: 2, token: first.next.unwrap() };
    let second = outbox::list(&world.app, &world.caller, &EventQuery::default(), &next).await.unwrap();
    assert_eq!((second.items.len(), second.next), (1, None));
}

async fn old_deliveries_are_tidied(world: &World) {
    let receiver = Receiver::start().await;
    let made = endpoint(world, &receiver.url).await;
    let id = made.endpoint.id.as_str();
    account(world, "ada").await;
    let total = async || {
        webhooks::list_deliveries(&world.app, &world.caller, id, None, &PageAsk::first(1))
            .await
            .unwrap()
            .total
    };
    while_sending(world, async {
        receiver.wait(1).await;
        let find = async || {
            let page = PageAsk::first(1);
            webhooks::list_deliveries(&world.app, &world.caller, id, Some("delivered"), &page)
                .await
                .unwrap()
                .total
        };
        eventually(async || (find().await == 1).then_some(())).await;
    })
    .await;
    webhooks::pause(&world.app, &world.caller, id).await.unwrap();
    account(world, "ben").await;
    assert_eq!(total().await, 2);
    world.clock.advance(Duration::from_secs(73 * 3600));
    keybearer_app::jobs::tidy_now(&world.app).await.unwrap();
    let failed = webhooks::list_deliveries(&world.app, &world.caller, id, Some("failed"), &PageAsk::first(1))
        .await
        .unwrap();
    assert_eq!(failed.items[0].failure.as_deref(), Some("paused_too_long"));
    world.clock.advance(Duration::from_secs(31 * 86_400));
    keybearer_app::jobs::tidy_now(&world.app).await.unwrap();
    assert_eq!(total().await, 0);
    assert_eq!(world.sql("SELECT event_id FROM webhook_attempt").await.len(), 0);
}
