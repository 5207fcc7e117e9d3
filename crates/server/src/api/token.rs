//! `POST /oauth/token`: client credentials in, access token out (RFC 6749 §4.4), with OAuth's own error shape.

use axum::body::Body;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use keybearer_core::{Code, Error, Reference, SecretString};
use percent_encoding::percent_decode_str;
use serde_json::json;

use crate::api::error::{http_status, retry_after};
use crate::api::gate::read_body;
use crate::api::hooks::IssueToken;

/// Largest form, in bytes.
const FORM: usize = 16 * 1024;

/// What a program asks with.
#[derive(Clone, Debug)]
pub struct TokenRequest {
    /// The API client.
    pub client_id: String,
    /// One of its secrets.
    pub client_secret: SecretString,
    /// Space-separated scopes, if any were asked for.
    pub scope: Option<String>,
}

/// What it gets.
#[derive(Clone, Debug)]
pub struct IssuedToken {
    /// The access token.
    pub access_token: SecretString,
    /// Seconds for which it is good.
    pub expires_in_seconds: u64,
    /// Space-separated scopes; empty for none.
    pub scope: String,
}

struct Refusal {
    status: StatusCode,
    error: &'static str,
    description: String,
    retry_after: Option<u32>,
}

pub(super) async fn respond(
    request: Request<Body>,
    issue: &IssueToken,
    reference: Reference,
) -> Response<Body> {
    match answer(request, issue, &reference).await {
        Ok(token) => json_response(
            StatusCode::OK,
            &json!({
                "access_token": token.access_token.expose(),
                "token_type": "Bearer",
                "expires_in": token.expires_in_seconds,
                "scope": token.scope,
            }),
            &reference,
        ),
        Err(refusal) => refusal.into_response(&reference),
    }
}

async fn answer(
    request: Request<Body>,
    issue: &IssueToken,
    reference: &Reference,
) -> Result<IssuedToken, Refusal> {
    let (parts, body) = request.into_parts();
    let bytes = read_body(body, FORM).await.map_err(|error| Refusal::from_error(&error))?;
    let form = Form::read(&parts.headers, &bytes)?;
    match form.grant_type.as_deref() {
        Some("client_credentials") => {}
        Some(_) => {
            return Err(Refusal::bad("unsupported_grant_type", "grant_type must be client_credentials"));
        }
        None => return Err(Refusal::bad("invalid_request", "grant_type is missing")),
    }
    let (client_id, client_secret) = match (form.client_id, form.client_secret) {
        (Some(id), Some(secret)) => (id, secret),
        // a bearer in the header is a stale token of an SDK that signs in again, so only Basic is looked at
        (id, None) => basic(&parts.headers)
            .filter(|(basic_id, _)| id.as_ref().is_none_or(|id| id == basic_id))
            .ok_or_else(|| Refusal::bad("invalid_request", "client_id and client_secret are missing"))?,
        (None, Some(_)) => return Err(Refusal::bad("invalid_request", "client_id is missing")),
    };
    let request = TokenRequest { client_id, client_secret, scope: form.scope };
    issue.call((request, reference.clone())).await.map_err(|error| {
        tracing::info!(reference = %reference, error.code = error.code.as_str(), "no access token issued: {error}");
        Refusal::from_error(&error)
    })
}

#[derive(Default)]
struct Form {
    grant_type: Option<String>,
    client_id: Option<String>,
    client_secret: Option<SecretString>,
    scope: Option<String>,
}

impl Form {
    fn read(headers: &HeaderMap, bytes: &Bytes) -> Result<Self, Refusal> {
        let content_type =
            headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(Refusal::bad(
                "invalid_request",
                "content-type must be application/x-www-form-urlencoded",
            ));
        }
        let mut form = Self::default();
        for (name, value) in form_urlencoded::parse(bytes) {
            let value = value.into_owned();
            // RFC 6749 §3.2: a parameter without a value counts as omitted, and none may come twice
            if value.is_empty() {
                continue;
            }
            let repeated = match name.as_ref() {
                "grant_type" => form.grant_type.replace(value).is_some(),
                "client_id" => form.client_id.replace(value).is_some(),
                "client_secret" => form.client_secret.replace(SecretString::new(value)).is_some(),
                "scope" => form.scope.replace(value).is_some(),
                _ => false,
            };
            if repeated {
                return Err(Refusal::bad("invalid_request", "a parameter is given twice"));
            }
        }
        Ok(form)
    }
}

/// RFC 6749 §2.3.1: both halves are form-encoded before they are joined.
fn basic(headers: &HeaderMap) -> Option<(String, SecretString)> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(BASE64_STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    let decode =
        |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8().ok().map(|t| t.into_owned());
    Some((decode(id)?, SecretString::new(decode(secret)?)))
}

impl Refusal {
    fn bad(error: &'static str, description: &str) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            error,
            description: description.to_owned(),
            retry_after: None,
        }
    }

    fn from_error(error: &Error) -> Self {
        let (status, name) = match error.code {
            Code::Unauthenticated => (StatusCode::UNAUTHORIZED, "invalid_client"),
            Code::PermissionDenied | Code::InvalidScopeSelection => {
                (StatusCode::BAD_REQUEST, "invalid_scope")
            }
            Code::RateLimited | Code::Unavailable | Code::DatabaseUnavailable => {
                (http_status(error.code), "temporarily_unavailable")
            }
            Code::InvalidArgument | Code::TooLarge | Code::RequestTimeout => {
                (http_status(error.code), "invalid_request")
            }
            _ => (StatusCode::INTERNAL_SERVER_ERROR, "server_error"),
        };
        let description = if status.is_server_error() {
            error.code.title().to_owned()
        } else {
            error.detail.clone().into_owned()
        };
        Self { status, error: name, description, retry_after: retry_after(error) }
    }

    fn into_response(self, reference: &Reference) -> Response<Body> {
        let body = json!({ "error": self.error, "error_description": self.description });
        let mut response = json_response(self.status, &body, reference);
        let headers = response.headers_mut();
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"keybearer\""));
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

fn json_response(status: StatusCode, body: &serde_json::Value, reference: &Reference) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    if let Ok(value) = HeaderValue::from_str(reference.as_str()) {
        headers.insert("x-request-id", value);
    }
    response
}
