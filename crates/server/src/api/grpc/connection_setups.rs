//! Our own connection service: drafts, credentials, state, tests.

use keybearer_app::connections::{
    self, ConnectionQuery, CreateConnection, KeepEarlier, Rotation, SetCredentials, UpdateConnection,
};
use keybearer_app::connectors::Bindings;
use keybearer_app::flows;
use keybearer_core::{ConnectionState, CredentialSource, SecretString};
use tonic::{Request, async_trait};

use super::map::{connection as map, count, filled, from_time, sorted, time};
use super::{Answer, Service, fail, give, page, take};
use crate::api::proto::keybearer::v1 as own;
use own::connection_setup_service_server::ConnectionSetupService;

type Setup = Answer<own::ConnectionSetupResponse>;

#[async_trait]
impl ConnectionSetupService for Service {
    async fn create_connection_draft(&self, request: Request<own::CreateConnectionDraftRequest>) -> Setup {
        let (caller, message) = take(request)?;
        let new = CreateConnection {
            connector: message.connector,
            method: filled(message.method),
            name: filled(message.name),
            label: message.label,
            org_wide: message.auth_mode == "org_wide",
            draft: true,
            ..CreateConnection::default()
        };
        answer(connections::create(&self.0, &caller, new).await)
    }

    async fn list_connection_setups(
        &self,
        request: Request<own::ListConnectionSetupsRequest>,
    ) -> Answer<own::ListConnectionSetupsResponse> {
        let (caller, message) = take(request)?;
        let query = ConnectionQuery {
            connector: filled(message.connector),
            state: ConnectionState::parse(&message.state),
            query: filled(message.query),
        };
        let ask = page(message.page_size, message.page_token);
        let listed = connections::list(&self.0, &caller, &query, &ask).await.map_err(fail)?;
        give(own::ListConnectionSetupsResponse {
            next_page_token: listed.next.unwrap_or_default(),
            total_size: count(listed.total),
            connections: listed.items.into_iter().map(map::setup).collect(),
        })
    }

    async fn get_connection_setup(&self, request: Request<own::GetConnectionSetupRequest>) -> Setup {
        let (caller, message) = take(request)?;
        answer(connections::get(&self.0, &caller, &message.connection).await)
    }

    async fn update_connection_setup(&self, request: Request<own::UpdateConnectionSetupRequest>) -> Setup {
        let (caller, message) = take(request)?;
        let name = message.connection.clone();
        answer(connections::update(&self.0, &caller, &name, patch(message)).await)
    }

    async fn replace_client_secret(&self, request: Request<own::ReplaceClientSecretRequest>) -> Setup {
        let (caller, message) = take(request)?;
        let rotation = Rotation {
            secrets: client_secret(message.client_secret),
            keep: match message.keep_earlier.as_str() {
                "hour" => Some(KeepEarlier::Hour),
                "day" => Some(KeepEarlier::Day),
                "until_removed" => Some(KeepEarlier::UntilRemoved),
                _ => None,
            },
            ends_at: message.ends_at.as_ref().map(from_time),
        };
        let set = connections::rotate_secret(&self.0, &caller, &message.connection, rotation).await;
        answer(set.map(|set| set.connection))
    }

    async fn remove_earlier_secret(&self, request: Request<own::RemoveEarlierSecretRequest>) -> Setup {
        let (caller, message) = take(request)?;
        answer(connections::forget_earlier_secret(&self.0, &caller, &message.connection).await)
    }

    async fn replace_client(&self, request: Request<own::ReplaceClientRequest>) -> Setup {
        let (caller, message) = take(request)?;
        let set = SetCredentials::ReplaceClient {
            source: CredentialSource::parse(&message.credential_source).unwrap_or(CredentialSource::Own),
            client_id: filled(message.client_id),
            secrets: client_secret(message.client_secret),
        };
        let set = connections::set_credentials(&self.0, &caller, &message.connection, set).await;
        answer(set.map(|set| set.connection))
    }

    async fn activate_connection(&self, request: Request<own::ActivateConnectionRequest>) -> Setup {
        let (caller, message) = take(request)?;
        answer(connections::activate(&self.0, &caller, &message.connection).await)
    }

    async fn pause_connection(&self, request: Request<own::PauseConnectionRequest>) -> Setup {
        let (caller, message) = take(request)?;
        answer(connections::pause(&self.0, &caller, &message.connection).await)
    }

    async fn resume_connection(&self, request: Request<own::ResumeConnectionRequest>) -> Setup {
        let (caller, message) = take(request)?;
        answer(connections::resume(&self.0, &caller, &message.connection).await)
    }

    async fn create_test_link(
        &self,
        request: Request<own::CreateTestLinkRequest>,
    ) -> Answer<own::CreateTestLinkResponse> {
        let (caller, message) = take(request)?;
        let link = flows::create_test_link(&self.0, &caller, &message.connection).await.map_err(fail)?;
        give(own::CreateTestLinkResponse {
            link: link.url.to_string(),
            expires_at: Some(time(link.expires_at)),
            test_request_id: flows::test_request_id(&link.flow_id),
        })
    }

    async fn delete_connection(&self, request: Request<own::DeleteConnectionRequest>) -> Answer<()> {
        let (caller, message) = take(request)?;
        let expected =
            message.force.then_some(i64::from(message.expected_accounts)).filter(|count| *count > 0);
        let deleted =
            connections::delete(&self.0, &caller, &message.connection, expected, message.force).await;
        deleted.map_err(fail)?;
        give(())
    }
}

fn answer(outcome: keybearer_core::Result<connections::Connection>) -> Setup {
    give(own::ConnectionSetupResponse { connection: Some(map::setup(outcome.map_err(fail)?)) })
}

fn client_secret(text: String) -> Bindings {
    match filled(text) {
        Some(secret) => Bindings::new().with("client_secret", secret),
        None => Bindings::new(),
    }
}

fn patch(message: own::UpdateConnectionSetupRequest) -> UpdateConnection {
    let mut secrets = Bindings::new();
    if let Some(secret) = message.client_secret {
        secrets.insert("client_secret", SecretString::new(secret));
    }
    UpdateConnection {
        name: message.name,
        label: message.label,
        blurb_for_users: message.blurb_for_users,
        source: message.credential_source.as_deref().and_then(CredentialSource::parse),
        client_id: message.client_id,
        fields: sorted(message.fields),
        secrets,
        scopes: message.scopes.map(map::scopes),
        extra_authorize_params: message.extra_authorize_params.map(|extra| sorted(extra.values)),
        proxy_enabled: message.proxy_enabled,
        expected_version: i64::try_from(message.expected_version).ok().filter(|version| *version > 0),
        org_wide: message.auth_mode.filter(|mode| !mode.is_empty()).map(|mode| mode == "org_wide"),
        ..UpdateConnection::default()
    }
}
