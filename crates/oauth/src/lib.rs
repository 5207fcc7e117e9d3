#![doc = include_str!("../README.md")]

pub mod callback;
pub mod client_auth;
mod document;
mod encoding;
mod error_code;
pub mod expiry;
pub mod failure;
pub mod issuer;
pub mod jwt;
pub mod metadata;
pub mod oauth1;
mod params;
mod path;
pub mod pkce;
pub mod request;
pub mod revoke;
pub mod sigv4;
pub mod token;

pub use client_auth::ClientAuth;
pub use document::{Document, DocumentError};
pub use encoding::percent_encode;
pub use error_code::ErrorCode;
pub use failure::Failure;
pub use params::Params;
pub use path::{Path, PathError, scalar_text};
pub use request::{BodyFormat, Call, RequestError};
pub use token::TokenSet;
