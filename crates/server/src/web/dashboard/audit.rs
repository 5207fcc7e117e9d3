//! The audit trail: who did what, when, and what changed.

use askama::Template;
use axum::extract::Query;
use axum::response::{IntoResponse as _, Response};
use http::header;
use keybearer_app::PageAsk;
use keybearer_app::audit_trail::{self, Line, TrailQuery};
use keybearer_core::{Result, Timestamp};
use serde::Deserialize;

use super::answer::quoted;
use super::frame::{Frame, Place};
use super::guard::Visit;
use super::settings::{frame, tabs};
use super::when::When;

/// What actions begin with, and how people say it.
const KINDS: &[(&str, &str)] = &[
    ("account.", "Accounts"),
    ("client.", "API clients"),
    ("audit.", "This trail"),
    ("connection.", "Connections"),
    ("data_key", "Data keys"),
    ("environment.", "Environments"),
    ("link.", "Connect links"),
    ("member.", "Members"),
    ("organization.", "Organizations"),
    ("person.", "Users"),
    ("provider.", "Custom connectors"),
    ("root_key.", "Root key"),
    ("signing_key.", "Signing keys"),
    ("verify.", "User verification"),
    ("webhook.", "Webhooks"),
];

/// Filters, and the page.
#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    actor: String,
    #[serde(default)]
    action: String,
    #[serde(default)]
    target: String,
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
    #[serde(default)]
    page: String,
}

/// D22, Audit.
#[derive(Template)]
#[template(path = "dashboard/audit.html")]
struct AuditView {
    frame: Frame,
    tabs: Vec<Place>,
    asked: Asked,
    actors: Vec<(String, String)>,
    kinds: &'static [(&'static str, &'static str)],
    rows: Vec<Row>,
    total: i64,
    filtered: bool,
    file: String,
    next: String,
    previous: String,
}

/// One line.
struct Row {
    when: When,
    who: String,
    action: String,
    target: String,
    detail: Vec<(String, String)>,
    reference: String,
}

impl Asked {
    fn query(&self) -> Result<TrailQuery> {
        let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let query = TrailQuery {
            actor: given(&self.actor),
            action: given(&self.action),
            target: given(&self.target),
            ..TrailQuery::default()
        };
        query.between(("from", &self.from), ("to", &self.to))
    }

    /// The same with the command line.
    fn command(&self) -> String {
        let options = [
            ("--actor", &self.actor),
            ("--action", &self.action),
            ("--target", &self.target),
            ("--since", &self.from),
            ("--until", &self.to),
        ];
        let mut command = "keybearer audit --config keybearer.toml".to_owned();
        for (option, value) in options.into_iter().filter(|(_, value)| !value.trim().is_empty()) {
            command.push_str(&format!(" {option} {}", quoted(value.trim())));
        }
        command
    }

    fn address(&self, path: &str, page: &str) -> String {
        let pairs = [
            ("actor", &*self.actor),
            ("action", &self.action),
            ("target", &self.target),
            ("from", &self.from),
            ("to", &self.to),
            ("page", page),
        ];
        let given = pairs.iter().filter(|(_, value)| !value.is_empty());
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(given).finish();
        if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
    }
}

/// `GET /settings/audit`
pub(super) async fn show(visit: Visit, Query(asked): Query<Asked>) -> Response {
    let page = view(&visit, asked).await;
    visit.answer(page.map(|view| visit.page(&view)))
}

/// `GET /settings/audit.csv`
pub(super) async fn file(visit: Visit, Query(asked): Query<Asked>) -> Response {
    let text: Result<String> =
        async { audit_trail::csv(visit.app(), visit.caller(), &asked.query()?).await }.await;
    visit.answer(text.map(|text| {
        let head = [
            (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
            (header::CONTENT_DISPOSITION, "attachment; filename=\"keybearer-audit.csv\""),
            (header::CACHE_CONTROL, "no-store"),
        ];
        (head, text).into_response()
    }))
}

async fn view(visit: &Visit, asked: Asked) -> Result<AuditView> {
    let (app, caller) = (visit.app(), visit.caller());
    let (query, ask) = (asked.query()?, PageAsk { size: 50, token: asked.page.clone() });
    let listed = audit_trail::list(app, caller, &query, &ask).await?;
    let address = |token: Option<String>| {
        token.map(|token| asked.address("/settings/audit", &token)).unwrap_or_default()
    };
    let (next, previous) = (address(listed.next), address(listed.previous));
    let now = app.now();
    Ok(AuditView {
        tabs: tabs(visit, "/settings/audit"),
        actors: audit_trail::actors(app, caller).await?,
        kinds: KINDS,
        rows: listed.items.into_iter().map(|line| row(line, now)).collect(),
        total: listed.total,
        filtered: query != TrailQuery::default(),
        file: asked.address("/settings/audit.csv", ""),
        next,
        previous,
        frame: frame(visit, "Audit").command(asked.command()),
        asked,
    })
}

fn row(line: Line, now: Timestamp) -> Row {
    Row {
        when: When::new(line.at, now),
        who: line.who,
        action: line.action,
        target: line.target,
        detail: line.detail,
        reference: line.reference,
    }
}
