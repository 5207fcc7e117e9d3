use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use tokio::sync::watch;
use tokio::time::{Instant, Sleep, sleep};

use crate::error::describe;
use crate::{Cause, EgressError};

/// What a body can fail with; [`EgressError::find`] reads it.
pub type BoxError = Box<dyn std::error::Error + Send + Sync + 'static>;

/// A body that is passed on piece by piece.
pub type BodyStream = UnsyncBoxBody<Bytes, BoxError>;

/// A body of bytes that are at hand.
pub fn body_from(bytes: impl Into<Bytes>) -> BodyStream {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// A body of nothing.
pub fn empty_body() -> BodyStream {
    body_from(Bytes::new())
}

/// A request body that notes when a piece of it was taken.
pub(crate) struct Observed {
    inner: BodyStream,
    taken_at: watch::Sender<Instant>,
}

impl Observed {
    pub(crate) fn new(inner: BodyStream) -> (Self, watch::Receiver<Instant>) {
        let (taken_at, receiver) = watch::channel(Instant::now());
        (Self { inner, taken_at }, receiver)
    }
}

impl Body for Observed {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(context));
        self.taken_at.send_replace(Instant::now());
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// An answer's body with its limits.
pub(crate) struct Guarded {
    inner: Incoming,
    host: Arc<str>,
    limit: Option<u64>,
    seen: u64,
    idle: Duration,
    timer: Pin<Box<Sleep>>,
    /// Whether the timer runs: it does while the provider owes a piece, not while our reader is slow.
    waiting: bool,
}

impl Guarded {
    pub(crate) fn new(inner: Incoming, host: &str, limit: Option<u64>, idle: Duration) -> Self {
        let timer = Box::pin(sleep(idle));
        Self { inner, host: host.into(), limit, seen: 0, idle, timer, waiting: false }
    }

    fn too_large(&self, size: u64) -> Option<EgressError> {
        let limit = self.limit.filter(|limit| size > *limit)?;
        Some(EgressError::TooLarge { host: self.host.to_string(), limit })
    }

    fn poll_waiting(&mut self, context: &mut Context<'_>) -> Poll<EgressError> {
        if !self.waiting {
            self.waiting = true;
            let deadline = Instant::now() + self.idle;
            self.timer.as_mut().reset(deadline);
        }
        ready!(self.timer.as_mut().poll(context));
        Poll::Ready(EgressError::uncertain(&*self.host, Cause::Timeout, "the answer stopped half-way"))
    }
}

impl Body for Guarded {
    type Data = Bytes;
    type Error = EgressError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, EgressError>>> {
        // a length that is announced is judged before a byte of it is taken
        if let Some(error) = self.too_large(self.seen.saturating_add(self.inner.size_hint().lower())) {
            return Poll::Ready(Some(Err(error)));
        }
        let Poll::Ready(frame) = Pin::new(&mut self.inner).poll_frame(context) else {
            return self.poll_waiting(context).map(|error| Some(Err(error)));
        };
        self.waiting = false;
        let Some(frame) = frame else {
            return Poll::Ready(None);
        };
        let frame = frame.map_err(|error| broken(&self.host, &error))?;
        self.seen = self.seen.saturating_add(frame.data_ref().map_or(0, |data| data.len() as u64));
        let answer = self.too_large(self.seen).map_or(Ok(frame), Err);
        Poll::Ready(Some(answer))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

fn broken(host: &str, error: &hyper::Error) -> EgressError {
    EgressError::uncertain(host, Cause::Closed, describe(error))
}
