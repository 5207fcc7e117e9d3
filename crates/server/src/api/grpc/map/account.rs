//! Accounts of the wire.

use keybearer_app::accounts::{
    Account, AccountAuth, Credentials, Lookup, OauthTokens, OrgWide, Revealed, ScopeSelection,
};
use keybearer_core::{AccountStatus, AuthType, SecretString};
use serde_json::{Map, Value};

use super::json::{from_struct, to_struct};
use super::{filled, secret, time};
use crate::api::proto::scalekit::v1::connected_accounts as wire;
use wire::authorization_details::Details;

/// The lookup that several requests share.
pub(in super::super) fn lookup(
    id: Option<String>,
    connector: Option<String>,
    identifier: Option<String>,
    organization_id: Option<String>,
    user_id: Option<String>,
) -> Lookup {
    Lookup { id, connector, identifier, organization_id, user_id }
}

/// Credentials as they came in; a present but empty message counts as none.
pub(in super::super) fn credentials(details: Option<wire::AuthorizationDetails>) -> Credentials {
    match details.and_then(|details| details.details) {
        None => Credentials::None,
        Some(Details::OauthToken(token)) => oauth(token),
        Some(Details::StaticAuth(given)) => {
            let details = given.details.map(from_struct).unwrap_or_default();
            if details.is_empty() {
                return Credentials::None;
            }
            Credentials::Static { details: SecretString::new(Value::Object(details).to_string()) }
        }
        Some(Details::GoogleDwd(given)) if given.subject.is_empty() => Credentials::None,
        Some(Details::GoogleDwd(given)) => Credentials::ServiceAccount { subject: given.subject },
        Some(Details::TrustedIdp(_)) => Credentials::TrustedIdp,
    }
}

fn oauth(token: wire::OauthToken) -> Credentials {
    let tokens = OauthTokens {
        access_token: secret(token.access_token),
        refresh_token: secret(token.refresh_token),
        scopes: token.scopes,
        domain: filled(token.domain),
        access_expires_at: None,
        refresh_expires_at: None,
    };
    if tokens == OauthTokens::default() { Credentials::None } else { Credentials::Oauth(tokens) }
}

/// A choice of scopes.
pub(in super::super) fn selection(message: wire::ScopeSelection) -> ScopeSelection {
    ScopeSelection { scopes: message.scopes, optional_scopes: message.optional_scopes }
}

/// What came of authorizing the credential of all. With a link the authorization is pending, whatever the account has
/// from before; without one there is no `link` at all.
pub(in super::super) fn org_wide(authorized: OrgWide) -> wire::AuthorizeOrgWideCredentialResponse {
    let pending = authorized.link.is_some();
    let status = if pending { AccountStatus::PendingAuth } else { authorized.account.status };
    wire::AuthorizeOrgWideCredentialResponse {
        expiry: authorized.link.as_ref().map(|link| time(link.expires_at)),
        link: authorized.link.map(|link| link.url.to_string()),
        connected_account_id: authorized.account.id.to_string(),
        status: self::status(status).into(),
    }
}

/// The full form without secrets.
pub(in super::super) fn full(account: Account) -> wire::ConnectedAccount {
    let details = plain_details(&account);
    with_details(account, details)
}

/// The full form with the secrets.
pub(in super::super) fn with_secrets(auth: AccountAuth) -> wire::ConnectedAccount {
    let details = auth.credentials.map(revealed);
    with_details(auth.account, details)
}

fn with_details(account: Account, details: Option<Details>) -> wire::ConnectedAccount {
    wire::ConnectedAccount {
        identifier: account.identifier,
        provider: account.provider,
        status: status(account.status).into(),
        authorization_type: auth_type(account.auth_type).into(),
        authorization_details: details.map(|details| wire::AuthorizationDetails { details: Some(details) }),
        token_expires_at: account.access_expires_at.map(time),
        updated_at: Some(time(account.updated_at)),
        connector: account.connection,
        last_used_at: account.last_used_at.map(time),
        id: account.id.to_string(),
        connection_id: account.connection_id.to_string(),
        api_config: Some(to_struct(account.api_config)),
        is_org_wide_credential: account.org_wide,
    }
}

/// What may be shown of the credentials: granted scopes, and fields that are no secrets.
fn plain_details(account: &Account) -> Option<Details> {
    match account.auth_type {
        AuthType::Oauth | AuthType::OauthM2m | AuthType::Oauth1 => {
            Some(Details::OauthToken(wire::OauthToken {
                scopes: account.granted_scopes.clone(),
                ..wire::OauthToken::default()
            }))
        }
        AuthType::NoAuth => None,
        AuthType::ServiceAccount => Some(Details::GoogleDwd(wire::GoogleDwdAuth {
            subject: account.fields.get("subject").cloned().unwrap_or_default(),
            scopes: account.granted_scopes.clone(),
            ..wire::GoogleDwdAuth::default()
        })),
        AuthType::Basic | AuthType::Bearer | AuthType::ApiKey | AuthType::Custom => {
            let fields: Map<String, Value> = account
                .fields
                .iter()
                .map(|(name, value)| (name.clone(), Value::String(value.clone())))
                .collect();
            Some(Details::StaticAuth(wire::StaticAuth { details: Some(to_struct(fields)) }))
        }
    }
}

fn revealed(credentials: Revealed) -> Details {
    let text = |value: Option<SecretString>| value.map(|value| value.expose().clone()).unwrap_or_default();
    match credentials {
        Revealed::Oauth(tokens) => Details::OauthToken(wire::OauthToken {
            access_token: text(tokens.access_token),
            refresh_token: text(tokens.refresh_token),
            scopes: tokens.scopes,
            domain: tokens.domain.unwrap_or_default(),
        }),
        Revealed::Static { details } => {
            let map = serde_json::from_str(details.expose()).unwrap_or_default();
            Details::StaticAuth(wire::StaticAuth { details: Some(to_struct(map)) })
        }
        Revealed::ServiceAccount { subject, access_token, scopes, expires_at } => {
            Details::GoogleDwd(wire::GoogleDwdAuth {
                subject,
                access_token: text(access_token),
                scopes,
                token_expires_at: expires_at.map(time),
            })
        }
    }
}

/// The form of lists: no credentials, no settings.
pub(in super::super) fn listed(account: Account) -> wire::ConnectedAccountForList {
    wire::ConnectedAccountForList {
        identifier: account.identifier,
        provider: account.provider,
        status: status(account.status).into(),
        authorization_type: auth_type(account.auth_type).into(),
        token_expires_at: account.access_expires_at.map(time),
        updated_at: Some(time(account.updated_at)),
        connector: account.connection,
        last_used_at: account.last_used_at.map(time),
        id: account.id.to_string(),
        connection_id: account.connection_id.to_string(),
        is_org_wide_credential: account.org_wide,
    }
}

fn status(status: AccountStatus) -> wire::ConnectorStatus {
    match status {
        AccountStatus::Active => wire::ConnectorStatus::Active,
        AccountStatus::Expired => wire::ConnectorStatus::Expired,
        AccountStatus::PendingAuth => wire::ConnectorStatus::PendingAuth,
        AccountStatus::PendingVerification => wire::ConnectorStatus::PendingVerification,
        AccountStatus::Disconnected => wire::ConnectorStatus::Disconnected,
    }
}

fn auth_type(auth_type: AuthType) -> wire::ConnectorType {
    match auth_type {
        AuthType::Oauth => wire::ConnectorType::Oauth,
        AuthType::OauthM2m => wire::ConnectorType::OauthM2m,
        AuthType::Basic => wire::ConnectorType::Basic,
        AuthType::Bearer => wire::ConnectorType::BearerToken,
        AuthType::ApiKey => wire::ConnectorType::ApiKey,
        AuthType::NoAuth => wire::ConnectorType::NoAuth,
        AuthType::Oauth1 => wire::ConnectorType::TrelloOauth1,
        AuthType::ServiceAccount => wire::ConnectorType::GoogleDwd,
        AuthType::Custom => wire::ConnectorType::Custom,
    }
}
