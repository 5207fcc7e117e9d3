#![doc = include_str!("../README.md")]

mod codec;
mod entropy;
mod error;
pub mod ids;
mod model;
mod reference;
mod secret;
mod time;

pub use codec::{from_hex, sha256, to_hex};
pub use entropy::{Entropy, OsEntropy, SeededEntropy, random_token};
pub use error::{Code, Error, Fault, FieldViolation, Result};
pub use model::{
    AccountStatus, AuthType, ConnectionState, CredentialSource, EnvironmentKind, FlowKind, FlowState,
    MemberRole, RefreshClass, RefreshState, StatusReason, VerifyMode,
};
pub use reference::Reference;
pub use secret::{Secret, SecretBytes, SecretString};
pub use time::{Clock, FixedClock, SystemClock, Timestamp};
