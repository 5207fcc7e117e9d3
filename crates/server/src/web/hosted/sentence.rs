//! Sentences with values in them: kept as parts, so that the template escapes and marks each value.

/// How a value stands out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// The words of the sentence.
    Words,
    /// A value in the same weight.
    Plain,
    /// A value in bold.
    Bold,
    /// An id, in mono.
    Mono,
}

/// A piece of a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub text: String,
    pub look: Look,
}

/// A sentence with its values put in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sentence {
    pub parts: Vec<Part>,
}

/// A value for a placeholder.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value<'a> {
    name: &'static str,
    text: &'a str,
    look: Look,
}

/// A value in the weight of the sentence.
pub(super) fn plain<'a>(name: &'static str, text: &'a str) -> Value<'a> {
    Value { name, text, look: Look::Plain }
}

/// A value in bold.
pub(super) fn bold<'a>(name: &'static str, text: &'a str) -> Value<'a> {
    Value { name, text, look: Look::Bold }
}

/// A value in mono.
pub(super) fn mono<'a>(name: &'static str, text: &'a str) -> Value<'a> {
    Value { name, text, look: Look::Mono }
}

/// Puts values into the `{name}` places of a pattern. A place without a value stays empty, and so does the space that
/// would be left over beside it.
pub(super) fn say(pattern: &str, values: &[Value<'_>]) -> Sentence {
    let mut parts: Vec<Part> = Vec::new();
    let mut rest = pattern;
    while let Some((words, (name, after))) =
        rest.split_once('{').and_then(|(words, tail)| Some((words, tail.split_once('}')?)))
    {
        push(&mut parts, words, Look::Words);
        let value = values.iter().find(|value| value.name == name && !value.text.is_empty());
        rest = match value {
            Some(value) => {
                push(&mut parts, value.text, value.look);
                after
            }
            None => without_gap(&mut parts, after),
        };
    }
    push(&mut parts, rest, Look::Words);
    Sentence { parts }
}

/// Closes the gap around a place that stayed empty: before it at the start, else behind the words before it.
fn without_gap<'a>(parts: &mut [Part], after: &'a str) -> &'a str {
    match parts.last_mut() {
        Some(before) if before.text.ends_with(' ') && !after.starts_with(char::is_alphanumeric) => {
            before.text.truncate(before.text.trim_end().len());
            after
        }
        Some(_) => after,
        None => after.trim_start(),
    }
}

fn push(parts: &mut Vec<Part>, text: &str, look: Look) {
    if !text.is_empty() {
        parts.push(Part { text: text.to_owned(), look });
    }
}

impl Sentence {
    /// The sentence as bare text, for titles and messages to copy.
    pub fn text(&self) -> String {
        self.parts.iter().map(|part| part.text.as_str()).collect()
    }
}

/// Text of others as it is shown: without control and direction characters, and not endless.
pub(super) fn tidy(text: &str, longest: usize) -> String {
    let mut kept = text.chars().filter(|character| !is_unseen(*character));
    let mut shown: String = kept.by_ref().take(longest).collect();
    if kept.next().is_some() {
        shown.push('…');
    }
    shown.trim().to_owned()
}

/// Characters that change how their neighbours look, or nothing at all.
pub(super) fn is_unseen(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{061C}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_in_their_places_and_are_not_read_as_patterns() {
        let sentence = say("{app} asks {user}.", &[bold("user", "{app}"), plain("app", "Field{note}")]);
        assert_eq!(sentence.text(), "Field{note} asks {app}.");
        assert_eq!(sentence.parts[2], Part { text: "{app}".into(), look: Look::Bold });
    }

    #[test]
    fn a_place_without_a_value_and_a_lone_brace_do_no_harm() {
        assert_eq!(say("a {b} c { d", &[]).text(), "a c { d");
        assert_eq!(say("{b} c {b}.", &[plain("b", "")]).text(), "c.");
    }

    #[test]
    fn shown_text_cannot_turn_its_neighbours_around_and_ends() {
        assert_eq!(tidy("Gi\u{202E}t\u{0000}Hub\u{200F}\n", 40), "GitHub");
        assert_eq!(tidy(&"x".repeat(100_000), 5), "xxxxx…");
        assert_eq!(tidy("مرحبا", 40), "مرحبا");
    }
}
