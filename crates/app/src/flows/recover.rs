//! After a start, and now and then: flows that nobody will finish.

use std::time::Duration;

use keybearer_core::{AccountStatus, Code, Result, StatusReason, Timestamp};
use keybearer_store::{AttemptRow, AttemptStatus};

use super::open;
use crate::state::App;

/// How long an exchange can take before its process must be gone.
const STALE: Duration = Duration::from_secs(60);
/// How long ended flows are kept for their pages.
pub(crate) const KEEP: Duration = Duration::from_secs(30 * 86_400);
const BATCH: i64 = 200;

/// Ends exchanges that began before a moment: their process is gone. The code is never sent again: the account is flagged and its user starts
/// over.
///
/// # Errors
/// [`Code::DatabaseUnavailable`].
pub(crate) async fn recover(app: &App, before: Timestamp) -> Result<usize> {
    let stale = app.db().list_stale_attempts(before, BATCH).await?;
    let count = stale.len();
    for attempt in stale {
        interrupt(app, &attempt).await?;
    }
    Ok(count)
}

async fn interrupt(app: &App, attempt: &AttemptRow) -> Result<()> {
    if attempt.status != AttemptStatus::Exchanging {
        return Ok(());
    }
    let reason = StatusReason::ExchangeInterrupted;
    app.db().fail_attempt(&attempt.state_hash, reason.as_str(), None, app.now()).await?;
    let Some(flow) = app.db().find_flow(&attempt.flow_id).await? else {
        return Ok(());
    };
    match open::complete(app, flow).await {
        Ok(open) => {
            tracing::warn!(account.id = %open.account.id, flow.id = %open.flow.id, "an exchange was interrupted by a stop");
            super::finish::flag(app, &open, AccountStatus::PendingAuth, reason).await
        }
        // connection or account are gone: nothing to flag
        Err(trouble) if trouble.error.code == Code::ConnectionNotFound => Ok(()),
        Err(trouble) => Err(trouble.error),
    }
}

/// Ends flows whose time is over and deletes old ones.
///
/// # Errors
/// [`Code::DatabaseUnavailable`].
pub(crate) async fn purge(app: &App) -> Result<()> {
    let now = app.now();
    recover(app, now.minus(STALE)).await?;
    app.db().expire_flows(now.minus(super::state::LIFETIME), now).await?;
    app.db().delete_flows(now.minus(KEEP)).await?;
    app.db().delete_tests(now.minus(KEEP)).await?;
    app.db().delete_user_pages(now.minus(KEEP)).await?;
    Ok(())
}

/// Waits for the exchanges that are under way.
pub(crate) async fn drain(app: &App) {
    app.flow_tasks().close();
    app.flow_tasks().wait().await;
}
