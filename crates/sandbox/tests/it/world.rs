//! A running sandbox with one registered application, and the steps every test takes.

use std::net::SocketAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http_body_util::Full;
use hyper::body::Bytes;
use keybearer_core::{FixedClock, SeededEntropy, Timestamp, sha256};
use keybearer_sandbox::{Approval, ClientConfig, Control, Sandbox, SandboxConfig};
use serde_json::Value;

use crate::client::{Reply, form_body, request, send};

pub const SECRET: &str = "cnry_client+secret/of=sandbox";
pub const REDIRECT: &str = "http://localhost:4300/sso/v1/oauth/conn_1/callback";
pub const VERIFIER: &str = "verifier-verifier-verifier-verifier-verifier-43";
pub const CONTROL: &str = "cnry_control";

pub struct World {
    pub sandbox: Sandbox,
    pub address: SocketAddr,
    pub control: Control,
}

pub fn config() -> SandboxConfig {
    let clock = Arc::new(FixedClock::new(Timestamp::from_seconds(1_893_456_000)));
    let listen = "127.0.0.1:0".parse().unwrap();
    let mut config = SandboxConfig::new(listen, clock, Arc::new(SeededEntropy::new(7)), CONTROL.into());
    config.clients = vec![client("fieldnote", Some(SECRET)), client("public", None)];
    config
}

fn client(id: &str, secret: Option<&str>) -> ClientConfig {
    ClientConfig {
        client_id: id.to_owned(),
        client_secret: secret.map(Into::into),
        redirect_uris: vec![REDIRECT.to_owned()],
        name: "Fieldnote dev".to_owned(),
    }
}

/// One pair of tokens as the client got it.
pub struct Tokens {
    pub access: String,
    pub refresh: String,
}

impl World {
    pub async fn start() -> Self {
        let sandbox = Sandbox::start(config()).await.unwrap();
        Self { address: sandbox.address(), control: sandbox.control(), sandbox }
    }

    pub async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        self.call("GET", path, headers, Full::default()).await.unwrap()
    }

    pub async fn call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Full<Bytes>,
    ) -> Result<Reply, hyper::Error> {
        let builder = headers.iter().fold(request(method, path), |b, (name, value)| b.header(*name, *value));
        send(self.address, builder.body(body).unwrap()).await
    }

    pub async fn form(&self, path: &str, headers: &[(&str, &str)], pairs: &[(&str, &str)]) -> Reply {
        self.try_form(path, headers, pairs).await.unwrap()
    }

    pub async fn try_form(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        pairs: &[(&str, &str)],
    ) -> Result<Reply, hyper::Error> {
        let mut all = vec![("content-type", "application/x-www-form-urlencoded")];
        all.extend_from_slice(headers);
        self.call("POST", path, &all, form_body(pairs)).await
    }

    /// The authorization request of the application, with changes.
    pub fn authorize_path(&self, changes: &[(&str, &str)]) -> String {
        let challenge = URL_SAFE_NO_PAD.encode(sha256(VERIFIER.as_bytes()));
        let mut pairs = vec![
            ("response_type", "code"),
            ("client_id", "fieldnote"),
            ("redirect_uri", REDIRECT),
            ("scope", "profile.read postcards.read postcards.write"),
            ("state", "cnry_state"),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
        ];
        for (name, value) in changes {
            pairs.retain(|(key, _)| key != name);
            if !value.is_empty() {
                pairs.push((name, value));
            }
        }
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        format!("/authorize?{query}")
    }

    pub fn approve(&self, person: &str, changes: &[(&str, &str)]) -> url::Url {
        let address = format!("{}{}", self.control.url(), self.authorize_path(changes));
        self.control.approve(&address, &Approval { person: person.to_owned(), scopes: None }).unwrap()
    }

    pub fn code(&self, person: &str) -> String {
        query(&self.approve(person, &[]), "code").unwrap()
    }

    pub async fn exchange(&self, code: &str) -> Reply {
        self.exchange_with(code, &[]).await
    }

    pub async fn exchange_with(&self, code: &str, changes: &[(&str, &str)]) -> Reply {
        let mut pairs = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
        ];
        for (name, value) in changes {
            pairs.retain(|(key, _)| key != name);
            if !value.is_empty() {
                pairs.push((name, value));
            }
        }
        self.form("/token", &[("authorization", &basic("fieldnote", SECRET))], &pairs).await
    }

    pub async fn connect(&self, person: &str) -> Tokens {
        tokens(&self.exchange(&self.code(person)).await)
    }

    pub async fn refresh(&self, token: &str) -> Reply {
        self.try_refresh(token, &[]).await.unwrap()
    }

    pub async fn try_refresh(&self, token: &str, headers: &[(&str, &str)]) -> Result<Reply, hyper::Error> {
        let authorization = basic("fieldnote", SECRET);
        let mut all = vec![("authorization", authorization.as_str())];
        all.extend_from_slice(headers);
        self.try_form("/token", &all, &[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    pub async fn me(&self, access: &str) -> Reply {
        self.get("/me", &[("authorization", &bearer(access))]).await
    }

    pub fn advance(&self, seconds: u64) {
        self.control.advance(std::time::Duration::from_secs(seconds));
    }
}

pub fn query(url: &url::Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// Basic credentials as RFC 6749 section 2.3.1 wants them: form-encoded first.
pub fn basic(id: &str, secret: &str) -> String {
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    format!("Basic {}", STANDARD.encode(format!("{}:{}", encode(id), encode(secret))))
}

pub fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

pub fn tokens(reply: &Reply) -> Tokens {
    assert_eq!(reply.status, 200, "{}", reply.text());
    let body = reply.json();
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    Tokens { access: text("access_token"), refresh: text("refresh_token") }
}

pub fn error(reply: &Reply) -> (u16, Value) {
    (reply.status, reply.json()["error"].clone())
}
