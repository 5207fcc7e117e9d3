use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_rustls::MaybeHttpsStream;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use tower::Service;
use url::Host;

use crate::error::describe;
use crate::socket::Socket;
use crate::target::{Scheme, Target};
use crate::{Cause, EgressError, Policy, Resolve};

/// No name needs more; each costs waiting time when it is dead.
const MAX_ADDRESSES: usize = 4;

pub(crate) type Stream = MaybeHttpsStream<TokioIo<Socket<TcpStream>>>;

/// Resolves, judges, connects to the judged address, and encrypts.
#[derive(Clone)]
pub(crate) struct Connector {
    shared: Arc<Shared>,
}

struct Shared {
    policy: Policy,
    resolver: Arc<dyn Resolve>,
    tls: TlsConnector,
}

impl Connector {
    pub(crate) fn new(policy: Policy, resolver: Arc<dyn Resolve>, tls: TlsConnector) -> Self {
        Self { shared: Arc::new(Shared { policy, resolver, tls }) }
    }

    /// What can be said about a target without a look-up.
    pub(crate) fn check(&self, target: &Target) -> Result<(), EgressError> {
        self.shared.policy.check(target)
    }

    /// Connects once and says how long each part took.
    pub(crate) async fn timed(&self, target: &Target) -> Result<Timings, EgressError> {
        let limit = self.shared.policy.connect_timeout;
        timeout(limit, self.shared.timed(target)).await.unwrap_or_else(|_| {
            Err(EgressError::not_sent(target.name(), Cause::Timeout, "no connection in time"))
        })
    }

    /// The same for an address that is written down to be kept.
    pub(crate) fn check_written(&self, target: &Target) -> Result<(), EgressError> {
        self.shared.policy.check_written(target)
    }
}

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = EgressError;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, EgressError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), EgressError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let shared = Arc::clone(&self.shared);
        Box::pin(async move {
            let target = Target::from_uri(&uri)?;
            let limit = shared.policy.connect_timeout;
            timeout(limit, shared.connect(&target)).await.unwrap_or_else(|_| {
                Err(EgressError::not_sent(target.name(), Cause::Timeout, "no connection in time"))
            })
        })
    }
}

/// How long the parts of a connection took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timings {
    /// The name look-up.
    pub dns: Duration,
    /// The TCP connection.
    pub connect: Duration,
    /// The TLS handshake; `None` over plain http.
    pub tls: Option<Duration>,
}

impl Shared {
    async fn timed(&self, target: &Target) -> Result<Timings, EgressError> {
        let begun = Instant::now();
        let addresses = self.admitted(target).await?;
        let dns = begun.elapsed();
        let tcp = self.dial(target, &addresses).await?;
        let connect = begun.elapsed().saturating_sub(dns);
        let tls = match target.scheme {
            Scheme::Http => None,
            Scheme::Https => {
                self.encrypt(target, TokioIo::new(Socket::new(tcp))).await?;
                Some(begun.elapsed().saturating_sub(dns + connect))
            }
        };
        Ok(Timings { dns, connect, tls })
    }

    async fn connect(&self, target: &Target) -> Result<Stream, EgressError> {
        let addresses = self.admitted(target).await?;
        let tcp = self.dial(target, &addresses).await?;
        let stream = TokioIo::new(Socket::new(tcp));
        match target.scheme {
            Scheme::Http => Ok(MaybeHttpsStream::Http(stream)),
            Scheme::Https => self.encrypt(target, stream).await,
        }
    }

    /// The addresses of the target that the policy admits; never empty.
    async fn admitted(&self, target: &Target) -> Result<Vec<IpAddr>, EgressError> {
        let found = match &target.host {
            Host::Ipv4(address) => vec![IpAddr::V4(*address)],
            Host::Ipv6(address) => vec![IpAddr::V6(*address)],
            Host::Domain(name) => self
                .resolver
                .resolve(name)
                .await
                .map_err(|error| EgressError::not_sent(target.name(), Cause::Dns, describe(&error)))?,
        };
        let mut admitted: Vec<IpAddr> = Vec::new();
        let mut refusal = EgressError::not_sent(target.name(), Cause::Dns, "the name has no address");
        for address in found {
            match self.policy.admit(target, address) {
                Ok(()) if !admitted.contains(&address) => admitted.push(address),
                Ok(()) => {}
                Err(refused) => refusal = refused,
            }
        }
        admitted.truncate(MAX_ADDRESSES);
        if admitted.is_empty() { Err(refusal) } else { Ok(admitted) }
    }

    /// Connects to the first address that answers.
    async fn dial(&self, target: &Target, addresses: &[IpAddr]) -> Result<TcpStream, EgressError> {
        // an address that swallows packets must leave time for the next one
        let share = self.policy.connect_timeout / u32::try_from(addresses.len()).unwrap_or(1).max(1);
        let mut failure = EgressError::not_sent(target.name(), Cause::Connect, "no address");
        for address in addresses {
            match connect_one(SocketAddr::new(*address, target.port), share).await {
                Ok(stream) => return Ok(stream),
                Err((cause, detail)) => failure = EgressError::not_sent(target.name(), cause, detail),
            }
        }
        Err(failure)
    }

    async fn encrypt(
        &self,
        target: &Target,
        stream: TokioIo<Socket<TcpStream>>,
    ) -> Result<Stream, EgressError> {
        let failed = |detail: String| EgressError::not_sent(target.name(), Cause::Tls, detail);
        let name = match &target.host {
            Host::Ipv4(address) => ServerName::from(IpAddr::V4(*address)),
            Host::Ipv6(address) => ServerName::from(IpAddr::V6(*address)),
            Host::Domain(name) => {
                ServerName::try_from(name.clone()).map_err(|error| failed(describe(&error)))?
            }
        };
        let encrypted = self.tls.connect(name, TokioIo::new(stream)).await;
        encrypted
            .map(|stream| MaybeHttpsStream::Https(TokioIo::new(stream)))
            .map_err(|error| failed(describe(&error)))
    }
}

async fn connect_one(address: SocketAddr, limit: Duration) -> Result<TcpStream, (Cause, String)> {
    let attempt = async {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    };
    match timeout(limit, attempt).await {
        Ok(connected) => connected.map_err(|error: std::io::Error| (Cause::Connect, describe(&error))),
        Err(_) => Err((Cause::Timeout, "no connection in time".to_owned())),
    }
}
