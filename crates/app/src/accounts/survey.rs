//! The list of accounts as people filter it. Its total stops at a limit: counting on would cost a look at every account
//! for each page. The lists of the wire count all.

use std::time::Duration;

use keybearer_core::ids::{AccountId, ConnectionId};
use keybearer_core::{AccountStatus, Error, Result};
use keybearer_store::{ConnectionFilter, PageRequest, Position, SurveyFilter, Walk};
use serde_json::json;

use super::types::Account;
use super::view;
use crate::access::{Caller, Permission};
use crate::connections;
use crate::flows::TEST_USER;
use crate::paging::{List, PageAsk};
use crate::state::App;

/// Where the total stops.
pub const MOST_COUNTED: i64 = 10_000;
/// How many accounts that may lack a scope are looked at for one page.
const MOST_LOOKED_AT: usize = 2_000;
const DAY: i64 = 86_400_000_000;
/// Most connections of one connector that a filter follows.
const MOST_CONNECTIONS: i64 = 1_000;

/// What is said beside the state of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flag {
    /// It lacks a scope that is wanted.
    ScopesBehind,
    /// Its last refresh failed; it is tried again.
    RefreshFailing,
    /// A developer made it to test the connection.
    Test,
}

impl Flag {
    /// Every flag.
    pub const ALL: [Self; 3] = [Self::ScopesBehind, Self::RefreshFailing, Self::Test];

    /// The word in addresses and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ScopesBehind => "scopes_behind",
            Self::RefreshFailing => "refresh_failing",
            Self::Test => "test",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|flag| flag.as_str() == text)
    }
}

/// Which accounts are wanted. Empty means all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SurveyQuery {
    /// A part of user or identity, or an account's id.
    pub query: Option<String>,
    /// Only those in this state.
    pub status: Option<AccountStatus>,
    /// Only those with this flag.
    pub flag: Option<Flag>,
    /// Only this connection's; id or name.
    pub connection: Option<String>,
    /// Only this connector's.
    pub connector: Option<String>,
    /// Only this user's.
    pub person: Option<String>,
    /// Only those that nothing used for more than so many days.
    pub unused_days: Option<u32>,
    /// Only those whose refresh token ends within so many days.
    pub ends_days: Option<u32>,
}

/// One page.
#[derive(Clone, Debug, PartialEq)]
pub struct Surveyed {
    /// The accounts, newest first.
    pub items: Vec<Account>,
    /// How many fit; [`MOST_COUNTED`] when `more`, and `None` where nobody can say without looking at each.
    pub total: Option<i64>,
    /// Whether there are more than the total says.
    pub more: bool,
    /// Token of the page after this one.
    pub next: Option<String>,
    /// Token of the page before this one.
    pub previous: Option<String>,
}

/// One page of the accounts that fit, newest first: 50 unless asked otherwise, 100 at most.
///
/// # Errors
/// `PermissionDenied`, `ConnectionNotFound` for an unknown `connection`, `InvalidArgument` at `page_size` or `page_token`.
pub async fn survey(app: &App, caller: &Caller, query: &SurveyQuery, ask: &PageAsk) -> Result<Surveyed> {
    caller.require(Permission::AccountsRead)?;
    let bound = bound(query);
    let list = List {
        environment: &caller.environment,
        name: "accounts:survey",
        query: &bound,
        prefix: AccountId::PREFIX,
        default_size: 50,
        max_size: 100,
    };
    let request = list.request(app, ask)?;
    let filter = filter(app, caller, query).await?;
    if filter.walk == Walk::ScopeGap {
        return behind(app, caller, &list, &filter, request).await;
    }
    let page = app
        .db()
        .survey_accounts(&caller.environment, &filter, &request, MOST_COUNTED.saturating_add(1))
        .await?;
    let listed = list.listed(app, page)?;
    Ok(Surveyed {
        total: Some(listed.total.min(MOST_COUNTED)),
        more: listed.total > MOST_COUNTED,
        next: listed.next,
        previous: listed.previous,
        items: view::many(app, listed.items).await?,
    })
}

/// All accounts that fit, for an action on each of them. More than `limit` are refused.
///
/// # Errors
/// Those of [`survey`]; `InvalidArgument` at `accounts` when there are more.
pub async fn surveyed(app: &App, caller: &Caller, query: &SurveyQuery, limit: usize) -> Result<Vec<Account>> {
    let (mut found, mut token) = (Vec::new(), String::new());
    loop {
        let page = survey(app, caller, query, &PageAsk { size: 100, token }).await?;
        found.extend(page.items);
        if found.len() > limit {
            let detail = format!("must be at most {limit} at once; narrow the filter");
            return Err(Error::field("accounts", detail));
        }
        match page.next {
            Some(next) => token = next,
            None => return Ok(found),
        }
    }
}

/// Accounts that lack a scope. The database knows which may; whether a wider scope includes it is the connector's to say.
async fn behind(
    app: &App,
    caller: &Caller,
    list: &List<'_>,
    filter: &SurveyFilter,
    mut request: PageRequest,
) -> Result<Surveyed> {
    let wanted = usize::try_from(request.limit).unwrap_or(50);
    let backward = matches!(request.position, Position::Before(_));
    let first = request.position == Position::Start;
    let (mut items, mut looked, mut edges) = (Vec::new(), 0, (None, None));
    loop {
        let page = app.db().survey_accounts(&caller.environment, filter, &request, 0).await?;
        looked += page.rows.len();
        let further = if backward { page.previous.clone() } else { page.next.clone() };
        if edges == (None, None) {
            edges = (page.previous.clone(), page.next.clone());
        }
        let shown = view::many(app, page.rows).await?;
        let mut lacking: Vec<Account> =
            shown.into_iter().filter(|account| !account.missing_scopes.is_empty()).collect();
        if backward {
            lacking.append(&mut items);
            edges.0.clone_from(&further);
        } else {
            edges.1.clone_from(&further);
        }
        match backward {
            true => items = lacking,
            false => items.append(&mut lacking),
        }
        let Some(further) = further.filter(|_| items.len() < wanted && looked < MOST_LOOKED_AT) else {
            break;
        };
        request.position = if backward { Position::Before(further) } else { Position::After(further) };
    }
    let whole = first && edges.1.is_none();
    let total = i64::try_from(items.len()).unwrap_or(i64::MAX);
    let page = keybearer_store::Page { rows: items, total, previous: edges.0, next: edges.1 };
    let listed = list.listed(app, page)?;
    Ok(Surveyed {
        total: whole.then_some(total),
        more: false,
        next: listed.next,
        previous: listed.previous,
        items: listed.items,
    })
}

async fn filter(app: &App, caller: &Caller, query: &SurveyQuery) -> Result<SurveyFilter> {
    let text = |value: &Option<String>| value.clone().filter(|value| !value.is_empty());
    let person = match query.flag {
        Some(Flag::Test) => Some(TEST_USER.to_owned()),
        _ => text(&query.person),
    };
    let now = app.now();
    let id = query.query.as_deref().and_then(|text| AccountId::parse(text.trim()));
    Ok(SurveyFilter {
        walk: match (query.flag, person) {
            (Some(Flag::ScopesBehind), _) => Walk::ScopeGap,
            (Some(Flag::RefreshFailing), _) => Walk::Failing,
            (_, Some(person)) => Walk::Person(person),
            (_, None) => Walk::All,
        },
        connections: of(app, caller, query).await?,
        status: query.status,
        query: text(&query.query).filter(|_| id.is_none()),
        id,
        unused_since: query.unused_days.map(|days| now.micros().div_euclid(DAY) - i64::from(days)),
        ends: query.ends_days.map(|days| (now, now.plus(Duration::from_secs(u64::from(days) * 86_400)))),
    })
}

/// The connections that a filter names, by themselves or by their connector.
async fn of(app: &App, caller: &Caller, query: &SurveyQuery) -> Result<Option<Vec<ConnectionId>>> {
    let environment = &caller.environment;
    let text = |value: &Option<String>| value.clone().filter(|value| !value.is_empty());
    let one = match text(&query.connection) {
        Some(connection) => Some(connections::row(app, environment, &connection).await?),
        None => None,
    };
    let slug = connections::slug(app, environment, text(&query.connector)).await?;
    match (one, slug) {
        (Some(one), slug) => {
            let fits = slug.is_none_or(|slug| slug == one.connector);
            Ok(Some(fits.then_some(one.id).into_iter().collect()))
        }
        (None, Some(slug)) => {
            let filter = ConnectionFilter { connector: Some(slug), ..ConnectionFilter::default() };
            let page = PageRequest::first(MOST_CONNECTIONS);
            let found = app.db().list_connections(environment, &filter, &page).await?;
            Ok(Some(found.rows.into_iter().map(|row| row.id).collect()))
        }
        (None, None) => Ok(None),
    }
}

/// All filters as text: what a page token is bound to.
fn bound(query: &SurveyQuery) -> String {
    json!([
        query.query,
        query.status,
        query.flag.map(Flag::as_str),
        query.connection,
        query.connector,
        query.person,
        query.unused_days,
        query.ends_days,
    ])
    .to_string()
}
