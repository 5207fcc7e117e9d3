//! Opening an installation: database, root key, environment, keys.

use std::path::PathBuf;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use keybearer_connectors::Catalog;
use keybearer_core::ids::IdSource;
use keybearer_core::{Clock, Code, Entropy, Error, Result, SecretString, random_token};
use keybearer_egress::{AllowRule, Egress, Policy, read_roots};
use keybearer_store::{Db, InstallationRow, Options};
use keybearer_vault::{Installation, KeyCheck, KeyOrigin, KeyProvider, LocalKey};

use tokio_util::task::TaskTracker;

use crate::config::AppConfig;
use crate::environments;
use crate::keys::{self, KnownKeys};
use crate::node::NodeName;
use crate::state::{App, Inner};
use crate::tokens::{Flights, Spill};

/// Where the database is.
#[derive(Clone, Debug)]
pub struct DatabaseConfig {
    /// `sqlite:FILE` or `postgres://…`; may hold a password.
    pub url: SecretString,
    /// Connections at most.
    pub connections: u32,
    /// PostgreSQL: how long a call waits for a free connection before it is told that the database is away.
    pub acquire_timeout: Duration,
    /// PostgreSQL: keep prepared statements; off behind a pooler in transaction mode.
    pub statement_cache: bool,
}

impl DatabaseConfig {
    /// The defaults for a database: ten connections, waited for two seconds, statements kept.
    pub fn at(url: SecretString) -> Self {
        Self { url, connections: 10, acquire_timeout: Duration::from_secs(2), statement_cache: true }
    }
}

/// Where the root key comes from.
#[derive(Clone, Debug)]
pub enum RootKey {
    /// A key file; made at the first start.
    File(PathBuf),
    /// The key itself, from the environment.
    Text(SecretString),
}

/// What may be contacted.
#[derive(Clone, Debug, Default)]
pub struct EgressConfig {
    /// Exceptions for private addresses: `host`, `host:port`, `cidr`, `cidr:port`.
    pub allow: Vec<String>,
    /// Further root certificates, PEM.
    pub extra_roots_pem: Option<String>,
}

/// Everything an application is made of.
pub struct AppParts {
    /// What the operator decided.
    pub config: AppConfig,
    /// The database.
    pub database: DatabaseConfig,
    /// The root key.
    pub root_key: RootKey,
    /// What may be contacted.
    pub egress: EgressConfig,
    /// The connectors.
    pub catalog: Catalog,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
    /// Where randomness comes from.
    pub entropy: Arc<dyn Entropy>,
}

/// What the start did besides opening.
#[derive(Clone, Debug, Default)]
pub struct Opened {
    /// A key file was made; the operator must keep a copy.
    pub key_file_created: Option<PathBuf>,
    /// The installation is new.
    pub first_start: bool,
}

impl App {
    /// Opens the installation, or makes it on the first start.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`] for a wrong root key, a database in use by another process, a newer schema or an
    /// egress rule that is none; [`Code::DatabaseUnavailable`] when the database does not answer.
    pub async fn open(parts: AppParts) -> Result<(Self, Opened)> {
        let options = Options {
            connections: parts.database.connections,
            acquire_timeout: parts.database.acquire_timeout,
            statement_cache: parts.database.statement_cache,
            ..Options::default()
        };
        let db = Db::open(&parts.database.url, &options).await?;
        let found = db.find_installation().await?;
        let (root_key, key_file_created) = root_key(&parts, found.is_some())?;
        let first_start = found.is_none();
        let installation = match found {
            Some(row) => row,
            None => create_installation(&db, &parts, &root_key).await?,
        };
        KeyCheck::verify(&root_key, &installation.epoch, &installation.key_check).await.map_err(wrong_key)?;
        let app = assemble(parts, db, Arc::new(root_key)).await?;
        // here, where this run cannot hold a lease yet: later it would end its own
        app.db().end_leases_of(app.node_prefix()).await?;
        ensure_environment(&app).await?;
        keys::reload_data_keys(&app).await?;
        Ok((app, Opened { key_file_created, first_start }))
    }
}

async fn assemble(parts: AppParts, db: Db, root_key: Arc<dyn KeyProvider>) -> Result<App> {
    let policy = policy(&parts.egress)?;
    let own_client = crate::reach::own_client(&parts.config.public_url, policy.extra_roots.clone())?;
    let node = NodeName::take(parts.config.spill_folder.as_deref(), &*parts.entropy)?;
    let spill = Spill::new(parts.config.spill_folder.clone());
    let key_file = match &parts.root_key {
        RootKey::File(path) => Some(path.clone()),
        RootKey::Text(_) => None,
    };
    Ok(App::new(Inner {
        caps: crate::proxy::Caps::new(&parts.config.proxy),
        config: parts.config,
        db,
        own_client,
        reach_memory: crate::reach::Memory::default(),
        system: crate::system::Memory::new(parts.clock.now()),
        sso: crate::sso::Cache::default(),
        egress: Egress::new(policy)
            .map_err(|error| Error::new(Code::ConfigInvalid, format!("egress: {error}")))?,
        catalog: parts.catalog,
        custom: crate::providers::Cache::default(),
        root_key,
        key_file,
        keyring: RwLock::default(),
        known_keys: KnownKeys::default(),
        clock: parts.clock,
        entropy: parts.entropy,
        ids: IdSource::default(),
        node,
        flights: Flights::default(),
        spill,
        ledger: crate::proxy::Ledger::default(),
        trail: crate::trail::Trail::default(),
        flow_tasks: TaskTracker::new(),
    }))
}

fn root_key(parts: &AppParts, exists: bool) -> Result<(LocalKey, Option<PathBuf>)> {
    let loaded = match &parts.root_key {
        RootKey::Text(text) => LocalKey::from_text(text).map(|key| (key, None)),
        RootKey::File(path) => {
            let installation = if exists { Installation::Existing } else { Installation::New };
            LocalKey::load_or_create(path, installation, &*parts.entropy)
                .map(|(key, origin)| (key, (origin == KeyOrigin::Created).then(|| path.clone())))
        }
    };
    loaded.map_err(wrong_key)
}

pub(crate) fn wrong_key(error: keybearer_vault::VaultError) -> Error {
    Error::new(Code::ConfigInvalid, error.to_string()).with_help(
        "give the root key that this database was made with; without it every account must reconnect",
    )
}

async fn create_installation(db: &Db, parts: &AppParts, key: &LocalKey) -> Result<InstallationRow> {
    let epoch = random_token(&*parts.entropy, 16)?;
    let key_check = KeyCheck::make(key, &epoch, &*parts.entropy).await.map_err(wrong_key)?;
    let row = InstallationRow { epoch, key_check: key_check.into(), created_at: parts.clock.now() };
    match db.create_installation(&row).await {
        Ok(()) => Ok(row),
        // another node was first: its installation counts
        Err(error) if error.is_conflict("installation") => {
            db.find_installation().await?.ok_or_else(|| Error::internal("the installation row disappeared"))
        }
        Err(error) => Err(error.into()),
    }
}

fn policy(config: &EgressConfig) -> Result<Policy> {
    let invalid =
        |error: keybearer_egress::PolicyError| Error::new(Code::ConfigInvalid, format!("egress: {error}"));
    let allow =
        config.allow.iter().map(|rule| rule.parse().map_err(invalid)).collect::<Result<Vec<AllowRule>>>()?;
    let extra_roots = match &config.extra_roots_pem {
        Some(pem) => read_roots(pem.as_bytes()).map_err(invalid)?,
        None => Vec::new(),
    };
    Ok(Policy { allow, extra_roots, ..Policy::default() })
}

/// Makes the environment of a new installation together with its keys.
async fn ensure_environment(app: &App) -> Result<()> {
    if !app.db().list_environments().await?.is_empty() {
        return Ok(());
    }
    match environments::make(app, "default", app.config().environment_kind).await {
        // another node was first
        Err(error) if error.code == Code::AlreadyExists => Ok(()),
        made => made.map(|_| ()),
    }
}
