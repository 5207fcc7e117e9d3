//! Listing connectors: those of the environment, newest first, then those of the catalogue by name.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use keybearer_connectors::Connector;
use keybearer_core::ids::ProviderId;
use keybearer_core::{Code, Result, Timestamp};
use keybearer_store::{Cursor, CustomConnectorRow, Page, PageRequest, Position};

use super::find;
use super::types::Provider;
use crate::access::{Caller, Permission};
use crate::paging::{List, Listed, PageAsk};
use crate::state::App;

/// Which connectors a list shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProviderKind {
    /// Those of the catalogue.
    #[default]
    Default,
    /// Those of the environment.
    Custom,
    /// Both.
    All,
}

/// One page of connectors: 1000 unless asked otherwise, which is also the most.
///
/// With `identifier` it is that one alone, or none.
///
/// # Errors
/// [`Code::PermissionDenied`], or `InvalidArgument` at `page_size` or `page_token`.
pub async fn list(
    app: &App,
    caller: &Caller,
    kind: ProviderKind,
    identifier: Option<&str>,
    page: &PageAsk,
) -> Result<Listed<Provider>> {
    caller.require(Permission::ConnectorsRead)?;
    if let Some(identifier) = identifier.filter(|identifier| !identifier.is_empty()) {
        return one(app, caller, kind, identifier).await;
    }
    let bound = format!("{kind:?}");
    let list = List {
        environment: &caller.environment,
        name: "providers",
        query: &bound,
        prefix: ProviderId::PREFIX,
        default_size: 1000,
        max_size: 1000,
    };
    let request = list.request(app, page)?;
    let catalogue: Vec<Arc<Connector>> = match kind {
        ProviderKind::Custom => Vec::new(),
        _ => app.catalog().iter().cloned().collect(),
    };
    let view = View { app, caller, catalogue, customs: kind != ProviderKind::Default };
    list.listed(app, view.page(&request).await?)
}

/// How many connections, and how many accounts of them, use each connector of the environment.
///
/// # Errors
/// [`Code::PermissionDenied`].
pub async fn tally(app: &App, caller: &Caller) -> Result<BTreeMap<String, (i64, i64)>> {
    caller.require(Permission::ConnectorsRead)?;
    let rows = app.db().custom_connector_tally(&caller.environment).await?;
    Ok(rows.into_iter().map(|row| (row.identifier, (row.connections, row.accounts))).collect())
}

async fn one(app: &App, caller: &Caller, kind: ProviderKind, identifier: &str) -> Result<Listed<Provider>> {
    let found = match find::get(app, caller, identifier).await {
        Ok(found) => Some(found),
        Err(error) if error.code == Code::ConnectorNotFound => None,
        Err(error) => return Err(error),
    };
    let items: Vec<Provider> = found
        .into_iter()
        .filter(|found| match found {
            Provider::Catalogue(_) => kind != ProviderKind::Custom,
            Provider::Custom(_) => kind != ProviderKind::Default,
        })
        .collect();
    Ok(Listed { total: i64::try_from(items.len()).unwrap_or(i64::MAX), items, next: None, previous: None })
}

/// One list of two parts. A connector of the catalogue stands in it as if it was made at time 0, which is before all
/// others, with its place counted from the end as its number: so the keys of both parts fall from start to end.
struct View<'a> {
    app: &'a App,
    caller: &'a Caller,
    catalogue: Vec<Arc<Connector>>,
    customs: bool,
}

impl View<'_> {
    async fn page(&self, request: &PageRequest) -> Result<Page<Provider>> {
        let limit = usize::try_from(request.limit).unwrap_or(usize::MAX);
        let nothing = || PageRequest { limit: 0, ..request.clone() };
        let (rows, part) = match &request.position {
            Position::After(cursor) if is_of_catalogue(cursor) => {
                let start = self.place(cursor).saturating_add(1);
                (self.rows(&nothing()).await?, start..start.saturating_add(limit))
            }
            Position::Before(cursor) if is_of_catalogue(cursor) => {
                let end = self.place(cursor);
                let start = end.saturating_sub(limit);
                let oldest = Cursor { created_at: Timestamp::from_micros(0), id: String::new() };
                let room = i64::try_from(limit.saturating_sub(end - start)).unwrap_or(i64::MAX);
                let before = PageRequest { position: Position::Before(oldest), limit: room };
                (self.rows(&before).await?, start..end)
            }
            Position::Before(_) => (self.rows(request).await?, 0..0),
            Position::Start | Position::After(_) => {
                let rows = self.rows(request).await?;
                let room = if rows.next.is_some() { 0 } else { limit.saturating_sub(rows.rows.len()) };
                (rows, 0..room)
            }
        };
        let end = part.end.min(self.catalogue.len());
        Ok(self.joined(rows, part.start.min(end)..end))
    }

    /// Rows of the environment; none when the limit is 0, but their number.
    async fn rows(&self, request: &PageRequest) -> Result<Page<CustomConnectorRow>> {
        if !self.customs {
            return Ok(Page { rows: Vec::new(), total: 0, previous: None, next: None });
        }
        let page = self.app.db().list_custom_connectors(&self.caller.environment, request).await?;
        Ok(match request.limit {
            0 => Page { rows: Vec::new(), previous: None, next: None, ..page },
            _ => page,
        })
    }

    fn joined(&self, rows: Page<CustomConnectorRow>, part: Range<usize>) -> Page<Provider> {
        let entries = self.catalogue.get(part.clone()).unwrap_or_default();
        let all = self.catalogue.len();
        let next = if entries.is_empty() {
            let follows = rows.next.is_some() || all > 0;
            rows.rows.last().filter(|_| follows).map(key)
        } else {
            (part.end < all).then(|| self.key(part.end - 1))
        };
        let previous = if rows.rows.is_empty() {
            let precedes = part.start > 0 || rows.total > 0;
            (precedes && !entries.is_empty()).then(|| self.key(part.start))
        } else {
            rows.previous
        };
        let entries = entries.iter().cloned().map(Provider::Catalogue);
        Page {
            total: rows.total.saturating_add(i64::try_from(all).unwrap_or(i64::MAX)),
            rows: rows.rows.into_iter().map(Provider::from).chain(entries).collect(),
            previous,
            next,
        }
    }

    fn key(&self, place: usize) -> Cursor {
        let from_end = self.catalogue.len().saturating_sub(place);
        Cursor { created_at: Timestamp::from_micros(0), id: format!("{}{from_end}", ProviderId::PREFIX) }
    }

    fn place(&self, cursor: &Cursor) -> usize {
        let digits = cursor.id.trim_start_matches(ProviderId::PREFIX);
        self.catalogue.len().saturating_sub(digits.parse().unwrap_or_default())
    }
}

fn is_of_catalogue(cursor: &Cursor) -> bool {
    cursor.created_at.micros() == 0
}

fn key(row: &CustomConnectorRow) -> Cursor {
    Cursor { created_at: row.created_at, id: row.id.as_str().to_owned() }
}
