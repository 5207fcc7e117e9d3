//! Accounts: one user's credentials on a connection.
//!
//! Every change writes its events and its line of the audit trail in the same transaction. Only `auth` gives
//! secrets out, and only after the audit trail has it.

mod auth;
mod create;
mod disconnect;
mod given;
mod import;
mod list;
mod lookup;
mod org_wide;
mod person;
mod prepare;
mod settings;
mod survey;
mod types;
mod update;
mod view;

pub use auth::auth;
pub use create::{create, get_or_create};
pub use disconnect::{Disconnected, delete, disconnect, revoke};
pub use import::{ImportAccount, import, import_one};
pub use list::{counts, get, history, list, search};
pub use org_wide::{OrgWide, authorize_org_wide};
pub use person::{ErasedAccount, Erasure, erase_person, of_person};
pub use survey::{Flag, MOST_COUNTED, SurveyQuery, Surveyed, survey, surveyed};
pub use types::{
    Account, AccountAuth, AccountQuery, CreateAccount, Credentials, Imported, ImportedLine, Lookup,
    OauthTokens, RefreshRecord, Revealed, RevokeOutcome, ScopeSelection, StatusCount, UpdateAccount,
};
pub use update::update;

pub(crate) use create::ensure;
pub(crate) use disconnect::revoke_deleted;
pub(crate) use lookup::{check_person, resolve};
pub(crate) use prepare::{stored, variables};
pub(crate) use settings::{optional_part, selected};
pub(crate) use view::{many as shown, missing_scopes};
