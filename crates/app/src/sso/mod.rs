//! Single sign-on with OpenID Connect.

use keybearer_core::ids::MemberId;
use keybearer_core::{Code, Error, Result};

use crate::state::App;

/// Goes on only when there are other ways in than the single sign-on.
pub(crate) fn require_other_ways(app: &App) -> Result<()> {
    match &app.config().sso {
        Some(sso) if sso.only => {
            Err(Error::new(Code::Unauthenticated, format!("people sign in with {} only", sso.name)))
        }
        _ => Ok(()),
    }
}

/// Whether the member can come in by the single sign-on.
pub(crate) async fn has_identity(app: &App, member: &MemberId) -> Result<bool> {
    let Some(sso) = &app.config().sso else { return Ok(false) };
    let identities = app.db().list_identities(member).await?;
    Ok(identities.iter().any(|identity| identity.issuer == sso.issuer))
}
