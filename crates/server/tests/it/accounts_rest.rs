//! Organizations, shared credentials and connection settings over REST and gRPC, and what SDKs send for accounts.

use http::Method;
use keybearer_testkit::TempDir;
use serde_json::{Value, json};

use crate::bytes_rpc;
use crate::peers::process::Server;

const ACCOUNTS: &str = "/scalekit.v1.connected_accounts.ConnectedAccountService";
const KEY: &str = "lk_0123456789abcdef0123456789abcdef";

struct Scene {
    server: Server,
    _folder: TempDir,
}

impl Scene {
    async fn set() -> Self {
        let folder = keybearer_testkit::temp_dir().unwrap();
        std::fs::create_dir_all(folder.path().join("connectors")).unwrap();
        let server =
            Server::start(&folder.path().join("data"), &folder.path().join("connectors"), None).await;
        Self { server, _folder: folder }
    }

    async fn rest(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        let bearer = format!("Bearer {}", self.server.token());
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer = self.server.http.send(method, path, &headers, body).await;
        (answer.status().as_u16(), serde_json::from_slice(answer.body()).unwrap_or_default())
    }

    async fn rpc(&self, method: &str, body: Value) -> Result<Value, tonic::Code> {
        let url = self.server.process.text("url");
        bytes_rpc::call(&url, self.server.token(), method, body).await.map_err(|(status, _)| status.code())
    }

    async fn connection(&self, body: Value) -> Value {
        let (status, answer) = self.rest(Method::POST, "/api/v1/connections?flags.is_app=true", body).await;
        assert_eq!(status, 201, "{answer}");
        answer["connection"].clone()
    }
}

#[tokio::test]
async fn an_organization_lives_and_ends_with_its_accounts() {
    let scene = Scene::set().await;
    let body = json!({"display_name": "Acme", "external_id": "t-1", "metadata": {"plan": "gold"}});
    let (status, made) = scene.rest(Method::POST, "/api/v1/organizations", body).await;
    let organization = &made["organization"];
    let id = organization["id"].as_str().unwrap();
    assert_eq!((status, id.starts_with("org_")), (201, true), "{made}");
    let account = json!({"connector": "postcards", "identifier": "ada", "organization_id": id,
        "connected_account": {}});
    assert_eq!(scene.rest(Method::POST, "/api/v1/connected_accounts", account).await.0, 201);
    let path = format!("/api/v1/organizations/{id}");
    let (status, changed) = scene
        .rest(Method::PATCH, &format!("{path}?update_mask=external_id"), json!({"display_name": "X"}))
        .await;
    assert_eq!((status, &changed["organization"]["display_name"]), (200, &json!("Acme")), "{changed}");
    assert!(changed["organization"].get("external_id").is_none_or(Value::is_null), "{changed}");
    assert_eq!(changed["organization"]["metadata"]["plan"], "gold");
    let (_, listed) = scene.rest(Method::GET, "/api/v1/organizations?page_size=1", Value::Null).await;
    assert_eq!((listed["total_size"].as_u64(), &listed["organizations"][0]["id"]), (Some(1), &json!(id)));
    let get = "/scalekit.v1.organizations.OrganizationService/GetOrganization";
    assert_eq!(scene.rpc(get, json!({"id": id})).await.unwrap()["organization"]["id"], id);
    assert_eq!(scene.rpc(get, json!({"external_id": "t-1"})).await, Err(tonic::Code::NotFound));
    assert_eq!(scene.rpc(get, json!({})).await, Err(tonic::Code::InvalidArgument));
    assert_eq!(scene.rest(Method::DELETE, &path, Value::Null).await, (200, json!({})));
    assert_eq!(scene.rest(Method::DELETE, &path, Value::Null).await.0, 404);
    let (_, left) = scene.rest(Method::GET, "/api/v1/connected_accounts", Value::Null).await;
    assert_eq!(left["total_size"], 0);
}

#[tokio::test]
async fn a_shared_key_is_active_at_once_and_has_no_link_in_its_answer() {
    let scene = Scene::set().await;
    let made = scene
        .connection(json!({"provider_key": "LUGGAGE", "type": "API_KEY", "auth_mode": "ORG_WIDE"}))
        .await;
    assert_eq!(made["auth_mode"], "ORG_WIDE");
    let id = made["id"].as_str().unwrap();
    let path = "/api/v1/connected_accounts/org_wide/authorize";
    let (status, _) = scene.rest(Method::POST, path, json!({"connection_id": id})).await;
    assert_eq!(status, 400);
    let body = json!({"connection_id": id,
        "authorization_details": {"static_auth": {"details": {"api_key": KEY}}}});
    let (status, answer) = scene.rest(Method::POST, path, body).await;
    assert_eq!((status, &answer["status"]), (200, &json!("ACTIVE")), "{answer}");
    assert!(answer.get("link").is_none() && !answer.to_string().contains(KEY), "{answer}");
    let filter = "/api/v1/connected_accounts?is_org_wide_credential=true";
    let (_, listed) = scene.rest(Method::GET, filter, Value::Null).await;
    assert_eq!(listed["connected_accounts"][0]["id"], answer["connected_account_id"]);
    assert_eq!(listed["connected_accounts"][0]["is_org_wide_credential"], true);
}

#[tokio::test]
async fn a_shared_sign_in_gives_a_link_and_is_pending() {
    let scene = Scene::set().await;
    let body = json!({"provider_key": "POSTCARDS", "type": "OAUTH", "auth_mode": "ORG_WIDE"});
    let made = scene.connection(body).await;
    let config = json!({"oauth_config": {"client_id": "app-9", "client_secret": "s3cr3t-of-app-nine-0001"}});
    let path = format!("/api/v1/connections/{}", made["id"].as_str().unwrap());
    let (_, ready) = scene.rest(Method::PATCH, &path, config).await;
    assert_eq!(ready["connection"]["enabled"], true, "{ready}");
    let authorize = format!("{ACCOUNTS}/AuthorizeOrgWideCredential");
    let answer = scene.rpc(&authorize, json!({"connection_id": made["id"]})).await.unwrap();
    assert_eq!(answer["status"], "PENDING_AUTH", "{answer}");
    assert!(answer["link"].as_str().unwrap().contains("/c/") && !answer["expiry"].is_null());
    let user = scene.rpc(&authorize, json!({"connection_id": "conn_1"})).await;
    assert_eq!(user, Err(tonic::Code::NotFound));
}

#[tokio::test]
async fn a_link_is_made_in_a_language_for_a_time_and_refused_in_others() {
    let scene = Scene::set().await;
    let path = "/api/v1/accounts:connect-link";
    let wanted =
        json!({"connection": "postcards", "identifier": "mei", "locale": "zh-CN", "lifetime_seconds": 900});
    let (status, made) = scene.rest(Method::POST, path, wanted).await;
    assert_eq!(status, 201, "{made}");
    assert!(made["account_id"].as_str().unwrap().starts_with("ca_"), "{made}");
    let link = made["link"].as_str().unwrap();
    let page = scene.server.http.send(Method::GET, link, &[("accept-language", "de")], String::new()).await;
    assert_eq!(page.headers()["content-language"], "zh-Hans");
    let chosen = format!("{link}?lang=it");
    let page = scene.server.http.send(Method::GET, &chosen, &[], String::new()).await;
    assert_eq!(page.headers()["content-language"], "it", "the person is heard before the link");
    for wrong in [json!({"locale": "tlh"}), json!({"lifetime_seconds": 2_592_001})] {
        let mut body = json!({"connection": "postcards", "identifier": "mei"});
        body.as_object_mut().unwrap().extend(wrong.as_object().unwrap().clone());
        let (status, answer) = scene.rest(Method::POST, path, body).await;
        assert_eq!(status, 400, "{answer}");
    }
}

#[tokio::test]
async fn connection_settings_come_back_as_they_were_given_without_secrets() {
    let scene = Scene::set().await;
    let made = scene.connection(json!({"provider_key": "POSTCARDS", "type": "OAUTH"})).await;
    let name = made["key_id"].as_str().unwrap();
    assert!(name.starts_with("postcards-") && name.len() == 18, "{name}");
    assert!(made["mcp_server_url"].as_str().unwrap().ends_with(&format!("/mcp/v3/connections/{name}")));
    assert_eq!((&made["status"], &made["enabled"]), (&json!("DRAFT"), &json!(false)));
    let path = format!("/api/v1/connections/{}", made["id"].as_str().unwrap());
    let (_, refused) = scene.rest(Method::PATCH, &format!("{path}:enable"), Value::Null).await;
    assert_eq!(refused["enabled"], false);
    assert!(refused["error_message"].as_str().unwrap().contains("client_id"), "{refused}");
    let given = json!({
        "client_id": "app-9", "client_secret": "cnry-secret-of-app-nine", "prompt": "consent",
        "access_type": "offline", "token_access_type": "offline", "custom_scope_name": "scopes",
        "token_endpoint_auth_method": "client_secret_basic", "pkce_enabled": false,
        "scopes": ["profile.read", "postcards.read"], "scope_selection_allowed": true,
        "required_scopes": ["profile.read"], "extensions": {"extra_authorize_params": {"audience": "a"}},
    });
    let (status, after) = scene.rest(Method::PATCH, &path, json!({"oauth_config": given.clone()})).await;
    assert_eq!(status, 200, "{after}");
    let shown = &after["connection"]["oauth_config"];
    for (key, value) in given.as_object().unwrap().iter().filter(|(key, _)| *key != "client_secret") {
        assert_eq!(&shown[key], value, "{key}: {shown}");
    }
    assert!(!after.to_string().contains("cnry"), "{after}");
    assert_eq!(
        (&after["connection"]["status"], &after["connection"]["enabled"]),
        (&json!("COMPLETED"), &json!(true))
    );
    // one thing changes, the rest stays; what an SDK read can be sent back
    let (_, later) = scene.rest(Method::PATCH, &path, json!({"oauth_config": {"prompt": "login"}})).await;
    assert_eq!(later["connection"]["oauth_config"]["access_type"], "offline");
    let (status, again) = scene.rest(Method::PATCH, &path, json!({"oauth_config": shown})).await;
    assert_eq!((status, &again["connection"]["oauth_config"]), (200, shown), "{again}");
    for (field, value) in [("authorize_uri", "https://evil.example"), ("token_uri", "https://evil.example")] {
        let (status, answer) =
            scene.rest(Method::PATCH, &path, json!({"oauth_config": {field: value}})).await;
        assert_eq!(status, 400, "{answer}");
    }
    let (_, off) = scene.rest(Method::PATCH, &format!("{path}:disable"), Value::Null).await;
    assert_eq!(off["enabled"], false);
    let (status, _) = scene
        .rest(Method::POST, "/api/v1/connections?flags.is_login=true", json!({"provider_key": "POSTCARDS"}))
        .await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn plain_fields_of_a_connection_are_a_static_config() {
    let scene = Scene::set().await;
    let made =
        scene.connection(json!({"provider_key": "LUGGAGE", "type": "API_KEY", "key_id": "bags"})).await;
    let path = format!("/api/v1/connections/{}", made["id"].as_str().unwrap());
    let url = scene.server.process.text("sandbox_url");
    let body = json!({"static_config": {"static_config": {"sandbox_url": url}}});
    let (status, after) = scene.rest(Method::PATCH, &path, body.clone()).await;
    assert_eq!((status, &after["connection"]["static_config"]), (200, &body["static_config"]), "{after}");
    let wrong = json!({"static_config": {"static_config": {"sandbox_url": ["cnry"]}}});
    let (status, answer) = scene.rest(Method::PATCH, &path, wrong).await;
    assert!(status == 400 && !answer.to_string().contains("cnry"), "{answer}");
}

#[tokio::test]
async fn a_context_of_an_organization_and_a_test_have_their_paths() {
    let scene = Scene::set().await;
    let (_, setup) = scene.rest(Method::GET, "/api/v1/connection-setups/postcards", Value::Null).await;
    let id = setup["connection"]["id"].as_str().unwrap();
    let contexts = format!("/api/v1/organizations/org_7/connections/{id}/contexts");
    assert_eq!(scene.rest(Method::PUT, &contexts, json!({"note": "x"})).await, (200, json!({})));
    let (_, read) = scene.rest(Method::GET, &contexts, Value::Null).await;
    assert_eq!(read["context"], json!({"note": "x"}));
    let (_, own) = scene.rest(Method::GET, &format!("/api/v1/connections/{id}/contexts"), Value::Null).await;
    assert!(own["context"].get("note").is_none(), "{own}");
    let (_, test) =
        scene.rest(Method::POST, "/api/v1/connection-setups/postcards:test-link", json!({})).await;
    let request = test["test_request_id"].as_str().unwrap();
    let path = format!("/api/v1/connections/{id}/test-requests/{request}");
    let (status, result) = scene.rest(Method::GET, &path, Value::Null).await;
    assert_eq!((status, &result["status"]), (200, &json!("PENDING")), "{result}");
    let (status, _) = scene.rest(Method::GET, &path.replace(request, "test_1"), Value::Null).await;
    assert_eq!(status, 404);
}

/// `wire/sdk-behaviour.md` §8.
#[tokio::test]
async fn what_sdks_send_for_accounts_is_understood() {
    let scene = Scene::set().await;
    scene.connection(json!({"provider_key": "LUGGAGE", "key_id": "bags"})).await;
    let call = |method: &'static str, body: Value| scene.rpc(method, body);
    let create = "/scalekit.v1.connected_accounts.ConnectedAccountService/CreateConnectedAccount";
    let update = "/scalekit.v1.connected_accounts.ConnectedAccountService/UpdateConnectedAccount";
    let delete = "/scalekit.v1.connected_accounts.ConnectedAccountService/DeleteConnectedAccount";
    let auth = "/scalekit.v1.connected_accounts.ConnectedAccountService/GetConnectedAccountAuth";
    // Python without credentials, Node with an empty token even for a key
    let empty = json!({"connector": "bags", "identifier": "u-1", "organization_id": "org_5",
        "connected_account": {"authorization_details": {"oauth_token": {}}}});
    let made = call(create, empty.clone()).await.unwrap()["connected_account"].clone();
    assert_eq!(made["status"], "PENDING_AUTH");
    assert!(made.get("created_at").is_none() && made.get("organization_id").is_none(), "{made}");
    let settings = ["version", "domain", "custom_headers", "custom_auth_header", "api_endpoint"];
    assert!(settings.iter().all(|name| made["api_config"][name].is_null()), "{made}");
    let bare = json!({"connector": "bags", "identifier": "u-2", "connected_account": {}});
    assert_eq!(call(create, bare).await.unwrap()["connected_account"]["status"], "PENDING_AUTH");
    assert_eq!(call(create, empty).await, Err(tonic::Code::AlreadyExists));
    // Python drops the scope from its lookups
    let lookup = json!({"connector": "bags", "identifier": "u-1"});
    assert_eq!(call(auth, lookup.clone()).await.unwrap()["connected_account"]["id"], made["id"]);
    // an upsert applies credentials in any status
    let mut given = lookup.clone();
    given["connected_account"] =
        json!({"authorization_details": {"static_auth": {"details": {"api_key": KEY}}}});
    assert_eq!(call(update, given).await.unwrap()["connected_account"]["status"], "ACTIVE");
    // an id beside empty names, with nothing to change
    let by_id = json!({"id": made["id"], "connector": "", "identifier": "", "connected_account": {}});
    let same = call(update, by_id).await.unwrap()["connected_account"].clone();
    assert_eq!((&same["status"], &same["id"]), (&json!("ACTIVE"), &made["id"]));
    assert_eq!(call(delete, lookup.clone()).await.unwrap(), json!({}));
    assert_eq!(call(delete, lookup).await, Err(tonic::Code::NotFound));
}
