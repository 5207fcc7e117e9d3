use sqlx::Executor as _;

use crate::dialect::on;
use crate::{Db, StoreError, sql};

impl Db {
    /// Prepares every statement of the program and gives those that the database does not accept, each with the
    /// reason. Empty is good. It takes the place of compile-time checks, which know one database only.
    pub async fn check_statements(&self) -> Vec<(&'static str, StoreError)> {
        let mut refused = Vec::new();
        for (name, text) in sql::all() {
            let prepared = on!(write self, |connection| {
                connection.prepare(sqlx::SqlStr::from_static(text)).await.map(|_| ())
            });
            if let Err(error) = prepared {
                refused.push((name, StoreError::from(error)));
            }
        }
        refused
    }
}
