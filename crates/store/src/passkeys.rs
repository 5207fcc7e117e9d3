use keybearer_core::Timestamp;
use keybearer_core::ids::{MemberId, PasskeyId};

use crate::audit::{self, AuditRow};
use crate::columns::row;
use crate::dialect::{execute, find, list};
use crate::members::insert as insert_member;
use crate::sql::{members as members_sql, passkeys as sql};
use crate::{Db, MemberRow, Result, StoreError};

row! {
    /// A passkey of a member. Nothing in it is a secret.
    pub struct PasskeyRow {
        /// Its id.
        id: PasskeyId,
        /// Whose.
        member_id: MemberId,
        /// The credential's id, base64url.
        credential_id: String,
        /// The public key in the form of COSE, base64url.
        public_key: String,
        /// How often the authenticator says that it signed; 0 when it does not count.
        sign_count: i64,
        /// Whether it can exist on several devices.
        backup_eligible: bool,
        /// Whether it does.
        backed_up: bool,
        /// How the authenticator is reached, as the browser said, with commas.
        transports: String,
        /// What the member calls it.
        name: String,
        /// When it was added.
        created_at: Timestamp,
        /// When it was last used.
        used_at: Option<Timestamp>,
    }

    /// Who a member is at the single sign-on.
    pub struct IdentityRow {
        /// The issuer.
        issuer: String,
        /// The person's id there; what counts.
        subject: String,
        /// The member.
        member_id: MemberId,
        /// The address that the issuer confirmed last.
        email: String,
        /// When it was linked.
        created_at: Timestamp,
        /// When it was last used.
        used_at: Timestamp,
    }
}

impl Db {
    /// Adds a passkey.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] on `member_passkey` when somebody has that credential.
    pub async fn add_passkey(&self, row: &PasskeyRow, audit: &AuditRow) -> Result<()> {
        let mut tx = self.begin().await?;
        insert(&mut tx, row).await?;
        audit::insert(&mut tx, audit).await?;
        tx.commit().await
    }

    /// The passkey of that credential id.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn find_passkey(&self, credential_id: &str) -> Result<Option<PasskeyRow>> {
        find!(read self, sql::PASSKEY_BY_CREDENTIAL, credential_id)
    }

    /// The passkeys of a member, oldest first.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn list_passkeys(&self, member: &MemberId) -> Result<Vec<PasskeyRow>> {
        list!(read self, sql::PASSKEY_LIST, member)
    }

    /// Notes the use of a passkey. False when its counter did not rise.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn use_passkey(
        &self,
        id: &PasskeyId,
        count: i64,
        backed_up: bool,
        now: Timestamp,
    ) -> Result<bool> {
        Ok(execute!(write self, sql::PASSKEY_USE, id, count, backed_up, now)? == 1)
    }

    /// Gives a passkey of a member another name; false when there is no such one.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn rename_passkey(&self, member: &MemberId, id: &PasskeyId, name: &str) -> Result<bool> {
        Ok(execute!(write self, sql::PASSKEY_RENAME, member, id, name)? == 1)
    }

    /// Deletes a passkey of a member. `keeps_way` says whether they could sign in without any passkey. `None` when there
    /// is no such one, `Some(false)` when it is their last way in.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn delete_passkey(
        &self,
        member: &MemberId,
        id: &PasskeyId,
        keeps_way: bool,
        audit: &AuditRow,
    ) -> Result<Option<bool>> {
        let mut tx = self.begin().await?;
        // two deletes at once would each see the other one's passkey
        execute!(tx &mut tx, members_sql::MEMBER_LOCK)?;
        let rows: Vec<PasskeyRow> = list!(tx &mut tx, sql::PASSKEY_LIST, member)?;
        if !rows.iter().any(|row| row.id == *id) {
            return Ok(None);
        }
        let present: Option<MemberRow> = find!(tx &mut tx, members_sql::MEMBER_GET, member)?;
        let has_password = present.is_some_and(|row| row.password_hash.is_some());
        if rows.len() == 1 && !has_password && !keeps_way {
            return Ok(Some(false));
        }
        execute!(tx &mut tx, sql::PASSKEY_DELETE, member, id)?;
        audit::insert(&mut tx, audit).await?;
        tx.commit().await?;
        Ok(Some(true))
    }

    /// Makes the first member with their passkey and uses up the ticket for it. False when the ticket is not good or there
    /// is a member.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] on `member_passkey`.
    pub async fn create_first_member_with_passkey(
        &self,
        row: &MemberRow,
        passkey: &PasskeyRow,
        ticket_hash: &str,
        audit: &AuditRow,
    ) -> Result<bool> {
        let mut tx = self.begin().await?;
        if !crate::members::take_first(&mut tx, row, ticket_hash).await? {
            return Ok(false);
        }
        insert(&mut tx, passkey).await?;
        audit::insert(&mut tx, audit).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Adds the passkey that an invited member chose instead of a password, and uses up the ticket. False when it is used.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] on `member_passkey`.
    pub async fn redeem_with_passkey(
        &self,
        passkey: &PasskeyRow,
        ticket_hash: &str,
        audit: &AuditRow,
    ) -> Result<bool> {
        let mut tx = self.begin().await?;
        if execute!(tx &mut tx, members_sql::TICKET_USE, ticket_hash, passkey.created_at)? == 0 {
            return Ok(false);
        }
        insert(&mut tx, passkey).await?;
        audit::insert(&mut tx, audit).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Uses a challenge up. True for exactly one caller.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn spend_challenge(&self, hash: &str, expires_at: Timestamp) -> Result<bool> {
        Ok(execute!(write self, sql::CHALLENGE_SPEND, hash, expires_at)? == 1)
    }

    /// Deletes used challenges that ended before `before`.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn delete_challenges(&self, before: Timestamp) -> Result<u64> {
        execute!(write self, sql::CHALLENGE_DELETE_OLD, before)
    }

    /// The member's link to that person at that issuer.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn find_identity(&self, issuer: &str, subject: &str) -> Result<Option<IdentityRow>> {
        find!(read self, sql::IDENTITY_GET, issuer, subject)
    }

    /// Who a member is at the single sign-on.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn list_identities(&self, member: &MemberId) -> Result<Vec<IdentityRow>> {
        list!(read self, sql::IDENTITY_LIST, member)
    }

    /// Who all members are at the single sign-on, those of one member together.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn list_all_identities(&self) -> Result<Vec<IdentityRow>> {
        list!(read self, sql::IDENTITY_LIST_ALL)
    }

    /// Unties a member from a person at an issuer (issuer and subject); all their sessions end but `keep`. False when
    /// they are not tied.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn remove_identity(
        &self,
        member: &MemberId,
        (issuer, subject): (&str, &str),
        keep: &str,
        audit: &AuditRow,
    ) -> Result<bool> {
        let mut tx = self.begin().await?;
        if execute!(tx &mut tx, sql::IDENTITY_DELETE, member, issuer, subject)? == 0 {
            return Ok(false);
        }
        execute!(tx &mut tx, crate::sql::members::MEMBER_SESSION_DELETE_OTHERS, member, keep)?;
        audit::insert(&mut tx, audit).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Links a member to a person at an issuer; `new` makes the member first.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] on `member` when the address is taken, on `member_identity` when that person is linked.
    pub async fn add_identity(
        &self,
        row: &IdentityRow,
        new: Option<&MemberRow>,
        audit: &AuditRow,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        if let Some(member) = new {
            insert_member(&mut tx, member).await?;
        }
        execute!(tx &mut tx, sql::IDENTITY_INSERT, row.issuer, row.subject, row.member_id, row.email, row.created_at,
            row.used_at)?;
        audit::insert(&mut tx, audit).await?;
        tx.commit().await
    }

    /// Notes that a person came in, and the address that the issuer confirms now.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn use_identity(&self, issuer: &str, subject: &str, email: &str, now: Timestamp) -> Result<()> {
        execute!(write self, sql::IDENTITY_USE, issuer, subject, email, now).map(|_| ())
    }

    /// Gives a member another address; false when somebody else has it.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn set_member_email(
        &self,
        id: &MemberId,
        email: &str,
        now: Timestamp,
        audit: &AuditRow,
    ) -> Result<bool> {
        let mut tx = self.begin().await?;
        match execute!(tx &mut tx, members_sql::MEMBER_EMAIL, id, email, now) {
            Err(StoreError::Conflict { .. }) => return Ok(false),
            other => other?,
        };
        audit::insert(&mut tx, audit).await?;
        tx.commit().await?;
        Ok(true)
    }
}

async fn insert(tx: &mut crate::dialect::Tx, row: &PasskeyRow) -> Result<()> {
    execute!(tx tx, sql::PASSKEY_INSERT, row.id, row.member_id, row.credential_id, row.public_key, row.sign_count,
        row.backup_eligible, row.backed_up, row.transports, row.name, row.created_at, row.used_at)
    .map(|_| ())
}
