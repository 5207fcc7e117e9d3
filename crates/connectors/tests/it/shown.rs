//! A method with invented values, and the requests it makes as text.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::Request;
use keybearer_connectors::engine::{
    self, AuthorizeRequest, Context, EngineError, Exchange, Grant, Granted, RequestToken, Step,
};
use keybearer_connectors::schema::{AuthMethod, Connector, Field, FieldKind};
use keybearer_connectors::{Bindings, load_connector};
use keybearer_core::{SeededEntropy, Timestamp};

pub const REDIRECT_URI: &str = "https://keys.example/sso/v1/oauth/conn_1/callback";
const KEY: &str = include_str!("../../../oauth/tests/fixtures/rsa_pkcs8.pem");

/// A method of a connector, and a value for each of its fields.
pub struct Case {
    pub connector: Connector,
    pub method: AuthMethod,
    pub bindings: Bindings,
    entropy: SeededEntropy,
}

impl Case {
    pub fn new(connector: &Connector, method: &AuthMethod) -> Self {
        let bindings: Bindings = method
            .fields
            .iter()
            .filter(|field| !field.discovered)
            .map(|field| (field.name.clone(), invented(field).into()))
            .collect();
        let (connector, method) = (connector.clone(), method.clone());
        Self { connector, method, bindings, entropy: SeededEntropy::new(1) }
    }

    /// The first method of a definition that need not be complete.
    pub fn of(yaml: &str) -> Self {
        let connector = load_connector(yaml).unwrap_or_else(|error| panic!("{error}\n{yaml}"));
        Self::new(&connector, &connector.auth[0])
    }

    /// A method of a shipped connector.
    pub fn shipped(slug: &str, method: &str) -> Self {
        let connector = keybearer_connectors::Catalog::embedded().get(slug).unwrap();
        let method = connector.auth.iter().find(|found| found.id == method).unwrap();
        Self::new(&connector, method)
    }

    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.bindings.insert(name, value);
        self
    }

    pub fn context(&self) -> Context<'_> {
        Context {
            connector: &self.connector,
            method: &self.method,
            bindings: &self.bindings,
            now: Timestamp::from_seconds(1_800_000_000),
            entropy: &self.entropy,
        }
    }

    pub fn scopes(&self) -> Vec<String> {
        self.method.scopes.iter().filter(|scope| scope.default).map(|scope| scope.name.clone()).collect()
    }

    /// The address the browser is sent to.
    pub fn authorize(&self, optional_scopes: &[&str]) -> String {
        let optional: Vec<String> = optional_scopes.iter().map(|scope| (*scope).to_owned()).collect();
        let request = AuthorizeRequest {
            redirect_uri: REDIRECT_URI,
            state: "the-state",
            code_challenge: Some("the-challenge"),
            scopes: &self.scopes(),
            optional_scopes: &optional,
            extra: &[],
        };
        shown_result(engine::authorize_url(&self.context(), &request).map(String::from))
    }

    pub fn code_grant() -> Grant {
        Grant::AuthorizationCode {
            code: "the-code".into(),
            redirect_uri: REDIRECT_URI.to_owned(),
            verifier: Some("the-verifier".into()),
        }
    }

    /// The request that exchanges a code.
    pub fn token(&self) -> String {
        self.asked(&Self::code_grant())
    }

    /// The request of a grant.
    pub fn asked(&self, grant: &Grant) -> String {
        shown_result(engine::token_request(&self.context(), grant).map(|request| shown(&request)))
    }

    /// What an answer to the first request brings.
    pub fn granted(&self, grant: &Grant, answer: &str) -> Granted {
        let context = self.context();
        let mut exchange = Exchange::new(&context, grant);
        assert!(exchange.next_request().unwrap().is_some());
        exchange.answer(&json_answer(answer)).unwrap_or_else(|failure| panic!("{failure:?}"));
        exchange.finish().unwrap_or_else(|failure| panic!("{failure:?}"))
    }

    /// A refresh with the tokens that are bound.
    pub fn refresh(&self) -> String {
        self.asked(&Grant::Refresh)
    }

    /// A call of the API that a caller made with these headers, as it goes out.
    pub fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> String {
        shown_result(self.sent(method, path, headers, body).map(|request| shown(&request)))
    }

    pub fn sent(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<Request<Bytes>, EngineError> {
        let target = engine::proxy_target(&self.context(), path)?;
        let mut request = Request::builder().method(method).uri(target.as_str());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (mut parts, mut body) = request.body(Bytes::from(body.to_owned())).unwrap().into_parts();
        engine::inject(&self.context(), &mut parts, Some(&mut body))?;
        Ok(Request::from_parts(parts, body))
    }

    /// Everything the method does, step by step.
    pub fn story(&mut self) -> String {
        let mut told = format!("=== {} ({:?})\n", self.method.id, engine::auth_type(&self.method));
        if self.method.request_token_url.is_some() {
            self.oauth1(&mut told);
        } else if self.method.has_redirect() {
            tell(&mut told, "authorize", &self.authorize(&[]));
            tell(&mut told, "token", &self.token());
            for (name, value) in [("access_token", "the-access"), ("refresh_token", "the-refresh")] {
                self.bindings.insert(name, value);
            }
        } else if let Some(grant) = engine::mint_grant(&self.method, &self.scopes()) {
            if matches!(grant, Grant::Refresh) {
                self.bindings.insert("refresh_token", "the-refresh");
            }
            tell(&mut told, "mint", &self.asked(&grant));
            self.bindings.insert("access_token", "the-access");
        }
        self.after(&mut told);
        told
    }

    fn oauth1(&mut self, told: &mut String) {
        let request = engine::request_token_request(&self.context(), REDIRECT_URI);
        tell(told, "request token", &shown_result(request.map(|request| shown(&request))));
        let token = RequestToken { token: "temporary".into(), secret: "temporary-secret".into() };
        let url = engine::oauth1_authorize_url(&self.context(), &token, &self.scopes(), &[]);
        tell(told, "authorize", &shown_result(url.map(String::from)));
        let request = engine::access_token_request(&self.context(), &token, &"the-verifier".into());
        tell(told, "access token", &shown_result(request.map(|request| shown(&request))));
        for (name, value) in [("access_token", "the-access"), ("access_token_secret", "the-access-secret")] {
            self.bindings.insert(name, value);
        }
    }

    fn captured_value(&self, name: &str) -> String {
        let below = self.method.pinned_hosts.iter().find(|pin| pin.starts_with('.'));
        match below.filter(|_| name.ends_with("url")) {
            Some(pin) => format!("https://captured{pin}"),
            None => format!("captured-{name}"),
        }
    }

    fn after(&mut self, told: &mut String) {
        let policy = engine::refresh_policy(&self.method);
        let _ = writeln!(told, "-- renewal: {:?}, {:?}, {:?}", policy.kind, policy.class, policy.expiry);
        if matches!(policy.kind, engine::RefreshKind::RefreshToken | engine::RefreshKind::AccessToken) {
            tell(told, "refresh", &self.refresh());
        }
        let captured: Vec<String> = self.method.captured_names().map(str::to_owned).collect();
        for index in 0..self.method.post_connect.len() {
            match engine::post_connect_step(&self.context(), index) {
                Ok(Step::Send(request)) => tell(told, "after connecting", &shown(&request)),
                Ok(other) => tell(told, "after connecting", &format!("{other:?}")),
                Err(error) => tell(told, "after connecting", &error.to_string()),
            }
        }
        for name in
            captured.iter().filter(|name| self.bindings.get(name).is_none()).cloned().collect::<Vec<_>>()
        {
            let field = self.method.fields.iter().find(|field| field.name == name);
            let value = field.map_or_else(|| self.captured_value(&name), invented);
            self.bindings.insert(name, value);
        }
        if let Some(request) = engine::identity_request(&self.context()).transpose() {
            tell(told, "who", &shown_result(request.map(|request| shown(&request))));
        }
        for request in engine::verify_requests(&self.context()).unwrap_or_default() {
            tell(told, "verify", &shown(&request));
        }
        tell(
            told,
            "call",
            &self.call("GET", "/some/path?page=2", &[("authorization", "Bearer of-the-agent")], ""),
        );
        if let Some(request) = engine::revoke_request(&self.context()).transpose() {
            tell(told, "revoke", &shown_result(request.map(|request| shown(&request))));
        }
    }
}

fn tell(told: &mut String, what: &str, text: &str) {
    let _ = writeln!(told, "-- {what}\n{}", text.trim_end());
}

fn shown_result(result: Result<String, EngineError>) -> String {
    result.unwrap_or_else(|error| format!("refused: {error}"))
}

pub fn json_answer(body: &str) -> http::Response<Bytes> {
    let answer = http::Response::builder().header("content-type", "application/json");
    answer.body(Bytes::from(body.to_owned())).unwrap()
}

/// Method and address, headers in order, body; what is encoded or signed is written out.
pub fn shown(request: &Request<Bytes>) -> String {
    let mut text = format!("{} {}\n", request.method(), readable(&request.uri().to_string()));
    let mut headers: Vec<(&str, String)> = request
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str(), readable(value.to_str().unwrap())))
        .collect();
    headers.sort();
    for (name, value) in headers {
        let _ = writeln!(text, "{name}: {value}");
    }
    if !request.body().is_empty() {
        let _ = writeln!(text, "\n{}", readable(std::str::from_utf8(request.body()).unwrap()));
    }
    text
}

/// `Basic` and the parts of a JWT in clear; a signature only by its presence.
fn readable(text: &str) -> String {
    if let Some(basic) = text.strip_prefix("Basic ").and_then(|encoded| STANDARD.decode(encoded).ok()) {
        return format!("Basic <{}>", String::from_utf8_lossy(&basic));
    }
    text.split_inclusive(['&', ' ', '"', '=']).map(statement).collect()
}

fn statement(word: &str) -> String {
    let end =
        word.len() - word.chars().next_back().filter(|last| "&\"".contains(*last)).map_or(0, char::len_utf8);
    let (jwt, rest) = word.split_at(end);
    let parts: Vec<&str> = jwt.split('.').collect();
    let decoded =
        |part: &str| URL_SAFE_NO_PAD.decode(part).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    match parts.as_slice() {
        [head, claims, _signature] if head.starts_with("eyJ") => {
            format!("JWT<{} {}>{rest}", decoded(head).unwrap(), decoded(claims).unwrap())
        }
        _ => word.to_owned(),
    }
}

fn invented(field: &Field) -> String {
    let given = field.default.clone().or_else(|| field.choices.first().cloned());
    let given = given.filter(|value| field.fixed || !value.is_empty());
    given.unwrap_or_else(|| match field.kind {
        Some(FieldKind::Pem) => KEY.to_owned(),
        Some(FieldKind::JsonFile) => serde_json::json!({
            "type": "service_account", "private_key": KEY, "private_key_id": "key-1", "project_id": "a-project",
            "client_email": "robot@a-project.example", "token_uri": "https://oauth2.googleapis.com/token",
        })
        .to_string(),
        _ => {
            let example = field.example.clone().filter(|example| example.is_ascii());
            example.unwrap_or_else(|| format!("the-{}", field.name.replace('_', "-")))
        }
    })
}
