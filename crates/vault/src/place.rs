use keybearer_core::ids::EnvironmentId;

use crate::VaultError;

/// Where a sealed value lives, and what must not change under it.
///
/// All of it is authenticated with the value and none of it is stored in the value: opening needs exactly the
/// place that sealing was given. Put into `binding` what decides where the secret goes or whom it acts for
/// (connection, identifier, token address) and, against a row that is rolled back, its generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// The table.
    pub table: &'a str,
    /// The column.
    pub column: &'a str,
    /// The primary key of the row.
    pub row: &'a str,
    /// The environment; its data keys are used.
    pub environment: &'a EnvironmentId,
    /// Further values that the secret is bound to, in a fixed order.
    pub binding: &'a [&'a str],
}

impl Place<'_> {
    /// Every field with its length before it, so that no two places give the same bytes.
    pub(crate) fn encode(&self) -> Result<Vec<u8>, VaultError> {
        let mut out = Vec::with_capacity(128);
        for field in [self.table, self.column, self.row, self.environment.as_str()] {
            put(&mut out, field.as_bytes())?;
        }
        for field in self.binding {
            put(&mut out, field.as_bytes())?;
        }
        Ok(out)
    }
}

/// Appends `field` after its length in four bytes.
pub(crate) fn put(out: &mut Vec<u8>, field: &[u8]) -> Result<(), VaultError> {
    let length = u32::try_from(field.len()).map_err(|_| VaultError::PlaceTooLong)?;
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(field);
    Ok(())
}
