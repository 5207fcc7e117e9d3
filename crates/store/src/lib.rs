#![doc = include_str!("../README.md")]

mod accounts;
mod audit;
mod change;
mod check;
mod clients;
mod columns;
mod connection_change;
mod connections;
mod credentials;
mod dialect;
mod environments;
mod error;
mod events;
mod flows;
mod jobs;
mod keys;
mod logs;
mod members;
mod page;
mod refresh;
mod sessions;
mod sql;

pub use accounts::{AccountCount, AccountFilter, AccountRow, NewAccount};
pub use audit::{AuditFilter, AuditRow};
pub use change::{AccountChange, Changed, FlowEnd, Grant, GrantChange, Identity};
pub use clients::{ClientRow, ClientSecretRow};
pub use columns::{
    AttemptStatus, AuthMode, DataKeyState, Sealed, SecretState, SignInMeans, SigningKeyState, TicketKind,
};
pub use connection_change::{ConnectionChange, ConnectionSeen, CredentialChange, GrantedScopes};
pub use connections::{ConnectionFilter, ConnectionRow};
pub use credentials::CredentialRow;
pub use dialect::{Db, Options};
pub use environments::{EnvironmentRow, InstallationRow};
pub use error::{Result, StoreError};
pub use events::{EventFilter, EventRow, NewEvent};
pub use flows::{AttemptRow, FlowRow};
pub use keys::{DataKeyRow, SigningKeyRow};
pub use logs::{CallFilter, CallRow, RefreshLogRow};
pub use members::{MemberChange, MemberRow, TicketRow};
pub use page::{Cursor, Page, PageRequest, Position};
pub use refresh::{Failure, Lease, Leased, NewTokens};
pub use sessions::MemberSessionRow;
