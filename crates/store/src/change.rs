use keybearer_core::ids::{AccountId, CredentialId, FlowId};
use keybearer_core::{AccountStatus, AuthType, FlowState, RefreshState, StatusReason, Timestamp};
use serde_json::Value;

use crate::accounts::search_text;
use crate::columns::Sealed;
use crate::dialect::{Tx, execute, find};
use crate::events::{self, NewEvent};
use crate::sql::accounts as sql;
use crate::{AccountRow, AuditRow, Db, Result, StoreError};

/// What makes an account usable.
#[derive(Clone, Debug, PartialEq)]
pub struct Grant {
    /// Tokens or keys under the vault.
    pub sealed: Sealed,
    /// The connection's credential that it was made with.
    pub credential_id: Option<CredentialId>,
    /// When the access token ends.
    pub access_expires_at: Option<Timestamp>,
    /// When the refresh token ends.
    pub refresh_expires_at: Option<Timestamp>,
    /// When the background job refreshes it.
    pub next_refresh_at: Option<Timestamp>,
}

/// What happens to the grant of an account. Either raises the generation: a refresh that is under way writes
/// nothing any more.
#[derive(Clone, Debug, PartialEq)]
pub enum GrantChange {
    /// A new one takes its place.
    Replace(Grant),
    /// It is wiped.
    Clear,
}

/// The account holder at the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The provider's id.
    pub id: String,
    /// The provider's name for it.
    pub label: Option<String>,
}

/// The end of a flow, and of one attempt of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowEnd {
    /// The flow.
    pub flow_id: FlowId,
    /// [`FlowState::Done`] or [`FlowState::Failed`].
    pub state: FlowState,
    /// Why it failed.
    pub failure: Option<String>,
    /// The `state_hash` of the attempt that ends with it.
    pub attempt: Option<String>,
    /// The reference that the page shows.
    pub reference: Option<String>,
}

/// A change of an account: `None` leaves a value as it is. Everything is written, or nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AccountChange {
    /// Another state, and why.
    pub status: Option<(AccountStatus, StatusReason)>,
    /// Another grant, or none.
    pub grant: Option<GrantChange>,
    /// Another way to prove itself.
    pub auth_type: Option<AuthType>,
    /// Another auth method.
    pub method: Option<String>,
    /// Other fields that may be shown.
    pub variables: Option<Value>,
    /// Other granted scopes.
    pub granted_scopes: Option<Vec<String>>,
    /// Other wanted scopes.
    pub wanted_scopes: Option<Vec<String>>,
    /// Other settings for calls.
    pub api_config: Option<Value>,
    /// Another account holder.
    pub identity: Option<Option<Identity>>,
    /// Who it was before, until that is decided.
    pub previous_identity_id: Option<Option<String>>,
    /// What the provider said to a revocation.
    pub revoke_outcome: Option<Option<String>>,
    /// Whether it holds an organization's credential.
    pub org_wide: Option<bool>,
    /// Events to write with it, in order.
    pub events: Vec<NewEvent>,
    /// A flow that ends with it.
    pub flow: Option<FlowEnd>,
    /// A line for the audit trail.
    pub audit: Option<AuditRow>,
}

/// An account before and after a change.
#[derive(Clone, Debug, PartialEq)]
pub struct Changed {
    /// The row as it was.
    pub before: AccountRow,
    /// The row as it is now.
    pub after: AccountRow,
}

impl Db {
    /// Changes an account: `decide` sees the row while no other writer can reach it and says what to change.
    /// `None` when there is no such account; an error of `decide` changes nothing and comes back.
    ///
    /// The generation rises exactly when [`AccountChange::grant`] is set. Other changes leave a refresh that is
    /// under way in force, for its answer would be lost otherwise.
    ///
    /// # Errors
    /// What `decide` gives; [`StoreError::Conflict`] on `flow` when the flow or its attempt had ended before;
    /// [`StoreError::Reference`] when the credential is gone.
    pub async fn change_account<E, F>(
        &self,
        id: &AccountId,
        now: Timestamp,
        decide: F,
    ) -> Result<Option<Changed>, E>
    where
        E: From<StoreError>,
        F: FnOnce(&AccountRow) -> Result<AccountChange, E> + Send,
    {
        let mut tx = self.begin().await?;
        let before: Option<AccountRow> = find!(tx &mut tx, sql::ACCOUNT_LOCK, id)?;
        let Some(before) = before else { return Ok(None) };
        let change = decide(&before)?;
        let after = apply(&before, &change, now);
        write(&mut tx, &after).await?;
        let last = Some((id, after.event_sequence));
        events::insert(&mut tx, &after.environment_id, last, &change.events).await?;
        if let Some(end) = &change.flow
            && !crate::flows::end_flow(&mut tx, end, now).await?
        {
            return Err(StoreError::Conflict { what: "flow" }.into());
        }
        if let Some(audit) = &change.audit {
            crate::audit::insert(&mut tx, audit).await?;
        }
        tx.commit().await?;
        Ok(Some(Changed { before, after }))
    }
}

fn apply(before: &AccountRow, change: &AccountChange, now: Timestamp) -> AccountRow {
    let mut row = before.clone();
    let change = change.clone();
    if let Some((status, reason)) = change.status {
        if status == AccountStatus::Active && before.status != AccountStatus::Active {
            row.connected_at = Some(now);
        }
        (row.status, row.reason) = (status, reason);
    }
    if let Some(grant) = change.grant {
        apply_grant(&mut row, grant);
    }
    if let Some(identity) = change.identity {
        (row.identity_id, row.identity_label) =
            identity.map_or((None, None), |identity| (Some(identity.id), identity.label));
    }
    row.auth_type = change.auth_type.unwrap_or(row.auth_type);
    row.method = change.method.unwrap_or(row.method);
    row.variables = change.variables.unwrap_or(row.variables);
    row.granted_scopes = change.granted_scopes.unwrap_or(row.granted_scopes);
    row.wanted_scopes = change.wanted_scopes.unwrap_or(row.wanted_scopes);
    row.api_config = change.api_config.unwrap_or(row.api_config);
    row.previous_identity_id = change.previous_identity_id.unwrap_or(row.previous_identity_id);
    row.revoke_outcome = change.revoke_outcome.unwrap_or(row.revoke_outcome);
    row.org_wide = change.org_wide.unwrap_or(row.org_wide);
    row.event_sequence = row.event_sequence.saturating_add(events::count(&change.events));
    row.updated_at = now;
    row
}

fn apply_grant(row: &mut AccountRow, change: GrantChange) {
    let grant = match change {
        GrantChange::Replace(grant) => Some(grant),
        GrantChange::Clear => None,
    };
    row.access_expires_at = grant.as_ref().and_then(|grant| grant.access_expires_at);
    row.refresh_expires_at = grant.as_ref().and_then(|grant| grant.refresh_expires_at);
    row.next_refresh_at = grant.as_ref().and_then(|grant| grant.next_refresh_at);
    row.credential_id = grant.as_ref().and_then(|grant| grant.credential_id.clone());
    row.sealed_grant = grant.map(|grant| grant.sealed);
    row.generation = row.generation.saturating_add(1);
    // whoever held the lease is fenced by the generation; nothing of the old grant is in doubt any more
    (row.lease_owner, row.lease_until, row.in_flight_since) = (None, None, None);
    row.refresh_state = RefreshState::Idle;
    (row.failure_count, row.failing_since, row.last_failure) = (0, None, None);
}

async fn write(tx: &mut Tx, row: &AccountRow) -> Result<()> {
    let identity = row.identity_id.clone().map(|id| Identity { id, label: row.identity_label.clone() });
    execute!(tx tx, sql::ACCOUNT_WRITE, row.id, row.status, row.reason, row.auth_type, row.method,
        row.credential_id, row.sealed_grant, row.variables, row.granted_scopes, row.wanted_scopes, row.api_config,
        row.identity_id, row.identity_label, row.previous_identity_id, row.access_expires_at,
        row.refresh_expires_at, row.next_refresh_at, row.generation, row.lease_owner, row.lease_until,
        row.refresh_state, row.in_flight_since, row.failure_count, row.failing_since, row.last_failure,
        row.revoke_outcome, row.org_wide, row.event_sequence, row.updated_at,
        search_text(&row.identifier, identity.as_ref()), row.connected_at)
    .map(|_| ())
}
