//! The list of connections.

use askama::Template;
use axum::extract::Query;
use axum::response::Response;
use keybearer_app::connections::{self, Connection, ConnectionQuery};
use keybearer_app::{PageAsk, Permission, providers};
use keybearer_core::{ConnectionState, Result};
use serde::Deserialize;

use super::flash::accounts as counted;
use super::frame::{Frame, Section, Tile};
use super::guard::Visit;
use super::pictures::{Strip, week_strips};
use super::when::When;

/// Filters, and the page.
#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    q: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    connector: String,
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
    connector: String,
    connectors: Vec<(String, String)>,
    total: i64,
    drafts: Vec<Row>,
    groups: Vec<Group>,
    next: String,
    previous: String,
    /// What keeps connections out, in words; empty without a filter.
    filter: String,
    may: bool,
    may_link: bool,
}

/// The connections of one connector.
struct Group {
    name: String,
    tile: Tile,
    rows: Vec<Row>,
}

/// One connection.
struct Row {
    id: String,
    href: String,
    name: String,
    label: String,
    connector: String,
    method: String,
    tile: Tile,
    badge: Badge,
    accounts: String,
    expired: i64,
    active: bool,
    created: When,
    updated: When,
    /// Its connector changed since somebody looked.
    redefined: bool,
    /// How the last seven days went.
    strip: Option<Strip>,
}

/// `GET /connections`
pub(super) async fn list(visit: Visit, Query(asked): Query<Asked>) -> Response {
    let page = page(&visit, &asked).await;
    visit.answer(page)
}

async fn page(visit: &Visit, asked: &Asked) -> Result<Response> {
    let (app, caller) = (visit.app(), visit.caller());
    let query = ConnectionQuery {
        query: Some(asked.q.trim().to_owned()).filter(|text| !text.is_empty()),
        state: ConnectionState::parse(&asked.state),
        connector: Some(asked.connector.clone()).filter(|slug| !slug.is_empty()),
    };
    let ask = PageAsk { size: 100, token: asked.page.clone() };
    let listed = connections::list(app, caller, &query, &ask).await?;
    let address = |token: Option<String>| {
        let page = token?;
        let query =
            [("q", &asked.q), ("state", &asked.state), ("connector", &asked.connector), ("page", &page)];
        let given = query.into_iter().filter(|(_, value)| !value.is_empty());
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(given).finish();
        Some(format!("/connections?{query}"))
    };
    let connectors = connectors(visit, &listed.items).await?;
    let filter = filter(asked, &query, &connectors);
    let (next, previous) = (address(listed.next), address(listed.previous));
    let (drafts, used): (Vec<Connection>, Vec<Connection>) =
        listed.items.into_iter().partition(|one| one.state == ConnectionState::Draft);
    let strips = week_strips(visit, &used).await?;
    let mut used: Vec<Row> = used.into_iter().map(|one| row(visit, one)).collect();
    let changed = providers::changed(app, caller).await?;
    for row in &mut used {
        row.redefined = changed.iter().any(|id| id.as_str() == row.id);
    }
    for (id, strip) in strips {
        if let Some(row) = used.iter_mut().find(|row| row.id == id) {
            row.strip = Some(strip);
        }
    }
    let view = ListView {
        query: asked.q.clone(),
        state: asked.state.clone(),
        connector: asked.connector.clone(),
        total: listed.total,
        next: next.unwrap_or_default(),
        previous: previous.unwrap_or_default(),
        drafts: drafts.into_iter().map(|one| row(visit, one)).collect(),
        groups: groups(used),
        may: caller.permissions.has(Permission::ConnectorsWrite),
        may_link: caller.permissions.has(Permission::AccountsWrite),
        frame: visit.frame(Section::Connections, "Connections").command("keybearer connections list"),
        connectors,
        filter,
    };
    Ok(visit.page(&view))
}

/// The connectors that there are connections of, for the filter.
async fn connectors(visit: &Visit, shown: &[Connection]) -> Result<Vec<(String, String)>> {
    let all = ConnectionQuery::default();
    let listed = connections::list(visit.app(), visit.caller(), &all, &PageAsk::first(100)).await?;
    let both = listed.items.iter().chain(shown);
    let mut known: Vec<(String, String)> =
        both.map(|one| (one.connector.clone(), one.connector_display_name.clone())).collect();
    known.sort_by(|one, other| one.1.cmp(&other.1));
    known.dedup();
    Ok(known)
}

fn filter(asked: &Asked, query: &ConnectionQuery, connectors: &[(String, String)]) -> String {
    let name = connectors.iter().find(|(slug, _)| *slug == asked.connector).map(|(_, name)| name.as_str());
    let parts = [
        query.query.as_ref().map(|text| format!("the name contains “{text}”")),
        query.state.map(|state| format!("the state is {state}")),
        query.connector.as_ref().map(|slug| format!("the connector is {}", name.unwrap_or(slug))),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", and ")
}

fn row(visit: &Visit, connection: Connection) -> Row {
    let now = visit.app().now();
    Row {
        href: match connection.state {
            ConnectionState::Draft => format!("/connections/{}/setup", connection.id),
            _ => format!("/connections/{}", connection.id),
        },
        badge: badge(&connection),
        tile: Tile::new(&connection.connector, &connection.connector_display_name),
        accounts: counted(connection.counts.accounts),
        expired: connection.counts.expired,
        active: connection.state == ConnectionState::Active,
        created: When::new(connection.created_at, now),
        updated: When::new(connection.updated_at, now),
        redefined: false,
        strip: None,
        id: connection.id.to_string(),
        method: connection.method,
        name: connection.name,
        label: connection.label,
        connector: connection.connector_display_name,
    }
}

/// By connector, in the order of their names.
fn groups(rows: Vec<Row>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for row in rows {
        match groups.iter_mut().find(|group| group.name == row.connector) {
            Some(group) => group.rows.push(row),
            None => {
                groups.push(Group { name: row.connector.clone(), tile: row.tile.clone(), rows: vec![row] })
            }
        }
    }
    groups.sort_by_key(|group| group.name.to_lowercase());
    groups
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
        "new_secret_refused" => (
            "The provider refuses the new secret. Refreshes go on with the earlier one while it is kept; sign-ins do not.".to_owned(),
            "Replace secret",
            credentials,
        ),
        "connector_fault" => (
            "The provider answers something that the connector does not describe.".to_owned(),
            "Test it",
            href.to_owned(),
        ),
        "consent_refused" => (
            "The provider refused the app when somebody wanted to agree: redirect URI, scopes or app settings.".to_owned(),
            "Check the setup",
            format!("{href}/setup"),
        ),
        other => (format!("Something needs a look: {}.", other.replace('_', " ")), "Open", href.to_owned()),
    }
}
