//! Where calls go.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Told, short, word};

/// The first server's address, with a value of each user where its host depends on one.
pub(super) fn base(document: &Value, told: &mut Told) -> String {
    let servers = document.get("servers").and_then(Value::as_array).cloned().unwrap_or_default();
    let Some(first) = servers.first() else {
        told.add("It names no server: give where calls go.".to_owned());
        return String::new();
    };
    for other in servers.iter().skip(1) {
        told.add(format!("Another server, {}: a connector has one.", short(&word(other, "url"), 120)));
    }
    let url = word(first, "url");
    if !url.starts_with("https://") && !url.starts_with("http://") {
        told.add(format!("Its server's address is relative ({}): give where calls go.", short(&url, 120)));
        return String::new();
    }
    filled(&url, &variables(first), told).trim_end_matches('/').to_owned()
}

/// A variable of an address: its default, and whether there is a list to choose from.
struct Variable {
    default: String,
    listed: bool,
}

fn variables(server: &Value) -> BTreeMap<String, Variable> {
    let all = server.get("variables").and_then(Value::as_object).into_iter().flatten();
    let variable = |one: &Value| Variable {
        default: word(one, "default"),
        listed: one.get("enum").and_then(Value::as_array).is_some_and(|list| !list.is_empty()),
    };
    all.map(|(name, one)| (name.clone(), variable(one))).collect()
}

/// The address with its variables filled, or left to each user.
fn filled(url: &str, variables: &BTreeMap<String, Variable>, told: &mut Told) -> String {
    let (mut made, mut rest) = (String::new(), url);
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, after)) = after.split_once('}') else { break };
        made.push_str(before);
        let in_host = made.splitn(4, '/').count() < 4;
        match variables.get(name) {
            Some(one) if (one.listed || !in_host) && !one.default.is_empty() => {
                made.push_str(&one.default);
                let (name, value) = (short(name, 60), short(&one.default, 60));
                told.add(format!("Other values of `{name}` in the address than {value}."));
            }
            _ => {
                let field: String =
                    name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).take(60).collect();
                made.push_str(&format!("{{{{{field}}}}}"));
            }
        }
        rest = after;
    }
    made.push_str(rest);
    made
}
