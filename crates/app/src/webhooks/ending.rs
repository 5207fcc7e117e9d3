//! What a finished try means for its delivery and for its endpoint.

use keybearer_core::ids::WebhookEndpointId;
use keybearer_core::{Reference, Result, Timestamp};
use keybearer_store::{DeliveryRow, DeliveryState, EndpointHealth, TryResult, WebhookAttemptRow};
use serde_json::json;

use super::lane::Finished;
use super::schedule::{self, BREAKER, PATIENCE};
use super::send::Outcome;
use crate::access::{Actor, Caller};
use crate::audit;
use crate::state::App;

/// What a few finished tries mean.
#[derive(Debug)]
pub(super) struct Judged {
    pub results: Vec<TryResult>,
    pub health: EndpointHealth,
    /// The endpoint works again: everything that waits for it is due at this time.
    pub hasten: Option<Timestamp>,
    /// We give up on the endpoint, for this reason.
    pub disable: Option<&'static str>,
}

/// Judges tries in the order in which they ended.
pub(super) fn judge(app: &App, before: EndpointHealth, finished: &[Finished]) -> Result<Judged> {
    let now = app.now();
    let (mut health, mut results, mut gone) = (before, Vec::with_capacity(finished.len()), false);
    let mut broken = before.failure_count >= BREAKER;
    let mut hasten = None;
    for (row, outcome) in finished {
        results.push(result(app, row, outcome, now)?);
        if outcome.failure.is_none() {
            hasten = hasten.or(broken.then_some(now));
            broken = false;
            health = EndpointHealth { last_success_at: Some(now), ..EndpointHealth::default() };
            continue;
        }
        gone |= outcome.is_gone();
        health.failure_count = health.failure_count.saturating_add(1);
        health.failing_since = health.failing_since.or(Some(outcome.started_at));
        let until = schedule::breaker(health.failure_count, now, outcome.retry_after, app.entropy())?;
        health.retry_at = health.retry_at.max(until);
        broken |= health.failure_count >= BREAKER;
    }
    let too_long = health.failing_since.is_some_and(|since| now.since(since) >= PATIENCE);
    let disable = match (gone, too_long) {
        (true, _) => Some("gone"),
        (false, true) => Some("failing"),
        (false, false) => None,
    };
    Ok(Judged { results, health, hasten, disable })
}

fn result(app: &App, row: &DeliveryRow, outcome: &Outcome, now: Timestamp) -> Result<TryResult> {
    let first = row.first_try_at.unwrap_or(outcome.started_at);
    let next = match outcome.failure {
        None => None,
        Some(_) => schedule::next_try(row.tries + 1, first, now, outcome.retry_after, app.entropy())?,
    };
    let state = match (outcome.failure, next) {
        (None, _) => DeliveryState::Delivered,
        (Some(_), Some(_)) => DeliveryState::Pending,
        (Some(_), None) => DeliveryState::Failed,
    };
    let attempt = WebhookAttemptRow {
        endpoint_id: row.endpoint_id.clone(),
        event_id: row.event_id.clone(),
        number: row.attempts + 1,
        started_at: outcome.started_at,
        duration_ms: i64::try_from(outcome.duration.as_millis()).unwrap_or(i64::MAX),
        status: outcome.status.map(|status| i64::from(status.as_u16())),
        failure: outcome.failure.map(str::to_owned),
    };
    let finished_at = (state != DeliveryState::Pending).then_some(now);
    Ok(TryResult { attempt, state, next_try_at: next.unwrap_or(now), finished_at })
}

/// Gives up on an endpoint, so that its owner sees why.
pub(super) async fn disable(app: &App, id: &WebhookEndpointId, reason: &'static str) -> Result<()> {
    let Some(endpoint) = app.db().find_live_endpoint(id).await? else { return Ok(()) };
    let caller = Caller::trusted(endpoint.environment_id, Actor::System, Reference::new(app.entropy())?);
    let audit = audit::row(app, &caller, "webhook.disabled", id.as_str(), json!({"reason": reason}))?;
    if app.db().disable_endpoint(id, reason, app.now(), &audit).await? {
        tracing::warn!(endpoint.id = %id, reason, "a webhook endpoint was disabled");
    }
    Ok(())
}
