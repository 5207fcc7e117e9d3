use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// How HTTP/2 with prior knowledge begins (RFC 9113 §3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// First byte of a TLS handshake record (RFC 8446 §5.1).
const TLS_HANDSHAKE: u8 = 0x16;

/// What a connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speech {
    Tls,
    Http1,
    Http2,
}

/// Reads just enough to know what the peer speaks; what was read stays readable.
pub(super) async fn sniff<S: AsyncRead + Unpin>(
    mut stream: S,
    write_stall: Duration,
) -> io::Result<(Speech, Sniffed<S>)> {
    let mut seen = Vec::with_capacity(PREFACE.len());
    let mut chunk = [0_u8; 24];
    let speech = loop {
        let (space, _) = chunk.split_at_mut(PREFACE.len() - seen.len());
        let read = stream.read(space).await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        seen.extend(space.iter().take(read));
        if seen.first() == Some(&TLS_HANDSHAKE) {
            break Speech::Tls;
        }
        if !PREFACE.starts_with(&seen) {
            break Speech::Http1;
        }
        if seen.len() == PREFACE.len() {
            break Speech::Http2;
        }
    };
    Ok((speech, Sniffed { seen, given: 0, stream, write_stall, stalled: None }))
}

/// A stream that gives first what was read from it already, and fails when the peer stops reading.
#[derive(Debug)]
pub(super) struct Sniffed<S> {
    seen: Vec<u8>,
    given: usize,
    stream: S,
    write_stall: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<S> Sniffed<S> {
    /// Passes a write on, and ends the connection when the peer takes nothing for too long (slow-read attack).
    fn watched<T>(&mut self, context: &mut Context<'_>, poll: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if poll.is_ready() {
            self.stalled = None;
            return poll;
        }
        let stall = self.write_stall;
        let timer = self.stalled.get_or_insert_with(|| Box::pin(sleep(stall)));
        match timer.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Sniffed<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let given = self.given;
        if let Some((_, rest)) = self.seen.split_at_checked(given).filter(|(_, rest)| !rest.is_empty()) {
            let count = rest.len().min(buffer.remaining());
            if let Some((now, _)) = rest.split_at_checked(count) {
                buffer.put_slice(now);
            }
            self.given += count;
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Sniffed<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watched(context, poll)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.stream).poll_flush(context);
        self.watched(context, poll)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.stream).poll_shutdown(context);
        self.watched(context, poll)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.watched(context, poll)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn speech(pieces: &[&[u8]]) -> (Speech, Vec<u8>) {
        let mut builder = tokio_test_stream(pieces);
        let (speech, mut stream) = sniff(&mut builder, Duration::from_secs(1)).await.unwrap();
        let mut all = Vec::new();
        stream.read_to_end(&mut all).await.unwrap();
        (speech, all)
    }

    fn tokio_test_stream(pieces: &[&[u8]]) -> impl AsyncRead + Unpin {
        let joined: Vec<std::io::Result<bytes::Bytes>> =
            pieces.iter().map(|piece| Ok(bytes::Bytes::copy_from_slice(piece))).collect();
        tokio_util::io::StreamReader::new(futures_util::stream::iter(joined))
    }

    #[tokio::test]
    async fn the_first_bytes_tell_and_stay_readable() {
        let cases: &[(&[&[u8]], Speech)] = &[
            (&[b"GET / HTTP/1.1\r\n\r\n"], Speech::Http1),
            (&[b"P", b"OST / HTTP/1.1\r\n\r\n"], Speech::Http1),
            (&[b"PRI * HTTP/2.0\r\n", b"\r\nSM\r\n\r\nmore"], Speech::Http2),
            (&[b"\x16\x03\x01"], Speech::Tls),
        ];
        for (pieces, expected) in cases {
            let (found, all) = speech(pieces).await;
            assert_eq!(found, *expected);
            assert_eq!(all, pieces.concat());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_reads_nothing_is_dropped() {
        use tokio::io::AsyncWriteExt as _;
        let (near, mut far) = tokio::io::duplex(8);
        far.write_all(b"GET").await.unwrap();
        let (_, mut stream) = sniff(near, Duration::from_secs(30)).await.unwrap();
        let error = stream.write_all(&[0; 64]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
