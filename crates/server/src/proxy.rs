//! `ANY /proxy/{path}`: the authenticated pass-through.

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::any;
use http::HeaderMap;
use http_body_util::BodyExt as _;
use keybearer_app::proxy::{ProxyCall, call};
use keybearer_app::{App, Caller};
use keybearer_core::{Error, Reference, Result};

use crate::api::{Authenticate, Failure};

/// Names of the headers that say which connection and which user; some reverse proxies drop underscores.
const CONNECTION: [&str; 3] = ["connection_name", "keybearer-connection", "connection-name"];
const IDENTIFIER: [&str; 2] = ["identifier", "keybearer-user"];

/// What the proxy needs.
#[derive(Clone)]
struct Proxy {
    app: App,
    authenticate: Authenticate,
}

/// The route of the proxy.
pub fn router(app: App, authenticate: Authenticate) -> Router {
    let proxy = Proxy { app, authenticate };
    Router::new().route("/proxy/", any(handle)).route("/proxy/{*path}", any(handle)).with_state(proxy)
}

async fn handle(State(proxy): State<Proxy>, request: Request) -> Response {
    let reference = proxy.app.reference().unwrap_or_else(|_| Reference::unknown());
    match forward(&proxy, request, &reference).await {
        Ok(mut response) => {
            if let Ok(value) = reference.as_str().parse() {
                response.headers_mut().insert("keybearer-reference", value);
            }
            response
        }
        Err(error) => {
            tracing::info!(%reference, error.code = error.code.as_str(), detail = %error.detail, "a proxied call was not sent or not answered");
            Failure::new(&error, &reference).into_rest()
        }
    }
}

async fn forward(proxy: &Proxy, request: Request, reference: &Reference) -> Result<Response> {
    let caller: Caller = proxy.authenticate.caller(request.headers(), reference).await?;
    let (parts, body) = request.into_parts();
    let target = parts.uri.path_and_query().map(http::uri::PathAndQuery::as_str).unwrap_or_default();
    let call_made = ProxyCall {
        connection: named(&parts.headers, &CONNECTION)?,
        identifier: named(&parts.headers, &IDENTIFIER)?,
        method: parts.method,
        path_and_query: target.strip_prefix("/proxy").unwrap_or(target).to_owned(),
        headers: parts.headers,
        body: body.map_err(boxed).boxed_unsync(),
    };
    let response = call(&proxy.app, &caller, call_made).await?;
    Ok(response.map(Body::new))
}

fn boxed(error: axum::Error) -> Box<dyn std::error::Error + Send + Sync> {
    Box::new(error)
}

fn named(headers: &HeaderMap, names: &[&str]) -> Result<String> {
    let mut values = names.iter().flat_map(|name| headers.get_all(*name)).map(|value| value.to_str());
    match (values.next(), values.next()) {
        (None, _) => Ok(String::new()),
        (Some(Ok(value)), None) => Ok(value.to_owned()),
        (Some(Ok(value)), Some(Ok(other))) if value == other => Ok(value.to_owned()),
        _ => {
            Err(Error::field(names.first().copied().unwrap_or_default(), "must be given once, as plain text"))
        }
    }
}
