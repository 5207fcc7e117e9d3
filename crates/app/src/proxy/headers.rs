//! Which headers cross the proxy (RFC 9110 §7.6.1).

use http::header::{self, HeaderMap, HeaderName};
use keybearer_core::{Error, Result};

/// Headers of one connection, never forwarded in either direction.
const HOP_BY_HOP: &[&str] = &[
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Headers of a request that are about us or about the caller's network, not about the provider's API.
const OURS: &[&str] = &[
    "accept-encoding",
    "authorization",
    "connection-name",
    "content-length",
    "cookie",
    "expect",
    "forwarded",
    "host",
    "identifier",
    "keybearer-agent-run",
    "keybearer-connection",
    "keybearer-user",
    "x-api-version",
    "x-real-ip",
    "x-sdk-version",
];

/// What a provider must not set at our origin.
const NOT_FOR_CALLERS: &[&str] =
    &["set-cookie", "set-cookie2", "authorization", "alt-svc", "strict-transport-security"];

/// Longest single header value, in bytes.
const MAX_VALUE: usize = 32 * 1024;

/// The headers that go on to the provider.
///
/// # Errors
/// [`keybearer_core::Code::InvalidArgument`] for an upgrade or a value that is too long.
pub(super) fn for_provider(headers: &HeaderMap) -> Result<HeaderMap> {
    if headers.contains_key(header::UPGRADE) {
        return Err(Error::field("upgrade", "must not be sent: the proxy does not switch protocols"));
    }
    let named = named_by_connection(headers);
    let mut kept = HeaderMap::new();
    for (name, value) in headers {
        if value.len() > MAX_VALUE {
            return Err(Error::field(name.as_str(), "must have at most 32768 bytes"));
        }
        // `_` for `-` is how some servers read names, so both spellings count
        let spelled = name.as_str().replace('_', "-");
        let dropped = HOP_BY_HOP.contains(&spelled.as_str())
            || OURS.contains(&spelled.as_str())
            || spelled.starts_with("proxy-")
            || spelled.starts_with("x-forwarded-")
            || named.contains(name);
        if !dropped {
            kept.append(name.clone(), value.clone());
        }
    }
    // an encoded answer could carry the credential back to the caller without our seeing it
    kept.insert(header::ACCEPT_ENCODING, header::HeaderValue::from_static("identity"));
    Ok(kept)
}

/// The headers that go back to the caller.
pub(super) fn for_caller(headers: &HeaderMap) -> HeaderMap {
    let named = named_by_connection(headers);
    headers
        .iter()
        .filter(|(name, _)| {
            let text = name.as_str();
            !HOP_BY_HOP.contains(&text) && !NOT_FOR_CALLERS.contains(&text) && !named.contains(*name)
        })
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn named_by_connection(headers: &HeaderMap) -> Vec<HeaderName> {
    let values = headers.get_all(header::CONNECTION).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).filter_map(|name| name.trim().parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn map(pairs: &[(&str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&str, &str)| {
            (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap())
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn identity_and_hop_by_hop_headers_stay_here() {
        let sent = map(&[
            ("authorization", "Bearer ours"),
            ("connection_name", "github"),
            ("identifier", "ada"),
            ("keybearer-user", "ada"),
            ("connection", "keep-alive, x-hop"),
            ("x-hop", "1"),
            ("te", "trailers"),
            ("cookie", "a=b"),
            ("x-forwarded-for", "1.2.3.4"),
            ("proxy-anything", "1"),
            ("host", "evil.example"),
            ("content-length", "5"),
            ("accept", "application/json"),
            ("if-none-match", "\"1\""),
        ]);
        let kept = for_provider(&sent).unwrap();
        let names: Vec<&str> = kept.keys().map(HeaderName::as_str).collect();
        assert_eq!(names, ["accept", "if-none-match", "accept-encoding"]);
    }

    #[test]
    fn an_upgrade_is_refused() {
        assert!(for_provider(&map(&[("upgrade", "websocket")])).is_err());
    }

    #[test]
    fn answers_lose_cookies_and_hop_by_hop_headers() {
        let answered = map(&[
            ("set-cookie", "a=b"),
            ("transfer-encoding", "chunked"),
            ("etag", "\"1\""),
            ("location", "/x"),
        ]);
        let kept = for_caller(&answered);
        assert!(kept.contains_key("etag") && kept.contains_key("location"));
        assert_eq!(kept.len(), 2);
    }
}
