//! Times as people read them.

use keybearer_core::Timestamp;

/// A time: in words, and exactly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct When {
    /// `2 minutes ago`, `in 3 days`.
    pub words: String,
    /// RFC 3339.
    pub exact: String,
}

impl When {
    /// How far `at` is from `now`.
    pub fn new(at: Timestamp, now: Timestamp) -> Self {
        let (past, apart) = (at <= now, at.seconds().abs_diff(now.seconds()));
        let words = match apart {
            0..=9 if past => "just now".to_owned(),
            _ if past => format!("{} ago", length(apart)),
            _ => format!("in {}", length(apart)),
        };
        Self { words, exact: at.rfc3339() }
    }
}

fn length(seconds: u64) -> String {
    let (number, unit) = match seconds {
        0..=59 => (seconds, "second"),
        60..=3599 => (seconds / 60, "minute"),
        3600..=86_399 => (seconds / 3600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_like_sentences() {
        let now = Timestamp::from_seconds(1_900_000_000);
        let words = |offset: i64| When::new(Timestamp::from_seconds(1_900_000_000 + offset), now).words;
        assert_eq!(words(-3), "just now");
        assert_eq!(words(-60), "1 minute ago");
        assert_eq!(words(-7200), "2 hours ago");
        assert_eq!(words(3 * 86_400 + 5), "in 3 days");
    }
}
