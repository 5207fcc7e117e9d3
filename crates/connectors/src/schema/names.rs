use super::{AuthMethod, Connector, Field};

/// Names that always may stand between braces.
pub const BUILTINS: &[&str] = &[
    "access_token",
    "refresh_token",
    "client_id",
    "client_secret",
    "redirect_uri",
    "scopes",
    "state",
    "code",
    "code_verifier",
    "nonce",
    "uuid",
    "now",
    "request_method",
    "request_host",
    "request_path",
    "request_query_canonical",
    "request_body",
];

/// Where the value of a placeholder comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Source<'a> {
    /// A field that a person fills.
    Field(&'a Field),
    /// A capture.
    Capture(&'a super::Capture),
    /// An `extract` of a `post_connect` entry, with the pattern it must match.
    Extract(Option<&'a str>),
    /// A `derive` entry.
    Derive(&'a super::Derive),
    /// The output of `assertion`.
    Assertion,
    /// A further token.
    Secondary,
    /// A value of an earlier answer of a multi-step exchange.
    Step,
    /// A builtin.
    Builtin,
}

impl AuthMethod {
    /// The field of that name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// The name under which the signed statement can be used.
    pub fn assertion_output(&self) -> Option<&str> {
        self.assertion.as_ref().map(|assertion| assertion.output.as_deref().unwrap_or("assertion"))
    }

    /// Names that captures, `post_connect` and further tokens fill.
    pub fn captured_names(&self) -> impl Iterator<Item = &str> {
        let captures = self.captures.iter().map(|capture| capture.name.as_str());
        let extracts = self.post_connect.iter().flat_map(|step| step.extract.keys().map(String::as_str));
        let tokens = self.secondary_tokens.iter().map(|token| token.name.as_str());
        captures.chain(extracts).chain(tokens)
    }

    /// Where the value of a placeholder comes from; `None` when nothing declares it.
    ///
    /// A field that is also captured counts as a capture, because the captured value is what is used.
    pub fn source(&self, name: &str) -> Option<Source<'_>> {
        if let Some(capture) = self.captures.iter().find(|capture| capture.name == name) {
            return Some(Source::Capture(capture));
        }
        if let Some(step) = self.post_connect.iter().find(|step| step.extract.contains_key(name)) {
            return Some(Source::Extract(step.allow.get(name).map(String::as_str)));
        }
        if let Some(field) = self.field(name) {
            return Some(Source::Field(field));
        }
        if let Some(derive) = self.derive.iter().find(|derive| derive.name == name) {
            return Some(Source::Derive(derive));
        }
        if self.assertion_output() == Some(name) {
            return Some(Source::Assertion);
        }
        if self.secondary_tokens.iter().any(|token| token.name == name) {
            return Some(Source::Secondary);
        }
        if step_of(name).is_some() {
            return Some(Source::Step);
        }
        (BUILTINS.contains(&name) || crate::bindings::TOKEN_NAMES.contains(&name)).then_some(Source::Builtin)
    }
}

impl Connector {
    /// Whether a method that leads through the provider's pages exists.
    pub fn has_redirect(&self) -> bool {
        self.auth.iter().any(AuthMethod::has_redirect)
    }
}

/// `step2_a_b` as answer number 2 and `a_b`.
pub(crate) fn step_of(name: &str) -> Option<(usize, &str)> {
    let (number, path) = name.strip_prefix("step")?.split_once('_')?;
    let number = number.parse().ok().filter(|number| (1..=9).contains(number))?;
    (!path.is_empty()).then_some((number, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn step_names_are_told_apart() {
        assert_eq!(step_of("step2_BhRestToken"), Some((2, "BhRestToken")));
        assert_eq!(step_of("step_2"), None);
        assert_eq!(step_of("stepX_a"), None);
        assert_eq!(step_of("step1_"), None);
    }
}
