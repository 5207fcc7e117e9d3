use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::template::Text;

/// Who gives the value of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// The developer, once per connection.
    Connection,
    /// Each end user.
    Account,
}

/// How a field is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    /// One line of text.
    Text,
    /// One of the listed values.
    Enum,
    /// A web address.
    Url,
    /// A key or certificate in PEM form.
    Pem,
    /// A JSON file as it was downloaded.
    JsonFile,
    /// Hidden text.
    Password,
    /// A number.
    Number,
}

/// A value that a person gives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a key of the published schema")]
pub struct Field {
    /// Name of the placeholder, snake_case.
    pub name: String,
    /// What the form calls it.
    pub label: String,
    /// Who gives it.
    #[serde(rename = "in")]
    pub place: Place,
    /// Whether it is stored sealed and never shown again.
    #[serde(default)]
    pub secret: bool,
    /// Whether it must be given.
    #[serde(default = "yes")]
    pub required: bool,
    /// One or two sentences under the input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// The vendor's page on which the value is found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub where_to_find_url: Option<Text>,
    /// How it is entered; derived from the other keys when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<FieldKind>,
    /// `email`, `uri`, `json` or another well-known form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// Regular expression that the whole value must match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// An example value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub example: Option<String>,
    /// The only values there are.
    #[serde(default, rename = "enum", skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
    /// The value when none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// Never shown; always the default.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fixed: bool,
    /// What stands before the value in the URL; cut off when it is pasted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// What stands after the value in the URL; cut off when it is pasted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suffix: Option<String>,
    /// Filled by a capture or a call after connecting, never asked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub discovered: bool,
    /// Used while connecting and then dropped.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub one_time: bool,
    /// Made by us, shown to the developer to copy.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub generated: bool,
    /// Declared because a URL needs it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub inferred: bool,
    /// A source asks for it; its effect on requests was not observed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unmapped: bool,
}

fn yes() -> bool {
    true
}
