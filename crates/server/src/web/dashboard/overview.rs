//! The first page: is everything working, and if not, what first. With `?t=…` it is where a one-time link leads.

use std::time::Duration;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use http::request::Parts;
use keybearer_app::connections::{self, Connection, ConnectionQuery};
use keybearer_app::figures::{self, Scope, Span};
use keybearer_app::logs::{self, CallQuery};
use keybearer_app::tool_calls::ToolCallQuery;
use keybearer_app::{PageAsk, Permission, accounts, analytics, journal};
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
use super::snippets;
use super::webhooks_view;
use super::when;

/// How early the end of a client secret is told.
const SECRET_SOON: Duration = Duration::from_secs(14 * 86_400);

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
    action: &'static str,
    /// What to type, where that is the step.
    curl: Option<String>,
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
    let steps = steps(visit, &listed.items, active).await?;
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
    attention.extend(ending(visit).await?);
    attention.sort_by_key(|one| one.rank);
    // the page notices the call that it asks for
    let waits = steps.iter().any(|step| step.curl.is_some());
    let frame = visit.frame(Section::Overview, "Overview").command("keybearer connections list");
    let view = OverviewView {
        left: steps.iter().filter(|step| !step.done).count(),
        steps,
        attention,
        figures: figures(visit, active).await?,
        charts,
        frame: Frame { again_in: waits.then_some(5), ..frame },
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

/// The way to a first call and a first refresh, each step done by itself when it happened.
async fn steps(visit: &Visit, all: &[Connection], active: i64) -> Result<Vec<Step>> {
    let (app, caller) = (visit.app(), visit.caller());
    let seen = match caller.permissions.has(Permission::LogsRead) {
        true => {
            let calls = logs::list(app, caller, &CallQuery::default(), &PageAsk::first(1)).await?.total;
            let refreshed =
                journal::Query { kind: Some(journal::Kind::Refresh), ..journal::Query::default() };
            (calls > 0, !journal::list(app, caller, &refreshed, None, 1).await?.items.is_empty())
        }
        false => (active > 0, active > 0),
    };
    let first = all.iter().find(|one| one.counts.accounts > 0).or_else(|| all.first());
    let page = first.map_or_else(|| "/connections/new".to_owned(), |one| format!("/connections/{}", one.id));
    let link = first.map_or_else(|| "/links".to_owned(), |one| format!("/links?connection={}", one.id));
    let step = |done, title, says, href, action| Step { done, title, says, href, action, curl: None };
    let mut call = step(
        seen.0,
        "Make a call",
        "With the user's token, which your agent never sees.",
        page,
        "More languages",
    );
    call.curl = first.filter(|_| active > 0 && !seen.0).map(|one| snippets::curl(app.issuer(), &one.name));
    Ok(vec![
        step(
            true,
            "Start the server",
            "It answers, and its keys open what is stored.",
            "/system".to_owned(),
            "Check",
        ),
        step(
            !all.is_empty(),
            "Add a connection",
            "Your side of a service: an OAuth app, or the question which key each user brings.",
            "/connections/new".to_owned(),
            "Add",
        ),
        step(
            active > 0,
            "Connect a user",
            "A user opens the link, agrees at the provider, and your agent can act for them.",
            link,
            "Create link",
        ),
        call,
        step(
            seen.1,
            "Watch a refresh",
            "Move the sandbox's clock past the end of the token, and call again.",
            "/sandbox".to_owned(),
            "Open the sandbox",
        ),
    ])
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
