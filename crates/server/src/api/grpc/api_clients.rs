//! API clients.

use std::time::Duration;

use keybearer_app::Permissions;
use keybearer_app::clients::{self, ApiClient, ClientSecret, NewSecret};
use keybearer_app::environments;
use keybearer_core::ids::ClientId;
use keybearer_core::{Code, Error};
use tonic::{Request, Status, async_trait};

use super::map::{count, time};
use super::{Answer, Service, fail, give, take};
use crate::api::proto::keybearer::v1 as own;
use own::api_client_service_server::ApiClientService;

#[async_trait]
impl ApiClientService for Service {
    async fn create_api_client(
        &self,
        request: Request<own::CreateApiClientRequest>,
    ) -> Answer<own::ApiClientSecretResponse> {
        let (caller, message) = take(request)?;
        let permissions = match message.permissions.is_empty() {
            true => Permissions::default_set(),
            false => Permissions::parse(message.permissions.iter().map(String::as_str)).map_err(fail)?,
        };
        let caller = match message.environment.as_str() {
            "" => caller,
            other => environments::enter(&self.0, &caller, other).await.map_err(fail)?,
        };
        let made = clients::create(&self.0, &caller, &message.name, permissions).await.map_err(fail)?;
        give(with_secret(made))
    }

    async fn list_api_clients(
        &self,
        request: Request<own::ListApiClientsRequest>,
    ) -> Answer<own::ListApiClientsResponse> {
        let (caller, _) = take(request)?;
        let all = clients::list(&self.0, &caller).await.map_err(fail)?;
        give(own::ListApiClientsResponse {
            total_size: count(i64::try_from(all.len()).unwrap_or(i64::MAX)),
            next_page_token: String::new(),
            clients: all.into_iter().map(client).collect(),
        })
    }

    async fn rotate_api_client_secret(
        &self,
        request: Request<own::RotateApiClientSecretRequest>,
    ) -> Answer<own::ApiClientSecretResponse> {
        let (caller, message) = take(request)?;
        let overlap = Duration::from_secs(u64::from(message.overlap_seconds));
        let made = clients::rotate(&self.0, &caller, &id(&message.id)?, overlap).await.map_err(fail)?;
        give(with_secret(made))
    }

    async fn delete_api_client(&self, request: Request<own::DeleteApiClientRequest>) -> Answer<()> {
        let (caller, message) = take(request)?;
        clients::delete(&self.0, &caller, &id(&message.id)?).await.map_err(fail)?;
        give(())
    }
}

pub(super) fn id(text: &str) -> Result<ClientId, Status> {
    ClientId::parse(text).ok_or_else(|| fail(Error::new(Code::NotFound, "there is no such API client")))
}

fn with_secret(made: NewSecret) -> own::ApiClientSecretResponse {
    own::ApiClientSecretResponse {
        client: Some(client(made.client)),
        client_secret: made.secret.expose().clone(),
    }
}

fn client(client: ApiClient) -> own::ApiClient {
    own::ApiClient {
        id: client.id.to_string(),
        name: client.name,
        permissions: client.permissions.texts(),
        disabled: client.disabled,
        secrets: client.secrets.into_iter().filter(|secret| secret.active).map(secret).collect(),
        created_at: Some(time(client.created_at)),
        last_used_at: client.last_used_at.map(time),
    }
}

fn secret(secret: ClientSecret) -> own::ApiClientSecret {
    own::ApiClientSecret {
        id: secret.id.to_string(),
        suffix: secret.suffix,
        created_at: Some(time(secret.created_at)),
        expires_at: secret.expires_at.map(time),
    }
}
