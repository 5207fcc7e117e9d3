//! What is kept for how long.

use std::time::Duration;

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use keybearer_app::Permission;
use keybearer_app::environments::{self, UpdateSettings};
use keybearer_app::retention::TIMES;
use keybearer_core::{Code, Error, Result};

use super::flash::Flash;
use super::frame::{Frame, Place};
use super::guard::{Posted, Visit};
use super::settings::{frame, tabs};
use super::when::length;

/// D22, Retention.
#[derive(Template)]
#[template(path = "dashboard/retention.html")]
struct RetentionView {
    frame: Frame,
    tabs: Vec<Place>,
    may: bool,
    days: String,
    detailed: bool,
    rows: Vec<Row>,
    wrong: Option<String>,
}

/// What is kept, for how long, and why.
struct Row {
    what: &'static str,
    long: String,
    why: &'static str,
}

/// What has a fixed time.
fn rows() -> Vec<Row> {
    let days = |time: Duration| length(time.as_secs());
    let after = |time: Duration| format!("{} after they ended", days(time));
    let sessions = format!("{} without use, {} at most", days(TIMES.idle_session), days(TIMES.session));
    let row = |what, long: &str, why| Row { what, long: long.to_owned(), why };
    vec![
        row(
            "Credentials of accounts",
            "until the account is disconnected or deleted",
            "Sealed; destroyed at once then.",
        ),
        row(
            "Earlier client secrets",
            "until the overlap that you chose ends",
            "A replaced client stays until no account is on it.",
        ),
        row("Connect links", &after(TIMES.links), "So that a page of the link can say what became of it."),
        row(
            "Connection tests",
            &days(TIMES.links),
            "The newest of each connection stays. No secret in them.",
        ),
        row("Webhook deliveries", &after(TIMES.deliveries), "So that they can be replayed."),
        row("Refreshes", "as long as their account is there", "The story of an account; it goes with it."),
        row("Events", "for good", "Webhooks are replayed from them; they hold ids and states."),
        row("Daily counts", &days(TIMES.counts), "For pictures that look back a year."),
        row("Audit trail", "for good", "Download it under Audit."),
        row("Sessions of the dashboard", &sessions, "Ended ones are deleted."),
        row("Links for members", &after(TIMES.member_links), "Hashes only; nobody comes in with them."),
        row(
            "Tries at passwords",
            &days(TIMES.tries),
            "Counted under a keyed hash: neither address nor member can be read.",
        ),
    ]
}

/// `GET /settings/retention`
pub(super) async fn show(visit: Visit) -> Response {
    let page = view(&visit, None, None).await;
    visit.answer(page.map(|view| visit.page(&view)))
}

/// `POST /settings/retention`
pub(super) async fn save(Posted { visit, form }: Posted) -> Response {
    let typed = form.text("days").trim().to_owned();
    let done = match set(&visit, &typed, form.has("detailed")).await {
        Ok(()) => Ok(visit.done("/settings/retention", Flash::Saved)),
        Err(error) if error.code == Code::InvalidArgument => {
            let wrong = "Days must be a number from 1 to 3650, or empty to keep calls for good.".to_owned();
            let view = view(&visit, Some(typed), Some(wrong)).await;
            view.map(|view| visit.page_with(StatusCode::UNPROCESSABLE_ENTITY, &view))
        }
        Err(error) => Err(error),
    };
    visit.answer(done)
}

async fn set(visit: &Visit, typed: &str, detailed: bool) -> Result<()> {
    let days = match typed {
        "" => 0,
        typed => typed
            .parse()
            .ok()
            .filter(|days| *days > 0)
            .ok_or_else(|| Error::field("days", "must be a number"))?,
    };
    let change = UpdateSettings {
        call_log_days: Some(days),
        detailed_errors: Some(detailed),
        ..UpdateSettings::default()
    };
    let here = visit.session.environment.id.as_str();
    environments::update_settings(visit.app(), visit.caller(), here, change).await.map(|_| ())
}

async fn view(visit: &Visit, typed: Option<String>, wrong: Option<String>) -> Result<RetentionView> {
    let (app, caller) = (visit.app(), visit.caller());
    let environment = environments::show(app, caller, visit.session.environment.id.as_str()).await?;
    let stored = environment.call_log_days.map(|days| days.to_string()).unwrap_or_default();
    let command = format!(
        "keybearer environments settings {} --call-log-days 30 --config keybearer.toml",
        environment.id
    );
    Ok(RetentionView {
        tabs: tabs(visit, "/settings/retention"),
        may: caller.permissions.has(Permission::SettingsWrite),
        days: typed.unwrap_or(stored),
        detailed: environment.detailed_errors,
        rows: rows(),
        wrong,
        frame: frame(visit, "Retention").command(command),
    })
}
