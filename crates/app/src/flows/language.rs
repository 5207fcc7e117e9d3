//! The languages that hosted pages speak.

use keybearer_core::{Error, Result};

/// Their tags (BCP 47), English first.
pub const LANGUAGES: [&str; 12] =
    ["en", "de", "es", "fr", "it", "nl", "pl", "pt-BR", "ar", "ja", "ko", "zh-Hans"];
/// Longest tag that is looked at.
const LONGEST: usize = 35;

/// The language of ours that answers to a tag: `de-AT` is `de`, `pt` is `pt-BR`, `zh-CN` is `zh-Hans`. Traditional
/// Chinese is none of them.
pub fn matching(tag: &str) -> Option<&'static str> {
    if tag.len() > LONGEST {
        return None;
    }
    let mut pieces = tag.split(['-', '_']);
    let primary = pieces.next()?;
    let traditional =
        |piece: &str| ["hant", "tw", "hk", "mo"].iter().any(|other| other.eq_ignore_ascii_case(piece));
    if primary.eq_ignore_ascii_case("zh") && pieces.next().is_some_and(traditional) {
        return None;
    }
    LANGUAGES
        .into_iter()
        .find(|known| known.split('-').next().is_some_and(|known| known.eq_ignore_ascii_case(primary)))
}

/// The language for a link, from what its maker wrote; none when nothing was.
///
/// # Errors
/// [`keybearer_core::Code::InvalidArgument`] for a language that the pages do not speak.
pub(super) fn chosen(tag: Option<&str>) -> Result<Option<String>> {
    let Some(tag) = tag.map(str::trim).filter(|tag| !tag.is_empty()) else {
        return Ok(None);
    };
    let known = matching(tag);
    let expected = || Error::field("locale", format!("must be one of: {}", LANGUAGES.join(", ")));
    known.map(|tag| Some(tag.to_owned())).ok_or_else(expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_finds_the_nearest_language() {
        let pairs = [
            ("en-GB", Some("en")),
            ("DE", Some("de")),
            ("pt", Some("pt-BR")),
            ("pt_PT", Some("pt-BR")),
            ("zh", Some("zh-Hans")),
            ("zh-CN", Some("zh-Hans")),
            ("zh-Hans-SG", Some("zh-Hans")),
            ("zh-Hant", None),
            ("zh-tw", None),
            ("sv", None),
            ("", None),
            ("ena", None),
        ];
        for (tag, known) in pairs {
            assert_eq!(matching(tag), known, "{tag}");
        }
        assert_eq!(matching(&format!("en{}", "-a".repeat(40))), None);
    }
}
