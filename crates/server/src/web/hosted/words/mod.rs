//! The words of the hosted pages, as data: one file per language, read once. English is the master.

mod date;
mod keys;
mod languages;
mod plural;
#[cfg(debug_assertions)]
mod pseudo;
mod wish;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

pub use keys::Key;
pub use languages::{LANGUAGES, Language};
pub use plural::Category;
pub use wish::Wish;

/// Longest sentence that an operator may put in place of ours.
const LONGEST: usize = 400;

/// The words of one language. Cheap to share, never changed: an override makes a copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// The language they are in.
    pub language: &'static Language,
    /// In the order of [`Key::ALL`].
    texts: Vec<Text>,
}

/// One word.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Text {
    Plain(String),
    /// By the plural categories of the language.
    Plural(BTreeMap<Category, String>),
}

/// Why a sentence cannot stand in place of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WordFault {
    /// There is no word of that name in that language.
    Unknown,
    /// Nothing is there.
    Empty,
    /// More than this many characters.
    TooLong(usize),
    /// Line breaks or other characters that are not seen.
    Unseen,
    /// Places that ours has and it has not.
    Missing(Vec<String>),
    /// Places that ours does not have.
    Extra(Vec<String>),
}

static ALL: LazyLock<Vec<Arc<Words>>> = LazyLock::new(|| {
    let read = |language| match Words::read(language) {
        Ok(words) => Some(Arc::new(words)),
        Err(fault) => {
            tracing::error!(language = language.tag, fault, "a language of this build cannot be read");
            None
        }
    };
    LANGUAGES.iter().filter_map(read).collect()
});

/// The words of a language; those of the master for a tag that is none of ours.
pub fn of(tag: &str) -> Arc<Words> {
    #[cfg(debug_assertions)]
    if let Some(words) = pseudo::of(tag) {
        return words;
    }
    let found = ALL.iter().find(|words| words.language.tag == tag).or_else(|| ALL.first());
    found.map_or_else(|| Arc::new(Words::blank()), Arc::clone)
}

/// The words of the master.
pub fn english() -> Arc<Words> {
    of("en")
}

impl Words {
    /// Reads the file of a language: every word must be there, and nothing else.
    fn read(language: &'static Language) -> Result<Self, String> {
        let table: toml::Table = language.file.parse().map_err(|error: toml::de::Error| error.to_string())?;
        let texts = Key::ALL.iter().map(|key| Text::find(&table, key.name())).collect::<Result<_, _>>()?;
        Ok(Self { language, texts })
    }

    fn blank() -> Self {
        let [english, ..] = &LANGUAGES;
        Self { language: english, texts: Vec::new() }
    }

    /// The text of a word; the form for many things where it has several.
    pub fn text(&self, key: Key) -> &str {
        match self.texts.get(key as usize) {
            Some(Text::Plain(text)) => text,
            Some(Text::Plural(forms)) => forms.get(&Category::Other).map_or("", String::as_str),
            None => "",
        }
    }

    /// The text of a word for that many things.
    pub fn count(&self, key: Key, number: u64) -> &str {
        let Some(Text::Plural(forms)) = self.texts.get(key as usize) else {
            return self.text(key);
        };
        forms.get(&(self.language.plural)(number)).map_or_else(|| self.text(key), String::as_str)
    }

    /// The forms of a word; one, of [`Category::Other`], where it does not depend on a number.
    pub fn forms(&self, key: Key) -> Vec<(Category, &str)> {
        match self.texts.get(key as usize) {
            Some(Text::Plural(forms)) => forms.iter().map(|(one, text)| (*one, text.as_str())).collect(),
            _ => vec![(Category::Other, self.text(key))],
        }
    }

    /// Every text with the name that overrides it: a word with plural forms has one for each, `form.wrong.one`.
    pub fn entries(&self) -> Vec<(String, &str)> {
        let mut all = Vec::new();
        for (key, text) in Key::ALL.iter().zip(&self.texts) {
            match text {
                Text::Plain(text) => all.push((key.name().to_owned(), text.as_str())),
                Text::Plural(forms) => {
                    all.extend(forms.iter().map(|(category, text)| {
                        (format!("{}.{}", key.name(), category.name()), text.as_str())
                    }))
                }
            }
        }
        all
    }

    /// Whether `text` may stand in place of the word of that name.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self, name: &str, text: &str) -> Result<(), WordFault> {
        let place = self.named(name).ok_or(WordFault::Unknown)?;
        if text.trim().is_empty() {
            return Err(WordFault::Empty);
        }
        if text.chars().count() > LONGEST {
            return Err(WordFault::TooLong(LONGEST));
        }
        if text.chars().any(super::sentence::is_unseen) {
            return Err(WordFault::Unseen);
        }
        let (ours, theirs) = (placeholders(place), placeholders(text));
        // a single thing need not be told with its number
        let missing = ours.difference(&theirs).filter(|place| **place != "n" || name.ends_with(".other"));
        let missing: Vec<String> = missing.map(|&place| place.to_owned()).collect();
        let extra: Vec<String> = theirs.difference(&ours).map(|&place| place.to_owned()).collect();
        match (missing.is_empty(), extra.is_empty()) {
            (false, _) => Err(WordFault::Missing(missing)),
            (_, false) => Err(WordFault::Extra(extra)),
            _ => Ok(()),
        }
    }

    /// These words with sentences of an operator in place of ours, by the names of [`Words::entries`]. What does not
    /// [`Words::check`] is left out: a page with our sentence is better than one with a hole.
    #[must_use]
    pub fn with(&self, overrides: &BTreeMap<String, String>) -> Self {
        let mut changed = self.clone();
        for (name, text) in overrides.iter().filter(|(name, text)| self.check(name, text).is_ok()) {
            if let Some(place) = changed.place(name) {
                text.trim().clone_into(place);
            }
        }
        changed
    }

    /// The text of that name.
    pub fn named(&self, name: &str) -> Option<&str> {
        if let Some(key) = Key::named(name) {
            return match self.texts.get(key as usize)? {
                Text::Plain(text) => Some(text),
                Text::Plural(_) => None,
            };
        }
        let (word, category) = name.rsplit_once('.')?;
        match self.texts.get(Key::named(word)? as usize)? {
            Text::Plain(_) => None,
            Text::Plural(forms) => forms.get(&Category::named(category)?).map(String::as_str),
        }
    }

    fn place(&mut self, name: &str) -> Option<&mut String> {
        if let Some(key) = Key::named(name) {
            return match self.texts.get_mut(key as usize)? {
                Text::Plain(text) => Some(text),
                Text::Plural(_) => None,
            };
        }
        let (word, category) = name.rsplit_once('.')?;
        match self.texts.get_mut(Key::named(word)? as usize)? {
            Text::Plain(_) => None,
            Text::Plural(forms) => forms.get_mut(&Category::named(category)?),
        }
    }

    /// The `lang` of text that is English, where the page is not.
    pub fn english(&self) -> Option<&'static str> {
        (!self.language.tag.starts_with("en")).then_some("en")
    }

    /// The `dir` attribute.
    pub fn dir(&self) -> &'static str {
        if self.language.right_to_left { "rtl" } else { "ltr" }
    }
}

impl Text {
    fn find(table: &toml::Table, name: &str) -> Result<Self, String> {
        let mut found = None;
        let mut inside = Some(table);
        for piece in name.split('.') {
            found = inside.and_then(|table| table.get(piece));
            inside = found.and_then(toml::Value::as_table);
        }
        match found {
            Some(toml::Value::String(text)) => Ok(Self::Plain(text.clone())),
            Some(toml::Value::Table(forms)) => {
                let form = |(category, text): (&String, &toml::Value)| {
                    Some((Category::named(category)?, text.as_str()?.to_owned()))
                };
                let read: Option<BTreeMap<_, _>> = forms.iter().map(form).collect();
                read.map(Self::Plural).ok_or_else(|| format!("`{name}` is not a table of plural forms"))
            }
            _ => Err(format!("`{name}` is missing")),
        }
    }
}

/// The `{name}` places of a text.
pub fn placeholders(text: &str) -> BTreeSet<&str> {
    let mut found = BTreeSet::new();
    let mut rest = text;
    while let Some((_, tail)) = rest.split_once('{') {
        let Some((name, after)) = tail.split_once('}') else { break };
        found.insert(name);
        rest = after;
    }
    found
}
