//! What the page of one delivery shows, and the words for what can go wrong with one.

use askama::Template;
use axum::response::Response;
use keybearer_app::outbox;
use keybearer_app::webhooks::{self, Delivery, DeliveryState, EndpointState};
use keybearer_core::Result;

use super::connections::Badge;
use super::frame::{Frame, Section};
use super::guard::Visit;
use super::webhooks_view::{may, shown_url};
use super::when::When;

/// One delivery with its tries.
#[derive(Template)]
#[template(path = "dashboard/webhook_delivery.html")]
struct DeliveryView {
    frame: Frame,
    id: String,
    event: String,
    event_type: String,
    meaning: &'static str,
    badge: Badge,
    failure: String,
    occurred: When,
    next: Option<When>,
    tries: Vec<TryRow>,
    can_replay: bool,
}

/// One try.
struct TryRow {
    number: i64,
    when: When,
    ok: bool,
    status: String,
    failure: String,
    ms: i64,
}

/// One delivery.
///
/// # Errors
/// Those of the use case.
pub(super) async fn page(visit: &Visit, id: &str, event: &str) -> Result<Response> {
    let now = visit.app().now();
    let endpoint = webhooks::get(visit.app(), visit.caller(), id).await?;
    let delivery = webhooks::find_delivery(visit.app(), visit.caller(), id, event).await?;
    let frame = visit.frame(Section::Webhooks, "Delivery").under("/webhooks", "Webhooks");
    let pending = delivery.state == DeliveryState::Pending;
    let mut frame = frame
        .under(format!("/webhooks/{}", endpoint.id), shown_url(&endpoint.url))
        .under("", delivery.event_id.to_string())
        .command(format!("keybearer webhooks replay {} --event {}", endpoint.id, delivery.event_id));
    frame.again_in = (pending && endpoint.state == EndpointState::Active).then_some(2);
    let view = DeliveryView {
        frame,
        meaning: outbox::meaning(&delivery.event_type),
        badge: delivery_badge(&delivery),
        failure: delivery.failure.as_deref().map(failure_words).unwrap_or_default().to_owned(),
        occurred: When::new(delivery.occurred_at, now),
        next: delivery.next_try_at.map(|at| When::new(at, now)),
        tries: delivery
            .tries
            .iter()
            .map(|one| TryRow {
                number: one.number,
                when: When::new(one.started_at, now),
                ok: one.failure.is_none(),
                status: one.status.map_or_else(|| "—".to_owned(), |status| status.to_string()),
                failure: one.failure.as_deref().map(failure_words).unwrap_or_default().to_owned(),
                ms: one.duration_ms,
            })
            .collect(),
        can_replay: may(visit) && !pending && endpoint.state != EndpointState::Disabled,
        event: delivery.event_id.to_string(),
        event_type: delivery.event_type,
        id: endpoint.id.to_string(),
    };
    Ok(visit.page(&view))
}

/// Where a delivery stands.
pub(super) fn delivery_badge(delivery: &Delivery) -> Badge {
    match delivery.state {
        DeliveryState::Delivered => Badge { word: "Delivered", look: "ok", icon: "check" },
        DeliveryState::Failed => Badge { word: "Failed", look: "bad", icon: "x" },
        DeliveryState::Pending if delivery.attempts > 0 => {
            Badge { word: "Trying again", look: "warn", icon: "clock" }
        }
        DeliveryState::Pending => Badge { word: "Waiting", look: "info", icon: "clock" },
    }
}

/// Why a try failed; the words are ours, what the endpoint answered is not kept.
pub(super) fn failure_words(word: &str) -> &str {
    match word {
        "timeout" => "no answer in time",
        "address_not_allowed" => "its name leads to an address that may not be contacted",
        "name_not_found" => "its name leads nowhere",
        "connection_failed" => "nothing listens there",
        "tls_failed" => "its certificate is not accepted",
        "connection_closed" => "it closed the connection",
        "not_http" => "what it sent is not HTTP",
        "failing" => "it failed for 72 hours",
        "gone" => "it says that it is gone for good (410)",
        "rate_limited" => "it asks to slow down (429)",
        "redirect_not_followed" => "it answers with a redirect, which is not followed",
        "server_error" => "it answers with an error of its own (5xx)",
        "refused" => "it refused the event (4xx)",
        "endpoint_disabled" => "the endpoint was given up",
        "paused_too_long" => "the endpoint was paused for too long",
        other => other,
    }
}
