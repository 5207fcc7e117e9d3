use http_body_util::Full;

use crate::client::{Reply, form_body};
use crate::world::{World, query, tokens};

/// Keeps the cookie, and fills forms from the hidden fields of a page.
pub struct Browser<'a> {
    world: &'a World,
    cookie: String,
}

impl<'a> Browser<'a> {
    pub fn new(world: &'a World) -> Self {
        Self { world, cookie: String::new() }
    }

    pub async fn get(&mut self, path: &str) -> Reply {
        let reply = self.world.call("GET", path, &[("cookie", &self.cookie)], Full::default()).await.unwrap();
        self.keep(reply)
    }

    pub async fn post(&mut self, path: &str, pairs: &[(&str, &str)]) -> Reply {
        let headers =
            [("cookie", self.cookie.as_str()), ("content-type", "application/x-www-form-urlencoded")];
        let reply = self.world.call("POST", path, &headers, form_body(pairs)).await.unwrap();
        self.keep(reply)
    }

    fn keep(&mut self, reply: Reply) -> Reply {
        if let Some((pair, _)) = reply.header("set-cookie").split_once(';') {
            assert!(reply.header("set-cookie").contains("HttpOnly; SameSite=Lax"));
            self.cookie = pair.to_owned();
        }
        reply
    }

    /// Sends the first form of `page` that goes to `action`, with `pairs` added.
    pub async fn submit(&mut self, page: &Reply, action: &str, pairs: &[(&str, &str)]) -> Reply {
        let html = page.text();
        let form = html.split("<form").find(|form| form.contains(&format!("action=\"{action}\""))).unwrap();
        let hidden: Vec<(String, String)> =
            form.split("<input type=\"hidden\" name=\"").skip(1).map(field).collect();
        let mut all: Vec<(&str, &str)> = hidden.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        all.extend_from_slice(pairs);
        self.post(action, &all).await
    }

    pub async fn follow(&mut self, reply: &Reply) -> Reply {
        assert_eq!(reply.status, 303, "{}", reply.text());
        let target = reply.header("location").to_owned();
        self.get(&target).await
    }

    /// Signs in and answers with what `/authorize` says then.
    pub async fn sign_in(&mut self, authorize: &str, person: &str) -> Reply {
        let page = self.get(authorize).await;
        let sent = self.submit(&page, "/sign-in", &[("person", person)]).await;
        self.follow(&sent).await
    }
}

fn field(html: &str) -> (String, String) {
    let (name, rest) = html.split_once("\" value=\"").unwrap();
    let (value, _) = rest.split_once('"').unwrap();
    (name.to_owned(), value.replace("&#38;", "&").replace("&amp;", "&"))
}

const THREE: [(&str, &str); 5] = [
    ("stay", "1"),
    ("decision", "allow"),
    ("scope", "profile.read"),
    ("scope", "postcards.read"),
    ("scope", "postcards.write"),
];

#[tokio::test]
async fn ada_signs_in_allows_and_is_remembered() {
    let world = World::start().await;
    let mut browser = Browser::new(&world);
    let path = world.authorize_path(&[]);
    let consent = browser.sign_in(&path, "ada").await;
    assert!(consent.text().contains("“Fieldnote dev” asks to"));
    let sent = browser.submit(&consent, "/consent", &THREE).await;
    assert_eq!(sent.param("state").as_deref(), Some("cnry_state"));
    tokens(&world.exchange(&sent.param("code").unwrap()).await);
    let again = browser.get(&path).await;
    assert!(again.param("code").is_some(), "a remembered grant needs no page");
}

#[tokio::test]
async fn new_permissions_ask_again_for_those_only() {
    let world = World::start().await;
    let mut browser = Browser::new(&world);
    let consent = browser.sign_in(&world.authorize_path(&[("scope", "profile.read")]), "ada").await;
    browser
        .submit(&consent, "/consent", &[("decision", "allow"), ("scope", "profile.read"), ("stay", "1")])
        .await;
    let more = browser.get(&world.authorize_path(&[("scope", "profile.read postcards.read")])).await;
    assert!(more.text().contains("You already allow it to read your profile"));
    assert!(!more.text().contains("value=\"profile.read\""));
    let sent = browser.submit(&more, "/consent", &[("decision", "allow"), ("scope", "postcards.read")]).await;
    let reply = world.exchange(&sent.param("code").unwrap()).await;
    assert_eq!(reply.json()["scope"], "profile.read postcards.read");
}

#[tokio::test]
async fn unticked_scopes_are_not_granted_and_none_at_all_is_a_no() {
    let world = World::start().await;
    let mut browser = Browser::new(&world);
    let consent = browser.sign_in(&world.authorize_path(&[]), "ada").await;
    let none = browser.submit(&consent, "/consent", &[("decision", "allow"), ("stay", "1")]).await;
    assert_eq!(none.param("error").as_deref(), Some("access_denied"));
    let one = browser
        .submit(&consent, "/consent", &[("decision", "allow"), ("scope", "profile.read"), ("stay", "1")])
        .await;
    assert_eq!(world.exchange(&one.param("code").unwrap()).await.json()["scope"], "profile.read");
    let forged = [("decision", "allow"), ("scope", "postcards.delete")];
    let more = browser.submit(&consent, "/consent", &forged).await;
    let scope = world.exchange(&more.param("code").unwrap()).await.json()["scope"].clone();
    assert_eq!(scope, "profile.read", "a scope that was not asked cannot be ticked");
}

#[tokio::test]
async fn deny_goes_back_with_access_denied() {
    let world = World::start().await;
    let mut browser = Browser::new(&world);
    let consent = browser.sign_in(&world.authorize_path(&[]), "ada").await;
    let sent = browser.submit(&consent, "/consent", &[("decision", "deny")]).await;
    assert_eq!(sent.param("error").as_deref(), Some("access_denied"));
    assert_eq!(sent.param("iss").as_deref(), Some(world.control.url()));
}

#[tokio::test]
async fn ben_has_no_allow_button_and_dee_unticks_one() {
    let world = World::start().await;
    let mut ben = Browser::new(&world);
    let page = ben.sign_in(&world.authorize_path(&[]), "ben").await;
    assert!(!page.text().contains("value=\"allow\""));
    let forced = ben.submit(&page, "/consent", &THREE).await;
    assert_eq!(forced.param("error").as_deref(), Some("access_denied"));
    let mut dee = Browser::new(&world);
    let page = dee.sign_in(&world.authorize_path(&[]), "dee").await.text();
    assert!(page.contains("value=\"postcards.read\" checked"));
    assert!(page.contains("value=\"postcards.write\">"));
}

#[tokio::test]
async fn cy_needs_an_administrator() {
    let world = World::start().await;
    let mut browser = Browser::new(&world);
    let page = browser.sign_in(&world.authorize_path(&[]), "cy").await;
    assert!(page.text().contains("An administrator must approve"));
    let skipped = browser.submit(&page, "/consent", &THREE).await;
    assert_eq!(skipped.param("error").as_deref(), Some("consent_required"), "the form alone is not enough");
    let asked = browser.submit(&page, "/consent", &[("decision", "ask-administrator")]).await;
    assert_eq!(asked.param("error").as_deref(), Some("consent_required"));
    let approved = browser.submit(&page, "/consent", &[("decision", "approve-as-administrator")]).await;
    let consent = browser.follow(&approved).await;
    let sent = browser.submit(&consent, "/consent", &THREE).await;
    assert!(sent.param("code").is_some());
}

#[tokio::test]
async fn prompts_are_obeyed() {
    let world = World::start().await;
    let mut browser = Browser::new(&world);
    let silent = world.authorize_path(&[("prompt", "none")]);
    assert_eq!(browser.get(&silent).await.param("error").as_deref(), Some("login_required"));
    let consent = browser.sign_in(&world.authorize_path(&[]), "ada").await;
    assert_eq!(browser.get(&silent).await.param("error").as_deref(), Some("consent_required"));
    browser.submit(&consent, "/consent", &THREE).await;
    assert!(browser.get(&silent).await.param("code").is_some());
    let again = browser.get(&world.authorize_path(&[("prompt", "consent")])).await;
    assert!(again.text().contains("asks to"));
    let login = browser.get(&world.authorize_path(&[("prompt", "login")])).await;
    assert!(login.text().contains("Pick a person"));
    let sent = browser.submit(&login, "/sign-in", &[("person", "eve")]).await;
    assert!(!sent.header("location").contains("prompt"), "signing in must not loop");
}

#[tokio::test]
async fn any_typed_name_can_sign_in() {
    let world = World::start().await;
    let mut browser = Browser::new(&world);
    let page = browser.get(&world.authorize_path(&[])).await;
    let sent = browser.submit(&page, "/sign-in", &[("name", "Zoë <b>")]).await;
    let consent = browser.follow(&sent).await;
    assert!(consent.text().contains("Zoë &#60;b&#62;") && !consent.text().contains("Zoë <b>"));
    let page = browser.get(&world.authorize_path(&[("prompt", "login")])).await;
    assert_eq!(browser.submit(&page, "/sign-in", &[("name", "  ")]).await.status, 400);
}

#[tokio::test]
async fn forms_from_elsewhere_change_nothing() {
    let world = World::start().await;
    let mut browser = Browser::new(&world);
    let consent = browser.sign_in(&world.authorize_path(&[]), "ada").await;
    let query = world.authorize_path(&[]).replace("/authorize?", "");
    let forged =
        [("csrf", "guessed"), ("query", query.as_str()), ("decision", "allow"), ("scope", "profile.read")];
    assert_eq!(browser.post("/consent", &forged).await.status, 403);
    assert_eq!(browser.post("/sign-in", &[("person", "eve")]).await.status, 403);
    assert_eq!(browser.post("/sign-out", &[]).await.status, 403);
    assert_eq!(browser.post("/apps/revoke", &[("client_id", "fieldnote")]).await.status, 403);
    let mut stranger = Browser::new(&world);
    assert_eq!(
        stranger.submit(&consent, "/consent", &THREE).await.status,
        403,
        "the token is bound to a session"
    );
}

#[tokio::test]
async fn signing_in_replaces_a_planted_cookie() {
    let world = World::start().await;
    let mut browser = Browser::new(&world);
    let page = browser.get(&world.authorize_path(&[])).await;
    let planted = browser.cookie.clone();
    browser.submit(&page, "/sign-in", &[("person", "ada")]).await;
    assert_ne!(browser.cookie, planted);
    browser.cookie = planted;
    assert!(browser.get("/apps").await.text().contains("Pick a person"));
}

#[tokio::test]
async fn revoking_an_app_ends_its_tokens() {
    let world = World::start().await;
    let mut browser = Browser::new(&world);
    let consent = browser.sign_in(&world.authorize_path(&[]), "ada").await;
    let sent = browser.submit(&consent, "/consent", &THREE).await;
    let pair = tokens(&world.exchange(&sent.param("code").unwrap()).await);
    let apps = browser.get("/apps").await;
    assert!(apps.text().contains("Fieldnote dev") && apps.text().contains("read your profile"));
    let revoked = browser.submit(&apps, "/apps/revoke", &[]).await;
    assert!(browser.follow(&revoked).await.text().contains("No application may use"));
    assert_eq!(world.me(&pair.access).await.status, 401);
    assert_eq!(world.refresh(&pair.refresh).await.status, 400);
    assert!(query(&world.approve("ada", &[]), "code").is_some());
}

#[tokio::test]
async fn a_second_application_is_registered_by_hand() {
    let world = World::start().await;
    let mut browser = Browser::new(&world);
    let page = browser.get("/developers").await;
    let redirect = "http://127.0.0.1:9/cb";
    let sent = [("name", "Second <app>"), ("redirect_uri", redirect)];
    let done = browser.submit(&page, "/developers/apps", &sent).await;
    assert_eq!(done.status, 201);
    let html = done.text();
    assert!(html.contains("Second &#60;app&#62;"));
    let id = html.split("pc_client_").nth(1).and_then(|rest| rest.split('<').next()).unwrap();
    let id = format!("pc_client_{id}");
    assert!(
        query(&world.approve("ada", &[("client_id", &id), ("redirect_uri", redirect)]), "code").is_some()
    );
    let bad =
        browser.submit(&page, "/developers/apps", &[("name", "x"), ("redirect_uri", "javascript:1")]).await;
    assert_eq!(bad.status, 422);
    let forged = browser.post("/developers/apps", &[("name", "x"), ("redirect_uri", redirect)]).await;
    assert_eq!(forged.status, 403);
}

#[tokio::test]
async fn every_page_says_sandbox_and_cannot_be_framed() {
    let world = World::start().await;
    for path in ["/", "/sign-in", "/apps", "/device", "/nowhere", &world.authorize_path(&[])] {
        let page = world.get(path, &[]).await;
        assert!(page.text().contains("SANDBOX") && page.text().contains("no real data"), "{path}");
        assert!(!page.text().contains("<script"), "{path}");
        assert!(page.header("content-security-policy").contains("frame-ancestors 'none'"), "{path}");
        assert_eq!(page.header("cache-control"), "no-store", "{path}");
    }
    assert_eq!(
        world.get("/assets/postcards.css", &[]).await.header("content-type"),
        "text/css; charset=utf-8"
    );
}

#[tokio::test]
async fn a_person_stays_signed_in_only_when_they_want_to() {
    let world = World::start().await;
    let mut browser = Browser::new(&world);
    let consent = browser.sign_in(&world.authorize_path(&[]), "ada").await;
    assert!(consent.text().contains("Stay signed in as Ada Obi"));
    let stayed = browser.submit(&consent, "/consent", &THREE).await;
    assert!(stayed.header("set-cookie").contains("Max-Age=2592000"), "beyond the browser's session");
    assert!(browser.get("/apps").await.text().contains("Apps with access"));
    let again = browser.get(&world.authorize_path(&[("prompt", "consent")])).await;
    let left = browser.submit(&again, "/consent", &THREE[1..]).await;
    assert!(left.param("code").is_some());
    assert!(browser.get("/apps").await.text().contains("Pick a person"), "not without the tick");
}

#[tokio::test]
async fn pages_lead_to_the_switches_where_they_are_known() {
    let mut config = crate::world::config();
    config.switches_url = Some("http://localhost:4300/sandbox".parse().unwrap());
    let sandbox = keybearer_sandbox::Sandbox::start(config).await.unwrap();
    let world = World { address: sandbox.address(), control: sandbox.control(), sandbox };
    let mut browser = Browser::new(&world);
    assert!(world.get("/", &[]).await.text().contains("href=\"http://localhost:4300/sandbox\""));
    let consent = browser.sign_in(&world.authorize_path(&[]), "ada").await;
    assert!(consent.text().contains("href=\"http://localhost:4300/sandbox\""));
}
