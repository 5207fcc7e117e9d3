use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::{CaptureConnection, Connected, Connection};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A connection that counts what the kernel took from it.
#[derive(Debug)]
pub(crate) struct Socket<T> {
    inner: T,
    sent: Arc<AtomicU64>,
}

impl<T> Socket<T> {
    pub(crate) fn new(inner: T) -> Self {
        Self { inner, sent: Arc::default() }
    }

    fn count(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(bytes)) = &written {
            self.sent.fetch_add(*bytes as u64, Ordering::SeqCst);
        }
        written
    }
}

impl<T> Connection for Socket<T> {
    fn connected(&self) -> Connected {
        Connected::new().extra(Sent { total: Arc::clone(&self.sent), before: None })
    }
}

/// How much a connection has sent, now and when a request was given to it.
///
/// The client clones a connection's details at one point only before it hands over a request: for the request's
/// [`CaptureConnection`]. The first clone therefore notes the count, and later clones keep the note.
#[derive(Debug)]
struct Sent {
    total: Arc<AtomicU64>,
    before: Option<u64>,
}

impl Clone for Sent {
    fn clone(&self) -> Self {
        let before = self.before.unwrap_or_else(|| self.total.load(Ordering::SeqCst));
        Self { total: Arc::clone(&self.total), before: Some(before) }
    }
}

/// Whether the connection that got the request has sent nothing since; `false` when that is not known.
pub(crate) fn sent_nothing(captured: &CaptureConnection) -> bool {
    let mut extensions = http::Extensions::new();
    if let Some(connected) = captured.connection_metadata().as_ref() {
        connected.get_extras(&mut extensions);
    }
    extensions.get::<Sent>().is_some_and(|sent| sent.before == Some(sent.total.load(Ordering::SeqCst)))
}

impl<T: AsyncRead + Unpin> AsyncRead for Socket<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Socket<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(context, bytes);
        self.count(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(context, parts);
        self.count(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

#[cfg(test)]
#[path = "socket_tests.rs"]
mod tests;
