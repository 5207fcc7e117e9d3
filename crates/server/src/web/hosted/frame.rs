//! What all hosted pages share: the tiles, the banners, the footer, and addresses that are safe in a link.

use url::Url;

use super::contract::PageHead;
use super::sentence::{Sentence, plain, say, tidy};
use super::tile::Tile;
use super::words::{ENGLISH, Words};
use crate::web::assets;

/// Longest name that is shown whole.
const NAME: usize = 80;
/// Longest sentence of a developer or a connector that is shown whole.
pub(super) const TEXT: usize = 400;

/// An address that may stand in `href`: http, https, or a path of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Href(String);

impl Href {
    /// An address on the web; `None` for every other scheme.
    pub fn web(url: &Url) -> Option<Self> {
        matches!(url.scheme(), "http" | "https").then(|| Self(url.as_str().to_owned()))
    }

    /// The page of a connect link.
    pub fn link(token: &str) -> Self {
        let safe = token.chars().filter(char::is_ascii_alphanumeric).take(64).collect::<String>();
        Self(format!("/c/{safe}"))
    }

    /// The address as it stands in the attribute.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Names as they are shown, with words of ours where one is missing.
#[derive(Clone, Debug)]
pub(super) struct Names {
    pub app: String,
    pub provider: String,
    pub user: String,
    /// What stands where a name is missing.
    instead: [&'static str; 2],
}

impl Names {
    fn new(head: &PageHead, words: &'static Words) -> Self {
        let or = |name: &str, instead: &str| match tidy(name, NAME) {
            name if name.is_empty() => instead.to_owned(),
            name => name,
        };
        Self {
            app: or(&head.app_name, words.problem.anyone),
            provider: or(&head.connector_name, words.problem.any_service),
            user: tidy(&head.identifier, NAME),
            instead: [words.problem.anyone, words.problem.any_service],
        }
    }

    /// A sentence that names the app and the service.
    pub fn say(&self, pattern: &'static str) -> Sentence {
        let mut sentence = say(pattern, &[plain("app", &self.app), plain("provider", &self.provider)]);
        if let Some(first) = sentence.parts.first_mut()
            && self.instead.contains(&first.text.as_str())
        {
            first.text = capital(&first.text);
        }
        sentence
    }
}

/// The two tiles at the top of a page.
#[derive(Clone, Debug)]
pub(super) struct Pair {
    pub app: Tile,
    pub provider: Option<Tile>,
}

/// The page around its body.
#[derive(Clone)]
pub(super) struct Frame {
    pub words: &'static Words,
    pub names: Names,
    pub pair: Option<Pair>,
    pub title: String,
    pub test: Option<Sentence>,
    pub sandbox: Option<Sentence>,
    pub footer: Option<Sentence>,
    pub style: String,
    pub font: String,
    pub icon: String,
    /// Where the page sends the browser by itself.
    pub onward: Option<Href>,
}

impl Frame {
    /// The frame of a page about `head`; its title is made from `title`.
    pub fn new(head: &PageHead, title: &'static str) -> Self {
        let words = &ENGLISH;
        let names = Names::new(head, words);
        let named = !head.app_name.is_empty();
        let provider =
            (!head.connector_name.is_empty()).then(|| Tile::new(&head.connector_slug, &names.provider));
        Self {
            pair: named.then(|| Pair { app: Tile::of_name(&names.app), provider }),
            title: names.say(title).text(),
            test: head.test.then(|| names.say(words.test)),
            sandbox: (head.sandbox && !head.test).then(|| names.say(words.sandbox)),
            footer: named.then(|| names.say(words.footer)),
            style: assets::address("hosted.css"),
            font: assets::address("next.woff2"),
            icon: assets::address("mark.svg"),
            onward: None,
            words,
            names,
        }
    }
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_web_addresses_become_links() {
        for bad in ["javascript:alert(1)", "data:text/html,x", "vbscript:x", "file:///etc", "blob:http://a/b"]
        {
            assert_eq!(Href::web(&Url::parse(bad).unwrap()), None, "{bad}");
        }
        assert!(Href::web(&Url::parse("https://a.example/\"><script>").unwrap()).is_some());
    }

    #[test]
    fn a_sentence_begins_with_a_capital_where_a_name_is_missing() {
        let bare = Names::new(&PageHead::default(), &ENGLISH);
        assert_eq!(bare.say("{provider} is away from {app}").text(), "The service is away from the app");
        let named = PageHead { connector_name: "monday.com".into(), ..PageHead::default() };
        assert_eq!(Names::new(&named, &ENGLISH).say("{provider} is away").text(), "monday.com is away");
    }

    #[test]
    fn the_link_of_a_strange_token_stays_a_path_of_ours() {
        assert_eq!(Href::link("../..//evil.example/\"x").as_str(), "/c/evilexamplex");
    }
}
