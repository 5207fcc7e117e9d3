//! Sample events: what a developer sends to see that the receiver works.

use std::time::Duration;

use keybearer_core::ids::EventId;
use keybearer_core::{Code, Error, Result};
use keybearer_store::{EndpointState, EventRow, NewEvent};
use serde_json::{Value, json};

use super::types::Delivery;
use super::{deliveries, endpoints};
use crate::access::{Caller, Permission};
use crate::audit;
use crate::outbox::Event;
use crate::state::App;

/// The type of a sample when nobody says.
const USUAL: &str = "connected_account.updated";

/// Queues a sample event for one endpoint, whatever types it asked for.
///
/// # Errors
/// [`Code::PermissionDenied`], [`Code::NotFound`]; [`Code::InvalidArgument`] for a type that there is not;
/// [`Code::FailedPrecondition`] when the endpoint is not active.
pub async fn send_sample(
    app: &App,
    caller: &Caller,
    endpoint: &str,
    event_type: Option<&str>,
) -> Result<Delivery> {
    caller.require(Permission::WebhooksWrite)?;
    let endpoint = endpoints::row(app, &caller.environment, endpoint).await?;
    if endpoint.state != EndpointState::Active {
        let detail = format!("the endpoint is {}", endpoint.state.as_str());
        return Err(Error::new(Code::FailedPrecondition, detail).with_help("resume it first"));
    }
    let event = sample(app, event_type.unwrap_or(USUAL))?;
    let detail = json!({"event": event.id, "type": event.event_type});
    let audit = audit::row(app, caller, "webhook.tested", endpoint.id.as_str(), detail)?;
    app.db().add_sample(&caller.environment, &endpoint.id, &event, &audit).await?;
    deliveries::find_delivery(
        app,
        &Caller::trusted(caller.environment.clone(), caller.actor.clone(), caller.reference.clone()),
        endpoint.id.as_str(),
        event.id.as_str(),
    )
    .await
}

/// Queues a sample event for every endpoint that wants its type, and gives it.
///
/// # Errors
/// [`Code::PermissionDenied`]; [`Code::InvalidArgument`] for a type that there is not.
pub async fn send_sample_to_all(app: &App, caller: &Caller, event_type: &str) -> Result<Event> {
    caller.require(Permission::WebhooksWrite)?;
    let event = sample(app, event_type)?;
    app.db().append_event(&caller.environment, &event).await?;
    let detail = json!({"event": event.id, "type": event.event_type});
    audit::record(app, caller, "webhook.tested", event.id.as_str(), detail).await?;
    Ok(shown(caller, event))
}

/// What an event of that type looks like. Nothing is queued.
///
/// # Errors
/// [`Code::PermissionDenied`]; [`Code::InvalidArgument`] for a type that there is not.
pub fn example(app: &App, caller: &Caller, event_type: &str) -> Result<Event> {
    caller.require(Permission::WebhooksRead)?;
    Ok(shown(caller, sample(app, event_type)?))
}

fn shown(caller: &Caller, event: NewEvent) -> Event {
    Event::from(EventRow {
        id: event.id,
        environment_id: caller.environment.clone(),
        account_id: None,
        sequence: 0,
        event_type: event.event_type,
        payload: event.payload,
        created_at: event.created_at,
        organization_id: None,
        connection_id: None,
        sample: true,
    })
}

fn sample(app: &App, event_type: &str) -> Result<NewEvent> {
    endpoints::types(&[event_type.to_owned()]).map_err(|error| {
        let mut named = Error::field("event_type", "must be one of the types of events");
        named.help = error.help;
        named
    })?;
    Ok(NewEvent {
        id: app.id(EventId::from_number)?,
        event_type: event_type.to_owned(),
        payload: payload(app, event_type),
        created_at: app.now(),
        organization_id: None,
        connection_id: None,
        sample: true,
    })
}

/// The members of a real event of that type, about an account that there is not.
fn payload(app: &App, event_type: &str) -> Value {
    let mut data = json!({
        "id": "ca_0",
        "identifier": "sample-user",
        "connection_id": "conn_0",
        "connection_name": "sample",
        "provider": "SAMPLE",
        "authorization_type": "OAUTH",
        "status": "ACTIVE",
        "token_expires_at": app.now().plus(Duration::from_secs(3600)).rfc3339(),
    });
    let more = match event_type.rsplit('.').next() {
        Some("status_updated") => Some(("old_status", "PENDING_AUTH")),
        Some("token_refresh_failed") => Some(("reason", "revoked_or_expired")),
        _ => None,
    };
    if let (Some((name, value)), Some(object)) = (more, data.as_object_mut()) {
        object.insert(name.to_owned(), json!(value));
    }
    data
}
