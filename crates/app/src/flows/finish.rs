//! Storing a grant: account, events, flow and attempt in one transaction.

use keybearer_connectors::engine::auth_type;
use keybearer_connectors::forms::Note;
use keybearer_core::{AccountStatus, AuthType, Code, Error, FlowKind, FlowState, Result, StatusReason};
use keybearer_store::{AccountChange, AccountRow, FlowEnd, Grant as StoredGrant, GrantChange, NewEvent};
use serde_json::json;

use super::complete::Connected;
use super::open::OpenFlow;
use super::page::{DonePage, Page, PageBody};
use super::view;
use crate::access::{Actor, Caller};
use crate::events::{self, AccountEvent};
use crate::grant::GrantPlace;
use crate::state::App;
use crate::{accounts, audit};

/// Stores the grant and ends the flow.
///
/// # Errors
/// [`Code::LinkUsed`] when another browser finished the same link first.
pub(super) async fn store(
    app: &App,
    open: &OpenFlow,
    attempt: Option<&str>,
    connected: &Connected,
) -> Result<AccountRow> {
    let (connection, method) = (&open.connection.row, open.connection.method()?);
    let mut grant = connected.grant.clone();
    for field in method.fields.iter().filter(|field| field.one_time) {
        grant.account.remove(&field.name);
    }
    let stored = accounts::stored(app, connection, method, GrantPlace::from(&open.account), &grant)?;
    let caller = Caller::trusted(connection.environment_id.clone(), Actor::User, app.reference()?);
    let detail = json!({"connection": connection.id, "flow": open.flow.id, "kind": open.flow.kind});
    let audit = audit::row(app, &caller, "account.connected", open.account.id.as_str(), detail)?;
    let end = FlowEnd {
        flow_id: open.flow.id.clone(),
        state: FlowState::Done,
        failure: None,
        attempt: attempt.map(str::to_owned),
        reference: None,
    };
    let decide = |row: &AccountRow| -> Result<AccountChange> {
        Ok(AccountChange {
            flow: Some(end.clone()),
            audit: Some(audit.clone()),
            method: Some(method.id.clone()),
            auth_type: Some(auth_type(method)),
            variables: Some(accounts::variables(method, &row.variables, &grant.account)),
            wanted_scopes: Some(open.wanted()),
            ..change(app, open, row, stored.clone(), connected)?
        })
    };
    let changed = app.db().change_account(&open.account.id, app.now(), decide).await;
    match changed {
        Ok(Some(changed)) => Ok(changed.after),
        Ok(None) => Err(Error::new(Code::AccountNotFound, "the account was deleted meanwhile")),
        Err(error) if error.code == Code::AlreadyExists => {
            Err(Error::new(Code::LinkUsed, "the link was finished elsewhere meanwhile"))
        }
        Err(error) => Err(error),
    }
}

fn change(
    app: &App,
    open: &OpenFlow,
    row: &AccountRow,
    stored: StoredGrant,
    connected: &Connected,
) -> Result<AccountChange> {
    Ok(AccountChange {
        status: Some((AccountStatus::Active, StatusReason::Connected)),
        events: events(app, open, row, &stored)?,
        grant: Some(GrantChange::Replace(stored)),
        granted_scopes: Some(connected.granted_scopes.clone()),
        identity: connected.identity.clone().map(Some),
        previous_identity_id: Some(previous(row, connected)),
        revoke_outcome: Some(None),
        ..AccountChange::default()
    })
}

/// Who it was before, when somebody else connected.
fn previous(row: &AccountRow, connected: &Connected) -> Option<String> {
    let now = connected.identity.as_ref().map(|identity| &identity.id)?;
    row.identity_id.clone().filter(|before| before != now)
}

fn events(app: &App, open: &OpenFlow, row: &AccountRow, grant: &StoredGrant) -> Result<Vec<NewEvent>> {
    let connection = &open.connection.row;
    let mut all = Vec::new();
    let kind = auth_type(open.connection.method()?);
    let after = AccountRow {
        status: AccountStatus::Active,
        auth_type: kind,
        access_expires_at: grant.access_expires_at,
        ..row.clone()
    };
    if matches!(kind, AuthType::Oauth | AuthType::Oauth1) {
        all.push(events::about(app, AccountEvent::OauthSucceeded, connection, &after)?);
        all.push(events::about(app, AccountEvent::OauthTokensFetched, connection, &after)?);
    } else {
        all.push(events::about(app, AccountEvent::Updated, connection, &after)?);
    }
    if row.status != AccountStatus::Active {
        all.push(events::moved(app, connection, row.status, &after)?);
    }
    Ok(all)
}

/// The page after success.
pub(super) fn done(open: &OpenFlow, row: &AccountRow, notes: Vec<Note>) -> Result<Page> {
    let identity = row.identity_label.clone().or_else(|| row.identity_id.clone());
    let done = DonePage {
        identity,
        missing: view::missing(open, &row.granted_scopes)?,
        return_url: open.head.return_url.clone(),
        again: false,
        notes,
        stay: None,
    };
    let body = PageBody::Done(DonePage { stay: stay(open, &done), ..done });
    Ok(Page { head: open.head.clone(), body })
}

/// Where a page stays that else goes back by itself: there is an address to go back to, nobody tests, and nothing is
/// left to be read.
pub(super) fn stay(open: &OpenFlow, done: &DonePage) -> Option<String> {
    let read = done.missing.is_empty() && done.notes.is_empty();
    let leaves = read && done.return_url.is_some() && open.flow.kind == FlowKind::Connect;
    leaves.then(|| format!("/connect/success?flow={}&stay=1", open.flow.id))
}

/// Moves an account that is not usable yet to another waiting state.
pub(super) async fn wait_state(
    app: &App,
    open: &OpenFlow,
    status: AccountStatus,
    reason: StatusReason,
) -> Result<()> {
    let decide = |row: &AccountRow| -> Result<AccountChange> {
        if row.status == AccountStatus::Active || row.status == status {
            return Ok(AccountChange::default());
        }
        Ok(AccountChange {
            status: Some((status, reason)),
            events: vec![events::status_updated(app, &open.connection.row, row, status)?],
            ..AccountChange::default()
        })
    };
    app.db().change_account(&open.account.id, app.now(), decide).await.map(|_| ())
}

/// Like [`wait_state`], also where only the reason is new.
pub(super) async fn flag(
    app: &App,
    open: &OpenFlow,
    status: AccountStatus,
    reason: StatusReason,
) -> Result<()> {
    let decide = |row: &AccountRow| -> Result<AccountChange> {
        if row.status == AccountStatus::Active {
            return Ok(AccountChange::default());
        }
        let events = match row.status == status {
            true => Vec::new(),
            false => vec![events::status_updated(app, &open.connection.row, row, status)?],
        };
        Ok(AccountChange { status: Some((status, reason)), events, ..AccountChange::default() })
    };
    app.db().change_account(&open.account.id, app.now(), decide).await.map(|_| ())
}
