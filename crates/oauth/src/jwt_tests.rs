use super::*;
use jsonwebtoken::{DecodingKey, Validation};
use serde_json::json;

const RSA_PKCS8: &str = include_str!("../tests/fixtures/rsa_pkcs8.pem");
const RSA_PKCS1: &str = include_str!("../tests/fixtures/rsa_pkcs1.pem");
const RSA_PUBLIC: &str = include_str!("../tests/fixtures/rsa_public.pem");
const EC_PKCS8: &str = include_str!("../tests/fixtures/ec_pkcs8.pem");
const EC_SEC1: &str = include_str!("../tests/fixtures/ec_sec1.pem");
const EC_PUBLIC: &str = include_str!("../tests/fixtures/ec_public.pem");
// printed by `openssl pkey -pubout -outform DER | openssl dgst -sha256 -binary | base64`
const RSA_FINGERPRINT: &str = "SHA256:2wUYxVuJgz6m+sHx3AxmnPZxntPxf9lmqLx2Po3NCj0=";
const EC_FINGERPRINT: &str = "SHA256:7ZM7tQF8ZDDrv7X1JnQscRyx4WaxBeRlOCcfwwv/Qj0=";

fn key(algorithm: Algorithm, text: &str) -> Result<SigningKey, JwtError> {
    SigningKey::read(algorithm, &text.into(), KeyEncoding::Text)
}

fn members(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap()
}

fn signed(key: &SigningKey) -> String {
    let header = members(json!({"alg": "none", "kid": "k1"}));
    let claims = members(json!({"iss": "me", "exp": 4_000_000_000_u64, "n": [1, {"a": true}]}));
    sign(&header, &claims, key).unwrap().expose().clone()
}

/// Verifies with another library than the one that signed.
fn verify(token: &str, algorithm: jsonwebtoken::Algorithm, key: &DecodingKey) {
    let read = jsonwebtoken::decode::<Value>(token, key, &Validation::new(algorithm)).unwrap();
    assert_eq!(read.header.kid.as_deref(), Some("k1"));
    assert_eq!(read.header.typ.as_deref(), Some("JWT"));
    assert_eq!(read.claims["n"], json!([1, {"a": true}]));
    let mut forged = token.to_owned().into_bytes();
    forged[token.find('.').unwrap() + 3] ^= 1;
    let forged = String::from_utf8(forged).unwrap();
    assert!(jsonwebtoken::decode::<Value>(forged, key, &Validation::new(algorithm)).is_err());
}

#[test]
fn every_algorithm_signs_what_another_library_verifies() {
    let rsa = DecodingKey::from_rsa_pem(RSA_PUBLIC.as_bytes()).unwrap();
    let ec = DecodingKey::from_ec_pem(EC_PUBLIC.as_bytes()).unwrap();
    for pem in [RSA_PKCS8, RSA_PKCS1] {
        verify(&signed(&key(Algorithm::Rs256, pem).unwrap()), jsonwebtoken::Algorithm::RS256, &rsa);
        verify(&signed(&key(Algorithm::Ps256, pem).unwrap()), jsonwebtoken::Algorithm::PS256, &rsa);
    }
    for pem in [EC_PKCS8, EC_SEC1] {
        verify(&signed(&key(Algorithm::Es256, pem).unwrap()), jsonwebtoken::Algorithm::ES256, &ec);
    }
    let shared = DecodingKey::from_secret(b"a shared secret");
    verify(
        &signed(&key(Algorithm::Hs256, "a shared secret").unwrap()),
        jsonwebtoken::Algorithm::HS256,
        &shared,
    );
}

#[test]
fn rfc_7515_appendix_a_1_is_reproduced() {
    let secret = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
    let key = SigningKey::read(Algorithm::Hs256, &secret.into(), KeyEncoding::Base64Url).unwrap();
    let input = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQog\
                 Imh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    let signature = URL_SAFE_NO_PAD.encode(key.sign_bytes(input.as_bytes()).unwrap());
    assert_eq!(signature, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
}

#[test]
fn rs256_agrees_with_openssl() {
    // `openssl dgst -sha256 -sign rsa_pkcs8.pem`; PKCS1-v1_5 has no random part
    let expected = "b4OohKcviEk7fZmfnWBFk3-DXhwxEWYu9Q0pvSlNqEJo2lstQpdk8yvnlAonMNhqa60mdqBmcPjy5DFJsJnJaksL18eg_oVz\
                    YFVCU68nhjV1ElDNhs09IN3YmkdkLtDoT1_5lVkYhig6wbgxWR_QYd_PTHGdbCMD-1ig1dKhkS77hx8idyoCHZz9pbfGJY9h\
                    k7dX7QbcOWcasHzZzFPr10L1KT37JrdCdT7OfMtf8HoF633AWrwzLdIZEuXT3Jeest9x161LNeCorBbiiETHgKqv2tyLZSWW\
                    srixKuDnpzSO0KkWmdbsqzt4pHYZSFv4ECzkX2nOKRDz3LsbiJOS-A";
    let signature = key(Algorithm::Rs256, RSA_PKCS8).unwrap().sign_bytes(b"signed by another tool").unwrap();
    assert_eq!(URL_SAFE_NO_PAD.encode(signature), expected);
}

#[test]
fn keys_are_read_however_they_were_pasted() {
    let bare = RSA_PKCS8.lines().filter(|line| !line.starts_with("-----")).collect::<String>();
    for text in [
        RSA_PKCS8.replace('\n', "\r\n"),
        RSA_PKCS8.replace('\n', "\\n"),
        RSA_PKCS8.replace('\n', " "),
        format!("  \n{RSA_PKCS8}\n\n"),
        STANDARD.encode(RSA_PKCS8),
        bare,
    ] {
        assert_eq!(public_key_fingerprint(&text.as_str().into()).as_deref(), Ok(RSA_FINGERPRINT), "{text}");
    }
}

#[test]
fn fingerprints_are_those_of_the_public_half() {
    for (pem, expected) in [
        (RSA_PKCS8, RSA_FINGERPRINT),
        (RSA_PKCS1, RSA_FINGERPRINT),
        (EC_PKCS8, EC_FINGERPRINT),
        (EC_SEC1, EC_FINGERPRINT),
    ] {
        assert_eq!(public_key_fingerprint(&pem.into()).as_deref(), Ok(expected));
    }
}

#[test]
fn unusable_keys_say_what_is_wrong_with_them() {
    let encrypted = include_str!("../tests/fixtures/rsa_pkcs8_encrypted.pem");
    let legacy = include_str!("../tests/fixtures/rsa_pkcs1_encrypted.pem");
    let read = |algorithm, text: &str| key(algorithm, text).unwrap_err();
    assert_eq!(read(Algorithm::Rs256, encrypted), JwtError::KeyEncrypted);
    assert_eq!(read(Algorithm::Rs256, legacy), JwtError::KeyEncrypted);
    assert_eq!(read(Algorithm::Rs256, RSA_PUBLIC), JwtError::KeyPublic);
    assert_eq!(read(Algorithm::Rs256, EC_PKCS8), JwtError::KeyMismatch("RS256"));
    assert_eq!(read(Algorithm::Es256, RSA_PKCS8), JwtError::KeyMismatch("ES256"));
    for text in
        ["", "hello", "-----BEGIN", "-----BEGIN PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----*-----END"]
    {
        assert_eq!(read(Algorithm::Rs256, text), JwtError::KeyFormat, "{text}");
    }
    assert_eq!(read(Algorithm::Hs256, ""), JwtError::SecretFormat);
    let hex = SigningKey::read(Algorithm::Hs256, &"zz".into(), KeyEncoding::Hex);
    assert_eq!(hex.unwrap_err(), JwtError::SecretFormat);
}

#[test]
fn claims_are_read_without_believing_them() {
    let token = signed(&key(Algorithm::Hs256, "s").unwrap());
    assert_eq!(unverified_claims(&token).unwrap().expose()["iss"], "me");
    for text in ["", "a.b", "a.b.c.d", "a.!.c", "e30.bnVsbA.x", "opaque-token"] {
        assert!(unverified_claims(text).is_none(), "{text}");
    }
}

#[test]
fn unsigned_algorithms_do_not_exist() {
    for text in ["none", "None", "HS512", "rs256", ""] {
        assert_eq!(Algorithm::parse(text), None);
    }
    assert_eq!(Algorithm::parse("PS256"), Some(Algorithm::Ps256));
}

#[test]
fn service_account_files_are_read_and_sign() {
    let file = json!({
        "type": "service_account", "client_email": "a@b.example", "private_key": RSA_PKCS8,
        "private_key_id": "kid", "client_id": "1234", "token_uri": "https://as.example/token",
    });
    for text in [file.to_string(), Value::from(file.to_string()).to_string()] {
        let account = ServiceAccountKey::read(&text.as_str().into()).unwrap();
        assert_eq!(account.client_email, "a@b.example");
        assert_eq!(account.private_key_id.as_deref(), Some("kid"));
        assert_eq!(account.project_id, None);
        assert!(SigningKey::read(Algorithm::Rs256, &account.private_key, KeyEncoding::Text).is_ok());
        assert!(!format!("{account:?}").contains("BEGIN"));
    }
    for text in ["", "{}", "[]", r#"{"client_email":"a"}"#, r#"{"client_email":"","private_key":"k"}"#] {
        assert_eq!(ServiceAccountKey::read(&text.into()).unwrap_err(), JwtError::ServiceAccount);
    }
}
