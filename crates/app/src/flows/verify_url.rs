//! Where a `user_verify_url` may lead: the operator's list of origins with path prefixes.

use keybearer_core::{Error, Result};
use url::Url;

/// Longest address that is taken.
const MAX: usize = 2048;

/// Reads an address that the operator allows.
///
/// # Errors
/// `InvalidArgument` saying what is wrong with it.
pub(super) fn allowed(text: &str, list: &[Url]) -> Result<Url> {
    let refused = |what: &str| Error::field("user_verify_url", what);
    if text.len() > MAX || text.chars().any(|character| character.is_control() || character == '\\') {
        return Err(refused("must be an address of at most 2048 characters"));
    }
    let written_out = text.starts_with("https://") || text.starts_with("http://");
    let url = Url::parse(text)
        .ok()
        .filter(|_| written_out)
        .ok_or_else(|| refused("must be an http or https address"))?;
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err(refused("must not hold a user or a fragment"));
    }
    if list.iter().any(|entry| covers(entry, &url)) {
        return Ok(url);
    }
    Err(refused("must begin with an address of the operator's list")
        .with_help("add it to `verify_urls` in the configuration"))
}

/// Same origin, and the path is the entry's or below it.
pub(crate) fn covers(entry: &Url, url: &Url) -> bool {
    let prefix = entry.path().trim_end_matches('/');
    let below =
        url.path() == prefix || url.path().strip_prefix(prefix).is_some_and(|rest| rest.starts_with('/'));
    // a development list names loopback without a port: every port of this machine
    let any_port = entry.port().is_none() && entry.scheme() == "http" && is_loopback(entry);
    let same_host = entry.scheme() == url.scheme() && entry.host() == url.host();
    below && (entry.origin() == url.origin() || (any_port && same_host))
}

fn is_loopback(url: &Url) -> bool {
    matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list() -> Vec<Url> {
        ["https://good.example/app/verify", "http://localhost"]
            .iter()
            .map(|text| text.parse().unwrap())
            .collect()
    }

    #[test]
    fn the_listed_address_and_what_is_below_it_pass() {
        for good in [
            "https://good.example/app/verify",
            "https://good.example/app/verify/x?y=1",
            "https://good.example:443/app/verify",
            "http://localhost:3000/cb",
            "http://localhost/",
        ] {
            assert!(allowed(good, &list()).is_ok(), "{good}");
        }
    }

    #[test]
    fn spellings_that_lead_elsewhere_are_refused() {
        for bad in [
            "https://good.example@evil.example/app/verify",
            "https://good.example.evil.example/app/verify",
            "//evil.example",
            "/\\evil.example",
            "https:evil.example",
            "https:\\\\good.example/app/verify",
            "javascript:alert(1)",
            "data:text/html,x",
            "https://xn--gd-zka.example/app/verify",
            "https://good.example./app/verify",
            "https://user@good.example/app/verify",
            "https://good.example:444/app/verify",
            "http://good.example/app/verify",
            "https://good.example/app/verifyx",
            "https://good.example/app/verify/../../x",
            "https://good.example/app/verify#f",
            "https://good.example/",
            "https://localhost/",
            "",
            "https://good.example/app/verify\r\nx",
        ] {
            assert!(allowed(bad, &list()).is_err(), "{bad}");
        }
    }
}
