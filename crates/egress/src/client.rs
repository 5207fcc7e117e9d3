use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{Method, Request, Response, Version};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper_util::client::legacy::connect::{CaptureConnection, capture_connection};
use hyper_util::client::legacy::{Builder, Client, Error as ClientError, ResponseFuture};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout_at};
use url::Url;

use crate::body::{Guarded, Observed};
use crate::connector::{Connector, Timings};
use crate::error::{chain, describe};
use crate::socket::sent_nothing;
use crate::target::Target;
use crate::{BodyStream, Cause, EgressError, Policy, PolicyError, Resolve, SystemResolver, body_from, tls};

/// Idle connections go before most servers close them, so that a request rarely meets a dying one.
const KEEP_IDLE: Duration = Duration::from_secs(20);
const KEEP_IDLE_PER_HOST: usize = 8;
const MAX_HEAD_BYTES: usize = 128 * 1024;
const DEFAULT_IDLE: Duration = Duration::from_secs(300);

/// The guarded HTTP client; a clone shares connections.
#[derive(Clone)]
pub struct Egress {
    connector: Connector,
    fresh: Client<Connector, BodyStream>,
    pooled: Client<Connector, BodyStream>,
}

/// The bounds of [`Egress::send`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest that everything may take, from the name look-up to the last byte.
    pub timeout: Duration,
    /// The largest answer, in bytes.
    pub max_body: u64,
}

/// The bounds of [`Egress::stream`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamLimits {
    /// The longest wait for the answer's headers after the request's body was last read from.
    pub headers: Duration,
    /// The longest wait for a further piece of the answer.
    pub idle: Duration,
    /// The largest answer, in bytes, if there is a bound.
    pub max_body: Option<u64>,
}

impl From<Duration> for StreamLimits {
    /// A limit for the headers, five minutes between pieces, no limit for the size.
    fn from(headers: Duration) -> Self {
        Self { headers, idle: DEFAULT_IDLE, max_body: None }
    }
}

impl fmt::Debug for Egress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Egress").finish_non_exhaustive()
    }
}

impl Egress {
    /// A client under `policy`.
    ///
    /// # Errors
    /// [`PolicyError::Root`] when a further root cannot be used.
    pub fn new(policy: Policy) -> Result<Self, PolicyError> {
        Self::with_resolver(policy, Arc::new(SystemResolver))
    }

    /// A client that looks names up with `resolver`.
    ///
    /// # Errors
    /// [`PolicyError::Root`] when a further root cannot be used.
    pub fn with_resolver(policy: Policy, resolver: Arc<dyn Resolve>) -> Result<Self, PolicyError> {
        let tls = tls::connector(&policy.extra_roots)?;
        let connector = Connector::new(policy, resolver, tls);
        let fresh = builder().pool_max_idle_per_host(0).build(connector.clone());
        let pooled = builder().pool_max_idle_per_host(KEEP_IDLE_PER_HOST).build(connector.clone());
        Ok(Self { connector, fresh, pooled })
    }

    /// What can be said about an address without contacting anybody: for checks when something is configured.
    ///
    /// A name that passes may still lead to a refused address later.
    ///
    /// # Errors
    /// [`EgressError::Refused`].
    pub fn check(&self, url: &Url) -> Result<(), EgressError> {
        self.connector.check(&Target::from_url(url)?)
    }

    /// Like [`Self::check`] for an address that somebody writes down to be kept: plain `http` to a name only where a rule
    /// has that name.
    ///
    /// # Errors
    /// [`EgressError::Refused`].
    pub fn check_written(&self, url: &Url) -> Result<(), EgressError> {
        self.connector.check_written(&Target::from_url(url)?)
    }

    /// Connects to the host of an address once, and says how long each part took. Nothing is sent.
    ///
    /// # Errors
    /// [`EgressError::Refused`] and [`EgressError::NotSent`].
    pub async fn time(&self, url: &Url) -> Result<Timings, EgressError> {
        let target = Target::from_url(url)?;
        self.connector.check(&target)?;
        self.connector.timed(&target).await
    }

    /// Sends a request on a connection of its own and reads the whole answer, whatever its status.
    ///
    /// # Errors
    /// [`EgressError::Refused`] and [`EgressError::NotSent`]: nobody saw the request.
    /// [`EgressError::Uncertain`]: somebody may have. [`EgressError::TooLarge`]: more than `limits.max_body`.
    pub async fn send(
        &self,
        request: Request<Bytes>,
        limits: Limits,
    ) -> Result<Response<Bytes>, EgressError> {
        let deadline = Instant::now() + limits.timeout;
        let (call, pending) = Call::start(self, &self.fresh, request.map(body_from))?;
        let answer = match timeout_at(deadline, pending).await {
            Ok(answer) => answer.map_err(|error| call.classify(&error))?,
            Err(_) => return Err(call.timed_out()),
        };
        let (head, body) = answer.into_parts();
        let body = Guarded::new(body, &call.host, Some(limits.max_body), limits.timeout);
        match timeout_at(deadline, collect(body)).await {
            Ok(body) => Ok(Response::from_parts(head, body?)),
            Err(_) => Err(call.timed_out()),
        }
    }

    /// Sends a request on a shared connection and gives the answer as soon as its headers are here.
    ///
    /// Bodies pass through both ways as they come. A failure within the answer's body is an error of that body;
    /// [`EgressError::find`] tells which.
    ///
    /// # Errors
    /// [`EgressError::Refused`] and [`EgressError::NotSent`]: nobody saw the request.
    /// [`EgressError::Uncertain`]: somebody may have.
    pub async fn stream(
        &self,
        request: Request<BodyStream>,
        limits: impl Into<StreamLimits>,
    ) -> Result<Response<BodyStream>, EgressError> {
        let limits = limits.into();
        let (head, body) = request.into_parts();
        let (body, taken_at) = Observed::new(body);
        let request = Request::from_parts(head, body.boxed_unsync());
        let (call, pending) = Call::start(self, &self.pooled, request)?;
        let answer = match patiently(pending, taken_at, limits.headers).await {
            Some(answer) => answer.map_err(|error| call.classify(&error))?,
            None => return Err(call.timed_out()),
        };
        Ok(answer.map(|body| {
            Guarded::new(body, &call.host, limits.max_body, limits.idle).map_err(Into::into).boxed_unsync()
        }))
    }
}

/// A request under way, and what is known about how far it came.
struct Call {
    host: String,
    captured: CaptureConnection,
}

impl Call {
    fn start(
        egress: &Egress,
        client: &Client<Connector, BodyStream>,
        mut request: Request<BodyStream>,
    ) -> Result<(Self, ResponseFuture), EgressError> {
        let target = Target::from_uri(request.uri())?;
        egress.connector.check(&target)?;
        if request.method() == Method::CONNECT {
            return Err(target.refused("CONNECT is not a request"));
        }
        // the version is settled with the provider, not by whoever asked us
        *request.version_mut() = Version::HTTP_11;
        let captured = capture_connection(&mut request);
        Ok((Self { host: target.name(), captured }, client.request(request)))
    }

    /// A request that had a connection when time was up may be with the provider.
    fn timed_out(&self) -> EgressError {
        if self.captured.connection_metadata().is_none() {
            EgressError::not_sent(&self.host, Cause::Timeout, "no connection in time")
        } else {
            EgressError::uncertain(&self.host, Cause::Timeout, "no full answer in time")
        }
    }

    fn classify(&self, error: &ClientError) -> EgressError {
        if let Some(refusal) = error.is_connect().then(|| EgressError::find(error)).flatten() {
            return refusal.clone();
        }
        let http = chain(error).find_map(|link| link.downcast_ref::<hyper::Error>());
        let cause = cause_of(http);
        // without connection details no connection was given the request; a canceled one was never written
        let unsent = error.is_connect()
            || error.connect_info().is_none()
            || http.is_some_and(hyper::Error::is_canceled)
            || refused_by_peer(error)
            || sent_nothing(&self.captured);
        if unsent {
            EgressError::not_sent(&self.host, cause, describe(error))
        } else {
            EgressError::uncertain(&self.host, cause, describe(error))
        }
    }
}

fn builder() -> Builder {
    let mut builder = Client::builder(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(KEEP_IDLE)
        .http1_max_buf_size(MAX_HEAD_BYTES)
        .http2_max_header_list_size(MAX_HEAD_BYTES as u32)
        .http2_keep_alive_interval(KEEP_IDLE)
        .http2_adaptive_window(true);
    builder
}

fn cause_of(error: Option<&hyper::Error>) -> Cause {
    match error {
        Some(error) if error.is_parse() || error.is_user() => Cause::Protocol,
        Some(error) if error.is_timeout() => Cause::Timeout,
        _ => Cause::Closed,
    }
}

/// RFC 9113 §8.7: a stream reset with `REFUSED_STREAM` was not processed.
fn refused_by_peer(error: &ClientError) -> bool {
    let http2 = chain(error).find_map(|link| link.downcast_ref::<h2::Error>());
    http2.is_some_and(|error| {
        error.is_reset() && error.is_remote() && error.reason() == Some(h2::Reason::REFUSED_STREAM)
    })
}

/// Waits for an answer until `patience` has passed since the request's body was last read from.
async fn patiently(
    mut pending: ResponseFuture,
    taken_at: watch::Receiver<Instant>,
    patience: Duration,
) -> Option<Result<Response<Incoming>, ClientError>> {
    loop {
        let deadline = *taken_at.borrow() + patience;
        tokio::select! {
            biased;
            answer = &mut pending => return Some(answer),
            () = sleep_until(deadline) => {}
        }
        if *taken_at.borrow() + patience <= Instant::now() {
            return None;
        }
    }
}

async fn collect(mut body: Guarded) -> Result<Bytes, EgressError> {
    let mut collected = BytesMut::new();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            collected.extend_from_slice(&data);
        }
    }
    Ok(collected.freeze())
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
