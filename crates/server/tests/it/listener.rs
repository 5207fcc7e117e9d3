use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::{Request, Response, Version};
use http_body_util::{BodyExt as _, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use keybearer_core::{FixedClock, Timestamp};
use keybearer_server::net::tls::{self, Secure};
use keybearer_server::net::{Limits, Listener, Shutdown};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

struct Running {
    address: SocketAddr,
    shutdown: Shutdown,
    task: JoinHandle<()>,
    folder: tempfile::TempDir,
}

async fn echo(request: Request<Body>) -> Response<Body> {
    let secure = request.extensions().get::<Secure>().unwrap().0;
    let peer = request.extensions().get::<SocketAddr>().unwrap().ip();
    let text = format!("{:?} tls={secure} peer={peer}", request.version());
    if request.uri().path() == "/wait" {
        let _ = request.into_body().collect().await;
    }
    Response::new(Body::from(text))
}

async fn start(limits: Limits) -> Running {
    let folder = tempfile::tempdir().unwrap();
    let clock = keybearer_core::SystemClock;
    let made = tls::development(folder.path(), &[], &clock).unwrap();
    let address = "127.0.0.1:0".parse().unwrap();
    let listener = Listener::bind(address, Some(made.config), limits).await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = Shutdown::default();
    let task = tokio::spawn(listener.serve(echo, shutdown.clone()));
    Running { address, shutdown, task, folder }
}

async fn get<S>(stream: S, version: Version, uri: &str) -> String
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let request =
        Request::get(uri).version(version).header("host", "localhost").body(Empty::<Bytes>::new()).unwrap();
    let io = TokioIo::new(stream);
    let body = if version == Version::HTTP_2 {
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
        tokio::spawn(connection);
        sender.send_request(request).await.unwrap().into_body()
    } else {
        let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
        tokio::spawn(connection);
        sender.send_request(request).await.unwrap().into_body()
    };
    String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

async fn over_tls(
    running: &Running,
    alpn: &[&str],
    name: &str,
) -> tokio_rustls::client::TlsStream<TcpStream> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(running.folder.path().join("ca.pem")).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    let stream = TcpStream::connect(running.address).await.unwrap();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
}

#[tokio::test]
async fn one_port_speaks_http1_http2_and_tls() {
    let running = start(Limits::default()).await;
    let plain = || TcpStream::connect(running.address);
    assert_eq!(get(plain().await.unwrap(), Version::HTTP_11, "/").await, "HTTP/1.1 tls=false peer=127.0.0.1");
    let uri = "http://localhost/";
    assert_eq!(get(plain().await.unwrap(), Version::HTTP_2, uri).await, "HTTP/2.0 tls=false peer=127.0.0.1");

    let stream = over_tls(&running, &["h2"], "localhost").await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    assert_eq!(get(stream, Version::HTTP_2, "https://localhost/").await, "HTTP/2.0 tls=true peer=127.0.0.1");
    let stream = over_tls(&running, &["http/1.1"], "127.0.0.1").await;
    assert_eq!(get(stream, Version::HTTP_11, "/").await, "HTTP/1.1 tls=true peer=127.0.0.1");
    let stream = over_tls(&running, &[], "localhost").await;
    assert_eq!(get(stream, Version::HTTP_11, "/").await, "HTTP/1.1 tls=true peer=127.0.0.1");
}

#[tokio::test]
async fn silent_and_slow_peers_are_dropped() {
    let limits = Limits {
        handshake: Duration::from_millis(200),
        head: Duration::from_millis(200),
        ..Limits::default()
    };
    let running = start(limits).await;
    for beginning in [&b""[..], b"P", b"PRI * HTTP/2.0\r\n", b"\x16\x03\x01", b"GET / HTTP/1.1\r\nx: "] {
        let mut stream = TcpStream::connect(running.address).await.unwrap();
        stream.write_all(beginning).await.unwrap();
        let mut rest = Vec::new();
        let ended = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut rest)).await;
        assert!(ended.is_ok(), "still open after {beginning:?}");
    }
}

#[tokio::test]
async fn too_many_headers_are_refused() {
    let running = start(Limits::default()).await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    let mut request = String::from("GET / HTTP/1.1\r\n");
    for number in 0..150 {
        request.push_str(&format!("x-{number}: y\r\n"));
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
}

#[tokio::test]
async fn connections_above_the_limit_wait() {
    let running = start(Limits { connections: 1, ..Limits::default() }).await;
    let first = TcpStream::connect(running.address).await.unwrap();
    let second = TcpStream::connect(running.address).await.unwrap();
    let waiting = tokio::spawn(get(second, Version::HTTP_11, "/"));
    tokio::time::timeout(Duration::from_millis(100), async {
        while !waiting.is_finished() {
            tokio::task::yield_now().await
        }
    })
    .await
    .expect_err("the second connection must not be served yet");
    drop(first);
    assert!(waiting.await.unwrap().starts_with("HTTP/1.1"));
}

#[tokio::test]
async fn shutdown_lets_a_running_request_end() {
    let running = start(Limits::default()).await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    stream
        .write_all(b"POST /wait HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n")
        .await
        .unwrap();
    let mut started = [0; 12];
    stream.read_exact(&mut started).await.unwrap();
    assert_eq!(&started, b"HTTP/1.1 100");
    running.shutdown.begin();
    stream.write_all(b"ok").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.contains("HTTP/1.1 200") && answer.contains("tls=false"), "{answer}");
    running.task.await.unwrap();
    assert!(TcpStream::connect(running.address).await.is_err());
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_idle_peers() {
    let running = start(Limits::default()).await;
    let mut silent = TcpStream::connect(running.address).await.unwrap();
    let _second = TcpStream::connect(running.address).await.unwrap();
    silent.write_all(b"P").await.unwrap();
    running.shutdown.begin();
    tokio::time::timeout(Duration::from_secs(5), running.task).await.expect("drained at once").unwrap();
}

#[test]
fn a_development_certificate_is_reused_until_it_nears_its_end() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let clock = FixedClock::new(Timestamp::from_seconds(1_900_000_000));
    let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    tls::development(folder.path(), &[], &clock).unwrap();
    let first = (read("ca.pem"), read("server.pem"));
    assert_eq!(
        std::fs::metadata(folder.path().join("server-key.pem")).unwrap().permissions().mode() & 0o777,
        0o600
    );
    tls::development(folder.path(), &[], &clock).unwrap();
    assert_eq!((read("ca.pem"), read("server.pem")), first);
    clock.advance(Duration::from_secs(390 * 86_400));
    tls::development(folder.path(), &[], &clock).unwrap();
    assert_ne!(read("server.pem"), first.1);
    let second = read("server.pem");
    tls::development(folder.path(), &["keybearer.internal".to_owned()], &clock).unwrap();
    assert_ne!(read("server.pem"), second);
}

#[test]
fn certificate_files_that_do_not_fit_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("none.pem");
    let error = tls::from_files(&missing, &missing).unwrap_err();
    assert_eq!(error.code, keybearer_core::Code::ConfigInvalid);
    assert!(error.detail.contains("none.pem"));
}
