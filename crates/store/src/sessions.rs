use std::time::Duration;

use keybearer_core::Timestamp;
use keybearer_core::ids::{EnvironmentId, MemberId, MemberSessionId};

use crate::columns::{SignInMeans, row};
use crate::dialect::{execute, find, list, scalar};
use crate::sql::members as sql;
use crate::{Db, Result};

row! {
    /// A browser that is signed in to the dashboard.
    pub struct MemberSessionRow {
        /// Its id.
        id: MemberSessionId,
        /// Whose.
        member_id: MemberId,
        /// SHA-256 of the cookie's value, hexadecimal.
        token_hash: String,
        /// How they signed in.
        means: SignInMeans,
        /// From where.
        address: String,
        /// The browser, as it calls itself.
        agent: String,
        /// When they signed in.
        created_at: Timestamp,
        /// When it was last used, to the minute.
        seen_at: Timestamp,
        /// When it ends at the latest.
        expires_at: Timestamp,
        /// Where they are; the first environment while they have chosen none.
        environment_id: Option<EnvironmentId>,
        /// When the person last proved who they are.
        confirmed_at: Timestamp,
    }
}

impl Db {
    /// Stores a session and notes the sign-in at the member.
    ///
    /// # Errors
    /// [`crate::StoreError::Reference`] when the member is gone.
    pub async fn add_member_session(&self, row: &MemberSessionRow) -> Result<()> {
        let mut tx = self.begin().await?;
        execute!(tx &mut tx, sql::MEMBER_SESSION_INSERT, row.id, row.member_id, row.token_hash, row.means,
            row.address, row.agent, row.created_at, row.seen_at, row.expires_at, row.environment_id, row.confirmed_at)?;
        execute!(tx &mut tx, sql::MEMBER_SIGNED_IN, row.member_id, row.created_at)?;
        tx.commit().await
    }

    /// The session of a cookie, by the SHA-256 of its value; ended ones too.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn find_member_session(&self, token_hash: &str) -> Result<Option<MemberSessionRow>> {
        find!(read self, sql::MEMBER_SESSION_GET, token_hash)
    }

    /// The sessions of a member, newest first.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn list_member_sessions(&self, member: &MemberId) -> Result<Vec<MemberSessionRow>> {
        list!(read self, sql::MEMBER_SESSION_LIST, member)
    }

    /// Notes that a session was used, at most once a minute.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn touch_member_session(&self, id: &MemberSessionId, now: Timestamp) -> Result<()> {
        let minute = now.minus(Duration::from_secs(60));
        execute!(write self, sql::MEMBER_SESSION_SEEN, id, now, minute).map(|_| ())
    }

    /// Notes the environment that a member has chosen; false when there is no such session.
    ///
    /// # Errors
    /// [`crate::StoreError::Reference`] when the environment is gone.
    pub async fn enter_environment(
        &self,
        member: &MemberId,
        session: &MemberSessionId,
        environment: &EnvironmentId,
    ) -> Result<bool> {
        Ok(execute!(write self, sql::MEMBER_SESSION_ENTER, member, session, environment)? == 1)
    }

    /// Notes that the person of a session proved again who they are.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn confirm_member_session(&self, id: &MemberSessionId, now: Timestamp) -> Result<()> {
        execute!(write self, sql::MEMBER_SESSION_CONFIRM, id, now).map(|_| ())
    }

    /// Ends a session of a member; false when there is no such one.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn end_member_session(&self, member: &MemberId, id: &MemberSessionId) -> Result<bool> {
        Ok(execute!(write self, sql::MEMBER_SESSION_DELETE, member, id)? == 1)
    }

    /// Ends all sessions of a member but one; an id of no session ends all.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn end_other_member_sessions(&self, member: &MemberId, keep: &str) -> Result<u64> {
        execute!(write self, sql::MEMBER_SESSION_DELETE_OTHERS, member, keep)
    }

    /// Deletes sessions that ended, and those that nobody used since `idle`.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn delete_member_sessions(&self, now: Timestamp, idle: Timestamp) -> Result<u64> {
        execute!(write self, sql::MEMBER_SESSION_DELETE_OLD, now, idle)
    }

    /// Counts a try to sign in, before the password is looked at. `None` while the subject has to wait; what was
    /// counted before `forgotten` does not count any more.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn count_sign_in(
        &self,
        subject: &str,
        now: Timestamp,
        forgotten: Timestamp,
    ) -> Result<Option<i64>> {
        scalar!(write self, sql::SIGN_IN_TRY, subject, now, forgotten)
    }

    /// Until when the subject has to wait.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn sign_in_blocked_until(&self, subject: &str) -> Result<Option<Timestamp>> {
        let micros: Option<i64> = scalar!(read self, sql::SIGN_IN_BLOCKED_UNTIL, subject)?;
        Ok(micros.map(Timestamp::from_micros))
    }

    /// Forgets the tries of a subject that signed in.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn forget_sign_ins(&self, subject: &str) -> Result<()> {
        execute!(write self, sql::SIGN_IN_FORGET, subject).map(|_| ())
    }

    /// Deletes tries from before `before`.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn delete_sign_ins(&self, before: Timestamp) -> Result<u64> {
        execute!(write self, sql::SIGN_IN_DELETE_OLD, before)
    }
}
