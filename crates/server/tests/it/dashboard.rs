//! The dashboard as a browser without scripts sees it: pages as text, cookies, posted forms.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{Request, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use keybearer_app::accounts::{self, CreateAccount, Credentials, Lookup, OauthTokens};
use keybearer_app::connectors::{Catalog, load_connector};
use keybearer_app::members::{self, NewMember};
use keybearer_app::{
    Actor, App, AppConfig, AppParts, Caller, DatabaseConfig, EgressConfig, ProxyLimits, RefreshLimits,
    RootKey, environments,
};
use keybearer_core::{EnvironmentKind, MemberRole, OsEntropy, SystemClock, VerifyMode};
use keybearer_testkit::TempDir;
use tower::ServiceExt as _;

const PASSWORD: &str = "cnry-correct-horse-battery";
const HOST: &str = "localhost:4300";

/// A connector of which every text is hostile.
const HOSTILE: &str = r#"
slug: hostile
display_name: '<img src=x onerror=alert(1)>"'
kind: api
sandbox: true
categories: [developer-tools]
blurb: '"><script>alert(2)</script>'
auth:
  - id: oauth2
    type: oauth2
    label: '<svg onload=alert(3)>'
    authorize_url: "http://127.0.0.1:9/authorize"
    token_url: "http://127.0.0.1:9/token"
    setup: { minutes: 2, console_url: "javascript:alert(4)", steps: ['<script>alert(5)</script>'] }
    fields:
      - { name: client_id, label: '<b onclick=alert(6)>', in: connection, help: '"><iframe src=//evil.example>', where_to_find_url: "javascript:alert(7)" }
      - { name: client_secret, label: Secret, in: connection, secret: true }
      - { name: site, label: Site, in: connection, required: false, example: '" autofocus onfocus=alert(8) x="', prefix: '<i>', suffix: '</i>' }
    scopes:
      - { name: read, default: true, says: '<script>alert(9)</script>', group: '<u>' }
      - { name: write }
    credential_placement: { headers: { authorization: "Bearer {access_token}" } }
api: { base_url: "http://127.0.0.1:9" }
sources: []
"#;

struct Scene {
    app: App,
    operator: Caller,
    router: Router,
    _folder: TempDir,
}

impl Scene {
    async fn set() -> Self {
        let folder = keybearer_testkit::temp_dir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("keybearer.db").display());
        let mut catalog = Catalog::embedded();
        catalog.insert(load_connector(HOSTILE).unwrap());
        let parts = AppParts {
            config: AppConfig {
                public_url: format!("http://{HOST}").parse().unwrap(),
                environment_kind: EnvironmentKind::Development,
                app_name: "Fieldnote".to_owned(),
                verify_mode: VerifyMode::None,
                verify_urls: Vec::new(),
                shared_credentials: BTreeMap::new(),
                known_fields: BTreeMap::new(),
                spill_folder: None,
                link_lifetime: Duration::from_secs(86_400),
                refresh: RefreshLimits::default(),
                proxy: ProxyLimits::default(),
            },
            database: DatabaseConfig::at(url.into()),
            root_key: RootKey::File(folder.path().join("root.key")),
            egress: EgressConfig::default(),
            catalog,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(OsEntropy),
        };
        let (app, _) = App::open(parts).await.unwrap();
        let environment = environments::default(&app).await.unwrap().id;
        let operator = Caller::trusted(environment, Actor::Operator, app.reference().unwrap());
        Self { router: keybearer_server::web::dashboard(app.clone()), app, operator, _folder: folder }
    }

    fn browser(&self) -> Browser {
        Browser { router: self.router.clone(), cookies: BTreeMap::new(), page: String::new() }
    }

    async fn owner(&self) -> Browser {
        let mut browser = self.browser();
        let link = members::setup_link(&self.app, &self.operator).await.unwrap().unwrap();
        browser.get(&path(link.as_str())).await;
        let answer = browser
            .submit("/setup", &[("email", "ada@fieldnote.example"), ("name", "Ada"), ("password", PASSWORD)])
            .await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        browser
    }

    async fn member(&self, email: &str, name: &str, role: MemberRole) -> Browser {
        let new = NewMember { email: email.to_owned(), name: name.to_owned() };
        let (_, link) = members::invite(&self.app, &self.operator, &new, role).await.unwrap();
        let mut browser = self.browser();
        browser.get(&path(link.as_str())).await;
        let answer = browser.submit("/welcome", &[("email", email), ("password", PASSWORD)]).await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        browser
    }
}

fn path(url: &str) -> String {
    url.strip_prefix(&format!("http://{HOST}")).unwrap().to_owned()
}

/// A browser without scripts.
struct Browser {
    router: Router,
    cookies: BTreeMap<String, String>,
    page: String,
}

struct Answer {
    status: u16,
    location: String,
    headers: http::HeaderMap,
    text: String,
}

impl Browser {
    async fn get(&mut self, path: &str) -> Answer {
        let answer = self.send(Request::get(path).body(Body::empty()).unwrap()).await;
        if answer.status != 303 {
            self.page.clone_from(&answer.text);
        }
        answer
    }

    /// Posts a form of the present page, with the hidden values that the page has for it.
    async fn submit(&mut self, to: &str, values: &[(&str, &str)]) -> Answer {
        let mut pairs: Vec<(String, String)> = hidden(&self.page, to);
        pairs.extend(values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        self.post(to, &pairs, &[("sec-fetch-site", "same-origin")]).await
    }

    async fn post(&mut self, to: &str, pairs: &[(String, String)], more: &[(&str, &str)]) -> Answer {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        let mut request = Request::post(to).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        for (name, value) in more {
            request = request.header(*name, *value);
        }
        let answer = self.send(request.body(Body::from(body)).unwrap()).await;
        if answer.status != 303 {
            self.page.clone_from(&answer.text);
        }
        answer
    }

    async fn send(&mut self, mut request: Request<Body>) -> Answer {
        let jar: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let headers = request.headers_mut();
        headers.insert(header::HOST, HOST.parse().unwrap());
        if !jar.is_empty() {
            headers.insert(header::COOKIE, jar.join("; ").parse().unwrap());
        }
        request.extensions_mut().insert::<SocketAddr>("127.0.0.1:50000".parse().unwrap());
        let response: Response<Body> = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        for line in parts.headers.get_all(header::SET_COOKIE) {
            let line = line.to_str().unwrap();
            assert!(
                line.contains("HttpOnly") && line.contains("SameSite=Lax") && line.contains("Path=/"),
                "{line}"
            );
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            match line.contains("Max-Age=0") {
                true => drop(self.cookies.remove(name)),
                false => drop(self.cookies.insert(name.to_owned(), value.to_owned())),
            }
        }
        let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        let location = parts.headers.get(header::LOCATION).map(|to| to.to_str().unwrap().to_owned());
        Answer {
            status: parts.status.as_u16(),
            location: location.unwrap_or_default(),
            headers: parts.headers,
            text,
        }
    }

    /// Follows a redirect.
    async fn follow(&mut self, answer: Answer) -> Answer {
        assert_eq!(answer.status, 303, "{}", answer.text);
        self.get(&answer.location).await
    }
}

/// The hidden values of the form that posts to `to`, or of the first form without an address.
fn hidden(page: &str, to: &str) -> Vec<(String, String)> {
    let forms: Vec<&str> =
        page.split("<form").skip(1).map(|form| form.split("</form>").next().unwrap()).collect();
    let own = forms.iter().find(|form| form.contains(&format!("action=\"{to}\"")));
    let form = own.or_else(|| {
        forms.iter().find(|form| {
            form.contains("method=\"post\"") && !form.split('>').next().unwrap().contains("action=")
        })
    });
    let Some(form) = form else { return Vec::new() };
    let inputs = form.split("<input type=\"hidden\" name=\"").skip(1);
    let pair = |text: &str| {
        let (name, rest) = text.split_once('"').unwrap();
        let value = rest.split_once("value=\"").unwrap().1.split('"').next().unwrap();
        (name.to_owned(), value.to_owned())
    };
    inputs.map(pair).collect()
}

#[tokio::test]
async fn without_a_session_every_page_leads_to_the_sign_in() {
    let scene = Scene::set().await;
    let mut browser = scene.browser();
    for page in [
        "/",
        "/connections",
        "/connections/new",
        "/accounts",
        "/links",
        "/logs",
        "/settings",
        "/settings/people",
    ] {
        assert_eq!(browser.get(page).await.location, "/setup", "{page}: nobody can sign in yet");
    }
    assert!(browser.get("/setup").await.text.contains("no owner yet"));
    scene.owner().await;
    let answer = browser.get("/accounts?state=EXPIRED").await;
    assert_eq!(answer.location, "/login?next=%2Faccounts%3Fstate%3DEXPIRED");
    browser.get(&answer.location).await;
    let back = browser.submit("/login", &[("email", "ada@fieldnote.example"), ("password", PASSWORD)]).await;
    assert_eq!(back.location, "/accounts?state=EXPIRED");
    assert_eq!(browser.follow(back).await.status, 200);
}

#[tokio::test]
async fn a_stranger_without_the_link_cannot_become_the_owner() {
    let scene = Scene::set().await;
    let mut browser = scene.browser();
    let link = members::setup_link(&scene.app, &scene.operator).await.unwrap().unwrap();
    browser.get(&path(link.as_str())).await;
    let mut pairs = hidden(&browser.page, "/setup");
    pairs.retain(|(name, _)| name == "csrf");
    pairs.extend(
        [("token", "0123456789abcdefghjkmnpqrstvwxyz"), ("email", "eve@a.example"), ("password", PASSWORD)]
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
    );
    let answer = browser.post("/setup", &pairs, &[("sec-fetch-site", "same-origin")]).await;
    assert_eq!(answer.status, 410);
    assert_eq!(browser.get("/setup?t=nothing").await.status, 410);
    assert!(!members::any(&scene.app).await.unwrap());
}

#[tokio::test]
async fn a_wrong_password_is_told_without_saying_which_part_is_wrong() {
    let scene = Scene::set().await;
    scene.owner().await;
    let mut browser = scene.browser();
    browser.get("/login").await;
    let wrong =
        browser.submit("/login", &[("email", "ada@fieldnote.example"), ("password", "not it at all")]).await;
    let unknown =
        browser.submit("/login", &[("email", "ada@fieldnote.example."), ("password", "not it at all")]).await;
    assert_eq!((wrong.status, unknown.status), (422, 422));
    assert!(wrong.text.contains("The e-mail address or the password is wrong."));
    assert!(!wrong.text.contains("not it at all"));
    for _ in 0..4 {
        browser.submit("/login", &[("email", "ada@fieldnote.example"), ("password", "not it at all")]).await;
    }
    let blocked =
        browser.submit("/login", &[("email", "ada@fieldnote.example"), ("password", PASSWORD)]).await;
    assert_eq!(blocked.status, 429);
    assert!(blocked.text.contains("Try again in"), "{}", blocked.text);
}

#[tokio::test]
async fn a_form_that_is_not_of_this_session_changes_nothing() {
    let scene = Scene::set().await;
    let mut ada = scene.owner().await;
    let mut ben = scene.member("ben@a.example", "Ben", MemberRole::Owner).await;
    ada.get("/connections/new/postcards").await;
    ben.get("/connections/new/postcards").await;
    let to = "/connections/new/postcards";
    let own = hidden(&ada.page, to);
    let bens = hidden(&ben.page, to);
    assert_ne!(own, bens, "each session has a token of its own");
    for (pairs, headers) in [
        (Vec::new(), vec![("sec-fetch-site", "same-origin")]),
        (bens, vec![("sec-fetch-site", "same-origin")]),
        (own.clone(), vec![("sec-fetch-site", "cross-site")]),
        (own.clone(), vec![("sec-fetch-site", "same-site")]),
        (own.clone(), vec![("origin", "http://evil.example")]),
        (own.clone(), Vec::new()),
    ] {
        let answer = ada.post(to, &pairs, &headers).await;
        assert_eq!(answer.status, 403, "{headers:?}");
        assert!(answer.text.contains("Ref <code>"));
    }
    assert!(ada.get("/connections").await.text.contains("No connections yet"));
    let answer = ada.post(to, &own, &[("origin", "http://localhost:4300")]).await;
    assert_eq!(answer.status, 303, "a browser without fetch metadata is believed by its Origin");
}

#[tokio::test]
async fn a_draft_is_led_to_a_connection_and_its_secret_is_never_shown() {
    let scene = Scene::set().await;
    let mut ada = scene.owner().await;
    ada.get("/connections/new/postcards").await;
    let begun = ada.submit("/connections/new/postcards", &[("method", "oauth2")]).await;
    let setup = begun.location.clone();
    let page = ada.follow(begun).await;
    let id = setup.split('/').nth(2).unwrap().to_owned();
    assert!(
        page.text.contains(&format!("http://localhost:4300/sso/v1/oauth/{id}/callback")),
        "final from the first moment"
    );

    let secret = "cnry_secret_0123456789abcdef0123";
    let missing = ada
        .submit(
            &setup,
            &[("do", "save"), ("name", "cards"), ("client_secret", secret), ("scope", "postcards.read")],
        )
        .await;
    assert_eq!(missing.status, 422);
    assert!(missing.text.contains("Client ID must be given."), "{}", missing.text);
    assert!(missing.text.contains("Stored, ends in 0123."));
    let wrong = ada
        .submit(&setup, &[("do", "save"), ("name", "Not A Name"), ("client_id", "id-1"), ("label", "Kept")])
        .await;
    assert_eq!(wrong.status, 422);
    assert!(
        wrong.text.contains("value=\"Not A Name\"") && wrong.text.contains("value=\"Kept\""),
        "typed values stay"
    );
    let saved = ada
        .submit(
            &setup,
            &[
                ("do", "save"),
                ("name", "cards"),
                ("client_id", "id-1"),
                ("scope", "postcards.read"),
                ("custom_scopes", "own:one, own:two"),
                ("scopes_shown", "1"),
            ],
        )
        .await;
    let page = ada.follow(saved).await;
    assert!(
        page.text.contains("Saved. The connection is in use.") && page.text.contains("own:two"),
        "{}",
        page.text
    );
    for page in [
        format!("/connections/{id}"),
        setup.clone(),
        format!("/connections/{id}/credentials"),
        "/connections".to_owned(),
        format!("/connections/{id}/delete"),
    ] {
        let answer = ada.get(&page).await;
        assert_eq!(answer.status, 200, "{page}");
        assert!(!answer.text.contains(secret), "{page} shows the secret");
    }
    let test = ada.get(&format!("/connections/{id}")).await;
    assert!(test.text.contains("Nobody has tested it yet"));
    let started = ada.submit(&format!("/connections/{id}/test"), &[]).await;
    let page = ada.follow(started).await;
    assert!(page.text.contains("Open the connect page") && page.text.contains("http-equiv=\"refresh\""));
    assert!(page.text.contains("Waiting for you"), "{}", page.text);
}

#[tokio::test]
async fn a_draft_saves_what_is_right_and_tells_what_is_wrong() {
    let scene = Scene::set().await;
    let mut ada = scene.owner().await;
    ada.get("/connections/new/postcards").await;
    let begun = ada.submit("/connections/new/postcards", &[("method", "oauth2")]).await;
    let setup = begun.location.clone();
    ada.follow(begun).await;
    let answer = ada
        .submit(&setup, &[("do", "draft"), ("name", "Bad Name"), ("label", "Mine"), ("client_id", "id-1")])
        .await;
    assert_eq!(answer.status, 200);
    let json: serde_json::Value = serde_json::from_str(&answer.text).unwrap();
    assert_eq!(json["wrong"][0]["field"], "name");
    let page = ada.get(&setup).await.text;
    assert!(page.contains("value=\"Mine\"") && page.contains("value=\"id-1\"") && !page.contains("Bad Name"));
    let discarded = ada.submit(&setup, &[("do", "discard")]).await;
    assert!(ada.follow(discarded).await.text.contains("Draft discarded."));
}

async fn connection(ada: &mut Browser, name: &str) -> String {
    ada.get("/connections/new/hostile").await;
    let begun = ada.submit("/connections/new/hostile", &[("method", "oauth2")]).await;
    let setup = begun.location.clone();
    ada.follow(begun).await;
    let saved = ada
        .submit(
            &setup,
            &[
                ("do", "save"),
                ("name", name),
                ("client_id", "id-1"),
                ("client_secret", "secret-of-it"),
                ("scope", "read"),
                ("scopes_shown", "1"),
            ],
        )
        .await;
    assert_eq!(saved.status, 303, "{}", saved.text);
    setup.split('/').nth(2).unwrap().to_owned()
}

async fn account(scene: &Scene, connection: &str, user: &str) -> String {
    let tokens = OauthTokens {
        access_token: Some("at-1".into()),
        scopes: vec!["read".to_owned()],
        ..OauthTokens::default()
    };
    let new = CreateAccount {
        lookup: Lookup::of(connection, user),
        credentials: Credentials::Oauth(tokens),
        ..CreateAccount::default()
    };
    accounts::create(&scene.app, &scene.operator, new).await.unwrap().id.to_string()
}

#[tokio::test]
async fn other_scopes_are_saved_only_after_the_count_was_shown() {
    let scene = Scene::set().await;
    let mut ada = scene.owner().await;
    let id = connection(&mut ada, "notes").await;
    account(&scene, "notes", "u-1").await;
    account(&scene, "notes", "u-2").await;
    ada.get(&format!("/connections/{id}/setup")).await;
    let to = format!("/connections/{id}/setup");
    let asked = ada
        .submit(
            &to,
            &[("do", "save"), ("label", "New"), ("scope", "read"), ("scope", "write"), ("scopes_shown", "1")],
        )
        .await;
    assert!(
        asked.location.starts_with(&format!("/connections/{id}/review?scope=read&scope=write")),
        "{}",
        asked.location
    );
    let review = ada.follow(asked).await;
    assert!(review.text.contains("2 accounts must sign in again"), "{}", review.text);
    let before = ada.get(&format!("/connections/{id}")).await.text;
    assert!(
        before.contains("New") && !before.contains("class=\"chip\">write"),
        "the label is saved, the scopes are not"
    );
    ada.page = review.text;
    let mut pairs = hidden(&ada.page, &format!("/connections/{id}/review"));
    pairs.retain(|(name, _)| name != "nothing");
    let saved =
        ada.post(&format!("/connections/{id}/review"), &pairs, &[("sec-fetch-site", "same-origin")]).await;
    assert!(ada.follow(saved).await.text.contains("class=\"chip\">write"));
}

#[tokio::test]
async fn a_connection_with_accounts_is_deleted_only_by_its_typed_name() {
    let scene = Scene::set().await;
    let mut ada = scene.owner().await;
    let id = connection(&mut ada, "notes").await;
    account(&scene, "notes", "u-1").await;
    let to = format!("/connections/{id}/delete");
    let page = ada.get(&to).await;
    assert!(page.text.contains("1 account will stop working"));
    assert_eq!(ada.submit(&to, &[("typed", "note")]).await.status, 422);
    assert_eq!(ada.get(&format!("/connections/{id}")).await.status, 200);
    let paused = {
        ada.get(&to).await;
        ada.submit(&format!("/connections/{id}/pause"), &[]).await
    };
    assert!(ada.follow(paused).await.text.contains("Paused."));
    ada.get(&to).await;
    let gone = ada.submit(&to, &[("typed", "notes")]).await;
    assert!(ada.follow(gone).await.text.contains("Deleted. 1 account ended with it."));
    assert_eq!(ada.get(&format!("/connections/{id}")).await.status, 404);
}

#[tokio::test]
async fn roles_hold_on_every_form() {
    let scene = Scene::set().await;
    let mut ada = scene.owner().await;
    let id = connection(&mut ada, "notes").await;
    let user = account(&scene, "notes", "u-1").await;
    let mut vi = scene.member("vi@a.example", "Vi", MemberRole::Viewer).await;
    assert!(!vi.get(&format!("/connections/{id}")).await.text.contains("Delete"));
    for (to, status) in [
        (format!("/connections/{id}/pause"), 403),
        (format!("/connections/{id}/test"), 403),
        (format!("/connections/{id}/credentials"), 403),
        (format!("/accounts/{user}/disconnect"), 403),
        (format!("/accounts/{user}/delete"), 403),
        ("/links".to_owned(), 403),
        ("/settings/people".to_owned(), 403),
        ("/connections/new/postcards".to_owned(), 403),
    ] {
        let csrf = hidden(&vi.get("/settings").await.text, "/settings/password");
        let mut pairs = csrf;
        pairs.extend(
            [
                ("connection", id.as_str()),
                ("user", "u-9"),
                ("client_secret", "new-secret"),
                ("do", "secret"),
                ("email", "x@a.example"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
        );
        let answer = vi.post(&to, &pairs, &[("sec-fetch-site", "same-origin")]).await;
        assert_eq!(answer.status, status, "{to}: {}", answer.text);
        assert!(answer.text.contains("Your role does not allow that."), "{to}");
    }
    assert_eq!(vi.get("/logs").await.status, 403);
    assert_eq!(vi.get("/settings/people").await.status, 403);
    assert_eq!(scene.member("au@a.example", "Au", MemberRole::Auditor).await.get("/logs").await.status, 200);
}

#[tokio::test]
async fn a_link_is_made_shown_once_and_has_a_code() {
    let scene = Scene::set().await;
    let mut ada = scene.owner().await;
    let id = connection(&mut ada, "notes").await;
    ada.get(&format!("/links?connection={id}&user=u-1")).await;
    assert!(ada.page.contains("value=\"u-1\""));
    let none = ada.submit("/links", &[("connection", &id), ("user", " "), ("lifetime", "3600")]).await;
    assert_eq!(none.status, 422);
    let made = ada.submit("/links", &[("connection", &id), ("user", "u-1"), ("lifetime", "3600")]).await;
    let shown = made.location.clone();
    let page = ada.follow(made).await;
    assert!(
        page.text.contains("http://localhost:4300/c/") && page.text.contains("class=\"qr\""),
        "{}",
        page.text
    );
    ada.cookies.remove("kb_made");
    assert_eq!(ada.get(&shown).await.status, 410);
    assert!(ada.get("/accounts?q=u-1").await.text.contains("Waiting for user"));
    assert!(ada.get("/accounts?q=nobody-here").await.text.contains("No account fits this filter"));
}

#[tokio::test]
async fn looking_at_a_one_time_link_uses_nothing_up() {
    let scene = Scene::set().await;
    let link = path(members::local_link(&scene.app, &scene.operator).await.unwrap().as_str());
    let mut browser = scene.browser();
    for _ in 0..3 {
        assert!(browser.get(&link).await.text.contains("Open the dashboard"));
    }
    let answer = browser.submit("/link", &[]).await;
    assert_eq!(browser.follow(answer).await.status, 200);
    let mut second = scene.browser();
    second.get(&link).await;
    assert_eq!(second.submit("/link", &[]).await.status, 410);
}

#[tokio::test]
async fn signing_out_and_ending_sessions_works_at_once() {
    let scene = Scene::set().await;
    let mut here = scene.owner().await;
    let mut there = scene.browser();
    there.get("/login").await;
    there.submit("/login", &[("email", "ada@fieldnote.example"), ("password", PASSWORD)]).await;
    let page = here.get("/settings").await.text;
    let end = page
        .split("action=\"")
        .map(|rest| rest.split('"').next().unwrap())
        .find(|to| to.ends_with("/end"))
        .unwrap();
    let ended = here.submit(end, &[]).await;
    assert!(here.follow(ended).await.text.contains("Session ended."));
    assert!(there.get("/").await.location.starts_with("/login"));
    let out = here.submit("/sign-out", &[]).await;
    assert!(here.follow(out).await.text.contains("Signed out."));
    assert!(here.get("/").await.location.starts_with("/login"));
}

/// Strings that would do something if a page did not escape them.
fn corpus() -> Vec<String> {
    let tags = [
        "script",
        "img src=x onerror=alert(1)",
        "svg onload=alert(1)",
        "iframe src=javascript:alert(1)",
        "body onload=alert(1)",
        "a href=javascript:alert(1)",
        "details open ontoggle=alert(1)",
        "video src=x onerror=alert(1)",
        "input autofocus onfocus=alert(1)",
        "style",
        "base href=//evil.example/",
        "meta http-equiv=refresh content=0",
        "object data=x",
        "math href=javascript:alert(1)",
        "form action=//evil.example",
    ];
    let frames = ["<{}>", "\"><{}>", "'><{}>", "</title><{}>", "</textarea><{}>"];
    let mut all: Vec<String> =
        tags.iter().flat_map(|tag| frames.iter().map(move |frame| frame.replace("{}", tag))).collect();
    all.extend(
        [
            "\" onmouseover=\"alert(1)",
            "' onmouseover='alert(1)",
            "\" autofocus onfocus=\"alert(1)\" x=\"",
            "{{7*7}}<b>",
            "&lt;script&gt;<script>",
        ]
        .map(str::to_owned),
    );
    all
}

/// What no page may hold: markup of ours that a policy without inline code would refuse, or that came from outside.
fn assert_inert(page: &str, text: &str) {
    assert!(!text.contains("href=\"javascript:"), "{page}");
    assert!(!text.contains("<script>") && !text.contains(" style=\"") && !text.contains("<iframe"), "{page}");
    for handler in ["onerror=", "onload=", "onclick=", "onfocus=", "onmouseover=", "ontoggle="] {
        for tag in text.split('<').skip(1) {
            let inside = tag.split('>').next().unwrap_or_default();
            let outside_values: String = inside.split('"').step_by(2).collect();
            assert!(!outside_values.contains(handler), "{page}: {handler} in <{inside}>");
        }
    }
}

#[tokio::test]
async fn hostile_texts_stay_texts_on_every_page() {
    let scene = Scene::set().await;
    let mut ada = scene.owner().await;
    let id = connection(&mut ada, "notes").await;
    let corpus = corpus();
    assert!(corpus.len() >= 60);
    for (number, text) in corpus.iter().enumerate() {
        let setup = format!("/connections/{id}/setup");
        ada.get(&setup).await;
        let extra = format!("p{number}={text}");
        let saved = ada
            .submit(
                &setup,
                &[
                    ("do", "save"),
                    ("label", text),
                    ("blurb", text),
                    ("f.site", text),
                    ("extra", &extra),
                    ("scope", "read"),
                    ("scopes_shown", "1"),
                ],
            )
            .await;
        assert_eq!(saved.status, 303, "{text}: {}", saved.text);
        let user = account(&scene, "notes", text).await;
        scene.app.now();
        let encoded: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
        let pages = [
            format!("/connections/{id}"),
            setup,
            "/connections".to_owned(),
            format!("/connections?q={encoded}&state={encoded}"),
            format!("/connections/new?q={encoded}&kind={encoded}"),
            "/connections/new/hostile".to_owned(),
            format!("/connections/{encoded}"),
            format!("/connections/{id}/review?scope={encoded}"),
            format!("/accounts?q={encoded}"),
            format!("/accounts/{user}"),
            format!("/accounts/{user}/delete"),
            format!("/links?connection={encoded}&user={encoded}"),
            format!("/logs?q={encoded}"),
            format!("/settings?{encoded}"),
        ];
        for page in pages {
            let answer = ada.get(&page).await;
            assert!(!answer.text.contains(text.as_str()), "{page} holds {text} as it is");
            assert_inert(&page, &answer.text);
        }
        accounts::delete(&scene.app, &scene.operator, &Lookup::id(user)).await.unwrap();
    }
    let mut evil = scene.member("e@a.example", corpus[0].as_str(), MemberRole::Owner).await;
    assert_inert("/settings/people", &evil.get("/settings/people").await.text);
    let mut guest = scene.browser();
    let next: String = form_urlencoded::byte_serialize(corpus[1].as_bytes()).collect();
    assert_inert("/login", &guest.get(&format!("/login?next={next}")).await.text);
}

#[tokio::test]
async fn every_answer_carries_the_policy_and_is_kept_by_nobody() {
    let scene = Scene::set().await;
    let mut ada = scene.owner().await;
    let id = connection(&mut ada, "notes").await;
    for page in [
        "/".to_owned(),
        "/connections".to_owned(),
        format!("/connections/{id}"),
        "/accounts/ca_1".to_owned(),
        "/settings".to_owned(),
        "/login".to_owned(),
    ] {
        let answer = ada.get(&page).await;
        let header = |name: &str| {
            answer.headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
        };
        let policy = header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self';") && !policy.contains("unsafe"),
            "{page}: {policy}"
        );
        assert!(policy.contains("frame-ancestors 'none'") && policy.contains("form-action 'self'"));
        assert_eq!(header("cache-control"), "no-store", "{page}");
        assert_eq!(header("x-frame-options"), "DENY");
        assert_eq!(header("referrer-policy"), "no-referrer");
    }
    let mut request = Request::get("/login").body(Body::empty()).unwrap();
    request.headers_mut().insert(header::HOST, "evil.example".parse().unwrap());
    let answer = scene.router.clone().oneshot(request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::MISDIRECTED_REQUEST);
}
