//! The part of CBOR ([RFC 8949](https://www.rfc-editor.org/rfc/rfc8949)) that authenticators write: definite lengths, no
//! tags, no floats, keys that come once (CTAP 2.1 §8). Everything else is refused.

/// How deep lists and maps may lie in each other.
const DEPTH: u8 = 6;

/// One data item; texts and bytes lie in the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item<'a> {
    Int(i64),
    Bytes(&'a [u8]),
    Text(&'a str),
    List(Vec<Item<'a>>),
    Map(Vec<(Item<'a>, Item<'a>)>),
    Simple(u8),
}

impl<'a> Item<'a> {
    /// The value of a key; `None` also when this is no map.
    pub fn get(&self, key: &Item<'_>) -> Option<&Item<'a>> {
        let Self::Map(pairs) = self else { return None };
        pairs.iter().find(|(known, _)| known == key).map(|(_, value)| value)
    }

    /// The bytes under a text.
    pub fn bytes(&self, key: &str) -> Option<&'a [u8]> {
        match self.get(&Item::Text(key))? {
            Item::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }
}

/// Reads one item and gives what is behind it.
pub(super) fn read(input: &[u8]) -> Option<(Item<'_>, &[u8])> {
    item(input, DEPTH)
}

/// Reads an item that is the whole input.
pub(super) fn read_all(input: &[u8]) -> Option<Item<'_>> {
    read(input).and_then(|(item, rest)| rest.is_empty().then_some(item))
}

fn item(input: &[u8], depth: u8) -> Option<(Item<'_>, &[u8])> {
    let depth = depth.checked_sub(1)?;
    let (first, rest) = input.split_first()?;
    let (major, low) = (first >> 5, first & 0x1f);
    if major == 7 {
        return (20..=22).contains(&low).then_some((Item::Simple(low), rest));
    }
    let (number, rest) = number(low, rest)?;
    match major {
        0 => Some((Item::Int(i64::try_from(number).ok()?), rest)),
        1 => Some((Item::Int(-1 - i64::try_from(number).ok()?), rest)),
        2 => {
            let (bytes, rest) = rest.split_at_checked(usize::try_from(number).ok()?)?;
            Some((Item::Bytes(bytes), rest))
        }
        3 => {
            let (bytes, rest) = rest.split_at_checked(usize::try_from(number).ok()?)?;
            Some((Item::Text(std::str::from_utf8(bytes).ok()?), rest))
        }
        4 => list(number, rest, depth),
        5 => map(number, rest, depth),
        _ => None,
    }
}

/// The number after a first byte; it must be written as short as it can be.
fn number(low: u8, rest: &[u8]) -> Option<(u64, &[u8])> {
    let width = match low {
        0..=23 => return Some((u64::from(low), rest)),
        24 => 1,
        25 => 2,
        26 => 4,
        27 => 8,
        _ => return None,
    };
    let (bytes, rest) = rest.split_at_checked(width)?;
    let number = bytes.iter().fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    let least = match width {
        1 => 24,
        2 => 1 << 8,
        4 => 1 << 16,
        _ => 1 << 32,
    };
    (number >= least).then_some((number, rest))
}

fn list(length: u64, mut rest: &[u8], depth: u8) -> Option<(Item<'_>, &[u8])> {
    let mut items = Vec::new();
    for _ in 0..length {
        let (one, behind) = item(rest, depth)?;
        items.push(one);
        rest = behind;
    }
    Some((Item::List(items), rest))
}

fn map(length: u64, mut rest: &[u8], depth: u8) -> Option<(Item<'_>, &[u8])> {
    let mut pairs: Vec<(Item<'_>, Item<'_>)> = Vec::new();
    for _ in 0..length {
        let (key, behind) = item(rest, depth)?;
        let (value, behind) = item(behind, depth)?;
        if pairs.iter().any(|(known, _)| *known == key) {
            return None;
        }
        pairs.push((key, value));
        rest = behind;
    }
    Some((Item::Map(pairs), rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use keybearer_core::from_hex;
    use proptest::prelude::*;

    #[test]
    fn items_of_the_standard_are_read() {
        let read = |hex: &str| format!("{:?}", read_all(&from_hex(hex).unwrap()));
        assert_eq!(read("1903e8"), "Some(Int(1000))");
        assert_eq!(read("3903e7"), "Some(Int(-1000))");
        assert_eq!(read("4401020304"), "Some(Bytes([1, 2, 3, 4]))");
        assert_eq!(read("6449455446"), "Some(Text(\"IETF\"))");
        assert_eq!(read("83010203"), "Some(List([Int(1), Int(2), Int(3)]))");
        assert_eq!(read("a201020304"), "Some(Map([(Int(1), Int(2)), (Int(3), Int(4))]))");
        assert_eq!(read("f5"), "Some(Simple(21))");
    }

    #[test]
    fn what_authenticators_do_not_write_is_refused() {
        for bad in [
            "",
            "18",
            "1817",
            "190017",
            "5f42010243030405ff",
            "9fff",
            "bfff",
            "c001",
            "fb3ff199999999999a",
            "a201020103",
            "62c328",
            "44010203",
            "0001",
            "818181818181818101",
            "1bffffffffffffffff",
        ] {
            assert!(read_all(&from_hex(bad).unwrap()).is_none(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_input_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read_all(&bytes);
        }
    }
}
