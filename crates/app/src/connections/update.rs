//! Changing a connection.

use keybearer_connectors::engine::auth_type;
use keybearer_connectors::schema::{AuthMethod, Connector};
use keybearer_core::{AuthType, Code, ConnectionState, CredentialSource, Error, Result};
use keybearer_store::{AuthMode, ConnectionChange, ConnectionRow, ConnectionSeen, CredentialChange};
use serde_json::json;

use super::create::to_json;
use super::credentials::{self, Planned, Wanted};
use super::types::{Connection, ConnectionConfig, ScopeSettings, UpdateConnection};
use super::values::{self, Given, Have, Values};
use super::{find, fixed, name, scopes, view};
use crate::access::{Caller, Permission};
use crate::audit;
use crate::providers;
use crate::state::App;

/// Changes what is given and leaves the rest.
///
/// # Errors
/// [`Code::PermissionDenied`], [`Code::ConnectionNotFound`], [`Code::ConnectionNameTaken`],
/// [`Code::FailedPrecondition`] when the version is another one or the name is locked, `InvalidArgument` at each
/// wrong field.
pub async fn update(
    app: &App,
    caller: &Caller,
    id_or_name: &str,
    patch: UpdateConnection,
) -> Result<Connection> {
    let connection = apply(app, caller, id_or_name, patch, "connection.updated").await?;
    let row = find::row(app, &caller.environment, connection.id.as_str()).await?;
    providers::seen(app, &row).await?;
    Ok(connection)
}

/// Changes a connection and writes `action` to the audit trail.
pub(super) async fn apply(
    app: &App,
    caller: &Caller,
    id_or_name: &str,
    patch: UpdateConnection,
    action: &str,
) -> Result<Connection> {
    caller.require(Permission::ConnectorsWrite)?;
    let row = find::row(app, &caller.environment, id_or_name).await?;
    let connector = find::connector(app, &caller.environment, &row.connector).await?;
    let changed = app
        .db()
        .change_connection(&caller.environment, &row.id, app.now(), |seen| {
            Change { app, caller, connector: &connector, patch: &patch, action }.decide(seen)
        })
        .await;
    match changed {
        Ok(Some(row)) => view::one(app, row).await,
        Ok(None) => Err(find::not_found()),
        Err(error) if error.code == Code::AlreadyExists => {
            Err(name::taken(app, &caller.environment, patch.name.as_deref().unwrap_or_default()).await)
        }
        Err(error) => Err(error),
    }
}

struct Change<'a> {
    app: &'a App,
    caller: &'a Caller,
    connector: &'a Connector,
    patch: &'a UpdateConnection,
    action: &'a str,
}

impl Change<'_> {
    fn decide(&self, seen: &ConnectionSeen) -> Result<ConnectionChange> {
        let patch = self.patch;
        if patch.expected_version.is_some_and(|expected| expected != seen.row.version) {
            let detail = format!("somebody changed the connection: it has version {} now", seen.row.version);
            return Err(
                Error::new(Code::FailedPrecondition, detail).with_help("read it again and repeat the change")
            );
        }
        let mut row = seen.row.clone();
        self.rename(seen, &mut row)?;
        let method = self.method(seen, &mut row)?;
        self.auth_mode(seen, method, &mut row)?;
        let values = self.settings(method, &mut row)?;
        let only_secrets = patch.source.is_none() && patch.client_id.is_none() && !values.secrets.is_empty();
        if only_secrets && values.secrets.get("client_secret").is_some() {
            credentials::check_replaceable(seen)?;
        }
        let planned = credentials::plan(
            self.app,
            self.connector,
            method,
            seen,
            &Wanted {
                source: patch.source,
                values: &values,
                by: &self.caller.actor,
                keep_earlier: patch.keep_earlier,
                ends_at: patch.secret_ends_at,
            },
        )?;
        self.check_dropped(seen, &planned)?;
        self.check_shared(method, &row, &planned)?;
        self.check_complete(method, &row, &planned)?;
        row.credential_source = planned.source;
        if patch.activate_when_complete
            && row.state == ConnectionState::Draft
            && self.missing(method, &row, &planned).is_empty()
        {
            row.state = ConnectionState::Active;
        }
        if planned.change != CredentialChange::Keep {
            (row.attention, row.attention_at) = (None, None);
        }
        let detail = self.detail(seen, &row, &values, &planned);
        let (before, after) = (ScopeSettings::of(&seen.row).wanted(), ScopeSettings::of(&row).wanted());
        let audit = audit::row(self.app, self.caller, self.action, row.id.as_str(), detail)?;
        Ok(ConnectionChange {
            row,
            credential: planned.change,
            audit: Some(audit),
            drop_earlier: patch.drop_earlier.is_some(),
            wanted_scopes: (before != after).then_some((before, after)),
        })
    }

    /// Nobody loses more accounts than they saw.
    fn check_dropped(&self, seen: &ConnectionSeen, planned: &Planned) -> Result<()> {
        let Some(expected) = self.patch.drop_earlier else { return Ok(()) };
        if !matches!(planned.change, CredentialChange::Replace(_)) {
            return Err(Error::field(
                "client_id",
                "must be another one where accounts are to leave the former",
            ));
        }
        if seen.accounts == expected {
            return Ok(());
        }
        let detail = format!("the connection has {} accounts and not {expected}", seen.accounts);
        Err(Error::new(Code::FailedPrecondition, detail)
            .with_help("look again how many accounts are touched"))
    }

    fn rename(&self, seen: &ConnectionSeen, row: &mut ConnectionRow) -> Result<()> {
        let Some(wanted) =
            self.patch.name.as_ref().filter(|wanted| !wanted.is_empty() && **wanted != row.name)
        else {
            return Ok(());
        };
        name::check(wanted, self.patch.name_rules)?;
        if seen.accounts > 0 {
            let detail = format!("the name is locked: the connection has {} accounts", seen.accounts);
            return Err(Error::new(Code::FailedPrecondition, detail).with_help("change the label instead"));
        }
        row.name.clone_from(wanted);
        Ok(())
    }

    /// Existing accounts have credentials of their own, or have agreed to the shared one: they cannot change sides.
    fn auth_mode(&self, seen: &ConnectionSeen, method: &AuthMethod, row: &mut ConnectionRow) -> Result<()> {
        let wanted = match self.patch.org_wide {
            Some(true) => AuthMode::OrgWide,
            Some(false) => AuthMode::User,
            None => return Ok(()),
        };
        if wanted != row.auth_mode && seen.accounts > 0 {
            let detail = format!("the auth_mode is locked: the connection has {} accounts", seen.accounts);
            return Err(
                Error::new(Code::FailedPrecondition, detail).with_help("make another connection for it")
            );
        }
        if wanted == AuthMode::OrgWide && auth_type(method) == AuthType::NoAuth {
            return Err(Error::field("auth_mode", "must be user: there is no credential that all could use"));
        }
        row.auth_mode = wanted;
        Ok(())
    }

    /// The id of the method that the patch names, or of the one of the kind that it names.
    fn wanted_method(&self, row: &ConnectionRow) -> Result<Option<String>> {
        if let Some(named) = self.patch.method.as_ref().filter(|named| !named.is_empty()) {
            return Ok(Some(named.clone()));
        }
        let Some(kind) = self.patch.auth_type else { return Ok(None) };
        if auth_type(find::method(self.connector, Some(&row.method))?) == kind {
            return Ok(None);
        }
        find::method_of_type(self.connector, kind).map(|method| Some(method.id.clone()))
    }

    fn method(&self, seen: &ConnectionSeen, row: &mut ConnectionRow) -> Result<&AuthMethod> {
        let wanted = self.wanted_method(row)?;
        let wanted = wanted.as_deref().filter(|wanted| *wanted != row.method);
        let Some(wanted) = wanted else {
            return find::method(self.connector, Some(&row.method));
        };
        if seen.accounts > 0 {
            let detail = format!("the method is locked: the connection has {} accounts", seen.accounts);
            return Err(
                Error::new(Code::FailedPrecondition, detail).with_help("make another connection for it")
            );
        }
        let method = find::method(self.connector, Some(wanted))?;
        row.method.clone_from(&method.id);
        if self.patch.scopes.is_none() {
            row.scopes = to_json(&scopes::defaults(method, None))?;
        }
        Ok(method)
    }

    /// Everything that is neither name nor credential.
    fn settings(&self, method: &AuthMethod, row: &mut ConnectionRow) -> Result<Values> {
        let patch = self.patch;
        if let Some(label) = &patch.label {
            values::check_text("label", label, 100)?;
            row.label = label.trim().to_owned();
        }
        if let Some(blurb) = &patch.blurb_for_users {
            values::check_text("blurb_for_users", blurb, 140)?;
            row.blurb_for_users = blurb.trim().to_owned();
        }
        let source = patch.source.unwrap_or(row.credential_source);
        let shared = self.app.config().shared_credentials.get(&self.connector.slug);
        let shared = shared.filter(|_| source == CredentialSource::Shared);
        let patched = patch.scope_patch.over(ScopeSettings::of(row));
        if let Some(wanted) = patch.scopes.as_ref().or(patched.as_ref()) {
            row.scopes = to_json(&scopes::check(method, wanted, shared)?)?;
        }
        let given =
            Given { client_id: patch.client_id.as_deref(), fields: &patch.fields, secrets: &patch.secrets };
        let values = values::read(self.connector, method, given)?;
        let mut config = ConnectionConfig::of(row);
        for name in &values.cleared {
            config.fields.remove(name);
        }
        config.fields.extend(values.fields.clone());
        if let Some(extra) = &patch.extra_authorize_params {
            values::check_extra(method, extra)?;
            config.extra_authorize_params.clone_from(extra);
        }
        if !patch.extra_patch.is_empty() {
            config.extra_authorize_params.extend(patch.extra_patch.clone());
            config.extra_authorize_params.retain(|_, value| !value.is_empty());
            values::check_extra(method, &config.extra_authorize_params)?;
        }
        fixed::apply(self.connector, method, &mut config.fixed, &patch.fixed)?;
        config.overrides = config.overrides.patched(&patch.overrides);
        config.overrides.check(method)?;
        row.config = to_json(&config)?;
        row.proxy_enabled = patch.proxy_enabled.unwrap_or(row.proxy_enabled);
        Ok(values)
    }

    /// All fields that the connection has after the change, not only those of the patch.
    fn check_shared(&self, method: &AuthMethod, row: &ConnectionRow, planned: &Planned) -> Result<()> {
        if planned.source != CredentialSource::Shared {
            return Ok(());
        }
        let mut values = Values { fields: ConnectionConfig::of(row).fields, ..Values::default() };
        values.secrets = planned.secrets.clone();
        values.secrets.remove("client_secret");
        values::check_shared(self.connector, method, &values)
    }

    /// A connection in use stays complete.
    fn check_complete(&self, method: &AuthMethod, row: &ConnectionRow, planned: &Planned) -> Result<()> {
        if row.state == ConnectionState::Draft {
            return Ok(());
        }
        let missing = self.missing(method, row, planned);
        if missing.is_empty() { Ok(()) } else { Err(values::must_be_given(&missing)) }
    }

    fn missing(&self, method: &AuthMethod, row: &ConnectionRow, planned: &Planned) -> Vec<String> {
        let names: Vec<String> = planned.secrets.iter().map(|(name, _)| name.to_owned()).collect();
        let fields = ConnectionConfig::of(row).fields;
        let have = Have {
            source: planned.source,
            client_id: planned.client_id.as_deref(),
            fields: &fields,
            secrets: &names,
        };
        values::missing(self.app, self.connector, method, have)
    }

    /// What changed, by name only: values may be personal, secrets are secret.
    fn detail(
        &self,
        seen: &ConnectionSeen,
        row: &ConnectionRow,
        values: &Values,
        planned: &Planned,
    ) -> serde_json::Value {
        let credential = match &planned.change {
            CredentialChange::Keep
            | CredentialChange::ForgetEarlier { .. }
            | CredentialChange::Ends { .. } => "kept",
            CredentialChange::Reseal { .. } => "secret_replaced",
            CredentialChange::Replace(_) => "client_replaced",
        };
        let secrets: Vec<&str> = values.secrets.iter().map(|(name, _)| name).collect();
        json!({
            "name": (seen.row.name != row.name).then_some(&row.name),
            "method": (seen.row.method != row.method).then_some(&row.method),
            "fields": values.fields.keys().collect::<Vec<_>>(),
            "cleared": values.cleared,
            "secrets": secrets,
            "scopes_changed": seen.row.scopes != row.scopes,
            "proxy_enabled": row.proxy_enabled,
            "auth_mode": row.auth_mode.as_str(),
            "credential": credential,
            "source": planned.source,
            "earlier_secret_kept": matches!(&planned.change, CredentialChange::Reseal { new, .. } if new.earlier_sealed.is_some()),
            "accounts_dropped": self.patch.drop_earlier,
        })
    }
}
