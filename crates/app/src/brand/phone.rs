//! A preview on another device: an address that shows one page in an environment's brand for a quarter of an hour, to
//! whoever has it. Nothing is stored: the address carries what it may show, signed.

use std::time::Duration;

use keybearer_core::ids::EnvironmentId;
use keybearer_core::{Code, Error, Result, Timestamp};

use super::show::whole;
use super::types::Brand;
use crate::access::{Caller, Permission};
use crate::environments;
use crate::sessions::{is_signed, sign};
use crate::state::App;

/// How long it may be looked at.
pub const LENT_FOR: Duration = Duration::from_secs(15 * 60);
/// What the key is for.
const PURPOSE: &str = "brand_preview";

/// What lets another device look.
#[derive(Clone, Debug)]
pub struct Pass {
    /// The part of the address that counts.
    pub token: String,
    /// Until when.
    pub until: Timestamp,
}

/// A pass for `what` in the brand of the caller's environment.
///
/// # Errors
/// `PermissionDenied`.
pub async fn lend(app: &App, caller: &Caller, what: &str) -> Result<Pass> {
    caller.require(Permission::SettingsRead)?;
    let until = app.now().plus(LENT_FOR);
    let (environment, ends) = (caller.environment.as_str(), until.seconds().to_string());
    let tag = sign(app, PURPOSE, &[environment, &ends, what]).await?;
    Ok(Pass { token: format!("{environment}.{ends}.{tag}"), until })
}

/// The brand that a pass for `what` shows. Nobody is asked who they are.
///
/// # Errors
/// `NotFound` for everything that [`lend`] did not make for exactly this; `LinkExpired` when its time is over.
pub async fn lent(app: &App, token: &str, what: &str) -> Result<Brand> {
    let unknown = || Error::new(Code::NotFound, "there is no such preview");
    let mut parts = token.splitn(3, '.');
    let (Some(environment), Some(ends), Some(tag)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(unknown());
    };
    if !is_signed(app, PURPOSE, &[environment, ends, what], tag).await? {
        return Err(unknown());
    }
    let over = ends.parse().map_or(true, |ends| app.now() >= Timestamp::from_seconds(ends));
    if over {
        let error = Error::new(Code::LinkExpired, "this preview could be looked at for 15 minutes");
        return Err(error.with_help("make another code on the page Hosted pages"));
    }
    let id = EnvironmentId::parse(environment).ok_or_else(unknown)?;
    let found = environments::get(app, &id).await.map_err(|_| unknown())?;
    let row = app.db().find_brand(&found.id).await?;
    whole(app, &found.id, found.app_name, row).await
}
