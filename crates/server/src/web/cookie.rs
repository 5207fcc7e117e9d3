//! Four cookies. One ties a flow to the browser that began it: 128 random bits, no meaning, gone with the browser.
//! The other remembers the link that was opened last, so that pages at the callback can lead back to it.
//! Another remembers the user's own page that was opened last, so that the pages of its links can lead back to it.
//! The fourth holds the language that the person chose, for a year.

use http::{HeaderMap, HeaderValue, header};
use keybearer_core::{Entropy, Result, random_token};

use super::hosted::Visit;

/// Random bytes in a value.
const BYTES: usize = 16;
/// Characters of a value.
const LENGTH: usize = 26;

/// The name of the cookie. The `__Host-` prefix makes browsers insist on TLS, the whole host and path `/`.
pub(super) fn name(secure: bool) -> &'static str {
    if secure { "__Host-kb_browser" } else { "kb_browser" }
}

fn link_name(secure: bool) -> &'static str {
    if secure { "__Host-kb_link" } else { "kb_link" }
}

fn own_page_name(secure: bool) -> &'static str {
    if secure { "__Host-kb_me" } else { "kb_me" }
}

/// The token of the user's own page that this browser opened last.
pub(super) fn own_page(headers: &HeaderMap, secure: bool) -> Option<String> {
    read(headers, own_page_name(secure), |value| is_plain(value) && !value.is_empty() && value.len() <= 64)
}

/// The `Set-Cookie` header that remembers a user's own page.
pub(super) fn set_own_page(token: &str, secure: bool) -> Option<HeaderValue> {
    let (name, transport) = (own_page_name(secure), if secure { "; Secure" } else { "" });
    let line = format!("{name}={token}; Path=/; HttpOnly; SameSite=Lax{transport}");
    is_plain(token).then(|| HeaderValue::from_str(&line).ok()).flatten()
}

fn language_name(secure: bool) -> &'static str {
    if secure { "__Host-kb_lang" } else { "kb_lang" }
}

/// The tag of the language that was chosen before.
pub(super) fn language(headers: &HeaderMap, secure: bool) -> Option<String> {
    let plain = |tag: &str| tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    read(headers, language_name(secure), |tag| !tag.is_empty() && tag.len() <= 35 && plain(tag))
}

/// The `Set-Cookie` header that remembers a language.
pub(super) fn set_language(tag: &str, secure: bool) -> Option<HeaderValue> {
    let (name, transport) = (language_name(secure), if secure { "; Secure" } else { "" });
    let line = format!("{name}={tag}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax{transport}");
    HeaderValue::from_str(&line).ok()
}

/// What the browser sent.
pub(crate) fn visit(headers: &HeaderMap, secure: bool) -> Visit {
    Visit {
        browser: read(headers, name(secure), |value| is_plain(value) && value.len() == LENGTH),
        fresh_browser: false,
    }
}

/// What the browser sent, or a new value that the answer must set.
///
/// # Errors
/// Those of [`Entropy::fill`].
pub(super) fn visit_or_new(headers: &HeaderMap, secure: bool, entropy: &dyn Entropy) -> Result<Visit> {
    let visit = visit(headers, secure);
    if visit.browser.is_some() {
        return Ok(visit);
    }
    Ok(Visit { browser: Some(random_token(entropy, BYTES)?), fresh_browser: true })
}

/// The token of the link that this browser opened last.
pub(crate) fn link(headers: &HeaderMap, secure: bool) -> Option<String> {
    read(headers, link_name(secure), |value| is_plain(value) && !value.is_empty() && value.len() <= 64)
}

/// The `Set-Cookie` headers of the page of a link.
pub(super) fn set(visit: &Visit, token: &str, secure: bool) -> Vec<HeaderValue> {
    let browser = visit.browser.as_deref().filter(|_| visit.fresh_browser).map(|value| (name(secure), value));
    let link = is_plain(token).then_some((link_name(secure), token));
    let transport = if secure { "; Secure" } else { "" };
    let line = |(name, value)| format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{transport}");
    browser.into_iter().chain(link).filter_map(|pair| HeaderValue::from_str(&line(pair)).ok()).collect()
}

/// The value of a cookie, if it looks as one that we made: everything else is as good as none.
fn read(headers: &HeaderMap, name: &str, fits: impl Fn(&str) -> bool) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, value)| *key == name && fits(value))
        .map(|(_, value)| value.to_owned())
}

fn is_plain(value: &str) -> bool {
    value.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;
    use keybearer_core::SeededEntropy;

    fn headers(lines: &[&str]) -> HeaderMap {
        lines.iter().map(|line| (header::COOKIE, HeaderValue::from_str(line).unwrap())).collect()
    }

    #[test]
    fn a_browser_without_the_cookie_gets_one_that_is_bound_to_the_host() {
        let visit = visit_or_new(&HeaderMap::new(), true, &SeededEntropy::new(1)).unwrap();
        let set = set(&visit, "tok1", true);
        let value = visit.browser.unwrap();
        assert_eq!(value.len(), LENGTH);
        assert_eq!(set[0], format!("__Host-kb_browser={value}; Path=/; HttpOnly; SameSite=Lax; Secure"));
        assert_eq!(set[1], "__Host-kb_link=tok1; Path=/; HttpOnly; SameSite=Lax; Secure");
    }

    #[test]
    fn without_tls_the_cookie_has_its_plain_name_and_no_secure() {
        let visit = visit_or_new(&HeaderMap::new(), false, &SeededEntropy::new(1)).unwrap();
        let set = set(&visit, "a;b", false);
        assert_eq!(set.len(), 1, "a strange token is not remembered");
        let set = set[0].to_str().unwrap();
        assert!(set.starts_with("kb_browser=") && !set.contains("Secure"));
    }

    #[test]
    fn a_cookie_that_came_is_kept_and_not_set_again() {
        let value = "0123456789abcdefghjkmnpqrs";
        let sent = headers(&["a=b; kb_browser=short", &format!("x=1;kb_browser={value}")]);
        let visit = visit_or_new(&sent, false, &SeededEntropy::new(1)).unwrap();
        assert_eq!(visit.browser.as_deref(), Some(value));
        assert_eq!(set(&visit, "tok1", false), ["kb_link=tok1; Path=/; HttpOnly; SameSite=Lax"]);
    }

    #[test]
    fn under_tls_the_plain_name_counts_for_nothing() {
        let sent = headers(&["kb_browser=0123456789abcdefghjkmnpqrs"]);
        assert_eq!(visit(&sent, true).browser, None);
    }
}
