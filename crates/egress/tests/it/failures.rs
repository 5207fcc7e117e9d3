use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use keybearer_core::{Code, Error};
use keybearer_egress::{Cause, Egress, EgressError, Limits, Resolve, ResolveFuture, empty_body};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::time;

use crate::peers::{LIMITS, get, http_url, local, policy, post, raw, read_head};

/// A peer that reads a request, writes `answer`, and then hangs up or stays silent.
async fn answering(answer: &'static str, hang_up: bool) -> (SocketAddr, Arc<Notify>) {
    let answered = Arc::new(Notify::new());
    let notify = Arc::clone(&answered);
    let address = raw(move |mut stream, _| {
        let notify = Arc::clone(&notify);
        async move {
            read_head(&mut stream).await;
            stream.write_all(answer.as_bytes()).await.unwrap();
            notify.notify_one();
            if !hang_up {
                pending::<()>().await;
            }
        }
    })
    .await;
    (address, answered)
}

/// Sends to a peer that falls silent, and lets the time run out once it has.
async fn send_until_silence(answer: &'static str) -> EgressError {
    let (address, answered) = answering(answer, false).await;
    let egress = local();
    let sending = tokio::spawn(async move { egress.send(post(&http_url(address), "x"), LIMITS).await });
    answered.notified().await;
    time::pause();
    sending.await.unwrap().unwrap_err()
}

#[tokio::test]
async fn a_refused_connection_was_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let sent = local().send(post(&http_url(address), "x"), LIMITS).await;
    assert!(matches!(sent, Err(EgressError::NotSent { cause: Cause::Connect, .. })), "{sent:?}");
    let request = http::Request::get(http_url(address)).body(empty_body()).unwrap();
    let streamed = local().stream(request, LIMITS.timeout).await;
    assert!(matches!(streamed, Err(EgressError::NotSent { cause: Cause::Connect, .. })));
}

struct Silent;

impl Resolve for Silent {
    fn resolve<'a>(&'a self, _name: &'a str) -> ResolveFuture<'a> {
        Box::pin(pending())
    }
}

#[tokio::test(start_paused = true)]
async fn a_look_up_without_end_was_not_sent() {
    let egress = Egress::with_resolver(policy(&[]), Arc::new(Silent)).unwrap();
    let short = Limits { timeout: Duration::from_secs(1), ..LIMITS };
    for limits in [LIMITS, short] {
        let began = time::Instant::now();
        let sent = egress.send(get("https://slow.example/"), limits).await;
        assert!(matches!(sent, Err(EgressError::NotSent { cause: Cause::Timeout, .. })), "{sent:?}");
        let expected = limits.timeout.min(Duration::from_secs(10));
        assert!(began.elapsed() < expected + Duration::from_millis(10), "{:?}", began.elapsed());
    }
    let request = http::Request::get("https://slow.example/").body(empty_body()).unwrap();
    let streamed = egress.stream(request, Duration::from_secs(1)).await;
    assert!(matches!(streamed, Err(EgressError::NotSent { cause: Cause::Timeout, .. })));
}

#[tokio::test]
async fn a_peer_that_reads_and_hangs_up_is_uncertain() {
    let (address, _) = answering("", true).await;
    let sent = local().send(post(&http_url(address), "x"), LIMITS).await.unwrap_err();
    assert!(matches!(sent, EgressError::Uncertain { cause: Cause::Closed, .. }), "{sent:?}");
    assert!(!sent.never_left());
    let request = http::Request::get(http_url(address)).body(empty_body()).unwrap();
    let streamed = local().stream(request, LIMITS.timeout).await;
    assert!(matches!(streamed, Err(EgressError::Uncertain { cause: Cause::Closed, .. })));
}

#[tokio::test]
async fn half_an_answer_is_uncertain() {
    for half in ["HTTP/1.1 200 OK\r\nContent-", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"] {
        let (address, _) = answering(half, true).await;
        let sent = local().send(post(&http_url(address), "x"), LIMITS).await;
        assert!(matches!(sent, Err(EgressError::Uncertain { cause: Cause::Closed, .. })), "{sent:?}");
    }
}

#[tokio::test]
async fn an_answer_that_is_not_http_is_uncertain() {
    let (address, _) = answering("SSH-2.0-OpenSSH_9.9\r\n\r\n", true).await;
    let sent = local().send(post(&http_url(address), "x"), LIMITS).await;
    assert!(matches!(sent, Err(EgressError::Uncertain { cause: Cause::Protocol, .. })), "{sent:?}");
}

#[tokio::test]
async fn headers_that_never_come_are_an_uncertain_timeout() {
    let sent = send_until_silence("").await;
    assert!(matches!(sent, EgressError::Uncertain { cause: Cause::Timeout, .. }), "{sent:?}");
}

#[tokio::test]
async fn a_body_that_never_ends_in_time_is_an_uncertain_timeout() {
    let sent = send_until_silence("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf").await;
    assert!(matches!(sent, EgressError::Uncertain { cause: Cause::Timeout, .. }), "{sent:?}");
}

#[tokio::test]
async fn an_answer_larger_than_asked_for_is_too_large() {
    let announced = "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n";
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n123456\r\n5\r\n78901\r\n";
    for answer in [announced, chunked] {
        // the peer never ends the answer: the limit must not wait for the end
        let (address, _) = answering(answer, false).await;
        let sent = local().send(get(&http_url(address)), Limits { max_body: 10, ..LIMITS }).await;
        assert!(matches!(sent, Err(EgressError::TooLarge { limit: 10, .. })), "{sent:?}");
    }
}

#[tokio::test]
async fn an_answer_of_exactly_the_limit_is_read() {
    let (address, _) = answering("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789", false).await;
    let answer = local().send(get(&http_url(address)), Limits { max_body: 10, ..LIMITS }).await;
    assert_eq!(answer.unwrap().body(), "0123456789");
}

#[tokio::test]
async fn the_length_in_an_answer_to_head_is_no_body() {
    let (address, _) = answering("HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", false).await;
    let request = http::Request::head(http_url(address)).body(bytes::Bytes::new()).unwrap();
    let answer = local().send(request, Limits { max_body: 10, ..LIMITS }).await.unwrap();
    assert_eq!(answer.headers()["content-length"], "9999");
    assert!(answer.body().is_empty());
}

#[tokio::test]
async fn endless_headers_end_at_a_limit() {
    let address = raw(|mut stream, _| async move {
        read_head(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nx: ").await;
        while stream.write_all(&[b'a'; 4096]).await.is_ok() {}
    })
    .await;
    let sent = local().send(get(&http_url(address)), LIMITS).await;
    assert!(matches!(sent, Err(EgressError::Uncertain { .. })), "{sent:?}");
}

#[tokio::test]
async fn failures_name_no_path_query_header_or_body() {
    let (address, _) = answering("", true).await;
    let mut request = post(&format!("http://{address}/cnry_path?cnry_query=1"), "cnry_body");
    request.headers_mut().insert("authorization", "Bearer cnry_header".parse().unwrap());
    let sent = local().send(request, LIMITS).await.unwrap_err();
    let error = Error::from(sent.clone());
    assert_eq!(error.code, Code::ProviderUnavailable);
    let shown = format!("{sent} {sent:?} {error:?} {}", error.detail);
    assert!(!shown.contains("cnry"), "{shown}");
}

#[tokio::test]
async fn a_caller_that_goes_away_ends_the_connection() {
    let (gone, ended) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (read, closed) = (Arc::clone(&gone), Arc::clone(&ended));
    let address = raw(move |mut stream, _| {
        let (read, closed) = (Arc::clone(&read), Arc::clone(&closed));
        async move {
            read_head(&mut stream).await;
            read.notify_one();
            let _ = stream.read(&mut [0; 64]).await;
            closed.notify_one();
        }
    })
    .await;
    let egress = local();
    let sending = tokio::spawn(async move { egress.send(get(&http_url(address)), LIMITS).await });
    gone.notified().await;
    sending.abort();
    ended.notified().await;
}
