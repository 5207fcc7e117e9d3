//! The headers that every answer of a page carries.

use axum::response::Response;
use http::{HeaderName, HeaderValue, header};

/// No script but our files, which nothing needs; no frame, no other origin. Forms post to us alone: the way to a provider
/// after a form is a page of its own (`hosted/hop.html`), because Chromium holds every redirect after a form post against
/// `form-action`, also those the provider adds between its own hosts.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; \
                      connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const ALWAYS: [(HeaderName, &str); 9] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
    (HeaderName::from_static("x-robots-tag"), "noindex"),
];

/// Sites that may show an answer inside their own pages; it goes with the answer to [`dress`].
#[derive(Clone)]
pub(super) struct EmbeddedBy(pub Vec<String>);

/// The policy of a page that those sites may show.
fn embedded(origins: &[String]) -> Option<HeaderValue> {
    let ancestors = format!("frame-ancestors {}", origins.join(" "));
    HeaderValue::from_str(&POLICY.replace("frame-ancestors 'none'", &ancestors)).ok()
}

/// Adds them; a `Cache-Control` that is there stays. `lasting_tls` adds HSTS.
pub(super) fn dress(mut answer: Response, lasting_tls: bool) -> Response {
    let embedding = answer.extensions_mut().remove::<EmbeddedBy>();
    let policy = embedding.and_then(|EmbeddedBy(origins)| embedded(&origins));
    let headers = answer.headers_mut();
    let framed = policy.is_some();
    if let Some(policy) = policy {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    for (name, value) in ALWAYS.into_iter().filter(|(name, _)| !framed || name != header::X_FRAME_OPTIONS) {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if lasting_tls {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    answer
}
