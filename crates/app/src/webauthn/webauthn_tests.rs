//! The vectors of the standard itself ([§16](https://www.w3.org/TR/webauthn-3/#sctn-test-vectors)), and keys made here.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use keybearer_core::from_hex;
use serde_json::json;

use super::*;

const SITE: Expected<'static> =
    Expected { challenge: "", rp_id: "example.org", origin: "https://example.org", verified: false };

/// ES256 without attestation.
const NONE_ATTESTATION: &str = "a363666d74646e6f6e656761747453746d74a068617574684461746158a4bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b559000000008446ccb9ab1db374750b2367ff6f3a1f0020f91f391db4c9b2fde0ea70189cba3fb63f579ba6122b33ad94ff3ec330084be4a5010203262001215820afefa16f97ca9b2d23eb86ccb64098d20db90856062eb249c33a9b672f26df61225820930a56b87a2fca66334b03458abf879717c12cc68ed73290af2e2664796b9220";
const NONE_CREDENTIAL: &str = "f91f391db4c9b2fde0ea70189cba3fb63f579ba6122b33ad94ff3ec330084be4";
const NONE_CLIENT_DATA: &str = "7b2274797065223a22776562617574686e2e637265617465222c226368616c6c656e6765223a22414d4d507434557878475453746e63647134313759447742466938767049612d7077386f4f755657345441222c226f726967696e223a2268747470733a2f2f6578616d706c652e6f7267222c2263726f73734f726967696e223a66616c73652c22657874726144617461223a22636c69656e74446174614a534f4e206d617920626520657874656e6465642077697468206164646974696f6e616c206669656c647320696e20746865206675747572652c207375636820617320746869733a20426b5165446a646354427258426941774a544c4535513d3d227d";
const NONE_CHALLENGE: &str = "AMMPt4UxxGTStncdq417YDwBFi8vpIa-pw8oOuVW4TA";
const USED_CHALLENGE: &str = "OcDnUhQXulTUPo3JUXT0I97pvzzYBP9tZchXyav01Ag";
const USED_DATA: &str = "bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b51900000000";
const USED_CLIENT_DATA: &str = "7b2274797065223a22776562617574686e2e676574222c226368616c6c656e6765223a224f63446e55685158756c5455506f334a5558543049393770767a7a59425039745a63685879617630314167222c226f726967696e223a2268747470733a2f2f6578616d706c652e6f7267222c2263726f73734f726967696e223a66616c73657d";
const USED_SIGNATURE: &str = "3046022100f50a4e2e4409249c4a853ba361282f09841df4dd4547a13a87780218deffcd380221008480ac0f0b93538174f575bf11a1dd5d78c6e486013f937295ea13653e331e87";
/// ES256 with self attestation; the authenticator made sure who it was.
const SELF_ATTESTATION: &str = "a363666d74667061636b65646761747453746d74a263616c67266373696758483046022100ae045923ded832b844cae4d5fc864277c0dc114ad713e271af0f0d371bd3ac540221009077a088ed51a673951ad3ba2673d5029bab65b64f4ea67b234321f86fcfac5d68617574684461746158a4bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b55d00000000df850e09db6afbdfab51697791506cfc0020455ef34e2043a87db3d4afeb39bbcb6cc32df9347c789a865ecdca129cbef58ca5010203262001215820eb151c8176b225cc651559fecf07af450fd85802046656b34c18f6cf193843c5225820927b8aa427a2be1b8834d233a2d34f61f13bfd44119c325d5896e183fee484f2";
const SELF_CREDENTIAL: &str = "455ef34e2043a87db3d4afeb39bbcb6cc32df9347c789a865ecdca129cbef58c";
const SELF_CLIENT_DATA: &str = "7b2274797065223a22776562617574686e2e637265617465222c226368616c6c656e6765223a2265476e4374334c55745936366b336a506a796e6962506b31716e666644616966715a774c33417032392d55222c226f726967696e223a2268747470733a2f2f6578616d706c652e6f7267222c2263726f73734f726967696e223a66616c73652c22657874726144617461223a22636c69656e74446174614a534f4e206d617920626520657874656e6465642077697468206164646974696f6e616c206669656c647320696e20746865206675747572652c207375636820617320746869733a205539685458764b453255526b4d6e625f3078594856673d3d227d";
const SELF_CHALLENGE: &str = "eGnCt3LUtY66k3jPjynibPk1qnffDaifqZwL3Ap29-U";

fn url_of(hex: &str) -> String {
    URL_SAFE_NO_PAD.encode(from_hex(hex).unwrap())
}

fn registration(id: &str, client_data: &str, attestation: &str) -> Registration {
    let (id, client_data, attestation) = (url_of(id), url_of(client_data), url_of(attestation));
    Registration { id, client_data, attestation, transports: vec!["usb".to_owned(), "evil".to_owned()] }
}

fn standard() -> Registration {
    registration(NONE_CREDENTIAL, NONE_CLIENT_DATA, NONE_ATTESTATION)
}

fn used() -> Assertion {
    Assertion {
        id: url_of(NONE_CREDENTIAL),
        client_data: url_of(USED_CLIENT_DATA),
        authenticator_data: url_of(USED_DATA),
        signature: url_of(USED_SIGNATURE),
        user_handle: None,
    }
}

#[test]
fn the_registration_of_the_standard_verifies_and_its_key_the_assertion() {
    let made = standard().verify(Expected { challenge: NONE_CHALLENGE, ..SITE }).unwrap();
    assert_eq!((made.sign_count, made.backup_eligible, made.backed_up), (0, true, true));
    assert_eq!(made.id, url_of(NONE_CREDENTIAL));
    assert_eq!(standard().transports(), "usb");
    let here = Expected { challenge: USED_CHALLENGE, ..SITE };
    let used = used().verify(here, &made.public_key, true).unwrap();
    assert_eq!(used, Used { sign_count: 0, backed_up: true });
}

#[test]
fn a_self_attestation_counts_when_its_signature_does() {
    let here = Expected { challenge: SELF_CHALLENGE, verified: true, ..SITE };
    assert!(registration(SELF_CREDENTIAL, SELF_CLIENT_DATA, SELF_ATTESTATION).verify(here).is_ok());
    let forged = SELF_ATTESTATION.replace("3046022100ae04", "3046022100ae05");
    let refused = registration(SELF_CREDENTIAL, SELF_CLIENT_DATA, &forged).verify(here);
    assert_eq!(refused.unwrap_err(), Refusal::Attestation);
}

#[test]
fn a_registration_for_another_question_site_or_person_is_refused() {
    let here = Expected { challenge: NONE_CHALLENGE, ..SITE };
    let refused = |expected: Expected<'_>| standard().verify(expected).unwrap_err();
    assert_eq!(refused(Expected { challenge: USED_CHALLENGE, ..here }), Refusal::Challenge);
    assert_eq!(refused(Expected { origin: "https://example.org.evil.example", ..here }), Refusal::Origin);
    assert_eq!(refused(Expected { origin: "http://example.org", ..here }), Refusal::Origin);
    assert_eq!(refused(Expected { rp_id: "org", ..here }), Refusal::RpId);
    assert_eq!(refused(Expected { verified: true, ..here }), Refusal::NotVerified);
    let other = registration(SELF_CREDENTIAL, NONE_CLIENT_DATA, NONE_ATTESTATION).verify(here);
    assert_eq!(other.unwrap_err(), Refusal::Credential);
    let kind = registration(NONE_CREDENTIAL, USED_CLIENT_DATA, NONE_ATTESTATION);
    assert_eq!(kind.verify(Expected { challenge: USED_CHALLENGE, ..SITE }).unwrap_err(), Refusal::Kind);
}

#[test]
fn an_assertion_for_another_question_site_or_key_is_refused() {
    let key = standard().verify(Expected { challenge: NONE_CHALLENGE, ..SITE }).unwrap().public_key;
    let here = Expected { challenge: USED_CHALLENGE, ..SITE };
    let refused = |expected: Expected<'_>| used().verify(expected, &key, true).unwrap_err();
    assert_eq!(refused(Expected { challenge: NONE_CHALLENGE, ..here }), Refusal::Challenge);
    assert_eq!(refused(Expected { origin: "https://evil.example", ..here }), Refusal::Origin);
    assert_eq!(refused(Expected { rp_id: "evil.example", ..here }), Refusal::RpId);
    assert_eq!(refused(Expected { verified: true, ..here }), Refusal::NotVerified);
    assert_eq!(used().verify(here, &key, false).unwrap_err(), Refusal::Backup);
    let mut flipped = from_hex(USED_SIGNATURE).unwrap();
    *flipped.last_mut().unwrap() ^= 1;
    let flipped = Assertion { signature: URL_SAFE_NO_PAD.encode(flipped), ..used() };
    assert_eq!(flipped.verify(here, &key, true).unwrap_err(), Refusal::Signature);
    let here = Expected { challenge: SELF_CHALLENGE, verified: true, ..SITE };
    let stranger = registration(SELF_CREDENTIAL, SELF_CLIENT_DATA, SELF_ATTESTATION).verify(here).unwrap();
    let here = Expected { challenge: USED_CHALLENGE, ..SITE };
    assert_eq!(used().verify(here, &stranger.public_key, true).unwrap_err(), Refusal::Signature);
}

/// A key of each algorithm, in COSE's form, and how it signs.
type Signer = Box<dyn Fn(&[u8]) -> Vec<u8>>;

fn head(major: u8, length: usize) -> Vec<u8> {
    match length {
        0..24 => vec![(major << 5) | u8::try_from(length).unwrap()],
        24..256 => vec![(major << 5) | 24, u8::try_from(length).unwrap()],
        _ => [vec![(major << 5) | 25], u16::try_from(length).unwrap().to_be_bytes().to_vec()].concat(),
    }
}

fn bytes(value: &[u8]) -> Vec<u8> {
    [head(2, value.len()), value.to_vec()].concat()
}

fn keys() -> Vec<(Vec<u8>, Signer)> {
    let random = SystemRandom::new();
    let ec = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
    let point = ec.public_key().as_ref().to_vec();
    let es256 =
        [vec![0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21], bytes(&point[1..33]), vec![0x22], bytes(&point[33..65])]
            .concat();
    let ed = Ed25519KeyPair::generate().unwrap();
    let eddsa = [vec![0xa4, 1, 1, 3, 0x27, 0x20, 6, 0x21], bytes(ed.public_key().as_ref())].concat();
    let rsa = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let (n, e) = (rsa.public_key().modulus(), rsa.public_key().exponent());
    let (n, e) = (n.big_endian_without_leading_zero().to_vec(), e.big_endian_without_leading_zero().to_vec());
    let rs256 = [vec![0xa4, 1, 3, 3, 0x39, 1, 0, 0x20], bytes(&n), vec![0x21], bytes(&e)].concat();
    vec![
        (es256, Box::new(move |m: &[u8]| ec.sign(&random, m).unwrap().as_ref().to_vec()) as Signer),
        (eddsa, Box::new(move |m: &[u8]| ed.sign(m).as_ref().to_vec())),
        (
            rs256,
            Box::new(move |m: &[u8]| {
                let mut signature = vec![0; rsa.public_modulus_len()];
                rsa.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), m, &mut signature).unwrap();
                signature
            }),
        ),
    ]
}

#[test]
fn keys_of_all_three_algorithms_register_and_sign() {
    let here = Expected { challenge: "Y2g", verified: true, ..SITE };
    for (cose, sign) in keys() {
        let client =
            |kind: &str| json!({"type": kind, "challenge": "Y2g", "origin": SITE.origin}).to_string();
        let data = |flags: u8, count: u8| [&sha256(b"example.org")[..], &[flags, 0, 0, 0, count]].concat();
        let attested = [data(0x45, 0), vec![0; 16], vec![0, 4], b"cred".to_vec(), cose].concat();
        let object = [
            vec![0xa3, 0x63],
            b"fmt".to_vec(),
            vec![0x64],
            b"none".to_vec(),
            vec![0x67],
            b"attStmt".to_vec(),
            vec![0xa0, 0x68],
            b"authData".to_vec(),
            bytes(&attested),
        ]
        .concat();
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let text = json!({
            "id": encode(b"cred"), "client_data": encode(client("webauthn.create").as_bytes()),
            "attestation": encode(&object),
        });
        let made = Registration::read(&text.to_string()).unwrap().verify(here).unwrap();
        let (used, told) = (data(0x05, 7), client("webauthn.get"));
        let signature = sign(&[used.as_slice(), &sha256(told.as_bytes())].concat());
        let text = json!({
            "id": encode(b"cred"), "client_data": encode(told.as_bytes()), "authenticator_data": encode(&used),
            "signature": encode(&signature), "user_handle": null,
        });
        let assertion = Assertion::read(&text.to_string()).unwrap();
        assert_eq!(assertion.verify(here, &made.public_key, false).unwrap().sign_count, 7);
    }
}

#[test]
fn keys_that_are_none_are_refused() {
    for bad in [
        // a point that is not on the curve, a key of P-384, RSA of 1024 bits, an algorithm of its own
        "a50102032620012158200000000000000000000000000000000000000000000000000000000000000001225820000000000000000000000000000000000000000000000000000000000000000".to_owned() + "1",
        "a5010203382220022140224000".to_owned(),
        format!("a401030339010020 5880{}2143010001", "ff".repeat(128)).replace(' ', ""),
        "a3010203190100".to_owned(),
        "a0".to_owned(),
    ] {
        assert!(from_hex(&bad).and_then(|bytes| PublicKey::read(&bytes)).is_none(), "{bad}");
    }
}

#[test]
fn data_with_bytes_that_belong_to_nothing_is_refused() {
    let mut longer = from_hex(USED_DATA).unwrap();
    longer.push(0);
    assert!(AuthenticatorData::read(&longer).is_none());
    longer.truncate(36);
    assert!(AuthenticatorData::read(&longer).is_none());
    assert_eq!(Registration::read(&"x".repeat(MAX_ANSWER + 1)).unwrap_err(), Refusal::Malformed);
    let twice = r#"{"type":"webauthn.get","type":"webauthn.create","challenge":"c","origin":"o"}"#;
    assert_eq!(check_client_data(twice.as_bytes(), "webauthn.get", SITE).unwrap_err(), Refusal::Malformed);
}
