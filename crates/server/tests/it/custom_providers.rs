//! Connectors that an environment makes, from outside: the wire over REST and gRPC, the proxy in front of a service that
//! records, and the command line.

use std::path::Path;
use std::process::{Command, Output};

use http::Method;
use keybearer_testkit::TempDir;
use serde_json::{Value, json};

use crate::bytes_rpc;
use crate::peers::process::Server;
use crate::upstream::Upstream;

const PROVIDERS: &str = "/scalekit.v1.providers.ProviderService";

struct Scene {
    server: Server,
    upstream: Upstream,
    folder: TempDir,
}

impl Scene {
    async fn set() -> Self {
        let (upstream, folder) = (Upstream::start().await, keybearer_testkit::temp_dir().unwrap());
        let connectors = folder.path().join("connectors");
        std::fs::create_dir_all(&connectors).unwrap();
        let server = Server::start(&folder.path().join("data"), &connectors, None).await;
        Self { server, upstream, folder }
    }

    async fn rest(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        let bearer = format!("Bearer {}", self.server.token());
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer = self.server.http.send(method, path, &headers, body).await;
        (answer.status().as_u16(), serde_json::from_slice(answer.body()).unwrap_or_default())
    }

    async fn rpc(&self, method: &str, body: Value) -> Result<Value, tonic::Status> {
        let url = self.server.process.text("url");
        let method = format!("{PROVIDERS}/{method}");
        bytes_rpc::call(&url, self.server.token(), &method, body).await.map_err(|(status, _)| status)
    }

    fn provider(&self, path: &str, patterns: &Value) -> Value {
        json!({"display_name": "My CRM", "description": "Ours", "auth_patterns": patterns, "proxy_enabled": true,
            "proxy_url": format!("{}{path}", self.upstream.origin), "metadata": {"team": "sales"}})
    }

    async fn made(&self, path: &str, patterns: &Value) -> String {
        let body = self.provider(path, patterns);
        let (status, answer) = self.rest(Method::POST, "/api/v1/custom-providers", body).await;
        assert_eq!(status, 201, "{answer}");
        answer["provider"]["identifier"].as_str().unwrap().to_owned()
    }

    async fn listed(&self, query: &str) -> Value {
        let path = format!("/api/v1/providers{query}");
        let (status, answer) = self.rest(Method::GET, &path, Value::Null).await;
        assert_eq!(status, 200, "{answer}");
        answer
    }

    /// A connection to it by the wire's own call, and its name.
    async fn connected(&self, identifier: &str) -> String {
        let body = json!({"provider_key": identifier});
        let (status, answer) = self.rest(Method::POST, "/api/v1/connections?flags.is_app=true", body).await;
        assert_eq!(status, 201, "{answer}");
        assert_eq!(answer["connection"]["provider_key"], identifier);
        answer["connection"]["key_id"].as_str().unwrap().to_owned()
    }

    async fn account(&self, connection: &str, given: Value) -> (u16, Value) {
        let body = json!({"connector": connection, "identifier": "ada", "connected_account": given});
        self.rest(Method::POST, "/api/v1/connected_accounts", body).await
    }

    async fn proxied(&self, connection: &str, path: &str) -> u16 {
        let bearer = format!("Bearer {}", self.server.token());
        let headers = [
            ("authorization", bearer.as_str()),
            ("connection_name", connection),
            ("identifier", "ada"),
            ("x-acme-auth", "stolen"),
        ];
        let answer =
            self.server.http.send(Method::GET, &format!("/proxy{path}"), &headers, String::new()).await;
        answer.status().as_u16()
    }

    async fn program(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_keybearer"));
        command.arg("--data").arg(self.folder.path().join("data")).args(arguments);
        command.env_remove("KEYBEARER_URL");
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
    }
}

fn details(details: Value) -> Value {
    json!({"authorization_details": {"static_auth": {"details": details}}})
}

#[tokio::test]
async fn the_wire_makes_changes_lists_and_deletes_them() {
    let scene = Scene::set().await;
    let patterns = json!([{"type": "BEARER", "display_name": "Token", "x_unknown": ["one", {"a": null}], "fields": [
        {"field_name": "token", "label": "Token", "input_type": "password", "required": true, "x_more": 1.5}]}]);
    let identifier = scene.made("/v1", &patterns).await;
    let own = scene.listed("?filter.provider_type=CUSTOM").await;
    assert_eq!((&own["total_size"], own["providers"].as_array().unwrap().len()), (&json!(1), 1));
    let found = &own["providers"][0];
    assert_eq!((&found["auth_patterns"], &found["metadata"]), (&patterns, &json!({"team": "sales"})));
    assert_eq!((&found["is_custom"], &found["is_custom_mcp"]), (&json!(true), &json!(false)));
    let same = scene.rpc("ListProviders", json!({"filter": {"provider_type": "CUSTOM"}})).await.unwrap();
    assert_eq!(same["providers"][0]["identifier"], identifier);
    assert_eq!(same["providers"][0]["auth_patterns"], patterns);
    let kinds = |answer: &Value| -> Vec<bool> {
        answer["providers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|provider| provider["is_custom"] == json!(true))
            .collect()
    };
    assert!(kinds(&scene.listed("").await).iter().all(|custom| !custom));
    let all = kinds(&scene.listed("?filter.provider_type=ALL&page_size=1000").await);
    assert!(all.contains(&true) && all.contains(&false));
    let paged = scene.listed("?filter.provider_type=ALL&page_size=1").await;
    assert_eq!(paged["next_page_token"].as_str().unwrap().len(), 32);
    for spelled in [identifier.clone(), identifier.replace(':', "%3A"), identifier.to_ascii_lowercase()] {
        let one = scene.listed(&format!("?identifier={spelled}")).await;
        assert_eq!(one["providers"][0]["identifier"], identifier);
    }
    let (status, _) = scene.rest(Method::GET, "/api/v1/providers?filter.provider_type=9", Value::Null).await;
    assert_eq!(status, 400);
    let path = format!("/api/v1/custom-providers/{}", identifier.replace(':', "%3A"));
    let (status, answer) = scene.rest(Method::PUT, &path, json!({"display_name": "New name"})).await;
    assert_eq!((status, &answer["provider"]["auth_patterns"]), (200, &patterns));
    assert_eq!(answer["provider"]["proxy_enabled"], true);
    let raw = format!("/api/v1/custom-providers/{identifier}");
    assert_eq!(scene.rest(Method::DELETE, &raw, Value::Null).await, (200, json!({})));
    assert_eq!(scene.rest(Method::DELETE, &raw, Value::Null).await.0, 404);
    assert_eq!(scene.rest(Method::PUT, &raw, json!({"display_name": "X"})).await.0, 404);
    assert!(scene.upstream.take().is_empty(), "the service was contacted");
}

#[tokio::test]
async fn what_is_wrong_is_told_at_its_field_and_the_catalogue_stays() {
    let scene = Scene::set().await;
    let with = |key: &str, value: Value| {
        let mut provider = scene.provider("/v1", &json!([{"type": "NO_AUTH"}]));
        provider[key] = value;
        provider
    };
    let cases = [
        (with("display_name", json!("My-CRM")), "display_name"),
        (with("proxy_url", json!("http://api.acme.example/")), "proxy_url"),
        (with("proxy_url", json!("https://169.254.169.254/latest")), "proxy_url"),
        (with("proxy_url", json!("https://10.1.2.3/")), "proxy_url"),
        (with("icon_src", json!("http://acme.example/i.png")), "icon_src"),
        (with("metadata", json!({"ab": "c"})), "metadata"),
        (with("auth_patterns", json!([{"type": "TRUSTED_IDP"}])), "auth_patterns[0].type"),
        (
            with("auth_patterns", json!([{"type": "BASIC", "fields": [{"field_name": "a b"}]}])),
            "auth_patterns[0].fields[0].field_name",
        ),
    ];
    for (body, field) in cases {
        let (status, answer) = scene.rest(Method::POST, "/api/v1/custom-providers", body.clone()).await;
        let told = &answer["details"][0]["validation_error_info"]["field_violations"][0]["field"];
        assert_eq!(status, 400, "{answer}");
        assert!(told.as_str().unwrap().ends_with(field), "{body}: {answer}");
        let refused = scene.rpc("CreateCustomProvider", json!({"provider": body})).await.unwrap_err();
        assert_eq!(refused.code(), tonic::Code::InvalidArgument);
    }
    let whole = json!({"identifier": "NEW", "display_name": "New", "auth_patterns": []});
    for (method, path, body) in [
        (Method::POST, "/api/v1/providers", whole.clone()),
        (Method::PUT, "/api/v1/providers/POSTCARDS", json!({"display_name": "New"})),
        (Method::DELETE, "/api/v1/providers/POSTCARDS", Value::Null),
    ] {
        let (status, answer) = scene.rest(method.clone(), path, body).await;
        assert_eq!((status, &answer["code"]), (400, &json!(9)), "{method} {answer}");
        assert!(answer.to_string().contains("custom-providers"), "says what to do: {answer}");
    }
}

/// A pattern, what an account gives, and what the service then receives.
fn cases() -> [(Value, Value, &'static str); 6] {
    let tenant = json!({"field_name": "tenant", "is_path_param": true, "required": true});
    [
        (
            json!({"type": "BASIC"}),
            details(json!({"username": "ada", "password": "p", "tenant": "t1"})),
            "authorization: Basic YWRhOnA=",
        ),
        (
            json!({"type": "BEARER", "fields": [{"field_name": "token", "required": true}, tenant]}),
            details(json!({"token": "cnry-tok", "path_variables": {"tenant": "t1"}})),
            "authorization: Bearer cnry-tok",
        ),
        (
            json!({"type": "API_KEY", "auth_header_key_override": "X-Acme-Auth"}),
            details(json!({"api_key": "k", "tenant": "t1"})),
            "x-acme-auth: k",
        ),
        (
            json!({"type": "BASIC", "auth_header_key_override": "X-Acme-Auth", "auth_field_mutations": {"username": {"suffix": "/token"}, "password": {"default": "X"}}}),
            details(json!({"username": "ada", "tenant": "t1"})),
            "x-acme-auth: Basic YWRhL3Rva2VuOlg=",
        ),
        (
            json!({"type": "API_KEY", "fields": [{"field_name": "one", "header_name": "DD-API-KEY"}, {"field_name": "two", "header_name": "DD-APP-KEY"}]}),
            details(json!({"one": "1", "two": "2", "tenant": "t1"})),
            "dd-app-key: 2",
        ),
        (json!({"type": "NO_AUTH"}), json!({"api_config": {"path_variables": {"tenant": "t1"}}}), ""),
    ]
}

#[tokio::test]
async fn the_service_receives_what_each_pattern_says() {
    let scene = Scene::set().await;
    for (pattern, given, header) in cases() {
        let identifier = scene.made("/v1/{{tenant}}", &json!([pattern])).await;
        let connection = scene.connected(&identifier).await;
        let (status, answer) = scene.account(&connection, given.clone()).await;
        assert_eq!(status, 201, "{pattern}: {answer}");
        assert_eq!(answer["connected_account"]["provider"], identifier);
        assert_eq!(answer["connected_account"]["status"], "ACTIVE", "{answer}");
        assert_eq!(scene.proxied(&connection, "/things?x=1").await, 200, "{pattern}");
        let seen = scene.upstream.take().pop().unwrap().head;
        assert!(seen.starts_with("GET /v1/t1/things?x=1 "), "{seen}");
        assert!(seen.to_ascii_lowercase().contains(&header.to_ascii_lowercase()), "{pattern}: {seen}");
        assert!(
            header.starts_with("authorization") || !seen.to_ascii_lowercase().contains("\nauthorization:"),
            "{seen}"
        );
        let overridden = pattern["auth_header_key_override"].is_string();
        assert!(!overridden || !seen.contains("stolen"), "{seen}");
        if header.is_empty() {
            continue;
        }
        let query = format!("connector={connection}&identifier=ada");
        let (_, read) =
            scene.rest(Method::GET, &format!("/api/v1/connected_accounts/auth?{query}"), Value::Null).await;
        assert_eq!(
            read["connected_account"]["authorization_details"], given["authorization_details"],
            "{read}"
        );
        let (_, plain) = scene
            .rest(Method::GET, &format!("/api/v1/connected_accounts/details?{query}"), Value::Null)
            .await;
        assert!(!plain.to_string().contains("cnry-tok"), "{plain}");
    }
}

#[tokio::test]
async fn the_type_of_a_connection_chooses_the_pattern() {
    let scene = Scene::set().await;
    let identifier = scene.made("/v1", &json!([{"type": "BEARER"}, {"type": "BASIC"}])).await;
    for (kind, expected) in [
        ("BASIC", (201, "BASIC")),
        ("BEARER", (201, "BEARER")),
        ("INVALID", (201, "BEARER")),
        ("OAUTH", (400, "")),
    ] {
        let body = json!({"provider_key": identifier, "type": kind});
        let (status, answer) = scene.rest(Method::POST, "/api/v1/connections", body).await;
        let made = answer["connection"]["type"].as_str().unwrap_or_default();
        assert_eq!((status, made), expected, "{kind}: {answer}");
    }
}

#[tokio::test]
async fn a_value_in_the_host_leads_nowhere_else() {
    let scene = Scene::set().await;
    let body = json!({"display_name": "Hosts", "proxy_url": "https://{{domain}}/v1", "proxy_enabled": true, "auth_patterns": [{"type": "BEARER"}]});
    let (status, answer) = scene.rest(Method::POST, "/api/v1/custom-providers", body).await;
    assert_eq!(status, 201, "{answer}");
    let connection = scene.connected(answer["provider"]["identifier"].as_str().unwrap()).await;
    let port = scene.upstream.origin.rsplit(':').next().unwrap();
    for domain in [
        "evil.example@127.0.0.1",
        "127.0.0.1#.acme.example",
        "127.0.0.1/.acme.example",
        "127.0.0.1\\.acme.example",
        "аcme.example",
        "acme.example?x=",
        "a b.example",
        "acme..example",
        "[::ffff:7f00:1]",
        "evil.example%2f",
    ] {
        let (status, answer) =
            scene.account(&connection, details(json!({"token": "t", "domain": domain}))).await;
        // what looks like a whole address is cut down to its host, which is then asked over https alone
        assert!(
            status == 400
                || answer["connected_account"]["authorization_details"]["static_auth"]["details"]["domain"]
                    .as_str()
                    .is_some_and(|kept| !kept.contains(['@', '#', '/', '\\', '?'])),
            "{domain}: {answer}"
        );
        if status == 201 {
            let id = answer["connected_account"]["id"].clone();
            scene.rest(Method::POST, "/api/v1/connected_accounts:delete", json!({"id": id})).await;
        }
    }
    for domain in [
        "10.0.0.1",
        "169.254.169.254",
        "192.168.1.1",
        "metadata.google.internal",
        &format!("127.0.0.1:{port}"),
    ] {
        let (status, answer) =
            scene.account(&connection, details(json!({"token": "t", "domain": domain}))).await;
        assert_eq!(status, 201, "{domain}: {answer}");
        assert!(scene.proxied(&connection, "/things").await >= 400, "{domain}");
        let id = answer["connected_account"]["id"].clone();
        scene.rest(Method::POST, "/api/v1/connected_accounts:delete", json!({"id": id})).await;
    }
    let seen = scene.upstream.take();
    assert!(seen.iter().all(|seen| !seen.head.contains("Bearer")), "{seen:?}");
}

#[tokio::test]
async fn the_command_line_makes_shows_and_deletes_one() {
    let scene = Scene::set().await;
    let file = scene.folder.path().join("provider.json");
    let write = |file: &Path, value: &Value| std::fs::write(file, value.to_string()).unwrap();
    write(
        &file,
        &scene.provider(
            "/v1",
            &json!([{"type": "BEARER", "fields": [{"field_name": "token", "label": "Your token"}]}]),
        ),
    );
    let path = file.display().to_string();
    let output = scene.program(&["--json", "connectors", "add", "--file", &path]).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let made: Value = serde_json::from_slice(&output.stdout).unwrap();
    let identifier = made["identifier"].as_str().unwrap();
    let text = |output: &Output| String::from_utf8_lossy(&output.stdout).into_owned();
    let listed = text(&scene.program(&["connectors", "list"]).await);
    assert!(listed.contains(identifier) && listed.contains("postcards"), "{listed}");
    let found = text(&scene.program(&["connectors", "list", "crm"]).await);
    assert!(found.contains(identifier) && !found.contains("postcards"), "{found}");
    let shown = text(&scene.program(&["connectors", "show", identifier]).await);
    assert!(shown.contains("Your token (token)") && shown.contains("bearer"), "{shown}");
    let added = scene.program(&["--json", "connections", "add", identifier]).await;
    let added: Value = serde_json::from_slice(&added.stdout).unwrap();
    assert_eq!((&added["connector"], &added["state"]), (&json!(identifier), &json!("active")));
    write(&file, &json!({"display_name": "Renamed"}));
    let edited = scene.program(&["--json", "connectors", "edit", identifier, "--file", &path]).await;
    let edited: Value = serde_json::from_slice(&edited.stdout).unwrap();
    assert_eq!(edited["display_name"], "Renamed");
    let used = scene.program(&["connectors", "delete", identifier]).await;
    assert_eq!(used.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&used.stderr).contains("my_crm"));
    scene.program(&["connections", "delete", "my_crm"]).await;
    assert!(scene.program(&["connectors", "delete", identifier]).await.status.success());
    let gone = scene.program(&["connectors", "show", identifier]).await;
    assert_eq!(gone.status.code(), Some(3));
    write(&file, &json!([1]));
    let broken = scene.program(&["connectors", "add", "--file", &path]).await;
    assert!(String::from_utf8_lossy(&broken.stderr).contains("--file"));
}
