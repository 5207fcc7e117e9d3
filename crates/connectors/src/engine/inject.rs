//! Putting the credential where the definition says, after taking out whatever the caller put there.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::request::Parts;
use keybearer_core::SecretString;
use keybearer_oauth::client_auth::basic_header;
use keybearer_oauth::{Document, percent_encode};
use serde_json::{Map, Value};
use url::Url;

use super::values::Values;
use super::{Context, EngineError, proxy, sign};
use crate::bindings::TOKEN_NAMES;
use crate::schema::{AuthMethod, Connector, Signing, Source};
use crate::template::Text;

/// Headers that never come from a caller, whatever the connector.
const ALWAYS: &[&str] = &["authorization", "cookie", "proxy-authorization"];

/// Headers that a signature adds.
const SIGV4_HEADERS: &[&str] = &["x-amz-date", "x-amz-security-token", "x-amz-content-sha256"];

/// The headers that carry a credential, in lower case: a caller's own are to be dropped in every spelling.
pub fn credential_headers(connector: &Connector, method: &AuthMethod) -> Vec<String> {
    let api = connector.api_for(method).headers.unwrap_or_default();
    let secret = api.iter().filter(|(_, text)| is_secret(method, text)).map(|(name, _)| name);
    let mut names: Vec<String> = ALWAYS.iter().map(|name| (*name).to_owned()).collect();
    let basic = method.credential_placement.basic.iter().filter_map(|basic| basic.header.as_ref());
    for name in method.credential_placement.headers.keys().chain(basic).chain(secret) {
        names.push(name.to_ascii_lowercase());
    }
    if method.credential_placement.signing == Some(Signing::AwsSigv4) {
        names.extend(SIGV4_HEADERS.iter().map(|name| (*name).to_owned()));
    }
    names.sort();
    names.dedup();
    names
}

/// The query parameters that carry a credential: a caller's own are dropped, and logs must not hold their values.
pub fn credential_query_names(connector: &Connector, method: &AuthMethod) -> Vec<String> {
    let api = connector.api_for(method).query.unwrap_or_default();
    let secret = api.iter().filter(|(_, text)| is_secret(method, text)).map(|(name, _)| name.clone());
    let mut names: Vec<String> = method.credential_placement.query.keys().cloned().chain(secret).collect();
    names.sort();
    names.dedup();
    names
}

/// Whether [`inject`] needs the complete body: it is signed, or the credential is merged into it.
pub fn needs_whole_body(method: &AuthMethod) -> bool {
    let placement = &method.credential_placement;
    let derived = method.derive.iter().flat_map(|derive| derive.input.iter().flat_map(Text::placeholders));
    placement.signing.is_some()
        || !placement.body.is_empty()
        || derived.into_iter().any(|name| name == "request_body")
}

/// Completes a proxied call: the connector's headers and query, then the credential. `parts.uri` is the complete
/// address that [`super::proxy_target`] gave; `body` may be absent where [`needs_whole_body`] is false.
///
/// The caller's own values of credential headers and parameters are taken out first, in any case and with `_` for `-`.
///
/// # Errors
/// A missing value, a value that would leave its place, an address outside the base address, or a body that cannot
/// take the credential.
pub fn inject(context: &Context<'_>, parts: &mut Parts, body: Option<&mut Bytes>) -> Result<(), EngineError> {
    let base = proxy::base_url(context)?;
    let target = complete(parts)?;
    let base_path = base.path().trim_end_matches('/');
    let below = target.path() == base.path() || target.path().starts_with(&format!("{base_path}/"));
    if target.origin() != base.origin() || !below {
        return Err(EngineError::Path("must stay below the connector's base address"));
    }
    let names = credential_headers(context.connector, context.method);
    let spelled = |name: &str| name.to_ascii_lowercase().replace('_', "-");
    let drop: Vec<http::HeaderName> = parts
        .headers
        .keys()
        .filter(|name| names.iter().any(|known| spelled(known) == spelled(name.as_str())))
        .cloned()
        .collect();
    for name in drop {
        parts.headers.remove(name);
    }
    let hidden = credential_query_names(context.connector, context.method);
    if let Some(query) = target.query() {
        let kept: Vec<&str> = query.split('&').filter(|pair| !hidden.contains(&decoded_name(pair))).collect();
        set_query(parts, target.clone(), &kept.join("&"))?;
    }
    place(&Values::with(context, request_values(parts, body.as_deref())?, &[]), parts, body)
}

/// Headers, query and credential of a call whose address and caller are trusted.
pub(crate) fn place(
    values: &Values<'_>,
    parts: &mut Parts,
    body: Option<&mut Bytes>,
) -> Result<(), EngineError> {
    let context = values.context;
    let api = context.api();
    let placement = &context.method.credential_placement;
    for (name, text) in api.headers.iter().flatten() {
        // the caller may ask for another version or format, but never replaces a secret
        let open = is_secret(context.method, text) || !parts.headers.contains_key(name.as_str());
        if let (true, Some(value)) = (open, values.header(name, text)?) {
            sign::set(parts, name, &value)?;
        }
    }
    let mut query: Vec<(String, SecretString)> = Vec::new();
    collect_query(&mut query, api.query.as_ref(), values)?;
    collect_query(&mut query, Some(&placement.query), values)?;
    add_query(parts, &query)?;
    for (name, text) in &placement.headers {
        if let Some(value) = values.header(name, text)? {
            sign::set(parts, name, &value)?;
        } else if let Some(missing) = required_placeholder(values, text)? {
            return Err(EngineError::Missing { what: "the credential", name: missing });
        }
    }
    if let Some(basic) = &placement.basic {
        let username = values.raw(&basic.username, "the credential")?;
        let password = values.raw(&basic.password, "the credential")?;
        if username.expose().contains(':') {
            return Err(EngineError::Value { name: "user name".to_owned(), reason: "must not hold a colon" });
        }
        let header = basic.header.as_deref().unwrap_or("authorization");
        sign::set(parts, header, &basic_header(username.expose(), password.expose()))?;
    }
    let mut body = body;
    if !placement.body.is_empty() {
        let whole =
            body.as_deref_mut().ok_or(EngineError::Body("must be complete to take the credential"))?;
        *whole = merged(values, &placement.body, parts, whole)?;
    }
    match placement.signing {
        Some(signing) => sign::sign(signing, values, parts, body.as_deref()),
        None => Ok(()),
    }
}

/// What `derive` entries may use of the call.
fn request_values(parts: &Parts, body: Option<&Bytes>) -> Result<crate::Bindings, EngineError> {
    let url = complete(parts)?;
    let mut pairs: Vec<&str> =
        url.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()).collect();
    pairs.sort_unstable();
    let mut bindings = crate::Bindings::new()
        .with("request_method", parts.method.as_str())
        .with("request_host", url.host_str().unwrap_or_default())
        .with("request_path", url.path())
        .with("request_query_canonical", pairs.join("&"));
    if let Some(text) = body.and_then(|body| std::str::from_utf8(body).ok()) {
        bindings.insert("request_body", text);
    }
    Ok(bindings)
}

fn complete(parts: &Parts) -> Result<Url, EngineError> {
    Url::parse(&parts.uri.to_string()).map_err(|_| EngineError::Url {
        what: "the call",
        reason: "must be a complete http or https address",
    })
}

/// The media type of the body, without parameters.
pub(crate) fn content_type(parts: &Parts) -> Option<String> {
    let text = parts.headers.get(http::header::CONTENT_TYPE)?.to_str().ok()?;
    Some(text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

/// A credential header without a value is a fault, not an anonymous call, unless the field may be empty.
fn required_placeholder(values: &Values<'_>, text: &Text) -> Result<Option<String>, EngineError> {
    for name in text.alternatives().last().into_iter().flat_map(crate::template::Template::placeholders) {
        let optional = values.context.method.field(name).is_some_and(|field| !field.required);
        if !optional && values.get(name)?.is_none_or(|value| value.is_empty()) {
            return Ok(Some(name.to_owned()));
        }
    }
    Ok(None)
}

fn collect_query(
    query: &mut Vec<(String, SecretString)>,
    texts: Option<&BTreeMap<String, Text>>,
    values: &Values<'_>,
) -> Result<(), EngineError> {
    for (name, text) in texts.into_iter().flatten() {
        if let Some(value) = values.optional(text)? {
            query.push((name.clone(), value));
        } else if let Some(missing) =
            required_placeholder(values, text)?.filter(|_| is_secret(values.context.method, text))
        {
            return Err(EngineError::Missing { what: "the credential", name: missing });
        }
    }
    Ok(())
}

/// Adds parameters that the call does not have yet; those of the credential are never there (they were taken out).
fn add_query(parts: &mut Parts, added: &[(String, SecretString)]) -> Result<(), EngineError> {
    if added.is_empty() {
        return Ok(());
    }
    let url = complete(parts)?;
    let present = url.query().unwrap_or_default().to_owned();
    let mut pairs: Vec<String> =
        present.split('&').filter(|pair| !pair.is_empty()).map(str::to_owned).collect();
    for (name, value) in added {
        if !pairs.iter().any(|pair| decoded_name(pair) == *name) {
            pairs.push(format!("{}={}", percent_encode(name), percent_encode(value.expose())));
        }
    }
    set_query(parts, url, &pairs.join("&"))
}

fn set_query(parts: &mut Parts, mut url: Url, query: &str) -> Result<(), EngineError> {
    url.set_query((!query.is_empty()).then_some(query));
    parts.uri = url.as_str().parse().map_err(|_| EngineError::Url {
        what: "the call",
        reason: "must be a complete http or https address",
    })?;
    Ok(())
}

fn decoded_name(pair: &str) -> String {
    form_urlencoded::parse(pair.as_bytes()).next().map(|(name, _)| name.into_owned()).unwrap_or_default()
}

/// The body with the credential's keys set; the caller's own of the same names are replaced.
fn merged(
    values: &Values<'_>,
    texts: &BTreeMap<String, Text>,
    parts: &mut Parts,
    body: &Bytes,
) -> Result<Bytes, EngineError> {
    let kind = content_type(parts);
    let kind = kind.as_deref().unwrap_or("application/json");
    let mut filled: Vec<(&str, SecretString)> = Vec::new();
    for (name, text) in texts {
        filled.push((name, values.raw(text, "the credential")?));
    }
    if kind == "application/x-www-form-urlencoded" {
        let mut form: keybearer_oauth::Params = form_urlencoded::parse(body)
            .filter(|(name, _)| !texts.contains_key(name.as_ref()))
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        for (name, value) in filled {
            form.push(name, value);
        }
        return Ok(Bytes::copy_from_slice(form.to_form().expose().as_bytes()));
    }
    if kind != "application/json" && !kind.ends_with("+json") {
        return Err(EngineError::Body("must be JSON or a form, because the credential travels in it"));
    }
    let mut members: Map<String, Value> = match body.is_empty() {
        true => Map::new(),
        false => serde_json::from_slice(body).map_err(|_| EngineError::Body("must be a JSON object"))?,
    };
    for (name, value) in filled {
        members.insert(name.to_owned(), Value::from(value.expose().as_str()));
    }
    parts
        .headers
        .entry(http::header::CONTENT_TYPE)
        .or_insert(http::HeaderValue::from_static("application/json"));
    let document = Document::from_value(Value::Object(members));
    let text = SecretString::from(document.expose().to_string());
    Ok(Bytes::copy_from_slice(text.expose().as_bytes()))
}

/// Whether a text holds something that nobody may see.
pub(crate) fn is_secret(method: &AuthMethod, text: &Text) -> bool {
    text.placeholders().any(|name| is_secret_name(method, name, 0))
}

fn is_secret_name(method: &AuthMethod, name: &str, depth: usize) -> bool {
    if TOKEN_NAMES.contains(&name) || matches!(name, "client_secret" | "code" | "code_verifier") {
        return true;
    }
    match method.source(name) {
        Some(Source::Field(field)) => field.secret,
        Some(Source::Secondary | Source::Assertion | Source::Step) => true,
        Some(Source::Derive(derive)) if depth < 8 && !derive.public => {
            let key = derive.key.iter().flat_map(Text::placeholders);
            derive
                .input
                .iter()
                .flat_map(Text::placeholders)
                .chain(key)
                .any(|input| is_secret_name(method, input, depth + 1))
        }
        _ => false,
    }
}
