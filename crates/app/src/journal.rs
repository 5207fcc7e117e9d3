//! The log that people read: connects, refreshes, calls, webhooks and changes in one list, and one account's story.
//!
//! What is kept: ids, paths without query, states, codes and times. No header, no body, no text of a provider.

use keybearer_core::ids::{AccountId, ConnectionId};
use keybearer_core::{Error, Result, Timestamp};
use keybearer_store::{JournalFilter, JournalRow};

use crate::access::{Caller, Permission};
use crate::connections;
use crate::state::App;

pub use keybearer_store::JournalKind as Kind;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where it comes from.
    pub kind: Kind,
    /// When it began.
    pub at: Timestamp,
    /// Names it among its kind.
    pub id: String,
    /// What a person quotes.
    pub reference: String,
    /// Who did it, where it came in, or where it went.
    pub actor: Option<String>,
    /// Call, outcome, event type or action.
    pub what: String,
    /// HTTP status, number of the try, state or target.
    pub status: Option<String>,
    /// Why it failed: a code.
    pub reason: Option<String>,
    /// More, as text or JSON.
    pub words: Option<String>,
    /// Whether it failed.
    pub failed: bool,
    /// How long it took.
    pub duration_ms: Option<i64>,
    /// The provider's part of it.
    pub provider_ms: Option<i64>,
    /// When the next try is due, or when a link ends.
    pub next_at: Option<Timestamp>,
    /// Agent run, generation of the grant, or number of tries.
    pub further: Option<String>,
    /// The account's user, while there is the account.
    pub person: Option<String>,
    /// The connection's name, while there is the connection.
    pub connection: Option<String>,
    /// The account.
    pub account_id: Option<String>,
    /// The connection.
    pub connection_id: Option<String>,
    /// How far somebody got with a link.
    pub way: Option<Way>,
}

/// How far somebody got with a link, and when. What was not noted is absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Way {
    /// It was opened first.
    pub opened: Option<Timestamp>,
    /// Somebody left for the provider first.
    pub left: Option<Timestamp>,
    /// Somebody came back first.
    pub returned: Option<Timestamp>,
    /// It was done, or failed for good.
    pub finished: Option<Timestamp>,
    /// A page showed a problem last.
    pub trouble: Option<Timestamp>,
}

/// Which lines are wanted. Empty means all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Only this kind; else all but events.
    pub kind: Option<Kind>,
    /// Only this connection's; id or name.
    pub connection: Option<String>,
    /// Only this account's.
    pub account: Option<String>,
    /// Only those of this user's accounts.
    pub person: Option<String>,
    /// Not before this time.
    pub from: Option<Timestamp>,
    /// Before this time.
    pub until: Option<Timestamp>,
    /// Only those that failed, or did not.
    pub failed: Option<bool>,
    /// Only those that say this somewhere.
    pub text: Option<String>,
}

/// Where a page begins: after the line of this time and id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its time.
    pub at: Timestamp,
    /// Its id.
    pub id: String,
}

impl Place {
    /// Reads `MICROSECONDS.ID`; it only says where to go on, inside the caller's own log.
    pub fn parse(text: &str) -> Option<Self> {
        let (micros, id) = text.split_once('.')?;
        let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
        let at = Timestamp::from_micros(micros.parse().ok()?);
        (id.len() <= 100 && id.bytes().all(known)).then(|| Self { at, id: id.to_owned() })
    }

    /// The text that [`Self::parse`] reads.
    pub fn as_text(&self) -> String {
        format!("{}.{}", self.at.micros(), self.id)
    }
}

/// One page of the log, newest first, and where the next one begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lines {
    /// The lines.
    pub items: Vec<Entry>,
    /// After the last one, when there are more.
    pub next: Option<Place>,
}

/// The kinds of the log; events belong to an account's story.
const KINDS: [Kind; 5] = [Kind::Connect, Kind::Refresh, Kind::Call, Kind::Webhook, Kind::Change];

/// One page of the log, newest first; 200 lines at most.
///
/// # Errors
/// `PermissionDenied`, `ConnectionNotFound`, `InvalidArgument` at a malformed account id.
pub async fn list(
    app: &App,
    caller: &Caller,
    query: &Query,
    after: Option<&Place>,
    size: usize,
) -> Result<Lines> {
    caller.require(Permission::LogsRead)?;
    let filter = filter(app, caller, query).await?;
    let kinds = query.kind.map_or_else(|| KINDS.to_vec(), |kind| vec![kind]);
    merged(app, caller, &kinds, &filter, (after, size)).await
}

/// What happened to an account, newest first, events included; 200 lines at most. What its own rows tell needs no further
/// permission than to see the account; calls and changes are those of the log.
///
/// # Errors
/// `PermissionDenied`, `InvalidArgument` at a malformed id.
pub async fn story(
    app: &App,
    caller: &Caller,
    account: &AccountId,
    after: Option<&Place>,
    size: usize,
) -> Result<Lines> {
    caller.require(Permission::AccountsRead)?;
    let mut kinds = vec![Kind::Connect, Kind::Refresh, Kind::Event];
    if caller.permissions.has(Permission::LogsRead) {
        kinds.extend([Kind::Call, Kind::Change]);
    }
    let filter = JournalFilter { account_id: Some(account.clone()), ..JournalFilter::default() };
    merged(app, caller, &kinds, &filter, (after, size)).await
}

/// Everything that a reference or an id names, oldest first.
///
/// # Errors
/// `PermissionDenied`.
pub async fn find(app: &App, caller: &Caller, reference: &str) -> Result<Vec<Entry>> {
    caller.require(Permission::LogsRead)?;
    let reference = reference.trim();
    // references are read aloud; ids are copied
    let upper = reference.to_ascii_uppercase();
    let wanted = if reference.contains('_') { reference } else { upper.as_str() };
    let mut found = Vec::new();
    for kind in Kind::ALL {
        found.extend(app.db().find_journal(&caller.environment, kind, wanted).await?);
    }
    let mut found: Vec<Entry> = found.into_iter().filter_map(entry).collect();
    found.sort_by(|one, other| (one.at, &one.id).cmp(&(other.at, &other.id)));
    Ok(found)
}

async fn merged(
    app: &App,
    caller: &Caller,
    kinds: &[Kind],
    filter: &JournalFilter,
    (after, size): (Option<&Place>, usize),
) -> Result<Lines> {
    let size = size.clamp(1, 200);
    let far = Place { at: Timestamp::from_micros(i64::MAX), id: String::new() };
    let place = after.unwrap_or(&far);
    let fetch = i64::try_from(size).unwrap_or(200).saturating_add(1);
    let mut all = Vec::new();
    for kind in kinds {
        let cursor = (place.at, place.id.as_str());
        let rows = app.db().list_journal(&caller.environment, *kind, filter, cursor, fetch).await?;
        all.extend(rows.into_iter().filter_map(entry));
    }
    all.sort_by(|one, other| (other.at, &other.id).cmp(&(one.at, &one.id)));
    let more = all.len() > size;
    all.truncate(size);
    let next = all.last().filter(|_| more).map(|last| Place { at: last.at, id: last.id.clone() });
    Ok(Lines { items: all, next })
}

async fn filter(app: &App, caller: &Caller, query: &Query) -> Result<JournalFilter> {
    let text = |value: &Option<String>| value.clone().filter(|value| !value.is_empty());
    let connection_id: Option<ConnectionId> = match text(&query.connection) {
        Some(connection) => Some(connections::row(app, &caller.environment, &connection).await?.id),
        None => None,
    };
    let account_id = match text(&query.account) {
        Some(account) => Some(
            AccountId::parse(&account).ok_or_else(|| Error::field("account", "must be `ca_` and digits"))?,
        ),
        None => None,
    };
    Ok(JournalFilter {
        connection_id,
        account_id,
        person: text(&query.person),
        from: query.from,
        until: query.until,
        failed: query.failed,
        text: text(&query.text),
    })
}

fn entry(row: JournalRow) -> Option<Entry> {
    let kind = Kind::parse(&row.kind)?;
    let way = row.words.as_deref().filter(|_| kind == Kind::Connect).map(way);
    Some(Entry {
        kind,
        at: row.at,
        id: row.id,
        reference: row.reference,
        actor: row.actor,
        what: row.what,
        status: row.status,
        reason: row.reason,
        words: row.words.filter(|_| way.is_none()),
        way,
        failed: row.failed != 0,
        duration_ms: row.duration_ms,
        provider_ms: row.provider_ms,
        next_at: row.next_at,
        further: row.further,
        person: row.person,
        connection: row.connection_name,
        account_id: row.account_id,
        connection_id: row.connection_id,
    })
}

/// The five times that the store joins with bars.
fn way(text: &str) -> Way {
    let mut times = text.split('|').map(|micros| micros.parse().ok().map(Timestamp::from_micros));
    let mut next = || times.next().flatten();
    Way { opened: next(), left: next(), returned: next(), finished: next(), trouble: next() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_time_and_an_id_and_nothing_else() {
        let place = Place::parse("1700000000000000.evt_12.whe_3").unwrap();
        assert_eq!((place.at.micros(), place.id.as_str()), (1_700_000_000_000_000, "evt_12.whe_3"));
        assert_eq!(Place::parse(&place.as_text()), Some(place));
        for bad in ["", "12", "x.evt_1", "1.evt_1' OR 1=1", "1.\u{fffd}", &format!("1.{}", "a".repeat(101))] {
            assert_eq!(Place::parse(bad), None, "{bad}");
        }
    }
}
