#![doc = include_str!("../README.md")]

mod accounts;
mod audit;
mod brand;
mod calls;
mod change;
mod check;
mod clients;
mod columns;
mod connection_change;
mod connections;
mod credentials;
mod custom_connectors;
mod deliveries;
mod dialect;
mod environments;
mod error;
mod events;
mod figures;
mod flows;
mod jobs;
mod journal;
mod keys;
mod logs;
mod members;
mod organizations;
mod page;
mod passkeys;
mod refresh;
mod sealed;
mod sessions;
mod sql;
mod survey;
mod system;
mod trials;
mod user_pages;
mod webhooks;

pub use accounts::{AccountCount, AccountFilter, AccountRow, NewAccount};
pub use audit::{AuditFilter, AuditRow};
pub use brand::{BrandRow, BrandSave, LogoPut, LogoRef, LogoRow};
pub use calls::{CallCount, CallQuery, CodeCount, LoggedCall, SlotCount};
pub use change::{AccountChange, Changed, FlowEnd, Grant, GrantChange, Identity};
pub use clients::{ClientRow, ClientSecretRow};
pub use columns::{
    AttemptStatus, AuthMode, CallOutcome, DataKeyState, DeliveryState, EndpointState, LogoKind, LogoVariant,
    NoteOutcome, Sealed, SecretState, SignInMeans, SigningKeyState, TicketKind, UserPageKind,
};
pub use connection_change::{
    ConnectionCalls, ConnectionChange, ConnectionSeen, CredentialChange, GrantedScopes, NewSecret,
};
pub use connections::{ConnectionFilter, ConnectionRow};
pub use credentials::{CredentialRow, EndingSecret};
pub use custom_connectors::{CustomConnectorRow, CustomConnectorTally, CustomConnectorUse, DefinitionBehind};
pub use deliveries::{DeliveryFilter, DeliveryRow, TryResult, WebhookAttemptRow};
pub use dialect::{Db, Options};
pub use environments::{EnvironmentRow, InstallationRow};
pub use error::{Result, StoreError};
pub use events::{EventFilter, EventRow, NewEvent};
pub use figures::{CensusCount, FigureSpan, FlowStage, LatencyRow, ReasonCount, RefreshSlot, TallySlot};
pub use flows::{AttemptRow, FlowRow};
pub use journal::{JournalFilter, JournalKind, JournalRow};
pub use keys::{DataKeyRow, SigningKeyRow};
pub use logs::{CallFilter, CallRow, RefreshLogRow};
pub use members::{MemberChange, MemberRow, TicketRow};
pub use organizations::OrganizationRow;
pub use page::{Cursor, Page, PageRequest, Position};
pub use passkeys::{IdentityRow, PasskeyRow};
pub use refresh::{Failure, Lease, Leased, NewTokens};
pub use sealed::{ReencryptionRow, SEALED_COLUMNS, SealedCell, SealedColumn, SealedMove, SealedRange};
pub use sessions::MemberSessionRow;
pub use survey::{SurveyFilter, Walk};
pub use system::Backlog;
pub use trials::{TestNoteRow, TestRow};
pub use user_pages::UserPageRow;
pub use webhooks::{EndpointHealth, EndpointRow, WebhookSecretRow};
