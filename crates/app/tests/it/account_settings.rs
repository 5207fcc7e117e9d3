use keybearer_app::accounts::{self, CreateAccount, Credentials, Lookup, ScopeSelection, UpdateAccount};
use keybearer_app::connections::{self, CreateConnection, ScopeSettings};
use keybearer_core::{AccountStatus, Code};
use serde_json::{Value, json};

use crate::accounts::{connection, make, new, tokens};
use crate::connections::postcards;
use crate::harness::{World, code, fields, on_both, secrets};

on_both!(
    settings_merge_key_by_key_and_hold_no_secret,
    path_variables_of_an_oauth_connection_come_with_the_settings,
    a_selection_is_checked_and_completed,
);

async fn settings_merge_key_by_key_and_hold_no_secret(world: &World) {
    let name = connection(world, "postcards").await;
    let lookup = Lookup::of(&name, "ada");
    let object = |value: Value| Some(value.as_object().unwrap().clone());
    let first =
        CreateAccount { api_config: object(json!({"version": "v2", "a": 1})), ..new(&name, "ada", tokens()) };
    let made = make(world, first).await;
    let shown = Value::Object(made.api_config);
    assert_eq!(
        shown,
        json!({"version": "v2", "a": 1, "domain": null, "custom_headers": null,
        "custom_auth_header": null, "api_endpoint": null})
    );
    let update = async |config: Value| {
        let patch = UpdateAccount { api_config: object(config), ..UpdateAccount::default() };
        accounts::update(&world.app, &world.caller, &lookup, patch).await
    };
    let now = update(json!({"a": null, "domain": "d"})).await.unwrap();
    assert_eq!((&now.api_config["version"], &now.api_config["domain"]), (&json!("v2"), &json!("d")));
    assert!(!now.api_config.contains_key("a"));
    assert_eq!(now.generation, made.generation);
    assert_eq!(fields(update(json!({"access_token": "x"})).await), ["api_config.access_token"]);
    assert_eq!(fields(update(json!({"a": "x".repeat(20_000)})).await), ["api_config"]);
}

async fn path_variables_of_an_oauth_connection_come_with_the_settings(world: &World) {
    let object = |value: Value| Some(value.as_object().unwrap().clone());
    let acme = CreateConnection {
        connector: "acme".to_owned(),
        client_id: Some("id_1".to_owned()),
        secrets: secrets(&[("client_secret", "sec_1")]),
        ..CreateConnection::default()
    };
    let acme = connections::create(&world.app, &world.caller, acme).await.unwrap().name;
    let variables = json!({"path_variables": {"subdomain": "https://one.acme.example/x", "other": "y"}});
    let waiting = CreateAccount { api_config: object(variables), ..new(&acme, "ada", Credentials::None) };
    let waiting = make(world, waiting).await;
    assert_eq!((waiting.status, waiting.fields["subdomain"].as_str()), (AccountStatus::PendingAuth, "one"));
    let evil = object(json!({"subdomain": "evil.example/"}));
    let evil = CreateAccount { api_config: evil, ..new(&acme, "eve", Credentials::None) };
    assert_eq!(fields(accounts::create(&world.app, &world.caller, evil).await), ["subdomain"]);
}

async fn a_selection_is_checked_and_completed(world: &World) {
    let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let scopes = ScopeSettings {
        scopes: list(&["postcards.read", "postcards.write"]),
        selectable: true,
        ..Default::default()
    };
    let free = CreateConnection { scopes: Some(scopes), ..postcards() };
    let free = connections::create(&world.app, &world.caller, free).await.unwrap().name;
    let fixed = connection(world, "postcards").await;
    let choose = |connection: &str, user: &str, names: &[&str]| CreateAccount {
        scope_selection: Some(ScopeSelection { scopes: list(names), optional_scopes: Vec::new() }),
        ..new(connection, user, Credentials::None)
    };
    let made = make(world, choose(&free, "ada", &["postcards.write"])).await;
    assert_eq!(made.wanted_scopes, ["profile.read", "postcards.write"]);
    assert_eq!(make(world, choose(&free, "ben", &[])).await.wanted_scopes, ["profile.read"]);
    let unknown = accounts::create(&world.app, &world.caller, choose(&free, "cy", &["admin"])).await;
    assert_eq!(code(unknown), Code::InvalidScopeSelection);
    let none = accounts::create(&world.app, &world.caller, choose(&fixed, "cy", &["postcards.read"])).await;
    assert_eq!(code(none), Code::InvalidScopeSelection);
    // an update without a selection keeps the saved one
    let lookup = Lookup::of(&free, "ada");
    let kept = accounts::update(&world.app, &world.caller, &lookup, UpdateAccount::default()).await.unwrap();
    assert_eq!(kept.wanted_scopes, made.wanted_scopes);
}
