//! Making such a page.

use std::fmt;
use std::time::Duration;

use keybearer_core::ids::UserPageId;
use keybearer_core::{Error, Result, SecretString, Timestamp, random_token};
use keybearer_store::{UserPageKind, UserPageRow};
use serde_json::json;
use url::Url;

use crate::access::{Caller, Permission};
use crate::accounts;
use crate::audit;
use crate::connections;
use crate::flows::{self, Along};
use crate::state::App;

/// How long a page lives unless it is told otherwise.
const LIFETIME: Duration = Duration::from_secs(3600);
/// Longest life of a page that only connects.
const LONGEST_CHOOSE: Duration = Duration::from_secs(30 * 86_400);
/// Longest life of a page that shows and disconnects.
const LONGEST_MANAGE: Duration = Duration::from_secs(86_400);
/// Most connections that can be named.
const MOST: usize = 100;

/// A page to make.
#[derive(Clone, Debug, Default)]
pub struct UserPageRequest {
    /// The developer's own id for the user.
    pub identifier: String,
    /// The organization that the user's accounts are scoped to; empty for none.
    pub organization_id: String,
    /// The user that their accounts are scoped to; empty for none.
    pub user_id: String,
    /// Names or ids of the connections that it shows; all of the environment when empty.
    pub connections: Vec<String>,
    /// The user also sees what is connected, and can disconnect it.
    pub manage: bool,
    /// Where the browser goes to be verified, for the links that are made there.
    pub user_verify_url: Option<String>,
    /// Given back to the app with it.
    pub app_state: Option<String>,
    /// Where the page leads back to.
    pub return_url: Option<String>,
    /// The language of its pages; the browser's when absent.
    pub locale: Option<String>,
    /// What the developer notes about it and the links that are made there, at most 200 characters; the user sees it nowhere.
    pub note: Option<String>,
    /// How long it lives, from a minute: at most 24 hours for a page that manages, 30 days for another; an hour when
    /// absent.
    pub lifetime: Option<Duration>,
}

/// A page of a user's own. Whoever has the URL acts as that user, so `Debug` leaves it out.
#[derive(Clone)]
pub struct UserPage {
    /// Its id, which opens nothing.
    pub id: UserPageId,
    /// The token in its address.
    pub token: SecretString,
    /// The address to open.
    pub url: Url,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl fmt::Debug for UserPage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("UserPage");
        shown.field("id", &self.id).field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// Makes a page for a user.
///
/// # Errors
/// [`keybearer_core::Code::PermissionDenied`], [`keybearer_core::Code::ConnectionNotFound`], `InvalidArgument` at each
/// field that is wrong.
pub async fn create(app: &App, caller: &Caller, request: UserPageRequest) -> Result<UserPage> {
    caller.require(Permission::AccountsWrite)?;
    if request.manage {
        caller.require(Permission::AccountsRevoke)?;
    }
    accounts::check_person(&request.identifier, &request.organization_id, &request.user_id)?;
    let lifetime = lifetime(&request)?;
    let connections = ids(app, caller, &request.connections).await?;
    let along = Along::read(app, &request.app_state, &request.user_verify_url, &request.locale)?;
    let note = flows::note(request.note.as_deref())?;
    let return_url = flows::return_url(app, caller, request.return_url.as_deref()).await?;
    let (now, token) = (app.now(), random_token(app.entropy(), 20)?);
    let row = UserPageRow {
        id: app.id(UserPageId::from_number)?,
        environment_id: caller.environment.clone(),
        token_hash: flows::token_hash(&token),
        kind: if request.manage { UserPageKind::Manage } else { UserPageKind::Choose },
        identifier: request.identifier,
        organization_id: request.organization_id,
        user_id: request.user_id,
        connections,
        user_verify_url: along.user_verify_url,
        app_state: along.app_state,
        return_url,
        locale: along.locale,
        note,
        created_at: now,
        expires_at: now.plus(lifetime),
    };
    let detail = json!({"kind": row.kind.as_str(), "connections": row.connections});
    let line = audit::row(app, caller, "user_page.created", row.id.as_str(), detail)?;
    app.db().add_user_page(&row, &line).await?;
    let url = format!("{}/{token}", super::address(app)).parse();
    let url = url.map_err(|_| Error::internal("the public URL cannot carry a page"))?;
    Ok(UserPage { id: row.id, token: SecretString::new(token), url, expires_at: row.expires_at })
}

/// Ends every page of a user before its time; gives how many there were. What is connected stays connected.
///
/// # Errors
/// [`keybearer_core::Code::PermissionDenied`], `InvalidArgument` at `identifier`.
pub async fn end(app: &App, caller: &Caller, identifier: &str) -> Result<u64> {
    caller.require(Permission::AccountsWrite)?;
    accounts::check_person(identifier, "", "")?;
    end_all(app, caller, identifier).await
}

pub(crate) async fn end_all(app: &App, caller: &Caller, identifier: &str) -> Result<u64> {
    let line = audit::row(app, caller, "user_page.ended", "person", json!({}))?;
    Ok(app.db().delete_user_pages_of(&caller.environment, identifier, &line).await?)
}

fn lifetime(request: &UserPageRequest) -> Result<Duration> {
    let (longest, words) = match request.manage {
        true => {
            (LONGEST_MANAGE, "must be 60 to 86400: a page on which a user disconnects lives at most a day")
        }
        false => (LONGEST_CHOOSE, "must be 60 to 2592000"),
    };
    let lifetime = request.lifetime.unwrap_or(LIFETIME);
    match (Duration::from_secs(60)..=longest).contains(&lifetime) {
        true => Ok(lifetime),
        false => Err(Error::field("lifetime_seconds", words)),
    }
}

/// The ids of the connections that were named, each once.
async fn ids(app: &App, caller: &Caller, names: &[String]) -> Result<Vec<String>> {
    let mut ids = Vec::new();
    for name in names.iter().map(|name| name.trim()).filter(|name| !name.is_empty()) {
        let id = connections::row(app, &caller.environment, name).await?.id.to_string();
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    if ids.len() > MOST {
        return Err(Error::field("connections", "must be at most 100"));
    }
    Ok(ids)
}
