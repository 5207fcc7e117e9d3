use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::{any, get, post};
use http::uri::PathAndQuery;
use http::{HeaderValue, StatusCode, Uri, header};
use keybearer_core::{Code, Entropy, Error, Result};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::api::descriptors::Descriptors;
use crate::api::error::Failure;
use crate::api::gate::Gate;
use crate::api::hooks::Hooks;
use crate::api::peer;
use crate::api::rest::{Rest, openapi};
use crate::api::token;

/// Everything that answers on the one port: gRPC by its content type, the rest by path.
#[derive(Clone, Debug)]
pub struct Front {
    gate: Gate,
    router: Router,
}

#[derive(Clone, Debug)]
struct Api {
    gate: Gate,
    rest: Rest,
    hooks: Hooks,
}

impl Front {
    /// The API of `services`, with `others` (pages, proxy, callback) beside it.
    ///
    /// # Errors
    /// [`Code::Internal`] when the compiled contract is inconsistent.
    pub fn new(
        services: tonic::service::Routes,
        hooks: Hooks,
        entropy: Arc<dyn Entropy>,
        others: Router,
    ) -> Result<Self> {
        let descriptors = Arc::new(Descriptors::load()?);
        let gate = Gate::new(descriptors, services, hooks.authenticate.clone(), entropy);
        let api = Api { gate: gate.clone(), rest: Rest::new(gate.clone()), hooks };
        let own = Router::new()
            .route("/api/v1/{*path}", any(rest))
            .route("/oauth/token", post(issue_token))
            .route("/keys", get(public_keys))
            .route("/health", get(health))
            .route("/ready", get(ready))
            .route("/openapi.json", get(document))
            .method_not_allowed_fallback(wrong_verb)
            .with_state(api);
        // `prepare` of axum: flattens the nested routers once
        Ok(Self { gate, router: own.merge(others).with_state(()) })
    }

    /// Answers one request.
    pub async fn respond(&self, request: Request) -> Response {
        let address = request.extensions().get::<SocketAddr>().copied();
        peer::scope(address, self.answer(request)).await
    }

    async fn answer(&self, request: Request) -> Response {
        let request = with_plain_path(request);
        if is_grpc(&request) {
            return self.gate.grpc(request).await;
        }
        match self.router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}

/// `application/grpc` and its message formats, not gRPC-Web.
fn is_grpc(request: &Request) -> bool {
    let value = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    value
        .and_then(|value| value.strip_prefix("application/grpc"))
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('+') || rest.starts_with(';'))
}

/// Collapses `//` in paths, because the Python SDK asks for `//oauth/token` when its URL ends in a slash.
///
/// What comes after `/proxy/` belongs to the provider and stays as it is.
fn with_plain_path(mut request: Request) -> Request {
    let path = request.uri().path();
    if !path.contains("//") {
        return request;
    }
    let mut plain = String::with_capacity(path.len());
    for (position, letter) in path.char_indices() {
        if letter == '/' && plain.ends_with('/') {
            continue;
        }
        plain.push(letter);
        if plain == "/proxy/" {
            let (_, rest) = path.split_at_checked(position + 1).unwrap_or_default();
            plain.push_str(rest);
            break;
        }
    }
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    if let Ok(path_and_query) = PathAndQuery::try_from(format!("{plain}{query}")) {
        let mut parts = request.uri().clone().into_parts();
        parts.path_and_query = Some(path_and_query);
        if let Ok(uri) = Uri::from_parts(parts) {
            *request.uri_mut() = uri;
        }
    }
    request
}

async fn rest(State(api): State<Api>, request: Request) -> Response {
    api.rest.respond(request).await
}

async fn issue_token(State(api): State<Api>, request: Request) -> Response {
    token::respond(request, &api.hooks.issue_token, api.gate.reference()).await
}

async fn public_keys(State(api): State<Api>) -> Response {
    match api.hooks.public_keys.call(()).await {
        Ok(keys) => json_answer(&keys, "public, max-age=300"),
        Err(error) => Failure::new(&error, &api.gate.reference()).into_rest(),
    }
}

async fn health() -> Response {
    json_answer(&json!({ "status": "ok" }), "no-store")
}

async fn ready(State(api): State<Api>) -> Response {
    match api.hooks.ready.call(()).await {
        Ok(()) => json_answer(&json!({ "status": "ready" }), "no-store"),
        Err(error) => Failure::new(&error, &api.gate.reference()).into_rest(),
    }
}

async fn document() -> Response {
    let mut response = Response::new(Body::from(openapi::CURRENT));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

async fn wrong_verb(State(api): State<Api>) -> Response {
    let error = Error::new(Code::MethodNotAllowed, "this address does not take that HTTP method");
    Failure::new(&error, &api.gate.reference()).into_rest()
}

fn json_answer(body: &Value, cache: &'static str) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = StatusCode::OK;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    response
}
