//! The call log.

use keybearer_app::logs::{self, CallEntry, CallQuery};
use tonic::{Request, async_trait};

use super::map::{filled, large, time};
use super::{Answer, Service, fail, give, page, take};
use crate::api::proto::keybearer::v1 as own;
use own::log_service_server::LogService;

#[async_trait]
impl LogService for Service {
    async fn list_log_entries(
        &self,
        request: Request<own::ListLogEntriesRequest>,
    ) -> Answer<own::ListLogEntriesResponse> {
        let (caller, message) = take(request)?;
        let query = CallQuery {
            reference: filled(message.reference),
            connection_id: filled(message.connection_id),
            account_id: filled(message.account_id),
        };
        let ask = page(message.page_size, message.page_token);
        let listed = logs::list(&self.0, &caller, &query, &ask).await.map_err(fail)?;
        give(own::ListLogEntriesResponse {
            next_page_token: listed.next.unwrap_or_default(),
            entries: listed.items.into_iter().map(entry).collect(),
        })
    }
}

fn entry(call: CallEntry) -> own::LogEntry {
    own::LogEntry {
        at: Some(time(call.at)),
        kind: call.source.to_ascii_lowercase(),
        reference: call.reference,
        summary: format!("{} {}", call.method, call.path),
        error_code: call.error_code.unwrap_or_default(),
        connection_id: call.connection_id.map(|id| id.to_string()).unwrap_or_default(),
        account_id: call.account_id.map(|id| id.to_string()).unwrap_or_default(),
        actor: String::new(),
        method: call.method,
        path: call.path,
        http_status: call.status.and_then(|status| u32::try_from(status).ok()).unwrap_or_default(),
        duration_ms: large(call.duration_ms),
    }
}
