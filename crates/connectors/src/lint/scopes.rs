use std::collections::HashSet;

use super::Report;
use crate::schema::{AuthMethod, Scope};
use crate::scopes::separator;

pub(super) fn check(method: &AuthMethod, report: &mut Report<'_>) {
    list("scopes", method, &method.scopes, report);
    if let Some(optional) = &method.optional_scopes {
        list("optional_scopes.scopes", method, &optional.scopes, report);
        if method.authorize_extra_scope_param.as_ref().is_some_and(|param| *param != optional.param) {
            report.error("optional_scopes.param", "differs from authorize_extra_scope_param");
        }
    }
    if !method.scopes.is_empty() {
        for name in method
            .default_scopes
            .iter()
            .filter(|name| !method.scopes.iter().any(|scope| scope.name == **name))
        {
            report.error("default_scopes", format!("`{name}` is not among the scopes"));
        }
    }
    let granting = method.scopes.iter().filter(|scope| scope.grants_refresh_token);
    for scope in granting
        .filter(|scope| !scope.default && !scope.required && !method.default_scopes.contains(&scope.name))
    {
        report.warning(format!("scopes[{}]", scope.name), "gives the refresh token and is not a default");
    }
}

fn list(key: &str, method: &AuthMethod, scopes: &[Scope], report: &mut Report<'_>) {
    let separator = separator(method);
    let mut seen = HashSet::new();
    for scope in scopes {
        let key = format!("{key}[{}]", scope.name);
        if scope.name.is_empty() || scope.name.contains(separator) || scope.name.contains(char::is_whitespace)
        {
            report.error(&key, "must be one scope without separator and white space");
        }
        if !seen.insert(&scope.name) {
            report.error(&key, "is there twice");
        }
        for wider in scope.implied_by.iter().filter(|wider| !scopes.iter().any(|known| known.name == **wider))
        {
            report.error(format!("{key}.implied_by"), format!("`{wider}` is not among the scopes"));
        }
        if scope.plain.is_none() {
            report.warning(format!("{key}.plain"), "a sentence for the user is missing");
        }
    }
}
