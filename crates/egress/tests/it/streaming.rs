use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::BodyExt as _;
use keybearer_egress::{BodyStream, BoxError, Cause, EgressError, StreamLimits, body_from, empty_body};
use tokio::sync::mpsc;
use tokio::time;

use crate::peers::{LIMITS, get, http, http_url, local};

/// A body of what comes through a channel.
struct Pieces(mpsc::Receiver<&'static str>);

impl Body for Pieces {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.0.poll_recv(context).map(|piece| Some(Ok(Frame::data(Bytes::from_static(piece?.as_bytes())))))
    }
}

/// A body that never ends and counts what was taken from it.
struct Endless(Arc<AtomicUsize>);

impl Body for Endless {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        static PIECE: [u8; 16 * 1024] = [7; 16 * 1024];
        self.0.fetch_add(PIECE.len(), Ordering::SeqCst);
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&PIECE)))))
    }
}

fn pieces() -> (mpsc::Sender<&'static str>, BodyStream) {
    let (sender, receiver) = mpsc::channel(1);
    (sender, Pieces(receiver).boxed_unsync())
}

async fn next(body: &mut BodyStream) -> Option<Result<Bytes, BoxError>> {
    let frame = body.frame().await?;
    Some(frame.map(|frame| frame.into_data().unwrap()))
}

fn failure(error: &BoxError) -> EgressError {
    EgressError::find(error.as_ref()).unwrap().clone()
}

#[tokio::test]
async fn pieces_pass_both_ways_as_they_come() {
    let (address, _) =
        http(|request| async move { Response::new(request.into_body().map_err(Into::into).boxed_unsync()) })
            .await;
    let (sender, body) = pieces();
    let request = Request::post(http_url(address)).body(body).unwrap();
    let mut echo = local().stream(request, LIMITS.timeout).await.unwrap().into_body();
    // each piece is sent only after the one before has come back
    for piece in ["one", "two", "three"] {
        sender.send(piece).await.unwrap();
        assert_eq!(next(&mut echo).await.unwrap().unwrap(), piece);
    }
    drop(sender);
    assert!(next(&mut echo).await.is_none());
}

#[tokio::test]
async fn an_endless_answer_is_not_read_ahead_of_its_reader() {
    let given = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&given);
    let (address, _) =
        http(move |_| std::future::ready(Response::new(Endless(Arc::clone(&counter)).boxed_unsync()))).await;
    let mut body =
        local().stream(get(&http_url(address)).map(body_from), LIMITS.timeout).await.unwrap().into_body();
    let mut read = 0;
    while read < 64 * 1024 * 1024 {
        read += next(&mut body).await.unwrap().unwrap().len();
    }
    // what is under way is in socket buffers, not in memory of ours
    let ahead = given.load(Ordering::SeqCst) - read;
    assert!(ahead < 16 * 1024 * 1024, "{ahead} bytes ahead");
}

#[tokio::test]
async fn an_endless_request_is_not_held_back() {
    let (address, _) = http(|request| async move {
        let mut body = request.into_body();
        let mut read = 0;
        while read < 16 * 1024 * 1024 {
            read += body.frame().await.unwrap().unwrap().into_data().unwrap().len();
        }
        Response::new(body_from("enough"))
    })
    .await;
    let body = Endless(Arc::default()).boxed_unsync();
    let request = Request::post(http_url(address)).body(body).unwrap();
    let answer = local().stream(request, LIMITS.timeout).await.unwrap();
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn the_wait_for_headers_begins_anew_with_each_piece_of_the_request() {
    let (heard, mut hear) = mpsc::channel(1);
    let (address, _) = http(move |request| {
        let heard = heard.clone();
        async move {
            let mut body = request.into_body();
            while let Some(frame) = body.frame().await {
                heard.send(frame.unwrap().into_data().unwrap()).await.unwrap();
            }
            Response::new(empty_body())
        }
    })
    .await;
    let (sender, body) = pieces();
    let request = Request::post(http_url(address)).body(body).unwrap();
    let limit = Duration::from_secs(10);
    let streaming = tokio::spawn(async move { local().stream(request, limit).await });
    for _ in 0..5 {
        sender.send("piece").await.unwrap();
        assert_eq!(hear.recv().await.unwrap(), "piece");
        time::pause();
        time::advance(Duration::from_secs(6)).await;
        time::resume();
    }
    drop(sender);
    assert_eq!(streaming.await.unwrap().unwrap().status(), 200);
}

#[tokio::test]
async fn headers_that_never_come_are_an_uncertain_timeout() {
    let (heard, mut hear) = mpsc::channel::<()>(1);
    let (address, _) = http(move |_| {
        let heard = heard.clone();
        async move {
            heard.send(()).await.unwrap();
            std::future::pending().await
        }
    })
    .await;
    let request = get(&http_url(address)).map(body_from);
    let streaming = tokio::spawn(async move { local().stream(request, Duration::from_secs(60)).await });
    hear.recv().await.unwrap();
    time::pause();
    let began = time::Instant::now();
    let streamed = streaming.await.unwrap().map(|_| ());
    assert!(matches!(streamed, Err(EgressError::Uncertain { cause: Cause::Timeout, .. })), "{streamed:?}");
    assert!(began.elapsed() < Duration::from_secs(61));
}

/// A server that sends one piece and then what the channel gives.
async fn trickle() -> (mpsc::Sender<&'static str>, std::net::SocketAddr) {
    let (sender, body) = pieces();
    let body = Arc::new(std::sync::Mutex::new(Some(body)));
    let (address, _) =
        http(move |_| std::future::ready(Response::new(body.lock().unwrap().take().unwrap()))).await;
    (sender, address)
}

#[tokio::test]
async fn an_answer_that_stops_half_way_ends_with_a_timeout() {
    let (sender, address) = trickle().await;
    let limits = StreamLimits { idle: Duration::from_secs(30), ..LIMITS.timeout.into() };
    sender.send("one").await.unwrap();
    let mut body = local().stream(get(&http_url(address)).map(body_from), limits).await.unwrap().into_body();
    assert_eq!(next(&mut body).await.unwrap().unwrap(), "one");
    time::pause();
    let error = failure(&next(&mut body).await.unwrap().unwrap_err());
    assert!(matches!(error, EgressError::Uncertain { cause: Cause::Timeout, .. }), "{error:?}");
}

#[tokio::test]
async fn a_slow_reader_is_no_reason_to_end() {
    let (sender, address) = trickle().await;
    let limits = StreamLimits { idle: Duration::from_secs(30), ..LIMITS.timeout.into() };
    let request = get(&http_url(address)).map(body_from);
    let mut body = local().stream(request, limits).await.unwrap().into_body();
    for piece in ["one", "two", "three"] {
        // the reader waits before the piece is there, and comes back for the next one late
        let reading = tokio::spawn(async move { (next(&mut body).await.unwrap(), body) });
        tokio::task::yield_now().await;
        sender.send(piece).await.unwrap();
        let read;
        (read, body) = reading.await.unwrap();
        assert_eq!(read.unwrap(), piece);
        time::pause();
        time::advance(Duration::from_secs(600)).await;
        time::resume();
    }
}

#[tokio::test]
async fn a_bound_for_the_answer_holds_while_it_streams() {
    let (address, _) =
        http(|_| std::future::ready(Response::new(Endless(Arc::default()).boxed_unsync()))).await;
    let limits = StreamLimits { max_body: Some(100_000), ..LIMITS.timeout.into() };
    let mut body = local().stream(get(&http_url(address)).map(body_from), limits).await.unwrap().into_body();
    let mut read = 0;
    let error = loop {
        match next(&mut body).await.unwrap() {
            Ok(data) => read += data.len(),
            Err(error) => break failure(&error),
        }
    };
    assert!(read <= 100_000, "{read}");
    assert!(matches!(error, EgressError::TooLarge { limit: 100_000, .. }), "{error:?}");
}

#[tokio::test]
async fn an_answer_that_breaks_half_way_says_so() {
    use tokio::io::AsyncWriteExt as _;
    let address = crate::peers::raw(|mut stream, _| async move {
        crate::peers::read_head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf").await.unwrap();
    })
    .await;
    let mut body =
        local().stream(get(&http_url(address)).map(body_from), LIMITS.timeout).await.unwrap().into_body();
    assert_eq!(next(&mut body).await.unwrap().unwrap(), "half");
    let error = failure(&next(&mut body).await.unwrap().unwrap_err());
    assert!(matches!(error, EgressError::Uncertain { cause: Cause::Closed, .. }), "{error:?}");
}

#[tokio::test]
async fn a_request_whose_body_breaks_fails() {
    struct Broken;
    impl Body for Broken {
        type Data = Bytes;
        type Error = BoxError;
        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
            Poll::Ready(Some(Err("the caller left".into())))
        }
    }
    let (address, _) = http(|_| std::future::pending()).await;
    let request = Request::post(http_url(address)).body(Broken.boxed_unsync()).unwrap();
    let streamed = local().stream(request, LIMITS.timeout).await.map(|_| ());
    assert!(streamed.is_err());
}
