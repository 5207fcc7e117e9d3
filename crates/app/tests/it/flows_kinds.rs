//! Other ways to connect than a plain consent: keys that sign, and permissions that users choose.

use std::time::Duration;

use keybearer_app::accounts::Lookup;
use keybearer_app::connections::{self, CreateConnection, ScopeSettings, UpdateConnection};
use keybearer_app::flows::page::StartNext;
use keybearer_app::flows::{self, Answer, LinkRequest, PageBody};
use keybearer_core::AccountStatus;
use keybearer_sandbox::KeyPair;

use crate::accounts::connection;
use crate::flows_stage::{
    APP_SECRET, Stage, browser, credential_form, done, on_both_staged, page, pairs, value,
};
use crate::harness::secrets;
use crate::tokens_refresh::get_from;

on_both_staged!(crate::flows_stage::plain;
    a_key_pair_signs_for_its_tokens,
    an_app_gets_tokens_for_itself,
    a_user_leaves_permissions_out_and_never_the_required_ones,
);

const PRIVATE: &str = include_str!("../../../oauth/tests/fixtures/rsa_pkcs8.pem");
const PUBLIC: &str = include_str!("../../../oauth/tests/fixtures/rsa_public.pem");

async fn a_key_pair_signs_for_its_tokens(stage: &Stage) {
    stage.control.register_key(KeyPair { issuer: "gate-1".to_owned(), public_key_pem: PUBLIC.to_owned() });
    let name = connection(&stage.world, "turnstile").await;
    let lookup = Lookup::of(&name, "u-1");
    let token = stage.link_with(LinkRequest { lookup: lookup.clone(), ..LinkRequest::default() }).await;
    let browser = browser("a");
    let post = |key: &'static str| {
        let (token, browser) = (token.clone(), browser.clone());
        async move {
            let csrf = credential_form(stage.view(&token, &browser).await).csrf;
            let form = [("csrf", csrf.as_str()), ("key_id", "gate-1"), ("private_key", key)];
            let form = form.map(|(name, value)| (name.to_owned(), value.into())).to_vec();
            flows::submit(stage.app(), &token, &browser, form).await.unwrap()
        }
    };
    for wrong in ["", "not a key", PUBLIC] {
        let refused = credential_form(page(post(wrong).await));
        let said = refused.problem.is_some() || refused.fields.iter().any(|field| field.error.is_some());
        assert!(said && refused.fields.iter().all(|field| !field.secret || field.value.is_empty()));
    }
    done(post(PRIVATE).await);
    let account = keybearer_app::accounts::get(stage.app(), &stage.world.caller, &lookup).await.unwrap();
    assert_eq!(account.status, AccountStatus::Active);
    connections::set_proxy(stage.app(), &stage.world.caller, &name, true).await.unwrap();
    assert_eq!(get_from(stage, &name, "/passes").await.unwrap(), 200);
    // a minute later the key signs for the next token; nobody is asked
    stage.world.clock.advance(Duration::from_secs(61));
    assert_eq!(get_from(stage, &name, "/passes").await.unwrap(), 200);
    let after = keybearer_app::accounts::get(stage.app(), &stage.world.caller, &lookup).await.unwrap();
    assert_eq!((after.status, after.generation), (AccountStatus::Active, account.generation + 1));
}

async fn an_app_gets_tokens_for_itself(stage: &Stage) {
    let wanted = CreateConnection {
        connector: "robot".to_owned(),
        client_id: Some("app-1".to_owned()),
        secrets: secrets(&[("client_secret", APP_SECRET)]),
        ..CreateConnection::default()
    };
    let name = connections::create(stage.app(), &stage.world.caller, wanted).await.unwrap().name;
    let lookup = Lookup::of(&name, "u-1");
    let token = stage.link_with(LinkRequest { lookup: lookup.clone(), ..LinkRequest::default() }).await;
    let browser = browser("a");
    let csrf = match stage.view(&token, &browser).await {
        PageBody::Credentials(page) => page.form.csrf,
        PageBody::Start(start) => match start.next {
            StartNext::Form(form) => form.csrf,
            StartNext::Link(url) => panic!("{url}"),
        },
        other => panic!("{other:?}"),
    };
    let form = vec![("csrf".to_owned(), csrf.into())];
    done(flows::submit(stage.app(), &token, &browser, form).await.unwrap());
    connections::set_proxy(stage.app(), &stage.world.caller, &name, true).await.unwrap();
    assert_eq!(stage.token_requests("client_credentials"), 1);
    assert!(get_from(stage, &name, "/postcards").await.is_ok());
    stage.world.clock.advance(Duration::from_secs(61));
    assert!(get_from(stage, &name, "/postcards").await.is_ok());
    assert_eq!(stage.token_requests("client_credentials"), 2);
    let account = keybearer_app::accounts::get(stage.app(), &stage.world.caller, &lookup).await.unwrap();
    assert_eq!(account.status, AccountStatus::Active);
}

async fn a_user_leaves_permissions_out_and_never_the_required_ones(stage: &Stage) {
    let scopes = ScopeSettings {
        scopes: vec!["profile.read".to_owned(), "postcards.read".to_owned(), "postcards.write".to_owned()],
        required: vec!["profile.read".to_owned()],
        selectable: true,
        ..ScopeSettings::default()
    };
    let change = UpdateConnection { scopes: Some(scopes), ..UpdateConnection::default() };
    connections::update(stage.app(), &stage.world.caller, &stage.name, change).await.unwrap();
    let (token, browser) = (stage.link("u-1").await, browser("a"));
    let PageBody::Start(start) = stage.view(&token, &browser).await else { panic!("no start page") };
    let StartNext::Form(form) = start.next else { panic!("nothing to choose") };
    let locked: Vec<&str> =
        form.scopes.iter().filter(|choice| choice.locked).map(|choice| choice.scope.as_str()).collect();
    assert_eq!(locked, ["profile.read"]);
    // everything is left out, the required one too
    let fields = vec![("csrf".to_owned(), form.csrf.into()), ("scope".to_owned(), "postcards.read".into())];
    let Answer::Leave { to: url, .. } = flows::submit(stage.app(), &token, &browser, fields).await.unwrap()
    else {
        panic!("no way to the provider");
    };
    let asked = value(&pairs(&url), "scope");
    assert!(asked.contains("profile.read") && asked.contains("postcards.read"), "{asked}");
    assert!(!asked.contains("postcards.write"), "{asked}");
    let parameters = stage.approve(url.as_str(), "ada");
    done(stage.callback(parameters, &browser).await);
    let account = stage.account("u-1").await;
    assert_eq!(account.status, AccountStatus::Active);
    assert!(!account.granted_scopes.contains(&"postcards.write".to_owned()), "{:?}", account.granted_scopes);
    assert!(account.missing_scopes.is_empty(), "what was left out on purpose is not missing");
}
