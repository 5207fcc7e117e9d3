use keybearer_app::accounts::{
    self, Account, CreateAccount, Credentials, Lookup, OauthTokens, Revealed, UpdateAccount,
};
use keybearer_app::connections::{self, CreateConnection};
use keybearer_core::{AccountStatus, Code, StatusReason};
use serde_json::{Value, json};

use crate::connections::postcards;
use crate::harness::{World, code, fields, on_both, secrets};

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

pub async fn make(world: &World, new: CreateAccount) -> Account {
    accounts::create(&world.app, &world.caller, new).await.unwrap()
}

pub async fn auth(world: &World, lookup: &Lookup) -> Revealed {
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
            let read =
                accounts::auth(&world.app, &world.caller, &Lookup::id(made.id.as_str())).await.unwrap();
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
    let create =
        |value: Value| accounts::create(&world.app, &world.caller, new(&name, "ada", details(value)));
    let key = "0123456789abcdef0123456789abcdef";
    assert_eq!(fields(create(json!({"api_key": key})).await), ["application_key"]);
    assert_eq!(fields(create(json!({"api_key": "short", "application_key": "x"})).await), ["api_key"]);
    assert_eq!(
        fields(create(json!({"api_key": key, "application_key": "x", "site": "evil.example"})).await),
        ["site"]
    );
    assert_eq!(
        fields(create(json!({"api_key": key, "application_key": "x", "color": "red"})).await),
        ["color"]
    );
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
    assert_eq!(
        code(accounts::create(&world.app, &world.caller, new(&open, "ben", tokens())).await),
        Code::CredentialTypeMismatch
    );
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
    let patch =
        UpdateAccount { credentials: details(json!({"password": " two "})), ..UpdateAccount::default() };
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
