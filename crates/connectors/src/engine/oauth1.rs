use bytes::Bytes;
use keybearer_core::SecretString;
use keybearer_oauth::failure::{Answer, Failure, GrantKind, classify};
use keybearer_oauth::oauth1::{SignatureMethod, Signer, Token, read_token_answer};
use keybearer_oauth::token::TokenRules;
use keybearer_oauth::{BodyFormat, Call, TokenSet};
use url::Url;

use super::exchange::Granted;
use super::values::Values;
use super::{Context, EngineError, answer, call, captures, params, urls};
use crate::bindings::Bindings;
use crate::scopes;

/// The temporary credentials of an OAuth 1.0a flow.
#[derive(Clone, Debug)]
pub struct RequestToken {
    /// The token that the browser carries.
    pub token: SecretString,
    /// Its secret, needed for the access token.
    pub secret: SecretString,
}

/// What signs a call besides the client.
#[derive(Clone, Copy, Default)]
pub(crate) struct Extra<'a> {
    pub(crate) token: Option<Token<'a>>,
    pub(crate) callback: Option<&'a str>,
    pub(crate) verifier: Option<&'a SecretString>,
}

/// The first request of an OAuth 1.0a flow ([RFC 5849 §2.1](https://www.rfc-editor.org/rfc/rfc5849#section-2.1)).
/// Put the flow's state into the query of `callback`.
///
/// # Errors
/// A missing value, a value that would leave its place, or a host that is not pinned.
pub fn request_token_request(
    context: &Context<'_>,
    callback: &str,
) -> Result<http::Request<Bytes>, EngineError> {
    let address =
        context.method.request_token_url.as_ref().ok_or(EngineError::NotOffered("request_token_url"))?;
    let values = Values::with(context, Bindings::new().with("redirect_uri", callback), &[]);
    let mut wire = Call::post(urls::fill(address, &values, "request_token_url")?);
    params::lay_over(&mut wire.params, &context.method.request_token_params, &values)?;
    signed(wire, &values, Extra { callback: Some(callback), ..Extra::default() })
}

/// Reads the answer to [`request_token_request`].
///
/// # Errors
/// What the answer means when it holds no temporary credentials.
pub fn read_request_token(
    context: &Context<'_>,
    response: &http::Response<Bytes>,
) -> Result<RequestToken, Failure> {
    let answer = Answer::of(response, context.now);
    let read = read_token_answer(response.body()).ok().filter(|_| response.status().is_success());
    let read = read.ok_or_else(|| {
        classify(&answer, GrantKind::ClientCredentials, &answer::error_rules(context.method))
    })?;
    Ok(RequestToken { token: read.token, secret: read.secret })
}

/// The URL to which the user's browser is sent. RFC 5849 knows no scopes; a definition that asks for some puts
/// `{scopes}` into its `authorize_params`.
///
/// # Errors
/// A missing value, a value that would leave its place, or a host that is not pinned.
pub fn oauth1_authorize_url(
    context: &Context<'_>,
    token: &RequestToken,
    scopes: &[String],
    extra: &[(String, String)],
) -> Result<Url, EngineError> {
    let address = context.method.authorize_url.as_ref().ok_or(EngineError::NotOffered("authorize_url"))?;
    let joined = scopes::join(context.method, scopes);
    let values = Values::with(context, Bindings::new().with("scopes", joined), &[]);
    let url = urls::fill(address, &values, "authorize_url")?;
    let mut wire = keybearer_oauth::Params::new();
    wire.push("oauth_token", token.token.clone());
    params::lay_over(&mut wire, &context.method.authorize_params, &values)?;
    for (name, value) in extra.iter().filter(|(name, _)| !name.starts_with("oauth_")) {
        wire.set(name, value.as_str());
    }
    Ok(keybearer_oauth::request::with_query(url, &wire))
}

/// The last request of an OAuth 1.0a flow ([RFC 5849 §2.3](https://www.rfc-editor.org/rfc/rfc5849#section-2.3)).
///
/// # Errors
/// A missing value, a value that would leave its place, or a host that is not pinned.
pub fn access_token_request(
    context: &Context<'_>,
    token: &RequestToken,
    verifier: &SecretString,
) -> Result<http::Request<Bytes>, EngineError> {
    let address = context.method.token_url.as_ref().ok_or(EngineError::NotOffered("token_url"))?;
    let values = Values::new(context);
    let wire = Call::post(urls::fill(address, &values, "token_url")?);
    let token = Token { token: &token.token, secret: &token.secret };
    signed(wire, &values, Extra { token: Some(token), callback: None, verifier: Some(verifier) })
}

/// Reads the answer to [`access_token_request`]. The token's secret is among the values as `access_token_secret`.
///
/// # Errors
/// What the answer means when it holds no token.
pub fn read_access_token(
    context: &Context<'_>,
    response: &http::Response<Bytes>,
) -> Result<Granted, Failure> {
    let method = context.method;
    let answer = Answer::of(response, context.now);
    let read = read_token_answer(response.body()).ok().filter(|_| response.status().is_success());
    let read =
        read.ok_or_else(|| classify(&answer, GrantKind::AuthorizationCode, &answer::error_rules(method)))?;
    let captured = captures::of_answer(method, &read.raw, response.headers());
    let mut values = captured.values;
    values.insert("access_token_secret", read.secret);
    let tokens = TokenSet {
        access_token: read.token,
        refresh_token: None,
        token_type: None,
        expires_at: TokenRules::default().default_life.map(|life| context.now.plus(life)),
        refresh_expires_at: None,
        scopes: None,
        id_token: None,
        notices: Vec::new(),
        raw: read.raw,
    };
    Ok(Granted { tokens, values, refused: captured.refused })
}

fn signed(
    mut wire: Call,
    values: &Values<'_>,
    extra: Extra<'_>,
) -> Result<http::Request<Bytes>, EngineError> {
    let method = values.context.method;
    wire.method = call::method(method.token_http_method.as_deref().unwrap_or("POST"))?;
    wire.format = BodyFormat::Form;
    call::headers(&mut wire, &method.token_headers, values)?;
    let mut request = wire.into_request()?;
    let url = Url::parse(&request.uri().to_string()).map_err(|_| EngineError::Url {
        what: "token_url",
        reason: "must be a complete http or https address",
    })?;
    let form = (!request.body().is_empty()).then(|| request.body().clone());
    let header = authorization(values, extra, (request.method(), &url, form.as_deref()))?;
    let header = keybearer_oauth::request::sensitive_value("authorization", &header)?;
    request.headers_mut().insert(http::header::AUTHORIZATION, header);
    Ok(request)
}

/// The header of a signed call: method, address, and the body where it is a form.
pub(crate) fn authorization(
    values: &Values<'_>,
    extra: Extra<'_>,
    (verb, url, form): (&http::Method, &Url, Option<&[u8]>),
) -> Result<SecretString, EngineError> {
    let method = values.context.method;
    let key = values.required("client_id", "the signature")?;
    let secret = values.required("client_secret", "the signature")?;
    let nonce = values.required("nonce", "the signature")?;
    let realm = method.realm.as_ref().map(|realm| values.raw(realm, "the realm")).transpose()?;
    let signature = SignatureMethod::parse(method.signature_method.as_deref().unwrap_or("HMAC-SHA1"))
        .ok_or(EngineError::NotOffered("signature method of that name"))?;
    let signer = Signer {
        consumer_key: key.expose(),
        consumer_secret: &secret,
        token: extra.token,
        method: signature,
        realm: realm.as_ref().map(|realm| realm.expose().as_str()),
        nonce: nonce.expose(),
        timestamp: values.context.now,
        callback: extra.callback,
        verifier: extra.verifier,
    };
    Ok(signer.authorization(verb, url, form))
}
