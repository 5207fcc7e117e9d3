//! Sums for the pictures of the dashboard.

use keybearer_core::ids::{ConnectionId, EnvironmentId};
use keybearer_core::{AccountStatus, Timestamp};

use crate::columns::row;
use crate::dialect::{execute, find, list};
use crate::sql::figures as sql;
use crate::{Db, Result};

/// How many calls are looked at for percentiles.
const SAMPLED: i64 = 20_000;

row! {
    /// How many refreshes of one slot of time ended so.
    pub struct RefreshSlot {
        /// Number of the slot, from 0.
        slot: i64,
        /// `first`, `retried` or `failed`.
        outcome: String,
        /// How many.
        refreshes: i64,
    }

    /// How one slot of time went for a connection.
    pub struct TallySlot {
        /// The connection.
        connection_id: ConnectionId,
        /// Number of the slot, from 0.
        slot: i64,
        /// How many there were.
        total: i64,
        /// How many of them failed.
        failed: i64,
    }

    /// How long a call took.
    pub struct LatencyRow {
        /// Number of the slot, from 0.
        slot: i64,
        /// In all.
        duration_ms: i64,
        /// The provider's part.
        provider_ms: Option<i64>,
    }

    /// How far links got.
    pub struct FlowStage {
        /// Links.
        made: i64,
        /// Of them opened.
        opened: i64,
        /// Of them left for the provider.
        gone: i64,
        /// Of them came back.
        returned: i64,
        /// Of them connected.
        done: i64,
    }

    /// How often something stopped somewhere for one reason.
    pub struct ReasonCount {
        /// Where.
        stage: String,
        /// Why.
        reason: String,
        /// How often.
        times: i64,
    }

    /// How many accounts were in a state on one day.
    pub struct CensusCount {
        /// Days since 1970 UTC.
        day: i64,
        /// The state.
        status: AccountStatus,
        /// How many.
        accounts: i64,
    }
}

/// Environment, span and connection of a sum.
#[derive(Clone, Debug)]
pub struct FigureSpan {
    /// The environment.
    pub environment: EnvironmentId,
    /// From then; slots begin here.
    pub from: Timestamp,
    /// Before then.
    pub until: Timestamp,
    /// Only this connection's.
    pub connection: Option<ConnectionId>,
}

macro_rules! summed {
    ($kind:ident, $db:expr, $text:expr, $span:expr $(, $value:expr)*) => {
        $kind!(read $db, $text, $span.environment, $span.from, $span.until, $span.connection $(, $value)*)
    };
}

impl Db {
    /// Refreshes by slot and outcome.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn count_refreshes_by_slot(&self, span: &FigureSpan, width: i64) -> Result<Vec<RefreshSlot>> {
        summed!(list, self, sql::REFRESHES_BY_SLOT, span, width)
    }

    /// Calls of each connection by slot.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn tally_calls(&self, span: &FigureSpan, width: i64) -> Result<Vec<TallySlot>> {
        summed!(list, self, sql::CALL_STRIP, span, width)
    }

    /// Refreshes of each connection by slot.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn tally_refreshes(&self, span: &FigureSpan, width: i64) -> Result<Vec<TallySlot>> {
        summed!(list, self, sql::REFRESH_STRIP, span, width)
    }

    /// How long the newest calls took; 20 000 at most.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn list_latencies(&self, span: &FigureSpan, width: i64) -> Result<Vec<LatencyRow>> {
        summed!(list, self, sql::LATENCIES, span, width, SAMPLED)
    }

    /// How far the links of a span got.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn count_flow_stages(&self, span: &FigureSpan) -> Result<Option<FlowStage>> {
        summed!(find, self, sql::FUNNEL, span)
    }

    /// Where links stopped, and why, the most frequent first.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn count_flow_losses(&self, span: &FigureSpan) -> Result<Vec<ReasonCount>> {
        summed!(list, self, sql::FUNNEL_LOSSES, span, true)
    }

    /// Why accounts stopped, the most frequent first.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn count_stopped(&self, span: &FigureSpan) -> Result<Vec<ReasonCount>> {
        summed!(list, self, sql::STOPPED, span)
    }

    /// Ends of refresh tokens by slot.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn count_ends_by_slot(&self, span: &FigureSpan, width: i64) -> Result<Vec<RefreshSlot>> {
        summed!(list, self, sql::ENDS_BY_SLOT, span, width)
    }

    /// Accounts by day and state, as they were counted on each day from `first` to before `end`.
    ///
    /// # Errors
    /// Those of every operation.
    pub async fn list_census(
        &self,
        environment: &EnvironmentId,
        (first, end): (i64, i64),
        connection: Option<&ConnectionId>,
    ) -> Result<Vec<CensusCount>> {
        list!(read self, sql::CENSUS, environment, first, end, connection)
    }

    /// Counts the accounts of all environments for `day`, and forgets the days before `oldest`.
    ///
    /// # Errors
    /// Those of every operation; then the former count stays.
    pub async fn take_census(&self, day: i64, oldest: i64) -> Result<()> {
        let mut tx = self.begin().await?;
        execute!(tx &mut tx, sql::CENSUS_CLEAR, day, oldest)?;
        execute!(tx &mut tx, sql::CENSUS_TAKE, day)?;
        tx.commit().await
    }
}
