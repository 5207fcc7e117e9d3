//! The dashboard's cookies. None holds anything that means something, but theme and messages.

use http::{HeaderMap, HeaderValue, header};
use keybearer_core::SecretString;

/// A cookie by what it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cookie {
    /// The session; gone with the browser.
    Session,
    /// Ties forms to a browser that is not signed in.
    Form,
    /// A browser that signed in before.
    Device,
    /// Light or dark.
    Theme,
    /// The language of snippets.
    Snippet,
    /// What the next page says once.
    Flash,
    /// The link that was just made, for the page that shows it.
    Made,
    /// The session in which somebody said once that writes in production are meant.
    Writes,
}

impl Cookie {
    fn name(self, secure: bool) -> String {
        let name = match self {
            Self::Session => "kb_session",
            Self::Form => "kb_form",
            Self::Device => "kb_device",
            Self::Theme => "kb_theme",
            Self::Snippet => "kb_snippet",
            Self::Flash => "kb_flash",
            Self::Made => "kb_made",
            Self::Writes => "kb_writes",
        };
        format!("{}{name}", if secure { "__Host-" } else { "" })
    }

    const fn seconds(self) -> Option<u32> {
        match self {
            Self::Session | Self::Form | Self::Writes => None,
            Self::Device | Self::Theme | Self::Snippet => Some(365 * 86_400),
            Self::Flash => Some(60),
            Self::Made => Some(900),
        }
    }

    /// What the browser sent, if it looks like ours.
    pub fn read(self, headers: &HeaderMap, secure: bool) -> Option<String> {
        let wanted = self.name(secure);
        let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
        let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let plain = |value: &str| value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        pairs
            .find(|(name, value)| *name == wanted && (1..=200).contains(&value.len()) && plain(value))
            .map(|(_, value)| value.to_owned())
    }

    /// Like [`Self::read`], for a value that lets somebody in.
    pub fn read_secret(self, headers: &HeaderMap, secure: bool) -> Option<SecretString> {
        self.read(headers, secure).map(SecretString::new)
    }

    /// The header that sets it.
    pub fn set(self, value: &str, secure: bool) -> Option<HeaderValue> {
        let lasts = self.seconds().map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
        self.line(value, &lasts, secure)
    }

    /// The header that removes it.
    pub fn clear(self, secure: bool) -> Option<HeaderValue> {
        self.line("", "; Max-Age=0", secure)
    }

    fn line(self, value: &str, lasts: &str, secure: bool) -> Option<HeaderValue> {
        let transport = if secure { "; Secure" } else { "" };
        let name = self.name(secure);
        // Lax and not Strict: the way back from a provider leads here
        HeaderValue::from_str(&format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{lasts}{transport}"))
            .ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_cookie_is_bound_to_the_host_and_ends_with_the_browser() {
        let set = Cookie::Session.set("abc", true).unwrap();
        assert_eq!(set, "__Host-kb_session=abc; Path=/; HttpOnly; SameSite=Lax; Secure");
        assert!(Cookie::Device.set("abc", false).unwrap().to_str().unwrap().contains("Max-Age=31536000"));
    }

    #[test]
    fn strange_values_and_plain_names_under_tls_count_for_nothing() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("kb_session=abc; kb_theme=<x>"));
        assert_eq!(Cookie::Session.read(&headers, false).as_deref(), Some("abc"));
        assert_eq!(Cookie::Session.read(&headers, true), None);
        assert_eq!(Cookie::Theme.read(&headers, false), None);
    }
}
