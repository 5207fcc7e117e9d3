//! Group F of the threat model: secrets that can be recognised go in everywhere, everything that can go wrong does,
//! and then everything that came out is searched for them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use http::{Method, header};
use keybearer_testkit::{TempDir, TestDatabase};
use serde_json::{Value, json};

use crate::peers::process::{Launch, Server};
use crate::provider::{Mood, Provider};
use crate::upstream::Upstream;

/// A secret that can be recognised and that percent and JSON encodings change.
pub fn secret(class: &str) -> String {
    let digest = keybearer_core::to_hex(&keybearer_core::sha256(class.as_bytes()));
    format!("cnry_{class}+/=\"{}", &digest[..32]).replace('"', "~")
}

/// The spellings in which a secret could come out.
fn spellings(secret: &str) -> Vec<(&'static str, String)> {
    let percent: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let mut all = vec![
        ("plain", secret.to_owned()),
        ("percent", percent),
        ("hex", keybearer_core::to_hex(secret.as_bytes())),
        ("json", serde_json::to_string(secret).unwrap().trim_matches('"').to_owned()),
    ];
    for shift in 0..3 {
        let padded = [vec![b' '; shift], secret.as_bytes().to_vec()].concat();
        // the middle does not depend on what stands around it
        let (from, to) = ((shift * 8).div_ceil(6), padded.len() * 8 / 6);
        all.push(("base64", STANDARD_NO_PAD.encode(&padded)[from..to].to_owned()));
        all.push(("base64url", URL_SAFE_NO_PAD.encode(&padded)[from..to].to_owned()));
    }
    all
}

/// Where a secret was found, and how it was written.
fn leaks(secrets: &BTreeMap<String, String>, places: &[(String, Vec<u8>)]) -> Vec<String> {
    let mut found = Vec::new();
    for (name, secret) in secrets {
        for (spelling, needle) in spellings(secret) {
            for (place, text) in places {
                if memchr_find(text, needle.as_bytes()) {
                    found.push(format!("{name} as {spelling} in {place}"));
                }
            }
        }
    }
    found
}

fn memchr_find(text: &[u8], needle: &[u8]) -> bool {
    let Some(first) = needle.first() else { return false };
    let mut from = 0;
    while let Some(at) = text[from..].iter().position(|byte| byte == first) {
        if text[from + at..].starts_with(needle) {
            return true;
        }
        from += at + 1;
    }
    false
}

/// A run: what went in, and everything that came out.
struct Run {
    server: Server,
    provider: Provider,
    folder: TempDir,
    database: Option<TestDatabase>,
    /// Must be nowhere.
    secrets: BTreeMap<String, String>,
    /// May be in the answers that hand them out, but not in what is stored or logged.
    handed_out: BTreeMap<String, String>,
    answers: Vec<(String, Vec<u8>)>,
}

const CONNECTORS: [(&str, &str); 2] = [
    (
        "keyed",
        "  - id: key\n    type: api_key\n    label: Key\n    setup: { steps: [\"Nothing.\"] }\n    fields:\n      - { name: api_key, label: Key, in: account, secret: true }\n    credential_placement: { headers: { x-key: \"{api_key}\" } }\n",
    ),
    (
        "basic",
        "  - id: basic\n    type: basic\n    label: Basic\n    setup: { steps: [\"Nothing.\"] }\n    fields:\n      - { name: username, label: User, in: account }\n      - { name: password, label: Password, in: account, secret: true }\n    credential_placement: { basic: { username: \"{username}\", password: \"{password}\" } }\n",
    ),
];

fn oauth(origin: &str) -> String {
    format!(
        "  - id: oauth2\n    type: oauth2\n    label: OAuth 2.0\n    authorize_url: \"{origin}/authorize\"\n    token_url: \"{origin}/token\"\n    revoke: {{ method: POST, url: \"{origin}/revoke\", auth: client }}\n    setup: {{ console_url: \"{origin}\", steps: [\"Nothing.\"] }}\n    fields:\n      - {{ name: client_id, label: Client ID, in: connection }}\n      - {{ name: client_secret, label: Secret, in: connection, secret: true }}\n    scopes:\n      - {{ name: read, default: true }}\n    lifetimes: {{ basis: docs, refresh_class: static }}\n    credential_placement: {{ headers: {{ authorization: \"Bearer {{access_token}}\" }} }}\n"
    )
}

impl Run {
    async fn start(database: Option<TestDatabase>) -> Self {
        let folder = keybearer_testkit::temp_dir().unwrap();
        let (provider, upstream) = (Provider::start().await, Upstream::start().await);
        let mut methods: Vec<(&str, String, &str)> = CONNECTORS
            .iter()
            .map(|(slug, auth)| (*slug, (*auth).to_owned(), upstream.origin.as_str()))
            .collect();
        methods.push(("oauthy", oauth(&provider.origin), &provider.origin));
        for (slug, auth, origin) in methods {
            let text = format!(
                "slug: {slug}\ndisplay_name: {slug}\nkind: api\nsandbox: true\ncategories: [developer-tools]\nblurb: For tests.\nauth:\n{auth}api:\n  base_url: \"{origin}\"\nsources: []\n"
            );
            fs::create_dir_all(folder.path().join("connectors").join(slug)).unwrap();
            fs::write(folder.path().join("connectors").join(slug).join("connector.yaml"), text).unwrap();
        }
        let server = Server::launch(Launch {
            data: &folder.path().join("data"),
            connectors: &folder.path().join("connectors"),
            database: database.as_ref().map(TestDatabase::url),
            log: Some((&folder.path().join("log"), "trace")),
        })
        .await;
        let handed_out = BTreeMap::from([
            ("API client secret".to_owned(), server.process.text("client_secret")),
            ("API access token".to_owned(), server.token().to_owned()),
        ]);
        let secrets = BTreeMap::new();
        Self { server, provider, folder, database, secrets, handed_out, answers: Vec::new() }
    }

    fn new_secret(&mut self, class: &str) -> String {
        let secret = secret(class);
        self.secrets.insert(class.to_owned(), secret.clone());
        secret
    }

    /// Sends a request and keeps the whole answer.
    async fn ask(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> http::Response<bytes::Bytes> {
        let bearer = format!("Bearer {}", self.server.token());
        let mut all = vec![("authorization", bearer.as_str()), ("content-type", "application/json")];
        all.retain(|(name, _)| !headers.iter().any(|(own, _)| own == name));
        all.extend_from_slice(headers);
        let answer = self.server.http.send(method.clone(), path, &all, body).await;
        let short: String = path.chars().take(60).collect();
        let kept =
            format!("{} {:?}\n{}", answer.status(), answer.headers(), String::from_utf8_lossy(answer.body()));
        self.answers.push((format!("the answer to {method} {short}"), kept.into_bytes()));
        answer
    }

    async fn api(&mut self, method: Method, path: &str, body: Value) -> Value {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer = self.ask(method, path, &[], body).await;
        serde_json::from_slice(answer.body()).unwrap_or_default()
    }

    /// Opens a new link and comes back from the provider with `code`; gives the page.
    async fn come_back(&mut self, code: &str) -> String {
        let wanted = json!({"connector": "oauthy", "identifier": "ada"});
        let bearer = format!("Bearer {}", self.server.token());
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let link = self
            .server
            .http
            .send(Method::POST, "/api/v1/connected_accounts/magic_link", &headers, wanted.to_string())
            .await;
        let link: Value = serde_json::from_slice(link.body()).unwrap();
        let link = link["link"].as_str().unwrap().to_owned();
        self.handed_out.insert("link".to_owned(), link.rsplit('/').next().unwrap().to_owned());
        let page = self.server.http.send(Method::GET, &link, &[], String::new()).await;
        let cookies: Vec<String> = page
            .headers()
            .get_all(header::SET_COOKIE)
            .iter()
            .map(|line| line.to_str().unwrap().split(';').next().unwrap().to_owned())
            .collect();
        let cookies = cookies.join("; ");
        let text = String::from_utf8_lossy(page.body()).replace("&amp;", "&").replace("&#38;", "&");
        let start = text.find(&format!("{}/authorize", self.provider.origin)).unwrap();
        let url: url::Url = text[start..].split('"').next().unwrap().parse().unwrap();
        let query: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
        self.handed_out.insert("state".to_owned(), query["state"].clone());
        let mut back: url::Url = query["redirect_uri"].parse().unwrap();
        back.query_pairs_mut().append_pair("code", code).append_pair("state", &query["state"]);
        let answer = self
            .ask(Method::GET, back.as_str(), &[("cookie", &cookies), ("authorization", "")], String::new())
            .await;
        String::from_utf8_lossy(answer.body()).into_owned()
    }

    async fn proxied(&mut self, connection: &str, path: &str) -> http::StatusCode {
        let headers = [("keybearer-connection", connection), ("keybearer-user", "ada")];
        self.ask(Method::GET, &format!("/proxy{path}"), &headers, String::new()).await.status()
    }

    /// Runs a command of the program and keeps what it printed.
    fn cli(&mut self, words: &[&str]) {
        let output = Command::new(env!("CARGO_BIN_EXE_keybearer"))
            .arg("--data")
            .arg(self.folder.path().join("data"))
            .args(words)
            .output()
            .unwrap();
        let printed = [output.stdout, output.stderr].concat();
        assert!(!printed.is_empty(), "{words:?}");
        self.answers.push((format!("the output of {words:?}"), printed));
    }

    /// What is stored and logged.
    fn kept(&self) -> Vec<(String, Vec<u8>)> {
        let mut kept = vec![("the log".to_owned(), fs::read(self.folder.path().join("log")).unwrap())];
        collect(&self.folder.path().join("data"), &mut kept);
        if let Some(database) = &self.database {
            for table in
                database.query("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").unwrap().lines()
            {
                let rows = database.query(&format!("SELECT t::text FROM \"{table}\" t")).unwrap();
                kept.push((format!("the table {table}"), rows.into_bytes()));
            }
        }
        kept
    }
}

/// Every file below `folder` except for those that hold a key or a client secret on purpose, mode 0600.
fn collect(folder: &Path, kept: &mut Vec<(String, Vec<u8>)>) {
    const KEYS: [&str; 4] = ["root.key", "dev.json", "server-key.pem", "ca-key.pem"];
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            collect(&path, kept);
        } else if KEYS.contains(&name.as_str()) {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(
                fs::metadata(&path).unwrap().permissions().mode() & 0o077,
                0,
                "{name} is open to others"
            );
        } else {
            kept.push((format!("the file {name}"), fs::read(&path).unwrap()));
        }
    }
}

/// F01, F03, F04, F06, F07, F09, F10, F11, C11.
async fn nothing_comes_out(database: Option<TestDatabase>) {
    let mut run = Run::start(database).await;
    let app_secret = run.new_secret("app_secret");
    configure(&mut run, &app_secret).await;
    use_it(&mut run).await;
    fail_in_every_way(&mut run).await;
    mistake_them(&mut run).await;
    read_everything(&mut run).await;

    for (number, token) in run.provider.issued().into_iter().enumerate() {
        run.secrets.insert(format!("token {number}"), token);
    }
    assert!(run.secrets.len() > 10, "{:?}", run.secrets.keys());
    for verifier in run.provider.received("code_verifier") {
        run.secrets.insert("verifier".to_owned(), verifier);
    }
    assert!(run.provider.received("client_secret").contains(&app_secret), "the provider did get the secret");
    let key = fs::read_to_string(run.folder.path().join("data/root.key")).unwrap();
    let key = key.lines().last().unwrap().trim().to_owned();
    run.secrets.insert("root key".to_owned(), key);

    let kept = run.kept();
    assert!(memchr_find(&kept[0].1, b"a refresh brought no tokens"), "the log is not the program's");
    assert!(kept.iter().any(|(_, text)| memchr_find(text, b"oauthy")), "the database was not read");
    let mut found = leaks(&run.secrets, &run.answers);
    found.extend(leaks(&run.secrets, &kept));
    found.extend(leaks(&run.handed_out, &kept));
    assert!(found.is_empty(), "{found:#?}");

    // the search finds what is there: the same places with one secret planted
    let planted =
        format!("GET /x?key={}", form_urlencoded::byte_serialize(app_secret.as_bytes()).collect::<String>());
    assert_eq!(leaks(&run.secrets, &[("a log".to_owned(), planted.into_bytes())]).len(), 1);
}

async fn configure(run: &mut Run, app_secret: &str) {
    for name in ["oauthy", "keyed", "basic"] {
        run.api(Method::POST, "/api/v1/connection-setups", json!({"connector": name, "name": name})).await;
    }
    let credentials = json!({"client_id": "app-1", "client_secret": app_secret});
    run.api(Method::PATCH, "/api/v1/connection-setups/oauthy", credentials).await;
    for name in ["oauthy", "keyed", "basic"] {
        run.api(Method::POST, &format!("/api/v1/connection-setups/{name}:activate"), Value::Null).await;
    }
    let key = run.new_secret("api_key");
    let account = json!({"connection": "keyed", "identifier": "ada", "fields": {"api_key": key}});
    run.api(Method::POST, "/api/v1/accounts:import", account).await;
    let password = run.new_secret("password");
    let account = json!({"connection": "basic", "identifier": "ada", "fields": {"username": "ada", "password": password}});
    run.api(Method::POST, "/api/v1/accounts:import", account).await;
}

async fn use_it(run: &mut Run) {
    let code = run.new_secret("code_0");
    let page = run.come_back(&code).await;
    assert!(page.contains("is connected"), "{page}");
    for connection in ["oauthy", "keyed", "basic"] {
        assert_eq!(run.proxied(connection, "/echo?a=1").await, 200, "{connection}");
    }
    // an imported grant, replaced and refreshed
    let (access, refresh) = (run.new_secret("imported_access"), run.new_secret("imported_refresh"));
    let import = json!({
        "connection": "oauthy", "identifier": "ada", "replace": true, "access_token": access,
        "refresh_token": refresh, "access_token_expires_at": "2020-01-01T00:00:00Z",
    });
    run.api(Method::POST, "/api/v1/accounts:import", import).await;
    assert_eq!(run.proxied("oauthy", "/echo").await, 200);
}

async fn fail_in_every_way(run: &mut Run) {
    for (number, mood) in
        [Mood::EchoesInError, Mood::EchoesInHtml, Mood::EchoesWith200, Mood::Nonsense, Mood::RefusesTheApp]
            .into_iter()
            .enumerate()
    {
        run.provider.feel(mood);
        let code = run.new_secret(&format!("code_{}", number + 1));
        assert!(!run.come_back(&code).await.contains("is connected"), "{mood:?}");
        let refresh = run.new_secret(&format!("refused_refresh_{number}"));
        let import = json!({
            "connection": "oauthy", "identifier": "ada", "replace": true, "access_token": secret("ended"),
            "refresh_token": refresh, "access_token_expires_at": "2020-01-01T00:00:00Z",
        });
        run.api(Method::POST, "/api/v1/accounts:import", import).await;
        assert_ne!(run.proxied("oauthy", "/echo").await, 200, "{mood:?}");
    }
    run.secrets.insert("ended".to_owned(), secret("ended"));
    run.provider.feel(Mood::Works);
}

/// Secrets in places where they do not belong.
async fn mistake_them(run: &mut Run) {
    let wrong = run.new_secret("misplaced");
    let bad = [
        (
            "/api/v1/accounts:import",
            json!({"connection": "keyed", "identifier": "b", "fields": {"other": wrong}}),
        ),
        (
            "/api/v1/accounts:import",
            json!({"connection": "keyed", "identifier": "b", "fields": {"api_key": [wrong]}}),
        ),
        ("/api/v1/accounts:import", json!({"connection": "keyed", "identifier": "b", "access_token": wrong})),
        (
            "/api/v1/accounts:import",
            json!({"connection": "oauthy", "identifier": "b", "access_token": format!("{wrong}\n")}),
        ),
        (
            "/api/v1/connection-setups",
            json!({"connector": "oauthy", "name": "x", "client_secret": {"a": wrong}}),
        ),
        (
            "/api/v1/connected_accounts",
            json!({"connector": "keyed", "identifier": "b", "connected_account": {"authorization_details": {"static_auth": {"details": {"nope": wrong}}}}}),
        ),
        (
            "/api/v1/connected_accounts",
            json!({"connector": "oauthy", "identifier": "b", "connected_account": {"authorization_details": {"static_auth": {"details": {"api_key": wrong}}}}}),
        ),
    ];
    for (path, body) in bad {
        let answer = run.ask(Method::POST, path, &[], body.to_string()).await;
        assert!(!answer.status().is_server_error(), "{path}: {}", answer.status());
    }
    let broken = format!("{{\"connection\": \"keyed\", \"fields\": {{\"api_key\": \"{wrong}\"");
    run.ask(Method::POST, "/api/v1/accounts:import", &[], broken).await;
    let credentials = format!(
        "grant_type=client_credentials&client_id={}&client_secret=",
        run.server.process.text("client_id")
    );
    let encoded: String = form_urlencoded::byte_serialize(wrong.as_bytes()).collect();
    let form = [("content-type", "application/x-www-form-urlencoded"), ("authorization", "")];
    run.ask(Method::POST, "/oauth/token", &form, format!("{credentials}{encoded}")).await;
    let bearer = format!("Bearer {}", run.new_secret("false_token"));
    run.ask(Method::GET, "/api/v1/accounts", &[("authorization", &bearer)], String::new()).await;
    run.ask(Method::GET, &format!("/api/v1/nothing?key={encoded}"), &[], String::new()).await;
    run.ask(Method::GET, &format!("/c/{encoded}"), &[], String::new()).await;
}

async fn read_everything(run: &mut Run) {
    let accounts = run.api(Method::GET, "/api/v1/accounts", Value::Null).await;
    let id = accounts["accounts"][0]["id"].as_str().unwrap().to_owned();
    for path in [
        "/api/v1/connected_accounts",
        "/api/v1/connections",
        "/api/v1/connections/app",
        "/api/v1/connection-setups",
        "/api/v1/connection-setups/oauthy",
        "/api/v1/providers",
        "/api/v1/api-clients",
        "/api/v1/logs",
        "/api/v1/connected_accounts/details?connector=keyed&identifier=ada",
        "/metrics",
        "/health",
        "/ready",
        "/keys",
        "/openapi.json",
        "/",
    ] {
        run.api(Method::GET, path, Value::Null).await;
    }
    run.api(Method::GET, &format!("/api/v1/accounts/{id}"), Value::Null).await;
    run.api(Method::GET, &format!("/api/v1/accounts/{id}/refreshes"), Value::Null).await;
    for words in [
        &["accounts", "list"][..],
        &["accounts", "show", "oauthy", "--user", "ada", "--json"],
        &["connections", "list", "--json"],
        &["connections", "show", "oauthy"],
        &["logs"],
        &["clients", "list"],
        &["doctor"],
        &["call", "keyed", "--user", "ada", "GET", "/echo"],
    ] {
        run.cli(words);
    }
    let answered = run.answers.iter().find(|(name, _)| name.contains("GET /health")).unwrap();
    let text = String::from_utf8_lossy(&answered.1).to_lowercase();
    assert!(!text.contains("\"server\"") && !text.contains(env!("CARGO_PKG_VERSION")), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_come_out_nowhere_on_sqlite() {
    nothing_comes_out(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_come_out_nowhere_on_postgres() {
    nothing_comes_out(Some(TestDatabase::create().unwrap())).await;
}

/// The check of the check.
#[test]
fn the_search_finds_every_spelling() {
    let secrets = BTreeMap::from([("s".to_owned(), secret("sample"))]);
    for (spelling, text) in spellings(&secret("sample")) {
        let places = [(spelling.to_owned(), format!("before {text} behind").into_bytes())];
        assert!(!leaks(&secrets, &places).is_empty(), "{spelling}");
    }
    assert!(leaks(&secrets, &[("x".to_owned(), b"nothing of it".to_vec())]).is_empty());
}
