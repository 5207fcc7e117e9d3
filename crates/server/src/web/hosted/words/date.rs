//! Days and moments in the form of a language. The time is told in UTC, which is named.

use keybearer_core::Timestamp;

use super::super::sentence::{plain, say};
use super::{Key, Words};

impl Words {
    /// `14 November 2025, 22:13 UTC`.
    pub fn moment(&self, at: Timestamp) -> String {
        self.dated(Key::DateMoment, at)
    }

    /// `14 November 2025`.
    pub fn day(&self, at: Timestamp) -> String {
        self.dated(Key::DateDay, at)
    }

    fn dated(&self, pattern: Key, at: Timestamp) -> String {
        let Ok(time) = jiff::Timestamp::from_microsecond(at.micros()) else {
            return at.rfc3339();
        };
        let time = time.to_zoned(jiff::tz::TimeZone::UTC);
        let month = Key::month(time.month()).map_or("", |key| self.text(key));
        let (day, year) = (time.day().to_string(), time.year().to_string());
        let clock = format!("{:02}:{:02}", time.hour(), time.minute());
        let values =
            [plain("day", &day), plain("month", month), plain("year", &year), plain("clock", &clock)];
        say(self.text(pattern), &values).text()
    }
}
