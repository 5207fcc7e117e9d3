//! API clients and their secrets, on both databases.

use std::net::IpAddr;
use std::time::Duration;

use keybearer_app::clients::{self, CreateClient, NewSecret, UpdateClient};
use keybearer_app::{Actor, Caller, PageAsk, Permission, Permissions};
use keybearer_core::{Code, SecretString};

use crate::harness::{World, code, fields, on_both, tick};

on_both!(
    secrets_are_added_switched_and_deleted_on_their_own,
    the_last_way_in_is_not_closed_by_a_client,
    nobody_gets_more_than_they_have,
    a_list_of_networks_holds_at_the_token_and_at_every_use,
    tokens_live_as_long_as_their_client_says,
    clients_are_paged_and_stay_in_their_environment,
    the_last_use_is_noted_with_its_address,
);

async fn made(world: &World, permissions: &[Permission]) -> NewSecret {
    let texts: Vec<&str> = permissions.iter().map(|permission| permission.as_str()).collect();
    let permissions = Permissions::parse(texts).unwrap();
    clients::create(&world.app, &world.caller, "backend", permissions).await.unwrap()
}

async fn signs_in(world: &World, made: &NewSecret, secret: &SecretString) -> bool {
    clients::issue_token(&world.app, made.client.id.as_str(), secret, None).await.is_ok()
}

async fn secrets_are_added_switched_and_deleted_on_their_own(world: &World) {
    let (app, caller) = (&world.app, &world.caller);
    let new = made(world, &[Permission::ClientsRead]).await;
    let id = &new.client.id;
    let first = new.client.secrets[0].id.to_string();
    tick(world);
    let added = clients::add_secret(app, caller, id).await.unwrap();
    let second = added.secret.id.to_string();
    assert!(added.plain.expose().ends_with(&added.secret.suffix) && added.secret.suffix.len() == 4);
    assert_eq!(added.secret.created_by.as_deref(), Some("skc_7"));
    assert!(signs_in(world, &new, &new.secret).await && signs_in(world, &new, &added.plain).await);
    let seen = clients::get(app, caller, id).await.unwrap();
    assert_eq!(seen.secrets.iter().filter(|secret| secret.last_used_at.is_some()).count(), 2);

    let off = clients::set_secret(app, caller, id, &first, false).await.unwrap();
    assert!(!off.active && off.updated_at > off.created_at);
    assert!(!signs_in(world, &new, &new.secret).await && signs_in(world, &new, &added.plain).await);
    clients::set_secret(app, caller, id, &first, true).await.unwrap();
    assert!(signs_in(world, &new, &new.secret).await);
    clients::delete_secret(app, caller, id, &second).await.unwrap();
    assert!(!signs_in(world, &new, &added.plain).await);
    assert_eq!(code(clients::delete_secret(app, caller, id, &second).await), Code::NotFound);
    // a secret of one client under another client, and in another environment
    let other = made(world, &[Permission::ClientsRead]).await;
    for (caller, id) in [(caller, &other.client.id), (&world.stranger, id)] {
        assert_eq!(code(clients::set_secret(app, caller, id, &first, false).await), Code::NotFound);
        assert_eq!(code(clients::delete_secret(app, caller, id, &first).await), Code::NotFound);
    }
    for action in ["client.created", "client.secret_created", "client.secret_deleted"] {
        assert_eq!(world.audited(id.as_str(), action).await, 1, "{action}");
    }
    assert_eq!(world.audited(id.as_str(), "client.secret_changed").await, 2);
    // hashed at rest
    let stored = world.stored();
    for plain in [&new.secret, &added.plain] {
        let bytes = plain.expose().as_bytes();
        assert!(!stored.windows(bytes.len()).any(|window| window == bytes));
    }
}

async fn the_last_way_in_is_not_closed_by_a_client(world: &World) {
    let (app, caller) = (&world.app, &world.caller);
    let only = made(world, &[Permission::ClientsWrite, Permission::ClientsRotate]).await;
    made(world, &[Permission::ClientsRead]).await;
    let (id, secret) = (&only.client.id, only.client.secrets[0].id.to_string());
    let fewer = UpdateClient {
        permissions: Some(Permissions::parse(["api_credentials:read"]).unwrap()),
        ..UpdateClient::default()
    };
    for refused in [
        code(clients::delete(app, caller, id).await),
        code(clients::delete_secret(app, caller, id, &secret).await),
        code(clients::set_secret(app, caller, id, &secret, false).await),
        code(clients::update(app, caller, id, fewer.clone()).await),
    ] {
        assert_eq!(refused, Code::FailedPrecondition);
    }
    // with another secret the first may go, with another client this one
    clients::add_secret(app, caller, id).await.unwrap();
    clients::delete_secret(app, caller, id, &secret).await.unwrap();
    let next = made(world, &[Permission::ClientsWrite]).await;
    clients::delete(app, caller, id).await.unwrap();
    let operator = Caller { actor: Actor::Operator, ..caller.clone() };
    clients::delete(app, &operator, &next.client.id).await.unwrap();
}

async fn nobody_gets_more_than_they_have(world: &World) {
    let weak = world.with_permissions(&[
        Permission::ClientsWrite,
        Permission::ClientsRead,
        Permission::ClientsRotate,
    ]);
    let strong = made(world, &[Permission::AccountsAccess]).await;
    let id = &strong.client.id;
    let secret = strong.client.secrets[0].id.to_string();
    clients::add_secret(&world.app, &world.caller, id).await.unwrap();
    clients::set_secret(&world.app, &weak, id, &secret, false).await.unwrap();
    let more = UpdateClient { permissions: Some(Permissions::all()), ..UpdateClient::default() };
    for refused in [
        code(clients::create(&world.app, &weak, "x", Permissions::all()).await),
        code(clients::update(&world.app, &weak, id, more).await),
        code(clients::update(&world.app, &weak, id, UpdateClient::default()).await),
        code(clients::add_secret(&world.app, &weak, id).await),
        code(clients::set_secret(&world.app, &weak, id, &secret, true).await),
        code(clients::rotate(&world.app, &weak, id, Duration::ZERO).await),
    ] {
        assert_eq!(refused, Code::PermissionDenied);
    }
}

async fn a_list_of_networks_holds_at_the_token_and_at_every_use(world: &World) {
    let app = &world.app;
    let new = made(world, &[Permission::ClientsRead]).await;
    let id = &new.client.id;
    let at = |text: &str| Some(text.parse::<IpAddr>().unwrap());
    let ask = async |peer| clients::issue_token(app, id.as_str(), &new.secret, peer).await;
    let token = ask(None).await.unwrap().token;
    let list = |networks: &[&str], enforced| UpdateClient {
        networks: Some((networks.iter().map(|text| (*text).to_owned()).collect(), enforced)),
        ..UpdateClient::default()
    };
    let set = async |change| clients::update(app, &world.caller, id, change).await;
    set(list(&["192.0.2.0/24", "2001:db8::7"], true)).await.unwrap();
    for good in ["192.0.2.9", "::ffff:192.0.2.9", "2001:db8::7"] {
        ask(at(good)).await.unwrap();
        clients::authenticate(app, token.expose(), at(good)).await.unwrap();
    }
    for bad in [at("192.0.3.1"), at("2001:db8::8"), at("127.0.0.1"), None] {
        assert_eq!(code(ask(bad).await), Code::Unauthenticated);
        let used = clients::authenticate(app, token.expose(), bad).await;
        assert_eq!(code(used), Code::PermissionDenied, "a token from before the list does not pass it");
    }
    // the list is kept while it is not in force
    let off = set(list(&["192.0.2.0/24"], false)).await.unwrap();
    assert_eq!((off.networks.len(), off.networks_enforced), (1, false));
    ask(at("203.0.113.1")).await.unwrap();
    assert_eq!(
        fields(set(list(&["192.0.2.0/24", "192.0.2.1/24"], true)).await),
        ["ip_allowlist.cidrs[1].value"]
    );
    assert_eq!(fields(set(list(&[], true)).await), ["ip_allowlist.cidrs"]);
}

async fn tokens_live_as_long_as_their_client_says(world: &World) {
    let new = CreateClient {
        name: "short".to_owned(),
        permissions: Permissions::default_set(),
        networks: Vec::new(),
        networks_enforced: false,
        token_seconds: Some(60),
    };
    for wrong in [59, 86_400, -1] {
        let wrong = CreateClient { token_seconds: Some(wrong), ..new.clone() };
        let refused = clients::create_client(&world.app, &world.caller, wrong).await;
        assert_eq!(fields(refused), ["access_token_expiry"]);
    }
    let short = clients::create_client(&world.app, &world.caller, new).await.unwrap();
    let id = short.client.id.as_str();
    let token = clients::issue_token(&world.app, id, &short.secret, None).await.unwrap();
    assert_eq!(token.expires_in, 60);
    world.clock.advance(Duration::from_secs(59));
    clients::authenticate(&world.app, token.token.expose(), None).await.unwrap();
    world.clock.advance(Duration::from_secs(1));
    let ended = clients::authenticate(&world.app, token.token.expose(), None).await;
    assert_eq!(code(ended), Code::Unauthenticated);
}

async fn clients_are_paged_and_stay_in_their_environment(world: &World) {
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.insert(0, made(world, &[Permission::ClientsRead]).await.client.id);
        tick(world);
    }
    let page = async |caller: &Caller, size, token: &str| {
        let ask = PageAsk { size, token: token.to_owned() };
        clients::page(&world.app, caller, &ask).await
    };
    let first = page(&world.caller, 2, "").await.unwrap();
    assert_eq!((first.total, first.items.len()), (3, 2));
    let second = page(&world.caller, 2, &first.next.unwrap()).await.unwrap();
    let seen: Vec<_> = first.items.iter().chain(&second.items).map(|client| client.id.clone()).collect();
    assert_eq!((seen, second.next), (ids.clone(), None));
    assert_eq!(fields(page(&world.caller, 31, "").await), ["page_size"]);
    assert_eq!(page(&world.stranger, 30, "").await.unwrap().total, 0);
    assert_eq!(code(clients::get(&world.app, &world.stranger, &ids[0]).await), Code::NotFound);
    let update = clients::update(&world.app, &world.stranger, &ids[0], UpdateClient::default()).await;
    assert_eq!(code(update), Code::NotFound);
    assert_eq!(code(clients::add_secret(&world.app, &world.stranger, &ids[0]).await), Code::NotFound);
    assert_eq!(code(clients::delete(&world.app, &world.stranger, &ids[0]).await), Code::NotFound);
}

async fn the_last_use_is_noted_with_its_address(world: &World) {
    let (app, caller) = (&world.app, &world.caller);
    let new = made(world, &[Permission::ClientsRead]).await;
    let (id, from) = (&new.client.id, |text: &str| Some(text.parse::<IpAddr>().unwrap()));
    let seen = || async { clients::get(app, caller, id).await.unwrap() };
    assert_eq!((seen().await.last_used_at, seen().await.last_used_address), (None, None));
    let token =
        clients::issue_token(app, id.as_str(), &new.secret, from("::ffff:10.0.0.4")).await.unwrap().token;
    assert_eq!(seen().await.last_used_address.as_deref(), Some("10.0.0.4"));
    assert_eq!(seen().await.secrets[0].last_used_address.as_deref(), Some("10.0.0.4"));
    // a call within the same minute writes nothing, a later one does: the token outlives what gave it
    clients::authenticate(app, token.expose(), from("10.0.0.5")).await.unwrap();
    assert_eq!(seen().await.last_used_address.as_deref(), Some("10.0.0.4"));
    world.clock.advance(Duration::from_secs(120));
    clients::authenticate(app, token.expose(), from("10.0.0.5")).await.unwrap();
    let client = seen().await;
    assert_eq!(client.last_used_address.as_deref(), Some("10.0.0.5"));
    assert_eq!(client.last_used_at, Some(app.now()));
    assert_eq!(client.secrets[0].last_used_address.as_deref(), Some("10.0.0.4"), "no secret was shown");
}
