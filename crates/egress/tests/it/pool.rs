use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http_body_util::BodyExt as _;
use keybearer_egress::{Egress, EgressError, body_from};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::Notify;
use tokio::time;

use crate::peers::{LIMITS, get, http, http_url, local, raw, read_head};

const HELLO: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

async fn stream_once(egress: &Egress, address: SocketAddr) -> Result<Bytes, EgressError> {
    let answer = egress.stream(get(&http_url(address)).map(body_from), LIMITS.timeout).await?;
    Ok(answer.into_body().collect().await.unwrap().to_bytes())
}

#[tokio::test]
async fn streams_share_connections_and_sends_do_not() {
    let (address, connections) = http(|_| async { Response::new(body_from("hello")) }).await;
    let egress = local();
    for _ in 0..3 {
        stream_once(&egress, address).await.unwrap();
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
    for _ in 0..3 {
        egress.send(get(&http_url(address)), LIMITS).await.unwrap();
    }
    assert_eq!(connections.load(Ordering::SeqCst), 4);
}

#[tokio::test]
async fn a_shared_connection_that_the_peer_closed_is_replaced() {
    let closed = Arc::new(Notify::new());
    let notify = Arc::clone(&closed);
    let address = raw(move |mut stream, number| {
        let notify = Arc::clone(&notify);
        async move {
            read_head(&mut stream).await;
            stream.write_all(HELLO).await.unwrap();
            if number == 0 {
                stream.shutdown().await.unwrap();
                // the client answers our end with its own: from here on it knows
                assert_eq!(stream.read(&mut [0; 16]).await.unwrap(), 0);
                notify.notify_one();
            } else {
                pending::<()>().await;
            }
        }
    })
    .await;
    let egress = local();
    stream_once(&egress, address).await.unwrap();
    closed.notified().await;
    assert_eq!(stream_once(&egress, address).await.unwrap(), "hello");
}

#[tokio::test]
async fn a_shared_connection_that_the_peer_closes_at_any_moment_is_never_misjudged() {
    // the peer hangs up right after its answer, while the next request is already on its way
    let heads = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counter = Arc::clone(&heads);
    let address = raw(move |mut stream, _| {
        let counter = Arc::clone(&counter);
        async move {
            read_head(&mut stream).await;
            counter.fetch_add(1, Ordering::SeqCst);
            stream.write_all(HELLO).await.unwrap();
        }
    })
    .await;
    let egress = local();
    let mut answers = 0;
    for _ in 0..500 {
        match stream_once(&egress, address).await {
            Ok(_) => answers += 1,
            Err(EgressError::Uncertain { .. } | EgressError::NotSent { .. }) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(heads.load(Ordering::SeqCst), answers, "an answer for every request that arrived");
    assert!(answers > 0);
}

#[tokio::test]
async fn an_idle_connection_is_not_used_after_its_time() {
    let (address, connections) = http(|_| async { Response::new(body_from("hello")) }).await;
    let egress = local();
    stream_once(&egress, address).await.unwrap();
    time::pause();
    time::advance(Duration::from_secs(21)).await;
    time::resume();
    stream_once(&egress, address).await.unwrap();
    assert_eq!(connections.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn an_answer_that_is_dropped_half_read_does_not_reach_the_next_request() {
    let address = raw(|mut stream, number| async move {
        read_head(&mut stream).await;
        if number == 0 {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nfirst").await;
            pending::<()>().await;
        }
        stream.write_all(HELLO).await.unwrap();
    })
    .await;
    let egress = local();
    let first = egress.stream(get(&http_url(address)).map(body_from), LIMITS.timeout).await.unwrap();
    drop(first);
    assert_eq!(stream_once(&egress, address).await.unwrap(), "hello");
}
