//! People connecting to connectors that an environment made: consent at the sandbox, and a form of ours.

use keybearer_app::accounts::{self, CreateAccount, Lookup};
use keybearer_app::connections::{self, CreateConnection};
use keybearer_app::flows::{self, LinkRequest};
use keybearer_app::providers::{CreateProvider, Provider, create};
use keybearer_core::{AccountStatus, Code};
use serde_json::{Value, json};

use crate::flows_stage::{APP_SECRET, Stage, browser, credential_form, done, on_both_staged};
use crate::harness::{code, secrets};
use crate::providers::{call, provider};

on_both_staged!(crate::flows_stage::plain;
    consent_at_an_oauth_connector_of_the_environment_gives_an_account_that_calls,
    a_user_gives_a_key_on_the_hosted_form,
    another_node_sees_a_change_at_once,
    no_link_is_made_to_an_mcp_server_that_cannot_be_signed_in_at,
);

async fn made(stage: &Stage, new: CreateProvider) -> String {
    match create(stage.app(), &stage.world.caller, new).await.unwrap() {
        Provider::Custom(custom) => custom.identifier,
        Provider::Catalogue(_) => panic!("of the catalogue"),
    }
}

fn oauth(stage: &Stage) -> CreateProvider {
    let url = stage.control.url().trim_end_matches('/').to_owned();
    let patterns = json!([{"type": "OAUTH", "oauth_config": {
        "authorize_uri": format!("{url}/authorize"), "token_uri": format!("{url}/token"),
        "user_info_uri": format!("{url}/me"), "pkce_enabled": true,
        "available_scopes": [{"scope": "postcards.read", "display_name": "Read postcards", "required": true},
            {"scope": "profile.read", "required": true}]}}]);
    provider(&format!("{url}/{{{{version}}}}"), patterns)
}

async fn consent_at_an_oauth_connector_of_the_environment_gives_an_account_that_calls(stage: &Stage) {
    let identifier = made(stage, oauth(stage)).await;
    let new = CreateConnection {
        connector: identifier,
        name: Some("own".to_owned()),
        client_id: Some("app-1".to_owned()),
        secrets: secrets(&[("client_secret", APP_SECRET)]),
        ..CreateConnection::default()
    };
    let connection = connections::create(stage.app(), &stage.world.caller, new).await.unwrap();
    assert_eq!((connection.missing.as_slice(), connection.needs_redirect_uri), (&[][..], true));
    stage.register_for(connection.id.as_str(), APP_SECRET);
    // the developer knows the path variable and gives it with the account
    let api_config: Option<serde_json::Map<String, Value>> =
        json!({"path_variables": {"version": "api"}}).as_object().cloned();
    let lookup = Lookup::of("own", "u-1");
    let account = CreateAccount { lookup: lookup.clone(), api_config, ..CreateAccount::default() };
    let account = accounts::create(stage.app(), &stage.world.caller, account).await.unwrap();
    assert_eq!(account.status, AccountStatus::PendingAuth);
    let token = stage.link_with(LinkRequest { lookup: lookup.clone(), ..LinkRequest::default() }).await;
    let browser = browser("b");
    let parameters = stage.consent(&token, &browser, "ada").await;
    let answer = flows::callback(stage.app(), connection.id.as_str(), parameters, &browser).await.unwrap();
    done(answer);
    let account = accounts::get(stage.app(), &stage.world.caller, &lookup).await.unwrap();
    assert_eq!(account.status, AccountStatus::Active);
    assert_eq!(account.granted_scopes, ["profile.read", "postcards.read"]);
    assert!(account.identity_id.is_some() || account.identity_label.is_some(), "{account:?}");
    assert_eq!(call(&stage.world, "own", "/postcards").await.unwrap(), 200);
}

async fn a_user_gives_a_key_on_the_hosted_form(stage: &Stage) {
    let url = format!("{}/{{{{tenant}}}}", stage.world.provider.url);
    let patterns = json!([{"type": "API_KEY", "fields": [
        {"field_name": "api_key", "label": "Secret key", "input_type": "password", "hint": "Under Settings.", "required": true},
        {"field_name": "tenant", "label": "Tenant", "input_type": "select", "is_path_param": true, "required": true,
            "options": [{"value": "eu"}, {"value": "us", "default": true}]}]}]);
    let identifier = made(stage, provider(&url, patterns)).await;
    let new = CreateConnection {
        connector: identifier,
        name: Some("keys".to_owned()),
        ..CreateConnection::default()
    };
    connections::create(stage.app(), &stage.world.caller, new).await.unwrap();
    let (lookup, browser) = (Lookup::of("keys", "u-1"), browser("c"));
    let token = stage.link_with(LinkRequest { lookup: lookup.clone(), ..LinkRequest::default() }).await;
    let form = credential_form(stage.view(&token, &browser).await);
    let shown: Vec<(&str, &str, bool)> =
        form.fields.iter().map(|field| (field.name.as_str(), field.label.as_str(), field.secret)).collect();
    assert_eq!(shown, [("api_key", "Secret key", true), ("tenant", "Tenant", false)]);
    let submitted = vec![
        ("csrf".to_owned(), form.csrf.clone().into()),
        ("api_key".to_owned(), "k-77".into()),
        ("tenant".to_owned(), "eu".into()),
    ];
    done(flows::submit(stage.app(), &token, &browser, submitted).await.unwrap());
    let account = accounts::get(stage.app(), &stage.world.caller, &lookup).await.unwrap();
    assert_eq!(
        (account.status, account.fields.get("tenant").map(String::as_str)),
        (AccountStatus::Active, Some("eu"))
    );
    assert!(!account.fields.contains_key("api_key"));
    assert_eq!(call(&stage.world, "keys", "/things").await.unwrap(), 200);
    let seen = stage.world.provider.received().pop().unwrap().to_ascii_lowercase();
    assert!(seen.starts_with("get /eu/things ") && seen.contains("authorization: k-77"), "{seen}");
}

async fn another_node_sees_a_change_at_once(stage: &Stage) {
    if !stage.world.is_postgres() {
        return;
    }
    let other = stage.world.another_node().await;
    let identifier = made(stage, provider(&stage.world.provider.url, json!([{"type": "BEARER"}]))).await;
    let connector = keybearer_app::providers::connector(&other, &stage.world.caller.environment, &identifier);
    assert_eq!(connector.await.unwrap().display_name, "My CRM");
    let rename = keybearer_app::providers::UpdateProvider {
        display_name: "Renamed".to_owned(),
        ..keybearer_app::providers::UpdateProvider::default()
    };
    keybearer_app::providers::update(stage.app(), &stage.world.caller, &identifier, rename).await.unwrap();
    let connector = keybearer_app::providers::connector(&other, &stage.world.caller.environment, &identifier);
    assert_eq!(connector.await.unwrap().display_name, "Renamed");
    other.close().await;
}

async fn no_link_is_made_to_an_mcp_server_that_cannot_be_signed_in_at(stage: &Stage) {
    let patterns = json!([{"type": "OAUTH", "is_mcp": true, "oauth_config": {"pkce_enabled": true}}]);
    // nobody is contacted when it is made, not even to find its endpoints
    let identifier = made(stage, provider("https://unreachable.acme.example/mcp", patterns)).await;
    let new = CreateConnection {
        connector: identifier,
        name: Some("tools".to_owned()),
        ..CreateConnection::default()
    };
    connections::create(stage.app(), &stage.world.caller, new).await.unwrap();
    let request = LinkRequest { lookup: Lookup::of("tools", "u-1"), ..LinkRequest::default() };
    let refused = flows::create_link(stage.app(), &stage.world.caller, request).await;
    assert_eq!(code(refused), Code::Unimplemented);
}
