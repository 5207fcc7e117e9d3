//! What goes into a brand and what comes out of it.

use std::collections::{BTreeMap, BTreeSet};

use keybearer_core::ids::EnvironmentId;
use serde::{Deserialize, Serialize};
use url::Url;

use super::colour::Rgb;
use super::theme::Look;

macro_rules! choices {
    ($($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name { #[default] $($(#[$variant_doc])* #[serde(rename = $text)] $variant,)* }

        impl $name {
            /// Every value, the usual one first.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its word, in forms, at the API and in the database.
            pub const fn as_str(self) -> &'static str { match self { $(Self::$variant => $text,)* } }

            /// Reads the word.
            pub fn parse(text: &str) -> Option<Self> { match text { $($text => Some(Self::$variant),)* _ => None } }
        }
    )*};
}

choices! {
    /// How round cards, buttons and fields are.
    Corners {
        /// As we draw them.
        Soft = "soft",
        /// Nearly square.
        Square = "square",
        /// Very round.
        Round = "round",
    }

    /// In which letters the pages are set.
    Font {
        /// Ours, easy to read.
        Built = "built-in",
        /// Those of the person's system.
        System = "system",
    }

    /// Which theme the pages have.
    PageTheme {
        /// As the person's system is.
        Auto = "auto",
        /// Light for everybody.
        Light = "light",
        /// Dark for everybody.
        Dark = "dark",
    }
}

impl Corners {
    /// Card, control and tile in pixels; `None` for the usual ones.
    pub(super) const fn radii(self) -> Option<(u8, u8, u8)> {
        match self {
            Self::Soft => None,
            Self::Square => Some((2, 2, 2)),
            Self::Round => Some((24, 22, 18)),
        }
    }
}

/// The wording of an environment: language, key, text.
pub type Wording = BTreeMap<String, BTreeMap<String, String>>;

/// How the hosted pages of an environment look and what they say.
#[derive(Clone, Debug, PartialEq)]
pub struct Brand {
    /// The environment.
    pub environment_id: EnvironmentId,
    /// Counts its changes; 0 before the first one.
    pub version: i64,
    /// The name of the app.
    pub app_name: String,
    /// Everything else but the logos.
    pub settings: Settings,
    /// The address of the logo.
    pub logo: Option<String>,
    /// The address of the logo for dark surfaces.
    pub logo_dark: Option<String>,
}

/// The settings as they are stored.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// The one colour, `#rrggbb`.
    pub colour: Option<String>,
    /// How round things are.
    pub corners: Corners,
    /// In which letters.
    pub font: Font,
    /// Which theme.
    pub theme: PageTheme,
    /// Where people find help.
    #[serde(with = "addresses")]
    pub support_url: Option<Url>,
    /// What the app does with data.
    #[serde(with = "addresses")]
    pub privacy_url: Option<Url>,
    /// Whether the line about Keybearer is left out.
    pub without_footer: bool,
    /// Languages that the pages are not shown in.
    pub languages_off: BTreeSet<String>,
    /// The language for people who asked for none of the others; English where there is none.
    pub default_language: Option<String>,
    /// Other words than ours.
    pub words: Wording,
    /// What addresses that a link leads back to must begin with; empty for no limit.
    #[serde(with = "addresses")]
    pub return_urls: Vec<Url>,
    /// Sites that may show the pages inside their own.
    pub embed_origins: Vec<String>,
}

/// Addresses as their texts; one that cannot be read any more is left out.
mod addresses {
    use serde::{Deserialize as _, Deserializer, Serializer};
    use url::Url;

    pub(super) fn serialize<'a, S: Serializer>(
        urls: impl IntoIterator<Item = &'a Url>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(urls.into_iter().map(Url::as_str))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>, T: From<Addresses>>(
        deserializer: D,
    ) -> Result<T, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        Ok(Addresses(texts.iter().filter_map(|text| Url::parse(text).ok()).collect()).into())
    }

    /// What was read.
    pub(super) struct Addresses(Vec<Url>);

    impl From<Addresses> for Vec<Url> {
        fn from(Addresses(all): Addresses) -> Self {
            all
        }
    }

    impl From<Addresses> for Option<Url> {
        fn from(Addresses(all): Addresses) -> Self {
            all.into_iter().next()
        }
    }
}

impl Settings {
    /// Whether the pages are shown in that language.
    pub fn speaks(&self, language: &str) -> bool {
        !self.languages_off.contains(language)
    }

    /// What a stylesheet draws.
    pub fn look(&self) -> Look {
        Look { colour: self.colour.as_deref().and_then(Rgb::parse), corners: self.corners, font: self.font }
    }
}

/// What a hosted page needs of the brand of its environment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PageBrand {
    /// The settings.
    pub settings: Settings,
    /// The address of the stylesheet.
    pub sheet: Option<String>,
    /// The address of the logo.
    pub logo: Option<String>,
    /// The address of the logo for dark surfaces.
    pub logo_dark: Option<String>,
}

/// What to change; absent leaves a value as it is, an empty text removes it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BrandChange {
    /// The version that was seen; the change is refused when there is a newer one.
    pub expected_version: Option<i64>,
    /// The name of the app.
    pub app_name: Option<String>,
    /// The colour.
    pub colour: Option<String>,
    /// A word of [`Corners`].
    pub corners: Option<String>,
    /// A word of [`Font`].
    pub font: Option<String>,
    /// A word of [`PageTheme`].
    pub theme: Option<String>,
    /// Where people find help.
    pub support_url: Option<String>,
    /// What the app does with data.
    pub privacy_url: Option<String>,
    /// Whether the line about Keybearer is shown.
    pub footer: Option<bool>,
    /// Languages that the pages are not shown in.
    pub languages_off: Option<Vec<String>>,
    /// The language for people who asked for none of the others.
    pub default_language: Option<String>,
    /// Other words, checked by whoever has the languages.
    pub words: Vec<WordChange>,
    /// What addresses that a link leads back to must begin with.
    pub return_urls: Option<Vec<String>>,
    /// Sites that may show the pages inside their own.
    pub embed_origins: Option<Vec<String>>,
    /// The logo.
    pub logo: LogoChange,
    /// The logo for dark surfaces.
    pub logo_dark: LogoChange,
}

/// One text in other words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WordChange {
    /// The language.
    pub language: String,
    /// The key of the text.
    pub key: String,
    /// The words; empty for ours again.
    pub text: String,
}

/// What happens to a logo.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LogoChange {
    /// It stays.
    #[default]
    Keep,
    /// There is none any more.
    Remove,
    /// This file, SVG or PNG.
    Replace(Vec<u8>),
}

/// A brand after a change.
#[derive(Clone, Debug, PartialEq)]
pub struct Changed {
    /// The brand.
    pub brand: Brand,
    /// What was left out of an SVG logo, by name.
    pub left_out: Vec<String>,
}
