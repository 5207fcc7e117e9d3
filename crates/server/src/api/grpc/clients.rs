//! API clients, as the wire has them. The same clients as in `api_clients`; what the wire offers beyond them is refused
//! by name.

use keybearer_app::Permissions;
use keybearer_app::clients::{self, ApiClient, ClientSecret, CreateClient, Network, UpdateClient};
use keybearer_core::{Error, Result};
use tonic::{Request, async_trait};

use super::api_clients::id;
use super::map::{count, filled, time};
use super::{Answer, Service, fail, give, page, take};
use crate::api::proto::scalekit::v1::clients as wire;
use wire::client_service_server::ClientService;

/// The one kind of client there is.
const KIND: &str = "M2M";
const GRANT: &str = "client_credentials";

#[async_trait]
impl ClientService for Service {
    async fn list_client(
        &self,
        request: Request<wire::ListClientsRequest>,
    ) -> Answer<wire::ListClientsResponse> {
        let (caller, message) = take(request)?;
        if message.include_plain_secret {
            return Err(fail(unreadable_secrets()));
        }
        let kinds = message.filter.unwrap_or_default().client_type;
        if !kinds.is_empty() && !kinds.iter().any(|kind| is_kind(kind)) {
            return give(wire::ListClientsResponse::default());
        }
        let ask = page(message.page_size, message.page_token);
        let listed = clients::page(&self.0, &caller, &ask).await.map_err(fail)?;
        give(wire::ListClientsResponse {
            total_size: count(listed.total),
            next_page_token: listed.next.unwrap_or_default(),
            prev_page_token: listed.previous.unwrap_or_default(),
            clients: listed.items.into_iter().map(client).collect(),
        })
    }

    async fn create_client(
        &self,
        request: Request<wire::CreateClientRequest>,
    ) -> Answer<wire::CreateClientResponse> {
        let (caller, message) = take(request)?;
        let new = created(message.client.unwrap_or_default()).map_err(fail)?;
        let made = clients::create_client(&self.0, &caller, new).await.map_err(fail)?;
        let mut shown = client(made.client);
        if let Some(secret) = shown.secrets.first_mut() {
            secret.plain_secret = Some(made.secret.expose().clone());
        }
        give(wire::CreateClientResponse { client: Some(shown) })
    }

    async fn get_client(&self, request: Request<wire::GetClientRequest>) -> Answer<wire::GetClientResponse> {
        let (caller, message) = take(request)?;
        let found = clients::get(&self.0, &caller, &id(&message.client_id)?).await.map_err(fail)?;
        give(wire::GetClientResponse { client: Some(client(found)) })
    }

    async fn update_client(
        &self,
        request: Request<wire::UpdateClientRequest>,
    ) -> Answer<wire::UpdateClientResponse> {
        let (caller, message) = take(request)?;
        let masked = message.mask.unwrap_or_default().paths;
        let change = changed(message.client.unwrap_or_default(), &masked).map_err(fail)?;
        let id = id(&message.client_id)?;
        let updated = clients::update(&self.0, &caller, &id, change).await.map_err(fail)?;
        give(wire::UpdateClientResponse { client: Some(client(updated)) })
    }

    async fn delete_client(&self, request: Request<wire::DeleteClientRequest>) -> Answer<()> {
        let (caller, message) = take(request)?;
        clients::delete(&self.0, &caller, &id(&message.client_id)?).await.map_err(fail)?;
        give(())
    }

    async fn create_client_secret(
        &self,
        request: Request<wire::CreateClientSecretRequest>,
    ) -> Answer<wire::CreateClientSecretResponse> {
        let (caller, message) = take(request)?;
        let added = clients::add_secret(&self.0, &caller, &id(&message.client_id)?).await.map_err(fail)?;
        give(wire::CreateClientSecretResponse {
            plain_secret: added.plain.expose().clone(),
            secret: Some(secret(added.secret)),
        })
    }

    async fn update_client_secret(
        &self,
        request: Request<wire::UpdateClientSecretRequest>,
    ) -> Answer<wire::UpdateClientSecretResponse> {
        let (caller, message) = take(request)?;
        let active = message.secret.unwrap_or_default().status() == wire::ClientSecretStatus::Active;
        let (client, id) = (id(&message.client_id)?, &message.secret_id);
        let changed = clients::set_secret(&self.0, &caller, &client, id, active).await.map_err(fail)?;
        give(wire::UpdateClientSecretResponse { secret: Some(secret(changed)) })
    }

    async fn delete_client_secret(&self, request: Request<wire::DeleteClientSecretRequest>) -> Answer<()> {
        let (caller, message) = take(request)?;
        let client = id(&message.client_id)?;
        clients::delete_secret(&self.0, &caller, &client, &message.secret_id).await.map_err(fail)?;
        give(())
    }
}

fn created(given: wire::CreateClient) -> Result<CreateClient> {
    if !is_kind(&given.client_type) {
        return Err(Error::field("client.client_type", "must be M2M: a client that signs in for itself"));
    }
    refuse(&[
        ("back_channel_logout_uris", !given.back_channel_logout_uris.is_empty()),
        ("post_logout_redirect_uris", !given.post_logout_redirect_uris.is_empty()),
        ("initiate_login_uri", given.initiate_login_uri.is_some_and(|uri| !uri.is_empty())),
        ("post_login_uris", !given.post_login_uris.is_empty()),
        ("custom_claims", !given.custom_claims.is_empty()),
        ("disallow_scalekit_api_access", given.disallow_scalekit_api_access == Some(true)),
        ("grant_types", given.grant_types.iter().any(|grant| grant != GRANT)),
        ("enforce_pkce", given.enforce_pkce == Some(true)),
    ])?;
    let (networks, networks_enforced) = given.ip_allowlist.map(networks).transpose()?.unwrap_or_default();
    Ok(CreateClient {
        name: given.name,
        permissions: match given.scopes.is_empty() {
            true => Permissions::default_set(),
            false => permissions(&given.scopes)?,
        },
        networks,
        networks_enforced,
        token_seconds: Some(given.access_token_expiry).filter(|seconds| *seconds != 0),
    })
}

/// What is empty stays as it is, unless the mask names it.
fn changed(given: wire::UpdateClient, masked: &[String]) -> Result<UpdateClient> {
    refuse(&[
        ("back_channel_logout_uris", !given.back_channel_logout_uris.is_empty()),
        ("post_logout_redirect_uris", !given.post_logout_redirect_uris.is_empty()),
        ("initiate_login_uri", given.initiate_login_uri.is_some_and(|uri| !uri.is_empty())),
        ("post_login_uris", !given.post_login_uris.is_empty()),
        ("custom_claims", !given.custom_claims.is_empty()),
        ("disallow_scalekit_api_access", given.disallow_scalekit_api_access == Some(true)),
        ("grant_types", given.grant_types.iter().any(|grant| grant != GRANT)),
        ("enforce_pkce", given.enforce_pkce == Some(true)),
    ])?;
    let named = |field: &str| masked.iter().any(|path| path == field);
    let scopes = Some(&given.scopes).filter(|scopes| !scopes.is_empty() || named("scopes"));
    let cleared = named("ip_allowlist").then(wire::IpAllowlist::default);
    Ok(UpdateClient {
        name: filled(given.name),
        permissions: scopes.map(|scopes| permissions(scopes)).transpose()?,
        networks: given.ip_allowlist.or(cleared).map(networks).transpose()?,
        token_seconds: Some(given.access_token_expiry).filter(|seconds| *seconds != 0),
    })
}

fn refuse(given: &[(&str, bool)]) -> Result<()> {
    match given.iter().find(|(_, given)| *given) {
        None => Ok(()),
        Some((field, _)) => Err(Error::field(
            format!("client.{field}"),
            "must not be set: an API client here signs in with client_credentials and calls this API",
        )),
    }
}

fn permissions(scopes: &[String]) -> Result<Permissions> {
    Permissions::parse(scopes.iter().map(String::as_str)).map_err(|error| {
        Error::field(
            "client.scopes",
            error.violations.first().map_or("must be permissions", |first| &first.description).to_owned(),
        )
    })
}

fn networks(list: wire::IpAllowlist) -> Result<(Vec<String>, bool)> {
    for (position, entry) in list.cidrs.iter().enumerate() {
        let is_v4 = Network::parse(&entry.value).map(|network| network.is_v4());
        let mismatch = match entry.r#type() {
            wire::CidrType::Unspecified => false,
            wire::CidrType::Ipv4 => is_v4 == Some(false),
            wire::CidrType::Ipv6 => is_v4 == Some(true),
        };
        if mismatch {
            let field = format!("ip_allowlist.cidrs[{position}].type");
            return Err(Error::field(field, "must be the type of the value"));
        }
    }
    Ok((list.cidrs.into_iter().map(|entry| entry.value).collect(), list.opted_in))
}

fn is_kind(text: &str) -> bool {
    text.eq_ignore_ascii_case(KIND)
}

fn unreadable_secrets() -> Error {
    Error::field("include_plain_secret", "must be false: secrets are kept as hashes and shown once")
}

fn client(client: ApiClient) -> wire::Client {
    wire::Client {
        id: client.id.to_string(),
        key_id: client.id.to_string(),
        create_time: Some(time(client.created_at)),
        update_time: Some(time(client.updated_at)),
        secrets: client.secrets.into_iter().map(secret).collect(),
        name: client.name,
        access_token_expiry: Some(client.token_seconds),
        scopes: client.permissions.texts(),
        grant_types: vec![GRANT.to_owned()],
        client_type: KIND.to_owned(),
        ip_allowlist: Some(wire::IpAllowlist {
            opted_in: client.networks_enforced,
            cidrs: client.networks.into_iter().map(entry).collect(),
        }),
        ..wire::Client::default()
    }
}

fn entry(value: String) -> wire::CidrEntry {
    let is_v4 = Network::parse(&value).is_some_and(|network| network.is_v4());
    let kind = if is_v4 { wire::CidrType::Ipv4 } else { wire::CidrType::Ipv6 };
    wire::CidrEntry { value, r#type: kind.into() }
}

fn secret(secret: ClientSecret) -> wire::ClientSecret {
    let status = match secret.active {
        true => wire::ClientSecretStatus::Active,
        false => wire::ClientSecretStatus::Inactive,
    };
    wire::ClientSecret {
        id: secret.id.to_string(),
        create_time: Some(time(secret.created_at)),
        update_time: Some(time(secret.updated_at)),
        secret_suffix: secret.suffix,
        created_by: secret.created_by,
        status: status.into(),
        expire_time: secret.expires_at.map(time),
        last_used_time: secret.last_used_at.map(time),
        plain_secret: None,
    }
}
