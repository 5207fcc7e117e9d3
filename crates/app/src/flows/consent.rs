//! The page on which a user agrees that one credential of the organization is used for them.

use keybearer_core::{AccountStatus, Code, Error, FlowState, Result, StatusReason};
use keybearer_store::{AccountChange, AccountRow, FlowEnd, GrantChange};
use serde_json::json;

use super::open::OpenFlow;
use super::page::{CredentialPage, DonePage, Page, PageBody, PageForm};
use super::{finish, state};
use crate::access::{Actor, Caller};
use crate::events::{self, AccountEvent};
use crate::grant::{Grant, GrantPlace};
use crate::state::App;
use crate::{accounts, audit};

/// The page: nothing to enter, one button.
pub(super) fn page(app: &App, open: &OpenFlow, browser: &str) -> Result<PageBody> {
    let environment = &open.flow.environment_id;
    let csrf = state::csrf(&app.keyring()?, environment, &open.flow.id, browser)?;
    let form = PageForm { csrf, ..PageForm::default() };
    Ok(PageBody::Credentials(CredentialPage { form, cancel_url: open.head.return_url.clone(), shared: true }))
}

/// The page after it: nobody was asked for permissions, so none was left out.
pub(super) fn done(open: &OpenFlow) -> Page {
    let return_url = open.head.return_url.clone();
    let (missing, notes) = (Vec::new(), Vec::new());
    let done = DonePage { identity: None, missing, return_url, again: false, notes, stay: None };
    let done = DonePage { stay: finish::stay(open, &done), ..done };
    Page { head: open.head.clone(), body: PageBody::Done(done) }
}

/// Notes that the user agreed: the account becomes active and holds nothing.
///
/// # Errors
/// [`Code::LinkUsed`] when somebody else finished the same link first.
pub(super) async fn give(app: &App, open: &OpenFlow) -> Result<()> {
    let (connection, method) = (&open.connection.row, open.connection.method()?);
    let place = GrantPlace::from(&open.account);
    let nothing = accounts::stored(app, connection, method, place, &Grant::default())?;
    let nothing = keybearer_store::Grant { next_refresh_at: None, credential_id: None, ..nothing };
    let caller = Caller::trusted(connection.environment_id.clone(), Actor::User, app.reference()?);
    let detail = json!({"connection": connection.id, "flow": open.flow.id});
    let line = audit::row(app, &caller, "account.consented", open.account.id.as_str(), detail)?;
    let end = FlowEnd {
        flow_id: open.flow.id.clone(),
        state: FlowState::Done,
        failure: None,
        attempt: None,
        reference: None,
    };
    let decide = |row: &AccountRow| -> Result<AccountChange> {
        let after = AccountRow { status: AccountStatus::Active, ..row.clone() };
        let mut events = vec![events::about(app, AccountEvent::Updated, connection, &after)?];
        if row.status != AccountStatus::Active {
            events.push(events::status_updated(app, connection, row, AccountStatus::Active)?);
        }
        Ok(AccountChange {
            status: Some((AccountStatus::Active, StatusReason::Connected)),
            grant: Some(GrantChange::Replace(nothing)),
            granted_scopes: Some(Vec::new()),
            revoke_outcome: Some(None),
            flow: Some(end),
            audit: Some(line),
            events,
            ..AccountChange::default()
        })
    };
    match app.db().change_account(&open.account.id, app.now(), decide).await {
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err(Error::new(Code::AccountNotFound, "the account was deleted meanwhile")),
        Err(error) if error.code == Code::AlreadyExists => {
            Err(Error::new(Code::LinkUsed, "the link was finished elsewhere meanwhile"))
        }
        Err(error) => Err(error),
    }
}
