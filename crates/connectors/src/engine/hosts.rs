//! Which hosts a credential may go to when a user has a say in the host.

use url::{Host, Url};

use super::EngineError;
use super::values::Values;
use crate::schema::{AuthMethod, CaptureSource, Place, Source};

/// Who decides the value of a placeholder in a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Chooser {
    /// The connector or the developer: no pin needed.
    Developer,
    /// The provider's answer, from an endpoint that was trusted before: checked against pins if there are any.
    Provider,
    /// The user, or whoever made the callback: must be pinned.
    User,
}

/// Who decides the value of a placeholder; for computed values, the least trusted of their inputs.
pub(crate) fn chooser(method: &AuthMethod, name: &str, depth: usize) -> Chooser {
    match method.source(name) {
        Some(Source::Field(field)) if field.fixed || field.place == Place::Connection => Chooser::Developer,
        Some(Source::Capture(capture)) => match capture.from {
            CaptureSource::TokenResponse | CaptureSource::TokenResponseHeader => Chooser::Provider,
            CaptureSource::CallbackQuery | CaptureSource::InstallWebhook => Chooser::User,
        },
        Some(Source::Extract(_) | Source::Step | Source::Secondary) => Chooser::Provider,
        Some(Source::Derive(derive)) if depth < 8 => derive
            .input
            .iter()
            .chain(&derive.key)
            .flat_map(|text| text.placeholders())
            .map(|input| chooser(method, input, depth + 1))
            .max()
            .unwrap_or(Chooser::Developer),
        _ => Chooser::User,
    }
}

/// Checks a filled URL whose host holds the values of `names` against pins. Runs before any credential is attached.
pub(crate) fn check(
    url: &Url,
    names: &[&str],
    values: &Values<'_>,
    (what, pins): (&'static str, &[String]),
) -> Result<(), EngineError> {
    let method = values.context.method;
    let mut worst = Chooser::Developer;
    for name in names {
        let mut by = chooser(method, name, 0);
        if let (Chooser::User, Some(Source::Field(field))) = (by, method.source(name)) {
            // one of a closed list is not the user's invention
            let value = values.get(name)?;
            if value.is_some_and(|value| field.choices.contains(value.expose())) {
                by = Chooser::Developer;
            }
        }
        worst = worst.max(by);
    }
    let plain = url.scheme() == "http" && !is_local(url);
    if plain && worst > Chooser::Developer {
        return Err(EngineError::Url { what, reason: "must be an https address" });
    }
    let needed = worst == Chooser::User || (worst == Chooser::Provider && !pins.is_empty());
    if needed && !pins.iter().any(|pin| matches(pin, url)) {
        let host = url.host_str().unwrap_or_default().to_owned();
        return Err(EngineError::HostNotPinned { what, host });
    }
    Ok(())
}

/// Whether a URL is of a pinned host: `.example.com` is everything below, `example.com` itself, `*` anything.
/// Pins other than `*` allow no address literals and only the usual port.
pub fn matches(pin: &str, url: &Url) -> bool {
    if pin == "*" {
        return true;
    }
    let Some(Host::Domain(host)) = url.host() else {
        return false;
    };
    if url.port().is_some() {
        return false;
    }
    let (host, pin) = (host.to_ascii_lowercase(), pin.to_ascii_lowercase());
    match pin.strip_prefix('.') {
        Some(suffix) => host.strip_suffix(suffix).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.')),
        None => host == pin,
    }
}

/// Whether the host is this machine, or a name that only tests use.
pub(crate) fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => {
            let name = name.to_ascii_lowercase();
            name == "localhost" || name.ends_with(".localhost") || name.ends_with(".test")
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suffix_pins_match_whole_labels_only() {
        let url = |text: &str| Url::parse(text).unwrap();
        assert!(matches(".zendesk.com", &url("https://acme.zendesk.com/x")));
        assert!(matches(".Zendesk.com", &url("https://a.b.ZENDESK.com")));
        for other in [
            "https://zendesk.com",
            "https://evilzendesk.com",
            "https://acme.zendesk.com.evil.com",
            "https://acme.zendesk.com:8443",
            "https://acme.zendesk.com.",
            "https://127.0.0.1",
            "https://[::1]",
        ] {
            assert!(!matches(".zendesk.com", &url(other)), "{other}");
        }
        assert!(matches("zoho.com", &url("https://zoho.com")));
        assert!(!matches("zoho.com", &url("https://a.zoho.com")));
        assert!(matches("*", &url("https://127.0.0.1:1")));
    }
}
