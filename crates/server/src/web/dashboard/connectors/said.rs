//! What is wrong with a definition, at its field and line, in the words of the form.

use keybearer_app::connectors::pattern::line_of;
use keybearer_core::FieldViolation;

/// Something to correct or to think about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    /// The id of its input; empty when only the text has it.
    pub at: String,
    /// What the form calls it, or its key.
    pub label: String,
    pub says: String,
    pub line: usize,
}

impl Said {
    /// A violation in the text it is about.
    pub fn new(text: &str, violation: &FieldViolation) -> Self {
        let (at, label) = place(&violation.field);
        let line = match violation.field.as_str() {
            "text" => syntax_line(&violation.description),
            field => line_of(text, field),
        };
        Self { at, label, says: violation.description.clone(), line }
    }
}

/// The line that a parser names.
fn syntax_line(description: &str) -> usize {
    let rest = description.split_once("line ").map(|(_, rest)| rest).unwrap_or_default();
    rest.split(|letter: char| !letter.is_ascii_digit()).next().and_then(|n| n.parse().ok()).unwrap_or(1)
}

/// The input of a key, and what the form calls it.
fn place(field: &str) -> (String, String) {
    let known = |at: &str, label: &str| (at.to_owned(), label.to_owned());
    let only_text = || (String::new(), field.to_owned());
    match field {
        "text" => return known("text", "The text"),
        "display_name" => return known("name", "Name"),
        "description" => return known("about", "What it is"),
        "icon_src" => return known("icon", "Picture"),
        "proxy_url" => return known("base", "Where calls go"),
        "proxy_enabled" => return known("calls", "Calls through the proxy"),
        "discovery" => return known("discovery", "Read from the provider"),
        "auth_patterns" | "auth_patterns[0]" | "auth_patterns[0].type" => {
            return known("way-OAUTH", "How users sign in");
        }
        _ => {}
    }
    let Some(rest) = field.strip_prefix("auth_patterns[0].") else { return only_text() };
    if let Some(rest) = rest.strip_prefix("oauth_config.available_scopes[") {
        return numbered(rest, "scope", "Scope").unwrap_or_else(only_text);
    }
    for list in ["fields[", "account_fields["] {
        if let Some(rest) = rest.strip_prefix(list) {
            return numbered(rest, "field", "Value of a user").unwrap_or_else(only_text);
        }
    }
    let words = [
        ("display_name", "title", "Name of this way"),
        ("oauth_config.authorize_uri", "authorize", "Where users consent"),
        ("oauth_config.token_uri", "exchange", "Where a code becomes a token"),
        ("oauth_config.user_info_uri", "person", "Who connected"),
        ("oauth_config.revocation_uri", "revoke", "Where access is given back"),
        ("oauth_config.client_authentication", "client", "How your app proves itself"),
        ("oauth_config.authorize_params", "extras", "Further parameters"),
        ("auth_header_key_override", "header", "Header"),
        ("auth_field_mutations", "before", "Text before it"),
        ("allowed_proxy_domains", "hosts", "Allowed hosts"),
        ("redirect_rules.https", "https", "Redirect URI: https"),
        ("redirect_rules.match", "matching", "Redirect URI: compared"),
        ("redirect_rules.max_len", "longest", "Redirect URI: longest"),
        ("setup_steps", "steps", "Steps"),
        ("setup_url", "console", "Page for apps or keys"),
    ];
    let found = words.into_iter().find(|(key, ..)| rest.starts_with(key));
    found.map_or_else(only_text, |(_, at, label)| known(at, label))
}

fn numbered(rest: &str, at: &str, label: &str) -> Option<(String, String)> {
    let index: usize = rest.split(']').next()?.parse().ok()?;
    Some((format!("{at}-{index}"), format!("{label} {}", index.saturating_add(1))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(field: &str, description: &str) -> Said {
        let violation = FieldViolation { field: field.to_owned(), description: description.to_owned() };
        Said::new("{\n\"auth_patterns\": [\n{\"type\": \"OAUTH\",\n\"oauth_config\": {}}]}", &violation)
    }

    #[test]
    fn a_fault_has_its_field_and_its_line() {
        let missing = said("auth_patterns[0].oauth_config.token_uri", "must be given");
        assert_eq!((missing.at.as_str(), missing.line), ("exchange", 4));
        let scope = said("auth_patterns[0].oauth_config.available_scopes[2].scope", "must be a text");
        assert_eq!((scope.at.as_str(), scope.label.as_str()), ("scope-2", "Scope 3"));
        let syntax = said("text", "must be JSON: line 7, column 3: expected value");
        assert_eq!((syntax.at.as_str(), syntax.line), ("text", 7));
        assert_eq!(said("auth_patterns[1].type", "x").at, "");
    }
}
