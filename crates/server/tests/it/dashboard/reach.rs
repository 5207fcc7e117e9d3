//! Whether the public URL leads back here, with what people put in front of a server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::middleware::map_request;
use http::{HeaderValue, Response, header};
use keybearer_app::reach::{self, Outcome, Reach};
use keybearer_server::net::{Limits, Listener, Shutdown};
use tower::ServiceExt as _;

use super::stage::Scene;

/// A port that answers with what `front` is, once it is known.
struct Front {
    listener: Listener,
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
}

impl Front {
    async fn bind() -> Self {
        let listener = Listener::bind("127.0.0.1:0".parse().unwrap(), None, Limits::default()).await.unwrap();
        let address = listener.local_addr().unwrap();
        Self { listener, address, asked: Arc::default() }
    }

    fn url(&self, scheme: &str) -> String {
        format!("{scheme}://localhost:{}", self.address.port())
    }

    fn open(self, router: Router) -> Arc<AtomicUsize> {
        let asked = Arc::clone(&self.asked);
        let respond = move |request: http::Request<Body>| {
            self.asked.fetch_add(1, Ordering::SeqCst);
            let router = router.clone();
            async move { router.oneshot(request).await.unwrap() }
        };
        tokio::spawn(self.listener.serve(respond, Shutdown::default()));
        asked
    }
}

fn answers(make: impl Fn() -> Response<Body> + Clone + Send + Sync + 'static) -> Router {
    Router::new().fallback(move || std::future::ready(make()))
}

/// A server whose public URL is a port with `front` on it.
async fn behind(scheme: &str, front: impl FnOnce(Router) -> Router) -> (Scene, Reach, Arc<AtomicUsize>) {
    let port = Front::bind().await;
    let scene = Scene::at(&port.url(scheme)).await;
    let asked = port.open(front(keybearer_server::web::reach(scene.app.clone())));
    let reach = reach::check(&scene.app, &scene.operator).await.unwrap();
    (scene, reach, asked)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_its_public_url_leads_to_knows_itself() {
    let (scene, reach, asked) = behind("http", |own| own).await;
    assert!(matches!(&reach.outcome, Outcome::Itself { ms, .. } if *ms < 5000), "{reach:?}");
    assert!(reach.is_good(), "{:?}", reach.said());
    assert_eq!(reach::check(&scene.app, &scene.operator).await.unwrap(), reach);
    assert_eq!(asked.load(Ordering::SeqCst), 1, "the answer is good for a minute");
    let many = (0..20).map(|_| reach::at_setup(&scene.app));
    for other in futures_of(many).await {
        assert_eq!(other, reach);
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

async fn futures_of(all: impl Iterator<Item = impl Future<Output = Reach>>) -> Vec<Reach> {
    let mut done = Vec::new();
    for one in all {
        done.push(one.await);
    }
    done
}

#[tokio::test(flavor = "multi_thread")]
async fn another_installation_is_not_taken_for_this_one() {
    let other = Scene::set().await;
    let (_scene, reach, _) = behind("http", |_| keybearer_server::web::reach(other.app.clone())).await;
    assert_eq!(reach.outcome, Outcome::Other { status: 404, server: String::new() });
    let said = reach.said();
    assert_eq!(said.what, "This address does not lead back to this server.");
    assert!(said.fix.contains("no provider can send people back"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_only_looks_healthy_is_named_and_its_words_are_shown_short() {
    let healthy = answers(|| {
        let mut answer = Response::new(Body::from(r#"{"status":"ok"}"#));
        let name = HeaderValue::from_bytes(b"nginx/1.27 \xff").unwrap();
        answer.headers_mut().insert(header::SERVER, name);
        answer
    });
    let (_scene, reach, _) = behind("http", |_| healthy).await;
    // a name that is no text is no name
    assert_eq!(reach.outcome, Outcome::Other { status: 200, server: String::new() });
    let (_scene, reach, _) = behind("http", |_| {
        answers(|| {
            Response::builder().status(502).header("server", "x".repeat(300)).body(Body::empty()).unwrap()
        })
    })
    .await;
    assert_eq!(reach.outcome, Outcome::Other { status: 502, server: "x".repeat(100) });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_seen_and_not_followed() {
    let (_scene, reach, asked) = behind("http", |_| {
        answers(|| {
            Response::builder()
                .status(301)
                .header("location", "https://login.example/?secret=1")
                .body(Body::empty())
                .unwrap()
        })
    })
    .await;
    assert_eq!(reach.outcome, Outcome::Redirect { to: "https://login.example".to_owned() });
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_changes_host_or_scheme_is_told() {
    let changed = |name: &'static str, value: &'static str| {
        move |own: Router| {
            own.layer(map_request(move |mut request: Request| async move {
                request.headers_mut().insert(name, HeaderValue::from_static(value));
                request
            }))
        }
    };
    let (_scene, reach, _) = behind("http", changed("host", "keybearer.internal:4300")).await;
    assert!(matches!(&reach.outcome, Outcome::Itself { seen, .. } if seen.host == "keybearer.internal:4300"));
    assert!(!reach.is_good() && reach.said().why.contains("keybearer.internal:4300"));
    let (_scene, reach, _) = behind("http", changed("x-forwarded-proto", "https")).await;
    assert!(reach.is_good() && reach.said().why.contains("came by https"), "{:?}", reach.said());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_answer_is_told_apart() {
    let (_scene, reach, _) = behind("https", |own| own).await;
    assert!(matches!(reach.outcome, Outcome::Tls(_)), "{reach:?}");
    let port = Front::bind().await;
    let url = port.url("http");
    drop(port);
    for (url, expected) in [
        (url.as_str(), Outcome::Refused),
        ("https://no-such-name.invalid", Outcome::NoName),
        ("https://fieldnote.example/auth", Outcome::Shape("it has a path, or a `/` too many at its end")),
    ] {
        let scene = Scene::at(url).await;
        let reach = reach::check(&scene.app, &scene.operator).await.unwrap();
        assert_eq!(reach.outcome, expected, "{url}");
        assert!(!reach.is_good());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_s_question_gets_no_answer() {
    let scene = Scene::set().await;
    let own = keybearer_server::web::reach(scene.app.clone());
    for question in ["x", "0123456789abcdefghjkmnpqrs00000000000000000000000000000000", "%00"] {
        let request = Request::get(format!("/health/{question}")).body(Body::empty()).unwrap();
        assert_eq!(own.clone().oneshot(request).await.unwrap().status(), 404, "{question}");
    }
}
