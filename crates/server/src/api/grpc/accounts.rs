//! Our own account service: states with reasons, import, refresh, revocation.

use std::time::Duration;

use keybearer_app::accounts::{self, Account, AccountQuery, ImportAccount, Lookup, RefreshRecord};
use keybearer_app::flows::{self, LinkRequest};
use keybearer_app::refresh_now;
use keybearer_app::user_pages::{self, UserPageRequest};
use keybearer_core::ids::AccountId;
use keybearer_core::{AccountStatus, Code, Error, SecretString};
use tonic::{Request, Status, async_trait};

use super::map::{count, filled, from_time, json, large, secret, sorted, time};
use super::{Answer, Service, fail, give, page, take};
use crate::api::proto::keybearer::v1 as own;
use own::account_service_server::AccountService;

#[async_trait]
impl AccountService for Service {
    async fn list_accounts(
        &self,
        request: Request<own::ListAccountsRequest>,
    ) -> Answer<own::ListAccountsResponse> {
        let (caller, message) = take(request)?;
        let ask = page(message.page_size, message.page_token.clone());
        let listed = accounts::list(&self.0, &caller, &query(message)?, &ask).await.map_err(fail)?;
        give(own::ListAccountsResponse {
            next_page_token: listed.next.unwrap_or_default(),
            total_size: count(listed.total),
            accounts: listed.items.into_iter().map(account).collect(),
        })
    }

    async fn get_account(&self, request: Request<own::GetAccountRequest>) -> Answer<own::AccountResponse> {
        let (caller, message) = take(request)?;
        let found = accounts::get(&self.0, &caller, &Lookup::id(message.id)).await.map_err(fail)?;
        give(own::AccountResponse { account: Some(account(found)) })
    }

    async fn import_account(
        &self,
        request: Request<own::ImportAccountRequest>,
    ) -> Answer<own::AccountResponse> {
        let (caller, message) = take(request)?;
        let imported = accounts::import_one(&self.0, &caller, import(message)).await.map_err(fail)?;
        let found =
            accounts::get(&self.0, &caller, &Lookup::id(imported.id.to_string())).await.map_err(fail)?;
        give(own::AccountResponse { account: Some(account(found)) })
    }

    async fn refresh_account(
        &self,
        request: Request<own::RefreshAccountRequest>,
    ) -> Answer<own::AccountResponse> {
        let (caller, message) = take(request)?;
        let unknown = || fail(Error::new(Code::AccountNotFound, "there is no such account"));
        let id = AccountId::parse(&message.id).ok_or_else(unknown)?;
        refresh_now(&self.0, &caller, &id).await.map_err(fail)?;
        let found = accounts::get(&self.0, &caller, &Lookup::id(message.id)).await.map_err(fail)?;
        give(own::AccountResponse { account: Some(account(found)) })
    }

    async fn revoke_account(
        &self,
        request: Request<own::RevokeAccountRequest>,
    ) -> Answer<own::AccountResponse> {
        let (caller, message) = take(request)?;
        let done = accounts::revoke(&self.0, &caller, &Lookup::id(message.id)).await.map_err(fail)?;
        give(own::AccountResponse { account: Some(account(done.account)) })
    }

    async fn list_account_refreshes(
        &self,
        request: Request<own::ListAccountRefreshesRequest>,
    ) -> Answer<own::ListAccountRefreshesResponse> {
        let (caller, message) = take(request)?;
        let limit = if message.page_size == 0 { 20 } else { message.page_size };
        let records =
            accounts::history(&self.0, &caller, &Lookup::id(message.id), limit).await.map_err(fail)?;
        give(own::ListAccountRefreshesResponse {
            refreshes: records.into_iter().map(refresh).collect(),
            next_page_token: String::new(),
        })
    }

    async fn create_connect_link(
        &self,
        request: Request<own::CreateConnectLinkRequest>,
    ) -> Answer<own::CreateConnectLinkResponse> {
        let (caller, message) = take(request)?;
        let seconds = Some(message.lifetime_seconds).filter(|seconds| *seconds > 0);
        let wanted = LinkRequest {
            lookup: Lookup::of(message.connection, message.identifier),
            app_state: filled(message.state),
            user_verify_url: filled(message.user_verify_url),
            lifetime: seconds.map(|seconds| Duration::from_secs(u64::from(seconds))),
            locale: filled(message.locale),
            fields: sorted(message.fields),
            return_url: filled(message.return_url),
            note: filled(message.note),
            ..LinkRequest::default()
        };
        let link = flows::create_link(&self.0, &caller, wanted).await.map_err(fail)?;
        give(own::CreateConnectLinkResponse {
            link: link.url.to_string(),
            expiry: Some(time(link.expires_at)),
            account_id: link.account_id.to_string(),
        })
    }

    async fn end_user_pages(
        &self,
        request: Request<own::EndUserPagesRequest>,
    ) -> Answer<own::EndUserPagesResponse> {
        let (caller, message) = take(request)?;
        let ended = user_pages::end(&self.0, &caller, &message.identifier).await.map_err(fail)?;
        give(own::EndUserPagesResponse { ended: u32::try_from(ended).unwrap_or(u32::MAX) })
    }

    async fn create_user_page(
        &self,
        request: Request<own::CreateUserPageRequest>,
    ) -> Answer<own::CreateUserPageResponse> {
        let (caller, message) = take(request)?;
        let seconds = Some(message.lifetime_seconds).filter(|seconds| *seconds > 0);
        let wanted = UserPageRequest {
            identifier: message.identifier,
            organization_id: message.organization_id,
            user_id: message.user_id,
            connections: message.connections,
            manage: message.manage,
            user_verify_url: filled(message.user_verify_url),
            app_state: filled(message.state),
            return_url: filled(message.return_url),
            locale: filled(message.locale),
            note: filled(message.note),
            lifetime: seconds.map(|seconds| Duration::from_secs(u64::from(seconds))),
        };
        let page = user_pages::create(&self.0, &caller, wanted).await.map_err(fail)?;
        give(own::CreateUserPageResponse {
            id: page.id.to_string(),
            link: page.url.to_string(),
            expiry: Some(time(page.expires_at)),
        })
    }
}

fn query(message: own::ListAccountsRequest) -> Result<AccountQuery, Status> {
    let status = match message.status.first() {
        None => None,
        Some(text) => {
            let known = AccountStatus::parse(&text.to_ascii_uppercase());
            Some(
                known
                    .ok_or_else(|| fail(Error::field("status", "must be one of the five account states")))?,
            )
        }
    };
    if message.status.len() > 1 {
        return Err(fail(Error::field("status", "must be given at most once")));
    }
    Ok(AccountQuery {
        connection: filled(message.connection),
        identifier: filled(message.identifier),
        status,
        query: filled(message.query),
        ..AccountQuery::default()
    })
}

fn import(message: own::ImportAccountRequest) -> ImportAccount {
    let end = |at: Option<prost_types::Timestamp>| at.map(|at| from_time(&at).rfc3339());
    ImportAccount {
        connection: message.connection,
        identifier: message.identifier,
        organization_id: message.organization_id,
        user_id: message.user_id,
        access_token: secret(message.access_token),
        refresh_token: secret(message.refresh_token),
        access_token_expires_at: end(message.access_token_expires_at),
        refresh_token_expires_at: end(message.refresh_token_expires_at),
        scopes: message.scopes,
        fields: sorted(message.fields)
            .into_iter()
            .map(|(name, value)| (name, SecretString::new(value)))
            .collect(),
        api_config: message.api_config.map(json::from_struct),
        replace: message.replace,
    }
}

fn refresh(record: RefreshRecord) -> own::Refresh {
    own::Refresh {
        at: Some(time(record.at)),
        outcome: record.outcome,
        reason: record.reason.unwrap_or_default(),
        generation: large(record.generation),
        duration_ms: large(record.duration_ms),
    }
}

fn account(account: Account) -> own::Account {
    own::Account {
        id: account.id.to_string(),
        identifier: account.identifier,
        connection_id: account.connection_id.to_string(),
        connection: account.connection,
        connector: account.connector,
        organization_id: account.organization_id,
        user_id: account.user_id,
        status: account.status.to_string(),
        reason: account.reason.to_string(),
        next_step: account.next_step.unwrap_or_default(),
        auth_type: account.auth_type.to_string(),
        identity_id: account.identity_id.unwrap_or_default(),
        identity_label: account.identity_label.unwrap_or_default(),
        previous_identity_id: account.previous_identity_id.unwrap_or_default(),
        granted_scopes: account.granted_scopes,
        missing_scopes: account.missing_scopes,
        access_token_expires_at: account.access_expires_at.map(time),
        refresh_token_expires_at: account.refresh_expires_at.map(time),
        next_refresh_at: account.next_refresh_at.map(time),
        last_used_at: account.last_used_at.map(time),
        generation: large(account.generation),
        failure_count: count(account.failure_count),
        failing_since: account.failing_since.map(time),
        last_failure: account.last_failure.unwrap_or_default(),
        revoke_outcome: account.revoke_outcome.map(|outcome| outcome.as_str().to_owned()).unwrap_or_default(),
        on_earlier_client: account.on_earlier_client,
        fields: account.fields.into_iter().collect(),
        created_at: Some(time(account.created_at)),
        updated_at: Some(time(account.updated_at)),
        org_wide: account.org_wide,
        connected_at: account.connected_at.map(time),
    }
}
