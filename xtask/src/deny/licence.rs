//! SPDX licence expressions, as far as Cargo manifests use them.

use anyhow::{Result, bail};

/// A parsed expression.
#[derive(Debug, PartialEq, Eq)]
pub enum Licence {
    /// One licence, with its exception if it has one: `Apache-2.0 WITH LLVM-exception`.
    One(String),
    All(Vec<Self>),
    Any(Vec<Self>),
}

impl Licence {
    /// Whether the allowed licences suffice.
    pub fn allowed(&self, allow: &dyn Fn(&str) -> bool) -> bool {
        match self {
            Self::One(name) => allow(name),
            Self::All(parts) => parts.iter().all(|part| part.allowed(allow)),
            Self::Any(parts) => parts.iter().any(|part| part.allowed(allow)),
        }
    }

    /// Every licence that is named.
    pub fn names(&self) -> Vec<String> {
        match self {
            Self::One(name) => vec![name.clone()],
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::names).collect(),
        }
    }
}

/// Reads an expression. `/` is Cargo's old spelling of `OR`; `AND` binds tighter than `OR`.
pub fn parse(text: &str) -> Result<Licence> {
    let spaced = text.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut words = spaced.split_whitespace().peekable();
    let expression = any(&mut words)?;
    match words.next() {
        None => Ok(expression),
        Some(word) => bail!("did not expect {word}"),
    }
}

type Words<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

fn any(words: &mut Words) -> Result<Licence> {
    joined(words, "OR", all, Licence::Any)
}

fn all(words: &mut Words) -> Result<Licence> {
    joined(words, "AND", one, Licence::All)
}

fn joined(
    words: &mut Words,
    word: &str,
    part: fn(&mut Words) -> Result<Licence>,
    wrap: fn(Vec<Licence>) -> Licence,
) -> Result<Licence> {
    let first = part(words)?;
    let mut rest = vec![];
    while words.next_if_eq(&word).is_some() {
        rest.push(part(words)?);
    }
    if rest.is_empty() {
        return Ok(first);
    }
    rest.insert(0, first);
    Ok(wrap(rest))
}

fn one(words: &mut Words) -> Result<Licence> {
    match words.next() {
        Some("(") => {
            let inner = any(words)?;
            if words.next() == Some(")") { Ok(inner) } else { bail!("a bracket is not closed") }
        }
        None | Some(")" | "OR" | "AND" | "WITH") => bail!("expected the name of a licence"),
        Some(name) => {
            if words.next_if_eq(&"WITH").is_none() {
                return Ok(Licence::One(name.to_owned()));
            }
            match words.next() {
                Some(exception) => Ok(Licence::One(format!("{name} WITH {exception}"))),
                None => bail!("WITH needs the name of an exception"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(text: &str, allowed: &[&str]) -> bool {
        parse(text).unwrap().allowed(&|name| allowed.contains(&name))
    }

    #[test]
    fn either_side_of_or_suffices_and_both_sides_of_and_are_needed() {
        assert!(fits("MIT OR GPL-3.0-only", &["MIT"]));
        assert!(fits("GPL-3.0-only/MIT", &["MIT"]));
        assert!(!fits("MIT AND GPL-3.0-only", &["MIT"]));
        assert!(fits("ISC AND (Apache-2.0 OR GPL-2.0-only)", &["ISC", "Apache-2.0"]));
        assert!(!fits("(MIT OR ISC) AND OpenSSL", &["MIT", "ISC"]));
    }

    #[test]
    fn and_binds_tighter_than_or() {
        assert!(fits("MIT OR ISC AND GPL-3.0-only", &["MIT"]));
        assert!(!fits("MIT OR ISC AND GPL-3.0-only", &["ISC"]));
    }

    #[test]
    fn an_exception_makes_another_licence() {
        assert!(!fits("Apache-2.0 WITH LLVM-exception", &["Apache-2.0"]));
        assert!(fits("Apache-2.0 WITH LLVM-exception OR MIT", &["MIT"]));
    }

    #[test]
    fn refuses_what_is_not_an_expression() {
        for text in ["", "MIT OR", "(MIT", "MIT ISC", "MIT WITH", "OR MIT", "MIT)"] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
