//! The form and the text of one definition, which are one: whichever was changed counts.

use keybearer_app::providers;
use serde_json::Value;

use super::super::form::Form;
use super::digest;
use super::plain::Plain;

/// A longer text is not posted by a page.
const LONGEST: usize = 36_000;
/// A longer text is edited without the form beside it: both have to fit into one post.
const WITH_FORM: usize = 16_000;

/// Both faces of a definition.
#[derive(Clone, Debug, Default)]
pub(super) struct Sheet {
    pub plain: Plain,
    pub text: String,
    /// What form and text were when the page was made: so it is known which of them was changed.
    pub text_seen: String,
    pub form_seen: String,
    /// Both were changed, and differ.
    pub conflict: bool,
    /// The form shows so many empty rows more.
    pub more: usize,
}

impl Sheet {
    /// What the page shows first.
    pub fn new(plain: Plain, definition: &Value) -> Self {
        let text = providers::text(definition);
        Self { text_seen: digest(&text), form_seen: plain.digest(), plain, text, conflict: false, more: 0 }
    }

    /// The sheet of a definition.
    pub fn of(definition: &Value) -> Self {
        Self::new(Plain::of(definition), definition)
    }

    /// What was posted, with one of the two brought after the other.
    pub fn read(form: &Form) -> Self {
        let text = form.text("text").replace("\r\n", "\n");
        let more = form.text("more").parse::<usize>().unwrap_or_default().min(40);
        let (text_seen, form_seen) = (form.text("text_seen"), form.text("form_seen"));
        let posted = Self { plain: Plain::read(form), text, text_seen, form_seen, conflict: false, more };
        // without the form there is only the text
        let by_form = form.has("name") && posted.plain.digest() != posted.form_seen;
        let by_text = digest(&posted.text) != posted.text_seen || !form.has("name");
        match (form.text("do").as_str(), by_form, by_text) {
            ("form", ..) | (_, true, false) => posted.after_form(),
            ("text", ..) | (_, false, true) => posted.after_text(),
            (_, false, false) => posted,
            (_, true, true) => posted.both(),
        }
    }

    /// The form counts.
    pub fn after_form(mut self) -> Self {
        let base: Value = serde_json::from_str(&self.text).unwrap_or_default();
        let definition = self.plain.write(&base);
        // what is the same is left as it was typed
        if definition != base {
            self.text = providers::text(&definition);
        }
        Self { text_seen: digest(&self.text), form_seen: self.plain.digest(), conflict: false, ..self }
    }

    fn after_text(self) -> Self {
        match serde_json::from_str::<Value>(&self.text) {
            Ok(definition) if definition.is_object() => {
                let plain = Plain::of(&definition);
                Self {
                    text_seen: digest(&self.text),
                    form_seen: plain.digest(),
                    plain,
                    conflict: false,
                    ..self
                }
            }
            // it stays changed, so that a later change of the form does not run it over
            _ => Self { conflict: false, ..self },
        }
    }

    fn both(self) -> Self {
        let said = serde_json::from_str::<Value>(&self.text).ok().filter(Value::is_object);
        match said {
            Some(said) if self.plain.write(&said) == said => self.after_text(),
            _ => Self { conflict: true, ..self },
        }
    }

    /// Whether the form is shown beside the text.
    pub fn has_form(&self) -> bool {
        self.text.len() <= WITH_FORM && self.plain.fits()
    }

    /// Whether the text can be posted at all.
    pub fn is_editable(&self) -> bool {
        self.text.len() <= LONGEST
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::hosted::Submitted;

    fn posted(sheet: &Sheet, changes: &[(&str, &str)]) -> Form {
        let plain = &sheet.plain;
        let mut pairs: Vec<(String, String)> = [
            ("name", plain.name.as_str()),
            ("way", &plain.way),
            ("base", &plain.base),
            ("calls", "1"),
            ("text", &sheet.text),
            ("text_seen", &sheet.text_seen),
            ("form_seen", &sheet.form_seen),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.replace('\n', "\r\n")))
        .collect();
        for (name, value) in changes {
            pairs.retain(|(known, _)| known != name);
            pairs.push(((*name).to_owned(), (*value).to_owned()));
        }
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        Form(Submitted::read(body.as_bytes()))
    }

    fn begun() -> Sheet {
        let plain = Plain::new("CRM");
        let definition = plain.write(&Value::Null);
        Sheet::new(plain, &definition)
    }

    #[test]
    fn whichever_was_changed_counts() {
        let sheet = begun();
        let same = Sheet::read(&posted(&sheet, &[]));
        assert_eq!((same.text.as_str(), same.conflict), (sheet.text.as_str(), false));
        let by_form = Sheet::read(&posted(&sheet, &[("base", "https://a.example")]));
        assert!(by_form.text.contains("https://a.example"));
        let text = sheet.text.replace("CRM", "Other");
        let by_text = Sheet::read(&posted(&sheet, &[("text", &text)]));
        assert_eq!(by_text.plain.name, "Other");
    }

    #[test]
    fn both_changed_asks_and_loses_nothing() {
        let sheet = begun();
        let text = sheet.text.replace("CRM", "Other");
        let both = Sheet::read(&posted(&sheet, &[("text", &text), ("base", "https://a.example")]));
        assert!(both.conflict && both.text == text && both.plain.base == "https://a.example");
        let keep = |which: &str| {
            Sheet::read(&posted(&sheet, &[("text", &text), ("base", "https://a.example"), ("do", which)]))
        };
        assert_eq!(keep("form").plain.name, "CRM");
        assert!(keep("form").text.contains("CRM") && keep("form").text.contains("a.example"));
        assert_eq!((keep("text").plain.name.as_str(), keep("text").plain.base.as_str()), ("Other", ""));
    }

    #[test]
    fn a_text_with_a_slip_is_never_run_over() {
        let sheet = begun();
        let broken = Sheet::read(&posted(&sheet, &[("text", "{ \"display_name\": ")]));
        assert_eq!(broken.text, "{ \"display_name\": ");
        let later = Sheet::read(&posted(&broken, &[("base", "https://a.example")]));
        assert!(later.conflict && later.text == broken.text);
    }
}
