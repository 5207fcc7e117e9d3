//! One connection: what it is, how it does, and the ends it can come to.

use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;
use keybearer_app::connections::{self, Connection};
use keybearer_app::{Permission, flows};
use keybearer_core::{Code, ConnectionState, Error, Result};

use super::answer::{see_other, sentence};
use super::connections::{Badge, attention_words, badge};
use super::flash::{Flash, accounts as counted};
use super::frame::{Frame, Section, Tile};
use super::guard::{Posted, Visit};
use super::setup_view::{has_client, kind, stored};
use super::when::When;

/// D8.
#[derive(Template)]
#[template(path = "dashboard/connection.html")]
struct ConnectionView {
    frame: Frame,
    id: String,
    name: String,
    label: String,
    connector: String,
    kind: String,
    tile: Tile,
    badge: Badge,
    paused: bool,
    attention: Option<(String, &'static str, String)>,
    since: Option<When>,
    counts: Vec<Count>,
    tested: Option<Tested>,
    redirect_uri: Option<String>,
    credentials: Option<String>,
    scopes: Vec<String>,
    fields: Vec<(String, String)>,
    warnings: Vec<String>,
    curl: String,
    may: bool,
    may_link: bool,
}

/// A number of accounts.
struct Count {
    number: String,
    label: &'static str,
    href: String,
}

/// The newest test.
struct Tested {
    ok: bool,
    says: String,
    when: When,
    href: String,
}

/// D11.
#[derive(Template)]
#[template(path = "dashboard/delete_connection.html")]
struct DeleteView {
    frame: Frame,
    id: String,
    name: String,
    accounts: i64,
    counted: String,
    active: bool,
    wrong: Option<String>,
}

/// `GET /connections/{name}`
pub(super) async fn show(visit: Visit, Path(name): Path<String>) -> Response {
    let page = page(&visit, &name).await;
    visit.answer(page)
}

async fn page(visit: &Visit, name: &str) -> Result<Response> {
    let (app, caller) = (visit.app(), visit.caller());
    let connection = connections::get(app, caller, name).await?;
    let href = format!("/connections/{}", connection.id);
    if connection.state == ConnectionState::Draft {
        return Ok(see_other(&format!("{href}/setup")));
    }
    let test = flows::latest_test(app, caller, connection.id.as_str()).await?;
    let now = app.now();
    let tested = test.map(|test| Tested {
        ok: test.stand == flows::TestStand::Connected,
        says: super::test_view::in_short(&test),
        when: When::new(test.finished_at.unwrap_or(test.created_at), now),
        href: format!("{href}/test/{}", test.flow_id),
    });
    let connector = connections::connector(app, &caller.environment, &connection.connector).await.ok();
    let method = connector.as_ref().and_then(|connector| connector.method(&connection.method));
    let frame = visit.frame(Section::Connections, &connection.name).under("/connections", "Connections");
    let view = ConnectionView {
        frame: frame
            .under("", connection.name.clone())
            .command(format!("keybearer connections show {}", connection.name)),
        kind: method.map(kind).unwrap_or_default(),
        tile: Tile::new(&connection.connector, &connection.connector_display_name),
        badge: badge(&connection),
        paused: connection.state == ConnectionState::Paused,
        attention: connection.attention.as_deref().map(|reason| attention_words(reason, &href)),
        since: connection.attention_at.map(|at| When::new(at, now)),
        counts: counts(&connection),
        tested,
        redirect_uri: connection.needs_redirect_uri.then(|| connection.redirect_uri.clone()),
        credentials: method.is_some_and(has_client).then(|| stored(&connection)),
        scopes: connection.scopes.asked(),
        warnings: connection.warnings.iter().map(|warning| sentence(&warning.says)).collect(),
        curl: curl(app.issuer(), &connection.name),
        may: caller.permissions.has(Permission::ConnectorsWrite),
        may_link: caller.permissions.has(Permission::AccountsWrite),
        fields: connection.fields.into_iter().collect(),
        id: connection.id.to_string(),
        name: connection.name,
        label: connection.label,
        connector: connection.connector_display_name,
    };
    Ok(visit.page(&view))
}

fn counts(connection: &Connection) -> Vec<Count> {
    let counts = connection.counts;
    let list = |state: &str| format!("/accounts?connection={}&state={state}", connection.id);
    let all = [
        (counts.active, "Active", list("ACTIVE")),
        (counts.expired, "Need a sign-in", list("EXPIRED")),
        (counts.pending, "Waiting", list("PENDING_AUTH")),
        (counts.disconnected, "Disconnected", list("DISCONNECTED")),
        (counts.scopes_behind, "Scopes behind", format!("/accounts?connection={}", connection.id)),
        (counts.on_earlier_client, "On an earlier client", format!("/accounts?connection={}", connection.id)),
    ];
    let shown = all.into_iter().enumerate().filter(|(at, (number, ..))| *at < 2 || *number > 0);
    shown.map(|(_, (number, label, href))| Count { number: number.to_string(), label, href }).collect()
}

fn curl(issuer: &str, name: &str) -> String {
    format!(
        "curl {issuer}/proxy/PATH \\\n  -H \"Authorization: Bearer $TOKEN\" \\\n  -H \"Keybearer-Connection: {name}\" \\\n  -H \"Keybearer-User: USER\""
    )
}

/// `POST /connections/{name}/pause`
pub(super) async fn pause(Path(name): Path<String>, Posted { visit, .. }: Posted) -> Response {
    let done = connections::pause(visit.app(), visit.caller(), &name).await;
    visit.answer(done.map(|one| visit.done(&format!("/connections/{}", one.id), Flash::Paused)))
}

/// `POST /connections/{name}/resume`
pub(super) async fn resume(Path(name): Path<String>, Posted { visit, .. }: Posted) -> Response {
    let done = connections::resume(visit.app(), visit.caller(), &name).await;
    visit.answer(done.map(|one| visit.done(&format!("/connections/{}", one.id), Flash::Resumed)))
}

/// `GET /connections/{name}/delete`
pub(super) async fn ask_delete(visit: Visit, Path(name): Path<String>) -> Response {
    let found = connections::get(visit.app(), visit.caller(), &name).await;
    visit.answer(found.map(|connection| visit.page(&delete_view(&visit, connection, None))))
}

/// `POST /connections/{name}/delete`
pub(super) async fn delete(Path(name): Path<String>, Posted { visit, form }: Posted) -> Response {
    let done = async {
        let (app, caller) = (visit.app(), visit.caller());
        let connection = connections::get(app, caller, &name).await?;
        let seen: i64 = form.text("accounts").parse().unwrap_or_default();
        let wrong = match () {
            () if connection.counts.accounts > 0 && form.text("typed").trim() != connection.name => {
                Some(format!("Type {} to confirm.", connection.name))
            }
            () if connection.counts.accounts != seen => {
                Some("The number of accounts has changed. Look again.".to_owned())
            }
            () => None,
        };
        if wrong.is_some() {
            let view = delete_view(&visit, connection, wrong);
            return Ok(visit.page_with(StatusCode::UNPROCESSABLE_ENTITY, &view));
        }
        let deleted = connections::delete(app, caller, connection.id.as_str(), Some(seen), seen > 0).await?;
        Ok(visit.done_with("/connections", Flash::Deleted, Some(deleted.accounts)))
    };
    let done: Result<Response> = done.await;
    visit.answer(done)
}

fn delete_view(visit: &Visit, connection: Connection, wrong: Option<String>) -> DeleteView {
    let frame = visit.frame(Section::Connections, "Delete a connection").under("/connections", "Connections");
    let frame =
        frame.under(format!("/connections/{}", connection.id), connection.name.clone()).under("", "Delete");
    DeleteView {
        frame: frame.command(format!("keybearer connections delete {}", connection.name)),
        id: connection.id.to_string(),
        accounts: connection.counts.accounts,
        counted: counted(connection.counts.accounts),
        active: connection.state == ConnectionState::Active,
        name: connection.name,
        wrong,
    }
}

/// A connection that is no draft.
pub(super) async fn in_use(visit: &Visit, name: &str) -> Result<Connection> {
    let connection = connections::get(visit.app(), visit.caller(), name).await?;
    if connection.state == ConnectionState::Draft {
        return Err(Error::new(Code::ConnectionIncomplete, "the connection is a draft")
            .with_help("finish its set-up first"));
    }
    Ok(connection)
}
