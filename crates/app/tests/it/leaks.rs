//! Secrets that were given are nowhere but under the vault.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use keybearer_app::PageAsk;
use keybearer_app::accounts::{self, CreateAccount, Credentials, Lookup, OauthTokens, UpdateAccount};
use keybearer_app::connections::{self, ConnectionQuery, CreateConnection, SetCredentials, UpdateConnection};
use keybearer_app::connectors::Bindings;
use keybearer_core::CredentialSource;
use serde_json::json;

use crate::accounts::{connection, details, new};
use crate::connections::postcards;
use crate::harness::{SHARED_SECRET, World, on_both, secrets, texts};

on_both!(
    secrets_are_in_no_answer_and_in_no_column,
    errors_of_connections_quote_no_secret,
    errors_of_accounts_quote_no_secret,
);

/// Every secret of this file begins with it, so that one search finds them all.
const CANARY: &str = "cnry7Q2zX9";

fn canary(name: &str) -> String {
    format!("{CANARY}-{name}")
}

/// Every spelling under which the canary could be stored: plain, hexadecimal, base64 at each of three offsets.
fn spellings() -> Vec<(String, Vec<u8>)> {
    let mut all = vec![
        ("plain".to_owned(), CANARY.as_bytes().to_vec()),
        ("hex".to_owned(), hex::encode(CANARY).into_bytes()),
        ("HEX".to_owned(), hex::encode_upper(CANARY).into_bytes()),
        ("reversed".to_owned(), CANARY.bytes().rev().collect()),
    ];
    for offset in 0..3 {
        let padded = [vec![b'.'; offset], CANARY.as_bytes().to_vec()].concat();
        for engine in [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            let text = engine.encode(&padded);
            // without the characters that what stands before and behind decides
            let inner = text.trim_end_matches('=');
            let inner = inner[if offset == 0 { 0 } else { 4 }..inner.len() - 2].to_owned();
            all.push((format!("base64 at {offset}"), inner.into_bytes()));
        }
    }
    all
}

fn assert_clean(what: &str, bytes: &[u8]) {
    for (spelling, needle) in spellings() {
        let found = bytes.windows(needle.len()).any(|window| window == needle);
        assert!(!found, "a secret is in {what} ({spelling})");
    }
}

/// Everything that a use case took or gave, as `Debug` prints it.
#[derive(Default)]
struct Shown(String);

impl Shown {
    fn show(&mut self, value: &dyn std::fmt::Debug) {
        writeln!(self.0, "{value:?}").unwrap();
    }
}

fn client_secret(name: &str) -> Bindings {
    secrets(&[("client_secret", canary(name).as_str())])
}

fn oauth(name: &str) -> Credentials {
    Credentials::Oauth(OauthTokens {
        access_token: Some(canary(&format!("access-{name}")).into()),
        refresh_token: Some(canary(&format!("refresh-{name}")).into()),
        ..OauthTokens::default()
    })
}

/// Gives secrets to connections in every way there is.
async fn fill_connections(world: &World, shown: &mut Shown) -> String {
    let (app, caller) = (&world.app, &world.caller);
    let first = CreateConnection { secrets: client_secret("create"), ..postcards() };
    shown.show(&first);
    let made = connections::create(app, caller, first).await.unwrap();
    shown.show(&made);
    let acme = CreateConnection {
        connector: "acme".to_owned(),
        client_id: Some("id_1".to_owned()),
        // a secret among the plain fields is found and sealed
        fields: texts(&[("developer_token", &canary("field")), ("client_secret", &canary("plain-secret"))]),
        ..CreateConnection::default()
    };
    let acme = connections::create(app, caller, acme).await.unwrap();
    assert_eq!(acme.secret_fields, ["developer_token"]);
    shown.show(&acme);
    let replace = SetCredentials::ReplaceSecret { secrets: client_secret("replace") };
    shown.show(&replace);
    shown.show(&connections::set_credentials(app, caller, &made.name, replace).await.unwrap());
    let client = SetCredentials::ReplaceClient {
        source: CredentialSource::Own,
        client_id: Some("app-2".to_owned()),
        secrets: client_secret("client"),
    };
    shown.show(&connections::set_credentials(app, caller, &made.name, client).await.unwrap());
    let patch = UpdateConnection { secrets: client_secret("update"), ..UpdateConnection::default() };
    shown.show(&patch);
    shown.show(&connections::update(app, caller, &made.name, patch).await.unwrap());
    made.name
}

/// Gives secrets to accounts in every way there is.
async fn fill_accounts(world: &World, shown: &mut Shown, lookup: &Lookup) -> String {
    let (app, caller) = (&world.app, &world.caller);
    let ada =
        CreateAccount { lookup: lookup.clone(), credentials: oauth("create"), ..CreateAccount::default() };
    shown.show(&ada);
    shown.show(&accounts::create(app, caller, ada).await.unwrap());
    let patch = UpdateAccount { credentials: oauth("update"), ..UpdateAccount::default() };
    shown.show(&patch);
    shown.show(&accounts::update(app, caller, lookup, patch).await.unwrap());
    shown.show(&accounts::auth(app, caller, lookup).await.unwrap());
    let lockers = CreateConnection { connector: "lockers".to_owned(), ..CreateConnection::default() };
    let lockers = connections::create(app, caller, lockers).await.unwrap().name;
    let given = details(json!({"username": "ada", "password": canary("password")}));
    let basic = new(&lockers, "ada", given);
    shown.show(&basic);
    shown.show(&accounts::create(app, caller, basic).await.unwrap());
    let line = json!({"connection": lockers, "identifier": "ben",
        "fields": {"username": "ben", "password": canary("import")}});
    shown.show(&accounts::import(app, caller, &line.to_string()).await.unwrap());
    lockers
}

async fn secrets_are_in_no_answer_and_in_no_column(world: &World) {
    let (app, caller) = (&world.app, &world.caller);
    let mut shown = Shown::default();
    let lookup = Lookup::of(fill_connections(world, &mut shown).await, "ada");
    let lockers = fill_accounts(world, &mut shown, &lookup).await;
    let page = PageAsk::default();
    shown.show(&connections::list(app, caller, &ConnectionQuery::default(), &page).await.unwrap());
    shown.show(&accounts::list(app, caller, &accounts::AccountQuery::default(), &page).await.unwrap());
    // the canary is there when it should be: the check can fail
    let read = accounts::auth(app, caller, &lookup).await.unwrap();
    let Some(accounts::Revealed::Oauth(tokens)) = read.credentials else { panic!() };
    assert_eq!(tokens.access_token, Some(canary("access-update").into()));

    assert_clean("an answer", shown.0.as_bytes());
    assert!(!shown.0.contains(SHARED_SECRET));
    assert_clean("the database", &world.stored());
    accounts::disconnect(app, caller, &lookup).await.unwrap();
    accounts::delete(app, caller, &lookup).await.unwrap();
    connections::delete(app, caller, &lockers, Some(2), true).await.unwrap();
    assert_clean("the database after deletions", &world.stored());
}

async fn errors_of_connections_quote_no_secret(world: &World) {
    let (app, caller) = (&world.app, &world.caller);
    let secret =
        |value: String| CreateConnection { secrets: secrets(&[("client_secret", &value)]), ..postcards() };
    let context = json!({"client_secret": canary("context")}).as_object().unwrap().clone();
    let wrong = [
        secret(format!("{CANARY} {CANARY}")),
        secret(format!("{CANARY}\n{CANARY}")),
        CreateConnection { client_id: Some(canary("same")), ..secret(canary("same")) },
        CreateConnection { context, ..secret("x".to_owned()) },
    ];
    for new in wrong {
        let error = connections::create(app, caller, new).await.unwrap_err();
        assert_clean("an error", format!("{error} {error:?}").as_bytes());
    }
    assert_clean("the database", &world.stored());
}

async fn errors_of_accounts_quote_no_secret(world: &World) {
    let (app, caller) = (&world.app, &world.caller);
    let (oauth, luggage) = (connection(world, "postcards").await, connection(world, "luggage").await);
    let token = OauthTokens { access_token: Some(format!("{CANARY}\n").into()), ..OauthTokens::default() };
    let config = json!({"password": canary("config")}).as_object().unwrap().clone();
    let wrong = [
        new(&luggage, "ada", details(json!({"api_key": canary("k")}))),
        new(&luggage, "ada", details(json!({"token": [canary("k")]}))),
        new(&luggage, "ada", details(json!(canary("k")))),
        new(&luggage, "ada", Credentials::Static { details: format!("{{\"api_key\": {CANARY}").into() }),
        new(&oauth, "ada", details(json!({"token": canary("k")}))),
        new(&oauth, "ada", Credentials::Oauth(token)),
        CreateAccount { api_config: Some(config), ..new(&oauth, "ada", Credentials::None) },
    ];
    for new in wrong {
        let error = accounts::create(app, caller, new).await.unwrap_err();
        assert_clean("an error", format!("{error} {error:?}").as_bytes());
    }
    assert_clean("the database", &world.stored());
}
