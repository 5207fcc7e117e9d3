//! The routes with a recorder behind them: cookies, headers, statuses, and what is left alone.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::{Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use keybearer_app::brand::{Asset, AssetKind, PageBrand, PageTheme, Settings};
use keybearer_app::user_pages::UserPageAsk;
use keybearer_core::{Code, Error, Result, SeededEntropy};
use tower::ServiceExt as _;
use url::Url;

use super::{Answer, Flows, Submitted, Visit, samples::sample};
use crate::web::{Web, assets, router};

const COOKIE: &str = "0123456789abcdefghjkmnpqrs";
const POSTED: &str = "application/x-www-form-urlencoded";

#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Vec<String>>>);

impl Recorder {
    fn note(&self, call: &str, visit: &Visit, values: &Submitted) {
        let values: Vec<_> =
            values.0.iter().map(|(name, value)| format!("{name}={}", value.expose())).collect();
        let browser = visit.browser.as_deref().unwrap_or("none");
        self.0.lock().unwrap().push(format!("{call} {browser} {}", values.join("&")));
    }

    fn answer(name: &str) -> Result<Answer> {
        match name {
            "away" => {
                Ok(Answer::Redirect(Url::parse("https://provider.example/authorize?state=a%26b").unwrap()))
            }
            "home" => Ok(Answer::Redirect(Url::parse("https://keys.example/connect/success").unwrap())),
            "framed" => {
                let mut page = sample("start").unwrap();
                let origins = ["https://app.fieldnote.example", "http://localhost:3000"].map(str::to_owned);
                let settings = Settings { embed_origins: origins.into(), ..Settings::default() };
                page.head.brand = Arc::new(PageBrand { settings, ..PageBrand::default() });
                Ok(Answer::Page(Box::new(page)))
            }
            "leaves" => {
                let to = Url::parse("https://provider.example/authorize?state=a").unwrap();
                let mut head = sample("start").unwrap().head;
                let settings = Settings { theme: PageTheme::Dark, ..Settings::default() };
                head.brand = Arc::new(PageBrand { settings, ..PageBrand::default() });
                Ok(Answer::Leave { to, head: Box::new(head) })
            }
            "fails" => Err(Error::new(Code::FlowNotFound, "no such flow")),
            name => Ok(Answer::Page(Box::new(sample(name).unwrap()))),
        }
    }
}

impl Flows for Recorder {
    async fn view(&self, token: &str, visit: &Visit) -> Result<Answer> {
        self.note(&format!("view {token}"), visit, &Submitted::default());
        Self::answer(token)
    }

    async fn left(&self, token: &str) -> Result<()> {
        self.note(&format!("left {token}"), &Visit::default(), &Submitted::default());
        Ok(())
    }

    async fn submit(&self, token: &str, visit: &Visit, form: Submitted) -> Result<Answer> {
        self.note(&format!("submit {token}"), visit, &form);
        Self::answer(token)
    }

    async fn callback(&self, connection: &str, parameters: Submitted, visit: &Visit) -> Result<Answer> {
        self.note(&format!("callback {connection}"), visit, &parameters);
        Self::answer("away")
    }

    async fn own_page(&self, token: &str, ask: UserPageAsk) -> Result<Answer> {
        self.0.lock().unwrap().push(format!("own page {token} {ask:?}"));
        Self::answer(token)
    }

    async fn act(&self, token: &str, form: Submitted) -> Result<Answer> {
        self.note(&format!("act {token}"), &Visit::default(), &form);
        Self::answer(token)
    }

    async fn asset(&self, name: &str) -> Result<Option<Asset>> {
        let (kind, bytes) = match name {
            "1.css" => (AssetKind::Css, ":root{}"),
            "1.svg" => (AssetKind::Svg, "<svg/>"),
            "1.png" => (AssetKind::Png, "png"),
            _ => return Ok(None),
        };
        Ok(Some(Asset { kind, bytes: bytes.as_bytes().to_vec() }))
    }

    async fn success(&self, query: &str, link: Option<&str>, visit: &Visit) -> Result<Answer> {
        self.note(&format!("success {query}{}", link.unwrap_or_default()), visit, &Submitted::default());
        Self::answer("done")
    }
}

fn site(public_url: &str) -> (Router, Recorder) {
    let flows = Recorder::default();
    let web = Web {
        flows: flows.clone(),
        public_url: Url::parse(public_url).unwrap(),
        entropy: Arc::new(SeededEntropy::new(3)),
    };
    (router(web), flows)
}

async fn ask(site: &Router, method: Method, path: &str, body: &str) -> Response {
    let request = Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, POSTED);
    site.clone().oneshot(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap()
}

async fn text(answer: Response) -> String {
    String::from_utf8(answer.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

fn header_of<'a>(answer: &'a Response, name: &str) -> &'a str {
    answer.headers().get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
}

#[tokio::test]
async fn every_answer_carries_the_headers() {
    let (site, _) = site("https://keys.example");
    for (method, path) in [
        (Method::GET, "/c/start"),
        (Method::POST, "/c/away"),
        (Method::POST, "/c/home"),
        (Method::GET, "/c/fails"),
        (Method::GET, "/connect/success"),
        (Method::GET, "/sso/v1/oauth/conn_1/callback?code=x"),
        (Method::GET, "/static/x/none.css"),
    ] {
        let answer = ask(&site, method, path, "").await;
        let policy = header_of(&answer, "content-security-policy");
        for part in ["default-src 'none'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"]
        {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe") && policy.contains("script-src 'self';"), "{policy}");
        assert_eq!(header_of(&answer, "cache-control"), "no-store", "{path}");
        assert_eq!(header_of(&answer, "x-content-type-options"), "nosniff");
        assert_eq!(header_of(&answer, "referrer-policy"), "no-referrer");
        assert_eq!(header_of(&answer, "cross-origin-opener-policy"), "same-origin");
        assert_eq!(header_of(&answer, "x-robots-tag"), "noindex");
        assert_eq!(header_of(&answer, "strict-transport-security"), "max-age=31536000");
        assert!(answer.headers().get("access-control-allow-origin").is_none());
    }
}

/// B04.
#[tokio::test]
async fn a_request_for_another_host_reaches_nothing() {
    let (site, flows) = site("https://keys.example");
    for (host, status) in [
        ("keys.example", 200),
        ("KEYS.example:8443", 200),
        ("evil.example", 421),
        ("keys.example.evil.example", 421),
        ("keys.example@evil.example", 421),
        ("", 421),
    ] {
        flows.0.lock().unwrap().clear();
        let request =
            Request::get("/c/start").header(header::HOST, host).header("x-forwarded-host", "keys.example");
        let answer = site.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(answer.status(), status, "{host}");
        assert_eq!(flows.0.lock().unwrap().len(), usize::from(status == 200), "{host}");
    }
}

#[tokio::test]
async fn hsts_is_left_out_without_tls_and_on_localhost() {
    for public_url in ["http://keys.example", "https://localhost:4300", "https://127.0.0.1"] {
        let answer = ask(&site(public_url).0, Method::GET, "/c/start", "").await;
        assert!(answer.headers().get("strict-transport-security").is_none(), "{public_url}");
    }
}

#[tokio::test]
async fn the_first_page_makes_the_cookie_and_hands_it_to_the_flow() {
    let (site, flows) = site("https://keys.example");
    let answer = ask(&site, Method::GET, "/c/start", "").await;
    let set = header_of(&answer, "set-cookie");
    let value = set.strip_prefix("__Host-kb_browser=").and_then(|rest| rest.split(';').next()).unwrap();
    assert_eq!(flows.0.lock().unwrap().as_slice(), [format!("view start {value} ")]);
    assert!(set.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"), "{set}");
}

#[tokio::test]
async fn neither_a_post_nor_a_callback_makes_the_cookie() {
    let (site, flows) = site("https://keys.example");
    let posted = ask(&site, Method::POST, "/c/done", "csrf=1").await;
    let called = ask(&site, Method::GET, "/sso/v1/oauth/conn_1/callback?code=x&code=y", "").await;
    assert!(posted.headers().get("set-cookie").is_none() && called.headers().get("set-cookie").is_none());
    let calls = flows.0.lock().unwrap();
    assert_eq!(calls.as_slice(), ["submit done none csrf=1", "callback conn_1 none code=x&code=y"]);
}

#[tokio::test]
async fn a_cookie_that_came_reaches_the_flow() {
    let (site, flows) = site("http://localhost:4300");
    let request = Request::get("/connect/success?a=b").header(header::COOKIE, format!("kb_browser={COOKIE}"));
    site.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(flows.0.lock().unwrap().as_slice(), [format!("success a=b {COOKIE} ")]);
}

#[tokio::test]
async fn head_answers_as_get_without_a_body_and_options_reaches_nothing() {
    let (site, flows) = site("https://keys.example");
    let head = ask(&site, Method::HEAD, "/c/start", "").await;
    assert_eq!(head.status(), StatusCode::OK);
    assert_eq!(text(head).await, "");
    flows.0.lock().unwrap().clear();
    for method in [Method::OPTIONS, Method::PUT, Method::DELETE] {
        assert_eq!(ask(&site, method, "/c/start", "").await.status(), StatusCode::METHOD_NOT_ALLOWED);
    }
    assert_eq!(flows.0.lock().unwrap().len(), 0);
}

#[tokio::test]
async fn redirects_are_303_but_a_form_leads_to_another_origin_over_a_page() {
    let (site, _) = site("https://keys.example");
    let got = ask(&site, Method::GET, "/c/away", "").await;
    assert_eq!(got.status(), StatusCode::SEE_OTHER);
    assert_eq!(header_of(&got, "location"), "https://provider.example/authorize?state=a%26b");
    let same_origin = ask(&site, Method::POST, "/c/home", "").await;
    assert_eq!(same_origin.status(), StatusCode::SEE_OTHER);
    let hop = ask(&site, Method::POST, "/c/away", "").await;
    assert_eq!(hop.status(), StatusCode::OK);
    assert!(hop.headers().get("location").is_none());
    let hop = text(hop).await;
    let onward =
        "<meta http-equiv=\"refresh\" content=\"0;url=https://provider.example/authorize?state=a%26b\">";
    assert!(hop.contains(onward), "{hop}");
}

#[tokio::test]
async fn a_form_post_callback_comes_back_as_a_get_that_brings_the_cookie() {
    let (site, flows) = site("https://keys.example");
    let path = "/sso/v1/oauth/conn_1/callback";
    let answer = ask(&site, Method::POST, path, "code=a%2Bb&state=s%26t&code=2").await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    assert_eq!(header_of(&answer, "location"), format!("{path}?code=a%2Bb&state=s%26t&code=2&kb_posted=1"));
    assert_eq!(flows.0.lock().unwrap().len(), 0);
}

#[tokio::test]
async fn forms_that_are_too_large_or_of_another_kind_reach_nothing() {
    let (site, flows) = site("https://keys.example");
    let large = format!("key={}", "x".repeat(70_000));
    assert_eq!(ask(&site, Method::POST, "/c/keys", &large).await.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let json =
        Request::post("/c/keys").header(header::CONTENT_TYPE, "application/json").body(Body::from("{}"));
    assert_eq!(site.oneshot(json.unwrap()).await.unwrap().status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(flows.0.lock().unwrap().len(), 0);
}

#[tokio::test]
async fn the_status_says_what_the_page_says() {
    let (site, _) = site("https://keys.example");
    for (name, status) in [
        ("start", 200),
        ("done", 200),
        ("identity", 200),
        ("keys-wrong", 422),
        ("start-wrong", 422),
        ("ended", 410),
        ("used", 409),
        ("denied", 403),
        ("away", 303),
        ("tries", 429),
        ("internal", 500),
        ("fails", 404),
    ] {
        assert_eq!(
            ask(&site, Method::GET, &format!("/c/{name}"), "").await.status().as_u16(),
            status,
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_failure_shows_a_reference_and_no_detail() {
    let (site, _) = site("https://keys.example");
    let page = text(ask(&site, Method::GET, "/c/fails", "").await).await;
    assert!(page.contains("This link has ended") && page.contains("class=\"mono\""));
    assert!(!page.contains("no such flow") && !page.contains("0000-0000"));
}

#[tokio::test]
async fn pages_at_the_callback_lead_back_to_the_link_that_was_opened() {
    let (site, _) = site("http://localhost:4300");
    let opened = ask(&site, Method::GET, "/c/start", "").await;
    let cookies: Vec<_> = opened.headers().get_all("set-cookie").iter().collect();
    assert_eq!(cookies.last().unwrap().to_str().unwrap(), "kb_link=start; Path=/; HttpOnly; SameSite=Lax");
    let request =
        Request::get("/connect/success").header(header::COOKIE, "kb_link=start").body(Body::empty());
    assert!(text(site.oneshot(request.unwrap()).await.unwrap()).await.contains("<a href=\"/c/start\">"));
}

#[tokio::test]
async fn files_are_kept_for_a_year_under_their_hash_only() {
    let (site, _) = site("https://keys.example");
    for (file, kind) in [
        ("hosted.css", "text/css; charset=utf-8"),
        ("next.woff2", "font/woff2"),
        ("mono.woff2", "font/woff2"),
        ("mark.svg", "image/svg+xml"),
        ("OFL.txt", "text/plain; charset=utf-8"),
    ] {
        let answer = ask(&site, Method::GET, &assets::address(file), "").await;
        assert_eq!((answer.status(), header_of(&answer, "content-type")), (StatusCode::OK, kind));
        assert_eq!(header_of(&answer, "cache-control"), "public, max-age=31536000, immutable");
        let other = ask(&site, Method::GET, &format!("/static/0000/{file}"), "").await;
        assert_eq!((other.status(), header_of(&other, "cache-control")), (StatusCode::OK, "no-cache"));
    }
    assert_eq!(ask(&site, Method::GET, "/favicon.ico", "").await.status(), StatusCode::OK);
    for path in ["/static/x/..%2f..%2fCargo.toml", "/static/x/none.css"] {
        assert_eq!(ask(&site, Method::GET, path, "").await.status(), StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn the_files_of_a_brand_do_nothing_and_are_kept_for_good() {
    let (site, _) = site("https://keys.example");
    for (file, kind) in
        [("1.css", "text/css; charset=utf-8"), ("1.svg", "image/svg+xml"), ("1.png", "image/png")]
    {
        let answer = ask(&site, Method::GET, &format!("/theme/{file}"), "").await;
        assert_eq!((answer.status(), header_of(&answer, "content-type")), (StatusCode::OK, kind));
        assert_eq!(header_of(&answer, "cache-control"), "public, max-age=31536000, immutable");
        let policy = header_of(&answer, "content-security-policy");
        assert_eq!(policy, "default-src 'none'; sandbox; frame-ancestors 'none'");
        assert_eq!(header_of(&answer, "x-content-type-options"), "nosniff");
    }
    let none = ask(&site, Method::GET, "/theme/2.css", "").await;
    assert_eq!((none.status(), header_of(&none, "cache-control")), (StatusCode::NOT_FOUND, "no-store"));
}

#[tokio::test]
async fn only_the_sites_that_are_named_may_show_a_page_inside_their_own() {
    let (site, _) = site("https://keys.example");
    let framed = ask(&site, Method::GET, "/c/framed", "").await;
    let policy = header_of(&framed, "content-security-policy");
    let ancestors = "frame-ancestors https://app.fieldnote.example http://localhost:3000";
    assert!(policy.ends_with(ancestors) && policy.starts_with("default-src 'none'"), "{policy}");
    assert!(framed.headers().get("x-frame-options").is_none());
    assert!(text(framed).await.contains("target=\"_top\""), "the provider is never inside the frame");
    let usual = ask(&site, Method::GET, "/c/start", "").await;
    assert_eq!(header_of(&usual, "x-frame-options"), "DENY");
    assert!(!text(usual).await.contains("target=\"_top\""));
}

#[tokio::test]
async fn the_page_on_the_way_to_the_provider_looks_like_the_one_before_it() {
    let (site, _) = site("https://keys.example");
    let hop = text(ask(&site, Method::POST, "/c/leaves", "").await).await;
    assert!(hop.contains("data-theme=\"dark\"") && hop.contains("On to CodeHarbor"), "{hop}");
    assert!(hop.contains("content=\"0;url=https://provider.example/authorize?state=a\""), "{hop}");
}
