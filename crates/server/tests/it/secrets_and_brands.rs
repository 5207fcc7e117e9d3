//! Replacing client secrets, and the look of the hosted pages: the real program, its command line and its API.

use std::time::Duration;

use http::Method;
use keybearer_core::Timestamp;
use serde_json::{Value, json};

use crate::peers::process::Server;
use crate::platform::{keybearer, rest, start};

const SETUP: &str = "/api/v1/connection-setups/postcards";
const LOGO: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 4 4\"><script>alert(1)</script>\
                    <path d=\"M0 0h4v4z\"/></svg>";

/// A started server, and its command line on another thread.
struct Stage {
    server: Server,
    folder: keybearer_testkit::TempDir,
}

impl Stage {
    async fn set() -> Self {
        let folder = keybearer_testkit::temp_dir().unwrap();
        Self { server: start(folder.path(), None).await, folder }
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    async fn run(&self, words: &[&str]) -> (Option<i32>, String) {
        let data = self.folder.path().join("data").display().to_string();
        let words: Vec<String> =
            ["--data", data.as_str()].iter().chain(words).map(|word| (*word).to_owned()).collect();
        let run = move || keybearer(&words.iter().map(String::as_str).collect::<Vec<_>>());
        tokio::task::spawn_blocking(run).await.unwrap()
    }

    async fn works(&self, words: &[&str], expected: &str) {
        let (code, printed) = self.run(words).await;
        assert!(code == Some(0) && printed.contains(expected), "{words:?}: {code:?}\n{printed}");
    }

    async fn ask(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        rest(&self.server.http, self.server.token(), method, path, body).await
    }

    async fn setup(&self) -> Value {
        self.ask(Method::GET, SETUP, Value::Null).await.1["connection"].clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_replaced_from_the_command_line_and_the_old_one_kept_for_a_time() {
    let stage = Stage::set().await;
    let secret = stage.file("secret", "the-second-secret-of-the-app");
    let replace = ["connections", "replace-secret", "postcards", "--secret-file", &secret];
    stage
        .works(&[&replace[..], &["--keep-old", "day", "--ends", "2099-03-01"]].concat(), "tried until 20")
        .await;
    let setup = stage.setup().await;
    assert_eq!(setup["client_secret_suffix"], "-app", "{setup}");
    assert_eq!(
        (&setup["earlier_secret_kept"], &setup["client_secret_ends_at"]),
        (&json!(true), &json!("2099-03-01T00:00:00Z"))
    );
    let time = |name: &str| Timestamp::parse_rfc3339(setup[name].as_str().unwrap()).unwrap();
    let kept = time("earlier_secret_until").since(time("updated_at"));
    assert!(kept.abs_diff(Duration::from_secs(24 * 3600)) < Duration::from_secs(2), "{setup}");
    stage.works(&["connections", "show", "postcards"], "Old secret    tried until 20").await;
    stage.works(&["connections", "remove-old-secret", "postcards"], "Client ID").await;
    assert_eq!(stage.setup().await["earlier_secret_kept"], false);
    let (code, printed) = stage.run(&["connections", "remove-old-secret", "postcards"]).await;
    assert!(code == Some(1) && printed.contains("no earlier secret is kept"), "{code:?} {printed}");
    stage
        .works(&[&replace[..], &["--keep-old", "until-removed"]].concat(), "remove-old-secret postcards")
        .await;
    assert!(stage.setup().await.get("earlier_secret_until").is_none_or(Value::is_null));
    // without the option the old one is gone at once
    stage.works(&replace, "Client ID").await;
    assert_eq!(stage.setup().await["earlier_secret_kept"], false);
    for wrong in [&["--keep-old", "week"][..], &["--ends", "2001-01-01"], &["--ends", "soon"]] {
        let (code, printed) = stage.run(&[&replace[..], wrong].concat()).await;
        assert!(code != Some(0) && !printed.contains("the-second-secret"), "{wrong:?}: {printed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_replaced_over_the_api_and_wrong_words_change_nothing() {
    let stage = Stage::set().await;
    let path = format!("{SETUP}:replace-secret");
    let post = |body: Value| stage.ask(Method::POST, &path, body);
    let (status, answer) =
        post(json!({"client_secret": "second-0123456789abcdef", "keep_earlier": "hour"})).await;
    let made = &answer["connection"];
    assert_eq!((status, &made["earlier_secret_kept"]), (200, &json!(true)), "{answer}");
    assert!(made["earlier_secret_until"].is_string(), "{answer}");
    assert!(!answer.to_string().contains("second-0123456789"), "no answer shows it: {answer}");
    for wrong in [
        json!({"client_secret": "third-0123456789abcdef", "keep_earlier": "week"}),
        json!({"client_secret": "third-0123456789abcdef", "ends_at": "2001-01-01T00:00:00Z"}),
        json!({"client_secret": "  ", "keep_earlier": "day"}),
    ] {
        let (status, answer) = post(wrong.clone()).await;
        assert_eq!(status, 400, "{wrong}: {answer}");
        assert_eq!(stage.setup().await["client_secret_suffix"], "cdef");
    }
    let remove = format!("{SETUP}:remove-earlier-secret");
    let (status, answer) = stage.ask(Method::POST, &remove, json!({})).await;
    assert_eq!((status, &answer["connection"]["earlier_secret_kept"]), (200, &json!(false)), "{answer}");
    assert_eq!(stage.ask(Method::POST, &remove, json!({})).await.0, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_look_of_the_pages_is_set_and_shown_from_the_command_line() {
    let stage = Stage::set().await;
    stage.works(&["branding", "show"], "Colour          ours").await;
    let logo = stage.file("logo.svg", LOGO);
    let words = "de.cancel=Lieber nicht";
    let set = [
        "branding",
        "set",
        "--app-name",
        "Fieldnote",
        "--colour",
        "#00B2E3",
        "--logo",
        &logo,
        "--footer",
        "off",
    ];
    stage
        .works(
            &[&set[..], &["--word", words, "--return-url", "https://app.example/"]].concat(),
            "of the logo: script",
        )
        .await;
    for line in [
        "Fieldnote",
        "#00b2e3",
        "Keybearer line  off",
        "de.cancel = Lieber nicht",
        "https://app.example/",
        "/theme/",
    ] {
        stage.works(&["branding", "show"], line).await;
    }
    // what is not given stays, an empty value takes away
    stage
        .works(&["branding", "set", "--colour", "", "--logo", "none", "--return-url", "none"], "Fieldnote")
        .await;
    stage.works(&["branding", "show"], "Colour          ours").await;
    stage.works(&["branding", "show"], "a letter on a tile").await;
    for (wrong, says) in [
        (&["--colour", "pink"][..], "colour"),
        (&["--word", "de.nothing=x"], "nothing"),
        (&["--logo", "/nowhere/logo.svg"], "cannot be read"),
        (&["--theme", "blue"], "possible values"),
        (&[], "there is nothing to change"),
        (&["--app-name", "x", "--environment", "nowhere"], "no environment of that name"),
    ] {
        let (code, printed) = stage.run(&[&["branding", "set"], wrong].concat()).await;
        assert!(code != Some(0) && printed.contains(says), "{wrong:?}: {code:?} {printed}");
    }
    stage.works(&["branding", "show"], "Fieldnote").await;
    // several environments: it must be said which
    stage.works(&["environments", "create", "staging"], "clients create").await;
    let (code, printed) = stage.run(&["branding", "show"]).await;
    assert!(code != Some(0) && printed.contains("--environment"), "{printed}");
    stage.works(&["branding", "set", "--environment", "staging", "--app-name", "QA"], "QA").await;
    stage.works(&["branding", "show", "--environment", "default"], "Fieldnote").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_look_of_the_pages_over_the_api_keeps_versions_and_permissions() {
    let stage = Stage::set().await;
    let (_, listed) = stage.ask(Method::GET, "/api/v1/environments", Value::Null).await;
    let id = listed["environments"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/environments/{id}/pages");
    let (status, first) = stage.ask(Method::GET, &path, Value::Null).await;
    assert_eq!((status, &first["version"], &first["colour"]), (200, &json!(0), &json!("")), "{first}");
    let change = json!({"colour": "#4b7d87", "expected_version": 0, "languages_off": {"values": ["ja"]}});
    let (status, second) = stage.ask(Method::PATCH, &path, change.clone()).await;
    assert_eq!(
        (status, &second["version"], &second["colour"]),
        (200, &json!(1), &json!("#4b7d87")),
        "{second}"
    );
    assert_eq!(second["languages_off"], json!(["ja"]));
    let (status, stale) = stage.ask(Method::PATCH, &path, change).await;
    assert!((400..500).contains(&status) && stale["colour"].is_null(), "{status} {stale}");
    let (status, wrong) = stage
        .ask(Method::PATCH, &path, json!({"colour": "red;}", "support_url": "javascript:alert(1)"}))
        .await;
    let said = wrong.to_string();
    assert!(status == 400 && said.contains("colour") && said.contains("support_url"), "{status} {said}");
    assert_eq!(stage.ask(Method::GET, &path, Value::Null).await.1, second, "nothing of it was saved");
    assert_eq!(stage.ask(Method::GET, "/api/v1/environments/env_77/pages", Value::Null).await.0, 404);
    // a client that may only read
    let new = json!({"name": "reader", "client_type": "M2M", "scopes": ["environment_settings:read"]});
    let client = stage.ask(Method::POST, "/api/v1/clients", new).await.1["client"].clone();
    let secret = client["secrets"][0]["plain_secret"].as_str().unwrap();
    let (_, signed) =
        crate::platform::sign_in(&stage.server.http, client["id"].as_str().unwrap(), secret).await;
    let reader = signed["access_token"].as_str().unwrap();
    assert_eq!(rest(&stage.server.http, reader, Method::GET, &path, Value::Null).await.0, 200);
    assert_eq!(
        rest(&stage.server.http, reader, Method::PATCH, &path, json!({"colour": "#000000"})).await.0,
        403
    );
    let nobody = rest(&stage.server.http, "nothing", Method::GET, &path, Value::Null).await.0;
    assert_eq!(nobody, 401);
}
