//! The wire's organization service, as far as accounts are scoped to organizations.

use std::collections::HashMap;

use keybearer_app::organizations::{
    self, CreateOrganization, Organization, OrganizationKey, UpdateOrganization,
};
use keybearer_core::Error;
use tonic::{Request, Status, async_trait};

use super::map::{count, sorted, time};
use super::{Answer, Service, fail, give, page, take};
use crate::api::proto::scalekit::v1::commons::RegionCode;
use crate::api::proto::scalekit::v1::organizations as wire;
use wire::organization_service_server::OrganizationService;

#[async_trait]
impl OrganizationService for Service {
    async fn create_organization(
        &self,
        request: Request<wire::CreateOrganizationRequest>,
    ) -> Answer<wire::CreateOrganizationResponse> {
        let (caller, message) = take(request)?;
        let given = message.organization.unwrap_or_default();
        let new = CreateOrganization {
            region: given.region_code().as_str_name().to_owned(),
            display_name: given.display_name,
            external_id: given.external_id,
            slug: given.slug,
            logo_url: given.logo_url,
            metadata: sorted(given.metadata),
        };
        let made = organizations::create(&self.0, &caller, new).await.map_err(fail)?;
        give(wire::CreateOrganizationResponse { organization: Some(show(made)) })
    }

    async fn update_organization(
        &self,
        request: Request<wire::UpdateOrganizationRequest>,
    ) -> Answer<wire::UpdateOrganizationResponse> {
        use wire::update_organization_request::Identities;
        let (caller, message) = take(request)?;
        let key = match message.identities {
            Some(Identities::Id(id)) => OrganizationKey::Id(id),
            Some(Identities::ExternalId(id)) => OrganizationKey::External(id),
            None => return Err(unnamed()),
        };
        let mask = message.update_mask.map(|mask| mask.paths).unwrap_or_default();
        let patch = patch(message.organization.unwrap_or_default(), &mask);
        let changed = organizations::update(&self.0, &caller, &key, patch).await.map_err(fail)?;
        give(wire::UpdateOrganizationResponse { organization: Some(show(changed)) })
    }

    async fn get_organization(
        &self,
        request: Request<wire::GetOrganizationRequest>,
    ) -> Answer<wire::GetOrganizationResponse> {
        use wire::get_organization_request::Identities;
        let (caller, message) = take(request)?;
        let key = match message.identities {
            Some(Identities::Id(id)) => OrganizationKey::Id(id),
            Some(Identities::ExternalId(id)) => OrganizationKey::External(id),
            None => return Err(unnamed()),
        };
        let found = organizations::get(&self.0, &caller, &key).await.map_err(fail)?;
        give(wire::GetOrganizationResponse { organization: Some(show(found)) })
    }

    async fn list_organization(
        &self,
        request: Request<wire::ListOrganizationsRequest>,
    ) -> Answer<wire::ListOrganizationsResponse> {
        let (caller, message) = take(request)?;
        let ask = page(message.page_size, message.page_token);
        let external_id = message.external_id.as_deref();
        let listed = organizations::list(&self.0, &caller, external_id, &ask).await.map_err(fail)?;
        give(wire::ListOrganizationsResponse {
            next_page_token: listed.next.unwrap_or_default(),
            prev_page_token: listed.previous.unwrap_or_default(),
            total_size: count(listed.total),
            organizations: listed.items.into_iter().map(show).collect(),
        })
    }

    async fn delete_organization(&self, request: Request<wire::DeleteOrganizationRequest>) -> Answer<()> {
        use wire::delete_organization_request::Identities;
        let (caller, message) = take(request)?;
        let key = match message.identities {
            Some(Identities::Id(id)) => OrganizationKey::Id(id),
            Some(Identities::ExternalId(id)) => OrganizationKey::External(id),
            None => return Err(unnamed()),
        };
        organizations::delete(&self.0, &caller, &key).await.map_err(fail)?;
        give(())
    }
}

fn unnamed() -> Status {
    fail(Error::field("id", "must name an organization, or external_id"))
}

/// What a mask does not name stays as it is; what it names and is not given is cleared. Without a mask, what is given
/// changes: an empty map looks like none on the wire.
fn patch(given: wire::UpdateOrganization, mask: &[String]) -> UpdateOrganization {
    let named = |field: &str| mask.iter().any(|path| path.trim_start_matches("organization.") == field);
    let text = |field: &str, value: Option<String>| match mask.is_empty() {
        true => value,
        false => named(field).then(|| value.unwrap_or_default()),
    };
    let with_metadata = if mask.is_empty() { !given.metadata.is_empty() } else { named("metadata") };
    UpdateOrganization {
        display_name: text("display_name", given.display_name)
            .filter(|name| !mask.is_empty() || !name.is_empty()),
        external_id: text("external_id", given.external_id),
        slug: text("slug", given.slug),
        logo_url: text("logo_url", given.logo_url),
        metadata: with_metadata.then(|| sorted(given.metadata)),
    }
}

fn show(organization: Organization) -> wire::Organization {
    let metadata: HashMap<String, String> = organization.metadata.into_iter().collect();
    wire::Organization {
        id: organization.id.to_string(),
        create_time: Some(time(organization.created_at)),
        update_time: Some(time(organization.updated_at)),
        display_name: organization.display_name,
        region_code: RegionCode::from_str_name(&organization.region).unwrap_or_default().into(),
        external_id: organization.external_id,
        metadata,
        settings: None,
        slug: organization.slug,
        logo_url: organization.logo_url,
    }
}
