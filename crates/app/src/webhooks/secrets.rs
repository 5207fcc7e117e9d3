//! The secrets that sign what is sent to an endpoint. Their text leaves the vault twice: when it is made, for its
//! owner to see, and when something is signed.

use std::time::Duration;

use keybearer_core::ids::{EnvironmentId, WebhookEndpointId, WebhookSecretId};
use keybearer_core::{Code, Error, Result, SecretBytes, SecretString};
use keybearer_store::WebhookSecretRow;
use keybearer_vault::Place;
use serde_json::json;

use super::types::{Endpoint, NewSecret};
use super::{endpoints, sign};
use crate::access::{Caller, Permission};
use crate::audit;
use crate::keys::vault_error;
use crate::state::App;

/// Most secrets that sign at once: each adds to the size of every request.
const MAX_SECRETS: usize = 5;

/// Gives the endpoint a new secret. Until `overlap` has passed every request carries a signature of the former ones
/// too.
///
/// # Errors
/// [`Code::PermissionDenied`], [`Code::NotFound`]; [`Code::FailedPrecondition`] while too many still sign.
pub async fn rotate(app: &App, caller: &Caller, id: &str, overlap: Duration) -> Result<NewSecret> {
    caller.require(Permission::WebhooksWrite)?;
    let row = endpoints::row(app, &caller.environment, id).await?;
    let now = app.now();
    if app.db().list_webhook_secrets(&row.id, now).await?.len() >= MAX_SECRETS {
        return Err(Error::new(Code::FailedPrecondition, "the endpoint has five secrets that still sign")
            .with_help("rotate again when one of them has ended, or without an overlap"));
    }
    let (secret, text) = make(app, &caller.environment, &row.id)?;
    let detail = json!({"overlap_seconds": overlap.as_secs()});
    let audit = audit::row(app, caller, "webhook.secret_rotated", row.id.as_str(), detail)?;
    app.db().rotate_webhook_secret(&secret, now.plus(overlap), &audit).await?;
    let secrets = app.db().list_webhook_secrets(&row.id, now).await?;
    Ok(NewSecret { endpoint: Endpoint::new(row, secrets), secret: text })
}

/// A new secret for an endpoint: the row, and the text that is shown this once.
pub(super) fn make(
    app: &App,
    environment: &EnvironmentId,
    endpoint: &WebhookEndpointId,
) -> Result<(WebhookSecretRow, SecretString)> {
    let id = app.id(WebhookSecretId::from_number)?;
    let text = sign::new_secret(app.entropy())?;
    let binding = [endpoint.as_str()];
    let place = place(&id, environment, &binding);
    let sealed = app.keyring()?.seal(place, text.expose().as_bytes(), app.entropy()).map_err(vault_error)?;
    let row = WebhookSecretRow {
        id,
        environment_id: environment.clone(),
        endpoint_id: endpoint.clone(),
        sealed: sealed.into(),
        created_at: app.now(),
        expires_at: None,
    };
    Ok((row, text))
}

/// The keys that sign for an endpoint now, newest first.
pub(super) async fn keys(app: &App, endpoint: &WebhookEndpointId) -> Result<Vec<SecretBytes>> {
    let rows = app.db().list_webhook_secrets(endpoint, app.now()).await?;
    let keyring = app.keyring()?;
    let open = |row: &WebhookSecretRow| {
        let binding = [row.endpoint_id.as_str()];
        let place = place(&row.id, &row.environment_id, &binding);
        let text = keyring.open(place, &row.sealed).map_err(vault_error)?;
        sign::key(text.expose())
    };
    rows.iter().map(open).collect()
}

fn place<'a>(id: &'a WebhookSecretId, environment: &'a EnvironmentId, binding: &'a [&'a str]) -> Place<'a> {
    Place { table: "webhook_secret", column: "sealed", row: id.as_str(), environment, binding }
}
