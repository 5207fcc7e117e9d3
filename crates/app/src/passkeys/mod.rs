//! Passkeys of members: joining with one, signing in, adding, naming and removing them.

mod challenge;
mod entry;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keybearer_core::ids::{MemberId, PasskeyId};
use keybearer_core::{Code, Error, Result, Timestamp};
use keybearer_store::{MemberRow, PasskeyRow, SignInMeans};
use serde_json::json;
use url::Host;

use self::challenge::{Aim, Bound};
pub use self::entry::{ask_invited, ask_owner, create_owner, join};
use crate::access::{Actor, Caller};
use crate::sessions::{Session, SignedIn, Visitor};
use crate::state::App;
use crate::webauthn::{ALGORITHMS, Assertion, Expected, Refusal, Registration, Used};
use crate::{audit, environments, sessions, sso, step_up};

/// Most passkeys of one member.
const MOST: usize = 20;

/// A passkey in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passkey {
    /// Its id.
    pub id: PasskeyId,
    /// What the member calls it.
    pub name: String,
    /// It exists on several devices, or in the cloud of whoever keeps it.
    pub backed_up: bool,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was last used.
    pub used_at: Option<Timestamp>,
}

/// What a page hands to the browser so that it asks an authenticator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The challenge; the answer must come with it.
    pub challenge: String,
    /// The host that passkeys belong to.
    pub rp_id: String,
    /// Whose passkey is made; empty when one is used.
    pub member: String,
    /// Credentials that are there already, base64url: to be left out when one is made, to be used when one is asked for.
    pub known: Vec<String>,
}

impl Question {
    /// The algorithms that a new key may have: COSE numbers, with spaces.
    pub fn algorithms(&self) -> String {
        ALGORITHMS.map(|number| number.to_string()).join(" ")
    }
}

/// What a browser brought back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The challenge of the [`Question`].
    pub challenge: String,
    /// JSON of our own script.
    pub text: String,
}

/// Whether this server can have passkeys: they belong to a name, never to an address.
pub fn possible(app: &App) -> bool {
    rp_id(app).is_some()
}

fn rp_id(app: &App) -> Option<String> {
    match app.config().public_url.host() {
        Some(Host::Domain(name)) => Some(name.to_owned()),
        _ => None,
    }
}

async fn question(app: &App, bound: Bound<'_>, known: Vec<String>) -> Result<Option<Question>> {
    let Some(rp_id) = rp_id(app) else { return Ok(None) };
    let challenge = challenge::make(app, bound).await?;
    Ok(Some(Question { challenge, rp_id, member: bound.member.to_owned(), known }))
}

/// Asks for any passkey of this server.
///
/// # Errors
/// [`Code::Internal`] when there is no key.
pub async fn ask_sign_in(app: &App, browser: &str) -> Result<Option<Question>> {
    question(app, Bound { aim: Aim::SignIn, browser, member: "" }, Vec::new()).await
}

/// Signs in with a passkey. Who it is, the passkey says.
///
/// # Errors
/// [`Code::LinkExpired`] for a challenge that counts no more, [`Code::Unauthenticated`] for everything else.
pub async fn sign_in(app: &App, browser: &str, answer: &Answer, visitor: &Visitor) -> Result<SignedIn> {
    sso::require_other_ways(app)?;
    challenge::spend(app, Bound { aim: Aim::SignIn, browser, member: "" }, &answer.challenge).await?;
    let assertion = Assertion::read(&answer.text).map_err(refused)?;
    let passkey = app.db().find_passkey(&assertion.id).await?.ok_or_else(unknown)?;
    let says = assertion.user_handle.as_deref().and_then(|handle| URL_SAFE_NO_PAD.decode(handle).ok());
    if says.as_deref() != Some(passkey.member_id.as_str().as_bytes()) {
        return Err(unknown());
    }
    use_up(app, &passkey, &assertion, answer).await?;
    let member = app.db().find_member(&passkey.member_id).await?.ok_or_else(unknown)?;
    sessions::open(app, member, SignInMeans::Passkey, visitor).await
}

/// Asks for a passkey of the signed-in member; `None` when they have none.
///
/// # Errors
/// [`Code::Internal`] when there is no key.
pub async fn ask_confirm(app: &App, session: &Session) -> Result<Option<Question>> {
    let known: Vec<String> =
        app.db().list_passkeys(&session.member.id).await?.into_iter().map(|row| row.credential_id).collect();
    if known.is_empty() {
        return Ok(None);
    }
    question(app, bound(session, Aim::Confirm), known).await
}

/// Notes that the signed-in member proved with a passkey who they are.
///
/// # Errors
/// Those of [`sign_in`].
pub async fn confirm(app: &App, session: &Session, answer: &Answer) -> Result<()> {
    challenge::spend(app, bound(session, Aim::Confirm), &answer.challenge).await?;
    let assertion = Assertion::read(&answer.text).map_err(refused)?;
    let passkey = app.db().find_passkey(&assertion.id).await?.ok_or_else(unknown)?;
    if passkey.member_id != session.member.id {
        return Err(unknown());
    }
    use_up(app, &passkey, &assertion, answer).await?;
    step_up::note(app, session, SignInMeans::Passkey).await
}

/// Asks for a new passkey of the signed-in member.
///
/// # Errors
/// [`Code::Unauthenticated`] when they have to prove first who they are.
pub async fn ask_add(app: &App, session: &Session) -> Result<Option<Question>> {
    step_up::require(app, session).await?;
    let known = app.db().list_passkeys(&session.member.id).await?;
    let known = known.into_iter().map(|row| row.credential_id).collect();
    question(app, bound(session, Aim::Add), known).await
}

/// Adds a passkey.
///
/// # Errors
/// [`Code::Unauthenticated`] when the member has to prove first who they are, [`Code::LinkExpired`],
/// [`Code::InvalidArgument`], [`Code::AlreadyExists`].
pub async fn add(app: &App, session: &Session, name: &str, answer: &Answer) -> Result<()> {
    step_up::require(app, session).await?;
    let name = checked_name(name)?;
    challenge::spend(app, bound(session, Aim::Add), &answer.challenge).await?;
    if app.db().list_passkeys(&session.member.id).await?.len() >= MOST {
        return Err(Error::new(Code::FailedPrecondition, "nobody can have more than 20 passkeys")
            .with_help("remove one that you do not use any more"));
    }
    let row = made(app, &session.member.id, name, answer)?;
    let line = audit::row(
        app,
        &session.caller,
        "member.passkey_added",
        row.member_id.as_str(),
        json!({"passkey": row.id}),
    )?;
    app.db().add_passkey(&row, &line).await.map_err(taken)
}

/// The member's own passkeys, oldest first.
///
/// # Errors
/// [`Code::DatabaseUnavailable`].
pub async fn list(app: &App, session: &Session) -> Result<Vec<Passkey>> {
    let passkey = |row: PasskeyRow| Passkey {
        id: row.id,
        name: row.name,
        backed_up: row.backed_up,
        created_at: row.created_at,
        used_at: row.used_at,
    };
    Ok(app.db().list_passkeys(&session.member.id).await?.into_iter().map(passkey).collect())
}

/// Gives one of the member's own passkeys another name.
///
/// # Errors
/// [`Code::NotFound`], [`Code::InvalidArgument`] at `name`.
pub async fn rename(app: &App, session: &Session, id: &PasskeyId, name: &str) -> Result<()> {
    let name = checked_name(name)?;
    if !app.db().rename_passkey(&session.member.id, id, &name).await? {
        return Err(absent());
    }
    let target = session.member.id.as_str();
    audit::record(app, &session.caller, "member.passkey_renamed", target, json!({"passkey": id})).await
}

/// Removes one of the member's own passkeys.
///
/// # Errors
/// [`Code::NotFound`]; [`Code::FailedPrecondition`] for the last way in.
pub async fn remove(app: &App, session: &Session, id: &PasskeyId) -> Result<()> {
    let member = &session.member.id;
    let line =
        audit::row(app, &session.caller, "member.passkey_removed", member.as_str(), json!({"passkey": id}))?;
    let keeps_way = sso::has_identity(app, member).await?;
    match app.db().delete_passkey(member, id, keeps_way, &line).await? {
        Some(true) => Ok(()),
        Some(false) => Err(Error::new(Code::FailedPrecondition, "it is your last way to sign in")
            .with_help("choose a password or add another passkey first")),
        None => Err(absent()),
    }
}

fn bound(session: &Session, aim: Aim) -> Bound<'_> {
    Bound { aim, browser: session.id.as_str(), member: session.member.id.as_str() }
}

/// A new row from what the browser brought back; nothing is stored yet.
fn made(app: &App, member: &MemberId, name: String, answer: &Answer) -> Result<PasskeyRow> {
    let registration = Registration::read(&answer.text).map_err(refused)?;
    let credential = checked(app, answer, |expected| registration.verify(expected))?;
    Ok(PasskeyRow {
        id: app.id(PasskeyId::from_number)?,
        member_id: member.clone(),
        credential_id: credential.id,
        public_key: credential.public_key,
        sign_count: i64::from(credential.sign_count),
        backup_eligible: credential.backup_eligible,
        backed_up: credential.backed_up,
        transports: registration.transports(),
        name,
        created_at: app.now(),
        used_at: None,
    })
}

/// Checks an assertion against its passkey and notes the use. A counter that does not rise means a copied key.
async fn use_up(app: &App, passkey: &PasskeyRow, assertion: &Assertion, answer: &Answer) -> Result<()> {
    let used: Used = checked(app, answer, |expected| {
        assertion.verify(expected, &passkey.public_key, passkey.backup_eligible)
    })?;
    let count = i64::from(used.sign_count);
    if app.db().use_passkey(&passkey.id, count, used.backed_up, app.now()).await? {
        return Ok(());
    }
    let environment = environments::default(app).await?;
    let caller = Caller::trusted(environment.id, Actor::Member(passkey.member_id.clone()), app.reference()?);
    let detail = json!({"passkey": passkey.id, "stored": passkey.sign_count, "said": count});
    audit::record(app, &caller, "member.passkey_copied", passkey.member_id.as_str(), detail).await?;
    Err(Error::new(Code::Unauthenticated, "the passkey counts backwards, as a copied one would")
        .with_help("sign in another way, remove this passkey, and add it again"))
}

fn checked<T>(
    app: &App,
    answer: &Answer,
    check: impl FnOnce(Expected<'_>) -> Result<T, Refusal>,
) -> Result<T> {
    let rp_id = rp_id(app).ok_or_else(|| {
        Error::new(Code::FailedPrecondition, "passkeys need a public_url with a name, not an address")
    })?;
    let challenge = URL_SAFE_NO_PAD.encode(&answer.challenge);
    let origin = app.config().public_url.origin().ascii_serialization();
    check(Expected { challenge: &challenge, rp_id: &rp_id, origin: &origin, verified: true }).map_err(refused)
}

fn checked_name(name: &str) -> Result<String> {
    let name = match name.trim() {
        "" => "Passkey",
        name => name,
    };
    if name.chars().count() > 60 || name.chars().any(char::is_control) {
        return Err(Error::field("name", "must be one line of at most 60 characters"));
    }
    Ok(name.to_owned())
}

/// Why is in the log; a stranger learns no more than that it does not count.
fn refused(why: Refusal) -> Error {
    tracing::info!(%why, "a passkey was refused");
    Error::new(Code::Unauthenticated, format!("the passkey was not accepted: {why}"))
}

fn unknown() -> Error {
    Error::new(Code::Unauthenticated, "this server does not know that passkey")
        .with_help("it was removed here, or its member is gone: sign in another way")
}

fn absent() -> Error {
    Error::new(Code::NotFound, "there is no such passkey of yours")
}

fn taken(error: keybearer_store::StoreError) -> Error {
    match error.is_conflict("member_passkey") {
        true => Error::new(Code::AlreadyExists, "that passkey is here already"),
        false => error.into(),
    }
}

/// Whether a stored member can sign in without a link.
pub(crate) async fn has_any(app: &App, member: &MemberRow) -> Result<bool> {
    Ok(!app.db().list_passkeys(&member.id).await?.is_empty())
}
