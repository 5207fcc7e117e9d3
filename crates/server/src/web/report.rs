//! `GET /health/report`: the system check for `keybearer doctor` and for whoever watches, with an API client's token.

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Json, Response};
use axum::routing::get;
use http::{HeaderMap, header};
use keybearer_app::App;
use keybearer_app::system::{self, Report};
use keybearer_core::{Reference, Result};
use serde_json::{Value, json};

use crate::api::{Authenticate, Failure};

#[derive(Clone)]
struct Asked {
    app: App,
    authenticate: Authenticate,
}

/// The route. It needs the permission `agent_logs:read`.
pub fn router(app: App, authenticate: Authenticate) -> Router {
    Router::new().route("/health/report", get(show)).with_state(Asked { app, authenticate })
}

async fn show(State(asked): State<Asked>, request: Request) -> Response {
    let reference = asked.app.reference().unwrap_or_else(|_| Reference::unknown());
    match report(&asked, request.headers(), &reference).await {
        Ok(report) => ([(header::CACHE_CONTROL, "no-store")], Json(written(&report))).into_response(),
        Err(error) => Failure::new(&error, &reference).into_rest(),
    }
}

async fn report(asked: &Asked, headers: &HeaderMap, reference: &Reference) -> Result<Report> {
    let caller = asked.authenticate.caller(headers, reference).await?;
    system::check(&asked.app, &caller).await
}

/// The report as the commands read it.
pub(crate) fn written(report: &Report) -> Value {
    let checks = report.checks.iter().map(|check| {
        json!({"check": check.topic, "state": check.state.as_str(), "says": check.says, "do": check.fix})
    });
    json!({"version": report.version, "at": report.at.rfc3339(), "checks": checks.collect::<Vec<_>>()})
}
