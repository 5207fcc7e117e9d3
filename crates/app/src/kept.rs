//! A form that somebody sent after their session had ended. It waits inside the sign-in form, sealed for this browser,
//! and is shown again afterwards; nothing is stored (`docs/adr/0011`).

use std::time::Duration;

use keybearer_core::{Error, Result, Secret, Timestamp};
use keybearer_vault::Place;
use serde::{Deserialize, Serialize};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::environments;
use crate::keys::vault_error;
use crate::state::App;

/// How long it waits.
const LIFETIME: Duration = Duration::from_secs(15 * 60);
/// Longer forms do not wait: the sign-in form must stay below what a form may be.
const LONGEST: usize = 32 * 1024;
/// Names of fields that nobody must see again, whatever the form says of them.
const SECRET_WORDS: [&str; 8] =
    ["password", "secret", "token", "current", "private", "credential", "csrf", "answer"];

/// A form without its secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Where it was sent.
    pub path: String,
    /// What was typed.
    pub fields: Vec<(String, String)>,
    /// Whether secrets were left out.
    pub dropped: bool,
    until: i64,
}

impl Kept {
    /// What of a form can wait. `secret` says which fields the form itself calls secret.
    pub fn new(app: &App, path: &str, fields: Vec<(String, String)>, secret: &[String]) -> Self {
        let mut dropped = false;
        let mut kept = Vec::new();
        for (name, value) in fields {
            let plain = !is_secret(&name) && !secret.contains(&name);
            let said = !value.is_empty() && name != "csrf";
            dropped |= !plain && said;
            if plain && said {
                kept.push((name, value));
            }
        }
        Self { path: path.to_owned(), fields: kept, dropped, until: app.now().plus(LIFETIME).micros() }
    }
}

fn is_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    SECRET_WORDS.iter().any(|word| name.contains(word)) || name.ends_with("key")
}

/// The text that the sign-in form carries; `None` when the form is too long to wait.
///
/// # Errors
/// [`keybearer_core::Code::Internal`] when there is no key.
pub async fn seal(app: &App, browser: &str, kept: &Kept) -> Result<Option<String>> {
    let plain = serde_json::to_vec(kept).map(Secret::new);
    let plain = plain.map_err(|_| Error::internal("a form cannot be written"))?;
    if plain.expose().len() > LONGEST {
        return Ok(None);
    }
    let environment = environments::default(app).await?.id;
    let sealed = app.keyring()?.seal(place(&environment, &[browser]), plain.expose(), app.entropy());
    Ok(Some(URL_SAFE_NO_PAD.encode(sealed.map_err(vault_error)?)))
}

/// The form again; `None` when it is of another browser, or waited too long.
///
/// # Errors
/// [`keybearer_core::Code::Internal`] when there is no key.
pub async fn open(app: &App, browser: &str, text: &str) -> Result<Option<Kept>> {
    let Ok(sealed) = URL_SAFE_NO_PAD.decode(text) else { return Ok(None) };
    let environment = environments::default(app).await?.id;
    let Ok(plain) = app.keyring()?.open(place(&environment, &[browser]), &sealed) else { return Ok(None) };
    let kept: Option<Kept> = serde_json::from_slice(plain.expose()).ok();
    Ok(kept.filter(|kept| Timestamp::from_micros(kept.until) > app.now()))
}

fn place<'a>(environment: &'a keybearer_core::ids::EnvironmentId, binding: &'a [&'a str]) -> Place<'a> {
    Place { table: "kept_form", column: "sealed", row: "", environment, binding }
}

#[cfg(test)]
mod tests {
    use super::is_secret;

    #[test]
    fn fields_with_the_name_of_a_secret_do_not_wait() {
        for secret in ["password", "client_secret", "API_KEY", "hook_token", "private_key_pem", "current"] {
            assert!(is_secret(secret), "{secret}");
        }
        for plain in ["name", "email", "client_id", "scope", "keyword"] {
            assert!(!is_secret(plain), "{plain}");
        }
    }
}
