//! The log of calls and the sums over it, as the wire has them.

use keybearer_app::analytics::{self, Overview, Tally};
use keybearer_app::tool_calls::{self, ToolCall, ToolCallQuery};
use keybearer_app::{Listed, portal};
use tonic::{Request, async_trait};

use super::map::{filled, from_time, time};
use super::{Answer, Service, fail, give, page, take};
use crate::api::proto::scalekit::v1::agentkit_logs as wire;
use wire::agentkit_analytics_service_server::AgentkitAnalyticsService;
use wire::agentkit_logs_service_server::AgentkitLogsService;

#[async_trait]
impl AgentkitLogsService for Service {
    async fn list_tool_call_logs(
        &self,
        request: Request<wire::ListToolCallLogsRequest>,
    ) -> Answer<wire::ListToolCallLogsResponse> {
        let (caller, message) = take(request)?;
        let ask = page(message.page_size, message.page_token.clone());
        let listed = tool_calls::list(&self.0, &caller, query(message), &ask).await.map_err(fail)?;
        give(calls(listed))
    }

    async fn list_current_tool_call_logs(
        &self,
        request: Request<wire::ListCurrentToolCallLogsRequest>,
    ) -> Answer<wire::ListToolCallLogsResponse> {
        let (caller, message) = take(request)?;
        let ask = page(message.page_size, message.page_token.clone());
        let listed = portal::calls(&self.0, &caller, current(message), &ask).await.map_err(fail)?;
        give(calls(listed))
    }

    async fn get_tool_call_log(
        &self,
        request: Request<wire::GetToolCallLogRequest>,
    ) -> Answer<wire::ToolCallLog> {
        let (caller, message) = take(request)?;
        let found = tool_calls::get(&self.0, &caller, &message.execution_id).await.map_err(fail)?;
        give(call(found))
    }
}

#[async_trait]
impl AgentkitAnalyticsService for Service {
    async fn get_overview_stats(
        &self,
        request: Request<wire::GetOverviewStatsRequest>,
    ) -> Answer<wire::OverviewStats> {
        let (caller, message) = take(request)?;
        give(stats(analytics::overview(&self.0, &caller, span(message)).await.map_err(fail)?))
    }

    async fn get_current_overview_stats(
        &self,
        request: Request<wire::GetOverviewStatsRequest>,
    ) -> Answer<wire::OverviewStats> {
        let (caller, message) = take(request)?;
        give(stats(portal::overview(&self.0, &caller, span(message)).await.map_err(fail)?))
    }
}

fn calls(listed: Listed<ToolCall>) -> wire::ListToolCallLogsResponse {
    wire::ListToolCallLogsResponse {
        next_page_token: listed.next.unwrap_or_default(),
        prev_page_token: listed.previous.unwrap_or_default(),
        total_size: listed.total,
        tool_call_logs: listed.items.into_iter().map(call).collect(),
    }
}

fn span(message: wire::GetOverviewStatsRequest) -> ToolCallQuery {
    ToolCallQuery {
        from: message.start_time.as_ref().map(from_time),
        until: message.end_time.as_ref().map(from_time),
        statuses: message.status,
        providers: message.provider,
        sources: message.source,
        error_codes: message.error_code,
        connection_name: message.connection_name.and_then(filled),
        ..ToolCallQuery::default()
    }
}

fn current(message: wire::ListCurrentToolCallLogsRequest) -> ToolCallQuery {
    ToolCallQuery {
        from: message.start_time.as_ref().map(from_time),
        until: message.end_time.as_ref().map(from_time),
        statuses: message.status,
        providers: message.provider,
        sources: message.source,
        connection_id: message.connection_id.and_then(filled),
        account_id: message.connected_account_id.and_then(filled),
        agent_run_id: message.agent_run_id.and_then(filled),
        connection_name: message.connection_name.and_then(filled),
        ..ToolCallQuery::default()
    }
}

fn query(message: wire::ListToolCallLogsRequest) -> ToolCallQuery {
    ToolCallQuery {
        from: message.start_time.as_ref().map(from_time),
        until: message.end_time.as_ref().map(from_time),
        statuses: message.status,
        providers: message.provider,
        sources: message.source,
        error_codes: Vec::new(),
        connection_id: message.connection_id.and_then(filled),
        account_id: message.connected_account_id.and_then(filled),
        identifier: message.identifier.and_then(filled),
        agent_run_id: message.agent_run_id.and_then(filled),
        connection_name: message.connection_name.and_then(filled),
    }
}

fn call(call: ToolCall) -> wire::ToolCallLog {
    let text = Option::unwrap_or_default;
    wire::ToolCallLog {
        id: call.id.to_string(),
        environment_id: call.environment.to_string(),
        execution_id: call.execution_id,
        agent_run_id: call.agent_run_id,
        tool_name: text(call.tool_name),
        provider: text(call.provider),
        connected_account_id: text(call.account_id.map(|id| id.to_string())),
        connection_id: text(call.connection_id.map(|id| id.to_string())),
        connection_name: text(call.connection_name),
        identifier: text(call.identifier),
        user_id: text(call.user_id),
        organization_id: call.organization_id.map(|id| id.to_string()),
        source: call.source,
        status: call.status.to_owned(),
        error_tier: call.error_tier.unwrap_or_default().to_owned(),
        error_code: text(call.error_code),
        error_message: text(call.error_message),
        duration_ms: call.duration_ms,
        started_at: Some(time(call.started_at)),
        workspace_id: None,
        agent_id: None,
    }
}

fn stats(overview: Overview) -> wire::OverviewStats {
    let width = i64::try_from(overview.width.as_secs()).unwrap_or(i64::MAX);
    let codes = overview.codes.into_iter();
    let connectors = overview.connectors.into_iter();
    let slots = overview.slots.into_iter();
    wire::OverviewStats {
        total: overview.all.total(),
        success: overview.all.success,
        errors: overview.all.errors(),
        provider_errors: overview.all.provider_errors,
        platform_errors: overview.all.platform_errors,
        top_error_codes: codes
            .map(|(error_code, count)| wire::ErrorCodeCount { error_code, count })
            .collect(),
        connector_breakdown: connectors.map(|(provider, tally)| connector(provider, tally)).collect(),
        time_series: slots
            .map(|(begins, tally)| wire::TimeSeriesBucket {
                bucket: Some(time(begins)),
                total: tally.total(),
                success: tally.success,
                errors: tally.errors(),
                bucket_duration_seconds: width,
                provider_errors: tally.provider_errors,
                platform_errors: tally.platform_errors,
            })
            .collect(),
    }
}

fn connector(provider: String, tally: Tally) -> wire::ConnectorStat {
    wire::ConnectorStat {
        provider,
        total: tally.total(),
        success: tally.success,
        errors: tally.errors(),
        provider_errors: tally.provider_errors,
        platform_errors: tally.platform_errors,
    }
}
