//! Children: the program under test, and the peers.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, header};
use keybearer_app::outbound::Outbound;
use serde_json::{Value, json};
use url::Url;

/// A child that dies with its test.
pub struct Process {
    child: Child,
    /// What it said when it was ready.
    pub ready: Value,
}

impl Process {
    pub fn start(mut command: Command) -> Self {
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the program starts");
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().expect("standard output is piped"));
        stdout.read_line(&mut line).expect("a ready line is readable");
        let ready = serde_json::from_str(&line).unwrap_or_else(|_| {
            let _ = stdout.read_to_string(&mut line);
            panic!("no ready line: {line}")
        });
        Self { child, ready }
    }

    /// Ends it at once, as a power cut would.
    pub fn kill(mut self) {
        self.child.kill().expect("the process can be killed");
        self.child.wait().expect("the process ends");
    }

    /// The most memory it ever held, in KiB.
    pub fn peak_memory_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches("kB").trim().parse().unwrap()
    }

    pub fn text(&self, name: &str) -> String {
        self.ready[name].as_str().unwrap_or_default().to_owned()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// One of the peers of `tests/peers`.
pub struct Peer {
    pub process: Process,
    pub http: Http,
}

impl Peer {
    pub fn start(name: &str, variables: &[(&str, &str)]) -> Self {
        let (program, script) = match name {
            "oidc-provider" => (PathBuf::from("node"), "oidc-provider/op.mjs"),
            "dot" => (root().join(".peers/python/bin/python"), "dot/server.py"),
            "authlib" => (root().join(".peers/python/bin/python"), "authlib/server.py"),
            "oauth1" => (root().join(".peers/python/bin/python"), "oauth1/server.py"),
            other => panic!("no peer {other}"),
        };
        assert!(root().join(".peers").exists(), "run `cargo xtask peers install` first");
        let mut command = Command::new(program);
        command.arg(root().join("tests/peers").join(script)).stderr(Stdio::null());
        command.envs(variables.iter().copied());
        let process = Process::start(command);
        let http = Http::to(&process.text("origin"));
        Self { process, http }
    }

    pub async fn allow_redirect(&self, uri: &str) {
        let response = self.http.send(Method::POST, "/_peer/redirect-uri", &[], uri.to_owned()).await;
        assert!(response.status().is_success());
    }

    pub async fn hold(&self, milliseconds: u32) {
        let path = format!("/_peer/hold?ms={milliseconds}");
        assert!(self.http.send(Method::POST, &path, &[], String::new()).await.status().is_success());
    }

    pub async fn counts(&self) -> Value {
        let response = self.http.send(Method::GET, "/_peer/counts", &[], String::new()).await;
        serde_json::from_slice(response.body()).unwrap()
    }

    pub async fn refreshes(&self) -> u64 {
        self.counts().await.pointer("/by_grant/refresh_token").and_then(Value::as_u64).unwrap_or(0)
    }

    /// How many answers of the token endpoint are made, whether they are held back or not.
    pub async fn token_answers(&self) -> u64 {
        let counts = self.counts().await;
        counts["by_status"].as_object().unwrap().values().filter_map(Value::as_u64).sum()
    }

    /// The connector that describes an OAuth 1.0a peer.
    fn oauth1_connector(&self) -> String {
        let text = |name: &str| self.process.text(name);
        format!(
            "slug: peer\ndisplay_name: Peer\nkind: api\nsandbox: true\ncategories: [developer-tools]\n\
             blurb: A server that we did not write.\nauth:\n  - id: oauth1\n    type: oauth1\n    label: OAuth 1.0a\n\
             \x20   request_token_url: \"{}\"\n    authorize_url: \"{}\"\n    token_url: \"{}\"\n\
             \x20   signature_method: HMAC-SHA256\n    realm: things\n    lifetimes: {{ basis: docs, no_refresh_token: true }}\n\
             \x20   setup:\n      console_url: \"{origin}\"\n      steps: [\"Nothing to do.\"]\n\
             \x20   fields:\n      - {{ name: client_id, label: Client ID, in: connection }}\n\
             \x20     - {{ name: client_secret, label: Client secret, in: connection, secret: true }}\n\
             \x20   credential_placement: {{ signing: oauth1 }}\napi:\n  base_url: \"{origin}\"\nsources: []\n",
            text("request_token_url"),
            text("authorize_url"),
            text("token_url"),
            origin = text("origin"),
        )
    }

    /// The connector that describes the peer.
    pub fn connector(&self, refresh_class: &str) -> String {
        let text = |name: &str| self.process.text(name);
        if !text("request_token_url").is_empty() {
            return self.oauth1_connector();
        }
        let scopes: Vec<String> = self.process.ready["scopes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|scope| format!("      - {{ name: \"{}\", default: true }}", scope.as_str().unwrap()))
            .collect();
        let auth = match text("client_auth").as_str() {
            "client_secret_post" => "client_secret_post",
            _ => "client_secret_basic",
        };
        let issuer = match self.process.ready["iss_supported"].as_bool() {
            Some(true) => format!("    issuer: \"{}\"\n    iss_supported: true\n", text("issuer")),
            _ => String::new(),
        };
        format!(
            "slug: peer\ndisplay_name: Peer\nkind: api\nsandbox: true\ncategories: [developer-tools]\n\
             blurb: A server that we did not write.\nauth:\n  - id: oauth2\n    type: oauth2\n    label: OAuth 2.0\n\
             \x20   authorize_url: \"{}\"\n    token_url: \"{}\"\n    revoke: {{ method: POST, url: \"{}\", auth: client }}\n\
             {issuer}    identity: {{ url: \"{}\", id: sub }}\n    authorize_params: {{ prompt: consent }}\n    token_auth_method: {auth}\n\
             \x20   setup:\n      console_url: \"{origin}\"\n      steps: [\"Nothing to do.\"]\n\
             \x20   fields:\n      - {{ name: client_id, label: Client ID, in: connection }}\n\
             \x20     - {{ name: client_secret, label: Client secret, in: connection, secret: true }}\n\
             \x20   scopes:\n{}\n    lifetimes: {{ basis: docs, refresh_class: {refresh_class}, grace_seconds: 120 }}\n\
             \x20   credential_placement: {{ headers: {{ authorization: \"Bearer {{access_token}}\" }} }}\n\
             api:\n  base_url: \"{origin}\"\nsources: []\n",
            text("authorize_url"),
            text("token_url"),
            text("revoke_url"),
            text("userinfo_url"),
            scopes.join("\n"),
            origin = text("origin"),
        )
    }
}

/// How `keybearer dev` is started.
pub struct Launch<'a> {
    pub data: &'a Path,
    pub connectors: &'a Path,
    pub database: Option<&'a str>,
    /// Where its log goes, and how much of it; warnings to the test's own output when absent.
    pub log: Option<(&'a Path, &'a str)>,
}

/// A running `keybearer dev` with a token.
pub struct Server {
    pub process: Process,
    pub http: Http,
    token: String,
}

impl Server {
    pub async fn start(data: &Path, connectors: &Path, database: Option<&str>) -> Self {
        Self::launch(Launch { data, connectors, database, log: None }).await
    }

    pub async fn launch(launch: Launch<'_>) -> Self {
        let Launch { data, connectors, database, log } = launch;
        let port = || keybearer_testkit::free_port().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_keybearer"));
        command.args(["dev", "--json", "--data"]).arg(data).arg("--connectors").arg(connectors);
        command.args(["--listen", &format!("127.0.0.1:{}", port())]);
        command.args(["--sandbox-listen", &format!("127.0.0.1:{}", port())]);
        command.env_remove("KEYBEARER_DATABASE_URL").env("KEYBEARER_LOG", "warn");
        if let Some(database) = database {
            command.args(["--database", database]);
        }
        if let Some((file, level)) = log {
            command.env("KEYBEARER_LOG", level).stderr(std::fs::File::create(file).unwrap());
        }
        let process = Process::start(command);
        let http = Http::to(&process.text("url"));
        let form = format!(
            "grant_type=client_credentials&client_id={}&client_secret={}",
            process.text("client_id"),
            process.text("client_secret")
        );
        let kind = [("content-type", "application/x-www-form-urlencoded")];
        let response = http.send(Method::POST, "/oauth/token", &kind, form).await;
        let answer: Value = serde_json::from_slice(response.body()).unwrap();
        let token = answer["access_token"].as_str().expect("an access token").to_owned();
        Self { process, http, token }
    }

    pub async fn api(&self, method: Method, path: &str, body: Value) -> Value {
        let bearer = format!("Bearer {}", self.token);
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let response = self.http.send(method, path, &headers, body).await;
        let answer: Value = serde_json::from_slice(response.body()).unwrap_or(json!(null));
        assert!(response.status().is_success(), "{path}: {} {answer}", response.status());
        answer
    }

    /// The access token of the client that `dev` made.
    pub fn token(&self) -> &str {
        &self.token
    }

    pub async fn proxied(&self, path: &str) -> Response<Bytes> {
        let bearer = format!("Bearer {}", self.token);
        let headers =
            [("authorization", bearer.as_str()), ("keybearer-connection", "peer"), ("keybearer-user", "ada")];
        self.http.send(Method::GET, &format!("/proxy{path}"), &headers, String::new()).await
    }

    pub async fn account(&self) -> Value {
        let answer =
            self.api(Method::GET, "/api/v1/accounts?connection=peer&identifier=ada", json!(null)).await;
        answer["accounts"][0].clone()
    }
}

/// A small HTTP client for one origin.
#[derive(Clone)]
pub struct Http {
    origin: String,
    outbound: Outbound,
}

impl Http {
    pub fn to(origin: &str) -> Self {
        let local: Url = "http://localhost".parse().unwrap();
        let address: Url = "http://127.0.0.1".parse().unwrap();
        Self { origin: origin.to_owned(), outbound: Outbound::to(&[&local, &address], None).unwrap() }
    }

    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> Response<Bytes> {
        self.try_send(method, path, headers, body).await.expect("an answer")
    }

    /// `None` when there is no answer, for a server that is killed meanwhile.
    pub async fn try_send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> Option<Response<Bytes>> {
        let address =
            if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.origin) };
        let mut request = Request::builder().method(method).uri(address);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.header(header::ACCEPT, "*/*").body(Bytes::from(body)).unwrap();
        self.outbound.send(request, Duration::from_secs(30)).await.ok()
    }
}
