use keybearer_oauth::Path;
use regex::Regex;

use super::Report;
use crate::schema::{AuthMethod, CaptureSource, Connector, Expectation, Extract, ResponseSpec};

/// Values of `is` in an expectation.
const KINDS: &[&str] = &["present", "absent", "string", "number", "object", "array", "true", "false"];

pub(super) fn check(connector: &Connector, method: &AuthMethod, report: &mut Report<'_>) {
    for (key, spec) in [("response", &method.response), ("refresh_response", &method.refresh_response)] {
        if let Some(spec) = spec {
            response(key, spec, report);
        }
    }
    captures(method, report);
    steps(method, report);
    if let Some(identity) = &method.identity {
        for (key, paths) in [("identity.id", &identity.id), ("identity.label", &identity.label)] {
            paths.iter().flat_map(|paths| paths.iter()).for_each(|text| path(key, text, report));
        }
    }
    for token in &method.secondary_tokens {
        path(&format!("secondary_tokens[{}].access_token", token.name), &token.access_token, report);
    }
    for derive in &method.derive {
        if let Some(text) = &derive.path {
            path(&format!("derive[{}].path", derive.name), text, report);
        }
    }
    let api = connector.api_for(method);
    for (index, verify) in api.verify.iter().flatten().enumerate() {
        if let Some(expected) = &verify.expect {
            expectation(&format!("api.verify[{index}].expect"), expected, report);
        }
    }
    for (index, expired) in method.proxy_401_refresh.iter().enumerate() {
        if let Some(expected) = &expired.body {
            expectation(&format!("proxy_401_refresh[{index}].body"), expected, report);
        }
    }
    for (key, hint) in
        [("client_id_hint", &method.client_id_hint), ("client_secret_hint", &method.client_secret_hint)]
    {
        if let Some(pattern) = hint.as_ref().and_then(|hint| hint.pattern.as_ref()) {
            regex(&format!("{key}.pattern"), pattern, report);
        }
    }
}

fn response(key: &str, spec: &ResponseSpec, report: &mut Report<'_>) {
    let paths = [
        ("access_token", &spec.access_token),
        ("access_token_fallback", &spec.access_token_fallback),
        ("refresh_token", &spec.refresh_token),
        ("refresh_token_fallback", &spec.refresh_token_fallback),
        ("expires_in", &spec.expires_in),
        ("expires_in_fallback", &spec.expires_in_fallback),
        ("expires_at", &spec.expires_at),
        ("refresh_expires_in", &spec.refresh_expires_in),
        ("scope", &spec.scope),
    ];
    for (name, text) in paths {
        if let Some(text) = text {
            path(&format!("{key}.{name}"), text, report);
        }
    }
    if let Some(success) = &spec.success {
        path(&format!("{key}.success.path"), &success.path, report);
    }
}

fn captures(method: &AuthMethod, report: &mut Report<'_>) {
    let mut names = std::collections::HashSet::new();
    for capture in &method.captures {
        let key = format!("captures[{}]", capture.name);
        if !names.insert(&capture.name) {
            report.error(&key, "is there twice");
        }
        match (capture.from, &capture.allow) {
            (CaptureSource::CallbackQuery, None) => {
                report.error(format!("{key}.allow"), "must be given: anybody can make a callback");
            }
            (_, Some(pattern)) => regex(&format!("{key}.allow"), pattern, report),
            _ => {}
        }
        if capture.from == CaptureSource::TokenResponse {
            path(&format!("{key}.path"), &capture.path, report);
        }
    }
}

fn steps(method: &AuthMethod, report: &mut Report<'_>) {
    for (index, step) in method.post_connect.iter().enumerate() {
        let key = format!("post_connect[{index}]");
        for (name, extract) in &step.extract {
            match extract {
                Extract::Path(text) if step.regex_on.is_none() => {
                    path(&format!("{key}.extract.{name}"), text, report)
                }
                Extract::Group(_) if step.regex_on.is_none() => {
                    report.error(format!("{key}.extract.{name}"), "must be a JSON path");
                }
                _ => {}
            }
        }
        for (name, pattern) in &step.allow {
            regex(&format!("{key}.allow.{name}"), pattern, report);
            if !step.extract.contains_key(name) {
                report.error(format!("{key}.allow.{name}"), "nothing of that name is extracted");
            }
        }
        if let Some(pattern) = &step.pattern {
            regex(&format!("{key}.pattern"), pattern, report);
        }
        let inside = step.choice_label.iter().chain(step.prefer_match.iter().map(|prefer| &prefer.path));
        inside.for_each(|text| path(&key, text, report));
        let listed = step
            .extract
            .values()
            .any(|extract| matches!(extract, Extract::Path(path) if path.contains("[0]")));
        if (step.choose_when_many || step.prefer_match.is_some()) && !listed {
            report.error(format!("{key}.extract"), "must hold `[0]` where several results are possible");
        }
    }
}

fn expectation(key: &str, expected: &Expectation, report: &mut Report<'_>) {
    path(&format!("{key}.path"), &expected.path, report);
    if expected.is.as_deref().is_some_and(|kind| !KINDS.contains(&kind)) {
        report.error(format!("{key}.is"), format!("must be one of {}", KINDS.join(", ")));
    }
    if expected.is.is_some() && expected.equals.is_some() {
        report.error(key, "must have one of equals and is");
    }
}

fn path(key: &str, text: &str, report: &mut Report<'_>) {
    if let Err(error) = Path::parse(text) {
        report.error(key, error.to_string());
    }
}

fn regex(key: &str, pattern: &str, report: &mut Report<'_>) {
    if Regex::new(&format!("^(?:{pattern})$")).is_err() {
        report.error(key, "is not a regular expression");
    }
}
