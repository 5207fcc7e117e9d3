use regex::Regex;

use crate::bindings::Bindings;
use crate::schema::{AuthMethod, CredentialHint};

/// What looks odd about client id and secret. Never a reason to refuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// The field.
    pub field: &'static str,
    /// What looks odd.
    pub kind: HintKind,
}

/// What looks odd.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HintKind {
    /// Id and secret seem to have changed places.
    Swapped,
    /// Id and secret are the same.
    Same,
    /// It does not look like others of this vendor.
    Unusual,
}

impl HintKind {
    /// A sentence for the form.
    pub const fn says(self) -> &'static str {
        match self {
            Self::Swapped => "Client ID and secret look as if they were swapped.",
            Self::Same => "Client ID and secret are the same.",
            Self::Unusual => "This does not look like the usual form. Check that all of it was copied.",
        }
    }
}

/// Compares client id and secret with what the vendor usually gives out.
pub fn hints(method: &AuthMethod, values: &Bindings) -> Vec<Hint> {
    let get =
        |name: &str| values.get(name).map(|value| value.expose().as_str()).filter(|value| !value.is_empty());
    let (id, secret) = (get("client_id"), get("client_secret"));
    if let (Some(id), Some(secret)) = (id, secret) {
        if id == secret {
            return vec![Hint { field: "client_secret", kind: HintKind::Same }];
        }
        if let (Some(id_hint), Some(secret_hint)) = (&method.client_id_hint, &method.client_secret_hint) {
            let crossed = fits(id_hint, secret) && fits(secret_hint, id);
            if crossed && !(fits(id_hint, id) && fits(secret_hint, secret)) {
                return vec![Hint { field: "client_id", kind: HintKind::Swapped }];
            }
        }
    }
    let pairs =
        [("client_id", id, &method.client_id_hint), ("client_secret", secret, &method.client_secret_hint)];
    pairs
        .into_iter()
        .filter(|(_, value, hint)| matches!((value, hint), (Some(value), Some(hint)) if !fits(hint, value)))
        .map(|(field, _, _)| Hint { field, kind: HintKind::Unusual })
        .collect()
}

fn fits(hint: &CredentialHint, value: &str) -> bool {
    hint.length.is_none_or(|length| value.chars().count() == length)
        && hint.starts_with.as_ref().is_none_or(|start| value.starts_with(start.as_str()))
        && hint
            .pattern
            .as_ref()
            .is_none_or(|pattern| Regex::new(pattern).is_ok_and(|regex| regex.is_match(value)))
}
