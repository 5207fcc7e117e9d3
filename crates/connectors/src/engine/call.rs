//! Pieces shared by all calls.

use bytes::Bytes;
use http::Method;
use keybearer_core::SecretString;
use keybearer_oauth::client_auth::{ClientAuth, ClientCredentials};
use keybearer_oauth::{BodyFormat as WireFormat, Call};
use std::collections::BTreeMap;

use super::values::Values;
use super::{EngineError, assertion};
use crate::schema::{BodyFormat, TokenAuth};
use crate::template::Text;

/// The HTTP method of a text.
pub(crate) fn method(text: &str) -> Result<Method, EngineError> {
    match text.to_ascii_uppercase().as_str() {
        "GET" => Ok(Method::GET),
        "POST" => Ok(Method::POST),
        "PUT" => Ok(Method::PUT),
        "PATCH" => Ok(Method::PATCH),
        "DELETE" => Ok(Method::DELETE),
        "HEAD" => Ok(Method::HEAD),
        _ => Err(EngineError::NotOffered("HTTP method of that name")),
    }
}

/// The format of a body.
pub(crate) fn format(format: BodyFormat) -> Result<WireFormat, EngineError> {
    match format {
        BodyFormat::Form => Ok(WireFormat::Form),
        BodyFormat::Json => Ok(WireFormat::Json),
        BodyFormat::Query => Ok(WireFormat::Query),
        BodyFormat::Xml => Err(EngineError::NotOffered("XML body")),
    }
}

/// Sets headers; those without a value are left out.
pub(crate) fn headers(
    call: &mut Call,
    texts: &BTreeMap<String, Text>,
    values: &Values<'_>,
) -> Result<(), EngineError> {
    for (name, text) in texts {
        if let Some(value) = values.header(name, text)? {
            call.headers.set(&name.to_ascii_lowercase(), value);
        }
    }
    Ok(())
}

/// Puts the client's proof into the call. Methods whose user brings everything need no client.
pub(crate) fn client_auth(call: &mut Call, auth: TokenAuth, values: &Values<'_>) -> Result<(), EngineError> {
    let field = |name: &str| values.context.method.field(name);
    let id = values.get("client_id")?;
    let Some(id) = id else {
        let optional =
            !values.context.method.has_redirect() && field("client_id").is_none_or(|field| !field.required);
        return match auth {
            TokenAuth::Custom => Ok(()),
            _ if optional => Ok(()),
            _ => Err(EngineError::Missing { what: "the client's proof", name: "client_id".to_owned() }),
        };
    };
    let secret = values.get("client_secret")?.filter(|secret| !secret.is_empty());
    let secret_optional = field("client_secret").is_none_or(|field| !field.required);
    let (wire, assertion) = match auth {
        TokenAuth::Custom => return Ok(()),
        TokenAuth::PrivateKeyJwt => (ClientAuth::PrivateKeyJwt, Some(client_assertion(call, values)?)),
        TokenAuth::None => (ClientAuth::None, None),
        _ if secret.is_none() && secret_optional => (ClientAuth::None, None),
        TokenAuth::ClientSecretPost => (ClientAuth::Post, None),
        TokenAuth::ClientSecretBasic => (ClientAuth::Basic, None),
        TokenAuth::ClientSecretAsBasicUsername => (ClientAuth::SecretAsBasicUsername, None),
    };
    let client =
        ClientCredentials { id: id.expose(), secret: secret.as_ref(), assertion: assertion.as_ref() };
    wire.apply(client, call)
        .map_err(|_| EngineError::Missing { what: "the client's proof", name: "client_secret".to_owned() })
}

fn client_assertion(call: &Call, values: &Values<'_>) -> Result<SecretString, EngineError> {
    match values.context.method.assertion_output() {
        Some(output) => values.required(output, "the client's proof"),
        None => assertion::client(call.url.as_str(), values),
    }
}

/// The request of a call with a JSON body of its own.
pub(crate) fn with_json(
    call: Call,
    body: Option<&serde_json::Value>,
) -> Result<http::Request<Bytes>, EngineError> {
    let mut request = call.into_request()?;
    if let Some(body) = body {
        let text = SecretString::from(body.to_string());
        *request.body_mut() = Bytes::copy_from_slice(text.expose().as_bytes());
        request
            .headers_mut()
            .insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    }
    Ok(request)
}
