use std::collections::HashSet;

use keybearer_core::ids::{DataKeyId, EnvironmentId};
use keybearer_core::{Code, Entropy, Error, OsEntropy, SeededEntropy};
use keybearer_vault::{DataKey, KeyRole, Keyring, Place, VaultError};
use proptest::prelude::*;

const CANARY: &[u8] = b"cnry_vault_0c1d2e3f405162738495a6b7c8d9eafb";

struct NoEntropy;

impl Entropy for NoEntropy {
    fn fill(&self, _bytes: &mut [u8]) -> keybearer_core::Result<()> {
        Err(Error::internal("none"))
    }
}

fn environment(number: i64) -> EnvironmentId {
    EnvironmentId::from_number(number)
}

fn key_id(number: i64) -> DataKeyId {
    DataKeyId::from_number(number)
}

fn new_key() -> DataKey {
    DataKey::generate(&OsEntropy).unwrap()
}

/// Environments 1 and 2, each with one key.
fn keyring() -> Keyring {
    Keyring::new().with(&environment(1), key_id(11), new_key(), KeyRole::Primary).with(
        &environment(2),
        key_id(22),
        new_key(),
        KeyRole::Primary,
    )
}

fn place(environment: &EnvironmentId) -> Place<'_> {
    Place {
        table: "account",
        column: "sealed_grant",
        row: "ca_1",
        environment,
        binding: &["conn_5", "ada@example.com", "7"],
    }
}

fn seal(keyring: &Keyring, place: Place<'_>) -> Vec<u8> {
    keyring.seal(place, CANARY, &OsEntropy).unwrap()
}

#[test]
fn opens_in_its_own_place() {
    let (keyring, home) = (keyring(), environment(1));
    let sealed = seal(&keyring, place(&home));
    assert_eq!(keyring.open(place(&home), &sealed).unwrap().expose(), CANARY);
    assert!(!sealed.windows(8).any(|window| CANARY.windows(8).any(|part| part == window)));
}

#[test]
fn an_empty_secret_is_sealed_like_any_other() {
    let (keyring, home) = (keyring(), environment(1));
    let sealed = keyring.seal(place(&home), b"", &OsEntropy).unwrap();
    assert!(keyring.open(place(&home), &sealed).unwrap().expose().is_empty());
}

#[test]
fn any_flipped_bit_fails() {
    let (keyring, home) = (keyring(), environment(1));
    let sealed = seal(&keyring, place(&home));
    for bit in 0..sealed.len() * 8 {
        let mut changed = sealed.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(keyring.open(place(&home), &changed).is_err(), "bit {bit}");
    }
}

#[test]
fn any_truncation_or_extension_fails() {
    let (keyring, home) = (keyring(), environment(1));
    let mut sealed = seal(&keyring, place(&home));
    for length in 0..sealed.len() {
        assert!(keyring.open(place(&home), &sealed[..length]).is_err(), "length {length}");
    }
    sealed.push(0);
    assert!(keyring.open(place(&home), &sealed).is_err());
}

#[test]
fn another_table_column_or_row_fails() {
    let (keyring, home) = (keyring(), environment(1));
    let sealed = seal(&keyring, place(&home));
    for moved in [
        Place { table: "connection", ..place(&home) },
        Place { column: "sealed_input", ..place(&home) },
        Place { row: "ca_2", ..place(&home) },
    ] {
        let opened = keyring.open(moved, &sealed);
        assert!(matches!(opened, Err(VaultError::DoesNotOpen)), "{moved:?}: {opened:?}");
    }
}

#[test]
fn any_change_of_a_binding_fails() {
    let (keyring, home) = (keyring(), environment(1));
    let sealed = seal(&keyring, place(&home));
    let changed: [&[&str]; 7] = [
        &["conn_6", "ada@example.com", "7"],
        &["conn_5", "ada@example.com", "6"],
        &["ada@example.com", "conn_5", "7"],
        &["conn_5", "ada@example.com"],
        &["conn_5", "ada@example.com", "7", ""],
        &["conn_5ada@example.com", "", "7"],
        &[],
    ];
    for binding in changed {
        let opened = keyring.open(Place { binding, ..place(&home) }, &sealed);
        assert!(matches!(opened, Err(VaultError::DoesNotOpen)), "{binding:?}: {opened:?}");
    }
}

#[test]
fn fields_do_not_run_into_each_other() {
    let (keyring, home) = (keyring(), environment(1));
    let sealed = seal(&keyring, Place { table: "ab", column: "c", ..place(&home) });
    assert!(keyring.open(Place { table: "a", column: "bc", ..place(&home) }, &sealed).is_err());
}

#[test]
fn another_environment_fails_even_with_the_same_key() {
    let shared = new_key();
    let keyring = Keyring::new().with(&environment(1), key_id(11), shared.clone(), KeyRole::Primary).with(
        &environment(2),
        key_id(11),
        shared,
        KeyRole::Primary,
    );
    let sealed = seal(&keyring, place(&environment(1)));
    let opened = keyring.open(place(&environment(2)), &sealed);
    assert!(matches!(opened, Err(VaultError::DoesNotOpen)), "{opened:?}");
}

#[test]
fn a_key_of_another_environment_is_unknown_here() {
    let keyring = keyring();
    let sealed = seal(&keyring, place(&environment(1)));
    let opened = keyring.open(place(&environment(2)), &sealed);
    assert!(matches!(opened, Err(VaultError::UnknownKey(id)) if id == key_id(11)));
}

#[test]
fn a_forged_key_id_does_not_open_with_the_other_key() {
    let home = environment(1);
    let shared = new_key();
    let keyring = Keyring::new().with(&home, key_id(12), shared.clone(), KeyRole::Older).with(
        &home,
        key_id(11),
        shared,
        KeyRole::Primary,
    );
    let mut sealed = seal(&keyring, place(&home));
    assert_eq!(&sealed[2..8], b"dek_11");
    sealed[7] = b'2';
    assert!(matches!(keyring.open(place(&home), &sealed), Err(VaultError::DoesNotOpen)));
}

#[test]
fn an_unknown_format_is_an_error() {
    let (keyring, home) = (keyring(), environment(1));
    let mut sealed = seal(&keyring, place(&home));
    for format in [0, 2, 255] {
        sealed[0] = format;
        assert!(
            matches!(keyring.open(place(&home), &sealed), Err(VaultError::UnknownFormat(f)) if f == format)
        );
    }
}

#[test]
fn equal_secrets_never_look_equal() {
    let (keyring, home) = (keyring(), environment(1));
    let mut seen = HashSet::new();
    for _ in 0..20_000 {
        let sealed = keyring.seal(place(&home), b"x", &OsEntropy).unwrap();
        let fresh: [u8; 28] = sealed[8..36].try_into().unwrap();
        assert!(seen.insert(fresh), "salt and nonce came twice");
    }
}

#[test]
fn nothing_is_sealed_without_random_bytes() {
    let home = environment(1);
    let sealed = keyring().seal(place(&home), CANARY, &NoEntropy);
    assert!(matches!(sealed, Err(VaultError::Crypto)));
    assert!(matches!(DataKey::generate(&NoEntropy), Err(VaultError::Crypto)));
}

#[test]
fn an_environment_without_primary_key_seals_nothing() {
    let home = environment(1);
    let older_only = Keyring::new().with(&home, key_id(11), new_key(), KeyRole::Older);
    for keyring in [Keyring::new(), older_only] {
        let sealed = keyring.seal(place(&home), CANARY, &OsEntropy);
        assert!(matches!(sealed, Err(VaultError::NoPrimary(_))));
        assert!(matches!(keyring.derive(&home, "csrf"), Err(VaultError::NoPrimary(_))));
        assert!(matches!(keyring.mac_keys(&home, "csrf"), Err(VaultError::NoPrimary(_))));
    }
}

#[test]
fn older_keys_open_and_only_the_primary_seals() {
    let home = environment(1);
    let before = keyring();
    let old = seal(&before, place(&home));
    let after = before.with(&home, key_id(12), new_key(), KeyRole::Primary);
    assert_eq!(after.open(place(&home), &old).unwrap().expose(), CANARY);
    assert_eq!(Keyring::key_of(&seal(&after, place(&home))).unwrap(), key_id(12));
    assert_eq!(after.primary(&home).unwrap(), &key_id(12));
}

#[test]
fn reseal_moves_a_value_to_the_primary_key_once() {
    let home = environment(1);
    let before = keyring();
    let old = seal(&before, place(&home));
    assert!(!before.needs_reseal(&old).unwrap());
    let after = before.with(&home, key_id(12), new_key(), KeyRole::Primary);
    assert!(after.needs_reseal(&old).unwrap());
    let new = after.reseal(place(&home), &old, &OsEntropy).unwrap().unwrap();
    assert!(!after.needs_reseal(&new).unwrap());
    assert_eq!(after.open(place(&home), &new).unwrap().expose(), CANARY);
    assert!(after.reseal(place(&home), &new, &OsEntropy).unwrap().is_none());
}

#[test]
fn reseal_refuses_a_moved_value() {
    let home = environment(1);
    let before = keyring();
    let old = seal(&before, place(&home));
    let after = before.with(&home, key_id(12), new_key(), KeyRole::Primary);
    let elsewhere = Place { row: "ca_2", ..place(&home) };
    assert!(matches!(after.reseal(elsewhere, &old, &OsEntropy), Err(VaultError::DoesNotOpen)));
}

#[test]
fn needs_reseal_names_a_key_that_is_gone() {
    let sealed = seal(&keyring(), place(&environment(1)));
    let needs = Keyring::new().needs_reseal(&sealed);
    assert!(matches!(needs, Err(VaultError::UnknownKey(id)) if id == key_id(11)));
}

#[test]
fn a_removed_environment_opens_nothing() {
    let home = environment(1);
    let keyring = keyring();
    let sealed = seal(&keyring, place(&home));
    let without = keyring.without(&home);
    assert!(without.open(place(&home), &sealed).is_err());
    assert!(keyring.open(place(&home), &sealed).is_ok(), "the first keyring does not change");
    assert_eq!(without.environments().collect::<Vec<_>>(), [&environment(2)]);
}

#[test]
fn derived_keys_differ_by_purpose_and_environment_and_repeat() {
    let keyring = keyring();
    let derive = |number, purpose| keyring.derive(&environment(number), purpose).unwrap();
    assert_eq!(derive(1, "paging"), derive(1, "paging"));
    assert_ne!(derive(1, "paging"), derive(1, "csrf"));
    assert_ne!(derive(1, "paging"), derive(2, "paging"));
    assert_eq!(derive(1, "paging").expose().len(), 32);
}

#[test]
fn a_mac_holds_for_its_parts_purpose_and_environment_only() {
    let keyring = keyring();
    let home = environment(1);
    let tag = keyring.mac(&home, "state", &[b"ab", b"c"]).unwrap();
    let verify = |environment: &EnvironmentId, purpose, parts: &[&[u8]], tag: &[u8]| {
        keyring.verify_mac(environment, purpose, parts, tag).unwrap()
    };
    assert_eq!(verify(&home, "state", &[b"ab", b"c"], &tag), Some(key_id(11)));
    assert_eq!(verify(&home, "state", &[b"a", b"bc"], &tag), None);
    assert_eq!(verify(&home, "state", &[b"abc"], &tag), None);
    assert_eq!(verify(&home, "paging", &[b"ab", b"c"], &tag), None);
    assert_eq!(verify(&environment(2), "state", &[b"ab", b"c"], &tag), None);
    assert_eq!(verify(&home, "state", &[b"ab", b"c"], &tag[..31]), None);
    assert_eq!(verify(&home, "state", &[b"ab", b"c"], &[]), None);
}

#[test]
fn a_mac_outlives_a_change_of_primary_key() {
    let home = environment(1);
    let before = keyring();
    let tag = before.mac(&home, "state", &[b"x"]).unwrap();
    let after = before.with(&home, key_id(12), new_key(), KeyRole::Primary);
    assert_eq!(after.verify_mac(&home, "state", &[b"x"], &tag).unwrap(), Some(key_id(11)));
    let keys = after.mac_keys(&home, "state").unwrap();
    assert_eq!(keys[0].key_id(), &key_id(12));
    assert_eq!(keys[1].sign(&[b"x"]).unwrap(), tag);
    assert_ne!(after.mac(&home, "state", &[b"x"]).unwrap(), tag);
}

#[test]
fn debug_shows_no_key() {
    let entropy = SeededEntropy::new(3);
    let key = DataKey::generate(&entropy).unwrap();
    let raw = format!("{:?}", key.expose());
    let home = environment(1);
    let keyring = Keyring::new().with(&home, key_id(11), key.clone(), KeyRole::Primary);
    let mac_key = keyring.mac_key(&home, "x").unwrap();
    let sealed = seal(&keyring, place(&home));
    let opened = keyring.open(place(&home), &sealed).unwrap();
    for shown in [format!("{key:?}"), format!("{keyring:?}"), format!("{mac_key:?}"), format!("{opened:?}")] {
        assert!(!shown.contains(&raw) && !shown.contains("cnry"), "{shown}");
    }
    assert_eq!(format!("{key:?}"), "DataKey(***)");
}

#[test]
fn errors_become_codes_of_the_closed_table() {
    let home = environment(1);
    let code = |error: VaultError| Error::from(error).code;
    let missing = Keyring::new().open(place(&home), b"").unwrap_err();
    assert_eq!(code(missing), Code::IntegrityError);
    assert_eq!(code(VaultError::WrongRootKey), Code::ConfigInvalid);
    assert_eq!(code(VaultError::NoPrimary(home)), Code::Internal);
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_open(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let home = environment(1);
        prop_assert!(keyring().open(place(&home), &bytes).is_err());
    }

    #[test]
    fn arbitrary_bytes_behind_a_true_header_never_open(
        body in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let home = environment(1);
        let sealed = [b"\x01\x06dek_11".as_slice(), &body].concat();
        let opened = keyring().open(place(&home), &sealed);
        prop_assert!(matches!(opened, Err(VaultError::DoesNotOpen | VaultError::Malformed)));
    }

    #[test]
    fn any_secret_opens_in_any_place(
        secret in proptest::collection::vec(any::<u8>(), 0..2000),
        row in ".*",
        bindings in proptest::collection::vec(".*", 0..4),
    ) {
        let (keyring, home) = (keyring(), environment(1));
        let bindings: Vec<&str> = bindings.iter().map(String::as_str).collect();
        let place = Place { row: &row, binding: &bindings, ..place(&home) };
        let sealed = keyring.seal(place, &secret, &OsEntropy).unwrap();
        let opened = keyring.open(place, &sealed).unwrap();
        prop_assert_eq!(opened.expose(), &secret);
    }
}
