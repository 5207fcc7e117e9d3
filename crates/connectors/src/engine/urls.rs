//! URLs from templates: each value stays in its place, and a host that a user can choose must be pinned.

use url::Url;

use super::values::Values;
use super::{EngineError, hosts};
use crate::template::{
    Part, Template, Text, has_dot_segment, host_and_port, host_label, path_segment, query_value,
};

/// Where in the URL the next piece goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Position {
    /// Nothing is there yet.
    Start,
    /// Inside scheme.
    Scheme,
    /// Between `//` and the path.
    Authority,
    /// In the path.
    Path,
    /// Behind `?`.
    Query,
    /// Behind `#`.
    Fragment,
}

impl Position {
    /// The position after a literal.
    pub(crate) fn after(self, written: &str, literal: &str) -> Self {
        let mut position = if self == Self::Start && !literal.is_empty() { Self::Scheme } else { self };
        let mut seen = written.to_owned();
        for character in literal.chars() {
            seen.push(character);
            position = match (position, character) {
                (Self::Scheme, _) if seen.ends_with("://") => Self::Authority,
                (Self::Authority, '/') => Self::Path,
                (Self::Authority | Self::Path, '?') => Self::Query,
                (Self::Authority | Self::Path | Self::Query, '#') => Self::Fragment,
                (same, _) => same,
            };
        }
        position
    }
}

/// The URL of a template. Refuses user info, dot segments, and hosts that are not pinned where a user chose them.
pub(crate) fn fill(text: &Text, values: &Values<'_>, what: &'static str) -> Result<Url, EngineError> {
    fill_within(text, values, what, &values.context.method.pinned_hosts)
}

/// Like [`fill`], with other pins than the method's own.
pub(crate) fn fill_within(
    text: &Text,
    values: &Values<'_>,
    what: &'static str,
    pins: &[String],
) -> Result<Url, EngineError> {
    let template = values.choose(text)?.ok_or(EngineError::NotOffered("address"))?;
    let written = String::new();
    let mut builder =
        Builder { values, what, pins, written, position: Position::Start, host_names: Vec::new() };
    for (index, part) in template.parts().iter().enumerate() {
        match part {
            Part::Literal(literal) => builder.literal(literal),
            Part::Placeholder(name) => builder.placeholder(name, template, index)?,
        }
    }
    builder.finish()
}

struct Builder<'a, 't> {
    values: &'a Values<'a>,
    what: &'static str,
    pins: &'a [String],
    written: String,
    position: Position,
    host_names: Vec<&'t str>,
}

impl<'t> Builder<'_, 't> {
    fn literal(&mut self, literal: &str) {
        self.position = self.position.after(&self.written, literal);
        self.written.push_str(literal);
    }

    fn placeholder(
        &mut self,
        name: &'t str,
        template: &'t Template,
        index: usize,
    ) -> Result<(), EngineError> {
        let value = self.values.required(name, self.what)?;
        let value = value.expose().as_str();
        let refused = |reason| EngineError::Value { name: name.to_owned(), reason };
        let next = template.parts().get(index + 1);
        match self.position {
            Position::Start => {
                self.host_names.push(name);
                let base = base_address(value, next.is_none()).map_err(refused)?;
                self.written.push_str(&base);
                self.position = if base.contains('?') { Position::Query } else { Position::Path };
            }
            Position::Scheme => return Err(self.fault("must not have a placeholder in its scheme")),
            Position::Authority => {
                self.host_names.push(name);
                let ends = match next {
                    None => true,
                    Some(Part::Literal(literal)) => literal.starts_with(['/', '?', '#']),
                    Some(Part::Placeholder(_)) => false,
                };
                let encoded = if self.written.ends_with("://") && ends {
                    host_and_port(value)
                } else {
                    host_label(value)
                };
                self.written.push_str(&encoded.map_err(refused)?);
            }
            Position::Path => self.written.push_str(&path_segment(value).map_err(refused)?),
            Position::Query | Position::Fragment => {
                self.written.push_str(&query_value(value).map_err(refused)?)
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<Url, EngineError> {
        let url =
            Url::parse(&self.written).map_err(|_| self.fault("must be a complete http or https address"))?;
        let path = self.written.split(['?', '#']).next().unwrap_or_default();
        if has_dot_segment(path.split_once("://").map_or(path, |(_, rest)| rest)) {
            return Err(self.fault("must not hold `.` or `..` as a path segment"));
        }
        if !matches!(url.scheme(), "https" | "http") || url.host_str().is_none_or(str::is_empty) {
            return Err(self.fault("must be a complete http or https address"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(self.fault("must not hold a user name or password"));
        }
        hosts::check(&url, &self.host_names, self.values, (self.what, self.pins))?;
        Ok(url)
    }

    fn fault(&self, reason: &'static str) -> EngineError {
        EngineError::Url { what: self.what, reason }
    }
}

/// A whole address as a value: complete, or a bare host, without trailing slash. A query only where nothing follows.
fn base_address(value: &str, alone: bool) -> Result<String, &'static str> {
    let trimmed = value.trim();
    let complete = if trimmed.contains("://") { trimmed.to_owned() } else { format!("https://{trimmed}") };
    if !complete.is_ascii() || complete.contains(['\\', ' ', '\t', '\r', '\n', '#', '@']) {
        return Err("must be an address without user name, fragment, backslash or white space");
    }
    let url = Url::parse(&complete).map_err(|_| "must be an https address")?;
    if !matches!(url.scheme(), "https" | "http") || url.host_str().is_none_or(str::is_empty) {
        return Err("must be an https address");
    }
    if has_dot_segment(
        complete.split_once("://").map_or("", |(_, rest)| rest).split('?').next().unwrap_or_default(),
    ) {
        return Err("must not hold `.` or `..` as a path segment");
    }
    if alone {
        return Ok(url.to_string());
    }
    if url.query().is_some() {
        return Err("must be an address without a query");
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}
