//! Connectors of one's own: described, checked, saved in versions, used and deleted.

use std::collections::BTreeMap;
use std::sync::Arc;

use keybearer_app::connections::{self, CreateConnection};
use keybearer_app::providers::{self, CreateProvider, CustomProvider, Provider, ProviderKind};
use keybearer_app::{EgressConfig, PageAsk};
use keybearer_core::{MemberRole, OsEntropy, SystemClock};
use keybearer_sandbox::{Sandbox, SandboxConfig};
use serde_json::{Value, json};

use super::hostile::{assert_inert, corpus};
use super::stage::{Answer, Browser, Scene, hidden};

/// The text of the definition that a page shows.
pub(super) fn text(page: &str) -> String {
    let area = page.split("<textarea").find(|area| area.contains("id=\"text\"")).unwrap();
    let inside = area.split_once(">\n").unwrap().1.split("</textarea>").next().unwrap();
    [("&quot;", "\""), ("&#34;", "\""), ("&#38;", "&"), ("&#60;", "<"), ("&#62;", ">"), ("&#39;", "'")]
        .into_iter()
        .fold(inside.to_owned(), |text, (from, to)| text.replace(from, to))
}

/// The filled form of a page, as a browser would send it.
fn values(page: &str) -> BTreeMap<String, String> {
    let form = page.split("id=\"describe\"").nth(1).unwrap().split("</form>").next().unwrap();
    let value = |tag: &str, name: &str| {
        tag.split(&format!(" {name}=\"")).nth(1).and_then(|rest| rest.split('"').next()).map(str::to_owned)
    };
    let mut values = BTreeMap::new();
    for tag in form.split("<input ").skip(1) {
        let tag = format!(" {}", tag.split('>').next().unwrap());
        let kind = value(&tag, "type").unwrap_or_default();
        if matches!(kind.as_str(), "checkbox" | "radio") && !tag.ends_with(" checked") {
            continue;
        }
        values.insert(value(&tag, "name").unwrap(), value(&tag, "value").unwrap_or_default());
    }
    for area in form.split("<textarea").skip(1) {
        let name = value(area.split('>').next().unwrap(), "name").unwrap();
        let inside = area.split_once(">\n").unwrap().1.split("</textarea>").next().unwrap();
        values.insert(name, inside.to_owned());
    }
    for select in form.split("<select").skip(1) {
        let name = value(select.split('>').next().unwrap(), "name").unwrap();
        let chosen =
            select.split("<option").find(|option| option.split('>').next().unwrap().ends_with(" selected"));
        values.insert(name, chosen.and_then(|option| value(option, "value")).unwrap_or_default());
    }
    values.insert("text".to_owned(), text(page));
    values
}

/// Sends the page's form with some values changed.
pub(super) async fn send(browser: &mut Browser, to: &str, button: &str, changes: &[(&str, &str)]) -> Answer {
    let mut values = values(&browser.page);
    values.insert("do".to_owned(), button.to_owned());
    values.extend(changes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let pairs: Vec<(String, String)> = values.into_iter().collect();
    browser.post(to, &pairs, &[("sec-fetch-site", "same-origin")]).await
}

pub(super) async fn all(scene: &Scene) -> Vec<CustomProvider> {
    let listed =
        providers::list(&scene.app, &scene.operator, ProviderKind::Custom, None, &PageAsk::default())
            .await
            .unwrap();
    let custom = |one| match one {
        Provider::Custom(one) => *one,
        Provider::Catalogue(one) => panic!("{}", one.slug),
    };
    listed.items.into_iter().map(custom).collect()
}

pub(super) async fn made(scene: &Scene, patterns: Value) -> CustomProvider {
    let new = CreateProvider {
        display_name: "My CRM".to_owned(),
        proxy_url: "https://crm.example/api".to_owned(),
        proxy_enabled: true,
        auth_patterns: patterns,
        ..CreateProvider::default()
    };
    match providers::create(&scene.app, &scene.operator, new).await.unwrap() {
        Provider::Custom(one) => *one,
        Provider::Catalogue(_) => panic!(),
    }
}

pub(super) async fn used(scene: &Scene, connector: &str) -> String {
    let new = CreateConnection { connector: connector.to_owned(), ..CreateConnection::default() };
    connections::create(&scene.app, &scene.operator, new).await.unwrap().name
}

/// A connector as somebody types it.
const FORM: [(&str, &str); 17] = [
    ("name", "My CRM"),
    ("authorize", "https://crm.example/authorize"),
    ("exchange", "https://crm.example/token"),
    ("person", "https://crm.example/me"),
    ("revoke", "https://crm.example/revoke"),
    ("client", "client_secret_basic"),
    ("extras", "access_type=offline"),
    ("scope-0", "deals.read"),
    ("says-0", "See your deals"),
    ("must-0", "1"),
    ("base", "https://{{site}}.crm.example/api"),
    ("field-0", "site"),
    ("label-0", "Your site"),
    ("hint-0", "The first part of its address"),
    ("https", "required"),
    ("steps", "Open the console.\nPress New app."),
    ("console", "https://crm.example/apps"),
];

#[tokio::test]
async fn what_the_form_says_becomes_a_connector() {
    let scene = Scene::set().await;
    let mut ada = scene.owner().await;
    let empty = ada.get("/connectors").await.text;
    assert!(empty.contains("None of your own yet."));
    let search = ada.get("/connections/new?q=my-crm.io").await.text;
    assert!(search.contains("/connectors/new?name=my-crm.io"));
    let page = ada.get("/connectors/new?name=my-crm.io").await.text;
    assert!(page.contains("value=\"my crm io\"") && !page.contains("to correct"));
    let checked = send(&mut ada, "/connectors/new", "check", &FORM).await;
    assert_eq!(checked.status, 200);
    for words in [
        "Nothing is wrong.",
        "See your deals",
        "You will sign in at crm.example",
        "Press New app.",
        "Your site",
        "Authorization: Bearer ‹access_token›",
    ] {
        assert!(checked.text.to_lowercase().contains(&words.to_lowercase()), "{words}: {}", checked.text);
    }
    assert!(all(&scene).await.is_empty(), "a check stores nothing");
    let saved = send(&mut ada, "/connectors/new", "save", &[]).await;
    let page = ada.follow(saved).await.text;
    assert!(page.contains("Connector made.") && page.contains("version 1"));
    let [one] = &all(&scene).await[..] else { panic!() };
    let pattern = &one.auth_patterns[0];
    assert_eq!(
        pattern["oauth_config"]["available_scopes"],
        json!([{"scope": "deals.read", "display_name": "See your deals", "required": true}])
    );
    assert_eq!(pattern["oauth_config"]["authorize_params"], json!({"access_type": "offline"}));
    assert_eq!(pattern["oauth_config"]["client_authentication"], "client_secret_basic");
    assert_eq!(pattern["account_fields"][0]["field_name"], "site");
    assert_eq!(pattern["setup_steps"], json!(["Open the console.", "Press New app."]));
    let list = ada.get("/connectors").await.text;
    assert!(list.contains("My CRM") && list.contains("no connection"));
    let catalogue = ada.get("/connections/new?q=my%20crm").await.text;
    assert!(
        catalogue.contains(&format!("/connections/new/{}", one.identifier)) && catalogue.contains("Your own")
    );
    let begin = ada.get(&format!("/connections/new/{}", one.identifier)).await;
    assert_eq!(begin.status, 200);
    let export = ada.get(&format!("/connectors/{}/export", one.identifier)).await;
    assert!(export.headers["content-disposition"].to_str().unwrap().contains("my-crm.json"));
    let (described, _) = providers::parse(&export.text).unwrap();
    assert_eq!(described, one.described());
}

#[tokio::test]
async fn what_is_wrong_is_told_at_its_field_and_line_and_nothing_is_lost() {
    let scene = Scene::set().await;
    let mut ada = scene.owner().await;
    ada.get("/connectors/new").await;
    let form = [("name", "CRM"), ("authorize", "ftp://crm.example"), ("base", "https://crm.example/api")];
    let refused = send(&mut ada, "/connectors/new", "save", &form).await;
    assert_eq!(refused.status, 422);
    assert!(refused.text.contains("2 things to correct"), "{}", refused.text);
    assert!(refused.text.contains("<a href=\"#authorize\">Where users consent</a>"));
    assert!(refused.text.contains("Must be an https address.") && refused.text.contains("ftp://crm.example"));
    let line = 1 + text(&refused.text).lines().position(|line| line.contains("authorize_uri")).unwrap();
    assert!(refused.text.contains(&format!("line {line}<")));
    // a slip in the text is told with its line, stays as it is typed, and stops the save
    let broken = text(&refused.text).replace("\"CRM\"", "\"CRM");
    let told = send(&mut ada, "/connectors/new", "save", &[("text", &broken)]).await;
    assert!(told.status == 422 && told.text.contains("must be JSON: line 2"), "{}", told.text);
    assert_eq!(text(&told.text), broken);
    let both = send(
        &mut ada,
        "/connectors/new",
        "save",
        &[("text", &broken), ("authorize", "https://crm.example/a")],
    )
    .await;
    assert!(both.text.contains("were both changed") && text(&both.text) == broken);
    let kept = send(&mut ada, "/connectors/new", "form", &[("exchange", "https://crm.example/t")]).await;
    assert!(kept.text.contains("Nothing is wrong."), "{}", kept.text);
    assert!(all(&scene).await.is_empty());
    // a key that nothing reads is told, and kept
    let typo =
        text(&kept.text).replace("\"token_uri\"", "\"x\": 1,\n \"autorize_uri\": \"\",\n\"token_uri\"");
    let told = send(&mut ada, "/connectors/new", "check", &[("text", &typo)]).await;
    assert!(told.text.contains("did you mean authorize_uri?"), "{}", told.text);
    let saved = send(&mut ada, "/connectors/new", "save", &[("name", "Other")]).await;
    assert_eq!(saved.status, 303, "{}", saved.text);
    let one = all(&scene).await.remove(0);
    assert_eq!((one.display_name.as_str(), &one.auth_patterns[0]["oauth_config"]["x"]), ("Other", &json!(1)));
    // the same form once more makes no second one
    let again = send(&mut ada, "/connectors/new", "save", &[]).await;
    assert_eq!(again.status, 409);
    assert_eq!(all(&scene).await.len(), 1);
}

#[tokio::test]
async fn a_stale_save_is_refused_with_both_versions_in_sight() {
    let scene = Scene::set().await;
    let mut ada = scene.owner().await;
    let mut ben = scene.member("ben@fieldnote.example", "Ben", MemberRole::Developer).await;
    let one = made(&scene, json!([{"type": "API_KEY"}])).await;
    let page = format!("/connectors/{}", one.identifier);
    ada.get(&page).await;
    ben.get(&page).await;
    assert_eq!(send(&mut ben, &page, "save", &[("about", "Said by Ben")]).await.status, 303);
    let refused = send(&mut ada, &page, "save", &[("about", "Said by Ada")]).await;
    assert_eq!(refused.status, 409);
    assert!(refused.text.contains("Not saved: somebody saved version 2"), "{}", refused.text);
    assert!(refused.text.contains("Said by Ben") && refused.text.contains("value=\"Said by Ada\""));
    assert_eq!(all(&scene).await[0].description, "Said by Ben");
    assert_eq!(send(&mut ada, &page, "save", &[]).await.status, 303);
    assert_eq!((all(&scene).await[0].description.as_str(), all(&scene).await[0].version), ("Said by Ada", 3));
}

#[tokio::test]
async fn a_change_of_what_is_used_is_reviewed_and_cannot_move_credentials() {
    let scene = Scene::set().await;
    let mut ada = scene.owner().await;
    let one = made(&scene, json!([{"type": "API_KEY"}])).await;
    let connection = used(&scene, &one.identifier).await;
    let page = format!("/connectors/{}", one.identifier);
    assert!(ada.get("/connectors").await.text.contains("1 connection, 0 accounts"));
    ada.get(&page).await;
    let asked = send(&mut ada, &page, "save", &[("about", "Contacts")]).await;
    assert!(
        asked.status == 200
            && asked.text.contains("Before you save")
            && asked.text.contains("No host, scope or value")
    );
    assert_eq!(all(&scene).await[0].version, 1, "nothing is saved before the review");
    // another change than the one that was reviewed is reviewed again
    let other = send(&mut ada, &page, "save", &[("about", "Contacts and deals")]).await;
    assert!(other.text.contains("Before you save"));
    assert_eq!(send(&mut ada, &page, "save", &[]).await.status, 303);
    assert_eq!(all(&scene).await[0].description, "Contacts and deals");
    ada.get(&page).await;
    let moved = send(&mut ada, &page, "save", &[("base", "https://evil.example/api")]).await;
    assert!(
        moved.text.contains("https://evil.example") && moved.text.contains("no role of the dashboard may"),
        "{}",
        moved.text
    );
    let forced = send(&mut ada, &page, "save", &[]).await;
    assert!(forced.text.contains("no role of the dashboard may"));
    assert_eq!(all(&scene).await[0].proxy_url, "https://crm.example/api");
    ada.get(&page).await;
    let lost = send(&mut ada, &page, "save", &[("way", "BEARER")]).await;
    assert!(lost.text.contains("A connection uses the way API_KEY"), "{}", lost.text);
    let delete = ada.get(&format!("{page}/delete")).await.text;
    assert!(
        delete.contains("It cannot be deleted")
            && delete.contains(&connection)
            && !delete.contains("id=\"typed\"")
    );
    let pairs = [hidden(&ada.page, "/theme"), vec![("typed".to_owned(), "My CRM".to_owned())]].concat();
    let refused = ada.post(&format!("{page}/delete"), &pairs, &[("sec-fetch-site", "same-origin")]).await;
    assert_eq!((refused.status, all(&scene).await.len()), (422, 1));
    connections::delete(&scene.app, &scene.operator, &connection, None, false).await.unwrap();
    ada.get(&format!("{page}/delete")).await;
    let wrong = ada.submit(&format!("{page}/delete"), &[("typed", "my")]).await;
    assert!(wrong.status == 422 && wrong.text.contains("Type My CRM to confirm."));
    let gone = ada.submit(&format!("{page}/delete"), &[("typed", "My CRM")]).await;
    assert!(ada.follow(gone).await.text.contains("Connector deleted."));
    assert!(all(&scene).await.is_empty());
}

#[tokio::test]
async fn endpoints_are_read_from_the_provider_within_the_address_filter() {
    let listen = "127.0.0.1:0".parse().unwrap();
    let config =
        SandboxConfig::new(listen, Arc::new(SystemClock), Arc::new(OsEntropy), "cnry-control".into());
    let sandbox = Sandbox::start(config).await.unwrap();
    let closed = Scene::set().await;
    let mut ada = closed.owner().await;
    for (address, says) in [
        (sandbox.url(), "may not be contacted"),
        ("http://169.254.169.254/latest", "may not be contacted"),
        ("https://10.0.0.7", "may not be contacted"),
        ("file:///etc/passwd", "no web address"),
        ("https://nobody.invalid", "there is no host"),
        ("", "no web address"),
    ] {
        ada.get("/connectors/new").await;
        let told =
            send(&mut ada, "/connectors/new", "read", &[("discovery", address), ("name", "Kept")]).await;
        assert_eq!(told.status, 200);
        assert!(told.text.contains(says) && told.text.contains("value=\"Kept\""), "{address}: {}", told.text);
    }
    let allowed = sandbox.address().to_string();
    let open = Scene::tuned("http://localhost:4300", |parts| {
        parts.egress = EgressConfig {
            allow: vec![allowed.clone(), format!("localhost:{}", sandbox.address().port())],
            ..EgressConfig::default()
        };
    })
    .await;
    let mut ada = open.owner().await;
    for address in [
        sandbox.url().to_owned(),
        format!("{}/.well-known/openid-configuration", sandbox.url().trim_end_matches('/')),
    ] {
        ada.get("/connectors/new").await;
        let read =
            send(&mut ada, "/connectors/new", "read", &[("discovery", &address), ("name", "Postcards")])
                .await;
        assert!(
            read.text.contains("Read from") && read.text.contains("It lists"),
            "{address}: {}",
            read.text
        );
        let text = text(&read.text);
        assert!(
            text.contains("/token\"") && text.contains("/revoke\"") && text.contains("postcards.read"),
            "{text}"
        );
    }
    // a document of somebody else is not taken
    let elsewhere = format!("http://{}", sandbox.address());
    if elsewhere != sandbox.url().trim_end_matches('/') {
        let told = send(&mut ada, "/connectors/new", "read", &[("discovery", &elsewhere)]).await;
        assert!(told.text.contains("it belongs to"), "{}", told.text);
    }
}

#[tokio::test]
async fn a_copy_says_what_it_leaves_out() {
    let scene = Scene::set().await;
    let mut ada = scene.owner().await;
    let page = ada.get("/connectors/new?from=github").await.text;
    assert!(page.contains("A copy of GitHub.") && page.contains("value=\"GitHub copy\""));
    let saved = send(&mut ada, "/connectors/new", "save", &[]).await;
    assert_eq!(saved.status, 303, "{}", saved.text);
    let one = all(&scene).await.remove(0);
    assert!(one.auth_patterns.to_string().contains("github.com/login/oauth"));
    let again = ada.get(&format!("/connectors/new?from={}", one.identifier)).await.text;
    assert!(again.contains("value=\"GitHub copy copy\""));
    assert_eq!(ada.get("/connectors/new?from=nothing-such").await.status, 404);
    assert_eq!(ada.get("/connectors/github").await.status, 404);
}

#[tokio::test]
async fn only_those_who_may_write_do_and_another_environment_has_nothing() {
    let scene = Scene::set().await;
    let mut ada = scene.owner().await;
    let one = made(&scene, json!([{"type": "API_KEY"}])).await;
    let page = format!("/connectors/{}", one.identifier);
    let mut vera = scene.member("v@fieldnote.example", "Vera", MemberRole::Viewer).await;
    let shown = vera.get(&page).await;
    assert!(shown.status == 200 && shown.text.contains("API_KEY") && !shown.text.contains("id=\"describe\""));
    assert_eq!(vera.get("/connectors/new").await.status, 403);
    assert_eq!(vera.get(&format!("{page}/delete")).await.status, 403);
    vera.get("/connectors").await;
    let csrf = hidden(&vera.page, "/theme");
    for to in ["/connectors/new", page.as_str(), &format!("{page}/delete")] {
        let pairs = [
            csrf.clone(),
            vec![("do".to_owned(), "save".to_owned()), ("typed".to_owned(), "My CRM".to_owned())],
        ]
        .concat();
        assert_eq!(vera.post(to, &pairs, &[("sec-fetch-site", "same-origin")]).await.status, 403, "{to}");
        assert_eq!(vera.post(to, &[], &[("sec-fetch-site", "same-origin")]).await.status, 403, "{to}");
        assert_eq!(vera.post(to, &pairs, &[("sec-fetch-site", "cross-site")]).await.status, 403, "{to}");
    }
    assert_eq!(all(&scene).await.len(), 1);
    assert_eq!(ada.get("/connectors/MY_CRM:999").await.status, 404);
}

#[tokio::test]
async fn hostile_texts_in_a_definition_stay_texts() {
    let scene = Scene::set().await;
    let mut ada = scene.owner().await;
    let corpus = corpus();
    for text in corpus.iter().step_by(3) {
        let definition = json!({"display_name": "Evil", "description": text, "proxy_url": "https://crm.example/api",
            "proxy_enabled": true, "auth_patterns": [{"type": "OAUTH", "display_name": text,
            "setup_steps": [text.chars().take(400).collect::<String>()], text.as_str(): text,
            "oauth_config": {"authorize_uri": "https://crm.example/a", "token_uri": "https://crm.example/t",
                "available_scopes": [{"scope": "s", "display_name": text}]},
            "account_fields": [{"field_name": "site", "label": text, "hint": text}]}]});
        ada.get("/connectors/new").await;
        let checked = send(&mut ada, "/connectors/new", "check", &[("text", &definition.to_string())]).await;
        assert_inert("/connectors/new", &checked.text);
        let saved = send(&mut ada, "/connectors/new", "save", &[]).await;
        if saved.status != 303 {
            assert_inert("/connectors/new", &saved.text);
            continue;
        }
        let page = saved.location.clone();
        for page in [
            page.clone(),
            "/connectors".to_owned(),
            format!("{page}/delete"),
            "/connections/new?q=evil".to_owned(),
        ] {
            assert_inert(&page, &ada.get(&page).await.text);
        }
        let encoded: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
        assert_inert("name", &ada.get(&format!("/connectors/new?name={encoded}")).await.text);
        assert_inert("from", &ada.get(&format!("/connectors/new?from={encoded}")).await.text);
        assert_inert("there", &ada.get(&format!("/connectors/{encoded}")).await.text);
    }
    assert!(all(&scene).await.len() > 10);
}
