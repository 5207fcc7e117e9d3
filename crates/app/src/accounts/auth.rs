//! Giving an account's secrets out.

use keybearer_core::{AccountStatus, AuthType, Error, Result, SecretString};
use keybearer_store::AccountRow;
use serde_json::{Map, Value, json};

use super::prepare::{DOMAIN, PATH_VARIABLES};
use super::types::{AccountAuth, Lookup, OauthTokens, Revealed};
use super::{lookup, org_wide, view};
use crate::access::{Caller, Permission};
use crate::audit;
use crate::grant::Grant;
use crate::state::App;
use crate::tokens;

/// An account with its secrets. A token that is about to end is refreshed first where that is possible.
///
/// The audit trail is written before anything leaves: without its line nobody gets a credential. The line holds a keyed
/// hash of each value, so that a credential found elsewhere can be traced to the call that took it.
///
/// # Errors
/// `PermissionDenied` without `connected_accounts:access`; `ConnectionNotFound`, `AccountNotFound`;
/// `DatabaseUnavailable` when the audit trail cannot be written; `IntegrityError` when the grant does not open.
pub async fn auth(app: &App, caller: &Caller, lookup: &Lookup) -> Result<AccountAuth> {
    caller.require(Permission::AccountsAccess)?;
    let (connection, row) = lookup::resolve(app, &caller.environment, lookup).await?;
    let consents = org_wide::consents(&connection, &row.identifier);
    // the shared credential is read through its own account only
    let row = if consents { row } else { renewed(app, row).await? };
    let grant = Grant::open(app, &row)?.filter(|_| !consents);
    let values = grant.as_ref().map(|grant| fingerprints(app, caller, grant)).transpose()?;
    let detail = json!({"connection": connection.id, "generation": row.generation, "values": values});
    audit::record(app, caller, "account.credentials_read", row.id.as_str(), detail).await?;
    let credentials = grant.map(|grant| reveal(&row, &grant)).transpose()?;
    Ok(AccountAuth { account: view::show(app, &connection, row).await?, credentials })
}

/// The row after a refresh that was due; what a failed one left otherwise.
async fn renewed(app: &App, row: AccountRow) -> Result<AccountRow> {
    let refreshes = matches!(row.auth_type, AuthType::Oauth | AuthType::OauthM2m | AuthType::ServiceAccount);
    if row.status != AccountStatus::Active || !refreshes {
        return Ok(row);
    }
    match tokens::fresh(app, &row.id).await {
        Ok(loaded) => Ok(loaded.row),
        Err(error) => {
            tracing::debug!(account.id = %row.id, code = %error.code, "read the credentials without a refresh");
            app.db().find_account(&row.id).await?.ok_or_else(lookup::not_found)
        }
    }
}

/// The keyed hash of everything that is given out, by name.
fn fingerprints(app: &App, caller: &Caller, grant: &Grant) -> Result<Map<String, Value>> {
    let tokens = ["access_token", "refresh_token"].into_iter();
    let tokens = tokens.filter_map(|name| grant.token(name).map(|value| (name, value)));
    tokens
        .chain(grant.account.iter())
        .map(|(name, value)| {
            let hash = audit::fingerprint(app, &caller.environment, value)?;
            Ok((name.to_owned(), Value::String(hash)))
        })
        .collect()
}

fn reveal(row: &AccountRow, grant: &Grant) -> Result<Revealed> {
    let access_token = grant.token("access_token").cloned();
    match row.auth_type {
        AuthType::Oauth | AuthType::Oauth1 => Ok(Revealed::Oauth(oauth(row, grant))),
        AuthType::OauthM2m if grant.account.is_empty() => Ok(Revealed::Oauth(oauth(row, grant))),
        AuthType::ServiceAccount => Ok(Revealed::ServiceAccount {
            subject: grant.account.get("subject").map(|text| text.expose().clone()).unwrap_or_default(),
            access_token,
            scopes: row.granted_scopes.clone(),
            expires_at: grant.access_expires_at,
        }),
        _ => details(grant).map(|details| Revealed::Static { details }),
    }
}

fn oauth(row: &AccountRow, grant: &Grant) -> OauthTokens {
    OauthTokens {
        access_token: grant.token("access_token").cloned(),
        refresh_token: grant.token("refresh_token").cloned(),
        scopes: row.granted_scopes.clone(),
        domain: grant.account.get(DOMAIN).map(|text| text.expose().clone()),
        access_expires_at: grant.access_expires_at,
        refresh_expires_at: grant.refresh_expires_at,
    }
}

/// What the user gave, as it came in.
fn details(grant: &Grant) -> Result<SecretString> {
    let mut details = Map::new();
    let kept = grant.account.get(PATH_VARIABLES).and_then(|text| serde_json::from_str(text.expose()).ok());
    for (name, value) in grant.account.iter().filter(|(name, _)| *name != PATH_VARIABLES) {
        details.insert(name.to_owned(), Value::String(value.expose().clone()));
    }
    if let Some(Value::Object(variables)) = kept {
        details.retain(|name, _| !variables.contains_key(name));
        details.insert(PATH_VARIABLES.to_owned(), Value::Object(variables));
    }
    serde_json::to_string(&details)
        .map(SecretString::from)
        .map_err(|_| Error::internal("the details cannot be written"))
}
