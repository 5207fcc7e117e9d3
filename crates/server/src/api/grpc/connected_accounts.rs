//! The wire's account service.

use keybearer_app::accounts::{self, AccountQuery, CreateAccount, Lookup, UpdateAccount};
use keybearer_app::flows::{self, LinkRequest};
use keybearer_app::portal;
use tonic::{Request, async_trait};

use super::map::{account as map, count, filled, json, time};
use super::{Answer, Service, fail, give, page, take};
use crate::api::proto::scalekit::v1::connected_accounts as wire;
use wire::connected_account_service_server::ConnectedAccountService;

fn lookup_of(message: wire::GetConnectedAccountByIdentifierRequest) -> Lookup {
    map::lookup(message.id, message.connector, message.identifier, message.organization_id, message.user_id)
}

#[async_trait]
impl ConnectedAccountService for Service {
    async fn list_connected_accounts(
        &self,
        request: Request<wire::ListConnectedAccountsRequest>,
    ) -> Answer<wire::ListConnectedAccountsResponse> {
        let (caller, message) = take(request)?;
        let ask = page(message.page_size, message.page_token.clone());
        let listed = accounts::list(&self.0, &caller, &query(message), &ask).await.map_err(fail)?;
        give(wire::ListConnectedAccountsResponse {
            total_size: count(listed.total),
            next_page_token: listed.next.unwrap_or_default(),
            prev_page_token: listed.previous.unwrap_or_default(),
            connected_accounts: listed.items.into_iter().map(map::listed).collect(),
        })
    }

    async fn search_connected_accounts(
        &self,
        request: Request<wire::SearchConnectedAccountsRequest>,
    ) -> Answer<wire::SearchConnectedAccountsResponse> {
        let (caller, message) = take(request)?;
        let ask = page(message.page_size, message.page_token);
        let connection = filled(message.connection_id);
        let found = accounts::search(&self.0, &caller, &message.query, connection.as_deref(), &ask).await;
        let listed = found.map_err(fail)?;
        give(wire::SearchConnectedAccountsResponse {
            total_size: count(listed.total),
            next_page_token: listed.next.unwrap_or_default(),
            prev_page_token: listed.previous.unwrap_or_default(),
            connected_accounts: listed.items.into_iter().map(map::listed).collect(),
        })
    }

    async fn create_connected_account(
        &self,
        request: Request<wire::CreateConnectedAccountRequest>,
    ) -> Answer<wire::CreateConnectedAccountResponse> {
        let (caller, message) = take(request)?;
        let given = message.connected_account.unwrap_or_default();
        let new = CreateAccount {
            lookup: map::lookup(
                None,
                message.connector,
                message.identifier,
                message.organization_id,
                message.user_id,
            ),
            credentials: map::credentials(given.authorization_details),
            api_config: given.api_config.map(json::from_struct),
            ..CreateAccount::default()
        };
        let account = accounts::create(&self.0, &caller, new).await.map_err(fail)?;
        give(wire::CreateConnectedAccountResponse { connected_account: Some(map::full(account)) })
    }

    async fn update_connected_account(
        &self,
        request: Request<wire::UpdateConnectedAccountRequest>,
    ) -> Answer<wire::UpdateConnectedAccountResponse> {
        let (caller, message) = take(request)?;
        let given = message.connected_account.unwrap_or_default();
        let lookup = map::lookup(
            message.id,
            message.connector,
            message.identifier,
            message.organization_id,
            message.user_id,
        );
        let patch = UpdateAccount {
            credentials: map::credentials(given.authorization_details),
            api_config: given.api_config.map(json::from_struct),
            scope_selection: message.scope_selection.map(map::selection),
            ..UpdateAccount::default()
        };
        let account = portal::update(&self.0, &caller, &lookup, patch).await.map_err(fail)?;
        give(wire::UpdateConnectedAccountResponse { connected_account: Some(map::full(account)) })
    }

    async fn delete_connected_account(
        &self,
        request: Request<wire::DeleteConnectedAccountRequest>,
    ) -> Answer<wire::DeleteConnectedAccountResponse> {
        let (caller, message) = take(request)?;
        let lookup = map::lookup(
            message.id,
            message.connector,
            message.identifier,
            message.organization_id,
            message.user_id,
        );
        accounts::delete(&self.0, &caller, &lookup).await.map_err(fail)?;
        give(wire::DeleteConnectedAccountResponse {})
    }

    async fn get_magic_link_for_connected_account(
        &self,
        request: Request<wire::GetMagicLinkForConnectedAccountRequest>,
    ) -> Answer<wire::GetMagicLinkForConnectedAccountResponse> {
        let (caller, message) = take(request)?;
        let wanted = LinkRequest {
            lookup: map::lookup(
                message.id,
                message.connector,
                message.identifier,
                message.organization_id,
                message.user_id,
            ),
            app_state: message.state,
            user_verify_url: message.user_verify_url,
            ..LinkRequest::default()
        };
        let link = flows::create_link(&self.0, &caller, wanted).await.map_err(fail)?;
        give(wire::GetMagicLinkForConnectedAccountResponse {
            link: link.url.to_string(),
            expiry: Some(time(link.expires_at)),
        })
    }

    async fn get_connected_account(
        &self,
        request: Request<wire::GetConnectedAccountRequest>,
    ) -> Answer<wire::GetConnectedAccountResponse> {
        let (caller, message) = take(request)?;
        let account = portal::get(&self.0, &caller, &Lookup::id(message.id)).await.map_err(fail)?;
        give(wire::GetConnectedAccountResponse { connected_account: Some(map::full(account)) })
    }

    async fn disconnect_connected_account(
        &self,
        request: Request<wire::DisconnectConnectedAccountRequest>,
    ) -> Answer<wire::DisconnectConnectedAccountResponse> {
        let (caller, message) = take(request)?;
        let account = portal::disconnect(&self.0, &caller, &Lookup::id(message.id)).await.map_err(fail)?;
        give(wire::DisconnectConnectedAccountResponse { connected_account: Some(map::full(account)) })
    }

    async fn get_connected_account_auth(
        &self,
        request: Request<wire::GetConnectedAccountByIdentifierRequest>,
    ) -> Answer<wire::GetConnectedAccountByIdentifierResponse> {
        let (caller, message) = take(request)?;
        let auth = accounts::auth(&self.0, &caller, &lookup_of(message)).await.map_err(fail)?;
        give(wire::GetConnectedAccountByIdentifierResponse {
            connected_account: Some(map::with_secrets(auth)),
        })
    }

    async fn get_connected_account_details(
        &self,
        request: Request<wire::GetConnectedAccountByIdentifierRequest>,
    ) -> Answer<wire::GetConnectedAccountByIdentifierResponse> {
        let (caller, message) = take(request)?;
        let account = accounts::get(&self.0, &caller, &lookup_of(message)).await.map_err(fail)?;
        give(wire::GetConnectedAccountByIdentifierResponse { connected_account: Some(map::full(account)) })
    }

    async fn verify_connected_account_user(
        &self,
        request: Request<wire::VerifyConnectedAccountUserRequest>,
    ) -> Answer<wire::VerifyConnectedAccountUserResponse> {
        let (caller, message) = take(request)?;
        let verified = flows::verify(&self.0, &caller, &message.auth_request_id, &message.identifier).await;
        give(wire::VerifyConnectedAccountUserResponse {
            post_user_verify_redirect_url: verified.map_err(fail)?,
        })
    }

    async fn authorize_org_wide_credential(
        &self,
        request: Request<wire::AuthorizeOrgWideCredentialRequest>,
    ) -> Answer<wire::AuthorizeOrgWideCredentialResponse> {
        let (caller, message) = take(request)?;
        let credentials = map::credentials(message.authorization_details);
        let api_config = message.api_config.map(json::from_struct);
        let connection = message.connection_id;
        let authorized =
            accounts::authorize_org_wide(&self.0, &caller, &connection, credentials, api_config).await;
        give(map::org_wide(authorized.map_err(fail)?))
    }

    async fn get_redirect_url(
        &self,
        request: Request<wire::GetRedirectUrlRequest>,
    ) -> Answer<wire::GetRedirectUrlResponse> {
        self.redirect_url(request.map(|_| wire::CreateRedirectUrlRequest { scope_selection: None })).await
    }

    async fn create_redirect_url(
        &self,
        request: Request<wire::CreateRedirectUrlRequest>,
    ) -> Answer<wire::GetRedirectUrlResponse> {
        self.redirect_url(request).await
    }

    async fn list_my_app_connections(
        &self,
        request: Request<wire::ListMyAppConnectionsRequest>,
    ) -> Answer<wire::ListMyAppConnectionsResponse> {
        self.my_connections(request).await
    }

    async fn disconnect_my_connected_account(
        &self,
        request: Request<wire::DisconnectMyConnectedAccountRequest>,
    ) -> Answer<wire::DisconnectConnectedAccountResponse> {
        self.disconnect_mine(request).await
    }

    async fn get_my_connection_magic_link(
        &self,
        request: Request<wire::GetMyConnectionMagicLinkRequest>,
    ) -> Answer<wire::GetMyConnectionMagicLinkResponse> {
        self.my_link(request).await
    }
}

fn query(message: wire::ListConnectedAccountsRequest) -> AccountQuery {
    let mut connection_names = message.connection_names;
    connection_names.extend(message.connector.and_then(filled));
    AccountQuery {
        connection_names,
        connector: filled(message.provider),
        identifier: message.identifier.and_then(filled),
        organization_id: message.organization_id.and_then(filled),
        user_id: message.user_id.and_then(filled),
        query: filled(message.query),
        org_wide: message.is_org_wide_credential,
        ..AccountQuery::default()
    }
}
