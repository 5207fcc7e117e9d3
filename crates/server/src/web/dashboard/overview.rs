//! The first page: is everything working, and if not, what first. With `?t=…` it is where a one-time link leads.

use std::time::Duration;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use http::request::Parts;
use keybearer_app::connections::{self, Connection, ConnectionQuery};
use keybearer_app::figures::{self, Scope, Span};
use keybearer_app::tool_calls::ToolCallQuery;
use keybearer_app::{PageAsk, Permission, accounts, analytics};
use keybearer_core::{AccountStatus, ConnectionState, Result, SecretString};
use serde::Deserialize;

use super::Dashboard;
use super::accounts::list::grouped;
use super::connections::attention_words;
use super::entry;
use super::first_steps::{self, Step};
use super::flash::accounts as counted;
use super::frame::{Frame, Section};
use super::guard::{Guest, Visit};
use super::pictures::{self, Chart};
use super::webhooks_view;
use super::when;

/// How early the end of a client secret is told.
const SECRET_SOON: Duration = Duration::from_secs(14 * 86_400);

/// What the address may carry.
#[derive(Deserialize)]
pub(super) struct Asked {
    t: Option<SecretString>,
    #[serde(default)]
    span: String,
}

/// D2.
#[derive(Template)]
#[template(path = "dashboard/overview.html")]
struct OverviewView {
    frame: Frame,
    steps: Vec<Step>,
    left: usize,
    may_hide: bool,
    spans: Vec<Period>,
    span: &'static str,
    attention: Vec<Attention>,
    figures: Vec<Figure>,
    charts: Vec<Chart>,
}

/// A time that figures and pictures can be about.
struct Period {
    href: String,
    label: &'static str,
    here: bool,
}

/// Something that needs a person.
struct Attention {
    /// The worst is 0.
    rank: u8,
    href: String,
    name: String,
    says: String,
    action: &'static str,
    to: String,
}

/// A number that leads to its list.
struct Figure {
    label: String,
    number: String,
    href: String,
}

/// `GET /`
pub(super) async fn show(
    State(dash): State<Dashboard>,
    Query(asked): Query<Asked>,
    mut parts: Parts,
) -> Response {
    use axum::extract::FromRequestParts as _;
    if let Some(token) = asked.t {
        return match Guest::from_request_parts(&mut parts, &dash).await {
            Ok(guest) => entry::ask_link(guest, token).await,
            Err(answer) => answer,
        };
    }
    match Visit::from_request_parts(&mut parts, &dash).await {
        Ok(visit) => visit.answer(page(&visit, period(&asked.span)).await),
        Err(answer) => answer,
    }
}

/// The periods of this page with what they are called; the first one unless asked otherwise.
const PERIODS: [(Span, &str); 3] =
    [(Span::Day, "24 hours"), (Span::Week, "7 days"), (Span::Month, "30 days")];

fn period(text: &str) -> (Span, &'static str) {
    let asked = PERIODS.into_iter().find(|(span, _)| span.as_str() == text);
    asked.unwrap_or((Span::Day, "24 hours"))
}

async fn page(visit: &Visit, (span, label): (Span, &'static str)) -> Result<Response> {
    let (app, caller) = (visit.app(), visit.caller());
    let listed = connections::list(app, caller, &ConnectionQuery::default(), &PageAsk::first(100)).await?;
    let counts = accounts::counts(app, caller).await?;
    let of = |status: AccountStatus| {
        counts.iter().filter(|count| count.status == status).map(|count| count.accounts).sum()
    };
    let active: i64 = of(AccountStatus::Active);
    let steps = first_steps::shown(visit, &listed.items, active).await?;
    let endpoints = webhooks_view::attention(visit).await?.into_iter().map(|one| Attention {
        rank: 2,
        to: one.href.clone(),
        href: one.href,
        name: one.name,
        says: one.says,
        action: "Open",
    });
    let mut charts = Vec::new();
    if !listed.items.is_empty() {
        for id in ["refresh", "strips", "funnel"] {
            charts.push(pictures::one(visit, id, &Scope { span, connection: None }, &listed.items).await?);
        }
    }
    let mut attention = attention(&listed.items);
    attention.extend(endpoints);
    attention.extend(ending(visit).await?);
    attention.sort_by_key(|one| one.rank);
    // the page notices the call that it asks for
    let waits = steps.iter().any(|step| step.curl.is_some());
    let frame = visit.frame(Section::Overview, "Overview").command("keybearer connections list");
    let view = OverviewView {
        left: steps.iter().filter(|step| !step.done).count(),
        steps,
        may_hide: caller.permissions.has(Permission::SettingsWrite),
        spans: PERIODS.into_iter().map(|(one, label)| link(one, label, span)).collect(),
        span: span.as_str(),
        attention,
        figures: figures(visit, active, (span, label)).await?,
        charts,
        frame: Frame { again_in: waits.then_some(5), ..frame },
    };
    Ok(visit.page(&view))
}

fn link(span: Span, label: &'static str, here: Span) -> Period {
    let href = if span == Span::Day { "/".to_owned() } else { format!("/?span={}", span.as_str()) };
    Period { href, label, here: span == here }
}

/// Four numbers, each leading to its list. Calls are for whoever may read the log.
async fn figures(visit: &Visit, active: i64, (span, label): (Span, &str)) -> Result<Vec<Figure>> {
    let (app, caller, now) = (visit.app(), visit.caller(), visit.app().now());
    let begins = span.begins(now);
    let from = when::field(begins).replace(':', "%3A");
    let mut all = vec![Figure {
        label: "Active accounts now".to_owned(),
        number: grouped(active),
        href: "/accounts?state=ACTIVE".to_owned(),
    }];
    if caller.permissions.has(Permission::LogsRead) {
        let until = Some(now.plus(Duration::from_secs(1)));
        let query = ToolCallQuery { from: Some(begins), until, ..ToolCallQuery::default() };
        let calls = analytics::overview(app, caller, query).await?.all;
        let href = format!("/logs?kind=call&from={from}");
        let (number, href_failed) = (grouped(calls.total()), format!("{href}&status=failed"));
        all.push(Figure { label: format!("Calls, {label}"), number, href });
        let number = share(calls.errors(), calls.total());
        all.push(Figure { label: format!("Calls failed, {label}"), number, href: href_failed });
    }
    let refreshes = figures::refresh_health(app, caller, &Scope { span, connection: None }).await?;
    let failed: i64 = refreshes.slots.iter().filter_map(|(_, value)| value.map(|value| value.failed)).sum();
    let href = format!("/logs?kind=refresh&status=failed&from={from}");
    all.push(Figure { label: format!("Refreshes failed, {label}"), number: grouped(failed), href });
    Ok(all)
}

/// Of how many how many, in tenths of a percent and never rounded down to nothing.
fn share(part: i64, total: i64) -> String {
    if total == 0 {
        return "—".to_owned();
    }
    let tenths = (part * 1000 + total - 1) / total;
    format!("{}.{} %", tenths / 10, tenths % 10)
}

/// Client secrets whose end is near.
async fn ending(visit: &Visit) -> Result<Vec<Attention>> {
    let soon = connections::ending_secrets(visit.app(), visit.caller(), SECRET_SOON).await?;
    let now = visit.app().now();
    let told = soon.into_iter().map(|one| {
        let href = format!("/connections/{}", one.connection_id);
        let says = match one.ends_at > now {
            true => format!(
                "The client secret ends on {}: nobody can connect or refresh after that.",
                when::day(one.ends_at)
            ),
            false => format!("The client secret ended on {}.", when::day(one.ends_at)),
        };
        Attention {
            rank: 1,
            to: format!("{href}/credentials"),
            href,
            name: one.connection,
            says,
            action: "Replace secret",
        }
    });
    Ok(told.collect())
}

/// What needs a person about the connections.
fn attention(all: &[Connection]) -> Vec<Attention> {
    let mut found = Vec::new();
    for connection in all {
        let href = format!("/connections/{}", connection.id);
        let name = connection.name.clone();
        if connection.counts.scopes_behind > 0 {
            let says = format!("{} did not grant all scopes.", counted(connection.counts.scopes_behind));
            let to = format!("/accounts?flag=scopes_behind&connection={}", connection.id);
            let (href, name) = (href.clone(), name.clone());
            found.push(Attention { rank: 2, href, name, says, action: "See them", to });
        }
        if let Some(reason) = &connection.attention {
            let (says, action, to) = attention_words(reason, &href);
            found.push(Attention { rank: 0, href, name, says, action, to });
        } else if connection.counts.expired > 0 {
            let says = format!("{} must sign in again.", counted(connection.counts.expired));
            let to = format!("/accounts?state=EXPIRED&connection={}", connection.id);
            found.push(Attention { rank: 1, href, name, says, action: "See them", to });
        } else if connection.state == ConnectionState::Paused {
            let says = "Paused: calls are refused, everything is kept.".to_owned();
            found.push(Attention { rank: 3, to: href.clone(), href, name, says, action: "Look" });
        } else if connection.state == ConnectionState::Draft {
            let to = format!("{href}/setup");
            let says = "A draft: it cannot be linked against yet.".to_owned();
            found.push(Attention { rank: 4, href: to.clone(), name, says, action: "Continue", to });
        }
    }
    found
}
