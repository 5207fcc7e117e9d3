//! Signed statements ([RFC 7523](https://www.rfc-editor.org/rfc/rfc7523)).

use keybearer_core::SecretString;
use keybearer_oauth::jwt::{self, Algorithm, KeyEncoding, ServiceAccountKey, SigningKey};
use serde_json::{Map, Value};

use super::values::Values;
use super::{EngineError, params};
use crate::schema::{Assertion, FieldKind};
use crate::template::Text;

/// Seconds that a statement is valid when the definition does not say.
const LIFETIME: u64 = 300;

/// The signed JWT of an `assertion` entry.
pub(crate) fn signed(entry: &Assertion, values: &Values<'_>) -> Result<SecretString, EngineError> {
    if entry.kind != "jwt" {
        return Err(EngineError::NotOffered("assertion of that kind"));
    }
    let mut header = Map::new();
    let mut algorithm = Algorithm::Rs256;
    for (name, text) in &entry.header {
        let Some(value) = values.optional(text)? else {
            continue;
        };
        if name == "alg" {
            algorithm = Algorithm::parse(value.expose())
                .ok_or(EngineError::NotOffered("signature algorithm of that name"))?;
        } else {
            header.insert(name.clone(), Value::from(value.expose().as_str()));
        }
    }
    let mut claims = Map::new();
    for (name, value) in &entry.claims {
        if let Some(value) = params::tree(value, values)? {
            claims.insert(name.clone(), numeric_date(name, value));
        }
    }
    let encoding = KeyEncoding::parse(entry.key_encoding.as_deref().unwrap_or("pem"))
        .ok_or(EngineError::NotOffered("key encoding of that name"))?;
    let key = values.raw(&entry.key, "an assertion")?;
    let name = entry.key.placeholders().next().unwrap_or("the signing key");
    let signer = Signer { name, key: &key, algorithm, encoding };
    signer.sign(header, claims, entry.lifetime_s.unwrap_or(LIFETIME), values)
}

/// The statement with which a client proves itself where the definition has no `assertion`: the common claims,
/// signed with the key of the method's only PEM field.
pub(crate) fn client(token_url: &str, values: &Values<'_>) -> Result<SecretString, EngineError> {
    let field = values
        .context
        .method
        .fields
        .iter()
        .find(|field| field.kind == Some(FieldKind::Pem) || field.name == "private_key")
        .ok_or(EngineError::NotOffered("private key"))?;
    let key = values.required(&field.name, "the client's proof")?;
    let client_id = values.required("client_id", "the client's proof")?;
    let mut claims = Map::new();
    for name in ["iss", "sub"] {
        claims.insert(name.to_owned(), Value::from(client_id.expose().as_str()));
    }
    claims.insert("aud".to_owned(), Value::from(token_url));
    claims.insert(
        "jti".to_owned(),
        Value::from(values.required("uuid", "the client's proof")?.expose().as_str()),
    );
    let mut header = Map::new();
    if let Some(kid) = values.get("key_id")? {
        header.insert("kid".to_owned(), Value::from(kid.expose().as_str()));
    }
    let signer =
        Signer { name: &field.name, key: &key, algorithm: Algorithm::Rs256, encoding: KeyEncoding::Text };
    signer.sign(header, claims, LIFETIME, values)
}

/// The statement of a service account key file where the definition has no `assertion`.
pub(crate) fn service_account(
    token_url: &str,
    scopes: &str,
    values: &Values<'_>,
) -> Result<SecretString, EngineError> {
    let field = values
        .context
        .method
        .fields
        .iter()
        .find(|field| field.kind == Some(FieldKind::JsonFile) || field.format.as_deref() == Some("json"))
        .ok_or(EngineError::NotOffered("key file"))?;
    let text = values.required(&field.name, "the service account's statement")?;
    let key = ServiceAccountKey::read(&text)
        .map_err(|error| EngineError::Key { name: field.name.clone(), reason: error.to_string() })?;
    let mut claims = Map::new();
    claims.insert("iss".to_owned(), Value::from(key.client_email.as_str()));
    claims.insert("aud".to_owned(), Value::from(token_url));
    if !scopes.is_empty() {
        claims.insert("scope".to_owned(), Value::from(scopes));
    }
    if let Some(subject) = values.get("subject")?.filter(|subject| !subject.is_empty()) {
        claims.insert("sub".to_owned(), Value::from(subject.expose().as_str()));
    }
    let mut header = Map::new();
    if let Some(kid) = &key.private_key_id {
        header.insert("kid".to_owned(), Value::from(kid.as_str()));
    }
    let signer = Signer {
        name: &field.name,
        key: &key.private_key,
        algorithm: Algorithm::Rs256,
        encoding: KeyEncoding::Text,
    };
    signer.sign(header, claims, 3600, values)
}

struct Signer<'a> {
    name: &'a str,
    key: &'a SecretString,
    algorithm: Algorithm,
    encoding: KeyEncoding,
}

impl Signer<'_> {
    fn sign(
        &self,
        header: Map<String, Value>,
        mut claims: Map<String, Value>,
        lifetime: u64,
        values: &Values<'_>,
    ) -> Result<SecretString, EngineError> {
        let now = values.context.now.seconds();
        let end = now.saturating_add(i64::try_from(lifetime).unwrap_or(i64::MAX));
        claims.entry("iat").or_insert_with(|| Value::from(now));
        claims.entry("exp").or_insert_with(|| Value::from(end));
        let fault =
            |error: jwt::JwtError| EngineError::Key { name: self.name.to_owned(), reason: error.to_string() };
        let key = SigningKey::read(self.algorithm, self.key, self.encoding).map_err(fault)?;
        jwt::sign(&header, &claims, &key).map_err(fault)
    }
}

/// `iat`, `exp` and `nbf` are numbers even where a template gave text.
fn numeric_date(name: &str, value: Value) -> Value {
    let number = value.as_str().and_then(|text| text.parse::<i64>().ok());
    match number {
        Some(number) if matches!(name, "iat" | "exp" | "nbf") => Value::from(number),
        _ => value,
    }
}

/// Whether the algorithm of a header text is one that is offered.
pub(crate) fn offers(algorithm: &Text) -> bool {
    !algorithm.is_constant() || Algorithm::parse(algorithm.source()).is_some()
}
