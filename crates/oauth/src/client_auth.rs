//! How a client proves itself at a token endpoint
//! ([RFC 6749 §2.3](https://www.rfc-editor.org/rfc/rfc6749#section-2.3)).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keybearer_core::SecretString;

use crate::encoding::form_encode;
use crate::request::Call;

/// The `client_assertion_type` of a signed JWT (RFC 7523 §2.2).
pub const JWT_BEARER_ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The ways of client authentication.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientAuth {
    /// `Authorization: Basic`, id and secret form-encoded first as RFC 6749 §2.3.1 wants.
    Basic,
    /// `Authorization: Basic` of id and secret as they are, for servers that skip the encoding.
    BasicRaw,
    /// `client_id` and `client_secret` as parameters.
    #[default]
    Post,
    /// `Authorization: Basic` with the secret as user name and an empty password.
    SecretAsBasicUsername,
    /// A signed JWT as `client_assertion` (RFC 7523).
    PrivateKeyJwt,
    /// A public client: `client_id` as a parameter.
    None,
}

/// What a client has to prove itself with.
#[derive(Clone, Copy, Debug)]
pub struct ClientCredentials<'a> {
    /// The client id.
    pub id: &'a str,
    /// The client secret, where the method needs one.
    pub secret: Option<&'a SecretString>,
    /// The signed JWT for [`ClientAuth::PrivateKeyJwt`].
    pub assertion: Option<&'a SecretString>,
}

/// Something the chosen way of authentication needs is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientAuthError {
    /// No client secret.
    #[error("client secret must be set for this way of client authentication")]
    NoSecret,
    /// No signed assertion.
    #[error("a signed assertion must be given for private_key_jwt")]
    NoAssertion,
}

impl ClientAuth {
    /// Puts the proof into `call`; a parameter or header that is already there is replaced.
    ///
    /// # Errors
    /// [`ClientAuthError`] when secret or assertion is missing.
    pub fn apply(self, client: ClientCredentials<'_>, call: &mut Call) -> Result<(), ClientAuthError> {
        match self {
            Self::None => call.params.set("client_id", client.id),
            Self::Post => {
                let secret = client.secret.ok_or(ClientAuthError::NoSecret)?;
                call.params.set("client_id", client.id);
                call.params.set("client_secret", secret.clone());
            }
            Self::PrivateKeyJwt => {
                let assertion = client.assertion.ok_or(ClientAuthError::NoAssertion)?;
                call.params.set("client_id", client.id);
                call.params.set("client_assertion_type", JWT_BEARER_ASSERTION);
                call.params.set("client_assertion", assertion.clone());
            }
            Self::Basic | Self::BasicRaw | Self::SecretAsBasicUsername => {
                let secret = client.secret.ok_or(ClientAuthError::NoSecret)?;
                call.headers.set_header("Authorization", self.basic(client.id, secret));
            }
        }
        Ok(())
    }

    fn basic(self, id: &str, secret: &SecretString) -> SecretString {
        match self {
            Self::SecretAsBasicUsername => basic_header(secret.expose(), ""),
            Self::BasicRaw => basic_header(id, secret.expose()),
            _ => basic_header(&form_encode(id), SecretString::from(form_encode(secret.expose())).expose()),
        }
    }
}

/// The value of an `Authorization: Basic` header (RFC 7617), user name and password as they are.
pub fn basic_header(username: &str, password: &str) -> SecretString {
    let pair = SecretString::from(format!("{username}:{password}"));
    let encoded = SecretString::from(STANDARD.encode(pair.expose()));
    SecretString::from(format!("Basic {}", encoded.expose()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(auth: ClientAuth, id: &str, secret: &str) -> Call {
        let mut call = Call::post("https://as.example/token".parse().unwrap());
        let secret = SecretString::from(secret);
        let assertion = SecretString::from("h.c.s");
        let client = ClientCredentials { id, secret: Some(&secret), assertion: Some(&assertion) };
        auth.apply(client, &mut call).unwrap();
        call
    }

    fn basic(auth: ClientAuth, id: &str, secret: &str) -> String {
        let call = applied(auth, id, secret);
        assert!(call.params.is_empty(), "Basic must not repeat the client in the body");
        let header = call.headers.get("Authorization").unwrap();
        let encoded = header.expose().strip_prefix("Basic ").unwrap().to_owned();
        String::from_utf8(STANDARD.decode(encoded).unwrap()).unwrap()
    }

    #[test]
    fn basic_form_encodes_both_halves_before_base64() {
        assert_eq!(basic(ClientAuth::Basic, "a:b", "p w+/%é"), "a%3Ab:p+w%2B%2F%25%C3%A9");
        assert_eq!(basic(ClientAuth::BasicRaw, "id", "p w+/%"), "id:p w+/%");
        assert_eq!(basic(ClientAuth::SecretAsBasicUsername, "id", "sk_1"), "sk_1:");
    }

    #[test]
    fn rfc_example_header_is_reproduced() {
        // RFC 6749 §2.3.1
        let call = applied(ClientAuth::Basic, "s6BhdRkqt3", "7Fjfp0ZBr1KtDRbnfVdmIw");
        let expected = "Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3";
        assert_eq!(call.headers.get("Authorization").unwrap().expose(), expected);
    }

    #[test]
    fn parameters_carry_the_other_ways() {
        let form = |auth| applied(auth, "id", "s").params.to_form().expose().clone();
        assert_eq!(form(ClientAuth::Post), "client_id=id&client_secret=s");
        assert_eq!(form(ClientAuth::None), "client_id=id");
        let expected = "client_id=id&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3A\
                        client-assertion-type%3Ajwt-bearer&client_assertion=h.c.s";
        assert_eq!(form(ClientAuth::PrivateKeyJwt), expected);
    }

    #[test]
    fn a_missing_proof_is_an_error() {
        let mut call = Call::post("https://as.example/token".parse().unwrap());
        let client = ClientCredentials { id: "id", secret: None, assertion: None };
        assert_eq!(ClientAuth::Basic.apply(client, &mut call), Err(ClientAuthError::NoSecret));
        assert_eq!(ClientAuth::Post.apply(client, &mut call), Err(ClientAuthError::NoSecret));
        assert_eq!(ClientAuth::PrivateKeyJwt.apply(client, &mut call), Err(ClientAuthError::NoAssertion));
        assert_eq!(ClientAuth::None.apply(client, &mut call), Ok(()));
    }
}
