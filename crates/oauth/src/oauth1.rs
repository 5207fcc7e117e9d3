//! OAuth 1.0a: signing requests and reading the two token answers
//! ([RFC 5849](https://www.rfc-editor.org/rfc/rfc5849)).

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use keybearer_core::{SecretString, Timestamp};
use url::Url;

use crate::document::Document;
use crate::encoding::percent_encode;
use crate::path::Path;
use crate::token::{self, TokenError};

/// How a request is signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SignatureMethod {
    /// HMAC with SHA-1 (§3.4.2).
    #[default]
    HmacSha1,
    /// HMAC with SHA-256, a common extension.
    HmacSha256,
    /// The secrets themselves, for TLS only (§3.4.4).
    Plaintext,
}

impl SignatureMethod {
    /// The value of `oauth_signature_method`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HmacSha1 => "HMAC-SHA1",
            Self::HmacSha256 => "HMAC-SHA256",
            Self::Plaintext => "PLAINTEXT",
        }
    }

    /// Reads the value of `oauth_signature_method`.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::HmacSha1, Self::HmacSha256, Self::Plaintext].into_iter().find(|known| known.as_str() == text)
    }
}

/// A token with its secret: a temporary one, or the account's.
#[derive(Clone, Copy, Debug)]
pub struct Token<'a> {
    /// The token.
    pub token: &'a SecretString,
    /// Its secret.
    pub secret: &'a SecretString,
}

/// Everything that a signature is made with.
#[derive(Clone, Debug)]
pub struct Signer<'a> {
    /// The client's key.
    pub consumer_key: &'a str,
    /// The client's secret.
    pub consumer_secret: &'a SecretString,
    /// The token, from the second request on.
    pub token: Option<Token<'a>>,
    /// The signature method.
    pub method: SignatureMethod,
    /// The `realm` of the header, which is not signed.
    pub realm: Option<&'a str>,
    /// A value that is never used twice with one timestamp.
    pub nonce: &'a str,
    /// Now.
    pub timestamp: Timestamp,
    /// `oauth_callback`, for the request token.
    pub callback: Option<&'a str>,
    /// `oauth_verifier`, for the access token.
    pub verifier: Option<&'a SecretString>,
}

impl Signer<'_> {
    /// The `Authorization` header value for a request. `form` is the body if, and only if, it is form-encoded.
    ///
    /// Parameters of the URL's query are signed as well (§3.4.1.3).
    pub fn authorization(&self, method: &Method, url: &Url, form: Option<&[u8]>) -> SecretString {
        let mut parameters = self.protocol_parameters();
        let signature = self.signature(method, url, form, &parameters);
        parameters.push(("oauth_signature".to_owned(), signature.expose().clone()));
        let mut header = String::from("OAuth ");
        if let Some(realm) = self.realm {
            header.push_str(&format!("realm=\"{}\", ", realm.replace(['"', '\\', '\r', '\n'], "")));
        }
        let pairs: Vec<String> = parameters
            .iter()
            .map(|(name, value)| format!("{}=\"{}\"", percent_encode(name), percent_encode(value)))
            .collect();
        header.push_str(&pairs.join(", "));
        SecretString::from(header)
    }

    fn protocol_parameters(&self) -> Vec<(String, String)> {
        let timestamp = self.timestamp.seconds().to_string();
        let token = self.token.map(|token| token.token.expose().as_str());
        let verifier = self.verifier.map(|verifier| verifier.expose().as_str());
        [
            ("oauth_consumer_key", Some(self.consumer_key)),
            ("oauth_token", token),
            ("oauth_signature_method", Some(self.method.as_str())),
            ("oauth_timestamp", Some(timestamp.as_str())),
            ("oauth_nonce", Some(self.nonce)),
            ("oauth_version", Some("1.0")),
            ("oauth_callback", self.callback),
            ("oauth_verifier", verifier),
        ]
        .into_iter()
        .filter_map(|(name, value)| value.map(|value| (name.to_owned(), value.to_owned())))
        .collect()
    }

    fn signature(
        &self,
        method: &Method,
        url: &Url,
        form: Option<&[u8]>,
        protocol: &[(String, String)],
    ) -> SecretString {
        let token_secret = self.token.map_or("", |token| token.secret.expose().as_str());
        let key = SecretString::from(format!(
            "{}&{}",
            percent_encode(self.consumer_secret.expose()),
            percent_encode(token_secret)
        ));
        let algorithm = match self.method {
            SignatureMethod::Plaintext => return key,
            SignatureMethod::HmacSha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            SignatureMethod::HmacSha256 => hmac::HMAC_SHA256,
        };
        let base = base_string(method, url, form, protocol);
        let key = hmac::Key::new(algorithm, key.expose().as_bytes());
        SecretString::from(STANDARD.encode(hmac::sign(&key, base.expose().as_bytes())))
    }
}

/// The signature base string (§3.4.1): method, base URI and normalized parameters.
pub fn base_string(
    method: &Method,
    url: &Url,
    form: Option<&[u8]>,
    protocol: &[(String, String)],
) -> SecretString {
    let query = url.query().unwrap_or_default().as_bytes();
    let mut pairs: Vec<(String, String)> = form_urlencoded::parse(query)
        .chain(form_urlencoded::parse(form.unwrap_or_default()))
        .map(|(name, value)| (percent_encode(&name), percent_encode(&value)))
        .collect();
    pairs.extend(protocol.iter().map(|(name, value)| (percent_encode(name), percent_encode(value))));
    pairs.sort();
    let normalized: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    SecretString::from(format!(
        "{}&{}&{}",
        percent_encode(&method.as_str().to_uppercase()),
        percent_encode(&base_uri(url)),
        percent_encode(&normalized.join("&"))
    ))
}

/// Scheme, host and path in lower case where it matters, without default port, query and fragment (§3.4.1.2).
fn base_uri(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path())
}

/// Token and secret from an answer: the temporary credentials (§2.1) or the account's (§2.3).
#[derive(Clone, Debug)]
pub struct TokenAnswer {
    /// The token: visible ASCII.
    pub token: SecretString,
    /// Its secret.
    pub secret: SecretString,
    /// Whether `oauth_callback_confirmed` was `true`; required of temporary credentials.
    pub callback_confirmed: bool,
    /// The whole answer, for captures.
    pub raw: Document,
}

/// Reads a token answer, form-encoded whatever its content type says, or JSON.
///
/// # Errors
/// [`TokenError`] when token or secret is missing, repeated or unfit.
pub fn read_token_answer(body: &[u8]) -> Result<TokenAnswer, TokenError> {
    let raw = Document::from_body(Some("application/x-www-form-urlencoded"), body)
        .map_err(|_| TokenError::Missing)?;
    let text = |key: &str| {
        let path = Path::key(key);
        if raw.is_ambiguous(&path) {
            return Err(TokenError::Ambiguous);
        }
        let text = raw.text(&path).ok_or(TokenError::Missing)?;
        token::fit(text.expose()).map(|()| text)
    };
    let token = text("oauth_token")?;
    let secret = text("oauth_token_secret")?;
    let confirmed = raw.text(&Path::key("oauth_callback_confirmed"));
    let callback_confirmed = confirmed.is_some_and(|value| value.expose() == "true");
    Ok(TokenAnswer { token, secret, callback_confirmed, raw })
}

#[cfg(test)]
#[path = "oauth1_tests.rs"]
mod tests;
