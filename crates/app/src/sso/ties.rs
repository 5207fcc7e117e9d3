//! Who is tied to whom at the single sign-on, for those who manage the members.

use keybearer_core::ids::MemberId;
use keybearer_core::{Code, Error, Result, Timestamp, sha256, to_hex};
use keybearer_store::IdentityRow;
use serde_json::json;

use crate::access::Permission;
use crate::sessions::Session;
use crate::state::App;
use crate::{Caller, audit, step_up};

/// A member's person at an issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tie {
    /// What names it in addresses; nothing can be read from it.
    pub key: String,
    /// The member.
    pub member: MemberId,
    /// The issuer.
    pub issuer: String,
    /// What the issuer calls the person, for good.
    pub subject: String,
    /// The address that the issuer had for them at the last sign-in.
    pub email: String,
    /// Since when.
    pub since: Timestamp,
    /// When they last came in by it.
    pub used: Timestamp,
    /// Whether it is the issuer that the configuration names now.
    pub current: bool,
}

/// Every tie, those of one member together.
///
/// # Errors
/// [`Code::PermissionDenied`].
pub async fn ties(app: &App, caller: &Caller) -> Result<Vec<Tie>> {
    caller.require(Permission::MembersRead)?;
    let rows = app.db().list_all_identities().await?;
    Ok(rows.into_iter().map(|row| tie(app, row)).collect())
}

/// Unties a member from a person at an issuer. Their sessions end; one's own present session stays.
///
/// # Errors
/// [`Code::PermissionDenied`]; [`Code::Unauthenticated`] without a fresh proof; [`Code::NotFound`];
/// [`Code::FailedPrecondition`] where it is one's own last way in.
pub async fn untie(app: &App, session: &Session, member: &MemberId, key: &str) -> Result<()> {
    session.caller.require(Permission::MembersWrite)?;
    let all = ties(app, &session.caller).await?;
    let found = all.iter().find(|one| one.member == *member && one.key == key);
    let tie = found.ok_or_else(|| Error::new(Code::NotFound, "there is no such tie (any more)"))?;
    step_up::require(app, session).await?;
    let own = session.member.id == *member;
    if own && !has_another_way(app, session, &all, tie).await? {
        return Err(Error::new(Code::FailedPrecondition, "it is your last way to sign in")
            .with_help("choose a password or a passkey first, or let another owner do it"));
    }
    let detail = json!({"issuer": tie.issuer, "subject": tie.subject});
    let line = audit::row(app, &session.caller, "member.untied_from_sso", member.as_str(), detail)?;
    let keep = if own { session.id.as_str() } else { "" };
    match app.db().remove_identity(member, (&tie.issuer, &tie.subject), keep, &line).await? {
        true => Ok(()),
        false => Err(Error::new(Code::NotFound, "there is no such tie (any more)")),
    }
}

/// Whether the member of the session can still come in without that tie.
async fn has_another_way(app: &App, session: &Session, all: &[Tie], without: &Tie) -> Result<bool> {
    let ways = step_up::ways(app, session).await?;
    let others = all.iter().any(|one| one.member == without.member && one.current && one.key != without.key);
    let only = app.config().sso.as_ref().is_some_and(|sso| sso.only);
    Ok(others || !only && (ways.password || ways.passkey))
}

fn tie(app: &App, row: IdentityRow) -> Tie {
    let key = to_hex(&sha256(format!("{}\0{}", row.issuer, row.subject).as_bytes()));
    Tie {
        key: key.chars().take(20).collect(),
        current: app.config().sso.as_ref().is_some_and(|sso| sso.issuer == row.issuer),
        member: row.member_id,
        issuer: row.issuer,
        subject: row.subject,
        email: row.email,
        since: row.created_at,
        used: row.used_at,
    }
}
