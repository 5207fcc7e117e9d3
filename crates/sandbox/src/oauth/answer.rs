//! Token answers and errors, in the dialect that is switched on.

use axum::Json;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};

use super::no_store;
use crate::failure::Failure;
use crate::settings::Dialect;
use crate::shared::Shared;
use crate::world::Pair;

/// An error of a machine endpoint (RFC 6749 section 5.2).
#[derive(Debug)]
pub(crate) struct OAuthError {
    pub status: StatusCode,
    pub error: &'static str,
    pub says: String,
    /// Asks for Basic authentication.
    pub challenge: bool,
}

impl OAuthError {
    pub fn bad(error: &'static str, says: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, error, says: says.into(), challenge: false }
    }

    pub fn client(says: &str, challenge: bool) -> Self {
        Self { status: StatusCode::UNAUTHORIZED, error: "invalid_client", says: says.to_owned(), challenge }
    }

    pub fn answer(self, shared: &Shared) -> Response {
        let dialect = shared.world().settings.dialect;
        let status = if dialect.ok_error { StatusCode::OK } else { self.status };
        if dialect.html_error {
            return no_store(crate::broken::html(status));
        }
        let mut body = Map::new();
        if dialect.ok_error {
            body.insert("ok".to_owned(), false.into());
        }
        body.insert("error".to_owned(), self.error.into());
        body.insert("error_description".to_owned(), self.says.into());
        let mut response = encode(dialect, body);
        *response.status_mut() = status;
        if self.challenge {
            let basic = HeaderValue::from_static("Basic realm=\"postcards\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, basic);
        }
        response
    }
}

impl From<keybearer_core::Error> for OAuthError {
    fn from(_: keybearer_core::Error) -> Self {
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            error: "server_error",
            says: "the sandbox has no random bytes".to_owned(),
            challenge: false,
        }
    }
}

/// The answer that carries `pair`.
pub(crate) fn tokens(shared: &Shared, pair: &Pair, failure: Option<Failure>) -> Response {
    let dialect = shared.world().settings.dialect;
    let seconds = pair.expires_in(shared.now());
    let scope = pair.scopes.join(if dialect.comma { "," } else { " " });
    let mut body = Map::new();
    body.insert("access_token".to_owned(), pair.access.expose().as_str().into());
    body.insert("token_type".to_owned(), "Bearer".into());
    if dialect.text_expires_in || failure == Some(Failure::TextExpiresIn) {
        body.insert("expires_in".to_owned(), seconds.to_string().into());
    } else if !dialect.no_expires_in && failure != Some(Failure::NoExpiresIn) {
        body.insert("expires_in".to_owned(), seconds.into());
    }
    if let Some(refresh) = &pair.refresh {
        body.insert("refresh_token".to_owned(), refresh.expose().as_str().into());
    }
    body.insert("scope".to_owned(), scope.into());
    if dialect.nested {
        body = nested(pair, body);
    }
    encode(dialect, body)
}

fn nested(pair: &Pair, mut tokens: Map<String, Value>) -> Map<String, Value> {
    let id = pair.person.as_ref().map_or_else(String::new, crate::world::Person::subject);
    tokens.insert("id".to_owned(), id.into());
    let mut body = Map::new();
    body.insert("ok".to_owned(), true.into());
    body.insert("team".to_owned(), json!({ "id": "pc_team", "name": "Postcards" }));
    body.insert("authed_user".to_owned(), tokens.into());
    body
}

fn encode(dialect: Dialect, body: Map<String, Value>) -> Response {
    if !dialect.form {
        return no_store(Json(Value::Object(body)).into_response());
    }
    let mut form = form_urlencoded::Serializer::new(String::new());
    for (name, value) in body {
        form.append_pair(&name, &value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    }
    let kind = [(header::CONTENT_TYPE, "application/x-www-form-urlencoded")];
    no_store((kind, form.finish()).into_response())
}
