//! The job that refreshes accounts ahead of the end of their tokens.

use std::collections::HashMap;
use std::sync::Arc;

use keybearer_core::ids::AccountId;
use keybearer_core::{Code, Result};
use keybearer_store::AccountRow;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::refresh::Wish;
use super::shared::SharedError;
use super::{refresh, schedule};
use crate::state::App;

/// How many due accounts one look takes.
const BATCH: i64 = 500;

/// Looks for due accounts until `stop`, and refreshes them, a few at a time for each connector, so that one slow
/// provider does not hold up the others.
pub(crate) async fn run(app: App, stop: CancellationToken) {
    let tracker = TaskTracker::new();
    let mut lanes: HashMap<String, Arc<Semaphore>> = HashMap::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(app.config().refresh.tick) => {}
        }
        if tracker.len() > BATCH as usize {
            continue;
        }
        match due(&app).await {
            Ok(rows) => rows.into_iter().for_each(|row| start(&app, &tracker, &mut lanes, row, &stop)),
            Err(error) => tracing::warn!(code = %error.code, "due refreshes could not be read"),
        }
    }
    tracker.close();
    tracker.wait().await;
}

/// The due accounts, moved out of the way of other nodes for a while.
async fn due(app: &App) -> Result<Vec<AccountRow>> {
    let now = app.now();
    let mut mine = Vec::new();
    for row in app.db().list_due_refreshes(now, BATCH).await? {
        let later = schedule::retry(row.failure_count.max(3), None, now, app.entropy())?;
        if app.db().reschedule_refresh(&row.id, row.generation, Some(later)).await? {
            mine.push(row);
        }
    }
    Ok(mine)
}

fn start(
    app: &App,
    tracker: &TaskTracker,
    lanes: &mut HashMap<String, Arc<Semaphore>>,
    row: AccountRow,
    stop: &CancellationToken,
) {
    let lane = lanes.entry(row.connection_id.to_string());
    let lane =
        Arc::clone(lane.or_insert_with(|| Arc::new(Semaphore::new(app.config().refresh.per_provider))));
    let (app, stop) = (app.clone(), stop.clone());
    tracker.spawn(async move {
        let permit = tokio::select! {
            () = stop.cancelled() => return,
            permit = lane.acquire_owned() => permit,
        };
        if permit.is_ok() {
            refresh_one(&app, row.id, row.generation).await;
        }
    });
}

async fn refresh_one(app: &App, id: AccountId, generation: i64) {
    let (worker, account) = (app.clone(), id.clone());
    let work = || async move {
        refresh::run(&worker, &account, generation, Wish::Replace).await.map_err(SharedError::from)
    };
    let outcome = app.flights().join(id.clone(), work).await;
    let failed = match &outcome {
        Ok(Ok(())) => None,
        Ok(Err(shared)) => Some(shared.code()),
        Err(error) => Some(error.code),
    };
    if let Some(code) = failed.filter(|code| *code != Code::FailedPrecondition) {
        tracing::warn!(account.id = %id, %code, "a refresh ahead of time did not succeed");
    }
}
