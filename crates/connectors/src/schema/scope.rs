use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A permission that can be asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a key of the published schema")]
pub struct Scope {
    /// The text that is sent.
    pub name: String,
    /// What it allows, in the developer's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub says: Option<String>,
    /// What it allows, in a sentence for the end user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plain: Option<String>,
    /// Reaches private or powerful things.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sensitive: bool,
    /// Ticked when a connection is made.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub default: bool,
    /// Cannot be left out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
    /// Scopes that include this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub implied_by: Vec<String>,
    /// The test call needs it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub needed_for_test: bool,
    /// The vendor reviews apps that ask for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub needs_review: bool,
    /// Without it there is no refresh token.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub grants_refresh_token: bool,
    /// Heading under which it is listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
}

/// A second list of scopes, sent in a parameter of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OptionalScopes {
    /// Name of the authorize parameter.
    pub param: String,
    /// The scopes it can hold.
    #[serde(default)]
    pub scopes: Vec<Scope>,
}
