//! Addresses with `{{name}}` in them: what they become, and who decides about their host.

use url::{Host, Url};

use super::read::Report;
use crate::engine::Position;
use crate::schema::BUILTINS;
use crate::template::{Part, Template};

const MAX_LENGTH: usize = 2048;

/// An address that is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The key at which it stands.
    pub at: String,
    /// Scheme, host and port as they are written.
    pub origin: String,
    /// The whole of it, when no value decides about its host. Placeholders in its path stand as `x`.
    pub fixed: Option<Url>,
}

/// Which hosts an address can lead to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Pin {
    /// One.
    Fixed,
    /// Those below a domain: `.example.com`.
    Below(String),
    /// Any.
    Open,
}

/// An address as a definition has it.
#[derive(Clone, Debug)]
pub(super) struct Wire {
    pub at: String,
    /// With `{name}` for `{{name}}`.
    pub text: String,
    /// Placeholders, each once.
    pub names: Vec<String>,
    /// Those that stand in the host.
    pub host_names: Vec<String>,
    pub pin: Pin,
    origin: String,
    sample: Url,
}

/// Reads an address; `None` when it is none, which is in the report then.
pub(super) fn read(at: &str, source: &str, report: &mut Report) -> Option<Wire> {
    match parse(at, source.trim()) {
        Ok(wire) => Some(wire),
        Err(description) => {
            report.add(at, description);
            None
        }
    }
}

fn parse(at: &str, source: &str) -> Result<Wire, String> {
    if source.is_empty() || source.len() > MAX_LENGTH {
        return Err(format!("must be an address of 1 to {MAX_LENGTH} characters"));
    }
    if source.contains(|c: char| c.is_whitespace() || c.is_control() || c == '\\') {
        return Err("must not hold white space or backslashes".to_owned());
    }
    let text = single_braces(source)?;
    let template = Template::parse(&text).map_err(|error| error.to_string())?;
    let host = host(&template)?;
    let mut names: Vec<String> = Vec::new();
    for name in template.placeholders() {
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    let sample: String = template
        .parts()
        .iter()
        .map(|part| match part {
            Part::Literal(literal) => literal.as_str(),
            Part::Placeholder(_) => "x",
        })
        .collect();
    let sample = Url::parse(&sample).map_err(|_| "must be a complete https address".to_owned())?;
    check(&sample, host.names.is_empty())?;
    Ok(Wire {
        at: at.to_owned(),
        pin: host.pin()?,
        origin: format!("{}://{}", sample.scheme(), host.written),
        host_names: host.names,
        text,
        names,
        sample,
    })
}

fn check(sample: &Url, fixed: bool) -> Result<(), String> {
    let wrong = |description: &str| Err(description.to_owned());
    match sample.scheme() {
        "https" => {}
        // whether the operator allows it is not known here
        "http" if fixed => {}
        "http" => return wrong("must be https where a value decides about the host"),
        _ => return wrong("must be an https address"),
    }
    if sample.host_str().is_none_or(str::is_empty) {
        return wrong("must be a complete https address");
    }
    if !sample.username().is_empty() || sample.password().is_some() {
        return wrong("must not hold a user name or password");
    }
    if sample.fragment().is_some() {
        return wrong("must not hold a fragment");
    }
    Ok(())
}

/// `{{name}}` as `{name}`.
fn single_braces(source: &str) -> Result<String, String> {
    let mut text = String::with_capacity(source.len());
    let mut rest = source;
    while let Some((before, behind)) = rest.split_once("{{") {
        let (name, after) = behind.split_once("}}").ok_or("must close `{{` with `}}`")?;
        let known = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !known || !name.starts_with(|first: char| first.is_ascii_alphabetic()) || name.len() > 64 {
            return Err("must hold only letters, digits and `_` between `{{` and `}}`".to_owned());
        }
        text.push_str(before);
        text.push('{');
        text.push_str(name);
        text.push('}');
        rest = after;
        if before.contains(['{', '}']) {
            return Err("must hold braces only as `{{name}}`".to_owned());
        }
    }
    if rest.contains(['{', '}']) {
        return Err("must hold braces only as `{{name}}`".to_owned());
    }
    text.push_str(rest);
    Ok(text)
}

/// The part between `//` and the path.
#[derive(Default)]
struct HostPart {
    written: String,
    names: Vec<String>,
    /// What stands behind the last placeholder.
    tail: String,
}

fn host(template: &Template) -> Result<HostPart, String> {
    let mut host = HostPart::default();
    let (mut position, mut written) = (Position::Start, String::new());
    for part in template.parts() {
        match part {
            Part::Literal(literal) => {
                let before = position;
                position = position.after(&written, literal);
                let here = match before {
                    Position::Authority => literal.as_str(),
                    _ => literal.split_once("://").map_or("", |(_, behind)| behind),
                };
                if matches!(before, Position::Start | Position::Scheme | Position::Authority) {
                    let here = here.split(['/', '?', '#']).next().unwrap_or_default();
                    host.written.push_str(here);
                    host.tail.push_str(here);
                }
                written.push_str(literal);
            }
            Part::Placeholder(name) => {
                match position {
                    Position::Start | Position::Scheme => return Err("must begin with https://".to_owned()),
                    Position::Authority => {
                        if host.written.contains([':', '@']) {
                            return Err("must not have a value in its port".to_owned());
                        }
                        host.names.push(name.clone());
                        host.written.push_str(&format!("{{{name}}}"));
                        host.tail.clear();
                    }
                    Position::Path | Position::Query | Position::Fragment => {}
                }
                written.push('x');
            }
        }
    }
    host.written.make_ascii_lowercase();
    Ok(host)
}

impl HostPart {
    fn pin(&self) -> Result<Pin, String> {
        if self.names.is_empty() {
            return Ok(Pin::Fixed);
        }
        if self.tail.contains(':') {
            return Err("must not name a port where a value decides about the host".to_owned());
        }
        let domain = self.tail.split_once('.').map(|(_, domain)| domain.to_ascii_lowercase());
        let domain = domain.filter(|domain| domain.contains('.') && !domain.ends_with('.'));
        match domain.map(|domain| (Host::parse(&domain), domain)) {
            Some((Ok(Host::Domain(read)), domain)) if read == domain => Ok(Pin::Below(format!(".{domain}"))),
            Some(_) => Err("must end with a plain host name".to_owned()),
            None => Ok(Pin::Open),
        }
    }
}

impl Wire {
    /// What calls can go below: without a query, which they bring themselves.
    pub fn is_base(&self, report: &mut Report) -> bool {
        if self.sample.query().is_some() {
            report.add(self.at.as_str(), "must not hold a query");
            return false;
        }
        true
    }

    pub fn address(&self) -> Address {
        let fixed = (self.pin == Pin::Fixed).then(|| self.sample.clone());
        Address { at: self.at.clone(), origin: self.origin.clone(), fixed }
    }
}

/// Names that the engine fills itself; a value of an account cannot have one.
pub(super) fn is_reserved(name: &str) -> bool {
    const OPEN: &[&str] = &["client_id", "client_secret", "access_token", "refresh_token"];
    let of_step = crate::schema::step_of(name).is_some();
    (BUILTINS.contains(&name) && !OPEN.contains(&name)) || name == "path_variables" || of_step
}
