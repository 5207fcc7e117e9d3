//! What people get wrong: each mistake has its own answer over REST and over gRPC, says what to do, and leaves nothing
//! half done.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use http::Method;
use keybearer_server::api::proto::scalekit::v1::errdetails::ErrorInfo;
use keybearer_testkit::TempDir;
use serde_json::{Value, json};
use tonic::Code;

use crate::bytes_rpc;
use crate::peers::process::Server;

const SETUPS: &str = "/keybearer.v1.ConnectionSetupService";
const ACCOUNTS: &str = "/scalekit.v1.connected_accounts.ConnectedAccountService";

struct Scene {
    server: Server,
    folder: TempDir,
}

impl Scene {
    async fn set() -> Self {
        let folder = keybearer_testkit::temp_dir().unwrap();
        std::fs::create_dir_all(folder.path().join("connectors")).unwrap();
        let server =
            Server::start(&folder.path().join("data"), &folder.path().join("connectors"), None).await;
        Self { server, folder }
    }

    async fn rest(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        let bearer = format!("Bearer {}", self.server.token());
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer = self.server.http.send(method, path, &headers, body).await;
        (answer.status().as_u16(), serde_json::from_slice(answer.body()).unwrap_or_default())
    }

    async fn rpc(&self, method: &str, body: Value) -> Result<Value, (tonic::Status, ErrorInfo)> {
        bytes_rpc::call(&self.server.process.text("url"), self.server.token(), method, body).await
    }

    /// Asserts that the same mistake is told the same over both, and usefully; gives the message.
    async fn mistake(
        &self,
        rest: (Method, &str),
        rpc: &str,
        body: Value,
        expected: (u16, Code, &str),
    ) -> String {
        let (status, answer) = self.rest(rest.0, rest.1, body.clone()).await;
        let (grpc, info) = self.rpc(rpc, body).await.unwrap_err();
        let told = &answer["details"][0];
        let word = told["error_code"].as_str().unwrap_or_default();
        assert_eq!((status, grpc.code(), word), expected, "{answer}");
        assert_eq!(info.error_code, word, "{answer}");
        assert_eq!(answer["message"], grpc.message());
        assert_eq!(answer["code"], grpc.code() as i32);
        assert!(
            !told["request_info"]["request_id"].as_str().unwrap_or_default().is_empty(),
            "no reference: {answer}"
        );
        let text = answer.to_string();
        for inner in ["panicked", "sqlx", "SELECT", "at crates/", "RUST_BACKTRACE"] {
            assert!(!text.contains(inner), "{inner}: {text}");
        }
        text
    }

    async fn count(&self, path: &str, list: &str) -> usize {
        self.rest(Method::GET, path, Value::Null).await.1[list].as_array().unwrap().len()
    }
}

#[tokio::test]
async fn an_unknown_connector() {
    let scene = Scene::set().await;
    let before = scene.count("/api/v1/connection-setups", "connections").await;
    let text = scene
        .mistake(
            (Method::POST, "/api/v1/connection-setups"),
            &format!("{SETUPS}/CreateConnectionDraft"),
            json!({"connector": "gitbub", "name": "x"}),
            (404, Code::NotFound, "RESOURCE_NOT_FOUND"),
        )
        .await;
    assert!(text.contains("gitbub"), "{text}");
    assert_eq!(scene.count("/api/v1/connection-setups", "connections").await, before);
}

#[tokio::test]
async fn a_name_that_is_taken() {
    let scene = Scene::set().await;
    let draft = json!({"connector": "luggage", "name": "bags"});
    assert_eq!(scene.rest(Method::POST, "/api/v1/connection-setups", draft.clone()).await.0, 201);
    let before = scene.count("/api/v1/connection-setups", "connections").await;
    let place = (Method::POST, "/api/v1/connection-setups");
    let expected = (409, Code::AlreadyExists, "CONNECTION_NAME_TAKEN");
    scene.mistake(place, &format!("{SETUPS}/CreateConnectionDraft"), draft, expected).await;
    assert_eq!(scene.count("/api/v1/connection-setups", "connections").await, before);
}

#[tokio::test]
async fn a_malformed_name_and_a_malformed_scope() {
    let scene = Scene::set().await;
    let place = (Method::POST, "/api/v1/connection-setups");
    let expected = (400, Code::InvalidArgument, "INVALID_ARGUMENT");
    let draft = json!({"connector": "postcards", "name": "Not A Name!"});
    let text = scene.mistake(place, &format!("{SETUPS}/CreateConnectionDraft"), draft, expected).await;
    assert!(text.contains("\"field\":\"name\""), "{text}");
    let patch =
        json!({"connection": "postcards", "scopes": {"scopes": ["good", "two words\n"]}, "label": "New"});
    let place = (Method::PATCH, "/api/v1/connection-setups/postcards");
    let text = scene.mistake(place, &format!("{SETUPS}/UpdateConnectionSetup"), patch, expected).await;
    assert!(text.contains("scopes"), "{text}");
    let (_, kept) = scene.rest(Method::GET, "/api/v1/connection-setups/postcards", Value::Null).await;
    assert_ne!(kept["connection"]["label"], "New", "nothing of a refused change is stored");
}

#[tokio::test]
async fn credentials_of_the_wrong_type() {
    let scene = Scene::set().await;
    let body = json!({
        "connector": "postcards", "identifier": "ada",
        "connected_account": {"authorization_details": {"static_auth": {"details": {"api_key": "k"}}}},
    });
    let place = (Method::POST, "/api/v1/connected_accounts");
    let expected = (400, Code::InvalidArgument, "CREDENTIAL_TYPE_MISMATCH");
    scene.mistake(place, &format!("{ACCOUNTS}/CreateConnectedAccount"), body, expected).await;
    assert_eq!(scene.count("/api/v1/connected_accounts", "connected_accounts").await, 0);
}

#[tokio::test]
async fn a_verification_that_nobody_asked_for() {
    let scene = Scene::set().await;
    let body = json!({"auth_request_id": "unknown", "identifier": "ada"});
    let place = (Method::POST, "/api/v1/connected_accounts/user/verify");
    let expected = (404, Code::NotFound, "RESOURCE_NOT_FOUND");
    scene.mistake(place, &format!("{ACCOUNTS}/VerifyConnectedAccountUser"), body, expected).await;
}

#[tokio::test]
async fn no_token_and_a_wrong_one() {
    let scene = Scene::set().await;
    for token in ["", "Bearer ", "Bearer eyJhbGciOiJub25lIn0.e30.", "Basic YTpi"] {
        let headers = [("authorization", token)];
        let answer = scene.server.http.send(Method::GET, "/api/v1/accounts", &headers, String::new()).await;
        assert_eq!(answer.status(), 401, "{token}");
    }
    let url = scene.server.process.text("url");
    let (status, info) =
        bytes_rpc::call(&url, "wrong", &format!("{ACCOUNTS}/ListConnectedAccounts"), json!({}))
            .await
            .unwrap_err();
    assert_eq!((status.code(), info.error_code.as_str()), (Code::Unauthenticated, "UNAUTHENTICATED"));
}

/// A link that does not exist, an answer of a provider that belongs to no flow.
#[tokio::test]
async fn an_unknown_link_and_an_unknown_state_are_pages() {
    let scene = Scene::set().await;
    let (_, setup) = scene.rest(Method::GET, "/api/v1/connection-setups/postcards", Value::Null).await;
    let callback = setup["connection"]["redirect_uri"].as_str().unwrap().to_owned();
    for (path, status) in [
        ("/c/0000000000000000000000000000000000000000".to_owned(), 404),
        (format!("{callback}?code=c&state=invented"), 400),
        (format!("{callback}?code=c"), 400),
        (format!("{callback}?error=access_denied&state=invented"), 400),
        ("/sso/v1/oauth/conn_1/callback?code=c&state=s".to_owned(), 400),
    ] {
        let answer = scene.server.http.send(Method::GET, &path, &[], String::new()).await;
        let page = String::from_utf8_lossy(answer.body());
        assert_eq!(answer.status().as_u16(), status, "{path}: {page}");
        assert!(
            page.trim_start().starts_with("<!doctype html>") && page.contains("class=\"mono\""),
            "no reference: {page}"
        );
        assert!(!page.contains("invented"), "{page}");
    }
}

#[tokio::test]
async fn a_provider_that_is_down() {
    let scene = Scene::set().await;
    let folder = scene.folder.path().join("more/down");
    std::fs::create_dir_all(&folder).unwrap();
    let port = keybearer_testkit::free_port().unwrap();
    let text = format!(
        "slug: down\ndisplay_name: Down\nkind: api\nsandbox: true\ncategories: [crm]\nblurb: Away.\nauth:\n  - id: key\n    type: api_key\n    label: Key\n    setup: {{ steps: [\"Nothing.\"] }}\n    fields:\n      - {{ name: api_key, label: Key, in: account, secret: true }}\n    credential_placement: {{ headers: {{ x-key: \"{{api_key}}\" }} }}\napi:\n  base_url: \"http://127.0.0.1:{port}\"\nsources: []\n"
    );
    std::fs::write(folder.join("connector.yaml"), text).unwrap();
    let server =
        Server::start(&scene.folder.path().join("data2"), &scene.folder.path().join("more"), None).await;
    server.api(Method::POST, "/api/v1/connection-setups", json!({"connector": "down", "name": "down"})).await;
    server.api(Method::POST, "/api/v1/connection-setups/down:activate", Value::Null).await;
    let account = json!({"connection": "down", "identifier": "ada", "fields": {"api_key": "k-123456"}});
    server.api(Method::POST, "/api/v1/accounts:import", account).await;
    let bearer = format!("Bearer {}", server.token());
    let headers =
        [("authorization", bearer.as_str()), ("keybearer-connection", "down"), ("keybearer-user", "ada")];
    let answer = server.http.send(Method::GET, "/proxy/me", &headers, String::new()).await;
    assert_eq!(answer.status(), 503);
    assert!(answer.headers().contains_key("retry-after"));
    let told: Value = serde_json::from_slice(answer.body()).unwrap();
    assert_eq!(told["details"][0]["error_code"], "PROVIDER_UNAVAILABLE", "{told}");
    let account =
        server.api(Method::GET, "/api/v1/accounts?connection=down&identifier=ada", Value::Null).await;
    assert_eq!(account["accounts"][0]["status"], "ACTIVE", "a passing failure changes nothing");
}

/// Another program that holds SQLite's write lock until it is dropped.
struct Lock(Child);

impl Lock {
    fn on(file: &Path) -> Self {
        let script = "import sqlite3,sys\nc=sqlite3.connect(sys.argv[1],isolation_level=None)\nc.execute('BEGIN IMMEDIATE')\nprint('held',flush=True)\nsys.stdin.read()";
        let mut child = Command::new("python3")
            .args(["-c", script])
            .arg(file)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.take().unwrap()), &mut line)
            .unwrap();
        assert_eq!(line.trim(), "held");
        Self(child)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn a_database_that_is_locked() {
    let scene = Scene::set().await;
    let before = scene.count("/api/v1/connection-setups", "connections").await;
    let draft = json!({"connector": "luggage", "name": "bags"});
    {
        let _lock = Lock::on(&scene.folder.path().join("data/keybearer.db"));
        let place = (Method::POST, "/api/v1/connection-setups");
        let expected = (503, Code::Unavailable, "DATABASE_UNAVAILABLE");
        let rpc = format!("{SETUPS}/CreateConnectionDraft");
        tokio::time::timeout(Duration::from_secs(30), scene.mistake(place, &rpc, draft.clone(), expected))
            .await
            .unwrap();
        assert_eq!(scene.count("/api/v1/connection-setups", "connections").await, before, "reads go on");
    }
    assert_eq!(
        scene.rest(Method::POST, "/api/v1/connection-setups", draft).await.0,
        201,
        "and then it works"
    );
}

fn keybearer(words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keybearer"));
    for name in ["KEYBEARER_KEY", "KEYBEARER_DATABASE_URL", "KEYBEARER_PUBLIC_URL", "KEYBEARER_LOG"] {
        command.env_remove(name);
    }
    command.args(words).stdin(Stdio::null()).output().unwrap()
}

/// Runs a command that must fail, with these words, and nothing frightening.
fn fails(words: &[&str], expected: &[&str]) {
    let output = keybearer(words);
    let told = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(!output.status.success(), "{words:?} succeeded");
    for word in expected {
        assert!(told.contains(word), "{words:?} does not say {word:?}:\n{told}");
    }
    assert!(!told.contains("panicked") && !told.contains("Error {"), "{told}");
}

#[tokio::test]
async fn a_port_that_is_taken_and_a_folder_in_use() {
    let scene = Scene::set().await;
    let text = |path: &Path| path.display().to_string();
    let (data, other) = (text(&scene.folder.path().join("data")), text(&scene.folder.path().join("other")));
    let taken = scene.server.process.text("url").replace("http://localhost", "127.0.0.1");
    let free = || format!("127.0.0.1:{}", keybearer_testkit::free_port().unwrap());
    let (one, two) = (free(), free());
    fails(&["dev", "--data", &other, "--listen", &taken, "--sandbox-listen", &one], &["--listen", &taken]);
    fails(
        &["dev", "--data", &other, "--listen", &one, "--sandbox-listen", &taken],
        &["--sandbox-listen", &taken],
    );
    fails(&["dev", "--data", &data, "--listen", &one, "--sandbox-listen", &two], &["in use by process"]);
    let (status, _) = scene.rest(Method::GET, "/api/v1/accounts", Value::Null).await;
    assert_eq!(status, 200, "the first one goes on");
}

#[test]
fn a_server_that_is_not_there_and_words_that_are_not_known() {
    let folder = keybearer_testkit::temp_dir().unwrap();
    let data = folder.path().display().to_string();
    fails(&["accounts", "list", "--data", &data], &["keybearer dev"]);
    fails(&["acounts"], &["accounts"]);
    fails(&["connectors", "show", "gitbub", "--data", &data], &["gitbub"]);
    fails(&["connectors", "lint", &format!("{data}/nothing")], &["nothing"]);
    assert_eq!(keybearer(&["nonsense"]).status.code(), Some(2));
}

#[test]
fn a_configuration_that_cannot_be_used() {
    let folder = keybearer_testkit::temp_dir().unwrap();
    let file = folder.path().join("keybearer.toml");
    let path = file.display().to_string();
    let data = folder.path().join("data").display().to_string();
    let good = format!(
        "data = \"{data}\"\npublic_url = \"https://keys.example\"\nverification = \"none\"\nlisten = \"127.0.0.1:{}\"\n",
        keybearer_testkit::free_port().unwrap()
    );
    for (text, expected) in [
        ("", "public_url"),
        ("public_url = \"https://keys.example\"\n", "verification"),
        ("public_url = \"http://keys.example\"\nverification = \"none\"\n", "https"),
        ("public_url = \"https://keys.example/path\"\nverification = \"none\"\n", "public_url"),
        ("public_ulr = \"https://keys.example\"\n", "public_ulr"),
        ("public_url = \n", "keybearer.toml"),
        (&format!("{good}[key]\nvalue = \"too short\"\n"), "key"),
        (&format!("{good}[database]\nurl = \"mysql://x\"\n"), "database"),
        (&format!("{good}[proxy]\naccount_calls_per_second = 0\n"), "nonzero"),
    ] {
        std::fs::write(&file, text).unwrap();
        fails(&["serve", "--config", &path], &[expected]);
    }
    fails(&["serve", "--config", &folder.path().join("none.toml").display().to_string()], &["none.toml"]);
}

/// K07: another key than the one the database was made with.
#[test]
fn another_root_key_than_before() {
    let folder = keybearer_testkit::temp_dir().unwrap();
    let data = folder.path().join("data").display().to_string();
    let file = folder.path().join("keybearer.toml");
    let text = format!("data = \"{data}\"\npublic_url = \"https://keys.example\"\nverification = \"none\"\n");
    std::fs::write(&file, text).unwrap();
    let config = file.display().to_string();
    let made = keybearer(&["clients", "create", "--name", "first", "--config", &config]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    std::fs::remove_file(folder.path().join("data/root.key")).unwrap();
    fails(&["clients", "create", "--name", "second", "--config", &config], &["key"]);
    assert!(!folder.path().join("data/root.key").exists(), "no new key beside an old database");
}
