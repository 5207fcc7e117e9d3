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
use super::flash::accounts as counted;
use super::frame::{Frame, Section};
use super::guard::{Guest, Visit};
use super::pictures::{self, Chart};
use super::webhooks_view;
use super::when;

/// What the address may carry.
#[derive(Deserialize)]
pub(super) struct Asked {
    t: Option<SecretString>,
}

/// D2.
#[derive(Template)]
#[template(path = "dashboard/overview.html")]
struct OverviewView {
    frame: Frame,
    steps: Vec<Step>,
    left: usize,
    attention: Vec<Attention>,
    figures: Vec<Figure>,
    charts: Vec<Chart>,
}

/// A step of the way to a first call.
struct Step {
    done: bool,
    title: &'static str,
    says: &'static str,
    href: String,
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
    label: &'static str,
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
        Ok(visit) => visit.answer(page(&visit).await),
        Err(answer) => answer,
    }
}

async fn page(visit: &Visit) -> Result<Response> {
    let (app, caller) = (visit.app(), visit.caller());
    let listed = connections::list(app, caller, &ConnectionQuery::default(), &PageAsk::first(100)).await?;
    let counts = accounts::counts(app, caller).await?;
    let of = |status: AccountStatus| {
        counts.iter().filter(|count| count.status == status).map(|count| count.accounts).sum()
    };
    let active: i64 = of(AccountStatus::Active);
    let steps = steps(&listed.items, active);
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
            charts.push(pictures::one(visit, id, &Scope::default(), &listed.items).await?);
        }
    }
    let mut attention = attention(&listed.items);
    attention.extend(endpoints);
    attention.sort_by_key(|one| one.rank);
    let view = OverviewView {
        left: steps.iter().filter(|step| !step.done).count(),
        steps,
        attention,
        figures: figures(visit, active).await?,
        charts,
        frame: visit.frame(Section::Overview, "Overview").command("keybearer connections list"),
    };
    Ok(visit.page(&view))
}

/// Four numbers, each leading to its list. Calls are for whoever may read the log.
async fn figures(visit: &Visit, active: i64) -> Result<Vec<Figure>> {
    let (app, caller, now) = (visit.app(), visit.caller(), visit.app().now());
    let day = now.minus(Duration::from_secs(86_400));
    let from = when::field(day).replace(':', "%3A");
    let mut all = vec![Figure {
        label: "Active accounts",
        number: grouped(active),
        href: "/accounts?state=ACTIVE".to_owned(),
    }];
    if caller.permissions.has(Permission::LogsRead) {
        let until = Some(now.plus(Duration::from_secs(1)));
        let query = ToolCallQuery { from: Some(day), until, ..ToolCallQuery::default() };
        let calls = analytics::overview(app, caller, query).await?.all;
        let href = format!("/logs?kind=call&from={from}");
        all.push(Figure { label: "Calls, 24 hours", number: grouped(calls.total()), href: href.clone() });
        let share = match calls.total() {
            0 => "—".to_owned(),
            total => {
                let tenths = (calls.errors() * 1000 + total - 1) / total;
                format!("{}.{} %", tenths / 10, tenths % 10)
            }
        };
        all.push(Figure {
            label: "Calls failed, 24 hours",
            number: share,
            href: format!("{href}&status=failed"),
        });
    }
    let scope = Scope { span: Span::Day, connection: None };
    let refreshes = figures::refresh_health(app, caller, &scope).await?;
    let failed: i64 = refreshes.slots.iter().filter_map(|(_, value)| value.map(|value| value.failed)).sum();
    let href = format!("/logs?kind=refresh&status=failed&from={from}");
    all.push(Figure { label: "Refreshes failed, 24 hours", number: grouped(failed), href });
    Ok(all)
}

fn steps(all: &[Connection], active: i64) -> Vec<Step> {
    let own =
        all.iter().any(|connection| connection.connector != "postcards" || connection.counts.accounts > 0);
    let first =
        all.first().map_or_else(|| "/connections/new".to_owned(), |one| format!("/connections/{}", one.id));
    vec![
        Step {
            done: !all.is_empty(),
            title: "Add a connection",
            says: "Your side of a service: an OAuth app, or the question which key each user brings.",
            href: "/connections/new".to_owned(),
        },
        Step {
            done: own && all.iter().any(|connection| connection.counts.accounts > 0),
            title: "Test it as yourself",
            says: "The real way through the provider, with a verdict on each step.",
            href: first,
        },
        Step {
            done: active > 0,
            title: "Send a connect link",
            says: "A user opens it, agrees at the provider, and your agent can act for them.",
            href: "/links".to_owned(),
        },
    ]
}

/// What needs a person about the connections.
fn attention(all: &[Connection]) -> Vec<Attention> {
    let mut found = Vec::new();
    for connection in all {
        let href = format!("/connections/{}", connection.id);
        let name = connection.name.clone();
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
