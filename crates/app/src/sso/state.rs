//! The `state` of a trip to the single sign-on: sealed for this browser, so that nothing is stored before the answer.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keybearer_core::ids::EnvironmentId;
use keybearer_core::{Error, Result, Secret, Timestamp, sha256, to_hex};
use keybearer_oauth::pkce::Pkce;
use keybearer_vault::Place;
use serde::{Deserialize, Serialize};

use super::denied::{Denied, Stop};
use crate::environments;
use crate::keys::vault_error;
use crate::state::App;

/// How long somebody may stay at the single sign-on.
const LIFETIME: Duration = Duration::from_secs(15 * 60);
/// The longest way back that a state carries.
const LONGEST: usize = 1500;

/// What a trip is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Aim {
    /// Signing in.
    SignIn,
    /// Joining with the link of that hash.
    Join(String),
    /// Becoming the first owner with the link of that hash.
    Own(String),
    /// Proving again who one is, in that session.
    Confirm(String),
}

/// What comes back with the answer.
#[derive(Serialize, Deserialize)]
pub(super) struct Trip {
    seed: String,
    began: i64,
    pub next: String,
    pub aim: Aim,
}

impl Trip {
    pub fn new(app: &App, next: &str, aim: Aim) -> Result<Self> {
        let mut seed = [0_u8; 32];
        app.entropy().fill(&mut seed)?;
        let began = app.now().micros();
        let next = if next.len() <= LONGEST { next } else { "/" }.to_owned();
        Ok(Self { seed: URL_SAFE_NO_PAD.encode(seed), began, next, aim })
    }

    /// Whether somebody who is signed in is to prove it again.
    pub const fn is_proof(&self) -> bool {
        matches!(self.aim, Aim::Confirm(_))
    }

    /// The proof key: whoever sees the state learns neither.
    pub fn pkce(&self) -> Pkce {
        Pkce::from_bytes(&sha256(format!("pkce {}", self.seed).as_bytes()))
    }

    pub fn nonce(&self) -> String {
        URL_SAFE_NO_PAD.encode(sha256(format!("nonce {}", self.seed).as_bytes()))
    }

    /// When the trip began.
    pub fn began(&self) -> Timestamp {
        Timestamp::from_micros(self.began)
    }

    /// The text of `state`.
    pub async fn seal(&self, app: &App, browser: &str) -> Result<String> {
        let plain = serde_json::to_vec(self).map(Secret::new);
        let plain = plain.map_err(|_| Error::internal("a state cannot be written"))?;
        let environment = environments::default(app).await?.id;
        let sealed = app.keyring()?.seal(place(&environment, &[browser]), plain.expose(), app.entropy());
        Ok(URL_SAFE_NO_PAD.encode(sealed.map_err(vault_error)?))
    }

    /// Reads a `state` that came back to the browser that went, once.
    pub async fn take(app: &App, browser: &str, text: &str) -> Result<Self, Stop> {
        let foreign = || Stop::new(Denied::Foreign, "the state was not made for this browser");
        let sealed = URL_SAFE_NO_PAD.decode(text).map_err(|_| foreign())?;
        let environment = environments::default(app).await?.id;
        let plain = app.keyring()?.open(place(&environment, &[browser]), &sealed).map_err(|_| foreign())?;
        let trip: Self = serde_json::from_slice(plain.expose()).map_err(|_| foreign())?;
        let ends = trip.began().plus(LIFETIME);
        if ends <= app.now() {
            return Err(Denied::Late.into());
        }
        match app.db().spend_challenge(&to_hex(&sha256(text.as_bytes())), ends).await? {
            true => Ok(trip),
            false => Err(Denied::Used.into()),
        }
    }
}

fn place<'a>(environment: &'a EnvironmentId, binding: &'a [&'a str]) -> Place<'a> {
    Place { table: "sso_state", column: "sealed", row: "", environment, binding }
}
