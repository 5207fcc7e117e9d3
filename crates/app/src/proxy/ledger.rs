//! What calls leave behind (their log line, the account's last use) is written in batches: the first line goes at
//! once, and what comes while it is being written goes with the next. A burst of calls costs a few commits.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use keybearer_core::ids::AccountId;
use keybearer_store::CallRow;
use tokio_util::task::TaskTracker;

use crate::environments;
use crate::state::App;

/// Most lines that wait; further ones are dropped and counted in the process log.
const MAX_WAITING: usize = 20_000;
/// Most lines of one commit.
const BATCH: usize = 500;

/// Lines that are not written yet.
#[derive(Default)]
pub(crate) struct Ledger {
    waiting: Mutex<Waiting>,
    tracker: TaskTracker,
}

#[derive(Default)]
struct Waiting {
    calls: Vec<CallRow>,
    used: BTreeSet<AccountId>,
    writing: bool,
}

impl Ledger {
    /// Takes a line, and starts writing unless that is under way.
    pub fn add(&self, app: &App, call: CallRow, used: Vec<AccountId>) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.calls.len() >= MAX_WAITING {
            tracing::warn!("the call log cannot keep up; a line is dropped");
            return;
        }
        waiting.calls.push(call);
        waiting.used.extend(used);
        if !std::mem::replace(&mut waiting.writing, true) {
            let app = app.clone();
            self.tracker.spawn(async move { write(&app).await });
        }
    }

    /// Waits until what came so far is written, for a moment at most.
    pub async fn settle(&self) {
        self.tracker.close();
        let _ = tokio::time::timeout(std::time::Duration::from_secs(2), self.tracker.wait()).await;
        self.tracker.reopen();
    }

    /// Waits until everything is written.
    pub async fn drain(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }

    /// The next batch; `None` ends the writing.
    fn take(&self) -> Option<(Vec<CallRow>, BTreeSet<AccountId>)> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.calls.is_empty() && waiting.used.is_empty() {
            waiting.writing = false;
            return None;
        }
        let count = waiting.calls.len().min(BATCH);
        Some((waiting.calls.drain(..count).collect(), std::mem::take(&mut waiting.used)))
    }
}

async fn write(app: &App) {
    while let Some((mut calls, used)) = app.ledger().take() {
        drop_details(app, &mut calls).await;
        if let Err(error) = app.db().append_calls(&calls).await {
            tracing::warn!(%error, lines = calls.len(), "calls could not be logged");
        }
        for account in used {
            if let Err(error) = app.db().touch_account(&account, app.now()).await {
                tracing::warn!(%error, account.id = %account, "the last use could not be noted");
            }
        }
    }
}

/// Details of failures stay only where the environment keeps them.
async fn drop_details(app: &App, calls: &mut [CallRow]) {
    if calls.iter().all(|call| call.error_message.is_none()) {
        return;
    }
    let environments = environments::list(app).await.unwrap_or_default();
    let keeps =
        |call: &CallRow| environments.iter().any(|one| one.id == call.environment_id && one.detailed_errors);
    calls.iter_mut().filter(|call| !keeps(call)).for_each(|call| call.error_message = None);
}
