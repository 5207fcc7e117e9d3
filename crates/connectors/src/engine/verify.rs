use std::collections::BTreeMap;

use bytes::Bytes;
use http::StatusCode;
use http::header::{ACCEPT, HeaderValue};
use keybearer_oauth::{Call, Document, Path};
use serde_json::Value;

use super::values::Values;
use super::{Context, EngineError, answer, call, inject, params, proxy, urls};
use crate::schema::{Expectation, Verify};
use crate::template::{Part, Text, path_segment, query_value};

/// What the answer to a verify call says about the credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerifyOutcome {
    /// It works.
    Proven,
    /// The service does not accept it.
    Rejected,
    /// Neither: another status, or an answer that says something else.
    Unclear,
}

/// The read-only calls that prove the credential; any one succeeding is proof. Empty where the definition has none.
///
/// # Errors
/// A missing value, a value that would leave its place, or a host that is not pinned.
pub fn verify_requests(context: &Context<'_>) -> Result<Vec<http::Request<Bytes>>, EngineError> {
    let values = Values::new(context);
    let calls = context.api().verify.unwrap_or_default();
    calls.iter().map(|verify| verify_request(verify, &values)).collect()
}

fn verify_request(verify: &Verify, values: &Values<'_>) -> Result<http::Request<Bytes>, EngineError> {
    let place = Target { url: None, base: verify.base_url.as_ref(), path: Some(&verify.path) };
    let shape = Shape { method: &verify.method, headers: &verify.headers, body: verify.body.as_ref() };
    api_call(&place, &shape, values, "verify")
}

/// What the answer to call number `index` of [`verify_requests`] says.
pub fn read_verify(context: &Context<'_>, index: usize, response: &http::Response<Bytes>) -> VerifyOutcome {
    let calls = context.api().verify.unwrap_or_default();
    let Some(verify) = calls.get(index) else {
        return VerifyOutcome::Unclear;
    };
    let status = response.status();
    let as_expected = match verify.expect_status {
        Some(expected) => status.as_u16() == expected,
        None => status.is_success(),
    };
    if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) && !as_expected {
        return VerifyOutcome::Rejected;
    }
    if !as_expected {
        return VerifyOutcome::Unclear;
    }
    let refused = verify
        .expect_not_contains
        .as_ref()
        .is_some_and(|text| String::from_utf8_lossy(response.body()).contains(text.as_str()));
    let met = verify.expect.as_ref().is_none_or(|expected| {
        Document::from_body(None, response.body()).is_ok_and(|document| meets(expected, &document))
    });
    if met && !refused { VerifyOutcome::Proven } else { VerifyOutcome::Rejected }
}

/// Whether a document says what is expected.
pub(crate) fn meets(expected: &Expectation, document: &Document) -> bool {
    let Ok(path) = Path::parse(&expected.path) else {
        return false;
    };
    let found = document.find(&path);
    if let Some(equals) = &expected.equals {
        return found.is_some_and(|value| answer::same(value, equals));
    }
    match expected.is.as_deref() {
        None | Some("present") => found.is_some_and(|value| !value.is_null()),
        Some("absent") => found.is_none_or(Value::is_null),
        Some("string") => found.is_some_and(Value::is_string),
        Some("number") => found.is_some_and(Value::is_number),
        Some("object") => found.is_some_and(Value::is_object),
        Some("array") => found.is_some_and(Value::is_array),
        Some("true") => found.and_then(Value::as_bool) == Some(true),
        Some("false") => found.and_then(Value::as_bool) == Some(false),
        Some(_) => false,
    }
}

/// Where a described call goes: a complete address, or a path below a base address (the API's when absent).
pub(crate) struct Target<'a> {
    pub(crate) url: Option<&'a Text>,
    pub(crate) base: Option<&'a Text>,
    pub(crate) path: Option<&'a Text>,
}

/// The rest of a described call.
pub(crate) struct Shape<'a> {
    pub(crate) method: &'a str,
    pub(crate) headers: &'a BTreeMap<String, Text>,
    pub(crate) body: Option<&'a Value>,
}

/// A described call with the account's credential.
pub(crate) fn api_call(
    target: &Target<'_>,
    shape: &Shape<'_>,
    values: &Values<'_>,
    what: &'static str,
) -> Result<http::Request<Bytes>, EngineError> {
    let url = match (target.url, target.path) {
        (Some(url), _) => urls::fill(url, values, what)?,
        (None, Some(path)) => {
            let base = match target.base {
                Some(base) => urls::fill(base, values, what)?,
                None => proxy::base(values)?,
            };
            proxy::below(&base, &path_and_query(path, values, what)?)?
        }
        (None, None) => return Err(EngineError::NotOffered("address for that call")),
    };
    let mut wire = Call::post(url);
    wire.method = call::method(shape.method)?;
    call::headers(&mut wire, shape.headers, values)?;
    let body = shape.body.map(|body| params::tree(body, values)).transpose()?.flatten();
    let mut request = call::with_json(wire, body.as_ref())?;
    if body.is_none() {
        request.headers_mut().remove(http::header::CONTENT_TYPE);
    }
    if !shape.headers.keys().any(|name| name.eq_ignore_ascii_case("accept")) {
        request.headers_mut().remove(ACCEPT);
    }
    let (mut parts, mut body) = request.into_parts();
    let described = parts.headers.clone();
    inject::place(values, &mut parts, Some(&mut body))?;
    for name in shape.headers.keys() {
        // this call may carry the credential in its own way
        if let (Ok(name), Some(value)) = (http::HeaderName::try_from(name.as_str()), described.get(name)) {
            parts.headers.insert(name, value.clone());
        }
    }
    parts.headers.entry(ACCEPT).or_insert(HeaderValue::from_static("application/json"));
    Ok(http::Request::from_parts(parts, body))
}

/// A path template: values before `?` are segments, behind it query values.
fn path_and_query(text: &Text, values: &Values<'_>, what: &'static str) -> Result<String, EngineError> {
    let mut written = String::new();
    for part in values.choose(text)?.map(crate::template::Template::parts).unwrap_or_default() {
        match part {
            Part::Literal(literal) => written.push_str(literal),
            Part::Placeholder(name) => {
                let value = values.required(name, what)?;
                let encode = if written.contains('?') { query_value } else { path_segment };
                let encoded = encode(value.expose());
                written
                    .push_str(&encoded.map_err(|reason| EngineError::Value { name: name.clone(), reason })?);
            }
        }
    }
    Ok(written)
}
