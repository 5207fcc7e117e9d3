//! Making a connector.

use keybearer_core::ids::ProviderId;
use keybearer_core::{Code, Error, Result};
use keybearer_store::CustomConnectorRow;
use serde_json::json;

use super::check;
use super::types::{CreateProvider, Provider};
use crate::access::{Caller, Permission};
use crate::audit;
use crate::state::App;

/// How many an environment can have.
const MOST: i64 = 1000;
/// How much of the display name the identifier holds: with its digits it stays within the wire's 50 characters.
const MAX_NAME: usize = 28;

/// Makes a connector of the environment. The service is not contacted.
///
/// # Errors
/// [`Code::PermissionDenied`]; `InvalidArgument` at each wrong field; [`Code::FailedPrecondition`] when the
/// environment has too many.
pub async fn create(app: &App, caller: &Caller, new: CreateProvider) -> Result<Provider> {
    caller.require(Permission::ConnectorsWrite)?;
    let id = app.id(ProviderId::from_number)?;
    let digits = id.as_str().trim_start_matches(ProviderId::PREFIX);
    let now = app.now();
    let row = CustomConnectorRow {
        identifier: identifier(&new.display_name, digits),
        environment_id: caller.environment.clone(),
        display_name: new.display_name.trim().to_owned(),
        description: new.description.trim().to_owned(),
        icon_src: new.icon_src,
        proxy_url: new.proxy_url.trim().to_owned(),
        proxy_enabled: new.proxy_enabled,
        auth_patterns: new.auth_patterns,
        metadata: json!(new.metadata),
        version: 1,
        created_at: now,
        updated_at: now,
        id,
    };
    let compiled = check::check(app, &row)?;
    let methods: Vec<&str> = compiled.connector.auth.iter().map(|method| method.id.as_str()).collect();
    let detail = json!({"identifier": row.identifier, "methods": methods});
    let audit = audit::row(app, caller, "provider.created", row.id.as_str(), detail)?;
    if !app.db().add_custom_connector(&row, MOST, &audit).await? {
        let detail =
            format!("the environment has {MOST} connectors of its own, which is the most it can have");
        return Err(Error::new(Code::FailedPrecondition, detail).with_help("delete those that are not used"));
    }
    Ok(row.into())
}

/// The upper-cased name, a colon, and digits: what tells it from every slug of the catalogue.
fn identifier(display_name: &str, digits: &str) -> String {
    let name: String = display_name.split_whitespace().collect::<Vec<_>>().join("_").to_ascii_uppercase();
    let name: String =
        name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(MAX_NAME).collect();
    format!("{}:{digits}", name.trim_end_matches('_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_is_short_and_tells_the_name() {
        assert_eq!(identifier(" My  own crm 2", "17"), "MY_OWN_CRM_2:17");
        let long = identifier(&"a ".repeat(100), "12345678901234567890");
        assert!(long.len() <= 50 && long.contains("A:1234"), "{long}");
    }
}
