//! What forms take, what they remove and what they say about it.

use super::*;

/// What was done to the values of a form, and what is wrong with them.
fn seen(slug: &str, input: &[(&str, &str)]) -> (Vec<Note>, Vec<Fault>) {
    let catalog = crate::Catalog::embedded();
    let connector = catalog.get(slug).unwrap();
    let input = input.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let checked = read(&connector, connector.recommended().unwrap(), Place::Account, &input, Require::All);
    let notes = checked.notes.into_iter().map(|seen| seen.note).collect();
    (notes, checked.faults.into_iter().map(|wrong| wrong.fault).collect())
}

#[test]
fn what_is_removed_around_a_key_is_told() {
    let key = format!("lk_{}", "a1".repeat(16));
    let (notes, _) = seen("luggage", &[("api_key", &format!("  \"{key}\"  "))]);
    assert!(notes.contains(&Note::Spaces) && notes.contains(&Note::Quotes), "{notes:?}");
    let (notes, _) = seen("luggage", &[("api_key", &key)]);
    assert!(notes.is_empty(), "{notes:?}");
    let (notes, _) = seen("luggage", &[("api_key", &format!("{key}\r\n"))]);
    assert!(notes.is_empty(), "the end of a line that was copied with it: {notes:?}");
    let (notes, _) =
        seen("openai", &[("api_key", "Authorization: Bearer sk-abcdefghijklmnopqrstuvwxyz012345")]);
    assert_eq!(notes, [Note::Scheme("Authorization: Bearer".to_owned())]);
}

#[test]
fn a_private_key_is_told_by_kind_and_fingerprint_and_a_public_one_is_named() {
    const PRIVATE: &str = include_str!("../../../oauth/tests/fixtures/rsa_pkcs8.pem");
    const PUBLIC: &str = include_str!("../../../oauth/tests/fixtures/rsa_public.pem");
    let given = |key: &str| seen("turnstile", &[("key_id", "gate-1"), ("private_key", key)]);
    let (notes, faults) = given(PRIVATE);
    assert!(faults.is_empty());
    // openssl pkey -in rsa_pkcs8.pem -pubout -outform DER | openssl dgst -sha256 -binary | base64
    let fingerprint = "SHA256:2wUYxVuJgz6m+sHx3AxmnPZxntPxf9lmqLx2Po3NCj0";
    assert_eq!(notes, [Note::Key { kind: "RSA 2048".to_owned(), fingerprint: Some(fingerprint.to_owned()) }]);
    assert_eq!(given(PUBLIC).1, [Fault::PublicKey]);
    assert_eq!(given("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI ada@laptop").1, [Fault::PublicKey]);
    let certificate = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----";
    assert_eq!(given(certificate).1, [Fault::Certificate]);
    assert_eq!(given(PRIVATE.split("-----END").next().unwrap()).1, [Fault::CutKey]);
    let locked = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----";
    assert!(matches!(&given(locked).0[..], [Note::Key { fingerprint: None, .. }]));
    assert_eq!(given("-----BEGIN PRIVATE KEY-----\n%%%\n-----END PRIVATE KEY-----").0, []);
}

#[test]
fn a_machine_account_is_told_by_its_address_and_project() {
    let file = r#"{"type": "service_account", "project_id": "maps-1", "client_email": "bot@maps-1.example", "private_key": "x"}"#;
    let checked = super::file::check(FieldKind::JsonFile, file.to_owned()).unwrap();
    let told = Note::Account { email: "bot@maps-1.example".to_owned(), project: Some("maps-1".to_owned()) };
    assert_eq!(checked.1, Some(told));
    assert_eq!(super::file::check(FieldKind::JsonFile, "[1]".to_owned()), Err(Fault::Json));
}
