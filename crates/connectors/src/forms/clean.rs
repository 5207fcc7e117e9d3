//! From what a person pasted to the value that is needed.

use regex::Regex;
use url::Url;

use super::fault::{Fault, Note};
use super::{MAX_FILE, MAX_LINE, file, kind};
use crate::engine::{host_matches, is_local};
use crate::schema::{
    AuthMethod, Connector, Field, FieldKind, HostUse, MethodType, Place, UseKind, host_use, uses,
};
use crate::template::{header_value, host_and_port, host_label};

/// The value of a field with what was done to it, or what is wrong with it.
pub(super) fn clean(
    connector: &Connector,
    method: &AuthMethod,
    field: &Field,
    text: &str,
) -> Result<(String, Vec<Note>), Fault> {
    let kind = kind(field);
    let in_file = matches!(kind, FieldKind::Pem | FieldKind::JsonFile);
    let most = if in_file { MAX_FILE } else { MAX_LINE };
    if text.len() > most {
        return Err(Fault::TooLong(most));
    }
    if is_spoken_password(method, field) {
        let one_line = !text.chars().any(char::is_control);
        return if one_line { Ok((text.to_owned(), Vec::new())) } else { Err(Fault::OneLine) };
    }
    if in_file {
        let (value, note) = file::check(kind, trimmed(text).to_owned())?;
        return Ok((value, note.into_iter().collect()));
    }
    let (bare, mut notes) = unwrapped(connector, method, field, text);
    if bare.is_empty() {
        return Ok((bare, Vec::new()));
    }
    let place_in_host = in_hosts(connector, method, field);
    let mut value = cut(field, bare.clone());
    for place in &place_in_host {
        value = host_part(place, &value, field)?;
    }
    check_value(connector, method, field, &value)?;
    let mut pins = method.pinned_hosts.clone();
    pins.extend(connector.api_for(method).pinned_hosts.unwrap_or_default());
    for place in &place_in_host {
        check_pins(&pins, field, place, &value)?;
    }
    if value.len() < bare.len() {
        notes.push(Note::Address);
    }
    Ok((value, notes))
}

/// Without what was pasted around it, and what that was.
fn unwrapped(connector: &Connector, method: &AuthMethod, field: &Field, text: &str) -> (String, Vec<Note>) {
    let mut notes = Vec::new();
    let value = trimmed(text);
    if value.len() < text.trim_end_matches(['\r', '\n']).len() {
        notes.push(Note::Spaces);
    }
    let (bare, scheme) = match field.secret {
        true => without_scheme(value, &schemes(connector, method, field)),
        false => (unquoted(value), None),
    };
    if unquoted(value).len() < value.len() {
        notes.push(Note::Quotes);
    }
    notes.extend(scheme.map(Note::Scheme));
    (bare.to_owned(), notes)
}

/// A password that a person chose may begin and end with anything.
fn is_spoken_password(method: &AuthMethod, field: &Field) -> bool {
    let by_name =
        matches!(method.kind, MethodType::Basic | MethodType::Oauth2Password | MethodType::SessionLogin);
    by_name && field.secret && field.name.contains("password")
}

/// Without white space and invisible characters at the ends.
fn trimmed(text: &str) -> &str {
    text.trim_matches(|character: char| {
        character.is_whitespace()
            || matches!(character, '\u{200b}' | '\u{200c}' | '\u{200d}' | '\u{2060}' | '\u{feff}')
    })
}

fn unquoted(value: &str) -> &str {
    for quote in ['"', '\'', '`'] {
        if let Some(inner) = value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)) {
            return trimmed(inner);
        }
    }
    value
}

/// A key without quotes, `Authorization:` and the scheme that the header adds anyway; and what was in front of it.
fn without_scheme<'a>(value: &'a str, schemes: &[String]) -> (&'a str, Option<String>) {
    let mut value = unquoted(value);
    let mut removed = None;
    let header = value.split_once(':').filter(|(name, _)| name.trim().eq_ignore_ascii_case("authorization"));
    if let Some((name, rest)) = header {
        removed = Some(format!("{}:", name.trim()));
        value = rest.trim();
    }
    for scheme in schemes {
        let (Some(start), Some(rest)) = (value.get(..scheme.len()), value.get(scheme.len()..)) else {
            continue;
        };
        if start.eq_ignore_ascii_case(scheme) && !rest.trim().is_empty() {
            let before = removed.map(|before| before + " ").unwrap_or_default();
            return (unquoted(rest.trim()), Some(before + start.trim()));
        }
    }
    (unquoted(value), removed)
}

/// What headers put before the value of a field, for example `Bearer `.
fn schemes(connector: &Connector, method: &AuthMethod, field: &Field) -> Vec<String> {
    let mut schemes = Vec::new();
    for used in uses(connector, method).into_iter().filter(|used| used.kind == UseKind::Header) {
        for template in used.text.iter().flat_map(|text| text.alternatives()) {
            let before =
                template.source().split_once(&format!("{{{}}}", field.name)).map(|(before, _)| before);
            if let Some(before) = before.filter(|before| before.len() > 2 && !before.contains('{')) {
                schemes.push(before.to_owned());
            }
        }
    }
    schemes
}

/// `prefix` and `suffix` of the definition cut off.
fn cut(field: &Field, value: String) -> String {
    let mut value = value;
    if let Some(rest) = field.prefix.as_deref().and_then(|prefix| strip(&value, prefix, true)) {
        value = rest;
    }
    let Some(suffix) = field.suffix.as_deref().filter(|suffix| !suffix.is_empty()) else {
        return value;
    };
    // what follows the suffix in a pasted address is not part of the value either
    let lower = value.to_ascii_lowercase();
    match lower.find(&suffix.to_ascii_lowercase()) {
        Some(at) => value.get(..at).map(str::to_owned).unwrap_or(value),
        None => value,
    }
}

fn strip(value: &str, piece: &str, start: bool) -> Option<String> {
    let (value_lower, piece_lower) = (value.to_ascii_lowercase(), piece.to_ascii_lowercase());
    if piece.is_empty() || value.len() <= piece.len() {
        return None;
    }
    if start && value_lower.starts_with(&piece_lower) {
        return value.get(piece.len()..).map(str::to_owned);
    }
    if !start && value_lower.ends_with(&piece_lower) {
        return value.get(..value.len() - piece.len()).map(str::to_owned);
    }
    None
}

/// Where the hosts of the method's addresses hold the field, each way once.
pub(super) fn in_hosts(connector: &Connector, method: &AuthMethod, field: &Field) -> Vec<HostUse> {
    let mut found = Vec::new();
    for used in uses(connector, method).into_iter().filter(|used| used.kind == UseKind::Url) {
        for template in used.text.iter().flat_map(|text| text.alternatives()) {
            if let Some(place) = host_use(template, &field.name).filter(|place| !found.contains(place)) {
                found.push(place);
            }
        }
    }
    found
}

/// A pasted address cut down to the part of the host that is needed.
fn host_part(place: &HostUse, value: &str, field: &Field) -> Result<String, Fault> {
    if *place == HostUse::Origin {
        return origin(value, field);
    }
    let complete = value.contains("://") || value.contains('/');
    let host = if complete { host_of(value).ok_or(Fault::AddressOrPart)? } else { value.to_owned() };
    let HostUse::Part { before, after } = place else {
        return host_and_port(&host).map_err(Fault::Host);
    };
    let mut part = host.clone();
    if let Some(rest) = strip(&part, after, false) {
        part = rest;
    } else if complete && after.len() > 1 {
        return Err(Fault::PartBefore(after.clone()));
    }
    if let Some(rest) = strip(&part, before, true) {
        part = rest;
    }
    host_label(&part).map_err(Fault::Host)
}

fn host_of(value: &str) -> Option<String> {
    let complete = if value.contains("://") { value.to_owned() } else { format!("https://{value}") };
    let url = Url::parse(&complete).ok()?;
    if !url.username().is_empty() || url.password().is_some() {
        return None;
    }
    let host = url.host_str()?.to_owned();
    Some(url.port().map_or(host.clone(), |port| format!("{host}:{port}")))
}

/// A whole address without what is behind its path.
fn origin(value: &str, field: &Field) -> Result<String, Fault> {
    let complete = if value.contains("://") { value.to_owned() } else { format!("https://{value}") };
    let mut url = Url::parse(&complete).map_err(|_| Fault::Https)?;
    let plain = url.scheme() == "http" && !is_local(&url) && field.place == Place::Account;
    if !matches!(url.scheme(), "https" | "http") || url.host_str().is_none_or(str::is_empty) || plain {
        return Err(Fault::Https);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Fault::Login);
    }
    url.set_fragment(None);
    url.set_query(None);
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

fn check_pins(pins: &[String], field: &Field, place: &HostUse, value: &str) -> Result<(), Fault> {
    if field.place == Place::Connection
        || pins.is_empty()
        || field.choices.iter().any(|choice| choice == value)
    {
        return Ok(());
    }
    let address = match place {
        HostUse::Origin => value.to_owned(),
        HostUse::Host => format!("https://{value}"),
        // with another placeholder beside it the host is only known when the request is built
        HostUse::Part { after, .. } if after.ends_with('.') || !after.contains('.') => return Ok(()),
        HostUse::Part { before, after } => format!("https://{before}{value}{after}"),
    };
    let pinned = Url::parse(&address).is_ok_and(|url| pins.iter().any(|pin| host_matches(pin, &url)));
    if pinned { Ok(()) } else { Err(Fault::Pinned(pins.to_vec())) }
}

fn check_value(connector: &Connector, method: &AuthMethod, field: &Field, value: &str) -> Result<(), Fault> {
    if value.chars().any(char::is_control) {
        return Err(Fault::OneLine);
    }
    if !field.choices.is_empty() && !field.choices.iter().any(|choice| choice == value) {
        return Err(Fault::Choice(field.choices.clone()));
    }
    if let Some(pattern) = &field.pattern {
        let matches = Regex::new(&format!("^(?:{pattern})$")).is_ok_and(|regex| regex.is_match(value));
        if !matches {
            return Err(field.example.clone().map_or(Fault::Pattern, Fault::Example));
        }
    }
    match kind(field) {
        FieldKind::Number if value.parse::<f64>().is_err() => return Err(Fault::Number),
        FieldKind::Url => {
            let url = Url::parse(value).map_err(|_| Fault::Address)?;
            if !matches!(url.scheme(), "https" | "http") {
                return Err(Fault::Address);
            }
        }
        _ => {}
    }
    if field.format.as_deref() == Some("email") && !looks_like_email(value) {
        return Err(Fault::Email);
    }
    let name = format!("{{{}}}", field.name);
    let in_header =
        uses(connector, method).into_iter().filter(|used| used.kind == UseKind::Header).any(|used| {
            used.text.is_ok_and(|text| text.alternatives().iter().any(|one| one.source().contains(&name)))
        });
    if in_header { header_value(value).map(drop).map_err(Fault::Header) } else { Ok(()) }
}

fn looks_like_email(value: &str) -> bool {
    let Some((user, host)) = value.rsplit_once('@') else {
        return false;
    };
    !user.is_empty() && host.contains('.') && !value.contains(char::is_whitespace)
}
