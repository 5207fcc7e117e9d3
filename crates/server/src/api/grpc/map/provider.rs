//! Connectors in the wire's words.

use std::collections::HashMap;

use keybearer_app::connectors::Connector;
use keybearer_app::connectors::engine::auth_type;
use keybearer_app::connectors::forms::{FormField, account_form};
use keybearer_app::connectors::schema::{AuthMethod, Pkce};
use keybearer_app::providers::{CreateProvider, CustomProvider, Provider, UpdateProvider};
use prost_types::ListValue;
use serde_json::{Value, json};

use super::json as convert;
use super::sorted;
use crate::api::proto::scalekit::v1::providers as wire;

/// What to make.
pub(in super::super) fn create(message: wire::CreateCustomProvider) -> CreateProvider {
    CreateProvider {
        display_name: message.display_name,
        description: message.description,
        auth_patterns: message.auth_patterns.map(convert::from_list).unwrap_or_default(),
        proxy_url: message.proxy_url,
        proxy_enabled: message.proxy_enabled,
        icon_src: message.icon_src,
        metadata: sorted(message.metadata),
    }
}

/// What to make of one that is there.
pub(in super::super) fn update(message: wire::UpdateCustomProvider) -> UpdateProvider {
    UpdateProvider {
        display_name: message.display_name,
        description: message.description,
        auth_patterns: message.auth_patterns.map(convert::from_list),
        proxy_url: message.proxy_url,
        proxy_enabled: message.proxy_enabled,
        icon_src: message.icon_src,
        metadata: sorted(message.metadata),
        expected_version: None,
    }
}

/// A connector of either kind.
pub(in super::super) fn provider(provider: Provider) -> wire::Provider {
    match provider {
        Provider::Catalogue(connector) => of_catalogue(&connector),
        Provider::Custom(custom) => of_environment(*custom),
    }
}

fn of_environment(custom: CustomProvider) -> wire::Provider {
    let patterns = custom.auth_patterns.as_array().cloned().unwrap_or_default();
    let metadata: HashMap<String, String> = custom.metadata.into_iter().collect();
    wire::Provider {
        id: custom.id,
        identifier: custom.identifier,
        display_name: custom.display_name,
        description: custom.description,
        auth_patterns: Some(ListValue { values: patterns.into_iter().map(convert::to_value).collect() }),
        icon_src: custom.icon_src,
        proxy_url: custom.proxy_url,
        proxy_enabled: custom.proxy_enabled,
        is_custom: true,
        is_custom_mcp: custom.is_mcp,
        metadata,
        ..wire::Provider::default()
    }
}

fn of_catalogue(connector: &Connector) -> wire::Provider {
    let patterns = connector.auth.iter().map(|method| convert::to_value(pattern(connector, method)));
    wire::Provider {
        id: connector.slug.to_ascii_uppercase(),
        identifier: connector.slug.to_ascii_uppercase(),
        display_name: connector.display_name.clone(),
        description: connector.blurb.clone().unwrap_or_default(),
        categories: connector.categories.clone(),
        auth_patterns: Some(ListValue { values: patterns.collect() }),
        proxy_url: base_url(connector),
        proxy_enabled: !connector.proxy_disabled,
        ..wire::Provider::default()
    }
}

/// The base address as it is written, with its placeholders.
pub(in super::super) fn base_url(connector: &Connector) -> String {
    let text = serde_json::to_value(&connector.api.base_url).unwrap_or_default();
    match text {
        Value::String(text) => text,
        Value::Array(list) => list.first().and_then(Value::as_str).unwrap_or_default().to_owned(),
        _ => String::new(),
    }
}

fn pattern(connector: &Connector, method: &AuthMethod) -> Value {
    let fields: Vec<Value> = account_form(connector, method).iter().map(field).collect();
    let redirect = method.has_redirect();
    json!({
        "type": auth_type(method).as_str(),
        "display_name": method.label.clone().unwrap_or_else(|| method.id.clone()),
        "description": "",
        "fields": if redirect { json!([]) } else { json!(fields) },
        "account_fields": if redirect { json!(fields) } else { json!([]) },
        "oauth_config": redirect.then(|| oauth(method)),
    })
}

fn field(field: &FormField) -> Value {
    json!({
        "field_name": field.name,
        "label": field.label,
        "input_type": if field.secret { "password" } else if field.choices.is_empty() { "text" } else { "select" },
        "hint": field.help,
        "required": field.required,
        "options": field.choices.iter().map(|value| json!({"value": value, "display_name": value})).collect::<Vec<_>>(),
    })
}

fn oauth(method: &AuthMethod) -> Value {
    let scopes = method.scopes.iter().map(|scope| {
        json!({"scope": scope.name, "display_name": scope.name, "description": scope.says, "required": scope.required})
    });
    json!({"available_scopes": scopes.collect::<Vec<_>>(), "pkce_enabled": method.pkce == Pkce::S256})
}
