//! The proxy of the real program in front of a service that records: group E of the threat model.

use std::path::Path;
use std::time::Duration;

use http::Method;
use keybearer_testkit::TempDir;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::peers::process::Server;
use crate::upstream::Upstream;

const KEY: &str = "cnry_key_0123456789abcdef0123456789abcdef";

/// A server, the service, and accounts on connections that place the key in different ways.
struct Scene {
    server: Server,
    upstream: Upstream,
    _folder: TempDir,
}

fn connector(slug: &str, origin: &str, placement: &str) -> String {
    format!(
        "slug: {slug}\ndisplay_name: {slug}\nkind: api\nsandbox: true\ncategories: [developer-tools]\nblurb: Records.\nauth:\n  - id: key\n    type: api_key\n    label: Key\n    setup: {{ steps: [\"Nothing to do.\"] }}\n    fields:\n      - {{ name: api_key, label: Key, in: account, secret: true }}\n    credential_placement: {placement}\napi:\n  base_url: \"{origin}/v1\"\nsources: []\n"
    )
}

impl Scene {
    async fn set() -> Self {
        let (upstream, folder) = (Upstream::start().await, keybearer_testkit::temp_dir().unwrap());
        let connectors = folder.path().join("connectors");
        for (slug, placement) in [
            ("bearer", "{ headers: { authorization: \"Bearer {api_key}\" } }"),
            ("header", "{ headers: { x-acme-key: \"{api_key}\" } }"),
            ("query", "{ query: { key: \"{api_key}\" } }"),
        ] {
            write(&connectors, slug, &connector(slug, &upstream.origin, placement));
        }
        let server = Server::start(&folder.path().join("data"), &connectors, None).await;
        for name in ["bearer", "header", "query"] {
            let draft = json!({"connector": name, "name": name});
            server.api(Method::POST, "/api/v1/connection-setups", draft).await;
            server
                .api(Method::POST, &format!("/api/v1/connection-setups/{name}:activate"), Value::Null)
                .await;
            let account = json!({"connection": name, "identifier": "ada", "fields": {"api_key": KEY}});
            server.api(Method::POST, "/api/v1/accounts:import", account).await;
        }
        Self { server, upstream, _folder: folder }
    }

    /// The head of a request to the proxy, with these lines more.
    fn head(&self, line: &str, connection: &str, more: &str) -> String {
        format!(
            "{line} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\nkeybearer-connection: {connection}\r\nkeybearer-user: ada\r\n{more}",
            self.server.token()
        )
    }

    async fn socket(&self) -> TcpStream {
        let url: url::Url = self.server.process.text("url").parse().unwrap();
        TcpStream::connect(("127.0.0.1", url.port().unwrap())).await.unwrap()
    }

    /// Sends these bytes and reads until the connection ends.
    async fn raw(&self, request: &[u8]) -> String {
        let mut socket = self.socket().await;
        // a server that refuses early may close before everything is written
        let _ = socket.write_all(request).await;
        let mut answer = Vec::new();
        let _ = tokio::time::timeout(Duration::from_secs(20), socket.read_to_end(&mut answer)).await.unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    async fn ask(&self, line: &str, connection: &str, more: &str) -> String {
        self.raw(format!("{}connection: close\r\n\r\n", self.head(line, connection, more)).as_bytes()).await
    }
}

fn write(folder: &Path, slug: &str, text: &str) {
    std::fs::create_dir_all(folder.join(slug)).unwrap();
    std::fs::write(folder.join(slug).join("connector.yaml"), text).unwrap();
}

fn status(answer: &str) -> &str {
    answer.get(9..12).unwrap_or(answer)
}

/// E01, E02, E03, I10.
#[tokio::test]
async fn a_path_that_leaves_the_base_reaches_nobody() {
    let scene = Scene::set().await;
    for path in [
        "/proxy//evil.example/x",
        "/proxy/../admin",
        "/proxy/a/../../admin",
        "/proxy/%2e%2e/admin",
        "/proxy/%252e%252e/admin",
        "/proxy/a/..%2f..%2fadmin",
        "/proxy/..;/admin",
        "/proxy/a\\..\\admin",
        "/proxy/%5c%5cevil.example",
        "/proxy/@evil.example/",
        "/proxy/a%00b",
        "/proxy/a%0d%0ax-evil:1",
        "/proxy/http://evil.example/",
    ] {
        let answer = scene.ask(&format!("GET {path}"), "bearer", "").await;
        for seen in scene.upstream.take() {
            // what is let through is a plain path below the base, at the service itself
            let target = seen.head.split(' ').nth(1).unwrap();
            assert!(target.starts_with("/v1/") && !target.contains(".."), "{path} became {target}");
            assert!(!seen.head.contains("x-evil"), "{path}: {}", seen.head);
        }
        let refused = ["400", "404"].contains(&status(&answer));
        assert!(
            refused || ["/proxy/@evil.example/", "/proxy/http://evil.example/"].contains(&path),
            "{path}: {answer}"
        );
    }
    let absolute = scene.ask("GET http://evil.example/proxy/me", "bearer", "").await;
    assert!(scene.upstream.take().iter().all(|seen| seen.head.starts_with("GET /v1/")), "{absolute}");
}

/// E04.
#[tokio::test]
async fn the_callers_own_credentials_and_hop_headers_stay_here() {
    let scene = Scene::set().await;
    let more = "X-Acme-Key: mine\r\nx_acme_key: mine too\r\ncookie: a=mine\r\nx-forwarded-for: 6.6.6.6\r\nforwarded: for=6.6.6.6\r\nproxy-x: mine\r\nte: trailers\r\nx-hop: mine\r\nx-kept: yes\r\nconnection: x-hop\r\n";
    assert_eq!(status(&scene.ask("GET /proxy/me?a=1", "header", more).await), "200");
    let seen = scene.upstream.take();
    let head = seen[0].head.to_ascii_lowercase();
    assert!(head.starts_with("get /v1/me?a=1 http/1.1"), "{head}");
    assert!(head.contains(&format!("x-acme-key: {KEY}")) && head.contains("x-kept: yes"), "{head}");
    for gone in ["mine", "6.6.6.6", "x-hop", "bearer", "keybearer", "forwarded"] {
        assert!(!head.contains(gone), "{gone} in {head}");
    }
}

/// E05, E06, E17, E22.
#[tokio::test]
async fn malformed_requests_are_refused_and_never_split() {
    let scene = Scene::set().await;
    let long = "x".repeat(70_000);
    let head =
        |line: &str, more: &str| format!("{}{more}\r\n", scene.head(line, "bearer", "connection: close\r\n"));
    let cases = [
        ("CONNECT", head("CONNECT /proxy/me", "")),
        ("TRACE", head("TRACE /proxy/me", "")),
        ("a header with NUL", head("GET /proxy/me", "x-a: a\0b\r\n")),
        ("a folded header", head("GET /proxy/me", "x-a: a\r\n b\r\n")),
        ("a very long header", head("GET /proxy/me", &format!("x-a: {long}\r\n"))),
        ("two lengths", head("POST /proxy/me", "content-length: 3\r\ncontent-length: 5\r\n") + "abcde"),
        (
            "length and chunks",
            head("POST /proxy/me", "content-length: 3\r\ntransfer-encoding: chunked\r\n")
                + "0\r\n\r\nGET /proxy/smuggled HTTP/1.1\r\n\r\n",
        ),
        ("an unknown coding", head("POST /proxy/me", "transfer-encoding: xchunked\r\n") + "0\r\n\r\n"),
        ("an upgrade", head("GET /proxy/me", "upgrade: websocket\r\n")),
    ];
    for (what, request) in cases {
        let answer = scene.raw(request.as_bytes()).await;
        let seen = scene.upstream.take();
        assert!(seen.iter().all(|seen| !seen.head.contains("smuggled")), "{what}: {seen:?}");
        assert!(seen.len() <= 1, "{what}: {seen:?}");
        // a folded header or a length beside chunks may also be read as one clean request, never as two
        let lenient = ["length and chunks", "a folded header"].contains(&what);
        assert!(
            answer.is_empty() || ["400", "405", "413", "431", "501"].contains(&status(&answer)) || lenient,
            "{what}: {answer}"
        );
    }
}

/// E07, E08.
#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let scene = Scene::set().await;
    let answer = scene.ask("GET /proxy/redirect", "bearer", "").await;
    assert_eq!(status(&answer), "302");
    assert!(answer.contains("location: http://127.0.0.1:9/elsewhere"), "{answer}");
    assert_eq!(scene.upstream.take().len(), 1);
}

/// E09, E15, E16.
#[tokio::test]
async fn what_the_service_echoes_is_overwritten() {
    let scene = Scene::set().await;
    for connection in ["bearer", "header", "query"] {
        let answer = scene.ask("GET /proxy/echo?key=mine", connection, "").await;
        assert_eq!(status(&answer), "200", "{connection}");
        assert!(!answer.contains("0123456789abcdef"), "{connection}: {answer}");
        assert!(answer.contains(&"*".repeat(KEY.len())), "{connection}: {answer}");
        for gone in ["set-cookie", "\r\nauthorization"] {
            assert!(
                !answer.to_ascii_lowercase().split("\r\n\r\n").next().unwrap().contains(gone),
                "{answer}"
            );
        }
        assert!(scene.upstream.take()[0].head.contains(KEY));
    }
    let logged = scene.server.api(Method::GET, "/api/v1/logs", Value::Null).await;
    assert!(
        !logged.to_string().contains("key=") && !logged.to_string().contains("0123456789abcdef"),
        "{logged}"
    );
}

/// E18.
#[tokio::test]
async fn a_body_without_end_is_cut_off() {
    let scene = Scene::set().await;
    let declared =
        scene.head("POST /proxy/sink", "bearer", "content-length: 10737418240\r\nconnection: close\r\n");
    let answer = scene.raw(format!("{declared}\r\n").as_bytes()).await;
    assert_eq!(status(&answer), "413", "{answer}");
    assert!(scene.upstream.take().is_empty(), "refused before anything is sent");

    let mut socket = scene.socket().await;
    let chunked = scene.head("POST /proxy/sink", "bearer", "transfer-encoding: chunked\r\n\r\n");
    socket.write_all(chunked.as_bytes()).await.unwrap();
    let chunk = [b"100000\r\n".as_slice(), &vec![b'x'; 1 << 20], b"\r\n"].concat();
    let mut sent = 0_u32;
    while sent < 300 && socket.write_all(&chunk).await.is_ok() {
        sent += 1;
    }
    assert!(sent < 300, "300 MiB were taken where 100 are allowed");
}

#[tokio::test]
async fn large_bodies_stream_both_ways_in_little_memory() {
    let scene = Scene::set().await;
    let mut socket = scene.socket().await;
    let size = 48 << 20;
    let head = scene.head(
        "POST /proxy/sink",
        "bearer",
        &format!("content-length: {size}\r\nconnection: close\r\n\r\n"),
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let piece = vec![b'x'; 1 << 20];
    for _ in 0..48 {
        socket.write_all(&piece).await.unwrap();
    }
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    assert_eq!(status(&answer), "200");
    assert_eq!(scene.upstream.take()[0].body, size);
    let answer = scene.ask("GET /proxy/large", "bearer", "").await;
    assert!(answer.len() > 64 << 20);
    let peak = scene.server.process.peak_memory_kib();
    assert!(peak < 160 * 1024, "{peak} KiB at the peak"); // a debug build; 112 MiB went through
}

#[tokio::test]
async fn an_event_arrives_before_the_answer_ends_and_a_caller_that_leaves_ends_the_call() {
    let scene = Scene::set().await;
    let mut socket = scene.socket().await;
    socket
        .write_all(format!("{}\r\n", scene.head("GET /proxy/events", "bearer", "")).as_bytes())
        .await
        .unwrap();
    let mut got = String::new();
    while !got.contains("data: 1") {
        let mut buffer = [0; 1024];
        let size = socket.read(&mut buffer).await.unwrap();
        assert!(size > 0, "{got}");
        got.push_str(&String::from_utf8_lossy(&buffer[..size]));
    }
    drop(socket);
    let mut socket = scene.socket().await;
    socket
        .write_all(format!("{}\r\n", scene.head("GET /proxy/endless", "bearer", "")).as_bytes())
        .await
        .unwrap();
    let mut buffer = vec![0; 1 << 20];
    socket.read_exact(&mut buffer).await.unwrap();
    drop(socket);
    assert_eq!(status(&scene.ask("GET /proxy/me", "bearer", "").await), "200", "the server goes on");
}

#[tokio::test]
async fn answers_without_a_body() {
    let scene = Scene::set().await;
    assert_eq!(status(&scene.ask("GET /proxy/empty", "bearer", "").await), "204");
    let answer = scene.ask("HEAD /proxy/me", "bearer", "").await;
    assert_eq!(status(&answer), "200");
    assert!(answer.ends_with("\r\n\r\n"), "{answer}");
}

/// E21: a key cannot be refreshed, so the service's refusal is told as it is.
#[tokio::test]
async fn a_refusal_of_a_key_is_passed_on_once() {
    let scene = Scene::set().await;
    assert_eq!(status(&scene.ask("GET /proxy/refused", "bearer", "").await), "401");
    assert_eq!(scene.upstream.take().len(), 1);
}

/// E24, J01: another user, another connection, no user, no token.
#[tokio::test]
async fn a_call_names_one_account_that_the_caller_may_use() {
    let scene = Scene::set().await;
    let head = |token: &str, connection: &str, user: &str| {
        format!(
            "GET /proxy/me HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\nconnection_name: {connection}\r\nidentifier: {user}\r\nconnection: close\r\n\r\n"
        )
    };
    let token = scene.server.token().to_owned();
    for (request, expected) in [
        (head(&token, "bearer", "ada"), "200"),
        (head(&token, "bearer", "ben"), "404"),
        (head(&token, "nothing", "ada"), "404"),
        (head(&token, "bearer", ""), "400"),
        (head("wrong", "bearer", "ada"), "401"),
    ] {
        let answer = scene.raw(request.as_bytes()).await;
        assert_eq!(status(&answer), expected, "{answer}");
        assert_eq!(scene.upstream.take().len(), usize::from(expected == "200"), "{answer}");
    }
}
