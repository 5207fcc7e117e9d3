//! Forms: fields, scopes to choose, and what is wrong with them.

use super::contract::{FormProblem, InputKind, PageField, PageForm, ScopeChoice};
use super::frame::{Href, Names, TEXT};
use super::sentence::{Sentence, mono, plain, say, tidy};
use super::words::ENGLISH;

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
    pub what: String,
    pub then: String,
    pub reference: Option<Sentence>,
    pub fields: Vec<Wrong>,
}

/// A field that is wrong, linked from the summary.
pub(super) struct Wrong {
    pub id: String,
    pub label: String,
}

/// How a field is drawn.
pub(super) enum Control {
    Line { kind: &'static str, mode: &'static str },
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
    pub control: Control,
    pub required: bool,
    pub mono: bool,
    pub value: String,
    pub example: Option<String>,
    pub prefix: Option<String>,
    pub suffix: Option<String>,
    pub help: Option<String>,
    pub where_to_find: Option<Href>,
    pub error: Option<String>,
    /// The ids of what describes it.
    pub described: String,
}

/// A scope that may be left out.
pub(super) struct Choice {
    pub id: String,
    pub scope: String,
    pub text: String,
    pub sensitive: bool,
    pub locked: bool,
    pub chosen: bool,
}

impl FormView {
    pub fn new(names: &Names, form: &PageForm) -> Self {
        let fields: Vec<_> =
            form.fields.iter().enumerate().map(|(index, field)| Field::new(index, field)).collect();
        let scopes = form.scopes.iter().enumerate().map(|(index, scope)| Choice::new(index, scope)).collect();
        Self {
            csrf: form.csrf.clone(),
            summary: summary(form.problem.as_ref(), &fields),
            choose: names.say(ENGLISH.start.choose),
            fields,
            scopes,
        }
    }

    /// Whether the person may leave `scope` out here.
    pub fn offers(&self, scope: &str) -> bool {
        self.scopes.iter().any(|choice| choice.scope == scope)
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

fn summary(problem: Option<&FormProblem>, fields: &[Field]) -> Option<Summary> {
    let wrong: Vec<_> = fields
        .iter()
        .filter(|field| field.error.is_some())
        .map(|field| Wrong { id: field.id.clone(), label: field.label.clone() })
        .collect();
    if let Some(problem) = problem {
        return Some(Summary {
            what: tidy(&problem.what, TEXT),
            then: tidy(&problem.then, TEXT),
            reference: Some(say(ENGLISH.reference, &[mono("ref", problem.reference.as_str())])),
            fields: wrong,
        });
    }
    let words = &ENGLISH.form;
    let (what, then) = match wrong.len() {
        0 => return None,
        1 => (words.one_wrong, words.one_field),
        _ => (words.some_wrong, words.some_fields),
    };
    let what = say(what, &[plain("n", &wrong.len().to_string())]).text();
    Some(Summary { what, then: then.to_owned(), reference: None, fields: wrong })
}

impl Field {
    fn new(index: usize, field: &PageField) -> Self {
        let id = format!("f{index}");
        let shown = |text: &Option<String>| {
            text.as_deref().map(|text| tidy(text, TEXT)).filter(|text| !text.is_empty())
        };
        let (prefix, suffix, help, error) =
            (shown(&field.prefix), shown(&field.suffix), shown(&field.help), shown(&field.error));
        let where_to_find = field.where_to_find.as_ref().and_then(Href::web);
        let described = [
            ("p", prefix.is_some()),
            ("s", suffix.is_some()),
            ("e", error.is_some()),
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
            control: control(field),
            required: field.required,
            mono: field.secret || field.input == InputKind::Area,
            // a secret never goes back to the browser, whatever the page says
            value: if field.secret { String::new() } else { field.value.clone() },
            example: shown(&field.example),
            prefix,
            suffix,
            help,
            where_to_find,
            error,
            described,
            id,
        }
    }
}

fn control(field: &PageField) -> Control {
    let line = |mode| Control::Line { kind: if field.secret { "password" } else { "text" }, mode };
    match &field.input {
        InputKind::Text => line("text"),
        InputKind::Number => line("decimal"),
        InputKind::Url => line("url"),
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
    fn new(index: usize, choice: &ScopeChoice) -> Self {
        let text = if choice.plain.is_empty() { &choice.scope } else { &choice.plain };
        Self {
            id: format!("s{index}"),
            scope: choice.scope.clone(),
            text: tidy(text, TEXT),
            sensitive: choice.sensitive,
            locked: choice.locked,
            chosen: choice.chosen || choice.locked,
        }
    }
}
