//! The people who may sign in to the dashboard, and the links that make and let in the first of them.
//!
//! Members belong to the installation. What they do is written to the audit trail of the first environment.

use std::time::Duration;

use keybearer_core::ids::MemberId;
use keybearer_core::{
    Code, Error, MemberRole, Result, SecretString, Timestamp, random_token, sha256, to_hex,
};
use keybearer_store::{AuditRow, MemberChange, MemberRow, TicketKind, TicketRow};
use serde_json::{Value, json};
use url::Url;

use crate::access::{Actor, Caller, Permission, Permissions};
use crate::state::App;
use crate::{audit, environments, password, sessions, sso};

/// How long the link for the first owner works.
const SETUP: Duration = Duration::from_secs(24 * 3600);
/// How long a link that signs in works.
const SIGN_IN: Duration = Duration::from_secs(15 * 60);
/// How long a link that chooses a password works.
const PASSWORD: Duration = Duration::from_secs(7 * 86_400);
/// How long used and ended links are remembered.
pub(crate) const KEEP: Duration = Duration::from_secs(30 * 86_400);
/// The member that a server on a developer's own machine begins with.
const LOCAL: (&str, &str) = ("you@localhost", "You");

/// A person who may sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Their id.
    pub id: MemberId,
    /// The address they sign in with.
    pub email: String,
    /// What they are called.
    pub name: String,
    /// What they may do.
    pub role: MemberRole,
    /// Whether they chose a password.
    pub has_password: bool,
    /// When they were invited.
    pub created_at: Timestamp,
    /// When they last signed in.
    pub signed_in_at: Option<Timestamp>,
}

/// A person to be made a member.
#[derive(Clone, Debug)]
pub struct NewMember {
    /// Their address.
    pub email: String,
    /// What they are called; the address when empty.
    pub name: String,
}

/// Whether anybody can sign in. Until then the server waits for its first owner.
///
/// # Errors
/// [`Code::DatabaseUnavailable`].
pub async fn any(app: &App) -> Result<bool> {
    Ok(app.db().count_members().await? > 0)
}

/// The link that makes the first owner; `None` when there is a member already. Whoever has it owns the server.
///
/// # Errors
/// [`Code::PermissionDenied`].
pub async fn setup_link(app: &App, caller: &Caller) -> Result<Option<Url>> {
    caller.require(Permission::MembersWrite)?;
    if any(app).await? {
        return Ok(None);
    }
    let token = ticket(app, caller, TicketKind::Setup, None).await?;
    address(app, "/setup", &token).map(Some)
}

/// A link that signs the person at this machine in once, as owner. The first one makes that owner.
///
/// # Errors
/// [`Code::PermissionDenied`].
pub async fn local_link(app: &App, caller: &Caller) -> Result<Url> {
    caller.require(Permission::MembersWrite)?;
    let owners = app.db().list_members().await?;
    let found = owners.into_iter().find(|row| row.role == MemberRole::Owner);
    let owner = match found {
        Some(row) => row.id,
        None => {
            let new = NewMember { email: LOCAL.0.to_owned(), name: LOCAL.1.to_owned() };
            add(app, caller, &new, MemberRole::Owner).await?
        }
    };
    let token = ticket(app, caller, TicketKind::SignIn, Some(owner)).await?;
    address(app, "/", &token)
}

/// Makes the first owner with the password they chose.
///
/// # Errors
/// [`Code::LinkExpired`] when the link is none, has ended or was used; `InvalidArgument` at a wrong field.
pub async fn create_owner(
    app: &App,
    token: &SecretString,
    new: NewMember,
    chosen: SecretString,
) -> Result<Member> {
    let blank = first_owner(app, app.id(MemberId::from_number)?, &new)?;
    password::check(&chosen, &blank.email)?;
    let hash = token_hash(token);
    check_setup(app, token).await?;
    let row = MemberRow { password_hash: Some(password::hash(chosen, app.entropy()).await?), ..blank };
    let environment = environments::default(app).await?;
    let caller = Caller::trusted(environment.id, Actor::Member(row.id.clone()), app.reference()?);
    let line = audit::row(app, &caller, "member.first_owner", row.id.as_str(), json!({}))?;
    if !app.db().create_first_member(&row, &hash, &line).await? {
        return Err(ended());
    }
    Ok(member(row))
}

/// The row of a first owner that is not stored yet.
pub(crate) fn first_owner(app: &App, id: MemberId, new: &NewMember) -> Result<MemberRow> {
    let (email, name) = checked(new)?;
    Ok(MemberRow { id, ..blank(app, email, name, MemberRole::Owner)? })
}

/// The members, oldest first.
///
/// # Errors
/// [`Code::PermissionDenied`].
pub async fn list(app: &App, caller: &Caller) -> Result<Vec<Member>> {
    caller.require(Permission::MembersRead)?;
    Ok(app.db().list_members().await?.into_iter().map(member).collect())
}

/// Who could do what a member may not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Able {
    /// The roles that include the permission.
    pub roles: Vec<MemberRole>,
    /// What the members are called who have one of these roles, oldest first, ten at most.
    pub people: Vec<String>,
}

/// Which roles include a permission, and who has one of them. Told to every member: whoever is refused has to know
/// whom to ask.
///
/// # Errors
/// [`Code::PermissionDenied`] for everybody but members.
pub async fn who_may(app: &App, caller: &Caller, permission: Permission) -> Result<Able> {
    if !matches!(caller.actor, Actor::Member(_)) {
        return Err(Error::new(Code::PermissionDenied, "only members are told who may do what"));
    }
    let able = |role: &MemberRole| Permissions::of_role(*role).has(permission);
    let roles: Vec<MemberRole> = MemberRole::ALL.iter().copied().filter(able).collect();
    let members = app.db().list_members().await?.into_iter().map(member);
    let people = members.filter(|one| roles.contains(&one.role)).map(|one| one.name).take(10).collect();
    Ok(Able { roles, people })
}

/// Makes a member and the link with which they choose their password.
///
/// # Errors
/// [`Code::PermissionDenied`], [`Code::AlreadyExists`], `InvalidArgument` at a wrong field.
pub async fn invite(
    app: &App,
    caller: &Caller,
    new: &NewMember,
    role: MemberRole,
) -> Result<(MemberId, Url)> {
    caller.require(Permission::MembersWrite)?;
    let id = add(app, caller, new, role).await?;
    let link = password_link(app, caller, &id).await?;
    Ok((id, link))
}

/// A link with which a member chooses a new password; their former link ends.
///
/// # Errors
/// [`Code::PermissionDenied`], [`Code::NotFound`].
pub async fn password_link(app: &App, caller: &Caller, id: &MemberId) -> Result<Url> {
    caller.require(Permission::MembersWrite)?;
    let row = app.db().find_member(id).await?.ok_or_else(unknown)?;
    let token = ticket(app, caller, TicketKind::Password, Some(row.id)).await?;
    audit::record(app, caller, "member.password_link_made", id.as_str(), json!({})).await?;
    address(app, "/welcome", &token)
}

/// Like [`password_link`], for the member with that address.
///
/// # Errors
/// Those of [`password_link`].
pub async fn password_link_for(app: &App, caller: &Caller, email: &str) -> Result<Url> {
    caller.require(Permission::MembersWrite)?;
    let row = app.db().find_member_by_email(&email.trim().to_lowercase()).await?.ok_or_else(unknown)?;
    password_link(app, caller, &row.id).await
}

/// Whose link it is, while it can be used, and whether it lets in without the single sign-on. Looking uses nothing up.
///
/// # Errors
/// [`Code::LinkExpired`].
pub async fn invited(app: &App, token: &SecretString) -> Result<(Member, bool)> {
    let (row, ticket) = holder(app, token, TicketKind::Password).await?;
    Ok((member(row), sso::require_other_ways_for(app, &ticket).is_ok()))
}

/// Whether a link for the first owner can be used. Looking uses nothing up.
///
/// # Errors
/// [`Code::LinkExpired`], which says when it ended and how to get another.
pub async fn check_setup(app: &App, token: &SecretString) -> Result<()> {
    let ticket = app.db().find_ticket(&token_hash(token)).await?;
    let ticket = ticket.filter(|ticket| ticket.kind == TicketKind::Setup);
    let good = ticket.as_ref().is_some_and(|ticket| usable(ticket, TicketKind::Setup, app.now()));
    let owned = any(app).await?;
    if good && !owned {
        return Ok(());
    }
    let why = match ticket.map(|ticket| (ticket.used_at, ticket.expires_at)) {
        Some((Some(used), _)) => format!("this set-up link was used on {}", minute(used)),
        Some((None, ended)) if !good => format!("this set-up link ended on {}", minute(ended)),
        Some(_) => "somebody else became the owner with another set-up link".to_owned(),
        None => "this is no set-up link of this server".to_owned(),
    };
    let help = match owned {
        true => {
            "the server has an owner: sign in, or print a link for a member: `keybearer members link ADDRESS`"
        }
        false => "print a new one: `keybearer members setup-link`; a restart of the server prints one too",
    };
    Err(Error::new(Code::LinkExpired, why).with_help(help))
}

/// `2026-11-22, 18:04 UTC`.
fn minute(at: Timestamp) -> String {
    let text = at.rfc3339();
    let part = |range| text.get(range).unwrap_or_default();
    format!("{}, {} UTC", part(0..10), part(11..16))
}

/// Sets the password of the link's member. Their other sessions end.
///
/// # Errors
/// [`Code::LinkExpired`], `InvalidArgument` at `password`, [`Code::Unauthenticated`] where the single sign-on is the only
/// way in.
pub async fn choose_password(app: &App, token: &SecretString, chosen: SecretString) -> Result<Member> {
    let (row, ticket) = holder(app, token, TicketKind::Password).await?;
    sso::require_other_ways_for(app, &ticket)?;
    password::check(&chosen, &row.email)?;
    if !app.db().use_ticket(&ticket.token_hash, app.now()).await? {
        return Err(ended());
    }
    let environment = environments::default(app).await?;
    let caller = Caller::trusted(environment.id, Actor::Member(row.id.clone()), app.reference()?);
    let row = set_password(app, &caller, row, chosen).await?;
    app.db().end_other_member_sessions(&row.id, "").await?;
    Ok(member(row))
}

/// Changes a member's own password. Their other sessions end.
///
/// # Errors
/// [`Code::RateLimited`] after several wrong ones, `InvalidArgument` at `current` or `password`.
pub async fn change_password(
    app: &App,
    session: &sessions::Session,
    current: SecretString,
    chosen: SecretString,
) -> Result<()> {
    let row = app.db().find_member(&session.member.id).await?.ok_or_else(unknown)?;
    password::check(&chosen, &row.email)?;
    if row.password_hash.is_some() && !sessions::knows_password(app, &row, current).await? {
        return Err(Error::field("current", "must be your present password"));
    }
    let row = set_password(app, &session.caller, row, chosen).await?;
    app.db().end_other_member_sessions(&row.id, session.id.as_str()).await?;
    Ok(())
}

/// Gives a member another role. Works at their next click.
///
/// # Errors
/// [`Code::PermissionDenied`], [`Code::NotFound`], [`Code::FailedPrecondition`] for the last owner.
pub async fn set_role(app: &App, caller: &Caller, id: &MemberId, role: MemberRole) -> Result<()> {
    caller.require(Permission::MembersWrite)?;
    let row = app.db().find_member(id).await?.ok_or_else(unknown)?;
    let line = about(app, caller, "member.role_set", id, json!({"from": row.role, "to": role}))?;
    let row = MemberRow { role, updated_at: app.now(), ..row };
    done(app.db().write_member(&row, &line).await?)
}

/// Removes a member; their sessions end at once.
///
/// # Errors
/// [`Code::PermissionDenied`], [`Code::NotFound`], [`Code::FailedPrecondition`] for the last owner.
pub async fn remove(app: &App, caller: &Caller, id: &MemberId) -> Result<()> {
    caller.require(Permission::MembersWrite)?;
    let line = about(app, caller, "member.removed", id, json!({}))?;
    done(app.db().delete_member(id, &line).await?)
}

/// Deletes ended sessions, links and counted tries.
pub(crate) async fn purge(app: &App) -> Result<()> {
    let now = app.now();
    sessions::purge(app).await?;
    app.db().delete_tickets(now.minus(KEEP)).await?;
    app.db().delete_challenges(now).await?;
    Ok(())
}

/// The member and the row of a usable link.
pub(crate) async fn holder(
    app: &App,
    token: &SecretString,
    kind: TicketKind,
) -> Result<(MemberRow, TicketRow)> {
    let ticket = app.db().find_ticket(&token_hash(token)).await?;
    let ticket = ticket.filter(|ticket| usable(ticket, kind, app.now())).ok_or_else(ended)?;
    let id = ticket.member_id.clone().ok_or_else(ended)?;
    let row = app.db().find_member(&id).await?.ok_or_else(ended)?;
    Ok((row, ticket))
}

/// Goes on while a link can be used.
pub(crate) fn require_usable(app: &App, ticket: &TicketRow) -> Result<()> {
    if usable(ticket, ticket.kind, app.now()) { Ok(()) } else { Err(ended()) }
}

pub(crate) fn token_hash(token: &SecretString) -> String {
    to_hex(&sha256(token.expose().as_bytes()))
}

pub(crate) fn ended() -> Error {
    Error::new(Code::LinkExpired, "the link was used before, or its time is over")
        .with_help("make a new one: `keybearer members link`, or start `keybearer dev` again")
}

pub(crate) fn member(row: MemberRow) -> Member {
    Member {
        has_password: row.password_hash.is_some(),
        id: row.id,
        email: row.email,
        name: row.name,
        role: row.role,
        created_at: row.created_at,
        signed_in_at: row.signed_in_at,
    }
}

fn usable(ticket: &TicketRow, kind: TicketKind, now: Timestamp) -> bool {
    ticket.kind == kind && ticket.used_at.is_none() && ticket.expires_at > now
}

async fn ticket(app: &App, caller: &Caller, kind: TicketKind, member: Option<MemberId>) -> Result<String> {
    let (token, now) = (random_token(app.entropy(), 20)?, app.now());
    let lasts = match kind {
        TicketKind::Setup => SETUP,
        TicketKind::SignIn => SIGN_IN,
        TicketKind::Password => PASSWORD,
    };
    let row = TicketRow {
        token_hash: to_hex(&sha256(token.as_bytes())),
        kind,
        member_id: member,
        created_at: now,
        expires_at: now.plus(lasts),
        used_at: None,
        on_machine: matches!(caller.actor, Actor::Operator),
    };
    app.db().add_ticket(&row).await?;
    Ok(token)
}

fn address(app: &App, path: &str, token: &str) -> Result<Url> {
    let url = Url::parse(&format!("{}{path}?t={token}", app.issuer()));
    url.map_err(|_| Error::internal("the public URL cannot carry a link"))
}

async fn add(app: &App, caller: &Caller, new: &NewMember, role: MemberRole) -> Result<MemberId> {
    let (email, name) = checked(new)?;
    let row = blank(app, email, name, role)?;
    let line = about(app, caller, "member.invited", &row.id, json!({"role": role}))?;
    match app.db().create_member(&row, &line).await {
        Err(error) if error.is_conflict("member") => {
            Err(Error::new(Code::AlreadyExists, "somebody with that e-mail address is a member already"))
        }
        other => {
            other?;
            Ok(row.id)
        }
    }
}

async fn set_password(app: &App, caller: &Caller, row: MemberRow, chosen: SecretString) -> Result<MemberRow> {
    let hash = password::hash(chosen, app.entropy()).await?;
    let row = MemberRow { password_hash: Some(hash), updated_at: app.now(), ..row };
    let line = about(app, caller, "member.password_set", &row.id, json!({}))?;
    done(app.db().write_member(&row, &line).await?)?;
    Ok(row)
}

pub(crate) fn blank(app: &App, email: String, name: String, role: MemberRole) -> Result<MemberRow> {
    let now = app.now();
    Ok(MemberRow {
        id: app.id(MemberId::from_number)?,
        email,
        name,
        role,
        password_hash: None,
        created_at: now,
        updated_at: now,
        signed_in_at: None,
    })
}

fn about(app: &App, caller: &Caller, action: &str, id: &MemberId, detail: Value) -> Result<AuditRow> {
    audit::row(app, caller, action, id.as_str(), detail)
}

pub(crate) fn checked(new: &NewMember) -> Result<(String, String)> {
    let email = new.email.trim().to_lowercase();
    let parts = email.split_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty());
    let strange = email.chars().any(|c| c.is_control() || c.is_whitespace());
    if !parts || strange || email.chars().count() > 200 {
        return Err(Error::field("email", "must be an e-mail address"));
    }
    let name = match new.name.trim() {
        "" => email.split('@').next().unwrap_or_default().to_owned(),
        name => name.to_owned(),
    };
    if name.chars().count() > 100 || name.chars().any(char::is_control) {
        return Err(Error::field("name", "must be one line of at most 100 characters"));
    }
    Ok((email, name))
}

pub(crate) fn done(change: MemberChange) -> Result<()> {
    match change {
        MemberChange::Done => Ok(()),
        MemberChange::Gone => Err(unknown()),
        MemberChange::LastOwner => {
            Err(Error::new(Code::FailedPrecondition, "they are the last owner, and one must stay")
                .with_help("make somebody else an owner first"))
        }
    }
}

fn unknown() -> Error {
    Error::new(Code::NotFound, "there is no such member")
}
