//! The published SDKs, unchanged, against the real program: see `tests/sdk/README.md`.

use std::process::Command;

use http::Method;
use keybearer_testkit::TestDatabase;
use serde_json::{Value, json};

use crate::peers::process::{Server, root};

/// A script, its topics in their order, and the fewest checks that they make.
struct Suite {
    program: fn() -> Command,
    script: &'static str,
    topics: &'static [&'static str],
    least: u64,
}

const PYTHON: Suite = Suite {
    program: || Command::new(root().join(".peers/python/bin/python")),
    script: "python/main.py",
    topics: &[
        "connections",
        "accounts",
        "proxy",
        "tools",
        "mcp_servers",
        "tokens",
        "errors",
        "events",
        "organizations",
        "custom_connectors",
        "verification",
        "key_rotation",
    ],
    least: 200,
};

const NODE: Suite = Suite {
    program: || Command::new("node"),
    script: "node/main.mjs",
    topics: &[
        "connections",
        "accounts",
        "proxy",
        "tools",
        "tokens",
        "errors",
        "events",
        "organizations",
        "verification",
        "key_rotation",
    ],
    least: 90,
};

async fn holds(suite: &Suite, database: Option<&str>) {
    assert!(root().join(".peers").exists(), "run `cargo xtask peers install` first");
    let folder = keybearer_testkit::temp_dir().unwrap();
    std::fs::create_dir_all(folder.path().join("connectors")).unwrap();
    let data = folder.path().join("data");
    let server = Server::start(&data, &folder.path().join("connectors"), database).await;
    let luggage = json!({"connector": "luggage", "name": "luggage"});
    server.api(Method::POST, "/api/v1/connection-setups", luggage).await;
    server.api(Method::POST, "/api/v1/connection-setups/luggage:activate", Value::Null).await;
    let mut command = (suite.program)();
    command
        .arg(root().join("tests/sdk").join(suite.script))
        .args(suite.topics)
        .env("KEYBEARER_READY", server.process.ready.to_string())
        .env("KEYBEARER_PROGRAM", env!("CARGO_BIN_EXE_keybearer"))
        .env("KEYBEARER_DATA", &data)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("NODE_EXTRA_CA_CERTS", server.process.text("ca_file"));
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let lines: Vec<Value> = printed.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let wrong: Vec<&Value> = lines.iter().filter(|line| line["ok"] == json!(false)).collect();
    assert!(wrong.is_empty(), "{wrong:#?}\n{errors}");
    let count = lines.last().and_then(|line| line["checks"].as_u64()).unwrap_or_default();
    assert!(output.status.success() && count >= suite.least, "{count} checks\n{printed}\n{errors}");
}

#[tokio::test(flavor = "multi_thread")]
async fn python_on_sqlite() {
    holds(&PYTHON, None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn python_on_postgres() {
    holds(&PYTHON, Some(TestDatabase::create().unwrap().url())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn node_on_sqlite() {
    holds(&NODE, None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn node_on_postgres() {
    holds(&NODE, Some(TestDatabase::create().unwrap().url())).await;
}
