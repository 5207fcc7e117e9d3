use super::Report;
use crate::schema::{Connector, Kind};
use std::collections::HashSet;

pub(super) fn check(connector: &Connector, report: &mut Report<'_>) {
    let kebab =
        connector.slug.starts_with(|first: char| first.is_ascii_lowercase() || first.is_ascii_digit())
            && !connector.slug.ends_with('-')
            && connector
                .slug
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if !kebab || connector.slug.len() > 64 {
        report.error("slug", "must be kebab case of at most 64 characters");
    }
    if connector.display_name.trim().is_empty() {
        report.error("display_name", "must not be empty");
    }
    if connector.auth.is_empty() {
        report.error("auth", "must have a method");
    }
    if connector.blurb.as_deref().is_none_or(|blurb| blurb.trim().is_empty()) {
        report.warning("blurb", "a sentence is missing that says what the service is");
    }
    if connector.categories.is_empty() {
        report.warning("categories", "a category is missing");
    }
    method_ids(connector, report);
    if connector.service.is_some() && connector.kind == Kind::Api {
        report.warning("service", "is for MCP servers");
    }
    let pages = [
        ("homepage_url", &connector.homepage_url),
        ("docs_url", &connector.docs_url),
        ("oauth_docs_url", &connector.oauth_docs_url),
    ];
    for (key, page) in pages {
        if page.as_deref().is_some_and(|page| !page.starts_with("https://") && !page.starts_with("http://")) {
            report.error(key, "must be a complete address");
        }
    }
    if connector.checked_on.as_deref().is_some_and(|day| day.parse::<jiff::civil::Date>().is_err()) {
        report.error("checked_on", "must be a day as YYYY-MM-DD");
    }
}

fn method_ids(connector: &Connector, report: &mut Report<'_>) {
    let mut ids = HashSet::new();
    for method in &connector.auth {
        let id = method.id.as_str();
        if !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
            || id.is_empty()
        {
            report.error(format!("auth[{id}].id"), "must be letters, digits, `_` and `-`");
        }
        if !ids.insert(id) {
            report.error(format!("auth[{id}].id"), "must be unique in the connector");
        }
    }
}
