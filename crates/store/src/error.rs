use std::borrow::Cow;

use keybearer_core::{Code, Error};
use sqlx::error::{DatabaseError, ErrorKind};

/// Why a database operation did not happen. It holds codes and names of tables, never a stored or bound value.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A row of that kind exists already, or another writer was first.
    #[error("{what} exists already or was changed by another writer")]
    Conflict {
        /// The table, for example `account`.
        what: &'static str,
    },
    /// The row refers to another one that is not there (any more), or is still referred to.
    #[error("{what} refers to a row that is not there, or is still referred to")]
    Reference {
        /// The table, for example `account`.
        what: &'static str,
    },
    /// The database cannot take the operation now: locked, full, read-only, out of connections, away.
    #[error("the database cannot take this now ({reason})")]
    Unavailable {
        /// What is missing, in words.
        reason: Cow<'static, str>,
    },
    /// Another process has the database file.
    #[error("the database file is in use by process {holder}")]
    InUse {
        /// The process id of the holder, or `unknown`.
        holder: String,
    },
    /// The schema was written by a newer version of this program.
    #[error("the database has schema version {found}; this program knows versions up to {known}")]
    SchemaTooNew {
        /// The newest version in the database.
        found: i64,
        /// The newest version in this program.
        known: i64,
    },
    /// The file or a stored value is damaged.
    #[error("the database is damaged ({what})")]
    Corrupt {
        /// Where, without the value.
        what: String,
    },
    /// Anything else: a fault of ours or of the set-up.
    #[error("the database refused the operation ({what})")]
    Other {
        /// The server's error code or the kind of failure.
        what: String,
    },
}

/// Result with [`StoreError`].
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

impl StoreError {
    pub(crate) fn unavailable(reason: &'static str) -> Self {
        Self::Unavailable { reason: Cow::Borrowed(reason) }
    }

    pub(crate) fn other(what: impl Into<String>) -> Self {
        Self::Other { what: what.into() }
    }

    /// Whether it is a conflict, and with a row of table `what`.
    pub fn is_conflict(&self, what: &str) -> bool {
        matches!(self, Self::Conflict { what: found } if *found == what)
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        let (code, detail): (Code, Cow<'static, str>) = match &error {
            StoreError::Conflict { what } => (Code::AlreadyExists, format!("{what} exists already").into()),
            StoreError::Reference { what } => (
                Code::FailedPrecondition,
                format!("{what} refers to something that is gone or still used").into(),
            ),
            StoreError::Unavailable { reason } => (Code::DatabaseUnavailable, reason.clone()),
            StoreError::InUse { .. } | StoreError::SchemaTooNew { .. } => {
                (Code::ConfigInvalid, error.to_string().into())
            }
            StoreError::Corrupt { .. } => (Code::IntegrityError, "the database is damaged".into()),
            StoreError::Other { .. } => (Code::Internal, "the database refused the operation".into()),
        };
        let converted = Error::new(code, detail);
        let converted =
            if code == Code::DatabaseUnavailable { converted.with_retry_after(1) } else { converted };
        converted.with_source(error)
    }
}

impl From<sqlx::Error> for StoreError {
    /// Keeps the code and drops the text: a server's message may quote bound values.
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(error) => from_database(&*error),
            sqlx::Error::PoolTimedOut => Self::unavailable("no connection became free in time"),
            sqlx::Error::PoolClosed => Self::unavailable("the database is closed"),
            sqlx::Error::Io(error) => {
                Self::Unavailable { reason: format!("connection: {}", error.kind()).into() }
            }
            sqlx::Error::Tls(_) => Self::unavailable("TLS to the database failed"),
            sqlx::Error::WorkerCrashed => Self::unavailable("the database worker stopped"),
            sqlx::Error::ColumnDecode { index, .. } => Self::Corrupt { what: format!("column {index}") },
            sqlx::Error::RowNotFound => Self::other("no row where one must be"),
            sqlx::Error::Protocol(_) => Self::unavailable("the database connection lost its place"),
            sqlx::Error::Configuration(_) => Self::other("database address"),
            _ => Self::other("driver"),
        }
    }
}

fn from_database(error: &dyn DatabaseError) -> StoreError {
    let code = error.code().unwrap_or_default();
    match error.kind() {
        ErrorKind::UniqueViolation => {
            return StoreError::Conflict { what: table_of(error) };
        }
        ErrorKind::ForeignKeyViolation => {
            return StoreError::Reference { what: table_of(error) };
        }
        ErrorKind::CheckViolation | ErrorKind::NotNullViolation => {
            return StoreError::other(format!("{} constraint, code {code}", table_of(error)));
        }
        _ => {}
    }
    // SQLSTATEs have five characters; SQLite's extended result codes have at most four digits
    if code.len() == 5 { from_sqlstate(&code) } else { from_sqlite(&code) }
}

fn from_sqlite(code: &str) -> StoreError {
    match code.parse::<i64>().unwrap_or_default() & 0xff {
        5 | 6 => StoreError::unavailable("the database is locked"),
        8 => StoreError::unavailable("the database is read-only"),
        10 => StoreError::unavailable("the disk reports an error"),
        13 => StoreError::unavailable("the disk is full"),
        14 => StoreError::unavailable("the database file cannot be opened"),
        11 | 26 => StoreError::Corrupt { what: format!("code {code}") },
        _ => StoreError::other(format!("code {code}")),
    }
}

fn from_sqlstate(code: &str) -> StoreError {
    match code {
        "25006" => StoreError::unavailable("the database is read-only"),
        "40001" | "40P01" | "55P03" | "57014" => StoreError::unavailable("the row is locked"),
        "53100" => StoreError::unavailable("the disk is full"),
        "58030" => StoreError::unavailable("the disk reports an error"),
        "XX001" | "XX002" => StoreError::Corrupt { what: format!("code {code}") },
        _ if code.starts_with("08") || code.starts_with("57P") => {
            StoreError::unavailable("the database is going away")
        }
        _ if code.starts_with("53") => StoreError::unavailable("the database is out of resources"),
        _ if code.starts_with("28") => StoreError::other(format!("sign-in to the database, code {code}")),
        _ => StoreError::other(format!("code {code}")),
    }
}

const TABLES: &[&str] = &[
    "account",
    "api_client",
    "api_client_secret",
    "audit",
    "call_log",
    "connection",
    "connection_credential",
    "connection_test",
    "connection_test_step",
    "data_key",
    "environment",
    "event",
    "flow",
    "flow_attempt",
    "installation",
    "job_lease",
    "member",
    "member_identity",
    "member_passkey",
    "reencryption",
    "refresh_log",
    "signing_key",
    "spent_challenge",
    "user_page",
    "webhook_attempt",
    "webhook_delivery",
    "webhook_endpoint",
    "webhook_secret",
];

/// The table of a constraint violation: a field of PostgreSQL's answer, a word of SQLite's
/// (`UNIQUE constraint failed: account.connection_id, …`, which names columns and no values).
fn table_of(error: &dyn DatabaseError) -> &'static str {
    let message = error.message();
    let named = error.table().or_else(|| message.split(": ").last()?.split('.').next()).unwrap_or_default();
    TABLES.iter().find(|table| **table == named).copied().unwrap_or("row")
}
