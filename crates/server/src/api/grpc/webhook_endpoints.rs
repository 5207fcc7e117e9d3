//! Webhook endpoints and their deliveries.

use std::time::Duration;

use keybearer_app::webhooks::{self, CreateEndpoint, Delivery, Endpoint, NewSecret, UpdateEndpoint};
use tonic::{Request, async_trait};

use super::map::{count, filled, from_time, large, time};
use super::{Answer, Service, fail, give, page, take};
use crate::api::proto::keybearer::v1 as own;
use own::webhook_endpoint_service_server::WebhookEndpointService;

#[async_trait]
impl WebhookEndpointService for Service {
    async fn create_webhook_endpoint(
        &self,
        request: Request<own::CreateWebhookEndpointRequest>,
    ) -> Answer<own::WebhookEndpointSecretResponse> {
        let (caller, message) = take(request)?;
        let new = CreateEndpoint {
            url: message.url,
            description: message.description,
            event_types: message.event_types,
        };
        give(with_secret(webhooks::create(&self.0, &caller, &new).await.map_err(fail)?))
    }

    async fn list_webhook_endpoints(
        &self,
        request: Request<own::ListWebhookEndpointsRequest>,
    ) -> Answer<own::ListWebhookEndpointsResponse> {
        let (caller, message) = take(request)?;
        let ask = page(message.page_size, message.page_token);
        let listed = webhooks::list(&self.0, &caller, &ask).await.map_err(fail)?;
        give(own::ListWebhookEndpointsResponse {
            total_size: count(listed.total),
            next_page_token: listed.next.unwrap_or_default(),
            prev_page_token: listed.previous.unwrap_or_default(),
            endpoints: listed.items.into_iter().map(endpoint).collect(),
        })
    }

    async fn get_webhook_endpoint(
        &self,
        request: Request<own::WebhookEndpointRequest>,
    ) -> Answer<own::WebhookEndpointResponse> {
        let (caller, message) = take(request)?;
        show(webhooks::get(&self.0, &caller, &message.id).await.map_err(fail)?)
    }

    async fn update_webhook_endpoint(
        &self,
        request: Request<own::UpdateWebhookEndpointRequest>,
    ) -> Answer<own::WebhookEndpointResponse> {
        let (caller, message) = take(request)?;
        let patch = UpdateEndpoint {
            url: message.url,
            description: message.description,
            event_types: message.event_types.map(|wanted| wanted.types),
        };
        show(webhooks::update(&self.0, &caller, &message.id, &patch).await.map_err(fail)?)
    }

    async fn pause_webhook_endpoint(
        &self,
        request: Request<own::WebhookEndpointRequest>,
    ) -> Answer<own::WebhookEndpointResponse> {
        let (caller, message) = take(request)?;
        show(webhooks::pause(&self.0, &caller, &message.id).await.map_err(fail)?)
    }

    async fn resume_webhook_endpoint(
        &self,
        request: Request<own::WebhookEndpointRequest>,
    ) -> Answer<own::WebhookEndpointResponse> {
        let (caller, message) = take(request)?;
        show(webhooks::resume(&self.0, &caller, &message.id).await.map_err(fail)?)
    }

    async fn delete_webhook_endpoint(&self, request: Request<own::WebhookEndpointRequest>) -> Answer<()> {
        let (caller, message) = take(request)?;
        webhooks::delete(&self.0, &caller, &message.id).await.map_err(fail)?;
        give(())
    }

    async fn rotate_webhook_secret(
        &self,
        request: Request<own::RotateWebhookSecretRequest>,
    ) -> Answer<own::WebhookEndpointSecretResponse> {
        let (caller, message) = take(request)?;
        let overlap = Duration::from_secs(u64::from(message.overlap_seconds));
        give(with_secret(webhooks::rotate(&self.0, &caller, &message.id, overlap).await.map_err(fail)?))
    }

    async fn test_webhook_endpoint(
        &self,
        request: Request<own::TestWebhookEndpointRequest>,
    ) -> Answer<own::WebhookDeliveryResponse> {
        let (caller, message) = take(request)?;
        let kind = filled(message.event_type);
        let sent = webhooks::send_sample(&self.0, &caller, &message.id, kind.as_deref()).await;
        give(own::WebhookDeliveryResponse { delivery: Some(delivery(sent.map_err(fail)?)) })
    }

    async fn list_webhook_deliveries(
        &self,
        request: Request<own::ListWebhookDeliveriesRequest>,
    ) -> Answer<own::ListWebhookDeliveriesResponse> {
        let (caller, message) = take(request)?;
        let (ask, state) = (page(message.page_size, message.page_token), filled(message.state));
        let listed = webhooks::list_deliveries(&self.0, &caller, &message.id, state.as_deref(), &ask).await;
        let listed = listed.map_err(fail)?;
        give(own::ListWebhookDeliveriesResponse {
            total_size: count(listed.total),
            next_page_token: listed.next.unwrap_or_default(),
            prev_page_token: listed.previous.unwrap_or_default(),
            deliveries: listed.items.into_iter().map(delivery).collect(),
        })
    }

    async fn get_webhook_delivery(
        &self,
        request: Request<own::WebhookDeliveryRequest>,
    ) -> Answer<own::WebhookDeliveryResponse> {
        let (caller, message) = take(request)?;
        let found = webhooks::find_delivery(&self.0, &caller, &message.id, &message.event_id).await;
        give(own::WebhookDeliveryResponse { delivery: Some(delivery(found.map_err(fail)?)) })
    }

    async fn replay_webhook_delivery(
        &self,
        request: Request<own::WebhookDeliveryRequest>,
    ) -> Answer<own::WebhookDeliveryResponse> {
        let (caller, message) = take(request)?;
        let queued = webhooks::replay(&self.0, &caller, &message.id, &message.event_id).await;
        give(own::WebhookDeliveryResponse { delivery: Some(delivery(queued.map_err(fail)?)) })
    }

    async fn replay_webhook_deliveries(
        &self,
        request: Request<own::ReplayWebhookDeliveriesRequest>,
    ) -> Answer<own::ReplayWebhookDeliveriesResponse> {
        let (caller, message) = take(request)?;
        let since = message.since.as_ref().map(from_time).unwrap_or_default();
        let all = message.include_delivered;
        let queued = webhooks::replay_since(&self.0, &caller, &message.id, since, all).await.map_err(fail)?;
        give(own::ReplayWebhookDeliveriesResponse { queued: u32::try_from(queued).unwrap_or(u32::MAX) })
    }
}

fn show(shown: Endpoint) -> Answer<own::WebhookEndpointResponse> {
    give(own::WebhookEndpointResponse { endpoint: Some(endpoint(shown)) })
}

fn with_secret(made: NewSecret) -> own::WebhookEndpointSecretResponse {
    own::WebhookEndpointSecretResponse {
        endpoint: Some(endpoint(made.endpoint)),
        secret: made.secret.expose().clone(),
    }
}

fn endpoint(endpoint: Endpoint) -> own::WebhookEndpoint {
    let secret = |secret: webhooks::SigningSecret| own::WebhookSigningSecret {
        created_at: Some(time(secret.created_at)),
        expires_at: secret.expires_at.map(time),
    };
    own::WebhookEndpoint {
        id: endpoint.id.to_string(),
        url: endpoint.url,
        description: endpoint.description,
        event_types: endpoint.event_types,
        state: endpoint.state.as_str().to_owned(),
        disabled_reason: endpoint.disabled_reason.unwrap_or_default(),
        failure_count: count(endpoint.failure_count),
        failing_since: endpoint.failing_since.map(time),
        retry_at: endpoint.retry_at.map(time),
        last_success_at: endpoint.last_success_at.map(time),
        secrets: endpoint.secrets.into_iter().map(secret).collect(),
        created_at: Some(time(endpoint.created_at)),
        updated_at: Some(time(endpoint.updated_at)),
    }
}

fn delivery(delivery: Delivery) -> own::WebhookDelivery {
    let attempt = |attempt: webhooks::Attempt| own::WebhookAttempt {
        number: count(attempt.number),
        started_at: Some(time(attempt.started_at)),
        duration_ms: large(attempt.duration_ms),
        http_status: count(attempt.status.unwrap_or_default()),
        failure: attempt.failure.unwrap_or_default(),
    };
    own::WebhookDelivery {
        event_id: delivery.event_id.to_string(),
        endpoint_id: delivery.endpoint_id.to_string(),
        event_type: delivery.event_type,
        occurred_at: Some(time(delivery.occurred_at)),
        sequence: large(delivery.sequence),
        state: delivery.state.as_str().to_owned(),
        failure: delivery.failure.unwrap_or_default(),
        attempts: count(delivery.attempts),
        next_attempt_at: delivery.next_try_at.map(time),
        finished_at: delivery.finished_at.map(time),
        attempt_log: delivery.tries.into_iter().map(attempt).collect(),
    }
}
