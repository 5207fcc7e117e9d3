//! The only place that knows two kinds of database: opening, migrating, and the macros that run one SQL text
//! on either.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use keybearer_core::SecretString;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, PgPool, Postgres, Sqlite, SqlitePool, Transaction};

use crate::error::{Result, StoreError};

static SQLITE_MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES_MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// Any number; every Keybearer node takes the same transaction-level advisory lock while it migrates.
const MIGRATION_LOCK: i64 = 0x6b65_7962_6561_7265;

/// An open database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Db(pub(crate) Backend);

#[derive(Clone, Debug)]
pub(crate) enum Backend {
    /// One connection writes, several read; the lock file keeps other processes away.
    Sqlite {
        write: SqlitePool,
        read: SqlitePool,
        _lock: Arc<FileLock>,
    },
    Postgres(PgPool),
}

/// A transaction that may write. Dropped without [`Tx::commit`], it is rolled back.
pub(crate) enum Tx {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

/// Limits of an open database.
#[derive(Clone, Debug)]
pub struct Options {
    /// Connections for reading (SQLite) or in all (PostgreSQL).
    pub connections: u32,
    /// How long a writer waits for a lock that another one holds; on SQLite also for its turn.
    pub busy_timeout: Duration,
    /// PostgreSQL: how long a caller waits for a connection.
    pub acquire_timeout: Duration,
    /// PostgreSQL: keep prepared statements. Off behind a pooler in transaction mode.
    pub statement_cache: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            connections: 8,
            busy_timeout: Duration::from_secs(5),
            acquire_timeout: Duration::from_secs(2),
            statement_cache: true,
        }
    }
}

/// Runs an expression on a connection: `on!(read db, |c| …)`, `on!(write db, |c| …)` or `on!(tx tx, |c| …)`.
/// It expands twice, so one SQL text is type-checked for both drivers.
macro_rules! on {
    (read $db:expr, |$connection:ident| $body:expr) => {
        match &$db.0 {
            crate::dialect::Backend::Sqlite { read: $connection, .. } => $body,
            crate::dialect::Backend::Postgres($connection) => $body,
        }
    };
    (write $db:expr, |$connection:ident| $body:expr) => {
        match &$db.0 {
            crate::dialect::Backend::Sqlite { write: $connection, .. } => $body,
            crate::dialect::Backend::Postgres($connection) => $body,
        }
    };
    (tx $tx:expr, |$connection:ident| $body:expr) => {
        match $tx {
            crate::dialect::Tx::Sqlite(transaction) => {
                let $connection = &mut **transaction;
                $body
            }
            crate::dialect::Tx::Postgres(transaction) => {
                let $connection = &mut **transaction;
                $body
            }
        }
    };
}

/// Runs a statement and gives the number of rows it changed.
macro_rules! execute {
    ($mode:ident $db:expr, $sql:expr $(, $value:expr)* $(,)?) => {
        crate::dialect::on!($mode $db, |connection| {
            crate::columns::statement!(query, $sql $(, $value)*)
                .execute(connection).await.map(|done| done.rows_affected())
        }).map_err(crate::StoreError::from)
    };
}

/// Runs a statement that gives at most one row.
macro_rules! find {
    ($mode:ident $db:expr, $sql:expr $(, $value:expr)* $(,)?) => {
        crate::dialect::on!($mode $db, |connection| {
            crate::columns::statement!(query_as, $sql $(, $value)*).fetch_optional(connection).await
        }).map_err(crate::StoreError::from)
    };
}

/// Runs a statement that gives rows.
macro_rules! list {
    ($mode:ident $db:expr, $sql:expr $(, $value:expr)* $(,)?) => {
        crate::dialect::on!($mode $db, |connection| {
            crate::columns::statement!(query_as, $sql $(, $value)*).fetch_all(connection).await
        }).map_err(crate::StoreError::from)
    };
}

/// Runs a statement that gives at most one value.
macro_rules! scalar {
    ($mode:ident $db:expr, $sql:expr $(, $value:expr)* $(,)?) => {
        crate::dialect::on!($mode $db, |connection| {
            crate::columns::statement!(query_scalar, $sql $(, $value)*).fetch_optional(connection).await
        }).map_err(crate::StoreError::from)
    };
}

pub(crate) use {execute, find, list, on, scalar};

impl Db {
    /// Opens `sqlite:FILE` (or `sqlite://FILE`) or `postgres://…` and brings the schema up to date.
    ///
    /// # Errors
    /// [`StoreError::Other`] for another scheme; otherwise those of [`Db::open_sqlite`] and
    /// [`Db::open_postgres`].
    pub async fn open(url: &SecretString, options: &Options) -> Result<Self> {
        let text = url.expose();
        if let Some(path) = text.strip_prefix("sqlite://").or_else(|| text.strip_prefix("sqlite:")) {
            return Self::open_sqlite(Path::new(path), options).await;
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Self::open_postgres(url, options).await;
        }
        Err(StoreError::other("address: expected sqlite:FILE or postgres://…"))
    }

    /// Opens a database file, makes it (mode 0600) when it is not there, and brings the schema up to date.
    ///
    /// Leases that a process before this one left behind end here: the lock file says that it is gone.
    ///
    /// # Errors
    /// [`StoreError::InUse`] when another process has the file, [`StoreError::SchemaTooNew`] when a newer
    /// version wrote it, [`StoreError::Unavailable`] when it cannot be opened or written.
    pub async fn open_sqlite(path: &Path, options: &Options) -> Result<Self> {
        let lock = Arc::new(FileLock::acquire(path)?);
        make_private(path)?;
        let connect = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // FULL: with NORMAL a power cut takes back acknowledged commits, which loses rotated tokens
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(options.busy_timeout)
            .disable_statement_logging();
        let pool = || {
            SqlitePoolOptions::new()
                .acquire_timeout(options.busy_timeout)
                .idle_timeout(None)
                .max_lifetime(None)
                .test_before_acquire(false)
        };
        let write = pool().max_connections(1).connect_with(connect.clone()).await?;
        let read =
            pool().max_connections(options.connections.max(1)).connect_with(connect.read_only(true)).await?;
        let db = Self(Backend::Sqlite { write, read, _lock: lock });
        db.migrate().await?;
        db.end_leases_of("").await?;
        Ok(db)
    }

    /// Connects to PostgreSQL 15 or newer and brings the schema up to date.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the server does not answer or refuses writes,
    /// [`StoreError::SchemaTooNew`] when a newer version wrote the schema.
    pub async fn open_postgres(url: &SecretString, options: &Options) -> Result<Self> {
        let mut connect: PgConnectOptions = url.expose().parse().map_err(StoreError::from)?;
        connect = connect.application_name("keybearer").disable_statement_logging();
        if !options.statement_cache {
            connect = connect.statement_cache_capacity(0);
        }
        let lock_timeout = options.busy_timeout.as_millis().to_string();
        let pool = PgPoolOptions::new()
            .max_connections(options.connections.max(2))
            .acquire_timeout(options.acquire_timeout)
            .after_connect(move |connection, _| {
                let lock_timeout = lock_timeout.clone();
                Box::pin(async move {
                    sqlx::query(POSTGRES_LOCK_TIMEOUT).bind(lock_timeout).execute(&mut *connection).await?;
                    for text in POSTGRES_SESSION.iter().copied() {
                        sqlx::query(text).execute(&mut *connection).await?;
                    }
                    Ok(())
                })
            })
            .connect_with(connect)
            .await?;
        let db = Self(Backend::Postgres(pool));
        db.migrate().await?;
        Ok(db)
    }

    /// `sqlite` or `postgres`, for logs and the doctor.
    pub fn kind(&self) -> &'static str {
        match &self.0 {
            Backend::Sqlite { .. } => "sqlite",
            Backend::Postgres(_) => "postgres",
        }
    }

    /// Closes all connections after their present work; SQLite folds its log into the file.
    pub async fn close(&self) {
        match &self.0 {
            Backend::Sqlite { write, read, .. } => {
                read.close().await;
                write.close().await;
            }
            Backend::Postgres(pool) => pool.close().await,
        }
    }

    /// Begins a transaction that may write.
    ///
    /// SQLite takes the write lock at once: a read that turns into a write fails without waiting for it.
    pub(crate) async fn begin(&self) -> Result<Tx> {
        Ok(match &self.0 {
            Backend::Sqlite { write, .. } => Tx::Sqlite(write.begin_with("BEGIN IMMEDIATE").await?),
            Backend::Postgres(pool) => Tx::Postgres(pool.begin().await?),
        })
    }

    /// Applies all migrations in one transaction, so that a kill at any statement leaves the old schema.
    async fn migrate(&self) -> Result<()> {
        let mut tx = self.begin().await?;
        match &mut tx {
            Tx::Sqlite(transaction) => {
                run_migrations(&SQLITE_MIGRATIONS, &mut **transaction).await?;
            }
            Tx::Postgres(transaction) => {
                for text in POSTGRES_MIGRATION_SESSION.iter().copied() {
                    sqlx::query(text).execute(&mut **transaction).await?;
                }
                // transaction-level: it ends with the transaction, also behind a pooler
                sqlx::query("SELECT pg_advisory_xact_lock($1)")
                    .bind(MIGRATION_LOCK)
                    .execute(&mut **transaction)
                    .await?;
                run_migrations(&POSTGRES_MIGRATIONS, &mut **transaction).await?;
            }
        }
        tx.commit().await
    }
}

impl Tx {
    /// Makes the changes durable.
    pub(crate) async fn commit(self) -> Result<()> {
        match self {
            Self::Sqlite(transaction) => transaction.commit().await?,
            Self::Postgres(transaction) => transaction.commit().await?,
        }
        Ok(())
    }
}

/// Raises durability where an operator lowered it, never lowers `remote_apply`; bounds every wait.
const POSTGRES_SESSION: &[&str] = &[
    "SELECT set_config('synchronous_commit', 'on', false) \
     WHERE current_setting('synchronous_commit') IN ('off', 'local', 'remote_write')",
    "SET statement_timeout = '10s'",
    "SET idle_in_transaction_session_timeout = '30s'",
];

const POSTGRES_LOCK_TIMEOUT: &str = "SELECT set_config('lock_timeout', $1, false)";

const POSTGRES_MIGRATION_SESSION: &[&str] =
    &["SET LOCAL statement_timeout = 0", "SET LOCAL lock_timeout = '60s'"];

/// The newest version of the schema that this program knows.
pub(crate) fn known_schema() -> i64 {
    SQLITE_MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or_default()
}

async fn run_migrations<C: sqlx::migrate::Migrate>(migrations: &Migrator, connection: &mut C) -> Result<()> {
    let mut migrator = Migrator::with_migrations(migrations.iter().cloned().collect());
    // its own lock is bound to a session, which a pooler may hand to somebody else; ours is held already
    migrator.set_locking(false);
    migrator.run_direct(None, connection, false).await.map_err(|error| match error {
        MigrateError::VersionMissing(found) => StoreError::SchemaTooNew {
            found,
            known: migrations.iter().map(|migration| migration.version).max().unwrap_or_default(),
        },
        MigrateError::VersionMismatch(version) => {
            StoreError::other(format!("migration {version} differs from the one that was applied"))
        }
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => StoreError::from(error),
        _ => StoreError::other("migration"),
    })
}

/// Holds `<file>.lock` for as long as the database is open.
#[derive(Debug)]
pub(crate) struct FileLock {
    _file: File,
}

impl FileLock {
    fn acquire(database: &Path) -> Result<Self> {
        let mut file = private_file(&beside(database, ".lock")).map_err(|error| cannot_open(&error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = file.read_to_string(&mut holder);
                let holder = Some(holder.trim().to_owned()).filter(|text| !text.is_empty());
                return Err(StoreError::InUse { holder: holder.unwrap_or_else(|| "unknown".to_owned()) });
            }
            Err(TryLockError::Error(error)) => return Err(cannot_open(&error)),
        }
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| write!(file, "{}", std::process::id()))
            .and_then(|()| file.flush())
            .map_err(|error| cannot_open(&error))?;
        Ok(Self { _file: file })
    }
}

fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Makes the file before SQLite does, so that it is never readable for others; its log files follow it.
fn make_private(path: &Path) -> Result<()> {
    let file = private_file(path).map_err(|error| cannot_open(&error))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        file.set_permissions(std::fs::Permissions::from_mode(0o600)).map_err(|error| cannot_open(&error))?;
    }
    drop(file);
    Ok(())
}

fn private_file(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)
}

fn cannot_open(error: &std::io::Error) -> StoreError {
    StoreError::Unavailable { reason: format!("the database file cannot be opened: {}", error.kind()).into() }
}
