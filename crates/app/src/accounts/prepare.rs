//! The grant of an account after credentials came in.

use keybearer_connectors::Bindings;
use keybearer_connectors::engine::{RefreshKind, refresh_policy};
use keybearer_connectors::forms;
use keybearer_connectors::schema::{AuthMethod, Connector, Place};
use keybearer_core::{Error, FieldViolation, Result, Timestamp};
use keybearer_store::ConnectionRow;
use serde_json::{Map, Value};

use super::given::Given;
use crate::grant::{Grant, GrantPlace};
use crate::state::App;
use crate::tokens::schedule::{self, Times};

/// Name of the sealed value that keeps `path_variables` as they were given; no connector can use it.
pub(super) const PATH_VARIABLES: &str = "path_variables";
/// Name of the wire's `domain` where the connector has no field of that name.
pub(super) const DOMAIN: &str = "domain";

/// Whether an account of the method is complete without anything from its user but what the developer gave.
pub(super) fn needs_nothing(connector: &Connector, method: &AuthMethod, given: &Bindings) -> bool {
    let form = forms::account_form(connector, method);
    let asks =
        form.iter().any(|field| field.required && !field.generated && given.get(&field.name).is_none());
    !method.has_redirect() && !asks
}

/// The grant that `given` makes of the present one.
///
/// # Errors
/// `InvalidArgument` at each field that is still missing.
pub(super) fn merge(
    connector: &Connector,
    method: &AuthMethod,
    present: Option<Grant>,
    given: &Given,
    now: Timestamp,
) -> Result<Grant> {
    let mut grant = present.unwrap_or_default();
    if let Some(tokens) = &given.tokens {
        if let Some(access) = &tokens.access_token {
            grant.tokens.insert("access_token", access.clone());
            grant.access_expires_at = tokens.access_expires_at;
        } else {
            // what is here must be exchanged before the first call
            grant.tokens.remove("access_token");
            grant.access_expires_at = Some(now);
        }
        if let Some(refresh) = &tokens.refresh_token {
            grant.tokens.insert("refresh_token", refresh.clone());
            grant.refresh_expires_at = tokens.refresh_expires_at;
        }
        if let Some(domain) = &tokens.domain {
            grant.account.insert(DOMAIN, domain.as_str());
        }
        grant.obtained_at = now;
    }
    if !given.fields.is_empty() {
        grant.account.extend(given.fields.clone());
        if !method.has_redirect() {
            forget_minted(method, &mut grant);
            grant.obtained_at = now;
        }
    }
    if let Some(variables) = &given.path_variables {
        grant.account.insert(PATH_VARIABLES, Value::Object(variables.clone()).to_string());
    }
    if given.is_credential && given.tokens.is_none() {
        check_complete(connector, method, &grant.account)?;
    }
    Ok(grant)
}

/// A token that was made from values which have changed is not theirs any more.
fn forget_minted(method: &AuthMethod, grant: &mut Grant) {
    if refresh_policy(method).kind != RefreshKind::None {
        grant.tokens = Bindings::new();
        grant.captured = Bindings::new();
        (grant.access_expires_at, grant.refresh_expires_at) = (None, None);
    }
}

fn check_complete(connector: &Connector, method: &AuthMethod, account: &Bindings) -> Result<()> {
    let form = forms::account_form(connector, method);
    let missing =
        form.iter().filter(|field| field.required && !field.generated && account.get(&field.name).is_none());
    let violations: Vec<FieldViolation> = missing
        .map(|field| FieldViolation { field: field.name.clone(), description: "must be given".to_owned() })
        .collect();
    if violations.is_empty() { Ok(()) } else { Err(Error::fields(violations)) }
}

/// The values of an account that may be shown, laid over those that are shown already.
pub(crate) fn variables(method: &AuthMethod, shown: &Value, values: &Bindings) -> Value {
    let mut variables: Map<String, Value> = shown.as_object().cloned().unwrap_or_default();
    for (name, value) in values.iter() {
        let field = method.field(name).filter(|field| field.place == Place::Account);
        let plain = match field {
            Some(field) => !field.secret && !field.one_time,
            None => name == DOMAIN,
        };
        if plain {
            variables.insert(name.to_owned(), Value::String(value.expose().clone()));
        }
    }
    Value::Object(variables)
}

/// The grant as the store keeps it.
pub(crate) fn stored(
    app: &App,
    connection: &ConnectionRow,
    method: &AuthMethod,
    place: GrantPlace<'_>,
    grant: &Grant,
) -> Result<keybearer_store::Grant> {
    let policy = refresh_policy(method);
    let times = Times {
        obtained_at: grant.obtained_at,
        access_expires_at: grant.access_expires_at,
        refresh_expires_at: grant.refresh_expires_at,
        // who has just connected is about to use it
        last_used_at: Some(app.now()),
        connector_margin: policy.margin,
    };
    let only_refresh = grant.token("refresh_token").is_some() && grant.token("access_token").is_none();
    let next_refresh_at = match policy.kind {
        RefreshKind::None => None,
        _ if only_refresh => Some(app.now()),
        _ => schedule::next_refresh(times, app.now(), app.config().refresh.margin, app.entropy())?,
    };
    Ok(keybearer_store::Grant {
        sealed: grant.seal(app, place)?,
        credential_id: connection.credential_id.clone(),
        access_expires_at: grant.access_expires_at,
        refresh_expires_at: grant.refresh_expires_at,
        next_refresh_at,
    })
}
