//! The numbers behind the pictures of the dashboard: sums by slots of time. Slots begin at whole multiples of their width
//! since 1970 UTC. What nobody could know (before the environment was made, a day without a count) is absent, never zero.

use std::collections::BTreeMap;

use keybearer_core::ids::ConnectionId;
use keybearer_core::{AccountStatus, Result, Timestamp};
use keybearer_store::{FigureSpan, LatencyRow, TallySlot};

use crate::access::{Caller, Permission};
use crate::state::App;
use crate::{connections, environments};

const HOUR: i64 = 3_600_000_000;
const DAY: i64 = 24 * HOUR;
/// How long daily counts are kept.
pub(crate) const CENSUS_DAYS: i64 = 400;

/// How far back a picture looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Span {
    /// 24 hours, by the hour.
    Day,
    /// 7 days, by six hours.
    Week,
    /// 30 days, by the day.
    #[default]
    Month,
    /// 90 days, by three days.
    Quarter,
}

impl Span {
    /// Every span.
    pub const ALL: [Self; 4] = [Self::Day, Self::Week, Self::Month, Self::Quarter];

    /// The word in addresses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "24h",
            Self::Week => "7d",
            Self::Month => "30d",
            Self::Quarter => "90d",
        }
    }

    /// Reads the word; 30 days for any other.
    pub fn parse(text: &str) -> Self {
        Self::ALL.into_iter().find(|span| span.as_str() == text).unwrap_or_default()
    }

    /// Where the first slot begins when now is `now`.
    pub const fn begins(self, now: Timestamp) -> Timestamp {
        let (width, count) = self.shape();
        Timestamp::from_micros((now.micros().div_euclid(width) - count + 1) * width)
    }

    const fn shape(self) -> (i64, i64) {
        match self {
            Self::Day => (HOUR, 24),
            Self::Week => (6 * HOUR, 28),
            Self::Month => (DAY, 30),
            Self::Quarter => (3 * DAY, 30),
        }
    }
}

/// What a picture is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// How far back.
    pub span: Span,
    /// Only this connection's; id or name.
    pub connection: Option<String>,
}

/// A series: the same number of values for each slot, or none where nobody can know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series<T> {
    /// How wide each slot is, in microseconds.
    pub width: i64,
    /// Beginning and value of each slot, in order.
    pub slots: Vec<(Timestamp, Option<T>)>,
}

/// How refreshes ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refreshes {
    /// At the first try.
    pub first: i64,
    /// After a failed one.
    pub retried: i64,
    /// Not.
    pub failed: i64,
}

/// How something went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Went {
    /// In all.
    pub total: i64,
    /// Of them failed.
    pub failed: i64,
}

/// Percentiles in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Percentiles {
    /// Half of the calls were not slower.
    pub p50: i64,
    /// 95 of 100 were not.
    pub p95: i64,
    /// 99 of 100 were not.
    pub p99: i64,
}

/// How long calls took, apart for us and for the provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Latency {
    /// Our part.
    pub ours: Percentiles,
    /// The provider's part.
    pub provider: Percentiles,
    /// Of how many calls.
    pub calls: i64,
}

/// How far links got.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Funnel {
    /// Links made.
    pub made: i64,
    /// Of them opened.
    pub opened: i64,
    /// Of them left for the provider.
    pub gone: i64,
    /// Of them came back.
    pub returned: i64,
    /// Of them connected.
    pub done: i64,
    /// Where links stopped (`made`, `opened`, `gone`, `returned`), why, and how often.
    pub losses: Vec<(String, String, i64)>,
}

/// How refreshes went, over time.
///
/// # Errors
/// `PermissionDenied`, `ConnectionNotFound`.
pub async fn refresh_health(app: &App, caller: &Caller, scope: &Scope) -> Result<Series<Refreshes>> {
    caller.require(Permission::AccountsRead)?;
    let frame = Frame::back(app, caller, scope).await?;
    let mut series = frame.empty(Refreshes::default());
    for counted in app.db().count_refreshes_by_slot(&frame.span, frame.width).await? {
        let Some(slot) = series.at(counted.slot) else { continue };
        match counted.outcome.as_str() {
            "first" => slot.first = counted.refreshes,
            "retried" => slot.retried = counted.refreshes,
            _ => slot.failed = counted.refreshes,
        }
    }
    Ok(series)
}

/// How calls and refreshes of each connection went, over time.
///
/// # Errors
/// `PermissionDenied`, `ConnectionNotFound`.
pub async fn strips(app: &App, caller: &Caller, scope: &Scope) -> Result<Vec<(ConnectionId, Series<Went>)>> {
    caller.require(Permission::AccountsRead)?;
    let frame = Frame::back(app, caller, scope).await?;
    let mut all = app.db().tally_refreshes(&frame.span, frame.width).await?;
    if caller.permissions.has(Permission::LogsRead) {
        all.extend(app.db().tally_calls(&frame.span, frame.width).await?);
    }
    Ok(by_connection(&frame, all))
}

/// Calls of each connection, over time.
///
/// # Errors
/// `PermissionDenied`, `ConnectionNotFound`.
pub async fn calls(app: &App, caller: &Caller, scope: &Scope) -> Result<Vec<(ConnectionId, Series<Went>)>> {
    caller.require(Permission::LogsRead)?;
    let frame = Frame::back(app, caller, scope).await?;
    let all = app.db().tally_calls(&frame.span, frame.width).await?;
    Ok(by_connection(&frame, all))
}

/// How long calls took, over time; of the newest 20 000 calls.
///
/// # Errors
/// `PermissionDenied`, `ConnectionNotFound`.
pub async fn latency(app: &App, caller: &Caller, scope: &Scope) -> Result<Series<Latency>> {
    caller.require(Permission::LogsRead)?;
    let frame = Frame::back(app, caller, scope).await?;
    let mut by_slot: BTreeMap<i64, Vec<LatencyRow>> = BTreeMap::new();
    for row in app.db().list_latencies(&frame.span, frame.width).await? {
        by_slot.entry(row.slot).or_default().push(row);
    }
    let slots = (0_i64..).zip(frame.starts());
    Ok(Series {
        width: frame.width,
        slots: slots.map(|(slot, at)| (at, by_slot.get(&slot).and_then(|rows| measured(rows)))).collect(),
    })
}

/// Accounts by state, as they were counted at the end of each day.
///
/// # Errors
/// `PermissionDenied`, `ConnectionNotFound`.
pub async fn census(
    app: &App,
    caller: &Caller,
    scope: &Scope,
) -> Result<Series<BTreeMap<&'static str, i64>>> {
    caller.require(Permission::AccountsRead)?;
    let days = if scope.span == Span::Quarter { 90 } else { 30 };
    let today = app.now().micros().div_euclid(DAY);
    let connection = connection(app, caller, scope).await?;
    let range = (today - days + 1, today + 1);
    let mut by_day: BTreeMap<i64, BTreeMap<&'static str, i64>> = BTreeMap::new();
    for counted in app.db().list_census(&caller.environment, range, connection.as_ref()).await? {
        *by_day.entry(counted.day).or_default().entry(status_word(counted.status)).or_default() +=
            counted.accounts;
    }
    let slot = |day: i64| (Timestamp::from_micros(day * DAY), by_day.remove(&day));
    Ok(Series { width: DAY, slots: (range.0..range.1).map(slot).collect() })
}

/// How far links got.
///
/// # Errors
/// `PermissionDenied`, `ConnectionNotFound`.
pub async fn funnel(app: &App, caller: &Caller, scope: &Scope) -> Result<Funnel> {
    caller.require(Permission::AccountsRead)?;
    let frame = Frame::back(app, caller, scope).await?;
    let Some(stages) = app.db().count_flow_stages(&frame.span).await? else {
        return Ok(Funnel::default());
    };
    let losses = app.db().count_flow_losses(&frame.span).await?;
    Ok(Funnel {
        made: stages.made,
        opened: stages.opened,
        gone: stages.gone,
        returned: stages.returned,
        done: stages.done,
        losses: losses.into_iter().map(|loss| (loss.stage, loss.reason, loss.times)).collect(),
    })
}

/// How many refresh tokens of active accounts end in each of the next thirteen weeks.
///
/// # Errors
/// `PermissionDenied`, `ConnectionNotFound`.
pub async fn ends(app: &App, caller: &Caller, scope: &Scope) -> Result<Series<i64>> {
    caller.require(Permission::AccountsRead)?;
    let (width, count) = (7 * DAY, 13);
    let frame =
        Frame::new(app, caller, scope, (app.now().micros().div_euclid(DAY) * DAY, width, count)).await?;
    let mut series = Series { width, slots: frame.starts().map(|at| (at, Some(0))).collect() };
    for counted in app.db().count_ends_by_slot(&frame.span, width).await? {
        if let Some(slot) = series.at(counted.slot) {
            *slot = counted.refreshes;
        }
    }
    Ok(series)
}

/// Why accounts stopped within the span: state, reason, how many; the most frequent first.
///
/// # Errors
/// `PermissionDenied`, `ConnectionNotFound`.
pub async fn stopped(app: &App, caller: &Caller, scope: &Scope) -> Result<Vec<(String, String, i64)>> {
    caller.require(Permission::AccountsRead)?;
    let frame = Frame::back(app, caller, scope).await?;
    let counted = app.db().count_stopped(&frame.span).await?;
    Ok(counted.into_iter().map(|one| (one.stage, one.reason, one.times)).collect())
}

/// Counts the accounts of today; the last count of a day is the one that stays.
pub(crate) async fn take_census(app: &App) -> Result<()> {
    let today = app.now().micros().div_euclid(DAY);
    Ok(app.db().take_census(today, today - CENSUS_DAYS).await?)
}

/// The slots of a picture and what it is about.
struct Frame {
    span: FigureSpan,
    width: i64,
    count: i64,
    /// Nobody can know what was before.
    known_from: Timestamp,
}

impl Frame {
    async fn back(app: &App, caller: &Caller, scope: &Scope) -> Result<Self> {
        let (width, count) = scope.span.shape();
        let first = scope.span.begins(app.now());
        Self::new(app, caller, scope, (first.micros(), width, count)).await
    }

    async fn new(
        app: &App,
        caller: &Caller,
        scope: &Scope,
        (first, width, count): (i64, i64, i64),
    ) -> Result<Self> {
        let environment = environments::get(app, &caller.environment).await?;
        Ok(Self {
            span: FigureSpan {
                environment: caller.environment.clone(),
                from: Timestamp::from_micros(first),
                until: Timestamp::from_micros(first + width * count),
                connection: connection(app, caller, scope).await?,
            },
            width,
            count,
            known_from: environment.created_at,
        })
    }

    fn starts(&self) -> impl Iterator<Item = Timestamp> {
        let (first, width) = (self.span.from.micros(), self.width);
        (0..self.count).map(move |slot| Timestamp::from_micros(first + width * slot))
    }

    fn empty<T: Clone>(&self, nothing: T) -> Series<T> {
        let known = |at: &Timestamp| at.micros() + self.width > self.known_from.micros();
        let slots = self.starts().map(|at| (at, known(&at).then(|| nothing.clone()))).collect();
        Series { width: self.width, slots }
    }
}

impl<T> Series<T> {
    fn at(&mut self, slot: i64) -> Option<&mut T> {
        self.slots.get_mut(usize::try_from(slot).ok()?)?.1.as_mut()
    }
}

async fn connection(app: &App, caller: &Caller, scope: &Scope) -> Result<Option<ConnectionId>> {
    match scope.connection.as_deref().filter(|name| !name.is_empty()) {
        Some(name) => Ok(Some(connections::row(app, &caller.environment, name).await?.id)),
        None => Ok(None),
    }
}

fn by_connection(frame: &Frame, all: Vec<TallySlot>) -> Vec<(ConnectionId, Series<Went>)> {
    let mut found: BTreeMap<ConnectionId, Series<Went>> = BTreeMap::new();
    for tally in all {
        let series = found.entry(tally.connection_id).or_insert_with(|| frame.empty(Went::default()));
        if let Some(slot) = series.at(tally.slot) {
            slot.total += tally.total;
            slot.failed += tally.failed;
        }
    }
    found.into_iter().collect()
}

/// Percentiles of the calls whose parts are known.
fn measured(rows: &[LatencyRow]) -> Option<Latency> {
    let known = rows.iter().filter_map(|row| Some((row.duration_ms, row.provider_ms?)));
    let (ours, provider): (Vec<i64>, Vec<i64>) =
        known.map(|(all, theirs)| ((all - theirs).max(0), theirs)).unzip();
    let calls = i64::try_from(ours.len()).unwrap_or(i64::MAX);
    Some(Latency { ours: percentiles(ours)?, provider: percentiles(provider)?, calls })
}

fn percentiles(mut values: Vec<i64>) -> Option<Percentiles> {
    values.sort_unstable();
    // the nearest rank: the smallest value that is not smaller than so many of a hundred
    let rank =
        |hundredths: usize| values.get((values.len() * hundredths).div_ceil(100).saturating_sub(1)).copied();
    Some(Percentiles { p50: rank(50)?, p95: rank(95)?, p99: rank(99)? })
}

/// The state as pictures name it.
const fn status_word(status: AccountStatus) -> &'static str {
    match status {
        AccountStatus::Active => "active",
        AccountStatus::Expired => "needs_sign_in",
        AccountStatus::PendingAuth | AccountStatus::PendingVerification => "waiting",
        AccountStatus::Disconnected => "disconnected",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let hundred: Vec<i64> = (1..=100).rev().collect();
        assert_eq!(percentiles(hundred), Some(Percentiles { p50: 50, p95: 95, p99: 99 }));
        assert_eq!(percentiles(vec![7]), Some(Percentiles { p50: 7, p95: 7, p99: 7 }));
        assert_eq!(percentiles(vec![]), None);
    }

    #[test]
    fn calls_without_the_provider_s_part_say_nothing() {
        let row = |all, provider| LatencyRow { slot: 0, duration_ms: all, provider_ms: provider };
        let found = measured(&[row(212, Some(171)), row(5, None)]).unwrap();
        assert_eq!((found.calls, found.ours.p50, found.provider.p99), (1, 41, 171));
        assert_eq!(measured(&[row(5, None)]), None);
    }
}
