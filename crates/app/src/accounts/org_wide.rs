//! Connections whose accounts all use one credential: one account holds it, the others only say that their user agreed.

use keybearer_core::{Code, Error, Result};
use keybearer_store::{AccountRow, AuthMode, ConnectionRow};
use serde_json::{Map, Value};

use super::types::{Account, CreateAccount, Credentials, Lookup, UpdateAccount};
use super::{create, given, prepare, update, view};
use crate::access::{Caller, Permission};
use crate::connections;
use crate::flows::{self, Link, LinkRequest};
use crate::state::App;
use crate::tokens::LoadedConnection;

/// The user under whose name the shared credential is kept. No user can be called so.
pub(super) const IDENTIFIER: &str = "keybearer:org-wide";

const ACTION: &str = "account.org_wide_authorized";

/// The account that holds the credential of all, and how to go on.
#[derive(Clone, Debug)]
pub struct OrgWide {
    /// The account.
    pub account: Account,
    /// Where somebody signs in, where the credential comes from the provider's page.
    pub link: Option<Link>,
}

/// Provisions the credential that all accounts of an org-wide connection use. With credentials the account is active
/// at once. Without, somebody must sign in at the provider: the link leads there, and what the account had stays until
/// that is done. Authorizing again uses the same account.
///
/// # Errors
/// [`Code::PermissionDenied`], [`Code::ConnectionNotFound`]; [`Code::FailedPrecondition`] when each account of the
/// connection has its own credential; those of [`super::create()`] and of a link.
pub async fn authorize_org_wide(
    app: &App,
    caller: &Caller,
    connection: &str,
    credentials: Credentials,
    api_config: Option<Map<String, Value>>,
) -> Result<OrgWide> {
    caller.require(Permission::AccountsWrite)?;
    let row = connections::row(app, &caller.environment, connection).await?;
    if row.auth_mode != AuthMode::OrgWide {
        let detail = "each account of the connection has its own credential";
        return Err(Error::new(Code::FailedPrecondition, detail)
            .with_help("make a connection with auth_mode ORG_WIDE"));
    }
    let loaded = LoadedConnection::of(app, row).await?;
    loaded.require_usable()?;
    let method = loaded.method()?;
    let given = given::read(&loaded.connector, method, &credentials, &std::collections::BTreeMap::new())?;
    let by_link = method.has_redirect() && !given.is_credential;
    let beside = given::of_api_config(&loaded.connector, method, &api_config.clone().unwrap_or_default())?;
    if !by_link && !given.is_credential && !prepare::needs_nothing(&loaded.connector, method, &beside) {
        return Err(Error::field(
            "authorization_details",
            "must be given: this credential is not signed in for",
        ));
    }
    let account = provisioned(app, caller, loaded, credentials, api_config).await?;
    let link = match by_link {
        true => {
            let lookup = Lookup::id(account.id.as_str());
            Some(flows::create_link(app, caller, LinkRequest { lookup, ..LinkRequest::default() }).await?)
        }
        false => None,
    };
    Ok(OrgWide { account, link })
}

/// The one account, made or changed.
async fn provisioned(
    app: &App,
    caller: &Caller,
    connection: LoadedConnection,
    credentials: Credentials,
    api_config: Option<Map<String, Value>>,
) -> Result<Account> {
    let patch = UpdateAccount { credentials, api_config, ..UpdateAccount::default() };
    if let Some(row) = app.db().find_org_wide_account(&connection.row.id).await? {
        return changed(app, caller, &connection, &row, &patch).await;
    }
    let new = CreateAccount {
        credentials: patch.credentials.clone(),
        api_config: patch.api_config.clone(),
        ..CreateAccount::default()
    };
    match create::insert_org_wide(app, caller, connection.clone(), &new, ACTION).await {
        Ok((connection, row)) => view::show(app, &connection, row).await,
        // somebody was faster: the same account, then
        Err(error) if error.code == Code::AlreadyExists => {
            let row = app.db().find_org_wide_account(&connection.row.id).await?.ok_or(error)?;
            changed(app, caller, &connection, &row, &patch).await
        }
        Err(error) => Err(error),
    }
}

async fn changed(
    app: &App,
    caller: &Caller,
    connection: &LoadedConnection,
    row: &AccountRow,
    patch: &UpdateAccount,
) -> Result<Account> {
    let row = update::apply(app, caller, connection, row, patch, ACTION).await?;
    view::show(app, &connection.row, row).await
}

/// Whether an account of that user on the connection only consents.
pub(super) fn consents(connection: &ConnectionRow, identifier: &str) -> bool {
    connection.auth_mode == AuthMode::OrgWide && identifier != IDENTIFIER
}

/// Refuses the name of the shared account for a user.
///
/// # Errors
/// `InvalidArgument` at `identifier`.
pub(super) fn refuse_its_name(identifier: &str) -> Result<()> {
    if identifier == IDENTIFIER {
        return Err(Error::field("identifier", format!("must not be `{IDENTIFIER}`, which is reserved")));
    }
    Ok(())
}

pub(super) fn no_credential_of_its_own() -> Error {
    Error::field("authorization_details", "must be empty: all accounts of this connection use one credential")
        .with_help("set that one: POST /api/v1/connected_accounts/org_wide/authorize")
}
