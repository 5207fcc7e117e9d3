use bytes::Bytes;
use keybearer_core::SecretString;
use keybearer_oauth::failure::GrantKind;
use keybearer_oauth::{Call, Document};

use super::values::Values;
use super::{Context, EngineError, assertion, call, params, urls};
use crate::bindings::Bindings;
use crate::schema::{MethodType, RefreshWith, TokenAuth};
use crate::scopes;

/// What a token is asked for with.
#[derive(Clone, Debug)]
pub enum Grant {
    /// The code of a callback.
    AuthorizationCode {
        /// The code.
        code: SecretString,
        /// The redirect URI of the authorization request, exactly.
        redirect_uri: String,
        /// The PKCE verifier; not sent where the method has `pkce: none`.
        verifier: Option<SecretString>,
    },
    /// A refresh token, or what the method uses in its place. The present tokens are taken from the bindings.
    Refresh,
    /// Client id and secret alone.
    ClientCredentials {
        /// Scopes to ask for.
        scopes: Vec<String>,
    },
    /// The bound user name and password.
    Password {
        /// Scopes to ask for.
        scopes: Vec<String>,
    },
    /// A signed statement.
    Assertion {
        /// Scopes to ask for.
        scopes: Vec<String>,
    },
    /// A login call that is described by its parameters.
    Login,
}

impl Grant {
    /// The kind, which decides what a bare 401 means.
    pub fn kind(&self) -> GrantKind {
        match self {
            Self::AuthorizationCode { .. } => GrantKind::AuthorizationCode,
            Self::Refresh => GrantKind::RefreshToken,
            Self::ClientCredentials { .. } => GrantKind::ClientCredentials,
            Self::Assertion { .. } => GrantKind::Assertion,
            Self::Password { .. } | Self::Login => GrantKind::Login,
        }
    }

    fn scopes(&self) -> &[String] {
        match self {
            Self::ClientCredentials { scopes } | Self::Password { scopes } | Self::Assertion { scopes } => {
                scopes
            }
            Self::AuthorizationCode { .. } | Self::Refresh | Self::Login => &[],
        }
    }

    /// The values that only this grant gives.
    pub(crate) fn bindings(&self, context: &Context<'_>) -> Bindings {
        let mut bindings = Bindings::new();
        if let Self::AuthorizationCode { code, redirect_uri, verifier } = self {
            bindings.insert("code", code.clone());
            bindings.insert("redirect_uri", redirect_uri.as_str());
            if let Some(verifier) = verifier {
                bindings.insert("code_verifier", verifier.clone());
            }
        }
        let joined = scopes::join(context.method, self.scopes());
        if !joined.is_empty() {
            bindings.insert("scopes", joined);
        }
        bindings
    }
}

/// The first request of a token call. [`super::Exchange`] makes the further ones too.
///
/// # Errors
/// A missing value, a value that would leave its place, or a host that is not pinned.
pub fn token_request(context: &Context<'_>, grant: &Grant) -> Result<http::Request<Bytes>, EngineError> {
    let values = Values::with(context, grant.bindings(context), &[]);
    let call = token_call(&values, grant)?;
    Ok(call.into_request()?)
}

pub(crate) fn token_call(values: &Values<'_>, grant: &Grant) -> Result<Call, EngineError> {
    let method = values.context.method;
    let refresh = matches!(grant, Grant::Refresh);
    let own_url = if refresh { method.refresh_url.as_ref() } else { None };
    let address = own_url.or(method.token_url.as_ref()).ok_or(EngineError::NotOffered("token_url"))?;
    let mut wire = Call::post(urls::fill(address, values, "token_url")?);
    let format = method.token_body_format.unwrap_or_default();
    let verb = method.token_http_method.as_deref().unwrap_or("POST");
    let (format, verb, auth) = if refresh {
        (
            method.refresh_body_format.unwrap_or(format),
            method.refresh_http_method.as_deref().unwrap_or(verb),
            method.refresh_auth_method.unwrap_or(method.token_auth_method),
        )
    } else {
        (format, verb, method.token_auth_method)
    };
    wire.format = call::format(format)?;
    wire.method = call::method(verb)?;
    standard(&mut wire, values, grant)?;
    if method.kind != MethodType::SessionLogin {
        call::client_auth(&mut wire, auth, values)?;
    }
    for (from, to) in &method.token_param_names {
        match to {
            Some(to) => wire.params.rename(from, to),
            None => wire.params.remove(from),
        }
    }
    additions(&mut wire, values, refresh)?;
    Ok(wire)
}

/// What the definition adds. A refresh takes `refresh_params` and `refresh_headers` where there are any.
fn additions(wire: &mut Call, values: &Values<'_>, refresh: bool) -> Result<(), EngineError> {
    let method = values.context.method;
    let params = match refresh {
        true if !method.refresh_params.is_empty() => method.refresh_params.clone(),
        true => {
            let mut params = method.token_params.clone();
            params.remove("grant_type");
            params
        }
        false => method.token_params.clone(),
    };
    params::lay_over(&mut wire.params, &params, values)?;
    params::lay_over(&mut wire.query, &method.token_query_params, values)?;
    let own = refresh && !method.refresh_headers.is_empty();
    call::headers(wire, if own { &method.refresh_headers } else { &method.token_headers }, values)
}

fn standard(wire: &mut Call, values: &Values<'_>, grant: &Grant) -> Result<(), EngineError> {
    let method = values.context.method;
    let custom = method.token_auth_method == TokenAuth::Custom;
    let own_grant = method.grant.as_deref();
    let mut set = |name: &str, value: SecretString| wire.params.set(name, value);
    match grant {
        Grant::AuthorizationCode { code, redirect_uri, verifier } => {
            set("grant_type", own_grant.unwrap_or("authorization_code").into());
            set("code", code.clone());
            set("redirect_uri", redirect_uri.as_str().into());
            if let Some(verifier) = verifier.as_ref().filter(|_| method.pkce == crate::schema::Pkce::S256) {
                set("code_verifier", verifier.clone());
            }
        }
        Grant::Refresh => match method.refresh_with {
            None => {
                set("grant_type", "refresh_token".into());
                set("refresh_token", values.required("refresh_token", "a refresh")?);
            }
            Some(RefreshWith::ClientCredentials) => set("grant_type", "client_credentials".into()),
            Some(RefreshWith::AccessToken | RefreshWith::AppSignature) => {}
        },
        Grant::ClientCredentials { .. } => {
            set("grant_type", own_grant.unwrap_or("client_credentials").into())
        }
        Grant::Password { .. } => {
            set("grant_type", own_grant.unwrap_or("password").into());
            for name in ["username", "password"] {
                if let Some(value) = values.get(name)? {
                    set(name, value);
                } else if !custom && !method.token_params.contains_key(name) {
                    return Err(EngineError::Missing { what: "a login", name: name.to_owned() });
                }
            }
        }
        Grant::Assertion { scopes } => {
            set("grant_type", own_grant.unwrap_or(JWT_BEARER).into());
            set("assertion", statement(wire_url(method, values)?.as_str(), scopes, values)?);
            return Ok(());
        }
        Grant::Login => {}
    }
    if let Some(joined) = values.get("scopes")?.filter(|joined| !joined.is_empty()) {
        set("scope", joined);
    }
    Ok(())
}

/// The grant type of RFC 7523 §2.1.
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

fn wire_url(method: &crate::schema::AuthMethod, values: &Values<'_>) -> Result<url::Url, EngineError> {
    let address = method.token_url.as_ref().ok_or(EngineError::NotOffered("token_url"))?;
    urls::fill(address, values, "token_url")
}

fn statement(token_url: &str, scopes: &[String], values: &Values<'_>) -> Result<SecretString, EngineError> {
    let method = values.context.method;
    match (method.assertion_output(), method.kind) {
        (Some(output), _) => values.required(output, "a signed statement"),
        (None, MethodType::ServiceAccount) => {
            assertion::service_account(token_url, &scopes::join(method, scopes), values)
        }
        (None, _) => Err(EngineError::NotOffered("assertion")),
    }
}

/// The answers so far, for placeholders of later steps.
pub(crate) fn step_values<'a>(
    context: &'a Context<'a>,
    grant: &Grant,
    answers: &'a [Document],
) -> Values<'a> {
    let mut extra = grant.bindings(context);
    let first = answers.first();
    for name in crate::bindings::TOKEN_NAMES {
        if let Some(value) = first.and_then(|answer| answer.text(&keybearer_oauth::Path::key(name))) {
            extra.insert(*name, value);
        }
    }
    Values::with(context, extra, answers)
}
