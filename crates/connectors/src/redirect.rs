//! What vendors accept as redirect URI.

use url::Url;

use crate::engine::is_local;
use crate::schema::{AuthMethod, HttpsRule};

/// Why a vendor will not take a redirect URI.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedirectProblem {
    /// Not an address at all.
    #[error("the redirect URI is not a complete http or https address")]
    NotAnAddress,
    /// It must be https.
    #[error("this service accepts only https redirect URIs")]
    HttpsRequired,
    /// Plain http is accepted for this machine only.
    #[error("this service accepts plain http only for localhost")]
    HttpsRequiredOffLocalhost,
    /// It is too long.
    #[error("the redirect URI has {length} characters; this service accepts {max}")]
    TooLong {
        /// What it has.
        length: usize,
        /// What is accepted.
        max: usize,
    },
    /// It holds a character that is not accepted.
    #[error("this service does not accept `{0}` in a redirect URI")]
    Character(char),
}

/// Compares a redirect URI with the vendor's rules; empty when nothing is wrong or no rules are known.
pub fn problems(method: &AuthMethod, redirect_uri: &str) -> Vec<RedirectProblem> {
    let Ok(url) = Url::parse(redirect_uri) else {
        return vec![RedirectProblem::NotAnAddress];
    };
    if !matches!(url.scheme(), "http" | "https") {
        return vec![RedirectProblem::NotAnAddress];
    }
    let rules = method.redirect_rules.clone().unwrap_or_default();
    let mut problems = Vec::new();
    match rules.https {
        HttpsRule::Required if url.scheme() == "http" => problems.push(RedirectProblem::HttpsRequired),
        HttpsRule::LocalhostOk if url.scheme() == "http" && !is_local(&url) => {
            problems.push(RedirectProblem::HttpsRequiredOffLocalhost);
        }
        _ => {}
    }
    let length = redirect_uri.chars().count();
    if let Some(max) = rules.max_len.filter(|max| length > *max) {
        problems.push(RedirectProblem::TooLong { length, max });
    }
    for forbidden in rules.forbidden_chars.iter().flat_map(|characters| characters.chars()) {
        if redirect_uri.contains(forbidden) {
            problems.push(RedirectProblem::Character(forbidden));
        }
    }
    problems
}
