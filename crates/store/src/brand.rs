use keybearer_core::Timestamp;
use keybearer_core::ids::EnvironmentId;
use serde_json::Value;

use crate::audit::{self, AuditRow};
use crate::columns::{LogoKind, LogoVariant, row};
use crate::dialect::{execute, find, list};
use crate::sql::brand as sql;
use crate::{Db, Result};

row! {
    /// How the hosted pages of an environment look.
    pub struct BrandRow {
        /// The environment.
        environment_id: EnvironmentId,
        /// Counts its changes.
        version: i64,
        /// The settings, as an object.
        settings: Value,
        /// When it was last changed.
        updated_at: Timestamp,
    }

    /// A logo without its content.
    pub struct LogoRef {
        /// The theme that it is for.
        variant: LogoVariant,
        /// How it is drawn.
        kind: LogoKind,
        /// SHA-256 of its bytes, hexadecimal.
        hash: String,
    }

    /// A logo.
    pub struct LogoRow {
        /// The theme that it is for.
        variant: LogoVariant,
        /// How it is drawn.
        kind: LogoKind,
        /// SHA-256 of its bytes, hexadecimal.
        hash: String,
        /// SVG as it is, PNG as base64.
        content: String,
    }
}

/// What to do with the logo of one theme.
#[derive(Clone, Debug, PartialEq)]
pub enum LogoPut {
    /// Another one.
    Replace(LogoRow),
    /// None.
    Remove(LogoVariant),
}

/// A change of a brand, written as a whole or not at all.
#[derive(Clone, Debug, PartialEq)]
pub struct BrandSave {
    /// The row, with its new version.
    pub row: BrandRow,
    /// The name of the app, which lies with the environment.
    pub app_name: String,
    /// The logos that change.
    pub logos: Vec<LogoPut>,
}

impl Db {
    /// The brand of an environment; `None` when it was never changed.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn find_brand(&self, environment: &EnvironmentId) -> Result<Option<BrandRow>> {
        find!(read self, sql::BRAND_GET, environment)
    }

    /// The brands of all environments that have one.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn list_brands(&self) -> Result<Vec<BrandRow>> {
        list!(read self, sql::BRAND_LIST)
    }

    /// The logos of an environment, without their content.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn list_logos(&self, environment: &EnvironmentId) -> Result<Vec<LogoRef>> {
        list!(read self, sql::LOGO_LIST, environment)
    }

    /// The logo with that hash.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn find_logo(&self, hash: &str) -> Result<Option<LogoRow>> {
        find!(read self, sql::LOGO_BY_HASH, hash)
    }

    /// Writes a brand over the version that was seen; false when somebody else was faster.
    ///
    /// # Errors
    /// [`crate::StoreError::Reference`] when the environment is gone.
    pub async fn save_brand(&self, save: &BrandSave, seen: i64, audit: &AuditRow) -> Result<bool> {
        let BrandSave { row, app_name, logos } = save;
        let environment = &row.environment_id;
        let mut tx = self.begin().await?;
        let written = match seen {
            0 => {
                execute!(tx &mut tx, sql::BRAND_INSERT, environment, row.version, row.settings, row.updated_at)?
            }
            _ => execute!(tx &mut tx, sql::BRAND_UPDATE, environment, seen, row.version, row.settings,
                row.updated_at)?,
        };
        if written == 0 {
            return Ok(false);
        }
        execute!(tx &mut tx, sql::BRAND_APP_NAME, environment, app_name, row.updated_at)?;
        for logo in logos {
            match logo {
                LogoPut::Replace(logo) => {
                    execute!(tx &mut tx, sql::LOGO_PUT, environment, logo.variant, logo.kind, logo.hash,
                        logo.content)?
                }
                LogoPut::Remove(variant) => execute!(tx &mut tx, sql::LOGO_DELETE, environment, variant)?,
            };
        }
        audit::insert(&mut tx, audit).await?;
        tx.commit().await?;
        Ok(true)
    }
}
