//! schemathesis over `/openapi.json` against the real program: see `tests/schemathesis/README.md`.

use std::process::Command;

use crate::peers::process::{Launch, Server, root};

#[tokio::test(flavor = "multi_thread")]
async fn schemathesis_finds_no_server_error_and_no_schema_violation() {
    assert!(root().join(".peers").exists(), "run `cargo xtask peers install` first");
    let folder = keybearer_testkit::temp_dir().unwrap();
    let connectors = folder.path().join("connectors");
    std::fs::create_dir_all(&connectors).unwrap();
    let (data, log) = (folder.path().join("data"), folder.path().join("server.log"));
    let launch = Launch { data: &data, connectors: &connectors, database: None, log: Some((&log, "warn")) };
    let server = Server::launch(launch).await;
    let place = root().canonicalize().unwrap().join("tests/schemathesis");
    let mut command = Command::new(root().canonicalize().unwrap().join(".peers/python/bin/schemathesis"));
    command
        .current_dir(folder.path())
        .arg("--config-file")
        .arg(place.join("schemathesis.toml"))
        .args(["run", &format!("{}/openapi.json", server.process.text("url"))])
        .args(["--header", &format!("Authorization: Bearer {}", server.token())])
        .args(["--mode", "all", "--phases", "examples,coverage,fuzzing,stateful", "--max-examples", "4"])
        .args(["--seed", "20261129", "--workers", "2", "--no-shrink", "--continue-on-failure", "--no-color"])
        .args(["--suppress-health-check", "all", "--generation-database", "none"])
        .env("SCHEMATHESIS_HOOKS", place.join("hooks.py"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("KEYBEARER_CLIENT_ID", server.process.text("client_id"));
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let failed = printed.find("= FAILURES =").map_or(0, |at| at);
    let shown: String = printed.chars().skip(failed).take(60_000).collect();
    assert!(output.status.success(), "{shown}\n{}", String::from_utf8_lossy(&output.stderr));
    let cases = printed.lines().find(|line| line.contains("generated")).unwrap_or_default();
    assert!(!cases.trim().is_empty(), "nothing was generated: {printed}");
    let logged = std::fs::read_to_string(&log).unwrap();
    assert!(!logged.contains("panicked") && !logged.contains(" ERROR "), "{logged}");
}
