//! The texts of the pages as an operator changes them: what there is, and what may stand in its place.

use keybearer_app::brand::WordChange;
use keybearer_core::FieldViolation;

use super::words::{LANGUAGES, WordFault, of};

/// A text of the pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::web) struct Word {
    /// Its permanent name.
    pub name: String,
    /// What we say.
    pub ours: String,
}

/// Every text in a language; in English for a tag that is none of ours.
pub(in crate::web) fn wording(tag: &str) -> Vec<Word> {
    let words = of(tag);
    let word = |(name, ours): (String, &str)| Word { name, ours: ours.to_owned() };
    words.entries().into_iter().map(word).collect()
}

/// What is wrong with changes of wording. An empty text is always right: it brings ours back.
pub(crate) fn faults(changes: &[WordChange]) -> Vec<FieldViolation> {
    changes.iter().filter_map(|change| Some(violation(change, fault(change)?))).collect()
}

fn fault(change: &WordChange) -> Option<String> {
    if !LANGUAGES.iter().any(|language| language.tag == change.language) {
        let tags: Vec<&str> = LANGUAGES.iter().map(|language| language.tag).collect();
        return Some(format!("must be in a language of the pages: {}", tags.join(", ")));
    }
    let words = of(&change.language);
    if words.named(&change.key).is_none() {
        return Some("must name a text of the pages, for example start.heading".to_owned());
    }
    match words.check(&change.key, &change.text) {
        Ok(()) | Err(WordFault::Empty) => None,
        Err(WordFault::Unknown) => Some("must name a text of the pages".to_owned()),
        Err(WordFault::TooLong(most)) => Some(format!("must have at most {most} characters")),
        Err(WordFault::Unseen) => Some("must be one line without characters that nobody sees".to_owned()),
        Err(WordFault::Missing(places)) => {
            Some(format!("must keep {}: a value stands there", written(&places)))
        }
        Err(WordFault::Extra(places)) => {
            Some(format!("must not have {}: no value is there for it", written(&places)))
        }
    }
}

fn written(places: &[String]) -> String {
    let places: Vec<String> = places.iter().map(|place| format!("{{{place}}}")).collect();
    places.join(" and ")
}

fn violation(change: &WordChange, description: String) -> FieldViolation {
    FieldViolation { field: format!("words.{}.{}", change.language, change.key), description }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(language: &str, key: &str, text: &str) -> Vec<String> {
        let change = WordChange { language: language.into(), key: key.into(), text: text.into() };
        faults(&[change]).into_iter().map(|wrong| wrong.description).collect()
    }

    #[test]
    fn a_text_must_keep_its_places_and_may_have_no_others() {
        assert_eq!(told("en", "back", "Return to {app}"), Vec::<String>::new());
        assert_eq!(told("en", "back", ""), Vec::<String>::new());
        assert_eq!(told("en", "back", "Return"), ["must keep {app}: a value stands there"]);
        assert_eq!(told("en", "back", "{app} {token}"), ["must not have {token}: no value is there for it"]);
        assert_eq!(told("en", "cancel", &"x".repeat(500)), ["must have at most 400 characters"]);
        assert_eq!(
            told("en", "cancel", "a\u{202e}b"),
            ["must be one line without characters that nobody sees"]
        );
        assert!(told("xx", "cancel", "x")[0].starts_with("must be in a language of the pages: en, de"));
        assert!(told("en", "none.such", "")[0].starts_with("must name a text"));
    }

    #[test]
    fn every_text_can_be_changed_to_itself() {
        for language in &LANGUAGES {
            for word in wording(language.tag) {
                assert_eq!(told(language.tag, &word.name, &word.ours), Vec::<String>::new(), "{}", word.name);
            }
        }
    }
}
