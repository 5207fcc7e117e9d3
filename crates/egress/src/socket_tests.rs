use std::future::{Ready, ready};

use http::{Request, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::capture_connection;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tower::service_fn;

use super::*;
use crate::body_from;
use crate::breaking::Breaking;

type Connecting = Ready<io::Result<TokioIo<Socket<Breaking>>>>;

/// Sends a request over a connection that takes `takes` bytes.
async fn nothing_left(takes: usize) -> bool {
    let connect =
        service_fn(move |_: Uri| -> Connecting { ready(Ok(TokioIo::new(Socket::new(Breaking { takes })))) });
    let client = Client::builder(TokioExecutor::new()).build(connect);
    let mut request = Request::post("http://breaking.example/").body(body_from("grant")).unwrap();
    let captured = capture_connection(&mut request);
    let error = client.request(request).await.unwrap_err();
    assert!(error.connect_info().is_some() && !error.is_connect(), "{error:?}");
    sent_nothing(&captured)
}

#[tokio::test]
async fn a_write_that_fails_at_once_left_nothing() {
    assert!(nothing_left(0).await);
}

#[tokio::test]
async fn a_write_that_fails_later_left_something() {
    for takes in [1, 10, 60] {
        assert!(!nothing_left(takes).await, "{takes}");
    }
}

#[test]
fn a_request_without_connection_details_is_not_known_to_have_stayed() {
    let mut request = Request::new(());
    assert!(!sent_nothing(&capture_connection(&mut request)));
}
