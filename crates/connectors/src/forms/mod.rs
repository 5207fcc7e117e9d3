//! What people must give, and the check of what they gave.

mod clean;
mod fault;
mod file;
mod hints;

use std::collections::BTreeMap;

use keybearer_core::FieldViolation;

use crate::bindings::Bindings;
use crate::schema::{AuthMethod, Connector, Field, FieldKind, Place};

pub use fault::{Fault, FieldFault, FieldNote, Note};
pub use hints::{Hint, HintKind, hints};

/// Longest value of a one-line field, and of a file.
const MAX_LINE: usize = 8 * 1024;
const MAX_FILE: usize = 64 * 1024;

/// One input of a form.
#[derive(Clone, Debug, PartialEq)]
pub struct FormField {
    /// Name of the value.
    pub name: String,
    /// What the form calls it.
    pub label: String,
    /// A sentence under the input.
    pub help: Option<String>,
    /// The vendor's page on which the value is found; may hold placeholders of other fields.
    pub where_to_find_url: Option<String>,
    /// Whether it is stored sealed and never shown again.
    pub secret: bool,
    /// Whether it must be given.
    pub required: bool,
    /// How it is entered.
    pub kind: FieldKind,
    /// The only values there are, for [`FieldKind::Enum`].
    pub choices: Vec<String>,
    /// The value when none is given.
    pub default: Option<String>,
    /// An example.
    pub example: Option<String>,
    /// Regular expression of the whole value.
    pub pattern: Option<String>,
    /// What stands before the value in the address.
    pub prefix: Option<String>,
    /// What stands behind the value in the address.
    pub suffix: Option<String>,
    /// Used while connecting and then dropped.
    pub one_time: bool,
    /// Made by us and shown to the developer to copy.
    pub generated: bool,
}

/// What the developer must give once for a connection.
pub fn connection_form(connector: &Connector, method: &AuthMethod) -> Vec<FormField> {
    form(connector, method, Place::Connection)
}

/// What each user must give.
pub fn account_form(connector: &Connector, method: &AuthMethod) -> Vec<FormField> {
    form(connector, method, Place::Account)
}

fn form(connector: &Connector, method: &AuthMethod, place: Place) -> Vec<FormField> {
    let _ = connector;
    asked(method, place).map(form_field).collect()
}

fn asked(method: &AuthMethod, place: Place) -> impl Iterator<Item = &Field> {
    let shown = move |field: &&Field| field.place == place && !field.fixed && !field.discovered;
    method.fields.iter().filter(shown)
}

fn form_field(field: &Field) -> FormField {
    FormField {
        name: field.name.clone(),
        label: field.label.clone(),
        help: field.help.clone(),
        where_to_find_url: field.where_to_find_url.as_ref().map(|text| text.source().to_owned()),
        secret: field.secret,
        required: field.required && field.default.is_none(),
        kind: kind(field),
        choices: field.choices.clone(),
        default: field.default.clone(),
        example: field.example.clone(),
        pattern: field.pattern.clone(),
        prefix: field.prefix.clone(),
        suffix: field.suffix.clone(),
        one_time: field.one_time,
        generated: field.generated,
    }
}

/// How a field is entered, derived from its other keys where the definition does not say.
pub(crate) fn kind(field: &Field) -> FieldKind {
    match (&field.kind, field.format.as_deref()) {
        (Some(kind), _) => *kind,
        _ if !field.choices.is_empty() => FieldKind::Enum,
        (None, Some("uri" | "url")) => FieldKind::Url,
        (None, Some("json")) => FieldKind::JsonFile,
        (None, Some("pem")) => FieldKind::Pem,
        _ if field.secret => FieldKind::Password,
        _ => FieldKind::Text,
    }
}

/// Whether the value of a field decides which host an address of the method leads to.
pub fn decides_host(connector: &Connector, method: &AuthMethod, field: &Field) -> bool {
    !clean::in_hosts(connector, method, field).is_empty()
}

/// Whether every required value must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Require {
    /// A new connection or account.
    All,
    /// An edit: only what is given is checked.
    Given,
}

/// What was entered, checked and cleaned.
#[derive(Debug, Default)]
pub struct Checked {
    /// The values, defaults filled in.
    pub values: Bindings,
    /// What was done to them.
    pub notes: Vec<FieldNote>,
    /// What is wrong, in the order of the form.
    pub faults: Vec<FieldFault>,
}

/// Checks and cleans what was entered: pasted addresses are cut down to what is needed, quotes and `Bearer ` around a
/// key are removed, defaults are filled in. Names of the form are checked; other names are refused.
///
/// # Errors
/// One violation per wrong field, in the order of the form. They never hold the value.
pub fn check(
    connector: &Connector,
    method: &AuthMethod,
    place: Place,
    input: &BTreeMap<String, String>,
    require: Require,
) -> Result<Bindings, Vec<FieldViolation>> {
    let checked = read(connector, method, place, input, require);
    if checked.faults.is_empty() {
        return Ok(checked.values);
    }
    Err(checked.faults.into_iter().map(FieldViolation::from).collect())
}

/// Like [`check`], for a page that says what was done and what is wrong in words of its own.
pub fn read(
    connector: &Connector,
    method: &AuthMethod,
    place: Place,
    input: &BTreeMap<String, String>,
    require: Require,
) -> Checked {
    let mut checked = Checked::default();
    for name in input.keys().filter(|name| !asked(method, place).any(|field| field.name == **name)) {
        checked.faults.push(FieldFault { field: name.clone(), fault: Fault::Unknown });
    }
    for field in asked(method, place) {
        let given = input.get(&field.name);
        let wrong = |fault| FieldFault { field: field.name.clone(), fault };
        match given.map(|text| clean::clean(connector, method, field, text)) {
            Some(Err(fault)) => checked.faults.push(wrong(fault)),
            Some(Ok((value, notes))) if !value.is_empty() => {
                checked.values.insert(field.name.clone(), value);
                let note = |note| FieldNote { field: field.name.clone(), note };
                checked.notes.extend(notes.into_iter().map(note));
            }
            _ if given.is_none() && require == Require::Given => {}
            _ => match &field.default {
                Some(default) => checked.values.insert(field.name.clone(), default.as_str()),
                None if field.required && !field.generated => checked.faults.push(wrong(Fault::Missing)),
                None => {}
            },
        }
    }
    checked
}

#[cfg(test)]
#[path = "forms_tests.rs"]
mod tests;
