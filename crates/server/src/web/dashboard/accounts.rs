//! Accounts: the list, one of them, and what can be done to it.

use askama::Template;
use axum::extract::{Path, Query};
use axum::response::Response;
use keybearer_app::accounts::{self, Account, AccountQuery, Lookup};
use keybearer_app::connections::{self, ConnectionQuery};
use keybearer_app::{PageAsk, Permission, refresh_now};
use keybearer_core::{AccountStatus, AuthType, Result, StatusReason};
use serde::Deserialize;

use super::connections::Badge;
use super::flash::Flash;
use super::frame::{Frame, Section, Tile};
use super::guard::{Posted, Visit};
use super::when::When;

/// Filters, and the page.
#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    q: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    connection: String,
    #[serde(default)]
    page: String,
}

/// D12.
#[derive(Template)]
#[template(path = "dashboard/accounts.html")]
struct ListView {
    frame: Frame,
    query: String,
    states: Vec<Choice>,
    connections: Vec<Choice>,
    total: i64,
    rows: Vec<Row>,
    next: String,
    previous: String,
    filtered: bool,
    may: bool,
}

/// An entry of a filter.
struct Choice {
    value: String,
    label: String,
    chosen: bool,
}

/// One account in the list.
struct Row {
    href: String,
    link: String,
    user: String,
    identity: String,
    connection: String,
    connection_href: String,
    tile: Tile,
    badge: Badge,
    flags: Vec<&'static str>,
    used: Option<When>,
    ends: Option<When>,
    usable: bool,
}

/// D13.
#[derive(Template)]
#[template(path = "dashboard/account.html")]
struct AccountView {
    frame: Frame,
    id: String,
    user: String,
    tile: Tile,
    badge: Badge,
    flags: Vec<&'static str>,
    why: &'static str,
    facts: Vec<(&'static str, String)>,
    times: Vec<(&'static str, When)>,
    scopes: Vec<(String, &'static str)>,
    timeline: Vec<Event>,
    link: String,
    connected: bool,
    can_refresh: bool,
    may: bool,
    may_end: bool,
}

/// One refresh.
struct Event {
    when: When,
    ok: bool,
    says: String,
}

/// The question before an account is deleted.
#[derive(Template)]
#[template(path = "dashboard/delete_account.html")]
struct DeleteView {
    frame: Frame,
    id: String,
    user: String,
    connection: String,
    used: Option<When>,
}

/// `GET /accounts`
pub(super) async fn list(visit: Visit, Query(asked): Query<Asked>) -> Response {
    let page = list_page(&visit, &asked).await;
    visit.answer(page)
}

async fn list_page(visit: &Visit, asked: &Asked) -> Result<Response> {
    let (app, caller) = (visit.app(), visit.caller());
    let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let query = AccountQuery {
        query: given(&asked.q),
        status: AccountStatus::parse(&asked.state),
        connection: given(&asked.connection),
        ..AccountQuery::default()
    };
    let ask = PageAsk { size: 50, token: asked.page.clone() };
    let listed = accounts::list(app, caller, &query, &ask).await?;
    let all = connections::list(app, caller, &ConnectionQuery::default(), &PageAsk::first(100)).await?;
    let address = |token: Option<String>| {
        let pairs = |token: String| {
            [
                ("q", asked.q.clone()),
                ("state", asked.state.clone()),
                ("connection", asked.connection.clone()),
                ("page", token),
            ]
        };
        token
            .map(|token| {
                format!(
                    "/accounts?{}",
                    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs(token)).finish()
                )
            })
            .unwrap_or_default()
    };
    let state = |status: &AccountStatus| Choice {
        value: status.to_string(),
        label: badge(*status).word.to_owned(),
        chosen: asked.state == status.as_str(),
    };
    let connection = |one: &connections::Connection| Choice {
        value: one.id.to_string(),
        label: one.name.clone(),
        chosen: asked.connection == one.id.as_str() || asked.connection == one.name,
    };
    let now = app.now();
    let view = ListView {
        filtered: query.query.is_some() || query.status.is_some() || query.connection.is_some(),
        query: asked.q.clone(),
        states: AccountStatus::ALL.iter().map(state).collect(),
        connections: all.items.iter().map(connection).collect(),
        total: listed.total,
        next: address(listed.next),
        previous: address(listed.previous),
        rows: listed.items.into_iter().map(|account| row(account, now)).collect(),
        may: caller.permissions.has(Permission::AccountsWrite),
        frame: visit.frame(Section::Accounts, "Accounts").command("keybearer accounts list"),
    };
    Ok(visit.page(&view))
}

fn row(account: Account, now: keybearer_core::Timestamp) -> Row {
    Row {
        href: format!("/accounts/{}", account.id),
        link: link(&account),
        identity: account.identity_label.clone().or(account.identity_id.clone()).unwrap_or_default(),
        connection_href: format!("/connections/{}", account.connection_id),
        tile: Tile::new(&account.connector, &account.connector),
        badge: badge(account.status),
        flags: flags(&account),
        used: account.last_used_at.map(|at| When::new(at, now)),
        ends: account.access_expires_at.map(|at| When::new(at, now)),
        usable: account.status == AccountStatus::Active,
        user: account.identifier,
        connection: account.connection,
    }
}

fn link(account: &Account) -> String {
    let query = [("connection", account.connection_id.as_str()), ("user", account.identifier.as_str())];
    format!("/links?{}", form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish())
}

/// `GET /accounts/{id}`
pub(super) async fn show(visit: Visit, Path(id): Path<String>) -> Response {
    let page = async {
        let (app, caller) = (visit.app(), visit.caller());
        let lookup = Lookup::id(id);
        let account = accounts::get(app, caller, &lookup).await?;
        let history = accounts::history(app, caller, &lookup, 50).await?;
        let now = app.now();
        let timeline = history.into_iter().map(|record| Event {
            when: When::new(record.at, now),
            ok: record.reason.is_none(),
            says: match record.reason {
                None => format!("Refreshed in {} ms (grant {})", record.duration_ms, record.generation),
                Some(reason) => {
                    format!("{}: {reason} ({} ms)", record.outcome.replace('_', " "), record.duration_ms)
                }
            },
        });
        let timeline: Vec<Event> = timeline.collect();
        let frame = visit.frame(Section::Accounts, &account.identifier).under("/accounts", "Accounts");
        let view = AccountView {
            frame: frame
                .under("", account.identifier.clone())
                .command(format!("keybearer accounts show {}", account.id)),
            tile: Tile::new(&account.connector, &account.connector),
            badge: badge(account.status),
            flags: flags(&account),
            why: why(account.reason),
            facts: facts(&account),
            times: times(&account, now),
            scopes: scopes(&account),
            link: link(&account),
            connected: account.status != AccountStatus::Disconnected
                && account.status != AccountStatus::PendingAuth,
            can_refresh: account.status == AccountStatus::Active
                && matches!(
                    account.auth_type,
                    AuthType::Oauth | AuthType::OauthM2m | AuthType::ServiceAccount
                ),
            may: caller.permissions.has(Permission::AccountsWrite),
            may_end: caller.permissions.has(Permission::AccountsRevoke),
            id: account.id.to_string(),
            user: account.identifier,
            timeline,
        };
        Ok(visit.page(&view))
    };
    let page: Result<Response> = page.await;
    visit.answer(page)
}

/// `POST /accounts/{id}/refresh`
pub(super) async fn refresh(Path(id): Path<String>, Posted { visit, .. }: Posted) -> Response {
    let done = async {
        let account = accounts::get(visit.app(), visit.caller(), &Lookup::id(id)).await?;
        refresh_now(visit.app(), visit.caller(), &account.id).await?;
        Ok(visit.done(&format!("/accounts/{}", account.id), Flash::Refreshed))
    };
    let done: Result<Response> = done.await;
    visit.answer(done)
}

/// `POST /accounts/{id}/disconnect`
pub(super) async fn disconnect(Path(id): Path<String>, Posted { visit, .. }: Posted) -> Response {
    let done = accounts::disconnect(visit.app(), visit.caller(), &Lookup::id(id)).await;
    visit.answer(done.map(|done| visit.done(&format!("/accounts/{}", done.account.id), Flash::Disconnected)))
}

/// `GET /accounts/{id}/delete`
pub(super) async fn ask_delete(visit: Visit, Path(id): Path<String>) -> Response {
    let found = accounts::get(visit.app(), visit.caller(), &Lookup::id(id)).await;
    let page = found.map(|account| {
        let frame = visit.frame(Section::Accounts, "Delete an account").under("/accounts", "Accounts");
        let view = DeleteView {
            frame: frame
                .under(format!("/accounts/{}", account.id), account.identifier.clone())
                .under("", "Delete"),
            id: account.id.to_string(),
            used: account.last_used_at.map(|at| When::new(at, visit.app().now())),
            user: account.identifier,
            connection: account.connection,
        };
        visit.page(&view)
    });
    visit.answer(page)
}

/// `POST /accounts/{id}/delete`
pub(super) async fn delete(Path(id): Path<String>, Posted { visit, .. }: Posted) -> Response {
    let done = accounts::delete(visit.app(), visit.caller(), &Lookup::id(id)).await;
    visit.answer(done.map(|_| visit.done("/accounts", Flash::AccountDeleted)))
}

/// The state of an account as it is shown.
pub(super) fn badge(status: AccountStatus) -> Badge {
    match status {
        AccountStatus::Active => Badge { word: "Active", look: "ok", icon: "check" },
        AccountStatus::PendingAuth => Badge { word: "Waiting for user", look: "info", icon: "clock" },
        AccountStatus::PendingVerification => {
            Badge { word: "Waiting for your app", look: "info", icon: "clock" }
        }
        AccountStatus::Expired => Badge { word: "Needs sign-in", look: "bad", icon: "x" },
        AccountStatus::Disconnected => Badge { word: "Disconnected", look: "", icon: "x" },
    }
}

fn flags(account: &Account) -> Vec<&'static str> {
    let mut flags = Vec::new();
    if !account.missing_scopes.is_empty() {
        flags.push("Scopes behind");
    }
    if account.failure_count > 0 {
        flags.push("Refresh failing");
    }
    if account.on_earlier_client {
        flags.push("On an earlier client");
    }
    flags
}

fn why(reason: StatusReason) -> &'static str {
    match reason {
        StatusReason::Created => "A link was made; nobody has finished it yet.",
        StatusReason::Connected => "Its user agreed at the provider.",
        StatusReason::Imported => "Its credentials came in through the API.",
        StatusReason::AwaitingVerification => "The user agreed; your app has not confirmed the person yet.",
        StatusReason::VerificationMismatch => "Your app named another person than the one who agreed.",
        StatusReason::RevokedOrExpired => {
            "The provider refused the refresh token. Usually: password changed, app removed, or token limit reached."
        }
        StatusReason::RefreshInterrupted => {
            "The server stopped while a refresh was under way, and its answer was lost."
        }
        StatusReason::ExchangeInterrupted => "The server stopped while the code was being exchanged.",
        StatusReason::NoRefreshToken => {
            "The access token ended, and the provider gave nothing to refresh it with."
        }
        StatusReason::CredentialRejected => "The provider refused the user's own key.",
        StatusReason::IntegrityError => "The stored credential does not open.",
        StatusReason::DisconnectedByDeveloper => "You disconnected it.",
        StatusReason::DisconnectedByUser => "Its user disconnected it.",
    }
}

fn facts(account: &Account) -> Vec<(&'static str, String)> {
    let mut facts =
        vec![("Connection", account.connection.clone()), ("Your user", account.identifier.clone())];
    let identity = account.identity_label.clone().or(account.identity_id.clone());
    facts.extend(identity.map(|identity| ("Connected as", identity)));
    facts.extend(account.last_failure.clone().map(|failure| ("Last failure", failure)));
    facts.extend(
        account.revoke_outcome.map(|outcome| ("Revoked at the provider", outcome.as_str().replace('_', " "))),
    );
    facts.extend(account.fields.iter().map(|(name, value)| ("Field", format!("{name} = {value}"))));
    facts.push(("Account id", account.id.to_string()));
    facts
}

fn times(account: &Account, now: keybearer_core::Timestamp) -> Vec<(&'static str, When)> {
    let known = [
        ("Made", Some(account.created_at)),
        ("Last used", account.last_used_at),
        ("Access token ends", account.access_expires_at),
        ("Refresh token ends", account.refresh_expires_at),
        ("Next refresh", account.next_refresh_at),
        ("Failing since", account.failing_since),
    ];
    known.into_iter().filter_map(|(label, at)| Some((label, When::new(at?, now)))).collect()
}

/// Wanted and granted scopes side by side.
fn scopes(account: &Account) -> Vec<(String, &'static str)> {
    let wanted = account.wanted_scopes.iter().map(|scope| {
        let word = match () {
            () if account.missing_scopes.contains(scope) => "not granted",
            () if account.granted_scopes.is_empty() => "not reported",
            () => "granted",
        };
        (scope.clone(), word)
    });
    let further = account.granted_scopes.iter().filter(|scope| !account.wanted_scopes.contains(scope));
    wanted.chain(further.map(|scope| (scope.clone(), "granted, not asked for"))).collect()
}
