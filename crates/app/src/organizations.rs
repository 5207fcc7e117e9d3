//! Organizations that accounts can be scoped to.
//!
//! An account names its organization as text. The text may be the id of an organization here or any id of the
//! developer's own: nothing has to be made before the first account of a tenant. Deleting an organization deletes the
//! accounts that name it.

use std::collections::BTreeMap;

use keybearer_core::ids::OrganizationId;
use keybearer_core::{Code, Error, Result, Timestamp};
use keybearer_store::OrganizationRow;
use serde_json::{Value, json};
use url::Url;

use crate::access::{Caller, Permission};
use crate::events::{self, AccountEvent};
use crate::paging::{List, Listed, PageAsk};
use crate::state::App;
use crate::{accounts, audit};

/// An organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organization {
    /// Its id.
    pub id: OrganizationId,
    /// What people call it.
    pub display_name: String,
    /// Where the developer keeps it; a note, our data does not move.
    pub region: String,
    /// The developer's own id for it.
    pub external_id: Option<String>,
    /// A short name for addresses.
    pub slug: Option<String>,
    /// Address of its picture.
    pub logo_url: Option<String>,
    /// The developer's notes.
    pub metadata: BTreeMap<String, String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// Which organization is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrganizationKey {
    /// By our id.
    Id(String),
    /// By the developer's own id.
    External(String),
}

/// An organization to make. Empty texts count as absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CreateOrganization {
    /// What people call it; 1 to 200 characters.
    pub display_name: String,
    /// Where the developer keeps it.
    pub region: String,
    /// The developer's own id for it.
    pub external_id: Option<String>,
    /// A short name for addresses.
    pub slug: Option<String>,
    /// Address of its picture.
    pub logo_url: Option<String>,
    /// The developer's notes.
    pub metadata: BTreeMap<String, String>,
}

/// What changes on an organization; absent leaves a value as it is, an empty text clears it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpdateOrganization {
    /// Another name.
    pub display_name: Option<String>,
    /// Another id of the developer's own.
    pub external_id: Option<String>,
    /// Another short name.
    pub slug: Option<String>,
    /// Another picture.
    pub logo_url: Option<String>,
    /// All notes.
    pub metadata: Option<BTreeMap<String, String>>,
}

/// Makes an organization.
///
/// # Errors
/// [`Code::PermissionDenied`]; [`Code::AlreadyExists`] when external id or slug are taken; `InvalidArgument` at each
/// wrong field.
pub async fn create(app: &App, caller: &Caller, new: CreateOrganization) -> Result<Organization> {
    caller.require(Permission::OrganizationsWrite)?;
    let now = app.now();
    let row = OrganizationRow {
        id: app.id(OrganizationId::from_number)?,
        environment_id: caller.environment.clone(),
        display_name: display_name(&new.display_name)?,
        region: new.region,
        external_id: external_id(new.external_id.unwrap_or_default())?,
        slug: new.slug.filter(|slug| !slug.is_empty()),
        logo_url: logo_url(new.logo_url.unwrap_or_default())?,
        metadata: json!(new.metadata),
        created_at: now,
        updated_at: now,
    };
    let detail = json!({"external_id": row.external_id.is_some(), "slug": row.slug});
    let line = audit::row(app, caller, "organization.created", row.id.as_str(), detail)?;
    app.db().add_organization(&row, &line).await.map_err(|error| taken(error.into()))?;
    Ok(show(row))
}

/// One organization.
///
/// # Errors
/// [`Code::PermissionDenied`], [`Code::NotFound`].
pub async fn get(app: &App, caller: &Caller, key: &OrganizationKey) -> Result<Organization> {
    caller.require(Permission::OrganizationsRead)?;
    row(app, caller, key).await.map(show)
}

/// One page of the environment's organizations, newest first: 10 unless asked otherwise, 100 at most.
///
/// # Errors
/// [`Code::PermissionDenied`], `InvalidArgument` at `page_size` or `page_token`.
pub async fn list(
    app: &App,
    caller: &Caller,
    external_id: Option<&str>,
    page: &PageAsk,
) -> Result<Listed<Organization>> {
    caller.require(Permission::OrganizationsRead)?;
    let external_id = external_id.filter(|id| !id.is_empty());
    let bound = json!([external_id]).to_string();
    let list = List {
        environment: &caller.environment,
        name: "organizations",
        query: &bound,
        prefix: OrganizationId::PREFIX,
        default_size: 10,
        max_size: 100,
    };
    let request = list.request(app, page)?;
    let rows = app.db().list_organizations(&caller.environment, external_id, &request).await?;
    let listed = list.listed(app, rows)?;
    Ok(Listed {
        items: listed.items.into_iter().map(show).collect(),
        total: listed.total,
        next: listed.next,
        previous: listed.previous,
    })
}

/// Changes what is given and leaves the rest.
///
/// # Errors
/// Those of [`create`], and [`Code::NotFound`].
pub async fn update(
    app: &App,
    caller: &Caller,
    key: &OrganizationKey,
    patch: UpdateOrganization,
) -> Result<Organization> {
    caller.require(Permission::OrganizationsWrite)?;
    let found = row(app, caller, key).await?;
    let changed = app.db().change_organization(&caller.environment, &found.id, app.now(), |mut row| {
        let before = row.clone();
        if let Some(name) = &patch.display_name {
            row.display_name = display_name(name)?;
        }
        if let Some(id) = patch.external_id {
            row.external_id = external_id(id)?;
        }
        if let Some(slug) = patch.slug {
            row.slug = Some(slug).filter(|slug| !slug.is_empty());
        }
        if let Some(url) = patch.logo_url {
            row.logo_url = logo_url(url)?;
        }
        if let Some(metadata) = &patch.metadata {
            row.metadata = json!(metadata);
        }
        let detail = json!({"changed": names_of_changes(&before, &row)});
        let line = audit::row(app, caller, "organization.updated", row.id.as_str(), detail)?;
        Ok::<_, Error>((row, line))
    });
    changed.await.map_err(taken)?.map(show).ok_or_else(not_found)
}

/// Deletes an organization with all accounts that are scoped to it: everything sealed is wiped in one transaction, then
/// the providers are asked to revoke what it was.
///
/// # Errors
/// [`Code::PermissionDenied`], [`Code::NotFound`].
pub async fn delete(app: &App, caller: &Caller, key: &OrganizationKey) -> Result<usize> {
    caller.require(Permission::OrganizationsDelete)?;
    let found = row(app, caller, key).await?;
    let gone = app
        .db()
        .remove_organization(
            &caller.environment,
            &found.id,
            |connection, account| Ok(vec![events::about(app, AccountEvent::Deleted, connection, account)?]),
            |accounts| {
                let detail = json!({"accounts": accounts.iter().map(|row| &row.id).collect::<Vec<_>>()});
                audit::row(app, caller, "organization.deleted", found.id.as_str(), detail)
            },
        )
        .await?
        .ok_or_else(not_found)?;
    let count = gone.len();
    accounts::revoke_deleted(app, caller, gone).await?;
    Ok(count)
}

async fn row(app: &App, caller: &Caller, key: &OrganizationKey) -> Result<OrganizationRow> {
    let found = match key {
        OrganizationKey::Id(id) => match OrganizationId::parse(id) {
            Some(id) => app.db().find_organization(&caller.environment, &id).await?,
            None => None,
        },
        OrganizationKey::External(id) if id.is_empty() => None,
        OrganizationKey::External(id) => {
            app.db().find_organization_by_external_id(&caller.environment, id).await?
        }
    };
    found.ok_or_else(not_found)
}

fn not_found() -> Error {
    Error::new(Code::NotFound, "there is no such organization")
}

fn taken(error: Error) -> Error {
    if error.code != Code::AlreadyExists {
        return error;
    }
    Error::new(Code::AlreadyExists, "another organization has this external_id or slug")
}

fn display_name(text: &str) -> Result<String> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > 200 || text.chars().any(char::is_control) {
        return Err(Error::field("organization.display_name", "must be one line of 1 to 200 characters"));
    }
    Ok(text.to_owned())
}

fn external_id(text: String) -> Result<Option<String>> {
    if text.chars().count() > 200 || text.chars().any(char::is_control) {
        return Err(Error::field("organization.external_id", "must be one line of at most 200 characters"));
    }
    Ok(Some(text).filter(|text| !text.is_empty()))
}

fn logo_url(text: String) -> Result<Option<String>> {
    if text.is_empty() {
        return Ok(None);
    }
    let is_web = |url: &Url| matches!(url.scheme(), "https" | "http") && url.host().is_some();
    match Url::parse(&text).ok().filter(is_web) {
        Some(_) if text.len() <= 1024 => Ok(Some(text)),
        _ => Err(Error::field(
            "organization.logo_url",
            "must be an http or https address of at most 1024 characters",
        )),
    }
}

/// What a change was about, by name only.
fn names_of_changes(before: &OrganizationRow, after: &OrganizationRow) -> Vec<&'static str> {
    let changes = [
        ("display_name", before.display_name != after.display_name),
        ("external_id", before.external_id != after.external_id),
        ("slug", before.slug != after.slug),
        ("logo_url", before.logo_url != after.logo_url),
        ("metadata", before.metadata != after.metadata),
    ];
    changes.into_iter().filter(|(_, changed)| *changed).map(|(name, _)| name).collect()
}

fn show(row: OrganizationRow) -> Organization {
    let metadata = row.metadata.as_object().into_iter().flatten();
    let text = |(name, value): (&String, &Value)| Some((name.clone(), value.as_str()?.to_owned()));
    Organization {
        metadata: metadata.filter_map(text).collect(),
        id: row.id,
        display_name: row.display_name,
        region: row.region,
        external_id: row.external_id,
        slug: row.slug,
        logo_url: row.logo_url,
        created_at: row.created_at,
        updated_at: row.updated_at,
    }
}
