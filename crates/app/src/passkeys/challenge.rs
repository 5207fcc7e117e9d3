//! Challenges. They are computed, not stored: looking at a page writes nothing. What is stored is that one was used.

use std::time::Duration;

use keybearer_core::{Code, Error, Result, Timestamp, random_token, sha256, to_hex};

use crate::sessions;
use crate::state::App;

/// How long a challenge counts.
const LIFETIME: Duration = Duration::from_secs(10 * 60);
/// What the key is for.
const PURPOSE: &str = "dashboard_challenge";
/// Characters of the random part and of the time.
const NONCE: usize = 26;
const TIME: usize = 16;

/// What a challenge is for. One for signing in adds no passkey.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Aim {
    /// Making a credential for the member that it names.
    Add,
    /// Signing in.
    SignIn,
    /// Proving again who one is.
    Confirm,
}

/// What a challenge is bound to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bound<'a> {
    pub aim: Aim,
    /// The browser's cookie, or the session.
    pub browser: &'a str,
    /// The member; empty while nobody knows who it is.
    pub member: &'a str,
}

impl Bound<'_> {
    fn parts<'a>(&'a self, nonce: &'a str, time: &'a str) -> [&'a str; 5] {
        let aim = match self.aim {
            Aim::Add => "add",
            Aim::SignIn => "sign_in",
            Aim::Confirm => "confirm",
        };
        [aim, self.browser, self.member, nonce, time]
    }
}

/// A new challenge.
pub(super) async fn make(app: &App, bound: Bound<'_>) -> Result<String> {
    let (nonce, time) = (random_token(app.entropy(), 16)?, format!("{:016x}", app.now().micros()));
    let tag = sessions::sign(app, PURPOSE, &bound.parts(&nonce, &time)).await?;
    Ok(format!("{nonce}{time}{tag}"))
}

/// Uses a challenge up, whatever comes of the answer. Each counts once, for what it was made for, for ten minutes.
pub(super) async fn spend(app: &App, bound: Bound<'_>, challenge: &str) -> Result<()> {
    let over = || {
        Error::new(
            Code::LinkExpired,
            "the page was open for too long, or its passkey question was answered before",
        )
        .with_help("try again: the page asks anew")
    };
    let (nonce, rest) = challenge.split_at_checked(NONCE).ok_or_else(over)?;
    let (time, tag) = rest.split_at_checked(TIME).ok_or_else(over)?;
    if !sessions::is_signed(app, PURPOSE, &bound.parts(nonce, time), tag).await? {
        return Err(over());
    }
    let made = i64::from_str_radix(time, 16).map(Timestamp::from_micros).map_err(|_| over())?;
    let ends = made.plus(LIFETIME);
    let hash = to_hex(&sha256(challenge.as_bytes()));
    if ends <= app.now() || !app.db().spend_challenge(&hash, ends).await? {
        return Err(over());
    }
    Ok(())
}
