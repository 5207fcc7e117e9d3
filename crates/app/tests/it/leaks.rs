//! Secrets that were given are nowhere but under the vault.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use keybearer_app::PageAsk;
use keybearer_app::accounts::{self, CreateAccount, Credentials, Lookup, OauthTokens, UpdateAccount};
use keybearer_app::connections::{self, ConnectionQuery, CreateConnection, SetCredentials, UpdateConnection};
use keybearer_core::CredentialSource;
use serde_json::json;

use crate::accounts::{details, new};
use crate::connections::postcards;
use crate::harness::{SHARED_SECRET, World, on_both, secrets, texts};

on_both!(secrets_are_in_no_answer_and_in_no_column, errors_quote_no_secret);

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

async fn secrets_are_in_no_answer_and_in_no_column(world: &World) {
    let (app, caller) = (&world.app, &world.caller);
    let mut shown = String::new();
    let mut show = |value: &dyn std::fmt::Debug| writeln!(shown, "{value:?}").unwrap();
    let secret = |name: &str| secrets(&[("client_secret", canary(name).as_str())]);
    let first = CreateConnection {
        secrets: secret("create"),
        ..postcards()
    };
    show(&first);
    let made = connections::create(app, caller, first).await.unwrap();
    show(&made);
    let acme = CreateConnection {
        connector: "acme".to_owned(),
        client_id: Some("id_1".to_owned()),
        // a secret among the plain fields is found and sealed
        fields: texts(&[
            ("developer_token", &canary("field")),
            ("client_secret", &canary("plain-secret")),
        ]),
        ..CreateConnection::default()
    };
    let acme = connections::create(app, caller, acme).await.unwrap();
    assert_eq!(acme.secret_fields, ["developer_token"]);
    show(&acme);
    let replace = SetCredentials::ReplaceSecret {
        secrets: secret("replace"),
    };
    show(&replace);
    show(
        &connections::set_credentials(app, caller, &made.name, replace)
            .await
            .unwrap(),
    );
    let client = SetCredentials::ReplaceClient {
        source: CredentialSource::Own,
        client_id: Some("app-2".to_owned()),
        secrets: secret("client"),
    };
    show(
        &connections::set_credentials(app, caller, &made.name, client)
            .await
            .unwrap(),
    );
    let patch = UpdateConnection {
        secrets: secret("update"),
        ..UpdateConnection::default()
    };
    show(&patch);
    show(&connections::update(app, caller, &made.name, patch).await.unwrap());

    let tokens = |name: &str| {
        Credentials::Oauth(OauthTokens {
            access_token: Some(canary(&format!("access-{name}")).into()),
            refresh_token: Some(canary(&format!("refresh-{name}")).into()),
            ..OauthTokens::default()
        })
    };
    let ada = new(&made.name, "ada", tokens("create"));
    show(&ada);
    show(&accounts::create(app, caller, ada).await.unwrap());
    let patch = UpdateAccount {
        credentials: tokens("update"),
        ..UpdateAccount::default()
    };
    show(&patch);
    let lookup = Lookup::of(&made.name, "ada");
    show(&accounts::update(app, caller, &lookup, patch).await.unwrap());
    show(&accounts::auth(app, caller, &lookup).await.unwrap());
    let lockers = CreateConnection {
        connector: "lockers".to_owned(),
        ..CreateConnection::default()
    };
    let lockers = connections::create(app, caller, lockers).await.unwrap().name;
    let given = details(json!({"username": "ada", "password": canary("password")}));
    let basic = new(&lockers, "ada", given);
    show(&basic);
    show(&accounts::create(app, caller, basic).await.unwrap());
    let line = json!({"connection": lockers, "identifier": "ben",
        "fields": {"username": "ben", "password": canary("import")}});
    show(&accounts::import(app, caller, &line.to_string()).await.unwrap());
    let page = PageAsk::default();
    show(
        &connections::list(app, caller, &ConnectionQuery::default(), &page)
            .await
            .unwrap(),
    );
    show(
        &accounts::list(app, caller, &accounts::AccountQuery::default(), &page)
            .await
            .unwrap(),
    );
    // the canary is there when it should be: the check can fail
    let read = accounts::auth(app, caller, &lookup).await.unwrap();
    let Some(accounts::Revealed::Oauth(tokens)) = read.credentials else {
        panic!()
    };
    assert_eq!(tokens.access_token, Some(canary("access-update").into()));

    assert_clean("an answer", shown.as_bytes());
    assert!(!shown.contains(SHARED_SECRET));
    let before = world.stored();
    assert_clean("the database", &before);
    accounts::disconnect(app, caller, &lookup).await.unwrap();
    accounts::delete(app, caller, &lookup).await.unwrap();
    connections::delete(app, caller, &lockers, Some(2), true)
        .await
        .unwrap();
    assert_clean("the database after deletions", &world.stored());
}

async fn errors_quote_no_secret(world: &World) {
    let (app, caller) = (&world.app, &world.caller);
    let mut errors = Vec::new();
    let secret = |value: String| CreateConnection {
        secrets: secrets(&[("client_secret", &value)]),
        ..postcards()
    };
    let spaced = format!("{CANARY} {CANARY}");
    errors.push(
        connections::create(app, caller, secret(spaced.clone()))
            .await
            .unwrap_err(),
    );
    errors.push(
        connections::create(app, caller, secret(format!("{CANARY}\n{CANARY}")))
            .await
            .unwrap_err(),
    );
    let same = CreateConnection {
        client_id: Some(canary("same")),
        ..secret(canary("same"))
    };
    errors.push(connections::create(app, caller, same).await.unwrap_err());
    let misplaced = json!({"client_secret": canary("context")})
        .as_object()
        .unwrap()
        .clone();
    let misplaced = CreateConnection {
        context: misplaced,
        ..secret("x".to_owned())
    };
    errors.push(connections::create(app, caller, misplaced).await.unwrap_err());
    let oauth = connections::create(app, caller, postcards()).await.unwrap().name;
    let luggage = CreateConnection {
        connector: "luggage".to_owned(),
        ..CreateConnection::default()
    };
    let luggage = connections::create(app, caller, luggage).await.unwrap().name;
    let account = |connection: &str, credentials| new(connection, "ada", credentials);
    for value in [
        json!({"api_key": canary("k")}),
        json!({"token": [canary("k")]}),
        json!(canary("k")),
    ] {
        errors.push(
            accounts::create(app, caller, account(&luggage, details(value.clone())))
                .await
                .unwrap_err(),
        );
        errors.push(
            accounts::create(app, caller, account(&oauth, details(json!({"x": "y"}))))
                .await
                .unwrap_err(),
        );
    }
    let broken = Credentials::Static {
        details: format!("{{\"api_key\": {CANARY}").into(),
    };
    errors.push(
        accounts::create(app, caller, account(&luggage, broken))
            .await
            .unwrap_err(),
    );
    let token = OauthTokens {
        access_token: Some(format!("{CANARY}\n").into()),
        ..OauthTokens::default()
    };
    errors.push(
        accounts::create(app, caller, account(&oauth, Credentials::Oauth(token)))
            .await
            .unwrap_err(),
    );
    let config = json!({"password": canary("config")}).as_object().unwrap().clone();
    let config = CreateAccount {
        api_config: Some(config),
        ..account(&oauth, Credentials::None)
    };
    errors.push(accounts::create(app, caller, config).await.unwrap_err());
    assert_eq!(errors.len(), 13);
    for error in errors {
        assert_clean("an error", format!("{error} {error:?}").as_bytes());
    }
    assert_clean("the database", &world.stored());
}
