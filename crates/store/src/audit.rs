use keybearer_core::Timestamp;
use keybearer_core::ids::{AuditId, EnvironmentId};
use serde_json::Value;

use crate::columns::row;
use crate::dialect::{Tx, execute, list, scalar};
use crate::page::{Cursor, Keyed, Page, PageRequest};
use crate::sql::logs as sql;
use crate::{Db, Result};

row! {
    /// One line of the audit trail: who did what to which thing.
    pub struct AuditRow {
        /// Its id.
        id: AuditId,
        /// The environment it belongs to.
        environment_id: EnvironmentId,
        /// Who, for example the id of an API client.
        actor: String,
        /// What, for example `connection.paused`.
        action: String,
        /// The id of the thing.
        target: String,
        /// More, as an object without secrets.
        detail: Value,
        /// The reference of the request.
        reference: Option<String>,
        /// When.
        created_at: Timestamp,
    }
}

/// Which lines of the audit trail a list shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Only those about this id.
    pub target: Option<String>,
    /// Only those of this actor.
    pub actor: Option<String>,
    /// Only those whose action begins so.
    pub action: Option<String>,
    /// Only from then on.
    pub from: Option<Timestamp>,
    /// Only before then.
    pub until: Option<Timestamp>,
}

impl Keyed for AuditRow {
    fn cursor(&self) -> Cursor {
        Cursor { created_at: self.created_at, id: self.id.to_string() }
    }
}

impl Db {
    /// Adds a line to the audit trail. A line about an account change belongs into
    /// [`crate::AccountChange::audit`] instead.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn append_audit(&self, row: &AuditRow) -> Result<()> {
        let mut tx = self.begin().await?;
        insert(&mut tx, row).await?;
        tx.commit().await
    }

    /// One page of the audit trail, newest first.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn list_audit(
        &self,
        environment: &EnvironmentId,
        filter: &AuditFilter,
        request: &PageRequest,
    ) -> Result<Page<AuditRow>> {
        let (at, id, backward) = request.bounds();
        let text = if backward { sql::AUDIT_NEWER } else { sql::AUDIT_OLDER };
        let rows: Vec<AuditRow> = list!(read self, text, environment, filter.target, filter.actor, filter.action,
            filter.from, filter.until, at, id, request.fetch())?;
        let total: Option<i64> = scalar!(read self, sql::AUDIT_TOTAL, environment, filter.target, filter.actor, filter.action,
            filter.from, filter.until)?;
        Ok(request.page(rows, total.unwrap_or_default()))
    }
}

pub(crate) async fn insert(tx: &mut Tx, row: &AuditRow) -> Result<()> {
    execute!(tx tx, sql::AUDIT_INSERT, row.id, row.environment_id, row.actor, row.action, row.target,
        row.detail, row.reference, row.created_at)
    .map(|_| ())
}
