//! Names of connections: what they may be, and which one is free.

use keybearer_core::ids::{ConnectionId, EnvironmentId};
use keybearer_core::{Code, Error, Result, random_token};

use super::types::NameRules;
use crate::state::App;

const MAX_PERSON: usize = 64;
const MAX_WIRE: usize = 400;

/// Names that would read like something else in an address.
const RESERVED: &[&str] = &["new", "all", "me", "this", "app", "sandbox"];

/// Checks a name that somebody chose.
pub(super) fn check(name: &str, rules: NameRules) -> Result<()> {
    let wrong = |description: String| Err(Error::field("name", description));
    if RESERVED.contains(&name) || ConnectionId::parse(name).is_some() {
        return wrong(format!("must not be `{name}`, which is reserved"));
    }
    match rules {
        NameRules::Person if !is_persons(name) => wrong(format!(
            "must begin with a-z or 0-9 and have at most {MAX_PERSON} of a-z, 0-9, `_` and `-`"
        )),
        NameRules::Wire if !is_wires(name) => {
            wrong(format!("must have 1 to {MAX_WIRE} letters, digits, `_`, `:`, `-` and spaces"))
        }
        _ => Ok(()),
    }
}

fn is_persons(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    name.len() <= MAX_PERSON
        && name.bytes().next().is_some_and(plain)
        && name.bytes().all(|byte| plain(byte) || matches!(byte, b'_' | b'-'))
}

fn is_wires(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':' | b'-' | b' ');
    (1..=MAX_WIRE).contains(&name.len()) && name.bytes().all(allowed) && !name.trim().is_empty()
}

/// The wire's form of a name that nobody chose: `base` and eight letters and digits.
pub(super) fn random(app: &App, base: &str) -> Result<String> {
    Ok(format!("{base}-{}", random_token(app.entropy(), 5)?))
}

/// `base`, or the first of `base-2`, `base-3`, … that no connection of the environment has.
pub(super) async fn free(app: &App, environment: &EnvironmentId, base: &str) -> Result<String> {
    for number in 1..10_000 {
        let name = numbered(base, number);
        let reserved = RESERVED.contains(&name.as_str()) || ConnectionId::parse(&name).is_some();
        if !reserved && app.db().find_connection_by_name(environment, &name).await?.is_none() {
            return Ok(name);
        }
    }
    Err(Error::new(Code::ConnectionNameTaken, "every name of that form is taken"))
}

fn numbered(base: &str, number: u32) -> String {
    if number == 1 {
        return base.to_owned();
    }
    let tail = format!("-{number}");
    let room = MAX_WIRE - tail.len();
    let room = if base.len() <= MAX_PERSON { MAX_PERSON - tail.len() } else { room };
    let head: String = base.chars().take(room).collect();
    format!("{head}{tail}")
}

/// The failure of a name that another connection has, with a name that is free.
pub(super) async fn taken(app: &App, environment: &EnvironmentId, name: &str) -> Error {
    let error = Error::new(Code::ConnectionNameTaken, format!("connection `{name}` exists already"));
    match free(app, environment, name).await {
        Ok(other) => error.with_help(format!("use another name, for example `{other}`")),
        Err(_) => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_persons_name_is_short_lower_case_and_no_word_of_ours() {
        for good in ["mail", "mail-2", "0auth", "a_b", "new-1", &"a".repeat(64)] {
            assert!(check(good, NameRules::Person).is_ok(), "{good}");
        }
        for bad in ["", "-a", "_a", "Mail", "a b", "a/b", "new", "sandbox", "conn_12", "é", &"a".repeat(65)]
        {
            assert!(check(bad, NameRules::Person).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_wire_may_bring_longer_and_mixed_names() {
        for good in ["Mail Prod", "x:1", "MAIL-Xk9mPqR2", &"a".repeat(400)] {
            assert!(check(good, NameRules::Wire).is_ok(), "{good}");
        }
        for bad in ["", "  ", "a|b", "a/b", "a\n", "conn_7", &"a".repeat(401)] {
            assert!(check(bad, NameRules::Wire).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_numbered_name_stays_within_its_length() {
        assert_eq!(numbered("mail", 1), "mail");
        assert_eq!(numbered("mail", 2), "mail-2");
        assert_eq!(numbered(&"a".repeat(64), 12).len(), 64);
        assert_eq!(numbered(&"a".repeat(400), 2).len(), 400);
    }
}
