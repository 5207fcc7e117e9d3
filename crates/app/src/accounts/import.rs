//! Taking in credentials that were obtained elsewhere.

use std::collections::BTreeMap;

use keybearer_core::{Code, Error, Result, SecretString, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::types::{CreateAccount, Credentials, Imported, ImportedLine, Lookup, OauthTokens, UpdateAccount};
use super::{create, lookup, update};
use crate::access::{Caller, Permission};
use crate::state::App;
use crate::tokens::LoadedConnection;

/// The longest line, in bytes.
const MAX_LINE: usize = 1 << 20;

/// One account to take in; also the shape of a line.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ImportAccount {
    /// Name of the connection.
    pub connection: String,
    /// The developer's own id for the user.
    pub identifier: String,
    /// The organization it is scoped to.
    pub organization_id: String,
    /// The user it is scoped to.
    pub user_id: String,
    /// OAuth access token.
    pub access_token: Option<SecretString>,
    /// OAuth refresh token.
    pub refresh_token: Option<SecretString>,
    /// When the access token ends, RFC 3339.
    pub access_token_expires_at: Option<String>,
    /// When the refresh token ends, RFC 3339.
    pub refresh_token_expires_at: Option<String>,
    /// What was granted.
    pub scopes: Vec<String>,
    /// Values of the connector's account fields.
    pub fields: BTreeMap<String, SecretString>,
    /// The developer's settings for calls.
    pub api_config: Option<Map<String, Value>>,
    /// Replaces the credentials of an account that exists already.
    pub replace: bool,
}

/// Takes in many accounts, one JSON object per line. A wrong line is reported and changes nothing; the others are
/// taken in. Empty lines are skipped.
///
/// # Errors
/// `PermissionDenied`. Everything else is told line by line, and no text of it quotes a value.
pub async fn import(app: &App, caller: &Caller, lines: &str) -> Result<Vec<ImportedLine>> {
    caller.require(Permission::AccountsWrite)?;
    let mut results = Vec::new();
    for (line, text) in (1..).zip(lines.lines()).filter(|(_, text)| !text.trim().is_empty()) {
        let result = match read(text) {
            Ok(account) => import_one(app, caller, account).await,
            Err(error) => Err(error),
        };
        results.push(ImportedLine { line, result });
    }
    Ok(results)
}

fn read(text: &str) -> Result<ImportAccount> {
    if text.len() > MAX_LINE {
        return Err(Error::new(Code::TooLarge, format!("a line has at most {MAX_LINE} bytes")));
    }
    serde_json::from_str(text).map_err(|error| {
        // the parser's own message may quote what it found
        Error::new(Code::InvalidArgument, format!("not an object of the expected shape, at column {}", error.column()))
            .with_help("keys: connection, identifier, organization_id, user_id, access_token, refresh_token, \
                        access_token_expires_at, refresh_token_expires_at, scopes, fields, api_config, replace")
    })
}

/// Takes in one account. The provider is not asked.
///
/// # Errors
/// [`Code::AlreadyExists`] unless `replace` is set; those of [`create()`] and [`update()`];
/// `InvalidArgument` when there is no credential.
pub async fn import_one(app: &App, caller: &Caller, account: ImportAccount) -> Result<Imported> {
    caller.require(Permission::AccountsWrite)?;
    let lookup = Lookup {
        id: None,
        connector: Some(account.connection.clone()),
        identifier: Some(account.identifier.clone()),
        organization_id: Some(account.organization_id.clone()),
        user_id: Some(account.user_id.clone()),
    };
    let credentials = credentials(&account)?;
    if account.replace {
        match lookup::resolve(app, &caller.environment, &lookup).await {
            Ok((connection, row)) => {
                let patch = UpdateAccount {
                    credentials,
                    api_config: account.api_config,
                    fields: account.fields,
                    scope_selection: None,
                };
                let loaded = LoadedConnection::of(app, connection).await?;
                let row = update::apply(app, caller, &loaded, &row, &patch, "account.imported").await?;
                return Ok(Imported { id: row.id, created: false });
            }
            Err(error) if error.code == Code::AccountNotFound => {}
            Err(error) => return Err(error),
        }
    }
    let new = CreateAccount {
        lookup,
        credentials,
        api_config: account.api_config,
        fields: account.fields,
        scope_selection: None,
    };
    let (_, row) = create::insert(app, caller, &new, "account.imported").await?;
    Ok(Imported { id: row.id, created: true })
}

fn credentials(account: &ImportAccount) -> Result<Credentials> {
    if account.access_token.is_none() && account.refresh_token.is_none() {
        if account.fields.is_empty() {
            return Err(Error::field("access_token", "must be given, or refresh_token, or fields"));
        }
        return Ok(Credentials::None);
    }
    Ok(Credentials::Oauth(OauthTokens {
        access_token: account.access_token.clone(),
        refresh_token: account.refresh_token.clone(),
        scopes: account.scopes.clone(),
        domain: None,
        access_expires_at: time("access_token_expires_at", account.access_token_expires_at.as_deref())?,
        refresh_expires_at: time("refresh_token_expires_at", account.refresh_token_expires_at.as_deref())?,
    }))
}

fn time(field: &str, text: Option<&str>) -> Result<Option<Timestamp>> {
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    Timestamp::parse_rfc3339(text)
        .map(Some)
        .ok_or_else(|| Error::field(field, "must be a time such as 2030-01-02T03:04:05Z"))
}
