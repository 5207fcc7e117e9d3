use keybearer_core::ids::MemberId;
use keybearer_core::{MemberRole, Timestamp};

use crate::audit::{self, AuditRow};
use crate::columns::{TicketKind, row};
use crate::dialect::{Tx, execute, find, list, scalar};
use crate::sql::members as sql;
use crate::{Db, Result};

row! {
    /// A person who may sign in to the dashboard.
    pub struct MemberRow {
        /// Its id.
        id: MemberId,
        /// The address they sign in with, lower case.
        email: String,
        /// What they are called.
        name: String,
        /// What they may do.
        role: MemberRole,
        /// Argon2id in its text form; none before a password was chosen.
        password_hash: Option<String>,
        /// When it was made.
        created_at: Timestamp,
        /// When it was last changed.
        updated_at: Timestamp,
        /// When they last signed in.
        signed_in_at: Option<Timestamp>,
    }

    /// A link that works once.
    pub struct TicketRow {
        /// SHA-256 of its token, hexadecimal.
        token_hash: String,
        /// What it is good for.
        kind: TicketKind,
        /// For whom; nobody yet for the first owner.
        member_id: Option<MemberId>,
        /// When it was made.
        created_at: Timestamp,
        /// When it ends.
        expires_at: Timestamp,
        /// When it was used.
        used_at: Option<Timestamp>,
        /// Whether it was made on the machine itself.
        on_machine: bool,
    }
}

/// What came of a change of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberChange {
    /// It is written.
    Done,
    /// There is no such member (any more).
    Gone,
    /// Nobody could manage the members afterwards.
    LastOwner,
}

impl Db {
    /// Makes the first member and uses up the ticket for it. False when the ticket is not good or there is a member.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn create_first_member(
        &self,
        row: &MemberRow,
        ticket_hash: &str,
        audit: &AuditRow,
    ) -> Result<bool> {
        let mut tx = self.begin().await?;
        if !take_first(&mut tx, row, ticket_hash).await? {
            return Ok(false);
        }
        audit::insert(&mut tx, audit).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Makes a member.
    ///
    /// # Errors
    /// [`crate::StoreError::Conflict`] on `member` when the address is taken.
    pub async fn create_member(&self, row: &MemberRow, audit: &AuditRow) -> Result<()> {
        let mut tx = self.begin().await?;
        insert(&mut tx, row).await?;
        audit::insert(&mut tx, audit).await?;
        tx.commit().await
    }

    /// How many members there are.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn count_members(&self) -> Result<i64> {
        let count: Option<i64> = scalar!(read self, sql::MEMBER_COUNT)?;
        Ok(count.unwrap_or_default())
    }

    /// The member of that id.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn find_member(&self, id: &MemberId) -> Result<Option<MemberRow>> {
        find!(read self, sql::MEMBER_GET, id)
    }

    /// The member with that address, in lower case.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn find_member_by_email(&self, email: &str) -> Result<Option<MemberRow>> {
        find!(read self, sql::MEMBER_BY_EMAIL, email)
    }

    /// All members, oldest first.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn list_members(&self) -> Result<Vec<MemberRow>> {
        list!(read self, sql::MEMBER_LIST)
    }

    /// Writes name, role and password of a member. One owner always stays.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn write_member(&self, row: &MemberRow, audit: &AuditRow) -> Result<MemberChange> {
        let mut tx = self.begin().await?;
        execute!(tx &mut tx, sql::MEMBER_LOCK)?;
        if row.role != MemberRole::Owner && is_last_owner(&mut tx, &row.id).await? {
            return Ok(MemberChange::LastOwner);
        }
        let changed = execute!(tx &mut tx, sql::MEMBER_WRITE, row.id, row.name, row.role, row.password_hash,
            row.updated_at)?;
        if changed == 0 {
            return Ok(MemberChange::Gone);
        }
        audit::insert(&mut tx, audit).await?;
        tx.commit().await?;
        Ok(MemberChange::Done)
    }

    /// Deletes a member with their sessions. One owner always stays.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn delete_member(&self, id: &MemberId, audit: &AuditRow) -> Result<MemberChange> {
        let mut tx = self.begin().await?;
        execute!(tx &mut tx, sql::MEMBER_LOCK)?;
        if is_last_owner(&mut tx, id).await? {
            return Ok(MemberChange::LastOwner);
        }
        if execute!(tx &mut tx, sql::MEMBER_DELETE, id)? == 0 {
            return Ok(MemberChange::Gone);
        }
        audit::insert(&mut tx, audit).await?;
        tx.commit().await?;
        Ok(MemberChange::Done)
    }

    /// Stores a ticket; former ones of the member for the same purpose end.
    ///
    /// # Errors
    /// [`crate::StoreError::Reference`] when the member is gone.
    pub async fn add_ticket(&self, row: &TicketRow) -> Result<()> {
        let mut tx = self.begin().await?;
        if let Some(member) = &row.member_id {
            execute!(tx &mut tx, sql::TICKET_DELETE_OF, member, row.kind)?;
        }
        execute!(tx &mut tx, sql::TICKET_INSERT, row.token_hash, row.kind, row.member_id, row.created_at,
            row.expires_at, row.used_at, row.on_machine)?;
        tx.commit().await
    }

    /// The ticket of a token, by its SHA-256; used and ended ones too.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn find_ticket(&self, token_hash: &str) -> Result<Option<TicketRow>> {
        find!(read self, sql::TICKET_GET, token_hash)
    }

    /// Uses a ticket up. True for exactly one caller, while it lasts.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn use_ticket(&self, token_hash: &str, now: Timestamp) -> Result<bool> {
        Ok(execute!(write self, sql::TICKET_USE, token_hash, now)? == 1)
    }

    /// Deletes tickets that ended before `before`.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn delete_tickets(&self, before: Timestamp) -> Result<u64> {
        execute!(write self, sql::TICKET_DELETE_OLD, before)
    }
}

/// Makes the first member, when the ticket is good and there is none.
pub(crate) async fn take_first(tx: &mut Tx, row: &MemberRow, ticket_hash: &str) -> Result<bool> {
    execute!(tx &mut *tx, sql::MEMBER_LOCK)?;
    let members: Option<i64> = scalar!(tx &mut *tx, sql::MEMBER_COUNT)?;
    let used = execute!(tx &mut *tx, sql::TICKET_USE, ticket_hash, row.created_at)?;
    if members != Some(0) || used == 0 {
        return Ok(false);
    }
    insert(tx, row).await?;
    Ok(true)
}

pub(crate) async fn insert(tx: &mut Tx, row: &MemberRow) -> Result<()> {
    execute!(tx tx, sql::MEMBER_INSERT, row.id, row.email, row.name, row.role, row.password_hash, row.created_at,
        row.updated_at, row.signed_in_at)
    .map(|_| ())
}

/// Whether nobody else is an owner, while this member is one.
async fn is_last_owner(tx: &mut Tx, id: &MemberId) -> Result<bool> {
    let present: Option<MemberRow> = find!(tx &mut *tx, sql::MEMBER_GET, id)?;
    if present.is_none_or(|row| row.role != MemberRole::Owner) {
        return Ok(false);
    }
    let others: Option<i64> = scalar!(tx tx, sql::MEMBER_OTHER_OWNERS, MemberRole::Owner, id)?;
    Ok(others == Some(0))
}
