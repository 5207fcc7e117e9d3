//! Sessions of the dashboard: signing in, staying signed in, signing out.
//!
//! Guesses are counted by account and address, and by account and browser for a browser that signed in before:
//! whoever guesses from elsewhere slows down neither the person nor anybody else.

use std::net::IpAddr;
use std::time::Duration;

use keybearer_core::ids::MemberSessionId;
use keybearer_core::{Code, Error, Result, SecretString, Timestamp, random_token, to_hex};
use keybearer_store::{MemberRow, MemberSessionRow, SignInMeans, TicketKind};
use serde_json::json;

use crate::access::{Actor, Caller, Permissions};
use crate::environments::{self, Environment};
use crate::keys::vault_error;
use crate::members::{self, Member};
use crate::state::App;
use crate::{audit, password, sso};

/// A session ends when nobody used it for this long.
pub(crate) const IDLE: Duration = Duration::from_secs(12 * 3600);
/// A session ends after this, however busy it is.
pub(crate) const LIFETIME: Duration = Duration::from_secs(7 * 86_400);
/// Wrong tries count for this long.
pub(crate) const COUNTED: Duration = Duration::from_secs(3600);
/// What the keys are for.
const CSRF: &str = "dashboard_csrf";
const DEVICE: &str = "dashboard_device";
const SUBJECT: &str = "dashboard_sign_in";

/// The browser at the other end.
#[derive(Clone, Debug, Default)]
pub struct Visitor {
    /// Where the connection comes from.
    pub address: Option<IpAddr>,
    /// What the browser calls itself.
    pub agent: String,
    /// What a former sign-in left in this browser.
    pub device: Option<String>,
}

/// A browser that has just signed in.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// The value of the session cookie; only its hash is stored.
    pub token: SecretString,
    /// What this browser keeps to be known again.
    pub device: String,
    /// Who signed in.
    pub member: Member,
}

/// A signed-in browser.
#[derive(Clone, Debug)]
pub struct Session {
    /// Its id.
    pub id: MemberSessionId,
    /// Who.
    pub member: Member,
    /// Where they are.
    pub environment: Environment,
    /// Where they can go, oldest first.
    pub environments: Vec<Environment>,
    /// The member as the use cases see them.
    pub caller: Caller,
    /// When they last proved who they are.
    pub confirmed_at: Timestamp,
}

/// A session in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionEntry {
    /// Its id.
    pub id: MemberSessionId,
    /// The one that asks.
    pub current: bool,
    /// From where it was opened.
    pub address: String,
    /// The browser, as it calls itself.
    pub agent: String,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it was last used.
    pub seen_at: Timestamp,
    /// When it ends at the latest.
    pub expires_at: Timestamp,
}

/// Signs in with address and password. The answer is the same for an unknown address and a wrong password.
///
/// # Errors
/// [`Code::Unauthenticated`]; [`Code::RateLimited`] with the seconds to wait.
pub async fn sign_in(app: &App, email: &str, password: SecretString, visitor: &Visitor) -> Result<SignedIn> {
    sso::require_other_ways(app)?;
    let email = email.trim().to_lowercase();
    let row = app.db().find_member_by_email(&email).await?;
    let known = row.as_ref().map(|row| row.id.to_string());
    let subject = subject(app, &email, known.as_deref(), visitor).await?;
    count(app, &subject).await?;
    let stored = row.as_ref().and_then(|row| row.password_hash.clone());
    let fits = password::verify(password, stored).await?;
    let row = row
        .filter(|_| fits)
        .ok_or_else(|| Error::new(Code::Unauthenticated, "the e-mail address or the password is wrong"))?;
    app.db().forget_sign_ins(&subject).await?;
    open(app, row, SignInMeans::Password, visitor).await
}

/// Signs in with a link that works once, from this machine only.
///
/// # Errors
/// [`Code::LinkExpired`], [`Code::PermissionDenied`] from elsewhere.
pub async fn redeem(app: &App, token: &SecretString, visitor: &Visitor) -> Result<SignedIn> {
    if !visitor.address.is_some_and(|address| address.to_canonical().is_loopback()) {
        return Err(Error::new(Code::PermissionDenied, "the link works on the server's own machine only"));
    }
    let (row, ticket) = members::holder(app, token, TicketKind::SignIn).await?;
    if !app.db().use_ticket(&ticket.token_hash, app.now()).await? {
        return Err(members::ended());
    }
    open(app, row, SignInMeans::Link, visitor).await
}

/// Signs somebody in who has just chosen their password.
///
/// # Errors
/// [`Code::NotFound`] when the member is gone.
pub async fn begin(app: &App, member: &Member, visitor: &Visitor) -> Result<SignedIn> {
    let row = app.db().find_member(&member.id).await?;
    let row = row.ok_or_else(|| Error::new(Code::NotFound, "there is no such member"))?;
    open(app, row, SignInMeans::Link, visitor).await
}

/// The session of a cookie, with the member as they are now; `None` when it has ended.
///
/// # Errors
/// [`Code::DatabaseUnavailable`].
pub async fn resume(app: &App, token: &SecretString) -> Result<Option<Session>> {
    let now = app.now();
    let found = app.db().find_member_session(&members::token_hash(token)).await?;
    let Some(row) = found.filter(|row| row.expires_at > now && row.seen_at.plus(IDLE) > now) else {
        return Ok(None);
    };
    let Some(member) = app.db().find_member(&row.member_id).await? else {
        return Ok(None);
    };
    app.db().touch_member_session(&row.id, now).await?;
    let environments = environments::list(app).await?;
    let chosen = row.environment_id.as_ref().and_then(|id| environments.iter().find(|one| one.id == *id));
    let environment = chosen.or_else(|| environments.first()).cloned();
    let environment = environment.ok_or_else(|| Error::internal("there is no environment"))?;
    let caller = Caller {
        environment: environment.id.clone(),
        actor: Actor::Member(member.id.clone()),
        reference: app.reference()?,
        permissions: Permissions::of_role(member.role),
    };
    Ok(Some(Session {
        id: row.id,
        member: members::member(member),
        environment,
        environments,
        caller,
        confirmed_at: row.confirmed_at,
    }))
}

/// Goes to another environment, in this browser only.
///
/// # Errors
/// [`Code::NotFound`].
pub async fn enter(app: &App, session: &Session, id: &str) -> Result<()> {
    let found = session.environments.iter().find(|one| one.id.as_str() == id);
    let to = found.ok_or_else(|| Error::new(Code::NotFound, "there is no such environment"))?;
    if to.id == session.environment.id {
        return Ok(());
    }
    app.db().enter_environment(&session.member.id, &session.id, &to.id).await?;
    let inside = Caller { environment: to.id.clone(), ..session.caller.clone() };
    let detail = json!({"from": session.environment.id});
    audit::record(app, &inside, "member.entered", session.member.id.as_str(), detail).await
}

/// Ends the session of this browser.
///
/// # Errors
/// [`Code::DatabaseUnavailable`].
pub async fn sign_out(app: &App, session: &Session) -> Result<()> {
    revoke(app, session, &session.id).await
}

/// The member's own sessions, newest first.
///
/// # Errors
/// [`Code::DatabaseUnavailable`].
pub async fn list(app: &App, session: &Session) -> Result<Vec<SessionEntry>> {
    let now = app.now();
    let rows = app.db().list_member_sessions(&session.member.id).await?;
    let open = rows.into_iter().filter(|row| row.expires_at > now && row.seen_at.plus(IDLE) > now);
    let entry = |row: MemberSessionRow| SessionEntry {
        current: row.id == session.id,
        id: row.id,
        address: row.address,
        agent: row.agent,
        created_at: row.created_at,
        seen_at: row.seen_at,
        expires_at: row.expires_at,
    };
    Ok(open.map(entry).collect())
}

/// Ends one of the member's own sessions.
///
/// # Errors
/// [`Code::NotFound`] for every other id.
pub async fn revoke(app: &App, session: &Session, id: &MemberSessionId) -> Result<()> {
    if !app.db().end_member_session(&session.member.id, id).await? {
        return Err(Error::new(Code::NotFound, "there is no such session of yours"));
    }
    let target = session.member.id.as_str();
    audit::record(app, &session.caller, "member.session_ended", target, json!({"session": id})).await
}

/// Ends all of the member's sessions but this one; gives their number.
///
/// # Errors
/// [`Code::DatabaseUnavailable`].
pub async fn revoke_others(app: &App, session: &Session) -> Result<u64> {
    let ended = app.db().end_other_member_sessions(&session.member.id, session.id.as_str()).await?;
    let target = session.member.id.as_str();
    audit::record(app, &session.caller, "member.sessions_ended", target, json!({"sessions": ended})).await?;
    Ok(ended)
}

/// What every form of a browser carries: bound to its session, or to its cookie while it has none.
///
/// # Errors
/// [`Code::Internal`] when there is no key.
pub async fn form_token(app: &App, bound_to: &str) -> Result<String> {
    sign(app, CSRF, &[bound_to]).await
}

/// Whether a form carries what [`form_token`] gave to this browser.
///
/// # Errors
/// [`Code::Internal`] when there is no key.
pub async fn is_form_token(app: &App, bound_to: &str, given: &str) -> Result<bool> {
    is_signed(app, CSRF, &[bound_to], given).await
}

/// Whether the password is this member's; wrong ones are counted.
pub(crate) async fn knows_password(app: &App, row: &MemberRow, given: SecretString) -> Result<bool> {
    let subject = sign(app, SUBJECT, &[row.id.as_str(), "change"]).await?;
    count(app, &subject).await?;
    let fits = password::verify(given, row.password_hash.clone()).await?;
    if fits {
        app.db().forget_sign_ins(&subject).await?;
    }
    Ok(fits)
}

/// Deletes what has ended.
pub(crate) async fn purge(app: &App) -> Result<()> {
    let now = app.now();
    app.db().delete_member_sessions(now, now.minus(IDLE)).await?;
    app.db().delete_sign_ins(now.minus(COUNTED)).await?;
    Ok(())
}

/// Opens a session.
pub(crate) async fn open(
    app: &App,
    row: MemberRow,
    means: SignInMeans,
    visitor: &Visitor,
) -> Result<SignedIn> {
    let (token, now) = (SecretString::new(random_token(app.entropy(), 20)?), app.now());
    let session = MemberSessionRow {
        id: app.id(MemberSessionId::from_number)?,
        member_id: row.id.clone(),
        token_hash: members::token_hash(&token),
        means,
        address: visitor.address.map(|address| address.to_string()).unwrap_or_default(),
        agent: visitor.agent.chars().filter(|c| !c.is_control()).take(200).collect(),
        created_at: now,
        seen_at: now,
        expires_at: now.plus(LIFETIME),
        environment_id: None,
        confirmed_at: now,
    };
    app.db().add_member_session(&session).await?;
    let environment = environments::default(app).await?;
    let caller = Caller::trusted(environment.id, Actor::Member(row.id.clone()), app.reference()?);
    let detail = json!({"session": session.id, "means": means.as_str()});
    audit::record(app, &caller, "member.signed_in", row.id.as_str(), detail).await?;
    let device = match &visitor.device {
        Some(device) if is_device(app, row.id.as_str(), device).await? => device.clone(),
        _ => new_device(app, row.id.as_str()).await?,
    };
    Ok(SignedIn { token, device, member: members::member(row) })
}

/// Under which name tries are counted.
async fn subject(app: &App, email: &str, id: Option<&str>, visitor: &Visitor) -> Result<String> {
    if let (Some(id), Some(device)) = (id, &visitor.device)
        && is_device(app, id, device).await?
    {
        return sign(app, SUBJECT, &[email, "device", device]).await;
    }
    let address = visitor.address.map(network).unwrap_or_default();
    sign(app, SUBJECT, &[email, "address", &address]).await
}

/// One IPv4 address, or the network that one IPv6 customer has.
fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}")
        }
    }
}

/// Counts a try; the failure says how long to wait.
async fn count(app: &App, subject: &str) -> Result<()> {
    let now = app.now();
    if app.db().count_sign_in(subject, now, now.minus(COUNTED)).await?.is_some() {
        return Ok(());
    }
    let until = app.db().sign_in_blocked_until(subject).await?.unwrap_or(now);
    let seconds = u32::try_from(until.since(now).as_secs()).unwrap_or(60).saturating_add(1);
    Err(Error::new(Code::RateLimited, "too many wrong tries").with_retry_after(seconds))
}

async fn new_device(app: &App, member: &str) -> Result<String> {
    let nonce = random_token(app.entropy(), 16)?;
    let tag = sign(app, DEVICE, &[member, &nonce]).await?;
    Ok(format!("{nonce}{tag}"))
}

async fn is_device(app: &App, member: &str, device: &str) -> Result<bool> {
    match device.split_at_checked(26) {
        Some((nonce, tag)) => is_signed(app, DEVICE, &[member, nonce], tag).await,
        None => Ok(false),
    }
}

/// A tag over `parts` that only this installation can make.
pub(crate) async fn sign(app: &App, purpose: &str, parts: &[&str]) -> Result<String> {
    let environment = environments::default(app).await?.id;
    let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
    let tag = app.keyring()?.mac(&environment, purpose, &parts).map_err(vault_error)?;
    Ok(to_hex(tag.get(..16).unwrap_or(&tag)))
}

/// Whether one of the environment's keys made this: the newest one may be younger than the text.
pub(crate) async fn is_signed(app: &App, purpose: &str, parts: &[&str], given: &str) -> Result<bool> {
    use subtle::ConstantTimeEq as _;
    let environment = environments::default(app).await?.id;
    let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
    let keys = app.keyring()?.mac_keys(&environment, purpose).map_err(vault_error)?;
    let tags = keys.iter().filter_map(|key| key.sign(&parts).ok());
    let text = |tag: [u8; 32]| to_hex(tag.get(..16).unwrap_or(&tag));
    Ok(tags.fold(false, |known, tag| known | bool::from(text(tag).as_bytes().ct_eq(given.as_bytes()))))
}
