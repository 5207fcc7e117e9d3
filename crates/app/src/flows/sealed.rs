//! What a flow keeps under the vault: the form's input, and the code while it waits for the app's verify call.

use std::collections::BTreeMap;

use keybearer_connectors::Bindings;
use keybearer_core::ids::{EnvironmentId, FlowId};
use keybearer_core::{Code, Error, Result, Secret, SecretString};
use keybearer_store::{AttemptRow, FlowRow, Sealed};
use keybearer_vault::Place;

use crate::keys::vault_error;
use crate::state::App;

/// Seals values for the flow.
pub(super) fn seal_input(app: &App, flow: &FlowRow, values: &Bindings) -> Result<Sealed> {
    let binding = [flow.connection_id.as_str()];
    seal(app, place("flow", "sealed_input", flow.id.as_str(), &flow.environment_id, &binding), values)
}

/// What the user typed before the provider.
pub(super) fn open_input(app: &App, flow: &FlowRow) -> Result<Bindings> {
    let Some(sealed) = &flow.sealed_input else {
        return Ok(Bindings::new());
    };
    let binding = [flow.connection_id.as_str()];
    open(app, place("flow", "sealed_input", flow.id.as_str(), &flow.environment_id, &binding), sealed)
}

/// Seals values for one trip to the provider.
pub(super) fn seal_attempt(
    app: &App,
    environment: &EnvironmentId,
    flow: &FlowId,
    state_hash: &str,
    values: &Bindings,
) -> Result<Sealed> {
    let binding = [flow.as_str()];
    seal(app, place("flow_attempt", "sealed", state_hash, environment, &binding), values)
}

/// What one trip to the provider keeps.
pub(super) fn open_attempt(app: &App, row: &AttemptRow) -> Result<Bindings> {
    let Some(sealed) = &row.sealed else {
        return Ok(Bindings::new());
    };
    let binding = [row.flow_id.as_str()];
    open(app, place("flow_attempt", "sealed", &row.state_hash, &row.environment_id, &binding), sealed)
}

fn place<'a>(
    table: &'a str,
    column: &'a str,
    row: &'a str,
    environment: &'a EnvironmentId,
    binding: &'a [&'a str],
) -> Place<'a> {
    Place { table, column, row, environment, binding }
}

fn seal(app: &App, place: Place<'_>, values: &Bindings) -> Result<Sealed> {
    let plain: BTreeMap<&str, &str> =
        values.iter().map(|(name, value)| (name, value.expose().as_str())).collect();
    let plaintext = serde_json::to_vec(&plain)
        .map(Secret::new)
        .map_err(|_| Error::internal("flow values cannot be written"))?;
    let sealed = app.keyring()?.seal(place, plaintext.expose(), app.entropy());
    sealed.map(Sealed::from).map_err(vault_error)
}

fn open(app: &App, place: Place<'_>, sealed: &Sealed) -> Result<Bindings> {
    let plaintext = app.keyring()?.open(place, sealed).map_err(vault_error)?;
    let values: BTreeMap<String, SecretString> = serde_json::from_slice(plaintext.expose())
        .map_err(|_| Error::new(Code::IntegrityError, "the stored flow has another shape"))?;
    Ok(values.into_iter().collect())
}
