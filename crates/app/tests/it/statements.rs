//! Every statement of the program, prepared on both databases.

use keybearer_core::SecretString;
use keybearer_store::{Db, Options};
use keybearer_testkit::TestDatabase;

#[tokio::test]
async fn sqlite_accepts_every_statement() {
    let folder = keybearer_testkit::temp_dir().unwrap();
    let db = Db::open_sqlite(&folder.path().join("keybearer.db"), &Options::default()).await.unwrap();
    assert_eq!(format!("{:?}", db.check_statements().await), "[]");
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_accepts_every_statement() {
    let database = tokio::task::spawn_blocking(TestDatabase::create).await.unwrap().unwrap();
    let db = Db::open(&SecretString::from(database.url()), &Options::default()).await.unwrap();
    assert_eq!(format!("{:?}", db.check_statements().await), "[]");
}
