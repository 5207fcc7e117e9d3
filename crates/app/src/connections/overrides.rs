//! What a connection changes about the auth method of its connector: names of parameters, PKCE, how the client proves
//! itself.

use std::sync::Arc;

use keybearer_connectors::schema::{AuthMethod, Connector, Pkce, TokenAuth};
use keybearer_core::{Error, FieldViolation, Result};
use keybearer_store::ConnectionRow;
use serde::{Deserialize, Serialize};

use super::types::ConnectionConfig;
use super::values::RESERVED_PARAMS;

/// Ways of proving the client that a connection may choose (RFC 7591 §2).
const TOKEN_AUTH: &[(&str, TokenAuth)] = &[
    ("client_secret_post", TokenAuth::ClientSecretPost),
    ("client_secret_basic", TokenAuth::ClientSecretBasic),
    ("none", TokenAuth::None),
];

/// What differs from the connector; absent is as the connector says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MethodOverrides {
    /// Whether a proof key is used.
    pub pkce: Option<bool>,
    /// Name of the parameter that carries the scopes.
    pub scope_param: Option<String>,
    /// Name of the parameter that carries the second list of scopes.
    pub optional_scope_param: Option<String>,
    /// How the client proves itself at the token endpoint.
    pub token_auth: Option<String>,
}

impl MethodOverrides {
    /// Lays what `patch` gives over these; an empty text goes back to what the connector says.
    pub(super) fn patched(mut self, patch: &Self) -> Self {
        let text = |slot: &mut Option<String>, given: &Option<String>| {
            if let Some(given) = given {
                *slot = Some(given.clone()).filter(|given| !given.is_empty());
            }
        };
        text(&mut self.scope_param, &patch.scope_param);
        text(&mut self.optional_scope_param, &patch.optional_scope_param);
        text(&mut self.token_auth, &patch.token_auth);
        self.pkce = patch.pkce.or(self.pkce);
        self
    }

    /// Checks them.
    ///
    /// # Errors
    /// `InvalidArgument` at each one that cannot be.
    pub(super) fn check(&self, method: &AuthMethod) -> Result<()> {
        let mut violations = Vec::new();
        let mut wrong = |field: &str, description: String| {
            violations.push(FieldViolation { field: field.to_owned(), description });
        };
        for (field, name) in [
            ("custom_scope_name", &self.scope_param),
            ("optional_scopes.field_name", &self.optional_scope_param),
        ] {
            if name.as_ref().is_some_and(|name| !is_free_name(name)) {
                wrong(
                    field,
                    "must be 1 to 100 of letters, digits, `_`, `.`, `-`, and no name that is set already"
                        .into(),
                );
            }
        }
        if let Some(given) = &self.token_auth
            && !TOKEN_AUTH.iter().any(|(name, _)| name == given)
        {
            let names: Vec<&str> = TOKEN_AUTH.iter().map(|(name, _)| *name).collect();
            wrong("token_endpoint_auth_method", format!("must be one of: {}", names.join(", ")));
        }
        if *self != Self::default() && !method.has_redirect() && method.token_url.is_none() {
            wrong("oauth_config", "must be empty: this connection does not use OAuth".to_owned());
        }
        if violations.is_empty() { Ok(()) } else { Err(Error::fields(violations)) }
    }

    fn lay_over(&self, method: &mut AuthMethod) {
        if let Some(pkce) = self.pkce {
            method.pkce = if pkce { Pkce::S256 } else { Pkce::None };
        }
        if let Some(name) = &self.scope_param {
            method.authorize_param_names.insert("scope".to_owned(), Some(name.clone()));
        }
        if let Some(name) = &self.optional_scope_param {
            match &mut method.optional_scopes {
                Some(second) => second.param.clone_from(name),
                None => method.authorize_extra_scope_param = Some(name.clone()),
            }
        }
        let chosen = self.token_auth.as_deref();
        if let Some((_, auth)) = TOKEN_AUTH.iter().find(|(name, _)| Some(*name) == chosen) {
            method.token_auth_method = *auth;
        }
    }
}

fn is_free_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    let taken = RESERVED_PARAMS.contains(&name.to_ascii_lowercase().as_str()) && name != "scope";
    (1..=100).contains(&name.len()) && name.bytes().all(plain) && !taken
}

/// The connector as this connection uses it.
pub(crate) fn with_overrides(connector: Arc<Connector>, row: &ConnectionRow) -> Arc<Connector> {
    let overrides = ConnectionConfig::of(row).overrides;
    if overrides == MethodOverrides::default() {
        return connector;
    }
    let mut own = (*connector).clone();
    for method in own.auth.iter_mut().filter(|method| method.id == row.method) {
        overrides.lay_over(method);
    }
    Arc::new(own)
}
