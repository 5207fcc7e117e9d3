//! Tokens: usable ones for a call, refreshed by one worker at a time (`reliability.md` §1).

mod background;
mod earlier;
mod fail;
mod flight;
mod fresh;
mod land;
mod load;
mod recover;
mod refresh;
pub(crate) mod schedule;
mod shared;
mod spill;

pub(crate) use background::run as run_background;
pub(crate) use flight::Flights;
pub use fresh::{RefreshOutcome, refresh_now};
pub(crate) use fresh::{fresh, renew};
pub(crate) use load::{LoadedAccount, LoadedConnection, require_usable};
pub(crate) use recover::recover;
pub(crate) use shared::Outcome;
pub(crate) use spill::Spill;
