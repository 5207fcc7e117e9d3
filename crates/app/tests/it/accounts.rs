use keybearer_app::accounts::{
    self, Account, AccountQuery, CreateAccount, Credentials, Lookup, OauthTokens, Revealed, RevokeOutcome,
    ScopeSelection, UpdateAccount,
};
use keybearer_app::connections::{self, CreateConnection, ScopeSettings};
use keybearer_app::{PageAsk, Permission};
use keybearer_core::{AccountStatus, Code, StatusReason};
use serde_json::{Value, json};

use crate::connections::postcards;
use crate::harness::{World, code, fields, on_both, secrets, tick};

on_both!(
    empty_credentials_of_any_kind_make_an_account_that_waits,
    imported_tokens_are_stored_as_they_are_and_active_at_once,
    fields_of_another_kind_are_refused,
    fields_are_checked_and_path_variables_come_back_as_they_were,
    a_connection_that_needs_nothing_is_active_at_once,
    a_second_account_of_the_same_user_conflicts,
    a_lookup_without_scope_finds_the_only_account,
    an_update_changes_only_what_is_given,
    an_update_with_credentials_revives_a_disconnected_account,
    settings_merge_key_by_key_and_hold_no_secret,
    a_selection_is_checked_and_completed,
    reading_credentials_is_written_down_before_they_come,
    disconnecting_wipes_and_tells_what_the_provider_said,
    revoking_needs_a_connector_that_can,
    a_deleted_account_is_gone_and_was_revoked,
    lists_filter_and_search_without_wildcards,
    another_environment_sees_nothing,
    permissions_are_asked_for,
    every_change_has_its_events,
);

const CANARY: &str = "at-4711";

pub fn tokens() -> Credentials {
    Credentials::Oauth(OauthTokens {
        access_token: Some(CANARY.into()),
        refresh_token: Some("rt-4711".into()),
        scopes: vec!["profile.read".to_owned()],
        ..OauthTokens::default()
    })
}

pub fn details(value: Value) -> Credentials {
    Credentials::Static { details: value.to_string().into() }
}

pub fn new(connection: &str, user: &str, credentials: Credentials) -> CreateAccount {
    CreateAccount { lookup: Lookup::of(connection, user), credentials, ..CreateAccount::default() }
}

pub async fn connection(world: &World, connector: &str) -> String {
    let plain = CreateConnection { connector: connector.to_owned(), ..CreateConnection::default() };
    let wanted = if connector == "postcards" { postcards() } else { plain };
    connections::create(&world.app, &world.caller, wanted).await.unwrap().name
}

async fn make(world: &World, new: CreateAccount) -> Account {
    accounts::create(&world.app, &world.caller, new).await.unwrap()
}

async fn auth(world: &World, lookup: &Lookup) -> Revealed {
    accounts::auth(&world.app, &world.caller, lookup).await.unwrap().credentials.unwrap()
}

fn details_of(revealed: Revealed) -> Value {
    match revealed {
        Revealed::Static { details } => serde_json::from_str(details.expose()).unwrap(),
        other => panic!("{other:?}"),
    }
}

async fn empty_credentials_of_any_kind_make_an_account_that_waits(world: &World) {
    let (oauth, key) = (connection(world, "postcards").await, connection(world, "luggage").await);
    let empty = || {
        [
            Credentials::None,
            Credentials::Oauth(OauthTokens::default()),
            Credentials::Oauth(OauthTokens { access_token: Some("".into()), ..OauthTokens::default() }),
            details(json!({})),
            details(json!({"api_key": ""})),
            Credentials::ServiceAccount { subject: String::new() },
        ]
    };
    for connection in [oauth, key] {
        for (number, credentials) in empty().into_iter().enumerate() {
            let made = make(world, new(&connection, &format!("u-{number}"), credentials)).await;
            assert_eq!((made.status, made.reason), (AccountStatus::PendingAuth, StatusReason::Created));
            assert!(made.next_step.is_some());
            let read = accounts::auth(&world.app, &world.caller, &Lookup::id(made.id.as_str())).await.unwrap();
            assert_eq!(read.credentials, None);
        }
    }
}

async fn imported_tokens_are_stored_as_they_are_and_active_at_once(world: &World) {
    let name = connection(world, "postcards").await;
    let made = make(world, new(&name, "ada", tokens())).await;
    assert_eq!((made.status, made.reason), (AccountStatus::Active, StatusReason::Imported));
    assert_eq!((made.provider.as_str(), made.generation), ("POSTCARDS", 1));
    assert_eq!(made.granted_scopes, ["profile.read"]);
    assert_eq!(made.missing_scopes, ["postcards.read", "postcards.write"]);
    let Revealed::Oauth(read) = auth(world, &Lookup::of(&name, "ada")).await else { panic!() };
    assert_eq!(read.access_token, Some(CANARY.into()));
    assert_eq!(read.refresh_token, Some("rt-4711".into()));
    assert!(world.provider.received().is_empty());
}

async fn fields_of_another_kind_are_refused(world: &World) {
    let (oauth, key) = (connection(world, "postcards").await, connection(world, "luggage").await);
    let create = |new| accounts::create(&world.app, &world.caller, new);
    let mismatch = Code::CredentialTypeMismatch;
    assert_eq!(code(create(new(&key, "a", tokens())).await), mismatch);
    assert_eq!(code(create(new(&oauth, "a", details(json!({"api_key": "k"})))).await), mismatch);
    let subject = Credentials::ServiceAccount { subject: "a@b".to_owned() };
    assert_eq!(code(create(new(&oauth, "a", subject)).await), mismatch);
    assert_eq!(code(create(new(&oauth, "a", Credentials::TrustedIdp)).await), mismatch);
    let lookup = Lookup::of(&oauth, "a");
    assert_eq!(code(accounts::get(&world.app, &world.caller, &lookup).await), Code::AccountNotFound);
}

async fn fields_are_checked_and_path_variables_come_back_as_they_were(world: &World) {
    let name = connection(world, "datadog").await;
    let create = |value: Value| accounts::create(&world.app, &world.caller, new(&name, "ada", details(value)));
    let key = "0123456789abcdef0123456789abcdef";
    assert_eq!(fields(create(json!({"api_key": key})).await), ["application_key"]);
    assert_eq!(fields(create(json!({"api_key": "short", "application_key": "x"})).await), ["api_key"]);
    assert_eq!(fields(create(json!({"api_key": key, "application_key": "x", "site": "evil.example"})).await), ["site"]);
    assert_eq!(fields(create(json!({"api_key": key, "application_key": "x", "color": "red"})).await), ["color"]);
    assert_eq!(fields(create(json!({"api_key": [key]})).await), ["static_auth.details.api_key"]);
    assert_eq!(fields(create(json!([1])).await), ["static_auth.details"]);
    let given = json!({"api_key": key, "application_key": "app", "path_variables": {"site": "datadoghq.eu", "x": "y"}});
    let made = create(given.clone()).await.unwrap();
    assert_eq!(made.status, AccountStatus::Active);
    assert_eq!(made.fields.into_iter().collect::<Vec<_>>(), [("site".to_owned(), "datadoghq.eu".to_owned())]);
    assert_eq!(details_of(auth(world, &Lookup::of(&name, "ada")).await), given);

    // one secret may come under a usual name
    let luggage = connection(world, "luggage").await;
    let token = json!({"token": "lk_0123456789abcdef0123456789abcdef"});
    let made = make(world, new(&luggage, "ada", details(token))).await;
    assert_eq!(made.status, AccountStatus::Active);
}

async fn a_connection_that_needs_nothing_is_active_at_once(world: &World) {
    let open = connection(world, "crossref").await;
    let made = make(world, new(&open, "ada", Credentials::None)).await;
    assert_eq!((made.status, made.reason), (AccountStatus::Active, StatusReason::Created));
    assert_eq!(code(accounts::create(&world.app, &world.caller, new(&open, "ben", tokens())).await),
        Code::CredentialTypeMismatch);
    let machine = CreateConnection {
        connector: "acme".to_owned(),
        method: Some("machine".to_owned()),
        secrets: secrets(&[("key_file", "k")]),
        ..CreateConnection::default()
    };
    let machine = connections::create(&world.app, &world.caller, machine).await.unwrap().name;
    let subject = |subject: &str| Credentials::ServiceAccount { subject: subject.to_owned() };
    let made = make(world, new(&machine, "ada", subject("ada@acme.example"))).await;
    assert_eq!((made.status, made.fields["subject"].as_str()), (AccountStatus::Active, "ada@acme.example"));
    let wrong = accounts::create(&world.app, &world.caller, new(&machine, "ben", subject("ben"))).await;
    assert_eq!(fields(wrong), ["subject"]);
}

async fn a_second_account_of_the_same_user_conflicts(world: &World) {
    let name = connection(world, "postcards").await;
    make(world, new(&name, "ada", tokens())).await;
    let again = accounts::create(&world.app, &world.caller, new(&name, "ada", tokens())).await;
    assert_eq!(code(again), Code::AlreadyExists);
    let scoped = |organization: &str| CreateAccount {
        lookup: Lookup { organization_id: Some(organization.to_owned()), ..Lookup::of(&name, "ada") },
        ..CreateAccount::default()
    };
    make(world, scoped("org_1")).await;
    assert_eq!(code(accounts::create(&world.app, &world.caller, scoped("org_1")).await), Code::AlreadyExists);
    let (found, made) = accounts::get_or_create(&world.app, &world.caller, scoped("org_1")).await.unwrap();
    assert!(!made && found.organization_id == "org_1");
    let (_, made) = accounts::get_or_create(&world.app, &world.caller, scoped("org_2")).await.unwrap();
    assert!(made);
}

async fn a_lookup_without_scope_finds_the_only_account(world: &World) {
    let name = connection(world, "postcards").await;
    let scoped = |user: &str, organization: &str, person: &str| CreateAccount {
        lookup: Lookup {
            organization_id: Some(organization.to_owned()),
            user_id: Some(person.to_owned()),
            ..Lookup::of(&name, user)
        },
        ..CreateAccount::default()
    };
    let get = async |lookup: Lookup| accounts::get(&world.app, &world.caller, &lookup).await;
    let only = make(world, scoped("ada", "org_1", "usr_1")).await;
    assert_eq!(get(Lookup::of(&name, "ada")).await.unwrap().id, only.id);
    let narrowed = |organization: &str| Lookup {
        id: Some(String::new()),
        organization_id: Some(organization.to_owned()),
        user_id: Some(String::new()),
        ..Lookup::of(&name, "ada")
    };
    assert_eq!(get(narrowed("org_1")).await.unwrap().id, only.id);
    assert_eq!(code(get(narrowed("org_2")).await), Code::AccountNotFound);
    make(world, scoped("ada", "org_2", "usr_1")).await;
    assert_eq!(code(get(Lookup::of(&name, "ada")).await), Code::FailedPrecondition);
    let plain = make(world, new(&name, "ada", Credentials::None)).await;
    assert_eq!(get(Lookup::of(&name, "ada")).await.unwrap().id, plain.id);

    let by_id = Lookup { connector: Some(String::new()), ..Lookup::id(only.id.as_str()) };
    assert_eq!(get(by_id).await.unwrap().id, only.id);
    assert_eq!(fields(get(Lookup::id("ca_x")).await), ["id"]);
    assert_eq!(fields(get(Lookup::id("conn_1")).await), ["id"]);
    assert_eq!(code(get(Lookup::id("ca_1")).await), Code::AccountNotFound);
    assert_eq!(code(get(Lookup::of("nowhere", "ada")).await), Code::ConnectionNotFound);
    assert_eq!(code(get(Lookup::of(&name, "nobody")).await), Code::AccountNotFound);
    assert_eq!(fields(get(Lookup::of("", "ada")).await), ["connector"]);
    assert_eq!(fields(get(Lookup::of(&name, "")).await), ["identifier"]);
    assert_eq!(fields(get(Lookup::of(&name, "x".repeat(101))).await), ["identifier"]);
}

async fn an_update_changes_only_what_is_given(world: &World) {
    let name = connection(world, "postcards").await;
    let lookup = Lookup::of(&name, "ada");
    let made = make(world, new(&name, "ada", tokens())).await;
    let update = async |patch| accounts::update(&world.app, &world.caller, &lookup, patch).await.unwrap();
    let same = update(UpdateAccount::default()).await;
    assert_eq!((same.generation, same.status), (made.generation, AccountStatus::Active));
    let access = OauthTokens { access_token: Some("at-2".into()), ..OauthTokens::default() };
    let patch = UpdateAccount { credentials: Credentials::Oauth(access), ..UpdateAccount::default() };
    let now = update(patch).await;
    assert_eq!((now.generation, now.granted_scopes), (made.generation + 1, made.granted_scopes));
    let Revealed::Oauth(read) = auth(world, &lookup).await else { panic!() };
    assert_eq!((read.access_token, read.refresh_token), (Some("at-2".into()), Some("rt-4711".into())));

    let locker = connection(world, "lockers").await;
    let given = details(json!({"username": "ada", "password": "one"}));
    make(world, new(&locker, "ada", given)).await;
    let patch = UpdateAccount { credentials: details(json!({"password": " two "})), ..UpdateAccount::default() };
    accounts::update(&world.app, &world.caller, &Lookup::of(&locker, "ada"), patch).await.unwrap();
    let read = details_of(auth(world, &Lookup::of(&locker, "ada")).await);
    assert_eq!(read, json!({"username": "ada", "password": " two "}));
}

async fn an_update_with_credentials_revives_a_disconnected_account(world: &World) {
    let name = connection(world, "postcards").await;
    let lookup = Lookup::of(&name, "ada");
    make(world, new(&name, "ada", tokens())).await;
    accounts::disconnect(&world.app, &world.caller, &lookup).await.unwrap();
    let patch = UpdateAccount { credentials: tokens(), ..UpdateAccount::default() };
    let now = accounts::update(&world.app, &world.caller, &lookup, patch).await.unwrap();
    assert_eq!((now.status, now.reason), (AccountStatus::Active, StatusReason::Imported));
    assert_eq!(now.revoke_outcome, None);
}

async fn settings_merge_key_by_key_and_hold_no_secret(world: &World) {
    let name = connection(world, "postcards").await;
    let lookup = Lookup::of(&name, "ada");
    let object = |value: Value| Some(value.as_object().unwrap().clone());
    let first = CreateAccount { api_config: object(json!({"version": "v2", "a": 1})), ..new(&name, "ada", tokens()) };
    let made = make(world, first).await;
    let shown = Value::Object(made.api_config);
    assert_eq!(shown, json!({"version": "v2", "a": 1, "domain": null, "custom_headers": null,
        "custom_auth_header": null, "api_endpoint": null}));
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

    // path variables of an OAuth connection come this way, before and after the user connects
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
    let scopes = ScopeSettings { scopes: list(&["postcards.read", "postcards.write"]), selectable: true, ..Default::default() };
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

async fn reading_credentials_is_written_down_before_they_come(world: &World) {
    let name = connection(world, "postcards").await;
    let made = make(world, new(&name, "ada", tokens())).await;
    let lookup = Lookup::id(made.id.as_str());
    let denied = world.with_permissions(&[Permission::AccountsRead, Permission::AccountsWrite]);
    assert_eq!(code(accounts::auth(&world.app, &denied, &lookup).await), Code::PermissionDenied);
    let before = world.audited(made.id.as_str(), "account.credentials_read").await;
    auth(world, &lookup).await;
    let after = world.audited(made.id.as_str(), "account.credentials_read").await;
    assert_eq!((before, after), (0, 1));
    // without its line nobody gets a credential
    world.refuse_audit().await;
    let refused = accounts::auth(&world.app, &world.caller, &lookup).await;
    assert!(matches!(refused.unwrap_err().code, Code::Internal | Code::DatabaseUnavailable));
}

async fn disconnecting_wipes_and_tells_what_the_provider_said(world: &World) {
    let name = connection(world, "postcards").await;
    let cases = [
        (200, RevokeOutcome::Revoked),
        (404, RevokeOutcome::NotOffered),
        (400, RevokeOutcome::Failed),
        (503, RevokeOutcome::NotReachable),
        (0, RevokeOutcome::NotReachable),
    ];
    for (status, expected) in cases {
        world.provider.answer(status);
        let user = format!("u-{status}");
        let made = make(world, new(&name, &user, tokens())).await;
        let lookup = Lookup::id(made.id.as_str());
        let ended = accounts::disconnect(&world.app, &world.caller, &lookup).await.unwrap();
        assert_eq!(ended.outcome, expected, "{status}");
        assert_eq!(ended.account.status, AccountStatus::Disconnected);
        assert_eq!(ended.account.reason, StatusReason::DisconnectedByDeveloper);
        assert_eq!(ended.account.generation, made.generation + 1);
        let read = accounts::auth(&world.app, &world.caller, &lookup).await.unwrap();
        assert_eq!((read.credentials, read.account.revoke_outcome), (None, Some(expected)));
        // once more changes nothing and tells the same
        let again = accounts::disconnect(&world.app, &world.caller, &lookup).await.unwrap();
        assert_eq!((again.outcome, again.account.generation), (expected, made.generation + 1));
    }
    let sent = world.provider.received();
    assert_eq!(sent.len(), cases.len());
    assert!(sent[0].starts_with("POST /revoke ") && sent[0].contains("token=rt-4711"), "{}", sent[0]);
    let waiting = make(world, new(&name, "new", Credentials::None)).await;
    let ended = accounts::disconnect(&world.app, &world.caller, &Lookup::id(waiting.id.as_str())).await.unwrap();
    assert_eq!(ended.outcome, RevokeOutcome::NothingToRevoke);
}

async fn revoking_needs_a_connector_that_can(world: &World) {
    let (oauth, key) = (connection(world, "postcards").await, connection(world, "luggage").await);
    let lookup = Lookup::of(&oauth, "ada");
    make(world, new(&oauth, "ada", tokens())).await;
    let done = accounts::revoke(&world.app, &world.caller, &lookup).await.unwrap();
    assert_eq!((done.outcome, done.account.status), (RevokeOutcome::Revoked, AccountStatus::Disconnected));
    assert_eq!(code(accounts::revoke(&world.app, &world.caller, &lookup).await), Code::FailedPrecondition);
    let given = details(json!({"api_key": "lk_0123456789abcdef0123456789abcdef"}));
    make(world, new(&key, "ada", given)).await;
    let refused = accounts::revoke(&world.app, &world.caller, &Lookup::of(&key, "ada")).await;
    assert_eq!(code(refused), Code::FailedPrecondition);
    let ended = accounts::disconnect(&world.app, &world.caller, &Lookup::of(&key, "ada")).await.unwrap();
    assert_eq!(ended.outcome, RevokeOutcome::NotOffered);
}

async fn a_deleted_account_is_gone_and_was_revoked(world: &World) {
    let name = connection(world, "postcards").await;
    let made = make(world, new(&name, "ada", tokens())).await;
    let lookup = Lookup::id(made.id.as_str());
    let outcome = accounts::delete(&world.app, &world.caller, &lookup).await.unwrap();
    assert_eq!((outcome, world.provider.received().len()), (RevokeOutcome::Revoked, 1));
    assert_eq!(code(accounts::delete(&world.app, &world.caller, &lookup).await), Code::AccountNotFound);
    assert_eq!(code(accounts::get(&world.app, &world.caller, &lookup).await), Code::AccountNotFound);
    assert_eq!(world.audited(made.id.as_str(), "account.deleted").await, 1);
    make(world, new(&name, "ada", tokens())).await;
}

async fn lists_filter_and_search_without_wildcards(world: &World) {
    let (oauth, key) = (connection(world, "postcards").await, connection(world, "luggage").await);
    for user in ["ada_1", "adax1", "100%", "ben"] {
        make(world, new(&oauth, user, Credentials::None)).await;
        tick(world);
    }
    make(world, new(&key, "ada_1", Credentials::None)).await;
    let found = async |query: AccountQuery| {
        let listed = accounts::list(&world.app, &world.caller, &query, &PageAsk::first(50)).await.unwrap();
        assert_eq!(i64::try_from(listed.items.len()).unwrap(), listed.total);
        listed.items.into_iter().map(|account| format!("{}/{}", account.connector, account.identifier)).collect::<Vec<_>>()
    };
    let text = |query: &str| AccountQuery { query: Some(query.to_owned()), ..AccountQuery::default() };
    assert_eq!(found(text("ada_")).await, ["luggage/ada_1", "postcards/ada_1"]);
    assert_eq!(found(text("0%")).await, ["postcards/100%"]);
    assert_eq!(found(text("' OR 1=1 --")).await, Vec::<String>::new());
    let named = AccountQuery { connection_names: vec![key.clone()], ..AccountQuery::default() };
    assert_eq!(found(named).await, ["luggage/ada_1"]);
    let barred = AccountQuery { connection_names: vec![format!("x|{key}")], ..AccountQuery::default() };
    assert_eq!(found(barred).await, Vec::<String>::new());
    let provider = AccountQuery { connector: Some("LUGGAGE".to_owned()), ..AccountQuery::default() };
    assert_eq!(found(provider).await, ["luggage/ada_1"]);
    let user = AccountQuery { identifier: Some("ben".to_owned()), ..AccountQuery::default() };
    assert_eq!(found(user).await, ["postcards/ben"]);
    let active = AccountQuery { status: Some(AccountStatus::Active), ..AccountQuery::default() };
    assert_eq!(found(active).await, Vec::<String>::new());

    let search = async |query: &str, size| {
        accounts::search(&world.app, &world.caller, query, None, &PageAsk::first(size)).await
    };
    assert_eq!(search("ADA_", 10).await.unwrap().total, 2);
    assert_eq!(fields(search("ad", 10).await), ["query"]);
    assert_eq!(fields(search("ada", 31).await), ["page_size"]);
    let first = search("ada", 1).await.unwrap();
    let next = PageAsk { size: 1, token: first.next.unwrap() };
    let list = accounts::list(&world.app, &world.caller, &text("ada"), &next).await;
    assert_eq!(fields(list), ["page_token"]);
    assert_eq!(accounts::counts(&world.app, &world.caller).await.unwrap().len(), 2);
}

async fn another_environment_sees_nothing(world: &World) {
    let name = connection(world, "postcards").await;
    let made = make(world, new(&name, "ada", tokens())).await;
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
    assert_eq!(code(accounts::create(app, stranger, new(&name, "eve", tokens())).await), Code::ConnectionNotFound);
    let listed = accounts::list(app, stranger, &AccountQuery::default(), &PageAsk::default()).await.unwrap();
    assert_eq!((listed.items.len(), listed.total), (0, 0));
    assert!(accounts::counts(app, stranger).await.unwrap().is_empty());
    let filter = AccountQuery { connection: Some(made.connection_id.to_string()), ..AccountQuery::default() };
    assert_eq!(code(accounts::list(app, stranger, &filter, &PageAsk::default()).await), Code::ConnectionNotFound);
}

async fn permissions_are_asked_for(world: &World) {
    let name = connection(world, "postcards").await;
    make(world, new(&name, "ada", tokens())).await;
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

async fn every_change_has_its_events(world: &World) {
    let name = connection(world, "postcards").await;
    let made = make(world, new(&name, "ada", Credentials::None)).await;
    let lookup = Lookup::id(made.id.as_str());
    let patch = UpdateAccount { credentials: tokens(), ..UpdateAccount::default() };
    accounts::update(&world.app, &world.caller, &lookup, patch).await.unwrap();
    accounts::disconnect(&world.app, &world.caller, &lookup).await.unwrap();
    accounts::delete(&world.app, &world.caller, &lookup).await.unwrap();
    let types: Vec<String> = world.events(&made.id).await.into_iter().map(|(event, _)| event).collect();
    assert_eq!(types, [
        "connected_account.created",
        "connected_account.updated",
        "connected_account.status_updated",
        "connected_account.status_updated",
        "connected_account.deleted",
    ]);
    let (_, updated) = world.events(&made.id).await.swap_remove(2);
    assert_eq!((&updated["old_status"], &updated["status"]), (&json!("PENDING_AUTH"), &json!("ACTIVE")));
}
