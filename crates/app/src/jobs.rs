//! What runs beside the requests: recovery after a start, refreshes ahead of time, tidying up.

use std::time::Duration;

use keybearer_core::{Result, Timestamp};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::state::App;
use crate::{connections, data_keys, environments, figures, flows, keys, members, tokens, webhooks};

/// How often old flows and keys are tidied up.
const TIDY_EVERY: Duration = Duration::from_secs(300);
/// How long one node holds the tidying job.
const TIDY_LEASE: Duration = Duration::from_secs(600);

/// How old an exchange must be before another node takes its process for gone.
const SHARED_STALE: Duration = Duration::from_secs(60);

/// The running jobs; [`Jobs::stop`] ends them.
#[derive(Debug)]
pub struct Jobs {
    app: App,
    stop: CancellationToken,
    tracker: TaskTracker,
}

/// Starts the jobs: first everything that an ended process left undone, then the regular work. Call it before the
/// first request is answered.
pub fn start(app: &App) -> Jobs {
    let (stop, tracker) = (CancellationToken::new(), TaskTracker::new());
    // what began before this moment is not this process's
    tracker.spawn(recover(app.clone(), app.now()));
    tracker.spawn(tokens::run_background(app.clone(), stop.clone()));
    tracker.spawn(webhooks::run_background(app.clone(), stop.clone()));
    tracker.spawn(tidy_regularly(app.clone(), stop.clone()));
    tracker.spawn(watch_keys(app.clone(), stop.clone()));
    tracker.close();
    Jobs { app: app.clone(), stop, tracker }
}

impl Jobs {
    /// Ends the jobs, and waits for every refresh and exchange that is under way: their tokens must land. Gives up
    /// after `patience` and says how many were left.
    pub async fn stop(self, patience: Duration) {
        self.stop.cancel();
        let app = &self.app;
        let done = async {
            self.tracker.wait().await;
            flows::drain(app).await;
            app.flights().drain().await;
            app.ledger().drain().await;
            app.trail().drain().await;
        };
        if tokio::time::timeout(patience, done).await.is_err() {
            tracing::error!(
                refreshes = app.flights().len(),
                "work under way was abandoned; the next start settles it"
            );
        }
    }
}

async fn recover(app: App, started: Timestamp) {
    let settled = async {
        // one process per SQLite file: whatever was exchanging belongs to a process that is gone
        let age = if app.database_kind() == "sqlite" { Duration::ZERO } else { SHARED_STALE };
        flows::recover(&app, started.minus(age)).await?;
        tokens::recover(&app).await
    };
    match settled.await {
        Ok(0) => {}
        Ok(accounts) => tracing::info!(accounts, "settled refreshes that an ended process left"),
        Err(error) => {
            tracing::error!(code = %error.code, "recovery after the start failed; it is tried again")
        }
    }
}

/// Looks for keys that other nodes made, and goes on with moves to another data key.
async fn watch_keys(app: App, stop: CancellationToken) {
    loop {
        let looked = async {
            keys::look(&app).await?;
            data_keys::resume(&app, &stop).await
        };
        if let Err(error) = looked.await {
            tracing::warn!(code = %error.code, "looking for new keys failed; it is tried again");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(keys::LOOK_EVERY) => {}
        }
    }
}

async fn tidy_regularly(app: App, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(TIDY_EVERY) => {}
        }
        if let Err(error) = tidy(&app).await {
            tracing::warn!(code = %error.code, "tidying up failed");
        }
    }
}

/// Tidies up now, as the regular job does, unless another node does it.
///
/// # Errors
/// [`keybearer_core::Code::DatabaseUnavailable`].
pub async fn tidy_now(app: &App) -> Result<()> {
    tidy(app).await
}

async fn tidy(app: &App) -> Result<()> {
    // counters and files are this node's alone
    app.caps().tidy();
    app.spill().replay(app).await?;
    if !app.db().take_job("tidy", app.node(), TIDY_LEASE).await? {
        return Ok(());
    }
    flows::purge(app).await?;
    webhooks::tidy(app).await?;
    members::purge(app).await?;
    environments::purge_calls(app).await?;
    connections::tidy_secrets(app).await?;
    // leases of other nodes that died have ended by now
    tokens::recover(app).await?;
    app.db().retire_signing_keys(app.now()).await?;
    figures::take_census(app).await?;
    Ok(())
}
