//! The keys of a connector definition. Unknown keys are refused.

mod api;
mod auth;
mod connector;
mod field;
mod names;
mod scope;
mod setup;
mod steps;
mod token;
mod walk;

pub use api::{Api, Expectation, ExpiredAnswer, RateLimit, Transport, Verify};
pub use auth::{AuthMethod, BodyFormat, Fragment, MethodType, Params, Pkce, Registration, TokenAuth};
pub use connector::{Connector, Kind, Many};
pub use field::{Field, FieldKind, Place};
pub(crate) use names::step_of;
pub use names::{BUILTINS, Source};
pub use scope::{OptionalScopes, Scope};
pub use setup::{AppReview, CredentialHint, CredentialProbe, HttpsRule, RedirectMatch, RedirectRules, Setup};
pub use steps::{
    Assertion, BasicPlacement, Capture, CaptureSource, Derive, DeriveFunction, ExtraStep, Extract, Identity,
    IdentitySource, Placement, PostConnect, PreferMatch, SecondaryToken, Signing,
};
pub use token::{
    ErrorMapping, ExpiryAbsent, FailureClass, Lifetimes, MappedRefreshClass, RefreshWith, ResponseSpec,
    Revoke, RevokeAuth, Success, TimeUnit,
};
pub(crate) use walk::{HostUse, Stage, Use, UseKind, host_use, uses};
