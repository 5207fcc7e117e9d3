//! What a page shows: each account of the user, and each connection that they could use besides.

use std::collections::HashMap;
use std::sync::Arc;

use keybearer_connectors::Connector;
use keybearer_connectors::schema::AuthMethod;
use keybearer_core::{AccountStatus, ConnectionState, Result};
use keybearer_store::{AccountRow, ConnectionFilter, ConnectionRow, PageRequest, Position, UserPageRow};

use crate::flows::page::{ServiceLine, ServiceState};
use crate::state::App;
use crate::{accounts, flows, providers};

/// Most accounts of one user that are shown.
const MOST: i64 = 500;

/// A connection of the page with its connector.
pub(super) struct Service {
    pub row: ConnectionRow,
    pub connector: Arc<Connector>,
}

impl Service {
    /// The auth method of an account, or of the connection.
    pub fn method(&self, account: Option<&AccountRow>) -> Option<&AuthMethod> {
        self.connector.method(account.map_or(&self.row.method, |account| &account.method))
    }
}

/// Everything on the page, sorted by the service's name.
pub(super) async fn all(app: &App, page: &UserPageRow) -> Result<Vec<ServiceLine>> {
    let accounts = accounts_of(app, page).await?;
    let services = services(app, page, &accounts).await?;
    let mut lines = Vec::new();
    for service in &services {
        let of_service = accounts.iter().filter(|account| account.connection_id == service.row.id);
        let before = lines.len();
        lines.extend(of_service.map(|account| line(service, Some(account))));
        if lines.len() == before && service.row.state == ConnectionState::Active {
            lines.push(line(service, None));
        }
    }
    lines.sort_by_cached_key(|line| (line.service.to_lowercase(), line.label.clone(), line.account.clone()));
    label(&mut lines);
    Ok(lines)
}

/// The user's accounts in the scope of the page. What serves everybody is nobody's own.
async fn accounts_of(app: &App, page: &UserPageRow) -> Result<Vec<AccountRow>> {
    let rows = app.db().list_accounts_of_person(&page.environment_id, &page.identifier, MOST).await?;
    let fits = |wanted: &str, has: &str| wanted.is_empty() || wanted == has;
    Ok(rows
        .into_iter()
        .filter(|row| !row.org_wide)
        .filter(|row| fits(&page.organization_id, &row.organization_id) && fits(&page.user_id, &row.user_id))
        .filter(|row| {
            page.connections.is_empty() || page.connections.contains(&row.connection_id.to_string())
        })
        .collect())
}

async fn services(app: &App, page: &UserPageRow, accounts: &[AccountRow]) -> Result<Vec<Service>> {
    let mut rows: HashMap<String, ConnectionRow> = HashMap::new();
    if page.connections.is_empty() {
        rows.extend(active(app, page).await?.into_iter().map(|row| (row.id.to_string(), row)));
    }
    let named = page.connections.iter().filter_map(|id| keybearer_core::ids::ConnectionId::parse(id));
    let used = accounts.iter().map(|account| account.connection_id.clone());
    for id in named.chain(used) {
        if rows.contains_key(id.as_str()) {
            continue;
        }
        // one that was deleted since is left out
        let found = app.db().find_connection(&id).await?;
        let ours = found.filter(|row| row.environment_id == page.environment_id);
        rows.extend(ours.map(|row| (row.id.to_string(), row)));
    }
    let mut services = Vec::with_capacity(rows.len());
    for row in rows.into_values().filter(|row| row.state != ConnectionState::Draft) {
        let connector = providers::for_view(app, &row.environment_id, &row.connector).await?;
        services.extend(connector.map(|connector| Service { row, connector }));
    }
    Ok(services)
}

async fn active(app: &App, page: &UserPageRow) -> Result<Vec<ConnectionRow>> {
    let filter = ConnectionFilter { state: Some(ConnectionState::Active), ..ConnectionFilter::default() };
    let (mut rows, mut position) = (Vec::new(), Position::Start);
    loop {
        let request = PageRequest { position, limit: 100 };
        let listed = app.db().list_connections(&page.environment_id, &filter, &request).await?;
        rows.extend(listed.rows);
        match listed.next {
            Some(cursor) => position = Position::After(cursor),
            None => return Ok(rows),
        }
    }
}

fn line(service: &Service, account: Option<&AccountRow>) -> ServiceLine {
    let state = account.map_or(ServiceState::Open, |account| state(service, account));
    let works = matches!(state, ServiceState::Connected | ServiceState::More);
    let known = |row: &&AccountRow| row.status != AccountStatus::PendingAuth;
    let known = account.filter(known);
    let granted = account.filter(|_| works).map(|row| match row.granted_scopes.is_empty() {
        true => &row.wanted_scopes,
        false => &row.granted_scopes,
    });
    let method = service.method(account);
    let sentences = granted.zip(method).map(|(scopes, method)| {
        scopes.iter().map(|scope| flows::permission(method, scope)).filter(|line| !line.plain.is_empty())
    });
    ServiceLine {
        connection: service.row.id.to_string(),
        account: account.map(|row| row.id.to_string()).unwrap_or_default(),
        service: service.connector.display_name.clone(),
        slug: service.connector.slug.clone(),
        english: !service.connector.is_custom(),
        label: Some(service.row.name.clone()),
        purpose: Some(service.row.blurb_for_users.clone()).filter(|text| !text.is_empty()),
        state,
        identity: known.and_then(|row| row.identity_label.clone().or_else(|| row.identity_id.clone())),
        since: account.filter(|_| works).and_then(|row| row.connected_at),
        used: account.filter(|_| works).and_then(|row| row.last_used_at),
        permissions: sentences.map(Iterator::collect).unwrap_or_default(),
    }
}

fn state(service: &Service, account: &AccountRow) -> ServiceState {
    if service.row.state != ConnectionState::Active {
        return ServiceState::Off;
    }
    match account.status {
        AccountStatus::Active => {
            let lacks = accounts::missing_scopes(service.method(Some(account)), account);
            if lacks.is_empty() { ServiceState::Connected } else { ServiceState::More }
        }
        AccountStatus::Expired => ServiceState::Lost,
        AccountStatus::PendingVerification => ServiceState::Waiting,
        AccountStatus::PendingAuth | AccountStatus::Disconnected => ServiceState::Open,
    }
}

/// Connections of one service are told apart by their names; a service that stands alone needs none.
fn label(lines: &mut [ServiceLine]) {
    let mut names: HashMap<String, Vec<String>> = HashMap::new();
    for line in lines.iter() {
        let connections = names.entry(line.service.clone()).or_default();
        if !connections.contains(&line.connection) {
            connections.push(line.connection.clone());
        }
    }
    for line in lines {
        if names.get(&line.service).is_none_or(|connections| connections.len() < 2) {
            line.label = None;
        }
    }
}

/// What the line of an account is about.
pub(super) async fn service_of(app: &App, account: &AccountRow) -> Result<Option<Service>> {
    let Some(row) = app.db().find_connection(&account.connection_id).await? else { return Ok(None) };
    let connector = providers::for_view(app, &row.environment_id, &row.connector).await?;
    Ok(connector.map(|connector| Service { row, connector }))
}
