use std::fs;
use std::future::ready;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;

use keybearer_core::ids::{DataKeyId, EnvironmentId};
use keybearer_core::{Entropy, OsEntropy, SecretString, to_hex};
use keybearer_vault::{
    DataKey, Installation, KeyCheck, KeyContext, KeyFuture, KeyOrigin, KeyProvider, LocalKey, VaultError,
    rewrap,
};
use tempfile::TempDir;

const INSTALLATION: &str = "inst_1";

fn root() -> LocalKey {
    LocalKey::generate(&OsEntropy).unwrap()
}

fn ids() -> (EnvironmentId, DataKeyId) {
    (EnvironmentId::from_number(1), DataKeyId::from_number(11))
}

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("root.key");
    (folder, path)
}

fn write(path: &PathBuf, text: &str, mode: u32) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn a_wrapped_key_unwraps_in_its_own_context_only() {
    let (root, key) = (root(), DataKey::generate(&OsEntropy).unwrap());
    let (environment, id) = ids();
    let context = KeyContext { installation: INSTALLATION, environment: &environment, key: &id };
    let wrapped = root.wrap(context, &key, &OsEntropy).await.unwrap();
    assert_eq!(root.unwrap(context, &wrapped).await.unwrap().expose(), key.expose());

    let (other_environment, other_id) = (EnvironmentId::from_number(2), DataKeyId::from_number(12));
    for moved in [
        KeyContext { installation: "inst_2", ..context },
        KeyContext { environment: &other_environment, ..context },
        KeyContext { key: &other_id, ..context },
    ] {
        assert!(matches!(root.unwrap(moved, &wrapped).await, Err(VaultError::DoesNotOpen)), "{moved:?}");
    }
}

#[tokio::test]
async fn a_changed_or_shortened_wrapped_key_fails() {
    let (root, key) = (root(), DataKey::generate(&OsEntropy).unwrap());
    let (environment, id) = ids();
    let context = KeyContext { installation: INSTALLATION, environment: &environment, key: &id };
    let wrapped = root.wrap(context, &key, &OsEntropy).await.unwrap();
    for at in 0..wrapped.len() {
        let mut changed = wrapped.clone();
        changed[at] ^= 1;
        assert!(root.unwrap(context, &changed).await.is_err(), "byte {at}");
        assert!(root.unwrap(context, &wrapped[..at]).await.is_err(), "length {at}");
    }
}

#[tokio::test]
async fn a_change_of_root_key_keeps_the_data_key() {
    let (old, new, key) = (root(), root(), DataKey::generate(&OsEntropy).unwrap());
    let (environment, id) = ids();
    let context = KeyContext { installation: INSTALLATION, environment: &environment, key: &id };
    let wrapped = old.wrap(context, &key, &OsEntropy).await.unwrap();
    let moved = rewrap(&old, &new, context, &wrapped, &OsEntropy).await.unwrap();
    assert_eq!(new.unwrap(context, &moved).await.unwrap().expose(), key.expose());
    assert!(matches!(old.unwrap(context, &moved).await, Err(VaultError::WrongRootKey)));
    assert!(matches!(rewrap(&new, &old, context, &wrapped, &OsEntropy).await, Err(VaultError::WrongRootKey)));
}

#[tokio::test]
async fn the_key_check_refuses_another_root_key() {
    let root_key = root();
    let check = KeyCheck::make(&root_key, INSTALLATION, &OsEntropy).await.unwrap();
    KeyCheck::verify(&root_key, INSTALLATION, &check).await.unwrap();
    let wrong = KeyCheck::verify(&root(), INSTALLATION, &check).await;
    assert!(matches!(wrong, Err(VaultError::WrongRootKey)));
    let moved = KeyCheck::verify(&root_key, "inst_2", &check).await;
    assert!(matches!(moved, Err(VaultError::WrongRootKey)));
}

#[tokio::test]
async fn a_changed_key_check_is_refused() {
    let root = root();
    let check = KeyCheck::make(&root, INSTALLATION, &OsEntropy).await.unwrap();
    for at in 0..check.len() {
        let mut changed = check.clone();
        changed[at] ^= 0x80;
        assert!(KeyCheck::verify(&root, INSTALLATION, &changed).await.is_err(), "byte {at}");
    }
    assert!(KeyCheck::verify(&root, INSTALLATION, &[]).await.is_err());
}

#[tokio::test]
async fn a_wrapped_data_key_is_no_key_check() {
    let (root, (environment, id)) = (root(), ids());
    let context = KeyContext { installation: INSTALLATION, environment: &environment, key: &id };
    let key = DataKey::generate(&OsEntropy).unwrap();
    let wrapped = root.wrap(context, &key, &OsEntropy).await.unwrap();
    assert!(KeyCheck::verify(&root, INSTALLATION, &wrapped).await.is_err());
}

#[test]
fn text_forms_give_the_same_key() {
    let key = root();
    let text = key.to_text();
    let hex = to_hex(&decode(text.expose()));
    let url_safe = text.expose().replace('+', "-").replace('/', "_");
    let no_padding = text.expose().trim_end_matches('=').to_owned();
    for form in [
        text.expose().clone(),
        hex.to_uppercase(),
        hex,
        url_safe,
        no_padding,
        format!(" {}\n", text.expose()),
    ] {
        assert_eq!(LocalKey::from_text(&SecretString::new(form)).unwrap().id(), key.id());
    }
}

#[test]
fn text_that_no_random_source_gives_is_refused() {
    let zeros = "00".repeat(32);
    let counting: String = (0..32).map(|byte: u8| format!("{byte:02x}")).collect();
    let pattern = "deadbeef".repeat(8);
    let typed = to_hex(b"correct horse battery staple 123");
    let short = "a1b2c3d4";
    let long = "9f".repeat(33);
    for text in ["", "password", "!!", short, &long, &zeros, &counting, &pattern, &typed] {
        let read = LocalKey::from_text(&text.into());
        assert!(matches!(read, Err(VaultError::RootKeyInvalid(_))), "{text}");
    }
}

#[test]
fn random_keys_always_look_random() {
    for _ in 0..20_000 {
        LocalKey::from_text(&root().to_text()).unwrap();
    }
}

#[test]
fn a_new_key_file_belongs_to_its_user_alone_and_loads_again() {
    let (_folder, path) = folder();
    let created = LocalKey::create(&path, &OsEntropy).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(LocalKey::load(&path).unwrap().id(), created.id());
}

#[test]
fn a_key_file_is_never_replaced() {
    let (folder, path) = folder();
    fs::write(&path, "").unwrap();
    let dangling = folder.path().join("link.key");
    symlink(folder.path().join("nowhere"), &dangling).unwrap();
    for path in [&path, &dangling] {
        assert!(matches!(LocalKey::create(path, &OsEntropy), Err(VaultError::RootKeyExists(_))));
    }
    assert_eq!(fs::read(&path).unwrap(), b"");
}

#[test]
fn a_missing_key_is_made_for_a_new_installation_only() {
    let (_folder, path) = folder();
    let refused = LocalKey::load_or_create(&path, Installation::Existing, &OsEntropy);
    assert!(matches!(refused, Err(VaultError::RootKeyMissing(_))));
    assert!(!path.exists());

    let (made, origin) = LocalKey::load_or_create(&path, Installation::New, &OsEntropy).unwrap();
    assert_eq!(origin, KeyOrigin::Created);
    for installation in [Installation::New, Installation::Existing] {
        let (loaded, origin) = LocalKey::load_or_create(&path, installation, &OsEntropy).unwrap();
        assert_eq!((loaded.id(), origin), (made.id(), KeyOrigin::Loaded));
    }
}

#[test]
fn a_damaged_key_file_is_refused_and_not_replaced() {
    let (_folder, path) = folder();
    for text in ["", "half a k", &"A".repeat(5000)] {
        write(&path, text, 0o600);
        let loaded = LocalKey::load_or_create(&path, Installation::New, &OsEntropy);
        assert!(matches!(loaded, Err(VaultError::RootKeyInvalid(_))), "{loaded:?}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
}

#[test]
fn a_key_file_open_to_others_is_refused() {
    let (_folder, path) = folder();
    let text = root().to_text();
    for (mode, accepted) in [(0o600, true), (0o400, true), (0o440, true), (0o644, false), (0o660, false)] {
        write(&path, text.expose(), mode);
        let loaded = LocalKey::load(&path);
        assert_eq!(loaded.is_ok(), accepted, "mode {mode:o}");
        if let Err(error) = loaded {
            assert!(error.to_string().contains("chmod 600"), "{error}");
        }
    }
}

#[test]
fn an_unreadable_folder_is_reported_with_its_path() {
    let (folder, _) = folder();
    let path = folder.path().join("no/such/root.key");
    let created = LocalKey::load_or_create(&path, Installation::New, &OsEntropy);
    assert!(matches!(created, Err(VaultError::KeyFile { .. })));
}

#[test]
fn debug_and_errors_show_no_key() {
    let key = root();
    let text = key.to_text();
    assert!(!format!("{key:?}").contains(text.expose()));
    assert_eq!(format!("{key:?}"), format!("LocalKey({:?})", key.id()));
    let half = &text.expose()[..20];
    let error = LocalKey::from_text(&half.into()).unwrap_err();
    assert!(!format!("{error} {error:?}").contains(half));
}

fn decode(base64: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(base64).unwrap()
}

/// A key service that answers every call with one key, whatever it is asked.
struct Careless(DataKey);

impl KeyProvider for Careless {
    fn id(&self) -> String {
        "careless".to_owned()
    }

    fn wrap<'a>(&'a self, _: KeyContext<'a>, _: &'a DataKey, _: &'a dyn Entropy) -> KeyFuture<'a, Vec<u8>> {
        Box::pin(ready(Ok(vec![1])))
    }

    fn unwrap<'a>(&'a self, _: KeyContext<'a>, _: &'a [u8]) -> KeyFuture<'a, DataKey> {
        Box::pin(ready(Ok(self.0.clone())))
    }
}

#[tokio::test]
async fn the_key_check_refuses_a_service_that_unwraps_to_something_else() {
    let careless = Careless(DataKey::generate(&OsEntropy).unwrap());
    let check = KeyCheck::make(&careless, INSTALLATION, &OsEntropy).await.unwrap();
    let verified = KeyCheck::verify(&careless, INSTALLATION, &check).await;
    assert!(matches!(verified, Err(VaultError::WrongRootKey)));
}
