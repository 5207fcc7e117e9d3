use std::time::Duration;

use bytes::Bytes;
use keybearer_core::{AuthType, RefreshClass};
use keybearer_oauth::Document;

use super::token::Grant;
use super::verify;
use crate::schema::{AuthMethod, ExpiryAbsent, MethodType, RefreshWith};

/// How accounts of a method prove themselves, in the wire's words.
pub fn auth_type(method: &AuthMethod) -> AuthType {
    match method.kind {
        MethodType::Oauth2 | MethodType::Oauth2RefreshToken | MethodType::McpOauth => AuthType::Oauth,
        MethodType::Oauth2ClientCredentials => AuthType::OauthM2m,
        MethodType::ApiKey => AuthType::ApiKey,
        MethodType::Bearer => AuthType::Bearer,
        MethodType::Basic => AuthType::Basic,
        MethodType::ServiceAccount => AuthType::ServiceAccount,
        MethodType::Oauth1 => AuthType::Oauth1,
        MethodType::None => AuthType::NoAuth,
        MethodType::Oauth2Password
        | MethodType::SessionLogin
        | MethodType::JwtBearer
        | MethodType::SamlBearer
        | MethodType::JwtKeyPair
        | MethodType::JwtSharedSecret
        | MethodType::Oauth1Token
        | MethodType::AwsSigv4
        | MethodType::Wsse
        | MethodType::RequestSigning
        | MethodType::HttpMessageSignature
        | MethodType::AppInstallation
        | MethodType::PluginInstall => AuthType::Custom,
    }
}

/// The grant with which the bound values of an account become a token, without anybody's browser; `None` where the
/// values are the credential, or a redirect is needed.
pub fn mint_grant(method: &AuthMethod, scopes: &[String]) -> Option<Grant> {
    let scopes = scopes.to_vec();
    match method.kind {
        MethodType::Oauth2ClientCredentials => Some(Grant::ClientCredentials { scopes }),
        MethodType::Oauth2Password => Some(Grant::Password { scopes }),
        MethodType::ServiceAccount | MethodType::JwtBearer => Some(Grant::Assertion { scopes }),
        MethodType::SessionLogin => Some(Grant::Login),
        MethodType::Oauth2RefreshToken => Some(Grant::Refresh),
        _ => None,
    }
}

/// What renews an access token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshKind {
    /// [`Grant::Refresh`] with a refresh token.
    RefreshToken,
    /// [`Grant::Refresh`] with the access token, which must still be valid.
    AccessToken,
    /// [`Grant::Refresh`] with client id and secret, or a signature of the app.
    App,
    /// [`mint_grant`] again.
    Mint,
    /// Nothing: the user must come again, or the token does not end.
    None,
}

/// What is known about the end of access tokens before one was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpiryKnowledge {
    /// They do not end.
    Never,
    /// The answer says it, or the definition does.
    Known,
    /// Nobody says it; a 401 tells.
    Unknown,
}

/// How tokens of a method are renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefreshPolicy {
    /// With what.
    pub kind: RefreshKind,
    /// What the provider does when an old refresh token comes back.
    pub class: RefreshClass,
    /// How long an old refresh token is good, for the grace classes.
    pub grace: Option<Duration>,
    /// How long before the end to refresh, where the definition says so.
    pub margin: Option<Duration>,
    /// What is known about the end.
    pub expiry: ExpiryKnowledge,
    /// Whether there should be a refresh token, so that its absence deserves a warning.
    pub expects_refresh_token: bool,
    /// Whether a refresh token in a refresh answer is to be ignored.
    pub keeps_refresh_token: bool,
    /// How long a refresh token lives at most.
    pub refresh_token_life: Option<Duration>,
    /// How long an unused refresh token lives.
    pub refresh_token_idle: Option<Duration>,
}

/// How tokens of a method are renewed.
pub fn refresh_policy(method: &AuthMethod) -> RefreshPolicy {
    let lifetimes = method.lifetimes.clone().unwrap_or_default();
    let kind = refresh_kind(method, lifetimes.no_refresh_token);
    let class = match (lifetimes.refresh_class, kind) {
        (_, RefreshKind::AccessToken | RefreshKind::App | RefreshKind::Mint | RefreshKind::None) => {
            RefreshClass::Static
        }
        (Some(class), RefreshKind::RefreshToken) => class.into(),
        (None, RefreshKind::RefreshToken) if lifetimes.refresh_token_rotates == Some(false) => {
            RefreshClass::Static
        }
        (None, RefreshKind::RefreshToken) => RefreshClass::StrictFamily,
    };
    let response = method.response.clone().unwrap_or_default();
    let expiry = if response.never_expires || lifetimes.access_token_never_expires {
        ExpiryKnowledge::Never
    } else if response.expires_in_absent == Some(ExpiryAbsent::RefreshOn401) {
        ExpiryKnowledge::Unknown
    } else {
        ExpiryKnowledge::Known
    };
    let seconds = |value: Option<u64>| value.map(Duration::from_secs);
    RefreshPolicy {
        kind,
        class,
        grace: seconds(lifetimes.grace_seconds),
        margin: seconds(method.refresh_margin_s),
        expiry,
        expects_refresh_token: kind == RefreshKind::RefreshToken
            && lifetimes.refresh_token_needs.is_none()
            && expiry != ExpiryKnowledge::Never,
        keeps_refresh_token: method.refresh_keeps_refresh_token.unwrap_or(false),
        refresh_token_life: seconds(lifetimes.refresh_token_s),
        refresh_token_idle: seconds(lifetimes.refresh_token_idle_s),
    }
}

fn refresh_kind(method: &AuthMethod, no_refresh_token: bool) -> RefreshKind {
    match (method.refresh_with, method.kind) {
        (Some(RefreshWith::AccessToken), _) => RefreshKind::AccessToken,
        // what brought the first token brings the next one, with the same parameters
        (_, kind) if kind != MethodType::Oauth2RefreshToken && mint_grant(method, &[]).is_some() => {
            RefreshKind::Mint
        }
        (Some(RefreshWith::ClientCredentials | RefreshWith::AppSignature), _) => RefreshKind::App,
        (None, MethodType::Oauth2 | MethodType::McpOauth) if no_refresh_token => RefreshKind::None,
        (None, MethodType::Oauth2 | MethodType::McpOauth | MethodType::Oauth2RefreshToken) => {
            RefreshKind::RefreshToken
        }
        (None, _) => RefreshKind::None,
    }
}

/// Whether an answer of the API means that the access token has ended, so that one refresh and one repetition make
/// sense: what the definition says, or any 401 whose `WWW-Authenticate` names `invalid_token` or no error.
pub fn means_expired_token(method: &AuthMethod, answer: &http::Response<Bytes>) -> bool {
    let status = answer.status().as_u16();
    let challenges: Vec<&str> =
        answer.headers().get_all("www-authenticate").iter().filter_map(|value| value.to_str().ok()).collect();
    if method.proxy_401_refresh.is_empty() {
        let names_error = challenges.iter().any(|challenge| challenge.contains("error="));
        return status == 401
            && (!names_error || challenges.iter().any(|challenge| challenge.contains("invalid_token")));
    }
    method.proxy_401_refresh.iter().any(|expired| {
        expired.status == status
            && expired
                .error
                .as_ref()
                .is_none_or(|error| challenges.iter().any(|challenge| challenge.contains(error.as_str())))
            && expired.body.as_ref().is_none_or(|expected| {
                Document::from_body(None, answer.body())
                    .is_ok_and(|document| verify::meets(expected, &document))
            })
    })
}
