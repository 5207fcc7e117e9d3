//! What the pages of webhooks show.

use askama::Template;
use axum::response::Response;
use keybearer_app::webhooks::{self, Delivery, DeliveryState, Endpoint, EndpointState, NewSecret, Probe};
use keybearer_app::{Listed, PageAsk, Permission, outbox};
use keybearer_core::{Result, SecretString, Timestamp};
use serde_json::Value;

use super::connections::Badge;
use super::frame::{Frame, Section};
use super::guard::Visit;
use super::webhook_delivery::{delivery_badge, failure_words};
use super::webhooks::{Asked, OVERLAPS, REACH};
use super::when::When;

/// What the form of an endpoint holds.
#[derive(Clone, Debug, Default)]
pub(super) struct Draft {
    /// The endpoint that is changed; none for a new one.
    pub id: Option<String>,
    /// The newest endpoint when the form was opened.
    pub newest: String,
    pub url: String,
    pub description: String,
    /// Empty for all.
    pub types: Vec<String>,
    pub wrong: Option<String>,
}

impl Draft {
    /// The form of an endpoint that there is.
    pub fn of(endpoint: Endpoint) -> Self {
        Self {
            id: Some(endpoint.id.to_string()),
            url: endpoint.url,
            description: endpoint.description,
            types: endpoint.event_types,
            ..Self::default()
        }
    }
}

/// What a look at an address came to.
pub(super) struct Looked {
    ok: bool,
    says: String,
}

impl Looked {
    /// In words.
    pub fn new(probe: Probe) -> Self {
        let ms = probe.duration.as_millis();
        match (probe.status, probe.failure) {
            (Some(status), _) => Self { ok: true, says: format!("It answers: {status} after {ms} ms.") },
            (None, failure) => {
                let why = failure_words(failure.unwrap_or_default());
                Self { ok: false, says: format!("It does not answer: {why} ({ms} ms).") }
            }
        }
    }
}

/// D20.
#[derive(Template)]
#[template(path = "dashboard/webhooks.html")]
struct ListView {
    frame: Frame,
    failing: Vec<Failing>,
    rows: Vec<Row>,
    total: i64,
    next: String,
    previous: String,
    types: Vec<TypeView>,
    may: bool,
}

/// An endpoint that needs attention.
pub(super) struct Failing {
    pub href: String,
    pub name: String,
    pub says: String,
}

/// One endpoint of the list.
struct Row {
    href: String,
    url: String,
    description: String,
    badge: Badge,
    types: String,
    success: Option<When>,
}

/// A type of event.
struct TypeView {
    name: &'static str,
    says: &'static str,
    sample: String,
    chosen: bool,
}

/// The form.
#[derive(Template)]
#[template(path = "dashboard/webhook_form.html")]
pub(super) struct FormView {
    frame: Frame,
    action: String,
    back: String,
    is_new: bool,
    draft: Draft,
    looked: Option<Looked>,
    types: Vec<TypeView>,
}

/// The one page that shows a secret.
#[derive(Template)]
#[template(path = "dashboard/webhook_secret.html")]
pub(super) struct SecretView {
    frame: Frame,
    id: String,
    url: String,
    secret: SecretString,
    looked: Option<Looked>,
    former: Option<&'static str>,
}

/// One endpoint with its deliveries.
#[derive(Template)]
#[template(path = "dashboard/webhook.html")]
struct OneView {
    frame: Frame,
    id: String,
    url: String,
    description: String,
    badge: Badge,
    trouble: Option<String>,
    types: String,
    success: Option<When>,
    secrets: Vec<(When, Option<When>)>,
    newest: String,
    paused: bool,
    active: bool,
    filters: Vec<Filter>,
    deliveries: Vec<DeliveryRow>,
    total: i64,
    next: String,
    previous: String,
    kinds: Vec<&'static str>,
    overlaps: [(u64, &'static str); 3],
    reach: [(u64, &'static str); 5],
    may: bool,
}

/// A choice of deliveries.
struct Filter {
    label: &'static str,
    href: String,
    here: bool,
}

/// One delivery of the list.
struct DeliveryRow {
    href: String,
    event_type: String,
    badge: Badge,
    status: String,
    latency: String,
    attempts: i64,
    when: When,
    next: Option<When>,
}

/// The page before one is deleted.
#[derive(Template)]
#[template(path = "dashboard/delete_webhook.html")]
pub(super) struct DeleteView {
    frame: Frame,
    id: String,
    url: String,
    active: bool,
}

/// The list.
///
/// # Errors
/// Those of the samples.
pub(super) fn list(visit: &Visit, listed: Listed<Endpoint>) -> Result<Response> {
    let now = visit.app().now();
    let address =
        |token: Option<String>| token.map(|token| format!("/webhooks?page={token}")).unwrap_or_default();
    let view = ListView {
        failing: listed.items.iter().filter_map(|endpoint| failing(endpoint, now)).collect(),
        rows: listed.items.iter().map(|endpoint| row(endpoint, now)).collect(),
        total: listed.total,
        next: address(listed.next),
        previous: address(listed.previous),
        types: types(visit, &[])?,
        may: may(visit),
        frame: visit.frame(Section::Webhooks, "Webhooks").command("keybearer webhooks list"),
    };
    Ok(visit.page(&view))
}

/// What every page that tells of trouble says about endpoints, worst first.
///
/// # Errors
/// Those of the list; nothing for a member who does not see webhooks.
pub(super) async fn attention(visit: &Visit) -> Result<Vec<Failing>> {
    if !visit.caller().permissions.has(Permission::WebhooksRead) {
        return Ok(Vec::new());
    }
    let now = visit.app().now();
    let all = webhooks::failing(visit.app(), visit.caller()).await?;
    Ok(all.iter().filter_map(|endpoint| failing(endpoint, now)).collect())
}

fn failing(endpoint: &Endpoint, now: Timestamp) -> Option<Failing> {
    let says = trouble(endpoint, now)?;
    Some(Failing { href: format!("/webhooks/{}", endpoint.id), name: shown_url(&endpoint.url), says })
}

/// What is wrong with an endpoint that fails again and again, or that we gave up on.
fn trouble(endpoint: &Endpoint, now: Timestamp) -> Option<String> {
    match endpoint.state {
        EndpointState::Disabled => {
            let why = failure_words(endpoint.disabled_reason.as_deref().unwrap_or_default());
            Some(format!("We gave up on it: {why}. Nothing is sent until it is resumed."))
        }
        EndpointState::Active if endpoint.failure_count >= webhooks::FAILING_AFTER => {
            let since = endpoint.failing_since.map(|at| format!(" since {}", When::new(at, now).words));
            Some(format!(
                "{} tries in a row failed{}. Events wait for 72 hours, then they are given up.",
                endpoint.failure_count,
                since.unwrap_or_default()
            ))
        }
        EndpointState::Active | EndpointState::Paused => None,
    }
}

fn row(endpoint: &Endpoint, now: Timestamp) -> Row {
    Row {
        href: format!("/webhooks/{}", endpoint.id),
        url: shown_url(&endpoint.url),
        description: endpoint.description.clone(),
        badge: badge(endpoint),
        types: wanted(&endpoint.event_types),
        success: endpoint.last_success_at.map(|at| When::new(at, now)),
    }
}

fn wanted(types: &[String]) -> String {
    match types.len() {
        0 => "all events".to_owned(),
        1 => types.first().cloned().unwrap_or_default(),
        number => format!("{number} types"),
    }
}

/// An address without its query, which may hold a secret.
pub(super) fn shown_url(url: &str) -> String {
    match url.split_once('?') {
        Some((before, _)) => format!("{before}?…"),
        None => url.to_owned(),
    }
}

fn badge(endpoint: &Endpoint) -> Badge {
    match endpoint.state {
        EndpointState::Paused => Badge { word: "Paused", look: "", icon: "pause" },
        EndpointState::Disabled => Badge { word: "Given up", look: "bad", icon: "x" },
        EndpointState::Active if endpoint.failure_count >= webhooks::FAILING_AFTER => {
            Badge { word: "Failing", look: "bad", icon: "x" }
        }
        EndpointState::Active if endpoint.failure_count > 0 => {
            Badge { word: "Last try failed", look: "warn", icon: "warn" }
        }
        EndpointState::Active => Badge { word: "Active", look: "ok", icon: "check" },
    }
}

/// Whether the member may change endpoints.
pub(super) fn may(visit: &Visit) -> bool {
    visit.caller().permissions.has(Permission::WebhooksWrite)
}

fn types(visit: &Visit, chosen: &[String]) -> Result<Vec<TypeView>> {
    outbox::event_types()
        .map(|name| {
            let sample = webhooks::example(visit.app(), visit.caller(), name)?;
            Ok(TypeView {
                name,
                says: outbox::meaning(name),
                sample: serde_json::to_string_pretty(&Value::Object(sample.envelope())).unwrap_or_default(),
                chosen: chosen.iter().any(|one| one == name),
            })
        })
        .collect()
}

/// The form.
pub(super) fn form(visit: &Visit, draft: Draft, looked: Option<Looked>) -> FormView {
    let frame = visit.frame(Section::Webhooks, "Webhook endpoint").under("/webhooks", "Webhooks");
    let (frame, action, back) = match &draft.id {
        None => (frame.under("", "New"), "/webhooks/new".to_owned(), "/webhooks".to_owned()),
        Some(id) => {
            let back = format!("/webhooks/{id}");
            (frame.under(back.clone(), shown_url(&draft.url)).under("", "Edit"), format!("{back}/edit"), back)
        }
    };
    FormView {
        frame: frame.command("keybearer webhooks add https://app.example/webhooks"),
        types: types(visit, &draft.types).unwrap_or_default(),
        is_new: draft.id.is_none(),
        action,
        back,
        draft,
        looked,
    }
}

/// The secret, this once.
pub(super) fn shown(
    visit: &Visit,
    made: NewSecret,
    looked: Option<Looked>,
    former: Option<&'static str>,
) -> SecretView {
    let frame = visit.frame(Section::Webhooks, "Store the signing secret").under("/webhooks", "Webhooks");
    SecretView {
        frame: frame.under("", shown_url(&made.endpoint.url)),
        id: made.endpoint.id.to_string(),
        url: shown_url(&made.endpoint.url),
        secret: made.secret,
        looked,
        former,
    }
}

/// When the newest secret was made: what a rotation was asked after.
pub(super) fn newest_secret(endpoint: &Endpoint) -> String {
    endpoint.secrets.first().map(|secret| secret.created_at.micros().to_string()).unwrap_or_default()
}

/// One endpoint.
///
/// # Errors
/// Those of the use cases.
pub(super) async fn one(visit: &Visit, id: &str, asked: &Asked) -> Result<Response> {
    let (app, caller, now) = (visit.app(), visit.caller(), visit.app().now());
    let endpoint = webhooks::get(app, caller, id).await?;
    let state = DeliveryState::parse(&asked.state).map(|state| state.as_str());
    let ask = PageAsk { size: 20, token: asked.page.clone() };
    let listed = webhooks::list_deliveries(app, caller, id, state, &ask).await?;
    let here = format!("/webhooks/{}", endpoint.id);
    let address = |token: Option<String>| {
        token
            .map(|token| format!("{here}?state={}&page={token}", state.unwrap_or_default()))
            .unwrap_or_default()
    };
    let frame = visit.frame(Section::Webhooks, "Webhook endpoint").under("/webhooks", "Webhooks");
    let view = OneView {
        frame: frame
            .under("", shown_url(&endpoint.url))
            .command(format!("keybearer webhooks deliveries {}", endpoint.id)),
        badge: badge(&endpoint),
        trouble: trouble(&endpoint, now),
        types: match endpoint.event_types.is_empty() {
            true => "all events".to_owned(),
            false => endpoint.event_types.join(", "),
        },
        success: endpoint.last_success_at.map(|at| When::new(at, now)),
        newest: newest_secret(&endpoint),
        secrets: endpoint
            .secrets
            .iter()
            .map(|secret| (When::new(secret.created_at, now), secret.expires_at.map(|at| When::new(at, now))))
            .collect(),
        paused: endpoint.state != EndpointState::Active,
        active: endpoint.state == EndpointState::Active,
        filters: filters(&here, state),
        total: listed.total,
        next: address(listed.next),
        previous: address(listed.previous),
        deliveries: listed.items.into_iter().map(|delivery| delivery_row(&here, delivery, now)).collect(),
        kinds: outbox::event_types().collect(),
        overlaps: OVERLAPS,
        reach: REACH,
        may: may(visit),
        id: endpoint.id.to_string(),
        url: endpoint.url,
        description: endpoint.description,
    };
    Ok(visit.page(&view))
}

fn filters(here: &str, state: Option<&str>) -> Vec<Filter> {
    let all = [
        (None, "All"),
        (Some("pending"), "Waiting"),
        (Some("delivered"), "Delivered"),
        (Some("failed"), "Failed"),
    ];
    let filter = |(value, label): (Option<&'static str>, &'static str)| Filter {
        label,
        href: value.map_or_else(|| here.to_owned(), |value| format!("{here}?state={value}")),
        here: value == state,
    };
    all.into_iter().map(filter).collect()
}

fn delivery_row(here: &str, delivery: Delivery, now: Timestamp) -> DeliveryRow {
    let status = delivery.last_status.map(|status| status.to_string());
    let failure = delivery.failure.as_deref().map(failure_words);
    DeliveryRow {
        href: format!("{here}/deliveries/{}", delivery.event_id),
        badge: delivery_badge(&delivery),
        status: status.or_else(|| failure.map(str::to_owned)).unwrap_or_else(|| "—".to_owned()),
        latency: delivery.last_duration_ms.map_or_else(|| "—".to_owned(), |ms| format!("{ms} ms")),
        attempts: delivery.attempts,
        when: When::new(delivery.occurred_at, now),
        next: delivery.next_try_at.map(|at| When::new(at, now)),
        event_type: delivery.event_type,
    }
}

/// The page before one is deleted.
pub(super) fn delete(visit: &Visit, endpoint: Endpoint) -> DeleteView {
    let frame = visit.frame(Section::Webhooks, "Delete a webhook endpoint").under("/webhooks", "Webhooks");
    DeleteView {
        frame: frame
            .under(format!("/webhooks/{}", endpoint.id), shown_url(&endpoint.url))
            .under("", "Delete")
            .command(format!("keybearer webhooks delete {}", endpoint.id)),
        active: endpoint.state == EndpointState::Active,
        id: endpoint.id.to_string(),
        url: endpoint.url,
    }
}
