//! The delivery log of an endpoint, and sending again.

use std::time::Duration;

use keybearer_core::ids::EventId;
use keybearer_core::{Code, Error, Result, Timestamp};
use keybearer_store::{DeliveryFilter, DeliveryRow, DeliveryState, EndpointRow, EndpointState};
use serde_json::json;

use super::endpoints;
use super::types::Delivery;
use crate::access::{Caller, Permission};
use crate::audit;
use crate::paging::{List, Listed, PageAsk};
use crate::state::App;

/// How far back a replay reaches.
const REPLAY_REACH: Duration = Duration::from_secs(30 * 86_400);

/// One page of an endpoint's deliveries, newest event first.
///
/// # Errors
/// [`Code::PermissionDenied`], [`Code::NotFound`]; [`Code::InvalidArgument`] at `state`, page size or token.
pub async fn list_deliveries(
    app: &App,
    caller: &Caller,
    endpoint: &str,
    state: Option<&str>,
    page: &PageAsk,
) -> Result<Listed<Delivery>> {
    caller.require(Permission::WebhooksRead)?;
    let endpoint = endpoints::row(app, &caller.environment, endpoint).await?;
    let state = state.map(|text| {
        DeliveryState::parse(text)
            .ok_or_else(|| Error::field("state", "must be pending, delivered or failed"))
    });
    let filter = DeliveryFilter { state: state.transpose()? };
    let list = List {
        environment: &caller.environment,
        name: "webhook_deliveries",
        query: &format!("{} {filter:?}", endpoint.id),
        prefix: EventId::PREFIX,
        default_size: 20,
        max_size: 100,
    };
    let request = list.request(app, page)?;
    let rows = app.db().list_deliveries(&caller.environment, &endpoint.id, &filter, &request).await?;
    let listed = list.listed(app, rows)?;
    let items = listed.items.into_iter().map(|row| Delivery::new(row, Vec::new())).collect();
    Ok(Listed { items, total: listed.total, next: listed.next, previous: listed.previous })
}

/// One delivery with its tries.
///
/// # Errors
/// [`Code::PermissionDenied`], [`Code::NotFound`].
pub async fn find_delivery(app: &App, caller: &Caller, endpoint: &str, event: &str) -> Result<Delivery> {
    caller.require(Permission::WebhooksRead)?;
    let (_, row) = find(app, caller, endpoint, event).await?;
    let tries = app.db().list_webhook_attempts(&row.endpoint_id, &row.event_id).await?;
    Ok(Delivery::new(row, tries))
}

/// Sends an event again whose delivery had ended. It keeps its id.
///
/// # Errors
/// [`Code::PermissionDenied`], [`Code::NotFound`]; [`Code::FailedPrecondition`] when it waits anyway, or when the
/// endpoint is disabled.
pub async fn replay(app: &App, caller: &Caller, endpoint: &str, event: &str) -> Result<Delivery> {
    caller.require(Permission::WebhooksWrite)?;
    let (endpoint, row) = find(app, caller, endpoint, event).await?;
    must_not_be_disabled(&endpoint)?;
    let detail = json!({"event": row.event_id});
    let audit = audit::row(app, caller, "webhook.replayed", endpoint.id.as_str(), detail)?;
    if !app.db().replay_delivery(&row, app.now(), &audit).await? {
        return Err(Error::new(Code::FailedPrecondition, "the event waits to be sent already"));
    }
    find_delivery(app, caller, endpoint.id.as_str(), row.event_id.as_str()).await
}

/// Sends everything since `since` that the endpoint wants and did not take; with `all` also what it took. Gives the
/// number of events.
///
/// # Errors
/// [`Code::PermissionDenied`], [`Code::NotFound`]; [`Code::InvalidArgument`] when `since` is too long ago;
/// [`Code::FailedPrecondition`] when the endpoint is disabled.
pub async fn replay_since(
    app: &App,
    caller: &Caller,
    endpoint: &str,
    since: Timestamp,
    all: bool,
) -> Result<u64> {
    caller.require(Permission::WebhooksWrite)?;
    let endpoint = endpoints::row(app, &caller.environment, endpoint).await?;
    must_not_be_disabled(&endpoint)?;
    let now = app.now();
    if since < now.minus(REPLAY_REACH) {
        return Err(Error::field("since", "must be at most 30 days ago"));
    }
    let detail = json!({"since": since.rfc3339(), "all": all});
    let audit = audit::row(app, caller, "webhook.replayed_since", endpoint.id.as_str(), detail)?;
    Ok(app.db().replay_deliveries(&caller.environment, &endpoint.id, (since, now), all, &audit).await?)
}

fn must_not_be_disabled(endpoint: &EndpointRow) -> Result<()> {
    if endpoint.state != EndpointState::Disabled {
        return Ok(());
    }
    Err(Error::new(Code::FailedPrecondition, "the endpoint is disabled")
        .with_help("resume it first: `keybearer webhooks resume`"))
}

async fn find(app: &App, caller: &Caller, endpoint: &str, event: &str) -> Result<(EndpointRow, DeliveryRow)> {
    let unknown = || Error::new(Code::NotFound, "there is no delivery of that event to that endpoint");
    let endpoint = endpoints::row(app, &caller.environment, endpoint).await?;
    let event = EventId::parse(event).ok_or_else(unknown)?;
    let row = app.db().find_delivery(&caller.environment, &endpoint.id, &event).await?;
    row.map(|row| (endpoint, row)).ok_or_else(unknown)
}
