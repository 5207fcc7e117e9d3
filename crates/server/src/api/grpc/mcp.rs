//! The wire's MCP servers: none are offered, so lists are empty and nothing is found or made.

use std::time::Duration;

use keybearer_app::PageAsk;
use keybearer_app::mcp::{self, McpList, McpTarget};
use keybearer_core::Error;
use tonic::{Request, async_trait};

use super::map::filled;
use super::{Answer, Service, fail, give, page, take};
use crate::api::proto::scalekit::v1::mcp as wire;
use wire::mcp_service_server::McpService;

#[async_trait]
impl McpService for Service {
    async fn create_mcp(&self, request: Request<wire::CreateMcpRequest>) -> Answer<wire::CreateMcpResponse> {
        let (caller, _) = take(request)?;
        mcp::create(&caller).map_err(fail)?;
        give(wire::CreateMcpResponse::default())
    }

    async fn get_mcp(&self, request: Request<wire::GetMcpRequest>) -> Answer<wire::GetMcpResponse> {
        let (caller, _) = take(request)?;
        mcp::find(&caller).map_err(fail)?;
        give(wire::GetMcpResponse::default())
    }

    async fn list_mcp(&self, request: Request<wire::ListMcpRequest>) -> Answer<wire::ListMcpResponse> {
        let (caller, _) = take(request)?;
        mcp::list(&self.0, &caller, McpList::Servers, &PageAsk::default()).map_err(fail)?;
        give(wire::ListMcpResponse::default())
    }

    async fn delete_mcp(&self, request: Request<wire::DeleteMcpRequest>) -> Answer<wire::DeleteMcpResponse> {
        let (caller, _) = take(request)?;
        mcp::change(&caller).map_err(fail)?;
        give(wire::DeleteMcpResponse::default())
    }

    async fn create_mcp_config(
        &self,
        request: Request<wire::CreateMcpConfigRequest>,
    ) -> Answer<wire::CreateMcpConfigResponse> {
        let (caller, _) = take(request)?;
        mcp::create(&caller).map_err(fail)?;
        give(wire::CreateMcpConfigResponse::default())
    }

    async fn update_mcp_config(
        &self,
        request: Request<wire::UpdateMcpConfigRequest>,
    ) -> Answer<wire::UpdateMcpConfigResponse> {
        let (caller, _) = take(request)?;
        mcp::change(&caller).map_err(fail)?;
        give(wire::UpdateMcpConfigResponse::default())
    }

    async fn list_mcp_configs(
        &self,
        request: Request<wire::ListMcpConfigsRequest>,
    ) -> Answer<wire::ListMcpConfigsResponse> {
        let (caller, message) = take(request)?;
        let ask = page(message.page_size, message.page_token);
        mcp::list(&self.0, &caller, McpList::Configs, &ask).map_err(fail)?;
        give(wire::ListMcpConfigsResponse::default())
    }

    async fn get_mcp_config(
        &self,
        request: Request<wire::GetMcpConfigRequest>,
    ) -> Answer<wire::GetMcpConfigResponse> {
        let (caller, _) = take(request)?;
        mcp::find(&caller).map_err(fail)?;
        give(wire::GetMcpConfigResponse::default())
    }

    async fn delete_mcp_config(
        &self,
        request: Request<wire::DeleteMcpConfigRequest>,
    ) -> Answer<wire::DeleteMcpConfigResponse> {
        let (caller, _) = take(request)?;
        mcp::change(&caller).map_err(fail)?;
        give(wire::DeleteMcpConfigResponse::default())
    }

    async fn ensure_mcp_instance(
        &self,
        request: Request<wire::EnsureMcpInstanceRequest>,
    ) -> Answer<wire::EnsureMcpInstanceResponse> {
        let (caller, _) = take(request)?;
        mcp::create(&caller).map_err(fail)?;
        give(wire::EnsureMcpInstanceResponse::default())
    }

    async fn list_mcp_instances(
        &self,
        request: Request<wire::ListMcpInstancesRequest>,
    ) -> Answer<wire::ListMcpInstancesResponse> {
        let (caller, message) = take(request)?;
        let ask = page(message.page_size, message.page_token);
        mcp::list(&self.0, &caller, McpList::Instances, &ask).map_err(fail)?;
        give(wire::ListMcpInstancesResponse::default())
    }

    async fn delete_mcp_instance(
        &self,
        request: Request<wire::DeleteMcpInstanceRequest>,
    ) -> Answer<wire::DeleteMcpInstanceResponse> {
        let (caller, _) = take(request)?;
        mcp::change(&caller).map_err(fail)?;
        give(wire::DeleteMcpInstanceResponse::default())
    }

    async fn update_mcp_instance(
        &self,
        request: Request<wire::UpdateMcpInstanceRequest>,
    ) -> Answer<wire::UpdateMcpInstanceResponse> {
        let (caller, _) = take(request)?;
        mcp::change(&caller).map_err(fail)?;
        give(wire::UpdateMcpInstanceResponse::default())
    }

    async fn get_mcp_instance(
        &self,
        request: Request<wire::GetMcpInstanceRequest>,
    ) -> Answer<wire::GetMcpInstanceResponse> {
        let (caller, _) = take(request)?;
        mcp::find(&caller).map_err(fail)?;
        give(wire::GetMcpInstanceResponse::default())
    }

    async fn get_mcp_instance_auth_state(
        &self,
        request: Request<wire::GetMcpInstanceAuthStateRequest>,
    ) -> Answer<wire::GetMcpInstanceAuthStateResponse> {
        let (caller, _) = take(request)?;
        mcp::find(&caller).map_err(fail)?;
        give(wire::GetMcpInstanceAuthStateResponse::default())
    }

    async fn create_mcp_session_token(
        &self,
        request: Request<wire::CreateMcpSessionTokenRequest>,
    ) -> Answer<wire::CreateMcpSessionTokenResponse> {
        let (caller, message) = take(request)?;
        let target = target(message.mcp_config_id, message.key_id).map_err(fail)?;
        let expiry = message.expiry.map(|expiry| Duration::try_from(expiry).unwrap_or_default());
        mcp::token(&self.0, &caller, target, expiry).await.map_err(fail)?;
        give(wire::CreateMcpSessionTokenResponse::default())
    }

    async fn list_mcp_connected_accounts(
        &self,
        request: Request<wire::ListMcpConnectedAccountsRequest>,
    ) -> Answer<wire::ListMcpConnectedAccountsResponse> {
        let (caller, _) = take(request)?;
        mcp::find(&caller).map_err(fail)?;
        give(wire::ListMcpConnectedAccountsResponse::default())
    }
}

/// What a token is asked for: one of the two.
fn target(config: String, connection: String) -> Result<McpTarget, Error> {
    match (filled(config), filled(connection)) {
        (Some(id), None) => Ok(McpTarget::Config(id)),
        (None, Some(name)) => Ok(McpTarget::Connection(name)),
        _ => Err(Error::field("mcp_config_id", "must be given, or `key_id` instead of it")),
    }
}
