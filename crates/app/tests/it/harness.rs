//! An application on a database of its own, with a second environment beside its first.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use keybearer_app::connectors::{Bindings, Catalog, load_connector};
use keybearer_app::{
    Actor, App, AppConfig, AppParts, Caller, DatabaseConfig, EgressConfig, Permission, Permissions,
    ProxyLimits, RefreshLimits, RootKey, SharedCredential, WebhookLimits, environments,
};
use keybearer_core::ids::{AccountId, ClientId, EnvironmentId};
use keybearer_core::{Clock, Code, EnvironmentKind, Error, FixedClock, OsEntropy, Reference, VerifyMode};
use keybearer_testkit::{TEST_TIME, TempDir, TestDatabase};
use sqlx::{Connection as _, SqliteConnection};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// Runs each named function on SQLite and on PostgreSQL.
macro_rules! on_both {
    ($($name:ident),* $(,)?) => {$(
        mod $name {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                super::$name(&crate::harness::World::sqlite().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                super::$name(&crate::harness::World::postgres().await).await;
            }
        }
    )*};
}

pub(crate) use on_both;

/// A running application, two callers, and where everything is stored.
pub struct World {
    pub app: App,
    pub clock: Arc<FixedClock>,
    /// Has every permission in the first environment.
    pub caller: Caller,
    /// Has every permission in the second environment.
    pub stranger: Caller,
    pub provider: Provider,
    setup: Setup,
    url: String,
    database: Option<TestDatabase>,
    folder: TempDir,
}

/// What differs from the usual configuration.
#[derive(Clone, Default)]
pub struct Setup {
    /// The value of `sandbox_url`; the harness's own provider when absent.
    pub sandbox_url: Option<String>,
    /// Changes the configuration.
    pub tune: Option<fn(&mut AppConfig)>,
}

const ROOT_KEY: &str = "tB1oP4JM2jw3ykf3MB1XCyYH9zEczav3FipTToHlMcw=";
pub const SHARED_SECRET: &str = "operator-secret-0123456789";

/// A connector with everything that the embedded ones have not.
const ACME: &str = r#"
slug: acme
display_name: Acme
kind: api
categories: [developer-tools]
auth:
  - id: oauth2
    type: oauth2
    authorize_url: "https://{site}/authorize"
    token_url: "https://{site}/token"
    authorize_extra_scope_param: user_scope
    pkce: S256
    redirect_rules: { https: required, match: exact }
    client_id_hint: { starts_with: "id_" }
    client_secret_hint: { starts_with: "sec_" }
    pinned_hosts: [.acme.example]
    fields:
      - { name: client_id, label: Client ID, in: connection }
      - { name: client_secret, label: Client secret, in: connection, secret: true }
      - { name: site, label: Site, in: connection, default: login.acme.example }
      - { name: developer_token, label: Developer token, in: connection, secret: true, required: false }
      - { name: hook_key, label: Hook key, in: connection, required: false, generated: true }
      - { name: subdomain, label: Subdomain, in: account, prefix: 'https://', suffix: .acme.example }
    scopes:
      - { name: read, default: true, required: true }
      - { name: write, default: true }
      - { name: offline, grants_refresh_token: true }
    optional_scopes:
      param: user_scope
      scopes: [{ name: user.read }]
    credential_placement:
      headers: { authorization: "Bearer {access_token}" }
  - id: machine
    type: service_account
    token_url: https://login.acme.example/token
    grant: urn:ietf:params:oauth:grant-type:jwt-bearer
    token_auth_method: none
    refresh_with: app_signature
    fields:
      - { name: key_file, label: Key, in: connection, secret: true }
      - { name: subject, label: Act as, in: account, pattern: "[^@]+@[^@]+" }
    credential_placement:
      headers: { authorization: "Bearer {access_token}" }
api:
  base_url: "https://{subdomain}.acme.example/api"
sources: []
"#;

/// The sandbox as an app of its own uses it, and with a login that gives a session.
const ROBOT: &str = r#"
slug: robot
display_name: Robot
kind: api
sandbox: true
categories: [developer-tools]
auth:
  - id: app
    type: oauth2_client_credentials
    token_url: "{sandbox_url}/token"
    fields:
      - { name: client_id, label: Client ID, in: connection }
      - { name: client_secret, label: Client secret, in: connection, secret: true }
      - { name: sandbox_url, label: Sandbox, in: connection, default: http://localhost:4301 }
    scopes: [{ name: postcards.read, default: true }]
    credential_placement:
      headers: { authorization: "Bearer {access_token}" }
api:
  base_url: "{sandbox_url}/api"
sources: []
"#;

impl World {
    pub async fn sqlite() -> Self {
        Self::sqlite_with(Arc::new(FixedClock::new(TEST_TIME)), Setup::default()).await
    }

    pub async fn sqlite_with(clock: Arc<FixedClock>, setup: Setup) -> Self {
        let folder = keybearer_testkit::temp_dir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("keybearer.db").display());
        Self::open(folder, url, None, clock, setup).await
    }

    pub async fn postgres() -> Self {
        Self::postgres_with(Arc::new(FixedClock::new(TEST_TIME)), Setup::default()).await
    }

    pub async fn postgres_with(clock: Arc<FixedClock>, setup: Setup) -> Self {
        let database = tokio::task::spawn_blocking(TestDatabase::create).await.unwrap().unwrap();
        let folder = keybearer_testkit::temp_dir().unwrap();
        Self::open(folder, database.url().to_owned(), Some(database), clock, setup).await
    }

    async fn open(
        folder: TempDir,
        url: String,
        database: Option<TestDatabase>,
        clock: Arc<FixedClock>,
        setup: Setup,
    ) -> Self {
        let provider = Provider::start().await;
        let parts = || parts(&url, folder.path(), Arc::clone(&clock), &provider.url, &setup);
        let (app, _) = App::open(parts()).await.unwrap();
        let environment = keybearer_app::environments::default(&app).await.unwrap().id;
        let operator = caller(environment.clone());
        let second = environments::create(&app, &operator, "other", EnvironmentKind::Development);
        let second = second.await.unwrap().id;
        Self {
            caller: caller(environment),
            stranger: caller(second),
            app,
            clock,
            provider,
            setup,
            url,
            database,
            folder,
        }
    }

    /// One more node on the same database; PostgreSQL only, SQLite has one.
    pub async fn another_node(&self) -> App {
        let folder = self.folder.path();
        let parts = parts(&self.url, folder, Arc::clone(&self.clock), &self.provider.url, &self.setup);
        App::open(parts).await.unwrap().0
    }

    /// The same installation once more, with another root key if one is given; PostgreSQL only.
    pub async fn open_again(&self, root_key: Option<RootKey>) -> Result<App, Error> {
        let folder = self.folder.path();
        let mut parts = parts(&self.url, folder, Arc::clone(&self.clock), &self.provider.url, &self.setup);
        parts.root_key = root_key.unwrap_or(parts.root_key);
        App::open(parts).await.map(|(app, _)| app)
    }

    /// The files that keep refreshed grants which the database did not take.
    pub fn spilled(&self) -> Vec<std::path::PathBuf> {
        let files = std::fs::read_dir(self.folder.path().join("spill"));
        let paths = files.into_iter().flatten().map(|file| file.unwrap().path());
        paths.filter(|path| path.extension().is_some_and(|extension| extension == "json")).collect()
    }

    pub fn is_postgres(&self) -> bool {
        self.database.is_some()
    }

    /// The first environment's caller with these permissions only.
    pub fn with_permissions(&self, permissions: &[Permission]) -> Caller {
        let texts: Vec<&str> = permissions.iter().map(|permission| permission.as_str()).collect();
        Caller { permissions: Permissions::parse(texts).unwrap(), ..self.caller.clone() }
    }

    /// Everything that is stored, as bytes: the database files, or every row of every table.
    pub fn stored(&self) -> Vec<u8> {
        let Some(database) = &self.database else {
            let files = std::fs::read_dir(self.folder.path()).unwrap();
            let files = files.map(|file| file.unwrap().path()).filter(|path| path.is_file());
            return files.flat_map(|path| std::fs::read(path).unwrap()).collect();
        };
        let tables = database.query("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").unwrap();
        let rows = |table: &str| database.query(&format!("SELECT t::text FROM \"{table}\" t")).unwrap();
        tables.lines().map(rows).collect::<Vec<_>>().join("\n").into_bytes()
    }

    /// Runs SQL beside the application and gives the first column of each row.
    pub async fn sql(&self, text: &str) -> Vec<String> {
        if let Some(database) = &self.database {
            return database.query(text).unwrap().lines().map(str::to_owned).collect();
        }
        let mut connection = SqliteConnection::connect(&self.url).await.unwrap();
        let text = sqlx::AssertSqlSafe(text.to_owned());
        sqlx::query_scalar::<_, String>(text).fetch_all(&mut connection).await.unwrap()
    }

    /// Whether the database refuses the SQL.
    pub async fn refuses(&self, text: &str) -> bool {
        if let Some(database) = &self.database {
            return database.query(text).is_err();
        }
        let mut connection = SqliteConnection::connect(&self.url).await.unwrap();
        sqlx::query(sqlx::AssertSqlSafe(text.to_owned())).execute(&mut connection).await.is_err()
    }

    /// How many lines of the audit trail tell of `action` on `target`.
    pub async fn audited(&self, target: &str, action: &str) -> usize {
        self.sql(&format!("SELECT id FROM audit WHERE target = '{target}' AND action = '{action}'"))
            .await
            .len()
    }

    /// From now on the database takes no grant that is newer than this generation.
    pub async fn refuse_grants_after(&self, generation: i64) {
        if self.database.is_some() {
            let check = format!("CHECK (generation <= {generation}) NOT VALID");
            self.sql(&format!("ALTER TABLE account ADD CONSTRAINT closed {check}")).await;
        } else {
            let when = format!("BEFORE UPDATE ON account WHEN NEW.generation > {generation}");
            self.sql(&format!("CREATE TRIGGER closed {when} BEGIN SELECT RAISE(ABORT, 'closed'); END")).await;
        }
    }

    /// Takes every grant again.
    pub async fn accept_grants(&self) {
        let end = if self.is_postgres() {
            "ALTER TABLE account DROP CONSTRAINT closed"
        } else {
            "DROP TRIGGER closed"
        };
        self.sql(end).await;
    }

    /// From now on the database takes no line of the audit trail.
    pub async fn refuse_audit(&self) {
        if self.database.is_some() {
            self.sql("ALTER TABLE audit ADD CONSTRAINT closed CHECK (actor = '') NOT VALID").await;
        } else {
            self.sql("CREATE TRIGGER closed BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'closed'); END")
                .await;
        }
    }

    /// The events about an account in order: type and payload.
    pub async fn events(&self, id: &AccountId) -> Vec<(String, serde_json::Value)> {
        let order = format!("FROM event WHERE account_id = '{id}' ORDER BY sequence");
        let sequence = self.sql(&format!("SELECT CAST(sequence AS TEXT) {order}")).await;
        let expected: Vec<String> = (1..=sequence.len()).map(|number| number.to_string()).collect();
        assert_eq!(sequence, expected, "the sequence has gaps");
        let payloads = self.sql(&format!("SELECT payload {order}")).await;
        let payloads = payloads.iter().map(|payload| serde_json::from_str(payload).unwrap());
        self.sql(&format!("SELECT event_type {order}")).await.into_iter().zip(payloads).collect()
    }
}

fn caller(environment: EnvironmentId) -> Caller {
    Caller {
        environment,
        actor: Actor::Client(ClientId::from_number(7)),
        reference: Reference::new(&OsEntropy).unwrap(),
        permissions: Permissions::all(),
    }
}

fn parts(url: &str, folder: &Path, clock: Arc<FixedClock>, provider: &str, setup: &Setup) -> AppParts {
    let mut parts = usual_parts(url, clock, setup.sandbox_url.as_deref().unwrap_or(provider));
    parts.config.spill_folder = Some(folder.join("spill"));
    if let Some(tune) = &setup.tune {
        tune(&mut parts.config);
    }
    parts
}

fn usual_parts(url: &str, clock: Arc<FixedClock>, provider: &str) -> AppParts {
    let mut catalog = Catalog::embedded();
    catalog.insert(load_connector(ACME).unwrap());
    catalog.insert(load_connector(ROBOT).unwrap());
    // like Postcards, but the provider is asked to answer with a form post
    let mut postbox = (*catalog.get("postcards").unwrap()).clone();
    "postbox".clone_into(&mut postbox.slug);
    postbox.auth[0].authorize_params.insert("response_mode".to_owned(), "form_post".into());
    catalog.insert(postbox);
    let shared = |scopes: &[&str]| SharedCredential {
        app_name: "Operator's app".to_owned(),
        client_id: "operator-client".to_owned(),
        client_secret: SHARED_SECRET.into(),
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
    };
    AppParts {
        config: AppConfig {
            public_url: "https://keys.example".parse().unwrap(),
            environment_kind: EnvironmentKind::Development,
            app_name: "Fieldnote".to_owned(),
            verify_mode: VerifyMode::None,
            verify_urls: Vec::new(),
            shared_credentials: BTreeMap::from([
                ("acme".to_owned(), shared(&["read", "write"])),
                ("postcards".to_owned(), shared(&[])),
            ]),
            known_fields: BTreeMap::from([("sandbox_url".to_owned(), provider.to_owned())]),
            spill_folder: None,
            link_lifetime: Duration::from_secs(3600),
            links_open_all_accounts: false,
            refresh: RefreshLimits::default(),
            proxy: ProxyLimits::default(),
            webhooks: WebhookLimits::default(),
            sso: None,
        },
        database: DatabaseConfig {
            connections: 4,
            // a hundred callers share four connections, on a machine that may be busy with other tests
            acquire_timeout: Duration::from_secs(60),
            ..DatabaseConfig::at(url.into())
        },
        root_key: RootKey::Text(ROOT_KEY.into()),
        egress: EgressConfig { allow: vec!["127.0.0.0/8".to_owned()], extra_roots_pem: None },
        catalog,
        clock,
        entropy: Arc::new(OsEntropy),
    }
}

/// A provider that answers every request with one status and keeps what it received.
pub struct Provider {
    pub url: String,
    status: Arc<Mutex<u16>>,
    received: Arc<Mutex<Vec<String>>>,
}

impl Provider {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (status, received) = (Arc::new(Mutex::new(200)), Arc::new(Mutex::new(Vec::new())));
        let (answer, seen) = (Arc::clone(&status), Arc::clone(&received));
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let request = read_request(&mut socket).await;
                seen.lock().unwrap().push(request);
                let status = *answer.lock().unwrap();
                if status == 0 {
                    continue;
                }
                let text =
                    format!("HTTP/1.1 {status} X\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{{}}");
                let _ = socket.write_all(text.as_bytes()).await;
            }
        });
        Self { url, status, received }
    }

    /// What it answers from now on; 0 closes the connection without an answer.
    pub fn answer(&self, status: u16) {
        *self.status.lock().unwrap() = status;
    }

    /// Every request so far, head and body.
    pub fn received(&self) -> Vec<String> {
        self.received.lock().unwrap().clone()
    }
}

pub async fn read_request(socket: &mut tokio::net::TcpStream) -> String {
    let (mut text, mut buffer) = (String::new(), [0_u8; 4096]);
    loop {
        let size = socket.read(&mut buffer).await.unwrap_or(0);
        text.push_str(&String::from_utf8_lossy(&buffer[..size]));
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            if size == 0 {
                return text;
            }
            continue;
        };
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
        });
        if size == 0 || body.len() >= length.unwrap_or(0) {
            return text;
        }
    }
}

/// The code of a failure.
pub fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> Code {
    result.unwrap_err().code
}

/// The fields that a failure names.
pub fn fields<T: std::fmt::Debug>(result: Result<T, Error>) -> Vec<String> {
    let error = result.unwrap_err();
    assert_eq!(error.code, Code::InvalidArgument, "{error}");
    error.violations.into_iter().map(|violation| violation.field).collect()
}

/// Secret values by name.
pub fn secrets(pairs: &[(&str, &str)]) -> Bindings {
    pairs.iter().copied().collect()
}

/// Plain values by name.
pub fn texts(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// The present time of the world, moved on by some seconds so that rows have an order.
pub fn tick(world: &World) {
    world.clock.advance(Duration::from_secs(1));
    assert!(world.clock.now() > TEST_TIME);
}
