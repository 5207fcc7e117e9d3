use keybearer_core::ids::{EventId, WebhookEndpointId};
use keybearer_core::{SecretString, Timestamp};
use keybearer_store::{
    DeliveryRow, DeliveryState, EndpointRow, EndpointState, WebhookAttemptRow, WebhookSecretRow,
};

/// An address that events are sent to, without secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Its id.
    pub id: WebhookEndpointId,
    /// The address.
    pub url: String,
    /// What a person calls it.
    pub description: String,
    /// The types of events it gets; empty for all.
    pub event_types: Vec<String>,
    /// Whether it is sent to.
    pub state: EndpointState,
    /// Why we gave up on it, in words.
    pub disabled_reason: Option<String>,
    /// Failed tries in a row, over all deliveries.
    pub failure_count: i64,
    /// When the first of them was.
    pub failing_since: Option<Timestamp>,
    /// Nothing is sent before this time.
    pub retry_at: Option<Timestamp>,
    /// When it last took an event.
    pub last_success_at: Option<Timestamp>,
    /// The secrets that sign now, newest first.
    pub secrets: Vec<SigningSecret>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// A secret that signs, without its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningSecret {
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops signing, if it does.
    pub expires_at: Option<Timestamp>,
}

/// An endpoint to make.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CreateEndpoint {
    /// The address.
    pub url: String,
    /// What a person calls it.
    pub description: String,
    /// The types of events it gets; empty for all.
    pub event_types: Vec<String>,
}

/// A change of an endpoint: `None` leaves a value as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpdateEndpoint {
    /// Another address.
    pub url: Option<String>,
    /// Another description.
    pub description: Option<String>,
    /// Other types of events; empty for all.
    pub event_types: Option<Vec<String>>,
}

/// An endpoint with the secret that is shown this once.
#[derive(Debug)]
pub struct NewSecret {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// `whsec_` and base64: what the verifiers of Standard Webhooks take.
    pub secret: SecretString,
}

/// One event for one endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The event; it is the `webhook-id` of every try.
    pub event_id: EventId,
    /// The endpoint.
    pub endpoint_id: WebhookEndpointId,
    /// The type of the event.
    pub event_type: String,
    /// When the event happened.
    pub occurred_at: Timestamp,
    /// The number of the event among those of its account.
    pub sequence: i64,
    /// Where it stands.
    pub state: DeliveryState,
    /// What went wrong with the last try, or why we gave up.
    pub failure: Option<String>,
    /// How often it was tried.
    pub attempts: i64,
    /// The HTTP status that came back at the last try.
    pub last_status: Option<i64>,
    /// How long the last try took.
    pub last_duration_ms: Option<i64>,
    /// When the next try is due, while it is pending.
    pub next_try_at: Option<Timestamp>,
    /// When it was delivered or given up.
    pub finished_at: Option<Timestamp>,
    /// The tries, newest first, where one delivery is shown.
    pub tries: Vec<Attempt>,
}

/// One try. Never a header or a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Counts from 1.
    pub number: i64,
    /// When it began.
    pub started_at: Timestamp,
    /// How long it took.
    pub duration_ms: i64,
    /// The HTTP status that came back.
    pub status: Option<i64>,
    /// What went wrong.
    pub failure: Option<String>,
}

impl Endpoint {
    pub(super) fn new(row: EndpointRow, secrets: Vec<WebhookSecretRow>) -> Self {
        let secrets = secrets
            .into_iter()
            .map(|secret| SigningSecret { created_at: secret.created_at, expires_at: secret.expires_at });
        Self {
            id: row.id,
            url: row.url,
            description: row.description,
            event_types: row.event_types,
            state: row.state,
            disabled_reason: row.disabled_reason,
            failure_count: row.failure_count,
            failing_since: row.failing_since,
            retry_at: row.retry_at,
            last_success_at: row.last_success_at,
            secrets: secrets.collect(),
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl Delivery {
    pub(super) fn new(row: DeliveryRow, tries: Vec<WebhookAttemptRow>) -> Self {
        let pending = row.state == DeliveryState::Pending;
        Self {
            event_id: row.event_id,
            endpoint_id: row.endpoint_id,
            event_type: row.event_type,
            occurred_at: row.created_at,
            sequence: row.sequence,
            state: row.state,
            failure: row.failure,
            attempts: row.attempts,
            last_status: row.last_status,
            last_duration_ms: row.last_duration_ms,
            next_try_at: pending.then_some(row.next_try_at),
            finished_at: row.finished_at,
            tries: tries.into_iter().map(Attempt::from).collect(),
        }
    }
}

impl From<WebhookAttemptRow> for Attempt {
    fn from(row: WebhookAttemptRow) -> Self {
        Self {
            number: row.number,
            started_at: row.started_at,
            duration_ms: row.duration_ms,
            status: row.status,
            failure: row.failure,
        }
    }
}
