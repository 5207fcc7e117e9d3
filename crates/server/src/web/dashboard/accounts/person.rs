//! D15: one person over all connections, and the end of everything they have.

use std::time::Duration;

use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;
use keybearer_app::accounts::{self, Account, Erasure};
use keybearer_app::connections::{self, ConnectionQuery};
use keybearer_app::tool_calls::ToolCallQuery;
use keybearer_app::{PageAsk, Permission, analytics};
use keybearer_core::{ConnectionState, Result};

use super::{badge, flags};
use crate::web::dashboard::answer::quoted;
use crate::web::dashboard::connections::Badge;
use crate::web::dashboard::frame::{Frame, Section, Tile};
use crate::web::dashboard::guard::{Posted, Visit};
use crate::web::dashboard::links::data_file;
use crate::web::dashboard::when::When;

/// D15.
#[derive(Template)]
#[template(path = "dashboard/person.html")]
struct PersonView {
    frame: Frame,
    person: String,
    address: String,
    rows: Vec<Row>,
    missing: Vec<(String, String, Tile)>,
    calls: Option<(i64, i64)>,
    logs: String,
    may: bool,
    may_end: bool,
}

/// One account of the person.
struct Row {
    href: String,
    connection: String,
    connection_href: String,
    tile: Tile,
    badge: Badge,
    flags: Vec<String>,
    identity: String,
    used: Option<When>,
}

/// Before a person is erased.
#[derive(Template)]
#[template(path = "dashboard/erase.html")]
struct EraseView {
    frame: Frame,
    person: String,
    address: String,
    rows: Vec<Row>,
    used: Option<When>,
    wrong: bool,
}

/// After it.
#[derive(Template)]
#[template(path = "dashboard/erased.html")]
struct ErasedView {
    frame: Frame,
    person: String,
    accounts: usize,
    receipt: String,
    file: String,
}

/// Where the page of a person is; their id can hold anything.
pub(in crate::web::dashboard) fn address(person: &str) -> String {
    let mut path = String::from("/users/");
    for byte in person.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'~' | b'@' => {
                path.push(char::from(byte))
            }
            // a dot would be taken for a step in the path
            other => path.push_str(&format!("%{other:02X}")),
        }
    }
    path
}

/// `GET /users/{person}`
pub(in crate::web::dashboard) async fn show(visit: Visit, Path(person): Path<String>) -> Response {
    let page = async {
        let (app, caller) = (visit.app(), visit.caller());
        let found = accounts::of_person(app, caller, &person).await?;
        let query = ConnectionQuery { state: Some(ConnectionState::Active), ..ConnectionQuery::default() };
        let active = connections::list(app, caller, &query, &PageAsk::first(100)).await?.items;
        let has = |id: &str| found.iter().any(|account| account.connection_id.as_str() == id);
        let missing = active.into_iter().filter(|one| !has(one.id.as_str())).map(|one| {
            let pairs = [("connection", one.id.as_str()), ("user", person.as_str())];
            let to = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
            (format!("/links?{to}"), one.name, Tile::new(&one.connector, &one.connector_display_name))
        });
        let frame = visit.frame(Section::Accounts, &person).under("/accounts", "Accounts");
        let logs = form_urlencoded::Serializer::new(String::new()).append_pair("person", &person).finish();
        let view = PersonView {
            frame: frame
                .under("", person.clone())
                .command(format!("keybearer accounts list --user {}", quoted(&person))),
            address: address(&person),
            missing: missing.collect(),
            rows: found.iter().map(|account| row(&visit, account)).collect(),
            calls: calls(&visit, &person).await?,
            logs: format!("/logs?{logs}"),
            may: caller.permissions.has(Permission::AccountsWrite),
            may_end: caller.permissions.has(Permission::AccountsRevoke),
            person,
        };
        Ok(visit.page(&view))
    };
    let page: Result<Response> = page.await;
    visit.answer(page)
}

/// Calls of seven days, and those that failed, for whoever may see calls.
async fn calls(visit: &Visit, person: &str) -> Result<Option<(i64, i64)>> {
    if !visit.caller().permissions.has(Permission::LogsRead) {
        return Ok(None);
    }
    let now = visit.app().now();
    let query = ToolCallQuery {
        from: Some(now.minus(Duration::from_secs(7 * 86_400))),
        until: Some(now.plus(Duration::from_secs(1))),
        identifier: Some(person.to_owned()),
        ..ToolCallQuery::default()
    };
    let sums = analytics::overview(visit.app(), visit.caller(), query).await?;
    Ok(Some((sums.all.total(), sums.all.errors())))
}

fn row(visit: &Visit, account: &Account) -> Row {
    let now = visit.app().now();
    Row {
        href: format!("/accounts/{}", account.id),
        connection: account.connection.clone(),
        connection_href: format!("/connections/{}", account.connection_id),
        tile: Tile::new(&account.connector, &account.connector),
        badge: badge(account.status),
        flags: flags(account, now),
        identity: account.identity_label.clone().or(account.identity_id.clone()).unwrap_or_default(),
        used: account.last_used_at.map(|at| When::new(at, now)),
    }
}

/// `GET /users/{person}/erase`
pub(in crate::web::dashboard) async fn ask(visit: Visit, Path(person): Path<String>) -> Response {
    let page = question(&visit, person, false).await;
    visit.answer(page)
}

async fn question(visit: &Visit, person: String, wrong: bool) -> Result<Response> {
    let found = accounts::of_person(visit.app(), visit.caller(), &person).await?;
    let frame = visit.frame(Section::Accounts, "Erase a user").under("/accounts", "Accounts");
    let used = found.iter().filter_map(|account| account.last_used_at).max();
    let view = EraseView {
        frame: frame.under(address(&person), person.clone()).under("", "Erase"),
        address: address(&person),
        rows: found.iter().map(|account| row(visit, account)).collect(),
        used: used.map(|at| When::new(at, visit.app().now())),
        person,
        wrong,
    };
    let status = if wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok(visit.page_with(status, &view))
}

/// `POST /users/{person}/erase`
pub(in crate::web::dashboard) async fn erase(
    Path(person): Path<String>,
    Posted { visit, form }: Posted,
) -> Response {
    let page = async {
        if form.text("word") != person {
            return question(&visit, person, true).await;
        }
        let expected = form.text("expected").parse().unwrap_or(usize::MAX);
        let done = accounts::erase_person(visit.app(), visit.caller(), &person, expected).await?;
        let receipt = receipt(&done);
        let frame =
            visit.frame(Section::Accounts, "Erased").under("/accounts", "Accounts").under("", "Erased");
        let view = ErasedView {
            frame,
            accounts: done.accounts.len(),
            file: data_file("text/plain", &receipt),
            person,
            receipt,
        };
        Ok(visit.page(&view))
    };
    let page: Result<Response> = page.await;
    visit.answer(page)
}

fn receipt(done: &Erasure) -> String {
    let mut lines = vec![
        "Erasure of a user's data in Keybearer".to_owned(),
        format!("User       {}", done.person),
        format!("Done       {}", done.at.rfc3339()),
        format!("Reference  {}", done.reference),
        String::new(),
        format!("Accounts deleted with their credentials, links and refreshes: {}", done.accounts.len()),
    ];
    lines.extend(done.accounts.iter().map(|account| {
        let outcome = account.outcome.as_str().replace('_', " ");
        format!("  {} on {}; at the provider: {outcome}", account.id, account.connection)
    }));
    lines.extend([
        format!("Events removed: {}", done.events),
        format!("Calls removed from the log: {}", done.calls),
        String::new(),
        "What stays: one notice per account that it was deleted, so that webhooks can carry it; lines of the audit".to_owned(),
        "trail, which hold ids; backups made before. What other systems received is theirs to erase.".to_owned(),
    ]);
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn an_id_of_any_characters_stays_one_part_of_the_path() {
        assert_eq!(address("ada@example.com"), "/users/ada@example%2Ecom");
        assert_eq!(address("../a/b?c#d"), "/users/%2E%2E%2Fa%2Fb%3Fc%23d");
        assert_eq!(address("ä"), "/users/%C3%A4");
    }
}
