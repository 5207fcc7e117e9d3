//! An account with everything that its calls are made of.

use std::sync::Arc;

use keybearer_connectors::engine::Context;
use keybearer_connectors::schema::AuthMethod;
use keybearer_connectors::{Bindings, Connector};
use keybearer_core::ids::{AccountId, ConnectionId};
use keybearer_core::{AccountStatus, Code, ConnectionState, Error, Result};
use keybearer_store::{AccountRow, AuthMode, ConnectionRow};

use crate::connections;
use crate::grant::{self, Grant};
use crate::providers;
use crate::state::App;

/// A connection with its connector.
#[derive(Clone, Debug)]
pub(crate) struct LoadedConnection {
    pub row: ConnectionRow,
    pub connector: Arc<Connector>,
    pub method_id: String,
}

/// An account, its connection, and the values it may use.
#[derive(Clone, Debug)]
pub(crate) struct LoadedAccount {
    pub row: AccountRow,
    pub connection: LoadedConnection,
    /// The developer's values.
    pub developer: Bindings,
    pub grant: Option<Grant>,
    /// The account that was asked for, where this one only lends its credential to it.
    pub on_behalf_of: Option<AccountId>,
}

impl LoadedConnection {
    /// Reads the connection and finds its connector.
    pub async fn read(app: &App, id: &ConnectionId) -> Result<Self> {
        let row = app.db().find_connection(id).await?;
        let row = row.ok_or_else(|| Error::new(Code::ConnectionNotFound, "there is no such connection"))?;
        Self::of(app, row).await
    }

    /// Finds the connector of a connection.
    pub async fn of(app: &App, row: ConnectionRow) -> Result<Self> {
        let found = providers::of_row(app, &row.environment_id, &row.connector).await?;
        let connector = found.ok_or_else(|| {
            Error::new(
                Code::ConnectorNotFound,
                format!("connector `{}` is not installed any more", row.connector),
            )
        })?;
        let connector = connections::with_overrides(connector, &row);
        let loaded = Self { method_id: row.method.clone(), row, connector };
        loaded.method()?;
        Ok(loaded)
    }

    /// The auth method.
    pub fn method(&self) -> Result<&AuthMethod> {
        self.connector.method(&self.method_id).ok_or_else(|| {
            let detail = format!(
                "connector `{}` has no auth method `{}` any more",
                self.connector.slug, self.method_id
            );
            Error::new(Code::ConnectorNotFound, detail)
        })
    }

    /// Goes on only when the connection can be used.
    pub fn require_usable(&self) -> Result<()> {
        require_usable(&self.row)
    }
}

/// Goes on only when a connection can be used.
pub(crate) fn require_usable(row: &ConnectionRow) -> Result<()> {
    match row.state {
        ConnectionState::Active => Ok(()),
        ConnectionState::Paused => {
            Err(Error::new(Code::ConnectionPaused, format!("connection `{}` is paused", row.name))
                .with_help(format!("resume it: `keybearer connections resume {}`", row.name)))
        }
        ConnectionState::Draft => {
            Err(Error::new(Code::ConnectionIncomplete, format!("connection `{}` is a draft", row.name))
                .with_help(format!("complete it: `keybearer connections edit {}`", row.name)))
        }
    }
}

impl LoadedAccount {
    /// Reads an account with all that belongs to it.
    pub async fn read(app: &App, id: &AccountId) -> Result<Self> {
        let row = app.db().find_account(id).await?;
        Self::of(app, row.ok_or_else(unknown)?).await
    }

    /// Completes an account row.
    pub async fn of(app: &App, row: AccountRow) -> Result<Self> {
        let mut connection = LoadedConnection::read(app, &row.connection_id).await?;
        connection.method_id.clone_from(&row.method);
        let credential_id = row.credential_id.as_ref().or(connection.row.credential_id.as_ref());
        let credential = match credential_id {
            Some(id) => app.db().find_credential(id).await?,
            None => None,
        };
        let mut developer =
            grant::connection_bindings(app, &connection.connector, &connection.row, credential.as_ref())?;
        developer.extend(connections::organization_bindings(app, &connection, &row.organization_id).await?);
        let grant = Grant::open(app, &row)?;
        Ok(Self { row, connection, developer, grant, on_behalf_of: None })
    }

    /// Whether it only says that its user agreed: the credential is the one of the whole organization.
    pub fn is_consent_only(&self) -> bool {
        self.connection.row.auth_mode == AuthMode::OrgWide && !self.row.org_wide
    }

    /// Everything that a call may use.
    pub fn bindings(&self) -> Result<Bindings> {
        let nothing = Grant::default();
        let grant = self.grant.as_ref().unwrap_or(&nothing);
        Ok(grant::account_bindings(self.connection.method()?, &self.developer, grant))
    }

    /// What the engine works on.
    pub fn context<'a>(&'a self, app: &'a App, bindings: &'a Bindings) -> Result<Context<'a>> {
        Ok(Context {
            connector: &self.connection.connector,
            method: self.connection.method()?,
            bindings,
            now: app.now(),
            entropy: app.entropy(),
        })
    }

    /// Goes on only when the account is in a state that can be called with.
    pub fn require_usable(&self) -> Result<()> {
        self.connection.require_usable()?;
        let (code, detail) = match self.row.status {
            AccountStatus::Active => return Ok(()),
            AccountStatus::Expired => (Code::AccountNeedsSignIn, "the account cannot be refreshed"),
            AccountStatus::Disconnected => (Code::AccountNotConnected, "the account was disconnected"),
            AccountStatus::PendingAuth => {
                (Code::AccountNotConnected, "the user has not connected the account yet")
            }
            AccountStatus::PendingVerification => {
                (Code::PendingVerification, "your app has not confirmed the person yet")
            }
        };
        Err(Error::new(code, format!("{detail} ({})", self.row.reason)).with_help(self.link_help()))
    }

    /// How to get the user back.
    pub fn link_help(&self) -> String {
        format!(
            "make a connect link for the user: `keybearer link {} --user {}`",
            self.connection.row.name, self.row.identifier
        )
    }
}

fn unknown() -> Error {
    Error::new(Code::AccountNotFound, "there is no such account")
}
