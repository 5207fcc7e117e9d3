//! Two addresses side by side, with what differs marked and named.

use std::fmt::Write as _;

/// A part of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub text: String,
    pub differs: bool,
}

/// Two addresses that should be one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Diff {
    pub sent: Vec<Part>,
    pub registered: Vec<Part>,
    /// What differs, in words.
    pub names: String,
}

/// Names of the parts, in the order in which an address has them.
const NAMES: [&str; 6] =
    ["the scheme", "the host", "the port", "the path", "the slash at the end", "what follows `?`"];

impl Diff {
    /// What differs between the two; `None` when nothing does.
    pub fn of(sent: &str, registered: &str) -> Option<Self> {
        let (ours, theirs) = (parts(sent), parts(registered));
        let differs: Vec<bool> = ours.iter().zip(&theirs).map(|(one, other)| one != other).collect();
        let named: Vec<&str> =
            NAMES.iter().zip(&differs).filter(|(_, differs)| **differs).map(|(name, _)| *name).collect();
        if named.is_empty() {
            return None;
        }
        let marked = |parts: Vec<String>| {
            let both = parts.into_iter().zip(&differs);
            both.filter(|(text, _)| !text.is_empty())
                .map(|(text, differs)| Part { text, differs: *differs })
                .collect()
        };
        let mut names = String::new();
        for (at, name) in named.iter().enumerate() {
            let joint = if at == 0 {
                ""
            } else if at + 1 == named.len() {
                " and "
            } else {
                ", "
            };
            let _ = write!(names, "{joint}{name}");
        }
        Some(Self { sent: marked(ours), registered: marked(theirs), names })
    }
}

/// Scheme with its colon, host, port, path, slash at the end, query. Joined they are the address again.
fn parts(address: &str) -> Vec<String> {
    let (scheme, rest) = address.split_once("://").unwrap_or(("", address));
    let scheme = if scheme.is_empty() { String::new() } else { format!("{scheme}://") };
    let cut = rest.find(['?', '#']).unwrap_or(rest.len());
    let (before, query) = rest.split_at(cut);
    let (authority, path) = before.split_at(before.find('/').unwrap_or(before.len()));
    let at = authority.rfind(':').filter(|at| !authority.get(*at..).unwrap_or_default().contains(']'));
    let (host, port) = authority.split_at(at.unwrap_or(authority.len()));
    let slash = path.ends_with('/');
    let path = if slash { path.get(..path.len() - 1).unwrap_or_default() } else { path };
    let slash = if slash { "/" } else { "" };
    vec![scheme, host.to_owned(), port.to_owned(), path.to_owned(), slash.to_owned(), query.to_owned()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_named() {
        let sent = "https://auth.example/cb/c7";
        let names = |registered: &str| Diff::of(sent, registered).map(|diff| diff.names);
        assert_eq!(names("http://auth.example/cb/c7").unwrap(), "the scheme");
        assert_eq!(names("https://other.example/cb/c7").unwrap(), "the host");
        assert_eq!(names("https://auth.example:8443/cb/c7").unwrap(), "the port");
        assert_eq!(names("https://auth.example/cb/c7/").unwrap(), "the slash at the end");
        assert_eq!(names("http://auth.example:1/cb/C7").unwrap(), "the scheme, the port and the path");
        assert_eq!(names(sent), None);
    }

    #[test]
    fn the_parts_are_the_address_again() {
        for address in
            ["https://a.example:1/x/?y=1#z", "http://[::1]:3000/cb", "http://[::1]", "nonsense", ""]
        {
            assert_eq!(parts(address).concat(), address);
        }
    }
}
