//! Two environments on one server: the first has one of everything, the second a client of its own.

use std::collections::BTreeMap;
use std::time::Duration;

use http::{Method, header};
use keybearer_testkit::TempDir;
use serde_json::{Value, json};

use crate::bytes_rpc;
use crate::peers::process::Server;

/// The server, what the first environment has by name, and a token of the second.
pub struct Tenants {
    pub server: Server,
    pub theirs: BTreeMap<&'static str, String>,
    pub token: String,
    _folder: TempDir,
}

impl Tenants {
    pub async fn start(database: Option<&str>) -> Self {
        let folder = keybearer_testkit::temp_dir().unwrap();
        std::fs::create_dir_all(folder.path().join("connectors")).unwrap();
        let data = folder.path().join("data");
        let server = Server::start(&data, &folder.path().join("connectors"), database).await;
        let mut theirs = made(&server).await;
        theirs.insert("auth_request", waiting(&server, &data, &theirs["environment"]).await);
        let token = second(&server).await;
        Self { server, theirs, token, _folder: folder }
    }

    /// What the first environment shows of itself, without times.
    pub async fn shown(&self) -> Vec<String> {
        let mut all = Vec::new();
        for path in [
            "connected_accounts?page_size=99",
            "accounts?page_size=99",
            "connection-setups?page_size=50",
            "providers?filter.provider_type=CUSTOM",
            "organizations",
            "webhook-endpoints",
            "api-clients",
            "keys/signing",
            "keys/deks",
        ] {
            let answer = self.server.api(Method::GET, &format!("/api/v1/{path}"), Value::Null).await;
            all.push(format!("{path} {answer}"));
        }
        let pages = format!("/api/v1/environments/{}/pages", self.theirs["environment"]);
        all.push(self.server.api(Method::GET, &pages, Value::Null).await.to_string());
        all
    }
}

fn text(value: &Value, pointer: &str) -> String {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_else(|| panic!("no {pointer} in {value}"))
        .to_owned()
}

async fn made(server: &Server) -> BTreeMap<&'static str, String> {
    let post =
        async |path: &str, body: Value| server.api(Method::POST, &format!("/api/v1/{path}"), body).await;
    let get = async |path: &str| server.api(Method::GET, &format!("/api/v1/{path}"), Value::Null).await;
    let pattern = json!({"type": "API_KEY", "display_name": "Key", "fields": [{"field_name": "api_key", "label": "Key", "required": true}]});
    let desk = json!({"display_name": "Tenant One Desk", "proxy_url": "http://127.0.0.1:9", "proxy_enabled": true, "auth_patterns": [pattern]});
    let provider = text(&post("custom-providers", desk).await, "/provider/identifier");
    let connection = json!({"provider_key": provider, "type": "API_KEY", "key_id": "tenant-one-desk"});
    let connection = text(&post("connections?flags.is_app=true", connection).await, "/connection/id");
    server.api(Method::PATCH, &format!("/api/v1/connections/{connection}:enable"), Value::Null).await;
    let organization = json!({"display_name": "Tenant One Org", "external_id": "tenant-one-ext"});
    let organization = text(&post("organizations", organization).await, "/organization/id");
    let endpoint = json!({"url": "http://127.0.0.1:9/tenant-one-hook"});
    let endpoint = text(&post("webhook-endpoints", endpoint).await, "/endpoint/id");
    // its failures would count up meanwhile
    post(&format!("webhook-endpoints/{endpoint}:pause"), Value::Null).await;
    let account = |user: &str| {
        json!({"connector": "tenant-one-desk", "identifier": user, "organization_id": organization,
            "connected_account": {"authorization_details": {"static_auth": {"details": {"api_key": "tenant-one-key"}}}}})
    };
    let first = text(&post("connected_accounts", account("tenant-one-user")).await, "/connected_account/id");
    post("connected_accounts", account("tenant-one-friend")).await;
    let client = post("clients", json!({"name": "tenant-one-client", "client_type": "M2M"})).await;
    let (execution, reference) = called(server).await;
    let events = post("events/paginated", json!({})).await;
    let environments = get("environments").await;
    BTreeMap::from([
        ("account", first),
        ("account_page", text(&get("connected_accounts?page_size=1").await, "/next_page_token")),
        ("client", text(&client, "/client/id")),
        ("connection", connection),
        ("connection_name", "tenant-one-desk".to_owned()),
        ("connection_page", text(&get("connection-setups?page_size=1").await, "/next_page_token")),
        ("endpoint", endpoint),
        ("environment", text(&environments, "/environments/0/id")),
        ("event", text(&events, "/events/0/id")),
        ("execution", execution),
        ("external", "tenant-one-ext".to_owned()),
        ("organization", organization),
        ("provider", provider),
        ("reference", reference),
        ("secret", text(&client, "/client/secrets/0/id")),
        ("user", "tenant-one-user".to_owned()),
        ("word", "tenant-one-word".to_owned()),
    ])
}

/// Makes a call that the log keeps; the id of its execution and its reference.
async fn called(server: &Server) -> (String, String) {
    let bearer = format!("Bearer {}", server.token());
    let headers = [
        ("authorization", bearer.as_str()),
        ("keybearer-connection", "tenant-one-desk"),
        ("keybearer-user", "tenant-one-user"),
    ];
    server.http.send(Method::GET, "/proxy/things", &headers, String::new()).await;
    let logged = async {
        loop {
            let path = "/api/v1/agentkit/tool_call_logs";
            let logs = server.api(Method::GET, path, Value::Null).await;
            if logs.pointer("/tool_call_logs/0/execution_id").is_some() {
                return text(&logs, "/tool_call_logs/0/execution_id");
            }
        }
    };
    let execution = tokio::time::timeout(Duration::from_secs(20), logged).await.expect("the call is logged");
    let entries = server.api(Method::GET, "/api/v1/logs", Value::Null).await;
    (execution, text(&entries, "/entries/0/reference"))
}

/// Lets a person consent while the app confirms people itself; gives the request that waits for that.
async fn waiting(server: &Server, data: &std::path::Path, environment: &str) -> String {
    let settings = format!("/api/v1/environments/{environment}/settings/agent-actions");
    server.api(Method::PATCH, &settings, json!({"user_verify_mode": "USER_VERIFY_MODE_B2B"})).await;
    let wanted = json!({"connector": "postcards", "identifier": "tenant-one-user", "user_verify_url": "http://localhost:9/verify"});
    let link = server.api(Method::POST, "/api/v1/connected_accounts/magic_link", wanted).await;
    let page = server.http.send(Method::GET, &text(&link, "/link"), &[], String::new()).await;
    let cookie = |answer: &http::Response<bytes::Bytes>| {
        let values = answer.headers().get_all(header::SET_COOKIE).iter();
        let pairs = values.filter_map(|value| value.to_str().ok()?.split(';').next());
        pairs.map(str::to_owned).collect::<Vec<_>>().join("; ")
    };
    let cookies = cookie(&page);
    let html = String::from_utf8_lossy(page.body()).into_owned();
    let mut links = html.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let authorize = links.find(|link| link.contains("response_type=")).expect("a way on");
    let authorize = authorize.replace("&amp;", "&").replace("&#38;", "&");
    let dev: Value = serde_json::from_slice(&std::fs::read(data.join("dev.json")).unwrap()).unwrap();
    let control = format!("{}/_control/approve", text(&dev, "/sandbox_url").trim_end_matches('/'));
    let bearer = format!("Bearer {}", text(&dev, "/control_token"));
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let approved = json!({"authorize_url": authorize, "as": "ada"}).to_string();
    let approved = server.http.send(Method::POST, &control, &headers, approved).await;
    let approved: Value = serde_json::from_slice(approved.body()).unwrap();
    let back = text(&approved, "/redirect_to");
    let last = server.http.send(Method::GET, &back, &[("cookie", cookies.as_str())], String::new()).await;
    let address: url::Url = last.headers()[header::LOCATION].to_str().unwrap().parse().unwrap();
    let found = address.query_pairs().find(|(name, _)| name == "auth_request_id");
    found.expect("the app is asked").1.into_owned()
}

/// Makes the second environment; a token of a client in it that may do everything but leave it.
async fn second(server: &Server) -> String {
    let environment = json!({"display_name": "tenant-two", "type": "DEV"});
    let environment = server.api(Method::POST, "/api/v1/environments", environment).await;
    let methods = bytes_rpc::contract().methods();
    let mut permissions: Vec<&str> = methods.iter().map(|method| method.permission.as_str()).collect();
    permissions.retain(|permission| !permission.starts_with("environments:"));
    permissions.sort_unstable();
    permissions.dedup();
    let client = json!({"name": "second", "permissions": permissions, "environment": text(&environment, "/environment/id")});
    let client = server.api(Method::POST, "/api/v1/api-clients", client).await;
    let form = format!(
        "grant_type=client_credentials&client_id={}&client_secret={}",
        text(&client, "/client/id"),
        text(&client, "/client_secret")
    );
    let kind = [("content-type", "application/x-www-form-urlencoded")];
    let answer = server.http.send(Method::POST, "/oauth/token", &kind, form).await;
    text(&serde_json::from_slice(answer.body()).unwrap(), "/access_token")
}
