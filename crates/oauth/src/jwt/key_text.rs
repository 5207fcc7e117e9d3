use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use keybearer_core::{SecretBytes, SecretString, from_hex};

use super::JwtError;

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const BASE64: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const BASE64_URL: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// How the text of a shared signing secret stands for its bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyEncoding {
    /// The bytes of the text itself.
    #[default]
    Text,
    /// Standard base64, padding optional.
    Base64,
    /// URL-safe base64, padding optional.
    Base64Url,
    /// Hexadecimal.
    Hex,
}

impl KeyEncoding {
    /// Reads the name in a connector definition: `text`, `base64`, `base64url`, `hex`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "text" | "utf8" | "pem" => Some(Self::Text),
            "base64" => Some(Self::Base64),
            "base64url" => Some(Self::Base64Url),
            "hex" => Some(Self::Hex),
            _ => None,
        }
    }

    /// The bytes that `text` stands for; `None` when it is not in this encoding.
    pub fn decode(self, text: &SecretString) -> Option<SecretBytes> {
        let trimmed = text.expose().trim();
        let bytes = match self {
            Self::Text => text.expose().as_bytes().to_vec(),
            Self::Base64 => BASE64.decode(trimmed).ok()?,
            Self::Base64Url => BASE64_URL.decode(trimmed).ok()?,
            Self::Hex => from_hex(trimmed)?,
        };
        Some(SecretBytes::from(bytes))
    }
}

/// The DER inside a private key's text.
///
/// Accepts PEM with real, lost or literal (`\n`) line breaks, with `EC PARAMETERS` before the key, as bare base64
/// of the DER, or as base64 of the whole PEM.
pub(super) fn private_key_der(text: &SecretString) -> Result<SecretBytes, JwtError> {
    let plain = SecretString::from(text.expose().replace("\\n", "\n").replace("\\r", ""));
    if plain.expose().contains("-----BEGIN") {
        return pem(plain.expose());
    }
    let bytes = SecretBytes::from(decode_loose(plain.expose()).ok_or(JwtError::KeyFormat)?);
    match std::str::from_utf8(bytes.expose()) {
        Ok(inner) if inner.contains("-----BEGIN") => pem(inner),
        _ if bytes.expose().first() == Some(&0x30) => Ok(bytes),
        _ => Err(JwtError::KeyFormat),
    }
}

fn pem(text: &str) -> Result<SecretBytes, JwtError> {
    let mut public = false;
    for block in text.split("-----BEGIN ").skip(1) {
        let (label, rest) = block.split_once("-----").ok_or(JwtError::KeyFormat)?;
        let (body, _) = rest.split_once("-----END").ok_or(JwtError::KeyFormat)?;
        match label {
            "ENCRYPTED PRIVATE KEY" => return Err(JwtError::KeyEncrypted),
            // the RFC 1421 headers of an encrypted PKCS#1 or SEC1 key
            _ if body.contains("Proc-Type:") => return Err(JwtError::KeyEncrypted),
            "PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY" => {
                return decode_loose(body).map(SecretBytes::from).ok_or(JwtError::KeyFormat);
            }
            _ => public |= label.contains("PUBLIC KEY") || label.contains("CERTIFICATE"),
        }
    }
    Err(if public { JwtError::KeyPublic } else { JwtError::KeyFormat })
}

/// Base64 with any white space in between, as it arrives from forms and environment variables.
fn decode_loose(text: &str) -> Option<Vec<u8>> {
    let compact = SecretString::from(text.split_whitespace().collect::<String>());
    BASE64.decode(compact.expose()).ok()
}
