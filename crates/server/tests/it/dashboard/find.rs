//! The find box, and what a refusal says beyond itself.

use keybearer_core::MemberRole;

use super::stage::{Scene, account, connection};

#[tokio::test]
async fn every_page_that_find_names_is_there() {
    let scene = Scene::set().await;
    let mut ada = scene.owner().await;
    let text = ada.get("/find").await.text;
    let hits = text
        .split("<div id=\"hits\"")
        .nth(1)
        .unwrap()
        .split("<section aria-labelledby=\"keys-h\"")
        .next()
        .unwrap();
    let pages: Vec<String> =
        hits.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect();
    assert!(pages.len() >= 15, "{pages:?}");
    for page in pages {
        let answer = ada.get(&page).await;
        assert!(matches!(answer.status, 200 | 303), "{page}: {}", answer.status);
    }
}

#[tokio::test]
async fn find_names_what_this_member_may_see_and_nothing_else() {
    let scene = Scene::set().await;
    let mut ada = scene.owner().await;
    connection(&mut ada, "notes").await;
    let id = account(&scene, "notes", "cnry-user-1").await;
    let found = ada.get("/find?q=cnry-user").await.text;
    assert!(
        found.contains(&format!("href=\"/accounts/{id}\"")) && found.contains("href=\"/users/cnry-user-1\"")
    );
    assert!(
        ada.get("/find?q=ntoes").await.text.contains("<b class=\"line\">notes</b>"),
        "a slip is forgiven"
    );
    assert!(ada.get("/find?q=zzzzzz").await.text.contains("Nothing is called so."));
    let hostile = ada.get("/find?q=%3Cscript%3Ealert(1)%3C%2Fscript%3E").await.text;
    assert!(!hostile.contains("<script>alert(1)"));
    let reference = ada.get("/connections/none").await.text;
    let reference = reference.split("Ref <code>").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let mut vera = scene.member("v@a.example", "Vera", MemberRole::Viewer).await;
    let seen = vera.get(&format!("/find?q={reference}")).await.text;
    assert!(!seen.contains("/logs/"), "a viewer may not read the log");
}

#[tokio::test]
async fn a_refusal_says_what_is_near_which_role_it_takes_and_who_has_it() {
    let scene = Scene::set().await;
    let mut ada = scene.owner().await;
    connection(&mut ada, "postcards-live").await;
    let lost = ada.get("/connections/postcard-live/setup").await;
    assert_eq!(lost.status, 404);
    assert!(lost.text.contains("Looked for: <b class=\"line\">postcard-live</b>"), "{}", lost.text);
    assert!(lost.text.contains("<b class=\"line\">postcards-live</b>"));
    assert!(lost.text.contains("href=\"/find?q=postcard-live\""));
    let hostile = ada.get("/connections/%3Cscript%3Ealert(1)%3C%2Fscript%3E").await;
    assert!(hostile.status == 404 && !hostile.text.contains("<script>alert(1)"));
    let mut vera = scene.member("v@a.example", "Vera", MemberRole::Viewer).await;
    let refused = vera.get("/logs").await;
    assert_eq!(refused.status, 403);
    assert!(
        refused.text.contains("<b>owner, developer or auditor</b>; you have <b>viewer</b>"),
        "{}",
        refused.text
    );
    assert!(refused.text.contains("Ask one of them: <b>"), "{}", refused.text);
}
