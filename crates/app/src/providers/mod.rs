//! Connectors that an environment makes over the API, and finding any connector for an environment.

mod cache;
mod changed;
mod check;
mod contribute;
mod create;
mod definition;
mod delete;
mod discover;
mod examine;
mod find;
mod list;
mod openapi;
mod review;
mod types;
mod update;

pub use changed::{Changed, changed, reviewed, what_changed};
pub use contribute::{contribution, contribution_of};
pub use create::create;
pub use definition::{Draft, draft_of, keys, parse, text};
pub use delete::delete;
pub use discover::{Discovered, discover};
pub use examine::{Examined, examine};
pub use find::{catalogue, connector, get};
pub use list::{ProviderKind, list, tally};
pub use openapi::{OPENAPI_LARGEST, from_openapi, openapi_draft};
pub use review::{Change, Used, review, uses};
pub use types::{CreateProvider, CustomProvider, Provider, UpdateProvider};
pub use update::update;

pub(crate) use cache::Cache;
pub(crate) use changed::seen;
pub(crate) use find::{for_view, of_row, shown};

use keybearer_core::{Code, Error};

use crate::access::{Caller, Permission};

/// What changing the catalogue itself answers: it is part of the program and of the operator's files.
pub fn change_catalogue(caller: &Caller) -> Error {
    if let Err(refused) = caller.require(Permission::ConnectorsWrite) {
        return refused;
    }
    Error::new(Code::FailedPrecondition, "the catalogue is not changed over the API").with_help(
        "make a connector of your own with `POST /api/v1/custom-providers`, or ask the operator to put a definition into the connectors folder of the server",
    )
}
