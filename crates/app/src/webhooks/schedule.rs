//! When to try again. Every time is spread, so that what failed together does not come back together.

use std::time::Duration;

use keybearer_core::{Entropy, Result, Timestamp};

/// How long a delivery is tried, and how long an endpoint may fail at everything.
pub(super) const PATIENCE: Duration = Duration::from_secs(72 * 3600);
/// Waits after the first, second, … failed try; the last one repeats until [`PATIENCE`] ends.
const WAITS: [u64; 11] = [5, 30, 120, 300, 900, 1800, 3600, 7200, 14_400, 28_800, 43_200];
/// So many failed tries in a row open the breaker of an endpoint.
pub(super) const BREAKER: i64 = 10;
const BREAKER_FIRST: Duration = Duration::from_secs(10);
const BREAKER_LONGEST: Duration = Duration::from_secs(300);

/// When a delivery is tried next after `tries` failed ones, the first of them at `first`; `None` when its time is
/// over. The last try falls on the end of the time.
pub(super) fn next_try(
    tries: i64,
    first: Timestamp,
    now: Timestamp,
    asked: Option<Duration>,
    entropy: &dyn Entropy,
) -> Result<Option<Timestamp>> {
    let end = first.plus(PATIENCE);
    if now >= end {
        return Ok(None);
    }
    let step = usize::try_from(tries.saturating_sub(1)).unwrap_or_default();
    let usual = WAITS.get(step).or(WAITS.last()).copied().unwrap_or_default();
    let wait = Duration::from_secs(usual).max(asked.unwrap_or_default());
    Ok(Some(now.plus(wait).plus(spread(wait / 5, entropy)?).min(end)))
}

/// Until when an endpoint is left alone after `failures` failed tries in a row.
pub(super) fn breaker(
    failures: i64,
    now: Timestamp,
    asked: Option<Duration>,
    entropy: &dyn Entropy,
) -> Result<Option<Timestamp>> {
    let over = failures.saturating_sub(BREAKER);
    let own = (over >= 0).then(|| {
        let doublings = u32::try_from(over).unwrap_or(u32::MAX).min(5);
        (BREAKER_FIRST * 2_u32.pow(doublings)).min(BREAKER_LONGEST)
    });
    let Some(wait) = own.max(asked) else { return Ok(None) };
    Ok(Some(now.plus(wait).plus(spread(wait / 10, entropy)?)))
}

/// A random part of `range`.
fn spread(range: Duration, entropy: &dyn Entropy) -> Result<Duration> {
    let mut bytes = [0_u8; 4];
    entropy.fill(&mut bytes)?;
    Ok(range.mul_f64(f64::from(u32::from_be_bytes(bytes)) / f64::from(u32::MAX)))
}

#[cfg(test)]
mod tests {
    use keybearer_core::SeededEntropy;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(1_900_000_000 + seconds)
    }

    #[test]
    fn the_first_waits_are_the_published_ones_and_the_last_try_is_at_72_hours() {
        let entropy = SeededEntropy::new(5);
        let (mut now, mut tries, mut waits) = (at(0), 1, Vec::new());
        while let Some(next) = next_try(tries, at(0), now, None, &entropy).unwrap() {
            waits.push(next.since(now).as_secs());
            (now, tries) = (next, tries + 1);
        }
        for (wait, usual) in waits.iter().zip([5, 30, 120, 300, 900]) {
            assert!((usual..=usual * 6 / 5).contains(wait), "{waits:?}");
        }
        assert_eq!(now, at(72 * 3600));
        assert!((14..=18).contains(&tries), "{tries}");
    }

    #[test]
    fn an_endpoint_can_ask_for_more_time_and_not_for_less() {
        let entropy = SeededEntropy::new(5);
        let wait = |asked: u64| {
            let asked = Some(Duration::from_secs(asked));
            next_try(1, at(0), at(0), asked, &entropy).unwrap().unwrap().since(at(0)).as_secs()
        };
        assert!((5..=6).contains(&wait(1)));
        assert!((600..=720).contains(&wait(600)));
    }

    #[test]
    fn the_breaker_opens_after_ten_failures_and_waits_longer_each_time() {
        let entropy = SeededEntropy::new(5);
        let wait = |failures, asked: Option<u64>| {
            let until = breaker(failures, at(0), asked.map(Duration::from_secs), &entropy).unwrap();
            until.map(|until| until.since(at(0)).as_secs())
        };
        assert_eq!(wait(9, None), None);
        assert!((10..=11).contains(&wait(10, None).unwrap()));
        assert!((300..=330).contains(&wait(500, None).unwrap()));
        assert!((60..=66).contains(&wait(1, Some(60)).unwrap()));
    }
}
