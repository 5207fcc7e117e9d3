use keybearer_app::accounts::{self, Lookup};
use keybearer_app::connections::{self, CreateConnection, ScopeSettings, SetCredentials, UpdateConnection};
use keybearer_app::connectors::Bindings;
use keybearer_core::{Code, ConnectionState, CredentialSource};
use serde_json::json;

use crate::connections::{account, acme, make, postcards};
use crate::harness::{World, code, fields, on_both, secrets, texts};

on_both!(
    a_new_secret_for_the_same_client_leaves_every_account_where_it_is,
    a_new_client_leaves_accounts_on_the_old_one,
    shared_credentials_need_the_operators_app_and_exclude_what_decides_the_host,
    odd_values_are_warnings,
    a_context_becomes_fields_and_holds_no_secret,
);

async fn odd_values_are_warnings(world: &World) {
    let swapped = CreateConnection {
        client_id: Some("sec_0123456789".to_owned()),
        secrets: secrets(&[("client_secret", "id_0123456789")]),
        scopes: Some(ScopeSettings {
            scopes: vec!["read".into(), "made.up".into()],
            ..ScopeSettings::default()
        }),
        ..acme()
    };
    let made = make(world, swapped).await;
    let warned: Vec<&str> = made.warnings.iter().map(|warning| warning.field.as_str()).collect();
    assert_eq!(warned, ["client_id", "scopes", "scopes"]);
    assert!(made.warnings[0].says.contains("swapped"));
    assert!(made.warnings[1].says.contains("`made.up`"));
    assert!(made.warnings[2].says.contains("`offline`"));
    assert_eq!(made.state, ConnectionState::Active);
    assert_eq!(made.scopes.required, ["read"]);
    // what we make ourselves is there to be copied
    assert_eq!(made.fields["hook_key"].len(), 32);
}

async fn a_new_secret_for_the_same_client_leaves_every_account_where_it_is(world: &World) {
    let made = make(world, postcards()).await;
    account(world, &made.name, "ada").await;
    let secret =
        SetCredentials::ReplaceSecret { secrets: secrets(&[("client_secret", "another-secret-of-20-9f2c")]) };
    let set = connections::set_credentials(&world.app, &world.caller, &made.name, secret).await.unwrap();
    assert_eq!(set.on_earlier_client, 0);
    assert_eq!(set.connection.client_secret_suffix.as_deref(), Some("9f2c"));
    assert_eq!(set.connection.client_id, made.client_id);
    let nothing = SetCredentials::ReplaceSecret { secrets: Bindings::new() };
    let refused = connections::set_credentials(&world.app, &world.caller, &made.name, nothing).await;
    assert_eq!(fields(refused), ["client_secret"]);
    // an empty secret in an update keeps the stored one
    let empty =
        UpdateConnection { secrets: secrets(&[("client_secret", "")]), ..UpdateConnection::default() };
    let kept = connections::update(&world.app, &world.caller, &made.name, empty).await.unwrap();
    assert_eq!(kept.client_secret_suffix.as_deref(), Some("9f2c"));
}

async fn a_new_client_leaves_accounts_on_the_old_one(world: &World) {
    let made = make(world, postcards()).await;
    account(world, &made.name, "ada").await;
    account(world, &made.name, "ben").await;
    let client = SetCredentials::ReplaceClient {
        source: CredentialSource::Own,
        client_id: Some("app-2".to_owned()),
        secrets: secrets(&[("client_secret", "second")]),
    };
    let set = connections::set_credentials(&world.app, &world.caller, &made.name, client).await.unwrap();
    assert_eq!((set.on_earlier_client, set.connection.client_id.as_deref()), (2, Some("app-2")));
    account(world, &made.name, "cy").await;
    let on_earlier = async |user: &str| {
        let lookup = Lookup::of(&made.name, user);
        accounts::get(&world.app, &world.caller, &lookup).await.unwrap().on_earlier_client
    };
    assert!(on_earlier("ada").await && !on_earlier("cy").await);
    let shared = SetCredentials::ReplaceClient {
        source: CredentialSource::Shared,
        client_id: None,
        secrets: Bindings::new(),
    };
    let set = connections::set_credentials(&world.app, &world.caller, &made.name, shared).await.unwrap();
    assert_eq!((set.on_earlier_client, set.connection.source), (3, CredentialSource::Shared));
    assert_eq!(set.connection.client_id.as_deref(), Some("operator-client"));
    let secret = SetCredentials::ReplaceSecret { secrets: secrets(&[("client_secret", "mine")]) };
    let refused = connections::set_credentials(&world.app, &world.caller, &made.name, secret).await;
    assert_eq!(code(refused), Code::FailedPrecondition);
}

async fn shared_credentials_need_the_operators_app_and_exclude_what_decides_the_host(world: &World) {
    let create = |new| connections::create(&world.app, &world.caller, new);
    let shared = |connector: &str| CreateConnection {
        connector: connector.to_owned(),
        source: Some(CredentialSource::Shared),
        ..CreateConnection::default()
    };
    assert_eq!(fields(create(shared("github")).await), ["source"]);
    let made = make(world, shared("acme")).await;
    assert_eq!(made.state, ConnectionState::Active);
    assert_eq!(made.shared_app_name.as_deref(), Some("Operator's app"));
    let evil = CreateConnection { fields: texts(&[("site", "evil.example")]), ..shared("acme") };
    assert_eq!(fields(create(evil).await), ["site"]);
    let mixed = CreateConnection { client_id: Some("mine".to_owned()), ..shared("acme") };
    assert_eq!(fields(create(mixed).await), ["client_id"]);
    let more = ScopeSettings { scopes: vec!["offline".to_owned()], ..ScopeSettings::default() };
    let more = CreateConnection { scopes: Some(more), ..shared("acme") };
    assert_eq!(fields(create(more).await), ["scopes.scopes"]);
    // neither afterwards, nor by switching a connection that has such a field
    let site = UpdateConnection { fields: texts(&[("site", "evil.example")]), ..UpdateConnection::default() };
    let moved = connections::update(&world.app, &world.caller, &made.name, site).await;
    assert_eq!(fields(moved), ["site"]);
    let context = json!({"site": "evil.example"}).as_object().unwrap().clone();
    let moved = connections::set_context(&world.app, &world.caller, &made.name, context).await;
    assert_eq!(fields(moved), ["site"]);
    let own = CreateConnection { fields: texts(&[("site", "evil.example")]), ..acme() };
    let own = make(world, own).await;
    let switch = UpdateConnection { source: Some(CredentialSource::Shared), ..UpdateConnection::default() };
    let switched = connections::update(&world.app, &world.caller, &own.name, switch).await;
    assert_eq!(fields(switched), ["site"]);
}

async fn a_context_becomes_fields_and_holds_no_secret(world: &World) {
    let context = json!({"site": "eu.acme.example", "domain": "acme", "n": 3}).as_object().unwrap().clone();
    let made = make(world, CreateConnection { context: context.clone(), ..acme() }).await;
    assert_eq!(made.fields["site"], "eu.acme.example");
    let shown = connections::context(&world.app, &world.caller, made.id.as_str()).await.unwrap();
    assert_eq!((&shown["domain"], &shown["n"]), (&json!("acme"), &json!(3)));
    let secret = json!({"developer_token": "x"}).as_object().unwrap().clone();
    let refused = connections::set_context(&world.app, &world.caller, &made.name, secret).await;
    assert_eq!(fields(refused), ["context.developer_token"]);
    let other = json!({"site": "us.acme.example"}).as_object().unwrap().clone();
    let now = connections::set_context(&world.app, &world.caller, &made.name, other).await.unwrap();
    assert_eq!(now.fields["site"], "us.acme.example");
}
