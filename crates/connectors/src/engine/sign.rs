//! Signatures over whole calls.

use bytes::Bytes;
use http::request::Parts;
use keybearer_core::SecretString;
use keybearer_oauth::oauth1::Token;
use keybearer_oauth::sigv4::{Payload, Request, Signer, Style};
use url::Url;

use super::values::Values;
use super::{EngineError, oauth1};
use crate::schema::Signing;

/// Signs the call as it stands; nothing may change it afterwards.
pub(crate) fn sign(
    signing: Signing,
    values: &Values<'_>,
    parts: &mut Parts,
    body: Option<&Bytes>,
) -> Result<(), EngineError> {
    let url = Url::parse(&parts.uri.to_string()).map_err(|_| EngineError::Url {
        what: "the signature",
        reason: "must be a complete http or https address",
    })?;
    match signing {
        Signing::Oauth1 => by_oauth1(values, parts, body, &url),
        Signing::AwsSigv4 => by_sigv4(values, parts, body, &url),
        Signing::HttpMessageSignature => Err(EngineError::NotOffered("signature of that name")),
    }
}

fn by_oauth1(
    values: &Values<'_>,
    parts: &mut Parts,
    body: Option<&Bytes>,
    url: &Url,
) -> Result<(), EngineError> {
    let token = values.required("access_token", "the signature")?;
    let secret = values.required("access_token_secret", "the signature")?;
    let is_form =
        super::inject::content_type(parts).is_some_and(|kind| kind == "application/x-www-form-urlencoded");
    let form =
        if is_form { Some(body.ok_or(EngineError::Body("must be complete to be signed"))?) } else { None };
    let extra =
        oauth1::Extra { token: Some(Token { token: &token, secret: &secret }), ..oauth1::Extra::default() };
    let header = oauth1::authorization(values, extra, (&parts.method, url, form.map(Bytes::as_ref)))?;
    set(parts, "authorization", &header)
}

fn by_sigv4(
    values: &Values<'_>,
    parts: &mut Parts,
    body: Option<&Bytes>,
    url: &Url,
) -> Result<(), EngineError> {
    const WHAT: &str = "the signature";
    let method = values.context.method;
    let id = values.required("access_key_id", WHAT)?;
    let secret = values.required("secret_access_key", WHAT)?;
    let session = values.get("session_token")?.filter(|token| !token.is_empty());
    let region = values.required("region", WHAT)?;
    let service = match &method.service {
        Some(service) => values.raw(service, WHAT)?,
        None => values.required("service", WHAT)?,
    };
    let body = body.ok_or(EngineError::Body("must be complete to be signed"))?;
    let signer = Signer {
        access_key_id: id.expose(),
        secret_access_key: &secret,
        session_token: session.as_ref(),
        region: region.expose(),
        service: service.expose(),
        now: values.context.now,
        style: if service.expose() == "s3" { Style::Object } else { Style::Standard },
    };
    // proxies on the way may rewrite other headers, so only those that decide something are signed
    let mut signed_headers = http::HeaderMap::new();
    for (name, value) in &parts.headers {
        if name == http::header::CONTENT_TYPE || name.as_str().starts_with("x-amz-") {
            signed_headers.append(name.clone(), value.clone());
        }
    }
    let request =
        Request { method: &parts.method, url, headers: &signed_headers, payload: Payload::Bytes(body) };
    for (name, value) in signer.sign(&request)? {
        parts.headers.insert(name, value);
    }
    Ok(())
}

pub(crate) fn set(parts: &mut Parts, name: &str, value: &SecretString) -> Result<(), EngineError> {
    let key = keybearer_oauth::request::header_name(name)?;
    let value = keybearer_oauth::request::sensitive_value(name, value)?;
    parts.headers.insert(key, value);
    Ok(())
}
