//! One box that finds: connections, users, accounts, references of the log, pages, connectors.

use askama::Template;
use axum::extract::Query;
use axum::response::Response;
use keybearer_app::accounts::{self, SurveyQuery};
use keybearer_app::connections::{self, Connection, ConnectionQuery};
use keybearer_app::{App, Caller, PageAsk, Permission};
use keybearer_app::{journal, providers};
use keybearer_core::{ConnectionState, Result};
use serde::Deserialize;

use super::accounts::{badge, person};
use super::frame::{Frame, Section};
use super::guard::Visit;

/// Most hits of one kind.
const MOST: usize = 6;

/// What is looked for.
#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    q: String,
}

#[derive(Template)]
#[template(path = "dashboard/find.html")]
struct FindView {
    frame: Frame,
    query: String,
    groups: Vec<Group>,
}

/// What was found of one kind.
pub(super) struct Group {
    pub heading: &'static str,
    pub hits: Vec<Hit>,
    /// Where all of them are, when there are more.
    pub all: Option<String>,
}

/// One thing, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hit {
    pub href: String,
    pub name: String,
    pub says: String,
}

impl Hit {
    fn new(href: impl Into<String>, name: impl Into<String>, says: impl Into<String>) -> Self {
        Self { href: href.into(), name: name.into(), says: says.into() }
    }
}

/// `GET /find?q=…`
pub(super) async fn show(visit: Visit, Query(asked): Query<Asked>) -> Response {
    let page = async {
        let query = asked.q.trim().to_owned();
        let groups = look(visit.app(), visit.caller(), &query).await?;
        let frame = visit.frame(Section::Overview, "Find").under("", "Find");
        Ok(visit.page(&FindView { frame, query, groups }))
    };
    let page: Result<Response> = page.await;
    visit.answer(page)
}

/// Everything that `text` may mean, of what the caller may see. Nothing typed: the pages.
pub(super) async fn look(app: &App, caller: &Caller, text: &str) -> Result<Vec<Group>> {
    if text.is_empty() {
        return Ok(vec![Group { heading: "Pages", hits: pages(""), all: None }]);
    }
    let mut groups = vec![references(app, caller, text).await?, named(app, caller, text).await?];
    groups.extend(holders(app, caller, text).await?);
    groups.push(Group { heading: "Pages", hits: pages(text), all: None });
    groups.push(connectors(app, caller, text).await?);
    groups.retain(|group| !group.hits.is_empty());
    Ok(groups)
}

/// The connections whose name holds `text`, those in use and with the shortest name first; when there are none, those
/// whose name is nearly that.
pub(super) async fn named(app: &App, caller: &Caller, text: &str) -> Result<Group> {
    let mut hits = Vec::new();
    if caller.permissions.has(Permission::ConnectorsRead) {
        let query = ConnectionQuery { query: Some(text.to_owned()), ..ConnectionQuery::default() };
        let mut found = connections::list(app, caller, &query, &PageAsk::first(100)).await?.items;
        if found.is_empty() {
            found = nearest(app, caller, text).await?;
        } else {
            let rank = |one: &Connection| (one.state == ConnectionState::Draft, one.name.chars().count());
            found.sort_by_key(rank);
        }
        hits = found
            .iter()
            .map(|one| {
                let says = format!("{}, {}", one.connector, one.state.as_str());
                Hit::new(format!("/connections/{}", one.id), &one.name, says)
            })
            .collect();
    }
    Ok(group("Connections", hits, "/connections", text))
}

/// Connections whose name somebody may have meant who wrote `text`, the nearest first.
async fn nearest(app: &App, caller: &Caller, text: &str) -> Result<Vec<Connection>> {
    let all = connections::list(app, caller, &ConnectionQuery::default(), &PageAsk::first(100)).await?.items;
    let text = text.to_lowercase();
    let mut near: Vec<(usize, Connection)> = all
        .into_iter()
        .map(|one| (strsim::damerau_levenshtein(&one.name, &text), one))
        .filter(|(slips, one)| *slips <= most_slips(&one.name))
        .collect();
    near.sort_by_key(|(slips, _)| *slips);
    Ok(near.into_iter().map(|(_, one)| one).collect())
}

/// How many slips of the finger a name of that length forgives.
fn most_slips(name: &str) -> usize {
    (name.chars().count() / 3).clamp(1, 3)
}

/// Accounts by user, identity or id, and the users who hold them.
async fn holders(app: &App, caller: &Caller, text: &str) -> Result<Vec<Group>> {
    if !caller.permissions.has(Permission::AccountsRead) {
        return Ok(Vec::new());
    }
    let query = SurveyQuery { query: Some(text.to_owned()), ..SurveyQuery::default() };
    let found = accounts::survey(app, caller, &query, &PageAsk::first(50)).await?.items;
    let mut users: Vec<Hit> = Vec::new();
    for account in &found {
        let hit =
            Hit::new(person::address(&account.identifier), &account.identifier, "every account of this user");
        if !users.contains(&hit) {
            users.push(hit);
        }
    }
    let hits = found.iter().map(|one| {
        let name = format!("{} on {}", one.identifier, one.connection);
        let identity = one.identity_label.as_deref().map(|label| format!(", as {label}")).unwrap_or_default();
        Hit::new(format!("/accounts/{}", one.id), name, format!("{}{identity}", badge(one.status).word))
    });
    let accounts = group("Accounts", hits.collect(), "/accounts", text);
    Ok(vec![group("Users", users, "/accounts", text), accounts])
}

/// The lines of the log under a reference that a person quotes.
async fn references(app: &App, caller: &Caller, text: &str) -> Result<Group> {
    let mut hits = Vec::new();
    let reference = text.to_ascii_uppercase();
    let looks_like = reference.len() == 9 && reference.as_bytes().get(4) == Some(&b'-');
    if looks_like && caller.permissions.has(Permission::LogsRead) {
        let lines = journal::find(app, caller, &reference).await?.len();
        if lines > 0 {
            hits.push(Hit::new(
                format!("/logs/{reference}"),
                &reference,
                format!("{lines} lines of the log"),
            ));
        }
    }
    Ok(Group { heading: "Log", hits, all: None })
}

/// The connectors that fit: those of the environment first, then those of the catalogue.
pub(super) async fn connectors(app: &App, caller: &Caller, text: &str) -> Result<Group> {
    let may = caller.permissions.has(Permission::ConnectorsRead);
    let mut found = if may { providers::catalogue(app, caller).await?.search(text) } else { Vec::new() };
    found.sort_by_key(|one| !one.is_custom());
    let hits = found.iter().map(|one| match one.is_custom() {
        true => Hit::new(format!("/connectors/{}", one.slug), &one.display_name, "connector of your own"),
        false => Hit::new(
            format!("/connections/new/{}", one.slug),
            &one.display_name,
            "connector: add a connection",
        ),
    });
    Ok(group("Connectors", hits.collect(), "/connections/new", text))
}

fn group(heading: &'static str, mut hits: Vec<Hit>, list: &str, text: &str) -> Group {
    let more = hits.len() > MOST;
    hits.truncate(MOST);
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("q", text).finish();
    Group { heading, hits, all: more.then(|| format!("{list}?{query}")) }
}

/// Pages and what is done on them; the words that find them.
const PAGES: &[(&str, &str, &str)] = &[
    ("/", "Overview", "start attention figures charts"),
    ("/connections", "Connections", "oauth apps drafts"),
    ("/connections/new", "Add a connection", "catalogue new connector provider"),
    ("/connectors", "Connectors of your own", "custom describe definition"),
    ("/connectors/new/openapi", "Connector from an OpenAPI document", "custom swagger import"),
    ("/accounts", "Accounts", "users tokens grants"),
    ("/links", "Create a connect link", "invite user connect qr"),
    ("/logs", "Logs", "calls refreshes errors reference requests"),
    ("/pictures", "Pictures", "charts figures csv"),
    ("/try", "Try it", "call request proxy"),
    ("/api-keys", "API keys", "clients secrets credentials"),
    ("/api-keys/new", "New API key", "client create"),
    ("/webhooks", "Webhooks", "events endpoints deliveries"),
    ("/webhooks/new", "Add a webhook endpoint", "events create"),
    ("/branding", "Hosted pages", "branding logo colour theme preview return languages"),
    ("/branding/words", "Wording of the hosted pages", "texts translations sentences languages"),
    ("/sandbox", "Sandbox", "postcards switches break clock"),
    ("/system", "System check", "doctor health database address"),
    ("/settings", "Settings", "you password passkeys sessions"),
    ("/settings/passkeys/new", "Add a passkey", "sign in security key"),
    ("/settings/people", "People", "members roles invite team"),
    ("/settings/general", "General", "public url callback redirect settings"),
    ("/settings/verification", "User verification", "confirm verify settings"),
    ("/settings/environments", "Environments", "production staging development settings"),
    ("/settings/encryption", "Encryption", "data keys rotate signing settings"),
    ("/settings/retention", "Retention", "days delete keep settings"),
    ("/settings/audit", "Audit", "trail changes who csv settings"),
    ("/settings/transfer", "Import and export", "file json backup settings"),
];

/// The pages all of whose words are there; all pages for an empty text.
pub(super) fn pages(text: &str) -> Vec<Hit> {
    let text = text.to_lowercase();
    let words: Vec<&str> = text.split_whitespace().collect();
    let fits = |label: &str, more: &str| {
        let all = format!("{} {more}", label.to_lowercase());
        words.iter().all(|word| all.split_whitespace().any(|one| one.starts_with(word)))
    };
    PAGES
        .iter()
        .filter(|(_, label, more)| fits(label, more))
        .map(|(href, label, _)| Hit::new(*href, *label, ""))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_found_by_the_beginnings_of_their_words() {
        let hrefs = |text: &str| pages(text).into_iter().map(|hit| hit.href).collect::<Vec<_>>();
        assert_eq!(hrefs("peop"), ["/settings/people"]);
        assert_eq!(hrefs("add conn"), ["/connections/new"]);
        assert_eq!(hrefs("doctor"), ["/system"]);
        assert_eq!(hrefs("").len(), PAGES.len());
        assert!(hrefs("nothing of that kind").is_empty());
    }

    #[test]
    fn a_short_name_forgives_one_slip_and_a_long_one_three() {
        assert_eq!(most_slips("jira"), 1);
        assert_eq!(most_slips("postcards"), 3);
        assert_eq!(most_slips("google-calendar-of-support"), 3);
    }
}
