//! The closed list of computed values.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keybearer_core::{SecretString, Timestamp, sha256, to_hex};
use keybearer_oauth::{Document, Path, jwt};
use url::Url;

use super::EngineError;
use super::values::Values;
use crate::schema::{Derive, DeriveFunction};

/// The value of an entry; `None` when what it is computed from has no value.
pub(crate) fn value(entry: &Derive, values: &Values<'_>) -> Result<Option<SecretString>, EngineError> {
    if entry.function == DeriveFunction::Now {
        return now(entry, values.context.now).map(|text| Some(text.into()));
    }
    let Some(input) = input(entry, values)? else {
        return Ok(None);
    };
    let text = input.expose();
    let result = match entry.function {
        DeriveFunction::Base64 => STANDARD.encode(text),
        DeriveFunction::Sha256Hex => to_hex(&sha256(text.as_bytes())),
        DeriveFunction::Sha256Base64 => STANDARD.encode(sha256(text.as_bytes())),
        DeriveFunction::HmacSha1Hex => keyed(entry, values, hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, text)?,
        DeriveFunction::HmacSha256Hex => keyed(entry, values, hmac::HMAC_SHA256, text)?,
        DeriveFunction::Split => return Ok(split(entry, text).map(SecretString::from)),
        DeriveFunction::Substring => substring(entry, text),
        DeriveFunction::UrlHost => return Ok(url_host(text).map(SecretString::from)),
        DeriveFunction::KeyFingerprintSha256 => jwt::public_key_fingerprint(&input)
            .map_err(|error| EngineError::Key { name: entry.name.clone(), reason: error.to_string() })?,
        DeriveFunction::JsonPath => return Ok(json_path(entry, text)),
        DeriveFunction::Now => return Ok(None),
        DeriveFunction::Ed25519Sign | DeriveFunction::WsseUsernameToken | DeriveFunction::AwsSigv4 => {
            return Err(EngineError::NotOffered("derive function of that name"));
        }
    };
    Ok(Some(result.into()))
}

impl DeriveFunction {
    /// Whether the engine computes it.
    pub const fn is_offered(self) -> bool {
        !matches!(self, Self::Ed25519Sign | Self::WsseUsernameToken | Self::AwsSigv4)
    }

    /// Whether the result gives away what it is computed from.
    pub const fn is_reversible(self) -> bool {
        matches!(self, Self::Base64 | Self::Split | Self::Substring | Self::UrlHost | Self::JsonPath)
    }
}

/// The input, or nothing when one of its placeholders has no value. An empty value is an input.
fn input(entry: &Derive, values: &Values<'_>) -> Result<Option<SecretString>, EngineError> {
    let Some(text) = &entry.input else { return Ok(None) };
    let Some(template) = values.choose(text)? else {
        return Ok(None);
    };
    for name in template.placeholders() {
        if values.get(name)?.is_none() {
            return Ok(None);
        }
    }
    values.raw(text, "a computed value").map(Some)
}

fn keyed(
    entry: &Derive,
    values: &Values<'_>,
    algorithm: hmac::Algorithm,
    text: &str,
) -> Result<String, EngineError> {
    let Some(key) = &entry.key else {
        return Err(EngineError::NotOffered("key for an HMAC"));
    };
    let key = values.raw(key, "an HMAC key")?;
    let key = hmac::Key::new(algorithm, key.expose().as_bytes());
    Ok(to_hex(hmac::sign(&key, text.as_bytes()).as_ref()))
}

fn now(entry: &Derive, now: Timestamp) -> Result<String, EngineError> {
    let seconds = now.seconds().saturating_add(entry.offset.unwrap_or(0));
    let moved = Timestamp::from_seconds(seconds);
    match entry.format.as_deref().unwrap_or("epoch_s") {
        "epoch_s" => Ok(seconds.to_string()),
        "epoch_ms" => Ok((moved.micros() / 1000).to_string()),
        "iso8601" => Ok(format!("{}Z", moved.rfc3339().chars().take(19).collect::<String>())),
        "iso8601_ms" => Ok(moved.rfc3339()),
        "rfc2822" => jiff::Timestamp::from_second(seconds)
            .map(|time| time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string())
            .map_err(|_| EngineError::Value { name: entry.name.clone(), reason: "must be a time" }),
        _ => Err(EngineError::NotOffered("time format of that name")),
    }
}

/// The time formats of `now`.
pub(crate) const TIME_FORMATS: &[&str] = &["epoch_s", "epoch_ms", "iso8601", "iso8601_ms", "rfc2822"];

fn split(entry: &Derive, text: &str) -> Option<String> {
    let parts: Vec<&str> = text.split(entry.separator.as_deref().filter(|by| !by.is_empty())?).collect();
    let index = entry.index.unwrap_or(0);
    let position = match usize::try_from(index) {
        Ok(position) => position,
        Err(_) => parts.len().checked_sub(usize::try_from(index.unsigned_abs()).ok()?)?,
    };
    parts.get(position).map(|part| (*part).to_owned())
}

fn substring(entry: &Derive, text: &str) -> String {
    text.chars().skip(entry.start.unwrap_or(0)).take(entry.length.unwrap_or(usize::MAX)).collect()
}

fn url_host(text: &str) -> Option<String> {
    let url = Url::parse(text).or_else(|_| Url::parse(&format!("https://{text}"))).ok()?;
    url.host_str().map(str::to_owned)
}

fn json_path(entry: &Derive, text: &str) -> Option<SecretString> {
    let document = Document::from_json(text).ok()?;
    document.text(&Path::parse(entry.path.as_deref()?).ok()?)
}
