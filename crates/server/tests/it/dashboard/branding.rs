//! D21 without scripts: the form with its files, the preview, the wording.

use keybearer_app::brand::{self, Brand};
use keybearer_core::MemberRole;

use super::hostile::{assert_inert, corpus};
use super::stage::{Browser, Scene};

const LOGO: &[u8] = b"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 4 4'><script>alert(1)</script><path d='M0 0h4v4z'/></svg>";

async fn saved(scene: &Scene) -> Brand {
    let environment = scene.operator.environment.as_str();
    brand::get(&scene.app, &scene.operator, environment).await.unwrap()
}

/// The usual answers, with others in their place.
fn with<'a>(others: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut values = vec![
        ("app_name", "Fieldnote"),
        ("colour", "#00b2e3"),
        ("corners", "soft"),
        ("font", "built-in"),
        ("theme", "auto"),
        ("support_url", ""),
        ("privacy_url", ""),
        ("footer", "on"),
        ("default_language", "en"),
        ("return_urls", ""),
        ("embed_origins", ""),
        ("screen", "done"),
        ("lang", "de"),
        ("do", "save"),
    ];
    values.retain(|(name, _)| !others.iter().any(|(other, _)| other == name));
    values.extend_from_slice(others);
    for language in ["en", "de", "es", "fr", "it", "nl", "pl", "pt-BR", "ar", "ja", "ko", "zh-Hans"] {
        values.push(("language", language));
    }
    values
}

#[tokio::test]
async fn the_form_saves_everything_and_says_what_was_left_out_of_a_logo() {
    let scene = Scene::set().await;
    let mut ada = scene.owner().await;
    ada.get("/branding").await;
    let values = with(&[
        ("support_url", "https://fieldnote.example/help"),
        ("return_urls", "https://app.fieldnote.example\r\n\r\nhttp://localhost:3000/done"),
        ("theme", "dark"),
    ]);
    let answer = ada.upload("/branding", &values, &[("logo", "logo.svg", LOGO)]).await;
    assert_eq!(answer.location, "/branding?screen=done&scheme=&size=&lang=de");
    let page = ada.follow(answer).await;
    assert!(page.text.contains("were left out: look at it below"), "{}", page.text);
    let brand = saved(&scene).await;
    assert_eq!(brand.settings.colour.as_deref(), Some("#00b2e3"));
    let urls: Vec<&str> = brand.settings.return_urls.iter().map(url::Url::as_str).collect();
    assert_eq!(urls, ["https://app.fieldnote.example/", "http://localhost:3000/done"]);
    assert!(brand.settings.languages_off.is_empty() && !brand.settings.without_footer);
    assert!(page.text.contains(&format!("<img src=\"{}\"", brand.logo.unwrap())));
    // the same form once more comes from a version that is over
    let late = ada.upload("/branding", &with(&[("version", "0")]), &[]).await;
    assert_eq!(late.status, 303, "its own version stands before it");
    ada.get("/branding").await;
    let stale: String = ada.page.replace("name=\"version\" value=\"2\"", "name=\"version\" value=\"1\"");
    ada.page = stale;
    let late = ada.upload("/branding", &with(&[]), &[]).await;
    assert!(late.text.contains("Load them again"), "{}", late.text);
}

#[tokio::test]
async fn what_is_wrong_stands_at_its_field_and_nothing_is_saved() {
    let scene = Scene::set().await;
    let mut ada = scene.owner().await;
    ada.get("/branding").await;
    let values = with(&[("colour", "pink"), ("support_url", "javascript:alert(1)"), ("embed_origins", "*")]);
    let answer = ada.upload("/branding", &values, &[("logo", "x.svg", b"<html/>")]).await;
    assert_eq!(answer.status, 422);
    for id in ["colour", "support_url", "embed_origins", "logo"] {
        assert!(answer.text.contains(&format!("id=\"{id}-e\"")), "{id}: {}", answer.text);
    }
    assert!(answer.text.contains("4 answers need a change") && answer.text.contains("value=\"pink\""));
    assert_eq!(saved(&scene).await.version, 0);
    ada.get("/branding").await;
    let english = with(&[("default_language", "en")]);
    let without: Vec<_> = english.into_iter().filter(|pair| *pair != ("language", "en")).collect();
    let answer = ada.upload("/branding", &without, &[]).await;
    assert!(answer.text.contains("This must be a language that is on"), "{}", answer.text);
}

#[tokio::test]
async fn the_preview_follows_without_a_script_and_frames_nothing_else() {
    let scene = Scene::set().await;
    let mut ada = scene.owner().await;
    let shown = ada.get("/branding").await;
    let policy = shown.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("frame-src 'self'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    let typed = with(&[("colour", "#4b7d87"), ("do", "preview"), ("scheme", "dark"), ("size", "desktop")]);
    let answer = ada.upload("/branding", &typed, &[]).await;
    assert_eq!((answer.status, saved(&scene).await.version), (200, 0));
    let frame = answer.text.split("<iframe id=\"preview\" src=\"").nth(1).unwrap();
    let address = frame.split('"').next().unwrap().replace("&#38;", "&").replace("&amp;", "&");
    assert!(address.starts_with("/branding/preview/done?app_name=Fieldnote&colour=%234b7d87"), "{address}");
    let page = ada.get(&address).await;
    assert!(page.text.contains("lang=\"de\"") && page.text.contains("data-theme=\"dark\""), "{}", page.text);
    assert_eq!(page.headers["x-frame-options"], "SAMEORIGIN");
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("form-action 'none'") && policy.ends_with("frame-ancestors 'self'"), "{policy}");
    let sheet =
        page.text.split("<link rel=\"stylesheet\" href=\"").nth(2).unwrap().split('"').next().unwrap();
    let css = ada.get(&sheet.replace("&#38;", "&").replace("&amp;", "&")).await;
    assert!(css.text.contains("--primary:#4b7d87"), "{sheet}: {}", css.text);
    assert_eq!(ada.get("/branding/preview/none").await.status, 404);
    // nobody who is signed out sees any of it
    let mut guest = scene.browser();
    for path in ["/branding", "/branding/preview/start", "/branding/theme.css", "/branding/words"] {
        let answer = guest.get(path).await;
        assert!(answer.status == 303 && answer.location.starts_with("/login"), "{path}: {}", answer.status);
    }
}

#[tokio::test]
async fn every_page_can_be_looked_at_in_every_language() {
    let scene = Scene::set().await;
    let mut ada = scene.owner().await;
    let page = ada.get("/branding").await.text;
    let select = page.split("name=\"screen\"").nth(1).unwrap().split("</select>").next().unwrap();
    let screens: Vec<&str> =
        select.split("value=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert!(screens.len() >= 25, "{screens:?}");
    for screen in screens {
        for language in ["en", "ar", "ja"] {
            let shown = ada.get(&format!("/branding/preview/{screen}?lang={language}")).await;
            assert_eq!(shown.status, 200, "{screen}");
            assert!(shown.text.contains(&format!("<html lang=\"{language}\"")), "{screen} in {language}");
        }
    }
}

#[tokio::test]
async fn wording_is_searched_changed_and_refused_at_its_field() {
    let scene = Scene::set().await;
    let mut ada = scene.owner().await;
    ada.get("/branding/words?lang=de&q=abbrechen").await;
    let answer = ada.submit("/branding/words", &[("word.cancel", "Lieber nicht")]).await;
    assert_eq!(answer.location, "/branding/words?lang=de&part=&q=abbrechen");
    assert_eq!(saved(&scene).await.settings.words["de"]["cancel"], "Lieber nicht");
    assert!(ada.get("/branding").await.text.contains("(1 changed)"));
    let preview = ada.get("/branding/preview/start?lang=de").await.text;
    assert!(preview.contains("Lieber nicht") && !preview.contains("Abbrechen"), "{preview}");
    ada.get("/branding/words?lang=en&part=start").await;
    let answer = ada.submit("/branding/words", &[("word.start.heading", "Connect it")]).await;
    assert_eq!(answer.status, 422);
    assert!(
        answer.text.contains("This must keep {app} and {provider}: a value stands there."),
        "{}",
        answer.text
    );
    assert!(answer.text.contains("id=\"w-start-heading-e\"") && answer.text.contains("value=\"Connect it\""));
    assert_eq!(saved(&scene).await.version, 1);
    ada.get("/branding/words?lang=de&part=changed").await;
    ada.submit("/branding/words", &[("word.cancel", "")]).await;
    assert!(saved(&scene).await.settings.words.is_empty());
}

#[tokio::test]
async fn a_role_that_may_look_changes_nothing() {
    let scene = Scene::set().await;
    let mut support = scene.member("s@fieldnote.example", "Sam", MemberRole::Viewer).await;
    let page = support.get("/branding").await;
    if page.status == 200 {
        assert!(
            page.text.contains("Your role can look, not change.") && !page.text.contains(">Save</button>")
        );
    }
    let answer = support.upload("/branding", &with(&[]), &[]).await;
    assert_eq!(answer.status, 403, "{}", answer.text);
    assert_eq!(saved(&scene).await.version, 0);
}

#[tokio::test]
async fn a_form_from_elsewhere_or_of_another_kind_saves_nothing() {
    let scene = Scene::set().await;
    let mut ada = scene.owner().await;
    ada.get("/branding").await;
    let page = std::mem::take(&mut ada.page);
    let answer = ada.upload("/branding", &with(&[]), &[]).await;
    assert_eq!(answer.status, 403, "without its token");
    ada.page = page;
    let pairs = super::stage::hidden(&ada.page, "/branding");
    let answer = ada.post("/branding", &pairs, &[("sec-fetch-site", "same-origin")]).await;
    assert_eq!(answer.status, 415);
    assert_eq!(saved(&scene).await.version, 0);
}

async fn inert(ada: &mut Browser, path: &str, text: &str) {
    let page = ada.get(path).await;
    assert!(!page.text.contains(text), "{path} holds {text} as it is");
    assert_inert(path, &page.text.replace("<iframe id=\"preview\"", "<frame "));
}

#[tokio::test]
async fn hostile_texts_stay_texts_in_every_field() {
    let scene = Scene::set().await;
    let mut ada = scene.owner().await;
    for text in corpus() {
        ada.get("/branding").await;
        let link = format!("https://fieldnote.example/?{text}");
        let values = with(&[("app_name", &text), ("support_url", &link), ("privacy_url", &link)]);
        let answer = ada.upload("/branding", &values, &[("logo", &text.replace('"', ""), LOGO)]).await;
        assert!(answer.status == 303 || answer.status == 422, "{text}: {}", answer.status);
        assert_inert("the form", &answer.text.replace("<iframe id=\"preview\"", "<frame "));
        let query: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
        inert(&mut ada, "/branding", &text).await;
        inert(&mut ada, &format!("/branding?screen={query}&scheme={query}&size={query}&lang={query}"), &text)
            .await;
        let draft = format!(
            "app_name={query}&colour={query}&font={query}&support_url={query}&scheme={query}&lang={query}"
        );
        inert(&mut ada, &format!("/branding/preview/start?{draft}"), &text).await;
        inert(&mut ada, &format!("/branding/theme.css?{draft}"), &text).await;
        inert(&mut ada, &format!("/branding/contrast?colour={query}"), &text).await;
        ada.get("/branding/words?part=done&q=").await;
        ada.submit("/branding/words", &[("word.cancel", &text), ("word.close", &text), ("q", &text)]).await;
        ada.get("/branding/words?part=page").await;
        ada.submit("/branding/words", &[("word.cancel", &text), ("word.close", &text)]).await;
        inert(&mut ada, "/branding/words?part=page", &text).await;
        inert(&mut ada, &format!("/branding/words?lang={query}&part={query}&q={query}"), &text).await;
        inert(&mut ada, "/branding/preview/done-bare", &text).await;
    }
}

/// The address that the page with the code shows.
fn lent(page: &str) -> String {
    let url = page.split("<code id=\"url\">").nth(1).unwrap().split('<').next().unwrap();
    super::stage::path(&url.replace("&#38;", "&").replace("&amp;", "&"))
}

#[tokio::test]
async fn a_phone_that_is_not_signed_in_sees_the_one_page_that_was_sent_to_it() {
    let scene = Scene::set().await;
    let mut ada = scene.owner().await;
    let typed = "screen=done&app_name=Typed%20now&colour=%234b7d87&lang=de&corners=soft";
    let asked = ada.get(&format!("/branding/phone?{typed}")).await;
    assert!(
        asked.text.contains("The preview as a QR code") && asked.text.contains("“Done”"),
        "{}",
        asked.text
    );
    // on this machine alone no phone reaches it, and the page says so
    assert!(asked.text.contains("only this machine reaches that"), "{}", asked.text);
    let address = lent(&asked.text);
    assert!(!address.contains("corners"), "what is as saved makes no code larger: {address}");
    let mut phone = scene.browser();
    let page = phone.get(&address).await;
    assert_eq!(page.status, 200, "{address}");
    assert!(page.text.contains("lang=\"de\"") && page.text.contains("Typed now"), "{}", page.text);
    assert!(!page.text.contains("?lang="), "it leads to no other page: {}", page.text);
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("form-action 'none'") && policy.ends_with("frame-ancestors 'none'"), "{policy}");
    let sheet =
        page.text.split("<link rel=\"stylesheet\" href=\"").nth(2).unwrap().split('"').next().unwrap();
    let css = phone.get(&sheet.replace("&#38;", "&").replace("&amp;", "&")).await;
    assert!(css.text.contains("--primary:#4b7d87"), "{sheet}: {}", css.text);
    // it is no key to anything else
    for other in [address.replace("screen=done", "screen=start"), address.replace("Typed", "Forged")] {
        assert_eq!(phone.get(&other).await.status, 404, "{other}");
    }
    for path in ["/branding", "/branding/phone", "/branding/preview/done", "/"] {
        let answer = phone.get(path).await;
        assert!(answer.status == 303 && answer.location.starts_with("/login"), "{path}: {}", answer.status);
    }
    let long = format!("/branding/phone?app_name={}", "x".repeat(800));
    assert_eq!(ada.get(&long).await.status, 400);
}
