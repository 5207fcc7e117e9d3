//! The call log: the list, and one call by its reference.

use askama::Template;
use axum::extract::Query;
use axum::response::Response;
use keybearer_app::PageAsk;
use keybearer_app::logs::{self, CallEntry, CallQuery};
use keybearer_core::Result;
use serde::Deserialize;

use super::frame::{Frame, Section};
use super::guard::Visit;
use super::when::When;

/// Filters, and the page.
#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    q: String,
    #[serde(default)]
    connection: String,
    #[serde(default)]
    account: String,
    #[serde(default)]
    page: String,
}

/// D16.
#[derive(Template)]
#[template(path = "dashboard/logs.html")]
struct LogsView {
    frame: Frame,
    query: String,
    rows: Vec<Row>,
    next: String,
    previous: String,
    filtered: bool,
}

/// One call.
struct Row {
    when: When,
    reference: String,
    method: String,
    path: String,
    status: String,
    bad: bool,
    error: String,
    ms: i64,
    account: String,
}

/// `GET /logs`
pub(super) async fn list(visit: Visit, Query(asked): Query<Asked>) -> Response {
    let page = page(&visit, &asked).await;
    visit.answer(page)
}

async fn page(visit: &Visit, asked: &Asked) -> Result<Response> {
    let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let query = CallQuery {
        reference: given(&asked.q),
        connection_id: given(&asked.connection),
        account_id: given(&asked.account),
    };
    let ask = PageAsk { size: 50, token: asked.page.clone() };
    let listed = logs::list(visit.app(), visit.caller(), &query, &ask).await?;
    let address = |token: Option<String>| {
        let pairs = |token: String| {
            [("connection", asked.connection.clone()), ("account", asked.account.clone()), ("page", token)]
        };
        token
            .map(|token| {
                format!(
                    "/logs?{}",
                    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs(token)).finish()
                )
            })
            .unwrap_or_default()
    };
    let now = visit.app().now();
    let view = LogsView {
        query: asked.q.clone(),
        filtered: query != CallQuery::default(),
        next: address(listed.next),
        previous: address(listed.previous),
        rows: listed.items.into_iter().map(|entry| row(entry, now)).collect(),
        frame: visit.frame(Section::Logs, "Logs").command("keybearer logs"),
    };
    Ok(visit.page(&view))
}

fn row(entry: CallEntry, now: keybearer_core::Timestamp) -> Row {
    Row {
        when: When::new(entry.at, now),
        bad: entry.status.is_none_or(|status| status >= 400),
        status: entry.status.map_or_else(|| "—".to_owned(), |status| status.to_string()),
        error: entry.error_code.unwrap_or_default(),
        ms: entry.duration_ms,
        account: entry.account_id.map(|id| id.to_string()).unwrap_or_default(),
        reference: entry.reference,
        method: entry.method,
        path: entry.path,
    }
}
