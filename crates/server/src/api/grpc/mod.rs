//! The handlers: each takes a message apart, makes one call of the application, and maps its answer.

mod accounts;
mod api_clients;
mod call_logs;
mod clients;
mod connected_accounts;
mod connection_setups;
mod connections;
mod connectors;
mod environment_pages;
mod environments;
mod events;
mod keys;
mod logs;
mod map;
mod mcp;
mod oauth_config;
mod organizations;
mod portal;
mod providers;
mod tools;
mod webhook_endpoints;

use keybearer_app::{App, Caller, PageAsk};
use keybearer_core::{Code, Error};
use tonic::service::Routes;
use tonic::{Request, Response, Status};

use crate::api::proto::keybearer::v1::account_service_server::AccountServiceServer;
use crate::api::proto::keybearer::v1::api_client_service_server::ApiClientServiceServer;
use crate::api::proto::keybearer::v1::connection_setup_service_server::ConnectionSetupServiceServer;
use crate::api::proto::keybearer::v1::connector_service_server::ConnectorServiceServer;
use crate::api::proto::keybearer::v1::environment_page_service_server::EnvironmentPageServiceServer;
use crate::api::proto::keybearer::v1::key_service_server::KeyServiceServer;
use crate::api::proto::keybearer::v1::log_service_server::LogServiceServer;
use crate::api::proto::keybearer::v1::webhook_endpoint_service_server::WebhookEndpointServiceServer;
use crate::api::proto::scalekit::v1::agentkit_logs::agentkit_analytics_service_server::AgentkitAnalyticsServiceServer;
use crate::api::proto::scalekit::v1::agentkit_logs::agentkit_logs_service_server::AgentkitLogsServiceServer;
use crate::api::proto::scalekit::v1::clients::client_service_server::ClientServiceServer;
use crate::api::proto::scalekit::v1::connected_accounts::connected_account_service_server::ConnectedAccountServiceServer;
use crate::api::proto::scalekit::v1::connections::connection_service_server::ConnectionServiceServer;
use crate::api::proto::scalekit::v1::environments::environment_service_server::EnvironmentServiceServer;
use crate::api::proto::scalekit::v1::events::events_service_server::EventsServiceServer;
use crate::api::proto::scalekit::v1::keys::key_management_service_server::KeyManagementServiceServer;
use crate::api::proto::scalekit::v1::mcp::mcp_service_server::McpServiceServer;
use crate::api::proto::scalekit::v1::organizations::organization_service_server::OrganizationServiceServer;
use crate::api::proto::scalekit::v1::providers::provider_service_server::ProviderServiceServer;
use crate::api::proto::scalekit::v1::tools::tool_service_server::ToolServiceServer;
use crate::api::proto::scalekit::v1::webhooks::webhook_service_server::WebhookServiceServer;

/// What a handler gives.
type Answer<T> = Result<Response<T>, Status>;

/// The handlers of one application.
#[derive(Clone, Debug)]
pub(super) struct Service(App);

/// Every service of the contract.
pub fn routes(app: &App) -> Routes {
    let service = Service(app.clone());
    let mut routes = Routes::builder();
    routes
        .add_service(ConnectedAccountServiceServer::new(service.clone()))
        .add_service(ConnectionServiceServer::new(service.clone()))
        .add_service(ProviderServiceServer::new(service.clone()))
        .add_service(ToolServiceServer::new(service.clone()))
        .add_service(McpServiceServer::new(service.clone()))
        .add_service(OrganizationServiceServer::new(service.clone()))
        .add_service(AccountServiceServer::new(service.clone()))
        .add_service(ApiClientServiceServer::new(service.clone()))
        .add_service(ConnectionSetupServiceServer::new(service.clone()))
        .add_service(ConnectorServiceServer::new(service.clone()))
        .add_service(EventsServiceServer::new(service.clone()))
        .add_service(WebhookServiceServer::new(service.clone()))
        .add_service(WebhookEndpointServiceServer::new(service.clone()))
        .add_service(ClientServiceServer::new(service.clone()))
        .add_service(EnvironmentServiceServer::new(service.clone()))
        .add_service(EnvironmentPageServiceServer::new(service.clone()))
        .add_service(KeyManagementServiceServer::new(service.clone()))
        .add_service(KeyServiceServer::new(service.clone()))
        .add_service(AgentkitLogsServiceServer::new(service.clone()))
        .add_service(AgentkitAnalyticsServiceServer::new(service.clone()))
        .add_service(LogServiceServer::new(service));
    routes.routes()
}

/// Who calls and what they sent. The gate put the caller there.
fn take<T>(request: Request<T>) -> Result<(Caller, T), Status> {
    let caller = request.extensions().get::<Caller>().cloned();
    let caller = caller.ok_or_else(|| fail(Error::new(Code::Unauthenticated, "Token empty")))?;
    Ok((caller, request.into_inner()))
}

fn fail(error: Error) -> Status {
    crate::api::status(error)
}

fn give<T>(message: T) -> Answer<T> {
    Ok(Response::new(message))
}

fn page(size: u32, token: String) -> PageAsk {
    PageAsk { size, token }
}
