//! Deliveries: written with their event, fenced, replayed.

use keybearer_core::Timestamp;
use keybearer_core::ids::{AuditId, EventId, WebhookEndpointId, WebhookSecretId};
use keybearer_store::{
    AuditRow, DeliveryFilter, DeliveryRow, DeliveryState, EndpointHealth, EndpointRow, EndpointState,
    NewEvent, PageRequest, Sealed, TryResult, WebhookAttemptRow, WebhookSecretRow,
};
use serde_json::json;

use crate::world::{World, at, environment, on_both};

on_both!(
    an_event_is_queued_for_every_endpoint_that_wants_it,
    a_result_counts_once,
    a_replay_takes_what_failed_and_what_was_never_queued,
    a_failed_write_changes_nothing,
);

const TYPE: &str = "connected_account.created";

fn audit(world: &World, number: i64) -> AuditRow {
    AuditRow {
        id: AuditId::from_number(number),
        environment_id: world.environment.clone(),
        actor: "tests".to_owned(),
        action: "webhook.tested".to_owned(),
        target: "x".to_owned(),
        detail: json!({}),
        reference: None,
        created_at: at(0),
    }
}

async fn endpoint(world: &World, number: i64, types: &[&str]) -> EndpointRow {
    let row = EndpointRow {
        id: WebhookEndpointId::from_number(number),
        environment_id: world.environment.clone(),
        url: "https://a.example/".to_owned(),
        description: String::new(),
        event_types: types.iter().map(|name| (*name).to_owned()).collect(),
        state: EndpointState::Active,
        disabled_reason: None,
        failure_count: 0,
        failing_since: None,
        retry_at: None,
        last_success_at: None,
        created_at: at(0),
        updated_at: at(0),
    };
    let secret = WebhookSecretRow {
        id: WebhookSecretId::from_number(number),
        environment_id: world.environment.clone(),
        endpoint_id: row.id.clone(),
        sealed: Sealed::from(vec![0]),
        created_at: at(0),
        expires_at: None,
    };
    world.db.create_endpoint(&row, &secret, &audit(world, number)).await.unwrap();
    row
}

async fn event(world: &World, number: i64, when: Timestamp) -> NewEvent {
    let event = NewEvent {
        id: EventId::from_number(number),
        event_type: TYPE.to_owned(),
        payload: json!({}),
        created_at: when,
        organization_id: None,
        connection_id: None,
        sample: false,
    };
    world.db.append_event(&world.environment, &event).await.unwrap();
    event
}

async fn due(world: &World, endpoint: &EndpointRow, now: Timestamp) -> Vec<DeliveryRow> {
    world.db.list_due_deliveries(&endpoint.id, now, 10).await.unwrap()
}

fn result(row: &DeliveryRow, state: DeliveryState, next: Timestamp) -> TryResult {
    TryResult {
        attempt: WebhookAttemptRow {
            endpoint_id: row.endpoint_id.clone(),
            event_id: row.event_id.clone(),
            number: row.attempts + 1,
            started_at: at(1),
            duration_ms: 3,
            status: Some(500),
            failure: Some("server_error".to_owned()),
        },
        state,
        next_try_at: next,
        finished_at: (state != DeliveryState::Pending).then_some(at(1)),
    }
}

async fn an_event_is_queued_for_every_endpoint_that_wants_it(world: &World) {
    let all = endpoint(world, 1, &[]).await;
    let wants = endpoint(world, 2, &["connected_account.deleted", TYPE]).await;
    let other = endpoint(world, 3, &["connected_account.created_later", "created"]).await;
    let disabled = endpoint(world, 4, &[]).await;
    world.db.disable_endpoint(&disabled.id, "gone", at(0), &audit(world, 5)).await.unwrap();
    event(world, 1, at(1)).await;
    let foreign = environment(&world.db, 2).await;
    let elsewhere = NewEvent { id: EventId::from_number(2), ..event(world, 3, at(1)).await };
    world.db.append_event(&foreign, &elsewhere).await.unwrap();
    for (endpoint, count) in [(&all, 2), (&wants, 2), (&other, 0), (&disabled, 0)] {
        assert_eq!(due(world, endpoint, at(1)).await.len(), count, "{}", endpoint.id);
    }
    assert!(due(world, &all, at(0)).await.is_empty());
    assert_eq!(world.db.list_ready_endpoints(at(1)).await.unwrap(), [all.id, wants.id]);
}

async fn a_result_counts_once(world: &World) {
    let endpoint = endpoint(world, 1, &[]).await;
    event(world, 1, at(0)).await;
    let row = due(world, &endpoint, at(0)).await.remove(0);
    let health = EndpointHealth { failure_count: 1, failing_since: Some(at(1)), ..EndpointHealth::default() };
    let failed = result(&row, DeliveryState::Pending, at(6));
    world.db.finish_tries(&endpoint.id, &[failed], &health, None).await.unwrap();
    // another node had the same row and is late
    let late = result(&row, DeliveryState::Delivered, at(0));
    world.db.finish_tries(&endpoint.id, &[late], &health, None).await.unwrap();
    let now = world.db.find_delivery(&world.environment, &endpoint.id, &row.event_id).await.unwrap().unwrap();
    assert_eq!((now.state, now.attempts, now.next_try_at), (DeliveryState::Pending, 1, at(6)));
    assert_eq!(world.db.list_webhook_attempts(&endpoint.id, &row.event_id).await.unwrap().len(), 1);
    assert_eq!(world.db.find_live_endpoint(&endpoint.id).await.unwrap().unwrap().failure_count, 1);
    // the endpoint works again
    world.db.finish_tries(&endpoint.id, &[], &EndpointHealth::default(), Some(at(2))).await.unwrap();
    assert_eq!(due(world, &endpoint, at(2)).await.len(), 1);
}

async fn a_replay_takes_what_failed_and_what_was_never_queued(world: &World) {
    event(world, 1, at(0)).await;
    let endpoint = endpoint(world, 1, &[]).await;
    let (delivered, failed) = (event(world, 2, at(1)).await, event(world, 3, at(2)).await);
    for (event, state) in [(&delivered, DeliveryState::Delivered), (&failed, DeliveryState::Failed)] {
        let found = world.db.find_delivery(&world.environment, &endpoint.id, &event.id).await.unwrap();
        let ended = result(&found.unwrap(), state, at(3));
        world.db.finish_tries(&endpoint.id, &[ended], &EndpointHealth::default(), None).await.unwrap();
    }
    let replay = async |since, all, number| {
        let (times, line) = ((since, at(9)), audit(world, number));
        world.db.replay_deliveries(&world.environment, &endpoint.id, times, all, &line).await.unwrap()
    };
    assert_eq!(replay(at(3), true, 11).await, 0);
    assert_eq!(replay(at(0), false, 12).await, 2);
    assert_eq!(replay(at(0), false, 13).await, 0, "what is pending stays as it is");
    assert_eq!(replay(at(1), true, 14).await, 1);
    let (pending, page) = (DeliveryFilter { state: Some(DeliveryState::Pending) }, PageRequest::first(9));
    let all = world.db.list_deliveries(&world.environment, &endpoint.id, &pending, &page).await.unwrap();
    assert_eq!((all.total, all.rows[2].attempts, all.rows[1].attempts), (3, 0, 1));
}

async fn a_failed_write_changes_nothing(world: &World) {
    let endpoint = endpoint(world, 1, &[]).await;
    let once = event(world, 1, at(0)).await;
    let taken = world.db.append_event(&world.environment, &once).await;
    assert!(taken.unwrap_err().is_conflict("event"));
    assert_eq!(due(world, &endpoint, at(0)).await.len(), 1);
}
