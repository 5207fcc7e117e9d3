//! The endpoints of an environment.

use std::collections::BTreeSet;

use keybearer_core::ids::{EnvironmentId, WebhookEndpointId};
use keybearer_core::{Code, Error, Result};
use keybearer_store::{EndpointRow, EndpointState, PageRequest};
use serde_json::{Value, json};

use super::types::{CreateEndpoint, Endpoint, NewSecret, UpdateEndpoint};
use super::{schedule, secrets, url};
use crate::access::{Caller, Permission};
use crate::paging::{List, Listed, PageAsk};
use crate::state::App;
use crate::{audit, outbox};

/// Most endpoints of one environment: each event is written once for each of them.
const MAX_ENDPOINTS: i64 = 50;
const MAX_DESCRIPTION: usize = 200;
/// Failed tries in a row after which an endpoint needs attention.
pub const FAILING_AFTER: i64 = schedule::BREAKER;

/// Creates an endpoint. Its secret is shown this once.
///
/// # Errors
/// [`Code::PermissionDenied`]; [`Code::InvalidArgument`] at the field that is wrong; [`Code::FailedPrecondition`]
/// when there are too many.
pub async fn create(app: &App, caller: &Caller, new: &CreateEndpoint) -> Result<NewSecret> {
    caller.require(Permission::WebhooksWrite)?;
    let url = url::check(app, &new.url)?;
    let event_types = types(&new.event_types)?;
    description(&new.description)?;
    if app.db().list_endpoints(&caller.environment, &PageRequest::first(1)).await?.total >= MAX_ENDPOINTS {
        return Err(Error::new(
            Code::FailedPrecondition,
            "the environment has fifty webhook endpoints already",
        )
        .with_help("delete one that is not used any more"));
    }
    let now = app.now();
    let row = EndpointRow {
        id: app.id(WebhookEndpointId::from_number)?,
        environment_id: caller.environment.clone(),
        url: url.into(),
        description: new.description.clone(),
        event_types,
        state: EndpointState::Active,
        disabled_reason: None,
        failure_count: 0,
        failing_since: None,
        retry_at: None,
        last_success_at: None,
        created_at: now,
        updated_at: now,
    };
    let (secret, text) = secrets::make(app, &caller.environment, &row.id)?;
    let audit = audit::row(app, caller, "webhook.created", row.id.as_str(), host(&row.url))?;
    app.db().create_endpoint(&row, &secret, &audit).await?;
    Ok(NewSecret { endpoint: Endpoint::new(row, vec![secret]), secret: text })
}

/// One page of the environment's endpoints, newest first.
///
/// # Errors
/// [`Code::PermissionDenied`]; [`Code::InvalidArgument`] at page size or token.
pub async fn list(app: &App, caller: &Caller, page: &PageAsk) -> Result<Listed<Endpoint>> {
    caller.require(Permission::WebhooksRead)?;
    let list = List {
        environment: &caller.environment,
        name: "webhook_endpoints",
        query: "",
        prefix: WebhookEndpointId::PREFIX,
        default_size: 20,
        max_size: 50,
    };
    let rows = app.db().list_endpoints(&caller.environment, &list.request(app, page)?).await?;
    let listed = list.listed(app, rows)?;
    let mut items = Vec::with_capacity(listed.items.len());
    for row in listed.items {
        items.push(shown(app, row).await?);
    }
    Ok(Listed { items, total: listed.total, next: listed.next, previous: listed.previous })
}

/// The endpoints that need attention: those that fail again and again, and those we gave up on.
///
/// # Errors
/// [`Code::PermissionDenied`].
pub async fn failing(app: &App, caller: &Caller) -> Result<Vec<Endpoint>> {
    // an environment has few, and one page holds them all
    let all = list(app, caller, &PageAsk::first(50)).await?.items;
    let fails = |endpoint: &Endpoint| match endpoint.state {
        EndpointState::Active => endpoint.failure_count >= FAILING_AFTER,
        EndpointState::Disabled => true,
        EndpointState::Paused => false,
    };
    Ok(all.into_iter().filter(fails).collect())
}

/// One endpoint.
///
/// # Errors
/// [`Code::PermissionDenied`], [`Code::NotFound`].
pub async fn get(app: &App, caller: &Caller, id: &str) -> Result<Endpoint> {
    caller.require(Permission::WebhooksRead)?;
    shown(app, row(app, &caller.environment, id).await?).await
}

/// Changes what is given and leaves the rest.
///
/// # Errors
/// [`Code::PermissionDenied`], [`Code::NotFound`]; [`Code::InvalidArgument`] at the field that is wrong.
pub async fn update(app: &App, caller: &Caller, id: &str, patch: &UpdateEndpoint) -> Result<Endpoint> {
    caller.require(Permission::WebhooksWrite)?;
    let before = row(app, &caller.environment, id).await?;
    let mut after = before.clone();
    if let Some(text) = &patch.url {
        after.url = url::check(app, text)?.into();
    }
    if let Some(words) = &patch.description {
        description(words)?;
        after.description.clone_from(words);
    }
    if let Some(wanted) = &patch.event_types {
        after.event_types = types(wanted)?;
    }
    let detail = host(&after.url);
    write(app, caller, (before, after), "webhook.updated", detail).await
}

/// Holds an endpoint: what happens meanwhile waits for 72 hours.
///
/// # Errors
/// [`Code::PermissionDenied`], [`Code::NotFound`]; [`Code::FailedPrecondition`] when it is not active.
pub async fn pause(app: &App, caller: &Caller, id: &str) -> Result<Endpoint> {
    caller.require(Permission::WebhooksWrite)?;
    let before = row(app, &caller.environment, id).await?;
    if before.state != EndpointState::Active {
        let detail = format!("the endpoint is {} and not active", before.state.as_str());
        return Err(Error::new(Code::FailedPrecondition, detail));
    }
    let after = EndpointRow { state: EndpointState::Paused, ..before.clone() };
    write(app, caller, (before, after), "webhook.paused", json!({})).await
}

/// Sends to an endpoint again that was paused, or that we gave up on.
///
/// # Errors
/// [`Code::PermissionDenied`], [`Code::NotFound`]; [`Code::FailedPrecondition`] when it is active.
pub async fn resume(app: &App, caller: &Caller, id: &str) -> Result<Endpoint> {
    caller.require(Permission::WebhooksWrite)?;
    let before = row(app, &caller.environment, id).await?;
    if before.state == EndpointState::Active {
        return Err(Error::new(Code::FailedPrecondition, "the endpoint is active already"));
    }
    let after = EndpointRow { state: EndpointState::Active, ..before.clone() };
    write(app, caller, (before, after), "webhook.resumed", json!({})).await
}

/// Deletes an endpoint with its secrets and its delivery log.
///
/// # Errors
/// [`Code::PermissionDenied`], [`Code::NotFound`].
pub async fn delete(app: &App, caller: &Caller, id: &str) -> Result<()> {
    caller.require(Permission::WebhooksWrite)?;
    let row = row(app, &caller.environment, id).await?;
    let audit = audit::row(app, caller, "webhook.deleted", row.id.as_str(), host(&row.url))?;
    match app.db().delete_endpoint(&caller.environment, &row.id, &audit).await? {
        true => Ok(()),
        false => Err(unknown()),
    }
}

/// The row of an endpoint of the environment.
///
/// # Errors
/// [`Code::NotFound`], also for one of another environment and for a malformed id.
pub(super) async fn row(app: &App, environment: &EnvironmentId, id: &str) -> Result<EndpointRow> {
    let id = WebhookEndpointId::parse(id).ok_or_else(unknown)?;
    app.db().find_endpoint(environment, &id).await?.ok_or_else(unknown)
}

/// The types that an endpoint may ask for, or that a sample may have.
///
/// # Errors
/// [`Code::InvalidArgument`] at `event_types`, naming the one that is unknown.
pub(super) fn types(wanted: &[String]) -> Result<Vec<String>> {
    let unknown = wanted.iter().find(|name| !outbox::event_types().any(|known| known == name.as_str()));
    if let Some(name) = unknown {
        let known: Vec<&str> = outbox::event_types().collect();
        return Err(Error::field("event_types", format!("has no type `{name}`"))
            .with_help(format!("the types are {}", known.join(", "))));
    }
    let unique: BTreeSet<&String> = wanted.iter().collect();
    Ok(unique.into_iter().cloned().collect())
}

async fn write(
    app: &App,
    caller: &Caller,
    (before, mut after): (EndpointRow, EndpointRow),
    action: &str,
    detail: Value,
) -> Result<Endpoint> {
    after.updated_at = app.now();
    (after.failure_count, after.failing_since, after.retry_at) = (0, None, None);
    after.disabled_reason = after.disabled_reason.filter(|_| after.state == EndpointState::Disabled);
    let audit = audit::row(app, caller, action, after.id.as_str(), detail)?;
    if !app.db().update_endpoint(&after, before.updated_at, &audit).await? {
        return Err(Error::new(Code::FailedPrecondition, "the endpoint was changed at the same time")
            .with_help("look at it again and repeat the change"));
    }
    shown(app, after).await
}

async fn shown(app: &App, row: EndpointRow) -> Result<Endpoint> {
    let secrets = app.db().list_webhook_secrets(&row.id, app.now()).await?;
    Ok(Endpoint::new(row, secrets))
}

/// What the audit trail says about an address: its path and query may hold a secret.
fn host(url: &str) -> Value {
    let url: Option<::url::Url> = url.parse().ok();
    json!({"host": url.as_ref().and_then(::url::Url::host_str)})
}

fn description(words: &str) -> Result<()> {
    let fits = words.chars().count() <= MAX_DESCRIPTION && !words.chars().any(char::is_control);
    fits.then_some(()).ok_or_else(|| Error::field("description", "must have at most 200 characters"))
}

fn unknown() -> Error {
    Error::new(Code::NotFound, "there is no such webhook endpoint")
}
