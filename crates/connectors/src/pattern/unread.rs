//! Keys that nothing reads: mostly slips of the pen.

use keybearer_core::FieldViolation;
use serde_json::Value;

const TOP: &[&str] =
    &["display_name", "description", "proxy_url", "proxy_enabled", "icon_src", "metadata", "auth_patterns"];
const PATTERN: &[&str] = &[
    "type",
    "display_name",
    "description",
    "fields",
    "account_fields",
    "oauth_config",
    "auth_header_key_override",
    "auth_field_mutations",
    "is_mcp",
    "allowed_proxy_domains",
    "setup_steps",
    "setup_url",
    "redirect_rules",
];
const OAUTH: &[&str] = &[
    "authorize_uri",
    "token_uri",
    "user_info_uri",
    "available_scopes",
    "pkce_enabled",
    "custom_scope_name",
    "revocation_uri",
    "client_authentication",
    "authorize_params",
    "scope_separator",
];
const SCOPE: &[&str] = &["scope", "display_name", "description", "required"];
const INPUT: &[&str] = &[
    "field_name",
    "label",
    "input_type",
    "hint",
    "required",
    "options",
    "is_path_param",
    "header_name",
    "query_name",
];
const RULES: &[&str] = &["https", "match", "max_len"];
const MUTATION: &[&str] = &["default", "prefix", "suffix"];

/// What a definition says that nothing reads. It is kept; it does nothing.
pub fn unread(definition: &Value) -> Vec<FieldViolation> {
    let mut found = Vec::new();
    keys(definition, "", TOP, &mut found);
    for (index, pattern) in list(definition, "auth_patterns").iter().enumerate() {
        let at = format!("auth_patterns[{index}]");
        keys(pattern, &at, PATTERN, &mut found);
        for name in ["fields", "account_fields"] {
            for (index, input) in list(pattern, name).iter().enumerate() {
                keys(input, &format!("{at}.{name}[{index}]"), INPUT, &mut found);
            }
        }
        if let Some(rules) = pattern.get("redirect_rules") {
            keys(rules, &format!("{at}.redirect_rules"), RULES, &mut found);
        }
        let mutations = pattern.get("auth_field_mutations").and_then(Value::as_object);
        for (name, mutation) in mutations.into_iter().flatten() {
            keys(mutation, &format!("{at}.auth_field_mutations.{name}"), MUTATION, &mut found);
        }
        if let Some(oauth) = pattern.get("oauth_config") {
            let at = format!("{at}.oauth_config");
            keys(oauth, &at, OAUTH, &mut found);
            for (index, scope) in list(oauth, "available_scopes").iter().enumerate() {
                keys(scope, &format!("{at}.available_scopes[{index}]"), SCOPE, &mut found);
            }
        }
    }
    found
}

fn list<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn keys(value: &Value, at: &str, known: &[&str], found: &mut Vec<FieldViolation>) {
    let Some(object) = value.as_object() else { return };
    for key in object.keys().filter(|key| !known.contains(&key.as_str())) {
        let near = known.iter().find(|known| is_near(known, key));
        let description = match near {
            Some(near) => format!("is not read; did you mean {near}?"),
            None => "is kept, and not read".to_owned(),
        };
        let field = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
        found.push(FieldViolation { field, description });
    }
}

/// One letter more, less or other, whatever separates the words.
fn is_near(known: &str, given: &str) -> bool {
    let fold = |text: &str| -> Vec<char> {
        text.chars()
            .filter(|letter| letter.is_alphanumeric())
            .map(|letter| letter.to_ascii_lowercase())
            .collect()
    };
    let (known, given) = (fold(known), fold(given));
    if known.len().abs_diff(given.len()) > 1 {
        return false;
    }
    let same = known.iter().zip(&given).take_while(|(one, other)| one == other).count();
    let tail = |text: &[char], from: usize| text.get(from..).map(<[char]>::to_vec).unwrap_or_default();
    let (a, b) = (tail(&known, same), tail(&given, same));
    a == b || tail(&a, 1) == tail(&b, 1) || tail(&a, 1) == b || a == tail(&b, 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_slip_of_the_pen_is_told_with_what_was_meant() {
        let definition = json!({"proxyUrl": "", "auth_patterns": [{"type": "OAUTH", "x_ours": 1, "oauth_config":
            {"autorize_uri": "https://a.example", "available_scopes": [{"scope": "a", "requird": true}]}}]});
        let found: Vec<(String, String)> =
            unread(&definition).into_iter().map(|one| (one.field, one.description)).collect();
        let says =
            |field: &str| found.iter().find(|(at, _)| at == field).map(|(_, says)| says.as_str()).unwrap();
        assert!(says("proxyUrl").contains("proxy_url"));
        assert!(says("auth_patterns[0].oauth_config.autorize_uri").contains("authorize_uri"));
        assert!(says("auth_patterns[0].oauth_config.available_scopes[0].requird").contains("required"));
        assert_eq!(says("auth_patterns[0].x_ours"), "is kept, and not read");
        assert_eq!(found.len(), 4);
    }
}
