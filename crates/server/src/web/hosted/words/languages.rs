//! The languages of this build.

use super::plural::{Category, arabic, none_is_one, one_or_other, only_other, polish};

/// A language.
#[derive(Debug)]
pub struct Language {
    /// Its tag (BCP 47), as it stands in `lang`.
    pub tag: &'static str,
    /// Its name in itself.
    pub name: &'static str,
    /// Whether it is written from right to left.
    pub right_to_left: bool,
    /// The file with its words.
    pub(super) file: &'static str,
    /// Which plural form belongs to a number.
    pub(super) plural: Rule,
}

/// A plural rule.
pub(super) type Rule = fn(u64) -> Category;

macro_rules! language {
    ($tag:literal, $name:literal, $plural:expr) => {
        language!($tag, $name, $plural, false)
    };
    ($tag:literal, $name:literal, $plural:expr, $right_to_left:literal) => {
        Language {
            tag: $tag,
            name: $name,
            right_to_left: $right_to_left,
            file: include_str!(concat!("../../../../words/", $tag, ".toml")),
            plural: $plural,
        }
    };
}

/// All of them, the master first, then in the order in which they are offered.
pub static LANGUAGES: [Language; 12] = [
    language!("en", "English", one_or_other),
    language!("de", "Deutsch", one_or_other),
    language!("es", "Español", one_or_other),
    language!("fr", "Français", none_is_one),
    language!("it", "Italiano", one_or_other),
    language!("nl", "Nederlands", one_or_other),
    language!("pl", "Polski", polish),
    language!("pt-BR", "Português (Brasil)", none_is_one),
    language!("ar", "العربية", arabic, true),
    language!("ja", "日本語", only_other),
    language!("ko", "한국어", only_other),
    language!("zh-Hans", "简体中文", only_other),
];

impl PartialEq for Language {
    fn eq(&self, other: &Self) -> bool {
        self.tag == other.tag
    }
}

impl Eq for Language {}
