//! A message as the REST call that carries it.

use http::Method as Verb;
use keybearer_server::api::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};

/// The first binding whose path the message can fill: verb, path with query, body. Nothing when there is none.
pub fn of(method: &Method, message: &Value) -> Option<(Verb, String, String)> {
    let mut fields = message.as_object().cloned().unwrap_or_default();
    let fits = |template: &str| names(template).iter().all(|name| fields.contains_key(name));
    let binding = method.bindings.iter().find(|binding| fits(&binding.template))?;
    let mut path = binding.template.clone();
    for name in names(&binding.template) {
        let value = fields.remove(&name).unwrap_or_default();
        path = path.replace(&format!("{{{name}}}"), &encoded(&value));
    }
    if binding.body == "*" {
        return Some((binding.verb.clone(), path, Value::Object(fields).to_string()));
    }
    let body = fields.remove(&binding.body).map(|body| body.to_string()).unwrap_or_default();
    let mut query = Vec::new();
    flatten("", &fields, &mut query);
    let path = if query.is_empty() { path } else { format!("{path}?{}", query.join("&")) };
    Some((binding.verb.clone(), path, body))
}

fn names(template: &str) -> Vec<String> {
    let pieces = template.split('{').skip(1);
    pieces.filter_map(|piece| piece.split_once('}').map(|(name, _)| name.to_owned())).collect()
}

fn flatten(prefix: &str, fields: &Map<String, Value>, query: &mut Vec<String>) {
    for (name, value) in fields {
        match value {
            Value::Object(inner) => flatten(&format!("{prefix}{name}."), inner, query),
            Value::Array(entries) => {
                query.extend(entries.iter().map(|entry| format!("{prefix}{name}={}", encoded(entry))));
            }
            plain => query.push(format!("{prefix}{name}={}", encoded(plain))),
        }
    }
}

fn encoded(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    utf8_percent_encode(&text, NON_ALPHANUMERIC).to_string()
}
