//! What the browser that opened a connect link may call (`docs/adr/0005`): its own account, and its user's other
//! accounts where the operator allows that. Calls that an API client may make too go through here for both.

use keybearer_core::ids::{AccountId, ConnectionId};
use keybearer_core::{AccountStatus, Code, ConnectionState, Error, Result};
use keybearer_store::{AccountRow, ConnectionFilter, ConnectionRow, PageRequest, Position};
use url::Url;

use crate::access::{Actor, Caller, LinkSession};

use crate::accounts::{self, Account, Credentials, Lookup, ScopeSelection, UpdateAccount};
use crate::analytics::{self, Overview};
use crate::brand;
use crate::flows::{self, Link, LinkRequest};
use crate::paging::{Listed, PageAsk};
use crate::providers::{self, Provider};
use crate::state::App;
use crate::tool_calls::{self, ToolCall, ToolCallQuery};
use crate::user_pages;

/// A connection as its user sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MyConnection {
    /// Its id.
    pub connection_id: ConnectionId,
    /// The wire's key of its connector.
    pub provider: String,
    /// Its name.
    pub connection_name: String,
    /// Whether it is in use.
    pub enabled: bool,
    /// The user's account on it.
    pub account: Option<(AccountId, AccountStatus)>,
}

/// An account, without secrets: the one that is named, or the one of the browser's link.
///
/// # Errors
/// Those of [`accounts::get`]; [`Code::PermissionDenied`] when the link is for another account.
pub async fn get(app: &App, caller: &Caller, lookup: &Lookup) -> Result<Account> {
    let (caller, lookup) = meant(caller, lookup)?;
    accounts::get(app, &caller, &lookup).await
}

/// Disconnects the account that is named, or the one of the browser's link.
///
/// # Errors
/// Those of [`accounts::disconnect`]; [`Code::PermissionDenied`] when the link is for another account.
pub async fn disconnect(app: &App, caller: &Caller, lookup: &Lookup) -> Result<Account> {
    let (caller, lookup) = meant(caller, lookup)?;
    accounts::disconnect(app, &caller, &lookup).await.map(|done| done.account)
}

/// Changes the account that is named. The browser of a link changes the choice of scopes of its own account and
/// nothing else: credentials and fields are given on the link's page, where they are proven, and where a value that
/// decides a host is never laid beside a token that somebody else granted.
///
/// # Errors
/// Those of [`accounts::update`]; [`Code::PermissionDenied`] for anything that a link does not allow.
pub async fn update(app: &App, caller: &Caller, lookup: &Lookup, patch: UpdateAccount) -> Result<Account> {
    if matches!(caller.actor, Actor::Session(_)) {
        let credentials = !matches!(patch.credentials, Credentials::None);
        if credentials || patch.api_config.is_some() || !patch.fields.is_empty() {
            let detail = "a connect link changes the scope_selection only";
            return Err(Error::new(Code::PermissionDenied, detail)
                .with_help("give credentials and fields on the page of the link"));
        }
    }
    let (caller, lookup) = meant(caller, lookup)?;
    accounts::update(app, &caller, &lookup, patch).await
}

/// Where the browser of a link goes on.
///
/// # Errors
/// [`Code::PermissionDenied`] for others, [`Code::InvalidScopeSelection`].
pub async fn redirect_url(app: &App, caller: &Caller, selection: Option<&ScopeSelection>) -> Result<Url> {
    flows::redirect_url(app, session(caller)?, selection).await
}

/// The connections of the app, with the account that the user of the link has on each.
///
/// # Errors
/// [`Code::PermissionDenied`] for others, and where the operator has not allowed it.
pub async fn connections(app: &App, caller: &Caller) -> Result<Vec<MyConnection>> {
    let user = user(app, caller).await?;
    let mut mine = Vec::new();
    for row in in_use(app, caller).await? {
        let account = account_on(app, &row.id, &user).await?;
        mine.push(MyConnection {
            connection_id: row.id,
            provider: row.connector.to_ascii_uppercase(),
            connection_name: row.name,
            enabled: row.state == ConnectionState::Active,
            account: account.map(|account| (account.id, account.status)),
        });
    }
    Ok(mine)
}

/// The connectors of those connections, each once.
///
/// # Errors
/// Those of [`connections`].
pub async fn connectors(app: &App, caller: &Caller) -> Result<Vec<Provider>> {
    user(app, caller).await?;
    let mut slugs: Vec<String> = in_use(app, caller)
        .await?
        .into_iter()
        .filter(|row| row.state == ConnectionState::Active)
        .map(|row| row.connector)
        .collect();
    slugs.sort();
    slugs.dedup();
    let mut found = Vec::new();
    for slug in &slugs {
        found.extend(providers::shown(app, &caller.environment, slug).await?);
    }
    Ok(found)
}

/// Disconnects one of the accounts of the user of the link. Somebody else's answers like one that does not exist.
///
/// # Errors
/// Those of [`connections`], and [`Code::AccountNotFound`].
pub async fn disconnect_mine(app: &App, caller: &Caller, id: &str) -> Result<Account> {
    let user = user(app, caller).await?;
    let unknown = || Error::new(Code::AccountNotFound, "there is no such account");
    let id = AccountId::parse(id).ok_or_else(unknown)?;
    let row = app.db().find_account(&id).await?.filter(|row| is_of(row, &user)).ok_or_else(unknown)?;
    let lookup = Lookup::id(row.id.as_str());
    accounts::disconnect(app, &holder(caller), &lookup).await.map(|done| done.account)
}

/// A connect link for the user of the link on another connection. It is verified like the first one and ends no later.
///
/// # Errors
/// Those of [`connections`], and those of a link.
pub async fn link(app: &App, caller: &Caller, connection: &str) -> Result<Link> {
    let user = user(app, caller).await?;
    let flow = flows::link_of(app, session(caller)?).await?;
    let rest = flow.expires_at.since(app.now());
    let lookup = Lookup {
        organization_id: Some(user.organization_id),
        user_id: Some(user.user_id),
        ..Lookup::of(connection, user.identifier)
    };
    let from_user_page = user_pages::leads_back(app, flow.return_url.as_ref());
    // the list may be another one by now: then the page has no way back, and the link is made all the same
    let return_url = match flow.return_url {
        Some(url) => brand::return_url(app, &caller.environment, "return_url", &url).await.ok(),
        None => None,
    };
    let request = LinkRequest {
        lookup,
        app_state: flow.app_state,
        user_verify_url: flow.user_verify_url,
        lifetime: Some(rest.min(app.config().link_lifetime)),
        scope_selection: None,
        locale: flow.locale,
        from_user_page,
        fields: std::collections::BTreeMap::new(),
        return_url: return_url.map(String::from),
        note: None,
    };
    flows::create_link(app, &holder(caller), request).await
}

/// The calls of the account of the link.
///
/// # Errors
/// [`Code::PermissionDenied`] for others, and those of [`tool_calls::list`].
pub async fn calls(
    app: &App,
    caller: &Caller,
    query: ToolCallQuery,
    ask: &PageAsk,
) -> Result<Listed<ToolCall>> {
    tool_calls::list(app, &holder(caller), of_link(caller, query)?, ask).await
}

/// The sums over the calls of the account of the link.
///
/// # Errors
/// [`Code::PermissionDenied`] for others, and those of [`analytics::overview`].
pub async fn overview(app: &App, caller: &Caller, query: ToolCallQuery) -> Result<Overview> {
    analytics::overview(app, &holder(caller), of_link(caller, query)?).await
}

/// The query, for the account of the link alone. Another one that is named answers as everywhere in a session.
fn of_link(caller: &Caller, query: ToolCallQuery) -> Result<ToolCallQuery> {
    session(caller)?;
    let (_, lookup) = meant(caller, &Lookup { id: query.account_id, ..Lookup::default() })?;
    Ok(ToolCallQuery { account_id: lookup.id, ..query })
}

/// Who acts on what: an API client on what it names, a browser on the account of its link.
fn meant(caller: &Caller, lookup: &Lookup) -> Result<(Caller, Lookup)> {
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let others = [&lookup.connector, &lookup.identifier, &lookup.organization_id, &lookup.user_id];
    let named = others.into_iter().any(|text| given(text).is_some());
    let Actor::Session(session) = &caller.actor else {
        if !named && given(&lookup.id).is_none() {
            let detail =
                "must be `ca_` and digits: only the browser of a connect link has an account of its own";
            return Err(Error::field("id", detail));
        }
        return Ok((caller.clone(), lookup.clone()));
    };
    if named || given(&lookup.id).is_some_and(|id| id != session.account.as_str()) {
        return Err(Error::new(
            Code::PermissionDenied,
            "the connect link of this browser is for another account",
        ));
    }
    Ok((holder(caller), Lookup::id(session.account.as_str())))
}

/// The account holder, with every right: what they act on was decided before.
fn holder(caller: &Caller) -> Caller {
    Caller::trusted(caller.environment.clone(), Actor::User, caller.reference.clone())
}

fn session(caller: &Caller) -> Result<&LinkSession> {
    match &caller.actor {
        Actor::Session(session) => Ok(session),
        _ => Err(Error::new(
            Code::PermissionDenied,
            "only the browser that opened a connect link may call this",
        )),
    }
}

/// The account of the link, for the user that it names.
async fn user(app: &App, caller: &Caller) -> Result<AccountRow> {
    let session = session(caller)?;
    if !app.config().links_open_all_accounts {
        let detail = "a connect link is for one account: the operator has not opened the others of its user";
        return Err(Error::new(Code::PermissionDenied, detail)
            .with_help("set `links_open_all_accounts = true` in the configuration"));
    }
    let row = app.db().find_account(&session.account).await?.filter(|row| !row.org_wide);
    row.ok_or_else(|| Error::new(Code::PermissionDenied, "the connect link is not for a user"))
}

fn is_of(row: &AccountRow, user: &AccountRow) -> bool {
    let key = |row: &AccountRow| {
        (row.environment_id.clone(), row.identifier.clone(), row.organization_id.clone(), row.user_id.clone())
    };
    !row.org_wide && key(row) == key(user)
}

async fn account_on(app: &App, connection: &ConnectionId, user: &AccountRow) -> Result<Option<AccountRow>> {
    let AccountRow { identifier, organization_id, user_id, .. } = user;
    Ok(app.db().find_account_of(connection, identifier, organization_id, user_id).await?)
}

/// Every connection of the environment that is set up.
async fn in_use(app: &App, caller: &Caller) -> Result<Vec<ConnectionRow>> {
    let (mut all, mut request) = (Vec::new(), PageRequest::first(100));
    loop {
        let filter = ConnectionFilter::default();
        let page = app.db().list_connections(&caller.environment, &filter, &request).await?;
        all.extend(page.rows.into_iter().filter(|row| row.state != ConnectionState::Draft));
        match page.next {
            Some(cursor) => request.position = Position::After(cursor),
            None => return Ok(all),
        }
    }
}
