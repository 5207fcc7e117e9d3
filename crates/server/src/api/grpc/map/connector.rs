//! Connector definitions as messages.

use keybearer_app::connectors::Connector;
use keybearer_app::connectors::engine::{auth_type, refresh_policy};
use keybearer_app::connectors::forms::{FormField, account_form, connection_form};
use keybearer_app::connectors::schema::{AuthMethod, CredentialHint, Pkce, Scope};
use serde::Serialize;
use serde_json::Value;

use crate::api::proto::keybearer::v1 as own;

/// What a list shows.
pub(in super::super) fn summary(connector: &Connector, shared: bool, used: u32) -> own::ConnectorSummary {
    let mut auth_types: Vec<String> =
        connector.auth.iter().map(|method| auth_type(method).as_str().to_owned()).collect();
    auth_types.dedup();
    own::ConnectorSummary {
        slug: connector.slug.clone(),
        display_name: connector.display_name.clone(),
        blurb: connector.blurb.clone().unwrap_or_default(),
        categories: connector.categories.clone(),
        auth_types,
        needs_client: connector.recommended().is_some_and(|method| needs(connector, method, "client_id")),
        shared_credentials: shared,
        connection_count: used,
        custom: connector.is_custom(),
    }
}

/// Everything about a connector.
pub(in super::super) fn full(connector: &Connector, shared: bool, used: u32) -> own::Connector {
    own::Connector {
        slug: connector.slug.clone(),
        display_name: connector.display_name.clone(),
        blurb: connector.blurb.clone().unwrap_or_default(),
        categories: connector.categories.clone(),
        aliases: connector.aliases.clone(),
        docs_url: connector.docs_url.clone().unwrap_or_default(),
        checked_on: connector.checked_on.clone().unwrap_or_default(),
        methods: connector.auth.iter().map(|method| auth_method(connector, method)).collect(),
        shared_credentials: shared,
        connection_count: used,
        base_url: super::provider::base_url(connector),
        custom: connector.is_custom(),
    }
}

fn needs(connector: &Connector, method: &AuthMethod, name: &str) -> bool {
    connection_form(connector, method).iter().any(|field| field.name == name && field.required)
}

fn auth_method(connector: &Connector, method: &AuthMethod) -> own::AuthMethod {
    own::AuthMethod {
        id: method.id.clone(),
        label: method.label.clone().unwrap_or_default(),
        auth_type: auth_type(method).as_str().to_owned(),
        r#type: word(&method.kind),
        needs_client_id: needs(connector, method, "client_id"),
        needs_client_secret: needs(connector, method, "client_secret"),
        needs_redirect_uri: method.has_redirect(),
        connection_fields: connection_form(connector, method).into_iter().map(field).collect(),
        account_fields: account_form(connector, method).into_iter().map(field).collect(),
        scopes: method.scopes.iter().map(scope).collect(),
        optional_scopes: method.optional_scopes.as_ref().map(|optional| own::OptionalScopeList {
            parameter: optional.param.clone(),
            scopes: optional.scopes.iter().map(scope).collect(),
        }),
        setup: method.setup.as_ref().map(|setup| own::SetupGuide {
            console_url: word(&setup.console_url),
            prefill_url: word(&setup.prefill_url),
            minutes: setup.minutes.unwrap_or_default(),
            steps: setup.steps.clone(),
        }),
        redirect_rules: method.redirect_rules.as_ref().map(|rules| own::RedirectRules {
            https: word(&rules.https),
            r#match: word(&rules.matching),
            max_length: rules.max_len.and_then(|length| u32::try_from(length).ok()).unwrap_or_default(),
            forbidden_characters: rules.forbidden_chars.clone().unwrap_or_default(),
            max_uris: rules.max_uris.unwrap_or_default(),
        }),
        client_id_hint: method.client_id_hint.as_ref().map(hint),
        client_secret_hint: method.client_secret_hint.as_ref().map(hint),
        pkce: method.pkce == Pkce::S256,
        tokens: Some(tokens(method)),
        app_review: method.app_review.as_ref().and_then(|review| review.limit.clone()).unwrap_or_default(),
        dynamic_registration: method.dcr,
    }
}

fn tokens(method: &AuthMethod) -> own::TokenFacts {
    let known = method.lifetimes.clone().unwrap_or_default();
    own::TokenFacts {
        access_token_seconds: known.access_token_s.unwrap_or_default(),
        access_token_never_expires: known.access_token_never_expires,
        refresh_token_seconds: known.refresh_token_s.unwrap_or_default(),
        refresh_token_idle_seconds: known.refresh_token_idle_s.unwrap_or_default(),
        refresh_token_rotates: known.refresh_token_rotates.unwrap_or_default(),
        no_refresh_token: known.no_refresh_token,
        refresh_class: refresh_policy(method).class.as_str().to_owned(),
    }
}

fn hint(hint: &CredentialHint) -> own::ValueHint {
    own::ValueHint {
        pattern: hint.pattern.clone().unwrap_or_default(),
        length: hint.length.and_then(|length| u32::try_from(length).ok()).unwrap_or_default(),
        starts_with: hint.starts_with.clone().unwrap_or_default(),
    }
}

fn field(field: FormField) -> own::FormField {
    own::FormField {
        kind: word(&field.kind),
        name: field.name,
        label: field.label,
        help: field.help.unwrap_or_default(),
        where_to_find_url: field.where_to_find_url.unwrap_or_default(),
        secret: field.secret,
        required: field.required,
        pattern: field.pattern.unwrap_or_default(),
        example: field.example.unwrap_or_default(),
        default_value: field.default.unwrap_or_default(),
        choices: field.choices,
        prefix: field.prefix.unwrap_or_default(),
        suffix: field.suffix.unwrap_or_default(),
    }
}

fn scope(scope: &Scope) -> own::ScopeInfo {
    own::ScopeInfo {
        name: scope.name.clone(),
        says: scope.says.clone().unwrap_or_default(),
        plain: scope.plain.clone().unwrap_or_default(),
        sensitive: scope.sensitive,
        default: scope.default,
        required: scope.required,
        implied_by: scope.implied_by.clone(),
        needed_for_test: scope.needed_for_test,
        needs_review: scope.needs_review,
        grants_refresh_token: scope.grants_refresh_token,
        group: scope.group.clone().unwrap_or_default(),
    }
}

/// The word that a value has in the definition.
fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(text)) => text,
        Ok(Value::Array(list)) => list.first().and_then(Value::as_str).unwrap_or_default().to_owned(),
        _ => String::new(),
    }
}
