//! The wire's connection service, its environment part.

use keybearer_app::connections::{
    self, ConnectionQuery, CreateConnection, NameRules, ScopeSettings, UpdateConnection,
};
use keybearer_app::connectors::Bindings;
use keybearer_app::{Caller, PageAsk};
use keybearer_core::{CredentialSource, Error, SecretString};
use tonic::{Request, Status, async_trait};

use super::map::{connection as map, count, filled, json, sorted};
use super::{Answer, Service, fail, give, page, take};
use crate::api::proto::scalekit::v1::connections as wire;
use wire::connection_service_server::ConnectionService;
use wire::update_connection::Settings;

#[async_trait]
impl ConnectionService for Service {
    async fn create_environment_connection(
        &self,
        request: Request<wire::CreateEnvironmentConnectionRequest>,
    ) -> Answer<wire::CreateConnectionResponse> {
        let (caller, message) = take(request)?;
        let given = message.connection.unwrap_or_default();
        let new = CreateConnection {
            auth_type: map::auth_type(given.r#type()),
            connector: given.provider_key,
            name: given.key_id.and_then(filled),
            name_rules: NameRules::Wire,
            context: given.context.map(json::from_struct).unwrap_or_default(),
            ..CreateConnection::default()
        };
        let connection = connections::create(&self.0, &caller, new).await.map_err(fail)?;
        give(wire::CreateConnectionResponse { connection: Some(map::full(connection)) })
    }

    async fn get_environment_connection(
        &self,
        request: Request<wire::GetEnvironmentConnectionRequest>,
    ) -> Answer<wire::GetConnectionResponse> {
        let (caller, message) = take(request)?;
        let connection = connections::get(&self.0, &caller, &message.connection_id).await.map_err(fail)?;
        give(wire::GetConnectionResponse { connection: Some(map::full(connection)) })
    }

    async fn list_connections(
        &self,
        request: Request<wire::ListConnectionsRequest>,
    ) -> Answer<wire::ListConnectionsResponse> {
        let (caller, message) = take(request)?;
        // connections of an organization or a domain are single sign-on, which is not offered
        let scoped = message.organization_id.and_then(filled).or_else(|| message.domain.and_then(filled));
        let connections = if scoped.is_some() { Vec::new() } else { self.all(&caller).await? };
        give(wire::ListConnectionsResponse { connections })
    }

    async fn update_environment_connection(
        &self,
        request: Request<wire::UpdateEnvironmentConnectionRequest>,
    ) -> Answer<wire::UpdateConnectionResponse> {
        let (caller, message) = take(request)?;
        let patch = patch(message.connection.unwrap_or_default()).map_err(fail)?;
        let updated =
            connections::update(&self.0, &caller, &message.connection_id, patch).await.map_err(fail)?;
        give(wire::UpdateConnectionResponse { connection: Some(map::full(updated)) })
    }

    async fn delete_environment_connection(
        &self,
        request: Request<wire::DeleteEnvironmentConnectionRequest>,
    ) -> Answer<()> {
        let (caller, message) = take(request)?;
        connections::delete(&self.0, &caller, &message.connection_id, None, false).await.map_err(fail)?;
        give(())
    }

    async fn enable_environment_connection(
        &self,
        request: Request<wire::ToggleEnvironmentConnectionRequest>,
    ) -> Answer<wire::ToggleConnectionResponse> {
        let (caller, message) = take(request)?;
        connections::resume(&self.0, &caller, &message.connection_id).await.map_err(fail)?;
        give(wire::ToggleConnectionResponse { enabled: true, error_message: None })
    }

    async fn disable_environment_connection(
        &self,
        request: Request<wire::ToggleEnvironmentConnectionRequest>,
    ) -> Answer<wire::ToggleConnectionResponse> {
        let (caller, message) = take(request)?;
        connections::pause(&self.0, &caller, &message.connection_id).await.map_err(fail)?;
        give(wire::ToggleConnectionResponse { enabled: false, error_message: None })
    }

    async fn list_app_connections(
        &self,
        request: Request<wire::ListAppConnectionsRequest>,
    ) -> Answer<wire::ListAppConnectionsResponse> {
        let (caller, message) = take(request)?;
        let query = ConnectionQuery {
            connector: message.provider.and_then(filled),
            state: None,
            query: message.query.and_then(filled),
        };
        let ask = page(message.page_size, message.page_token);
        let listed = connections::list(&self.0, &caller, &query, &ask).await.map_err(fail)?;
        give(wire::ListAppConnectionsResponse {
            next_page_token: listed.next.unwrap_or_default(),
            prev_page_token: listed.previous.unwrap_or_default(),
            total_size: count(listed.total),
            connections: listed.items.into_iter().map(map::listed).collect(),
        })
    }

    async fn get_connection_context(
        &self,
        request: Request<wire::GetConnectionContextRequest>,
    ) -> Answer<wire::GetConnectionContextResponse> {
        let (caller, message) = take(request)?;
        let context = connections::context(&self.0, &caller, &message.connection_id).await.map_err(fail)?;
        give(wire::GetConnectionContextResponse { context: Some(json::to_struct(context)) })
    }

    async fn update_connection_context(
        &self,
        request: Request<wire::UpdateConnectionContextRequest>,
    ) -> Answer<()> {
        let (caller, message) = take(request)?;
        let context = message.context.map(json::from_struct).unwrap_or_default();
        connections::set_context(&self.0, &caller, &message.connection_id, context).await.map_err(fail)?;
        give(())
    }
}

impl Service {
    /// Every connection: this list of the wire has no pages.
    async fn all(&self, caller: &Caller) -> Result<Vec<wire::ListConnection>, Status> {
        let (mut all, mut ask) = (Vec::new(), PageAsk::first(30));
        loop {
            let query = ConnectionQuery::default();
            let listed = connections::list(&self.0, caller, &query, &ask).await.map_err(fail)?;
            all.extend(listed.items.into_iter().map(map::listed));
            match listed.next {
                Some(token) => ask.token = token,
                None => return Ok(all),
            }
        }
    }
}

fn patch(message: wire::UpdateConnection) -> Result<UpdateConnection, Error> {
    let base = UpdateConnection {
        name: message.key_id.and_then(filled),
        name_rules: NameRules::Wire,
        ..UpdateConnection::default()
    };
    match message.settings {
        None => Ok(base),
        Some(Settings::OauthConfig(config)) => Ok(oauth(base, config)),
        Some(Settings::StaticConfig(config)) => {
            let values = config.static_config.map(json::from_struct).unwrap_or_default();
            let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
            Ok(UpdateConnection {
                fields: values.iter().map(|(name, value)| (name.clone(), text(value))).collect(),
                ..base
            })
        }
        Some(Settings::GoogleDwdConfig(config)) => Ok(service_account(base, config)),
        Some(_) => Err(Error::field(
            "connection.settings",
            "must be oauth_config, static_config or google_dwd_config",
        )),
    }
}

fn oauth(base: UpdateConnection, config: wire::OAuthConnectionConfig) -> UpdateConnection {
    let mut secrets = Bindings::new();
    if let Some(secret) = config.client_secret {
        secrets.insert("client_secret", SecretString::new(secret));
    }
    let mut extra =
        config.extensions.map(|extensions| sorted(extensions.extra_authorize_params)).unwrap_or_default();
    let named = [
        ("prompt", config.prompt),
        ("access_type", config.access_type),
        ("token_access_type", config.token_access_type),
    ];
    extra.extend(
        named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.and_then(filled)?))),
    );
    let fields = config.tenant_id.map(|tenant| ("tenant_id".to_owned(), tenant)).into_iter().collect();
    let scoped =
        !config.scopes.is_empty() || config.optional_scopes.is_some() || !config.required_scopes.is_empty();
    UpdateConnection {
        client_id: config.client_id,
        secrets,
        fields,
        source: config
            .use_platform_creds
            .map(|shared| if shared { CredentialSource::Shared } else { CredentialSource::Own }),
        scopes: scoped.then(|| ScopeSettings {
            scopes: config.scopes,
            required: config.required_scopes,
            optional_scopes: config.optional_scopes.map(|optional| optional.scopes).unwrap_or_default(),
            required_optional: config.required_optional_scopes,
            selectable: config.scope_selection_allowed.unwrap_or(false),
        }),
        extra_authorize_params: (!extra.is_empty()).then_some(extra),
        ..base
    }
}

fn service_account(base: UpdateConnection, config: wire::GoogleDwdConfig) -> UpdateConnection {
    let mut secrets = Bindings::new();
    if let Some(json) = config.service_account_json {
        secrets.insert("service_account_json", SecretString::new(json));
    }
    let scopes = (!config.scopes.is_empty()).then(|| ScopeSettings {
        scopes: config.scopes,
        required: config.required_scopes,
        selectable: config.scope_selection_allowed.unwrap_or(false),
        ..ScopeSettings::default()
    });
    UpdateConnection { secrets, scopes, ..base }
}
