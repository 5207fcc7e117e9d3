//! What a key file is, without showing it.

use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::rsa::KeyPair as RsaKeyPair;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    Ed25519KeyPair, KeyPair as _,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use keybearer_core::sha256;
use serde_json::Value;

use super::fault::{Fault, Note};
use crate::schema::FieldKind;

/// The file as it is kept, with what was seen in it.
pub(super) fn check(kind: FieldKind, value: String) -> Result<(String, Option<Note>), Fault> {
    if value.is_empty() {
        return Ok((value, None));
    }
    if kind == FieldKind::JsonFile {
        return match serde_json::from_str::<Value>(&value) {
            Ok(Value::Object(file)) => {
                let note = account(&file);
                Ok((value, note))
            }
            _ => Err(Fault::Json),
        };
    }
    if value.contains("-----BEGIN") {
        if value.contains("PUBLIC KEY-----") || value.trim_start().starts_with("ssh-") {
            return Err(Fault::PublicKey);
        }
        if value.contains("-----BEGIN CERTIFICATE") && !value.contains("PRIVATE KEY-----") {
            return Err(Fault::Certificate);
        }
        if !value.contains("-----END") {
            return Err(Fault::CutKey);
        }
    } else if ["ssh-rsa ", "ssh-ed25519 ", "ecdsa-sha2-"].iter().any(|start| value.starts_with(start)) {
        return Err(Fault::PublicKey);
    }
    let note = key(&value);
    Ok((value, note))
}

/// Whose key file of a machine's account it is.
fn account(file: &serde_json::Map<String, Value>) -> Option<Note> {
    let text = |name: &str| file.get(name).and_then(Value::as_str).map(short);
    Some(Note::Account { email: text("client_email")?, project: text("project_id") })
}

fn short(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(120).collect()
}

/// The kind of a private key and the fingerprint of its public half.
fn key(pem: &str) -> Option<Note> {
    let (_, rest) = pem.split_once("-----BEGIN ")?;
    let (title, rest) = rest.split_once("-----")?;
    let (body, _) = rest.split_once("-----END")?;
    if title.contains("ENCRYPTED") || body.contains("Proc-Type:") {
        return Some(Note::Key { kind: "PEM, locked by a passphrase".to_owned(), fingerprint: None });
    }
    if title.starts_with("OPENSSH") {
        return Some(Note::Key { kind: "OpenSSH".to_owned(), fingerprint: None });
    }
    let body: String = body.chars().filter(|letter| !letter.is_whitespace()).collect();
    let der = STANDARD.decode(body).ok()?;
    rsa(&der).or_else(|| elliptic(&der)).or_else(|| edwards(&der))
}

fn rsa(der: &[u8]) -> Option<Note> {
    let pair = RsaKeyPair::from_pkcs8(der).or_else(|_| RsaKeyPair::from_der(der)).ok()?;
    let public: PublicKeyX509Der<'_> = pair.public_key().as_der().ok()?;
    Some(known(format!("RSA {}", pair.public_modulus_len() * 8), public.as_ref()))
}

fn elliptic(der: &[u8]) -> Option<Note> {
    let curves: [(&str, &'static EcdsaSigningAlgorithm); 2] =
        [("EC P-256", &ECDSA_P256_SHA256_ASN1_SIGNING), ("EC P-384", &ECDSA_P384_SHA384_ASN1_SIGNING)];
    curves.into_iter().find_map(|(kind, curve)| {
        let pair = EcdsaKeyPair::from_pkcs8(curve, der)
            .or_else(|_| EcdsaKeyPair::from_private_key_der(curve, der))
            .ok()?;
        let public: PublicKeyX509Der<'_> = pair.public_key().as_der().ok()?;
        Some(known(kind.to_owned(), public.as_ref()))
    })
}

fn edwards(der: &[u8]) -> Option<Note> {
    let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).ok()?;
    let public: PublicKeyX509Der<'_> = pair.public_key().as_der().ok()?;
    Some(known("Ed25519".to_owned(), public.as_ref()))
}

/// As `openssl pkey -pubout -outform DER | openssl dgst -sha256 -binary | base64` shows it.
fn known(kind: String, public: &[u8]) -> Note {
    let fingerprint = STANDARD_NO_PAD.encode(sha256(public));
    Note::Key { kind, fingerprint: Some(format!("SHA256:{fingerprint}")) }
}
