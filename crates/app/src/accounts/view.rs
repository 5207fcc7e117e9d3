//! How a stored account is shown: without any secret.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use keybearer_connectors::schema::AuthMethod;
use keybearer_connectors::{Connector, scopes};
use keybearer_core::{AccountStatus, Result, StatusReason};
use keybearer_store::{AccountRow, ConnectionRow};

use super::settings;
use super::types::{Account, RevokeOutcome};
use crate::connections;
use crate::providers;
use crate::state::App;

/// One account.
pub(super) async fn show(app: &App, connection: &ConnectionRow, row: AccountRow) -> Result<Account> {
    let connector = providers::for_view(app, &connection.environment_id, &connection.connector).await?;
    Ok(shown(connector.as_deref(), connection, row))
}

fn shown(connector: Option<&Connector>, connection: &ConnectionRow, row: AccountRow) -> Account {
    let method = connector.and_then(|connector| connector.method(&row.method));
    let missing_scopes = missing_scopes(method, &row);
    let texts = row.variables.as_object().into_iter().flatten();
    let fields: BTreeMap<String, String> = texts
        .filter_map(|(name, value)| value.as_str().map(|text| (name.clone(), text.to_owned())))
        .collect();
    Account {
        next_step: next_step(&row, connection),
        connection: connection.name.clone(),
        connector: connection.connector.clone(),
        provider: connection.connector.to_ascii_uppercase(),
        missing_scopes,
        on_earlier_client: row.credential_id.is_some() && row.credential_id != connection.credential_id,
        fields,
        api_config: settings::shown(&row.api_config),
        revoke_outcome: row.revoke_outcome.as_deref().map(RevokeOutcome::parse),
        id: row.id,
        identifier: row.identifier,
        connection_id: row.connection_id,
        organization_id: row.organization_id,
        user_id: row.user_id,
        status: row.status,
        reason: row.reason,
        auth_type: row.auth_type,
        identity_id: row.identity_id,
        identity_label: row.identity_label,
        previous_identity_id: row.previous_identity_id,
        granted_scopes: row.granted_scopes,
        wanted_scopes: row.wanted_scopes,
        access_expires_at: row.access_expires_at,
        refresh_expires_at: row.refresh_expires_at,
        next_refresh_at: row.next_refresh_at,
        last_used_at: row.last_used_at,
        generation: row.generation,
        failure_count: row.failure_count,
        failing_since: row.failing_since,
        last_failure: row.last_failure,
        org_wide: row.org_wide,
        connected_at: row.connected_at.filter(|_| row.status == AccountStatus::Active),
        created_at: row.created_at,
        updated_at: row.updated_at,
    }
}

/// What was asked for and not granted, where the provider says what it grants.
pub(crate) fn missing_scopes(method: Option<&AuthMethod>, row: &AccountRow) -> Vec<String> {
    let reported = row.sealed_grant.is_some() && !row.granted_scopes.is_empty();
    method
        .filter(|_| reported)
        .map(|method| scopes::not_granted(method, &row.granted_scopes, &row.wanted_scopes))
        .unwrap_or_default()
}

/// Several accounts; each connection is read once.
pub(crate) async fn many(app: &App, rows: Vec<AccountRow>) -> Result<Vec<Account>> {
    let mut known: HashMap<String, (ConnectionRow, Option<Arc<Connector>>)> = HashMap::new();
    let mut accounts = Vec::with_capacity(rows.len());
    for row in rows {
        let key = row.connection_id.to_string();
        if !known.contains_key(&key) {
            match connections::row_by_id(app, &row.environment_id, &row.connection_id).await {
                Ok(connection) => {
                    let connector =
                        providers::for_view(app, &connection.environment_id, &connection.connector).await?;
                    known.insert(key.clone(), (connection, connector));
                }
                // deleted since the page was read, and its accounts with it
                Err(error) if error.code == keybearer_core::Code::ConnectionNotFound => {}
                Err(error) => return Err(error),
            }
        }
        let of_row = known.get(&key);
        accounts.extend(of_row.map(|(connection, connector)| shown(connector.as_deref(), connection, row)));
    }
    Ok(accounts)
}

fn next_step(row: &AccountRow, connection: &ConnectionRow) -> Option<String> {
    let link = format!("send a connect link: keybearer link {} --user {}", connection.name, row.identifier);
    match (row.status, row.reason) {
        (AccountStatus::Active, _) => None,
        (AccountStatus::PendingVerification, _) => Some(
            "confirm the user: your app calls the verify endpoint, or the person signs in to the dashboard"
                .to_owned(),
        ),
        (_, StatusReason::IntegrityError) => Some(format!("the stored credential does not open; {link}")),
        (_, StatusReason::CredentialRejected) => Some(format!("the provider refused the user's key; {link}")),
        _ => Some(link),
    }
}
