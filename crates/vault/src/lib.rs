#![doc = include_str!("../README.md")]

mod aead;
mod error;
mod key_file;
mod keyring;
mod mac;
mod place;
mod root;

pub use error::VaultError;
pub use key_file::{Installation, KeyOrigin};
pub use keyring::{KeyRole, Keyring};
pub use mac::MacKey;
pub use place::Place;
pub use root::{DataKey, KeyCheck, KeyContext, KeyFuture, KeyProvider, LocalKey, rewrap};
