//! From definition and values to requests, and from answers to tokens. Pure: no socket, no clock, no random source of
//! its own.

mod answer;
mod assertion;
mod authorize;
mod call;
mod captures;
mod context;
mod derive;
mod error;
mod exchange;
mod hosts;
mod identity;
mod inject;
mod issuer;
mod oauth1;
mod params;
mod policy;
mod post_connect;
mod proxy;
mod revoke;
mod servers;
mod sign;
mod token;
mod urls;
mod values;
mod verify;

pub use authorize::{AuthorizeRequest, authorize_url};
pub use captures::callback_captures;
pub use context::Context;
pub use error::EngineError;
pub use exchange::{Exchange, Granted};
pub use hosts::matches as host_matches;
pub use identity::{AccountIdentity, identity_from_grant, identity_request, read_identity};
pub use inject::{credential_headers, credential_query_names, inject, needs_whole_body};
pub use issuer::expected_issuer;
pub use oauth1::{
    RequestToken, access_token_request, oauth1_authorize_url, read_access_token, read_request_token,
    request_token_request,
};
pub use policy::{
    ExpiryKnowledge, RefreshKind, RefreshPolicy, auth_type, means_expired_token, mint_grant, refresh_policy,
};
pub use post_connect::{
    Choice, Extracted, PostConnectError, Step, post_connect_step, read_post_connect_step,
};
pub use proxy::{base_url, proxy_target};
pub use revoke::revoke_request;
pub use servers::servers;
pub use token::{Grant, token_request};
pub use verify::{VerifyOutcome, read_verify, verify_requests};

pub(crate) use assertion::offers as offers_algorithm;
pub(crate) use derive::TIME_FORMATS;
pub(crate) use hosts::{Chooser, chooser, is_local};
pub(crate) use inject::is_secret;
pub(crate) use urls::Position;
