#![doc = include_str!("../README.md")]

mod postgres;

use std::net::TcpListener;

use anyhow::Context as _;

pub use keybearer_core::{FixedClock, SeededEntropy, Timestamp};
pub use postgres::TestDatabase;
pub use tempfile::TempDir;

/// A new empty folder that is deleted with the value.
///
/// # Errors
/// When the folder for temporary files cannot be written.
pub fn temp_dir() -> anyhow::Result<TempDir> {
    tempfile::Builder::new().prefix("keybearer-test-").tempdir().context("no temporary folder")
}

/// A TCP port of the loopback address that nobody listens on right now.
///
/// # Errors
/// When there is none.
pub fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("no free port")?;
    Ok(listener.local_addr()?.port())
}

/// 2030-01-02T03:04:05Z, the moment at which tests with a fixed clock begin.
pub const TEST_TIME: Timestamp = Timestamp::from_seconds(1_893_553_445);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_ports_can_be_bound() {
        let port = free_port().unwrap();
        assert!(TcpListener::bind(("127.0.0.1", port)).is_ok());
    }

    #[test]
    fn a_database_answers_and_goes_away_with_its_value() {
        let database = TestDatabase::create().unwrap();
        assert_eq!(database.query("SELECT 40 + 2").unwrap(), "42");
        let (server, name) = (database.url().to_owned(), database.name().to_owned());
        drop(database);
        let other = TestDatabase::create().unwrap();
        let left =
            other.query(&format!("SELECT count(*) FROM pg_database WHERE datname = '{name}'")).unwrap();
        assert_eq!(left, "0", "{server}");
    }

    #[test]
    fn the_server_does_not_sort_by_bytes_unless_told_to() {
        let database = TestDatabase::create().unwrap();
        assert_eq!(database.query("SELECT 'a' < 'B'").unwrap(), "t");
        assert_eq!(database.query("SELECT 'a' < 'B' COLLATE \"C\"").unwrap(), "f");
    }
}
