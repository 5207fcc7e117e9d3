use std::fmt;

use crate::{Entropy, Result};

/// The 8-character reference a person quotes to find a log line, for example `9QX2-71KD`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reference(String);

impl Reference {
    /// A new random reference.
    ///
    /// # Errors
    /// Those of [`Entropy::fill`].
    pub fn new(entropy: &dyn Entropy) -> Result<Self> {
        let token = crate::random_token(entropy, 5)?.to_ascii_uppercase();
        let (head, tail) = token.split_at_checked(4).unwrap_or((&token, ""));
        Ok(Self(format!("{head}-{tail}")))
    }

    /// The reference of a call that could not be given one.
    pub fn unknown() -> Self {
        Self("0000-0000".to_owned())
    }

    /// The text as it is shown.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_like_two_groups_of_four() {
        let reference = Reference::new(&crate::OsEntropy).unwrap();
        assert_eq!(reference.as_str().len(), 9);
        assert_eq!(reference.as_str().as_bytes()[4], b'-');
    }
}
