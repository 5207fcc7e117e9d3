//! Hostile texts in every field, and the headers that would stop them if one got through.

use axum::body::Body;
use http::{Request, StatusCode, header};
use keybearer_app::accounts::{self, Lookup};
use keybearer_core::MemberRole;
use tower::ServiceExt as _;

use super::stage::{Scene, account, connection};

/// Strings that would do something if a page did not escape them.
pub fn corpus() -> Vec<String> {
    let tags = [
        "script",
        "img src=x onerror=alert(1)",
        "svg onload=alert(1)",
        "iframe src=javascript:alert(1)",
        "body onload=alert(1)",
        "a href=javascript:alert(1)",
        "details open ontoggle=alert(1)",
        "video src=x onerror=alert(1)",
        "input autofocus onfocus=alert(1)",
        "style",
        "base href=//evil.example/",
        "meta http-equiv=refresh content=0",
        "object data=x",
        "math href=javascript:alert(1)",
        "form action=//evil.example",
    ];
    let frames = ["<{}>", "\"><{}>", "'><{}>", "</title><{}>", "</textarea><{}>"];
    let mut all: Vec<String> =
        tags.iter().flat_map(|tag| frames.iter().map(move |frame| frame.replace("{}", tag))).collect();
    all.extend(
        [
            "\" onmouseover=\"alert(1)",
            "' onmouseover='alert(1)",
            "\" autofocus onfocus=\"alert(1)\" x=\"",
            "{{7*7}}<b>",
            "&lt;script&gt;<script>",
        ]
        .map(str::to_owned),
    );
    all
}

/// What no page may hold: markup of ours that a policy without inline code would refuse, or that came from outside.
pub fn assert_inert(page: &str, text: &str) {
    assert!(!text.contains("href=\"javascript:"), "{page}");
    assert!(!text.contains("<script>") && !text.contains(" style=\"") && !text.contains("<iframe"), "{page}");
    for handler in ["onerror=", "onload=", "onclick=", "onfocus=", "onmouseover=", "ontoggle="] {
        for tag in text.split('<').skip(1) {
            let inside = tag.split('>').next().unwrap_or_default();
            let outside_values: String = inside.split('"').step_by(2).collect();
            assert!(!outside_values.contains(handler), "{page}: {handler} in <{inside}>");
        }
    }
}

#[tokio::test]
async fn hostile_texts_stay_texts_on_every_page() {
    let scene = Scene::set().await;
    let mut ada = scene.owner().await;
    let id = connection(&mut ada, "notes").await;
    let corpus = corpus();
    assert!(corpus.len() >= 60);
    for (number, text) in corpus.iter().enumerate() {
        let setup = format!("/connections/{id}/setup");
        ada.get(&setup).await;
        let extra = format!("p{number}={text}");
        let saved = ada
            .submit(
                &setup,
                &[
                    ("do", "save"),
                    ("label", text),
                    ("blurb", text),
                    ("f.site", text),
                    ("extra", &extra),
                    ("scope", "read"),
                    ("scopes_shown", "1"),
                ],
            )
            .await;
        assert_eq!(saved.status, 303, "{text}: {}", saved.text);
        let user = account(&scene, "notes", text).await;
        let encoded: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
        let pages = [
            format!("/connections/{id}"),
            setup,
            "/connections".to_owned(),
            format!("/connections?q={encoded}&state={encoded}"),
            format!("/connections/new?q={encoded}&kind={encoded}"),
            "/connections/new/hostile".to_owned(),
            format!("/connections/{encoded}"),
            format!("/connections/{id}/review?scope={encoded}"),
            format!("/accounts?q={encoded}"),
            format!("/accounts/{user}"),
            format!("/accounts/{user}/delete"),
            format!("/links?connection={encoded}&user={encoded}"),
            format!("/logs?q={encoded}"),
            format!("/settings?{encoded}"),
        ];
        for page in pages {
            let answer = ada.get(&page).await;
            assert!(!answer.text.contains(text.as_str()), "{page} holds {text} as it is");
            assert_inert(&page, &answer.text);
        }
        accounts::delete(&scene.app, &scene.operator, &Lookup::id(user)).await.unwrap();
    }
    let mut evil = scene.member("e@a.example", corpus[0].as_str(), MemberRole::Owner).await;
    assert_inert("/settings/people", &evil.get("/settings/people").await.text);
    let mut guest = scene.browser();
    let next: String = form_urlencoded::byte_serialize(corpus[1].as_bytes()).collect();
    assert_inert("/login", &guest.get(&format!("/login?next={next}")).await.text);
}

#[tokio::test]
async fn every_answer_carries_the_policy_and_is_kept_by_nobody() {
    let scene = Scene::set().await;
    let mut ada = scene.owner().await;
    let id = connection(&mut ada, "notes").await;
    for page in [
        "/".to_owned(),
        "/connections".to_owned(),
        format!("/connections/{id}"),
        "/accounts/ca_1".to_owned(),
        "/settings".to_owned(),
        "/login".to_owned(),
    ] {
        let answer = ada.get(&page).await;
        let header = |name: &str| {
            answer.headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
        };
        let policy = header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self';") && !policy.contains("unsafe"),
            "{page}: {policy}"
        );
        assert!(policy.contains("frame-ancestors 'none'") && policy.contains("form-action 'self'"));
        assert_eq!(header("cache-control"), "no-store", "{page}");
        assert_eq!(header("x-frame-options"), "DENY");
        assert_eq!(header("referrer-policy"), "no-referrer");
    }
    let mut request = Request::get("/login").body(Body::empty()).unwrap();
    request.headers_mut().insert(header::HOST, "evil.example".parse().unwrap());
    let answer = scene.router.clone().oneshot(request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::MISDIRECTED_REQUEST);
}
