//! Commands that work on the database of a configuration, as an operator runs them beside a stopped server.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

/// A configuration in a folder of its own.
struct Machine {
    folder: keybearer_testkit::TempDir,
}

impl Machine {
    fn set() -> Self {
        let folder = keybearer_testkit::temp_dir().unwrap();
        let text = format!(
            "public_url = \"http://localhost:4399\"\ndata = \"{}\"\nenvironment = \"dev\"\nverification = \"none\"\n",
            folder.path().join("data").display()
        );
        std::fs::write(folder.path().join("keybearer.toml"), text).unwrap();
        Self { folder }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Runs a command with the configuration: whether it succeeded, and what it said on both outputs.
    fn run(&self, words: &[&str]) -> (bool, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_keybearer"));
        for name in ["KEYBEARER_KEY", "KEYBEARER_DATABASE_URL", "KEYBEARER_PUBLIC_URL", "KEYBEARER_LOG"] {
            command.env_remove(name);
        }
        command.args(words).arg("--config").arg(self.path().join("keybearer.toml")).stdin(Stdio::null());
        let output = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.success(), text(output.stdout), text(output.stderr))
    }

    /// What a command printed that must succeed.
    fn done(&self, words: &[&str]) -> String {
        let (worked, out, err) = self.run(words);
        assert!(worked, "{words:?}: {out}{err}");
        out
    }

    /// What a command said that must fail.
    fn refused(&self, words: &[&str]) -> String {
        let (worked, out, err) = self.run(words);
        assert!(!worked && !err.contains("panicked"), "{words:?}: {out}{err}");
        err
    }

    /// A file beside the configuration.
    fn file(&self, name: &str, text: &str) -> String {
        let path = self.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }
}

fn bundle(connections: &Value) -> String {
    json!({"format": "keybearer.connections", "version": 1, "connections": connections}).to_string()
}

#[test]
fn connections_leave_and_come_back_as_a_file() {
    let machine = Machine::set();
    machine.done(&["environments", "create", "live"]);
    let settings = json!({"name": "mail", "connector": "github", "client_id": "id-1",
        "scopes": {"scopes": ["read:user"]}});
    let first = machine
        .file("first.json", &bundle(&json!([settings, {"name": "odd", "connector": "nothing-like-that"}])));
    let told: Value = serde_json::from_str(&machine.done(&["import", &first, "--json"])).unwrap();
    assert_eq!((&told[0]["outcome"], &told[1]["outcome"]), (&json!("made"), &json!("refused")), "{told}");
    assert!(told[0]["says"].as_str().unwrap().contains("client_secret"), "{told}");
    let exported = machine.done(&["export"]);
    let file: Value = serde_json::from_str(&exported).unwrap();
    assert_eq!(file["connections"].as_array().unwrap().len(), 1, "{file}");
    assert_eq!(file["connections"][0]["client_id"], "id-1");
    let copy = machine.file("copy.json", &exported);
    let table = machine.done(&["import", &copy, "--environment", "live"]);
    assert!(table.contains("mail") && table.contains("made"), "{table}");
    let again = machine.done(&["import", &copy, "--environment", "live"]);
    assert!(again.contains("exists") && again.contains("left as it is"), "{again}");
    assert_eq!(machine.done(&["export", "--environment", "live"]), exported, "the same on both sides");
    let broken = machine.file("broken.json", "<script>");
    assert!(machine.refused(&["import", &broken]).contains("line 1"), "what is no file says where");
    assert!(machine.refused(&["import", "/nothing/there.json"]).contains("cannot be read"));
    assert!(machine.refused(&["export", "--environment", "elsewhere"]).contains("no such environment"));
}

#[test]
fn the_trail_is_printed_of_one_environment_for_the_days_that_are_asked_for() {
    let machine = Machine::set();
    machine.done(&["environments", "create", "live"]);
    let set = machine.done(&["environments", "settings", "default", "--call-log-days", "30"]);
    assert!(set.contains("keeps calls for 30 days."), "{set}");
    let good = machine.done(&["environments", "settings", "default", "--call-log-days", "0"]);
    assert!(good.contains("keeps calls for good."), "{good}");
    let long = machine.refused(&["environments", "settings", "default", "--call-log-days", "4000"]);
    assert!(long.contains("must be at most 3650"), "{long}");

    let lines = |words: &[&str]| machine.done(words).lines().count() - 1;
    let of_settings = ["audit", "--action", "environment.settings"];
    assert_eq!(lines(&of_settings), 2);
    let told = machine.done(&of_settings);
    assert!(told.starts_with("time,actor,name,action,target,detail,reference"), "{told}");
    assert!(told.contains("The operator, at the machine") && told.contains("call_log_days"), "{told}");
    let today = told.lines().nth(1).unwrap()[1..11].to_owned();
    let with = |more: &[&str]| lines(&[&of_settings[..], more].concat());
    assert_eq!(with(&["--since", &today, "--until", &today]), 2, "the last day counts as a whole");
    assert_eq!(with(&["--since", "2000-01-01T00:00:00Z"]), 2);
    assert_eq!(with(&["--since", "2999-01-01"]), 0);
    assert_eq!(with(&["--until", "2000-01-01"]), 0);
    assert_eq!(with(&["--until", &format!("{today}T00:00:00Z")]), 0, "a time is a bound itself");
    assert_eq!(with(&["--actor", "system"]), 0);
    assert_eq!(with(&["--environment", "live"]), 0, "another environment has a trail of its own");
    for (option, wrong) in [("--since", "yesterday"), ("--until", "2026-13-01")] {
        let said = machine.refused(&["audit", option, wrong]);
        assert!(said.contains(option) && said.contains("must be a day like"), "{said}");
    }
    let exports = lines(&["audit", "--action", "audit.exported"]);
    assert!(exports >= 8, "each export is a line, too: {exports}");
}

/// Runs a command that takes no configuration.
fn plain(words: &[&str]) -> (bool, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keybearer"));
    for name in ["KEYBEARER_URL", "KEYBEARER_CLIENT_ID", "KEYBEARER_CLIENT_SECRET", "KEYBEARER_LOG"] {
        command.env_remove(name);
    }
    let output = command.args(words).stdin(Stdio::null()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.success(), text(output.stdout), text(output.stderr))
}

#[test]
fn the_file_of_a_connector_is_written_and_looked_at() {
    let folder = keybearer_testkit::temp_dir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let (worked, json, told) = plain(&["connectors", "export", "github"]);
    assert!(worked && told.contains("left out"), "{told}");
    let own = file("own.json", &json);
    let (worked, said, _) = plain(&["connectors", "check", "--file", &own]);
    assert!(worked && said.contains("0 errors"), "{said}");
    let broken = file("broken.json", &json.replace("\"OAUTH\"", "\"OATH\""));
    let (worked, said, err) = plain(&["connectors", "check", "--file", &broken]);
    assert!(!worked && said.contains("error line") && said.contains("auth_patterns[0].type"), "{said}{err}");
    let (worked, yaml, _) = plain(&["connectors", "export", "github", "--yaml"]);
    assert!(worked && yaml.contains("slug: github"), "{yaml}");
    let contributed = file("connector.yaml", &yaml);
    let (worked, said, _) = plain(&["connectors", "check", "--file", &contributed]);
    assert!(worked && said.contains("0 errors"), "{said}");
    let bad = file("bad.yaml", &yaml.replace("token_url: https://", "token_url: http://"));
    let (worked, said, err) = plain(&["connectors", "check", "--file", &bad]);
    assert!(!worked && said.contains("token_url"), "{said}{err}");
    let (worked, _, err) = plain(&["connectors", "check", "--file", &file("no.yaml", "a: [b")]);
    assert!(!worked && err.contains("no connector file"), "{err}");
    for name in ["nothing-like-that", "../x"] {
        let (worked, _, err) = plain(&["connectors", "export", name, "--yaml"]);
        assert!(!worked && err.contains("there is no connector"), "{err}");
    }
    let document = file(
        "crm.yaml",
        "openapi: 3.1.0\ninfo: {title: CRM}\nservers: [{url: https://crm.example}]\ncomponents: {securitySchemes: {key: {type: apiKey, in: query, name: k}}}\n",
    );
    let (worked, made, told) = plain(&["connectors", "openapi", "--file", &document]);
    assert!(worked && made.contains("\"query_name\": \"k\""), "{made}{told}");
    let (worked, said, _) = plain(&["connectors", "check", "--file", &file("crm.json", &made)]);
    assert!(worked && said.contains("0 errors"), "{said}");
}
