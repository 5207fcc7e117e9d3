//! What every file of words has to keep.

use std::collections::{BTreeMap, BTreeSet};

use keybearer_app::flows::language;

use super::*;

/// The names of everything in a file.
fn names(table: &toml::Table, before: &str, found: &mut BTreeSet<String>) {
    for (name, value) in table {
        let name = format!("{before}{name}");
        match value {
            toml::Value::Table(inner) => names(inner, &format!("{name}."), found),
            _ => {
                found.insert(name);
            }
        }
    }
}

/// The words of each language as they stand in its file.
fn files() -> Vec<Words> {
    LANGUAGES
        .iter()
        .map(|language| Words::read(language).unwrap_or_else(|fault| panic!("{}: {fault}", language.tag)))
        .collect()
}

#[test]
fn every_file_has_every_word_and_no_other() {
    for words in files() {
        let mut inside = BTreeSet::new();
        names(&words.language.file.parse().unwrap(), "", &mut inside);
        let expected: BTreeSet<_> = words.entries().into_iter().map(|(name, _)| name).collect();
        assert_eq!(inside, expected, "{}", words.language.tag);
    }
}

#[test]
fn the_languages_are_those_that_links_can_be_made_in() {
    let tags: BTreeSet<_> = LANGUAGES.iter().map(|language| language.tag).collect();
    assert_eq!(tags, language::LANGUAGES.into_iter().collect());
    let right_to_left: Vec<_> = LANGUAGES.iter().filter(|one| one.right_to_left).map(|one| one.tag).collect();
    assert_eq!(right_to_left, ["ar"]);
}

#[test]
fn every_text_has_the_places_of_the_master_and_the_plural_forms_of_its_language() {
    let master = english();
    for words in files() {
        let forms: BTreeSet<_> = (0..1_000).map(words.language.plural).chain([Category::Other]).collect();
        for (key, (ours, theirs)) in Key::ALL.iter().zip(master.texts.iter().zip(&words.texts)) {
            let at = format!("{} {}", words.language.tag, key.name());
            match (ours, theirs) {
                (Text::Plain(ours), Text::Plain(theirs)) => {
                    assert_eq!(placeholders(theirs), placeholders(ours), "{at}");
                }
                (Text::Plural(ours), Text::Plural(theirs)) => {
                    assert_eq!(theirs.keys().copied().collect::<BTreeSet<_>>(), forms, "{at}");
                    let most = placeholders(&ours[&Category::Other]);
                    for (category, text) in theirs {
                        assert!(placeholders(text).is_subset(&most), "{at} {text}");
                        assert!(*category != Category::Other || placeholders(text) == most, "{at} {text}");
                    }
                }
                _ => panic!("{at} has plural forms in one language only"),
            }
        }
    }
}

#[test]
fn texts_are_whole_calm_and_begin_short() {
    const NEVER: [&str; 9] =
        ["oops", "please", "sorry", "successfully", "invalid", "something went wrong", "!", "！", "¡"];
    for words in files() {
        for (name, text) in words.entries() {
            let at = format!("{} {name}: {text}", words.language.tag);
            assert_eq!(text.trim(), text, "{at}");
            // a language may do without a word for an unknown name
            assert!(!text.is_empty() || name.starts_with("any_"), "{at}");
            assert!(!text.contains("  "), "{at}");
            assert_eq!(text.matches('{').count(), text.matches('}').count(), "{at}");
            let first = text.split_inclusive(['.', '?', '。', '؟', '？']).next().unwrap_or_default();
            assert!(first.chars().count() <= 90, "{at}");
            let lower = text.to_lowercase();
            assert!(NEVER.iter().all(|never| !lower.contains(never)), "{at}");
        }
    }
}

#[test]
fn a_language_is_translated_and_its_months_are_twelve() {
    let master = english();
    for words in files() {
        let months: BTreeSet<_> = (1..=12).map(|month| words.text(Key::month(month).unwrap())).collect();
        assert_eq!(months.len(), 12, "{}", words.language.tag);
        if words.language.tag == "en" {
            continue;
        }
        let same: Vec<_> = Key::ALL.iter().filter(|key| words.text(**key) == master.text(**key)).collect();
        assert!(same.len() <= 8, "{} has English in it: {same:?}", words.language.tag);
    }
}

#[test]
fn numbers_take_the_form_of_the_language() {
    let said = |tag: &str, number| of(tag).count(Key::ProblemWaitMinutes, number).to_owned();
    assert_ne!(said("en", 1), said("en", 2));
    let polish: BTreeSet<_> = [1, 2, 5].map(|number| said("pl", number)).into_iter().collect();
    assert_eq!(polish.len(), 3);
    assert_eq!(said("pl", 22), said("pl", 3));
    let arabic: BTreeSet<_> = [1, 2, 3, 11, 100].map(|number| said("ar", number)).into_iter().collect();
    assert!(arabic.len() >= 4, "{arabic:?}");
    assert_eq!(said("ja", 1), said("ja", 7));
}

#[test]
fn a_day_is_told_in_the_form_of_the_language() {
    let at = keybearer_core::Timestamp::from_seconds(1_763_158_400);
    assert_eq!(of("en").moment(at), "14 November 2025, 22:13 UTC");
    assert_eq!(of("de").moment(at), "14. November 2025, 22:13 UTC");
    assert_eq!(of("pl").day(at), "14 listopada 2025");
    assert_eq!(of("ja").moment(at), "2025年11月14日 22:13（UTC）");
    assert_eq!(of("ar").day(at), "14 نوفمبر 2025");
}

#[test]
fn an_operator_may_put_a_sentence_in_place_of_ours_if_it_has_the_same_places() {
    let words = english();
    let fits = |name: &str, text: &str| words.check(name, text);
    assert_eq!(fits("back", "Return to {app}"), Ok(()));
    assert_eq!(fits("form.wrong.one", "Have another look."), Ok(()));
    assert_eq!(fits("back", "Return"), Err(WordFault::Missing(vec!["app".into()])));
    assert_eq!(fits("form.wrong.other", "Look."), Err(WordFault::Missing(vec!["n".into()])));
    assert_eq!(fits("back", "{app} {secret}"), Err(WordFault::Extra(vec!["secret".into()])));
    assert_eq!(fits("back", " "), Err(WordFault::Empty));
    assert_eq!(fits("back", "{app}\u{202E}x"), Err(WordFault::Unseen));
    assert_eq!(fits("back", &format!("{{app}}{}", "x".repeat(400))), Err(WordFault::TooLong(400)));
    for unknown in ["nothing", "form.wrong", "form.wrong.few", "back.one", "start", ""] {
        assert_eq!(fits(unknown, "x"), Err(WordFault::Unknown), "{unknown}");
    }
}

#[test]
fn overrides_change_what_they_name_and_nothing_else() {
    let pairs =
        [("back", "Return to {app}"), ("form.wrong.other", "{n} to mend"), ("cancel", "{x}"), ("no", "x")];
    let overrides: BTreeMap<_, _> =
        pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    let (words, changed) = (english(), english().with(&overrides));
    assert_eq!(changed.text(Key::Back), "Return to {app}");
    assert_eq!(changed.count(Key::FormWrong, 3), "{n} to mend");
    assert_eq!(changed.count(Key::FormWrong, 1), words.count(Key::FormWrong, 1));
    let same = Key::ALL.iter().filter(|key| changed.text(**key) == words.text(**key)).count();
    assert_eq!(same, Key::ALL.len() - 2);
}
