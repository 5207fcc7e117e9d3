//! H9: a page opened inside another app, at a service that refuses to sign people in there.

use std::sync::LazyLock;

use askama::Template;
use http::{HeaderMap, header};
use serde::Deserialize;
use url::Url;

use super::contract::PageHead;
use super::frame::{Frame, Href, Scene, TEXT};
use super::sentence::{Look, Sentence, bold, tidy};
use super::words::Key;

/// The apps that open pages in a browser of their own: what their name is, and what tells them.
static APPS: LazyLock<Vec<Known>> = LazyLock::new(|| {
    let file: Result<Apps, _> = toml::from_str(include_str!("../../../words/embedded.toml"));
    file.map(|file| file.app).unwrap_or_default()
});

#[derive(Debug, Deserialize)]
struct Apps {
    app: Vec<Known>,
}

#[derive(Debug, Deserialize)]
struct Known {
    name: String,
    marks: Vec<String>,
}

/// Where the page was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Inside {
    /// The app; empty where only its kind of browser is known.
    pub name: String,
    /// The whole address of the page, to be opened elsewhere.
    pub address: String,
}

/// Whether a request comes from inside another app, and does not ask to go on there.
pub(super) fn inside(
    headers: &HeaderMap,
    query: Option<&str>,
    public_url: &Url,
    token: &str,
) -> Option<Inside> {
    let here = |query: &str| form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "here");
    if query.is_some_and(here) {
        return None;
    }
    let agent = headers.get(header::USER_AGENT)?.to_str().ok()?;
    let name = named(agent)?.to_owned();
    let address = public_url.join(Href::link(token).as_str()).ok()?;
    Some(Inside { name, address: address.into() })
}

/// The name of the app whose browser it is: empty for a web view of an app that does not say who it is.
fn named(agent: &str) -> Option<&'static str> {
    let known = APPS.iter().find(|app| app.marks.iter().any(|mark| agent.contains(mark.as_str())));
    if let Some(app) = known {
        return Some(&app.name);
    }
    let android = agent.contains("; wv)");
    let apple = agent.contains("AppleWebKit") && agent.contains("Mobile/") && !agent.contains("Safari/");
    (android || apple).then_some("")
}

/// H9.
#[derive(Template)]
#[template(path = "hosted/embedded.html")]
pub(super) struct EmbeddedView {
    frame: Frame,
    says: Sentence,
    inside: Option<Sentence>,
    address: String,
    anyway: Option<String>,
}

impl EmbeddedView {
    pub fn new(head: &PageHead, inside: &Inside, scene: &Scene) -> Self {
        let frame = Frame::new(head, scene, Key::EmbeddedTitle);
        let name = tidy(&inside.name, TEXT);
        Self {
            says: frame.say(Key::EmbeddedSays),
            inside: (!name.is_empty()).then(|| frame.say_with(Key::EmbeddedInside, &[bold("name", &name)])),
            address: inside.address.clone(),
            anyway: scene.own.as_ref().map(|own| format!("{}?here=1", own.as_str())),
            frame: frame.scripted(true),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const PHONE: &str =
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)";
    const DROID: &str =
        "Mozilla/5.0 (Linux; Android 15; Pixel 9; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0";

    #[test]
    fn browsers_inside_apps_are_known_and_others_are_let_alone() {
        for app in APPS.iter() {
            for mark in &app.marks {
                assert_eq!(
                    named(&format!("{PHONE} Mobile/15E148 Safari/604.1 {mark}/1.0")),
                    Some(&*app.name)
                );
            }
        }
        assert_eq!(named(&format!("{PHONE} Mobile/15E148")), Some(""));
        assert_eq!(named(&format!("{DROID} Chrome/130.0 Mobile Safari/537.36")), Some(""));
        for browser in [
            format!("{PHONE} Version/18.1 Mobile/15E148 Safari/604.1"),
            format!("{PHONE} CriOS/130.0 Mobile/15E148 Safari/604.1"),
            "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0".to_owned(),
            "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Mobile Safari/537.36".to_owned(),
            String::new(),
        ] {
            assert_eq!(named(&browser), None, "{browser}");
        }
    }

    #[test]
    fn whoever_wants_to_try_there_may() {
        let mut headers = HeaderMap::new();
        headers.insert(header::USER_AGENT, HeaderValue::from_static(DROID));
        let public_url = Url::parse("https://keys.example").unwrap();
        let of = |query| inside(&headers, query, &public_url, "t0ken");
        assert_eq!(of(Some("lang=de")).unwrap().address, "https://keys.example/c/t0ken");
        assert_eq!(of(Some("here=1")), None);
        assert_eq!(inside(&HeaderMap::new(), None, &public_url, "t0ken"), None);
    }
}
