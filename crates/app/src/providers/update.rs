//! Changing a connector of the environment.

use keybearer_connectors::pattern::Compiled;
use keybearer_core::{Code, Error, Result};
use keybearer_store::{CustomConnectorRow, CustomConnectorUse};
use serde_json::json;

use super::types::{Provider, UpdateProvider};
use super::{check, find};
use crate::access::{Caller, Permission};
use crate::audit;
use crate::state::App;

/// Replaces a connector of the environment. Its connections and accounts stay and follow it at once.
///
/// # Errors
/// [`Code::PermissionDenied`], also without `connected_accounts:access` when credentials that are stored would go to
/// other hosts; [`Code::ConnectorNotFound`]; [`Code::FailedPrecondition`] when a pattern that a connection uses is
/// missing, or the version is another one than expected; `InvalidArgument` at each wrong field.
pub async fn update(app: &App, caller: &Caller, identifier: &str, new: UpdateProvider) -> Result<Provider> {
    caller.require(Permission::ConnectorsWrite)?;
    let identifier = identifier.to_ascii_uppercase();
    let changed = app
        .db()
        .change_custom_connector(&caller.environment, &identifier, app.now(), |seen, uses| {
            if new.expected_version.is_some_and(|expected| expected != seen.version) {
                return Err(stale(seen.version));
            }
            let row = replaced(seen, new);
            let after = check::check(app, &row)?;
            check_uses(&after, uses)?;
            let moved = match check::compiled(seen) {
                Ok(before) => check::new_destinations(&before, &after) || check::reveals(&before, &after),
                Err(_) => true,
            };
            if moved && !uses.is_empty() {
                caller.require(Permission::AccountsAccess).map_err(elsewhere)?;
            }
            let detail = json!({
                "identifier": seen.identifier,
                "auth_patterns_changed": row.auth_patterns != seen.auth_patterns,
                "proxy_url_changed": row.proxy_url != seen.proxy_url,
                "proxy_enabled": row.proxy_enabled,
                "moves_credentials": moved,
            });
            let audit = audit::row(app, caller, "provider.updated", seen.id.as_str(), detail)?;
            Ok::<_, Error>((row, audit))
        })
        .await?;
    changed.map(Provider::from).ok_or_else(|| find::not_found(&identifier))
}

fn replaced(seen: &CustomConnectorRow, new: UpdateProvider) -> CustomConnectorRow {
    let mut row = seen.clone();
    row.display_name = new.display_name.trim().to_owned();
    row.description = new.description.trim().to_owned();
    row.icon_src = new.icon_src;
    row.metadata = json!(new.metadata);
    if !new.proxy_url.trim().is_empty() {
        row.proxy_url = new.proxy_url.trim().to_owned();
    }
    if let Some(patterns) = new.auth_patterns {
        row.auth_patterns = patterns;
        row.proxy_enabled = new.proxy_enabled;
    }
    row
}

/// Connections name their method, and it must still be there.
fn check_uses(after: &Compiled, uses: &[CustomConnectorUse]) -> Result<()> {
    let Some(lost) = uses.iter().find(|used| after.connector.method(&used.method).is_none()) else {
        return Ok(());
    };
    let detail = format!(
        "connection `{}` uses the pattern {}, which must stay",
        lost.name,
        lost.method.to_ascii_uppercase()
    );
    Err(Error::new(Code::FailedPrecondition, detail)
        .with_help("keep the pattern, or delete the connection first"))
}

fn stale(version: i64) -> Error {
    let detail = format!("somebody changed the connector: it has version {version} now");
    Error::new(Code::FailedPrecondition, detail).with_help("look at what they changed, and save again")
}

pub(super) fn elsewhere(error: Error) -> Error {
    Error::new(
        error.code,
        "the change would send stored credentials to another host or show them; the API client lacks `connected_accounts:access`",
    )
    .with_help("use an API client that may read credentials, or make another connector for the new host")
}
