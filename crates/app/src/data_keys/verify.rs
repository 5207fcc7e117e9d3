//! Opening every sealed value of an environment, to know before it matters.

use keybearer_core::Result;
use keybearer_core::ids::EnvironmentId;
use keybearer_store::{SEALED_COLUMNS, Sealed, SealedCell, SealedColumn, SealedRange};
use keybearer_vault::Place;

use crate::access::{Caller, Permission};
use crate::keys;
use crate::state::App;

/// How many values are read at once.
const PAGE: i64 = 200;
/// How many rows that do not open are named.
const NAMED: usize = 1000;
/// No value begins so: every one is wanted.
const NOTHING: u8 = 0xff;

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// How many values were opened.
    pub opened: u64,
    /// How many do not open.
    pub failed: u64,
    /// The first thousand that do not.
    pub unopened: Vec<Unopened>,
}

/// A value that does not open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unopened {
    /// The table.
    pub table: String,
    /// The column.
    pub column: String,
    /// The primary key of the row.
    pub row: String,
    /// Why, in the vault's words.
    pub reason: String,
}

/// Opens every sealed value of the caller's environment. Nothing is changed.
///
/// # Errors
/// [`keybearer_core::Code::PermissionDenied`], [`keybearer_core::Code::DatabaseUnavailable`].
pub async fn verify(app: &App, caller: &Caller) -> Result<Verified> {
    caller.require(Permission::KeysRead)?;
    keys::reload_data_keys(app).await?;
    let mut found = Verified::default();
    for column in SEALED_COLUMNS {
        verify_column(app, &caller.environment, column, &mut found).await?;
    }
    Ok(found)
}

async fn verify_column(
    app: &App,
    environment: &EnvironmentId,
    column: &SealedColumn,
    found: &mut Verified,
) -> Result<()> {
    let all = Sealed::from(vec![NOTHING]);
    let mut after = String::new();
    loop {
        let range = SealedRange { environment, after: &after, not_under: &all, limit: PAGE };
        let cells = app.db().list_sealed(column, range).await?;
        let Some(last) = cells.last() else { return Ok(()) };
        after.clone_from(&last.row_id);
        let keyring = app.keyring()?;
        for cell in &cells {
            match keyring.open(place(column, environment, cell, &binding(cell)), &cell.sealed) {
                Ok(_) => found.opened += 1,
                Err(error) => {
                    found.failed += 1;
                    if found.unopened.len() < NAMED {
                        found.unopened.push(Unopened {
                            table: column.table.to_owned(),
                            column: column.column.to_owned(),
                            row: cell.row_id.clone(),
                            reason: error.to_string(),
                        });
                    }
                }
            }
        }
    }
}

/// What a value is bound to besides its row, in the order of sealing.
pub(super) fn binding(cell: &SealedCell) -> Vec<&str> {
    [&cell.binding_1, &cell.binding_2].into_iter().flatten().map(String::as_str).collect()
}

/// Where a value is sealed.
pub(super) fn place<'a>(
    column: &SealedColumn,
    environment: &'a EnvironmentId,
    cell: &'a SealedCell,
    binding: &'a [&'a str],
) -> Place<'a> {
    Place { table: column.table, column: column.column, row: &cell.row_id, environment, binding }
}
