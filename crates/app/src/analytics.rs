//! Sums over the call log: totals, connectors, error codes, and a series of equal slots of time. The database adds
//! up; no row is read here.

use std::time::Duration;

use keybearer_core::{Error, Result, Timestamp};
use keybearer_store::CallOutcome;

use crate::access::{Caller, Permission};
use crate::state::App;
use crate::tool_calls::{ToolCallQuery, filter};

/// Most slots of a series.
const MOST_SLOTS: i64 = 30;
/// How wide a slot can be, in seconds: from five minutes to seven days.
const WIDTHS: [i64; 10] = [300, 900, 1800, 3600, 7200, 21_600, 43_200, 86_400, 259_200, 604_800];
/// How many error codes are named.
const CODES: i64 = 10;

/// How many calls ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Calls that the provider answered with success.
    pub success: i64,
    /// Calls that the provider refused or did not answer.
    pub provider_errors: i64,
    /// Calls that did not get as far, or that we failed.
    pub platform_errors: i64,
}

impl Tally {
    /// All calls.
    pub fn total(&self) -> i64 {
        self.success.saturating_add(self.errors())
    }

    /// All failures.
    pub fn errors(&self) -> i64 {
        self.provider_errors.saturating_add(self.platform_errors)
    }

    fn add(&mut self, outcome: CallOutcome, calls: i64) {
        let slot = match outcome {
            CallOutcome::Success => &mut self.success,
            CallOutcome::ProviderError => &mut self.provider_errors,
            CallOutcome::PlatformError => &mut self.platform_errors,
        };
        *slot = slot.saturating_add(calls);
    }
}

/// The sums of one span of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overview {
    /// All calls.
    pub all: Tally,
    /// The ten most frequent error codes, the most frequent first.
    pub codes: Vec<(String, i64)>,
    /// Calls by connector as the wire names it, in the order of the names; empty for calls that got to none.
    pub connectors: Vec<(String, Tally)>,
    /// How wide each slot is.
    pub width: Duration,
    /// Slots in order, with those that hold no call. They begin at whole multiples of their width since 1970 UTC, so
    /// the first may begin before the span; calls before the span are not counted.
    pub slots: Vec<(Timestamp, Tally)>,
}

/// Adds up the calls from `from` to before `until`.
///
/// # Errors
/// [`keybearer_core::Code::PermissionDenied`]; `InvalidArgument` at a filter, without both times, or for a span of more
/// than 30 slots of seven days.
pub async fn overview(app: &App, caller: &Caller, query: ToolCallQuery) -> Result<Overview> {
    caller.require(Permission::LogsRead)?;
    let from = query.from.ok_or_else(|| Error::field("start_time", "must be set"))?;
    let until = query.until.ok_or_else(|| Error::field("end_time", "must be set"))?;
    let query = filter(app, &caller.environment, query).await?;
    let (width, first, count) = slots(from, until)?;
    let mut slots: Vec<(Timestamp, Tally)> = (0..count)
        .map(|slot| (first.plus(Duration::from_secs(width.as_secs().saturating_mul(slot))), Tally::default()))
        .collect();
    let mut all = Tally::default();
    let micros = i64::try_from(width.as_micros()).unwrap_or(i64::MAX);
    let environment = &caller.environment;
    for counted in app.db().count_calls_by_slot(environment, &query, first, micros).await? {
        all.add(counted.outcome, counted.calls);
        let slot = usize::try_from(counted.slot).ok().and_then(|slot| slots.get_mut(slot));
        if let Some((_, tally)) = slot {
            tally.add(counted.outcome, counted.calls);
        }
    }
    let mut connectors: Vec<(String, Tally)> = Vec::new();
    for counted in app.db().count_calls_by_connector(environment, &query).await? {
        let name = counted.connector.to_ascii_uppercase();
        if connectors.last().is_none_or(|(last, _)| *last != name) {
            connectors.push((name, Tally::default()));
        }
        if let Some((_, tally)) = connectors.last_mut() {
            tally.add(counted.outcome, counted.calls);
        }
    }
    let codes = app.db().count_calls_by_code(environment, &query, CODES).await?;
    let codes = codes.into_iter().filter_map(|counted| Some((counted.error_code?, counted.calls))).collect();
    Ok(Overview { all, codes, connectors, width, slots })
}

/// Width, beginning of the first slot, and number of slots: the finest that needs no more than thirty.
fn slots(from: Timestamp, until: Timestamp) -> Result<(Duration, Timestamp, u64)> {
    // the last microsecond that counts
    let last = until.micros().saturating_sub(1);
    for seconds in WIDTHS {
        let micros = seconds.saturating_mul(1_000_000);
        let (first, end) = (from.micros().div_euclid(micros), last.div_euclid(micros));
        let count = end.saturating_sub(first).saturating_add(1);
        if count <= MOST_SLOTS {
            let first = Timestamp::from_micros(first.saturating_mul(micros));
            let width = Duration::from_secs(u64::try_from(seconds).unwrap_or_default());
            return Ok((width, first, u64::try_from(count).unwrap_or_default()));
        }
    }
    Err(Error::field("end_time", "must be at most 30 weeks after start_time"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    fn shape(from: &str, until: &str) -> (u64, String, u64) {
        let (width, first, count) = slots(at(from), at(until)).unwrap();
        (width.as_secs(), first.rfc3339(), count)
    }

    #[test]
    fn the_finest_width_that_needs_at_most_thirty_slots() {
        let start = "2030-01-01T00:00:00Z";
        for (until, width, count) in [
            ("2030-01-01T00:00:01Z", 300, 1),
            ("2030-01-01T02:30:00Z", 300, 30),
            ("2030-01-01T02:30:01Z", 900, 11),
            ("2030-01-01T12:00:00Z", 1800, 24),
            ("2030-01-02T00:00:00Z", 3600, 24),
            ("2030-01-03T00:00:00Z", 7200, 24),
            ("2030-01-08T00:00:00Z", 21_600, 28),
            ("2030-01-15T00:00:00Z", 43_200, 28),
            ("2030-01-31T00:00:00Z", 86_400, 30),
            ("2030-03-01T00:00:00Z", 259_200, 20),
            ("2030-06-01T00:00:00Z", 604_800, 23),
        ] {
            let (seconds, _, slots) = shape(start, until);
            assert_eq!((seconds, slots), (width, count), "{until}");
        }
    }

    #[test]
    fn slots_begin_at_multiples_of_their_width_whatever_the_time_zone() {
        let (width, first, count) = shape("2030-01-01T05:47:00+05:30", "2030-01-01T06:47:00+05:30");
        assert_eq!((width, first.as_str(), count), (300, "2030-01-01T00:15:00.000Z", 13));
    }

    #[test]
    fn a_span_that_no_width_covers_is_refused() {
        assert!(slots(at("2030-01-03T00:00:00Z"), at("2030-07-25T00:00:00Z")).is_ok());
        assert!(slots(at("2030-01-01T00:00:00Z"), at("2031-01-01T00:00:00Z")).is_err());
        assert!(slots(Timestamp::default(), Timestamp::from_micros(i64::MAX)).is_err());
    }
}
