//! Looking at a definition before it is saved.

use std::sync::Arc;

use keybearer_connectors::Connector;
use keybearer_connectors::lint::lint;
use keybearer_connectors::pattern::unread;
use keybearer_core::ids::ProviderId;
use keybearer_core::{FieldViolation, Result};
use keybearer_store::CustomConnectorRow;
use serde_json::{Value, json};

use super::check;
use super::types::CreateProvider;
use crate::access::{Caller, Permission};
use crate::state::App;

/// What came of a look at a definition. Nobody was contacted and nothing is stored.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Examined {
    /// What it makes; `None` while something is wrong.
    pub connector: Option<Arc<Connector>>,
    /// What must be corrected.
    pub wrong: Vec<FieldViolation>,
    /// What works and could be better.
    pub advice: Vec<FieldViolation>,
}

/// Looks at a definition. `object` is what it was read from, for the keys that nothing reads.
///
/// # Errors
/// [`keybearer_core::Code::PermissionDenied`].
pub fn examine(app: &App, caller: &Caller, described: &CreateProvider, object: &Value) -> Result<Examined> {
    caller.require(Permission::ConnectorsRead)?;
    let row = row(app, caller, described)?;
    let mut advice = unread(object);
    match check::check(app, &row) {
        Ok(compiled) => {
            advice.extend(self::advice(described, &compiled.connector));
            Ok(Examined { connector: Some(Arc::new(compiled.connector)), wrong: Vec::new(), advice })
        }
        Err(error) => Ok(Examined { connector: None, wrong: error.violations, advice }),
    }
}

/// A row as it would be stored.
pub(super) fn row(app: &App, caller: &Caller, described: &CreateProvider) -> Result<CustomConnectorRow> {
    let now = app.now();
    Ok(CustomConnectorRow {
        id: app.id(ProviderId::from_number)?,
        environment_id: caller.environment.clone(),
        identifier: "NEW:0".to_owned(),
        display_name: described.display_name.trim().to_owned(),
        description: described.description.trim().to_owned(),
        icon_src: described.icon_src.clone(),
        proxy_url: described.proxy_url.trim().to_owned(),
        proxy_enabled: described.proxy_enabled,
        auth_patterns: described.auth_patterns.clone(),
        metadata: json!(described.metadata),
        version: 1,
        created_at: now,
        updated_at: now,
    })
}

fn advice(described: &CreateProvider, connector: &Connector) -> Vec<FieldViolation> {
    let mut advice = Vec::new();
    let mut say = |field: String, description: &str| {
        advice.push(FieldViolation { field, description: description.to_owned() });
    };
    if described.description.trim().is_empty() {
        say(
            "description".to_owned(),
            "is empty: a sentence that says what the service is helps whoever chooses it",
        );
    }
    if !described.proxy_enabled {
        say("proxy_enabled".to_owned(), "is off: calls through the proxy are refused");
    }
    if described.proxy_url.trim().starts_with("http://") {
        say("proxy_url".to_owned(), "is plain http: credentials travel unprotected");
    }
    for (index, method) in connector.auth.iter().enumerate().filter(|(_, method)| method.has_redirect()) {
        let at = |key: &str| format!("auth_patterns[{index}].oauth_config.{key}");
        if method.userinfo_url.is_none() {
            say(at("user_info_uri"), "is empty: an account does not show who connected");
        }
        if method.revoke.is_none() {
            say(at("revocation_uri"), "is empty: the provider is not told when an account is disconnected");
        }
        for (index, _) in method.scopes.iter().enumerate().filter(|(_, scope)| scope.plain.is_none()) {
            say(at(&format!("available_scopes[{index}]")), "has no words: users see its bare name");
        }
    }
    // what the catalogue's own check says of templates and fields, in its words
    let of_catalogue = lint(connector)
        .into_iter()
        .filter(|finding| finding.key.contains(".fields[") || finding.key.contains("credential_placement"));
    advice.extend(of_catalogue.map(|finding| FieldViolation {
        field: "auth_patterns".to_owned(),
        description: format!("{}: {}", finding.key, finding.message),
    }));
    advice
}
