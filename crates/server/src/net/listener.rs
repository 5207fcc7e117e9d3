use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http::{Request, Response};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};
use tokio_util::task::TaskTracker;

use super::connection::Connection;

/// How much a peer may ask of the listener.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections at one time; further ones wait in the kernel.
    pub connections: usize,
    /// Time from the first byte of a connection to the protocol it speaks, and of a TLS handshake.
    pub handshake: Duration,
    /// Time for the head of an HTTP/1.1 request; also how long an idle connection is kept.
    pub head: Duration,
    /// Time for which a peer may take nothing of what we send.
    pub write_stall: Duration,
    /// Header fields of one request.
    pub headers: usize,
    /// Bytes of all header fields of one request.
    pub header_bytes: u32,
    /// Requests at one time on one HTTP/2 connection.
    pub streams: u32,
    /// Time for running requests to end at shutdown.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 2048,
            handshake: Duration::from_secs(10),
            head: Duration::from_secs(10),
            write_stall: Duration::from_secs(30),
            headers: 100,
            header_bytes: 64 * 1024,
            streams: 200,
            drain: Duration::from_secs(20),
        }
    }
}

/// Ends a listener: no new connections, running requests get the drain time.
#[derive(Clone, Debug)]
pub struct Shutdown(watch::Sender<bool>);

impl Default for Shutdown {
    fn default() -> Self {
        Self(watch::Sender::new(false))
    }
}

impl Shutdown {
    /// Begins the shutdown; more calls change nothing.
    pub fn begin(&self) {
        self.0.send_replace(true);
    }

    pub(super) fn watch(&self) -> Begun {
        Begun(self.0.subscribe())
    }
}

/// Resolves when the shutdown begins.
#[derive(Clone, Debug)]
pub(super) struct Begun(watch::Receiver<bool>);

impl Begun {
    pub(super) async fn wait(&mut self) {
        // an error means that nobody can begin it any more, so there is nothing to wait for either
        let _ = self.0.wait_for(|begun| *begun).await;
    }
}

/// A bound port.
#[derive(Debug)]
pub struct Listener {
    tcp: TcpListener,
    tls: Option<Arc<rustls::ServerConfig>>,
    limits: Limits,
}

impl Listener {
    /// Binds the port; with `tls`, connections that begin with a handshake are answered with it.
    ///
    /// # Errors
    /// The operating system's, for example that the port is taken.
    pub async fn bind(
        address: SocketAddr,
        tls: Option<Arc<rustls::ServerConfig>>,
        limits: Limits,
    ) -> io::Result<Self> {
        Ok(Self { tcp: TcpListener::bind(address).await?, tls, limits })
    }

    /// The address that was bound; tells the port when 0 was asked for.
    ///
    /// # Errors
    /// The operating system's.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }

    /// Answers connections until the shutdown has drained.
    ///
    /// Every request carries its peer's [`SocketAddr`] and a [`super::tls::Secure`] in its extensions.
    pub async fn serve<F, Fut>(self, respond: F, shutdown: Shutdown)
    where
        F: Fn(Request<Body>) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Response<Body>> + Send + 'static,
    {
        let Self { tcp, tls, limits } = self;
        let slots = Arc::new(Semaphore::new(limits.connections));
        let tasks = TaskTracker::new();
        let limits = Arc::new(limits);
        let mut begun = shutdown.watch();
        loop {
            let slot = tokio::select! {
                () = begun.wait() => break,
                Ok(slot) = Arc::clone(&slots).acquire_owned() => slot,
            };
            let (stream, peer) = tokio::select! {
                () = begun.wait() => break,
                accepted = tcp.accept() => match accepted {
                    Ok(accepted) => accepted,
                    Err(error) => {
                        // out of file descriptors, most likely: give running requests time to return some
                        tracing::warn!("cannot accept a connection: {error}");
                        sleep(Duration::from_millis(100)).await;
                        continue;
                    }
                },
            };
            let _ = stream.set_nodelay(true);
            let connection =
                Connection { peer, tls: tls.clone(), limits: Arc::clone(&limits), begun: shutdown.watch() };
            let respond = respond.clone();
            tasks.spawn(async move {
                if let Err(error) = connection.serve(stream, respond).await {
                    tracing::debug!("connection ended: {error}");
                }
                drop(slot);
            });
        }
        drop(tcp);
        tasks.close();
        if timeout(limits.drain, tasks.wait()).await.is_err() {
            tracing::warn!("{} connections were still busy when the drain time ended", tasks.len());
        }
    }
}
