//! Connectors that an environment makes, on both databases: what is kept, who sees it, and what may change.

use http::{HeaderMap, Method};
use http_body_util::BodyExt as _;
use keybearer_app::accounts::{self, Credentials, Lookup, UpdateAccount};
use keybearer_app::connections::{self, CreateConnection};
use keybearer_app::providers::{
    self, CreateProvider, CustomProvider, Provider, ProviderKind, UpdateProvider, create, delete, list,
    update,
};
use keybearer_app::proxy::{self, ProxyCall};
use keybearer_app::{Caller, PageAsk, Permission};
use keybearer_core::{AccountStatus, AuthType, Code, Result};
use keybearer_egress::empty_body;
use serde_json::{Value, json};

use crate::accounts::{auth, details, make, new};
use crate::harness::{World, code, fields, on_both, texts, tick};

on_both!(
    patterns_are_kept_as_they_were_given,
    what_is_wrong_is_told_and_nothing_is_stored,
    another_environment_sees_and_reaches_nothing,
    an_update_replaces_what_is_given_and_keeps_patterns_that_are_not,
    a_pattern_that_a_connection_uses_must_stay,
    credentials_are_not_sent_to_a_new_host_by_somebody_who_may_not_read_them,
    a_stored_secret_is_not_moved_to_another_host_by_somebody_who_may_not_read_it,
    a_connector_in_use_is_not_deleted,
    the_list_has_both_kinds_in_pages,
    calls_carry_what_the_patterns_say,
    a_proxy_that_is_off_and_an_mcp_server_are_not_called,
    the_catalogue_is_not_changed_over_the_api,
);

pub fn provider(proxy_url: &str, patterns: Value) -> CreateProvider {
    CreateProvider {
        display_name: "My CRM".to_owned(),
        description: "Things of ours.".to_owned(),
        auth_patterns: patterns,
        proxy_url: proxy_url.to_owned(),
        proxy_enabled: true,
        icon_src: "https://acme.example/icon.png".to_owned(),
        metadata: texts(&[("team", "sales")]),
    }
}

pub fn custom(provider: Provider) -> CustomProvider {
    match provider {
        Provider::Custom(custom) => *custom,
        Provider::Catalogue(connector) => panic!("{} is of the catalogue", connector.slug),
    }
}

pub async fn made(world: &World, proxy_url: &str, patterns: Value) -> CustomProvider {
    tick(world);
    custom(create(&world.app, &world.caller, provider(proxy_url, patterns)).await.unwrap())
}

/// A connection of a connector.
pub async fn connected_to(world: &World, identifier: &str) -> String {
    let new = CreateConnection { connector: identifier.to_owned(), ..CreateConnection::default() };
    connections::create(&world.app, &world.caller, new).await.unwrap().name
}

pub async fn listed(world: &World, caller: &Caller, kind: ProviderKind) -> Vec<String> {
    let page = list(&world.app, caller, kind, None, &PageAsk::default()).await.unwrap();
    assert_eq!(page.total, i64::try_from(page.items.len()).unwrap());
    page.items.iter().map(name).collect()
}

fn name(provider: &Provider) -> String {
    match provider {
        Provider::Catalogue(connector) => connector.slug.clone(),
        Provider::Custom(custom) => custom.identifier.clone(),
    }
}

pub const BASE: &str = "https://api.acme.example/v1";

async fn patterns_are_kept_as_they_were_given(world: &World) {
    let patterns = json!([{
        "type": "API_KEY", "display_name": "Key", "x_future": {"deep": [1, null, {"a": true}]}, "oauth_config": null,
        "fields": [{"field_name": "api_key", "label": "Key", "input_type": "hologram", "zoom": 2, "required": true}],
    }]);
    let made = made(world, BASE, patterns.clone()).await;
    assert!(made.identifier.starts_with("MY_CRM:") && made.id.starts_with("prov_"), "{made:?}");
    assert!(made.identifier.split(':').next_back().unwrap().bytes().all(|byte| byte.is_ascii_digit()));
    let read =
        providers::get(&world.app, &world.caller, &made.identifier.to_ascii_lowercase()).await.unwrap();
    let read = custom(read);
    assert_eq!(read, made);
    assert_eq!((read.auth_patterns, read.metadata), (patterns, texts(&[("team", "sales")])));
    assert_eq!(world.audited(&made.id, "provider.created").await, 1);
}

async fn what_is_wrong_is_told_and_nothing_is_stored(world: &World) {
    let bad = CreateProvider {
        display_name: "My-CRM".to_owned(),
        description: String::new(),
        auth_patterns: json!([{"type": "SOMETHING"}]),
        proxy_url: "https://10.0.0.1/".to_owned(),
        proxy_enabled: false,
        icon_src: "http://acme.example/i.png".to_owned(),
        metadata: texts(&[("a", "")]),
    };
    let wrong = fields(create(&world.app, &world.caller, bad).await);
    assert_eq!(wrong, ["display_name", "icon_src", "metadata", "auth_patterns[0].type"]);
    for address in [
        "https://10.0.0.1/",
        "https://169.254.169.254/",
        "http://api.acme.example/",
        "https://[::ffff:10.0.0.1]/",
    ] {
        let new = provider(address, json!([{"type": "NO_AUTH"}]));
        assert_eq!(fields(create(&world.app, &world.caller, new).await), ["proxy_url"], "{address}");
    }
    let long = json!([{"type": "NO_AUTH", "x": "y".repeat(70_000)}]);
    assert_eq!(fields(create(&world.app, &world.caller, provider(BASE, long)).await), ["auth_patterns"]);
    assert_eq!(listed(world, &world.caller, ProviderKind::Custom).await, Vec::<String>::new());
    let reader = world.with_permissions(&[Permission::ConnectorsRead]);
    let refused = create(&world.app, &reader, provider(BASE, json!([{"type": "NO_AUTH"}]))).await;
    assert_eq!(code(refused), Code::PermissionDenied);
}

async fn another_environment_sees_and_reaches_nothing(world: &World) {
    let own = made(world, BASE, json!([{"type": "NO_AUTH"}])).await;
    let (app, stranger) = (&world.app, &world.stranger);
    assert_eq!(listed(world, stranger, ProviderKind::Custom).await, Vec::<String>::new());
    assert!(!listed(world, stranger, ProviderKind::All).await.contains(&own.identifier));
    let unknown = "NOBODY:1";
    for identifier in [own.identifier.as_str(), unknown] {
        let found =
            list(app, stranger, ProviderKind::All, Some(identifier), &PageAsk::default()).await.unwrap();
        assert_eq!((found.items.len(), found.total), (0, 0));
        assert_eq!(code(providers::get(app, stranger, identifier).await), Code::ConnectorNotFound);
        assert_eq!(code(delete(app, stranger, identifier).await), Code::ConnectorNotFound);
        let new = UpdateProvider { display_name: "X".to_owned(), ..UpdateProvider::default() };
        assert_eq!(code(update(app, stranger, identifier, new).await), Code::ConnectorNotFound);
        let new = CreateConnection { connector: identifier.to_owned(), ..CreateConnection::default() };
        assert_eq!(code(connections::create(app, stranger, new).await), Code::ConnectorNotFound);
        assert_eq!(code(connections::form(app, stranger, identifier, None).await), Code::ConnectorNotFound);
    }
    assert_eq!(custom(providers::get(app, &world.caller, &own.identifier).await.unwrap()), own);
}

async fn an_update_replaces_what_is_given_and_keeps_patterns_that_are_not(world: &World) {
    let own = made(world, BASE, json!([{"type": "BEARER"}])).await;
    tick(world);
    let rename = UpdateProvider { display_name: "Other".to_owned(), ..UpdateProvider::default() };
    let changed = custom(update(&world.app, &world.caller, &own.identifier, rename).await.unwrap());
    let expected = CustomProvider {
        display_name: "Other".to_owned(),
        description: String::new(),
        icon_src: String::new(),
        metadata: texts(&[]),
        version: 2,
        updated_at: changed.updated_at,
        ..own.clone()
    };
    assert_eq!(changed, expected);
    assert!(changed.proxy_enabled && changed.updated_at > own.updated_at);
    let patterns = json!([{"type": "API_KEY"}]);
    let replace = UpdateProvider {
        display_name: "Other".to_owned(),
        auth_patterns: Some(patterns.clone()),
        proxy_url: "https://api.acme.example/v2".to_owned(),
        ..UpdateProvider::default()
    };
    let changed = custom(update(&world.app, &world.caller, &own.identifier, replace).await.unwrap());
    assert_eq!((changed.auth_patterns, changed.proxy_enabled), (patterns, false));
    assert_eq!(changed.proxy_url, "https://api.acme.example/v2");
    let wrong = UpdateProvider {
        display_name: "Other".to_owned(),
        auth_patterns: Some(json!([])),
        ..UpdateProvider::default()
    };
    assert_eq!(fields(update(&world.app, &world.caller, &own.identifier, wrong).await), ["auth_patterns"]);
    assert_eq!(world.audited(&own.id, "provider.updated").await, 2);
}

async fn a_pattern_that_a_connection_uses_must_stay(world: &World) {
    let own = made(world, BASE, json!([{"type": "BEARER"}, {"type": "BASIC"}])).await;
    connected_to(world, &own.identifier).await;
    let with = |patterns: Value| UpdateProvider {
        display_name: "My CRM".to_owned(),
        auth_patterns: Some(patterns),
        ..UpdateProvider::default()
    };
    let refused = update(&world.app, &world.caller, &own.identifier, with(json!([{"type": "BASIC"}]))).await;
    let error = refused.unwrap_err();
    assert_eq!(error.code, Code::FailedPrecondition);
    assert!(error.detail.contains("BEARER"), "{error}");
    update(&world.app, &world.caller, &own.identifier, with(json!([{"type": "BEARER"}]))).await.unwrap();
}

async fn credentials_are_not_sent_to_a_new_host_by_somebody_who_may_not_read_them(world: &World) {
    let own = made(world, BASE, json!([{"type": "BEARER"}])).await;
    let writer = world.with_permissions(&[Permission::ConnectorsRead, Permission::ConnectorsWrite]);
    let to = |proxy_url: &str, patterns: Value| UpdateProvider {
        display_name: "My CRM".to_owned(),
        auth_patterns: Some(patterns),
        proxy_url: proxy_url.to_owned(),
        proxy_enabled: true,
        ..UpdateProvider::default()
    };
    let bearer = || json!([{"type": "BEARER"}]);
    // nobody uses it: it may go anywhere
    update(&world.app, &writer, &own.identifier, to("https://old.acme.example/v1", bearer())).await.unwrap();
    connected_to(world, &own.identifier).await;
    for (url, patterns) in [
        ("https://evil.example/v1", bearer()),
        ("https://old.acme.example:8443/v1", bearer()),
        ("https://{{domain}}/v1", bearer()),
        ("https://{{domain}}.acme.example/v1", bearer()),
    ] {
        let refused = update(&world.app, &writer, &own.identifier, to(url, patterns)).await;
        assert_eq!(code(refused), Code::PermissionDenied, "{url}");
    }
    // a secret that is called a part of the address would be shown
    let shown = json!([{"type": "BEARER", "fields": [{"field_name": "token", "is_path_param": true}, {"field_name": "other"}]}]);
    let refused =
        update(&world.app, &writer, &own.identifier, to("https://old.acme.example/v1", shown)).await;
    assert_eq!(code(refused), Code::PermissionDenied);
    // another path of the same host is no other place
    update(&world.app, &writer, &own.identifier, to("https://old.acme.example/v2", bearer())).await.unwrap();
    update(&world.app, &world.caller, &own.identifier, to("https://new.acme.example/v1", bearer()))
        .await
        .unwrap();
}

async fn a_stored_secret_is_not_moved_to_another_host_by_somebody_who_may_not_read_it(world: &World) {
    let own = made(world, "https://{{domain}}/v1", json!([{"type": "BEARER"}])).await;
    let connection = connected_to(world, &own.identifier).await;
    let account =
        make(world, new(&connection, "u-1", details(json!({"token": "t", "domain": "a.example"})))).await;
    let writer = world.with_permissions(&[Permission::AccountsRead, Permission::AccountsWrite]);
    let lookup = Lookup::id(account.id.as_str());
    let patch = |credentials: Credentials| UpdateAccount { credentials, ..UpdateAccount::default() };
    let moved =
        accounts::update(&world.app, &writer, &lookup, patch(details(json!({"domain": "evil.example"}))))
            .await;
    assert_eq!(code(moved), Code::PermissionDenied);
    let api_config = json!({"domain": "evil.example"}).as_object().cloned();
    let moved = accounts::update(
        &world.app,
        &writer,
        &lookup,
        UpdateAccount { api_config, ..UpdateAccount::default() },
    )
    .await;
    assert_eq!(code(moved), Code::PermissionDenied);
    // with the secret given anew there is nothing to steal
    let whole = patch(details(json!({"token": "t-2", "domain": "b.example"})));
    accounts::update(&world.app, &writer, &lookup, whole).await.unwrap();
}

async fn a_connector_in_use_is_not_deleted(world: &World) {
    let own = made(world, BASE, json!([{"type": "NO_AUTH"}])).await;
    let connection = connected_to(world, &own.identifier).await;
    assert_eq!(connection, "my_crm");
    let account = make(world, new(&connection, "u-1", Credentials::None)).await;
    assert_eq!((account.status, account.auth_type), (AccountStatus::Active, AuthType::NoAuth));
    assert_eq!(
        (account.provider.as_str(), account.connector.as_str()),
        (own.identifier.as_str(), own.identifier.as_str())
    );
    let refused = delete(&world.app, &world.caller, &own.identifier).await.unwrap_err();
    assert_eq!(refused.code, Code::FailedPrecondition);
    assert!(refused.detail.contains("my_crm") && refused.detail.contains("1 accounts"), "{refused}");
    connections::delete(&world.app, &world.caller, &connection, Some(1), true).await.unwrap();
    delete(&world.app, &world.caller, &own.identifier).await.unwrap();
    assert_eq!(code(delete(&world.app, &world.caller, &own.identifier).await), Code::ConnectorNotFound);
    let new = CreateConnection { connector: own.identifier.clone(), ..CreateConnection::default() };
    assert_eq!(code(connections::create(&world.app, &world.caller, new).await), Code::ConnectorNotFound);
    assert_eq!(world.audited(&own.id, "provider.deleted").await, 1);
}

async fn the_list_has_both_kinds_in_pages(world: &World) {
    let mut own = Vec::new();
    for _ in 0..5 {
        own.push(made(world, BASE, json!([{"type": "NO_AUTH"}])).await.identifier);
    }
    own.reverse();
    let catalogue: Vec<String> = world.app.catalog().iter().map(|connector| connector.slug.clone()).collect();
    assert_eq!(listed(world, &world.caller, ProviderKind::Custom).await, own);
    assert_eq!(listed(world, &world.caller, ProviderKind::Default).await, catalogue);
    let all: Vec<String> = own.iter().chain(&catalogue).cloned().collect();
    assert_eq!(listed(world, &world.caller, ProviderKind::All).await, all);
    for (kind, expected) in
        [(ProviderKind::All, &all), (ProviderKind::Custom, &own), (ProviderKind::Default, &catalogue)]
    {
        for size in [1, 2, 3, 5, 7] {
            assert_eq!(&walked(world, kind, size).await, expected, "{kind:?} in pages of {size}");
        }
    }
    let ask = PageAsk { size: 2, token: "x".repeat(32) };
    assert_eq!(fields(list(&world.app, &world.caller, ProviderKind::All, None, &ask).await), ["page_token"]);
    let one = |kind, identifier: String| async move {
        let found =
            list(&world.app, &world.caller, kind, Some(&identifier), &PageAsk::default()).await.unwrap();
        found.items.iter().map(name).collect::<Vec<_>>()
    };
    assert_eq!(one(ProviderKind::All, own[0].clone()).await, [own[0].clone()]);
    assert_eq!(one(ProviderKind::Custom, own[0].to_ascii_lowercase()).await, [own[0].clone()]);
    assert_eq!(one(ProviderKind::Default, own[0].clone()).await, Vec::<String>::new());
    assert_eq!(one(ProviderKind::Default, "POSTCARDS".to_owned()).await, ["postcards"]);
    assert_eq!(one(ProviderKind::Custom, "POSTCARDS".to_owned()).await, Vec::<String>::new());
}

/// All entries, walking through the pages forward, after checking that the way back gives the same.
async fn walked(world: &World, kind: ProviderKind, size: u32) -> Vec<String> {
    let mut pages: Vec<Vec<String>> = Vec::new();
    let mut ask = PageAsk { size, token: String::new() };
    let mut back = None;
    loop {
        let page = list(&world.app, &world.caller, kind, None, &ask).await.unwrap();
        assert_eq!(page.previous.is_some(), !pages.is_empty(), "{kind:?} {size}: page {}", pages.len());
        pages.push(page.items.iter().map(name).collect());
        back = page.previous.or(back);
        match page.next {
            Some(token) => ask.token = token,
            None => break,
        }
    }
    let mut index = pages.len() - 1;
    while let Some(token) = back.take() {
        index -= 1;
        let page = list(&world.app, &world.caller, kind, None, &PageAsk { size, token }).await.unwrap();
        assert_eq!(
            page.items.iter().map(name).collect::<Vec<_>>(),
            pages[index],
            "{kind:?} {size}: back at {index}"
        );
        assert!(page.next.is_some());
        back = page.previous;
    }
    assert_eq!(index, 0);
    pages.concat()
}

pub async fn call(world: &World, connection: &str, path: &str) -> Result<u16> {
    let call = ProxyCall {
        connection: connection.to_owned(),
        identifier: "u-1".to_owned(),
        method: Method::GET,
        path_and_query: path.to_owned(),
        headers: HeaderMap::from_iter([
            (http::header::AUTHORIZATION, "stolen".parse().unwrap()),
            ("x-acme-auth".parse().unwrap(), "stolen".parse().unwrap()),
            ("dd-api-key".parse().unwrap(), "stolen".parse().unwrap()),
        ]),
        body: empty_body(),
    };
    let answer = proxy::call(&world.app, &world.caller, call).await?;
    let status = answer.status().as_u16();
    answer.into_body().collect().await.unwrap();
    Ok(status)
}

async fn calls_carry_what_the_patterns_say(world: &World) {
    let url = format!("{}/{{{{tenant}}}}", world.provider.url);
    let tenant = json!({"field_name": "tenant", "is_path_param": true, "required": true});
    let cases = [
        (
            json!({"type": "BASIC", "fields": [{"field_name": "username"}, {"field_name": "password"}, tenant]}),
            json!({"username": "ada", "password": "p", "path_variables": {"tenant": "t 1"}}),
            "authorization: Basic YWRhOnA=",
        ),
        (json!({"type": "BEARER"}), json!({"token": "tok", "tenant": "t 1"}), "authorization: Bearer tok"),
        (json!({"type": "API_KEY"}), json!({"api_key": "key", "tenant": "t 1"}), "authorization: key"),
        (
            json!({"type": "API_KEY", "auth_header_key_override": "X-Acme-Auth"}),
            json!({"api_key": "key", "tenant": "t 1"}),
            "x-acme-auth: key",
        ),
        (
            json!({"type": "BEARER", "auth_header_key_override": "X-Acme-Auth", "auth_field_mutations": {"token": {"prefix": "p-", "suffix": "-s"}}}),
            json!({"token": "tok", "tenant": "t 1"}),
            "x-acme-auth: Bearer p-tok-s",
        ),
        (
            json!({"type": "API_KEY", "fields": [{"field_name": "a", "header_name": "DD-API-KEY"}, {"field_name": "b", "header_name": "DD-APP"}]}),
            json!({"a": "one", "b": "two", "tenant": "t 1"}),
            "dd-api-key: one",
        ),
        (json!({"type": "NO_AUTH", "fields": [tenant]}), json!({"tenant": "t 1"}), ""),
    ];
    for (pattern, given, header) in cases {
        let own = made(world, &url, json!([pattern])).await;
        let connection = connected_to(world, &own.identifier).await;
        let account = make(world, new(&connection, "u-1", details(given.clone()))).await;
        assert_eq!(account.status, AccountStatus::Active, "{pattern}");
        assert_eq!(call(world, &connection, "/things").await.unwrap(), 200, "{pattern}");
        let seen = world.provider.received().pop().unwrap().to_ascii_lowercase();
        assert!(seen.starts_with("get /t%201/things "), "{seen}");
        assert!(seen.contains(&header.to_ascii_lowercase()), "{pattern}: {seen}");
        assert_eq!(
            seen.matches("authorization:").count(),
            header.matches("authorization:").count(),
            "{seen}"
        );
        let own = header.split(':').next().unwrap();
        assert!(own.is_empty() || !seen.contains(&format!("{own}: stolen")), "{pattern}: {seen}");
        match auth(world, &Lookup::of(&connection, "u-1")).await {
            accounts::Revealed::Static { details } => {
                let read: Value = serde_json::from_str(details.expose()).unwrap();
                assert_eq!(read, given);
            }
            other => panic!("{other:?}"),
        }
    }
}

async fn a_proxy_that_is_off_and_an_mcp_server_are_not_called(world: &World) {
    let url = world.provider.url.clone();
    let off = CreateProvider { proxy_enabled: false, ..provider(&url, json!([{"type": "NO_AUTH"}])) };
    let off = custom(create(&world.app, &world.caller, off).await.unwrap());
    let mcp = made(world, &url, json!([{"type": "BEARER", "is_mcp": true}])).await;
    assert!(mcp.is_mcp && !off.is_mcp);
    for (identifier, given) in
        [(&off.identifier, Credentials::None), (&mcp.identifier, details(json!({"token": "t"})))]
    {
        let connection = connected_to(world, identifier).await;
        make(world, new(&connection, "u-1", given)).await;
        assert_eq!(code(call(world, &connection, "/things").await), Code::ProxyDisabled);
    }
    assert!(world.provider.received().is_empty());
    // switched on again, the next call goes through: nothing old is remembered
    let on = UpdateProvider {
        display_name: "My CRM".to_owned(),
        auth_patterns: Some(json!([{"type": "NO_AUTH"}])),
        proxy_enabled: true,
        ..UpdateProvider::default()
    };
    update(&world.app, &world.caller, &off.identifier, on).await.unwrap();
    assert_eq!(call(world, "my_crm", "/things").await.unwrap(), 200);
}

async fn the_catalogue_is_not_changed_over_the_api(world: &World) {
    let error = providers::change_catalogue(&world.caller);
    assert_eq!(error.code, Code::FailedPrecondition);
    assert!(error.to_string().contains("catalogue"), "{error}");
    let reader = world.with_permissions(&[Permission::ConnectorsRead]);
    assert_eq!(providers::change_catalogue(&reader).code, Code::PermissionDenied);
}
