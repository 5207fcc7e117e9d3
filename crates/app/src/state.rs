use std::sync::{Arc, RwLock};

use keybearer_connectors::Catalog;
use keybearer_core::ids::{AccountId, IdSource};
use keybearer_core::{Clock, Entropy, Error, Reference, Result, Timestamp};
use keybearer_egress::Egress;
use keybearer_store::Db;
use keybearer_vault::{KeyProvider, Keyring};
use tokio_util::task::TaskTracker;

use crate::config::AppConfig;
use crate::keys::KnownKeys;
use crate::node::NodeName;
use crate::proxy::{Caps, Ledger};
use crate::tokens::{Flights, Outcome, Spill};
use crate::trail::Trail;

/// The running application. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct App(Arc<Inner>);

pub(crate) struct Inner {
    pub config: AppConfig,
    pub db: Db,
    pub egress: Egress,
    /// Contacts this server itself, through its public URL.
    pub own_client: Egress,
    pub reach_memory: crate::reach::Memory,
    pub system: crate::system::Memory,
    pub sso: crate::sso::Cache,
    pub catalog: Catalog,
    pub custom: crate::providers::Cache,
    pub root_key: Arc<dyn KeyProvider>,
    pub key_file: Option<std::path::PathBuf>,
    pub keyring: RwLock<Keyring>,
    pub known_keys: KnownKeys,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    pub ids: IdSource,
    pub node: NodeName,
    pub flights: Flights<AccountId, Outcome>,
    pub spill: Spill,
    pub ledger: Ledger,
    pub trail: Trail,
    pub caps: Caps,
    /// Exchanges under way: a browser that leaves does not cut them off.
    pub flow_tasks: TaskTracker,
}

impl std::fmt::Debug for App {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("App").field("node", &self.0.node.name).finish_non_exhaustive()
    }
}

impl App {
    pub(crate) fn new(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    /// What the operator decided.
    pub fn config(&self) -> &AppConfig {
        &self.0.config
    }

    /// The public URL as text without a trailing slash; the `iss` of our tokens.
    pub fn issuer(&self) -> &str {
        self.0.config.public_url.as_str().trim_end_matches('/')
    }

    /// The present time.
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// The clock itself.
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.0.clock)
    }

    /// The random source.
    pub fn entropy(&self) -> &dyn Entropy {
        &*self.0.entropy
    }

    /// The connectors that every environment can use. [`crate::providers::connector`] finds those of one too.
    pub fn catalog(&self) -> &Catalog {
        &self.0.catalog
    }

    pub(crate) fn custom(&self) -> &crate::providers::Cache {
        &self.0.custom
    }

    /// A new reference for a request.
    ///
    /// # Errors
    /// Those of [`Reference::new`].
    pub fn reference(&self) -> Result<Reference> {
        Reference::new(self.entropy())
    }

    pub(crate) fn db(&self) -> &Db {
        &self.0.db
    }

    pub(crate) fn egress(&self) -> &Egress {
        &self.0.egress
    }

    pub(crate) fn own_client(&self) -> &Egress {
        &self.0.own_client
    }

    pub(crate) fn reach_memory(&self) -> &crate::reach::Memory {
        &self.0.reach_memory
    }

    pub(crate) fn system(&self) -> &crate::system::Memory {
        &self.0.system
    }

    pub(crate) fn sso(&self) -> &crate::sso::Cache {
        &self.0.sso
    }

    pub(crate) fn root_key(&self) -> &dyn KeyProvider {
        &*self.0.root_key
    }

    /// Where the root key lies, when it is a file.
    pub(crate) fn key_file(&self) -> Option<&std::path::Path> {
        self.0.key_file.as_deref()
    }

    pub(crate) fn known_keys(&self) -> &KnownKeys {
        &self.0.known_keys
    }

    pub(crate) fn flights(&self) -> &Flights<AccountId, Outcome> {
        &self.0.flights
    }

    pub(crate) fn flow_tasks(&self) -> &TaskTracker {
        &self.0.flow_tasks
    }

    pub(crate) fn ledger(&self) -> &Ledger {
        &self.0.ledger
    }

    pub(crate) fn trail(&self) -> &Trail {
        &self.0.trail
    }

    pub(crate) fn caps(&self) -> &Caps {
        &self.0.caps
    }

    pub(crate) fn spill(&self) -> &Spill {
        &self.0.spill
    }

    /// Names this run as owner of leases.
    pub(crate) fn node(&self) -> &str {
        &self.0.node.name
    }

    /// What the names of all runs of this node begin with.
    pub(crate) fn node_prefix(&self) -> &str {
        &self.0.node.prefix
    }

    pub(crate) fn keyring(&self) -> Result<Keyring> {
        self.0
            .keyring
            .read()
            .map(|keyring| keyring.clone())
            .map_err(|_| Error::internal("the keyring is poisoned"))
    }

    pub(crate) fn set_keyring(&self, keyring: Keyring) -> Result<()> {
        let mut slot = self.0.keyring.write().map_err(|_| Error::internal("the keyring is poisoned"))?;
        *slot = keyring;
        Ok(())
    }

    /// The next id of any kind: `app.id(AccountId::from_number)`.
    pub(crate) fn id<T>(&self, make: impl FnOnce(i64) -> T) -> Result<T> {
        self.0.ids.next(&*self.0.clock, &*self.0.entropy).map(make)
    }

    /// Whether the database answers; for `/ready`.
    ///
    /// # Errors
    /// [`keybearer_core::Code::DatabaseUnavailable`] when it does not.
    pub async fn ready(&self) -> Result<()> {
        Ok(self.db().ping().await?)
    }

    /// Which database is in use: `sqlite` or `postgres`.
    pub fn database_kind(&self) -> &'static str {
        self.db().kind()
    }

    /// The database's time minus ours, in milliseconds; for the clock check.
    ///
    /// # Errors
    /// [`keybearer_core::Code::DatabaseUnavailable`] when it does not answer.
    pub async fn clock_difference_ms(&self) -> Result<i64> {
        let before = self.now();
        let database = self.db().db_now().await?;
        Ok((database.micros() - before.micros()) / 1000)
    }

    /// Closes the database after everything else has stopped.
    pub async fn close(&self) {
        self.db().close().await;
    }
}
