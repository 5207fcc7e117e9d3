//! The browser of a connect link at the API, from outside: what its cookies open, and what they do not.

use http::Method;
use keybearer_testkit::TempDir;
use serde_json::{Value, json};

use crate::peers::process::Server;

const THIS: &str = "/api/v1/connected_accounts/this";

struct Scene {
    server: Server,
    _folder: TempDir,
    /// The cookies of a browser that opened a link for `ada`.
    cookies: String,
    ada: String,
}

impl Scene {
    async fn set() -> Self {
        let folder = keybearer_testkit::temp_dir().unwrap();
        std::fs::create_dir_all(folder.path().join("connectors")).unwrap();
        let server =
            Server::start(&folder.path().join("data"), &folder.path().join("connectors"), None).await;
        let ada = account(&server, "ada").await;
        let cookies = open_link(&server, "ada").await;
        Self { server, _folder: folder, cookies, ada }
    }

    /// A call with the cookies and these headers.
    async fn browse(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> (u16, Value) {
        let mut all = vec![("cookie", self.cookies.as_str()), ("content-type", "application/json")];
        all.extend_from_slice(headers);
        let body = if method == Method::GET { "" } else { "{}" };
        let answer = self.server.http.send(method, path, &all, body.to_owned()).await;
        (answer.status().as_u16(), serde_json::from_slice(answer.body()).unwrap_or_default())
    }

    async fn status(&self) -> Value {
        let path = format!("/api/v1/connected_accounts/{}", self.ada);
        self.server.api(Method::GET, &path, Value::Null).await["connected_account"]["status"].clone()
    }
}

async fn account(server: &Server, user: &str) -> String {
    let body = json!({
        "connector": "postcards", "identifier": user,
        "connected_account": {"authorization_details": {"oauth_token": {"access_token": "cnry-at"}}},
    });
    let made = server.api(Method::POST, "/api/v1/connected_accounts", body).await;
    made["connected_account"]["id"].as_str().unwrap().to_owned()
}

async fn open_link(server: &Server, user: &str) -> String {
    let body = json!({"connector": "postcards", "identifier": user});
    let link = server.api(Method::POST, "/api/v1/connected_accounts/magic_link", body).await;
    let page = server.http.send(Method::GET, link["link"].as_str().unwrap(), &[], String::new()).await;
    let cookies = page.headers().get_all("set-cookie").iter();
    let pairs = cookies.map(|line| line.to_str().unwrap().split(';').next().unwrap().to_owned());
    pairs.collect::<Vec<_>>().join("; ")
}

#[tokio::test]
async fn cookies_of_a_link_show_its_account_without_secrets() {
    let scene = Scene::set().await;
    let (status, answer) = scene.browse(Method::GET, THIS, &[]).await;
    assert_eq!((status, &answer["connected_account"]["id"]), (200, &json!(scene.ada)), "{answer}");
    assert!(!answer.to_string().contains("cnry"), "{answer}");
    let without = scene.server.http.send(Method::GET, THIS, &[], String::new()).await;
    assert_eq!(without.status(), 401);
    for half in scene.cookies.split("; ") {
        let headers = [("cookie", half)];
        let answer = scene.server.http.send(Method::GET, THIS, &headers, String::new()).await;
        assert_eq!(answer.status(), 401, "{half}");
    }
}

#[tokio::test]
async fn a_change_needs_this_origin() {
    let scene = Scene::set().await;
    let path = "/api/v1/connected_accounts/this:disconnect";
    let home = scene.server.process.text("url");
    for foreign in [
        &[][..],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site"), ("origin", home.as_str())],
        &[("sec-fetch-site", "none")],
    ] {
        let (status, answer) = scene.browse(Method::POST, path, foreign).await;
        assert_eq!((status, &answer["code"]), (403, &json!(7)), "{foreign:?} {answer}");
    }
    assert_eq!(scene.browse(Method::GET, THIS, &[("sec-fetch-site", "cross-site")]).await.0, 403);
    assert_eq!(scene.status().await, "ACTIVE");
    let (status, answer) = scene.browse(Method::POST, path, &[("origin", &home)]).await;
    assert_eq!((status, &answer["connected_account"]["status"]), (200, &json!("DISCONNECTED")), "{answer}");
}

#[tokio::test]
async fn a_link_for_another_account_is_refused() {
    let scene = Scene::set().await;
    let ben = account(&scene.server, "ben").await;
    let here = [("sec-fetch-site", "same-origin")];
    for (method, path) in [
        (Method::GET, format!("/api/v1/connected_accounts/{ben}")),
        (Method::POST, format!("/api/v1/connected_accounts/{ben}:disconnect")),
        (Method::GET, "/api/v1/connected_accounts/ca_1".to_owned()),
    ] {
        let (status, answer) = scene.browse(method, &path, &here).await;
        assert_eq!((status, &answer["code"]), (403, &json!(7)), "{path} {answer}");
    }
    let (status, answer) = scene.browse(Method::POST, "/api/v1/connected_accounts/-:disconnect", &here).await;
    assert_eq!((status, &answer["connected_account"]["id"]), (200, &json!(scene.ada)));
}

#[tokio::test]
async fn everything_else_still_wants_a_token() {
    let scene = Scene::set().await;
    let here = [("sec-fetch-site", "same-origin")];
    for (method, path) in [
        (Method::GET, "/api/v1/connected_accounts"),
        (Method::GET, "/api/v1/connected_accounts/auth?connector=postcards&identifier=ada"),
        (Method::GET, "/api/v1/connected_accounts/details?connector=postcards&identifier=ada"),
        (Method::POST, "/api/v1/connected_accounts:delete"),
        (Method::POST, "/api/v1/connected_accounts/magic_link"),
        (Method::POST, "/api/v1/connected_accounts/org_wide/authorize"),
        (Method::GET, "/api/v1/connections/app"),
        (Method::GET, "/api/v1/organizations"),
        (Method::GET, "/proxy/postcards"),
    ] {
        let (status, answer) = scene.browse(method, path, &here).await;
        assert_eq!(status, 401, "{path} {answer}");
    }
    // what a token says goes before what cookies say
    let wrong = [("authorization", "Bearer wrong"), here[0]];
    assert_eq!(scene.browse(Method::GET, THIS, &wrong).await.0, 401);
}

#[tokio::test]
async fn what_is_for_browsers_only_refuses_a_token() {
    let scene = Scene::set().await;
    let bearer = format!("Bearer {}", scene.server.token());
    for path in [
        "/api/v1/connected_accounts/portal/redirect_url",
        "/api/v1/my-app-connections",
        "/api/v1/my-providers",
        "/api/v1/agentkit/tool_call_logs:this",
    ] {
        let headers = [("authorization", bearer.as_str())];
        let answer = scene.server.http.send(Method::GET, path, &headers, String::new()).await;
        assert_eq!(answer.status(), 403, "{path}");
    }
    let headers = [("authorization", bearer.as_str())];
    let answer = scene.server.http.send(Method::GET, THIS, &headers, String::new()).await;
    assert_eq!(answer.status(), 400, "an API client has no account of its own");
}

#[tokio::test]
async fn the_redirect_leads_to_the_provider_and_the_users_other_accounts_stay_closed() {
    let scene = Scene::set().await;
    let (status, answer) =
        scene.browse(Method::GET, "/api/v1/connected_accounts/portal/redirect_url", &[]).await;
    let sandbox = scene.server.process.text("sandbox_url");
    assert_eq!(status, 200, "{answer}");
    assert!(answer["redirect_url"].as_str().unwrap().starts_with(&sandbox), "{answer}");
    for path in ["/api/v1/my-app-connections", "/api/v1/my-providers"] {
        let (status, answer) = scene.browse(Method::GET, path, &[]).await;
        assert_eq!(status, 403, "{path} {answer}");
        assert!(answer.to_string().contains("links_open_all_accounts"), "{answer}");
    }
}
