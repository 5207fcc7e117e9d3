use keybearer_core::Timestamp;
use keybearer_core::ids::{ConnectionId, CredentialId, EnvironmentId};

use crate::columns::Sealed;
use crate::dialect::{Tx, execute, find, list, scalar};
use crate::events::{self, NewEvent};
use crate::sql::{accounts, connections as sql};
use crate::{AccountRow, AuditRow, ConnectionRow, CredentialRow, Db, Result, StoreError};

/// What a change of a connection decides from. No other writer can reach the connection meanwhile.
#[derive(Clone, Debug, PartialEq)]
pub struct ConnectionSeen {
    /// The row.
    pub row: ConnectionRow,
    /// The credential that new grants are made with.
    pub credential: Option<CredentialRow>,
    /// How many accounts it has.
    pub accounts: i64,
}

/// What happens to the credential of a connection.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum CredentialChange {
    /// Nothing.
    #[default]
    Keep,
    /// Its secrets are replaced: all its accounts use the new ones at once.
    Reseal {
        /// Which.
        id: CredentialId,
        /// What replaces them.
        new: NewSecret,
    },
    /// The earlier secret is destroyed.
    ForgetEarlier {
        /// Of which.
        id: CredentialId,
    },
    /// Another end of the secret at the provider.
    Ends {
        /// Of which.
        id: CredentialId,
        /// When.
        at: Option<Timestamp>,
    },
    /// Another one for new grants. The former stays for the accounts that point at it; without any, it is deleted.
    Replace(CredentialRow),
}

/// The secrets that take the place of others.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NewSecret {
    /// The secrets under the vault.
    pub sealed: Option<Sealed>,
    /// The last characters of the client secret.
    pub client_secret_suffix: Option<String>,
    /// The former ones under the vault, while both are tried.
    pub earlier_sealed: Option<Sealed>,
    /// Until when.
    pub earlier_until: Option<Timestamp>,
    /// When they were stored.
    pub set_at: Option<Timestamp>,
    /// Who stored them.
    pub set_by: Option<String>,
    /// When they end at the provider.
    pub ends_at: Option<Timestamp>,
}

/// A change of a connection. Everything is written, or nothing; the version rises.
#[derive(Clone, Debug, PartialEq)]
pub struct ConnectionChange {
    /// The row as it is to be. Id, environment, credential and times of creation are not taken from it.
    pub row: ConnectionRow,
    /// What happens to its credential.
    pub credential: CredentialChange,
    /// A line for the audit trail.
    pub audit: Option<AuditRow>,
    /// Accounts on an earlier credential leave it now.
    pub drop_earlier: bool,
    /// What accounts that follow the connection asked for before, and ask for now.
    pub wanted_scopes: Option<(Vec<String>, Vec<String>)>,
}

impl Db {
    /// Creates a connection with its credential and a line of the audit trail.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] on `connection` when the name is taken in the environment; [`StoreError::Reference`]
    /// when its custom connector is gone.
    pub async fn add_connection(
        &self,
        row: &ConnectionRow,
        credential: Option<&CredentialRow>,
        audit: &AuditRow,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        crate::custom_connectors::hold(&mut tx, &row.environment_id, &row.connector).await?;
        crate::connections::insert(&mut tx, row).await?;
        if let Some(credential) = credential {
            crate::credentials::insert(&mut tx, credential).await?;
        }
        crate::audit::insert(&mut tx, audit).await?;
        tx.commit().await
    }

    /// Changes a connection: `decide` sees it while no other writer can reach it and says what it is to be.
    /// `None` when there is no such connection; an error of `decide` changes nothing and comes back.
    ///
    /// # Errors
    /// What `decide` gives; [`StoreError::Conflict`] on `connection` when the new name is taken.
    pub async fn change_connection<E, F>(
        &self,
        environment: &EnvironmentId,
        id: &ConnectionId,
        now: Timestamp,
        decide: F,
    ) -> Result<Option<ConnectionRow>, E>
    where
        E: From<StoreError>,
        F: FnOnce(&ConnectionSeen) -> Result<ConnectionChange, E> + Send,
    {
        let mut tx = self.begin().await?;
        let Some(seen) = see(&mut tx, environment, id).await? else {
            return Ok(None);
        };
        let change = decide(&seen)?;
        let after = write(&mut tx, &seen, &change, now).await?;
        if let Some(audit) = &change.audit {
            crate::audit::insert(&mut tx, audit).await?;
        }
        tx.commit().await?;
        Ok(Some(after))
    }

    /// Deletes a connection with its credentials, flows and accounts, writing the events of each account.
    /// `decide` sees the connection while nothing can be added to it and may refuse. `None` when there is none.
    ///
    /// # Errors
    /// What `decide` and `events` give.
    pub async fn remove_connection<E, D, F>(
        &self,
        environment: &EnvironmentId,
        id: &ConnectionId,
        decide: D,
        events: F,
    ) -> Result<Option<ConnectionSeen>, E>
    where
        E: From<StoreError>,
        D: FnOnce(&ConnectionSeen) -> Result<AuditRow, E> + Send,
        F: Fn(&ConnectionRow, &AccountRow) -> Result<Vec<NewEvent>, E> + Send + Sync,
    {
        let mut tx = self.begin().await?;
        let Some(seen) = see(&mut tx, environment, id).await? else {
            return Ok(None);
        };
        let audit = decide(&seen)?;
        let rows: Vec<AccountRow> = list!(tx &mut tx, accounts::ACCOUNT_OF_CONNECTION, id)?;
        for row in &rows {
            let events = events(&seen.row, row)?;
            let last = row.event_sequence.saturating_add(events::count(&events));
            events::insert(&mut tx, environment, Some((&row.id, last)), &events).await?;
        }
        execute!(tx &mut tx, sql::CONNECTION_DELETE, environment, id)?;
        crate::audit::insert(&mut tx, &audit).await?;
        tx.commit().await?;
        Ok(Some(seen))
    }

    /// How many accounts of a connection hold a grant that was made with another credential than its present one.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn count_accounts_on_earlier_credential(&self, id: &ConnectionId) -> Result<i64> {
        Ok(scalar!(read self, sql::CONNECTION_EARLIER, id)?.unwrap_or_default())
    }

    /// The calls of a connection since `since`.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn count_calls_of_connection(
        &self,
        environment: &EnvironmentId,
        id: &ConnectionId,
        since: Timestamp,
    ) -> Result<ConnectionCalls> {
        let found: Option<ConnectionCalls> = find!(read self, sql::CONNECTION_CALLS, environment, id, since)?;
        Ok(found.unwrap_or(ConnectionCalls { calls: 0, last_call_at: None }))
    }

    /// How many connect links of a connection can still be used.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn count_open_links(&self, id: &ConnectionId, now: Timestamp) -> Result<i64> {
        Ok(scalar!(read self, sql::CONNECTION_OPEN_LINKS, id, true, now)?.unwrap_or_default())
    }

    /// The newest accounts of a connection that were granted exactly these scopes.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn list_accounts_of_granted(
        &self,
        id: &ConnectionId,
        granted: &Vec<String>,
        limit: i64,
    ) -> Result<Vec<AccountRow>> {
        list!(read self, accounts::ACCOUNT_OF_GRANTED, id, false, granted, limit)
    }

    /// How many accounts of a connection with a grant have which granted scopes.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn count_granted_scopes(&self, id: &ConnectionId) -> Result<Vec<GrantedScopes>> {
        list!(read self, accounts::ACCOUNT_GRANTED, id, false)
    }
}

crate::columns::row! {
    /// The calls of a connection since a moment.
    pub struct ConnectionCalls {
        /// How many.
        calls: i64,
        /// When the last one began.
        last_call_at: Option<Timestamp>,
    }

    /// How many accounts were granted the same scopes.
    pub struct GrantedScopes {
        /// The scopes.
        granted_scopes: Vec<String>,
        /// How many.
        accounts: i64,
    }
}

async fn see(tx: &mut Tx, environment: &EnvironmentId, id: &ConnectionId) -> Result<Option<ConnectionSeen>> {
    let row: Option<ConnectionRow> = find!(tx &mut *tx, sql::CONNECTION_LOCK, environment, id)?;
    let Some(row) = row else { return Ok(None) };
    let credential = match &row.credential_id {
        Some(id) => find!(tx &mut *tx, sql::CREDENTIAL_GET, id)?,
        None => None,
    };
    let accounts: Option<i64> = scalar!(tx &mut *tx, sql::CONNECTION_ACCOUNTS, id)?;
    Ok(Some(ConnectionSeen { row, credential, accounts: accounts.unwrap_or_default() }))
}

async fn write(
    tx: &mut Tx,
    seen: &ConnectionSeen,
    change: &ConnectionChange,
    now: Timestamp,
) -> Result<ConnectionRow> {
    let mut row = change.row.clone();
    (row.id, row.environment_id) = (seen.row.id.clone(), seen.row.environment_id.clone());
    (row.version, row.updated_at) = (seen.row.version.saturating_add(1), now);
    row.created_at = seen.row.created_at;
    row.credential_id = seen.row.credential_id.clone();
    match &change.credential {
        CredentialChange::Keep => {}
        CredentialChange::Reseal { id, new } => {
            execute!(tx &mut *tx, sql::CREDENTIAL_RESEAL, id, new.sealed, new.client_secret_suffix,
                new.earlier_sealed, new.earlier_until, new.set_at, new.set_by, new.ends_at)?;
        }
        CredentialChange::ForgetEarlier { id } => {
            execute!(tx &mut *tx, sql::CREDENTIAL_FORGET_EARLIER, id)?;
        }
        CredentialChange::Ends { id, at } => {
            execute!(tx &mut *tx, sql::CREDENTIAL_ENDS, id, at)?;
        }
        CredentialChange::Replace(credential) => {
            row.credential_id = Some(credential.id.clone());
            row.credential_source = credential.source;
            crate::credentials::insert(tx, credential).await?;
        }
    }
    execute!(tx &mut *tx, sql::CONNECTION_WRITE, row.id, row.name, row.method, row.state, row.attention,
        row.attention_at, row.label, row.blurb_for_users, row.credential_source, row.credential_id, row.config,
        row.scopes, row.auth_mode, row.proxy_enabled, row.version, row.updated_at)?;
    if let CredentialChange::Replace(credential) = &change.credential {
        execute!(tx &mut *tx, sql::CREDENTIAL_REPLACED, row.id, credential.id, credential.created_at)?;
        execute!(tx &mut *tx, sql::CREDENTIAL_PRUNE, row.id)?;
    }
    if let Some((before, now)) = &change.wanted_scopes {
        execute!(tx &mut *tx, sql::CONNECTION_FOLLOW_SCOPES, row.id, before, now)?;
    }
    if let Some(credential) = row.credential_id.as_ref().filter(|_| change.drop_earlier) {
        execute!(tx &mut *tx, sql::CREDENTIAL_DROP_EARLIER, row.id, credential)?;
        execute!(tx &mut *tx, sql::CREDENTIAL_PRUNE, row.id)?;
    }
    Ok(row)
}
