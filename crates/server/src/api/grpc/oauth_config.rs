//! The settings of a connection as the wire writes them: what comes in becomes a patch. What is not given stays as it
//! is; an empty list looks like none on the wire and therefore stays, too.

use std::collections::BTreeMap;

use keybearer_app::connections::{Connection, MethodOverrides, NameRules, ScopePatch, UpdateConnection};
use keybearer_app::connectors::Bindings;
use keybearer_core::{AuthType, CredentialSource, Error, SecretString};
use serde_json::Value;

use super::map::{connection as map, filled, json, sorted};
use crate::api::proto::scalekit::v1::connections as wire;
use wire::update_connection::Settings;

/// The patch of an update; `present` is the connection before it.
pub(super) fn patch(
    message: wire::UpdateConnection,
    present: &Connection,
) -> Result<UpdateConnection, Error> {
    let same = |key: &str| key.is_empty() || key.eq_ignore_ascii_case(&present.connector);
    if !same(&message.provider_key.replace('_', "-")) {
        let detail = "must stay as it is: make another connection for another connector";
        return Err(Error::field("connection.provider_key", detail));
    }
    let base = UpdateConnection {
        auth_type: map::auth_type(message.r#type())?,
        name: message.key_id.and_then(filled),
        name_rules: NameRules::Wire,
        activate_when_complete: true,
        ..UpdateConnection::default()
    };
    match message.settings {
        None => Ok(base),
        Some(Settings::OauthConfig(config)) => oauth(base, config, present),
        Some(Settings::StaticConfig(config)) => plain(base, config),
        Some(Settings::GoogleDwdConfig(config)) => service_account(base, config),
        Some(_) => Err(Error::field(
            "connection.settings",
            "must be oauth_config, static_config or google_dwd_config",
        )),
    }
}

fn list(given: Vec<String>) -> Option<Vec<String>> {
    Some(given).filter(|given| !given.is_empty())
}

fn oauth(
    base: UpdateConnection,
    config: wire::OAuthConnectionConfig,
    present: &Connection,
) -> Result<UpdateConnection, Error> {
    for (field, given) in [
        ("authorize_uri", &config.authorize_uri),
        ("token_uri", &config.token_uri),
        ("user_info_uri", &config.user_info_uri),
    ] {
        if given.as_ref().is_some_and(|given| !given.is_empty()) {
            let detail =
                "must be empty: the connector decides it; a custom provider can have another address";
            return Err(Error::field(format!("connection.oauth_config.{field}"), detail));
        }
    }
    let mut secrets = Bindings::new();
    for (name, value) in [
        ("client_secret", config.client_secret),
        ("googleads_developer_token", config.googleads_developer_token),
    ] {
        if let Some(value) = value.and_then(filled) {
            secrets.insert(name, SecretString::new(value));
        }
    }
    let extensions = config.extensions.unwrap_or_default();
    let smart = extensions.smart.unwrap_or_default();
    let mut extra = sorted(extensions.extra_authorize_params);
    let named = [
        ("prompt", config.prompt),
        ("access_type", config.access_type),
        ("token_access_type", config.token_access_type),
        ("aud", filled(smart.aud)),
    ];
    extra.extend(named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    let fields =
        [("tenant_id", config.tenant_id), ("app_name", config.app_name), ("domain", filled(smart.domain))];
    let optional = config.optional_scopes;
    Ok(UpdateConnection {
        // the client of a shared app is shown, and comes back in what an SDK read
        client_id: config.client_id.filter(|id| present.client_id.as_ref() != Some(id)),
        secrets,
        fields: fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect(),
        source: config
            .use_platform_creds
            .map(|shared| if shared { CredentialSource::Shared } else { CredentialSource::Own }),
        scope_patch: ScopePatch {
            scopes: list(config.scopes),
            required: list(config.required_scopes),
            optional_scopes: optional.as_ref().and_then(|optional| list(optional.scopes.clone())),
            required_optional: list(config.required_optional_scopes),
            selectable: config.scope_selection_allowed,
        },
        overrides: MethodOverrides {
            pkce: config.pkce_enabled,
            scope_param: config.custom_scope_name,
            optional_scope_param: optional.and_then(|optional| filled(optional.field_name)),
            token_auth: config.token_endpoint_auth_method,
        },
        extra_patch: extra,
        ..base
    })
}

/// Connection fields of a method without OAuth. The contents are never repeated in an error.
fn plain(base: UpdateConnection, config: wire::StaticAuthConfig) -> Result<UpdateConnection, Error> {
    let mut fields = BTreeMap::new();
    for (name, value) in config.static_config.map(json::from_struct).unwrap_or_default() {
        let text = match value {
            Value::String(text) => text,
            Value::Number(number) => number.to_string(),
            Value::Bool(flag) => flag.to_string(),
            Value::Null => String::new(),
            Value::Array(_) | Value::Object(_) => {
                return Err(Error::field(format!("connection.static_config.{name}"), "must be a text"));
            }
        };
        fields.insert(name, text);
    }
    Ok(UpdateConnection { fields, ..base })
}

fn service_account(base: UpdateConnection, config: wire::GoogleDwdConfig) -> Result<UpdateConnection, Error> {
    if config.token_uri.as_ref().is_some_and(|given| !given.is_empty()) {
        let detail = "must be empty: the connector decides it";
        return Err(Error::field("connection.google_dwd_config.token_uri", detail));
    }
    let mut secrets = Bindings::new();
    if let Some(json) = config.service_account_json.and_then(filled) {
        secrets.insert("service_account_json", SecretString::new(json));
    }
    let scope_patch = ScopePatch {
        scopes: list(config.scopes),
        required: list(config.required_scopes),
        selectable: config.scope_selection_allowed,
        ..ScopePatch::default()
    };
    Ok(UpdateConnection { secrets, scope_patch, ..base })
}

/// The settings as they are read. No secret is ever sent back.
pub(super) fn shown(connection: Connection) -> Option<wire::connection::Settings> {
    use wire::connection::Settings;
    match connection.auth_type {
        AuthType::Oauth | AuthType::OauthM2m | AuthType::Oauth1 => {
            Some(Settings::OauthConfig(shown_oauth(connection)))
        }
        AuthType::ServiceAccount => Some(Settings::GoogleDwdConfig(wire::GoogleDwdConfig {
            scopes: connection.scopes.scopes,
            scope_selection_allowed: Some(connection.scopes.selectable),
            required_scopes: connection.scopes.required,
            ..wire::GoogleDwdConfig::default()
        })),
        AuthType::Basic | AuthType::Bearer | AuthType::ApiKey | AuthType::NoAuth | AuthType::Custom => {
            let fields = connection.fields.into_iter().map(|(name, value)| (name, Value::String(value)));
            let static_config = json::to_struct(fields.collect());
            Some(Settings::StaticConfig(wire::StaticAuthConfig { static_config: Some(static_config) }))
        }
    }
}

fn shown_oauth(connection: Connection) -> wire::OAuthConnectionConfig {
    let (scopes, overrides) = (connection.scopes, connection.overrides);
    let field = |name: &str| keybearer_app::connections::by_wire_name(&connection.fields, name).cloned();
    let mut extra = connection.extra_authorize_params;
    let (prompt, access_type) = (extra.remove("prompt"), extra.remove("access_type"));
    let (token_access_type, aud) = (extra.remove("token_access_type"), extra.remove("aud"));
    let smart = aud.map(|aud| wire::SmartConfig { aud, domain: field("domain").unwrap_or_default() });
    let second = !scopes.optional_scopes.is_empty() || overrides.optional_scope_param.is_some();
    wire::OAuthConnectionConfig {
        client_id: connection.client_id,
        scopes: scopes.scopes,
        redirect_uri: connection.redirect_uri,
        use_platform_creds: Some(connection.source == CredentialSource::Shared),
        tenant_id: field("tenant_id"),
        app_name: field("app_name"),
        prompt,
        access_type,
        token_access_type,
        pkce_enabled: overrides.pkce,
        custom_scope_name: overrides.scope_param,
        token_endpoint_auth_method: overrides.token_auth,
        optional_scopes: second.then(|| wire::OptionalScopes {
            scopes: scopes.optional_scopes,
            field_name: overrides.optional_scope_param.unwrap_or_default(),
        }),
        extensions: (smart.is_some() || !extra.is_empty())
            .then(|| wire::OauthExtensions { smart, extra_authorize_params: extra.into_iter().collect() }),
        scope_selection_allowed: Some(scopes.selectable),
        required_scopes: scopes.required,
        required_optional_scopes: scopes.required_optional,
        ..wire::OAuthConnectionConfig::default()
    }
}
