//! The API: one handler for each RPC, reached by gRPC and by REST.

#[expect(
    clippy::too_many_lines,
    clippy::allow_attributes,
    clippy::large_enum_variant,
    reason = "generated code"
)]
pub mod proto;

mod auth;
mod descriptors;
mod error;
mod front;
mod gate;
pub mod grpc;
mod hooks;
pub mod peer;
pub mod rest;
mod rules;
mod sessions;
mod token;
mod unary;

pub use auth::{Authenticate, Caller};
pub use descriptors::{Binding, Descriptors, LinkSession, Method};
pub use error::{Failure, grpc_code, http_status, retry_after, status, wire_name};
pub use front::Front;
pub use gate::Gate;
pub use hooks::{Hook, Hooks, IssueToken};
pub use sessions::{Held, LinkSessions};
pub use token::{IssuedToken, TokenRequest};
pub(crate) use unary::unary;
