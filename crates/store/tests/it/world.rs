//! An open database with one environment.

use keybearer_core::ids::{DataKeyId, EnvironmentId, SigningKeyId};
use keybearer_core::{EnvironmentKind, SecretString, Timestamp, VerifyMode};
use keybearer_store::{
    DataKeyRow, DataKeyState, Db, EnvironmentRow, Options, Sealed, SigningKeyRow, SigningKeyState,
};
use keybearer_testkit::{TEST_TIME, TempDir, TestDatabase};
use serde_json::json;

/// Runs each named function on SQLite and on PostgreSQL.
macro_rules! on_both {
    ($($name:ident),* $(,)?) => {$(
        mod $name {
            #[tokio::test]
            async fn sqlite() {
                super::$name(&crate::world::World::sqlite().await).await;
            }

            #[tokio::test]
            async fn postgres() {
                super::$name(&crate::world::World::postgres().await).await;
            }
        }
    )*};
}

pub(crate) use on_both;

pub struct World {
    pub db: Db,
    pub environment: EnvironmentId,
    _folder: TempDir,
    _database: Option<TestDatabase>,
}

impl World {
    pub async fn sqlite() -> Self {
        let folder = keybearer_testkit::temp_dir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("keybearer.db").display());
        Self::open(url, folder, None).await
    }

    pub async fn postgres() -> Self {
        let database = tokio::task::spawn_blocking(TestDatabase::create).await.unwrap().unwrap();
        let folder = keybearer_testkit::temp_dir().unwrap();
        Self::open(database.url().to_owned(), folder, Some(database)).await
    }

    async fn open(url: String, folder: TempDir, database: Option<TestDatabase>) -> Self {
        let db = Db::open(&SecretString::from(url), &Options::default()).await.unwrap();
        let environment = environment(&db, 1).await;
        Self { db, environment, _folder: folder, _database: database }
    }
}

pub async fn environment(db: &Db, number: i64) -> EnvironmentId {
    let id = EnvironmentId::from_number(number);
    let row = EnvironmentRow {
        id: id.clone(),
        name: format!("environment {number}"),
        kind: EnvironmentKind::Development,
        app_name: "Tests".to_owned(),
        verify_mode: VerifyMode::None,
        settings: json!({}),
        created_at: TEST_TIME,
        updated_at: TEST_TIME,
    };
    let data_key = DataKeyRow {
        id: DataKeyId::from_number(number),
        environment_id: id.clone(),
        wrapped: Sealed::from(vec![0]),
        state: DataKeyState::Primary,
        created_at: TEST_TIME,
        version: 1,
        activated_at: Some(TEST_TIME),
        rotated_at: None,
    };
    let signing_key = SigningKeyRow {
        id: SigningKeyId::from_number(number),
        environment_id: id.clone(),
        sealed_private: Sealed::from(vec![0]),
        public_jwk: json!({}),
        state: SigningKeyState::Active,
        created_at: TEST_TIME,
        retire_at: None,
        signs_from: None,
    };
    db.create_environment(&row, &data_key, &signing_key).await.unwrap();
    id
}

pub fn at(seconds: u64) -> Timestamp {
    TEST_TIME.plus(std::time::Duration::from_secs(seconds))
}
