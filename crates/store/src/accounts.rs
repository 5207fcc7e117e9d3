use std::time::Duration;

use keybearer_core::ids::{AccountId, ConnectionId, CredentialId, EnvironmentId};
use keybearer_core::{AccountStatus, AuthType, RefreshState, StatusReason, Timestamp};
use serde_json::Value;

use crate::columns::{Sealed, row};
use crate::connections::like;
use crate::dialect::{Tx, execute, find, list, scalar};
use crate::events::{self, NewEvent};
use crate::page::{Cursor, Keyed, Page, PageRequest};
use crate::sql::accounts as sql;
use crate::{AuditRow, Db, Result};

row! {
    /// One user's credentials on a connection.
    pub struct AccountRow {
        /// Its id.
        id: AccountId,
        /// The environment it belongs to.
        environment_id: EnvironmentId,
        /// The connection it belongs to.
        connection_id: ConnectionId,
        /// The developer's own id for the user.
        identifier: String,
        /// The organization it is scoped to, or empty.
        organization_id: String,
        /// The user it is scoped to, or empty.
        user_id: String,
        /// Its state.
        status: AccountStatus,
        /// Why it is in that state.
        reason: StatusReason,
        /// How it proves itself.
        auth_type: AuthType,
        /// Which of the connector's auth methods its grant was made with.
        method: String,
        /// The connection's credential that its grant was made with.
        credential_id: Option<CredentialId>,
        /// Tokens or keys.
        sealed_grant: Option<Sealed>,
        /// Fields and captured values that may be shown, as an object.
        variables: Value,
        /// What the provider granted.
        granted_scopes: Vec<String>,
        /// What was asked for.
        wanted_scopes: Vec<String>,
        /// The developer's settings for calls, as an object.
        api_config: Value,
        /// The account holder's id at the provider.
        identity_id: Option<String>,
        /// How the provider names the account holder.
        identity_label: Option<String>,
        /// Who it was before somebody else connected, until that is decided.
        previous_identity_id: Option<String>,
        /// When the access token ends.
        access_expires_at: Option<Timestamp>,
        /// When the refresh token ends.
        refresh_expires_at: Option<Timestamp>,
        /// When the background job refreshes it.
        next_refresh_at: Option<Timestamp>,
        /// When a call last used it, to the minute.
        last_used_at: Option<Timestamp>,
        /// Rises whenever the stored grant changes: the fence of the refresh protocol.
        generation: i64,
        /// Who refreshes it.
        lease_owner: Option<String>,
        /// Until when, by the database's clock.
        lease_until: Option<Timestamp>,
        /// Whether a refresh request may have left.
        refresh_state: RefreshState,
        /// Since when, by the database's clock.
        in_flight_since: Option<Timestamp>,
        /// Failed refreshes since the last good one.
        failure_count: i64,
        /// When the first of them was.
        failing_since: Option<Timestamp>,
        /// Why the last of them failed, in our words.
        last_failure: Option<String>,
        /// What the provider said to the last revocation.
        revoke_outcome: Option<String>,
        /// Whether it holds the credential of the whole organization.
        org_wide: bool,
        /// The sequence number of its last event.
        event_sequence: i64,
        /// When it last became active; absent before that.
        connected_at: Option<Timestamp>,
        /// When it was made.
        created_at: Timestamp,
        /// When it was last changed.
        updated_at: Timestamp,
    }

    /// How many accounts of a connection are in a state.
    pub struct AccountCount {
        /// The connection.
        connection_id: ConnectionId,
        /// The state.
        status: AccountStatus,
        /// How many.
        accounts: i64,
    }
}

/// An account to create.
#[derive(Clone, Debug, PartialEq)]
pub struct NewAccount {
    /// Its id.
    pub id: AccountId,
    /// The environment it belongs to.
    pub environment_id: EnvironmentId,
    /// The connection it belongs to.
    pub connection_id: ConnectionId,
    /// The developer's own id for the user.
    pub identifier: String,
    /// The organization it is scoped to, or empty.
    pub organization_id: String,
    /// The user it is scoped to, or empty.
    pub user_id: String,
    /// Its state and why.
    pub status: (AccountStatus, StatusReason),
    /// How it proves itself.
    pub auth_type: AuthType,
    /// Which of the connector's auth methods.
    pub method: String,
    /// What it begins with, for one that is imported or needs no consent.
    pub grant: Option<crate::Grant>,
    /// Fields that may be shown, as an object.
    pub variables: Value,
    /// What the provider granted.
    pub granted_scopes: Vec<String>,
    /// What is to be asked for.
    pub wanted_scopes: Vec<String>,
    /// The developer's settings for calls, as an object.
    pub api_config: Value,
    /// The account holder at the provider, when known.
    pub identity: Option<crate::Identity>,
    /// Whether it holds the credential of the whole organization.
    pub org_wide: bool,
    /// When it is made.
    pub created_at: Timestamp,
}

/// Which accounts a list shows. Empty means all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountFilter {
    /// Only those of connections with one of these names.
    pub connection_names: Vec<String>,
    /// Only this connector's, by slug.
    pub connector: Option<String>,
    /// Only this connection's.
    pub connection_id: Option<ConnectionId>,
    /// Only this user's; case decides.
    pub identifier: Option<String>,
    /// Only those scoped to this organization.
    pub organization_id: Option<String>,
    /// Only those scoped to this user.
    pub user_id: Option<String>,
    /// Only those in this state.
    pub status: Option<AccountStatus>,
    /// Only those whose identifier or identity contains this text, whatever its case.
    pub query: Option<String>,
    /// Only those that hold, or do not hold, an organization's credential.
    pub org_wide: Option<bool>,
}

/// How many characters a search looks into: an index holds them, and a provider may call a person anything.
const SEARCHED: usize = 500;

impl Keyed for AccountRow {
    fn cursor(&self) -> Cursor {
        Cursor { created_at: self.created_at, id: self.id.to_string() }
    }
}

impl Db {
    /// Creates an account with its first events.
    ///
    /// # Errors
    /// [`crate::StoreError::Conflict`] on `account` when the connection has one for identifier, organization and
    /// user; [`crate::StoreError::Reference`] when the connection or the credential is gone.
    pub async fn create_account(&self, new: &NewAccount, events: &[NewEvent]) -> Result<AccountRow> {
        self.add_account(new, events, None).await
    }

    /// Like [`Self::create_account`], with a line of the audit trail.
    ///
    /// # Errors
    /// Those of [`Self::create_account`].
    pub async fn add_account(
        &self,
        new: &NewAccount,
        events: &[NewEvent],
        audit: Option<&AuditRow>,
    ) -> Result<AccountRow> {
        let mut tx = self.begin().await?;
        let row = insert(&mut tx, new, events).await?;
        if let Some(audit) = audit {
            crate::audit::insert(&mut tx, audit).await?;
        }
        tx.commit().await?;
        Ok(row)
    }

    /// Creates many accounts at once, without events: what a measurement begins with.
    ///
    /// # Errors
    /// Those of [`Self::create_account`]; then none is created.
    pub async fn seed_accounts(&self, all: &[NewAccount]) -> Result<()> {
        let mut tx = self.begin().await?;
        for new in all {
            insert(&mut tx, new, &[]).await?;
        }
        tx.commit().await
    }

    /// The account of that id, in whatever environment: the row says which.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn find_account(&self, id: &AccountId) -> Result<Option<AccountRow>> {
        find!(read self, sql::ACCOUNT_GET, id)
    }

    /// The account of a user on a connection; organization and user are empty for one that has no scope.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn find_account_of(
        &self,
        connection: &ConnectionId,
        identifier: &str,
        organization_id: &str,
        user_id: &str,
    ) -> Result<Option<AccountRow>> {
        find!(read self, sql::ACCOUNT_LOOKUP, connection, identifier, organization_id, user_id)
    }

    /// The accounts of a user on a connection in any scope: none, the one, or two of several.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn find_accounts_in_any_scope(
        &self,
        connection: &ConnectionId,
        identifier: &str,
    ) -> Result<Vec<AccountRow>> {
        list!(read self, sql::ACCOUNT_UNSCOPED, connection, identifier)
    }

    /// The account that holds the organization's credential of a connection.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn find_org_wide_account(&self, connection: &ConnectionId) -> Result<Option<AccountRow>> {
        find!(read self, sql::ACCOUNT_ORG_WIDE, connection, true)
    }

    /// One page of an environment's accounts, newest first.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn list_accounts(
        &self,
        environment: &EnvironmentId,
        filter: &AccountFilter,
        request: &PageRequest,
    ) -> Result<Page<AccountRow>> {
        let names =
            (!filter.connection_names.is_empty()).then(|| format!("|{}|", filter.connection_names.join("|")));
        let query = filter.query.as_deref().map(like);
        let (at, id, backward) = request.bounds();
        let text = if backward { sql::ACCOUNT_NEWER } else { sql::ACCOUNT_OLDER };
        let rows: Vec<AccountRow> = list!(read self, text, environment, names, filter.connector,
            filter.connection_id, filter.identifier, filter.organization_id, filter.user_id, filter.status, query,
            filter.org_wide, at, id, request.fetch())?;
        let total: Option<i64> = scalar!(read self, sql::ACCOUNT_TOTAL, environment, names, filter.connector,
            filter.connection_id, filter.identifier, filter.organization_id, filter.user_id, filter.status, query,
            filter.org_wide)?;
        Ok(request.page(rows, total.unwrap_or_default()))
    }

    /// The number of accounts for each connection and state of an environment.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn count_accounts(&self, environment: &EnvironmentId) -> Result<Vec<AccountCount>> {
        list!(read self, sql::ACCOUNT_COUNTS, environment)
    }

    /// Notes that a call used the account, at most once a minute.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn touch_account(&self, id: &AccountId, now: Timestamp) -> Result<()> {
        execute!(write self, sql::ACCOUNT_TOUCH, id, now, now.minus(Duration::from_secs(60))).map(|_| ())
    }

    /// Deletes an account with everything sealed: its grant, its flows, their codes. Its events stay, and
    /// `events` are added to them. Gives the row as it was.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn delete_account(&self, id: &AccountId, events: &[NewEvent]) -> Result<Option<AccountRow>> {
        self.remove_account(id, events, None).await
    }

    /// Like [`Self::delete_account`], with a line of the audit trail.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn remove_account(
        &self,
        id: &AccountId,
        events: &[NewEvent],
        audit: Option<&AuditRow>,
    ) -> Result<Option<AccountRow>> {
        let mut tx = self.begin().await?;
        let row: Option<AccountRow> = find!(tx &mut tx, sql::ACCOUNT_LOCK, id)?;
        let Some(row) = row else { return Ok(None) };
        let last = row.event_sequence.saturating_add(events::count(events));
        events::insert(&mut tx, &row.environment_id, Some((id, last)), events).await?;
        execute!(tx &mut tx, sql::ACCOUNT_DELETE, id)?;
        if let Some(audit) = audit {
            crate::audit::insert(&mut tx, audit).await?;
        }
        tx.commit().await?;
        Ok(Some(row))
    }
}

async fn insert(tx: &mut Tx, new: &NewAccount, events: &[NewEvent]) -> Result<AccountRow> {
    let (status, reason) = new.status;
    let grant = new.grant.as_ref();
    let identity = new.identity.as_ref();
    let last = events::count(events);
    let row: Option<AccountRow> = find!(tx &mut *tx, sql::ACCOUNT_INSERT, new.id, new.environment_id,
        new.connection_id, new.identifier, new.organization_id, new.user_id, status, reason, new.auth_type,
        new.method, grant.and_then(|grant| grant.credential_id.clone()), grant.map(|grant| &grant.sealed),
        new.variables, new.granted_scopes, new.wanted_scopes, new.api_config,
        identity.map(|identity| &identity.id), identity.and_then(|identity| identity.label.clone()),
        grant.and_then(|grant| grant.access_expires_at), grant.and_then(|grant| grant.refresh_expires_at),
        grant.and_then(|grant| grant.next_refresh_at), new.org_wide, new.created_at,
        new.identifier.to_lowercase(), search_text(&new.identifier, identity), last,
        (status == AccountStatus::Active).then_some(new.created_at))?;
    events::insert(tx, &new.environment_id, Some((&new.id, last)), events).await?;
    row.ok_or_else(|| crate::StoreError::other("insert gave no row"))
}

/// What a search looks into.
pub(crate) fn search_text(identifier: &str, identity: Option<&crate::Identity>) -> String {
    let mut text = identifier.to_lowercase();
    if let Some(identity) = identity {
        for part in [Some(&identity.id), identity.label.as_ref()].into_iter().flatten() {
            text.push('\n');
            text.push_str(&part.to_lowercase());
        }
    }
    text.chars().take(SEARCHED).collect()
}
