//! The published SDKs, unchanged, against the real program: see `tests/sdk/README.md`.

use std::process::Command;

use http::Method;
use keybearer_testkit::TestDatabase;
use serde_json::{Value, json};

use crate::peers::process::{Server, root};

async fn checked(mut command: Command, script: &str, least: u64, database: Option<&str>) {
    assert!(root().join(".peers").exists(), "run `cargo xtask peers install` first");
    let folder = keybearer_testkit::temp_dir().unwrap();
    std::fs::create_dir_all(folder.path().join("connectors")).unwrap();
    let data = folder.path().join("data");
    let server = Server::start(&data, &folder.path().join("connectors"), database).await;
    server
        .api(Method::POST, "/api/v1/connection-setups", json!({"connector": "luggage", "name": "luggage"}))
        .await;
    server.api(Method::POST, "/api/v1/connection-setups/luggage:activate", Value::Null).await;
    let data = data.display().to_string();
    let approve =
        json!([env!("CARGO_BIN_EXE_keybearer"), "--data", data, "sandbox", "approve", "--as", "ada"]);
    command
        .arg(root().join("tests/sdk").join(script))
        .env("KEYBEARER_READY", server.process.ready.to_string())
        .env("KEYBEARER_APPROVE", approve.to_string())
        .env("NODE_EXTRA_CA_CERTS", server.process.text("ca_file"));
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let lines: Vec<Value> = printed.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let wrong: Vec<&Value> = lines.iter().filter(|line| line["ok"] == json!(false)).collect();
    assert!(wrong.is_empty(), "{wrong:#?}\n{errors}");
    let count = lines.last().and_then(|line| line["checks"].as_u64()).unwrap_or_default();
    assert!(output.status.success() && count >= least, "{count} of {least} checks\n{printed}\n{errors}");
}

fn python() -> Command {
    Command::new(root().join(".peers/python/bin/python"))
}

#[tokio::test(flavor = "multi_thread")]
async fn python_on_sqlite() {
    checked(python(), "python_calls.py", 27, None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn python_on_postgres() {
    checked(python(), "python_calls.py", 27, Some(TestDatabase::create().unwrap().url())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn node_on_sqlite() {
    checked(Command::new("node"), "node_calls.mjs", 34, None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn node_on_postgres() {
    checked(Command::new("node"), "node_calls.mjs", 34, Some(TestDatabase::create().unwrap().url())).await;
}
