//! Signature Version 4 (`AWS4-HMAC-SHA256`): signing one HTTP request with an access key.

use aws_lc_rs::hmac;
use http::header::{AUTHORIZATION, HOST, HeaderName, HeaderValue};
use http::{HeaderMap, Method};
use keybearer_core::{SecretString, Timestamp, sha256, to_hex};
use url::Url;

use crate::encoding::percent_encode;
use crate::request::{RequestError, sensitive_value};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// The key, where it is used, and when.
#[derive(Clone, Debug)]
pub struct Signer<'a> {
    /// The access key id.
    pub access_key_id: &'a str,
    /// The secret access key.
    pub secret_access_key: &'a SecretString,
    /// The session token of temporary keys.
    pub session_token: Option<&'a SecretString>,
    /// The region, for example `us-east-1`.
    pub region: &'a str,
    /// The service, for example `iam`.
    pub service: &'a str,
    /// Now.
    pub now: Timestamp,
    /// How paths are encoded and whether the body hash travels.
    pub style: Style,
}

/// What differs between services.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// The path is normalized and its segments are encoded once more.
    #[default]
    Standard,
    /// The path is signed as it is sent, and `x-amz-content-sha256` is sent: object stores.
    Object,
}

/// What of the body is signed.
#[derive(Clone, Copy, Debug)]
pub enum Payload<'a> {
    /// The body itself.
    Bytes(&'a [u8]),
    /// A SHA-256 that was made before.
    Sha256([u8; 32]),
    /// Nothing, for streams; only some services accept it.
    Unsigned,
}

impl Payload<'_> {
    fn hash(self) -> String {
        match self {
            Self::Bytes(bytes) => to_hex(&sha256(bytes)),
            Self::Sha256(hash) => to_hex(&hash),
            Self::Unsigned => "UNSIGNED-PAYLOAD".to_owned(),
        }
    }
}

/// The request that is signed. Every header here is signed; `host` is added from the URL if it is not there.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The method.
    pub method: &'a Method,
    /// The complete address, query included.
    pub url: &'a Url,
    /// The headers to sign.
    pub headers: &'a HeaderMap,
    /// The body.
    pub payload: Payload<'a>,
}

impl Signer<'_> {
    /// The headers to set on the request: `x-amz-date`, `authorization` and, where needed, the session token and
    /// the body's hash.
    ///
    /// # Errors
    /// [`RequestError::HeaderValue`] when the key id, region or token cannot stand in a header.
    pub fn sign(&self, request: &Request<'_>) -> Result<Vec<(HeaderName, HeaderValue)>, RequestError> {
        let moment = amz_date(self.now);
        let mut added = vec![self.header("x-amz-date", &SecretString::from(moment.as_str()))?];
        if let Some(token) = self.session_token {
            added.push(self.header("x-amz-security-token", token)?);
        }
        if self.style == Style::Object {
            added.push(self.header("x-amz-content-sha256", &SecretString::from(request.payload.hash()))?);
        }
        let (canonical, signed_headers) = canonical_request(request, &added, self.style);
        let day = moment.get(..8).unwrap_or_default();
        let scope = format!("{day}/{}/{}/aws4_request", self.region, self.service);
        let to_sign =
            format!("{ALGORITHM}\n{moment}\n{scope}\n{}", to_hex(&sha256(canonical.expose().as_bytes())));
        let signature = to_hex(keyed(&self.signing_key(day), to_sign.as_bytes()).as_ref());
        let credential = format!("{}/{scope}", self.access_key_id);
        let value = format!(
            "{ALGORITHM} Credential={credential}, SignedHeaders={signed_headers}, Signature={signature}"
        );
        added.push((AUTHORIZATION, sensitive_value("authorization", &SecretString::from(value))?));
        Ok(added)
    }

    fn header(
        &self,
        name: &'static str,
        value: &SecretString,
    ) -> Result<(HeaderName, HeaderValue), RequestError> {
        Ok((HeaderName::from_static(name), sensitive_value(name, value)?))
    }

    fn signing_key(&self, day: &str) -> hmac::Key {
        let first = SecretString::from(format!("AWS4{}", self.secret_access_key.expose()));
        let first = hmac::Key::new(hmac::HMAC_SHA256, first.expose().as_bytes());
        [day, self.region, self.service, "aws4_request"]
            .into_iter()
            .fold(first, |key, part| hmac::Key::new(hmac::HMAC_SHA256, keyed(&key, part.as_bytes()).as_ref()))
    }
}

/// `YYYYMMDD'T'HHMMSS'Z'`.
pub fn amz_date(now: Timestamp) -> String {
    let text = now.rfc3339();
    let digits: String = text.chars().take(19).filter(|symbol| !matches!(symbol, '-' | ':')).collect();
    digits + "Z"
}

fn keyed(key: &hmac::Key, data: &[u8]) -> hmac::Tag {
    hmac::sign(key, data)
}

/// The canonical request, and the list of the headers in it.
fn canonical_request(
    request: &Request<'_>,
    added: &[(HeaderName, HeaderValue)],
    style: Style,
) -> (SecretString, String) {
    let mut headers: Vec<(String, String)> = Vec::new();
    if !request.headers.contains_key(HOST) {
        headers.push(("host".to_owned(), host(request.url)));
    }
    let given = request.headers.keys().filter(|name| **name != AUTHORIZATION);
    for name in given.filter(|name| !added.iter().any(|(new, _)| new == *name)) {
        let values: Vec<String> = request.headers.get_all(name).iter().map(trimmed).collect();
        headers.push((name.as_str().to_owned(), values.join(",")));
    }
    headers.extend(added.iter().map(|(name, value)| (name.as_str().to_owned(), trimmed(value))));
    headers.sort();
    let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
    let signed = names.join(";");
    let lines: String = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let canonical = format!(
        "{}\n{}\n{}\n{lines}\n{signed}\n{}",
        request.method,
        canonical_path(request.url, style),
        canonical_query(request.url),
        request.payload.hash()
    );
    (SecretString::from(canonical), signed)
}

fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// The value without white space around it and with single spaces inside.
fn trimmed(value: &HeaderValue) -> String {
    let text = String::from_utf8_lossy(value.as_bytes());
    text.split([' ', '\t']).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

fn canonical_path(url: &Url, style: Style) -> String {
    let path = if url.path().is_empty() { "/" } else { url.path() };
    match style {
        Style::Object => path.to_owned(),
        Style::Standard => {
            let mut segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
            if path.ends_with('/') || segments.is_empty() {
                segments.push("");
            }
            segments.iter().map(|segment| format!("/{}", percent_encode(segment))).collect()
        }
    }
}

fn canonical_query(url: &Url) -> String {
    let mut pairs: Vec<(String, String)> = url
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (recoded(name), recoded(value))
        })
        .collect();
    pairs.sort();
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

/// Decodes and encodes again, so that every spelling of one value signs alike. A `+` stays a plus sign.
fn recoded(text: &str) -> String {
    percent_encode(&percent_encoding::percent_decode_str(text).decode_utf8_lossy())
}

#[cfg(test)]
#[path = "sigv4_tests.rs"]
mod tests;
