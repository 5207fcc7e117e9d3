use keybearer_app::accounts::{self, CreateAccount, Lookup};
use keybearer_app::connections::{
    self, Connection, ConnectionQuery, CreateConnection, NameRules, ScopeSettings, SetCredentials, UpdateConnection,
};
use keybearer_app::connectors::Bindings;
use keybearer_app::{PageAsk, Permission};
use keybearer_core::{Code, ConnectionState, CredentialSource};
use serde_json::json;

use crate::harness::{World, code, fields, on_both, secrets, texts, tick};


on_both!(
    a_complete_connection_is_in_use_at_once_and_its_redirect_uri_is_final,
    a_connection_without_name_is_called_like_its_connector,
    a_taken_name_is_refused_with_a_free_one,
    a_draft_says_what_is_missing_and_is_activated_when_it_is_complete,
    values_that_are_wrong_are_named_field_by_field,
    odd_values_are_warnings,
    only_legal_transitions_happen,
    a_write_over_another_version_is_refused,
    the_name_is_locked_once_there_is_an_account,
    a_new_secret_for_the_same_client_leaves_every_account_where_it_is,
    a_new_client_leaves_accounts_on_the_old_one,
    shared_credentials_need_the_operators_app_and_exclude_what_decides_the_host,
    deleting_needs_the_number_of_accounts,
    lists_are_paged_with_tokens_that_fit_the_wire,
    a_context_becomes_fields_and_holds_no_secret,
    scope_changes_are_counted_before_they_are_made,
    another_environment_sees_nothing,
    permissions_are_asked_for,
);

pub fn postcards() -> CreateConnection {
    CreateConnection {
        connector: "postcards".to_owned(),
        client_id: Some("app-1".to_owned()),
        secrets: secrets(&[("client_secret", "s3cr3t-of-the-app-0001")]),
        ..CreateConnection::default()
    }
}

fn acme() -> CreateConnection {
    CreateConnection {
        connector: "acme".to_owned(),
        client_id: Some("id_1".to_owned()),
        secrets: secrets(&[("client_secret", "sec_0123456789abcdefghij")]),
        ..CreateConnection::default()
    }
}

async fn make(world: &World, new: CreateConnection) -> Connection {
    connections::create(&world.app, &world.caller, new).await.unwrap()
}

async fn account(world: &World, connection: &str, user: &str) {
    let tokens = accounts::OauthTokens { access_token: Some("at".into()), ..accounts::OauthTokens::default() };
    let new = CreateAccount {
        lookup: Lookup::of(connection, user),
        credentials: accounts::Credentials::Oauth(tokens),
        ..CreateAccount::default()
    };
    accounts::create(&world.app, &world.caller, new).await.unwrap();
}

async fn a_complete_connection_is_in_use_at_once_and_its_redirect_uri_is_final(world: &World) {
    let made = make(world, postcards()).await;
    assert_eq!(made.state, ConnectionState::Active);
    assert_eq!(made.redirect_uri, format!("https://keys.example/sso/v1/oauth/{}/callback", made.id));
    assert_eq!(made.client_id.as_deref(), Some("app-1"));
    assert_eq!(made.client_secret_suffix.as_deref(), Some("0001"));
    assert!(made.has_client_secret && made.missing.is_empty() && made.proxy_enabled);
    assert_eq!(made.scopes.required, ["profile.read"]);
    assert_eq!(made.scopes.scopes, ["profile.read", "postcards.read", "postcards.write"]);
    assert_eq!(made.resolved_proxy_url, Some(format!("{}/api", world.provider.url)));
    assert_eq!(connections::get(&world.app, &world.caller, made.id.as_str()).await.unwrap(), made);
    assert_eq!(connections::get_by_name(&world.app, &world.caller, "postcards").await.unwrap(), made);
    let short = CreateConnection { secrets: secrets(&[("client_secret", "short-secret")]), ..postcards() };
    assert_eq!(make(world, short).await.client_secret_suffix, None);
}

async fn a_connection_without_name_is_called_like_its_connector(world: &World) {
    let mut names = Vec::new();
    for _ in 0..3 {
        names.push(make(world, postcards()).await.name);
    }
    assert_eq!(names, ["postcards", "postcards-2", "postcards-3"]);
    let by_key = CreateConnection { connector: "GOOGLE_CALENDAR".to_owned(), ..CreateConnection::default() };
    assert_eq!(make(world, by_key).await.connector, "google-calendar");
    let unknown = CreateConnection { connector: "nowhere".to_owned(), ..CreateConnection::default() };
    assert_eq!(code(connections::create(&world.app, &world.caller, unknown).await), Code::ConnectorNotFound);
}

async fn a_taken_name_is_refused_with_a_free_one(world: &World) {
    let named = |name: &str| CreateConnection { name: Some(name.to_owned()), ..postcards() };
    make(world, named("mail")).await;
    let error = connections::create(&world.app, &world.caller, named("mail")).await.unwrap_err();
    assert_eq!(error.code, Code::ConnectionNameTaken);
    assert!(error.help.unwrap().contains("`mail-2`"));
    make(world, named("post")).await;
    let rename = UpdateConnection { name: Some("mail".to_owned()), ..UpdateConnection::default() };
    let renamed = connections::update(&world.app, &world.caller, "post", rename).await;
    assert_eq!(code(renamed), Code::ConnectionNameTaken);
    assert_eq!(fields(connections::create(&world.app, &world.caller, named("new")).await), ["name"]);
    assert_eq!(fields(connections::create(&world.app, &world.caller, named("Mail Prod")).await), ["name"]);
    let wire = CreateConnection { name_rules: NameRules::Wire, ..named("Mail Prod") };
    assert_eq!(make(world, wire).await.name, "Mail Prod");
}

async fn a_draft_says_what_is_missing_and_is_activated_when_it_is_complete(world: &World) {
    let draft = CreateConnection { connector: "postcards".to_owned(), ..CreateConnection::default() };
    let made = make(world, draft).await;
    assert_eq!((made.state, made.missing), (ConnectionState::Draft, vec!["client_id".into(), "client_secret".into()]));
    let error = connections::activate(&world.app, &world.caller, &made.name).await.unwrap_err();
    assert_eq!(error.code, Code::ConnectionIncomplete);
    assert_eq!(error.violations.len(), 2);
    // the secret may come before the id
    let secret = UpdateConnection { secrets: secrets(&[("client_secret", "abc")]), ..UpdateConnection::default() };
    connections::update(&world.app, &world.caller, &made.name, secret).await.unwrap();
    let id = UpdateConnection { client_id: Some("app".to_owned()), ..UpdateConnection::default() };
    let now = connections::update(&world.app, &world.caller, &made.name, id).await.unwrap();
    assert!(now.missing.is_empty() && now.has_client_secret);
    assert_eq!(now.redirect_uri, made.redirect_uri);
    assert_eq!(now.state, ConnectionState::Draft);
    let active = connections::activate(&world.app, &world.caller, &made.name).await.unwrap();
    assert_eq!(active.state, ConnectionState::Active);
    let clear = UpdateConnection {
        source: Some(CredentialSource::Own),
        client_id: Some("other".to_owned()),
        ..UpdateConnection::default()
    };
    let incomplete = connections::update(&world.app, &world.caller, &made.name, clear).await;
    assert_eq!(fields(incomplete), ["client_secret"]);
}

async fn values_that_are_wrong_are_named_field_by_field(world: &World) {
    let create = |new| connections::create(&world.app, &world.caller, new);
    let secret = |value: &str| CreateConnection { secrets: secrets(&[("client_secret", value)]), ..acme() };
    assert_eq!(fields(create(secret("sec_a\nb")).await), ["client_secret"]);
    assert_eq!(fields(create(secret("sec a")).await), ["client_secret"]);
    assert_eq!(fields(create(secret("id_1")).await), ["client_secret"]);
    let unknown = CreateConnection { fields: texts(&[("color", "red")]), ..acme() };
    assert_eq!(fields(create(unknown).await), ["color"]);
    let users = CreateConnection { fields: texts(&[("subdomain", "x")]), ..acme() };
    assert_eq!(fields(create(users).await), ["subdomain"]);
    let scopes = |scopes: ScopeSettings| CreateConnection { scopes: Some(scopes), ..acme() };
    let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let bad = ScopeSettings { scopes: list(&["read write"]), ..ScopeSettings::default() };
    assert_eq!(fields(create(scopes(bad)).await), ["scopes.scopes"]);
    let quoted = ScopeSettings { required: list(&["a\"b"]), ..ScopeSettings::default() };
    assert_eq!(fields(create(scopes(quoted)).await), ["scopes.required"]);
    let second = ScopeSettings { optional_scopes: list(&["x"]), ..ScopeSettings::default() };
    let one_list = CreateConnection { scopes: Some(second), ..postcards() };
    assert_eq!(fields(create(one_list).await), ["scopes.optional_scopes"]);
    for name in ["redirect_uri", "State", "user_scope", "scope"] {
        let extra = CreateConnection { extra_authorize_params: texts(&[(name, "x")]), ..acme() };
        assert_eq!(fields(create(extra).await), ["extra_authorize_params"], "{name}");
    }
    let method = CreateConnection { method: Some("oauth9".to_owned()), ..acme() };
    assert_eq!(fields(create(method).await), ["method"]);
    let long = CreateConnection { blurb_for_users: "x".repeat(141), ..acme() };
    assert_eq!(fields(create(long).await), ["blurb_for_users"]);
    assert_eq!(list_all(world).await.len(), 0);
}

async fn list_all(world: &World) -> Vec<Connection> {
    let page = PageAsk::default();
    connections::list(&world.app, &world.caller, &ConnectionQuery::default(), &page).await.unwrap().items
}

async fn odd_values_are_warnings(world: &World) {
    let swapped = CreateConnection {
        client_id: Some("sec_0123456789".to_owned()),
        secrets: secrets(&[("client_secret", "id_0123456789")]),
        scopes: Some(ScopeSettings { scopes: vec!["read".into(), "made.up".into()], ..ScopeSettings::default() }),
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

async fn only_legal_transitions_happen(world: &World) {
    let name = make(world, CreateConnection { draft: true, ..postcards() }).await.name;
    let state = async || connections::get(&world.app, &world.caller, &name).await.unwrap().state;
    assert_eq!(state().await, ConnectionState::Draft);
    assert_eq!(code(connections::pause(&world.app, &world.caller, &name).await), Code::FailedPrecondition);
    assert_eq!(code(connections::resume(&world.app, &world.caller, &name).await), Code::FailedPrecondition);
    connections::activate(&world.app, &world.caller, &name).await.unwrap();
    assert_eq!(code(connections::activate(&world.app, &world.caller, &name).await), Code::FailedPrecondition);
    assert_eq!(code(connections::resume(&world.app, &world.caller, &name).await), Code::FailedPrecondition);
    connections::pause(&world.app, &world.caller, &name).await.unwrap();
    assert_eq!(code(connections::pause(&world.app, &world.caller, &name).await), Code::FailedPrecondition);
    assert_eq!(code(connections::activate(&world.app, &world.caller, &name).await), Code::FailedPrecondition);
    assert_eq!(state().await, ConnectionState::Paused);
    connections::resume(&world.app, &world.caller, &name).await.unwrap();
    assert_eq!(state().await, ConnectionState::Active);
    let off = connections::set_proxy(&world.app, &world.caller, &name, false).await.unwrap();
    assert!(!off.proxy_enabled);
}

async fn a_write_over_another_version_is_refused(world: &World) {
    let made = make(world, postcards()).await;
    let label = |label: &str, version| UpdateConnection {
        label: Some(label.to_owned()),
        expected_version: Some(version),
        ..UpdateConnection::default()
    };
    let first = connections::update(&world.app, &world.caller, &made.name, label("one", made.version)).await.unwrap();
    assert_eq!(first.version, made.version + 1);
    let late = connections::update(&world.app, &world.caller, &made.name, label("two", made.version)).await;
    assert_eq!(code(late), Code::FailedPrecondition);
    assert_eq!(connections::get(&world.app, &world.caller, &made.name).await.unwrap().label, "one");
}

async fn the_name_is_locked_once_there_is_an_account(world: &World) {
    let rename = |name: &str| UpdateConnection { name: Some(name.to_owned()), ..UpdateConnection::default() };
    let made = make(world, postcards()).await;
    let id = made.id.as_str();
    assert_eq!(connections::update(&world.app, &world.caller, id, rename("mail")).await.unwrap().name, "mail");
    account(world, "mail", "ada").await;
    let locked = connections::update(&world.app, &world.caller, id, rename("post")).await;
    assert_eq!(code(locked), Code::FailedPrecondition);
    let label = UpdateConnection { label: Some("Post".to_owned()), ..rename("mail") };
    assert_eq!(connections::update(&world.app, &world.caller, id, label).await.unwrap().label, "Post");
}

async fn a_new_secret_for_the_same_client_leaves_every_account_where_it_is(world: &World) {
    let made = make(world, postcards()).await;
    account(world, &made.name, "ada").await;
    let secret = SetCredentials::ReplaceSecret { secrets: secrets(&[("client_secret", "another-secret-of-20-9f2c")]) };
    let set = connections::set_credentials(&world.app, &world.caller, &made.name, secret).await.unwrap();
    assert_eq!(set.on_earlier_client, 0);
    assert_eq!(set.connection.client_secret_suffix.as_deref(), Some("9f2c"));
    assert_eq!(set.connection.client_id, made.client_id);
    let nothing = SetCredentials::ReplaceSecret { secrets: Bindings::new() };
    let refused = connections::set_credentials(&world.app, &world.caller, &made.name, nothing).await;
    assert_eq!(fields(refused), ["client_secret"]);
    // an empty secret in an update keeps the stored one
    let empty = UpdateConnection { secrets: secrets(&[("client_secret", "")]), ..UpdateConnection::default() };
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
    let shared =
        SetCredentials::ReplaceClient { source: CredentialSource::Shared, client_id: None, secrets: Bindings::new() };
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

async fn deleting_needs_the_number_of_accounts(world: &World) {
    let made = make(world, postcards()).await;
    account(world, &made.name, "ada").await;
    account(world, &made.name, "ben").await;
    let delete =
        async |expected, force| connections::delete(&world.app, &world.caller, &made.name, expected, force).await;
    let error = delete(None, false).await.unwrap_err();
    assert_eq!(error.code, Code::FailedPrecondition);
    assert!(error.detail.contains("2 accounts"));
    assert_eq!(code(delete(None, true).await), Code::FailedPrecondition);
    assert_eq!(code(delete(Some(1), true).await), Code::FailedPrecondition);
    assert_eq!(code(delete(Some(2), false).await), Code::FailedPrecondition);
    assert_eq!(delete(Some(2), true).await.unwrap().accounts, 2);
    assert_eq!(code(delete(None, false).await), Code::ConnectionNotFound);
    assert!(world.provider.received().is_empty());
    let empty = make(world, postcards()).await;
    assert_eq!(connections::delete(&world.app, &world.caller, &empty.name, None, false).await.unwrap().accounts, 0);
}

async fn lists_are_paged_with_tokens_that_fit_the_wire(world: &World) {
    for _ in 0..5 {
        make(world, postcards()).await;
        tick(world);
    }
    let query = ConnectionQuery { connector: Some("POSTCARDS".to_owned()), ..ConnectionQuery::default() };
    let list = async |query: &ConnectionQuery, size, token: &str| {
        let page = PageAsk { size, token: token.to_owned() };
        connections::list(&world.app, &world.caller, query, &page).await
    };
    let names = |page: &keybearer_app::Listed<Connection>| {
        page.items.iter().map(|connection| connection.name.clone()).collect::<Vec<_>>()
    };
    let first = list(&query, 2, "").await.unwrap();
    assert_eq!((names(&first), first.total), (vec!["postcards-5".into(), "postcards-4".into()], 5));
    assert_eq!(first.previous, None);
    let token = first.next.clone().unwrap();
    assert_eq!(token.len(), 32);
    let second = list(&query, 2, &token).await.unwrap();
    assert_eq!(names(&second), ["postcards-3", "postcards-2"]);
    assert_eq!(names(&list(&query, 2, &second.previous.unwrap()).await.unwrap()), names(&first));
    let last = list(&query, 2, &second.next.unwrap()).await.unwrap();
    assert_eq!((names(&last), last.next), (vec!["postcards".to_owned()], None));

    // J04: changed, of another query, of another environment, of the wrong size
    let mut flipped = token.clone().into_bytes();
    flipped[3] ^= 1;
    let flipped = String::from_utf8(flipped).unwrap();
    for bad in [flipped.as_str(), "AAAA", "-1", &"A".repeat(32), &"A".repeat(1 << 20)] {
        assert_eq!(fields(list(&query, 2, bad).await), ["page_token"]);
    }
    assert_eq!(fields(list(&ConnectionQuery::default(), 2, &token).await), ["page_token"]);
    let page = PageAsk { size: 2, token };
    let foreign = connections::list(&world.app, &world.stranger, &query, &page).await;
    assert_eq!(fields(foreign), ["page_token"]);
    assert_eq!(fields(list(&query, 101, "").await), ["page_size"]);
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

async fn scope_changes_are_counted_before_they_are_made(world: &World) {
    let made = make(world, postcards()).await;
    let grants: [(&str, &[&str]); 3] = [
        ("ada", &["profile.read", "postcards.read", "postcards.write"]),
        ("ben", &["profile.read", "postcards.read"]),
        ("cy", &[]),
    ];
    for (user, scopes) in grants {
        let tokens = accounts::OauthTokens {
            access_token: Some("at".into()),
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            ..accounts::OauthTokens::default()
        };
        let new = CreateAccount {
            lookup: Lookup::of(&made.name, user),
            credentials: accounts::Credentials::Oauth(tokens),
            ..CreateAccount::default()
        };
        accounts::create(&world.app, &world.caller, new).await.unwrap();
    }
    let wanted = ScopeSettings {
        scopes: vec!["postcards.read".to_owned(), "postcards.delete".to_owned()],
        ..ScopeSettings::default()
    };
    let impact = connections::scope_impact(&world.app, &world.caller, &made.name, &wanted).await.unwrap();
    assert_eq!((impact.added, impact.removed), (vec!["postcards.delete".into()], vec!["postcards.write".into()]));
    assert_eq!((impact.must_sign_in_again, impact.hold_removed, impact.unknown), (2, 1, 1));
    let counts = connections::get(&world.app, &world.caller, &made.name).await.unwrap().counts;
    assert_eq!((counts.accounts, counts.active, counts.scopes_behind), (3, 3, 2));
    let set = UpdateConnection { scopes: Some(wanted), ..UpdateConnection::default() };
    let now = connections::update(&world.app, &world.caller, &made.name, set).await.unwrap();
    assert_eq!(now.counts.scopes_behind, 3);
    assert_eq!(now.scopes.required, ["profile.read"]);
}

async fn another_environment_sees_nothing(world: &World) {
    let made = make(world, postcards()).await;
    for key in [made.id.as_str(), &made.name] {
        let (app, stranger) = (&world.app, &world.stranger);
        let not_found = Code::ConnectionNotFound;
        assert_eq!(code(connections::get(app, stranger, key).await), not_found);
        assert_eq!(code(connections::update(app, stranger, key, UpdateConnection::default()).await), not_found);
        assert_eq!(code(connections::pause(app, stranger, key).await), not_found);
        assert_eq!(code(connections::delete(app, stranger, key, Some(0), true).await), not_found);
        assert_eq!(code(connections::context(app, stranger, key).await), not_found);
        let secret = SetCredentials::ReplaceSecret { secrets: secrets(&[("client_secret", "x")]) };
        assert_eq!(code(connections::set_credentials(app, stranger, key, secret).await), not_found);
        let scopes = ScopeSettings::default();
        assert_eq!(code(connections::scope_impact(app, stranger, key, &scopes).await), not_found);
    }
    let page = PageAsk::default();
    let listed = connections::list(&world.app, &world.stranger, &ConnectionQuery::default(), &page).await.unwrap();
    assert_eq!((listed.items.len(), listed.total), (0, 0));
    // the same name is free over there
    let theirs = connections::create(&world.app, &world.stranger, postcards()).await.unwrap();
    assert_eq!(theirs.name, made.name);
}

async fn permissions_are_asked_for(world: &World) {
    let made = make(world, postcards()).await;
    let reader = world.with_permissions(&[Permission::ConnectorsRead]);
    let denied = Code::PermissionDenied;
    assert!(connections::get(&world.app, &reader, &made.name).await.is_ok());
    assert_eq!(code(connections::create(&world.app, &reader, postcards()).await), denied);
    assert_eq!(code(connections::update(&world.app, &reader, &made.name, UpdateConnection::default()).await), denied);
    assert_eq!(code(connections::pause(&world.app, &reader, &made.name).await), denied);
    assert_eq!(code(connections::delete(&world.app, &reader, &made.name, None, false).await), denied);
    let writer = world.with_permissions(&[Permission::ConnectorsWrite]);
    assert_eq!(code(connections::get(&world.app, &writer, &made.name).await), denied);
    assert_eq!(code(connections::form(&world.app, &writer, "acme", None)), denied);
}
