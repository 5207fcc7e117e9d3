//! Passkeys on the wire: checking what a browser brings back from an authenticator
//! ([WebAuthn Level 3](https://www.w3.org/TR/webauthn-3/), §7.1 and §7.2).
//!
//! Pure functions without time, randomness or storage. Attestation is neither asked for nor believed: what is taken is
//! `none`, and the self-signed `packed` that browsers may leave as it is.

mod authenticator;
mod cbor;
mod key;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keybearer_core::sha256;
use serde::Deserialize;

use self::authenticator::AuthenticatorData;
use self::cbor::Item;
pub(crate) use self::key::ALGORITHMS;
use self::key::PublicKey;

/// The longest text that a browser's answer may be.
const MAX_ANSWER: usize = 32 * 1024;

/// What the answer must be bound to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expected<'a> {
    /// The challenge as it was given, base64url.
    pub challenge: &'a str,
    /// The host that passkeys belong to.
    pub rp_id: &'a str,
    /// The origin whose page asked.
    pub origin: &'a str,
    /// Whether the authenticator must have made sure who it is.
    pub verified: bool,
}

/// A credential that was made just now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewCredential {
    /// Its id, base64url.
    pub id: String,
    /// Its public key in COSE's form, base64url.
    pub public_key: String,
    pub sign_count: u32,
    pub backup_eligible: bool,
    pub backed_up: bool,
}

/// A credential that proved itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Used {
    pub sign_count: u32,
    pub backed_up: bool,
}

/// Why an answer does not count. Never holds any of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("the browser's answer cannot be read")]
    Malformed,
    #[error("the answer is one to another question")]
    Kind,
    #[error("the challenge is another one")]
    Challenge,
    #[error("another site asked for it")]
    Origin,
    #[error("it was asked for inside a page of another site")]
    Framed,
    #[error("the passkey belongs to another site")]
    RpId,
    #[error("nobody touched the authenticator")]
    NotPresent,
    #[error("the authenticator did not make sure who uses it")]
    NotVerified,
    #[error("the key is of a kind that was not asked for")]
    Algorithm,
    #[error("the attestation is of a kind that was not asked for")]
    Attestation,
    #[error("the credential is another one than it says")]
    Credential,
    #[error("the passkey changed whether it can be copied")]
    Backup,
    #[error("the signature does not fit")]
    Signature,
}

/// What a browser sends after making a credential; the script of the pages writes it.
#[derive(Debug, Deserialize)]
pub(crate) struct Registration {
    id: String,
    client_data: String,
    attestation: String,
    #[serde(default)]
    transports: Vec<String>,
}

/// What a browser sends after using one.
#[derive(Debug, Deserialize)]
pub(crate) struct Assertion {
    /// Which one, base64url.
    pub id: String,
    client_data: String,
    authenticator_data: String,
    signature: String,
    /// Whose it is, base64url; we gave it at the registration.
    pub user_handle: Option<String>,
}

#[derive(Deserialize)]
struct ClientData {
    #[serde(rename = "type")]
    kind: String,
    challenge: String,
    origin: String,
    #[serde(default, rename = "crossOrigin")]
    cross_origin: bool,
    #[serde(rename = "topOrigin")]
    top_origin: Option<String>,
}

impl Registration {
    /// Reads the JSON of our own script.
    pub fn read(text: &str) -> Result<Self, Refusal> {
        read(text)
    }

    /// How the authenticator is reached, if the browser said something known.
    pub fn transports(&self) -> String {
        let known = ["usb", "nfc", "ble", "smart-card", "hybrid", "internal"];
        let said: Vec<&str> =
            known.into_iter().filter(|one| self.transports.iter().any(|said| said == one)).collect();
        said.join(",")
    }

    /// Checks everything of §7.1 that does not need the database.
    pub fn verify(&self, expected: Expected<'_>) -> Result<NewCredential, Refusal> {
        let client_data = decode(&self.client_data)?;
        check_client_data(&client_data, "webauthn.create", expected)?;
        let attestation = decode(&self.attestation)?;
        let object = cbor::read_all(&attestation).ok_or(Refusal::Malformed)?;
        let raw = object.bytes("authData").ok_or(Refusal::Malformed)?;
        let data = AuthenticatorData::read(raw).ok_or(Refusal::Malformed)?;
        check_authenticator(&data, expected)?;
        let credential = data.credential.as_ref().ok_or(Refusal::Malformed)?;
        let key = PublicKey::read(credential.key).ok_or(Refusal::Algorithm)?;
        check_attestation(&object, &key, raw, &client_data)?;
        if decode(&self.id)? != credential.id {
            return Err(Refusal::Credential);
        }
        Ok(NewCredential {
            id: URL_SAFE_NO_PAD.encode(credential.id),
            public_key: URL_SAFE_NO_PAD.encode(credential.key),
            sign_count: data.sign_count,
            backup_eligible: data.backup_eligible(),
            backed_up: data.backed_up(),
        })
    }
}

impl Assertion {
    /// Reads the JSON of our own script.
    pub fn read(text: &str) -> Result<Self, Refusal> {
        read(text)
    }

    /// Checks everything of §7.2 that does not need the database, against the stored key.
    pub fn verify(
        &self,
        expected: Expected<'_>,
        public_key: &str,
        backup_eligible: bool,
    ) -> Result<Used, Refusal> {
        let client_data = decode(&self.client_data)?;
        check_client_data(&client_data, "webauthn.get", expected)?;
        let raw = decode(&self.authenticator_data)?;
        let data = AuthenticatorData::read(&raw).ok_or(Refusal::Malformed)?;
        check_authenticator(&data, expected)?;
        if data.backup_eligible() != backup_eligible {
            return Err(Refusal::Backup);
        }
        let key = PublicKey::read(&decode(public_key)?).ok_or(Refusal::Algorithm)?;
        let signed = [raw.as_slice(), &sha256(&client_data)].concat();
        if !key.verifies(&signed, &decode(&self.signature)?) {
            return Err(Refusal::Signature);
        }
        Ok(Used { sign_count: data.sign_count, backed_up: data.backed_up() })
    }
}

fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Refusal> {
    if text.len() > MAX_ANSWER {
        return Err(Refusal::Malformed);
    }
    serde_json::from_str(text).map_err(|_| Refusal::Malformed)
}

fn decode(text: &str) -> Result<Vec<u8>, Refusal> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| Refusal::Malformed)
}

fn check_client_data(bytes: &[u8], kind: &str, expected: Expected<'_>) -> Result<(), Refusal> {
    let data: ClientData = serde_json::from_slice(bytes).map_err(|_| Refusal::Malformed)?;
    if data.kind != kind {
        return Err(Refusal::Kind);
    }
    if data.challenge != expected.challenge {
        return Err(Refusal::Challenge);
    }
    if data.origin != expected.origin {
        return Err(Refusal::Origin);
    }
    if data.cross_origin || data.top_origin.is_some() {
        return Err(Refusal::Framed);
    }
    Ok(())
}

fn check_authenticator(data: &AuthenticatorData<'_>, expected: Expected<'_>) -> Result<(), Refusal> {
    if data.rp_id_hash != sha256(expected.rp_id.as_bytes()) {
        return Err(Refusal::RpId);
    }
    if !data.user_present() {
        return Err(Refusal::NotPresent);
    }
    if expected.verified && !data.user_verified() {
        return Err(Refusal::NotVerified);
    }
    // what cannot be copied is not copied
    if data.backed_up() && !data.backup_eligible() {
        return Err(Refusal::Backup);
    }
    Ok(())
}

fn check_attestation(
    object: &Item<'_>,
    key: &PublicKey,
    authenticator_data: &[u8],
    client_data: &[u8],
) -> Result<(), Refusal> {
    let statement = object.get(&Item::Text("attStmt")).ok_or(Refusal::Malformed)?;
    match object.get(&Item::Text("fmt")) {
        Some(Item::Text("none")) if *statement == Item::Map(Vec::new()) => Ok(()),
        Some(Item::Text("packed")) if statement.get(&Item::Text("x5c")).is_none() => {
            let signature = statement.bytes("sig").ok_or(Refusal::Attestation)?;
            let same = statement.get(&Item::Text("alg")) == Some(&Item::Int(key.algorithm()));
            let signed = [authenticator_data, &sha256(client_data)].concat();
            if same && key.verifies(&signed, signature) { Ok(()) } else { Err(Refusal::Attestation) }
        }
        _ => Err(Refusal::Attestation),
    }
}

#[cfg(test)]
#[path = "webauthn_tests.rs"]
mod tests;
