//! Scope grammar: how scopes are joined, which there are, and which include which.

use keybearer_oauth::token::split_scopes;

use crate::schema::{AuthMethod, Scope};

/// What joins scopes.
pub fn separator(method: &AuthMethod) -> &str {
    method.scope_separator.as_deref().unwrap_or(" ")
}

/// Scopes as they are sent.
pub fn join(method: &AuthMethod, scopes: &[String]) -> String {
    scopes.join(separator(method))
}

/// Scopes from text, without blanks and repetitions.
///
/// Where scopes are joined by a space, a text without white space may be joined by commas: some providers ask with
/// the one and answer with the other.
pub fn split(method: &AuthMethod, text: &str) -> Vec<String> {
    let separator = separator(method);
    let by_space = separator.trim().is_empty();
    if by_space && text.contains(',') && !text.trim().contains(char::is_whitespace) {
        return split_scopes(text, ",");
    }
    split_scopes(text, separator)
}

/// The scopes asked for when nothing is chosen.
pub fn defaults(method: &AuthMethod) -> Vec<String> {
    let listed =
        method.scopes.iter().filter(|scope| scope.default || scope.required).map(|scope| &scope.name);
    let mut names: Vec<String> = Vec::new();
    for name in method.default_scopes.iter().chain(listed) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}

/// The scope of that name, of the first or the second list.
pub fn find<'a>(method: &'a AuthMethod, name: &str) -> Option<&'a Scope> {
    let second = method.optional_scopes.iter().flat_map(|optional| &optional.scopes);
    method.scopes.iter().chain(second).find(|scope| scope.name == name)
}

/// Those of `names` that the definition does not list. Empty when it lists none at all: then nothing is known.
pub fn unknown<'a>(method: &AuthMethod, names: &'a [String]) -> Vec<&'a str> {
    if method.scopes.is_empty() {
        return Vec::new();
    }
    let known = |name: &String| find(method, name).is_some() || method.default_scopes.contains(name);
    names.iter().filter(|name| !known(name)).map(String::as_str).collect()
}

/// Those required scopes that are not among `names`.
pub fn missing_required<'a>(method: &'a AuthMethod, names: &[String]) -> Vec<&'a str> {
    let required = method.scopes.iter().filter(|scope| scope.required);
    required
        .map(|scope| scope.name.as_str())
        .filter(|name| !names.iter().any(|given| given == name))
        .collect()
}

/// Those of `wanted` that `granted` neither names nor includes.
pub fn not_granted(method: &AuthMethod, granted: &[String], wanted: &[String]) -> Vec<String> {
    let has = |name: &str| granted.iter().any(|given| given == name);
    wanted.iter().filter(|name| !has(name) && !is_implied(method, name, &has, 0)).cloned().collect()
}

fn is_implied(method: &AuthMethod, name: &str, has: &dyn Fn(&str) -> bool, depth: usize) -> bool {
    let Some(scope) = find(method, name).filter(|_| depth < 8) else {
        return false;
    };
    scope.implied_by.iter().any(|wider| has(wider) || is_implied(method, wider, has, depth + 1))
}

/// Whether `names` leave out a scope without which there is no refresh token.
pub fn lacks_refresh_scope<'a>(method: &'a AuthMethod, names: &[String]) -> Option<&'a str> {
    let mut granting = method.scopes.iter().filter(|scope| scope.grants_refresh_token).peekable();
    let first = granting.peek().map(|scope| scope.name.as_str());
    if granting.any(|scope| names.contains(&scope.name)) { None } else { first }
}
