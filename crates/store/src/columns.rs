//! How our types are read from and written to columns; both servers see only text, integers, bytes and bool.

use std::fmt;

use keybearer_core::ids::{
    AccountId, AuditId, CallLogId, ClientId, ClientSecretId, ConnectionId, CredentialId, DataKeyId,
    EnvironmentId, EventId, FlowId, MemberId, MemberSessionId, OrganizationId, PasskeyId, ProviderId,
    SigningKeyId, UserPageId, WebhookEndpointId, WebhookSecretId,
};
use keybearer_core::{
    AccountStatus, AuthType, ConnectionState, CredentialSource, EnvironmentKind, FlowKind, FlowState,
    MemberRole, RefreshState, StatusReason, Timestamp, VerifyMode,
};
use serde_json::Value;
use sqlx::{ColumnIndex, Decode, Row, Type};

/// Ciphertext of the vault. Its `Debug` shows the length only.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(pub Vec<u8>);

impl fmt::Debug for Sealed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Sealed({} bytes)", self.0.len())
    }
}

impl std::ops::Deref for Sealed {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for Sealed {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

/// A stored value that cannot be what we wrote. It names the type, never the value.
#[derive(Debug, thiserror::Error)]
#[error("stored value is not a {0}")]
pub(crate) struct Unreadable(&'static str);

/// A type that a column can be read as.
pub(crate) trait Column: Sized {
    /// What the driver gives.
    type Raw;
    fn from_raw(raw: Self::Raw) -> Result<Self, Unreadable>;
}

/// Reads the column `name` of `row`.
pub(crate) fn read<'r, T, R>(row: &'r R, name: &'static str) -> Result<T, sqlx::Error>
where
    T: Column,
    R: Row,
    &'static str: ColumnIndex<R>,
    T::Raw: Decode<'r, R::Database> + Type<R::Database>,
{
    let raw: T::Raw = row.try_get(name)?;
    T::from_raw(raw)
        .map_err(|source| sqlx::Error::ColumnDecode { index: name.to_owned(), source: Box::new(source) })
}

/// A value that can be bound to a placeholder, as the type that both drivers know.
pub(crate) trait Bind {
    /// What the driver takes.
    type Raw<'a>
    where
        Self: 'a;
    fn raw(&self) -> Self::Raw<'_>;
}

macro_rules! plain {
    ($($type:ty),*) => {$(
        impl Column for $type {
            type Raw = $type;
            fn from_raw(raw: $type) -> Result<Self, Unreadable> { Ok(raw) }
        }
        impl Column for Option<$type> {
            type Raw = Option<$type>;
            fn from_raw(raw: Option<$type>) -> Result<Self, Unreadable> { Ok(raw) }
        }
    )*};
}

plain!(String, i64, bool);

macro_rules! converted {
    ($($type:ty, $raw:ty, $bound:ty, $value:ident => $read:expr, $this:ident => $write:expr;)*) => {$(
        impl Column for $type {
            type Raw = $raw;
            fn from_raw($value: $raw) -> Result<Self, Unreadable> { $read }
        }
        impl Column for Option<$type> {
            type Raw = Option<$raw>;
            fn from_raw(raw: Option<$raw>) -> Result<Self, Unreadable> {
                raw.map(<$type as Column>::from_raw).transpose()
            }
        }
        impl Bind for $type {
            type Raw<'a> = $bound;
            fn raw(&self) -> Self::Raw<'_> { let $this = self; $write }
        }
    )*};
}

macro_rules! id_columns {
    ($($type:ident),*) => {
        converted! {$($type, String, &'a str, text => Ok(Self::from_stored(text)), id => id.as_str();)*}
    };
}

macro_rules! enum_columns {
    ($($type:ident),*) => {
        converted! {$(
            $type, String, &'static str,
            text => Self::parse(&text).ok_or(Unreadable(stringify!($type))), value => value.as_str();
        )*}
    };
}

converted! {
    Timestamp, i64, i64, micros => Ok(Self::from_micros(micros)), time => time.micros();
    Sealed, Vec<u8>, &'a [u8], bytes => Ok(Self(bytes)), sealed => &sealed.0;
    Value, String, String, text => serde_json::from_str(&text).map_err(|_| Unreadable("JSON value")), json => json.to_string();
    Vec<String>, String, String,
        text => serde_json::from_str(&text).map_err(|_| Unreadable("JSON list of text")),
        list => Value::from(list.clone()).to_string();
}
id_columns!(
    AccountId,
    AuditId,
    CallLogId,
    ClientId,
    ClientSecretId,
    ConnectionId,
    CredentialId,
    DataKeyId,
    EnvironmentId,
    EventId,
    FlowId,
    MemberId,
    MemberSessionId,
    OrganizationId,
    PasskeyId,
    ProviderId,
    SigningKeyId,
    UserPageId,
    WebhookEndpointId,
    WebhookSecretId
);
enum_columns!(
    AccountStatus,
    AuthType,
    ConnectionState,
    CredentialSource,
    EnvironmentKind,
    FlowKind,
    FlowState,
    MemberRole,
    RefreshState,
    StatusReason,
    VerifyMode
);

impl Bind for str {
    type Raw<'a> = &'a str;
    fn raw(&self) -> &str {
        self
    }
}

impl Bind for String {
    type Raw<'a> = &'a str;
    fn raw(&self) -> &str {
        self
    }
}

impl Bind for i64 {
    type Raw<'a> = i64;
    fn raw(&self) -> i64 {
        *self
    }
}

impl Bind for bool {
    type Raw<'a> = bool;
    fn raw(&self) -> bool {
        *self
    }
}

impl<T: Bind> Bind for Option<T> {
    type Raw<'a>
        = Option<T::Raw<'a>>
    where
        T: 'a;
    fn raw(&self) -> Self::Raw<'_> {
        self.as_ref().map(Bind::raw)
    }
}

impl<T: Bind + ?Sized> Bind for &T {
    type Raw<'a>
        = T::Raw<'a>
    where
        Self: 'a;
    fn raw(&self) -> Self::Raw<'_> {
        (**self).raw()
    }
}

/// Declares a row: a struct whose fields are the columns of the same name.
macro_rules! row {
    ($($(#[$meta:meta])* pub struct $name:ident { $($(#[$field_meta:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name { $($(#[$field_meta])* pub $field: $type,)* }

        impl<'r, R> sqlx::FromRow<'r, R> for $name
        where
            R: sqlx::Row,
            &'static str: sqlx::ColumnIndex<R>,
            String: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
            i64: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
            bool: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
            Vec<u8>: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
        {
            fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
                Ok(Self { $($field: crate::columns::read::<$type, R>(row, stringify!($field))?,)* })
            }
        }
    )*};
}

/// Declares an enum of this crate that is stored as text, with a CHECK constraint of the same words.
macro_rules! stored_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant,)* }

        impl $name {
            /// The text that is stored.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// Reads the stored text; `None` when it is not one of the values.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

/// A prepared statement with its values: `statement!(query, sql::X, a, b)` or `query_as`, `query_scalar`.
macro_rules! statement {
    ($kind:ident, $sql:expr $(, $value:expr)* $(,)?) => {
        sqlx::$kind($sql)$(.bind(crate::columns::Bind::raw(&$value)))*
    };
}

stored_enum! {
    /// The life of a data key.
    DataKeyState {
        /// Made, not used yet.
        Staged = "staged",
        /// Seals new records; one for each environment.
        Primary = "primary",
        /// Opens old records only.
        Deprecated = "deprecated",
    }
}

stored_enum! {
    /// The life of a key that signs access tokens.
    SigningKeyState {
        /// Signs.
        Active = "active",
        /// Verifies until the last token it signed has ended.
        Retiring = "retiring",
        /// Neither.
        Retired = "retired",
    }
}

stored_enum! {
    /// Whether a client secret is accepted.
    SecretState {
        /// Accepted.
        Active = "active",
        /// Refused.
        Inactive = "inactive",
    }
}

stored_enum! {
    /// Whose credential the accounts of a connection use.
    AuthMode {
        /// Each user has their own.
        User = "user",
        /// One account holds the credential of the whole organization.
        OrgWide = "org_wide",
    }
}

stored_enum! {
    /// Where one trip to the provider stands.
    AttemptStatus {
        /// Stored before the browser left (form input, OAuth 1.0a request token).
        Prepared = "prepared",
        /// The provider answered with a code; nobody has used it.
        Received = "received",
        /// The code waits for the app's verify call.
        AwaitingVerification = "awaiting_verification",
        /// The code may have been sent; it is never sent again.
        Exchanging = "exchanging",
        /// The account has its grant.
        Done = "done",
        /// It ended without a grant.
        Failed = "failed",
    }
}

stored_enum! {
    /// Whether a webhook endpoint is sent to.
    EndpointState {
        /// Sent to.
        Active = "active",
        /// The developer holds it; what happens meanwhile waits.
        Paused = "paused",
        /// We gave up on it; nothing is queued.
        Disabled = "disabled",
    }
}

stored_enum! {
    /// Where the delivery of an event to an endpoint stands.
    DeliveryState {
        /// Waits for its first or next try.
        Pending = "pending",
        /// The endpoint took it.
        Delivered = "delivered",
        /// We gave up.
        Failed = "failed",
    }
}

enum_columns!(DeliveryState, EndpointState);

stored_enum! {
    /// How a call ended; the words are the wire's.
    CallOutcome {
        /// The provider answered with success.
        Success = "success",
        /// The provider refused or was away.
        ProviderError = "provider_error",
        /// It did not get as far, or we failed.
        PlatformError = "platform_error",
    }
}

stored_enum! {
    /// What a one-time link of a member is good for.
    TicketKind {
        /// Makes the first owner.
        Setup = "setup",
        /// Signs in.
        SignIn = "sign_in",
        /// Chooses a password.
        Password = "password",
    }
}

stored_enum! {
    /// What a user can do on a page of their own.
    UserPageKind {
        /// Connect one or several of the services.
        Choose = "choose",
        /// See what is connected, connect more, and disconnect.
        Manage = "manage",
    }
}

enum_columns!(UserPageKind);

stored_enum! {
    /// How a member signed in.
    SignInMeans {
        /// With address and password.
        Password = "password",
        /// With a link that works once.
        Link = "link",
        /// With a passkey.
        Passkey = "passkey",
        /// At the single sign-on.
        Sso = "sso",
    }
}

stored_enum! {
    /// The theme that a logo is for.
    LogoVariant {
        /// Light surfaces, and dark ones where there is no other.
        Light = "light",
        /// Dark surfaces.
        Dark = "dark",
    }
}

stored_enum! {
    /// How a logo is drawn.
    LogoKind {
        /// Cleaned SVG.
        Svg = "svg",
        /// Checked PNG.
        Png = "png",
    }
}

enum_columns!(AuthMode, AttemptStatus, CallOutcome, DataKeyState, SecretState, SigningKeyState);
enum_columns!(SignInMeans, TicketKind);
enum_columns!(LogoKind, LogoVariant);

stored_enum! {
    /// How a step of a test went.
    NoteOutcome {
        /// Good.
        Ok = "ok",
        /// It goes on, but look.
        Odd = "odd",
        /// It failed.
        Failed = "failed",
    }
}

enum_columns!(NoteOutcome);

pub(crate) use {row, statement};
