use std::convert::Infallible;
use std::error::Error;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use axum::body::Body;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::listener::{Begun, Limits};
use super::sniff::{Sniffed, Speech, sniff};
use super::tls::Secure;

type Failed = Box<dyn Error + Send + Sync>;

/// One accepted connection and what it may do.
pub(super) struct Connection {
    pub(super) peer: SocketAddr,
    pub(super) tls: Option<Arc<rustls::ServerConfig>>,
    pub(super) limits: Arc<Limits>,
    pub(super) begun: Begun,
}

impl Connection {
    pub(super) async fn serve<F, Fut>(self, stream: TcpStream, respond: F) -> Result<(), Failed>
    where
        F: Fn(Request<Body>) -> Fut + Clone + Send + 'static,
        Fut: Future<Output = Response<Body>> + Send + 'static,
    {
        let mut begun = self.begun.clone();
        let limits = Arc::clone(&self.limits);
        let greeting = timeout(limits.handshake, sniff(stream, limits.write_stall));
        // whoever has not said anything yet loses nothing by a shutdown
        let (speech, stream) = tokio::select! {
            greeted = greeting => greeted??,
            () = begun.wait() => return Ok(()),
        };
        let Some(tls) = self.tls.clone().filter(|_| speech == Speech::Tls) else {
            return self.http(speech, stream, Secure(false), respond).await;
        };
        let secured = timeout(limits.handshake, async {
            let stream = TlsAcceptor::from(tls).accept(stream).await?;
            // a client without ALPN may still speak HTTP/2 with prior knowledge inside TLS
            sniff(stream, limits.write_stall).await
        });
        let (speech, stream) = tokio::select! {
            secured = secured => secured??,
            () = begun.wait() => return Ok(()),
        };
        self.http(speech, stream, Secure(true), respond).await
    }

    async fn http<S, F, Fut>(
        mut self,
        speech: Speech,
        stream: Sniffed<S>,
        secure: Secure,
        respond: F,
    ) -> Result<(), Failed>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        F: Fn(Request<Body>) -> Fut + Clone + Send + 'static,
        Fut: Future<Output = Response<Body>> + Send + 'static,
    {
        let builder = self.builder(speech)?;
        let peer = self.peer;
        let service = service_fn(move |request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(peer);
            request.extensions_mut().insert(secure);
            let answer = respond(request);
            async move { Ok::<_, Infallible>(answer.await) }
        });
        let mut running = pin!(builder.serve_connection(TokioIo::new(stream), service));
        tokio::select! {
            done = running.as_mut() => return done,
            () = self.begun.wait() => running.as_mut().graceful_shutdown(),
        }
        running.await
    }

    fn builder(&self, speech: Speech) -> Result<Builder<TokioExecutor>, Failed> {
        let builder = Builder::new(TokioExecutor::new());
        let mut builder = match speech {
            Speech::Http1 => builder.http1_only(),
            Speech::Http2 => builder.http2_only(),
            Speech::Tls => return Err("TLS is not set up on this port".into()),
        };
        let limits = &self.limits;
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.head)
            .max_headers(limits.headers)
            .max_buf_size(usize::try_from(limits.header_bytes)?.max(8192))
            .keep_alive(true);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_header_list_size(limits.header_bytes)
            .max_concurrent_streams(limits.streams)
            // finds peers that are gone; a quiet client with a live connection answers and stays
            .keep_alive_interval(limits.head * 6)
            .keep_alive_timeout(limits.head * 2);
        Ok(builder)
    }
}
