//! Two languages that nobody speaks, for tests: one that is 40 % longer with accents in brackets, and English from right
//! to left. Not in release builds.

use std::sync::{Arc, LazyLock};

use super::plural::one_or_other;
use super::{ALL, Language, Text, Words};

static LONG: Language =
    Language { tag: "en-x-long", name: "Ļöñğ", right_to_left: false, file: "", plural: one_or_other };
static MIRROR: Language =
    Language { tag: "en-x-mirror", name: "Mirror", right_to_left: true, file: "", plural: one_or_other };

static MADE: LazyLock<[Arc<Words>; 2]> = LazyLock::new(|| {
    let made = |language, change: fn(&str) -> String| {
        let texts = ALL.first().map(|english| english.texts.clone()).unwrap_or_default();
        let texts = texts.into_iter().map(|text| match text {
            Text::Plain(text) => Text::Plain(change(&text)),
            Text::Plural(forms) => {
                Text::Plural(forms.into_iter().map(|(category, text)| (category, change(&text))).collect())
            }
        });
        Arc::new(Words { language, texts: texts.collect() })
    };
    [made(&LONG, lengthened), made(&MIRROR, str::to_owned)]
});

/// The words of a language of tests.
pub(super) fn of(tag: &str) -> Option<Arc<Words>> {
    known(tag).and_then(|tag| MADE.iter().find(|words| words.language.tag == tag)).map(Arc::clone)
}

/// Its tag, if it is one.
pub(super) fn known(tag: &str) -> Option<&'static str> {
    [LONG.tag, MIRROR.tag].into_iter().find(|known| known.eq_ignore_ascii_case(tag))
}

/// With accents, in brackets, and half as long again as it is; places stay as they are.
fn lengthened(text: &str) -> String {
    let mut inside = false;
    let accented: String = text
        .chars()
        .map(|letter| {
            inside = (inside || letter == '{') && letter != '}';
            if inside { letter } else { accent(letter) }
        })
        .collect();
    let more = text.chars().count() * 2 / 5;
    let filling: String =
        "one two three four five six seven eight nine ten ".chars().cycle().take(more).collect();
    format!("[{accented} {}]", filling.trim_end())
}

fn accent(letter: char) -> char {
    const PLAIN: &str = "aceginosuyACEGINOSUYlrtdz";
    const WITH: &str = "åçéğîñöšûýÅÇÉĞÎÑÖŠÛÝļŕťďž";
    PLAIN.chars().zip(WITH.chars()).find(|(plain, _)| *plain == letter).map_or(letter, |(_, with)| with)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_longer_by_two_fifths_and_keeps_its_places() {
        let long = lengthened("{app} asks {user}. Not you? Close this page.");
        assert!(long.starts_with("[{app} åškš {user}.") && long.ends_with(']'), "{long}");
        assert!(long.chars().count() * 5 >= 44 * 7, "{long}");
    }
}
