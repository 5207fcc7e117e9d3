//! Databases as an older version left them: migrated up to one number, with rows in every table.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use keybearer_core::SecretString;
use keybearer_testkit::TestDatabase;
use sqlx::migrate::{Migrate, Migrator};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, SqliteConnection};

static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

/// Rows of each table, and environments: the first holds something in every column, the second nothing where it may.
pub const ROWS: i64 = 2;

/// Every version that a database can have been left at.
pub fn versions() -> Vec<i64> {
    let numbers: Vec<i64> = SQLITE.iter().map(|migration| migration.version).collect();
    let others: Vec<i64> = POSTGRES.iter().map(|migration| migration.version).collect();
    assert_eq!(numbers, others, "both databases have the same migrations");
    numbers
}

/// A table as it was at a version.
pub struct Table {
    pub name: String,
    columns: Vec<Column>,
    parents: BTreeSet<String>,
}

struct Column {
    name: String,
    kind: String,
    required: bool,
    /// What a `CHECK (name IN (…))` lets in.
    choices: Vec<String>,
}

/// A connection that knows nothing of the store.
pub enum Raw {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Raw {
    pub async fn at(place: &Place) -> Self {
        match place {
            Place::Sqlite(file) => {
                let url = format!("sqlite:{}?mode=rwc", file.display());
                Self::Sqlite(SqliteConnection::connect(&url).await.unwrap())
            }
            Place::Postgres(url) => Self::Postgres(PgConnection::connect(url).await.unwrap()),
        }
    }

    pub async fn run(&mut self, text: String) {
        let done = match self {
            Self::Sqlite(raw) => raw.execute(AssertSqlSafe(text.clone())).await.map(|_| ()),
            Self::Postgres(raw) => raw.execute(AssertSqlSafe(text.clone())).await.map(|_| ()),
        };
        done.unwrap_or_else(|error| panic!("{text}: {error}"));
    }

    pub async fn column(&mut self, text: String) -> Vec<String> {
        let safe = AssertSqlSafe(text.clone());
        let found = match self {
            Self::Sqlite(raw) => sqlx::query_scalar::<_, String>(safe).fetch_all(raw).await,
            Self::Postgres(raw) => sqlx::query_scalar::<_, String>(safe).fetch_all(raw).await,
        };
        found.unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    /// Migrates an empty database up to a version and fills every table it then has.
    pub async fn leave_at(&mut self, version: i64) -> Vec<Table> {
        match self {
            Self::Sqlite(raw) => migrate(&SQLITE, version, raw).await,
            Self::Postgres(raw) => migrate(&POSTGRES, version, raw).await,
        }
        let tables = described(version).await;
        let booleans = self.booleans().await;
        self.run("BEGIN".to_owned()).await;
        for table in &tables {
            let rows = if table.name == "installation" { 1 } else { ROWS };
            for row in 1..=rows {
                self.run(table.insert(row, &booleans, matches!(self, Self::Postgres(_)))).await;
            }
        }
        self.run("COMMIT".to_owned()).await;
        tables
    }

    async fn booleans(&mut self) -> BTreeSet<String> {
        match self {
            Self::Sqlite(_) => BTreeSet::new(),
            Self::Postgres(_) => {
                let text = "SELECT table_name || '.' || column_name FROM information_schema.columns \
                            WHERE data_type = 'boolean' AND table_schema = current_schema()";
                self.column(text.to_owned()).await.into_iter().collect()
            }
        }
    }

    /// Each row of a table as text, of the columns it had when it was described.
    pub async fn rows_of(&mut self, table: &Table) -> Vec<String> {
        let postgres = matches!(self, Self::Postgres(_));
        let shown = |column: &Column| match postgres {
            true => format!("coalesce(\"{}\"::text, 'NULL')", column.name),
            false => format!("quote(\"{}\")", column.name),
        };
        // SQLite's file has one process: the leases of the one before it end when it is opened
        let kept = table.columns.iter().filter(|column| column.name != "lease_until");
        let shown: Vec<String> = kept.map(shown).collect();
        let mut rows =
            self.column(format!("SELECT {} FROM \"{}\"", shown.join(" || '|' || "), table.name)).await;
        rows.sort();
        rows
    }

    pub async fn close(self) {
        match self {
            Self::Sqlite(raw) => raw.close().await.unwrap(),
            Self::Postgres(raw) => raw.close().await.unwrap(),
        }
    }
}

/// Where a database is.
pub enum Place {
    Sqlite(PathBuf),
    Postgres(String),
}

impl Place {
    /// A schema of its own in a database: a hundred times as fast as another database.
    pub async fn schema(database: &TestDatabase, number: i64) -> Self {
        let mut raw = PgConnection::connect(database.url()).await.unwrap();
        raw.execute(AssertSqlSafe(format!("CREATE SCHEMA left_at_{number}"))).await.unwrap();
        raw.close().await.unwrap();
        Self::Postgres(format!("{}?options=-c%20search_path%3Dleft_at_{number}", database.url()))
    }

    /// The address for [`keybearer_store::Db::open`].
    pub fn address(&self) -> SecretString {
        match self {
            Self::Sqlite(file) => format!("sqlite:{}", file.display()),
            Self::Postgres(url) => url.clone(),
        }
        .into()
    }
}

async fn migrate<C: Migrate>(all: &Migrator, version: i64, raw: &mut C) {
    let older = all.iter().filter(|migration| migration.version <= version).cloned().collect();
    let mut migrator = Migrator::with_migrations(older);
    migrator.set_locking(false);
    migrator.run_direct(None, raw, false).await.unwrap();
}

/// The tables of a version, parents first. SQLite describes them for both databases: they are the same tables.
async fn described(version: i64) -> Vec<Table> {
    let mut raw = SqliteConnection::connect("sqlite::memory:").await.unwrap();
    migrate(&SQLITE, version, &mut raw).await;
    let text = "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' \
                AND name NOT LIKE '_sqlx%' ORDER BY rowid";
    let listed: Vec<(String, String)> = sqlx::query_as(text).fetch_all(&mut raw).await.unwrap();
    let mut waiting = Vec::new();
    for (name, made_by) in listed {
        let columns: Vec<(String, String, bool)> =
            sqlx::query_as("SELECT name, type, \"notnull\" FROM pragma_table_info(?)")
                .bind(&name)
                .fetch_all(&mut raw)
                .await
                .unwrap();
        let column = |(name, kind, required): (String, String, bool)| {
            let choices = choices(&made_by, &name);
            Column { name, kind, required, choices }
        };
        let columns = columns.into_iter().map(column).collect();
        let parents: Vec<String> = sqlx::query_scalar("SELECT \"table\" FROM pragma_foreign_key_list(?)")
            .bind(&name)
            .fetch_all(&mut raw)
            .await
            .unwrap();
        waiting.push(Table { name, columns, parents: parents.into_iter().collect() });
    }
    let mut tables: Vec<Table> = Vec::new();
    while !waiting.is_empty() {
        let known: BTreeSet<String> = tables.iter().map(|table| table.name.clone()).collect();
        let (ready, later) =
            waiting.into_iter().partition::<Vec<_>, _>(|table| table.parents.is_subset(&known));
        assert!(!ready.is_empty(), "tables that need each other");
        (tables, waiting) = (tables.into_iter().chain(ready).collect(), later);
    }
    tables
}

fn choices(made_by: &str, column: &str) -> Vec<String> {
    let flat = made_by.split_whitespace().collect::<Vec<_>>().join(" ");
    let Some((_, rest)) = flat.split_once(&format!("CHECK ({column} IN (")) else { return Vec::new() };
    let (list, _) = rest.split_once(')').unwrap();
    list.split(", ").map(|choice| choice.trim_matches('\'').to_owned()).collect()
}

impl Table {
    pub fn has(&self, column: &str) -> bool {
        self.columns.iter().any(|one| one.name == column)
    }

    fn insert(&self, row: i64, booleans: &BTreeSet<String>, postgres: bool) -> String {
        let (mut names, mut values) = (Vec::new(), Vec::new());
        for column in &self.columns {
            if !column.required && row > 1 {
                continue;
            }
            let value = column.value(&self.name, row);
            names.push(format!("\"{}\"", column.name));
            values.push(match column.kind.as_str() {
                "BLOB" if postgres => format!("'\\x{row:02x}'"),
                "BLOB" => format!("X'{row:02x}'"),
                "INTEGER" if booleans.contains(&format!("{}.{}", self.name, column.name)) => {
                    (value != "0").to_string()
                }
                "INTEGER" => value,
                _ => format!("'{}'", value.replace('\'', "''")),
            });
        }
        format!("INSERT INTO \"{}\" ({}) VALUES ({})", self.name, names.join(", "), values.join(", "))
    }
}

/// The prefixes of ids, by the table that has them and by the columns that point to it.
const IDS: [(&str, &str, &str); 18] = [
    ("environment", "environment_id", "env_"),
    ("data_key", "key_id", "dek_"),
    ("signing_key", "", "snk_"),
    ("api_client", "client_id", "skc_"),
    ("api_client_secret", "", "sks_"),
    ("connection", "connection_id", "conn_"),
    ("connection_credential", "credential_id", "cred_"),
    ("account", "account_id", "ca_"),
    ("flow", "flow_id", "flow_"),
    ("event", "event_id", "evt_"),
    ("audit", "", "aud_"),
    ("call_log", "", "tcl_"),
    ("organization", "organization_id", "org_"),
    ("webhook_endpoint", "endpoint_id", "whe_"),
    ("webhook_secret", "", "whs_"),
    ("member", "member_id", "mbr_"),
    ("member_session", "", "mbs_"),
    ("custom_connector", "connector_id", "prov_"),
];

const OBJECTS: [&str; 11] = [
    "definition",
    "settings",
    "public_jwk",
    "config",
    "scopes",
    "variables",
    "api_config",
    "metadata",
    "context",
    "payload",
    "detail",
];

const LISTS: [&str; 9] = [
    "permissions",
    "granted_scopes",
    "wanted_scopes",
    "event_types",
    "auth_patterns",
    "networks",
    "transports",
    "failed",
    "scope_selection",
];

impl Column {
    fn value(&self, table: &str, row: i64) -> String {
        let name = self.name.as_str();
        if !self.choices.is_empty() {
            let index = usize::try_from(row - 1).unwrap();
            return self.choices.get(index).or(self.choices.last()).unwrap().clone();
        }
        let known: BTreeMap<(&str, &str), &str> = BTreeMap::from([
            (("installation", "id"), "installation"),
            (("account", "reason"), "connected"),
            (("account_census", "status"), "ACTIVE"),
            (("account", "auth_type"), "OAUTH"),
            (("account", "method"), "oauth"),
        ]);
        if let Some(value) = known.get(&(table, name)) {
            return (*value).to_owned();
        }
        if self.kind == "INTEGER" {
            let time =
                name.ends_with("_at") || name.ends_with("until") || name.ends_with("since") || name == "at";
            return if time { 1_700_000_000_000_000 + row } else { row }.to_string();
        }
        if (table, name) == ("event", "payload") {
            return format!("{{\"connection_id\":\"conn_{row}\"}}");
        }
        let id = IDS.iter().find(|(owner, points, _)| match name {
            "id" => table == *owner,
            _ => name == *points,
        });
        match id {
            Some((_, _, prefix)) => format!("{prefix}{row}"),
            None if name == "id" && table == "member_passkey" => format!("mpk_{row}"),
            None if OBJECTS.contains(&name) => "{}".to_owned(),
            None if LISTS.contains(&name) => "[]".to_owned(),
            None => format!("{name}-{row}"),
        }
    }
}
