//! The wire's connection service, its environment part.

use keybearer_app::connections::{self, ConnectionQuery, CreateConnection, NameRules};
use keybearer_app::{Caller, PageAsk, flows};
use keybearer_core::Error;
use tonic::{Request, Status, async_trait};

use super::map::{connection as map, count, filled, json};
use super::{Answer, Service, fail, give, oauth_config, page, take};
use crate::api::proto::scalekit::v1::connections as wire;
use wire::connection_service_server::ConnectionService;

#[async_trait]
impl ConnectionService for Service {
    async fn create_environment_connection(
        &self,
        request: Request<wire::CreateEnvironmentConnectionRequest>,
    ) -> Answer<wire::CreateConnectionResponse> {
        let (caller, message) = take(request)?;
        let is_login = message.flags.is_some_and(|flags| flags.is_login);
        let new = new(message.connection.unwrap_or_default(), is_login).map_err(fail)?;
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
        let id = message.connection_id;
        let given = message.connection.unwrap_or_default();
        let present = connections::get(&self.0, &caller, &id).await.map_err(fail)?;
        let patch = oauth_config::patch(given, &present).map_err(fail)?;
        let updated = connections::update(&self.0, &caller, &id, patch).await.map_err(fail)?;
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
        self.toggle(&caller, &message.connection_id, true).await
    }

    async fn disable_environment_connection(
        &self,
        request: Request<wire::ToggleEnvironmentConnectionRequest>,
    ) -> Answer<wire::ToggleConnectionResponse> {
        let (caller, message) = take(request)?;
        self.toggle(&caller, &message.connection_id, false).await
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
        let (id, organization) = (&message.connection_id, &message.organization_id);
        let context = match organization.is_empty() {
            true => connections::context(&self.0, &caller, id).await,
            false => connections::organization_context(&self.0, &caller, id, organization).await,
        };
        let context = context.map_err(fail)?;
        give(wire::GetConnectionContextResponse { context: Some(json::to_struct(context)) })
    }

    async fn update_connection_context(
        &self,
        request: Request<wire::UpdateConnectionContextRequest>,
    ) -> Answer<()> {
        let (caller, message) = take(request)?;
        let context = message.context.map(json::from_struct).unwrap_or_default();
        let (id, organization) = (&message.connection_id, &message.organization_id);
        let set = match organization.is_empty() {
            true => connections::set_context(&self.0, &caller, id, context).await.map(|_| ()),
            false => connections::set_organization_context(&self.0, &caller, id, organization, context).await,
        };
        set.map_err(fail)?;
        give(())
    }

    async fn get_connection_test_result(
        &self,
        request: Request<wire::GetConnectionTestResultRequest>,
    ) -> Answer<wire::GetConnectionTestResultResponse> {
        let (caller, message) = take(request)?;
        let (connection, test) = (&message.connection_id, &message.test_request_id);
        let result = flows::test_result(&self.0, &caller, connection, test).await.map_err(fail)?;
        give(map::test_result(result))
    }
}

impl Service {
    async fn toggle(
        &self,
        caller: &Caller,
        connection: &str,
        on: bool,
    ) -> Answer<wire::ToggleConnectionResponse> {
        let switched = connections::switch(&self.0, caller, connection, on).await.map_err(fail)?;
        give(wire::ToggleConnectionResponse { enabled: switched.enabled, error_message: switched.message })
    }

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

fn new(given: wire::CreateConnection, is_login: bool) -> Result<CreateConnection, Error> {
    if is_login {
        return Err(Error::field("flags.is_login", "must be false: single sign-on is not offered"));
    }
    // an SDK may name the provider by its number instead of its key
    let named = match given.provider() {
        wire::ConnectionProvider::Unspecified => String::new(),
        provider => provider.as_str_name().to_owned(),
    };
    Ok(CreateConnection {
        auth_type: map::auth_type(given.r#type())?,
        org_wide: given.auth_mode() == wire::ConnectionAuthMode::OrgWide,
        connector: filled(given.provider_key).unwrap_or(named),
        name: given.key_id.and_then(filled),
        name_rules: NameRules::Wire,
        context: given.context.map(json::from_struct).unwrap_or_default(),
        ..CreateConnection::default()
    })
}
