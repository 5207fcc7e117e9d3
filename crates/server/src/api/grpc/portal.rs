//! The answers of the methods that the browser of a connect link calls; their handlers only hand over.

use keybearer_app::portal::{self, MyConnection};
use keybearer_core::AccountStatus;
use tonic::{Request, Status};

use super::map::{account as map, provider::provider, time};
use super::{Answer, Service, fail, give, take};
use crate::api::proto::scalekit::v1::connected_accounts as wire;
use crate::api::proto::scalekit::v1::providers;

impl Service {
    pub(super) async fn redirect_url(
        &self,
        request: Request<wire::CreateRedirectUrlRequest>,
    ) -> Answer<wire::GetRedirectUrlResponse> {
        let (caller, message) = take(request)?;
        let selection = message.scope_selection.map(map::selection);
        let url = portal::redirect_url(&self.0, &caller, selection.as_ref()).await.map_err(fail)?;
        give(wire::GetRedirectUrlResponse { redirect_url: url.into() })
    }

    pub(super) async fn my_connections(
        &self,
        request: Request<wire::ListMyAppConnectionsRequest>,
    ) -> Answer<wire::ListMyAppConnectionsResponse> {
        let (caller, _) = take(request)?;
        let mine = portal::connections(&self.0, &caller).await.map_err(fail)?;
        give(wire::ListMyAppConnectionsResponse { connections: mine.into_iter().map(entry).collect() })
    }

    pub(super) async fn disconnect_mine(
        &self,
        request: Request<wire::DisconnectMyConnectedAccountRequest>,
    ) -> Answer<wire::DisconnectConnectedAccountResponse> {
        let (caller, message) = take(request)?;
        let account = portal::disconnect_mine(&self.0, &caller, &message.id).await.map_err(fail)?;
        give(wire::DisconnectConnectedAccountResponse { connected_account: Some(map::full(account)) })
    }

    pub(super) async fn my_link(
        &self,
        request: Request<wire::GetMyConnectionMagicLinkRequest>,
    ) -> Answer<wire::GetMyConnectionMagicLinkResponse> {
        let (caller, message) = take(request)?;
        let link = portal::link(&self.0, &caller, &message.connection_name).await.map_err(fail)?;
        give(wire::GetMyConnectionMagicLinkResponse {
            link: link.url.to_string(),
            expiry: Some(time(link.expires_at)),
        })
    }

    pub(super) async fn my_providers(
        &self,
        request: Request<providers::ListMyProvidersRequest>,
    ) -> Result<Vec<providers::Provider>, Status> {
        let (caller, _) = take(request)?;
        let mine = portal::connectors(&self.0, &caller).await.map_err(fail)?;
        Ok(mine.into_iter().map(provider).collect())
    }
}

fn entry(mine: MyConnection) -> wire::MyAppConnectionEntry {
    let (id, status) = mine.account.unzip();
    wire::MyAppConnectionEntry {
        connection_id: mine.connection_id.to_string(),
        provider: mine.provider,
        connection_name: mine.connection_name,
        enabled: mine.enabled,
        user_status: status.map(AccountStatus::as_str).unwrap_or_default().to_owned(),
        connected_account_id: id.map(|id| id.to_string()).unwrap_or_default(),
    }
}
