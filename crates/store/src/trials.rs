use keybearer_core::Timestamp;
use keybearer_core::ids::{ConnectionId, EnvironmentId, FlowId};
use serde_json::Value;

use crate::columns::{NoteOutcome, row};
use crate::dialect::{execute, find, list};
use crate::sql::trials as sql;
use crate::{Db, Result};

row! {
    /// A test of a connection.
    pub struct TestRow {
        /// The link it was made with.
        flow_id: FlowId,
        /// The environment it belongs to.
        environment_id: EnvironmentId,
        /// The connection.
        connection_id: ConnectionId,
        /// The name of whoever began it.
        tested_by: String,
        /// When it began.
        created_at: Timestamp,
        /// When its last step was done.
        finished_at: Option<Timestamp>,
        /// How many steps were good.
        good: i64,
        /// How many steps there were.
        total: i64,
    }

    /// What a test saw at one step.
    pub struct TestNoteRow {
        /// The step.
        step: String,
        /// How it went.
        outcome: NoteOutcome,
        /// How long it took.
        duration_ms: Option<i64>,
        /// What was seen, without secrets.
        detail: Value,
        /// When.
        at: Timestamp,
    }
}

impl Db {
    /// Writes a test that begins.
    ///
    /// # Errors
    /// [`crate::StoreError::Reference`] when the connection is gone.
    pub async fn create_test(&self, row: &TestRow) -> Result<()> {
        execute!(write self, sql::TEST_INSERT, row.flow_id, row.environment_id, row.connection_id, row.tested_by,
            row.created_at, row.finished_at, row.good, row.total)
        .map(|_| ())
    }

    /// The test of a link.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn find_test(&self, flow: &FlowId) -> Result<Option<TestRow>> {
        find!(read self, sql::TEST_GET, flow)
    }

    /// The newest test of a connection.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn find_latest_test(&self, connection: &ConnectionId) -> Result<Option<TestRow>> {
        find!(read self, sql::TEST_LATEST, connection)
    }

    /// Notes how a test ended.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn finish_test(&self, flow: &FlowId, good: i64, total: i64, now: Timestamp) -> Result<()> {
        execute!(write self, sql::TEST_FINISH, flow, now, good, total).map(|_| ())
    }

    /// Notes what a test saw. Nothing is written for a link that is no test of the dashboard.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn note_test(&self, flow: &FlowId, note: &TestNoteRow) -> Result<()> {
        execute!(write self, sql::TEST_NOTE, flow, note.step, note.outcome, note.duration_ms, note.detail, note.at)
            .map(|_| ())
    }

    /// What a test saw, oldest first.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn list_test_notes(&self, flow: &FlowId) -> Result<Vec<TestNoteRow>> {
        list!(read self, sql::TEST_STEPS, flow)
    }

    /// Deletes tests that began before `before`, except for the newest of each connection.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn delete_tests(&self, before: Timestamp) -> Result<u64> {
        execute!(write self, sql::TEST_FORGET, before)
    }
}
