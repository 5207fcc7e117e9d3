//! Single sign-on with an issuer that others wrote (oidc-provider), through the pages.

use std::collections::BTreeMap;

use keybearer_app::{AppParts, SsoConfig, members};
use keybearer_core::MemberRole;
use serde_json::{Value, json};

use super::stage::{Answer, Browser, PASSWORD, Scene, hidden, path};
use crate::peers::browser::until;
use crate::peers::process::Peer;

/// How a failure is told; the hidden note of the passkeys is none.
const ALERT: &str = "class=\"note bad\" role=\"alert\" tabindex";
const HOME: &str = "http://localhost:4300";

struct Stage {
    peer: Peer,
    scene: Scene,
}

impl Stage {
    async fn set(tune: impl FnOnce(&mut SsoConfig)) -> Self {
        let peer = Peer::start("oidc-provider", &[]);
        peer.allow_redirect(&format!("{HOME}/login/sso/callback")).await;
        let mut config = SsoConfig {
            name: "Acme <b>".to_owned(),
            issuer: peer.process.text("issuer"),
            client_id: peer.process.text("client_id"),
            client_secret: Some(peer.process.text("client_secret").into()),
            scopes: vec!["email".to_owned(), "profile".to_owned()],
            allowed_domains: vec!["example.com".to_owned()],
            required_claims: BTreeMap::new(),
            default_role: Some(MemberRole::Viewer),
            role_claim: None,
            roles: BTreeMap::new(),
            link_by_email: false,
            only: false,
        };
        tune(&mut config);
        let parts = |parts: &mut AppParts| {
            parts.config.sso = Some(config);
            parts.egress.allow = vec!["127.0.0.0/8".to_owned()];
        };
        Self { peer, scene: Scene::tuned(HOME, parts).await }
    }

    /// Where a browser is sent back to that leaves through one of our links as somebody.
    async fn there(&self, browser: &mut Browser, link: &str, who: &str) -> String {
        let away = browser.get(link).await;
        assert_eq!(away.status, 303, "{}", away.text);
        assert!(away.location.starts_with(&self.peer.process.text("authorize_url")), "{}", away.location);
        let login: Value = json!({"login": who, "password": "any"});
        path(until(&away.location, HOME, &login).await.as_str())
    }

    async fn come(&self, browser: &mut Browser, link: &str, who: &str) -> Answer {
        let back = self.there(browser, link, who).await;
        browser.get(&back).await
    }
}

fn link_with(page: &str, start: &str) -> String {
    let from = page.find(&format!("href=\"{start}")).expect(start) + 6;
    page[from..].split('"').next().unwrap().replace("&amp;", "&").replace("&#38;", "&")
}

#[tokio::test]
async fn somebody_comes_in_and_sees_what_a_viewer_sees() {
    let stage = Stage::set(|_| {}).await;
    stage.scene.owner().await;
    let mut vi = stage.scene.browser();
    let asked = vi.get("/accounts").await;
    let page = vi.follow(asked).await;
    assert!(page.text.contains("Continue with Acme &#60;b&#62;"), "{}", page.text);
    let link = link_with(&page.text, "/login/sso");
    let arrived = stage.come(&mut vi, &link, "vi").await;
    assert_eq!((arrived.status, arrived.location.as_str()), (303, "/accounts"), "{}", arrived.text);
    let accounts = vi.follow(arrived).await;
    assert_eq!(accounts.status, 200);
    assert!(accounts.text.contains("Name of vi"), "{}", accounts.text);
    let refused = vi.get("/logs").await;
    assert_eq!(refused.status, 403);
    assert!(
        refused.text.contains("Your role does not allow that.")
            && refused.text.contains("An owner can give you"),
        "{}",
        refused.text
    );
    // the same person again, in another browser, is the same member
    let mut again = stage.scene.browser();
    assert_eq!(stage.come(&mut again, "/login/sso", "vi").await.location, "/");
    assert_eq!(members::list(&stage.scene.app, &stage.scene.operator).await.unwrap().len(), 2);
}

#[tokio::test]
async fn what_goes_wrong_is_told_on_the_sign_in_and_nobody_stays_on_an_address_with_a_code() {
    let stage = Stage::set(|config| config.allowed_domains = vec!["elsewhere.example".to_owned()]).await;
    stage.scene.owner().await;
    let mut vi = stage.scene.browser();
    let back = stage.there(&mut vi, "/login/sso?next=/accounts", "vi").await;
    let code = back.split("code=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    let mut other = stage.scene.browser();
    other.get("/login").await;
    for (browser, says) in [
        (&mut other, "was not one to this browser"),
        (&mut vi, "e-mail address like yours may not sign in here"),
    ] {
        let arrived = browser.get(&back).await;
        assert!(arrived.location.starts_with("/login?why="), "{} {}", arrived.location, arrived.text);
        let page = browser.follow(arrived).await;
        assert!(page.text.contains(says) && page.text.contains("Ref "), "{}", page.text);
        assert!(!page.text.contains(&code) && page.text.contains(ALERT), "{}", page.text);
        assert_eq!(browser.get("/").await.status, 303, "still outside");
    }
    let again = vi.get(&back).await;
    assert!(vi.follow(again).await.text.contains("was used before"));
    // words that we did not write are not shown
    let forged = vi.get("/login?why=%3Cscript%3E&reference=%3Cb%3E").await;
    assert!(!forged.text.contains("script&#62;") && !forged.text.contains(ALERT), "{}", forged.text);
    let forged = vi.get("/login?why=domain&reference=%3Cb%3Eabcdef").await;
    assert!(forged.text.contains("may not sign in here") && !forged.text.contains("Ref "), "{}", forged.text);
}

#[tokio::test]
async fn where_it_is_the_only_way_no_other_is_offered_or_taken() {
    let stage = Stage::set(|config| {
        config.only = true;
        config.role_claim = Some("groups".to_owned());
        config.roles = BTreeMap::from([("team-of-alice".to_owned(), MemberRole::Owner)]);
    })
    .await;
    stage.scene.owner().await;
    let mut browser = stage.scene.browser();
    let page = browser.get("/login").await.text;
    assert!(!page.contains("name=\"password\"") && !page.contains("Use a passkey"), "{page}");
    assert!(page.contains("keybearer members link"), "{page}");
    let csrf = browser.get("/setup").await;
    assert_eq!(csrf.location, "/login");
    // whoever writes the form by hand is refused all the same
    let token =
        keybearer_app::sessions::form_token(&stage.scene.app, &browser.cookies["kb_form"]).await.unwrap();
    let pairs: Vec<(String, String)> =
        [("csrf", token.as_str()), ("email", "ada@fieldnote.example"), ("password", PASSWORD)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
    let refused = browser.post("/login", &pairs, &[("sec-fetch-site", "same-origin")]).await;
    assert_eq!(refused.status, 422);
    assert!(refused.text.contains("People sign in with Acme"), "{}", refused.text);
    let mut alice = stage.scene.browser();
    assert_eq!(stage.come(&mut alice, "/login/sso", "alice").await.location, "/");
    assert_eq!(alice.get("/settings/people").await.status, 200, "an owner, as the claim says");
}

#[tokio::test]
async fn an_invitation_ties_its_member_and_a_proof_is_asked_for_anew() {
    let stage = Stage::set(|config| config.default_role = None).await;
    let mut ada = stage.scene.owner().await;
    ada.get("/settings/people").await;
    let made =
        ada.submit("/settings/people", &[("email", "vi@a.example"), ("name", "Vi"), ("role", "owner")]).await;
    let link = made.text.split("id=\"link\">").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let mut vi = stage.scene.browser();
    let welcome = vi.get(&path(&link)).await;
    let way = link_with(&welcome.text, "/login/sso?t=");
    let arrived = stage.come(&mut vi, &way, "vi").await;
    assert_eq!(arrived.location, "/", "{}", arrived.text);
    let home = vi.follow(arrived).await;
    assert!(home.text.contains("Vi"), "{}", home.text);
    let confirm = vi.get("/settings/confirm?next=/settings/people").await;
    assert!(confirm.text.contains("Sign in again with Acme"), "{}", confirm.text);
    let way = link_with(&confirm.text, "/settings/confirm/sso");
    let proved = stage.come(&mut vi, &way, "vi").await;
    assert_eq!(proved.location, "/settings/people", "{}", proved.text);
    let other = stage.come(&mut vi, &way, "mallory").await;
    assert!(other.location.starts_with("/settings/confirm?why=somebody"), "{}", other.location);
    assert!(vi.follow(other).await.text.contains("That was somebody else."));
    assert_eq!(vi.get(&path(&link)).await.status, 410, "the link is used up");
}

#[tokio::test]
async fn an_owner_sees_the_ties_and_unties_one() {
    let stage = Stage::set(|_| {}).await;
    let mut ada = stage.scene.owner().await;
    let mut vi = stage.scene.browser();
    stage.come(&mut vi, "/login/sso", "vi").await;
    assert_eq!(vi.get("/accounts").await.status, 200);
    let page = ada.get("/settings/people").await.text;
    assert!(page.contains("Single sign-on: <code>") && page.contains("last used"), "{page}");
    let untie = link_with(&page, "/settings/people/mbr_");
    let asked = ada.get(&untie).await.text;
    assert!(asked.contains("Untie Name of vi") && asked.contains("no other way in"), "{asked}");
    let mut dev = stage.scene.member("dev@a.example", "Dev", MemberRole::Developer).await;
    assert_eq!(dev.get(&untie).await.status, 403);
    dev.get("/settings").await;
    let form = hidden(&dev.page, "/sign-out");
    assert_eq!(dev.post(&untie, &form, &[("sec-fetch-site", "same-origin")]).await.status, 403);
    let wrong = format!("{}x", &untie[..untie.len() - 1]);
    assert_eq!(ada.get(&wrong).await.status, 404);
    ada.get(&untie).await;
    let done = ada.submit(&untie, &[]).await;
    let page = ada.follow(done).await.text;
    assert!(page.contains("Untied.") && !page.contains("Single sign-on: <code>"), "{page}");
    assert_eq!(vi.get("/accounts").await.status, 303, "their session has ended");
    let trail = ada.get("/settings/audit?action=member.").await.text;
    assert!(trail.contains("member.untied_from_sso"), "{trail}");
    let mut again = stage.scene.browser();
    let back = stage.come(&mut again, "/login/sso", "vi").await;
    assert!(back.location.starts_with("/login?why="), "an address alone ties nobody: {}", back.location);
}
