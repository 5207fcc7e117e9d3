//! Reading and changing one API client.

use keybearer_core::ids::ClientId;
use keybearer_core::{Code, Error, Result};
use keybearer_store::{ClientRow, ClientSecretRow};
use serde_json::json;

use super::{ApiClient, Network, TOKEN_SECONDS, client, find, is_usable};
use crate::access::{Actor, Caller, Permission, Permissions};
use crate::audit;
use crate::paging::{List, Listed, PageAsk};
use crate::state::App;

/// Shortest life of an access token.
const LEAST_SECONDS: i64 = 60;
/// Most networks of one client.
const MOST_NETWORKS: usize = 100;

/// What to change of a client; `None` leaves a value as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpdateClient {
    /// Another name.
    pub name: Option<String>,
    /// Other permissions.
    pub permissions: Option<Permissions>,
    /// Other networks, and whether calls from elsewhere are refused.
    pub networks: Option<(Vec<String>, bool)>,
    /// Another lifetime of access tokens in seconds.
    pub token_seconds: Option<i64>,
}

/// One client of the caller's environment.
///
/// # Errors
/// [`Code::PermissionDenied`], [`Code::NotFound`].
pub async fn get(app: &App, caller: &Caller, id: &ClientId) -> Result<ApiClient> {
    caller.require(Permission::ClientsRead)?;
    let row = find(app, &caller.environment, id).await?;
    client(row, app.db().list_client_secrets(id).await?)
}

/// One page of the environment's clients, newest first: 10 unless asked otherwise, 30 at most.
///
/// # Errors
/// [`Code::PermissionDenied`]; [`Code::InvalidArgument`] at `page_size` or `page_token`.
pub async fn page(app: &App, caller: &Caller, ask: &PageAsk) -> Result<Listed<ApiClient>> {
    caller.require(Permission::ClientsRead)?;
    let list = List {
        environment: &caller.environment,
        name: "clients",
        query: "",
        prefix: ClientId::PREFIX,
        default_size: 10,
        max_size: 30,
    };
    let rows = app.db().page_clients(&caller.environment, &list.request(app, ask)?).await?;
    let listed = list.listed(app, rows)?;
    let mut items = Vec::with_capacity(listed.items.len());
    for row in listed.items {
        let secrets = app.db().list_client_secrets(&row.id).await?;
        items.push(client(row, secrets)?);
    }
    Ok(Listed { items, total: listed.total, next: listed.next, previous: listed.previous })
}

/// Changes a client. A caller cannot give what it does not have itself, nor change a client that has more.
///
/// # Errors
/// Those of [`super::create_client`]; [`Code::NotFound`]; [`Code::FailedPrecondition`] when no client could make
/// others any more.
pub async fn update(app: &App, caller: &Caller, id: &ClientId, change: UpdateClient) -> Result<ApiClient> {
    caller.require(Permission::ClientsWrite)?;
    let mut row = find(app, &caller.environment, id).await?;
    let permissions = match change.permissions {
        Some(permissions) => permissions,
        None => Permissions::parse(row.permissions.iter().map(String::as_str))?,
    };
    row.permissions = permissions.texts();
    row.name = change.name.unwrap_or(row.name);
    (row.networks, row.networks_enforced) = change.networks.unwrap_or((row.networks, row.networks_enforced));
    row.token_seconds = change.token_seconds.or(row.token_seconds);
    row.updated_at = app.now();
    check(caller, &row, &permissions)?;
    keep_a_way_in(app, caller, |all| {
        all.iter_mut().filter(|(other, _)| other.id == row.id).for_each(|(other, _)| *other = row.clone());
    })
    .await?;
    if !app.db().update_client(&row).await? {
        return Err(super::unknown_client());
    }
    let detail = json!({
        "permissions": row.permissions, "networks": row.networks, "networks_enforced": row.networks_enforced,
        "token_seconds": row.token_seconds,
    });
    audit::record(app, caller, "client.updated", id.as_str(), detail).await?;
    client(row, app.db().list_client_secrets(id).await?)
}

/// Goes on only when the caller has every permission of the client: whoever holds its secret acts with them.
pub(super) fn require_cover(caller: &Caller, row: &ClientRow) -> Result<()> {
    let has =
        |text: &String| Permission::parse(text).is_none_or(|permission| caller.permissions.has(permission));
    match row.permissions.iter().all(has) {
        true => Ok(()),
        false => Err(Error::new(
            Code::PermissionDenied,
            "nobody can make a secret of a client that may do more than they may themselves",
        )),
    }
}

/// Judges a client as it is about to be written.
pub(super) fn check(caller: &Caller, row: &ClientRow, permissions: &Permissions) -> Result<()> {
    if !caller.permissions.covers(permissions) {
        return Err(Error::new(
            Code::PermissionDenied,
            "nobody can give permissions that they lack themselves",
        ));
    }
    let name = &row.name;
    if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
        return Err(Error::field("name", "must have 1 to 100 characters"));
    }
    if row.networks.len() > MOST_NETWORKS {
        return Err(Error::field("ip_allowlist.cidrs", format!("must have at most {MOST_NETWORKS} entries")));
    }
    if let Some(bad) = row.networks.iter().position(|text| Network::parse(text).is_none()) {
        let field = format!("ip_allowlist.cidrs[{bad}].value");
        return Err(Error::field(field, "must be an address or a network, for example 192.0.2.0/24"));
    }
    if row.networks_enforced && row.networks.is_empty() {
        return Err(Error::field("ip_allowlist.cidrs", "must have an entry, or nobody could call"));
    }
    let bounds = LEAST_SECONDS..=TOKEN_SECONDS;
    if row.token_seconds.is_some_and(|seconds| !bounds.contains(&seconds)) {
        let words = format!("must be between {LEAST_SECONDS} and {TOKEN_SECONDS} seconds");
        return Err(Error::field("access_token_expiry", words));
    }
    Ok(())
}

type Clients = Vec<(ClientRow, Vec<ClientSecretRow>)>;

/// Refuses a change after which no client of the environment could make others, unless there is none already. The
/// operator at the machine may do it: the command line makes a new one.
pub(super) async fn keep_a_way_in(
    app: &App,
    caller: &Caller,
    change: impl FnOnce(&mut Clients),
) -> Result<()> {
    if caller.actor == Actor::Operator {
        return Ok(());
    }
    let mut all = Vec::new();
    for row in app.db().list_clients(&caller.environment).await? {
        let secrets = app.db().list_client_secrets(&row.id).await?;
        all.push((row, secrets));
    }
    let open = |all: &Clients| {
        all.iter().any(|(row, secrets)| {
            let may = row.permissions.iter().any(|text| text == Permission::ClientsWrite.as_str());
            !row.disabled && may && secrets.iter().any(|secret| is_usable(secret, app.now()))
        })
    };
    let before = open(&all);
    change(&mut all);
    if before && !open(&all) {
        return Err(Error::new(Code::FailedPrecondition, "no API client could make others any more")
            .with_help("create another client with `api_credentials:write` first"));
    }
    Ok(())
}
