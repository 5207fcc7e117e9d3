//! Who somebody of the single sign-on is here.
//!
//! Issuer and subject are the identity; an e-mail address changes hands and only says where to look first.

use keybearer_core::ids::MemberId;
use keybearer_core::{MemberRole, Result};
use keybearer_store::{IdentityRow, MemberChange, MemberRow, TicketKind};
use serde_json::{Value, json};

use super::denied::{Denied, Stop};
use super::token::Claims;
use crate::access::{Actor, Caller};
use crate::config::SsoConfig;
use crate::members::{self, NewMember};
use crate::state::App;
use crate::{audit, environments};

/// Somebody whom the issuer vouches for.
pub(super) struct Person {
    pub subject: String,
    /// Confirmed by the issuer, in lower case.
    email: String,
    name: String,
    claims: Claims,
}

impl Person {
    /// Reads the claims; the address must be confirmed and of an allowed domain, and the required claims must be there.
    pub fn read(sso: &SsoConfig, claims: Claims) -> Result<Self, Stop> {
        let text =
            |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default().trim().to_owned();
        let confirmed = match claims.get("email_verified") {
            Some(Value::Bool(confirmed)) => *confirmed,
            Some(Value::String(word)) => word == "true",
            _ => false,
        };
        if !confirmed {
            return Err(Stop::new(Denied::Email, "email_verified is not true"));
        }
        let name: String = text("name").chars().filter(|c| !c.is_control()).take(100).collect();
        let new = NewMember { email: text("email"), name };
        let (email, name) =
            members::checked(&new).map_err(|_| Stop::new(Denied::Email, "email is no address"))?;
        let domain = email.rsplit_once('@').map(|(_, domain)| domain).unwrap_or_default();
        if !sso.allows(domain) {
            return Err(Stop::new(Denied::Domain, "the domain is not in sso.allowed_domains"));
        }
        for (claim, wanted) in &sso.required_claims {
            if !values(&claims, claim).iter().any(|value| wanted.contains(value)) {
                return Err(Stop::new(Denied::Claim, format!("no wanted value in the claim {claim}")));
            }
        }
        Ok(Self { subject: text("sub"), email, name, claims })
    }

    /// The role that the configuration gives; `None` when it gives none.
    fn role(&self, sso: &SsoConfig) -> Result<Option<MemberRole>, Stop> {
        let Some(claim) = &sso.role_claim else { return Ok(sso.default_role) };
        let values = values(&self.claims, claim);
        let given: Vec<MemberRole> =
            values.iter().filter_map(|value| sso.roles.get(value)).copied().collect();
        let order = [MemberRole::Owner, MemberRole::Developer, MemberRole::Auditor, MemberRole::Viewer];
        let best = order.into_iter().find(|role| given.contains(role)).or(sso.default_role);
        best.map(Some)
            .ok_or_else(|| Stop::new(Denied::Role, format!("no value of the claim {claim} means a role")))
    }
}

/// The texts of a claim: one, or a list of them.
fn values(claims: &Claims, name: &str) -> Vec<String> {
    match claims.get(name) {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(all)) => all.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect(),
        Some(Value::Bool(yes)) => vec![yes.to_string()],
        _ => Vec::new(),
    }
}

/// The member that the person is; made or linked where the configuration allows it.
pub(super) async fn member(app: &App, sso: &SsoConfig, person: &Person) -> Result<MemberRow, Stop> {
    let role = person.role(sso)?;
    let known = app.db().find_identity(&sso.issuer, &person.subject).await?;
    let row = match known {
        Some(identity) => seen(app, sso, person, &identity).await?,
        None => match first_time(app, sso, person, role).await {
            // the same person came in by another tab at the same moment
            Err(Stop::Failed(error)) if error.code == keybearer_core::Code::AlreadyExists => {
                let identity = app.db().find_identity(&sso.issuer, &person.subject).await?;
                seen(app, sso, person, &identity.ok_or(Denied::Member)?).await?
            }
            other => other?,
        },
    };
    as_claimed(app, sso, person, row).await
}

/// The member whose link it is, tied to the person from now on. Their other sessions end, as with a new password.
pub(super) async fn join(app: &App, sso: &SsoConfig, person: &Person, hash: &str) -> Result<MemberRow, Stop> {
    let ticket = app.db().find_ticket(hash).await?.ok_or(Denied::Link)?;
    let id = ticket.member_id.clone().filter(|_| ticket.kind == TicketKind::Password).ok_or(Denied::Link)?;
    let row = app.db().find_member(&id).await?.ok_or(Denied::Link)?;
    let known = app.db().find_identity(&sso.issuer, &person.subject).await?;
    if known.as_ref().is_some_and(|identity| identity.member_id != id) {
        return Err(Denied::Other.into());
    }
    person.role(sso)?;
    if !app.db().use_ticket(hash, app.now()).await? {
        return Err(Denied::Link.into());
    }
    match known {
        Some(_) => app.db().use_identity(&sso.issuer, &person.subject, &person.email, app.now()).await?,
        None => link(app, sso, person, &row, false).await?,
    }
    app.db().end_other_member_sessions(&id, "").await?;
    as_claimed(app, sso, person, row).await
}

/// The first owner.
pub(super) async fn first_owner(
    app: &App,
    sso: &SsoConfig,
    person: &Person,
    hash: &str,
) -> Result<MemberRow, Stop> {
    let ticket = app.db().find_ticket(hash).await?.filter(|ticket| ticket.kind == TicketKind::Setup);
    ticket.ok_or(Denied::Link)?;
    let row = members::blank(app, person.email.clone(), person.name.clone(), MemberRole::Owner)?;
    let detail = json!({"means": "sso", "issuer": sso.issuer});
    let line = audit::row(app, &caller(app, &row.id).await?, "member.first_owner", row.id.as_str(), detail)?;
    if !app.db().create_first_member(&row, hash, &line).await? {
        return Err(Denied::Link.into());
    }
    link(app, sso, person, &row, false).await?;
    Ok(row)
}

/// Somebody who was here before. An address that changed is the new one, unless somebody else has it.
async fn seen(
    app: &App,
    sso: &SsoConfig,
    person: &Person,
    identity: &IdentityRow,
) -> Result<MemberRow, Stop> {
    let mut row = app.db().find_member(&identity.member_id).await?.ok_or(Denied::Stranger)?;
    let now = app.now();
    app.db().use_identity(&sso.issuer, &person.subject, &person.email, now).await?;
    if identity.email != person.email && row.email == identity.email {
        let caller = caller(app, &row.id).await?;
        let line =
            audit::row(app, &caller, "member.email_changed", row.id.as_str(), json!({"means": "sso"}))?;
        if app.db().set_member_email(&row.id, &person.email, now, &line).await? {
            row.email.clone_from(&person.email);
        }
    }
    Ok(row)
}

async fn first_time(
    app: &App,
    sso: &SsoConfig,
    person: &Person,
    role: Option<MemberRole>,
) -> Result<MemberRow, Stop> {
    if !members::any(app).await? {
        return Err(Denied::Owner.into());
    }
    if let Some(row) = app.db().find_member_by_email(&person.email).await? {
        // whoever is tied to somebody of this issuer is that person: addresses are given away again
        let tied = app.db().list_identities(&row.id).await?.iter().any(|one| one.issuer == sso.issuer);
        if !sso.link_by_email || tied {
            return Err(Denied::Member.into());
        }
        link(app, sso, person, &row, false).await?;
        return Ok(row);
    }
    let role = role.ok_or(Denied::Stranger)?;
    let row = members::blank(app, person.email.clone(), person.name.clone(), role)?;
    link(app, sso, person, &row, true).await?;
    Ok(row)
}

async fn link(app: &App, sso: &SsoConfig, person: &Person, row: &MemberRow, new: bool) -> Result<()> {
    let now = app.now();
    let identity = IdentityRow {
        issuer: sso.issuer.clone(),
        subject: person.subject.clone(),
        member_id: row.id.clone(),
        email: person.email.clone(),
        created_at: now,
        used_at: now,
    };
    let action = if new { "member.joined_by_sso" } else { "member.linked_to_sso" };
    let detail = json!({"issuer": sso.issuer, "role": row.role});
    let line = audit::row(app, &caller(app, &row.id).await?, action, row.id.as_str(), detail)?;
    Ok(app.db().add_identity(&identity, new.then_some(row), &line).await?)
}

/// With the role that the claim says, where one decides. The last owner stays one: somebody must let people in.
async fn as_claimed(app: &App, sso: &SsoConfig, person: &Person, row: MemberRow) -> Result<MemberRow, Stop> {
    let role = match (&sso.role_claim, person.role(sso)?) {
        (Some(_), Some(role)) if role != row.role => role,
        _ => return Ok(row),
    };
    let detail = json!({"from": row.role, "to": role, "means": "sso"});
    let line = audit::row(app, &caller(app, &row.id).await?, "member.role_set", row.id.as_str(), detail)?;
    let changed = MemberRow { role, updated_at: app.now(), ..row.clone() };
    match app.db().write_member(&changed, &line).await? {
        MemberChange::LastOwner => Ok(row),
        other => Ok(members::done(other).map(|()| changed)?),
    }
}

async fn caller(app: &App, id: &MemberId) -> Result<Caller> {
    let environment = environments::default(app).await?;
    Ok(Caller::trusted(environment.id, Actor::Member(id.clone()), app.reference()?))
}
