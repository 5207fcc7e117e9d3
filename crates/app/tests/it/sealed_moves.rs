//! Compare and set of sealed values, on both databases: what another writer stored meanwhile stays.

use keybearer_core::ids::{DataKeyId, EnvironmentId, SigningKeyId};
use keybearer_core::{EnvironmentKind, SecretString, VerifyMode};
use keybearer_store::{
    DataKeyRow, DataKeyState, Db, EnvironmentRow, Options, SEALED_COLUMNS, Sealed, SealedMove, SigningKeyRow,
    SigningKeyState,
};
use keybearer_testkit::{TEST_TIME, TestDatabase};
use serde_json::json;

#[tokio::test]
async fn a_value_that_changed_meanwhile_is_not_replaced_on_sqlite() {
    let folder = keybearer_testkit::temp_dir().unwrap();
    let file = folder.path().join("keybearer.db");
    only_the_value_that_was_read(&Db::open_sqlite(&file, &Options::default()).await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_changed_meanwhile_is_not_replaced_on_postgres() {
    let database = tokio::task::spawn_blocking(TestDatabase::create).await.unwrap().unwrap();
    let db = Db::open(&SecretString::from(database.url()), &Options::default()).await.unwrap();
    only_the_value_that_was_read(&db).await;
}

async fn only_the_value_that_was_read(db: &Db) {
    let (environment, key) = (EnvironmentId::from_number(1), DataKeyId::from_number(1));
    make(db, &environment, &key).await;
    db.begin_reencryption(&environment, &key, TEST_TIME).await.unwrap();
    let progress = db.find_reencryption(&environment).await.unwrap().unwrap();
    let column = SEALED_COLUMNS.iter().find(|column| column.table == "signing_key");
    let step = async |from: &[u8], to: &[u8]| {
        let (from, to) = (Sealed::from(from.to_vec()), Sealed::from(to.to_vec()));
        let moves = [SealedMove { row_id: "snk_1".to_owned(), from, to }];
        db.step_reencryption(column, &moves, &progress).await.unwrap()
    };
    let stored = async || db.list_signing_keys(&environment).await.unwrap()[0].sealed_private.0.clone();
    assert_eq!((step(b"former", b"moved").await, stored().await), (0, b"newer".to_vec()));
    assert_eq!((step(b"newer", b"moved").await, stored().await), (1, b"moved".to_vec()));
    assert_eq!(db.find_reencryption(&environment).await.unwrap().unwrap().moved, 1);
}

async fn make(db: &Db, environment: &EnvironmentId, key: &DataKeyId) {
    let row = EnvironmentRow {
        id: environment.clone(),
        name: "default".to_owned(),
        kind: EnvironmentKind::Development,
        app_name: "Fieldnote".to_owned(),
        verify_mode: VerifyMode::None,
        settings: json!({}),
        created_at: TEST_TIME,
        updated_at: TEST_TIME,
    };
    let data_key = DataKeyRow {
        id: key.clone(),
        environment_id: environment.clone(),
        wrapped: Sealed::from(b"wrapped".to_vec()),
        state: DataKeyState::Primary,
        created_at: TEST_TIME,
        version: 1,
        activated_at: None,
        rotated_at: None,
    };
    let signing_key = SigningKeyRow {
        id: SigningKeyId::from_number(1),
        environment_id: environment.clone(),
        sealed_private: Sealed::from(b"newer".to_vec()),
        public_jwk: json!({}),
        state: SigningKeyState::Active,
        created_at: TEST_TIME,
        retire_at: None,
        signs_from: None,
    };
    db.create_environment(&row, &data_key, &signing_key).await.unwrap();
}
