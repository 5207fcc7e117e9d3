//! Webhooks from outside: verifiers that we did not write, the wire's own calls, and the command line.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use http::Method;
use keybearer_testkit::{TempDir, TestDatabase};
use serde_json::{Value, json};

use crate::peers::process::{Http, Process, Server, root};

const ENDPOINTS: &str = "/api/v1/webhook-endpoints";

/// A receiver of `tests/webhooks`.
struct Receiver {
    _process: Process,
    url: String,
    http: Http,
}

impl Receiver {
    fn start(mut command: Command) -> Self {
        assert!(root().join(".peers").exists(), "run `cargo xtask peers install` first");
        command.stderr(Stdio::inherit());
        let process = Process::start(command);
        let url = process.text("url");
        Self { http: Http::to(&url), url, _process: process }
    }

    fn python() -> Self {
        let mut command = Command::new(root().join(".peers/python/bin/python"));
        command.arg(root().join("tests/webhooks/receiver.py"));
        Self::start(command)
    }

    fn node() -> Self {
        let mut command = Command::new("node");
        command.arg(root().join("tests/webhooks/receiver.mjs"));
        Self::start(command)
    }

    async fn expect(&self, secrets: &[&Value]) {
        let answer = self.http.send(Method::POST, "/_secrets", &[], json!(secrets).to_string()).await;
        assert!(answer.status().is_success());
    }

    /// Waits for so many webhooks; each must be right.
    async fn wait(&self, count: usize) -> Vec<Value> {
        let mut pause = tokio::time::interval(Duration::from_millis(100));
        for _ in 0..300 {
            pause.tick().await;
            let answer = self.http.send(Method::GET, "/_seen", &[], String::new()).await;
            let seen: Vec<Value> = serde_json::from_slice(answer.body()).unwrap();
            if seen.len() >= count {
                assert!(seen.iter().all(|one| one["wrong"] == json!([])), "{seen:#?}");
                return seen;
            }
        }
        panic!("no {count} webhooks arrived");
    }
}

async fn server(database: Option<&str>) -> (TempDir, Server) {
    let folder = keybearer_testkit::temp_dir().unwrap();
    std::fs::create_dir_all(folder.path().join("connectors")).unwrap();
    let server =
        Server::start(&folder.path().join("data"), &folder.path().join("connectors"), database).await;
    (folder, server)
}

async fn make_account(server: &Server, user: &str) {
    let body = json!({"connector": "postcards", "identifier": user, "connected_account": {}});
    server.api(Method::POST, "/api/v1/connected_accounts", body).await;
}

async fn verified(receiver: Receiver, database: Option<&str>) {
    let (_folder, server) = server(database).await;
    let made = server.api(Method::POST, ENDPOINTS, json!({"url": format!("{}/hook", receiver.url)})).await;
    let (first, id) = (&made["secret"], made["endpoint"]["id"].as_str().unwrap());
    receiver.expect(&[first]).await;
    make_account(&server, "ada").await;
    let seen = receiver.wait(1).await;
    assert_eq!((&seen[0]["type"], &seen[0]["user"]), (&json!("connected_account.created"), &json!("ada")));

    let path = format!("{ENDPOINTS}/{id}:rotate-secret");
    let rotated = server.api(Method::POST, &path, json!({"overlap_seconds": 3600})).await;
    receiver.expect(&[first, &rotated["secret"]]).await;
    make_account(&server, "ben").await;
    assert_eq!(receiver.wait(1).await[0]["user"], json!("ben"));

    let ended = server.api(Method::POST, &path, json!({"overlap_seconds": 0})).await;
    receiver.expect(&[&ended["secret"]]).await;
    let path = "/api/v1/webhooks/test-event/connected_account.status_updated";
    let sample = server.api(Method::POST, path, Value::Null).await;
    let seen = receiver.wait(1).await;
    assert_eq!(seen[0]["id"], sample["event_payload"]["id"]);
    assert_eq!(sample["event_payload"]["data"]["old_status"], json!("PENDING_AUTH"));
}

/// H01, H02, H03
#[tokio::test(flavor = "multi_thread")]
async fn the_python_libraries_verify_what_we_send() {
    verified(Receiver::python(), None).await;
}

/// H01, H02, H03
#[tokio::test(flavor = "multi_thread")]
async fn the_node_libraries_verify_what_we_send() {
    verified(Receiver::node(), Some(TestDatabase::create().unwrap().url())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_listed_as_the_wire_has_them() {
    let (_folder, server) = server(None).await;
    make_account(&server, "ada").await;
    make_account(&server, "ben").await;
    let filter = json!({"event_types": ["connected_account.created"], "source": "SCALEKIT"});
    let page = server.api(Method::POST, "/api/v1/events/paginated?page_size=1", filter.clone()).await;
    let event = &page["events"][0];
    assert_eq!((&event["spec_version"], &event["object"]), (&json!("1"), &json!("ConnectedAccount")));
    assert_eq!(event["data"]["provider"], json!("POSTCARDS"));
    assert!(page.get("total_size").is_none());
    let token = page["next_page_token"].as_str().unwrap();
    let path = format!("/api/v1/events?page_size=1&page_token={token}");
    let second = server.api(Method::POST, &path, filter).await;
    assert_eq!(
        (&second["total_size"], &second["events"][0]["data"]["identifier"]),
        (&json!(2), &json!("ada"))
    );
    let none = server.api(Method::POST, "/api/v1/events", json!({"source": "DIR_SYNC"})).await;
    assert_eq!(none.get("events").and_then(Value::as_array).map_or(0, Vec::len), 0);
    let portal = server.api(Method::GET, "/api/v1/webhooks/portal-url", Value::Null).await;
    // the portal is the page of the dashboard; who is not signed in is asked to, and led there afterwards
    let shown = server.http.send(Method::GET, portal["url"].as_str().unwrap(), &[], String::new()).await;
    let led = shown.headers().get("location").unwrap().to_str().unwrap();
    assert!(shown.status() == 303 && matches!(led, "/setup" | "/login?next=%2Fwebhooks"), "{led}");
}

fn command(data: &Path, words: &[&str]) -> (bool, Value) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keybearer"));
    command.arg("--json").arg("--data").arg(data).arg("webhooks").args(words);
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(if output.status.success() { &output.stdout } else { &output.stderr });
    (output.status.success(), serde_json::from_str(&text).unwrap_or_else(|_| panic!("{words:?}: {text}")))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_manages_endpoints() {
    let receiver = Receiver::node();
    let (folder, server) = server(None).await;
    let data = folder.path().join("data");
    let run = |words: &[&str]| {
        let (good, answer) = command(&data, words);
        assert!(good, "{words:?}: {answer}");
        answer
    };
    let url = format!("{}/hook", receiver.url);
    let made = run(&["add", &url, "--description", "mine", "--event", "connected_account.created"]);
    let id = made["endpoint"]["id"].as_str().unwrap();
    receiver.expect(&[&made["secret"]]).await;
    let tested = run(&["test", id]);
    assert_eq!(
        (&tested["state"], &tested["attempt_log"][0]["http_status"]),
        (&json!("delivered"), &json!(200))
    );
    make_account(&server, "ada").await;
    let event = receiver.wait(2).await[1]["id"].as_str().unwrap().to_owned();
    let all = run(&["deliveries", id]);
    assert_eq!(all.as_array().unwrap().len(), 2);
    let mut one = run(&["deliveries", id, &event]);
    while one["state"] == json!("pending") {
        one = run(&["deliveries", id, &event]);
    }
    run(&["replay", id, &event]);
    receiver.wait(3).await;
    assert_eq!(run(&["replay", id, "--since", "1h", "--all"])["queued"], json!(1));
    let rotated = run(&["rotate", id, "--overlap", "60"]);
    assert_ne!(rotated["secret"], made["secret"]);
    run(&["pause", id]);
    let (good, refused) = command(&data, &["test", id]);
    assert!(!good && refused["error"] == json!("failed_precondition"), "{refused}");
    run(&["resume", id]);
    assert_eq!(run(&["list"]).as_array().unwrap().len(), 1);
    run(&["delete", id]);
    assert_eq!(run(&["list"]), json!([]));
    let (good, refused) = command(&data, &["add", "https://10.0.0.1/"]);
    assert!(!good && refused["error"] == json!("invalid_argument"), "{refused}");
}

/// The first code block of a language in the documentation.
fn sample(language: &str) -> String {
    let text = std::fs::read_to_string(root().join("docs/webhooks.md")).unwrap();
    let (_, rest) = text.split_once(&format!("```{language}\n")).unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

/// Runs a sample, sends it an event, and then one that was changed on its way.
async fn sample_works(mut command: Command, script: &Path, language: &str) {
    std::fs::write(script, sample(language)).unwrap();
    let (_folder, server) = server(None).await;
    let port = keybearer_testkit::free_port().unwrap();
    let url = format!("http://127.0.0.1:{port}/webhooks");
    let made = server.api(Method::POST, ENDPOINTS, json!({"url": url})).await;
    command.arg(script).env("PORT", port.to_string()).env("WEBHOOK_SECRET", made["secret"].as_str().unwrap());
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut pause = tokio::time::interval(Duration::from_millis(100));
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        pause.tick().await;
        assert!(child.try_wait().unwrap().is_none(), "the sample ended");
    }
    let id = made["endpoint"]["id"].as_str().unwrap();
    let sent = server.api(Method::POST, &format!("{ENDPOINTS}/{id}:test"), json!({})).await;
    let event = sent["delivery"]["event_id"].as_str().unwrap().to_owned();
    let path = format!("{ENDPOINTS}/{id}/deliveries/{event}");
    let mut found = sent;
    while found["delivery"]["attempts"] == json!(0) || found["delivery"].get("attempts").is_none() {
        pause.tick().await;
        found = server.api(Method::GET, &path, Value::Null).await;
    }
    let forged =
        [("webhook-id", event.as_str()), ("webhook-timestamp", "1"), ("webhook-signature", "v1,AAAA")];
    let refused = Http::to(&url).send(Method::POST, "", &forged, "{}".to_owned()).await;
    let _ = (child.kill(), child.wait(), std::fs::remove_file(script));
    assert_eq!(found["delivery"]["attempt_log"][0]["http_status"], json!(204), "{found}");
    assert_eq!(refused.status(), 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_python_sample_of_the_documentation_works() {
    let folder = keybearer_testkit::temp_dir().unwrap();
    let python = Command::new(root().join(".peers/python/bin/python"));
    sample_works(python, &folder.path().join("sample.py"), "python").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_node_sample_of_the_documentation_works() {
    // beside the installed packages, where an import finds them
    let script = root().join(format!(".peers/node/webhook-sample-{}.mjs", std::process::id()));
    sample_works(Command::new("node"), &script, "js").await;
}
