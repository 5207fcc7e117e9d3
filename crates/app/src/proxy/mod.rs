//! Calls to a provider's API through us: authorized here, completed with the credential, streamed both ways.

mod call;
mod caps;
mod facts;
mod headers;
mod ledger;
mod log;
mod redact;
mod replay;

pub use call::{ProxyCall, call};
pub(crate) use caps::Caps;
pub use facts::{Added, Facts};
pub(crate) use ledger::Ledger;
