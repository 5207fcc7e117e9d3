//! The list of connections.

use askama::Template;
use axum::extract::Query;
use axum::response::Response;
use keybearer_app::connections::{self, Connection, ConnectionQuery};
use keybearer_app::{PageAsk, Permission};
use keybearer_core::{ConnectionState, Result};
use serde::Deserialize;

use super::flash::accounts as counted;
use super::frame::{Frame, Section, Tile};
use super::guard::Visit;
use super::when::When;

/// Filters, and the page.
#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    q: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    page: String,
}

/// A state as it is shown: word, look, icon.
#[derive(Clone, Debug)]
pub(super) struct Badge {
    pub word: &'static str,
    pub look: &'static str,
    pub icon: &'static str,
}

/// D3.
#[derive(Template)]
#[template(path = "dashboard/connections.html")]
struct ListView {
    frame: Frame,
    query: String,
    state: String,
    total: i64,
    rows: Vec<Row>,
    next: String,
    previous: String,
    filtered: bool,
    may: bool,
}

/// One connection.
struct Row {
    href: String,
    name: String,
    label: String,
    connector: String,
    tile: Tile,
    badge: Badge,
    accounts: String,
    expired: i64,
    updated: When,
}

/// `GET /connections`
pub(super) async fn list(visit: Visit, Query(asked): Query<Asked>) -> Response {
    let page = page(&visit, &asked).await;
    visit.answer(page)
}

async fn page(visit: &Visit, asked: &Asked) -> Result<Response> {
    let query = ConnectionQuery {
        query: Some(asked.q.trim().to_owned()).filter(|text| !text.is_empty()),
        state: ConnectionState::parse(&asked.state),
        connector: None,
    };
    let ask = PageAsk { size: 50, token: asked.page.clone() };
    let listed = connections::list(visit.app(), visit.caller(), &query, &ask).await?;
    let address = |token: Option<String>| {
        token.map(|token| {
            let query = [("q", asked.q.as_str()), ("state", asked.state.as_str()), ("page", token.as_str())];
            format!(
                "/connections?{}",
                form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish()
            )
        })
    };
    let now = visit.app().now();
    let row = |connection: Connection| Row {
        href: match connection.state {
            ConnectionState::Draft => format!("/connections/{}/setup", connection.id),
            _ => format!("/connections/{}", connection.id),
        },
        badge: badge(&connection),
        tile: Tile::new(&connection.connector, &connection.connector_display_name),
        accounts: counted(connection.counts.accounts),
        expired: connection.counts.expired,
        updated: When::new(connection.updated_at, now),
        name: connection.name,
        label: connection.label,
        connector: connection.connector_display_name,
    };
    let view = ListView {
        filtered: query.query.is_some() || query.state.is_some(),
        query: asked.q.clone(),
        state: asked.state.clone(),
        total: listed.total,
        next: address(listed.next).unwrap_or_default(),
        previous: address(listed.previous).unwrap_or_default(),
        rows: listed.items.into_iter().map(row).collect(),
        may: visit.caller().permissions.has(Permission::ConnectorsWrite),
        frame: visit.frame(Section::Connections, "Connections").command("keybearer connections list"),
    };
    Ok(visit.page(&view))
}

/// The state of a connection as it is shown.
pub(super) fn badge(connection: &Connection) -> Badge {
    match connection.state {
        ConnectionState::Draft => Badge { word: "Draft", look: "info", icon: "clock" },
        ConnectionState::Paused => Badge { word: "Paused", look: "", icon: "pause" },
        ConnectionState::Active if connection.attention.is_some() => {
            Badge { word: "Needs attention", look: "bad", icon: "x" }
        }
        ConnectionState::Active => Badge { word: "Active", look: "ok", icon: "check" },
    }
}

/// Why a connection needs attention, what to press, and where that leads.
pub(super) fn attention_words(reason: &str, href: &str) -> (String, &'static str, String) {
    let credentials = format!("{href}/credentials");
    match reason {
        "client_rejected" | "invalid_client" => (
            "The provider does not accept client ID and secret together. Nobody has to sign in again.".to_owned(),
            "Replace secret",
            credentials,
        ),
        "consent_refused" => (
            "The provider refused the app when somebody wanted to agree: redirect URI, scopes or app settings.".to_owned(),
            "Check the setup",
            format!("{href}/setup"),
        ),
        other => (format!("Something needs a look: {}.", other.replace('_', " ")), "Open", href.to_owned()),
    }
}
