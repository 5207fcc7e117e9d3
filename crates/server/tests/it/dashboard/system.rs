//! The system check as a page.

use std::time::Duration;

use keybearer_core::MemberRole;

use super::stage::{Scene, connection};

#[tokio::test(flavor = "multi_thread")]
async fn the_page_comes_at_once_and_the_slow_lines_follow() {
    let scene = Scene::set().await;
    let mut ada = scene.owner().await;
    let first = ada.get("/system").await;
    assert_eq!(first.status, 200);
    for line in
        ["Version", "Database", "Migrations", "Encryption key", "Data keys", "Webhook queue", "Refreshes"]
    {
        assert!(first.text.contains(&format!("<b>{line}</b>")), "{line}: {}", first.text);
    }
    assert!(
        first.text.contains("under way") && first.text.contains("http-equiv=\"refresh\""),
        "{}",
        first.text
    );
    let again = ada.submit("/system", &[]).await;
    let page = ada.follow(again).await.text;
    assert!(!page.contains("under way") && !page.contains("http-equiv=\"refresh\""), "{page}");
    assert!(page.contains("<b>Address</b>"), "{page}");
    assert!(
        page.contains("Nothing accepts connections at http://localhost:4300") || page.contains("answered at"),
        "{page}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_cannot_be_reached_is_one_line_and_the_report_names_nobody() {
    let scene = Scene::set().await;
    let mut ada = scene.owner().await;
    connection(&mut ada, "cnry-notes").await;
    ada.get("/system").await;
    let again = ada.submit("/system", &[]).await;
    let page = ada.follow(again).await.text;
    assert!(page.contains("127.0.0.1 may not be contacted by the address filter."), "{page}");
    assert!(page.contains("add it to egress.allow"), "{page}");
    let report = page.split("<pre id=\"report\"").nth(1).unwrap().split("</pre>").next().unwrap();
    assert!(report.contains("[name 1]") && report.contains("problem"), "{report}");
    for name in ["127.0.0.1", "localhost", "cnry-notes"] {
        assert!(!report.contains(name), "{name} stands in the report: {report}");
    }
}

#[tokio::test]
async fn only_who_reads_logs_sees_the_check() {
    let scene = Scene::set().await;
    scene.owner().await;
    let mut vi = scene.member("vi@a.example", "Vi", MemberRole::Viewer).await;
    assert_eq!(vi.get("/system").await.status, 403);
    let mut au = scene.member("au@a.example", "Au", MemberRole::Auditor).await;
    assert_eq!(au.get("/system").await.status, 200);
    let _ = tokio::time::timeout(Duration::from_secs(8), au.submit("/system", &[])).await.unwrap();
}
