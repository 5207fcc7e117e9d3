use std::future::{Ready, ready};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::Uri;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tower::service_fn;

use super::*;
use crate::breaking::Breaking;
use crate::socket::Socket;

type Connecting<T> = Ready<io::Result<TokioIo<T>>>;

fn request() -> (Request<BodyStream>, Call) {
    let mut request = Request::post("http://breaking.example/").body(body_from("grant")).unwrap();
    let captured = capture_connection(&mut request);
    (request, Call { host: "breaking.example".to_owned(), captured })
}

/// What becomes of a request whose connection takes `takes` bytes and breaks.
async fn over_http_1(takes: usize) -> EgressError {
    let connect = service_fn(move |_: Uri| -> Connecting<Socket<Breaking>> {
        ready(Ok(TokioIo::new(Socket::new(Breaking { takes }))))
    });
    let (request, call) = request();
    let error = builder().build(connect).request(request).await.unwrap_err();
    call.classify(&error)
}

#[tokio::test]
async fn a_connection_that_breaks_before_the_first_byte_was_not_sent() {
    let failed = over_http_1(0).await;
    assert!(matches!(failed, EgressError::NotSent { cause: Cause::Closed, .. }), "{failed:?}");
}

#[tokio::test]
async fn a_connection_that_breaks_after_the_first_byte_is_uncertain() {
    let failed = over_http_1(1).await;
    assert!(matches!(failed, EgressError::Uncertain { cause: Cause::Closed, .. }), "{failed:?}");
}

/// A connection that says it speaks HTTP/2.
struct Http2(Socket<Breaking>);

impl Connection for Http2 {
    fn connected(&self) -> Connected {
        self.0.connected().negotiated_h2()
    }
}

impl AsyncRead for Http2 {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Http2 {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

#[tokio::test]
async fn an_http_2_connection_that_breaks_in_its_preface_was_not_sent() {
    for takes in [0, 10] {
        let connect = service_fn(move |_: Uri| -> Connecting<Http2> {
            ready(Ok(TokioIo::new(Http2(Socket::new(Breaking { takes })))))
        });
        let (request, call) = request();
        let error = builder().build(connect).request(request).await.unwrap_err();
        let failed = call.classify(&error);
        assert!(matches!(failed, EgressError::NotSent { .. }), "{takes}: {failed:?} {error:?}");
    }
}
