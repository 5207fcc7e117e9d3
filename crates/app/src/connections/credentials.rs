//! The developer's own OAuth app, or the operator's: setting it, and replacing its secret or all of it.

use keybearer_connectors::Bindings;
use keybearer_connectors::schema::{AuthMethod, Connector};
use keybearer_core::ids::{ConnectionId, CredentialId, EnvironmentId};
use keybearer_core::{Code, CredentialSource, Error, Result, Timestamp};
use keybearer_store::{ConnectionSeen, CredentialChange, CredentialRow, NewSecret, Sealed};

use super::types::{CredentialsSet, KeepEarlier, SetCredentials, UpdateConnection};
use super::update;
use super::values::{self, Values};
use crate::access::{Actor, Caller, Permission};
use crate::config::SharedCredential;
use crate::grant;
use crate::state::App;

/// The shortest secret of which the end is shown.
const SHOWN_FROM: usize = 20;

/// Replaces the secret of the present client, or the client.
///
/// A new secret for the same client is used by all accounts at once and ends the connection's need for attention.
/// Another client is used for new sign-ins; existing accounts stay on the one they were granted to.
///
/// # Errors
/// [`Code::PermissionDenied`], [`Code::ConnectionNotFound`], [`Code::FailedPrecondition`] when there is no client
/// whose secret could be replaced, `InvalidArgument` at each wrong field.
pub async fn set_credentials(
    app: &App,
    caller: &Caller,
    id_or_name: &str,
    set: SetCredentials,
) -> Result<CredentialsSet> {
    caller.require(Permission::ConnectorsWrite)?;
    let patch = match set {
        SetCredentials::ReplaceSecret { secrets } => {
            if secrets.iter().all(|(_, value)| value.expose().trim().is_empty()) {
                return Err(Error::field("client_secret", "must be given"));
            }
            UpdateConnection { secrets, ..UpdateConnection::default() }
        }
        SetCredentials::ReplaceClient { source, client_id, secrets } => {
            let empty = client_id.as_deref().is_none_or(|id| id.trim().is_empty());
            if source == CredentialSource::Own && empty {
                return Err(Error::field("client_id", "must be given"));
            }
            UpdateConnection { source: Some(source), client_id, secrets, ..UpdateConnection::default() }
        }
    };
    let connection = update::apply(app, caller, id_or_name, patch, "connection.credentials_replaced").await?;
    let on_earlier_client = connection.counts.on_earlier_client;
    Ok(CredentialsSet { connection, on_earlier_client })
}

/// The operator's app of a connector, after checking that nothing was given that excludes it.
pub(super) fn shared<'a>(
    app: &'a App,
    connector: &Connector,
    method: &AuthMethod,
    values: &Values,
) -> Result<&'a SharedCredential> {
    let shared = app.config().shared_credentials.get(&connector.slug).filter(|_| method.has_redirect());
    let shared = shared.ok_or_else(|| {
        Error::field(
            "source",
            format!("cannot be shared: the operator of this server set no app for {}", connector.slug),
        )
    })?;
    values::check_shared(connector, method, values)?;
    Ok(shared)
}

/// Which connection a credential belongs to.
#[derive(Clone, Copy)]
pub(super) struct Of<'a> {
    pub environment: &'a EnvironmentId,
    pub connection: &'a ConnectionId,
}

/// The client of a credential, and who brought it.
pub(super) struct Client<'a> {
    pub source: CredentialSource,
    pub client_id: Option<String>,
    pub by: &'a Actor,
    pub ends_at: Option<Timestamp>,
}

/// A credential with its secrets sealed.
pub(super) fn row(
    app: &App,
    of: Of<'_>,
    id: CredentialId,
    client: Client<'_>,
    secrets: &Bindings,
) -> Result<CredentialRow> {
    let sealed = seal(app, of, &id, secrets)?;
    let now = app.now();
    Ok(CredentialRow {
        environment_id: of.environment.clone(),
        connection_id: of.connection.clone(),
        source: client.source,
        client_id: client.client_id,
        client_secret_suffix: suffix(secrets),
        secret_set_at: sealed.as_ref().map(|_| now),
        secret_set_by: sealed.as_ref().map(|_| client.by.as_text()),
        secret_ends_at: client.ends_at,
        earlier_sealed: None,
        earlier_until: None,
        sealed,
        created_at: now,
        replaced_at: None,
        id,
    })
}

fn seal(app: &App, of: Of<'_>, id: &CredentialId, secrets: &Bindings) -> Result<Option<Sealed>> {
    if secrets.is_empty() {
        return Ok(None);
    }
    grant::seal_credential(app, of.environment, of.connection, id, secrets).map(Some)
}

fn suffix(secrets: &Bindings) -> Option<String> {
    let secret = secrets.get("client_secret")?.expose();
    let length = secret.chars().count();
    (length >= SHOWN_FROM).then(|| secret.chars().skip(length - 4).collect())
}

/// What a patch wants of the credentials.
pub(super) struct Wanted<'a> {
    pub source: Option<CredentialSource>,
    pub values: &'a Values,
    pub by: &'a Actor,
    pub keep_earlier: Option<KeepEarlier>,
    pub ends_at: Option<Timestamp>,
}

impl Wanted<'_> {
    /// The present secrets with what replaces them, and the former ones while both are tried.
    fn new_secret(
        &self,
        app: &App,
        of: Of<'_>,
        id: &CredentialId,
        (before, after): (&Bindings, &Bindings),
    ) -> Result<NewSecret> {
        let kept = self.keep_earlier.filter(|_| before.get("client_secret").is_some());
        let earlier_sealed = match kept {
            Some(_) => Some(grant::seal_earlier_credential(app, of.environment, of.connection, id, before)?),
            None => None,
        };
        Ok(NewSecret {
            sealed: seal(app, of, id, after)?,
            client_secret_suffix: suffix(after),
            earlier_sealed,
            earlier_until: kept.and_then(|keep| keep.until(app.now())),
            set_at: Some(app.now()),
            set_by: Some(self.by.as_text()),
            ends_at: self.ends_at,
        })
    }
}

/// What a change does to the credentials.
pub(super) struct Planned {
    pub change: CredentialChange,
    pub source: CredentialSource,
    pub client_id: Option<String>,
    /// All secrets after the change.
    pub secrets: Bindings,
}

/// Works out what a patch does to the credentials of a connection.
pub(super) fn plan(
    app: &App,
    connector: &Connector,
    method: &AuthMethod,
    seen: &ConnectionSeen,
    wanted: &Wanted<'_>,
) -> Result<Planned> {
    let of = Of { environment: &seen.row.environment_id, connection: &seen.row.id };
    let present = seen.credential.as_ref();
    let stored =
        present.map(|credential| grant::open_credential(app, credential)).transpose()?.unwrap_or_default();
    let source = wanted.source.unwrap_or(seen.row.credential_source);
    let present_id = present.and_then(|credential| credential.client_id.clone());
    let client_id = match source {
        CredentialSource::Shared => Some(shared(app, connector, method, wanted.values)?.client_id.clone()),
        CredentialSource::Own if seen.row.credential_source == CredentialSource::Shared => {
            wanted.values.client_id.clone()
        }
        CredentialSource::Own => wanted.values.client_id.clone().or_else(|| present_id.clone()),
    };
    let same_client = source == seen.row.credential_source && client_id == present_id;
    let given = &wanted.values.secrets;
    let mut secrets = stored.clone();
    let first_id = source == seen.row.credential_source && present_id.is_none();
    if !same_client && !first_id {
        // the secret of another client is not the secret of this one; what is no client's stays
        secrets.remove("client_secret");
    }
    secrets.extend(given.clone());
    values::check_client(client_id.as_deref(), &secrets)?;
    let change = match present {
        Some(_) if same_client && given.is_empty() => CredentialChange::Keep,
        Some(credential) if same_client => CredentialChange::Reseal {
            id: credential.id.clone(),
            new: wanted.new_secret(app, of, &credential.id, (&stored, &secrets))?,
        },
        None if client_id.is_none() && secrets.is_empty() => CredentialChange::Keep,
        _ => {
            let id = app.id(CredentialId::from_number)?;
            let client =
                Client { source, client_id: client_id.clone(), by: wanted.by, ends_at: wanted.ends_at };
            CredentialChange::Replace(row(app, of, id, client, &secrets)?)
        }
    };
    Ok(Planned { change, source, client_id, secrets })
}

/// Refuses to replace the secret of a client that is not there or not the developer's.
pub(super) fn check_replaceable(seen: &ConnectionSeen) -> Result<()> {
    if seen.row.credential_source == CredentialSource::Shared {
        return Err(Error::new(Code::FailedPrecondition, "the connection uses shared credentials")
            .with_help("set a client id and secret of your own instead"));
    }
    Ok(())
}
