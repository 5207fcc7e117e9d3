//! API clients: the credentials with which a program calls us (RFC 6749 §4.4).

use std::time::Duration;

use keybearer_core::ids::{ClientId, ClientSecretId, EnvironmentId};
use keybearer_core::{Code, Error, Result, Secret, SecretString, Timestamp, random_token, sha256, to_hex};
use keybearer_store::{ClientRow, ClientSecretRow, SecretState};
use serde_json::{Value, json};

use crate::access::{Actor, Caller, Permission, Permissions};
use crate::state::App;
use crate::{audit, environments, keys, signing};

/// How long an access token lives.
const TOKEN_LIFETIME: Duration = Duration::from_secs(86_399);

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
    /// When it last got a token, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// Last characters of its accepted secrets.
    pub secret_suffixes: Vec<String>,
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

/// Creates a client with its first secret. A caller cannot give what it does not have itself.
///
/// # Errors
/// [`Code::PermissionDenied`], [`Code::InvalidArgument`] for an empty or long name.
pub async fn create(app: &App, caller: &Caller, name: &str, permissions: Permissions) -> Result<NewSecret> {
    caller.require(Permission::ClientsWrite)?;
    if !caller.permissions.covers(&permissions) {
        return Err(Error::new(
            Code::PermissionDenied,
            "a client cannot give permissions that it lacks itself",
        ));
    }
    if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
        return Err(Error::field("name", "must have 1 to 100 characters"));
    }
    let row = ClientRow {
        id: app.id(ClientId::from_number)?,
        environment_id: caller.environment.clone(),
        name: name.to_owned(),
        permissions: permissions.texts(),
        disabled: false,
        created_at: app.now(),
        last_used_at: None,
    };
    let (secret_row, secret) = new_secret(app, &row.id)?;
    app.db().create_client(&row, &secret_row).await?;
    audit::record(app, caller, "client.created", row.id.as_str(), json!({"name": name})).await?;
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
    let until = app.now().plus(overlap);
    for mut former in app.db().list_client_secrets(id).await? {
        former.expires_at = Some(former.expires_at.map_or(until, |end| end.min(until)));
        app.db().update_client_secret(&former).await?;
    }
    let (secret_row, secret) = new_secret(app, id)?;
    app.db().add_client_secret(&secret_row).await?;
    audit::record(app, caller, "client.rotated", id.as_str(), json!({"overlap_seconds": overlap.as_secs()}))
        .await?;
    let secrets = app.db().list_client_secrets(id).await?;
    Ok(NewSecret { client: client(row, secrets)?, secret })
}

/// Deletes a client; its tokens are refused from then on.
///
/// # Errors
/// [`Code::PermissionDenied`], [`Code::NotFound`].
pub async fn delete(app: &App, caller: &Caller, id: &ClientId) -> Result<()> {
    caller.require(Permission::ClientsRotate)?;
    if !app.db().delete_client(&caller.environment, id).await? {
        return Err(unknown_client());
    }
    audit::record(app, caller, "client.deleted", id.as_str(), json!({})).await
}

/// Exchanges client credentials for an access token (RFC 6749 §4.4). The answer takes the same time and words
/// for an unknown client and a wrong secret.
///
/// # Errors
/// [`Code::Unauthenticated`].
pub async fn issue_token(app: &App, client_id: &str, secret: &SecretString) -> Result<AccessToken> {
    let refused = || Error::new(Code::Unauthenticated, "the client id or the client secret is wrong");
    let id = ClientId::parse(client_id).ok_or_else(refused)?;
    let row = app.db().find_client(&id).await?;
    let secrets = app.db().list_client_secrets(&id).await?;
    let given = to_hex(&sha256(secret.expose().as_bytes()));
    let known = secrets.iter().filter(|row| is_usable(row, app.now())).fold(false, |known, row| {
        known | bool::from(subtle::ConstantTimeEq::ct_eq(row.hash.as_bytes(), given.as_bytes()))
    });
    let row = row.filter(|row| known && !row.disabled).ok_or_else(refused)?;
    app.db().touch_client(&id, app.now()).await?;
    let claims = claims(app, &row)?;
    let token = keys::key_set(app, &row.environment_id).await?.active.sign(&claims)?;
    Ok(AccessToken { token, expires_in: TOKEN_LIFETIME.as_secs(), scopes: row.permissions })
}

/// The caller behind an access token of ours: signature, issuer, time, and the client as it is now, so that
/// deleting or disabling one works at once.
///
/// # Errors
/// [`Code::Unauthenticated`] with the same words for every cause.
pub async fn authenticate(app: &App, token: &str) -> Result<Caller> {
    let refused = || Error::new(Code::Unauthenticated, "the access token is not valid (any more)");
    let kid = signing::key_id(token).ok_or_else(refused)?;
    let mut claims = None;
    for environment in environments::list(app).await? {
        let keys = keys::key_set(app, &environment.id).await?;
        let key = keys.verifying.iter().find(|key| key.kid() == kid);
        claims = key.and_then(|key| key.verify(token)).map(|claims| (environment.id, claims));
        if key.is_some() {
            break;
        }
    }
    let (environment, claims) = claims.ok_or_else(refused)?;
    let id = check_claims(app, &claims).ok_or_else(refused)?;
    let row =
        app.db().find_client(&id).await?.filter(|row| !row.disabled && row.environment_id == environment);
    let row = row.ok_or_else(refused)?;
    let permissions =
        row.permissions.iter().filter_map(|text| Permission::parse(text)).map(Permission::as_str);
    Ok(Caller {
        environment,
        actor: Actor::Client(id),
        reference: app.reference()?,
        permissions: Permissions::parse(permissions)?,
    })
}

/// The public signing keys of every environment (RFC 7517).
///
/// # Errors
/// [`Code::DatabaseUnavailable`].
pub async fn jwks(app: &App) -> Result<Value> {
    let mut all = Vec::new();
    for environment in environments::list(app).await? {
        let set = keys::key_set(app, &environment.id).await?;
        all.extend(set.jwks.get("keys").and_then(Value::as_array).cloned().unwrap_or_default());
    }
    Ok(json!({"keys": all}))
}

fn claims(app: &App, row: &ClientRow) -> Result<Value> {
    let now = app.now().seconds();
    Ok(json!({
        "iss": app.issuer(), "sub": row.id, "client_id": row.id, "env": row.environment_id,
        "scopes": row.permissions, "iat": now, "nbf": now, "exp": now + TOKEN_LIFETIME.as_secs() as i64,
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

fn new_secret(app: &App, client: &ClientId) -> Result<(ClientSecretRow, SecretString)> {
    let secret = Secret::new(format!("kbs_{}", random_token(app.entropy(), 32)?));
    let text = secret.expose();
    let row = ClientSecretRow {
        id: app.id(ClientSecretId::from_number)?,
        client_id: client.clone(),
        hash: to_hex(&sha256(text.as_bytes())),
        suffix: text.get(text.len().saturating_sub(4)..).unwrap_or_default().to_owned(),
        state: SecretState::Active,
        created_at: app.now(),
        expires_at: None,
    };
    Ok((row, secret))
}

async fn find(app: &App, environment: &EnvironmentId, id: &ClientId) -> Result<ClientRow> {
    let row = app.db().find_client(id).await?.filter(|row| row.environment_id == *environment);
    row.ok_or_else(unknown_client)
}

fn unknown_client() -> Error {
    Error::new(Code::NotFound, "there is no such API client")
}

fn client(row: ClientRow, secrets: Vec<ClientSecretRow>) -> Result<ApiClient> {
    let active = secrets.into_iter().filter(|secret| secret.state == SecretState::Active);
    Ok(ApiClient {
        permissions: Permissions::parse(row.permissions.iter().map(String::as_str))?,
        id: row.id,
        name: row.name,
        disabled: row.disabled,
        created_at: row.created_at,
        last_used_at: row.last_used_at,
        secret_suffixes: active.map(|secret| secret.suffix).collect(),
    })
}
