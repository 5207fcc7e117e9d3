//! The events about accounts, and sample events.

use keybearer_app::outbox::{self, Event, EventQuery, OBJECT, SPEC_VERSION};
use keybearer_app::{Listed, webhooks};
use tonic::{Request, Status, async_trait};

use super::map::json::to_struct;
use super::map::{count, filled, from_time, time};
use super::{Answer, Service, fail, give, page, take};
use crate::api::proto::scalekit::v1::events as wire;
use crate::api::proto::scalekit::v1::webhooks as hooks;
use hooks::webhook_service_server::WebhookService;
use wire::events_service_server::EventsService;

#[async_trait]
impl EventsService for Service {
    async fn list_events(
        &self,
        request: Request<wire::ListEventsRequest>,
    ) -> Answer<wire::ListEventsResponse> {
        let (caller, message) = take(request)?;
        let ask = page(message.page_size, message.page_token);
        let listed = match query(message.filter) {
            Some(query) => outbox::list(&self.0, &caller, &query, &ask).await.map_err(fail)?,
            None => nothing(),
        };
        give(wire::ListEventsResponse {
            total_size: count(listed.total),
            next_page_token: listed.next.unwrap_or_default(),
            prev_page_token: listed.previous.unwrap_or_default(),
            events: listed.items.into_iter().map(event).collect(),
        })
    }

    async fn list_events_paginated(
        &self,
        request: Request<wire::ListEventsPaginatedRequest>,
    ) -> Answer<wire::ListEventsPaginatedResponse> {
        let (caller, message) = take(request)?;
        let ask = page(message.page_size, message.page_token);
        let listed = match query(message.filter) {
            Some(query) => outbox::list(&self.0, &caller, &query, &ask).await.map_err(fail)?,
            None => nothing(),
        };
        give(wire::ListEventsPaginatedResponse {
            next_page_token: listed.next.unwrap_or_default(),
            prev_page_token: listed.previous.unwrap_or_default(),
            events: listed.items.into_iter().map(event).collect(),
        })
    }
}

#[async_trait]
impl WebhookService for Service {
    async fn get_portal_url(
        &self,
        request: Request<hooks::GetPortalUrlRequest>,
    ) -> Answer<hooks::GetPortalUrlResponse> {
        let (_, _) = take(request)?;
        give(hooks::GetPortalUrlResponse { url: format!("{}/webhooks", self.0.issuer()) })
    }

    async fn send_test_event(
        &self,
        request: Request<hooks::SendTestEventRequest>,
    ) -> Result<tonic::Response<hooks::SendTestEventResponse>, Status> {
        let (caller, message) = take(request)?;
        let sent = webhooks::send_sample_to_all(&self.0, &caller, &message.event_type).await.map_err(fail)?;
        give(hooks::SendTestEventResponse {
            event_payload: Some(to_struct(sent.envelope())),
            event_type: sent.event_type,
        })
    }
}

/// The filter of the wire; `None` when it asks for something that no event of ours is about.
fn query(filter: Option<wire::EventFilter>) -> Option<EventQuery> {
    let filter = filter.unwrap_or_default();
    let elsewhere = [
        filter.interceptor_id,
        filter.interceptor_status,
        filter.interceptor_decision,
        Some(filter.auth_request_id),
    ];
    let foreign = elsewhere.into_iter().flatten().any(|text| !text.is_empty());
    if foreign || filter.source == wire::Source::DirSync as i32 {
        return None;
    }
    Some(EventQuery {
        event_types: filter.event_types,
        from: filter.start_time.as_ref().map(from_time),
        until: filter.end_time.as_ref().map(from_time),
        organization_id: filled(filter.organization_id),
        connection_id: filter.connection_id.and_then(filled),
        account_id: filter.connected_account_id.and_then(filled),
    })
}

fn nothing() -> Listed<Event> {
    Listed { items: Vec::new(), total: 0, next: None, previous: None }
}

fn event(event: Event) -> wire::ScalekitEvent {
    wire::ScalekitEvent {
        spec_version: SPEC_VERSION.to_owned(),
        id: event.id.to_string(),
        r#type: event.event_type,
        occurred_at: Some(time(event.occurred_at)),
        environment_id: event.environment_id.to_string(),
        organization_id: event.organization_id,
        object: wire::ObjectType::from_str_name(OBJECT).unwrap_or_default().into(),
        data: Some(to_struct(event.data)),
        display_name: event.display_name,
    }
}
