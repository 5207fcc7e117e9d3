//! What goes into accounts and what comes out of them. [`Account`] cannot hold a secret; [`AccountAuth`] does.

use std::collections::BTreeMap;

use keybearer_core::ids::{AccountId, ConnectionId};
use keybearer_core::{AccountStatus, AuthType, SecretString, StatusReason, Timestamp};
use serde_json::{Map, Value};

/// Which account is meant. Empty texts count as absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lookup {
    /// `ca_…`; goes before everything else.
    pub id: Option<String>,
    /// Name of the connection; its id does too.
    pub connector: Option<String>,
    /// The developer's own id for the user.
    pub identifier: Option<String>,
    /// The organization it is scoped to.
    pub organization_id: Option<String>,
    /// The user it is scoped to.
    pub user_id: Option<String>,
}

impl Lookup {
    /// By id.
    pub fn id(id: impl Into<String>) -> Self {
        Self { id: Some(id.into()), ..Self::default() }
    }

    /// By connection and user.
    pub fn of(connector: impl Into<String>, identifier: impl Into<String>) -> Self {
        Self { connector: Some(connector.into()), identifier: Some(identifier.into()), ..Self::default() }
    }
}

/// Credentials as they come in.
#[derive(Clone, Debug, Default)]
pub enum Credentials {
    /// None: the account waits for its user. Empty values of the others mean the same.
    #[default]
    None,
    /// OAuth tokens that were obtained elsewhere.
    Oauth(OauthTokens),
    /// What a user gives: the connector's account fields, and `path_variables`. A JSON object.
    Static {
        /// The object as text.
        details: SecretString,
    },
    /// For whom a service account acts.
    ServiceAccount {
        /// Address of the person.
        subject: String,
    },
    /// Keys of a federated identity; no connector takes them.
    TrustedIdp,
}

/// OAuth tokens that were obtained elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OauthTokens {
    /// The access token.
    pub access_token: Option<SecretString>,
    /// The refresh token.
    pub refresh_token: Option<SecretString>,
    /// What was granted; unknown when empty.
    pub scopes: Vec<String>,
    /// The wire's `domain`.
    pub domain: Option<String>,
    /// When the access token ends, if that is known.
    pub access_expires_at: Option<Timestamp>,
    /// When the refresh token ends, if that is known.
    pub refresh_expires_at: Option<Timestamp>,
}

/// A choice of scopes. A list that is not given counts as empty; what is required is added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScopeSelection {
    /// Of the first list.
    pub scopes: Vec<String>,
    /// Of the second list.
    pub optional_scopes: Vec<String>,
}

/// An account to make. The lookup's `id` is not used.
#[derive(Clone, Debug, Default)]
pub struct CreateAccount {
    /// Connection, user and scope.
    pub lookup: Lookup,
    /// What it begins with.
    pub credentials: Credentials,
    /// The developer's settings for calls.
    pub api_config: Option<Map<String, Value>>,
    /// Values of account fields next to OAuth tokens, for example a subdomain.
    pub fields: BTreeMap<String, SecretString>,
    /// The scopes to ask for; the connection's when absent.
    pub scope_selection: Option<ScopeSelection>,
}

/// What changes on an account; absent leaves a value as it is.
#[derive(Clone, Debug, Default)]
pub struct UpdateAccount {
    /// Other credentials; [`Credentials::None`] leaves them.
    pub credentials: Credentials,
    /// Settings for calls, merged key by key; null removes a key.
    pub api_config: Option<Map<String, Value>>,
    /// Values of account fields.
    pub fields: BTreeMap<String, SecretString>,
    /// Another choice of scopes for the next sign-in.
    pub scope_selection: Option<ScopeSelection>,
}

/// Which accounts a list shows. Empty means all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountQuery {
    /// Only those of connections with one of these names.
    pub connection_names: Vec<String>,
    /// Only those of this connection; id or name.
    pub connection: Option<String>,
    /// Only this connector's; slug or the wire's provider key.
    pub connector: Option<String>,
    /// Only this user's.
    pub identifier: Option<String>,
    /// Only those scoped to this organization.
    pub organization_id: Option<String>,
    /// Only those scoped to this user.
    pub user_id: Option<String>,
    /// Only those in this state.
    pub status: Option<AccountStatus>,
    /// Only those whose user or identity contains this text.
    pub query: Option<String>,
    /// Only those that hold, or do not hold, an organization's credential.
    pub org_wide: Option<bool>,
}

/// An account with everything that may be shown about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// The developer's own id for the user.
    pub identifier: String,
    /// The connection it belongs to.
    pub connection_id: ConnectionId,
    /// Name of the connection; its id does too.
    pub connection: String,
    /// Slug of the connector.
    pub connector: String,
    /// The wire's provider key, upper case.
    pub provider: String,
    /// The organization it is scoped to, or empty.
    pub organization_id: String,
    /// The user it is scoped to, or empty.
    pub user_id: String,
    /// Its state.
    pub status: AccountStatus,
    /// Why it is in that state.
    pub reason: StatusReason,
    /// What to do about it.
    pub next_step: Option<String>,
    /// How it proves itself.
    pub auth_type: AuthType,
    /// The account holder's id at the provider.
    pub identity_id: Option<String>,
    /// How the provider names the account holder.
    pub identity_label: Option<String>,
    /// Who it was before somebody else connected, until that is decided.
    pub previous_identity_id: Option<String>,
    /// What the provider granted.
    pub granted_scopes: Vec<String>,
    /// What is asked for.
    pub wanted_scopes: Vec<String>,
    /// What is asked for and neither granted nor included in what is.
    pub missing_scopes: Vec<String>,
    /// When the access token ends.
    pub access_expires_at: Option<Timestamp>,
    /// When the refresh token ends.
    pub refresh_expires_at: Option<Timestamp>,
    /// When the background job refreshes it.
    pub next_refresh_at: Option<Timestamp>,
    /// When a call last used it.
    pub last_used_at: Option<Timestamp>,
    /// Rises whenever the stored grant changes.
    pub generation: i64,
    /// Failed refreshes since the last good one.
    pub failure_count: i64,
    /// When the first of them was.
    pub failing_since: Option<Timestamp>,
    /// Why the last of them failed.
    pub last_failure: Option<String>,
    /// What the provider said to the last revocation.
    pub revoke_outcome: Option<RevokeOutcome>,
    /// Whether its grant was made with an earlier client of the connection.
    pub on_earlier_client: bool,
    /// Account fields and captured values without secrets.
    pub fields: BTreeMap<String, String>,
    /// The developer's settings for calls, with the wire's fixed keys.
    pub api_config: Map<String, Value>,
    /// Whether it holds the credential of the whole organization.
    pub org_wide: bool,
    /// Since when it is in use without a break, where that is known.
    pub connected_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// An account with its secrets.
#[derive(Clone, Debug, PartialEq)]
pub struct AccountAuth {
    /// Everything else about it.
    pub account: Account,
    /// The secrets; `None` when it has no credential.
    pub credentials: Option<Revealed>,
}

/// The secrets of an account in the shape in which they came in.
#[derive(Clone, Debug, PartialEq)]
pub enum Revealed {
    /// OAuth tokens.
    Oauth(OauthTokens),
    /// What the user gave, as the text of a JSON object.
    Static {
        /// The object.
        details: SecretString,
    },
    /// A service account's token.
    ServiceAccount {
        /// For whom it acts.
        subject: String,
        /// The token, when one was made.
        access_token: Option<SecretString>,
        /// Its scopes.
        scopes: Vec<String>,
        /// When it ends.
        expires_at: Option<Timestamp>,
    },
}

/// What came of a revocation at the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevokeOutcome {
    /// The provider confirmed it.
    Revoked,
    /// There was nothing to revoke.
    NothingToRevoke,
    /// The connector has no way to revoke.
    NotOffered,
    /// The provider refused; the grant may live on there.
    Failed,
    /// The provider could not be reached or did not answer; the grant may live on there.
    NotReachable,
    /// It was begun and nobody knows how it ended.
    Unknown,
}

impl RevokeOutcome {
    /// The text that is stored and sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Revoked => "revoked",
            Self::NothingToRevoke => "nothing_to_revoke",
            Self::NotOffered => "not_offered",
            Self::Failed => "failed",
            Self::NotReachable => "not_reachable",
            Self::Unknown => "unknown",
        }
    }

    /// Reads the stored text.
    pub fn parse(text: &str) -> Self {
        let all = [Self::Revoked, Self::NothingToRevoke, Self::NotOffered, Self::Failed, Self::NotReachable];
        all.into_iter().find(|outcome| outcome.as_str() == text).unwrap_or(Self::Unknown)
    }
}

/// One attempt to refresh an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshRecord {
    /// When it ended.
    pub at: Timestamp,
    /// What came of it.
    pub outcome: String,
    /// Why.
    pub reason: Option<String>,
    /// The generation it began with.
    pub generation: i64,
    /// How long the provider took.
    pub duration_ms: i64,
}

/// How many accounts of an environment are in which state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusCount {
    /// The connection.
    pub connection_id: ConnectionId,
    /// The state.
    pub status: AccountStatus,
    /// How many.
    pub accounts: i64,
}

/// What came of one line of an import.
#[derive(Debug)]
pub struct ImportedLine {
    /// Number of the line, from 1.
    pub line: usize,
    /// The account, or what is wrong with the line. A wrong line changes nothing.
    pub result: keybearer_core::Result<Imported>,
}

/// An account of an import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// Its id.
    pub id: AccountId,
    /// Whether it is new; else its credentials were replaced.
    pub created: bool,
}
