//! More than one environment in one dashboard: nothing of one on the pages of another, and no form acts on the wrong one.

use keybearer_app::connections::{self, CreateConnection};
use keybearer_app::{Caller, environments, sessions};
use keybearer_core::{EnvironmentKind, MemberRole};

use super::stage::{Browser, Scene, account, connection, hidden};

/// A production environment beside the first one, with a connection of its own.
async fn second(scene: &Scene) -> Caller {
    let (app, operator) = (&scene.app, &scene.operator);
    environments::create(app, operator, "live", EnvironmentKind::Production).await.unwrap();
    let inside = environments::enter(app, operator, "live").await.unwrap();
    let new = CreateConnection {
        connector: "postcards".to_owned(),
        name: Some("live-cards".to_owned()),
        ..CreateConnection::default()
    };
    connections::create(app, &inside, new).await.unwrap();
    inside
}

async fn go(browser: &mut Browser, to: &Caller, back: &str) -> String {
    let to = to.environment.to_string();
    let mut pairs = hidden(&browser.page, "/environment");
    pairs.retain(|(name, _)| name == "csrf");
    pairs.extend([("environment".to_owned(), to), ("back".to_owned(), back.to_owned())]);
    let answer = browser.post("/environment", &pairs, &[("sec-fetch-site", "same-origin")]).await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    answer.location
}

#[tokio::test]
async fn a_page_of_one_environment_shows_nothing_of_another() {
    let scene = Scene::set().await;
    let mut ada = scene.owner().await;
    let id = connection(&mut ada, "notes").await;
    let user = account(&scene, "notes", "cnry-user-1").await;
    let live = second(&scene).await;
    let pages = ["/", "/connections", "/accounts", "/links", "/logs", "/settings", "/system"];
    for page in pages {
        let text = ada.get(page).await.text;
        assert!(!text.contains("live-cards"), "{page} shows a connection of the other environment");
        assert!(text.contains("default (development)") && text.contains("live (production)"), "{page}");
    }
    assert_eq!(go(&mut ada, &live, &format!("/connections/{id}/setup")).await, "/connections");
    for page in pages {
        let answer = ada.get(page).await;
        assert_eq!(answer.status, 200, "{page}");
        assert!(
            !answer.text.contains("cnry-user-1") && !answer.text.contains("/connections/notes"),
            "{page}"
        );
        assert!(!answer.text.contains(&id), "{page} shows a connection of the other environment");
        assert!(
            answer.text.contains("<header class=\"top prod\">") && answer.text.contains("<b>Production</b>"),
            "{page}"
        );
        assert!(answer.text.contains(" — live — Keybearer</title>"), "{page}: the title names it");
    }
    assert!(ada.get("/connections").await.text.contains("live-cards"));
    for foreign in
        [format!("/connections/{id}"), format!("/accounts/{user}"), format!("/connections/{id}/setup")]
    {
        let answer = ada.get(&foreign).await;
        let unknown = ada.get("/connections/conn_1").await;
        assert_eq!((answer.status, unknown.status), (404, 404), "{foreign}");
    }
    // another browser of the same person is where it was
    let mut other = scene.browser();
    other.get("/login").await;
    let password = super::stage::PASSWORD;
    other.submit("/login", &[("email", "ada@fieldnote.example"), ("password", password)]).await;
    assert!(other.get("/connections").await.text.contains("notes"));
}

#[tokio::test]
async fn a_form_of_an_old_tab_says_so_and_changes_nothing() {
    let scene = Scene::set().await;
    let mut ada = scene.owner().await;
    let id = connection(&mut ada, "notes").await;
    let live = second(&scene).await;
    let pause = format!("/connections/{id}/pause");
    ada.get(&format!("/connections/{id}")).await;
    let old = hidden(&ada.page, &pause);
    ada.get("/connections/new/postcards").await;
    let start = hidden(&ada.page, "/connections/new/postcards");
    go(&mut ada, &live, "/").await;
    for (to, form) in [(pause.as_str(), &old), ("/connections/new/postcards", &start)] {
        let answer = ada.post(to, form, &[("sec-fetch-site", "same-origin")]).await;
        assert_eq!(answer.status, 409, "{to}: {}", answer.text);
        assert!(answer.text.contains("This form was made in another environment."), "{to}");
        assert!(answer.text.contains("Switch back to default (development)"), "{to}");
    }
    let of_live =
        connections::list(&scene.app, &live, &Default::default(), &Default::default()).await.unwrap();
    assert_eq!(of_live.total, 1, "no draft was begun in the wrong environment");
    let state = connections::get(&scene.app, &scene.operator, &id).await.unwrap().state;
    assert_eq!(state, keybearer_core::ConnectionState::Active, "nothing was paused");
    // what is about the person works from every tab; back again the old form counts
    let themed = ada.post("/theme", &old, &[("sec-fetch-site", "same-origin")]).await;
    assert_eq!(themed.status, 303);
    let back = ada.submit("/environment", &[]).await;
    assert_eq!(back.status, 404, "the form has no environment of its own: {}", back.text);
    ada.get("/").await;
    go(&mut ada, &scene.operator, "/").await;
    let paused = ada.post(&pause, &old, &[("sec-fetch-site", "same-origin")]).await;
    assert_eq!(paused.status, 303, "{}", paused.text);
}

#[tokio::test]
async fn nobody_goes_where_there_is_nothing_and_forged_forms_go_nowhere() {
    let scene = Scene::set().await;
    scene.owner().await;
    let live = second(&scene).await;
    let mut vi = scene.member("vi@a.example", "Vi", MemberRole::Viewer).await;
    vi.get("/").await;
    assert_eq!(go(&mut vi, &live, "//evil.example").await, "/", "every role can look at every environment");
    let csrf = hidden(&vi.page, "/environment");
    let mut wrong: Vec<_> = csrf.iter().filter(|(name, _)| name == "csrf").cloned().collect();
    wrong.push(("environment".to_owned(), "env_1".to_owned()));
    assert_eq!(vi.post("/environment", &wrong, &[("sec-fetch-site", "same-origin")]).await.status, 404);
    assert_eq!(vi.post("/environment", &wrong, &[("sec-fetch-site", "cross-site")]).await.status, 403);
    let bare = [("csrf".to_owned(), "x.env_1.9".to_owned())];
    assert_eq!(vi.post("/environment", &bare, &[("sec-fetch-site", "same-origin")]).await.status, 403);
}

#[tokio::test]
async fn a_form_from_before_an_update_still_counts_and_a_refusal_says_why() {
    let scene = Scene::set().await;
    let mut ada = scene.owner().await;
    ada.get("/connections/new/postcards").await;
    let to = "/connections/new/postcards";
    let aged = |form: Vec<(String, String)>, carry: &str| -> Vec<(String, String)> {
        let old = |value: &str| format!("{}{carry}", value.split('.').next().unwrap());
        form.into_iter()
            .map(|(name, value)| if name == "csrf" { (name, old(&value)) } else { (name, value) })
            .collect()
    };
    let environment = &scene.operator.environment;
    for carry in [String::new(), format!(".{environment}.0.0.1")] {
        let form = aged(hidden(&ada.page, to), &carry);
        let begun = ada.post(to, &form, &[("sec-fetch-site", "same-origin")]).await;
        assert_eq!(begun.status, 303, "{carry}: {}", begun.text);
    }
    let form = aged(hidden(&ada.page, to), ".env_x.0.0.1");
    assert_eq!(ada.post(to, &form, &[("sec-fetch-site", "same-origin")]).await.status, 409);
    ada.get("/connections/new/postcards").await;
    let form = aged(hidden(&ada.page, to), &format!(".{environment}.0.0.1"));
    let gone = ada.post("/connections/conn_1/pause", &form, &[("sec-fetch-site", "same-origin")]).await;
    assert_eq!(gone.status, 404);
    assert!(gone.text.contains("Keybearer was updated after this page was loaded"), "{}", gone.text);
}

#[tokio::test]
async fn an_entry_is_audited_where_it_leads() {
    let scene = Scene::set().await;
    let mut ada = scene.owner().await;
    let live = second(&scene).await;
    ada.get("/").await;
    go(&mut ada, &live, "/").await;
    let token = keybearer_core::SecretString::from(ada.cookies["kb_session"].as_str());
    let session = sessions::resume(&scene.app, &token).await.unwrap().unwrap();
    assert_eq!(
        (&session.environment.id, &session.caller.environment),
        (&live.environment, &live.environment)
    );
}
