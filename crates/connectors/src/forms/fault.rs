//! What is wrong with a value, and what was done to it: told apart, so that a page can say it in any language.

use std::fmt;

use keybearer_core::FieldViolation;

/// What is wrong with a value. Never holds the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It must be given.
    Missing,
    /// No field of the form has this name.
    Unknown,
    /// It has more characters than these.
    TooLong(usize),
    /// It holds line breaks or control characters.
    OneLine,
    /// It is not a complete web address.
    Address,
    /// It is not an https address.
    Https,
    /// It is not an address, nor the part of one that is asked for.
    AddressOrPart,
    /// More than the part before this was given.
    PartBefore(String),
    /// It cannot be a part of a host name; what was expected.
    Host(&'static str),
    /// The address holds a user name or a password.
    Login,
    /// It leads to another host than these.
    Pinned(Vec<String>),
    /// It is none of these.
    Choice(Vec<String>),
    /// It does not look like this example.
    Example(String),
    /// It does not have the form that it has to have.
    Pattern,
    /// It is no number.
    Number,
    /// It is no e-mail address.
    Email,
    /// It cannot stand in a header; what was expected.
    Header(&'static str),
    /// It is not a whole JSON file.
    Json,
    /// It is the public key.
    PublicKey,
    /// It is a certificate.
    Certificate,
    /// The end of the key is missing.
    CutKey,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("must be given"),
            Self::Unknown => f.write_str("is not a field of this form"),
            Self::TooLong(most) => write!(f, "must have at most {most} characters"),
            Self::OneLine => f.write_str("must be one line"),
            Self::Address => f.write_str("must be a complete address (https://…)"),
            Self::Https => f.write_str("must be an https address"),
            Self::AddressOrPart => f.write_str("must be an address or its part"),
            Self::PartBefore(after) => write!(f, "must be the part before `{after}`"),
            Self::Host(expected) | Self::Header(expected) => f.write_str(expected),
            Self::Login => f.write_str("must not hold a user name or password"),
            Self::Pinned(hosts) => write!(f, "must be an address of {}", hosts.join(" or ")),
            Self::Choice(choices) => write!(f, "must be one of: {}", choices.join(", ")),
            Self::Example(example) => write!(f, "must look like {example}"),
            Self::Pattern => f.write_str("does not look like a value of this kind"),
            Self::Number => f.write_str("must be a number"),
            Self::Email => f.write_str("must be an e-mail address"),
            Self::Json => f.write_str("must be the whole JSON file"),
            Self::PublicKey | Self::Certificate => f.write_str("must be the private key, not the public one"),
            Self::CutKey => f.write_str("must be the whole key, from BEGIN to END"),
        }
    }
}

/// A field with what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldFault {
    /// The field.
    pub field: String,
    /// What is wrong.
    pub fault: Fault,
}

impl From<FieldFault> for FieldViolation {
    fn from(wrong: FieldFault) -> Self {
        Self { field: wrong.field, description: wrong.fault.to_string() }
    }
}

/// What was done to a value before it was taken, or was seen in it. Holds nothing of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// White space or invisible characters around it were removed.
    Spaces,
    /// Quotes around it were removed.
    Quotes,
    /// This in front of it was removed, for example `Bearer`.
    Scheme(String),
    /// Only the needed part of an address was kept.
    Address,
    /// It is a private key.
    Key {
        /// For example `RSA 2048`.
        kind: String,
        /// Of its public half: `SHA256:…`.
        fingerprint: Option<String>,
    },
    /// It is the key file of a machine's account.
    Account {
        /// Whose it is.
        email: String,
        /// Its project, where the file names one.
        project: Option<String>,
    },
}

/// A field with what was done to its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldNote {
    /// The field.
    pub field: String,
    /// What was done.
    pub note: Note,
}
