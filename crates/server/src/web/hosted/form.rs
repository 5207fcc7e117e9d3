//! Forms: fields, scopes to choose, and what is wrong with them.

use super::contract::{FormProblem, FormTrouble, InputKind, PageField, PageForm, ScopeChoice};
use super::frame::{Frame, Href, TEXT};
use super::said;
use super::sentence::{Sentence, mono, plain, say, tidy};
use super::views::Line;
use super::words::{Key, Words};

/// A form as the template draws it.
pub(super) struct FormView {
    pub csrf: String,
    pub fields: Vec<Field>,
    pub scopes: Vec<Choice>,
    pub choose: Sentence,
    pub summary: Option<Summary>,
}

/// What is wrong, on top of the form.
pub(super) struct Summary {
    pub what: Sentence,
    pub then: Sentence,
    pub reference: Option<Sentence>,
    pub fields: Vec<Wrong>,
}

/// A field that is wrong, linked from the summary.
pub(super) struct Wrong {
    pub id: String,
    pub label: String,
    pub lang: Option<&'static str>,
}

/// How a field is drawn.
pub(super) enum Control {
    Line { kind: &'static str, mode: &'static str, dir: &'static str },
    Choice(Vec<Chosen>),
    Area,
}

/// One value of a choice.
pub(super) struct Chosen {
    pub value: String,
    pub selected: bool,
}

/// A field as the template draws it.
pub(super) struct Field {
    pub id: String,
    pub name: String,
    pub label: String,
    /// The language of what the connector says, where it is not the page's.
    pub lang: Option<&'static str>,
    pub control: Control,
    pub required: bool,
    pub secret: bool,
    pub mono: bool,
    pub value: String,
    pub example: Option<String>,
    /// What the value looks like, and what is said where it does not.
    pub looks: Option<(String, Sentence)>,
    pub prefix: Option<String>,
    pub suffix: Option<String>,
    pub help: Option<String>,
    pub where_to_find: Option<Href>,
    pub error: Option<Sentence>,
    pub notes: Vec<Sentence>,
    /// The ids of what describes it.
    pub described: String,
}

/// A scope that may be left out.
pub(super) struct Choice {
    pub id: String,
    pub scope: String,
    pub line: Line,
    pub sensitive: bool,
    pub locked: bool,
    pub chosen: bool,
}

impl FormView {
    /// The form of a page; `english` where the connector's own words are English.
    pub fn new(frame: &Frame, form: &PageForm, english: bool) -> Self {
        let words = &frame.words;
        let lang = words.english().filter(|_| english);
        let fields: Vec<_> = form
            .fields
            .iter()
            .enumerate()
            .map(|(index, field)| Field::new(index, field, words, lang))
            .collect();
        let scopes = form
            .scopes
            .iter()
            .enumerate()
            .map(|(index, scope)| Choice::new(index, scope, words, lang))
            .collect();
        Self {
            csrf: form.csrf.clone(),
            summary: summary(form.problem.as_ref(), &fields, frame),
            choose: frame.say(Key::StartChoose),
            fields,
            scopes,
        }
    }

    /// Whether the person may leave `scope` out here.
    pub fn offers(&self, scope: &str) -> bool {
        self.scopes.iter().any(|choice| choice.scope == scope)
    }

    /// Whether there is a secret to show, a file to choose, or something to say while one types.
    pub fn saves_steps(&self) -> bool {
        self.fields.iter().any(|field| field.secret || field.is_file() || field.looks.is_some())
    }

    /// Whether it comes back after a submit that was refused.
    pub fn is_wrong(&self) -> bool {
        self.summary.is_some()
    }
}

/// Whether a form says that something is wrong with it.
pub(super) fn refused(form: &PageForm) -> bool {
    form.problem.is_some() || form.fields.iter().any(|field| field.error.is_some())
}

fn summary(problem: Option<&FormProblem>, fields: &[Field], frame: &Frame) -> Option<Summary> {
    let wrong: Vec<_> = fields
        .iter()
        .filter(|field| field.error.is_some())
        .map(|field| Wrong { id: field.id.clone(), label: field.label.clone(), lang: field.lang })
        .collect();
    let words = &frame.words;
    let kind = match problem {
        Some(problem) => problem.kind,
        None if wrong.is_empty() => return None,
        None => FormTrouble::Fields,
    };
    let (what, then) = match kind {
        FormTrouble::Fields => {
            let number = u64::try_from(wrong.len()).unwrap_or(u64::MAX);
            let value = number.to_string();
            let told = |key| say(words.count(key, number), &[plain("n", &value)]);
            (told(Key::FormWrong), told(Key::FormWrongThen))
        }
        FormTrouble::Rejected => (frame.say(Key::FormRejected), frame.say(Key::FormRejectedThen)),
        FormTrouble::Away => (frame.say(Key::FormAway), frame.say(Key::FormAwayThen)),
        FormTrouble::Failed => (frame.say(Key::FormFailed), frame.say(Key::FormFailedThen)),
    };
    let reference =
        problem.map(|problem| say(words.text(Key::Reference), &[mono("ref", problem.reference.as_str())]));
    Some(Summary { what, then, reference, fields: wrong })
}

impl Field {
    fn new(index: usize, field: &PageField, words: &Words, lang: Option<&'static str>) -> Self {
        let id = format!("f{index}");
        let shown = |text: &Option<String>| {
            text.as_deref().map(|text| tidy(text, TEXT)).filter(|text| !text.is_empty())
        };
        let (prefix, suffix, help) = (shown(&field.prefix), shown(&field.suffix), shown(&field.help));
        let error = field.error.as_ref().map(|fault| said::fault(words, fault));
        let where_to_find = field.where_to_find.as_ref().and_then(Href::web);
        let described = [
            ("p", prefix.is_some()),
            ("s", suffix.is_some()),
            ("e", error.is_some()),
            ("n", !field.notes.is_empty()),
            ("h", help.is_some() || where_to_find.is_some()),
        ]
        .into_iter()
        .filter(|(_, there)| *there)
        .map(|(part, _)| format!("{id}{part}"))
        .collect::<Vec<_>>()
        .join(" ");
        Self {
            name: field.name.clone(),
            label: tidy(if field.label.is_empty() { &field.name } else { &field.label }, TEXT),
            lang,
            control: control(field),
            required: field.required,
            secret: field.secret,
            mono: field.secret || field.input == InputKind::Area,
            // a secret never goes back to the browser, whatever the page says
            value: if field.secret { String::new() } else { field.value.clone() },
            example: shown(&field.example),
            looks: field.pattern.clone().map(|pattern| (pattern, said::odd(words, field.example.as_deref()))),
            prefix,
            suffix,
            help,
            where_to_find,
            error,
            notes: field.notes.iter().map(|note| said::note(words, note)).collect(),
            described,
            id,
        }
    }

    /// Whether a script may offer to read a file into it.
    pub fn is_file(&self) -> bool {
        matches!(self.control, Control::Area)
    }
}

fn control(field: &PageField) -> Control {
    let kind = if field.secret { "password" } else { "text" };
    let line = |mode, dir| Control::Line { kind, mode, dir };
    match &field.input {
        InputKind::Text => line("text", if field.secret { "ltr" } else { "auto" }),
        InputKind::Number => line("decimal", "ltr"),
        InputKind::Url => line("url", "ltr"),
        InputKind::Area => Control::Area,
        InputKind::Choice(values) => Control::Choice(
            values
                .iter()
                .map(|value| Chosen { value: value.clone(), selected: *value == field.value })
                .collect(),
        ),
    }
}

impl Choice {
    fn new(index: usize, choice: &ScopeChoice, words: &Words, lang: Option<&'static str>) -> Self {
        Self {
            id: format!("s{index}"),
            scope: choice.scope.clone(),
            line: Line::new(words, &choice.plain, &choice.scope, lang),
            sensitive: choice.sensitive,
            locked: choice.locked,
            chosen: choice.chosen || choice.locked,
        }
    }
}
