//! When a token ends, from whatever a provider writes: seconds, milliseconds, dates and durations.

use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use keybearer_core::Timestamp;
use serde_json::Value;

/// The longest life we believe: ten years. Longer ones are cut, so that no arithmetic overflows.
pub const MAX_LIFE: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// The unit of a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unit {
    /// Seconds.
    #[default]
    Seconds,
    /// Milliseconds.
    Millis,
}

/// What a value says about a token's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// It ends then.
    At(Timestamp),
    /// It ends then; the provider named a later time than [`MAX_LIFE`] allows.
    Clamped(Timestamp),
    /// There is no value.
    Absent,
    /// There is a value that says nothing usable: zero, negative, or not readable.
    Unreadable,
}

/// Reads a life time: a number or a string with a number. Zero and less count as unreadable.
pub fn relative(value: Option<&Value>, unit: Unit, now: Timestamp) -> Expiry {
    let Some(value) = present(value) else {
        return Expiry::Absent;
    };
    number(value).map_or(Expiry::Unreadable, |number| after(now, number, unit))
}

/// Reads an end, by shape unless `unit` fixes it.
///
/// A number below 10⁸ is a life time in seconds, below 10¹¹ epoch seconds, below 10¹⁴ epoch milliseconds, above
/// microseconds. A string is such a number, `D:HH:MM` (a duration), an RFC 3339, RFC 2822 or `Y-M-D h:m:s` date
/// (UTC where no offset is written).
pub fn absolute(value: Option<&Value>, unit: Option<Unit>, now: Timestamp) -> Expiry {
    let Some(value) = present(value) else {
        return Expiry::Absent;
    };
    if let Some(number) = number(value) {
        return match unit {
            Some(Unit::Seconds) => at(now, number * 1e6),
            Some(Unit::Millis) => at(now, number * 1e3),
            None if number < 1e8 => after(now, number, Unit::Seconds),
            None if number < 1e11 => at(now, number * 1e6),
            None if number < 1e14 => at(now, number * 1e3),
            None => at(now, number),
        };
    }
    let text = value.as_str().unwrap_or_default().trim();
    if let Some(seconds) = day_duration(text) {
        return after(now, seconds, Unit::Seconds);
    }
    date(text).map_or(Expiry::Unreadable, |time| clamp(now, time))
}

/// Reads an HTTP or RFC 2822 date, RFC 3339, or a date without an offset, which counts as UTC.
pub fn date(text: &str) -> Option<Timestamp> {
    if let Some(time) = Timestamp::parse_rfc3339(text) {
        return Some(time);
    }
    if let Ok(zoned) = jiff::fmt::rfc2822::parse(text) {
        return Some(Timestamp::from_micros(zoned.timestamp().as_microsecond()));
    }
    let civil: DateTime = text.parse().ok()?;
    let zoned = civil.to_zoned(TimeZone::UTC).ok()?;
    Some(Timestamp::from_micros(zoned.timestamp().as_microsecond()))
}

fn present(value: Option<&Value>) -> Option<&Value> {
    value.filter(|value| !value.is_null() && value.as_str() != Some(""))
}

/// A finite number, also from a string.
fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse::<f64>().ok()?,
        _ => return None,
    };
    number.is_finite().then_some(number)
}

fn after(now: Timestamp, number: f64, unit: Unit) -> Expiry {
    let seconds = match unit {
        Unit::Seconds => number,
        Unit::Millis => number / 1e3,
    };
    if seconds <= 0.0 {
        return Expiry::Unreadable;
    }
    match Duration::try_from_secs_f64(seconds).ok().filter(|life| *life <= MAX_LIFE) {
        Some(life) => Expiry::At(now.plus(life)),
        None => Expiry::Clamped(now.plus(MAX_LIFE)),
    }
}

fn at(now: Timestamp, micros: f64) -> Expiry {
    if micros <= 0.0 {
        return Expiry::Unreadable;
    }
    match Duration::try_from_secs_f64(micros / 1e6) {
        Ok(since_epoch) => clamp(now, Timestamp::default().plus(since_epoch)),
        Err(_) => Expiry::Clamped(now.plus(MAX_LIFE)),
    }
}

fn clamp(now: Timestamp, time: Timestamp) -> Expiry {
    let latest = now.plus(MAX_LIFE);
    if time > latest { Expiry::Clamped(latest) } else { Expiry::At(time) }
}

/// `D:HH:MM` in seconds.
fn day_duration(text: &str) -> Option<f64> {
    let mut parts = text.split(':');
    let (days, hours, minutes) = (parts.next()?, parts.next()?, parts.next()?);
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if parts.next().is_some() || !digits(days) || !digits(hours) || !digits(minutes) {
        return None;
    }
    let (days, hours, minutes): (u32, u32, u32) =
        (days.parse().ok()?, hours.parse().ok()?, minutes.parse().ok()?);
    Some(f64::from(days) * 86_400.0 + f64::from(hours) * 3_600.0 + f64::from(minutes) * 60.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn in_seconds(seconds: u64) -> Expiry {
        Expiry::At(NOW.plus(Duration::from_secs(seconds)))
    }

    #[test]
    fn life_times_are_read_in_every_spelling() {
        for value in [json!(3600), json!("3600"), json!(3600.0), json!(" 3600 ")] {
            assert_eq!(relative(Some(&value), Unit::Seconds, NOW), in_seconds(3600), "{value}");
        }
        assert_eq!(relative(Some(&json!(3_600_000)), Unit::Millis, NOW), in_seconds(3600));
        assert_eq!(relative(None, Unit::Seconds, NOW), Expiry::Absent);
        assert_eq!(relative(Some(&json!(null)), Unit::Seconds, NOW), Expiry::Absent);
    }

    #[test]
    fn nonsense_life_times_never_overflow() {
        for value in [json!(0), json!(-1), json!("soon"), json!({}), json!([1]), json!(true), json!("inf")] {
            assert_eq!(relative(Some(&value), Unit::Seconds, NOW), Expiry::Unreadable, "{value}");
        }
        for value in [json!(1e18), json!(1e300), json!(u64::MAX), json!("999999999999999999999")] {
            let clamped = Expiry::Clamped(NOW.plus(MAX_LIFE));
            assert_eq!(relative(Some(&value), Unit::Seconds, NOW), clamped, "{value}");
            assert_eq!(absolute(Some(&value), Some(Unit::Seconds), NOW), clamped, "{value}");
        }
    }

    #[test]
    fn ends_are_told_apart_by_shape() {
        for value in [
            json!(1_800_003_600),
            json!("1800003600"),
            json!(1_800_003_600_000_i64),
            json!(1_800_003_600_000_000_i64),
            json!(3600),
            json!("2027-01-15T09:00:00Z"),
            json!("2027-01-15T10:00:00+01:00"),
            json!("2027-01-15T09:00:00.000Z"),
            json!("2027-01-15 09:00:00"),
            json!("2027-01-15T09:00:00"),
            json!("Fri, 15 Jan 2027 09:00:00 GMT"),
            json!("0:01:00"),
        ] {
            assert_eq!(absolute(Some(&value), None, NOW), in_seconds(3600), "{value}");
        }
        assert_eq!(absolute(Some(&json!("10:00:00")), None, NOW), in_seconds(864_000));
        assert_eq!(absolute(Some(&json!("later")), None, NOW), Expiry::Unreadable);
        assert_eq!(absolute(Some(&json!("")), None, NOW), Expiry::Absent);
    }
}
