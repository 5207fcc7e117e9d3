//! Making an account.

use keybearer_connectors::engine::auth_type;
use keybearer_connectors::schema::AuthMethod;
use keybearer_core::ids::AccountId;
use keybearer_core::{AccountStatus, Code, Error, RefreshState, Result, StatusReason};
use keybearer_store::{AccountRow, ConnectionRow, NewAccount};
use serde_json::{Value, json};

use super::types::{Account, CreateAccount, Lookup};
use super::{given, lookup, org_wide, prepare, settings, view};
use crate::access::{Caller, Permission};
use crate::audit;
use crate::events::{self, AccountEvent};
use crate::grant::GrantPlace;
use crate::state::App;
use crate::tokens::LoadedConnection;

/// Makes an account. With credentials it is active at once, and the provider is not asked about them; without, it
/// waits for its user, unless the connection needs nothing from anybody.
///
/// # Errors
/// [`Code::PermissionDenied`], [`Code::ConnectionNotFound`], [`Code::AlreadyExists`],
/// [`Code::CredentialTypeMismatch`], [`Code::InvalidScopeSelection`], `InvalidArgument` at each wrong field.
pub async fn create(app: &App, caller: &Caller, new: CreateAccount) -> Result<Account> {
    caller.require(Permission::AccountsWrite)?;
    let (connection, row) = insert(app, caller, &new, "account.created").await?;
    view::show(app, &connection, row).await
}

/// The account of a lookup, made first when there is none. True when it was made.
///
/// # Errors
/// Those of [`create`], without [`Code::AlreadyExists`].
pub async fn get_or_create(app: &App, caller: &Caller, new: CreateAccount) -> Result<(Account, bool)> {
    caller.require(Permission::AccountsWrite)?;
    let (connection, row, made) = ensure(app, caller, new, |_| Ok(())).await?;
    Ok((view::show(app, &connection, row).await?, made))
}

/// Like [`get_or_create`], for flows: the rows. Nothing is made when `check` refuses the connection.
pub(crate) async fn ensure(
    app: &App,
    caller: &Caller,
    new: CreateAccount,
    check: impl Fn(&ConnectionRow) -> Result<()>,
) -> Result<(ConnectionRow, AccountRow, bool)> {
    match lookup::resolve(app, &caller.environment, &new.lookup).await {
        Ok((connection, row)) => {
            check(&connection)?;
            return Ok((connection, row, false));
        }
        // an id names an account that must be there
        Err(error) if error.code == Code::AccountNotFound && !has_id(&new.lookup) => {}
        Err(error) => return Err(error),
    }
    check(&lookup::key(app, &caller.environment, &new.lookup).await?.connection)?;
    match insert(app, caller, &new, "account.created").await {
        Ok((connection, row)) => Ok((connection, row, true)),
        Err(error) if error.code == Code::AlreadyExists => {
            let (connection, row) = lookup::resolve(app, &caller.environment, &new.lookup).await?;
            Ok((connection, row, false))
        }
        Err(error) => Err(error),
    }
}

fn has_id(lookup: &Lookup) -> bool {
    lookup.id.as_deref().is_some_and(|id| !id.is_empty())
}

/// Writes the account of a user with its event and its line of the audit trail.
pub(super) async fn insert(
    app: &App,
    caller: &Caller,
    new: &CreateAccount,
    action: &str,
) -> Result<(ConnectionRow, AccountRow)> {
    let key = lookup::key(app, &caller.environment, &new.lookup).await?;
    let connection = LoadedConnection::of(app, key.connection.clone()).await?;
    org_wide::refuse_its_name(&key.identifier)?;
    let account = assemble(app, &connection, &key, new)?;
    write(app, caller, connection, account, action).await
}

/// Writes the account that holds the credential of all.
pub(super) async fn insert_org_wide(
    app: &App,
    caller: &Caller,
    connection: LoadedConnection,
    new: &CreateAccount,
    action: &str,
) -> Result<(ConnectionRow, AccountRow)> {
    let key = lookup::Key {
        connection: connection.row.clone(),
        identifier: org_wide::IDENTIFIER.to_owned(),
        organization_id: String::new(),
        user_id: String::new(),
    };
    let account = NewAccount { org_wide: true, ..assemble(app, &connection, &key, new)? };
    write(app, caller, connection, account, action).await
}

async fn write(
    app: &App,
    caller: &Caller,
    connection: LoadedConnection,
    account: NewAccount,
    action: &str,
) -> Result<(ConnectionRow, AccountRow)> {
    let preview = preview(&account);
    let event = events::about(app, AccountEvent::Created, &connection.row, &preview)?;
    let detail = json!({"connection": connection.row.id, "status": preview.status, "reason": preview.reason});
    let audit = audit::row(app, caller, action, account.id.as_str(), detail)?;
    match app.db().add_account(&account, &[event], Some(&audit)).await {
        Ok(row) => Ok((connection.row, row)),
        Err(error) if error.is_conflict("account") => {
            Err(Error::new(Code::AlreadyExists, "the user has an account on this connection already")
                .with_help("update that account, or use get-or-create"))
        }
        Err(error) => Err(error.into()),
    }
}

fn assemble(
    app: &App,
    connection: &LoadedConnection,
    key: &lookup::Key,
    new: &CreateAccount,
) -> Result<NewAccount> {
    let (connector, method) = (&connection.connector, connection.method()?);
    let id = app.id(AccountId::from_number)?;
    let now = app.now();
    let given = given::read(connector, method, &new.credentials, &new.fields)?;
    let consents = org_wide::consents(&connection.row, &key.identifier);
    if consents && given.is_credential {
        return Err(org_wide::no_credential_of_its_own());
    }
    let api_config = new.api_config.clone().unwrap_or_default();
    let beside = given::of_api_config(connector, method, &api_config)?;
    let usable = given.is_credential || (!consents && prepare::needs_nothing(connector, method, &beside));
    let mut grant = prepare::merge(connector, method, None, &given, now)?;
    for (name, value) in beside.iter().filter(|(name, _)| given.fields.get(name).is_none()) {
        grant.account.insert(name, value.clone());
    }
    let place = GrantPlace {
        account: &id,
        environment: &connection.row.environment_id,
        connection: &connection.row.id,
        identifier: &key.identifier,
    };
    let stored = usable.then(|| prepare::stored(app, &connection.row, method, place, &grant)).transpose()?;
    Ok(NewAccount {
        environment_id: connection.row.environment_id.clone(),
        connection_id: connection.row.id.clone(),
        identifier: key.identifier.clone(),
        organization_id: key.organization_id.clone(),
        user_id: key.user_id.clone(),
        status: status(usable, given.is_credential),
        grant: stored,
        variables: prepare::variables(method, &Value::Null, &grant.account),
        granted_scopes: given.tokens.map(|tokens| tokens.scopes).unwrap_or_default(),
        wanted_scopes: settings::selected(&connection.row, new.scope_selection.as_ref())?,
        api_config: settings::merge(method, &Value::Null, &api_config)?,
        created_at: now,
        ..blank(id, method)
    })
}

fn status(usable: bool, is_credential: bool) -> (AccountStatus, StatusReason) {
    match (usable, is_credential) {
        (true, true) => (AccountStatus::Active, StatusReason::Imported),
        (true, false) => (AccountStatus::Active, StatusReason::Created),
        (false, _) => (AccountStatus::PendingAuth, StatusReason::Created),
    }
}

fn blank(id: AccountId, method: &AuthMethod) -> NewAccount {
    use keybearer_core::ids::{ConnectionId, EnvironmentId};
    NewAccount {
        id,
        environment_id: EnvironmentId::from_stored(String::new()),
        connection_id: ConnectionId::from_stored(String::new()),
        identifier: String::new(),
        organization_id: String::new(),
        user_id: String::new(),
        status: (AccountStatus::PendingAuth, StatusReason::Created),
        auth_type: auth_type(method),
        method: method.id.clone(),
        grant: None,
        variables: json!({}),
        granted_scopes: Vec::new(),
        wanted_scopes: Vec::new(),
        api_config: json!({}),
        identity: None,
        org_wide: false,
        created_at: keybearer_core::Timestamp::default(),
    }
}

/// The row that an account will be, for its first event.
fn preview(new: &NewAccount) -> AccountRow {
    let grant = new.grant.as_ref();
    AccountRow {
        id: new.id.clone(),
        environment_id: new.environment_id.clone(),
        connection_id: new.connection_id.clone(),
        identifier: new.identifier.clone(),
        organization_id: new.organization_id.clone(),
        user_id: new.user_id.clone(),
        status: new.status.0,
        reason: new.status.1,
        auth_type: new.auth_type,
        method: new.method.clone(),
        credential_id: grant.and_then(|grant| grant.credential_id.clone()),
        sealed_grant: None,
        variables: new.variables.clone(),
        granted_scopes: new.granted_scopes.clone(),
        wanted_scopes: new.wanted_scopes.clone(),
        api_config: new.api_config.clone(),
        identity_id: None,
        identity_label: None,
        previous_identity_id: None,
        access_expires_at: grant.and_then(|grant| grant.access_expires_at),
        refresh_expires_at: grant.and_then(|grant| grant.refresh_expires_at),
        next_refresh_at: grant.and_then(|grant| grant.next_refresh_at),
        last_used_at: None,
        generation: 1,
        lease_owner: None,
        lease_until: None,
        refresh_state: RefreshState::Idle,
        in_flight_since: None,
        failure_count: 0,
        failing_since: None,
        last_failure: None,
        revoke_outcome: None,
        org_wide: new.org_wide,
        event_sequence: 0,
        connected_at: None,
        created_at: new.created_at,
        updated_at: new.created_at,
    }
}
