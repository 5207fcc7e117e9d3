//! What the wire's connection service needs besides: names, kinds, overrides, contexts of organizations, tests.

use keybearer_app::accounts::{CreateAccount, Lookup};
use keybearer_app::connections::{
    self, CreateConnection, MethodOverrides, NameRules, ScopePatch, ScopeSettings, SetCredentials,
    UpdateConnection,
};
use keybearer_app::flows::{self, TestResult};
use keybearer_core::{AuthType, Code, ConnectionState, CredentialSource};
use serde_json::{Map, Value, json};

use crate::accounts::{details, new as new_account};
use crate::connections::{acme, make, postcards};
use crate::flows_stage::{Stage, browser, done, on_both_staged, with};
use crate::harness::{World, code, fields, on_both, secrets, texts};

on_both!(
    a_name_that_nobody_chose_on_the_wire_ends_in_eight_characters,
    the_kind_chooses_the_method,
    a_patch_of_one_list_of_scopes_leaves_the_others,
    single_parameters_are_laid_over_and_removed,
    overrides_that_cannot_be_are_named,
    the_wires_names_of_fields_reach_the_connectors_own,
    a_switch_says_what_a_draft_lacks,
    a_draft_is_put_into_use_by_its_last_value,
    an_organizations_context_is_its_own,
    a_shared_app_is_sent_to_no_host_of_an_organization,
);
on_both_staged!(crate::flows_stage::plain;
    overrides_are_used_on_the_way_to_the_provider_and_back,
    the_result_of_a_test_is_what_became_of_its_link,
    accounts_of_an_organization_call_its_own_host,
);

async fn update(
    world: &World,
    name: &str,
    patch: UpdateConnection,
) -> keybearer_core::Result<connections::Connection> {
    connections::update(&world.app, &world.caller, name, patch).await
}

async fn a_name_that_nobody_chose_on_the_wire_ends_in_eight_characters(world: &World) {
    let wire = || CreateConnection { name_rules: NameRules::Wire, ..postcards() };
    let (first, second) = (make(world, wire()).await.name, make(world, wire()).await.name);
    let tail = first.strip_prefix("postcards-").unwrap();
    assert!(tail.len() == 8 && tail.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{first}");
    assert_ne!(first, second);
    let url = connections::get(&world.app, &world.caller, &first).await.unwrap().mcp_url;
    assert_eq!(url, format!("https://keys.example/mcp/v3/connections/{first}"));
}

async fn the_kind_chooses_the_method(world: &World) {
    let of = |kind| CreateConnection { auth_type: Some(kind), ..acme() };
    assert_eq!(make(world, of(AuthType::Oauth)).await.method, "oauth2");
    let machine = CreateConnection {
        auth_type: Some(AuthType::ServiceAccount),
        connector: "acme".to_owned(),
        ..CreateConnection::default()
    };
    assert_eq!(make(world, machine).await.method, "machine");
    let refused = connections::create(&world.app, &world.caller, of(AuthType::Basic)).await;
    assert_eq!(fields(refused), ["connection.type"]);
}

async fn a_patch_of_one_list_of_scopes_leaves_the_others(world: &World) {
    let scopes = ScopeSettings {
        scopes: vec!["read".to_owned(), "write".to_owned()],
        optional_scopes: vec!["user.read".to_owned()],
        selectable: true,
        ..ScopeSettings::default()
    };
    let name = make(world, CreateConnection { scopes: Some(scopes), ..acme() }).await.name;
    let patch = ScopePatch { scopes: Some(vec!["offline".to_owned()]), ..ScopePatch::default() };
    let patch = UpdateConnection { scope_patch: patch, ..UpdateConnection::default() };
    let after = update(world, &name, patch).await.unwrap().scopes;
    assert_eq!((after.scopes, after.required), (vec!["offline".to_owned()], vec!["read".to_owned()]));
    assert_eq!((after.optional_scopes, after.selectable), (vec!["user.read".to_owned()], true));
    let patch = ScopePatch { selectable: Some(false), ..ScopePatch::default() };
    let patch = UpdateConnection { scope_patch: patch, ..UpdateConnection::default() };
    let after = update(world, &name, patch).await.unwrap().scopes;
    assert_eq!((after.scopes, after.selectable), (vec!["offline".to_owned()], false));
}

async fn single_parameters_are_laid_over_and_removed(world: &World) {
    let name = make(world, acme()).await.name;
    let patch = |pairs: &[(&str, &str)]| {
        update(world, &name, UpdateConnection { extra_patch: texts(pairs), ..UpdateConnection::default() })
    };
    patch(&[("prompt", "consent"), ("audience", "a")]).await.unwrap();
    let after = patch(&[("prompt", ""), ("access_type", "offline")]).await.unwrap();
    assert_eq!(after.extra_authorize_params, texts(&[("access_type", "offline"), ("audience", "a")]));
    assert_eq!(fields(patch(&[("state", "x")]).await), ["extra_authorize_params"]);
}

async fn overrides_that_cannot_be_are_named(world: &World) {
    let name = make(world, acme()).await.name;
    let with =
        |overrides| update(world, &name, UpdateConnection { overrides, ..UpdateConnection::default() });
    let text = |text: &str| Some(text.to_owned());
    for bad in ["state", "redirect_uri", "a b", "a&b", &"a".repeat(101)] {
        let overrides = MethodOverrides { scope_param: text(bad), ..MethodOverrides::default() };
        assert_eq!(fields(with(overrides).await), ["custom_scope_name"], "{bad}");
    }
    let overrides = MethodOverrides { token_auth: text("tls_client_auth"), ..MethodOverrides::default() };
    assert_eq!(fields(with(overrides).await), ["token_endpoint_auth_method"]);
    let good = MethodOverrides {
        pkce: Some(false),
        scope_param: text("scopes"),
        optional_scope_param: text("more"),
        token_auth: text("client_secret_basic"),
    };
    assert_eq!(with(good.clone()).await.unwrap().overrides, good);
    let back = MethodOverrides { scope_param: text(""), ..MethodOverrides::default() };
    let after = with(back).await.unwrap().overrides;
    assert_eq!((after.scope_param, after.pkce), (None, Some(false)));
    let keys =
        make(world, CreateConnection { connector: "luggage".to_owned(), ..CreateConnection::default() })
            .await;
    let patch = UpdateConnection { overrides: good, ..UpdateConnection::default() };
    assert_eq!(fields(update(world, &keys.name, patch).await), ["oauth_config"]);
}

async fn the_wires_names_of_fields_reach_the_connectors_own(world: &World) {
    let name = make(world, acme()).await.name;
    let given = secrets(&[("googleads_developer_token", "dev-token-4711")]);
    let after =
        update(world, &name, UpdateConnection { secrets: given, ..UpdateConnection::default() }).await;
    assert_eq!(after.unwrap().secret_fields, ["developer_token"]);
    let machine = CreateConnection { method: Some("machine".to_owned()), ..CreateConnection::default() };
    let machine = CreateConnection {
        connector: "acme".to_owned(),
        secrets: secrets(&[("service_account_json", "{}")]),
        ..machine
    };
    assert_eq!(make(world, machine).await.secret_fields, ["key_file"]);
    assert!(!String::from_utf8_lossy(&world.stored()).contains("dev-token-4711"));
}

async fn a_switch_says_what_a_draft_lacks(world: &World) {
    let bare = CreateConnection { connector: "acme".to_owned(), ..CreateConnection::default() };
    let name = make(world, bare).await.name;
    let switch = |on| connections::switch(&world.app, &world.caller, &name, on);
    let refused = switch(true).await.unwrap();
    assert!(!refused.enabled && refused.message.unwrap().contains("client_id"));
    let set = SetCredentials::ReplaceClient {
        source: CredentialSource::Own,
        client_id: Some("id_1".to_owned()),
        secrets: secrets(&[("client_secret", "sec_0123456789abcdefghij")]),
    };
    connections::set_credentials(&world.app, &world.caller, &name, set).await.unwrap();
    for on in [true, true, false, false, true] {
        assert_eq!(switch(on).await.unwrap().enabled, on);
        let state = connections::get(&world.app, &world.caller, &name).await.unwrap().state;
        assert_eq!(state == ConnectionState::Active, on);
    }
    let foreign = connections::switch(&world.app, &world.stranger, &name, true).await;
    assert_eq!(code(foreign), Code::ConnectionNotFound);
}

async fn a_draft_is_put_into_use_by_its_last_value(world: &World) {
    let bare = CreateConnection { connector: "acme".to_owned(), ..CreateConnection::default() };
    let name = make(world, bare).await.name;
    let patch = UpdateConnection {
        client_id: Some("id_1".to_owned()),
        activate_when_complete: true,
        ..UpdateConnection::default()
    };
    assert_eq!(update(world, &name, patch.clone()).await.unwrap().state, ConnectionState::Draft);
    let patch =
        UpdateConnection { secrets: secrets(&[("client_secret", "sec_0123456789abcdefghij")]), ..patch };
    assert_eq!(update(world, &name, patch.clone()).await.unwrap().state, ConnectionState::Active);
    connections::pause(&world.app, &world.caller, &name).await.unwrap();
    assert_eq!(update(world, &name, patch).await.unwrap().state, ConnectionState::Paused);
}

fn context(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap()
}

async fn an_organizations_context_is_its_own(world: &World) {
    let (app, name) = (&world.app, make(world, acme()).await.name);
    let set = |caller, value: Value| {
        connections::set_organization_context(app, caller, &name, "org_7", context(value))
    };
    set(&world.caller, json!({"site": "org7.acme.example", "note": "x"})).await.unwrap();
    let own = connections::organization_context(app, &world.caller, &name, "org_7").await.unwrap();
    assert_eq!(own, context(json!({"site": "org7.acme.example", "note": "x"})));
    assert!(connections::organization_context(app, &world.caller, &name, "org_8").await.unwrap().is_empty());
    assert!(!connections::context(app, &world.caller, &name).await.unwrap().contains_key("note"));
    assert_eq!(
        fields(set(&world.caller, json!({"developer_token": "x"})).await),
        ["context.developer_token"]
    );
    assert_eq!(code(set(&world.stranger, json!({})).await), Code::ConnectionNotFound);
    let read = connections::organization_context(app, &world.stranger, &name, "org_7").await;
    assert_eq!(code(read), Code::ConnectionNotFound);
    let id = connections::get(app, &world.caller, &name).await.unwrap().id;
    assert_eq!(world.audited(id.as_str(), "connection.organization_context_set").await, 1);
}

async fn a_shared_app_is_sent_to_no_host_of_an_organization(world: &World) {
    let shared = CreateConnection {
        connector: "acme".to_owned(),
        source: Some(CredentialSource::Shared),
        ..CreateConnection::default()
    };
    let name = make(world, shared).await.name;
    let value = context(json!({"site": "evil.acme.example"}));
    let set = connections::set_organization_context(&world.app, &world.caller, &name, "org_7", value).await;
    assert_eq!(fields(set), ["context"]);
}

async fn overrides_are_used_on_the_way_to_the_provider_and_back(stage: &Stage) {
    let set = async |overrides: MethodOverrides| {
        let patch = UpdateConnection { overrides, ..UpdateConnection::default() };
        update(&stage.world, &stage.name, patch).await.unwrap();
    };
    let (basic, visit) = (Some("client_secret_basic".to_owned()), browser("a"));
    set(MethodOverrides { token_auth: basic, ..MethodOverrides::default() }).await;
    let parameters = stage.consent(&stage.link("u-1").await, &visit, "ada").await;
    done(stage.callback(parameters, &visit).await);
    let asked = stage.control.requests(0).into_iter().rfind(|request| request.path == "/token").unwrap();
    assert!(asked.headers.iter().any(|(name, _)| name == "authorization"), "{asked:?}");
    let names = Some("user_scopes".to_owned());
    set(MethodOverrides { pkce: Some(false), scope_param: names, ..MethodOverrides::default() }).await;
    let url = stage.provider_url(&stage.link("u-1").await, &visit).await;
    assert!(url.contains("user_scopes=") && !url.contains("&scope="), "{url}");
    assert!(!url.contains("code_challenge"), "{url}");
}

async fn the_result_of_a_test_is_what_became_of_its_link(stage: &Stage) {
    let (app, caller) = (stage.app(), &stage.world.caller);
    let result =
        |request: String| async move { flows::test_result(app, caller, &stage.name, &request).await };
    let link = flows::create_test_link(app, caller, &stage.name).await.unwrap();
    let request = flows::test_request_id(&link.flow_id);
    assert!(request.starts_with("test_"));
    assert_eq!(result(request.clone()).await.unwrap(), TestResult::Pending);
    let (token, visit) = (link.url.path().strip_prefix("/c/").unwrap(), browser("a"));
    let url = stage.provider_url(token, &visit).await;
    let answer = with(stage.approve(&url, "ada"), "code", "");
    let denied = with(answer, "error", "access_denied");
    stage.callback(denied, &visit).await;
    let TestResult::Failed { error, .. } = result(request.clone()).await.unwrap() else { panic!() };
    assert_eq!(error, "access_denied");
    let parameters = stage.consent(token, &visit, "ada").await;
    done(stage.callback(parameters, &visit).await);
    let TestResult::Succeeded { user_info } = result(request.clone()).await.unwrap() else { panic!() };
    assert!(user_info.unwrap().contains("ada"));
    // nothing else is a test of this connection
    let plain = flows::create_link(
        app,
        caller,
        keybearer_app::flows::LinkRequest { lookup: Lookup::of(&stage.name, "u-1"), ..Default::default() },
    );
    let plain = flows::test_request_id(&plain.await.unwrap().flow_id);
    for unknown in [plain, "test_1".to_owned(), "test_".to_owned(), request.replace("test_", "flow_")] {
        assert_eq!(code(result(unknown).await), Code::NotFound);
    }
    let foreign = flows::test_result(app, &stage.world.stranger, &stage.name, &request).await;
    assert_eq!(code(foreign), Code::ConnectionNotFound);
}

async fn accounts_of_an_organization_call_its_own_host(stage: &Stage) {
    let (world, key) = (&stage.world, "lk_0123456789abcdef0123456789abcdef");
    let plain = CreateConnection { connector: "luggage".to_owned(), ..CreateConnection::default() };
    let name = make(world, plain).await.name;
    connections::set_proxy(stage.app(), &world.caller, &name, true).await.unwrap();
    let lookup = Lookup { organization_id: Some("org_7".to_owned()), ..Lookup::of(&name, "u-1") };
    let account = CreateAccount { lookup, ..new_account(&name, "u-1", details(json!({"api_key": key}))) };
    keybearer_app::accounts::create(stage.app(), &world.caller, account).await.unwrap();
    let elsewhere = context(json!({"sandbox_url": world.provider.url}));
    connections::set_organization_context(stage.app(), &world.caller, &name, "org_7", elsewhere)
        .await
        .unwrap();
    assert_eq!(crate::tokens_refresh::get_from(stage, &name, "/check").await.unwrap(), 200);
    assert_eq!(world.provider.received().len(), 1, "the call went to the host of the organization");
}
