//! The pictures of the dashboard (`docs/pictures.md`): one module draws them all, and each comes with its numbers.

mod chart;
mod over_time;
mod reasons;

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::header;
use keybearer_app::connections::{self, Connection, ConnectionQuery};
use keybearer_app::figures::{self, Scope, Span};
use keybearer_app::{PageAsk, Permission};
use keybearer_core::{Code, Error, Result, Timestamp};
use serde::Deserialize;

use super::Dashboard;
use super::frame::{Frame, Section};
use super::guard::Visit;
use super::when;
pub(super) use chart::Chart;
pub(super) use reasons::reason_word;

/// What the address may carry.
#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    span: String,
    #[serde(default)]
    connection: String,
}

/// All pictures on one page.
#[derive(Template)]
#[template(path = "dashboard/pictures.html")]
struct PicturesView {
    frame: Frame,
    spans: Vec<(&'static str, bool)>,
    connections: Vec<(String, String, bool)>,
    charts: Vec<Chart>,
}

/// The pictures of another page, to be put into it as they are.
#[derive(Template)]
#[template(path = "dashboard/picture_list.html")]
struct FragmentView {
    charts: Vec<Chart>,
}

/// A strip of seven days in a list.
pub(super) struct Strip {
    /// Markup of [`chart`].
    pub svg: String,
    pub worked: String,
}

/// The pages of this module.
pub(super) fn routes() -> Router<Dashboard> {
    Router::new().route("/pictures", get(show)).route("/pictures/{id}/csv", get(as_csv))
}

/// `GET /pictures`
async fn show(visit: Visit, Query(asked): Query<Asked>) -> Response {
    let page = async {
        let (scope, all) = read(&visit, &asked).await?;
        let mut charts = Vec::new();
        for id in ids(&visit) {
            charts.push(one(&visit, id, &scope, &all).await?);
        }
        let frame = visit.frame(Section::Overview, "Pictures").under("/", "Overview").under("", "Pictures");
        let choice = |one: &Connection| {
            (
                one.id.to_string(),
                one.name.clone(),
                asked.connection == one.id.as_str() || asked.connection == one.name,
            )
        };
        let view = PicturesView {
            frame: frame.command("keybearer connections list"),
            spans: Span::ALL.into_iter().map(|span| (span.as_str(), span == scope.span)).collect(),
            connections: all.iter().map(choice).collect(),
            charts,
        };
        Ok(visit.page(&view))
    };
    let page: Result<Response> = page.await;
    visit.answer(page)
}

/// `GET /pictures/{id}/csv`
async fn as_csv(visit: Visit, Path(id): Path<String>, Query(asked): Query<Asked>) -> Response {
    let file = async {
        let (scope, all) = read(&visit, &asked).await?;
        let chart = one(&visit, &id, &scope, &all).await?;
        let mut text = line(&chart.heads);
        chart.table.iter().for_each(|row| text.push_str(&line(row)));
        let name = format!("attachment; filename=\"{}-{}.csv\"", chart.id, scope.span.as_str());
        let kind = "text/csv; charset=utf-8".to_owned();
        Ok(([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)], text).into_response())
    };
    let file: Result<Response> = file.await;
    visit.answer(file)
}

async fn read(visit: &Visit, asked: &Asked) -> Result<(Scope, Vec<Connection>)> {
    let connection = Some(asked.connection.trim().to_owned()).filter(|name| !name.is_empty());
    Ok((Scope { span: Span::parse(&asked.span), connection }, all(visit).await?))
}

async fn all(visit: &Visit) -> Result<Vec<Connection>> {
    let query = ConnectionQuery::default();
    Ok(connections::list(visit.app(), visit.caller(), &query, &PageAsk::first(100)).await?.items)
}

/// The pictures that the member may see. Calls are in the log, which not everybody may read.
fn ids(visit: &Visit) -> Vec<&'static str> {
    let logs = visit.caller().permissions.has(Permission::LogsRead);
    let all = ["refresh", "strips", "funnel", "calls", "latency", "accounts", "ends", "stopped"];
    all.into_iter().filter(|id| logs || !matches!(*id, "calls" | "latency")).collect()
}

/// A picture by its name.
pub(super) async fn one(visit: &Visit, id: &str, scope: &Scope, all: &[Connection]) -> Result<Chart> {
    match id {
        "refresh" => over_time::refreshes(visit, scope).await,
        "strips" => over_time::strips(visit, scope, all).await,
        "calls" => over_time::calls(visit, scope, all).await,
        "latency" => over_time::latency(visit, scope).await,
        "accounts" => over_time::accounts(visit, scope).await,
        "ends" => over_time::ends_when(visit, scope).await,
        "funnel" => reasons::funnel(visit, scope).await,
        "stopped" => reasons::stopped(visit, scope).await,
        _ => Err(Error::new(Code::NotFound, "there is no such picture")),
    }
}

/// The pictures of one connection as markup: refreshes, calls, latency, funnel. A page includes it with `|safe`; every
/// text in it is escaped here.
///
/// # Errors
/// Those of the pictures.
pub(super) async fn of_connection(visit: &Visit, connection: &Connection) -> Result<String> {
    let scope = Scope { span: Span::Month, connection: Some(connection.id.to_string()) };
    let all = std::slice::from_ref(connection);
    let mut charts = Vec::new();
    for id in ids(visit).into_iter().filter(|id| matches!(*id, "refresh" | "latency" | "funnel" | "accounts"))
    {
        charts.push(one(visit, id, &scope, all).await?);
    }
    FragmentView { charts }.render().map_err(|_| Error::internal("the pictures could not be rendered"))
}

/// A strip of the last seven days for each connection, by its id.
///
/// # Errors
/// Those of [`figures::strips`].
pub(super) async fn week_strips(visit: &Visit, shown: &[Connection]) -> Result<Vec<(String, Strip)>> {
    let scope = Scope { span: Span::Week, connection: None };
    let found = figures::strips(visit.app(), visit.caller(), &scope).await?;
    let strips = found.iter().enumerate().filter_map(|(number, (id, series))| {
        let connection = shown.iter().find(|one| one.id == *id)?;
        let (svg, worked) = over_time::strip_of(series, id.as_str(), &connection.name, number);
        Some((id.to_string(), Strip { svg, worked }))
    });
    Ok(strips.collect())
}

/// The part of the log that a slot is about.
fn logs(scope: &Scope, kind: &str, from: Timestamp, until: Timestamp) -> String {
    let mut address = form_urlencoded::Serializer::new(String::new());
    if !kind.is_empty() {
        address.append_pair("kind", kind);
    }
    address.append_pair("from", &when::field(from)).append_pair("until", &when::field(until));
    if let Some(connection) = &scope.connection {
        address.append_pair("connection", connection);
    }
    // colons may stand as they are, and pictures are kept light
    format!("/logs?{}", address.finish().replace("%3A", ":"))
}

fn csv(id: &str, scope: &Scope) -> String {
    let mut address = form_urlencoded::Serializer::new(String::new());
    address.append_pair("span", scope.span.as_str());
    if let Some(connection) = &scope.connection {
        address.append_pair("connection", connection);
    }
    format!("/pictures/{id}/csv?{}", address.finish())
}

fn about(scope: &Scope) -> &'static str {
    match scope.span {
        Span::Day => "the last 24 hours",
        Span::Week => "the last 7 days",
        Span::Month => "the last 30 days",
        Span::Quarter => "the last 90 days",
    }
}

/// A line of CSV (RFC 4180). A value that a spreadsheet would take for a formula gets a quote before it.
pub(super) fn line(values: &[String]) -> String {
    let cell = |value: &String| {
        let formula = value.starts_with(['=', '+', '-', '@', '\t', '\r']);
        let safe = if formula { format!("'{value}") } else { value.clone() };
        match safe.contains([',', '"', '\n', '\r']) {
            true => format!("\"{}\"", safe.replace('"', "\"\"")),
            false => safe,
        }
    };
    format!("{}\r\n", values.iter().map(cell).collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn a_cell_can_neither_break_out_nor_be_a_formula() {
        let row = ["a\"b,c", "=HYPERLINK(\"x\")", "two\nlines", "plain", "-1"].map(str::to_owned);
        assert_eq!(line(&row), "\"a\"\"b,c\",\"'=HYPERLINK(\"\"x\"\")\",\"two\nlines\",plain,'-1\r\n");
    }
}
