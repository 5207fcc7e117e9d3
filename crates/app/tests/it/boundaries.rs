//! What lies outside the caller's environment or rights.

use keybearer_app::accounts::{self, AccountQuery, Lookup, UpdateAccount};
use keybearer_app::connections::{self, ConnectionQuery, ScopeSettings, SetCredentials, UpdateConnection};
use keybearer_app::{PageAsk, Permission};
use keybearer_core::Code;

use crate::accounts::{connection, make as make_account, new, tokens};
use crate::connections::{make, postcards};
use crate::harness::{World, code, on_both, secrets};

on_both!(
    another_environment_sees_no_connections,
    permissions_are_asked_for_by_connections,
    another_environment_sees_no_accounts,
    permissions_are_asked_for_by_accounts,
);

async fn another_environment_sees_no_connections(world: &World) {
    let made = make(world, postcards()).await;
    for key in [made.id.as_str(), &made.name] {
        let (app, stranger) = (&world.app, &world.stranger);
        let not_found = Code::ConnectionNotFound;
        assert_eq!(code(connections::get(app, stranger, key).await), not_found);
        assert_eq!(
            code(connections::update(app, stranger, key, UpdateConnection::default()).await),
            not_found
        );
        assert_eq!(code(connections::pause(app, stranger, key).await), not_found);
        assert_eq!(code(connections::delete(app, stranger, key, Some(0), true).await), not_found);
        assert_eq!(code(connections::context(app, stranger, key).await), not_found);
        let secret = SetCredentials::ReplaceSecret { secrets: secrets(&[("client_secret", "x")]) };
        assert_eq!(code(connections::set_credentials(app, stranger, key, secret).await), not_found);
        let scopes = ScopeSettings::default();
        assert_eq!(code(connections::scope_impact(app, stranger, key, &scopes).await), not_found);
    }
    let page = PageAsk::default();
    let listed =
        connections::list(&world.app, &world.stranger, &ConnectionQuery::default(), &page).await.unwrap();
    assert_eq!((listed.items.len(), listed.total), (0, 0));
    // the same name is free over there
    let theirs = connections::create(&world.app, &world.stranger, postcards()).await.unwrap();
    assert_eq!(theirs.name, made.name);
}

async fn permissions_are_asked_for_by_connections(world: &World) {
    let made = make(world, postcards()).await;
    let reader = world.with_permissions(&[Permission::ConnectorsRead]);
    let denied = Code::PermissionDenied;
    assert!(connections::get(&world.app, &reader, &made.name).await.is_ok());
    assert_eq!(code(connections::create(&world.app, &reader, postcards()).await), denied);
    assert_eq!(
        code(connections::update(&world.app, &reader, &made.name, UpdateConnection::default()).await),
        denied
    );
    assert_eq!(code(connections::pause(&world.app, &reader, &made.name).await), denied);
    assert_eq!(code(connections::delete(&world.app, &reader, &made.name, None, false).await), denied);
    let writer = world.with_permissions(&[Permission::ConnectorsWrite]);
    assert_eq!(code(connections::get(&world.app, &writer, &made.name).await), denied);
    assert_eq!(code(connections::form(&world.app, &writer, "acme", None).await), denied);
}

async fn another_environment_sees_no_accounts(world: &World) {
    let name = connection(world, "postcards").await;
    let made = make_account(world, new(&name, "ada", tokens())).await;
    let (app, stranger) = (&world.app, &world.stranger);
    let (by_id, unknown) = (Lookup::id(made.id.as_str()), Lookup::id("ca_1"));
    for lookup in [&by_id, &unknown] {
        let expected = Code::AccountNotFound;
        assert_eq!(code(accounts::get(app, stranger, lookup).await), expected);
        assert_eq!(code(accounts::auth(app, stranger, lookup).await), expected);
        assert_eq!(code(accounts::update(app, stranger, lookup, UpdateAccount::default()).await), expected);
        assert_eq!(code(accounts::disconnect(app, stranger, lookup).await), expected);
        assert_eq!(code(accounts::revoke(app, stranger, lookup).await), expected);
        assert_eq!(code(accounts::delete(app, stranger, lookup).await), expected);
        assert_eq!(code(accounts::history(app, stranger, lookup, 10).await), expected);
    }
    let by_name = Lookup::of(&name, "ada");
    assert_eq!(code(accounts::get(app, stranger, &by_name).await), Code::ConnectionNotFound);
    assert_eq!(
        code(accounts::create(app, stranger, new(&name, "eve", tokens())).await),
        Code::ConnectionNotFound
    );
    let listed = accounts::list(app, stranger, &AccountQuery::default(), &PageAsk::default()).await.unwrap();
    assert_eq!((listed.items.len(), listed.total), (0, 0));
    assert!(accounts::counts(app, stranger).await.unwrap().is_empty());
    let filter = AccountQuery { connection: Some(made.connection_id.to_string()), ..AccountQuery::default() };
    assert_eq!(
        code(accounts::list(app, stranger, &filter, &PageAsk::default()).await),
        Code::ConnectionNotFound
    );
}

async fn permissions_are_asked_for_by_accounts(world: &World) {
    let name = connection(world, "postcards").await;
    make_account(world, new(&name, "ada", tokens())).await;
    let (app, lookup, denied) = (&world.app, Lookup::of(&name, "ada"), Code::PermissionDenied);
    let reader = world.with_permissions(&[Permission::AccountsRead]);
    assert!(accounts::get(app, &reader, &lookup).await.is_ok());
    assert_eq!(code(accounts::auth(app, &reader, &lookup).await), denied);
    assert_eq!(code(accounts::create(app, &reader, new(&name, "ben", tokens())).await), denied);
    assert_eq!(code(accounts::get_or_create(app, &reader, new(&name, "ada", tokens())).await), denied);
    assert_eq!(code(accounts::update(app, &reader, &lookup, UpdateAccount::default()).await), denied);
    assert_eq!(code(accounts::import(app, &reader, "").await), denied);
    let writer = world.with_permissions(&[Permission::AccountsWrite]);
    assert_eq!(code(accounts::get(app, &writer, &lookup).await), denied);
    assert_eq!(code(accounts::disconnect(app, &writer, &lookup).await), denied);
    assert_eq!(code(accounts::revoke(app, &writer, &lookup).await), denied);
    assert_eq!(code(accounts::delete(app, &writer, &lookup).await), denied);
}
