use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::Response;
use keybearer_core::{Code, Error};
use keybearer_egress::{Cause, Egress, EgressError, Policy, PolicyError, Root, body_from, read_roots};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::peers::{LIMITS, Script, get, policy, post, raw, serve};

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn root(&self) -> Root {
        self.0.der().clone()
    }

    /// A server's side of TLS for `name`.
    fn acceptor(&self, name: &str, protocols: &[&str]) -> TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        TlsAcceptor::from(Arc::new(config))
    }
}

/// A TLS server; `behave` gets what completed the handshake.
async fn tls<F, T>(acceptor: TlsAcceptor, behave: F) -> (SocketAddr, Arc<AtomicUsize>)
where
    F: Fn(TlsStream<TcpStream>) -> T + Clone + Send + Sync + 'static,
    T: Future<Output = ()> + Send + 'static,
{
    let completed = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&completed);
    let address = raw(move |stream, _| {
        let (acceptor, behave, counter) = (acceptor.clone(), behave.clone(), Arc::clone(&counter));
        async move {
            if let Ok(stream) = acceptor.accept(stream).await {
                counter.fetch_add(1, Ordering::SeqCst);
                behave(stream).await;
            }
        }
    })
    .await;
    (address, completed)
}

/// Serves the HTTP version that it was spoken to with.
async fn version(stream: TlsStream<TcpStream>) {
    serve(stream, |request| async move { Response::new(body_from(format!("{:?}", request.version()))) })
        .await;
}

fn egress(roots: Vec<Root>) -> Egress {
    let policy = Policy { extra_roots: roots, ..policy(&["127.0.0.1"]) };
    Egress::with_resolver(policy, Script::new(&[&["127.0.0.1"]])).unwrap()
}

fn url(address: SocketAddr) -> String {
    format!("https://good.example:{}/", address.port())
}

#[tokio::test]
async fn a_further_root_is_trusted_and_http_2_preferred() {
    let authority = Authority::new();
    for (protocols, expected) in
        [(["h2", "http/1.1"].as_slice(), "HTTP/2.0"), (&["http/1.1"], "HTTP/1.1"), (&[], "HTTP/1.1")]
    {
        let (address, _) = tls(authority.acceptor("good.example", protocols), version).await;
        let egress = egress(vec![authority.root()]);
        let sent = egress.send(post(&url(address), "x"), LIMITS).await.unwrap();
        assert_eq!(sent.body(), expected);
        let streamed = egress.stream(post(&url(address), "x").map(body_from), LIMITS.timeout).await.unwrap();
        assert_eq!(streamed.status(), 200);
    }
}

#[tokio::test]
async fn a_certificate_for_an_address_holds_for_the_address() {
    let authority = Authority::new();
    let (address, _) = tls(authority.acceptor("127.0.0.1", &[]), version).await;
    let sent = egress(vec![authority.root()]).send(get(&format!("https://{address}/")), LIMITS).await;
    assert_eq!(sent.unwrap().body(), "HTTP/1.1");
}

#[tokio::test]
async fn a_wrong_certificate_was_not_sent() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let cases = [
        ("another host", authority.acceptor("other.example", &["h2"])),
        ("unknown authority", stranger.acceptor("good.example", &["h2"])),
    ];
    for (what, acceptor) in cases {
        let (address, completed) = tls(acceptor, version).await;
        let sent = egress(vec![authority.root()]).send(post(&url(address), "x"), LIMITS).await;
        assert!(matches!(sent, Err(EgressError::NotSent { cause: Cause::Tls, .. })), "{what}: {sent:?}");
        assert_eq!(completed.load(Ordering::SeqCst), 0, "{what}");
    }
}

#[tokio::test]
async fn a_server_without_tls_was_not_sent_anything() {
    let address = raw(|mut stream, _| async move {
        use tokio::io::AsyncWriteExt as _;
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    })
    .await;
    let sent = egress(Vec::new()).send(post(&url(address), "x"), LIMITS).await;
    assert!(matches!(sent, Err(EgressError::NotSent { cause: Cause::Tls, .. })), "{sent:?}");
}

#[tokio::test]
async fn a_handshake_without_end_was_not_sent() {
    let accepted = Arc::new(Notify::new());
    let notify = Arc::clone(&accepted);
    let address = raw(move |stream, _| {
        notify.notify_one();
        async move {
            pending::<()>().await;
            drop(stream);
        }
    })
    .await;
    let sending =
        tokio::spawn(async move { egress(Vec::new()).send(post(&url(address), "x"), LIMITS).await });
    accepted.notified().await;
    time::pause();
    let sent = sending.await.unwrap();
    assert!(matches!(sent, Err(EgressError::NotSent { cause: Cause::Timeout, .. })), "{sent:?}");
}

/// An HTTP/2 server that answers every request with a reset.
async fn resetting(authority: &Authority, reason: h2::Reason) -> SocketAddr {
    let (address, _) = tls(authority.acceptor("good.example", &["h2"]), move |stream| async move {
        let mut connection = h2::server::handshake(stream).await.unwrap();
        while let Some(Ok((_request, mut respond))) = connection.accept().await {
            respond.send_reset(reason);
        }
    })
    .await;
    address
}

#[tokio::test]
async fn a_stream_that_the_server_refuses_was_not_processed() {
    let authority = Authority::new();
    let address = resetting(&authority, h2::Reason::REFUSED_STREAM).await;
    let sent = egress(vec![authority.root()]).send(post(&url(address), "x"), LIMITS).await;
    assert!(matches!(sent, Err(EgressError::NotSent { .. })), "{sent:?}");
}

#[tokio::test]
async fn a_stream_that_the_server_breaks_is_uncertain() {
    let authority = Authority::new();
    for reason in [h2::Reason::INTERNAL_ERROR, h2::Reason::CANCEL] {
        let address = resetting(&authority, reason).await;
        let sent = egress(vec![authority.root()]).send(post(&url(address), "x"), LIMITS).await;
        assert!(matches!(sent, Err(EgressError::Uncertain { .. })), "{sent:?}");
    }
}

#[tokio::test]
async fn roots_are_read_from_pem() {
    let (first, second) = (Authority::new(), Authority::new());
    let pem = format!("# ours\n{}{}", first.0.pem(), second.0.pem());
    assert_eq!(read_roots(pem.as_bytes()).unwrap(), [first.root(), second.root()]);
    for bad in ["", "no certificate", "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n"] {
        let read = read_roots(bad.as_bytes());
        assert!(matches!(read, Err(PolicyError::Root { position: 1, .. })), "{bad}");
    }
}

#[test]
fn a_root_that_is_no_certificate_is_an_error_of_configuration() {
    let policy =
        Policy { extra_roots: vec![Authority::new().root(), vec![1, 2, 3].into()], ..Policy::default() };
    let error = Egress::new(policy).unwrap_err();
    assert!(matches!(error, PolicyError::Root { position: 2, .. }), "{error:?}");
    assert_eq!(Error::from(error).code, Code::ConfigInvalid);
}
