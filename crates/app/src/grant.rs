//! The sealed document of an account: everything that proves the user, and everything that decides where the
//! proof is sent (`docs/adr/0002`).

use std::collections::BTreeMap;

use keybearer_connectors::schema::AuthMethod;
use keybearer_connectors::{Bindings, Connector, Layers};
use keybearer_core::ids::{AccountId, ConnectionId, CredentialId, EnvironmentId};
use keybearer_core::{Code, CredentialSource, Error, Result, Secret, SecretBytes, SecretString, Timestamp};
use keybearer_store::{AccountRow, ConnectionRow, CredentialRow, Sealed};
use keybearer_vault::Place;
use serde::{Deserialize, Serialize};

use crate::keys::vault_error;
use crate::state::App;

/// What an account can prove itself with.
#[derive(Clone, Debug, Default)]
pub(crate) struct Grant {
    /// What the user gave: the connector's fields `in: account`.
    pub account: Bindings,
    /// What captures, `post_connect` and further tokens brought.
    pub captured: Bindings,
    /// `access_token`, `refresh_token`, `id_token`, `access_token_secret`.
    pub tokens: Bindings,
    /// When the access token was received.
    pub obtained_at: Timestamp,
    /// When the access token ends, if it does.
    pub access_expires_at: Option<Timestamp>,
    /// When the refresh token ends, if that is known.
    pub refresh_expires_at: Option<Timestamp>,
}

/// Where a grant is sealed: its row, and the connection and user it belongs to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GrantPlace<'a> {
    pub account: &'a AccountId,
    pub environment: &'a EnvironmentId,
    pub connection: &'a ConnectionId,
    pub identifier: &'a str,
}

impl<'a> From<&'a AccountRow> for GrantPlace<'a> {
    fn from(row: &'a AccountRow) -> Self {
        Self {
            account: &row.id,
            environment: &row.environment_id,
            connection: &row.connection_id,
            identifier: &row.identifier,
        }
    }
}

/// The stored form. `Deserialize` owns, `Serialize` borrows, both through the vault only.
#[derive(Deserialize)]
struct Stored {
    account: BTreeMap<String, SecretString>,
    captured: BTreeMap<String, SecretString>,
    tokens: BTreeMap<String, SecretString>,
    obtained_at: i64,
    access_expires_at: Option<i64>,
    refresh_expires_at: Option<i64>,
}

#[derive(Serialize)]
struct Storing<'a> {
    account: BTreeMap<&'a str, &'a str>,
    captured: BTreeMap<&'a str, &'a str>,
    tokens: BTreeMap<&'a str, &'a str>,
    obtained_at: i64,
    access_expires_at: Option<i64>,
    refresh_expires_at: Option<i64>,
}

impl Grant {
    /// Seals the grant for its row.
    ///
    /// # Errors
    /// [`Code::IntegrityError`] when the environment has no key.
    pub fn seal(&self, app: &App, place: GrantPlace<'_>) -> Result<Sealed> {
        let binding = [place.connection.as_str(), place.identifier];
        let plaintext = self.to_json()?;
        let sealed = app.keyring()?.seal(vault_place(place, &binding), plaintext.expose(), app.entropy());
        sealed.map(Sealed::from).map_err(vault_error)
    }

    /// Opens the grant of a row; `None` when it has none.
    ///
    /// # Errors
    /// [`Code::IntegrityError`] when it was changed or moved.
    pub fn open(app: &App, row: &AccountRow) -> Result<Option<Self>> {
        let Some(sealed) = &row.sealed_grant else {
            return Ok(None);
        };
        let place = GrantPlace::from(row);
        let binding = [place.connection.as_str(), place.identifier];
        let plaintext = app.keyring()?.open(vault_place(place, &binding), sealed).map_err(vault_error)?;
        Self::from_json(&plaintext).map(Some)
    }

    /// One of the tokens.
    pub fn token(&self, name: &str) -> Option<&SecretString> {
        self.tokens.get(name)
    }

    fn to_json(&self) -> Result<SecretBytes> {
        let stored = Storing {
            account: borrowed(&self.account),
            captured: borrowed(&self.captured),
            tokens: borrowed(&self.tokens),
            obtained_at: self.obtained_at.micros(),
            access_expires_at: self.access_expires_at.map(Timestamp::micros),
            refresh_expires_at: self.refresh_expires_at.map(Timestamp::micros),
        };
        serde_json::to_vec(&stored)
            .map(Secret::new)
            .map_err(|_| Error::internal("the grant cannot be written"))
    }

    fn from_json(plaintext: &SecretBytes) -> Result<Self> {
        let stored: Stored = serde_json::from_slice(plaintext.expose())
            .map_err(|_| Error::new(Code::IntegrityError, "the stored grant has another shape"))?;
        Ok(Self {
            account: stored.account.into_iter().collect(),
            captured: stored.captured.into_iter().collect(),
            tokens: stored.tokens.into_iter().collect(),
            obtained_at: Timestamp::from_micros(stored.obtained_at),
            access_expires_at: stored.access_expires_at.map(Timestamp::from_micros),
            refresh_expires_at: stored.refresh_expires_at.map(Timestamp::from_micros),
        })
    }
}

fn borrowed(bindings: &Bindings) -> BTreeMap<&str, &str> {
    bindings.iter().map(|(name, value)| (name, value.expose().as_str())).collect()
}

fn vault_place<'a>(place: GrantPlace<'a>, binding: &'a [&'a str]) -> Place<'a> {
    Place {
        table: "account",
        column: "sealed_grant",
        row: place.account.as_str(),
        environment: place.environment,
        binding,
    }
}

/// Seals the developer's secrets of a connection (`client_secret` and secret connection fields).
pub(crate) fn seal_credential(
    app: &App,
    environment: &EnvironmentId,
    connection: &ConnectionId,
    id: &CredentialId,
    secrets: &Bindings,
) -> Result<Sealed> {
    let plaintext = serde_json::to_vec(&borrowed(secrets))
        .map(Secret::new)
        .map_err(|_| Error::internal("the credential cannot be written"))?;
    let binding = [connection.as_str()];
    let place = credential_place(environment, id, &binding);
    app.keyring()?.seal(place, plaintext.expose(), app.entropy()).map(Sealed::from).map_err(vault_error)
}

/// Seals the secrets that were replaced, while they are still tried.
pub(crate) fn seal_earlier_credential(
    app: &App,
    environment: &EnvironmentId,
    connection: &ConnectionId,
    id: &CredentialId,
    secrets: &Bindings,
) -> Result<Sealed> {
    let plaintext = serde_json::to_vec(&borrowed(secrets))
        .map(Secret::new)
        .map_err(|_| Error::internal("the credential cannot be written"))?;
    let binding = [connection.as_str()];
    let place = earlier_place(environment, id, &binding);
    app.keyring()?.seal(place, plaintext.expose(), app.entropy()).map(Sealed::from).map_err(vault_error)
}

/// The secrets before the present ones of a credential, while they are still tried.
///
/// # Errors
/// [`Code::IntegrityError`] when they do not open.
pub(crate) fn open_earlier_credential(app: &App, credential: &CredentialRow) -> Result<Option<Bindings>> {
    let over = credential.earlier_until.is_some_and(|until| until <= app.now());
    let Some(sealed) = credential.earlier_sealed.as_ref().filter(|_| !over) else {
        return Ok(None);
    };
    let binding = [credential.connection_id.as_str()];
    let place = earlier_place(&credential.environment_id, &credential.id, &binding);
    let plaintext = app.keyring()?.open(place, sealed).map_err(vault_error)?;
    read_secrets(&plaintext).map(Some)
}

fn read_secrets(plaintext: &SecretBytes) -> Result<Bindings> {
    let secrets: BTreeMap<String, SecretString> = serde_json::from_slice(plaintext.expose())
        .map_err(|_| Error::new(Code::IntegrityError, "the stored credential has another shape"))?;
    Ok(secrets.into_iter().collect())
}

/// The developer's values of a connection: its plain fields, what this server knows itself, and the client id
/// and secrets of `credential`.
///
/// # Errors
/// [`Code::IntegrityError`] when the secrets do not open; [`Code::ClientRejected`] when the operator's shared
/// app is not in the configuration any more.
pub(crate) fn connection_bindings(
    app: &App,
    connector: &Connector,
    connection: &ConnectionRow,
    credential: Option<&CredentialRow>,
) -> Result<Bindings> {
    let mut bindings: Bindings = app
        .config()
        .known_fields
        .iter()
        .map(|(name, value)| (name.clone(), SecretString::from(value.as_str())))
        .collect();
    if let Some(fields) = connection.config.get("fields").and_then(serde_json::Value::as_object) {
        for (name, value) in fields {
            bindings.insert(name.clone(), value.as_str().unwrap_or_default());
        }
    }
    let Some(credential) = credential else {
        return Ok(bindings);
    };
    if let Some(client_id) = &credential.client_id {
        bindings.insert("client_id", client_id.as_str());
    }
    bindings.extend(open_credential(app, credential)?);
    if credential.source == CredentialSource::Shared {
        bindings.insert("client_secret", shared_secret(app, connector, credential)?);
    }
    Ok(bindings)
}

/// Everything a call of this account may use, each value only from where the connector takes it.
pub(crate) fn account_bindings(method: &AuthMethod, connection: &Bindings, grant: &Grant) -> Bindings {
    let layers =
        Layers { connection, account: &grant.account, captured: &grant.captured, tokens: &grant.tokens };
    Bindings::layered(method, layers)
}

/// The secrets that are sealed in a credential; none when it has none.
///
/// # Errors
/// [`Code::IntegrityError`] when they do not open.
pub(crate) fn open_credential(app: &App, credential: &CredentialRow) -> Result<Bindings> {
    let Some(sealed) = &credential.sealed else {
        return Ok(Bindings::new());
    };
    let binding = [credential.connection_id.as_str()];
    let place = credential_place(&credential.environment_id, &credential.id, &binding);
    let plaintext = app.keyring()?.open(place, sealed).map_err(vault_error)?;
    read_secrets(&plaintext)
}

fn earlier_place<'a>(
    environment: &'a EnvironmentId,
    id: &'a CredentialId,
    binding: &'a [&'a str],
) -> Place<'a> {
    Place { table: "connection_credential", column: "earlier_sealed", row: id.as_str(), environment, binding }
}

fn credential_place<'a>(
    environment: &'a EnvironmentId,
    id: &'a CredentialId,
    binding: &'a [&'a str],
) -> Place<'a> {
    Place { table: "connection_credential", column: "sealed", row: id.as_str(), environment, binding }
}

fn shared_secret(app: &App, connector: &Connector, credential: &CredentialRow) -> Result<SecretString> {
    let shared = app.config().shared_credentials.get(&connector.slug);
    shared
        .filter(|shared| credential.client_id.as_deref() == Some(shared.client_id.as_str()))
        .map(|shared| shared.client_secret.clone())
        .ok_or_else(|| {
            Error::new(
                Code::ClientRejected,
                format!(
                    "the shared app that this was granted to is not configured for {} any more",
                    connector.slug
                ),
            )
        })
}
