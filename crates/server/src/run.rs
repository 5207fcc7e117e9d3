//! A running server: the application, its jobs, the listener, and the sandbox beside it where there is one.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use keybearer_app::brand::Asset;
use keybearer_app::connectors::Catalog;
use keybearer_app::connectors::lint::{Level, lint};
use keybearer_app::jobs::{self, Jobs};
use keybearer_app::user_pages::{self, UserPageAsk};
use keybearer_app::{App, AppParts, Opened, brand, clients, flows};
use keybearer_core::{Clock, Code, Entropy, Error, OsEntropy, Result, SecretString, SystemClock};
use tokio::task::JoinHandle;

use crate::api::{
    Authenticate, Front, Held, Hook, Hooks, IssuedToken, LinkSessions, TokenRequest, grpc, peer,
};
use crate::config::{Settings, Tls};
use crate::net::{Limits, Listener, Shutdown, tls};
use crate::web::hosted::{Answer, Submitted, Visit};
use crate::{proxy, web};

/// How long a stop waits for tokens that are on their way.
const PATIENCE: Duration = Duration::from_secs(25);

/// A running server.
pub struct Running {
    /// The application.
    pub app: App,
    /// What the start did.
    pub opened: Opened,
    /// The address that was bound.
    pub address: SocketAddr,
    /// The authority's certificate, for development TLS.
    pub ca_file: Option<PathBuf>,
    shutdown: Shutdown,
    server: JoinHandle<()>,
    jobs: Jobs,
}

impl Running {
    /// Opens everything and begins to answer.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`] for settings that do not work, [`Code::DatabaseUnavailable`].
    pub async fn start(settings: Settings) -> Result<Self> {
        Self::start_beside(settings, None).await
    }

    /// Like [`Self::start`], with the sandbox that runs in this process for the dashboard to control.
    ///
    /// # Errors
    /// Those of [`Self::start`].
    pub async fn start_beside(settings: Settings, sandbox: Option<web::Beside>) -> Result<Self> {
        let (clock, entropy): (Arc<dyn Clock>, Arc<dyn Entropy>) =
            (Arc::new(SystemClock), Arc::new(OsEntropy));
        make_folder(&settings)?;
        let (tls, ca_file) = tls_config(&settings, &*clock)?;
        let listener = bind(settings.listen, tls).await?;
        let address =
            listener.local_addr().map_err(|error| Error::internal("no local address").with_source(error))?;
        let parts = AppParts {
            config: settings.app,
            database: settings.database,
            root_key: settings.root_key,
            egress: settings.egress,
            catalog: catalog(settings.connectors.as_deref())?,
            clock,
            entropy: Arc::clone(&entropy),
        };
        let (app, opened) = App::open(parts).await?;
        let front = front(&app, entropy, sandbox)?;
        let shutdown = Shutdown::default();
        let stop = shutdown.clone();
        let jobs = jobs::start(&app);
        let server = tokio::spawn(async move {
            let respond = move |request| {
                let front = front.clone();
                async move { front.respond(request).await }
            };
            listener.serve(respond, stop).await;
        });
        Ok(Self { app, opened, address, ca_file, shutdown, server, jobs })
    }

    /// Stops: no new connections, running calls end, refreshes and exchanges land, then the database closes.
    pub async fn stop(self) {
        self.shutdown.begin();
        if self.server.await.is_err() {
            tracing::error!("the listener ended with a panic");
        }
        self.jobs.stop(PATIENCE).await;
        self.app.close().await;
    }
}

/// Makes the data folder, closed to other users.
///
/// # Errors
/// [`Code::ConfigInvalid`] naming the folder.
pub fn make_folder(settings: &Settings) -> Result<()> {
    std::fs::create_dir_all(&settings.data).map_err(|error| {
        Error::new(
            Code::ConfigInvalid,
            format!("data folder {} cannot be made ({})", settings.data.display(), error.kind()),
        )
        .with_help("name another with --data or KEYBEARER_DATA")
    })?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let private = std::fs::Permissions::from_mode(0o700);
        if let Err(error) = std::fs::set_permissions(&settings.data, private) {
            tracing::warn!(%error, "the data folder could not be closed to other users");
        }
    }
    Ok(())
}

fn tls_config(
    settings: &Settings,
    clock: &dyn Clock,
) -> Result<(Option<Arc<rustls::ServerConfig>>, Option<PathBuf>)> {
    match &settings.tls {
        Tls::Off => Ok((None, None)),
        Tls::Files { certificate, key } => Ok((Some(tls::from_files(certificate, key)?), None)),
        Tls::Development => {
            let made = tls::development(&settings.data.join("tls"), &[], clock)?;
            Ok((Some(made.config), Some(made.ca_file)))
        }
    }
}

async fn bind(address: SocketAddr, tls: Option<Arc<rustls::ServerConfig>>) -> Result<Listener> {
    Listener::bind(address, tls, Limits::default()).await.map_err(|error| {
        let detail = match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                format!("port {} of {} is taken by another program", address.port(), address.ip())
            }
            kind => format!("{address} cannot be listened on ({kind})"),
        };
        Error::new(Code::ConfigInvalid, detail)
            .with_help("choose another with --listen ADDR:PORT (or KEYBEARER_LISTEN)")
    })
}

/// The connectors of the binary, and those of the operator's folder; a file that does not lint stops the start.
///
/// # Errors
/// [`Code::ConfigInvalid`] with the finding.
pub fn catalog(folder: Option<&std::path::Path>) -> Result<Catalog> {
    let embedded = Catalog::embedded();
    let Some(folder) = folder else { return Ok(embedded) };
    let wrong = |detail: String| {
        Error::new(Code::ConfigInvalid, detail).with_help("check it with `keybearer connectors lint`")
    };
    let (own, errors) = Catalog::from_dir(folder);
    if let Some(error) = errors.first() {
        return Err(wrong(error.to_string()));
    }
    for connector in own.iter() {
        if embedded.get(&connector.slug).is_some() {
            return Err(wrong(format!("connector `{}` is built in and cannot be replaced", connector.slug)));
        }
        let findings = lint(connector);
        if let Some(finding) = findings.iter().find(|finding| finding.level == Level::Error) {
            return Err(wrong(format!("connector `{}`: {finding}", connector.slug)));
        }
    }
    let (all, _) = embedded.with_dir(folder);
    Ok(all)
}

fn front(app: &App, entropy: Arc<dyn Entropy>, sandbox: Option<web::Beside>) -> Result<Front> {
    let hooks = hooks(app);
    let pages = web::Web {
        flows: Pages(app.clone()),
        public_url: app.config().public_url.clone(),
        entropy: Arc::clone(&entropy),
    };
    let others = web::router(pages)
        .merge(web::dashboard_beside(app.clone(), sandbox))
        .merge(web::reach(app.clone()))
        .merge(web::lost(&app.config().public_url, Arc::clone(&entropy)))
        .merge(web::report(app.clone(), hooks.authenticate.clone()))
        .merge(proxy::router(app.clone(), hooks.authenticate.clone()));
    Front::new(grpc::routes(app), hooks, entropy, others)
}

/// What the edge asks of the application.
pub fn hooks(app: &App) -> Hooks {
    let authenticating = app.clone();
    let issuing = app.clone();
    let (keys, ready) = (app.clone(), app.clone());
    let visited = app.clone();
    let sessions = LinkSessions::new(app.config().public_url.clone(), move |held: Held| {
        let app = visited.clone();
        async move { flows::admit(&app, held.link.expose(), held.browser.expose()).await }
    });
    Hooks {
        authenticate: Authenticate::new(move |token: SecretString| {
            let app = authenticating.clone();
            async move { clients::authenticate(&app, token.expose(), peer::address()).await }
        })
        .with_sessions(sessions),
        issue_token: Hook::new(move |(request, _): (TokenRequest, _)| {
            let app = issuing.clone();
            async move {
                let (id, secret) = (&request.client_id, &request.client_secret);
                let token = clients::issue_token(&app, id, secret, peer::address()).await?;
                Ok(IssuedToken {
                    access_token: token.token,
                    expires_in_seconds: token.expires_in,
                    scope: String::new(),
                })
            }
        }),
        public_keys: Hook::new(move |()| {
            let app = keys.clone();
            async move { clients::jwks(&app).await }
        }),
        ready: Hook::new(move |()| {
            let app = ready.clone();
            async move { app.ready().await }
        }),
    }
}

/// The connect flows behind the hosted pages.
#[derive(Clone)]
struct Pages(App);

impl web::Flows for Pages {
    async fn view(&self, token: &str, visit: &Visit) -> Result<Answer> {
        flows::view(&self.0, token, visit).await
    }

    async fn left(&self, token: &str) -> Result<()> {
        flows::left(&self.0, token).await
    }

    async fn submit(&self, token: &str, visit: &Visit, form: Submitted) -> Result<Answer> {
        flows::submit(&self.0, token, visit, form.0).await
    }

    async fn callback(&self, connection: &str, parameters: Submitted, visit: &Visit) -> Result<Answer> {
        flows::callback(&self.0, connection, parameters.0, visit).await
    }

    async fn own_page(&self, token: &str, ask: UserPageAsk) -> Result<Answer> {
        user_pages::view(&self.0, token, &ask).await
    }

    async fn act(&self, token: &str, form: Submitted) -> Result<Answer> {
        let text = |name| form.text(name).unwrap_or_default();
        match form.text("stop") {
            Some(account) => user_pages::disconnect(&self.0, token, &account).await,
            None => user_pages::connect(&self.0, token, &text("connection"), &text("account")).await,
        }
    }

    async fn asset(&self, name: &str) -> Result<Option<Asset>> {
        brand::asset(&self.0, name).await
    }

    async fn success(&self, query: &str, link: Option<&str>, visit: &Visit) -> Result<Answer> {
        flows::success(&self.0, query, link, visit).await
    }
}
