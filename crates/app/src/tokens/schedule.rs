//! When to refresh: ahead of the end while an account is in use, once a day while it is idle, later and later
//! while a refresh fails. Every time is spread, so that accounts which began together do not refresh together.

use std::time::Duration;

use keybearer_core::{Entropy, Result, Timestamp};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);
const SHORT_LIFE: Duration = Duration::from_secs(25 * 60);

/// What the times of an account say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    /// When the access token was received.
    pub obtained_at: Timestamp,
    /// When it ends, if it does.
    pub access_expires_at: Option<Timestamp>,
    /// When the refresh token ends, if that is known.
    pub refresh_expires_at: Option<Timestamp>,
    /// When a call last used the account.
    pub last_used_at: Option<Timestamp>,
    /// The connector's own margin.
    pub connector_margin: Option<Duration>,
}

/// How long before its end a token is replaced: the configured margin or a fifth of its life, whichever is
/// longer; a fifth where the whole life is short.
pub(crate) fn margin(life: Duration, configured: Duration, connector: Option<Duration>) -> Duration {
    let fifth = life / 5;
    match connector {
        Some(margin) => margin.min(life / 2),
        None if life < SHORT_LIFE => fifth.min(configured),
        None => fifth.max(configured),
    }
}

/// How much life a token must have left to be put into a call without a refresh first.
pub(crate) fn least_remaining(life: Duration) -> Duration {
    (life / 10).min(Duration::from_secs(30))
}

/// When the background job refreshes next; `None` when the access token does not end.
pub(crate) fn next_refresh(
    times: Times,
    now: Timestamp,
    configured: Duration,
    entropy: &dyn Entropy,
) -> Result<Option<Timestamp>> {
    let Some(end) = times.access_expires_at else {
        return Ok(None);
    };
    let life = end.since(times.obtained_at);
    let ahead = end.minus(margin(life, configured, times.connector_margin));
    let in_use = times.last_used_at.is_some_and(|used| now.since(used) < HOUR) || life >= DAY;
    let wanted = if in_use { ahead } else { ahead.max(now.plus(DAY)) };
    // a refresh token that ends must be exchanged before that, used or not
    let latest = times.refresh_expires_at.map(|end| now.plus(end.since(now) / 2));
    let wanted = latest.map_or(wanted, |latest| wanted.min(latest)).max(now);
    Ok(Some(wanted.minus(spread(wanted.since(now) / 10, entropy)?)))
}

/// When to try again after `failures` failures in a row: 5 s, doubling, at most an hour; the provider's own
/// wish goes first.
pub(crate) fn retry(
    failures: i64,
    asked: Option<Duration>,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Result<Timestamp> {
    let doublings = u32::try_from(failures.clamp(0, 10)).unwrap_or(10);
    let wait = asked.unwrap_or(Duration::from_secs(5) * 2_u32.pow(doublings)).min(HOUR);
    Ok(now.plus(wait).plus(spread(wait / 4, entropy)?))
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

    const CONFIGURED: Duration = Duration::from_secs(300);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(1_900_000_000 + seconds)
    }

    fn times(life: i64, used: Option<i64>) -> Times {
        Times {
            obtained_at: at(0),
            access_expires_at: Some(at(life)),
            refresh_expires_at: None,
            last_used_at: used.map(at),
            connector_margin: None,
        }
    }

    fn next(times: Times) -> i64 {
        let next = next_refresh(times, at(0), CONFIGURED, &SeededEntropy::new(3)).unwrap().unwrap();
        next.seconds() - at(0).seconds()
    }

    #[test]
    fn a_token_in_use_is_refreshed_before_its_end() {
        assert!((2160..=2880).contains(&next(times(3600, Some(0)))));
        assert!((43..=48).contains(&next(times(60, Some(0)))));
    }

    #[test]
    fn an_idle_account_is_kept_alive_once_a_day() {
        assert!((77_000..=86_400).contains(&next(times(3600, None))));
    }

    #[test]
    fn an_idle_account_is_refreshed_before_its_refresh_token_ends() {
        let ending = Times { refresh_expires_at: Some(at(7200)), ..times(3600, None) };
        assert!(next(ending) <= 3600);
    }

    #[test]
    fn a_token_without_end_is_never_refreshed() {
        let endless = Times { access_expires_at: None, ..times(1, None) };
        assert_eq!(next_refresh(endless, at(0), CONFIGURED, &SeededEntropy::new(1)).unwrap(), None);
    }

    #[test]
    fn retries_back_off_to_an_hour_and_follow_the_provider() {
        let entropy = SeededEntropy::new(9);
        let wait = |failures, asked| retry(failures, asked, at(0), &entropy).unwrap().since(at(0)).as_secs();
        assert!((5..=6).contains(&wait(0, None)));
        assert!((40..=50).contains(&wait(3, None)));
        assert!((3600..=4500).contains(&wait(50, None)));
        assert!((17..=22).contains(&wait(0, Some(Duration::from_secs(17)))));
    }
}
