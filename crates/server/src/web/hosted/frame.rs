//! What all hosted pages share: the tiles, the banners, the footer, and addresses that are safe in a link.

use std::sync::Arc;

use keybearer_app::brand::PageBrand;
use url::Url;

use super::contract::PageHead;
use super::sentence::{Sentence, Value, plain, say, tidy};
use super::skin::{Logo, Skin};
use super::tile::Tile;
use super::words::{Key, LANGUAGES, Language, Words};
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

    /// A page of ours.
    pub fn path(path: &str) -> Self {
        Self(path.to_owned())
    }

    /// The page of a connect link.
    pub fn link(token: &str) -> Self {
        let safe = token.chars().filter(char::is_ascii_alphanumeric).take(64).collect::<String>();
        Self(format!("/c/{safe}"))
    }

    /// A user's page of their own.
    pub fn own_page(token: &str) -> Self {
        let safe = token.chars().filter(char::is_ascii_alphanumeric).take(64).collect::<String>();
        Self(format!("/me/{safe}"))
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
    instead: [String; 2],
}

impl Names {
    fn new(head: &PageHead, words: &Words) -> Self {
        let or = |name: &str, instead: Key| match tidy(name, NAME) {
            name if name.is_empty() => words.text(instead).to_owned(),
            name => name,
        };
        Self {
            app: or(&head.app_name, Key::AnyApp),
            provider: or(&head.connector_name, Key::AnyService),
            user: tidy(&head.identifier, NAME),
            instead: [Key::AnyApp, Key::AnyService].map(|key| words.text(key).to_owned()),
        }
    }

    /// A sentence that names the app and the service.
    pub fn say(&self, pattern: &str) -> Sentence {
        self.say_with(pattern, &[])
    }

    /// The same with other values besides.
    pub fn say_with(&self, pattern: &str, values: &[Value<'_>]) -> Sentence {
        let mut all = vec![plain("app", &self.app), plain("provider", &self.provider)];
        all.extend_from_slice(values);
        let mut sentence = say(pattern, &all);
        if let Some(first) = sentence.parts.first_mut()
            && self.instead.contains(&first.text)
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
    /// Instead of the app's tile.
    pub logo: Option<Logo>,
    pub provider: Option<Tile>,
}

/// What a page is shown with, besides what it is about.
#[derive(Clone)]
pub(super) struct Scene {
    /// Its language.
    pub words: Arc<Words>,
    /// The address of the link it is about, where that is known.
    pub own: Option<Href>,
    /// The address that shows it in another language, where there is one.
    pub switch: Option<Href>,
    /// A sample to look at: it does not go on by itself.
    pub still: bool,
}

/// The languages that the page is offered in.
#[derive(Clone)]
pub(super) struct Switch {
    /// The name of the present one.
    pub now: &'static str,
    /// The others.
    pub others: Vec<Other>,
}

/// A language to change to.
#[derive(Clone)]
pub(super) struct Other {
    pub tag: &'static str,
    pub name: &'static str,
    pub href: String,
}

/// The page around its body.
#[derive(Clone)]
pub(super) struct Frame {
    pub words: Arc<Words>,
    pub names: Names,
    pub pair: Option<Pair>,
    pub title: String,
    pub test: Option<Sentence>,
    pub sandbox: Option<Sentence>,
    pub footer: Option<Sentence>,
    pub switch: Option<Switch>,
    pub style: String,
    /// The font to ask for at once; it has the letters of Western Europe.
    pub font: Option<String>,
    pub icon: String,
    /// Saves steps where there are any to save; no page needs it.
    pub script: Option<String>,
    pub skin: Skin,
    /// What the page asks for by itself, in the form of `http-equiv=refresh`.
    pub onward: Option<String>,
}

impl Frame {
    /// The frame of a page about `head`; its title is made from `title`.
    pub fn new(head: &PageHead, scene: &Scene, title: Key) -> Self {
        let words = Arc::clone(&scene.words);
        let names = Names::new(head, &words);
        let named = !head.app_name.is_empty();
        let skin = Skin::new(&head.brand);
        let provider =
            (!head.connector_name.is_empty()).then(|| Tile::new(&head.connector_slug, &names.provider));
        Self {
            pair: named.then(|| Pair {
                app: Tile::of_name(&names.app),
                logo: Logo::new(&head.brand),
                provider,
            }),
            title: names.say(words.text(title)).text(),
            test: head.test.then(|| names.say(words.text(Key::Test))),
            sandbox: (head.sandbox && !head.test).then(|| names.say(words.text(Key::Sandbox))),
            footer: (named && !skin.silent).then(|| names.say(words.text(Key::Footer))),
            switch: scene.switch.as_ref().and_then(|to| Switch::new(to, words.language, &head.brand)),
            style: assets::address("hosted.css"),
            font: (skin.built_in_font && words.language.tag != "pl").then(|| assets::address("next.woff2")),
            icon: assets::address("mark.svg"),
            script: None,
            onward: None,
            skin,
            words,
            names,
        }
    }

    /// The same page with the script, if it has steps to save.
    #[must_use]
    pub fn scripted(self, saves: bool) -> Self {
        Self { script: saves.then(|| assets::address("hosted.js")), ..self }
    }

    /// Whether anything stands below the page.
    pub fn has_foot(&self) -> bool {
        self.footer.is_some() || self.switch.is_some() || self.skin.has_links()
    }

    /// A sentence that names the app and the service.
    pub fn say(&self, key: Key) -> Sentence {
        self.names.say(self.words.text(key))
    }

    /// The same with other values besides.
    pub fn say_with(&self, key: Key, values: &[Value<'_>]) -> Sentence {
        self.names.say_with(self.words.text(key), values)
    }
}

impl Switch {
    fn new(to: &Href, now: &'static Language, brand: &PageBrand) -> Option<Self> {
        let other = |language: &'static Language| Other {
            tag: language.tag,
            name: language.name,
            href: format!("{}?lang={}", to.as_str(), language.tag),
        };
        let offered = |one: &&Language| one.tag != now.tag && brand.settings.speaks(one.tag);
        let others: Vec<_> = LANGUAGES.iter().filter(offered).map(other).collect();
        (!others.is_empty()).then_some(Self { now: now.name, others })
    }
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::hosted::words;

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
        let english = words::english();
        let bare = Names::new(&PageHead::default(), &english);
        assert_eq!(bare.say("{provider} is away from {app}").text(), "The service is away from the app");
        let named = PageHead { connector_name: "monday.com".into(), ..PageHead::default() };
        assert_eq!(Names::new(&named, &english).say("{provider} is away").text(), "monday.com is away");
    }

    #[test]
    fn the_link_of_a_strange_token_stays_a_path_of_ours() {
        assert_eq!(Href::link("../..//evil.example/\"x").as_str(), "/c/evilexamplex");
    }
}
