//! The app's part of a verification, played by a developer: outside of production only.

use keybearer_core::ids::{AccountId, FlowId};
use keybearer_core::{AccountStatus, Code, EnvironmentKind, Error, Result, Timestamp};
use keybearer_store::{AttemptRow, AttemptStatus};

use super::{open, state, verify};
use crate::access::{Caller, Permission};
use crate::environments;
use crate::state::App;

/// Most that are listed.
const MOST: i64 = 20;

/// A consent that waits for the app's word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The link.
    pub flow: FlowId,
    /// What the app got in the address: `auth_request_id`.
    pub request: String,
    /// The user that the link was made for.
    pub user: String,
    /// The account.
    pub account: AccountId,
    /// The connection.
    pub connection: String,
    /// When the person came back from the provider.
    pub since: Timestamp,
    /// Until when the app can confirm.
    pub until: Timestamp,
}

/// The consents that wait for the word of the app, the newest first.
///
/// # Errors
/// [`Code::PermissionDenied`]; [`Code::FailedPrecondition`] in production.
pub async fn waiting(app: &App, caller: &Caller) -> Result<Vec<Waiting>> {
    caller.require(Permission::AccountsWrite)?;
    require_no_production(app, caller).await?;
    let since = app.now().minus(state::LIFETIME);
    let awaiting = AttemptStatus::AwaitingVerification;
    let mut all = Vec::new();
    for attempt in app.db().list_waiting_attempts(&caller.environment, awaiting, since, MOST).await? {
        all.extend(shown(app, &attempt).await?);
    }
    Ok(all)
}

/// Says who the person is, as the app's server would: the same as [`verify::verify`], outside of production only.
///
/// # Errors
/// Those of [`verify::verify`]; [`Code::FailedPrecondition`] in production.
pub async fn simulate(app: &App, caller: &Caller, request: &str, user: &str) -> Result<String> {
    caller.require(Permission::AccountsWrite)?;
    require_no_production(app, caller).await?;
    verify::verify(app, caller, request, user).await
}

async fn require_no_production(app: &App, caller: &Caller) -> Result<()> {
    match environments::get(app, &caller.environment).await?.kind {
        EnvironmentKind::Production => {
            Err(Error::new(Code::FailedPrecondition, "in production only your server confirms people")
                .with_help("try it in another environment"))
        }
        _ => Ok(()),
    }
}

/// What is told of one; `None` of those that members confirm, and of those that are over.
async fn shown(app: &App, attempt: &AttemptRow) -> Result<Option<Waiting>> {
    let Some(request) = verify::request_of_app(app, attempt)? else { return Ok(None) };
    let Ok(open) = open::by_id(app, &attempt.flow_id, attempt.created_at).await else { return Ok(None) };
    let waits = open.account.status == AccountStatus::PendingVerification;
    Ok(waits.then(|| Waiting {
        flow: attempt.flow_id.clone(),
        request,
        user: open.account.identifier.clone(),
        account: open.account.id.clone(),
        connection: open.connection.row.name.clone(),
        since: attempt.created_at,
        until: attempt.created_at.plus(state::LIFETIME),
    }))
}
