//! A definition to begin with from an OpenAPI document.

use keybearer_connectors::openapi;
use keybearer_core::{Error, Result};

use super::definition::{Draft, parse, text};
use crate::access::{Caller, Permission};

/// The longest document, in bytes.
pub const OPENAPI_LARGEST: usize = openapi::LARGEST;

/// Reads a document. Nothing is stored, and nothing outside of it is asked for.
///
/// # Errors
/// [`keybearer_core::Code::PermissionDenied`]; `InvalidArgument` at `document` with what is wrong with it.
pub fn from_openapi(caller: &Caller, document: &str) -> Result<Draft> {
    caller.require(Permission::ConnectorsWrite)?;
    openapi_draft(document)
}

/// The same where there is no server: at the command line.
///
/// # Errors
/// `InvalidArgument` at `document`.
pub fn openapi_draft(document: &str) -> Result<Draft> {
    let read = openapi::read(document).map_err(|why| Error::field("document", why))?;
    let (described, _) = parse(&text(&read.definition))?;
    Ok(Draft { described, left_out: read.left_out })
}
