//! Connections: a developer's configuration of a connector, from draft to deletion.
//!
//! Secrets go in and never come out: no type of this module that is returned can hold one. Every change writes its
//! line of the audit trail in the same transaction.

mod aliases;
mod context;
mod create;
mod credentials;
mod delete;
mod duplicate;
mod find;
mod fixed;
mod name;
mod overrides;
mod rotation;
mod scopes;
mod state;
pub mod transfer;
mod types;
mod update;
mod usage;
mod values;
mod view;

pub use aliases::by_wire_name;
pub use context::{context, organization_context, set_context, set_organization_context};
pub use create::create;
pub use credentials::set_credentials;
pub use delete::{Deleted, delete};
pub use duplicate::duplicate;
pub use find::{connector, form, get, get_by_name, list};
pub use overrides::MethodOverrides;
pub use rotation::{
    EndingSecret, Rotation, drop_earlier_client, ending_secrets, forget_earlier_secret, rotate_secret,
    set_secret_end,
};
pub use scopes::scope_impact;
pub use state::{Switched, activate, clear_attention, pause, resume, set_proxy, switch};
pub use types::{
    Connection, ConnectionConfig, ConnectionCounts, ConnectionQuery, CreateConnection, CredentialsSet, Form,
    KeepEarlier, NameRules, ScopeImpact, ScopePatch, ScopeSettings, SecretFacts, SetCredentials,
    UpdateConnection, Warning,
};
pub use update::update;
pub use usage::{MAX_REVOKED, Revoked, Usage, lacking, note_scope_change, revoke_all, usage};

pub(crate) use context::organization_bindings;
pub(crate) use find::{row, row_by_id, row_by_name, slug};
pub(crate) use fixed::{is_fixed, values as fixed_values};
pub(crate) use overrides::with_overrides;
pub(crate) use rotation::tidy as tidy_secrets;
pub(crate) use types::union;
pub(crate) use view::redirect_uri;
