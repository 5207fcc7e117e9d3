use keybearer_core::Timestamp;
use keybearer_core::ids::{EnvironmentId, UserPageId};

use crate::audit::{self, AuditRow};
use crate::columns::{UserPageKind, row};
use crate::dialect::{execute, find};
use crate::sql::user_pages as sql;
use crate::{Db, Result};

row! {
    /// A page on which one user chooses services or sees their connections.
    pub struct UserPageRow {
        /// Its id.
        id: UserPageId,
        /// The environment it belongs to.
        environment_id: EnvironmentId,
        /// SHA-256 of its token, hexadecimal.
        token_hash: String,
        /// What the user can do there.
        kind: UserPageKind,
        /// The developer's own id for the user.
        identifier: String,
        /// The organization the accounts are scoped to; empty for none.
        organization_id: String,
        /// The user the accounts are scoped to; empty for none.
        user_id: String,
        /// The ids of the connections that it shows; empty for all.
        connections: Vec<String>,
        /// Where the browser goes to be verified.
        user_verify_url: Option<String>,
        /// The app's own `state` of the links that are made here.
        app_state: Option<String>,
        /// Where the page leads back to.
        return_url: Option<String>,
        /// Its language; the browser's when absent.
        locale: Option<String>,
        /// What its maker noted, for the links that are made here too; the user does not see it.
        note: Option<String>,
        /// When it was made.
        created_at: Timestamp,
        /// When it ends.
        expires_at: Timestamp,
    }
}

impl Db {
    /// Writes a page.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn add_user_page(&self, row: &UserPageRow, audit: &AuditRow) -> Result<()> {
        let mut tx = self.begin().await?;
        execute!(tx &mut tx, sql::USER_PAGE_INSERT, row.id, row.environment_id, row.token_hash, row.kind,
            row.identifier, row.organization_id, row.user_id, row.connections, row.user_verify_url, row.app_state,
            row.return_url, row.locale, row.note, row.created_at, row.expires_at)?;
        audit::insert(&mut tx, audit).await?;
        tx.commit().await
    }

    /// The page of a token, by its SHA-256; ended ones too.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn find_user_page(&self, token_hash: &str) -> Result<Option<UserPageRow>> {
        find!(read self, sql::USER_PAGE_BY_TOKEN, token_hash)
    }

    /// Deletes pages that ended before `before`.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn delete_user_pages(&self, before: Timestamp) -> Result<u64> {
        execute!(write self, sql::USER_PAGE_DELETE_OLD, before)
    }

    /// Deletes the pages of a person, with a line in the trail; gives how many were there.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn delete_user_pages_of(
        &self,
        environment: &EnvironmentId,
        identifier: &str,
        audit: &AuditRow,
    ) -> Result<u64> {
        let mut tx = self.begin().await?;
        let gone = execute!(tx &mut tx, sql::USER_PAGE_DELETE_PERSON, environment, identifier)?;
        audit::insert(&mut tx, audit).await?;
        tx.commit().await?;
        Ok(gone)
    }
}
