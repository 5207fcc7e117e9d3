//! Between the messages of the wire and the types of the application.

pub(super) mod account;
pub(super) mod connection;
pub(super) mod connector;
pub(super) mod json;
pub(super) mod provider;

use std::collections::{BTreeMap, HashMap};

use keybearer_core::{SecretString, Timestamp};

/// A time as the wire has it.
pub(super) fn time(at: Timestamp) -> prost_types::Timestamp {
    let micros = at.micros();
    prost_types::Timestamp {
        seconds: micros.div_euclid(1_000_000),
        nanos: i32::try_from(micros.rem_euclid(1_000_000) * 1000).unwrap_or(0),
    }
}

/// A time of the wire.
pub(super) fn from_time(at: &prost_types::Timestamp) -> Timestamp {
    Timestamp::from_micros(at.seconds.saturating_mul(1_000_000).saturating_add(i64::from(at.nanos) / 1000))
}

/// A text that counts as absent when it is empty.
pub(super) fn filled(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

/// A secret that counts as absent when it is empty.
pub(super) fn secret(text: String) -> Option<SecretString> {
    filled(text).map(SecretString::new)
}

/// A count that the wire has as 32 bits.
pub(super) fn count(number: i64) -> u32 {
    u32::try_from(number.max(0)).unwrap_or(u32::MAX)
}

/// A count that the wire has as 64 bits.
pub(super) fn large(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// A map in the order of its names.
pub(super) fn sorted<V>(map: HashMap<String, V>) -> BTreeMap<String, V> {
    map.into_iter().collect()
}
