//! The card of sign-in, first owner, new password and one-time link.

use askama::Template;
use keybearer_app::members;
use keybearer_app::passkeys::{self, Question};
use keybearer_core::{Error, Result, SecretString};

use super::answer::sentence;
use super::first_run::FirstRun;
use super::frame::Frame;
use super::guard::Guest;

pub(super) const SIGN_IN: (&str, &str) = ("Sign in", "Keybearer keeps the keys that agents act with.");
pub(super) const OWNER: (&str, &str) =
    ("Set up Keybearer", "You become the owner of this server. Others join by your invitation.");
pub(super) const CHOOSE: (&str, &str) =
    ("Choose how you sign in", "It replaces the password you had, and signs you in.");
pub(super) const LINK: (&str, &str) = (
    "Open the dashboard",
    "This link signs you in on this machine, once. It came from the terminal in which the server runs.",
);
pub(super) const WAITING: (&str, &str) = (
    "This server has no owner yet",
    "Open the set-up link that the server printed when it started. It works for 24 hours; a restart prints another, and \
     so does `keybearer members setup-link`.",
);

/// A card with a short form.
#[derive(Template)]
#[template(path = "dashboard/entry.html")]
pub(super) struct EntryView {
    pub frame: Frame,
    pub kind: &'static str,
    pub heading: String,
    pub says: String,
    pub token: String,
    pub next: String,
    pub email: String,
    pub name: String,
    pub wrong: Option<String>,
    pub at: &'static str,
    pub passkey: Option<Question>,
    /// What the single sign-on is called.
    pub sso: Option<String>,
    /// There is no other way in.
    pub only: bool,
    /// A form that waits, sealed.
    pub kept: String,
    /// What the first owner should know of the server.
    pub checks: Option<FirstRun>,
}

impl EntryView {
    pub fn new(frame: Frame, kind: &'static str, (heading, says): (&str, &str)) -> Self {
        let (heading, says) = (heading.to_owned(), says.to_owned());
        let empty = String::new;
        let (token, next, email, name, kept) = (empty(), empty(), empty(), empty(), empty());
        Self {
            frame,
            kind,
            heading,
            says,
            token,
            next,
            email,
            name,
            wrong: None,
            at: "",
            passkey: None,
            sso: None,
            only: false,
            kept,
            checks: None,
        }
    }

    /// The sign-in.
    pub async fn login(guest: &Guest, next: String) -> Result<Self> {
        let sso = guest.dash.app.config().sso.as_ref();
        let view = Self::new(guest.frame(SIGN_IN.0).await?, "login", SIGN_IN);
        Ok(Self {
            next,
            passkey: passkeys::ask_sign_in(&guest.dash.app, &guest.browser).await?,
            sso: sso.map(|sso| sso.name.clone()),
            only: sso.is_some_and(|sso| sso.only),
            ..view
        })
    }

    /// The first owner.
    pub async fn setup(guest: &Guest, token: &SecretString) -> Result<Self> {
        let view = Self::new(guest.frame(OWNER.0).await?, "setup", OWNER);
        let passkey = passkeys::ask_owner(&guest.dash.app, &guest.browser).await?;
        let checks = Some(FirstRun::at_once(guest, token).await?);
        Ok(Self { token: token.expose().clone(), passkey, sso: sso_name(guest), checks, ..view })
    }

    /// Whoever got a link.
    pub async fn welcome(guest: &Guest, token: &SecretString) -> Result<Self> {
        let (member, other_ways) = members::invited(&guest.dash.app, token).await?;
        let view = Self::new(guest.frame(CHOOSE.0).await?, "welcome", CHOOSE);
        let passkey = match other_ways {
            true => passkeys::ask_invited(&guest.dash.app, token, &guest.browser).await?,
            false => None,
        };
        let (token, email) = (token.expose().clone(), member.email);
        Ok(Self { token, email, passkey, sso: sso_name(guest), only: !other_ways, ..view })
    }

    /// With what is wrong.
    pub fn wrong(mut self, guest: &Guest, error: &Error) -> Self {
        self.wrong = Some(match error.retry_after_seconds {
            Some(seconds) => wait(guest, seconds),
            None => match error.violations.first() {
                Some(wrong) => sentence(&format!("{} {}", field_word(&wrong.field), wrong.description)),
                None => [Some(&error.detail), error.help.as_ref()]
                    .into_iter()
                    .flatten()
                    .map(|text| sentence(text))
                    .collect::<Vec<_>>()
                    .join(" "),
            },
        });
        self.at = error.violations.first().map_or("", |wrong| match wrong.field.as_str() {
            "email" => "email",
            "name" => "name",
            _ => "password",
        });
        self
    }
}

fn sso_name(guest: &Guest) -> Option<String> {
    guest.dash.app.config().sso.as_ref().map(|sso| sso.name.clone())
}

/// When a lock-out ends, as a length and as a time.
fn wait(guest: &Guest, seconds: u32) -> String {
    let until = guest.dash.app.now().plus(std::time::Duration::from_secs(u64::from(seconds))).rfc3339();
    let clock = until.get(11..19).unwrap_or_default();
    let unit = if seconds == 1 { "second" } else { "seconds" };
    format!(
        "Too many wrong tries. Try again in {seconds} {unit}, at {clock} UTC. Other people are not affected."
    )
}

fn field_word(field: &str) -> &str {
    match field {
        "email" => "the e-mail address",
        "name" => "your name",
        _ => "the password",
    }
}
