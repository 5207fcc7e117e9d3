//! What a provider sent, as text that can be looked at: pretty where it is JSON, shortened where it is long, and
//! without characters that do something.

use serde_json::Value;

/// As much of a body is read.
pub(super) const MOST: usize = 256 * 1024;
/// As much of it is shown, in characters.
const SHOWN: usize = 40_000;

/// A body as a page shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Readable {
    pub text: String,
    /// Why it is not all, or not text.
    pub note: Option<String>,
}

/// A body. `cut` says why it is not whole.
pub(super) fn body(bytes: &[u8], kind: Option<&str>, cut: Option<&str>) -> Readable {
    if bytes.is_empty() {
        return Readable {
            note: Some(cut.unwrap_or("The answer has no body.").to_owned()),
            ..Readable::default()
        };
    }
    let Some(text) = text(bytes, cut.is_some()) else {
        let kind = kind.map(|kind| format!(" ({})", line(kind))).unwrap_or_default();
        let note = format!("{} bytes that are no text{kind}. They are not shown.", bytes.len());
        return Readable { note: Some(note), ..Readable::default() };
    };
    let pretty =
        serde_json::from_str::<Value>(text).ok().filter(|value| value.is_object() || value.is_array());
    let pretty = pretty.and_then(|value| serde_json::to_string_pretty(&value).ok());
    let whole = inert(pretty.as_deref().unwrap_or(text));
    let mut shown: String = whole.chars().take(SHOWN).collect();
    let longer = shown.len() < whole.len();
    if longer {
        shown.push('…');
    }
    let note = cut.or(longer.then_some("The answer is longer; this is its beginning."));
    Readable { text: shown, note: note.map(str::to_owned) }
}

/// One line, for a header.
pub(super) fn line(text: &str) -> String {
    let shown: String = inert(text).chars().take(2_000).collect();
    shown.replace(['\n', '\t'], " ")
}

/// UTF-8, or nothing. What was cut may end within a character.
fn text(bytes: &[u8], cut: bool) -> Option<&str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(error) if cut && error.error_len().is_none() => {
            std::str::from_utf8(bytes.get(..error.valid_up_to())?).ok()
        }
        Err(_) => None,
    }
}

/// Control characters and those that turn the direction of a line, as pictures of themselves.
fn inert(text: &str) -> String {
    let shown = |c: char| match c {
        '\n' | '\t' => c,
        '\u{0}'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}'),
        '\u{7f}' => '\u{2421}',
        '\u{80}'..='\u{9f}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            '\u{fffd}'
        }
        other => other,
    };
    text.replace("\r\n", "\n").chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_pretty_and_text_stays() {
        assert_eq!(body(br#"{"a":[1]}"#, None, None).text, "{\n  \"a\": [\n    1\n  ]\n}");
        assert_eq!(body(b"7", None, None).text, "7");
        assert_eq!(body(b"<b>hi</b>", Some("text/html"), None).text, "<b>hi</b>");
    }

    #[test]
    fn what_would_do_something_is_shown_as_a_picture() {
        let shown = body("\u{1b}[31mred\u{1b}[0m \u{202e}abc\r\n\u{0}".as_bytes(), None, None).text;
        assert_eq!(shown, "␛[31mred␛[0m \u{fffd}abc\n␀");
        assert_eq!(line("a\r\nset-cookie: x"), "a set-cookie: x");
    }

    #[test]
    fn bytes_that_are_no_text_are_counted_and_long_ones_are_cut() {
        let binary = body(&[0xff, 0xd8, 0xff], Some("image/jpeg"), None);
        assert_eq!(
            binary.note.as_deref(),
            Some("3 bytes that are no text (image/jpeg). They are not shown.")
        );
        assert!(binary.text.is_empty());
        let long = body("é".repeat(SHOWN + 5).as_bytes(), None, None);
        assert!(long.note.is_some() && long.text.chars().count() == SHOWN + 1);
        let mut cut = "é".repeat(10).into_bytes();
        cut.pop();
        assert_eq!(body(&cut, None, Some("longer")).text, "é".repeat(9));
        assert!(body(&cut, None, None).text.is_empty(), "a whole body that ends so is no text");
        assert!(body(b"", None, None).note.is_some());
    }
}
