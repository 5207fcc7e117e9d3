//! Definitions before they are saved, on both databases: looked at, reviewed, copied, and saved in versions.

use keybearer_app::providers::{self, CreateProvider, ProviderKind, UpdateProvider, update};
use keybearer_app::{Caller, Permission};
use keybearer_core::Code;
use serde_json::{Value, json};

use crate::accounts::{details, make, new};
use crate::harness::{World, code, on_both};
use crate::providers::{BASE, connected_to, custom, listed, made};

on_both!(
    a_stale_save_is_refused_and_changes_nothing,
    how_much_each_connector_is_used_is_counted_for_its_environment,
    a_review_tells_what_a_change_means_and_changes_nothing,
    a_definition_is_looked_at_without_being_stored,
    a_copy_of_a_catalogue_connector_is_one_that_can_be_made,
);

/// What replaces a connector.
fn replacement(described: CreateProvider, expected_version: Option<i64>) -> UpdateProvider {
    UpdateProvider {
        display_name: described.display_name,
        description: described.description,
        auth_patterns: Some(described.auth_patterns),
        proxy_url: described.proxy_url,
        proxy_enabled: described.proxy_enabled,
        icon_src: described.icon_src,
        metadata: described.metadata,
        expected_version,
    }
}

async fn a_stale_save_is_refused_and_changes_nothing(world: &World) {
    let own = made(world, BASE, json!([{"type": "API_KEY"}])).await;
    assert_eq!(own.version, 1);
    let described = |name: &str| CreateProvider { display_name: name.to_owned(), ..own.described() };
    let save = |name: &str, version: i64| {
        update(&world.app, &world.caller, &own.identifier, replacement(described(name), Some(version)))
    };
    assert_eq!(custom(save("First", 1).await.unwrap()).version, 2);
    assert_eq!(code(save("Second", 1).await), Code::FailedPrecondition);
    let now = custom(providers::get(&world.app, &world.caller, &own.identifier).await.unwrap());
    assert_eq!((now.display_name.as_str(), now.version), ("First", 2));
    save("Second", 2).await.unwrap();
}

async fn how_much_each_connector_is_used_is_counted_for_its_environment(world: &World) {
    let pattern = json!([{"type": "API_KEY"}]);
    let (one, other) = (made(world, BASE, pattern.clone()).await, made(world, BASE, pattern).await);
    let connection = connected_to(world, &one.identifier).await;
    connected_to(world, &one.identifier).await;
    for user in ["u-1", "u-2"] {
        make(world, new(&connection, user, details(json!({"api_key": "k"})))).await;
    }
    let tally = providers::tally(&world.app, &world.caller).await.unwrap();
    assert_eq!(tally.get(&one.identifier), Some(&(2, 2)));
    assert_eq!(tally.get(&other.identifier), None);
    assert!(providers::tally(&world.app, &world.stranger).await.unwrap().is_empty());
    let uses = providers::uses(&world.app, &world.caller, &one.identifier).await.unwrap();
    assert_eq!(uses.iter().map(|used| used.accounts).collect::<Vec<_>>(), [2, 0]);
    assert_eq!(
        code(providers::uses(&world.app, &world.stranger, &one.identifier).await),
        Code::ConnectorNotFound
    );
}

async fn a_review_tells_what_a_change_means_and_changes_nothing(world: &World) {
    let oauth = |host: &str, scopes: Value| {
        json!([{"type": "OAUTH", "oauth_config": {"authorize_uri": format!("https://{host}/a"),
            "token_uri": format!("https://{host}/t"), "available_scopes": scopes}}])
    };
    let before = oauth("id.acme.example", json!([{"scope": "read"}, {"scope": "gone"}]));
    let own = made(world, BASE, before).await;
    connected_to(world, &own.identifier).await;
    let mut described = own.described();
    described.auth_patterns =
        oauth("id.evil.example", json!([{"scope": "read"}, {"scope": "new", "required": true}]));
    described.auth_patterns[0]["account_fields"] = json!([{"field_name": "site", "required": true}]);
    described.proxy_enabled = false;
    let review = |caller: Caller, described: CreateProvider| {
        let id = own.identifier.clone();
        async move { providers::review(&world.app, &caller, &id, &described).await }
    };
    let change = review(world.caller.clone(), described.clone()).await.unwrap();
    assert_eq!(change.uses.len(), 1);
    assert_eq!(change.new_hosts, ["https://id.evil.example"]);
    assert_eq!(change.gone_hosts, ["https://id.acme.example"]);
    assert_eq!(
        (change.gone_scopes, change.required_scopes),
        (vec!["gone".to_owned()], vec!["new".to_owned()])
    );
    assert_eq!(change.new_fields, ["site"]);
    assert!(change.stops_calls && !change.forbidden && change.lost.is_empty());
    let writer = world.with_permissions(&[Permission::ConnectorsRead, Permission::ConnectorsWrite]);
    assert!(review(writer, described.clone()).await.unwrap().forbidden);
    let reader = world.with_permissions(&[Permission::ConnectorsRead]);
    assert_eq!(code(review(reader, described.clone()).await), Code::PermissionDenied);
    described.auth_patterns = json!([{"type": "BEARER"}]);
    assert_eq!(review(world.caller.clone(), described).await.unwrap().lost, ["OAUTH"]);
    let now = custom(providers::get(&world.app, &world.caller, &own.identifier).await.unwrap());
    assert_eq!(now.version, 1);
}

async fn a_definition_is_looked_at_without_being_stored(world: &World) {
    let object = json!({"display_name": "A", "proxy_url": BASE, "typo": 1,
        "auth_patterns": [{"type": "OAUTH", "oauth_config": {"authorize_uri": "https://a.example/a"}}]});
    let (described, read) = providers::parse(&object.to_string()).unwrap();
    let found = providers::examine(&world.app, &world.caller, &described, &read).unwrap();
    assert!(found.connector.is_none());
    assert_eq!(found.wrong[0].field, "auth_patterns[0].oauth_config.token_uri");
    assert!(found.advice.iter().any(|one| one.field == "typo"));
    let mut good = object.clone();
    good["auth_patterns"][0]["oauth_config"] = json!({"authorize_uri": "https://a.example/a",
        "token_uri": "https://a.example/t", "revocation_uri": "https://a.example/r",
        "client_authentication": "client_secret_basic", "scope_separator": ",",
        "authorize_params": {"access_type": "offline"}, "available_scopes": [{"scope": "s"}]});
    good["auth_patterns"][0]["setup_steps"] = json!(["Do this."]);
    good["auth_patterns"][0]["redirect_rules"] =
        json!({"https": "required", "match": "exact", "max_len": 200});
    let (described, read) = providers::parse(&good.to_string()).unwrap();
    let found = providers::examine(&world.app, &world.caller, &described, &read).unwrap();
    let connector = found.connector.unwrap();
    let method = serde_json::to_value(&connector.auth[0]).unwrap();
    assert_eq!(method["revoke"]["url"], "https://a.example/r");
    assert_eq!(method["token_auth_method"], "client_secret_basic");
    assert_eq!(method["authorize_params"]["access_type"], "offline");
    assert_eq!((&method["scope_separator"], &method["setup"]["steps"][0]), (&json!(","), &json!("Do this.")));
    assert_eq!(method["redirect_rules"]["max_len"], 200);
    assert!(listed(world, &world.caller, ProviderKind::Custom).await.is_empty());
    // the client secret goes to the revocation endpoint too: a user cannot choose its host
    good["auth_patterns"][0]["oauth_config"]["revocation_uri"] = json!("https://{{host}}/r");
    let (described, read) = providers::parse(&good.to_string()).unwrap();
    let found = providers::examine(&world.app, &world.caller, &described, &read).unwrap();
    assert_eq!(found.wrong[0].field, "auth_patterns[0].oauth_config.revocation_uri");
    for (key, value) in
        [("redirect_uri", "https://evil.example"), ("state", "x"), ("a b", "x"), ("empty", "")]
    {
        let mut bad = good.clone();
        bad["auth_patterns"][0]["oauth_config"]["revocation_uri"] = json!("https://a.example/r");
        bad["auth_patterns"][0]["oauth_config"]["authorize_params"] = json!({key: value});
        let (described, read) = providers::parse(&bad.to_string()).unwrap();
        assert_eq!(
            providers::examine(&world.app, &world.caller, &described, &read).unwrap().wrong.len(),
            1,
            "{key}"
        );
    }
}

async fn a_copy_of_a_catalogue_connector_is_one_that_can_be_made(world: &World) {
    let mut whole = 0;
    let slugs: Vec<String> =
        keybearer_app::connectors::Catalog::embedded().iter().map(|one| one.slug.clone()).collect();
    for slug in &slugs {
        let draft = providers::draft_of(&world.app, &world.caller, slug).await.unwrap();
        let object = providers::keys(&draft.described);
        let found = providers::examine(&world.app, &world.caller, &draft.described, &object).unwrap();
        // what a file cannot say is named, whenever the copy is not one that works
        assert!(found.connector.is_some() || !draft.left_out.is_empty(), "{slug}: {:?}", found.wrong);
        whole += usize::from(found.connector.is_some());
    }
    assert!(whole * 2 > slugs.len(), "only {whole} of {} can be copied", slugs.len());
}
