//! The first page: its period, and the steps to a first call.

use keybearer_app::first_steps::{self, FirstSteps};
use keybearer_core::MemberRole;

use super::stage::{Browser, Scene, connection};

#[tokio::test]
async fn figures_and_pictures_are_about_the_period_in_the_address() {
    let scene = Scene::set().await;
    let mut ada = scene.owner().await;
    connection(&mut ada, "notes").await;
    for (path, label, picture) in [
        ("/", "24 hours", "span=24h"),
        ("/?span=7d", "7 days", "span=7d"),
        ("/?span=30d", "30 days", "span=30d"),
        ("/?span=90d", "24 hours", "span=24h"),
        ("/?span=%3Cb%3E", "24 hours", "span=24h"),
    ] {
        let page = ada.get(path).await.text;
        for figure in ["Calls", "Calls failed", "Refreshes failed"] {
            assert!(page.contains(&format!("{figure}, {label}")), "{path}: {figure}");
        }
        assert!(
            page.contains(&format!("aria-current=\"true\"><span class=\"vh\">Last </span>{label}")),
            "{path}"
        );
        assert!(page.contains(&format!("/pictures?{picture}")), "{path}");
        assert_eq!(page.matches("aria-current=\"true\"").count(), 1, "{path}");
    }
    let from = async |ada: &mut Browser, path: &str| {
        let page = ada.get(path).await.text;
        let list = page.split("href=\"/logs?kind=call&#38;from=").nth(1).unwrap();
        let list = format!("/logs?kind=call&from={}", list.split('"').next().unwrap());
        assert_eq!(ada.get(&list).await.status, 200, "{list}");
        list
    };
    let day = from(&mut ada, "/").await;
    let month = from(&mut ada, "/?span=30d").await;
    assert!(month < day, "{month} begins before {day}");
}

#[tokio::test]
async fn the_first_steps_are_hidden_and_come_back_for_one_environment() {
    let scene = Scene::set().await;
    let mut ada = scene.owner().await;
    assert!(ada.get("/").await.text.contains("1 of 5 done"));
    let hidden = ada.submit("/settings/first-steps", &[("do", "hide")]).await;
    let page = ada.follow(hidden).await.text;
    assert!(
        page.contains("Hidden. Settings, General brings it back.") && !page.contains("of 5 done"),
        "{page}"
    );
    let mut dev = scene.member("dev@a.example", "Dev", MemberRole::Developer).await;
    assert!(!dev.get("/").await.text.contains("of 5 done"), "it is one list for everybody");
    let page = ada.get("/settings/general").await.text;
    assert!(page.contains("Somebody hid the list.") && page.contains("Show it again"), "{page}");
    let back = ada.submit("/settings/first-steps", &[("do", "show")]).await;
    assert_eq!(back.location, "/settings/general");
    assert!(ada.follow(back).await.text.contains("Hide it"));
    assert!(ada.get("/").await.text.contains("1 of 5 done"));
    // what they lead to is done, and they stay because somebody wanted them
    first_steps::done(&scene.app, &scene.operator).await.unwrap();
    assert_eq!(first_steps::state(&scene.app, &scene.operator).await.unwrap(), FirstSteps::Restored);
    let mut vi = scene.member("vi@a.example", "Vi", MemberRole::Viewer).await;
    let page = vi.get("/").await.text;
    assert!(page.contains("of 5 done") && !page.contains("/settings/first-steps"), "{page}");
    assert!(!vi.get("/settings/general").await.text.contains("Hide it"));
    ada.get("/settings/general").await;
    assert_eq!(ada.submit("/settings/first-steps", &[("do", "burn")]).await.status, 400);
    vi.get("/settings").await;
    let form = super::stage::hidden(&vi.page, "/sign-out");
    let form = [form, vec![("do".to_owned(), "hide".to_owned())]].concat();
    let refused = vi.post("/settings/first-steps", &form, &[("sec-fetch-site", "same-origin")]).await;
    assert_eq!(refused.status, 403, "{}", refused.text);
    let trail = ada.get("/settings/audit?action=environment.").await.text;
    assert!(
        trail.contains("first steps:</span> hidden") && trail.contains("first steps:</span> restored"),
        "{trail}"
    );
}
