//! D13: one account, with everything that happened to it.

use askama::Template;
use axum::extract::{Path, Query};
use axum::response::Response;
use keybearer_app::accounts::{self, Account, Lookup};
use keybearer_app::flows::TEST_USER;
use keybearer_app::journal::{self, Place};
use keybearer_app::{Permission, refresh_now};
use keybearer_core::{AccountStatus, AuthType, Result, Timestamp, VerifyMode};
use serde::Deserialize;

use super::story::{self, Moment};
use super::{badge, flags, link, person, why};
use crate::web::dashboard::connections::Badge;
use crate::web::dashboard::flash::Flash;
use crate::web::dashboard::frame::{Frame, Section, Tile};
use crate::web::dashboard::guard::{Posted, Visit};
use crate::web::dashboard::when::When;

/// Which part of the story.
#[derive(Deserialize)]
pub(in crate::web::dashboard) struct Asked {
    #[serde(default)]
    before: String,
    #[serde(default)]
    only: String,
}

/// D13.
#[derive(Template)]
#[template(path = "dashboard/account.html")]
struct AccountView {
    frame: Frame,
    id: String,
    user: String,
    person: String,
    connection: String,
    connection_href: String,
    tile: Tile,
    badge: Badge,
    flags: Vec<String>,
    unverified: bool,
    why: &'static str,
    since: When,
    facts: Vec<(&'static str, String)>,
    times: Vec<(&'static str, When)>,
    scopes: Vec<(String, &'static str)>,
    settings: String,
    moments: Vec<Moment>,
    only: String,
    older: String,
    link: String,
    curl: String,
    active: bool,
    connected: bool,
    can_refresh: bool,
    may: bool,
    may_end: bool,
}

/// The question before an account is disconnected or deleted.
#[derive(Template)]
#[template(path = "dashboard/delete_account.html")]
struct EndView {
    frame: Frame,
    id: String,
    user: String,
    connection: String,
    used: Option<When>,
    delete: bool,
}

/// `GET /accounts/{id}`
pub(in crate::web::dashboard) async fn show(
    visit: Visit,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Response {
    let page = async {
        let account = accounts::get(visit.app(), visit.caller(), &Lookup::id(id)).await?;
        let place = Place::parse(&asked.before);
        let lines = journal::story(visit.app(), visit.caller(), &account.id, place.as_ref(), 60).await?;
        let now = visit.app().now();
        let mut moments = story::moments(lines.items, now);
        moments.retain(|moment| asked.only.is_empty() || moment.kind == asked.only);
        let older = lines.next.map(|next| {
            let only = if asked.only.is_empty() { String::new() } else { format!("&only={}", asked.only) };
            format!("/accounts/{}?before={}{only}#time", account.id, next.as_text())
        });
        let verified = visit.session.environment.verify_mode != VerifyMode::None;
        let mut view = view(&visit, account, verified);
        (view.moments, view.only, view.older) = (moments, asked.only.clone(), older.unwrap_or_default());
        Ok(visit.page(&view))
    };
    let page: Result<Response> = page.await;
    visit.answer(page)
}

fn view(visit: &Visit, account: Account, verified: bool) -> AccountView {
    let (now, caller) = (visit.app().now(), visit.caller());
    let frame = visit.frame(Section::Accounts, &account.identifier).under("/accounts", "Accounts");
    let active = account.status == AccountStatus::Active;
    let test = account.identifier == TEST_USER;
    AccountView {
        frame: frame
            .under("", account.identifier.clone())
            .command(format!("keybearer accounts show {}", account.id)),
        person: person::address(&account.identifier),
        connection_href: format!("/connections/{}", account.connection_id),
        tile: Tile::new(&account.connector, &account.connector),
        badge: badge(account.status),
        flags: flags(&account, now),
        unverified: active && !test && !verified && !account.org_wide,
        why: why(account.reason),
        since: When::new(account.updated_at, now),
        facts: facts(&account, verified),
        times: times(&account, now),
        scopes: scopes(&account),
        settings: serde_json::to_string_pretty(&account.api_config).unwrap_or_default(),
        moments: Vec::new(),
        only: String::new(),
        older: String::new(),
        link: link(&account),
        curl: curl(visit, &account),
        active,
        connected: !matches!(account.status, AccountStatus::Disconnected | AccountStatus::PendingAuth),
        can_refresh: active && refreshes(account.auth_type),
        may: caller.permissions.has(Permission::AccountsWrite),
        may_end: caller.permissions.has(Permission::AccountsRevoke),
        id: account.id.to_string(),
        connection: account.connection,
        user: account.identifier,
    }
}

const fn refreshes(auth_type: AuthType) -> bool {
    matches!(auth_type, AuthType::Oauth | AuthType::OauthM2m | AuthType::ServiceAccount)
}

/// A call with this account, with names quoted for a shell.
fn curl(visit: &Visit, account: &Account) -> String {
    use crate::web::dashboard::answer::quoted;
    format!(
        "curl {}/proxy/PATH \\\n  -H \"Authorization: Bearer $KEYBEARER_TOKEN\" \\\n  -H {} \\\n  -H {}",
        visit.app().issuer(),
        quoted(&format!("Keybearer-Connection: {}", account.connection)),
        quoted(&format!("Keybearer-User: {}", account.identifier)),
    )
}

/// `POST /accounts/{id}/refresh`
pub(in crate::web::dashboard) async fn refresh(
    Path(id): Path<String>,
    Posted { visit, .. }: Posted,
) -> Response {
    let done = async {
        let account = accounts::get(visit.app(), visit.caller(), &Lookup::id(id)).await?;
        refresh_now(visit.app(), visit.caller(), &account.id).await?;
        Ok(visit.done(&format!("/accounts/{}", account.id), Flash::Refreshed))
    };
    let done: Result<Response> = done.await;
    visit.answer(done)
}

/// `GET /accounts/{id}/disconnect`
pub(in crate::web::dashboard) async fn ask_disconnect(visit: Visit, Path(id): Path<String>) -> Response {
    let page = ask_end(&visit, id, false).await;
    visit.answer(page)
}

/// `POST /accounts/{id}/disconnect`
pub(in crate::web::dashboard) async fn disconnect(
    Path(id): Path<String>,
    Posted { visit, .. }: Posted,
) -> Response {
    let done = accounts::disconnect(visit.app(), visit.caller(), &Lookup::id(id)).await;
    visit.answer(done.map(|done| visit.done(&format!("/accounts/{}", done.account.id), Flash::Disconnected)))
}

/// `GET /accounts/{id}/delete`
pub(in crate::web::dashboard) async fn ask_delete(visit: Visit, Path(id): Path<String>) -> Response {
    let page = ask_end(&visit, id, true).await;
    visit.answer(page)
}

async fn ask_end(visit: &Visit, id: String, delete: bool) -> Result<Response> {
    let account = accounts::get(visit.app(), visit.caller(), &Lookup::id(id)).await?;
    let title = if delete { "Delete an account" } else { "Disconnect an account" };
    let frame = visit.frame(Section::Accounts, title).under("/accounts", "Accounts");
    let command = if delete { "delete" } else { "disconnect" };
    let view = EndView {
        frame: frame
            .under(format!("/accounts/{}", account.id), account.identifier.clone())
            .under("", if delete { "Delete" } else { "Disconnect" })
            .command(format!("keybearer accounts {command} {}", account.id)),
        id: account.id.to_string(),
        used: account.last_used_at.map(|at| When::new(at, visit.app().now())),
        user: account.identifier,
        connection: account.connection,
        delete,
    };
    Ok(visit.page(&view))
}

/// `POST /accounts/{id}/delete`
pub(in crate::web::dashboard) async fn delete(
    Path(id): Path<String>,
    Posted { visit, .. }: Posted,
) -> Response {
    let done = accounts::delete(visit.app(), visit.caller(), &Lookup::id(id)).await;
    visit.answer(done.map(|_| visit.done("/accounts", Flash::AccountDeleted)))
}

fn facts(account: &Account, verified: bool) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    let identity = account.identity_label.clone().or(account.identity_id.clone());
    facts.extend(identity.map(|identity| ("Connected as", identity)));
    facts.extend(account.previous_identity_id.clone().map(|before| ("Before that", before)));
    let scope = [&account.organization_id, &account.user_id].into_iter().filter(|text| !text.is_empty());
    let scope: Vec<&str> = scope.map(String::as_str).collect();
    if !scope.is_empty() {
        facts.push(("Scoped to", scope.join(", ")));
    }
    let credentials =
        if account.on_earlier_client { "an earlier client of the connection" } else { "the connection's" };
    facts.push(("Credentials", credentials.to_owned()));
    let person = if verified { "your app confirms each person" } else { "no: this environment asks nobody" };
    facts.push(("Person verified", person.to_owned()));
    facts.push(("Grant", format!("no. {}", account.generation)));
    facts.extend(account.last_failure.clone().map(|failure| ("Last failure", failure.replace('_', " "))));
    facts.extend(
        account.revoke_outcome.map(|outcome| ("Revoked at the provider", outcome.as_str().replace('_', " "))),
    );
    facts.extend(account.fields.iter().map(|(name, value)| ("Field", format!("{name} = {value}"))));
    facts
}

fn times(account: &Account, now: Timestamp) -> Vec<(&'static str, When)> {
    let known = [
        ("Made", Some(account.created_at)),
        ("Connected since", account.connected_at),
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
