//! Connectors of one's own that begin with a document, leave as a file, and change under their connections.

use keybearer_app::connections;
use keybearer_app::providers::{self, CreateProvider};
use keybearer_core::MemberRole;
use serde_json::{Value, json};

use super::connectors::{all, made, send, text, used};
use super::stage::Scene;

const DOCUMENT: &str = r#"
openapi: 3.0.3
info: {title: "<b>CRM</b>"}
servers: [{url: "https://crm.example/api"}]
components:
  securitySchemes:
    oauth:
      type: oauth2
      flows: {authorizationCode: {authorizationUrl: "https://crm.example/a", tokenUrl: "https://crm.example/t", scopes: {read: "<script>alert(1)</script>"}}}
    "<img src=x onerror=alert(2)>": {type: mutualTLS}
    far: {$ref: "http://169.254.169.254/latest#/x"}
"#;

#[tokio::test]
async fn an_openapi_document_becomes_a_draft_that_is_saved_like_any_other() {
    let scene = Scene::set().await;
    let mut ada = scene.owner().await;
    ada.get("/connectors/new/openapi").await;
    let wrong = ada.upload("/connectors/new/openapi", &[("document", "swagger: '2.0'")], &[]).await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.text.contains("The document is of Swagger 2.0"), "{}", wrong.text);
    assert!(wrong.text.contains("swagger: &#39;2.0&#39;"), "what was pasted stays: {}", wrong.text);
    let page = ada
        .upload("/connectors/new/openapi", &[("document", "")], &[("file", "crm.yaml", DOCUMENT.as_bytes())])
        .await;
    assert_eq!(page.status, 200, "{}", page.text);
    for told in
        ["Nothing is saved yet", "sign-in of type `mutualTLS`", "nothing outside the document is read"]
    {
        assert!(page.text.contains(told), "{told}: {}", page.text);
    }
    assert!(!page.text.contains("<script>alert") && !page.text.contains("<img src=x"), "{}", page.text);
    assert!(text(&page.text).contains("https://crm.example/api"));
    assert!(all(&scene).await.is_empty(), "nothing is saved");
    let made = send(&mut ada, "/connectors/new", "save", &[]).await;
    assert_eq!(made.status, 303, "{}", made.text);
    assert_eq!(all(&scene).await[0].display_name, "b CRM b");
    ada.get("/connectors/new/openapi").await;
    let long = format!("openapi: 3.0.0\nx: {}", "y".repeat(600 * 1024));
    let refused = ada.upload("/connectors/new/openapi", &[("document", &long)], &[]).await;
    assert_eq!(refused.status, 413, "{}", refused.text);
    let mut vi = scene.member("vi@a.example", "Vi", MemberRole::Viewer).await;
    assert_eq!(vi.get("/connectors/new/openapi").await.status, 403);
}

#[tokio::test]
async fn a_connector_leaves_as_a_file_of_the_catalogue() {
    let scene = Scene::set().await;
    let mut ada = scene.owner().await;
    let one = made(&scene, json!([{"type": "API_KEY", "fields": [{"field_name": "key", "label": "Key\n# x", "query_name": "k"}]}])).await;
    let file = ada.get(&format!("/connectors/{}/connector.yaml", one.identifier)).await;
    assert_eq!(file.headers["content-disposition"], "attachment; filename=\"connector.yaml\"");
    let connector = keybearer_app::connectors::load_connector(&file.text).unwrap();
    assert!(!connector.slug.contains(':') && connector.display_name == one.display_name, "{}", file.text);
    assert_eq!(connector.auth[0].credential_placement.query["k"].source(), "{key}");
    let errors = keybearer_app::connectors::lint::lint(&connector)
        .into_iter()
        .filter(|one| one.level == keybearer_app::connectors::lint::Level::Error);
    assert_eq!(errors.count(), 0, "{}", file.text);
    assert_eq!(ada.get("/connectors/github/connector.yaml").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_says_that_its_connector_changed_until_somebody_looked() {
    let scene = Scene::set().await;
    let mut ada = scene.owner().await;
    let one = made(&scene, json!([{"type": "API_KEY"}])).await;
    let connection = used(&scene, &one.identifier).await;
    let mark = "Definition changed, review";
    assert!(!ada.get("/connections").await.text.contains(mark), "it was made with this version");
    let change = |name: &str, patterns: Value| {
        let new =
            CreateProvider { display_name: name.to_owned(), auth_patterns: patterns, ..one.described() };
        providers::UpdateProvider {
            display_name: new.display_name,
            description: new.description,
            auth_patterns: Some(new.auth_patterns),
            proxy_url: new.proxy_url,
            proxy_enabled: new.proxy_enabled,
            ..providers::UpdateProvider::default()
        }
    };
    let save = |name: &'static str, header: &'static str| {
        let patterns = json!([{"type": "API_KEY", "auth_header_key_override": header}]);
        providers::update(&scene.app, &scene.operator, &one.identifier, change(name, patterns))
    };
    save("two", "X-Two").await.unwrap();
    assert!(ada.get("/connections").await.text.contains(mark));
    let path = format!("/connections/{connection}");
    let page = ada.get(&path).await.text;
    for part in [mark, "version 1 of its connector", "version 2 already", "auth_header_key_override", "X-Two"]
    {
        assert!(page.contains(part), "{part}: {page}");
    }
    // a third version comes before the button is pressed: what was seen is not the one of now
    let action = ada.page.split("action=\"").find(|rest| rest.contains("/definition\"")).unwrap();
    let action = action.split('"').next().unwrap().to_owned();
    save("three", "X-Three").await.unwrap();
    let stale = ada.submit(&action, &[]).await;
    assert_eq!(stale.status, 400, "{}", stale.text);
    assert!(ada.get(&path).await.text.contains("X-Three"));
    let done = ada.submit(&action, &[]).await;
    let page = ada.follow(done).await.text;
    assert!(page.contains("Noted.") && !page.contains(mark), "{page}");
    assert!(
        ada.get("/settings/audit?action=connection.def")
            .await
            .text
            .contains("connection.definition_reviewed")
    );
    save("four", "X-Four").await.unwrap();
    assert!(ada.get("/connections").await.text.contains(mark), "it comes back with the next version");
    let patch = connections::UpdateConnection { label: Some("L".to_owned()), ..Default::default() };
    connections::update(&scene.app, &scene.operator, &connection, patch).await.unwrap();
    assert!(!ada.get("/connections").await.text.contains(mark), "saving the connection is a look at it");
    let found = ada.get("/find?q=four").await.text;
    assert!(found.contains(&format!("href=\"/connectors/{}\"", one.identifier)), "{found}");
}
