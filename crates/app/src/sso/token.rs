//! ID tokens ([OpenID Connect Core §3.1.3.7](https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation)).

use std::time::Duration;

use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use keybearer_core::Timestamp;
use serde_json::{Map, Value};

/// How far clocks may be apart.
const SKEW: Duration = Duration::from_secs(60);
/// The longest token that is read.
const MAX: usize = 32 * 1024;
/// What may sign. Nothing symmetric: our client secret is no signing key.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// Claims of a token.
pub(super) type Claims = Map<String, Value>;

/// What a token must say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected<'a> {
    pub issuer: &'a str,
    pub client_id: &'a str,
    pub nonce: &'a str,
    pub now: Timestamp,
    /// The person must have proved who they are since then.
    pub since: Option<Timestamp>,
}

/// Why a token does not count. Never holds any of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("the ID token cannot be read")]
    Malformed,
    #[error("the ID token is signed in a way that does not count")]
    Algorithm,
    #[error("the ID token is signed with a key that the issuer does not publish")]
    UnknownKey,
    #[error("the ID token's signature does not fit")]
    Signature,
    #[error("the ID token is of another issuer")]
    Issuer,
    #[error("the ID token is for another client")]
    Audience,
    #[error("the ID token has ended, or its time has not come")]
    Time,
    #[error("the ID token answers another question")]
    Nonce,
    #[error("the ID token names nobody")]
    Subject,
    #[error("the person did not prove again who they are")]
    Stale,
}

/// The claims of a token that counts.
pub(super) fn verify(token: &str, keys: &[Jwk], expected: Expected<'_>) -> Result<Claims, Refusal> {
    if token.len() > MAX {
        return Err(Refusal::Malformed);
    }
    let header = decode_header(token).map_err(|_| Refusal::Malformed)?;
    if !ALGORITHMS.contains(&header.alg) {
        return Err(Refusal::Algorithm);
    }
    let key = choose(keys, header.kid.as_deref(), header.alg).ok_or(Refusal::UnknownKey)?;
    let key = DecodingKey::from_jwk(key).map_err(|_| Refusal::UnknownKey)?;
    // everything but the signature is ours: the library reads the clock of the machine
    let mut only_signature = Validation::new(header.alg);
    only_signature.required_spec_claims.clear();
    only_signature.validate_exp = false;
    only_signature.validate_aud = false;
    let claims = decode::<Claims>(token, &key, &only_signature).map_err(|_| Refusal::Signature)?.claims;
    judge(&claims, expected)?;
    Ok(claims)
}

/// The key of that id; without one, the only key that fits.
fn choose<'a>(keys: &'a [Jwk], kid: Option<&str>, algorithm: Algorithm) -> Option<&'a Jwk> {
    let mut fitting = keys.iter().filter(|key| {
        let common = &key.common;
        let signs = !matches!(common.public_key_use, Some(PublicKeyUse::Encryption));
        let same = common.key_algorithm.is_none_or(|named| is(named, algorithm));
        signs
            && same
            && is_of_kind(key, algorithm)
            && kid.is_none_or(|kid| common.key_id.as_deref() == Some(kid))
    });
    let first = fitting.next()?;
    (kid.is_some() || fitting.next().is_none()).then_some(first)
}

fn is_of_kind(key: &Jwk, algorithm: Algorithm) -> bool {
    match algorithm {
        Algorithm::ES256 | Algorithm::ES384 => matches!(key.algorithm, AlgorithmParameters::EllipticCurve(_)),
        Algorithm::EdDSA => matches!(key.algorithm, AlgorithmParameters::OctetKeyPair(_)),
        _ => matches!(key.algorithm, AlgorithmParameters::RSA(_)),
    }
}

fn is(named: KeyAlgorithm, algorithm: Algorithm) -> bool {
    named.to_string() == format!("{algorithm:?}")
}

fn judge(claims: &Claims, expected: Expected<'_>) -> Result<(), Refusal> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let time = |name: &str| claims.get(name).and_then(seconds);
    if text("iss") != Some(expected.issuer) {
        return Err(Refusal::Issuer);
    }
    let (ours, others) = audience(claims, expected.client_id);
    let party = text("azp");
    if !ours || (others && party.is_none()) || party.is_some_and(|party| party != expected.client_id) {
        return Err(Refusal::Audience);
    }
    let (now, skew) = (expected.now.seconds(), i64::try_from(SKEW.as_secs()).unwrap_or(60));
    let over = time("exp").is_none_or(|end| end.saturating_add(skew) <= now);
    let early = |name: &str| time(name).is_some_and(|at| at.saturating_sub(skew) > now);
    if over || time("iat").is_none() || early("iat") || early("nbf") {
        return Err(Refusal::Time);
    }
    if text("nonce") != Some(expected.nonce) {
        return Err(Refusal::Nonce);
    }
    if !text("sub").is_some_and(|subject| (1..=255).contains(&subject.len())) {
        return Err(Refusal::Subject);
    }
    let since = expected.since.map(|since| since.seconds().saturating_sub(skew));
    if since.is_some_and(|since| time("auth_time").is_none_or(|at| at < since)) {
        return Err(Refusal::Stale);
    }
    Ok(())
}

/// A NumericDate; some issuers send parts of seconds.
fn seconds(value: &Value) -> Option<i64> {
    let whole = |text: String| text.split('.').next().and_then(|whole| whole.parse().ok());
    value
        .as_i64()
        .or_else(|| value.as_f64().filter(|at| at.abs() < 1e15).and_then(|at| whole(format!("{at:.3}"))))
}

/// Whether we are meant, and whether others are too.
fn audience(claims: &Claims, client_id: &str) -> (bool, bool) {
    match claims.get("aud") {
        Some(Value::String(one)) => (one == client_id, false),
        Some(Value::Array(all)) => (all.iter().any(|one| one.as_str() == Some(client_id)), all.len() > 1),
        _ => (false, false),
    }
}

#[cfg(test)]
#[path = "token_tests.rs"]
mod tests;
