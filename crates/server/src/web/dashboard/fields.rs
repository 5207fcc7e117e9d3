//! Inputs that a connector asks for.

use keybearer_app::connectors::forms::FormField;
use keybearer_app::connectors::schema::FieldKind;
use url::Url;

/// An input as the template draws it.
#[derive(Clone, Debug, Default)]
pub(super) struct Input {
    /// Its id on the page.
    pub id: String,
    /// Its name in the form.
    pub name: String,
    pub label: String,
    pub help: String,
    pub where_to_find: String,
    pub control: Control,
    pub value: String,
    pub required: bool,
    pub example: String,
    pub prefix: String,
    pub suffix: String,
    pub error: Option<String>,
    pub warning: Option<String>,
    /// What is known of a stored secret.
    pub stored: Option<String>,
    /// It was typed and not saved: it must be typed again.
    pub again: bool,
}

/// How it is entered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Control {
    #[default]
    Line,
    Secret,
    Area,
    Choice(Vec<String>),
    /// Made by us, to be copied.
    Shown,
}

impl Input {
    /// Name of the choice whether the developer fixes it.
    pub fn choice(&self) -> String {
        self.name.replacen("x.", "how.", 1)
    }

    /// The input of a field, without its value.
    pub fn new(field: &FormField) -> Self {
        let control = match (field.generated, field.kind, field.secret) {
            (true, _, false) => Control::Shown,
            (_, FieldKind::Enum, _) => Control::Choice(field.choices.clone()),
            (_, FieldKind::Pem | FieldKind::JsonFile, _) => Control::Area,
            (_, _, true) => Control::Secret,
            _ => Control::Line,
        };
        Self {
            id: format!("f-{}", field.name),
            name: name(&field.name),
            label: field.label.clone(),
            help: field.help.clone().unwrap_or_default(),
            where_to_find: field.where_to_find_url.as_deref().and_then(web).unwrap_or_default(),
            control,
            required: field.required,
            example: field.example.clone().unwrap_or_default(),
            prefix: field.prefix.clone().unwrap_or_default(),
            suffix: field.suffix.clone().unwrap_or_default(),
            ..Self::default()
        }
    }
}

/// The name of a field's input: those of a connector cannot meet ours.
pub(super) fn name(field: &str) -> String {
    match field {
        "client_id" | "client_secret" => field.to_owned(),
        other => format!("f.{other}"),
    }
}

/// An address that may stand in `href`: http or https, without a placeholder left.
pub(super) fn web(text: &str) -> Option<String> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    (!text.contains('{')).then(|| url.to_string())
}

#[cfg(test)]
mod tests {
    use super::web;

    #[test]
    fn only_web_addresses_become_links() {
        assert!(web("https://example.com/keys").is_some());
        for bad in ["javascript:alert(1)", "data:text/html,x", "https://a.example/{x}", "/keys", ""] {
            assert_eq!(web(bad), None, "{bad}");
        }
    }
}
