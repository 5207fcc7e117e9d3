use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use keybearer_core::{Clock, Timestamp};

/// The sandbox's own clock: the injected one plus an offset that can be moved.
pub(crate) struct SandboxClock {
    base: Arc<dyn Clock>,
    forward_micros: AtomicI64,
    skew_micros: AtomicI64,
}

impl SandboxClock {
    pub fn new(base: Arc<dyn Clock>) -> Self {
        Self { base, forward_micros: AtomicI64::new(0), skew_micros: AtomicI64::new(0) }
    }

    pub fn now(&self) -> Timestamp {
        let offset = self.offset_micros();
        Timestamp::from_micros(self.base.now().micros().saturating_add(offset))
    }

    pub fn offset_micros(&self) -> i64 {
        let forward = self.forward_micros.load(Ordering::SeqCst);
        forward.saturating_add(self.skew_micros())
    }

    pub fn skew_micros(&self) -> i64 {
        self.skew_micros.load(Ordering::SeqCst)
    }

    /// The time without offset: what the server beside the sandbox sees.
    pub fn real(&self) -> Timestamp {
        self.base.now()
    }

    pub fn advance(&self, by: Duration) {
        let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        let add = |now: i64| Some(now.saturating_add(micros));
        // the closure never answers None, so there is nothing to handle
        let _ = self.forward_micros.fetch_update(Ordering::SeqCst, Ordering::SeqCst, add);
    }

    pub fn set_skew(&self, seconds: i64) {
        self.skew_micros.store(seconds.saturating_mul(1_000_000), Ordering::SeqCst);
    }

    pub fn reset(&self) {
        self.forward_micros.store(0, Ordering::SeqCst);
        self.skew_micros.store(0, Ordering::SeqCst);
    }
}

/// The value of a `Date` header (RFC 9110 section 5.6.7), for example `Sun, 06 Nov 1994 08:49:37 GMT`.
pub(crate) fn http_date(time: Timestamp) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let text = time.rfc3339();
    let part = |range: std::ops::Range<usize>| text.get(range).unwrap_or_default();
    let weekday = usize::try_from(time.seconds().div_euclid(86_400).rem_euclid(7)).unwrap_or(0);
    let month = part(5..7).parse::<usize>().unwrap_or(1).saturating_sub(1);
    format!(
        "{}, {} {} {} {} GMT",
        DAYS.get(weekday).unwrap_or(&"Thu"),
        part(8..10),
        MONTHS.get(month).unwrap_or(&"Jan"),
        part(0..4),
        part(11..19),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use keybearer_core::FixedClock;

    #[test]
    fn http_date_is_the_example_of_the_rfc() {
        assert_eq!(http_date(Timestamp::from_seconds(784_111_777)), "Sun, 06 Nov 1994 08:49:37 GMT");
    }

    #[test]
    fn forward_and_skew_add_up_and_reset_removes_both() {
        let clock = SandboxClock::new(Arc::new(FixedClock::new(Timestamp::from_seconds(1_000))));
        clock.advance(Duration::from_secs(61));
        clock.set_skew(-300);
        assert_eq!(clock.now().seconds(), 761);
        clock.reset();
        assert_eq!(clock.now().seconds(), 1_000);
    }
}
