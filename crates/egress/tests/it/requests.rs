use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use http::{Request, Response};
use keybearer_egress::{body_from, empty_body};
use tokio::io::AsyncWriteExt as _;

use crate::peers::{LIMITS, get, http, http_url, local, post, raw, read_head};

/// What a peer receives for a request, byte by byte.
async fn received(send: impl AsyncFnOnce(String)) -> String {
    let seen = Arc::new(Mutex::new(String::new()));
    let keep = Arc::clone(&seen);
    let address = raw(move |mut stream, _| {
        let keep = Arc::clone(&keep);
        async move {
            let head = read_head(&mut stream).await;
            *keep.lock().unwrap() = head;
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
        }
    })
    .await;
    send(http_url(address)).await;
    let head = seen.lock().unwrap().clone();
    head.replace(&address.to_string(), "HOST")
}

#[tokio::test]
async fn only_host_and_length_are_added() {
    let seen = received(async |url| {
        let mut request = post(&format!("{url}a%2Fb?q=%20&r"), "body");
        request.headers_mut().insert("x-api-key", "k".parse().unwrap());
        local().send(request, LIMITS).await.unwrap();
    })
    .await;
    assert_eq!(
        seen,
        "POST /a%2Fb?q=%20&r HTTP/1.1\r\nx-api-key: k\r\nhost: HOST\r\ncontent-length: 4\r\n\r\nbody"
    );

    let seen = received(async |url| {
        local().send(get(&url), LIMITS).await.unwrap();
    })
    .await;
    assert_eq!(seen, "GET / HTTP/1.1\r\nhost: HOST\r\n\r\n");
}

#[tokio::test]
async fn headers_of_the_caller_stay_as_they_are() {
    let seen = received(async |url| {
        let request = Request::get(url)
            .header("host", "other.example")
            .header("cookie", "a=b")
            .header("accept-encoding", "br")
            .version(http::Version::HTTP_2)
            .body(empty_body())
            .unwrap();
        local().stream(request, LIMITS.timeout).await.unwrap();
    })
    .await;
    let expected = "GET / HTTP/1.1\r\nhost: other.example\r\ncookie: a=b\r\naccept-encoding: br\r\n\r\n";
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let (address, connections) = http(|request| async move {
        assert_eq!(request.uri().path(), "/");
        Response::builder().status(307).header("location", "/elsewhere").body(empty_body()).unwrap()
    })
    .await;
    let answer = local().send(post(&http_url(address), "x"), LIMITS).await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["location"]),
        (307, &"/elsewhere".parse().unwrap())
    );
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn an_error_status_is_an_answer() {
    let (address, _) =
        http(|_| async { Response::builder().status(503).body(body_from("away")).unwrap() }).await;
    let answer = local().send(get(&http_url(address)), LIMITS).await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.body().as_ref()), (503, b"away".as_slice()));
}

#[tokio::test]
async fn cookies_are_not_kept() {
    let (address, _) = http(|request| async move {
        assert!(!request.headers().contains_key("cookie"));
        Response::builder().header("set-cookie", "session=1; Path=/").body(empty_body()).unwrap()
    })
    .await;
    let egress = local();
    for _ in 0..2 {
        let answer = egress.stream(get(&http_url(address)).map(body_from), LIMITS.timeout).await.unwrap();
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["set-cookie"]),
            (200, &"session=1; Path=/".parse().unwrap())
        );
    }
}

#[tokio::test]
async fn compressed_answers_stay_compressed() {
    const GZIP: &[u8] = &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let (address, _) = http(|_| async {
        Response::builder()
            .header("content-encoding", "gzip")
            .body(body_from(Bytes::from_static(GZIP)))
            .unwrap()
    })
    .await;
    let answer = local().send(get(&http_url(address)), LIMITS).await.unwrap();
    assert_eq!(
        (answer.body().as_ref(), &answer.headers()["content-encoding"]),
        (GZIP, &"gzip".parse().unwrap())
    );
}

#[tokio::test]
async fn a_connection_is_timed_without_a_request() {
    let (address, _) = http(|_| async { Response::new(empty_body()) }).await;
    let timings = local().time(&http_url(address).parse().unwrap()).await.unwrap();
    assert_eq!(timings.tls, None, "plain http");
    let refused = local().time(&"http://192.168.0.1/".parse().unwrap()).await.unwrap_err();
    assert!(refused.never_left() && refused.cause().is_none(), "{refused}");
}
