//! The functions of the application that the HTTP edge calls: plugged in once, at the start.

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use keybearer_core::{Reference, Result};
use serde_json::Value;

use crate::api::auth::Authenticate;
use crate::api::token::{IssuedToken, TokenRequest};

type Run<I, O> = dyn Fn(I) -> BoxFuture<'static, Result<O>> + Send + Sync;

/// An async function of the application.
pub struct Hook<I, O>(Arc<Run<I, O>>);

impl<I, O> Hook<I, O> {
    /// From an async function.
    pub fn new<F, Fut>(run: F) -> Self
    where
        F: Fn(I) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<O>> + Send + 'static,
    {
        Self(Arc::new(move |input| Box::pin(run(input))))
    }

    pub(super) async fn call(&self, input: I) -> Result<O> {
        (self.0)(input).await
    }
}

impl<I, O> Clone for Hook<I, O> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<I, O> fmt::Debug for Hook<I, O> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Hook")
    }
}

/// Gives an access token for client credentials.
pub type IssueToken = Hook<(TokenRequest, Reference), IssuedToken>;

/// What the edge needs from the application.
#[derive(Clone, Debug)]
pub struct Hooks {
    /// Who is behind an access token.
    pub authenticate: Authenticate,
    /// Access token for client credentials; `Unauthenticated` when they are wrong.
    pub issue_token: IssueToken,
    /// The public signing keys, as a JWKS document: RSA keys only, each with a `kid`.
    pub public_keys: Hook<(), Value>,
    /// Whether a call could be answered now: database open, keys loaded.
    pub ready: Hook<(), ()>,
}
