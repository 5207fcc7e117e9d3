//! Joining with a passkey instead of a password: the first owner, and whoever got a link.

use keybearer_core::ids::MemberId;
use keybearer_core::{Result, SecretString};
use keybearer_store::{SignInMeans, TicketKind};
use serde_json::json;

use super::challenge::{self, Aim, Bound};
use super::{Answer, Question, made, question, taken};
use crate::access::{Actor, Caller};
use crate::members::{self, NewMember};
use crate::sessions::{self, SignedIn, Visitor};
use crate::state::App;
use crate::{audit, environments, sso};

/// What the passkey of somebody who joins is called until they name it.
const FIRST: &str = "First passkey";

/// Asks for the passkey of the first owner, under the id that they will have.
///
/// # Errors
/// [`keybearer_core::Code::Internal`] when there is no key.
pub async fn ask_owner(app: &App, browser: &str) -> Result<Option<Question>> {
    let member = app.id(MemberId::from_number)?;
    question(app, Bound { aim: Aim::Add, browser, member: member.as_str() }, Vec::new()).await
}

/// Makes the first owner with a passkey and signs them in. `member` is the id of the [`Question`].
///
/// # Errors
/// [`keybearer_core::Code::LinkExpired`] when link or challenge count no more, `InvalidArgument` at a wrong field,
/// [`keybearer_core::Code::Unauthenticated`] when the passkey is not accepted.
pub async fn create_owner(
    app: &App,
    token: &SecretString,
    new: &NewMember,
    member: &str,
    answer: &Answer,
    from: (&str, &Visitor),
) -> Result<SignedIn> {
    let (browser, visitor) = from;
    let id = MemberId::parse(member).ok_or_else(members::ended)?;
    members::check_setup(app, token).await?;
    let row = members::first_owner(app, id, new)?;
    challenge::spend(app, Bound { aim: Aim::Add, browser, member }, &answer.challenge).await?;
    let passkey = made(app, &row.id, FIRST.to_owned(), answer)?;
    let caller = joining(app, &row.id).await?;
    let line =
        audit::row(app, &caller, "member.first_owner", row.id.as_str(), json!({"passkey": passkey.id}))?;
    let hash = members::token_hash(token);
    let created = app.db().create_first_member_with_passkey(&row, &passkey, &hash, &line).await;
    if !created.map_err(taken)? {
        return Err(members::ended());
    }
    sessions::open(app, row, SignInMeans::Passkey, visitor).await
}

/// Asks for the passkey of the member whose link it is.
///
/// # Errors
/// [`keybearer_core::Code::LinkExpired`].
pub async fn ask_invited(app: &App, token: &SecretString, browser: &str) -> Result<Option<Question>> {
    let (row, _) = members::holder(app, token, TicketKind::Password).await?;
    let known = app.db().list_passkeys(&row.id).await?.into_iter().map(|row| row.credential_id).collect();
    question(app, Bound { aim: Aim::Add, browser, member: row.id.as_str() }, known).await
}

/// Adds a passkey for the member whose link it is, and signs them in. Their other sessions end.
///
/// # Errors
/// Those of [`create_owner`].
pub async fn join(
    app: &App,
    token: &SecretString,
    answer: &Answer,
    browser: &str,
    visitor: &Visitor,
) -> Result<SignedIn> {
    let (row, ticket) = members::holder(app, token, TicketKind::Password).await?;
    sso::require_other_ways_for(app, &ticket)?;
    let bound = Bound { aim: Aim::Add, browser, member: row.id.as_str() };
    challenge::spend(app, bound, &answer.challenge).await?;
    let passkey = made(app, &row.id, FIRST.to_owned(), answer)?;
    let caller = joining(app, &row.id).await?;
    let line =
        audit::row(app, &caller, "member.passkey_added", row.id.as_str(), json!({"passkey": passkey.id}))?;
    if !app.db().redeem_with_passkey(&passkey, &ticket.token_hash, &line).await.map_err(taken)? {
        return Err(members::ended());
    }
    app.db().end_other_member_sessions(&row.id, "").await?;
    sessions::open(app, row, SignInMeans::Passkey, visitor).await
}

async fn joining(app: &App, id: &MemberId) -> Result<Caller> {
    let environment = environments::default(app).await?;
    Ok(Caller::trusted(environment.id, Actor::Member(id.clone()), app.reference()?))
}
