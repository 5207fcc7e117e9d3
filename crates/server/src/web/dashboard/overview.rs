//! The first page: is everything working, and if not, what first. With `?t=…` it is where a one-time link leads.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use http::request::Parts;
use keybearer_app::connections::{self, Connection, ConnectionQuery};
use keybearer_app::{PageAsk, accounts};
use keybearer_core::{AccountStatus, Result, SecretString};
use serde::Deserialize;

use super::Dashboard;
use super::connections::attention_words;
use super::entry;
use super::flash::accounts as counted;
use super::frame::{Frame, Section};
use super::guard::{Guest, Visit};
use super::webhooks_view;

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
    href: String,
    name: String,
    says: String,
    action: &'static str,
    to: String,
}

/// A number that leads to its list.
struct Figure {
    label: &'static str,
    number: i64,
    href: &'static str,
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
    let (active, expired): (i64, i64) = (of(AccountStatus::Active), of(AccountStatus::Expired));
    let waiting = of(AccountStatus::PendingAuth) + of(AccountStatus::PendingVerification);
    let steps = steps(&listed.items, active);
    let endpoints = webhooks_view::attention(visit).await?.into_iter().map(|one| Attention {
        to: one.href.clone(),
        href: one.href,
        name: one.name,
        says: one.says,
        action: "Open",
    });
    let view = OverviewView {
        left: steps.iter().filter(|step| !step.done).count(),
        steps,
        attention: attention(&listed.items).into_iter().chain(endpoints).collect(),
        figures: vec![
            Figure { label: "Connections", number: listed.total, href: "/connections" },
            Figure { label: "Active accounts", number: active, href: "/accounts?state=ACTIVE" },
            Figure { label: "Need a sign-in", number: expired, href: "/accounts?state=EXPIRED" },
            Figure { label: "Waiting for their user", number: waiting, href: "/accounts?state=PENDING_AUTH" },
        ],
        frame: visit.frame(Section::Overview, "Overview").command("keybearer connections list"),
    };
    Ok(visit.page(&view))
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

fn attention(all: &[Connection]) -> Vec<Attention> {
    let mut found = Vec::new();
    for connection in all {
        let href = format!("/connections/{}", connection.id);
        if let Some(reason) = &connection.attention {
            let (says, action, to) = attention_words(reason, &href);
            found.push(Attention { href, name: connection.name.clone(), says, action, to });
        } else if connection.counts.expired > 0 {
            let says = format!("{} must sign in again.", counted(connection.counts.expired));
            let to = format!("/accounts?state=EXPIRED&connection={}", connection.id);
            found.push(Attention { href, name: connection.name.clone(), says, action: "See them", to });
        }
    }
    found
}
