//! Connections without scripts: presets, names that are taken, whose app people see, secrets, tests that nobody answers.

use std::sync::Arc;
use std::time::Duration;

use keybearer_app::SharedCredential;
use keybearer_core::{FixedClock, MemberRole};
use keybearer_testkit::TEST_TIME;

use super::stage::{Browser, Scene, account, connection, hidden};

async fn draft(ada: &mut Browser, values: &[(&str, &str)]) -> String {
    ada.get("/connections/new/postcards").await;
    let mut all = vec![("method", "oauth2")];
    all.extend(values);
    let begun = ada.submit("/connections/new/postcards", &all).await;
    let setup = begun.location.clone();
    ada.follow(begun).await;
    setup
}

#[tokio::test]
async fn a_preset_is_taken_without_scripts_and_what_was_typed_is_kept() {
    let scene = Scene::set().await;
    let mut ada = scene.owner().await;
    let setup = draft(&mut ada, &[]).await;
    let asked = [
        ("do", "preset-read"),
        ("label", "Typed before"),
        ("scope", "postcards.write"),
        ("scopes_shown", "1"),
    ];
    let taken = ada.submit(&setup, &asked).await;
    let page = ada.follow(taken).await.text;
    assert!(page.contains("id=\"all-scopes\" hidden>profile.read postcards.read<"), "{page}");
    assert!(page.contains("value=\"Typed before\""));
    assert_eq!(ada.submit(&setup, &[("do", "preset-everything")]).await.status, 400);
}

#[tokio::test]
async fn a_name_that_is_taken_comes_with_a_free_one_and_a_secret_must_be_typed_again() {
    let scene = Scene::set().await;
    let mut ada = scene.owner().await;
    connection(&mut ada, "notes").await;
    let setup = draft(&mut ada, &[]).await;
    let values =
        [("do", "save"), ("name", "notes"), ("client_id", "id-1"), ("client_secret", "cnry-secret-typed")];
    let refused = ada.submit(&setup, &values).await;
    assert_eq!(refused.status, 422);
    let says = "`notes` is used by another connection in default. Names are how your code finds a connection. Try `notes-2`.";
    assert!(refused.text.contains(says), "{}", refused.text);
    assert!(
        refused.text.contains("Type it again: it was not saved.") && !refused.text.contains("cnry-secret")
    );
}

#[tokio::test]
async fn the_shared_app_says_whose_name_people_see_and_who_shares_the_quota() {
    let scene = Scene::tuned("http://localhost:4300", |parts| {
        let shared = SharedCredential {
            app_name: "Dev Sandbox App".to_owned(),
            client_id: "operators".to_owned(),
            client_secret: "cnry-operators-secret".into(),
            scopes: Vec::new(),
        };
        parts.config.shared_credentials.insert("postcards".to_owned(), shared);
    })
    .await;
    let mut ada = scene.owner().await;
    draft(&mut ada, &[("source", "shared")]).await;
    let second = draft(&mut ada, &[("source", "shared")]).await;
    let page = ada.get(&second).await.text;
    let says = "People will see “Dev Sandbox App” at Postcards, not your name, and the quota is shared by 2 connections.";
    assert!(page.contains(says) && !page.contains("cnry"), "{page}");
    assert!(ada.get("/connections/new?shared=1").await.text.contains("Works with shared credentials"));
}

#[tokio::test]
async fn a_test_that_nobody_answers_asks_after_ten_minutes_and_can_be_stopped() {
    let clock = Arc::new(FixedClock::new(TEST_TIME));
    let shared: Arc<FixedClock> = Arc::clone(&clock);
    let scene = Scene::tuned("http://localhost:4300", |parts| parts.clock = shared).await;
    let mut ada = scene.owner().await;
    let id = connection(&mut ada, "notes").await;
    ada.get(&format!("/connections/{id}")).await;
    let started = ada.submit(&format!("/connections/{id}/test"), &[]).await;
    let test = started.location.clone();
    let page = ada.follow(started).await.text;
    assert!(page.contains("Connect as yourself") && page.contains("Begun by Ada"), "{page}");
    assert!(page.contains("content=\"3\""), "looks again by itself");
    clock.advance(Duration::from_secs(601));
    let page = ada.get(&test).await.text;
    assert!(page.contains("Still waiting") && page.contains("Open the page again"), "{page}");
    let stopped = ada.submit(&format!("{test}/stop"), &[]).await;
    assert!(ada.follow(stopped).await.text.contains("Test stopped."));
    assert!(ada.get(&test).await.text.contains("The link ended."));
}

#[tokio::test]
async fn accounts_leave_their_app_only_by_the_typed_name() {
    let scene = Scene::set().await;
    let mut ada = scene.owner().await;
    let id = connection(&mut ada, "notes").await;
    account(&scene, "notes", "u-1").await;
    let to = format!("/connections/{id}/credentials");
    let page = ada.get(&to).await.text;
    assert!(page.contains("The 1 account on the present app"), "{page}");
    let values =
        [("do", "client"), ("client_id", "id-2"), ("client_secret", "secret-of-two"), ("existing", "drop")];
    let form: Vec<(String, String)> = hidden(&page, "x");
    let post = |typed: &str| {
        let mut pairs = form.clone();
        pairs.extend(values.map(|(name, value)| (name.to_owned(), value.to_owned())));
        pairs.extend([("typed".to_owned(), typed.to_owned()), ("accounts".to_owned(), "1".to_owned())]);
        pairs
    };
    let refused = ada.post(&to, &post("note"), &[("sec-fetch-site", "same-origin")]).await;
    assert_eq!(refused.status, 422);
    assert!(refused.text.contains("The name must be notes to confirm."), "{}", refused.text);
    let done = ada.post(&to, &post("notes"), &[("sec-fetch-site", "same-origin")]).await;
    let page = ada.follow(done).await.text;
    assert!(page.contains("1 account left the earlier app"), "{page}");
}

#[tokio::test]
async fn whoever_may_only_look_gets_no_buttons() {
    let scene = Scene::set().await;
    let mut ada = scene.owner().await;
    let id = connection(&mut ada, "notes").await;
    let mut vera = scene.member("vera@fieldnote.example", "Vera", MemberRole::Viewer).await;
    let setup = vera.get(&format!("/connections/{id}/setup")).await;
    assert_eq!(setup.status, 200);
    assert!(!setup.text.contains("Save and test") && !setup.text.contains(">Replace<"), "{}", setup.text);
    for path in ["test", "duplicate", "links", "credentials"] {
        let refused = vera
            .submit(&format!("/connections/{id}/{path}"), &[("do", "secret"), ("client_secret", "x")])
            .await;
        assert_eq!(refused.status, 403, "{path}");
    }
}
