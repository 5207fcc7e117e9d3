//! Connections of the wire and of our own service.

use keybearer_app::connections::{Connection, ScopeSettings};
use keybearer_app::flows::TestResult;
use keybearer_core::{AuthType, ConnectionState, Error};

use super::super::oauth_config::shown;
use super::{count, large, time};
use crate::api::proto::keybearer::v1 as own;
use crate::api::proto::scalekit::v1::connections as wire;

/// Our own full form.
pub(in super::super) fn setup(connection: Connection) -> own::ConnectionSetup {
    own::ConnectionSetup {
        id: connection.id.to_string(),
        name: connection.name,
        label: connection.label,
        connector: connection.connector,
        connector_display_name: connection.connector_display_name,
        method: connection.method,
        auth_type: connection.auth_type.to_string(),
        state: connection.state.to_string(),
        attention: connection.attention.unwrap_or_default(),
        attention_at: connection.attention_at.map(time),
        blurb_for_users: connection.blurb_for_users,
        redirect_uri: connection.redirect_uri,
        credential_source: connection.source.to_string(),
        client_id: connection.client_id.unwrap_or_default(),
        has_client_secret: connection.has_client_secret,
        client_secret_suffix: connection.client_secret_suffix.unwrap_or_default(),
        fields: connection.fields.into_iter().collect(),
        secret_fields: connection.secret_fields,
        scopes: Some(own::ScopeSettings {
            scopes: connection.scopes.scopes,
            required: connection.scopes.required,
            optional_scopes: connection.scopes.optional_scopes,
            required_optional: connection.scopes.required_optional,
            selectable: connection.scopes.selectable,
        }),
        extra_authorize_params: connection.extra_authorize_params.into_iter().collect(),
        proxy_enabled: connection.proxy_enabled,
        base_url: connection.resolved_proxy_url.unwrap_or_default(),
        missing: connection.missing,
        counts: Some(own::ConnectionCounts {
            accounts: count(connection.counts.accounts),
            active: count(connection.counts.active),
            expired: count(connection.counts.expired),
            pending: count(connection.counts.pending),
            disconnected: count(connection.counts.disconnected),
            on_earlier_client: count(connection.counts.on_earlier_client),
            scopes_behind: count(connection.counts.scopes_behind),
        }),
        version: large(connection.version),
        created_at: Some(time(connection.created_at)),
        updated_at: Some(time(connection.updated_at)),
        auth_mode: if connection.org_wide { "org_wide" } else { "user" }.to_owned(),
        client_secret_ends_at: connection.secret.ends_at.map(time),
        earlier_secret_kept: connection.secret.has_earlier,
        earlier_secret_until: connection.secret.earlier_until.map(time),
    }
}

/// Which scopes are asked for.
pub(in super::super) fn scopes(message: own::ScopeSettings) -> ScopeSettings {
    ScopeSettings {
        scopes: message.scopes,
        required: message.required,
        optional_scopes: message.optional_scopes,
        required_optional: message.required_optional,
        selectable: message.selectable,
    }
}

/// The wire's full form.
pub(in super::super) fn full(connection: Connection) -> wire::Connection {
    wire::Connection {
        id: connection.id.to_string(),
        provider: wire::ConnectionProvider::Unspecified.into(),
        r#type: kind(connection.auth_type).into(),
        status: status(&connection).into(),
        enabled: connection.state == ConnectionState::Active,
        create_time: Some(time(connection.created_at)),
        update_time: Some(time(connection.updated_at)),
        key_id: Some(connection.name.clone()),
        provider_key: provider_key(&connection.connector),
        resolved_proxy_url: connection.resolved_proxy_url.clone(),
        auth_mode: auth_mode(&connection).into(),
        mcp_server_url: Some(connection.mcp_url.clone()),
        settings: shown(connection),
        ..wire::Connection::default()
    }
}

/// The wire's form of lists.
pub(in super::super) fn listed(connection: Connection) -> wire::ListConnection {
    wire::ListConnection {
        id: connection.id.to_string(),
        provider: wire::ConnectionProvider::Unspecified.into(),
        r#type: kind(connection.auth_type).into(),
        status: status(&connection).into(),
        enabled: connection.state == ConnectionState::Active,
        provider_key: provider_key(&connection.connector),
        auth_mode: auth_mode(&connection).into(),
        key_id: connection.name,
        created_at: Some(time(connection.created_at)),
        mcp_server_url: connection.mcp_url,
        ..wire::ListConnection::default()
    }
}

fn provider_key(slug: &str) -> String {
    slug.to_ascii_uppercase()
}

fn auth_mode(connection: &Connection) -> wire::ConnectionAuthMode {
    if connection.org_wide { wire::ConnectionAuthMode::OrgWide } else { wire::ConnectionAuthMode::User }
}

fn status(connection: &Connection) -> wire::ConnectionStatus {
    match connection.state {
        ConnectionState::Draft if connection.client_id.is_some() => wire::ConnectionStatus::InProgress,
        ConnectionState::Draft => wire::ConnectionStatus::Draft,
        ConnectionState::Active | ConnectionState::Paused => wire::ConnectionStatus::Completed,
    }
}

fn kind(auth_type: AuthType) -> wire::ConnectionType {
    match auth_type {
        AuthType::Oauth => wire::ConnectionType::Oauth,
        AuthType::OauthM2m => wire::ConnectionType::OauthM2m,
        AuthType::Basic => wire::ConnectionType::Basic,
        AuthType::Bearer => wire::ConnectionType::Bearer,
        AuthType::ApiKey => wire::ConnectionType::ApiKey,
        AuthType::NoAuth => wire::ConnectionType::NoAuth,
        AuthType::Oauth1 => wire::ConnectionType::TrelloOauth1,
        AuthType::ServiceAccount => wire::ConnectionType::GoogleDwd,
        // the wire has no word for key pairs, signatures and logins
        AuthType::Custom => wire::ConnectionType::Invalid,
    }
}

/// The kind of auth method that a connection type of the wire asks for; `None` leaves it to the connector.
pub(in super::super) fn auth_type(kind: wire::ConnectionType) -> Result<Option<AuthType>, Error> {
    Ok(Some(match kind {
        wire::ConnectionType::Invalid => return Ok(None),
        wire::ConnectionType::Oauth | wire::ConnectionType::SmartFhir => AuthType::Oauth,
        wire::ConnectionType::OauthM2m => AuthType::OauthM2m,
        wire::ConnectionType::Basic => AuthType::Basic,
        wire::ConnectionType::Bearer => AuthType::Bearer,
        wire::ConnectionType::ApiKey => AuthType::ApiKey,
        wire::ConnectionType::NoAuth => AuthType::NoAuth,
        wire::ConnectionType::TrelloOauth1 => AuthType::Oauth1,
        wire::ConnectionType::GoogleDwd => AuthType::ServiceAccount,
        wire::ConnectionType::Oidc
        | wire::ConnectionType::Saml
        | wire::ConnectionType::Password
        | wire::ConnectionType::Passwordless
        | wire::ConnectionType::Webauthn
        | wire::ConnectionType::TrustedIdp => {
            return Err(Error::field(
                "connection.type",
                "must be a type of connection that accounts can use",
            ));
        }
    }))
}

/// What became of a test.
pub(in super::super) fn test_result(result: TestResult) -> wire::GetConnectionTestResultResponse {
    let blank = wire::GetConnectionTestResultResponse::default();
    match result {
        TestResult::Pending => blank,
        TestResult::Succeeded { user_info } => wire::GetConnectionTestResultResponse {
            status: wire::TestResultStatus::Success.into(),
            user_info,
            ..blank
        },
        TestResult::Failed { error, reference } => wire::GetConnectionTestResultResponse {
            status: wire::TestResultStatus::Failure.into(),
            error_description: keybearer_core::Code::ALL
                .iter()
                .find(|code| code.as_str() == error)
                .map(|code| code.title().to_owned()),
            error_details: reference.map(|reference| format!("reference {reference}")),
            error: Some(error),
            ..blank
        },
    }
}
