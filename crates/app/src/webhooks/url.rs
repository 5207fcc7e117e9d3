//! What an address of an endpoint must be. The look-up of its name and the address behind it are judged at every
//! delivery, by the guarded client.

use keybearer_core::{Error, Result};
use url::Url;

use crate::state::App;

/// Longest address.
const MAX_LENGTH: usize = 2048;

/// Reads the address of an endpoint.
///
/// # Errors
/// `InvalidArgument` at `url`.
pub(super) fn check(app: &App, text: &str) -> Result<Url> {
    let wrong = |expected: &str| Error::field("url", expected);
    if text.len() > MAX_LENGTH {
        return Err(wrong("must have at most 2048 characters"));
    }
    let url: Url = text.parse().map_err(|_| wrong("must be an https address"))?;
    if !matches!(url.scheme(), "https" | "http") || url.host_str().is_none_or(str::is_empty) {
        return Err(wrong("must be an https address"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("must not hold a user name or password; the signature proves who sends"));
    }
    if url.fragment().is_some() {
        return Err(wrong("must not have a fragment"));
    }
    app.egress().check(&url).map_err(|refused| {
        let help = "use a public https address, or add the host to egress.allow in the configuration";
        wrong(&format!("may not be contacted: {refused}")).with_help(help)
    })?;
    Ok(url)
}
