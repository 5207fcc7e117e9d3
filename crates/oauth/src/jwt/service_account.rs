use keybearer_core::SecretString;

use super::JwtError;
use crate::document::Document;
use crate::path::Path;

/// A service-account key file: JSON with the account's address, its private key and where to get tokens.
#[derive(Clone, Debug)]
pub struct ServiceAccountKey {
    /// The account's address, the `iss` of assertions.
    pub client_email: String,
    /// The private key as PEM.
    pub private_key: SecretString,
    /// The key's id, the `kid` of assertions.
    pub private_key_id: Option<String>,
    /// The account's numeric id.
    pub client_id: Option<String>,
    /// The project that the account belongs to.
    pub project_id: Option<String>,
    /// The token endpoint that the file names. Check it against the connector before sending anything there.
    pub token_uri: Option<String>,
}

impl ServiceAccountKey {
    /// Reads the file's text, also when it is one more time a JSON string.
    ///
    /// # Errors
    /// [`JwtError::ServiceAccount`].
    pub fn read(text: &SecretString) -> Result<Self, JwtError> {
        let document =
            Document::from_body(None, text.expose().as_bytes()).map_err(|_| JwtError::ServiceAccount)?;
        let document = match document.expose().as_str() {
            Some(inner) => Document::from_json(inner).map_err(|_| JwtError::ServiceAccount)?,
            None => document,
        };
        let text = |key: &str| document.text(&Path::key(key)).filter(|text| !text.is_empty());
        let plain = |key: &str| text(key).map(|text| text.expose().clone());
        Ok(Self {
            client_email: plain("client_email").ok_or(JwtError::ServiceAccount)?,
            private_key: text("private_key").ok_or(JwtError::ServiceAccount)?,
            private_key_id: plain("private_key_id"),
            client_id: plain("client_id"),
            project_id: plain("project_id"),
            token_uri: plain("token_uri"),
        })
    }
}
