//! The wire's connector catalogue.

use keybearer_app::Permission;
use keybearer_app::connectors::Connector;
use keybearer_app::connectors::engine::auth_type;
use keybearer_app::connectors::forms::{FormField, account_form};
use keybearer_app::connectors::schema::AuthMethod;
use prost_types::ListValue;
use serde_json::{Value, json};
use tonic::{Request, async_trait};

use super::map::{count, json as convert};
use super::{Answer, Service, fail, give, take};
use crate::api::proto::scalekit::v1::providers as wire;
use wire::provider_service_server::ProviderService;

#[async_trait]
impl ProviderService for Service {
    async fn list_providers(
        &self,
        request: Request<wire::ListProvidersRequest>,
    ) -> Answer<wire::ListProvidersResponse> {
        let (caller, message) = take(request)?;
        caller.require(Permission::ConnectorsRead).map_err(fail)?;
        // every connector is ours or the operator's; custom ones of an environment are not offered yet
        let kind = message.filter.map(|filter| filter.provider_type()).unwrap_or_default();
        let wanted = |connector: &Connector| {
            kind != wire::ProviderType::Custom
                && (message.identifier.is_empty() || connector.slug.eq_ignore_ascii_case(&message.identifier))
        };
        let all = self.0.catalog().iter().filter(|connector| wanted(connector));
        let providers: Vec<wire::Provider> = all.map(|connector| provider(connector)).collect();
        give(wire::ListProvidersResponse {
            total_size: count(i64::try_from(providers.len()).unwrap_or(i64::MAX)),
            providers,
            ..wire::ListProvidersResponse::default()
        })
    }

    async fn list_my_providers(
        &self,
        request: Request<wire::ListMyProvidersRequest>,
    ) -> Answer<wire::ListProvidersResponse> {
        let providers = self.my_providers(request).await?;
        give(wire::ListProvidersResponse {
            total_size: count(i64::try_from(providers.len()).unwrap_or(i64::MAX)),
            providers,
            ..wire::ListProvidersResponse::default()
        })
    }
}

pub(super) fn provider(connector: &Connector) -> wire::Provider {
    let patterns = connector.auth.iter().map(|method| convert::to_value(pattern(connector, method)));
    wire::Provider {
        id: connector.slug.to_ascii_uppercase(),
        identifier: connector.slug.to_ascii_uppercase(),
        display_name: connector.display_name.clone(),
        description: connector.blurb.clone().unwrap_or_default(),
        categories: connector.categories.clone(),
        auth_patterns: Some(ListValue { values: patterns.collect() }),
        proxy_url: base_url(connector),
        proxy_enabled: true,
        ..wire::Provider::default()
    }
}

/// The base address as it is written, with its placeholders.
pub(super) fn base_url(connector: &Connector) -> String {
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
    json!({"available_scopes": scopes.collect::<Vec<_>>(), "pkce_enabled": method.pkce == keybearer_app::connectors::schema::Pkce::S256})
}
