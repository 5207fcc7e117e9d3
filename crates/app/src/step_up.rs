//! Proving again who one is, before something that lets people in.

use std::time::Duration;

use keybearer_core::ids::MemberId;
use keybearer_core::{Code, Error, MemberRole, Result, SecretString};
use keybearer_store::SignInMeans;
use serde_json::json;
use url::Url;

use crate::members::{self, NewMember};
use crate::sessions::{self, Session};
use crate::state::App;
use crate::{audit, passkeys, sso};

/// How long a proof lasts.
const FRESH: Duration = Duration::from_secs(10 * 60);

/// How a member can prove who they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ways {
    /// With their password.
    pub password: bool,
    /// With a passkey.
    pub passkey: bool,
    /// At the single sign-on.
    pub sso: bool,
}

impl Ways {
    /// Whether there is any.
    pub const fn any(self) -> bool {
        self.password || self.passkey || self.sso
    }
}

/// How the signed-in member can prove who they are.
///
/// # Errors
/// [`Code::DatabaseUnavailable`].
pub async fn ways(app: &App, session: &Session) -> Result<Ways> {
    let Some(row) = app.db().find_member(&session.member.id).await? else { return Ok(Ways::default()) };
    Ok(Ways {
        password: row.password_hash.is_some(),
        passkey: passkeys::has_any(app, &row).await?,
        sso: sso::has_identity(app, &row.id).await?,
    })
}

/// Whether the member proved who they are within the last ten minutes. One who came in by a link and has no way to prove
/// anything yet is not asked.
///
/// # Errors
/// [`Code::DatabaseUnavailable`].
pub async fn is_fresh(app: &App, session: &Session) -> Result<bool> {
    if session.confirmed_at.plus(FRESH) > app.now() {
        return Ok(true);
    }
    Ok(!ways(app, session).await?.any())
}

/// Goes on only when [`is_fresh`].
///
/// # Errors
/// [`Code::Unauthenticated`]: ask the member to prove who they are, and come back.
pub(crate) async fn require(app: &App, session: &Session) -> Result<()> {
    match is_fresh(app, session).await? {
        true => Ok(()),
        false => Err(Error::new(Code::Unauthenticated, "prove again that it is you")),
    }
}

/// Notes that the signed-in member proved with their password who they are.
///
/// # Errors
/// [`Code::RateLimited`] after several wrong ones, `InvalidArgument` at `password`.
pub async fn confirm(app: &App, session: &Session, password: SecretString) -> Result<()> {
    let row = app.db().find_member(&session.member.id).await?;
    let row = row.ok_or_else(|| Error::new(Code::NotFound, "there is no such member"))?;
    if !sessions::knows_password(app, &row, password).await? {
        return Err(Error::field("password", "is another one"));
    }
    note(app, session, SignInMeans::Password).await
}

/// Notes a proof.
pub(crate) async fn note(app: &App, session: &Session, means: SignInMeans) -> Result<()> {
    app.db().confirm_member_session(&session.id, app.now()).await?;
    let detail = json!({"session": session.id, "means": means.as_str()});
    audit::record(app, &session.caller, "member.confirmed", session.member.id.as_str(), detail).await
}

/// [`members::invite`] by a signed-in member; a fresh proof is wanted for a new owner.
///
/// # Errors
/// Those of [`members::invite`], [`Code::Unauthenticated`] without a fresh proof.
pub async fn invite(
    app: &App,
    session: &Session,
    new: &NewMember,
    role: MemberRole,
) -> Result<(MemberId, Url)> {
    if role == MemberRole::Owner {
        require(app, session).await?;
    }
    members::invite(app, &session.caller, new, role).await
}

/// [`members::set_role`] by a signed-in member; a fresh proof is wanted for a new owner.
///
/// # Errors
/// Those of [`members::set_role`], [`Code::Unauthenticated`] without a fresh proof.
pub async fn set_role(app: &App, session: &Session, id: &MemberId, role: MemberRole) -> Result<()> {
    if role == MemberRole::Owner {
        require(app, session).await?;
    }
    members::set_role(app, &session.caller, id, role).await
}

/// [`members::password_link`] by a signed-in member; always with a fresh proof: the link lets in as somebody else.
///
/// # Errors
/// Those of [`members::password_link`], [`Code::Unauthenticated`] without a fresh proof.
pub async fn password_link(app: &App, session: &Session, id: &MemberId) -> Result<Url> {
    session.caller.require(crate::access::Permission::MembersWrite)?;
    require(app, session).await?;
    members::password_link(app, &session.caller, id).await
}
