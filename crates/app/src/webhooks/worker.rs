//! The job that finds what is due, and one task for each endpoint that has something.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use keybearer_core::Result;
use keybearer_core::ids::WebhookEndpointId;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::lane::{self, Lane};
use super::schedule::PATIENCE;
use crate::state::App;

/// How long the log of finished deliveries is kept.
pub(crate) const KEPT: Duration = Duration::from_secs(30 * 86_400);

/// The endpoints that this process sends to right now.
type Busy = Arc<Mutex<BTreeSet<WebhookEndpointId>>>;

/// Looks for endpoints with due deliveries until `stop`; then waits for the requests under way. Endpoints do not
/// wait for each other.
pub(crate) async fn run(app: App, stop: CancellationToken) {
    let (tracker, busy) = (TaskTracker::new(), Busy::default());
    if let Err(error) = lane::end_former(&app).await {
        tracing::warn!(code = %error.code, "former leases of webhooks could not be ended; they end by themselves");
    }
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(app.config().webhooks.tick) => {}
        }
        match app.db().list_ready_endpoints(app.now()).await {
            Ok(ready) => ready.into_iter().for_each(|id| start(&app, &tracker, &busy, id, &stop)),
            Err(error) => tracing::warn!(%error, "due webhooks could not be read"),
        }
    }
    tracker.close();
    tracker.wait().await;
}

fn start(app: &App, tracker: &TaskTracker, busy: &Busy, id: WebhookEndpointId, stop: &CancellationToken) {
    if !busy.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone()) {
        return;
    }
    let (app, busy, stop) = (app.clone(), Arc::clone(busy), stop.clone());
    tracker.spawn(async move {
        if let Err(error) = Lane::new(&app, id.clone()).run(&stop).await {
            tracing::warn!(endpoint.id = %id, code = %error.code, "webhooks could not be sent");
        }
        busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    });
}

/// Gives up what waited too long, deletes old log lines and ended secrets.
///
/// # Errors
/// [`keybearer_core::Code::DatabaseUnavailable`].
pub(crate) async fn tidy(app: &App) -> Result<()> {
    app.db().tidy_deliveries(app.now(), PATIENCE, KEPT).await?;
    app.db().delete_ended_webhook_secrets(app.now()).await?;
    Ok(())
}
