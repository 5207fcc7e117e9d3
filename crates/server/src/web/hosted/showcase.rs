//! Every hosted page with sample data and somebody's brand, for whoever decides how they look.

use std::sync::Arc;

use askama::Template as _;
use keybearer_app::brand::PageBrand;

use super::embedded::{EmbeddedView, Inside};
use super::frame::{Href, Scene};
use super::samples::{NAMES, sample};
use super::views::html;
use super::words::{LANGUAGES, Wish};

/// A page that can be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::web) struct Screen {
    /// Its name in addresses.
    pub name: &'static str,
    /// What it is.
    pub label: String,
}

/// A language of the pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::web) struct Language {
    /// Its code, for example `en`.
    pub code: String,
    /// Its own name.
    pub name: String,
}

const LABELS: [(&str, &str); 34] = [
    ("start", "Start"),
    ("start-reconnect", "Start: sign in again"),
    ("start-more", "Start: more is asked for"),
    ("start-connected", "Start: connected already"),
    ("start-fields", "Start: a field first"),
    ("start-scopes", "Start: the person chooses"),
    ("start-wrong", "Start: a field is wrong"),
    ("start-test", "Start: your own test"),
    ("start-bare", "Start: nothing is known"),
    ("keys", "Key form"),
    ("keys-wrong", "Key form: refused"),
    ("keys-kinds", "Key form: every kind of field"),
    ("embedded", "Inside another app"),
    ("waiting", "Coming back"),
    ("waiting-slow", "Coming back: the provider is slow"),
    ("identity", "Another account came back"),
    ("done", "Done"),
    ("done-partial", "Done: something was left out"),
    ("done-bare", "Done: nothing to go back to"),
    ("services", "Your connections"),
    ("services-choose", "Choose a service"),
    ("services-stop", "Before something is disconnected"),
    ("services-stopped", "Your connections: after it"),
    ("denied", "Problem: the person said no"),
    ("ended", "Problem: the link ended"),
    ("used", "Problem: the link was used"),
    ("refused", "Problem: the provider refused your app"),
    ("administrator", "Problem: an administrator must agree"),
    ("browser", "Problem: another browser"),
    ("away", "Problem: the provider is away"),
    ("person", "Problem: another person"),
    ("off", "Problem: paused"),
    ("tries", "Problem: too many tries"),
    ("internal", "Problem: our fault"),
];

/// Every page there is to look at.
pub(in crate::web) fn screens() -> Vec<Screen> {
    let label = |name| LABELS.iter().find(|(known, _)| *known == name).map_or(name, |(_, label)| *label);
    NAMES.iter().map(|name: &&'static str| Screen { name, label: label(*name).to_owned() }).collect()
}

/// Every language of the pages.
pub(in crate::web) fn languages() -> Vec<Language> {
    let language =
        |one: &super::words::Language| Language { code: one.tag.to_owned(), name: one.name.to_owned() };
    LANGUAGES.iter().map(language).collect()
}

/// A page with sample data in that brand; `None` for a name that is none. With `switches` it offers other languages.
pub(in crate::web) fn specimen(
    name: &str,
    app_name: String,
    brand: Arc<PageBrand>,
    language: &str,
    switches: bool,
) -> Option<String> {
    let mut page = sample(name)?;
    page.head.app_name = app_name;
    page.head.brand = brand;
    let own = Some(Href::link("sample"));
    let switch = switches.then(|| Href::path(&format!("/branding/preview/{name}")));
    let scene = Scene { words: Wish::only(language).words(&page.head), own, switch, still: true };
    match name {
        "embedded" => {
            let inside =
                Inside { name: "Chatterbox".into(), address: "https://keys.example/c/sample".into() };
            EmbeddedView::new(&page.head, &inside, &scene).render().ok()
        }
        _ => html(&page, &scene).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_to_look_at_has_a_label() {
        let bare: Vec<_> = screens().into_iter().filter(|screen| screen.label == screen.name).collect();
        assert_eq!(bare, []);
    }
}
