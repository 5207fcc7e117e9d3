use keybearer_core::{Entropy, Timestamp};

use crate::bindings::Bindings;
use crate::schema::{Api, AuthMethod, Connector};

/// What every engine function works on.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The connector.
    pub connector: &'a Connector,
    /// One of its auth methods.
    pub method: &'a AuthMethod,
    /// The values of this connection and account; see [`Bindings::layered`].
    pub bindings: &'a Bindings,
    /// The present time.
    pub now: Timestamp,
    /// Where nonces come from.
    pub entropy: &'a dyn Entropy,
}

impl Context<'_> {
    /// The connector's `api` with the method's overrides.
    pub fn api(&self) -> Api {
        self.connector.api_for(self.method)
    }
}

impl std::fmt::Debug for Context<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Context")
            .field("connector", &self.connector.slug)
            .field("method", &self.method.id)
            .field("bindings", &self.bindings)
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}
