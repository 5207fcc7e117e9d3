//! The pages of a builder: sandbox, API keys, webhooks, Try it, connectors.

use keybearer_app::clients;
use keybearer_app::webhooks::{self, CreateEndpoint};
use keybearer_app::{PageAsk, Permissions};
use keybearer_core::{EnvironmentKind, MemberRole, OsEntropy, SystemClock};
use keybearer_sandbox::{Sandbox, SandboxConfig};
use keybearer_server::web::{Beside, dashboard_beside};
use std::sync::Arc;

use super::stage::{Browser, Scene, account, connection};

/// The same browser at a dashboard that has the sandbox beside it.
async fn beside(scene: &Scene, browser: Browser, in_production: bool) -> (Sandbox, Browser) {
    let listen = "127.0.0.1:0".parse().unwrap();
    let config =
        SandboxConfig::new(listen, Arc::new(SystemClock), Arc::new(OsEntropy), "cnry-control".into());
    let sandbox = Sandbox::start(config).await.unwrap();
    let here = Beside { control: sandbox.control(), in_production };
    let router = dashboard_beside(scene.app.clone(), Some(here));
    (sandbox, Browser { router, ..browser })
}

/// The text between two others.
fn between<'a>(page: &'a str, before: &str, after: &str) -> &'a str {
    page.split(before).nth(1).unwrap_or_else(|| panic!("no {before} in {page}")).split(after).next().unwrap()
}

async fn new_key(ada: &mut Browser, values: &[(&str, &str)]) -> super::stage::Answer {
    ada.get("/api-keys/new").await;
    ada.submit("/api-keys/new", values).await
}

#[tokio::test]
async fn a_secret_is_on_one_page_and_nowhere_else() {
    let scene = Scene::set().await;
    let mut ada = scene.owner().await;
    let form = [
        ("name", "agent"),
        ("permission", "agent_connectors:execute"),
        ("networks", "192.0.2.0/24\n2001:db8::1"),
    ];
    let made = new_key(&mut ada, &form).await;
    assert_eq!(made.status, 200, "{}", made.text);
    assert_eq!(made.headers["cache-control"], "no-store");
    let secret = between(&made.text, "id=\"secret\">", "</code>").to_owned();
    let id = between(&made.text, "id=\"client\">", "</code>").to_owned();
    assert!(secret.starts_with("kbs_") && secret.len() > 40);
    assert!(!ada.cookies.values().any(|value| value.contains(&secret[4..])), "no cookie holds it");
    for page in [
        "/api-keys".to_owned(),
        format!("/api-keys/{id}"),
        format!("/api-keys/{id}/delete"),
        "/api-keys/new".to_owned(),
    ] {
        let shown = ada.get(&page).await;
        assert_eq!(shown.status, 200, "{page}");
        assert!(!shown.text.contains(&secret), "{page}");
        assert!(!shown.text.contains("kbs_"), "{page}");
    }
    let shown = ada.get(&format!("/api-keys/{id}")).await.text;
    assert!(
        shown.contains(&format!("…{}", &secret[secret.len() - 4..])),
        "its last characters tell it from others"
    );
    assert!(shown.contains("192.0.2.0/24") && shown.contains("never used"));
    let from = |text: &str| Some(text.parse().unwrap());
    clients::issue_token(&scene.app, &id, &secret.as_str().into(), from("192.0.2.7")).await.unwrap();
    clients::issue_token(&scene.app, &id, &secret.as_str().into(), from("192.0.3.7")).await.unwrap_err();
    let delete = ada.get(&format!("/api-keys/{id}/delete")).await.text;
    assert!(delete.contains("It was used") && delete.contains("192.0.2.7"), "{delete}");
    let gone = ada.submit(&format!("/api-keys/{id}/delete"), &[]).await;
    assert!(ada.follow(gone).await.text.contains("API client deleted."));
    clients::issue_token(&scene.app, &id, &secret.as_str().into(), from("192.0.2.7")).await.unwrap_err();
}

#[tokio::test]
async fn a_form_that_is_sent_twice_makes_one_client() {
    let scene = Scene::set().await;
    let mut ada = scene.owner().await;
    ada.get("/api-keys/new").await;
    let form = ada.page.clone();
    let values = [("name", "agent"), ("permission", "agent_logs:read")];
    assert_eq!(ada.submit("/api-keys/new", &values).await.status, 200);
    ada.page = form;
    let again = ada.submit("/api-keys/new", &values).await;
    assert_eq!(again.status, 409);
    assert!(again.text.contains("A client was made since") && !again.text.contains("kbs_"));
    assert!(again.text.contains("value=\"agent\""), "what was typed stays");
    let all = clients::page(&scene.app, &scene.operator, &PageAsk::default()).await.unwrap();
    assert_eq!(all.total, 1);
}

#[tokio::test]
async fn wrong_values_stay_in_the_form_and_are_named() {
    let scene = Scene::set().await;
    let mut ada = scene.owner().await;
    let wrong = new_key(&mut ada, &[("name", "agent"), ("networks", "not-a-network")]).await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.text.contains("The list of networks must be an address or a network"), "{}", wrong.text);
    assert!(wrong.text.contains("value=\"agent\"") && wrong.text.contains("not-a-network"));
}

#[tokio::test]
async fn a_rotation_makes_a_second_secret_and_the_first_ends_later() {
    let scene = Scene::set().await;
    let mut ada = scene.owner().await;
    let made = new_key(&mut ada, &[("name", "agent"), ("permission", "agent_logs:read")]).await;
    let id = between(&made.text, "id=\"client\">", "</code>").to_owned();
    let first = between(&made.text, "id=\"secret\">", "</code>").to_owned();
    let one = format!("/api-keys/{id}");
    ada.get(&one).await;
    let form = ada.page.clone();
    let rotated = ada.submit(&format!("{one}/rotate"), &[("overlap", "86400")]).await;
    assert_eq!(rotated.status, 200, "{}", rotated.text);
    let second = between(&rotated.text, "id=\"secret\">", "</code>").to_owned();
    assert_ne!(first, second);
    let works = |secret: String| {
        let (app, id) = (scene.app.clone(), id.clone());
        async move { clients::issue_token(&app, &id, &secret.into(), None).await.is_ok() }
    };
    assert!(works(first.clone()).await && works(second.clone()).await, "both, for a day");
    ada.page = form;
    let again = ada.submit(&format!("{one}/rotate"), &[("overlap", "86400")]).await;
    assert_eq!(again.status, 400, "the same form once more makes no third one");
    let page = ada.get(&one).await.text;
    let ending = page.split("/secrets/").nth(2).unwrap().split('/').next().unwrap().to_owned();
    let ended = ada.submit(&format!("{one}/secrets/{ending}/end"), &[]).await;
    assert!(ada.follow(ended).await.text.contains("Secret ended."));
    assert!(!works(first).await && works(second).await);
}

#[tokio::test]
async fn nobody_gives_more_than_they_have_and_viewers_see_no_keys() {
    let scene = Scene::set().await;
    let _ada = scene.owner().await;
    let mut dev = scene.member("dev@a.example", "Dev", MemberRole::Developer).await;
    let page = dev.get("/api-keys/new").await.text;
    let access = between(&page, "value=\"connected_accounts:access\"", ">");
    assert!(access.contains("disabled") && !access.contains("checked"), "{access}");
    let more =
        dev.submit("/api-keys/new", &[("name", "x"), ("permission", "connected_accounts:access")]).await;
    assert_eq!(more.status, 403);
    let strong = clients::create(&scene.app, &scene.operator, "strong", Permissions::all()).await.unwrap();
    let shown = dev.get(&format!("/api-keys/{}", strong.client.id)).await.text;
    assert!(shown.contains("may do more than your role") && !shown.contains("/rotate\""), "{shown}");
    let mut viewer = scene.member("v@a.example", "Vi", MemberRole::Viewer).await;
    for page in ["/api-keys", "/api-keys/new", "/webhooks", "/webhooks/new"] {
        assert_eq!(viewer.get(page).await.status, 403, "{page}");
    }
    assert_eq!(dev.get("/api-keys/skc_1").await.status, 404);
    assert_eq!(dev.get("/api-keys/nonsense").await.status, 404);
}

#[tokio::test]
async fn a_webhook_endpoint_is_made_once_and_its_secret_shown_once() {
    let scene = Scene::set().await;
    let mut ada = scene.owner().await;
    ada.get("/webhooks/new").await;
    let refused = ada
        .submit("/webhooks/new", &[("url", "http://127.0.0.1:9/x"), ("which", "all"), ("do", "save")])
        .await;
    assert_eq!(refused.status, 422);
    assert!(refused.text.contains("The address may not be contacted"), "{}", refused.text);
    let form = ada.page.clone();
    // a public name that leads nowhere: it may be an endpoint, and the look at it says that it does not answer
    let values = [
        ("url", "https://hooks.fieldnote.invalid/in?key=cnry-in-query"),
        ("description", "staging"),
        ("which", "some"),
        ("type", "connected_account.deleted"),
        ("do", "save"),
    ];
    let made = ada.submit("/webhooks/new", &values).await;
    assert_eq!(made.status, 200, "{}", made.text);
    let secret = between(&made.text, "id=\"secret\">", "</code>").to_owned();
    assert!(secret.starts_with("whsec_"));
    assert!(made.text.contains("It does not answer"));
    ada.page = form;
    assert_eq!(ada.submit("/webhooks/new", &values).await.status, 409, "the same form once more");
    let all = webhooks::list(&scene.app, &scene.operator, &PageAsk::default()).await.unwrap();
    assert_eq!(
        (all.total, all.items[0].event_types.clone()),
        (1, vec!["connected_account.deleted".to_owned()])
    );
    let one = format!("/webhooks/{}", all.items[0].id);
    for page in ["/webhooks".to_owned(), one.clone(), format!("{one}/edit"), format!("{one}/delete")] {
        let shown = ada.get(&page).await;
        assert_eq!(shown.status, 200, "{page}: {}", shown.text);
        assert!(!shown.text.contains(&secret), "{page}");
    }
    let list = ada.get("/webhooks").await.text;
    assert!(list.contains("https://hooks.fieldnote.invalid/in?…") && !list.contains("cnry-in-query"));
    ada.get(&one).await;
    let sent = ada.submit(&format!("{one}/test"), &[("type", "connected_account.created")]).await;
    let delivery = sent.location.clone();
    assert!(ada.follow(sent).await.text.contains("Test event queued."));
    assert!(ada.get(&one).await.text.contains(&delivery));
    assert!(ada.get(&format!("{one}?state=failed")).await.text.contains("None here."));
    ada.get(&one).await;
    let rotated = ada.submit(&format!("{one}/rotate"), &[("overlap", "86400")]).await;
    assert!(rotated.status == 200 && !rotated.text.contains(&secret), "{}", rotated.text);
    ada.get(&one).await;
    let paused = ada.submit(&format!("{one}/pause"), &[]).await;
    assert!(ada.follow(paused).await.text.contains("Endpoint paused."));
    let resumed = ada.submit(&format!("{one}/resume"), &[]).await;
    assert!(ada.follow(resumed).await.text.contains("Endpoint resumed."));
    let replayed = ada.submit(&format!("{one}/replay"), &[("hours", "24")]).await;
    assert!(ada.follow(replayed).await.text.contains("To be sent again: "));
    ada.get(&format!("{one}/delete")).await;
    let gone = ada.submit(&format!("{one}/delete"), &[]).await;
    assert!(ada.follow(gone).await.text.contains("Endpoint deleted."));
    assert_eq!(ada.get(&one).await.status, 404);
}

#[tokio::test]
async fn hostile_texts_stay_texts_on_the_pages_of_a_builder() {
    let scene = Scene::set().await;
    let mut ada = scene.owner().await;
    let evil = "\"><img src=x onerror=alert(1)><script>alert(2)</script>";
    let made = clients::create(&scene.app, &scene.operator, evil, Permissions::default_set()).await.unwrap();
    let new = CreateEndpoint {
        url: "https://evil.invalid/%3Cscript%3E?\"><script>alert(1)</script>".to_owned(),
        description: evil.to_owned(),
        ..CreateEndpoint::default()
    };
    let endpoint = webhooks::create(&scene.app, &scene.operator, &new).await.unwrap().endpoint;
    let pages = [
        "/api-keys".to_owned(),
        format!("/api-keys/{}", made.client.id),
        format!("/api-keys/{}/delete", made.client.id),
        "/webhooks".to_owned(),
        format!("/webhooks/{}", endpoint.id),
        format!("/webhooks/{}/edit", endpoint.id),
        format!("/webhooks/{}?state=%3Cscript%3E", endpoint.id),
        format!("/webhooks/{}/delete", endpoint.id),
    ];
    for page in pages {
        let shown = ada.get(&page).await;
        assert_eq!(shown.status, 200, "{page}");
        for bad in ["<img", "<script>", "onerror=alert(1)>"] {
            assert!(!shown.text.contains(bad), "{page} holds {bad}");
        }
    }
}

#[tokio::test]
async fn a_server_without_sandbox_says_so() {
    let scene = Scene::set().await;
    let mut ada = scene.owner().await;
    let page = ada.get("/sandbox").await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("runs without the sandbox provider"));
    let refused = ada.submit("/sandbox", &[("refresh", "invalid_grant")]).await;
    assert!(refused.status == 403 || refused.status == 400, "{}", refused.status);
}

#[tokio::test]
async fn switches_are_set_together_or_not_at_all_and_every_page_tells_of_them() {
    let scene = Scene::set().await;
    let ada = scene.owner().await;
    let (sandbox, mut ada) = beside(&scene, ada, false).await;
    let control = sandbox.control();
    let page = ada.get("/sandbox").await.text;
    assert!(page.contains("Everything works as it should") && !page.contains("class=\"ribbon\""), "{page}");
    assert!(!page.contains("cnry-control"), "the control token is nobody's business");
    let wrong = ada.submit("/sandbox", &[("refresh", "deny"), ("rotate", "off")]).await;
    assert_eq!(wrong.status, 400);
    assert!(wrong.text.contains("does not fit the stage refresh"), "{}", wrong.text);
    assert_eq!(control.unusual(), Vec::<String>::new(), "nothing was changed");
    ada.get("/sandbox").await;
    let set = [("refresh", "invalid_grant"), ("rotate", "off"), ("dialect", "form"), ("dialect", "comma")];
    let set = ada.submit("/sandbox", &set).await;
    assert!(ada.follow(set).await.text.contains("Switches set."));
    assert_eq!(control.unusual(), ["refresh=invalid_grant", "rotate=off", "dialect=form,comma"]);
    assert!(ada.get("/accounts").await.text.contains("refresh=invalid_grant and 2 more"));
    control.set("api", "slow:20*3").unwrap();
    let page = ada.get("/sandbox").await.text;
    assert!(page.contains("<option value=\"slow:20*3\""), "a value of the command line is kept by the form");
    let moved = ada.submit("/sandbox/clock", &[("forward", "61")]).await;
    assert!(ada.follow(moved).await.text.contains("+61 s from this server"));
    let skewed = ada.submit("/sandbox/clock", &[("skew", "1e9")]).await;
    assert_eq!(skewed.status, 400);
    ada.get("/sandbox").await;
    let reset = ada.submit("/sandbox/reset", &[]).await;
    assert!(ada.follow(reset).await.text.contains("as it started"));
    assert_eq!(control.unusual(), Vec::<String>::new());
    let viewer = scene.member("v@a.example", "Vi", MemberRole::Viewer).await;
    let mut viewer = Browser { router: ada.router.clone(), ..viewer };
    let page = viewer.get("/sandbox").await.text;
    assert!(page.contains("disabled") && !page.contains("Reset everything</button>"));
    let csrf = page.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let pairs = [("csrf".to_owned(), csrf), ("refresh".to_owned(), "500".to_owned())];
    let refused = viewer.post("/sandbox", &pairs, &[("sec-fetch-site", "same-origin")]).await;
    assert_eq!(refused.status, 403);
    assert_eq!(control.unusual(), Vec::<String>::new());
}

#[tokio::test]
async fn beside_a_production_environment_the_sandbox_needs_its_flag() {
    let scene = Scene::set_in(EnvironmentKind::Production).await;
    let ada = scene.owner().await;
    let (sandbox, mut ada) = beside(&scene, ada, false).await;
    sandbox.control().set("refresh", "500").unwrap();
    let page = ada.get("/sandbox").await;
    assert_eq!(page.status, 400);
    assert!(page.text.contains("not for production environments") && !page.text.contains("class=\"ribbon\""));
    let (sandbox, mut ada) = beside(&scene, ada, true).await;
    sandbox.control().set("refresh", "500").unwrap();
    assert!(ada.get("/sandbox").await.text.contains("class=\"ribbon\""));
}

/// Posts the form of Try it; the page has another one with the same address, which only looks for accounts.
async fn send(browser: &mut Browser, values: &[(&str, &str)]) -> super::stage::Answer {
    let form = browser.page.split("<form method=\"post\" action=\"/try\"").nth(1).unwrap().to_owned();
    let mut pairs: Vec<(String, String)> =
        values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    for name in ["csrf", "account"] {
        if !pairs.iter().any(|(known, _)| known == name) {
            let value = between(&form, &format!("name=\"{name}\" value=\""), "\"");
            pairs.push((name.to_owned(), value.to_owned()));
        }
    }
    browser.post("/try", &pairs, &[("sec-fetch-site", "same-origin")]).await
}

#[tokio::test]
async fn a_call_is_tried_through_the_proxy_and_a_refusal_is_explained() {
    let scene = Scene::set().await;
    let mut ada = scene.owner().await;
    connection(&mut ada, "notes").await;
    let account = account(&scene, "notes", "user's <b>\"$(id)\"").await;
    let page = ada.get(&format!("/try?account={account}")).await.text;
    assert!(page.contains("user&#39;s &#60;b&#62;") && !page.contains("<b>\"$(id)"), "{page}");
    let call =
        [("account", account.as_str()), ("method", "GET"), ("path", "/a?x=<script>"), ("kind", "json")];
    let sent = send(&mut ada, &call).await;
    assert_eq!(sent.status, 200, "{}", sent.text);
    assert!(sent.text.contains("Not sent, or not answered"), "{}", sent.text);
    assert!(!sent.text.contains("at-1") && !sent.text.contains("<script>"));
    assert!(
        sent.text.contains("process.env.TOKEN") && sent.text.contains("$TOKEN"),
        "as code, without a secret"
    );
    let odd = [("account", account.as_str()), ("method", "TRACE"), ("path", "/")];
    assert_eq!(send(&mut ada, &odd).await.status, 400);
    assert_eq!(ada.get("/try?account=ca_1").await.status, 404);
    let mut viewer = scene.member("v@a.example", "Vi", MemberRole::Viewer).await;
    assert_eq!(viewer.get("/try").await.status, 403);
}

#[tokio::test]
async fn a_write_in_production_is_asked_about_once_a_session() {
    let scene = Scene::set_in(EnvironmentKind::Production).await;
    let mut ada = scene.owner().await;
    connection(&mut ada, "notes").await;
    let account = account(&scene, "notes", "u-1").await;
    let call = |method: &'static str, more: &[(&'static str, &'static str)]| {
        let mut call = vec![("method", method), ("path", "/a"), ("kind", "json"), ("body", "{\"a\":1}")];
        call.extend_from_slice(more);
        call
    };
    ada.get(&format!("/try?account={account}")).await;
    let read = send(&mut ada, &call("GET", &[])).await.text;
    assert!(!read.contains("may change something"), "reads are not asked about");
    let asked = send(&mut ada, &call("DELETE", &[])).await.text;
    assert!(asked.contains("may change something") && !asked.contains("Not sent, or not answered"));
    assert!(asked.contains("value=\"/a\"") && asked.contains("{&#34;a&#34;:1}"), "the form is kept: {asked}");
    let sent = send(&mut ada, &call("DELETE", &[("sure", "1")])).await.text;
    assert!(!sent.contains("may change something") && sent.contains("Not sent, or not answered"));
    let again = send(&mut ada, &call("POST", &[])).await.text;
    assert!(!again.contains("may change something"), "once a session");
    let mut other = scene.member("dev@a.example", "Dev", MemberRole::Developer).await;
    other.cookies.insert("kb_writes".to_owned(), ada.cookies["kb_writes"].clone());
    other.get(&format!("/try?account={account}")).await;
    let asked = send(&mut other, &call("POST", &[])).await.text;
    assert!(asked.contains("may change something"), "another session is asked itself");
}
