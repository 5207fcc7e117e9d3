//! One connection: what it is, how it does, and the ends it can come to.

use askama::Template;
use axum::extract::{Path, Query};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use keybearer_app::connections::{self, Connection};
use keybearer_app::connectors::schema::AuthMethod;
use keybearer_app::{Permission, flows};
use keybearer_core::{Code, ConnectionState, Error, Result};
use serde::Deserialize;

use super::answer::{see_other, sentence, with_cookie};
use super::connections::{Badge, attention_words, badge};
use super::cookie::Cookie;
use super::flash::{Flash, accounts as counted};
use super::frame::{Frame, Section, Tile};
use super::guard::{Posted, Visit};
use super::redefined::{self, Redefined};
use super::setup_view::{has_client, kind, stored};
use super::snippets::{self, Snippet};
use super::test_view::{Facts, Verdict, in_short, steps};
use super::when::When;

/// The parts of a connection's pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tab {
    Overview,
    Setup,
}

/// A way to another part.
pub(super) struct TabLink {
    pub href: String,
    pub label: &'static str,
    pub count: String,
    pub here: bool,
}

/// What stands above every part of a connection.
pub(super) struct Head {
    pub id: String,
    pub name: String,
    pub label: String,
    pub connector: String,
    pub kind: String,
    pub tile: Tile,
    pub badge: Badge,
    pub paused: bool,
    pub attention: Option<(String, &'static str, String)>,
    pub since: Option<When>,
    pub tabs: Vec<TabLink>,
    pub may: bool,
    pub may_link: bool,
}

impl Head {
    /// The head of a connection, on one of its parts.
    pub fn of(visit: &Visit, connection: &Connection, method: &AuthMethod, here: Tab) -> Self {
        let permissions = &visit.caller().permissions;
        let href = format!("/connections/{}", connection.id);
        let link = |href: String, label, count: String, here| TabLink { href, label, count, here };
        let accounts = connection.counts.accounts.to_string();
        let mut tabs = vec![
            link(href.clone(), "Overview", String::new(), here == Tab::Overview),
            link(format!("{href}/setup"), "Setup", String::new(), here == Tab::Setup),
            link(format!("/accounts?connection={}", connection.id), "Accounts", accounts, false),
        ];
        if permissions.has(Permission::LogsRead) {
            tabs.push(link(format!("/logs?connection={}", connection.id), "Logs", String::new(), false));
        }
        Self {
            kind: kind(method),
            tile: Tile::new(&connection.connector, &connection.connector_display_name),
            badge: badge(connection),
            paused: connection.state == ConnectionState::Paused,
            attention: connection.attention.as_deref().map(|reason| attention_words(reason, &href)),
            since: connection.attention_at.map(|at| When::new(at, visit.app().now())),
            may: permissions.has(Permission::ConnectorsWrite),
            may_link: permissions.has(Permission::AccountsWrite),
            id: connection.id.to_string(),
            name: connection.name.clone(),
            label: connection.label.clone(),
            connector: connection.connector_display_name.clone(),
            tabs,
        }
    }
}

/// D8, Overview.
#[derive(Template)]
#[template(path = "dashboard/connection.html")]
struct ConnectionView {
    frame: Frame,
    head: Head,
    /// Markup of the pictures.
    pictures: String,
    counts: Vec<Count>,
    tested: Option<Tested>,
    progress: Option<Progress>,
    redefined: Option<Redefined>,
    secret: Option<SecretView>,
    redirect_uri: Option<String>,
    credentials: Option<String>,
    users_see: String,
    scopes: Vec<String>,
    fields: Vec<(String, String)>,
    warnings: Vec<String>,
    snippets: Vec<Snippet>,
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
    /// Absent once the test itself is forgotten.
    href: Option<String>,
}

/// How many of those that had to sign in again did so.
struct Progress {
    done: i64,
    of: i64,
    href: String,
}

/// What is told of the secret.
struct SecretView {
    set: Option<When>,
    by: String,
    ends: Option<When>,
    /// It ends within 30 days.
    soon: bool,
    earlier: Option<String>,
}

/// The language that snippets are shown in.
#[derive(Deserialize)]
pub(super) struct Language {
    #[serde(default)]
    lang: String,
}

/// D11.
#[derive(Template)]
#[template(path = "dashboard/delete_connection.html")]
struct DeleteView {
    frame: Frame,
    id: String,
    name: String,
    provider: String,
    accounts: i64,
    counted: String,
    calls: i64,
    last_call: Option<When>,
    links: i64,
    can_revoke: bool,
    too_many: bool,
    active: bool,
    wrong: Option<String>,
}

/// `GET /connections/{name}`
pub(super) async fn show(
    visit: Visit,
    Path(name): Path<String>,
    Query(language): Query<Language>,
    headers: HeaderMap,
) -> Response {
    let secure = visit.dash.is_secure();
    let chosen = snippets::known(&language.lang);
    let kept = Cookie::Snippet.read(&headers, secure);
    let shown = chosen.or_else(|| snippets::known(kept.as_deref().unwrap_or_default()));
    let page = page(&visit, &name, shown.unwrap_or(snippets::FIRST)).await;
    let page = page.map(|page| match chosen {
        Some(word) => with_cookie(page, Cookie::Snippet.set(word, secure)),
        None => page,
    });
    visit.answer(page)
}

async fn page(visit: &Visit, name: &str, language: &'static str) -> Result<Response> {
    let (app, caller) = (visit.app(), visit.caller());
    let connection = connections::get(app, caller, name).await?;
    let href = format!("/connections/{}", connection.id);
    if connection.state == ConnectionState::Draft {
        return Ok(see_other(&format!("{href}/setup")));
    }
    let connector = connections::connector(app, &caller.environment, &connection.connector).await?;
    let gone = || Error::new(Code::FailedPrecondition, "the connector does not have this method any more");
    let method = connector.method(&connection.method).ok_or_else(gone)?;
    let frame = visit.frame(Section::Connections, &connection.name).under("/connections", "Connections");
    let view = ConnectionView {
        frame: frame
            .under("", connection.name.clone())
            .command(format!("keybearer connections show {}", connection.name)),
        head: Head::of(visit, &connection, method, Tab::Overview),
        pictures: super::pictures::of_connection(visit, &connection).await?,
        counts: counts(&connection),
        tested: tested(visit, &connection, method).await?,
        progress: progress(&connection),
        redefined: redefined::of(visit, &connection).await?,
        secret: secret(visit, &connection),
        redirect_uri: connection.needs_redirect_uri.then(|| connection.redirect_uri.clone()),
        credentials: has_client(method).then(|| stored(&connection)),
        users_see: users_see(visit, &connection),
        scopes: connection.scopes.asked(),
        warnings: connection.warnings.iter().map(|warning| sentence(&warning.says)).collect(),
        snippets: snippets::of(app.issuer(), &connection.name, language),
        fields: connection.fields.iter().chain(&connection.fixed).map(own).collect(),
    };
    Ok(visit.page(&view))
}

fn own((name, value): (&String, &String)) -> (String, String) {
    (name.clone(), value.clone())
}

fn users_see(visit: &Visit, connection: &Connection) -> String {
    let app = &visit.session.environment.app_name;
    match &connection.shared_app_name {
        Some(shared) => format!("{shared} (the operator's shared app), connecting to {app}"),
        None => format!("{app} (own app)"),
    }
}

fn progress(connection: &Connection) -> Option<Progress> {
    let (behind, of) = (connection.counts.scopes_behind, connection.counts.behind_at_change);
    (behind > 0 && of >= behind).then(|| Progress {
        done: of - behind,
        of,
        href: format!("/accounts?connection={}&flag=scopes_behind", connection.id),
    })
}

fn secret(visit: &Visit, connection: &Connection) -> Option<SecretView> {
    let (facts, now) = (&connection.secret, visit.app().now());
    let until = facts.earlier_until.map(|until| When::new(until, now).words);
    facts.set_at.map(|set| SecretView {
        set: Some(When::new(set, now)),
        by: facts.set_by.clone().unwrap_or_default(),
        ends: facts.ends_at.map(|end| When::new(end, now)),
        soon: facts.ends_at.is_some_and(|end| end.since(now).as_secs() < 30 * 86_400),
        earlier: facts.has_earlier.then(|| until.unwrap_or_else(|| "until you remove it".to_owned())),
    })
}

/// The newest test: as it stands, or what is kept of it after its link is gone.
async fn tested(visit: &Visit, connection: &Connection, method: &AuthMethod) -> Result<Option<Tested>> {
    let (app, caller, id) = (visit.app(), visit.caller(), connection.id.as_str());
    let now = app.now();
    let kept = flows::trial::last_tested(app, caller, id).await?;
    let by = |by: &str| if by.is_empty() { String::new() } else { format!(" by {by}") };
    if let Some(test) = flows::latest_test(app, caller, id).await? {
        let steps = steps(&Facts { test: &test, connection, method, now });
        let good = steps.iter().filter(|step| step.verdict == Verdict::Ok).count();
        let name = test.kept.as_ref().map(|kept| by(&kept.by)).unwrap_or_default();
        let connected = test.stand == flows::TestStand::Connected;
        let says = match connected {
            true => format!("Tested{name}, {good} of {}. {}", steps.len(), in_short(&test)),
            false => in_short(&test),
        };
        return Ok(Some(Tested {
            ok: connected && good == steps.len(),
            says,
            when: When::new(test.finished_at.unwrap_or(test.created_at), now),
            href: Some(format!("/connections/{id}/test/{}", test.flow_id)),
        }));
    }
    Ok(kept.and_then(|kept| {
        let (good, total) = kept.result?;
        let says = format!("Tested{}, {good} of {total}.", by(&kept.by));
        Some(Tested { ok: good == total, says, when: When::new(kept.at, now), href: None })
    }))
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

/// `POST /connections/{name}/duplicate`: the settings without the secret, with a redirect URI of its own.
pub(super) async fn duplicate(Path(name): Path<String>, Posted { visit, .. }: Posted) -> Response {
    let done = async {
        let made = connections::duplicate(visit.app(), visit.caller(), &name).await?;
        Ok(visit.done(&format!("/connections/{}/setup", made.id), Flash::Duplicated))
    };
    let done: Result<Response> = done.await;
    visit.answer(done)
}

/// `GET /connections/{name}/delete`
pub(super) async fn ask_delete(visit: Visit, Path(name): Path<String>) -> Response {
    let page = async {
        let connection = connections::get(visit.app(), visit.caller(), &name).await?;
        Ok(visit.page(&delete_view(&visit, connection, None).await?))
    };
    let page: Result<Response> = page.await;
    visit.answer(page)
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
            let view = delete_view(&visit, connection, wrong).await?;
            return Ok(visit.page_with(StatusCode::UNPROCESSABLE_ENTITY, &view));
        }
        let id = connection.id.as_str();
        let told = match form.has("revoke") && seen > 0 {
            true => Some(connections::revoke_all(app, caller, id).await?),
            false => None,
        };
        let deleted = connections::delete(app, caller, id, Some(seen), seen > 0).await?;
        Ok(match told {
            Some(told) => visit.done_all(
                "/connections",
                Flash::DeletedRevoked,
                &[deleted.accounts, told.revoked, told.refused],
            ),
            None => visit.done_with("/connections", Flash::Deleted, Some(deleted.accounts)),
        })
    };
    let done: Result<Response> = done.await;
    visit.answer(done)
}

async fn delete_view(visit: &Visit, connection: Connection, wrong: Option<String>) -> Result<DeleteView> {
    let usage = connections::usage(visit.app(), visit.caller(), connection.id.as_str()).await?;
    let frame = visit.frame(Section::Connections, "Delete a connection").under("/connections", "Connections");
    let frame =
        frame.under(format!("/connections/{}", connection.id), connection.name.clone()).under("", "Delete");
    let accounts = connection.counts.accounts;
    let command = match accounts {
        0 => format!("keybearer connections delete {}", connection.name),
        _ => format!("keybearer connections delete {} --expect-accounts {accounts}", connection.name),
    };
    let may_revoke = visit.caller().permissions.has(Permission::AccountsRevoke);
    Ok(DeleteView {
        frame: frame.command(command),
        id: connection.id.to_string(),
        accounts,
        counted: counted(accounts),
        calls: usage.calls,
        last_call: usage.last_call_at.map(|at| When::new(at, visit.app().now())),
        links: usage.open_links,
        can_revoke: usage.can_revoke && may_revoke && accounts > 0,
        too_many: accounts > connections::MAX_REVOKED,
        active: connection.state == ConnectionState::Active,
        provider: connection.connector_display_name,
        name: connection.name,
        wrong,
    })
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
