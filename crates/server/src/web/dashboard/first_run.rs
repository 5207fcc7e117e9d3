//! What the page of the first owner says of the server: address, encryption key, database.

use std::time::Duration;

use askama::Template;
use axum::extract::Query;
use axum::response::Response;
use http::StatusCode;
use keybearer_app::system;
use keybearer_core::{Result, SecretString};

use super::answer::html;
use super::entry::Asked;
use super::guard::Guest;
use super::system::{Row, row};

/// How long the page waits for the address. What comes later, the script fetches.
const AT_ONCE: Duration = Duration::from_millis(700);
/// More than asking the address takes at most.
const TO_THE_END: Duration = Duration::from_secs(8);

/// The lines, and whether one is still to come.
#[derive(Template)]
#[template(path = "dashboard/first_run.html")]
pub(super) struct FirstRun {
    url: String,
    rows: Vec<Row>,
    pub waiting: bool,
    token: String,
}

impl FirstRun {
    /// What can be said at once.
    pub async fn at_once(guest: &Guest, token: &SecretString) -> Result<Self> {
        Self::within(guest, token, AT_ONCE).await
    }

    async fn within(guest: &Guest, token: &SecretString, patience: Duration) -> Result<Self> {
        let (checks, waiting) = system::at_setup(&guest.dash.app, token, patience).await?;
        let url = guest.dash.app.issuer().to_owned();
        let rows = checks.into_iter().map(row).collect();
        Ok(Self { url, rows, waiting, token: token.expose().clone() })
    }
}

/// `GET /setup/checks`: the lines alone, all of them.
pub(super) async fn checks(guest: Guest, Query(asked): Query<Asked>) -> Response {
    let token = asked.t.unwrap_or_else(|| "".into());
    let lines = FirstRun::within(&guest, &token, TO_THE_END).await;
    guest.answer(lines.map(|lines| html(StatusCode::OK, &lines)))
}
