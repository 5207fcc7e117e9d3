//! Our own connector service: the catalogue with everything a form needs.

use std::sync::Arc;

use keybearer_app::connections::{self, ConnectionQuery};
use keybearer_app::connectors::Connector;
use keybearer_app::connectors::engine::auth_type;
use keybearer_app::{Caller, PageAsk, Permission, providers};
use tonic::{Request, Status, async_trait};

use super::map::{connector as map, count};
use super::{Answer, Service, fail, give, take};
use crate::api::proto::keybearer::v1 as own;
use own::connector_service_server::ConnectorService;

const DEFAULT_SIZE: usize = 50;

#[async_trait]
impl ConnectorService for Service {
    async fn list_connectors(
        &self,
        request: Request<own::ListConnectorsRequest>,
    ) -> Answer<own::ListConnectorsResponse> {
        let (caller, message) = take(request)?;
        caller.require(Permission::ConnectorsRead).map_err(fail)?;
        let found = self.matching(&caller, &message).await?;
        let start = message.page_token.parse().unwrap_or(0_usize).min(found.len());
        let size = if message.page_size == 0 { DEFAULT_SIZE } else { message.page_size as usize };
        let end = start.saturating_add(size).min(found.len());
        let mut connectors = Vec::new();
        for connector in found.get(start..end).unwrap_or_default() {
            let used = self.connections_of(&caller, &connector.slug).await?;
            connectors.push(map::summary(connector, self.shares(&connector.slug), used));
        }
        give(own::ListConnectorsResponse {
            connectors,
            next_page_token: if end < found.len() { end.to_string() } else { String::new() },
            total_size: count(i64::try_from(found.len()).unwrap_or(i64::MAX)),
        })
    }

    async fn get_connector(
        &self,
        request: Request<own::GetConnectorRequest>,
    ) -> Answer<own::GetConnectorResponse> {
        let (caller, message) = take(request)?;
        caller.require(Permission::ConnectorsRead).map_err(fail)?;
        let connector =
            providers::connector(&self.0, &caller.environment, &message.slug).await.map_err(fail)?;
        let used = self.connections_of(&caller, &connector.slug).await?;
        let connector = map::full(&connector, self.shares(&connector.slug), used);
        give(own::GetConnectorResponse { connector: Some(connector) })
    }
}

impl Service {
    async fn matching(
        &self,
        caller: &Caller,
        message: &own::ListConnectorsRequest,
    ) -> Result<Vec<Arc<Connector>>, Status> {
        let catalogue = providers::catalogue(&self.0, caller).await.map_err(fail)?;
        let all = match message.query.is_empty() {
            true => catalogue.iter().cloned().collect(),
            false => catalogue.search(&message.query),
        };
        let of_category = |connector: &Arc<Connector>| {
            message.category.is_empty() || connector.categories.contains(&message.category)
        };
        let of_type = |connector: &Arc<Connector>| {
            let wanted = &message.auth_type;
            wanted.is_empty() || connector.auth.iter().any(|method| auth_type(method).as_str() == wanted)
        };
        Ok(all.into_iter().filter(of_category).filter(of_type).collect())
    }

    fn shares(&self, slug: &str) -> bool {
        self.0.config().shared_credentials.contains_key(slug)
    }

    async fn connections_of(&self, caller: &Caller, slug: &str) -> Result<u32, Status> {
        let query = ConnectionQuery { connector: Some(slug.to_owned()), ..ConnectionQuery::default() };
        let listed = connections::list(&self.0, caller, &query, &PageAsk::first(1)).await.map_err(fail)?;
        Ok(count(listed.total))
    }
}
