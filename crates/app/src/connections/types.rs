//! What goes into connections and what comes out of them. No type that comes out can hold a secret.

use std::collections::BTreeMap;

use keybearer_connectors::Bindings;
use keybearer_connectors::forms::FormField;
use keybearer_core::ids::ConnectionId;
use keybearer_core::{AuthType, ConnectionState, CredentialSource, Timestamp};
use keybearer_store::ConnectionRow;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::overrides::MethodOverrides;

/// Which rules a new name follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NameRules {
    /// A person makes it: `[a-z0-9][a-z0-9_-]{0,63}`.
    #[default]
    Person,
    /// It comes in over the wire's API: letters, digits, `_`, `:`, `-` and space, 400 characters at most.
    Wire,
}

/// Which scopes a connection asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ScopeSettings {
    /// Asked for by default.
    pub scopes: Vec<String>,
    /// Always asked for, whatever a user chooses.
    pub required: Vec<String>,
    /// The second list, for connectors that have one.
    pub optional_scopes: Vec<String>,
    /// Those of the second list that are always asked for.
    pub required_optional: Vec<String>,
    /// Whether users may choose fewer.
    pub selectable: bool,
}

impl ScopeSettings {
    /// The settings of a stored connection.
    pub fn of(row: &ConnectionRow) -> Self {
        Self::deserialize(&row.scopes).unwrap_or_default()
    }

    /// Everything that is asked for: the first list with what is required.
    pub fn asked(&self) -> Vec<String> {
        union(&self.required, &self.scopes)
    }

    /// The same for the second list.
    pub fn asked_optional(&self) -> Vec<String> {
        union(&self.required_optional, &self.optional_scopes)
    }

    /// What an account that chose nothing wants, of both lists.
    pub fn wanted(&self) -> Vec<String> {
        union(&self.asked(), &self.asked_optional())
    }
}

/// A change of the scopes of a connection; an absent list or an absent choice stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScopePatch {
    /// Another first list.
    pub scopes: Option<Vec<String>>,
    /// Others that are always asked for.
    pub required: Option<Vec<String>>,
    /// Another second list.
    pub optional_scopes: Option<Vec<String>>,
    /// Others of the second list that are always asked for.
    pub required_optional: Option<Vec<String>>,
    /// Whether users may choose fewer.
    pub selectable: Option<bool>,
}

impl ScopePatch {
    /// The settings after the change; `None` when nothing is given.
    pub(super) fn over(&self, present: ScopeSettings) -> Option<ScopeSettings> {
        if *self == Self::default() {
            return None;
        }
        let Self { scopes, required, optional_scopes, required_optional, selectable } = self.clone();
        Some(ScopeSettings {
            scopes: scopes.unwrap_or(present.scopes),
            required: required.unwrap_or(present.required),
            optional_scopes: optional_scopes.unwrap_or(present.optional_scopes),
            required_optional: required_optional.unwrap_or(present.required_optional),
            selectable: selectable.unwrap_or(present.selectable),
        })
    }
}

/// `first` and then what only `second` has, each once.
pub(crate) fn union(first: &[String], second: &[String]) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for name in first.iter().chain(second) {
        if !all.contains(name) {
            all.push(name.clone());
        }
    }
    all
}

/// The stored settings of a connection that are not secret.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConnectionConfig {
    /// Values of the connector's connection fields.
    pub fields: BTreeMap<String, String>,
    /// Further parameters of the authorization request.
    pub extra_authorize_params: BTreeMap<String, String>,
    /// Values of the wire's `context` as they were given.
    pub context: Map<String, Value>,
    /// What it changes about the auth method.
    pub overrides: MethodOverrides,
    /// Account fields that the developer gives for all users.
    pub fixed: BTreeMap<String, String>,
    /// How many accounts had to sign in again when the scopes were last changed.
    pub behind_at_change: i64,
}

impl ConnectionConfig {
    /// The settings of a stored connection.
    pub fn of(row: &ConnectionRow) -> Self {
        Self::deserialize(&row.config).unwrap_or_default()
    }
}

/// A connection to make.
#[derive(Clone, Debug, Default)]
pub struct CreateConnection {
    /// Slug of the connector; the wire's `PROVIDER_KEY` is understood too.
    pub connector: String,
    /// Auth method; the connector's recommended one when absent.
    pub method: Option<String>,
    /// Which kind of method it is to have, where `method` names none: the first of that kind.
    pub auth_type: Option<AuthType>,
    /// Name; the slug, or the slug with a number, when absent.
    pub name: Option<String>,
    /// Which rules the name follows.
    pub name_rules: NameRules,
    /// What a person calls it.
    pub label: String,
    /// What users read on the connect page.
    pub blurb_for_users: String,
    /// Whose OAuth app it uses; the developer's own when absent.
    pub source: Option<CredentialSource>,
    /// Client id at the provider.
    pub client_id: Option<String>,
    /// Connection fields; secret ones are recognised and sealed wherever they stand.
    pub fields: BTreeMap<String, String>,
    /// `client_secret` and secret connection fields.
    pub secrets: Bindings,
    /// Scopes; the connector's defaults when absent.
    pub scopes: Option<ScopeSettings>,
    /// Further parameters of the authorization request.
    pub extra_authorize_params: BTreeMap<String, String>,
    /// Values of the wire's `context`.
    pub context: Map<String, Value>,
    /// Stay a draft even if nothing is missing.
    pub draft: bool,
    /// Whether one credential serves all its accounts.
    pub org_wide: bool,
}

/// What changes on a connection; absent leaves a value as it is.
#[derive(Clone, Debug, Default)]
pub struct UpdateConnection {
    /// Another name; only while it has no account.
    pub name: Option<String>,
    /// Which rules the name follows.
    pub name_rules: NameRules,
    /// Another auth method; only while it has no account.
    pub method: Option<String>,
    /// Another label.
    pub label: Option<String>,
    /// Another sentence for users.
    pub blurb_for_users: Option<String>,
    /// Another owner of the OAuth app.
    pub source: Option<CredentialSource>,
    /// Another client id: existing accounts stay on the old client.
    pub client_id: Option<String>,
    /// Connection fields; an empty value clears the field, an empty secret one keeps it.
    pub fields: BTreeMap<String, String>,
    /// `client_secret` and secret connection fields; an empty one keeps what is stored.
    pub secrets: Bindings,
    /// Other scopes.
    pub scopes: Option<ScopeSettings>,
    /// All further parameters of the authorization request.
    pub extra_authorize_params: Option<BTreeMap<String, String>>,
    /// Whether the proxy serves it.
    pub proxy_enabled: Option<bool>,
    /// Version the caller saw; a write over another one is refused.
    pub expected_version: Option<i64>,
    /// Changes of single lists of scopes, where `scopes` is absent.
    pub scope_patch: ScopePatch,
    /// Changes of single further parameters; an empty text removes one.
    pub extra_patch: BTreeMap<String, String>,
    /// Changes of what differs from the connector's auth method.
    pub overrides: MethodOverrides,
    /// Whether one credential serves all its accounts; only while it has none.
    pub org_wide: Option<bool>,
    /// Kind of another auth method, where the method is not named; only while it has no account.
    pub auth_type: Option<AuthType>,
    /// Put a draft into use once nothing is missing.
    pub activate_when_complete: bool,
    /// For how long the secret that is replaced is tried as well; not at all when absent.
    pub keep_earlier: Option<KeepEarlier>,
    /// When the new secret ends at the provider.
    pub secret_ends_at: Option<Timestamp>,
    /// With another client: existing accounts leave the former one now. Their number, as the caller saw it.
    pub drop_earlier: Option<i64>,
    /// Account fields that the developer fixes for all users; an empty value asks them again.
    pub fixed: BTreeMap<String, String>,
}

/// For how long a secret that was replaced is tried beside its successor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeepEarlier {
    /// One hour.
    Hour,
    /// One day.
    Day,
    /// Until somebody removes it.
    UntilRemoved,
}

impl KeepEarlier {
    /// Until when; `None` has no end.
    pub fn until(self, now: Timestamp) -> Option<Timestamp> {
        let hours = match self {
            Self::Hour => 1,
            Self::Day => 24,
            Self::UntilRemoved => return None,
        };
        Some(now.plus(std::time::Duration::from_secs(hours * 3600)))
    }
}

/// What may be told about a stored client secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecretFacts {
    /// When it was stored.
    pub set_at: Option<Timestamp>,
    /// Who stored it.
    pub set_by: Option<String>,
    /// When it ends at the provider.
    pub ends_at: Option<Timestamp>,
    /// Whether the one before it is still tried.
    pub has_earlier: bool,
    /// Until when; without a time until somebody removes it.
    pub earlier_until: Option<Timestamp>,
}

/// Another secret or another client.
#[derive(Clone, Debug)]
pub enum SetCredentials {
    /// The client id stays: all accounts use the new secret at once.
    ReplaceSecret {
        /// `client_secret` or secret connection fields; those not named stay.
        secrets: Bindings,
    },
    /// Another client: existing accounts stay on the old one until they sign in again.
    ReplaceClient {
        /// Whose.
        source: CredentialSource,
        /// Client id; not for shared credentials.
        client_id: Option<String>,
        /// `client_secret` and secret connection fields.
        secrets: Bindings,
    },
}

/// What a change of credentials came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialsSet {
    /// The connection now.
    pub connection: Connection,
    /// How many accounts stay on an earlier client until they sign in again.
    pub on_earlier_client: i64,
}

/// Which connections a list shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConnectionQuery {
    /// Only this connector's; slug or the wire's provider key.
    pub connector: Option<String>,
    /// Only those in this state.
    pub state: Option<ConnectionState>,
    /// Only those whose name contains this text.
    pub query: Option<String>,
}

/// A connection with everything that may be shown about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Its id.
    pub id: ConnectionId,
    /// Its name.
    pub name: String,
    /// What a person calls it; may be empty.
    pub label: String,
    /// Slug of the connector.
    pub connector: String,
    /// Name of the connector.
    pub connector_display_name: String,
    /// Id of the auth method.
    pub method: String,
    /// Kind of the auth method.
    pub auth_type: AuthType,
    /// Draft, active or paused.
    pub state: ConnectionState,
    /// Why the developer must look.
    pub attention: Option<String>,
    /// Since when.
    pub attention_at: Option<Timestamp>,
    /// What users read on the connect page; may be empty.
    pub blurb_for_users: String,
    /// Where the provider sends the browser back; final from the first moment.
    pub redirect_uri: String,
    /// Whether the method uses the redirect URI.
    pub needs_redirect_uri: bool,
    /// Whose OAuth app it uses.
    pub source: CredentialSource,
    /// The app's name at the provider, for shared credentials.
    pub shared_app_name: Option<String>,
    /// The client id; it is no secret.
    pub client_id: Option<String>,
    /// Whether a client secret is stored.
    pub has_client_secret: bool,
    /// Its last four characters, if it has 20 or more.
    pub client_secret_suffix: Option<String>,
    /// When the secret was stored, by whom, and until when it and its predecessor are used.
    pub secret: SecretFacts,
    /// Account fields that are fixed for all users.
    pub fixed: BTreeMap<String, String>,
    /// Connection fields without secrets.
    pub fields: BTreeMap<String, String>,
    /// Names of the secret connection fields that are set.
    pub secret_fields: Vec<String>,
    /// Which scopes it asks for.
    pub scopes: ScopeSettings,
    /// Further parameters of the authorization request.
    pub extra_authorize_params: BTreeMap<String, String>,
    /// Whether the proxy serves it.
    pub proxy_enabled: bool,
    /// Whether one account holds the credential of the whole organization.
    pub org_wide: bool,
    /// Where MCP clients reach it.
    pub mcp_url: String,
    /// What it changes about the auth method.
    pub overrides: MethodOverrides,
    /// The base address of proxied calls, when it does not depend on the account.
    pub resolved_proxy_url: Option<String>,
    /// Fields that are still needed before it can be used.
    pub missing: Vec<String>,
    /// What looks odd, but is accepted.
    pub warnings: Vec<Warning>,
    /// Its accounts.
    pub counts: ConnectionCounts,
    /// Rises with each change.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// What looks odd about a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The field.
    pub field: String,
    /// A sentence for the person.
    pub says: String,
}

/// Accounts of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConnectionCounts {
    /// All.
    pub accounts: i64,
    /// Usable.
    pub active: i64,
    /// Must sign in again.
    pub expired: i64,
    /// Not connected yet, or not confirmed yet.
    pub pending: i64,
    /// Switched off.
    pub disconnected: i64,
    /// Granted to an earlier client; filled in by reads of one connection only.
    pub on_earlier_client: i64,
    /// Lack a scope that is asked for now; filled in by reads of one connection only.
    pub scopes_behind: i64,
    /// How many did when the scopes were last changed; filled in by reads of one connection only.
    pub behind_at_change: i64,
}

/// What a change of scopes would mean for the accounts of a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScopeImpact {
    /// Scopes that are asked for in addition.
    pub added: Vec<String>,
    /// Scopes that are not asked for any more.
    pub removed: Vec<String>,
    /// Accounts that must sign in again to get all that is asked for.
    pub must_sign_in_again: i64,
    /// Accounts that hold a scope which would not be asked for any more.
    pub hold_removed: i64,
    /// Accounts of which nobody knows what was granted; treated as lacking.
    pub unknown: i64,
}

/// What a developer and what each user must give for a method.
#[derive(Clone, Debug, PartialEq)]
pub struct Form {
    /// Slug of the connector.
    pub connector: String,
    /// Id of the method.
    pub method: String,
    /// Kind of the method.
    pub auth_type: AuthType,
    /// Whether the provider must know the redirect URI.
    pub needs_redirect_uri: bool,
    /// Whether the operator offers an app for the connector; then its name.
    pub shared_app_name: Option<String>,
    /// What the developer gives once; client id and secret among them.
    pub connection_fields: Vec<FormField>,
    /// What each user gives.
    pub account_fields: Vec<FormField>,
    /// Scopes that are asked for when nothing is chosen.
    pub default_scopes: Vec<String>,
}
