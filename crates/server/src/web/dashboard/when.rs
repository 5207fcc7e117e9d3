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

/// `30 days`.
pub(super) fn length(seconds: u64) -> String {
    let (number, unit) = match seconds {
        0..=59 => (seconds, "second"),
        60..=3599 => (seconds / 60, "minute"),
        3600..=86_399 => (seconds / 3600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

/// `24 Oct`.
pub(super) fn day(at: Timestamp) -> String {
    shown(at, "%-d %b")
}

/// The name of a slot of time: its day, and the hour where slots are shorter than a day.
pub(super) fn slot(at: Timestamp, width_micros: i64) -> String {
    shown(at, if width_micros < 86_400_000_000 { "%-d %b %Y, %H:%M UTC" } else { "%-d %b %Y (UTC)" })
}

/// `2025-10-24T18:00`: what a form's field of date and time takes, in UTC.
pub(super) fn field(at: Timestamp) -> String {
    shown(at, "%Y-%m-%dT%H:%M")
}

/// The time of such a field; seconds may follow.
pub(super) fn parse_field(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let full = match text.len() {
        10 => format!("{text}T00:00:00Z"),
        16 => format!("{text}:00Z"),
        19 => format!("{text}Z"),
        _ => text.to_owned(),
    };
    Timestamp::parse_rfc3339(&full)
}

fn shown(at: Timestamp, format: &str) -> String {
    jiff::Timestamp::from_microsecond(at.micros())
        .map_or_else(|_| at.rfc3339(), |time| time.strftime(format).to_string())
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

    #[test]
    fn a_field_of_time_reads_what_it_wrote() {
        let at = Timestamp::from_seconds(1_900_000_020);
        assert_eq!(field(at), "2030-03-17T17:47");
        assert_eq!(parse_field(&field(at)), Some(at));
        assert_eq!(parse_field("2030-03-17").map(field), Some("2030-03-17T00:00".to_owned()));
        assert_eq!(slot(at, 3_600_000_000), "17 Mar 2030, 17:47 UTC");
        for bad in ["", "now", "2030-13-01", "2030-03-17T25:00", "'; DROP TABLE x"] {
            assert_eq!(parse_field(bad), None, "{bad}");
        }
    }
}
