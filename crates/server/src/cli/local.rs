//! A server with its sandbox on this machine: what `dev` keeps and `demo` throws away.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use keybearer_app::connections::{self, CreateConnection, UpdateConnection};
use keybearer_app::connectors::Bindings;
use keybearer_app::{
    Actor, AppConfig, Caller, DatabaseConfig, EgressConfig, Permissions, ProxyLimits, RefreshLimits, RootKey,
    WebhookLimits, clients, environments, members,
};
use keybearer_core::{
    Code, EnvironmentKind, Error, OsEntropy, Result, SecretString, SystemClock, VerifyMode, random_token,
};
use keybearer_sandbox::{ClientConfig, Control, Sandbox, SandboxConfig};
use serde_json::json;
use url::Url;

use super::session::DevFile;
use crate::config::{Settings, Tls, sqlite};
use crate::run::Running;
use crate::web;

/// Name of the connection that is there from the first minute.
pub(crate) const CONNECTION: &str = "postcards";
const SANDBOX_CLIENT: &str = "keybearer-dev";
/// Where the commands of this machine call from.
const LOCAL: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

/// What to start.
pub(crate) struct Wanted {
    pub data: PathBuf,
    pub listen: SocketAddr,
    pub sandbox_listen: SocketAddr,
    pub database: Option<SecretString>,
    pub connectors: Option<PathBuf>,
    /// Whether the sandbox may run beside a production environment.
    pub sandbox_in_production: bool,
}

/// A running pair of server and sandbox.
pub(crate) struct Local {
    pub running: Running,
    pub sandbox: Sandbox,
    pub sandbox_url: Url,
    pub url: Url,
    pub tls_url: Url,
    pub client_id: String,
    pub client_secret: SecretString,
    pub control_token: SecretString,
    /// Leads into the dashboard: signs the person at this machine in, once.
    pub dashboard_url: Url,
    sandbox_client_secret: SecretString,
}

impl Local {
    /// Starts both and prepares connection and API client.
    pub async fn start(wanted: Wanted) -> Result<Self> {
        let former = DevFile::read(&wanted.data).ok().flatten();
        let secret = |bytes: usize| random_token(&OsEntropy, bytes).map(SecretString::new);
        let control_token = secret(20)?;
        let sandbox_client_secret = match &former {
            Some(former) => former.sandbox_client_secret.clone(),
            None => secret(20)?,
        };
        let sandbox = start_sandbox(&wanted, control_token.clone()).await?;
        let sandbox_url: Url =
            sandbox.url().parse().map_err(|_| Error::internal("the sandbox has no usable address"))?;
        let (listen, data) = (wanted.listen, wanted.data.clone());
        let in_production = wanted.sandbox_in_production;
        let beside = web::Beside { control: sandbox.control(), in_production };
        let running = Running::start_beside(settings(wanted, &sandbox_url), Some(beside))
            .await
            .map_err(|error| name_flag(error, listen, &data))?;
        let url = running.app.config().public_url.clone();
        let mut tls_url = url.clone();
        tls_url.set_scheme("https").map_err(|()| Error::internal("the TLS address cannot be written"))?;
        let environment = environments::default(&running.app).await?;
        if environment.kind == EnvironmentKind::Production && !in_production {
            running.stop().await;
            sandbox.shutdown().await;
            return Err(beside_production());
        }
        let caller = Caller::trusted(environment.id, Actor::Operator, running.app.reference()?);
        let redirect = prepare_connection(&running, &caller, &sandbox_url, &sandbox_client_secret).await?;
        sandbox.control().keep_client(ClientConfig {
            client_id: SANDBOX_CLIENT.to_owned(),
            client_secret: Some(sandbox_client_secret.clone()),
            redirect_uris: vec![redirect],
            name: environment.app_name,
        });
        let (client_id, client_secret) = prepare_client(&running, &caller, former).await?;
        // a link that signs in is good on this machine only; elsewhere the first owner is made, and then signs in
        let dashboard_url = match listen.ip().is_loopback() {
            true => members::local_link(&running.app, &caller).await?,
            false => members::setup_link(&running.app, &caller).await?.unwrap_or_else(|| url.clone()),
        };
        Ok(Self {
            dashboard_url,
            running,
            sandbox,
            sandbox_url,
            url,
            tls_url,
            client_id,
            client_secret,
            control_token,
            sandbox_client_secret,
        })
    }

    /// The handle to the sandbox.
    pub fn control(&self) -> Control {
        self.sandbox.control()
    }

    /// What `dev --json` prints and the commands read, without what only commands need.
    pub fn ready_line(&self) -> serde_json::Value {
        json!({
            "url": trimmed(&self.url),
            "tls_url": trimmed(&self.tls_url),
            "ca_file": self.running.ca_file,
            "client_id": self.client_id,
            "client_secret": self.client_secret.expose(),
            "dashboard_url": self.dashboard_url.as_str(),
            "sandbox_url": trimmed(&self.sandbox_url),
        })
    }

    /// Leaves a file for the commands, readable by this user only.
    pub fn write_file(&self, data: &Path) -> Result<()> {
        let mut value = self.ready_line();
        if let Some(object) = value.as_object_mut() {
            object.insert("control_token".to_owned(), json!(self.control_token.expose()));
            object.insert("sandbox_client_secret".to_owned(), json!(self.sandbox_client_secret.expose()));
        }
        let path = data.join("dev.json");
        write_private(&path, value.to_string().as_bytes()).map_err(|error| {
            Error::new(
                Code::ConfigInvalid,
                format!("{} cannot be written ({})", path.display(), error.kind()),
            )
        })
    }

    /// Stops both.
    pub async fn stop(self) {
        self.running.stop().await;
        self.sandbox.shutdown().await;
    }
}

fn trimmed(url: &Url) -> &str {
    url.as_str().trim_end_matches('/')
}

fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write as _;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(bytes)
}

/// How people on this machine write the address.
fn local_url(address: SocketAddr) -> Result<Url> {
    let host = match address.ip() {
        ip if ip.is_loopback() => "localhost".to_owned(),
        IpAddr::V6(ip) => format!("[{ip}]"),
        IpAddr::V4(ip) => ip.to_string(),
    };
    format!("http://{host}:{}", address.port())
        .parse()
        .map_err(|_| Error::internal("the local address cannot be written"))
}

fn settings(wanted: Wanted, sandbox_url: &Url) -> Settings {
    let loopback = ["http://localhost", "http://127.0.0.1", "http://[::1]"];
    let public_url = local_url(wanted.listen).unwrap_or_else(|_| sandbox_url.clone());
    Settings {
        listen: wanted.listen,
        app: AppConfig {
            public_url,
            environment_kind: EnvironmentKind::Development,
            app_name: "Fieldnote dev".to_owned(),
            verify_mode: VerifyMode::None,
            verify_urls: loopback.iter().filter_map(|url| url.parse().ok()).collect(),
            shared_credentials: BTreeMap::new(),
            known_fields: BTreeMap::from([("sandbox_url".to_owned(), trimmed(sandbox_url).to_owned())]),
            spill_folder: Some(wanted.data.join("spill")),
            link_lifetime: Duration::from_secs(24 * 3600),
            links_open_all_accounts: false,
            refresh: RefreshLimits::default(),
            proxy: ProxyLimits::default(),
            webhooks: WebhookLimits::default(),
            sso: None,
        },
        database: DatabaseConfig {
            // a developer's machine is busy with other things, too
            acquire_timeout: Duration::from_secs(15),
            ..DatabaseConfig::at(wanted.database.unwrap_or_else(|| sqlite(&wanted.data)))
        },
        root_key: RootKey::File(wanted.data.join("root.key")),
        egress: EgressConfig {
            allow: ["127.0.0.0/8", "::1", "localhost"].map(str::to_owned).to_vec(),
            extra_roots_pem: None,
        },
        connectors: wanted.connectors,
        tls: Tls::Development,
        data: wanted.data,
    }
}

async fn start_sandbox(wanted: &Wanted, control_token: SecretString) -> Result<Sandbox> {
    let mut config =
        SandboxConfig::new(wanted.sandbox_listen, Arc::new(SystemClock), Arc::new(OsEntropy), control_token);
    config.public_url = Some(local_url(wanted.sandbox_listen)?);
    config.switches_url = local_url(wanted.listen)?.join("sandbox").ok();
    Sandbox::start(config).await.map_err(|error| {
        Error::new(Code::ConfigInvalid, format!("the sandbox provider cannot start: {error}"))
            .with_help("choose another address with --sandbox-listen ADDR:PORT")
    })
}

fn beside_production() -> Error {
    Error::new(
        Code::ConfigInvalid,
        "this database holds a production environment, and `dev` runs the sandbox provider beside it",
    )
    .with_help("use `keybearer serve`, another folder with --data, or --sandbox-in-production if you mean it")
}

fn name_flag(error: Error, listen: SocketAddr, data: &Path) -> Error {
    if error.detail.contains("in use by process") {
        return error.with_help(format!(
            "another `keybearer` holds {}; stop it, or choose another folder with --data",
            data.display()
        ));
    }
    if error.detail.contains("is taken") {
        return error.with_help(format!("choose another address than {listen} with --listen ADDR:PORT"));
    }
    error
}

async fn prepare_connection(
    running: &Running,
    caller: &Caller,
    sandbox_url: &Url,
    secret: &SecretString,
) -> Result<String> {
    let app = &running.app;
    let fields = BTreeMap::from([("sandbox_url".to_owned(), trimmed(sandbox_url).to_owned())]);
    let secrets = Bindings::new().with("client_secret", secret.clone());
    let present = connections::get_by_name(app, caller, CONNECTION).await;
    let connection = match present {
        Ok(present) if present.fields.get("sandbox_url") == fields.get("sandbox_url") => present,
        Ok(_) => {
            connections::update(
                app,
                caller,
                CONNECTION,
                UpdateConnection { fields, ..UpdateConnection::default() },
            )
            .await?
        }
        Err(error) if error.code == Code::ConnectionNotFound => {
            let new = CreateConnection {
                connector: CONNECTION.to_owned(),
                name: Some(CONNECTION.to_owned()),
                client_id: Some(SANDBOX_CLIENT.to_owned()),
                fields,
                secrets,
                ..CreateConnection::default()
            };
            connections::create(app, caller, new).await?
        }
        Err(error) => return Err(error),
    };
    Ok(connection.redirect_uri)
}

/// The API client of the last run while it still works, else a new one that may do everything.
async fn prepare_client(
    running: &Running,
    caller: &Caller,
    former: Option<DevFile>,
) -> Result<(String, SecretString)> {
    if let Some(former) = former
        && clients::issue_token(&running.app, &former.client_id, &former.client_secret, Some(LOCAL))
            .await
            .is_ok()
    {
        return Ok((former.client_id, former.client_secret));
    }
    let made = clients::create(&running.app, caller, "dev", Permissions::all()).await?;
    Ok((made.client.id.to_string(), made.secret))
}
