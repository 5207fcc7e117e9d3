//! From a connector to a connection in use, to its links and its end.

use keybearer_core::MemberRole;

use super::stage::{Scene, account, connection, hidden};

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
}

#[tokio::test]
async fn a_test_waits_for_the_person_and_follows_by_itself() {
    let scene = Scene::set().await;
    let mut ada = scene.owner().await;
    let id = connection(&mut ada, "notes").await;
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

fn noted<'a>(id: &'a str, note: &'a str) -> [(&'static str, &'a str); 4] {
    [("connection", id), ("user", "u-1"), ("lifetime", "3600"), ("note", note)]
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
    let long = "n".repeat(201);
    let refused = ada.submit("/links", &noted(&id, &long)).await;
    assert!(
        refused.text.contains("The note must be one line of at most 200 characters."),
        "{}",
        refused.text
    );
    assert!(refused.status == 422 && refused.text.contains(&long), "what was typed is kept");
    let made = ada.submit("/links", &noted(&id, "Ticket <4711>")).await;
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
    assert!(ada.get("/accounts?q=nobody-here").await.text.contains("No account fits."));
    let listed = ada.get("/accounts?q=u-1").await.text;
    let account = listed.split("/accounts/ca_").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let told = ada.get(&format!("/accounts/ca_{account}")).await.text;
    assert!(told.contains("Ticket &#60;4711&#62;"), "{told}");
}

#[tokio::test]
async fn the_open_pages_of_a_user_are_ended_from_their_page() {
    let scene = Scene::set().await;
    let mut ada = scene.owner().await;
    connection(&mut ada, "notes").await;
    account(&scene, "notes", "u-1").await;
    ada.get("/users/u-1").await;
    assert!(ada.page.contains("End the open ones"));
    ada.submit("/users/u-1/page", &[]).await;
    ada.get("/users/u-1").await;
    let ended = ada.submit("/users/u-1/pages/end", &[]).await;
    assert!(ada.follow(ended).await.text.contains("Pages ended: 1. What is connected stays connected."));
    let mut vi = scene.member("vi@a.example", "Vi", MemberRole::Viewer).await;
    assert!(!vi.get("/users/u-1").await.text.contains("/pages/end"));
}
