//! Connect links.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use keybearer_connectors::Bindings;
use keybearer_connectors::forms::{self, Require};
use keybearer_connectors::schema::{MethodType, Place};
use keybearer_core::ids::{AccountId, FlowId};
use keybearer_core::{Code, Error, FieldViolation, FlowKind, FlowState, Result, Timestamp, random_token};
use keybearer_store::{ConnectionRow, FlowRow};
use serde_json::json;
use url::Url;

use super::open::token_hash;
use super::{language, sealed, verify_url};
use crate::access::{Caller, Permission};
use crate::accounts::{self, CreateAccount, Lookup, ScopeSelection};
use crate::audit;
use crate::brand;
use crate::connections;
use crate::events::{self, AccountEvent};
use crate::state::App;
use crate::tokens::{self, LoadedConnection};
use crate::user_pages;

/// Longest `state` of an app.
const MAX_STATE: usize = 512;
/// Longest note, in characters.
const MAX_NOTE: usize = 200;
/// The user under whose name a developer tests a connection.
pub const TEST_USER: &str = "keybearer-test";

/// A link to make.
#[derive(Clone, Debug, Default)]
pub struct LinkRequest {
    /// Whose; the account is made when there is none.
    pub lookup: Lookup,
    /// Given back to the app at the end.
    pub app_state: Option<String>,
    /// Where the browser goes to be verified.
    pub user_verify_url: Option<String>,
    /// Another choice of scopes for this sign-in.
    pub scope_selection: Option<ScopeSelection>,
    /// Where the pages of the link lead back to.
    pub return_url: Option<String>,
    /// The pages of the link lead back to the user page that the browser opened last, and not to `return_url`.
    pub from_user_page: bool,
    /// Account fields that are no secrets, filled in for the user: on a form they can be changed, and where nothing else is
    /// asked the user goes straight on.
    pub fields: BTreeMap<String, String>,
    /// How long the link lives; the configured time when absent.
    pub lifetime: Option<Duration>,
    /// The language of its pages; the browser's when absent.
    pub locale: Option<String>,
    /// What the developer notes about it, at most 200 characters: told in the story of the account, never to the user.
    pub note: Option<String>,
}

/// A connect link. Whoever has the URL can connect the account, so `Debug` leaves it out.
#[derive(Clone)]
pub struct Link {
    /// The address to open.
    pub url: Url,
    /// When it ends.
    pub expires_at: Timestamp,
    /// The account it connects.
    pub account_id: AccountId,
    /// Its id, which opens nothing.
    pub flow_id: FlowId,
}

impl fmt::Debug for Link {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("Link");
        shown.field("account_id", &self.account_id).field("flow_id", &self.flow_id);
        shown.field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// Makes a link; older open links of the account end.
///
/// # Errors
/// [`keybearer_core::Code::PermissionDenied`], [`keybearer_core::Code::ConnectionNotFound`],
/// [`keybearer_core::Code::AccountNotFound`] for an id, the state of the connection, and fields that are wrong.
pub async fn create_link(app: &App, caller: &Caller, request: LinkRequest) -> Result<Link> {
    caller.require(Permission::AccountsWrite)?;
    make(app, caller, request, FlowKind::Connect).await
}

/// Makes a link with which the developer connects as themselves.
///
/// # Errors
/// Those of [`create_link`].
pub async fn create_test_link(app: &App, caller: &Caller, connection: &str) -> Result<Link> {
    caller.require(Permission::ConnectorsWrite)?;
    let request = LinkRequest { lookup: Lookup::of(connection, TEST_USER), ..LinkRequest::default() };
    make(app, caller, request, FlowKind::Test).await
}

async fn make(app: &App, caller: &Caller, request: LinkRequest, kind: FlowKind) -> Result<Link> {
    let along = Along::read(app, &request.app_state, &request.user_verify_url, &request.locale)?;
    let note = note(request.note.as_deref())?;
    let return_url = match request.from_user_page {
        true => Some(user_pages::address(app)),
        false => return_url(app, caller, request.return_url.as_deref()).await?,
    };
    let values = match request.fields.is_empty() {
        true => None,
        false => Some(filled_in(app, caller, &request.lookup, &request.fields).await?),
    };
    let new = CreateAccount { lookup: request.lookup, ..CreateAccount::default() };
    let chosen = |connection: &ConnectionRow| match &request.scope_selection {
        Some(selection) => accounts::selected(connection, Some(selection)).map(|scopes| Some(json!(scopes))),
        None => Ok(None),
    };
    let fits = |connection: &ConnectionRow| {
        tokens::require_usable(connection)?;
        chosen(connection).map(|_| ())
    };
    let (connection, account, _) = accounts::ensure(app, caller, new, fits).await?;
    // its connector may be gone, which an account that is there already does not tell
    check_sign_in(&LoadedConnection::of(app, connection.clone()).await?)?;
    let chosen = chosen(&connection)?;
    let (now, token) = (app.now(), random_token(app.entropy(), 20)?);
    let mut row = FlowRow {
        id: app.id(FlowId::from_number)?,
        environment_id: caller.environment.clone(),
        connection_id: connection.id.clone(),
        account_id: Some(account.id.clone()),
        kind,
        token_hash: token_hash(&token),
        state: FlowState::Created,
        app_state: along.app_state,
        user_verify_url: along.user_verify_url,
        scope_selection: chosen,
        sealed_input: None,
        expires_at: now.plus(request.lifetime.unwrap_or(app.config().link_lifetime)),
        created_at: now,
        finished_at: None,
        failure: None,
        superseded: false,
        locale: along.locale,
        return_url,
        note,
    };
    if let Some(values) = values {
        row.sealed_input = Some(sealed::seal_input(app, &row, &values)?);
    }
    let event = events::about(app, AccountEvent::MagicLinkGenerated, &connection, &account)?;
    app.db().create_flow(&row, &[event]).await?;
    audit::record(app, caller, "link.created", account.id.as_str(), json!({"flow": row.id, "kind": kind}))
        .await?;
    let url = format!("{}/c/{token}", app.issuer());
    let url = Url::parse(&url).map_err(|_| Error::internal("the public URL cannot carry a link"))?;
    Ok(Link { url, expires_at: row.expires_at, account_id: account.id, flow_id: row.id })
}

/// Reads what the developer fills in for the user, before anything is made.
///
/// # Errors
/// `InvalidArgument` at each of `fields` that is a secret, unknown or wrong; those of the lookup.
async fn filled_in(
    app: &App,
    caller: &Caller,
    lookup: &Lookup,
    fields: &BTreeMap<String, String>,
) -> Result<Bindings> {
    let row = match lookup.id.as_deref().filter(|id| !id.is_empty()) {
        Some(_) => accounts::resolve(app, &caller.environment, lookup).await?.0,
        None => {
            connections::row(app, &caller.environment, lookup.connector.as_deref().unwrap_or_default())
                .await?
        }
    };
    let connection = LoadedConnection::of(app, row).await?;
    let method = connection.method()?;
    let at = |name: &str, description: &str| FieldViolation {
        field: format!("fields.{name}"),
        description: description.to_owned(),
    };
    let refused = fields.keys().filter_map(|name| match method.field(name) {
        Some(field) if field.place == Place::Account && field.secret => {
            Some(at(name, "is a secret, which the user gives"))
        }
        Some(field) if field.place == Place::Account && !connections::is_fixed(&connection.row, name) => None,
        _ => Some(at(name, "is no field that the user is asked for")),
    });
    let refused: Vec<_> = refused.collect();
    if !refused.is_empty() {
        return Err(Error::fields(refused));
    }
    let checked = forms::check(&connection.connector, method, Place::Account, fields, Require::Given);
    checked.map_err(|wrong| {
        Error::fields(wrong.into_iter().map(|one| at(&one.field, &one.description)).collect())
    })
}

/// What an app gives along with a link.
pub(crate) struct Along {
    pub app_state: Option<String>,
    pub user_verify_url: Option<String>,
    pub locale: Option<String>,
}

impl Along {
    /// Reads what was given; empty counts as absent.
    ///
    /// # Errors
    /// `InvalidArgument` at `state`, `user_verify_url` or `locale`.
    pub fn read(
        app: &App,
        state: &Option<String>,
        verify_url: &Option<String>,
        locale: &Option<String>,
    ) -> Result<Self> {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let app_state = given(state);
        let strange = |state: &String| state.len() > MAX_STATE || state.chars().any(char::is_control);
        if app_state.as_ref().is_some_and(strange) {
            return Err(Error::field("state", "must have at most 512 visible characters"));
        }
        let verify_url = given(verify_url).map(|text| verify_url::allowed(&text, &app.config().verify_urls));
        let user_verify_url = verify_url.transpose()?.map(|url| url.to_string());
        Ok(Self { app_state, user_verify_url, locale: language::chosen(locale.as_deref())? })
    }
}

/// Reads what the developer notes; empty counts as absent.
///
/// # Errors
/// `InvalidArgument` at `note`.
pub(crate) fn note(text: Option<&str>) -> Result<Option<String>> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    match text.chars().count() > MAX_NOTE || text.chars().any(char::is_control) {
        true => Err(Error::field("note", "must be one line of at most 200 characters")),
        false => Ok(Some(text.to_owned())),
    }
}

/// Reads where pages lead back to; empty counts as absent.
///
/// # Errors
/// `InvalidArgument` at `return_url`.
pub(crate) async fn return_url(app: &App, caller: &Caller, text: Option<&str>) -> Result<Option<String>> {
    let Some(text) = text.filter(|url| !url.is_empty()) else { return Ok(None) };
    Ok(Some(brand::return_url(app, &caller.environment, "return_url", text).await?.to_string()))
}

/// A link that can only lead to a failure is not made.
fn check_sign_in(connection: &LoadedConnection) -> Result<()> {
    let method = connection.method()?;
    if method.kind == MethodType::McpOauth && method.authorize_url.is_none() {
        let detail = "signing in at an MCP server that names its own endpoints is not offered yet";
        return Err(Error::new(Code::Unimplemented, detail)
            .with_help("give `authorize_uri` and `token_uri` in the pattern's `oauth_config`"));
    }
    Ok(())
}
