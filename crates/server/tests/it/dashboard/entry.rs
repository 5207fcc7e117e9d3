//! Who gets in, and what counts as theirs.

use keybearer_app::members;
use keybearer_core::MemberRole;

use super::stage::{PASSWORD, Scene, account, connection, hidden, path};

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
async fn a_sign_in_form_of_another_browser_lets_nobody_in() {
    let scene = Scene::set().await;
    scene.owner().await;
    let (mut browser, mut other) = (scene.browser(), scene.browser());
    browser.get("/login").await;
    other.get("/login").await;
    let typed = |mut pairs: Vec<(String, String)>| {
        pairs.extend(
            [("email", "ada@fieldnote.example"), ("password", PASSWORD)]
                .map(|(name, value)| (name.into(), value.into())),
        );
        pairs
    };
    let own = hidden(&browser.page, "/login");
    let same = [("sec-fetch-site", "same-origin")];
    for foreign in [hidden(&other.page, "/login"), Vec::new()] {
        let answer = browser.post("/login", &typed(foreign), &same).await;
        assert_eq!(answer.status, 403, "{}", answer.text);
        assert!(browser.get("/").await.location.starts_with("/login"));
    }
    assert_eq!(browser.post("/login", &typed(own), &same).await.status, 303);
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
        ("/users/u-1/pages/end".to_owned(), 403),
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

#[tokio::test]
async fn the_first_run_tells_what_the_server_is_and_when_its_link_ended() {
    let scene = Scene::at("http://localhost:9").await;
    let link = members::setup_link(&scene.app, &scene.operator).await.unwrap().unwrap();
    let at = link.as_str().strip_prefix("http://localhost:9").unwrap().to_owned();
    let mut browser = scene.browser();
    let page = browser.get(&at).await;
    assert_eq!(page.status, 200, "{}", page.text);
    assert!(
        page.text.contains("root.key") && page.text.contains("Keep a copy apart from the database"),
        "{}",
        page.text
    );
    assert!(page.text.contains("sqlite answers in"), "{}", page.text);
    // nobody listens there: the page says so, and what to do
    let lines = browser.get(&at.replace("/setup?", "/setup/checks?")).await;
    assert!(
        lines.text.contains("http://localhost:9") && lines.text.contains("What to do:"),
        "{}",
        lines.text
    );
    assert!(
        lines.text.contains("Nothing accepts connections") && !lines.text.contains("<html"),
        "{}",
        lines.text
    );
    assert_eq!(browser.get("/setup/checks?t=nothing").await.status, 410, "for whoever has the link");
    assert_eq!(browser.get("/setup/checks").await.status, 410);
    browser.get(&at).await;
    let made = browser.submit("/setup", &[("email", "ada@a.example"), ("password", PASSWORD)]).await;
    assert_eq!(made.status, 303, "{}", made.text);
    let used = scene.browser().get(&at).await;
    assert_eq!(used.status, 410);
    assert!(
        used.text.contains("This set-up link was used on 20") && used.text.contains(" UTC."),
        "{}",
        used.text
    );
    assert!(used.text.contains("keybearer members link ADDRESS"), "{}", used.text);
    let lines = scene.browser().get(&at.replace("/setup?", "/setup/checks?")).await;
    assert_eq!(lines.status, 410, "nobody learns anything with a link that is over");
}
