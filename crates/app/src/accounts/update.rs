//! Changing an account.

use keybearer_connectors::{Bindings, forms};
use keybearer_core::{AccountStatus, Error, Result, StatusReason};
use keybearer_store::{AccountChange, AccountRow, GrantChange};
use serde_json::json;

use super::given::{self, Given};
use super::types::{Account, Lookup, UpdateAccount};
use super::{lookup, org_wide, prepare, settings, view};
use crate::access::{Caller, Permission};
use crate::audit;
use crate::events::{self, AccountEvent};
use crate::grant::{Grant, GrantPlace};
use crate::state::App;
use crate::tokens::LoadedConnection;

/// Changes what is given and leaves the rest. Credentials make the account active in whatever state it is; a refresh
/// that is under way then writes nothing any more.
///
/// # Errors
/// `PermissionDenied`, `ConnectionNotFound`, `AccountNotFound`, `CredentialTypeMismatch`, `InvalidScopeSelection`,
/// `InvalidArgument` at each wrong field.
pub async fn update(app: &App, caller: &Caller, lookup: &Lookup, patch: UpdateAccount) -> Result<Account> {
    caller.require(Permission::AccountsWrite)?;
    let (connection, row) = lookup::resolve(app, &caller.environment, lookup).await?;
    let loaded = LoadedConnection::of(app, connection).await?;
    let row = apply(app, caller, &loaded, &row, &patch, "account.updated").await?;
    view::show(app, &loaded.row, row).await
}

/// Writes a change with its events and `action` in the audit trail.
pub(super) async fn apply(
    app: &App,
    caller: &Caller,
    connection: &LoadedConnection,
    row: &AccountRow,
    patch: &UpdateAccount,
    action: &str,
) -> Result<AccountRow> {
    let given = given::read(&connection.connector, connection.method()?, &patch.credentials, &patch.fields)?;
    let update = Update { app, caller, connection, patch, given, action };
    let changed = app.db().change_account(&row.id, app.now(), |row| update.decide(row)).await?;
    changed.map(|changed| changed.after).ok_or_else(lookup::not_found)
}

struct Update<'a> {
    app: &'a App,
    caller: &'a Caller,
    connection: &'a LoadedConnection,
    patch: &'a UpdateAccount,
    given: Given,
    action: &'a str,
}

impl Update<'_> {
    fn decide(&self, row: &AccountRow) -> Result<AccountChange> {
        let method = self.connection.method()?;
        if self.given.is_credential && org_wide::consents(&self.connection.row, &row.identifier) {
            return Err(org_wide::no_credential_of_its_own());
        }
        let mut change = AccountChange::default();
        if let Some(api_config) = &self.patch.api_config {
            change.api_config = Some(settings::merge(method, &row.api_config, api_config)?);
        }
        if let Some(selection) = &self.patch.scope_selection {
            change.wanted_scopes = Some(settings::selected(&self.connection.row, Some(selection))?);
        }
        self.credentials(row, &mut change)?;
        let mut after = row.clone();
        if let Some((status, reason)) = change.status {
            (after.status, after.reason) = (status, reason);
        }
        if let Some(GrantChange::Replace(grant)) = &change.grant {
            after.access_expires_at = grant.access_expires_at;
        }
        change.events.push(events::about(self.app, AccountEvent::Updated, &self.connection.row, &after)?);
        if after.status != row.status {
            change.events.push(events::moved(self.app, &self.connection.row, row.status, &after)?);
        }
        let detail = json!({
            "credentials": self.given.is_credential,
            "api_config": self.patch.api_config.as_ref().map(|config| config.keys().collect::<Vec<_>>()),
            "scope_selection": self.patch.scope_selection.is_some(),
        });
        change.audit = Some(audit::row(self.app, self.caller, self.action, row.id.as_str(), detail)?);
        Ok(change)
    }

    fn credentials(&self, row: &AccountRow, change: &mut AccountChange) -> Result<()> {
        let (connector, method) = (&self.connection.connector, self.connection.method()?);
        let beside = match &self.patch.api_config {
            Some(api_config) => given::of_api_config(connector, method, api_config)?,
            None => Bindings::new(),
        };
        // a grant that does not open is replaced by new credentials, and is in the way of everything else
        let present = match Grant::open(self.app, row) {
            Err(error) if !self.given.is_credential => return Err(error),
            present => present.ok().flatten(),
        };
        let had = present.is_some();
        let before = present.as_ref().map(|grant| grant.account.clone()).unwrap_or_default();
        let mut grant = prepare::merge(connector, method, present, &self.given, self.app.now())?;
        for (name, value) in beside.iter().filter(|(name, _)| self.given.fields.get(name).is_none()) {
            grant.account.insert(name, value.clone());
        }
        if had {
            self.check_destination(&before, &grant)?;
        }
        if grant.account != before {
            change.variables = Some(prepare::variables(method, &row.variables, &grant.account));
        }
        if !self.given.is_credential && (!had || grant.account == before) {
            return Ok(());
        }
        let stored = prepare::stored(self.app, &self.connection.row, method, GrantPlace::from(row), &grant)?;
        // values beside the credential do not move it to another client
        let credential_id =
            if self.given.is_credential { stored.credential_id } else { row.credential_id.clone() };
        change.grant = Some(GrantChange::Replace(keybearer_store::Grant { credential_id, ..stored }));
        if self.given.is_credential {
            change.status = Some((AccountStatus::Active, StatusReason::Imported));
            change.auth_type = Some(keybearer_connectors::engine::auth_type(method));
            change.method = Some(method.id.clone());
            change.revoke_outcome = Some(None);
        }
        let scopes = self.given.tokens.as_ref().map(|tokens| &tokens.scopes);
        change.granted_scopes = scopes.filter(|scopes| !scopes.is_empty()).cloned();
        Ok::<_, Error>(())
    }

    /// Sending a stored secret to another host is as good as reading it, where the host is anybody's choice.
    fn check_destination(&self, before: &Bindings, after: &Grant) -> Result<()> {
        let (connector, method) = (&self.connection.connector, self.connection.method()?);
        let api_pins = connector.api_for(method).pinned_hosts.unwrap_or_default();
        let open = method.pinned_hosts.iter().chain(&api_pins).any(|pin| pin == "*");
        let moved = method.fields.iter().any(|field| {
            before.get(&field.name) != after.account.get(&field.name)
                && forms::decides_host(connector, method, field)
        });
        let kept = |name: &str| before.get(name).is_some() && before.get(name) == after.account.get(name);
        let keeps_secret = (self.given.tokens.is_none() && !after.tokens.is_empty())
            || method.fields.iter().any(|field| field.secret && kept(&field.name));
        if open && moved && keeps_secret {
            self.caller.require(Permission::AccountsAccess).map_err(|error| {
                let detail = "the change would send the stored credential to another host; the API client lacks `connected_accounts:access`";
                Error::new(error.code, detail).with_help("give the whole credential again together with the new host")
            })?;
        }
        Ok(())
    }
}
