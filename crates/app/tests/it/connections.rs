use keybearer_app::PageAsk;
use keybearer_app::accounts::{self, CreateAccount, Lookup};
use keybearer_app::connections::{
    self, Connection, ConnectionQuery, CreateConnection, NameRules, ScopeSettings, UpdateConnection,
};
use keybearer_core::{Code, ConnectionState, CredentialSource};

use crate::harness::{World, code, fields, on_both, secrets, texts};

on_both!(
    a_complete_connection_is_in_use_at_once_and_its_redirect_uri_is_final,
    a_connection_without_name_is_called_like_its_connector,
    a_taken_name_is_refused_with_a_free_one,
    a_draft_says_what_is_missing_and_is_activated_when_it_is_complete,
    values_that_are_wrong_are_named_field_by_field,
    scopes_and_parameters_that_are_wrong_are_named,
    only_legal_transitions_happen,
    a_write_over_another_version_is_refused,
    the_name_is_locked_once_there_is_an_account,
    deleting_needs_the_number_of_accounts,
    scope_changes_are_counted_before_they_are_made,
);

pub fn postcards() -> CreateConnection {
    CreateConnection {
        connector: "postcards".to_owned(),
        client_id: Some("app-1".to_owned()),
        secrets: secrets(&[("client_secret", "s3cr3t-of-the-app-0001")]),
        ..CreateConnection::default()
    }
}

pub fn acme() -> CreateConnection {
    CreateConnection {
        connector: "acme".to_owned(),
        client_id: Some("id_1".to_owned()),
        secrets: secrets(&[("client_secret", "sec_0123456789abcdefghij")]),
        ..CreateConnection::default()
    }
}

pub async fn make(world: &World, new: CreateConnection) -> Connection {
    connections::create(&world.app, &world.caller, new).await.unwrap()
}

pub async fn account(world: &World, connection: &str, user: &str) {
    let tokens =
        accounts::OauthTokens { access_token: Some("at".into()), ..accounts::OauthTokens::default() };
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
    assert_eq!(
        (made.state, made.missing),
        (ConnectionState::Draft, vec!["client_id".into(), "client_secret".into()])
    );
    let error = connections::activate(&world.app, &world.caller, &made.name).await.unwrap_err();
    assert_eq!(error.code, Code::ConnectionIncomplete);
    assert_eq!(error.violations.len(), 2);
    // the secret may come before the id
    let secret =
        UpdateConnection { secrets: secrets(&[("client_secret", "abc")]), ..UpdateConnection::default() };
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
}

async fn scopes_and_parameters_that_are_wrong_are_named(world: &World) {
    let create = |new| connections::create(&world.app, &world.caller, new);
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
    let first =
        connections::update(&world.app, &world.caller, &made.name, label("one", made.version)).await.unwrap();
    assert_eq!(first.version, made.version + 1);
    let late = connections::update(&world.app, &world.caller, &made.name, label("two", made.version)).await;
    assert_eq!(code(late), Code::FailedPrecondition);
    assert_eq!(connections::get(&world.app, &world.caller, &made.name).await.unwrap().label, "one");
}

async fn the_name_is_locked_once_there_is_an_account(world: &World) {
    let rename = |name: &str| UpdateConnection { name: Some(name.to_owned()), ..UpdateConnection::default() };
    let made = make(world, postcards()).await;
    let id = made.id.as_str();
    assert_eq!(
        connections::update(&world.app, &world.caller, id, rename("mail")).await.unwrap().name,
        "mail"
    );
    account(world, "mail", "ada").await;
    let locked = connections::update(&world.app, &world.caller, id, rename("post")).await;
    assert_eq!(code(locked), Code::FailedPrecondition);
    let label = UpdateConnection { label: Some("Post".to_owned()), ..rename("mail") };
    assert_eq!(connections::update(&world.app, &world.caller, id, label).await.unwrap().label, "Post");
}

async fn deleting_needs_the_number_of_accounts(world: &World) {
    let made = make(world, postcards()).await;
    account(world, &made.name, "ada").await;
    account(world, &made.name, "ben").await;
    let delete = async |expected, force| {
        connections::delete(&world.app, &world.caller, &made.name, expected, force).await
    };
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
    assert_eq!(
        connections::delete(&world.app, &world.caller, &empty.name, None, false).await.unwrap().accounts,
        0
    );
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
    assert_eq!(
        (impact.added, impact.removed),
        (vec!["postcards.delete".into()], vec!["postcards.write".into()])
    );
    assert_eq!((impact.must_sign_in_again, impact.hold_removed, impact.unknown), (2, 1, 1));
    let counts = connections::get(&world.app, &world.caller, &made.name).await.unwrap().counts;
    assert_eq!((counts.accounts, counts.active, counts.scopes_behind), (3, 3, 2));
    let set = UpdateConnection { scopes: Some(wanted), ..UpdateConnection::default() };
    let now = connections::update(&world.app, &world.caller, &made.name, set).await.unwrap();
    assert_eq!(now.counts.scopes_behind, 3);
    assert_eq!(now.scopes.required, ["profile.read"]);
}
