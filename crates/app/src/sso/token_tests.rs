use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use super::*;
use crate::signing::SigningKey;

const NOW: i64 = 1_900_000_000;

fn expected() -> Expected<'static> {
    Expected {
        issuer: "https://id.example",
        client_id: "us",
        nonce: "n-1",
        now: Timestamp::from_seconds(NOW),
        since: None,
    }
}

fn good() -> Value {
    json!({
        "iss": "https://id.example", "aud": "us", "sub": "s-1", "nonce": "n-1", "iat": NOW - 5, "exp": NOW + 300,
        "auth_time": NOW - 5,
    })
}

fn key(kid: &str) -> (SigningKey, Jwk) {
    let key = SigningKey::from_pkcs8(kid, &SigningKey::generate().unwrap()).unwrap();
    let jwk = serde_json::from_value(key.jwk()).unwrap();
    (key, jwk)
}

#[test]
fn a_token_counts_when_every_claim_does() {
    let (signer, jwk) = key("k1");
    let judge = |claims: Value, expected: Expected<'_>| {
        verify(signer.sign(&claims).unwrap().expose(), std::slice::from_ref(&jwk), expected).map(|_| ())
    };
    let with = |name: &str, value: Value| {
        let mut claims = good();
        claims[name] = value;
        judge(claims, expected())
    };
    assert_eq!(judge(good(), expected()), Ok(()));
    assert_eq!(with("aud", json!(["us"])), Ok(()));
    assert_eq!(with("exp", json!(NOW - 59)), Ok(()), "a minute between clocks");
    for (name, value, refusal) in [
        ("iss", json!("https://id.example/"), Refusal::Issuer),
        ("iss", json!("https://evil.example"), Refusal::Issuer),
        ("aud", json!("them"), Refusal::Audience),
        ("aud", json!(["us", "them"]), Refusal::Audience),
        ("aud", Value::Null, Refusal::Audience),
        ("azp", json!("them"), Refusal::Audience),
        ("exp", json!(NOW - 60), Refusal::Time),
        ("exp", Value::Null, Refusal::Time),
        ("iat", json!(NOW + 61), Refusal::Time),
        ("iat", Value::Null, Refusal::Time),
        ("nbf", json!(NOW + 61), Refusal::Time),
        ("nonce", json!("n-2"), Refusal::Nonce),
        ("nonce", Value::Null, Refusal::Nonce),
        ("sub", json!(""), Refusal::Subject),
        ("sub", json!(7), Refusal::Subject),
    ] {
        assert_eq!(with(name, value.clone()), Err(refusal), "{name} {value}");
    }
    let mut both = good();
    (both["aud"], both["azp"]) = (json!(["them", "us"]), json!("us"));
    assert_eq!(judge(both, expected()), Ok(()));
    let again = Expected { since: Some(Timestamp::from_seconds(NOW + 60)), ..expected() };
    assert_eq!(judge(good(), again), Err(Refusal::Stale));
    let recent = Expected { since: Some(Timestamp::from_seconds(NOW + 50)), ..expected() };
    assert_eq!(judge(good(), recent), Ok(()));
}

#[test]
fn a_signature_counts_with_a_published_key_and_a_public_algorithm_only() {
    let (signer, jwk) = key("k1");
    let (stranger, other) = key("k1");
    let token = stranger.sign(&good()).unwrap();
    let judge = |token: &str, keys: &[Jwk]| verify(token, keys, expected()).map(|_| ()).unwrap_err();
    assert_eq!(judge(token.expose(), std::slice::from_ref(&jwk)), Refusal::Signature);
    assert_eq!(judge(token.expose(), &[]), Refusal::UnknownKey);
    let (renamed, _) = key("k2");
    assert_eq!(judge(renamed.sign(&good()).unwrap().expose(), &[jwk.clone(), other]), Refusal::UnknownKey);
    let claims = URL_SAFE_NO_PAD.encode(good().to_string());
    for header in [r#"{"alg":"none"}"#, r#"{"alg":"HS256","kid":"k1"}"#] {
        let forged = format!("{}.{claims}.AAAA", URL_SAFE_NO_PAD.encode(header));
        assert!(matches!(
            judge(&forged, std::slice::from_ref(&jwk)),
            Refusal::Algorithm | Refusal::Malformed
        ));
    }
    let signed = signer.sign(&good()).unwrap();
    let parts: Vec<&str> = signed.expose().split('.').collect();
    let forged = URL_SAFE_NO_PAD.encode(good().to_string().replace("s-1", "s-2"));
    let forged = format!("{}.{forged}.{}", parts[0], parts[2]);
    assert_eq!(judge(&forged, std::slice::from_ref(&jwk)), Refusal::Signature);
}
