//! Handlers that answer with what they got, behind the real gate.

use std::sync::Arc;

use axum::body::Body;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use keybearer_app::{Actor, Caller, Permission, Permissions};
use keybearer_core::ids::{ClientId, EnvironmentId};
use keybearer_core::{Code, Error, Reference, SecretString, SeededEntropy};
use keybearer_server::api::proto::scalekit::v1::connected_accounts as accounts;
use keybearer_server::api::proto::scalekit::v1::connections;
use keybearer_server::api::{Authenticate, Front, Hook, Hooks, IssuedToken, status};
use serde_json::{Value, json};
use tonic::{Request as Call, Response as Answer, Status};

pub type Reply<T> = Result<Answer<T>, Status>;

#[derive(Clone, Default)]
pub struct Echo;

fn account(identifier: &str) -> accounts::ConnectedAccount {
    accounts::ConnectedAccount {
        id: "ca_1".to_owned(),
        identifier: identifier.to_owned(),
        status: accounts::ConnectorStatus::Active.into(),
        updated_at: Some(prost_types::Timestamp { seconds: 1_893_553_445, nanos: 678_000_000 }),
        ..Default::default()
    }
}

#[tonic::async_trait]
impl accounts::connected_account_service_server::ConnectedAccountService for Echo {
    async fn list_connected_accounts(
        &self,
        call: Call<accounts::ListConnectedAccountsRequest>,
    ) -> Reply<accounts::ListConnectedAccountsResponse> {
        let ask = call.into_inner();
        let entry = accounts::ConnectedAccountForList {
            identifier: ask.identifier().to_owned(),
            connector: ask.connection_names.join("+"),
            ..Default::default()
        };
        Ok(Answer::new(accounts::ListConnectedAccountsResponse {
            connected_accounts: vec![entry],
            total_size: ask.page_size,
            ..Default::default()
        }))
    }

    async fn search_connected_accounts(
        &self,
        call: Call<accounts::SearchConnectedAccountsRequest>,
    ) -> Reply<accounts::SearchConnectedAccountsResponse> {
        let next_page_token = call.into_inner().query;
        Ok(Answer::new(accounts::SearchConnectedAccountsResponse { next_page_token, ..Default::default() }))
    }

    async fn create_connected_account(
        &self,
        call: Call<accounts::CreateConnectedAccountRequest>,
    ) -> Reply<accounts::CreateConnectedAccountResponse> {
        let ask = call.into_inner();
        let mut made = account(ask.identifier());
        let given = ask.connected_account.unwrap_or_default();
        made.authorization_details = given.authorization_details;
        made.api_config = given.api_config;
        Ok(Answer::new(accounts::CreateConnectedAccountResponse { connected_account: Some(made) }))
    }

    async fn update_connected_account(
        &self,
        _: Call<accounts::UpdateConnectedAccountRequest>,
    ) -> Reply<accounts::UpdateConnectedAccountResponse> {
        panic!("a handler that panics");
    }

    async fn delete_connected_account(
        &self,
        _: Call<accounts::DeleteConnectedAccountRequest>,
    ) -> Reply<accounts::DeleteConnectedAccountResponse> {
        Ok(Answer::new(accounts::DeleteConnectedAccountResponse {}))
    }

    async fn get_magic_link_for_connected_account(
        &self,
        _: Call<accounts::GetMagicLinkForConnectedAccountRequest>,
    ) -> Reply<accounts::GetMagicLinkForConnectedAccountResponse> {
        Err(status(Error::new(Code::RateLimited, "too many links").with_retry_after(30)))
    }

    async fn get_connected_account(
        &self,
        call: Call<accounts::GetConnectedAccountRequest>,
    ) -> Reply<accounts::GetConnectedAccountResponse> {
        let caller = call.extensions().get::<Caller>().cloned();
        assert!(caller.is_some(), "the gate puts the caller beside the request");
        let id = call.into_inner().id;
        if id == "ca_404" {
            return Err(status(Error::new(Code::AccountNotFound, "connected account not found: \u{e4}")));
        }
        Ok(Answer::new(accounts::GetConnectedAccountResponse { connected_account: Some(account(&id)) }))
    }

    async fn disconnect_connected_account(
        &self,
        call: Call<accounts::DisconnectConnectedAccountRequest>,
    ) -> Reply<accounts::DisconnectConnectedAccountResponse> {
        let connected_account = Some(account(&call.into_inner().id));
        Ok(Answer::new(accounts::DisconnectConnectedAccountResponse { connected_account }))
    }

    async fn get_connected_account_auth(
        &self,
        _: Call<accounts::GetConnectedAccountByIdentifierRequest>,
    ) -> Reply<accounts::GetConnectedAccountByIdentifierResponse> {
        Ok(Answer::new(accounts::GetConnectedAccountByIdentifierResponse::default()))
    }

    async fn get_connected_account_details(
        &self,
        _: Call<accounts::GetConnectedAccountByIdentifierRequest>,
    ) -> Reply<accounts::GetConnectedAccountByIdentifierResponse> {
        Ok(Answer::new(accounts::GetConnectedAccountByIdentifierResponse::default()))
    }

    async fn verify_connected_account_user(
        &self,
        _: Call<accounts::VerifyConnectedAccountUserRequest>,
    ) -> Reply<accounts::VerifyConnectedAccountUserResponse> {
        Err(status(Error::new(Code::ProviderUnavailable, "the provider does not answer")))
    }

    async fn authorize_org_wide_credential(
        &self,
        _: Call<accounts::AuthorizeOrgWideCredentialRequest>,
    ) -> Reply<accounts::AuthorizeOrgWideCredentialResponse> {
        Ok(Answer::new(accounts::AuthorizeOrgWideCredentialResponse::default()))
    }

    async fn get_redirect_url(
        &self,
        _: Call<accounts::GetRedirectUrlRequest>,
    ) -> Reply<accounts::GetRedirectUrlResponse> {
        Ok(Answer::new(accounts::GetRedirectUrlResponse::default()))
    }

    async fn create_redirect_url(
        &self,
        _: Call<accounts::CreateRedirectUrlRequest>,
    ) -> Reply<accounts::GetRedirectUrlResponse> {
        Ok(Answer::new(accounts::GetRedirectUrlResponse::default()))
    }

    async fn list_my_app_connections(
        &self,
        _: Call<accounts::ListMyAppConnectionsRequest>,
    ) -> Reply<accounts::ListMyAppConnectionsResponse> {
        Ok(Answer::new(accounts::ListMyAppConnectionsResponse::default()))
    }

    async fn disconnect_my_connected_account(
        &self,
        _: Call<accounts::DisconnectMyConnectedAccountRequest>,
    ) -> Reply<accounts::DisconnectConnectedAccountResponse> {
        Ok(Answer::new(accounts::DisconnectConnectedAccountResponse::default()))
    }

    async fn get_my_connection_magic_link(
        &self,
        _: Call<accounts::GetMyConnectionMagicLinkRequest>,
    ) -> Reply<accounts::GetMyConnectionMagicLinkResponse> {
        Ok(Answer::new(accounts::GetMyConnectionMagicLinkResponse::default()))
    }
}

#[tonic::async_trait]
impl connections::connection_service_server::ConnectionService for Echo {
    async fn create_environment_connection(
        &self,
        call: Call<connections::CreateEnvironmentConnectionRequest>,
    ) -> Reply<connections::CreateConnectionResponse> {
        let ask = call.into_inner();
        let given = ask.connection.unwrap_or_default();
        let connection = connections::Connection {
            provider_key: given.provider_key,
            r#type: given.r#type,
            enabled: ask.flags.unwrap_or_default().is_app,
            key_id: given.key_id,
            ..Default::default()
        };
        Ok(Answer::new(connections::CreateConnectionResponse { connection: Some(connection) }))
    }

    async fn get_environment_connection(
        &self,
        call: Call<connections::GetEnvironmentConnectionRequest>,
    ) -> Reply<connections::GetConnectionResponse> {
        let connection =
            connections::Connection { id: call.into_inner().connection_id, ..Default::default() };
        Ok(Answer::new(connections::GetConnectionResponse { connection: Some(connection) }))
    }

    async fn list_connections(
        &self,
        _: Call<connections::ListConnectionsRequest>,
    ) -> Reply<connections::ListConnectionsResponse> {
        Ok(Answer::new(connections::ListConnectionsResponse::default()))
    }

    async fn update_environment_connection(
        &self,
        call: Call<connections::UpdateEnvironmentConnectionRequest>,
    ) -> Reply<connections::UpdateConnectionResponse> {
        let ask = call.into_inner();
        let settings = match ask.connection.unwrap_or_default().settings {
            Some(connections::update_connection::Settings::OauthConfig(config)) => {
                Some(connections::connection::Settings::OauthConfig(config))
            }
            _ => None,
        };
        let connection = connections::Connection { id: ask.connection_id, settings, ..Default::default() };
        Ok(Answer::new(connections::UpdateConnectionResponse { connection: Some(connection) }))
    }

    async fn delete_environment_connection(
        &self,
        _: Call<connections::DeleteEnvironmentConnectionRequest>,
    ) -> Reply<()> {
        Ok(Answer::new(()))
    }

    async fn enable_environment_connection(
        &self,
        call: Call<connections::ToggleEnvironmentConnectionRequest>,
    ) -> Reply<connections::ToggleConnectionResponse> {
        let error_message = Some(call.into_inner().connection_id);
        Ok(Answer::new(connections::ToggleConnectionResponse { enabled: true, error_message }))
    }

    async fn disable_environment_connection(
        &self,
        _: Call<connections::ToggleEnvironmentConnectionRequest>,
    ) -> Reply<connections::ToggleConnectionResponse> {
        Ok(Answer::new(connections::ToggleConnectionResponse::default()))
    }

    async fn list_app_connections(
        &self,
        _: Call<connections::ListAppConnectionsRequest>,
    ) -> Reply<connections::ListAppConnectionsResponse> {
        Ok(Answer::new(connections::ListAppConnectionsResponse::default()))
    }

    async fn get_connection_context(
        &self,
        _: Call<connections::GetConnectionContextRequest>,
    ) -> Reply<connections::GetConnectionContextResponse> {
        Ok(Answer::new(connections::GetConnectionContextResponse::default()))
    }

    async fn update_connection_context(
        &self,
        _: Call<connections::UpdateConnectionContextRequest>,
    ) -> Reply<()> {
        Ok(Answer::new(()))
    }

    async fn get_connection_test_result(
        &self,
        _: Call<connections::GetConnectionTestResultRequest>,
    ) -> Reply<connections::GetConnectionTestResultResponse> {
        Ok(Answer::new(connections::GetConnectionTestResultResponse::default()))
    }
}

fn caller(permissions: Permissions) -> Caller {
    Caller {
        environment: EnvironmentId::from_number(1),
        actor: Actor::Client(ClientId::from_number(1)),
        reference: Reference::unknown(),
        permissions,
    }
}

/// A front whose tokens are `good` (everything), `reader` (reads accounts only) and nothing else.
pub fn front() -> Front {
    let authenticate = Authenticate::new(|token: SecretString| async move {
        match token.expose().as_str() {
            "good" => Ok(caller(Permissions::all())),
            "reader" => Ok(caller(Permissions::parse([Permission::AccountsRead.as_str()])?)),
            _ => Err(Error::new(Code::Unauthenticated, "the access token is not valid (any more)")),
        }
    });
    let hooks = Hooks {
        authenticate,
        issue_token: Hook::new(|(ask, _): (keybearer_server::api::TokenRequest, _)| async move {
            if ask.client_id == "skc_1" && ask.client_secret.expose() == "s3 cret" {
                let access_token = SecretString::from("good");
                return Ok(IssuedToken { access_token, expires_in_seconds: 86_399, scope: String::new() });
            }
            Err(Error::new(Code::Unauthenticated, "the client id or the client secret is wrong"))
        }),
        public_keys: Hook::new(|()| async { Ok(json!({ "keys": [{ "kid": "snk_1" }] })) }),
        ready: Hook::new(|()| async { Err(Error::new(Code::DatabaseUnavailable, "")) }),
    };
    let services = tonic::service::Routes::new(
        accounts::connected_account_service_server::ConnectedAccountServiceServer::new(Echo),
    )
    .add_service(connections::connection_service_server::ConnectionServiceServer::new(Echo));
    let others = axum::Router::new()
        .route("/proxy/{*path}", axum::routing::any(|uri: http::Uri| async move { uri.path().to_owned() }));
    Front::new(services, hooks, Arc::new(SeededEntropy::new(1)), others).unwrap()
}

/// One REST answer.
pub struct Got {
    pub status: u16,
    pub headers: http::HeaderMap,
    pub text: String,
}

impl Got {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    pub fn error_code(&self) -> String {
        self.json()["details"][0]["error_code"].as_str().unwrap().to_owned()
    }
}

pub async fn read(response: Response<Body>) -> Got {
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    Got { status: parts.status.as_u16(), headers: parts.headers, text }
}

/// Sends a request with the token `good`.
pub async fn send(verb: &str, path: &str, body: Option<&str>) -> Got {
    let mut request = Request::builder().method(verb).uri(path).header("authorization", "Bearer good");
    if body.is_some() {
        request = request.header("content-type", "application/json");
    }
    let request = request.body(Body::from(body.unwrap_or_default().to_owned())).unwrap();
    read(front().respond(request).await).await
}
