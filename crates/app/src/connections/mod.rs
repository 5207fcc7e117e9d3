//! Connections: a developer's configuration of a connector, from draft to deletion.
//!
//! Secrets go in and never come out: no type of this module that is returned can hold one. Every change writes its
//! line of the audit trail in the same transaction.

mod context;
mod create;
mod credentials;
mod delete;
mod find;
mod name;
mod scopes;
mod state;
mod types;
mod update;
mod values;
mod view;

pub use context::{context, set_context};
pub use create::create;
pub use credentials::set_credentials;
pub use delete::{Deleted, delete};
pub use find::{connector, form, get, get_by_name, list};
pub use scopes::scope_impact;
pub use state::{activate, clear_attention, pause, resume, set_proxy};
pub use types::{
    Connection, ConnectionConfig, ConnectionCounts, ConnectionQuery, CreateConnection, CredentialsSet, Form,
    NameRules, ScopeImpact, ScopeSettings, SetCredentials, UpdateConnection, Warning,
};
pub use update::update;

pub(crate) use find::{row, row_by_id, row_by_name};
pub(crate) use find::{row, row_by_id, slug};
pub(crate) use types::union;
pub(crate) use view::redirect_uri;
