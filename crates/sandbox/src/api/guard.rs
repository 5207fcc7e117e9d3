//! Bearer tokens at the API (RFC 6750).

use axum::Json;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::json;

use crate::shared::Shared;
use crate::world::{Owner, Person};

/// Who calls, after the token and its scope were checked.
pub(super) struct Caller {
    pub owner: Owner,
    pub person: Person,
}

/// The caller, when its token is live and carries `scope`; else the answer that says why not.
pub(super) fn caller(shared: &Shared, headers: &HeaderMap, scope: &str) -> Result<Caller, Box<Response>> {
    let Some(token) = bearer(headers) else {
        return Err(Box::new(challenge(StatusCode::UNAUTHORIZED, "", None)));
    };
    let found = shared.world().live_access(token, shared.now()).map(|access| access.owner.clone());
    let Some(owner) = found else {
        return Err(Box::new(challenge(StatusCode::UNAUTHORIZED, "invalid_token", None)));
    };
    if !owner.scopes.iter().any(|granted| granted == scope) {
        return Err(Box::new(challenge(StatusCode::FORBIDDEN, "insufficient_scope", Some(scope))));
    }
    let robot = || Person { id: owner.client_id.clone(), ..robot() };
    let person = owner.person.clone().unwrap_or_else(robot);
    Ok(Caller { owner, person })
}

fn robot() -> Person {
    Person {
        id: String::new(),
        name: "The application itself".to_owned(),
        habit: crate::world::Habit::Normal,
    }
}

/// The token of an `Authorization: Bearer` header.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// 401 or 403 with `WWW-Authenticate` (RFC 6750 section 3); no error code when no token came.
pub(crate) fn challenge(status: StatusCode, error: &str, scope: Option<&str>) -> Response {
    let says = match error {
        "" => "send a bearer token",
        "invalid_token" => "the access token has ended or is not known",
        _ => "the access token lacks a scope",
    };
    let mut header_text = "Bearer realm=\"postcards\"".to_owned();
    if !error.is_empty() {
        header_text.push_str(&format!(", error=\"{error}\", error_description=\"{says}\""));
    }
    if let Some(scope) = scope {
        header_text.push_str(&format!(", scope=\"{scope}\""));
    }
    let code = if error.is_empty() { "unauthorized" } else { error };
    let mut response = (status, Json(json!({ "error": code, "message": says }))).into_response();
    if let Ok(value) = HeaderValue::from_str(&header_text) {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
    }
    response
}

/// A JSON error of the API.
pub(super) fn error(status: StatusCode, code: &str, says: &str) -> Response {
    (status, Json(json!({ "error": code, "message": says }))).into_response()
}
