//! The wire's tools: an empty catalogue.

use keybearer_app::tools::{self, ToolQuery};
use tonic::{Request, async_trait};

use super::map::{account as map, filled};
use super::{Answer, Service, fail, give, page, take};
use crate::api::proto::scalekit::v1::tools as wire;
use wire::tool_service_server::ToolService;

#[async_trait]
impl ToolService for Service {
    async fn create_tool(
        &self,
        request: Request<wire::CreateToolRequest>,
    ) -> Answer<wire::CreateToolResponse> {
        let (caller, _) = take(request)?;
        tools::create(&caller).map_err(fail)?;
        give(wire::CreateToolResponse::default())
    }

    async fn list_tools(&self, request: Request<wire::ListToolsRequest>) -> Answer<wire::ListToolsResponse> {
        let (caller, message) = take(request)?;
        let ask = page(message.page_size, message.page_token);
        let query = query(message.filter.unwrap_or_default());
        tools::list(&self.0, &caller, &query, &ask).await.map_err(fail)?;
        give(wire::ListToolsResponse::default())
    }

    async fn list_scoped_tools(
        &self,
        request: Request<wire::ListScopedToolsRequest>,
    ) -> Answer<wire::ListScopedToolsResponse> {
        let (caller, message) = take(request)?;
        let ask = page(message.page_size, message.page_token);
        tools::list_scoped(&self.0, &caller, &message.identifier, &ask).map_err(fail)?;
        give(wire::ListScopedToolsResponse::default())
    }

    async fn list_available_tools(
        &self,
        request: Request<wire::ListAvailableToolsRequest>,
    ) -> Answer<wire::ListAvailableToolsResponse> {
        let (caller, message) = take(request)?;
        let ask = page(message.page_size, message.page_token);
        tools::list_available(&self.0, &caller, &message.identifier, &ask).map_err(fail)?;
        give(wire::ListAvailableToolsResponse::default())
    }

    async fn search_tools(
        &self,
        request: Request<wire::SearchToolsRequest>,
    ) -> Answer<wire::SearchToolsResponse> {
        let (caller, _) = take(request)?;
        tools::search(&caller).map_err(fail)?;
        give(wire::SearchToolsResponse::default())
    }

    async fn set_tool_default(
        &self,
        request: Request<wire::SetToolDefaultRequest>,
    ) -> Answer<wire::SetToolDefaultResponse> {
        let (caller, message) = take(request)?;
        tools::change(&caller, &message.name).map_err(fail)?;
        give(wire::SetToolDefaultResponse::default())
    }

    async fn update_tool(
        &self,
        request: Request<wire::UpdateToolRequest>,
    ) -> Answer<wire::UpdateToolResponse> {
        let (caller, message) = take(request)?;
        tools::change(&caller, &message.tool.unwrap_or_default().id).map_err(fail)?;
        give(wire::UpdateToolResponse::default())
    }

    async fn delete_tool(&self, request: Request<wire::DeleteToolRequest>) -> Answer<()> {
        let (caller, message) = take(request)?;
        tools::change(&caller, &message.id).map_err(fail)?;
        give(())
    }

    async fn execute_tool(
        &self,
        request: Request<wire::ExecuteToolRequest>,
    ) -> Answer<wire::ExecuteToolResponse> {
        let (caller, message) = take(request)?;
        let wire::ExecuteToolRequest { connected_account_id: id, connector, identifier, .. } = message;
        let of = map::lookup(id, connector, identifier, message.organization_id, message.user_id);
        tools::execute(&self.0, &caller, &message.tool_name, &of).await.map_err(fail)?;
        give(wire::ExecuteToolResponse::default())
    }

    async fn refresh_tools(
        &self,
        request: Request<wire::RefreshToolsRequest>,
    ) -> Answer<wire::RefreshToolsResponse> {
        let (caller, message) = take(request)?;
        let wire::RefreshToolsRequest { connected_account_id: id, connector, identifier, .. } = message;
        let of = map::lookup(id, connector, identifier, message.organization_id, message.user_id);
        tools::refresh(&self.0, &caller, &of).await.map_err(fail)?;
        give(wire::RefreshToolsResponse::default())
    }
}

fn query(filter: wire::Filter) -> ToolQuery {
    ToolQuery {
        connector: filled(filter.provider),
        names: filter.tool_name,
        query: filter.query.and_then(filled),
        account: map::lookup(
            filter.connected_account_id,
            filter.connector,
            filled(filter.identifier),
            filter.organization_id,
            filter.user_id,
        ),
    }
}
