//! The wire's connectors: the catalogue, and those that an environment makes.

use keybearer_app::providers::{self, ProviderKind};
use keybearer_core::Error;
use tonic::{Request, async_trait};

use super::map::{count, filled, provider as map};
use super::{Answer, Service, fail, give, page, take};
use crate::api::proto::scalekit::v1::providers as wire;
use wire::provider_service_server::ProviderService;

#[async_trait]
impl ProviderService for Service {
    async fn create_provider(
        &self,
        request: Request<wire::CreateProviderRequest>,
    ) -> Answer<wire::CreateProviderResponse> {
        let (caller, _) = take(request)?;
        Err(fail(providers::change_catalogue(&caller)))
    }

    async fn create_custom_provider(
        &self,
        request: Request<wire::CreateCustomProviderRequest>,
    ) -> Answer<wire::CreateProviderResponse> {
        let (caller, message) = take(request)?;
        let new = map::create(message.provider.unwrap_or_default());
        let made = providers::create(&self.0, &caller, new).await.map_err(fail)?;
        give(wire::CreateProviderResponse { provider: Some(map::provider(made)) })
    }

    async fn update_provider(
        &self,
        request: Request<wire::UpdateProviderRequest>,
    ) -> Answer<wire::UpdateProviderResponse> {
        let (caller, _) = take(request)?;
        Err(fail(providers::change_catalogue(&caller)))
    }

    async fn update_custom_provider(
        &self,
        request: Request<wire::UpdateCustomProviderRequest>,
    ) -> Answer<wire::UpdateProviderResponse> {
        let (caller, message) = take(request)?;
        let new = map::update(message.provider.unwrap_or_default());
        let updated = providers::update(&self.0, &caller, &message.identifier, new).await.map_err(fail)?;
        give(wire::UpdateProviderResponse { provider: Some(map::provider(updated)) })
    }

    async fn delete_provider(
        &self,
        request: Request<wire::DeleteProviderRequest>,
    ) -> Answer<wire::DeleteProviderResponse> {
        let (caller, _) = take(request)?;
        Err(fail(providers::change_catalogue(&caller)))
    }

    async fn delete_custom_provider(
        &self,
        request: Request<wire::DeleteProviderRequest>,
    ) -> Answer<wire::DeleteProviderResponse> {
        let (caller, message) = take(request)?;
        providers::delete(&self.0, &caller, &message.identifier).await.map_err(fail)?;
        give(wire::DeleteProviderResponse {})
    }

    async fn list_providers(
        &self,
        request: Request<wire::ListProvidersRequest>,
    ) -> Answer<wire::ListProvidersResponse> {
        let (caller, message) = take(request)?;
        let identifier = filled(message.identifier);
        let kind = kind(message.filter, identifier.is_some()).map_err(fail)?;
        let ask = page(message.page_size, message.page_token);
        let listed =
            providers::list(&self.0, &caller, kind, identifier.as_deref(), &ask).await.map_err(fail)?;
        give(wire::ListProvidersResponse {
            providers: listed.items.into_iter().map(map::provider).collect(),
            next_page_token: listed.next.unwrap_or_default(),
            prev_page_token: listed.previous.unwrap_or_default(),
            total_size: count(listed.total),
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

/// Without a filter the list is the catalogue, and an identifier names one of either kind.
fn kind(
    filter: Option<wire::list_providers_request::Filter>,
    has_identifier: bool,
) -> Result<ProviderKind, Error> {
    let Some(filter) = filter else {
        return Ok(if has_identifier { ProviderKind::All } else { ProviderKind::Default });
    };
    match wire::ProviderType::try_from(filter.provider_type) {
        Ok(wire::ProviderType::Default) => Ok(ProviderKind::Default),
        Ok(wire::ProviderType::Custom) => Ok(ProviderKind::Custom),
        Ok(wire::ProviderType::All) => Ok(ProviderKind::All),
        Err(_) => Err(Error::field("filter.provider_type", "must be DEFAULT, CUSTOM or ALL")),
    }
}
