//! The listener: an accept loop of its own, because a failure switch must be able to drop a connection.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tower::ServiceExt as _;

use crate::clock::SandboxClock;
use crate::config::{SandboxConfig, StartError};
use crate::control::Control;
use crate::record::Recorder;
use crate::shared::{Initial, Shared};

/// The address of the other end, as an extension of every request.
#[derive(Clone, Copy)]
pub(crate) struct Peer(pub SocketAddr);

/// An extension of a response that must not be sent: the connection closes instead.
#[derive(Clone, Copy)]
pub(crate) struct DropConnection;

/// A running sandbox provider. Dropping it stops it.
pub struct Sandbox {
    control: Control,
    address: SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Sandbox {
    /// Binds the listener and serves until [`Sandbox::shutdown`] or drop. Ready when it returns.
    ///
    /// # Errors
    /// [`StartError`]: a production environment, an address in use, a public URL with a path.
    pub async fn start(config: SandboxConfig) -> Result<Self, StartError> {
        if config.production && !config.force_in_production {
            return Err(StartError::Production);
        }
        let listen_error = |source| StartError::Listen { address: config.listen, source };
        let listener = TcpListener::bind(config.listen).await.map_err(listen_error)?;
        let address = listener.local_addr().map_err(listen_error)?;
        let shared = Arc::new(shared(config, address)?);
        let (stop, stopped) = watch::channel(false);
        let router = crate::routes::router(Arc::clone(&shared));
        let task = tokio::spawn(accept(listener, router, stopped));
        tracing::info!(url = %shared.issuer, "sandbox provider is ready");
        Ok(Self { control: Control::new(shared), address, stop, task })
    }

    /// The public origin without a slash at its end, also the issuer, for example `http://localhost:4301`.
    pub fn url(&self) -> &str {
        self.control.url()
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The handle that moves its clock, sets its switches and reads its records.
    pub fn control(&self) -> Control {
        self.control.clone()
    }

    /// Stops listening and closes every connection; ready when the port is free.
    pub async fn shutdown(mut self) {
        // an error means that the task has ended already
        let _ = self.stop.send(true);
        let _ = (&mut self.task).await;
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn shared(config: SandboxConfig, address: SocketAddr) -> Result<Shared, StartError> {
    let issuer = match &config.public_url {
        None => format!("http://{address}"),
        Some(url)
            if matches!(url.scheme(), "http" | "https") && url.path() == "/" && url.query().is_none() =>
        {
            url.origin().ascii_serialization()
        }
        Some(_) => return Err(StartError::PublicUrl),
    };
    let initial = Initial { settings: config.settings, clients: config.clients, keys: config.keys };
    Ok(Shared {
        issuer,
        switches_url: config.switches_url.map(String::from),
        clock: SandboxClock::new(config.clock),
        recorder: Recorder::new(config.entropy.as_ref())?,
        entropy: config.entropy,
        control_token: config.control_token,
        world: Mutex::new(initial.world()),
        initial,
        kept: Mutex::default(),
    })
}

async fn accept(listener: TcpListener, router: Router, mut stopped: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = stopped.changed() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    connections.spawn(serve(stream, peer, router.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "the sandbox could not accept a connection");
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                }
            },
        }
    }
    drop(listener);
    connections.shutdown().await;
}

async fn serve(stream: TcpStream, peer: SocketAddr, router: Router) {
    let service = service_fn(move |mut request: http::Request<hyper::body::Incoming>| {
        let router = router.clone();
        request.extensions_mut().insert(Peer(peer));
        async move {
            let answered = router.oneshot(request.map(Body::new)).await;
            let response = answered.unwrap_or_else(|never| match never {});
            if response.extensions().get::<DropConnection>().is_some() {
                return Err(std::io::Error::other("dropped on purpose"));
            }
            Ok(response)
        }
    });
    // small answers must not wait for an acknowledgement
    let _ = stream.set_nodelay(true);
    let connection = auto::Builder::new(TokioExecutor::new());
    if let Err(error) = connection.serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(%error, "a sandbox connection ended early");
    }
}
