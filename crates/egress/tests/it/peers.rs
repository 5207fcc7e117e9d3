//! Loopback peers that behave and peers that do not.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use keybearer_egress::{AllowRule, BodyStream, Egress, Limits, Policy, Resolve, ResolveFuture};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};

pub const LIMITS: Limits = Limits { timeout: Duration::from_secs(30), max_body: 1024 * 1024 };

/// A resolver that gives one answer after the other and repeats the last one.
pub struct Script {
    answers: Mutex<VecDeque<io::Result<Vec<IpAddr>>>>,
    pub asked: AtomicUsize,
}

impl Script {
    pub fn new(answers: &[&[&str]]) -> Arc<Self> {
        let parse = |answer: &&[&str]| Ok(answer.iter().map(|text| text.parse().unwrap()).collect());
        let answers = Mutex::new(answers.iter().map(parse).collect());
        Arc::new(Self { answers, asked: AtomicUsize::new(0) })
    }

    pub fn failing() -> Arc<Self> {
        let error = io::Error::other("no such name");
        Arc::new(Self { answers: Mutex::new([Err(error)].into()), asked: AtomicUsize::new(0) })
    }

    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Resolve for Script {
    fn resolve<'a>(&'a self, _name: &'a str) -> ResolveFuture<'a> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut answers = self.answers.lock().unwrap();
        let answer = match (answers.len(), answers.front()) {
            (1, Some(Ok(last))) => Ok(last.clone()),
            _ => answers.pop_front().unwrap(),
        };
        Box::pin(std::future::ready(answer))
    }
}

pub fn policy(allow: &[&str]) -> Policy {
    let rule = |text: &&str| text.parse::<AllowRule>().unwrap();
    Policy { allow: allow.iter().map(rule).collect(), ..Policy::default() }
}

/// A client that may reach this machine.
pub fn local() -> Egress {
    Egress::new(policy(&["127.0.0.0/8"])).unwrap()
}

pub fn get(url: &str) -> Request<Bytes> {
    Request::get(url).body(Bytes::new()).unwrap()
}

pub fn post(url: &str, body: &'static str) -> Request<Bytes> {
    Request::post(url).body(Bytes::from_static(body.as_bytes())).unwrap()
}

pub fn http_url(address: SocketAddr) -> String {
    format!("http://{address}/")
}

/// A raw TCP peer: `behave` gets each connection and its number, from 0.
pub async fn raw<F, T>(behave: F) -> SocketAddr
where
    F: Fn(TcpStream, usize) -> T + Send + 'static,
    T: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut number = 0;
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(behave(stream, number));
            number += 1;
        }
    });
    address
}

/// An HTTP server, and how many connections it has seen.
pub async fn http<F, T>(answer: F) -> (SocketAddr, Arc<AtomicUsize>)
where
    F: Fn(Request<Incoming>) -> T + Clone + Send + Sync + 'static,
    T: Future<Output = Response<BodyStream>> + Send + 'static,
{
    let connections = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&connections);
    let address = raw(move |stream, _| {
        counter.fetch_add(1, Ordering::SeqCst);
        serve(stream, answer.clone())
    })
    .await;
    (address, connections)
}

/// Serves HTTP on one connection until it ends.
pub async fn serve<S, F, T>(stream: S, answer: F)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: Fn(Request<Incoming>) -> T + Clone + Send + Sync + 'static,
    T: Future<Output = Response<BodyStream>> + Send + 'static,
{
    let service = service_fn(move |request| {
        let answer = answer(request);
        async move { Ok::<_, Infallible>(answer.await) }
    });
    let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
}

/// Reads up to the end of a request's headers, and gives all that was read.
pub async fn read_head(stream: &mut TcpStream) -> String {
    let mut read = Vec::new();
    while !read.windows(4).any(|window| window == b"\r\n\r\n") {
        let mut piece = [0_u8; 4096];
        let length = stream.read(&mut piece).await.unwrap();
        assert_ne!(length, 0, "the peer left within the headers");
        read.extend_from_slice(&piece[..length]);
    }
    String::from_utf8(read).unwrap()
}
