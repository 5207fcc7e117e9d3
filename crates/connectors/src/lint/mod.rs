//! What is wrong with a definition, before anybody uses it.

mod connector;
mod endpoints;
mod fields;
mod offered;
mod paths;
mod scopes;
mod texts;

use std::fmt;

use crate::schema::{AuthMethod, Connector};
pub(crate) use endpoints::is_settable;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Works, and could be better.
    Warning,
    /// Must not be released.
    Error,
}

/// Something wrong with a definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad.
    pub level: Level,
    /// The connector.
    pub slug: String,
    /// The key, for example `auth[oauth2].token_url`.
    pub key: String,
    /// What was expected.
    pub message: String,
}

impl Finding {
    /// Where the file is below the folder of definitions.
    pub fn file(&self) -> String {
        format!("{}/connector.yaml", self.slug)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Level::Error => "error",
            Level::Warning => "warning",
        };
        write!(formatter, "{level} {}: {}: {}", self.file(), self.key, self.message)
    }
}

/// Checks one definition. Errors first.
pub fn lint(connector: &Connector) -> Vec<Finding> {
    let mut report = Report { slug: &connector.slug, prefix: String::new(), findings: Vec::new() };
    connector::check(connector, &mut report);
    for method in &connector.auth {
        report.prefix = format!("auth[{}].", method.id);
        endpoints::check(connector, method, &mut report);
        offered::check(method, &mut report);
        fields::check(connector, method, &mut report);
        texts::check(connector, method, &mut report);
        paths::check(connector, method, &mut report);
        scopes::check(method, &mut report);
    }
    let mut findings = report.findings;
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.level));
    findings.dedup();
    findings
}

/// Collects findings of one definition.
struct Report<'a> {
    slug: &'a str,
    prefix: String,
    findings: Vec<Finding>,
}

impl Report<'_> {
    fn error(&mut self, key: impl fmt::Display, message: impl Into<String>) {
        self.add(Level::Error, key, message.into());
    }

    fn warning(&mut self, key: impl fmt::Display, message: impl Into<String>) {
        self.add(Level::Warning, key, message.into());
    }

    fn add(&mut self, level: Level, key: impl fmt::Display, message: String) {
        let key = format!("{}{key}", self.prefix);
        self.findings.push(Finding { level, slug: self.slug.to_owned(), key, message });
    }
}

/// Whether the developer registers an app at the vendor for this method.
fn needs_app(method: &AuthMethod) -> bool {
    use crate::schema::{MethodType, Place};
    let own_client =
        method.fields.iter().any(|field| field.place == Place::Connection && field.name == "client_id");
    matches!(method.kind, MethodType::Oauth2 | MethodType::Oauth1) || own_client
}
