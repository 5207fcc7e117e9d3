//! Moving every sealed value of an environment to its primary data key, beside running refreshes: each value is
//! compared and set, and how far it has come is written with it. A process that ends leaves a move that the next
//! one goes on with.

use std::time::Duration;

use keybearer_core::ids::EnvironmentId;
use keybearer_core::{Code, Error, Result, Timestamp, random_token};
use keybearer_store::{ReencryptionRow, SEALED_COLUMNS, SealedColumn, SealedMove, SealedRange};
use keybearer_vault::Keyring;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::prefix;
use super::verify::{binding, place};
use crate::access::{Actor, Caller, Permission};
use crate::audit;
use crate::keys::{self, vault_error};
use crate::state::App;

/// How many values move in one transaction.
const PAGE: i64 = 100;
/// How long one worker holds a move before another may take it over.
const LEASE: Duration = Duration::from_secs(30);
/// How long a call waits for the end of a move.
const PATIENCE: Duration = Duration::from_secs(50);
/// How often it looks while another worker moves.
const LOOK: Duration = Duration::from_millis(100);

/// How far a move has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reencryption {
    /// Version of the key that values move to.
    pub version: i64,
    /// How many have moved.
    pub moved: i64,
    /// How many are left, those included that do not open.
    pub remaining: i64,
    /// How many of which table do not open.
    pub failed: Vec<(String, i64)>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

/// Begins a move, which a job then carries out; one that is under way goes on.
///
/// # Errors
/// [`Code::PermissionDenied`].
pub async fn begin(app: &App, caller: &Caller) -> Result<Reencryption> {
    caller.require(Permission::KeysWrite)?;
    keys::reload_data_keys(app).await?;
    let key = app.keyring()?.primary(&caller.environment).map_err(vault_error)?.clone();
    if app.db().begin_reencryption(&caller.environment, &key, app.now()).await? {
        audit::record(app, caller, "data_keys.reencryption_started", key.as_str(), json!({})).await?;
    }
    known(app, &caller.environment).await
}

/// How far the last move of the caller's environment has come.
///
/// # Errors
/// [`Code::PermissionDenied`], [`Code::NotFound`] when there was none.
pub async fn state(app: &App, caller: &Caller) -> Result<Reencryption> {
    caller.require(Permission::KeysRead)?;
    known(app, &caller.environment).await
}

/// Moves every sealed value of the caller's environment to its primary key, and waits for the end.
///
/// # Errors
/// [`Code::PermissionDenied`]; [`Code::Unavailable`] when it takes longer than a call may: it goes on, and the same
/// call waits for it again.
pub async fn reencrypt(app: &App, caller: &Caller) -> Result<Reencryption> {
    begin(app, caller).await?;
    let waited = tokio::time::timeout(PATIENCE, async {
        while !drive(app, &caller.environment, &CancellationToken::new()).await? {
            tokio::time::sleep(LOOK).await;
        }
        known(app, &caller.environment).await
    });
    waited.await.unwrap_or_else(|_| {
        Err(Error::new(Code::Unavailable, "values are still being moved")
            .with_help("it goes on by itself; `keybearer keys reencrypt` shows how far it has come")
            .with_retry_after(10))
    })
}

/// Goes on with every move that has not ended and that no other worker is at.
pub(crate) async fn resume(app: &App, stop: &CancellationToken) -> Result<()> {
    for row in app.db().unfinished_reencryptions().await? {
        drive(app, &row.environment_id, stop).await?;
    }
    Ok(())
}

/// Works at a move until it ends. False when another worker has it, or this one is told to stop.
async fn drive(app: &App, environment: &EnvironmentId, stop: &CancellationToken) -> Result<bool> {
    let job = format!("reencrypt:{environment}");
    let owner = format!("{}.{}", app.node(), random_token(app.entropy(), 5)?);
    while !stop.is_cancelled() && app.db().take_job(&job, &owner, LEASE).await? {
        let row = app.db().find_reencryption(environment).await?;
        let Some(row) = row.filter(|row| row.finished_at.is_none()) else {
            app.db().release_job(&job, &owner).await?;
            return Ok(true);
        };
        step(app, row).await?;
    }
    app.db().release_job(&job, &owner).await?;
    let row = app.db().find_reencryption(environment).await?;
    Ok(row.is_none_or(|row| row.finished_at.is_some()))
}

/// Moves one page, or goes on to the next column, or ends.
async fn step(app: &App, mut row: ReencryptionRow) -> Result<()> {
    keys::reload_data_keys(app).await?;
    let (keyring, environment) = (app.keyring()?, row.environment_id.clone());
    let primary = keyring.primary(&environment).map_err(vault_error)?;
    if *primary != row.key_id {
        // another key was activated meanwhile: everything moves there
        app.db().begin_reencryption(&environment, primary, app.now()).await?;
        return Ok(());
    }
    row.updated_at = app.now();
    let column = usize::try_from(row.step).ok().and_then(|step| SEALED_COLUMNS.get(step));
    let Some(column) = column else { return end_of_pass(app, row).await };
    let under = prefix(&row.key_id);
    let after = row.last_row.clone();
    let range = SealedRange { environment: &environment, after: &after, not_under: &under, limit: PAGE };
    let cells = app.db().list_sealed(column, range).await?;
    let Some(last) = cells.last() else {
        (row.step, row.last_row) = (row.step.saturating_add(1), String::new());
        app.db().step_reencryption(None, &[], &row).await?;
        return Ok(());
    };
    row.last_row.clone_from(&last.row_id);
    let moves = moves(app, &keyring, column, &environment, &cells);
    let failed = cells.len().saturating_sub(moves.len());
    count_failed(&mut row.failed, column.table, failed);
    app.db().step_reencryption(Some(column), &moves, &row).await?;
    Ok(())
}

fn moves(
    app: &App,
    keyring: &Keyring,
    column: &SealedColumn,
    environment: &EnvironmentId,
    cells: &[keybearer_store::SealedCell],
) -> Vec<SealedMove> {
    let mut moves = Vec::with_capacity(cells.len());
    for cell in cells {
        let binding = binding(cell);
        let place = place(column, environment, cell, &binding);
        match keyring.reseal(place, &cell.sealed, app.entropy()) {
            Ok(Some(to)) => moves.push(SealedMove {
                row_id: cell.row_id.clone(),
                from: cell.sealed.clone(),
                to: to.into(),
            }),
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(table = column.table, row.id = cell.row_id, %error, "a sealed value does not open");
            }
        }
    }
    moves
}

/// Ends the move when nothing is left but what does not open; otherwise looks through everything once more, for a
/// node that had not heard of the key may have sealed with the former one.
async fn end_of_pass(app: &App, mut row: ReencryptionRow) -> Result<()> {
    let left = app.db().count_sealed_elsewhere(&row.environment_id, &prefix(&row.key_id)).await?;
    if left > failed(&row.failed).iter().map(|(_, count)| *count).sum() {
        (row.step, row.last_row, row.failed) = (0, String::new(), json!({}));
        app.db().step_reencryption(None, &[], &row).await?;
        return Ok(());
    }
    row.finished_at = Some(app.now());
    app.db().step_reencryption(None, &[], &row).await?;
    let caller = Caller::trusted(row.environment_id.clone(), Actor::System, app.reference()?);
    let detail = json!({"moved": row.moved, "failed": row.failed});
    audit::record(app, &caller, "data_keys.reencryption_finished", row.key_id.as_str(), detail).await
}

async fn known(app: &App, environment: &EnvironmentId) -> Result<Reencryption> {
    let row = app.db().find_reencryption(environment).await?;
    let row = row.ok_or_else(|| Error::new(Code::NotFound, "no values were moved to another key yet"))?;
    let key = super::rows(app, environment).await?.into_iter().find(|key| key.id == row.key_id);
    Ok(Reencryption {
        version: key.map(|key| key.version).unwrap_or_default(),
        moved: row.moved,
        remaining: app.db().count_sealed_elsewhere(environment, &prefix(&row.key_id)).await?,
        failed: failed(&row.failed),
        started_at: row.started_at,
        finished_at: row.finished_at,
    })
}

fn count_failed(failed: &mut Value, table: &str, count: usize) {
    if let (Some(counts), true) = (failed.as_object_mut(), count > 0) {
        let before = counts.get(table).and_then(Value::as_u64).unwrap_or_default();
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        counts.insert(table.to_owned(), before.saturating_add(count).into());
    }
}

fn failed(stored: &Value) -> Vec<(String, i64)> {
    let counts = stored.as_object().into_iter().flatten();
    counts.map(|(table, count)| (table.clone(), count.as_i64().unwrap_or_default())).collect()
}
