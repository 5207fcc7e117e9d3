//! API clients: the credentials with which a program calls us (RFC 6749 §4.4).

mod network;
mod secrets;
mod update;

use std::net::IpAddr;
use std::time::Duration;

use keybearer_core::ids::{ClientId, ClientSecretId, EnvironmentId};
use keybearer_core::{Code, Error, Result, SecretString, Timestamp, random_token, sha256, to_hex};
use keybearer_store::{ClientRow, ClientSecretRow, SecretState};
use serde_json::{Value, json};

use crate::access::{Actor, Caller, Permission, Permissions};
use crate::state::App;
use crate::{audit, environments, keys, signing};

pub use network::Network;
pub use secrets::{AddedSecret, add_secret, delete_secret, set_secret};
pub use update::{UpdateClient, get, page, update};

/// How long an access token lives unless its client says otherwise; no client may say more.
pub const TOKEN_SECONDS: i64 = 86_399;

/// An API client, without secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiClient {
    /// The `client_id`.
    pub id: ClientId,
    /// What a person calls it.
    pub name: String,
    /// What it may do.
    pub permissions: Permissions,
    /// Whether it is refused.
    pub disabled: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// Where it was last used from.
    pub last_used_address: Option<String>,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Networks it may call from.
    pub networks: Vec<String>,
    /// Whether calls from elsewhere are refused.
    pub networks_enforced: bool,
    /// How long its access tokens live.
    pub token_seconds: i64,
    /// Its secrets, oldest first, without their plain text.
    pub secrets: Vec<ClientSecret>,
}

/// One secret of an API client, without its plain text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientSecret {
    /// Its id.
    pub id: ClientSecretId,
    /// The last characters, for people to tell secrets apart.
    pub suffix: String,
    /// Whether it is accepted.
    pub active: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// When it ends, if it does.
    pub expires_at: Option<Timestamp>,
    /// When it last gave a token, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// Where it last gave one to.
    pub last_used_address: Option<String>,
    /// Who made it.
    pub created_by: Option<String>,
}

/// What a new client is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateClient {
    /// What a person calls it.
    pub name: String,
    /// What it may do.
    pub permissions: Permissions,
    /// Networks it may call from; only with `networks_enforced` are others refused.
    pub networks: Vec<String>,
    /// Whether calls from elsewhere are refused.
    pub networks_enforced: bool,
    /// How long its access tokens live; as usual when absent.
    pub token_seconds: Option<i64>,
}

/// A client with the secret that is shown this once.
#[derive(Debug)]
pub struct NewSecret {
    /// The client.
    pub client: ApiClient,
    /// The plain secret.
    pub secret: SecretString,
}

/// An access token for the API.
#[derive(Debug)]
pub struct AccessToken {
    /// The compact JWT.
    pub token: SecretString,
    /// Seconds until it ends.
    pub expires_in: u64,
    /// What it allows.
    pub scopes: Vec<String>,
}

/// Creates a client that is as usual but for name and permissions; see [`create_client`].
///
/// # Errors
/// Those of [`create_client`].
pub async fn create(app: &App, caller: &Caller, name: &str, permissions: Permissions) -> Result<NewSecret> {
    let new = CreateClient {
        name: name.to_owned(),
        permissions,
        networks: Vec::new(),
        networks_enforced: false,
        token_seconds: None,
    };
    create_client(app, caller, new).await
}

/// Creates a client with its first secret. A caller cannot give what it does not have itself.
///
/// # Errors
/// [`Code::PermissionDenied`], [`Code::InvalidArgument`] for an empty or long name, a network that is none, or a
/// lifetime out of bounds.
pub async fn create_client(app: &App, caller: &Caller, new: CreateClient) -> Result<NewSecret> {
    caller.require(Permission::ClientsWrite)?;
    let now = app.now();
    let row = ClientRow {
        id: app.id(ClientId::from_number)?,
        environment_id: caller.environment.clone(),
        permissions: new.permissions.texts(),
        name: new.name,
        disabled: false,
        created_at: now,
        last_used_at: None,
        last_used_address: None,
        networks: new.networks,
        networks_enforced: new.networks_enforced,
        token_seconds: new.token_seconds,
        updated_at: now,
    };
    update::check(caller, &row, &new.permissions)?;
    let (secret_row, secret) = secrets::new_secret(app, caller, &row.id)?;
    app.db().create_client(&row, &secret_row).await?;
    audit::record(app, caller, "client.created", row.id.as_str(), json!({"name": row.name})).await?;
    Ok(NewSecret { client: client(row, vec![secret_row])?, secret })
}

/// The clients of the caller's environment, oldest first.
///
/// # Errors
/// [`Code::PermissionDenied`].
pub async fn list(app: &App, caller: &Caller) -> Result<Vec<ApiClient>> {
    caller.require(Permission::ClientsRead)?;
    let mut clients = Vec::new();
    for row in app.db().list_clients(&caller.environment).await? {
        let secrets = app.db().list_client_secrets(&row.id).await?;
        clients.push(client(row, secrets)?);
    }
    Ok(clients)
}

/// Gives the client a new secret; the former ones end after `overlap`.
///
/// # Errors
/// [`Code::PermissionDenied`], [`Code::NotFound`].
pub async fn rotate(app: &App, caller: &Caller, id: &ClientId, overlap: Duration) -> Result<NewSecret> {
    caller.require(Permission::ClientsRotate)?;
    let row = find(app, &caller.environment, id).await?;
    update::require_cover(caller, &row)?;
    let until = app.now().plus(overlap);
    for mut former in app.db().list_client_secrets(id).await? {
        former.expires_at = Some(former.expires_at.map_or(until, |end| end.min(until)));
        former.updated_at = app.now();
        app.db().update_client_secret(&former).await?;
    }
    let (secret_row, secret) = secrets::new_secret(app, caller, id)?;
    app.db().add_client_secret(&secret_row).await?;
    audit::record(app, caller, "client.rotated", id.as_str(), json!({"overlap_seconds": overlap.as_secs()}))
        .await?;
    let secrets = app.db().list_client_secrets(id).await?;
    Ok(NewSecret { client: client(row, secrets)?, secret })
}

/// Deletes a client; its tokens are refused from then on.
///
/// # Errors
/// [`Code::PermissionDenied`], [`Code::NotFound`]; [`Code::FailedPrecondition`] for the last client that could make
/// others.
pub async fn delete(app: &App, caller: &Caller, id: &ClientId) -> Result<()> {
    caller.require(Permission::ClientsRotate)?;
    find(app, &caller.environment, id).await?;
    update::keep_a_way_in(app, caller, |all| all.retain(|(row, _)| row.id != *id)).await?;
    if !app.db().delete_client(&caller.environment, id).await? {
        return Err(unknown_client());
    }
    audit::record(app, caller, "client.deleted", id.as_str(), json!({})).await
}

/// Exchanges client credentials for an access token (RFC 6749 §4.4). The answer takes the same time and words
/// for an unknown client and a wrong secret. A client with a list of networks gets none from elsewhere, nor from an
/// unknown place.
///
/// # Errors
/// [`Code::Unauthenticated`].
pub async fn issue_token(
    app: &App,
    client_id: &str,
    secret: &SecretString,
    peer: Option<IpAddr>,
) -> Result<AccessToken> {
    let refused = || Error::new(Code::Unauthenticated, "the client id or the client secret is wrong");
    let id = ClientId::parse(client_id).ok_or_else(refused)?;
    let row = app.db().find_client(&id).await?;
    let secrets = app.db().list_client_secrets(&id).await?;
    let given = to_hex(&sha256(secret.expose().as_bytes()));
    let usable = secrets.iter().filter(|row| is_usable(row, app.now()));
    let known = usable.fold(None, |known, row| {
        let same = bool::from(subtle::ConstantTimeEq::ct_eq(row.hash.as_bytes(), given.as_bytes()));
        if same { Some(&row.id) } else { known }
    });
    let (row, known) = row.filter(|row| !row.disabled).zip(known).ok_or_else(refused)?;
    if !comes_from_its_networks(&row, peer) {
        return Err(Error::new(Code::Unauthenticated, "this API client may not call from this address"));
    }
    let from = peer.map(|peer| peer.to_canonical().to_string());
    app.db().touch_client(&id, app.now(), from.as_deref()).await?;
    app.db().touch_client_secret(known, app.now(), from.as_deref()).await?;
    let token_seconds = row.token_seconds.unwrap_or(TOKEN_SECONDS);
    let claims = claims(app, &row, token_seconds)?;
    let keys = keys::key_set(app, &row.environment_id).await?;
    let token = keys.signer(app.now())?.sign(&claims)?;
    let expires_in = u64::try_from(token_seconds).unwrap_or_default();
    Ok(AccessToken { token, expires_in, scopes: row.permissions })
}

/// The caller behind an access token of ours: signature, issuer, time, and the client as it is now, so that
/// deleting or disabling one works at once.
///
/// # Errors
/// [`Code::Unauthenticated`] with the same words for every cause; [`Code::PermissionDenied`] from a place that is
/// not on the client's list.
pub async fn authenticate(app: &App, token: &str, peer: Option<IpAddr>) -> Result<Caller> {
    let refused = || Error::new(Code::Unauthenticated, "the access token is not valid (any more)");
    let kid = signing::key_id(token).ok_or_else(refused)?;
    let mut verified = verify(app, &kid, token).await?;
    // another node may have rotated the key a moment ago
    if verified.is_none() && keys::look_for_signing_key(app).await? {
        verified = verify(app, &kid, token).await?;
    }
    let (environment, claims) = verified.flatten().ok_or_else(refused)?;
    let id = check_claims(app, &claims).ok_or_else(refused)?;
    let row =
        app.db().find_client(&id).await?.filter(|row| !row.disabled && row.environment_id == environment);
    let row = row.ok_or_else(refused)?;
    if !comes_from_its_networks(&row, peer) {
        return Err(Error::new(Code::PermissionDenied, "this API client may not call from this address")
            .with_help("add the address to the client's list of networks"));
    }
    note_use(app, &row, peer).await;
    let permissions =
        row.permissions.iter().filter_map(|text| Permission::parse(text)).map(Permission::as_str);
    Ok(Caller {
        environment,
        actor: Actor::Client(id),
        reference: app.reference()?,
        permissions: Permissions::parse(permissions)?,
    })
}

/// Notes a call, once a minute: tokens live long, and whoever deletes a client wants to know whether it is in use.
async fn note_use(app: &App, row: &ClientRow, peer: Option<IpAddr>) {
    let recent = app.now().minus(Duration::from_secs(60));
    if row.last_used_at.is_some_and(|at| at >= recent) {
        return;
    }
    let from = peer.map(|peer| peer.to_canonical().to_string());
    if let Err(error) = app.db().touch_client(&row.id, app.now(), from.as_deref()).await {
        tracing::warn!(%error, "the use of an API client could not be noted");
    }
}

/// Environment and claims of a token; `Some(None)` when its key is known and the signature does not hold.
async fn verify(app: &App, kid: &str, token: &str) -> Result<Option<Option<(EnvironmentId, Value)>>> {
    for environment in environments::list(app).await? {
        let keys = keys::key_set(app, &environment.id).await?;
        if let Some(key) = keys.verifying(kid, app.now()) {
            return Ok(Some(key.verify(token).map(|claims| (environment.id, claims))));
        }
    }
    Ok(None)
}

fn comes_from_its_networks(row: &ClientRow, peer: Option<IpAddr>) -> bool {
    let mut networks = row.networks.iter().filter_map(|text| Network::parse(text));
    !row.networks_enforced || peer.is_some_and(|peer| networks.any(|network| network.contains(peer)))
}

/// The public signing keys of every environment (RFC 7517), those included that will sign soon.
///
/// # Errors
/// [`Code::DatabaseUnavailable`].
pub async fn jwks(app: &App) -> Result<Value> {
    let mut all = Vec::new();
    for environment in environments::list(app).await? {
        let set = keys::key_set(app, &environment.id).await?;
        all.extend(set.public(app.now()).cloned());
    }
    Ok(json!({"keys": all}))
}

fn claims(app: &App, row: &ClientRow, token_seconds: i64) -> Result<Value> {
    let now = app.now().seconds();
    Ok(json!({
        "iss": app.issuer(), "sub": row.id, "client_id": row.id, "env": row.environment_id,
        "scopes": row.permissions, "iat": now, "nbf": now, "exp": now.saturating_add(token_seconds),
        "jti": random_token(app.entropy(), 16)?,
    }))
}

fn check_claims(app: &App, claims: &Value) -> Option<ClientId> {
    const LEEWAY_SECONDS: i64 = 30;
    let now = app.now().seconds();
    let in_time = claims.get("exp")?.as_i64()? > now && claims.get("nbf")?.as_i64()? <= now + LEEWAY_SECONDS;
    let ours = claims.get("iss")?.as_str()? == app.issuer();
    (in_time && ours).then(|| ClientId::parse(claims.get("sub")?.as_str()?))?
}

fn is_usable(row: &ClientSecretRow, now: Timestamp) -> bool {
    row.state == SecretState::Active && row.expires_at.is_none_or(|end| end > now)
}

async fn find(app: &App, environment: &EnvironmentId, id: &ClientId) -> Result<ClientRow> {
    let row = app.db().find_client(id).await?.filter(|row| row.environment_id == *environment);
    row.ok_or_else(unknown_client)
}

fn unknown_client() -> Error {
    Error::new(Code::NotFound, "there is no such API client")
}

fn client(row: ClientRow, secrets: Vec<ClientSecretRow>) -> Result<ApiClient> {
    Ok(ApiClient {
        permissions: Permissions::parse(row.permissions.iter().map(String::as_str))?,
        id: row.id,
        name: row.name,
        disabled: row.disabled,
        created_at: row.created_at,
        last_used_at: row.last_used_at,
        last_used_address: row.last_used_address,
        updated_at: row.updated_at,
        networks: row.networks,
        networks_enforced: row.networks_enforced,
        token_seconds: row.token_seconds.unwrap_or(TOKEN_SECONDS),
        secrets: secrets.into_iter().map(secrets::secret).collect(),
    })
}
