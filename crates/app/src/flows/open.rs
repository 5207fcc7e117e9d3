//! Finding the flow behind a link, with everything its pages need.

use keybearer_connectors::Bindings;
use keybearer_connectors::schema::Place;
use keybearer_core::ids::FlowId;
use keybearer_core::{Code, Error, FlowKind, FlowState, Result, Timestamp, sha256, to_hex};
use keybearer_store::{AccountRow, AuthMode, FlowRow};
use url::Url;

use super::page::PageHead;
use super::problem::Trouble;
use super::sealed;
use crate::brand;
use crate::connections;
use crate::environments;
use crate::grant::{self, Grant};
use crate::state::App;
use crate::tokens::LoadedConnection;
use crate::user_pages;

/// A flow that can go on.
pub(super) struct OpenFlow {
    pub flow: FlowRow,
    pub connection: LoadedConnection,
    pub account: AccountRow,
    pub head: PageHead,
}

/// The hash under which a link is stored.
pub(crate) fn token_hash(token: &str) -> String {
    to_hex(&sha256(token.as_bytes()))
}

/// The flow of a link.
pub(super) async fn by_token(app: &App, token: &str) -> Result<OpenFlow, Trouble> {
    let found = app.db().find_flow_by_token(&token_hash(token)).await.map_err(Error::from)?;
    judge(app, found.ok_or_else(unknown)?, app.now()).await
}

/// The flow of a state that came back. A link that ended while the person was at the provider still counts.
pub(super) async fn by_id(app: &App, id: &FlowId, as_of: Timestamp) -> Result<OpenFlow, Trouble> {
    let found = app.db().find_flow(id).await.map_err(Error::from)?;
    judge(app, found.ok_or_else(unknown)?, as_of).await
}

/// The flow with its connection and account, whatever its state.
pub(super) async fn complete(app: &App, flow: FlowRow) -> Result<OpenFlow, Trouble> {
    let gone = || Error::new(Code::ConnectionNotFound, "the connection or the account of this link is gone");
    let row = app.db().find_connection(&flow.connection_id).await.map_err(Error::from)?;
    let connection = LoadedConnection::of(app, row.ok_or_else(gone)?).await?;
    let account = match &flow.account_id {
        Some(id) => app.db().find_account(id).await.map_err(Error::from)?,
        None => None,
    };
    let account = account.ok_or_else(gone)?;
    let environment = environments::get(app, &flow.environment_id).await?;
    let head = PageHead {
        app_name: environment.app_name,
        connector_name: connection.connector.display_name.clone(),
        connector_slug: connection.connector.slug.clone(),
        identifier: match flow.kind {
            FlowKind::Connect if !account.org_wide => account.identifier.clone(),
            _ => String::new(),
        },
        purpose: Some(connection.row.blurb_for_users.clone()).filter(|text| !text.is_empty()),
        test: flow.kind == FlowKind::Test,
        sandbox: connection.connector.sandbox,
        locale: flow.locale.clone(),
        english: !connection.connector.is_custom(),
        refuses_embedded: connection.method().is_ok_and(|method| method.embedded_browser_refused),
        brand: brand::of_page(app, &environment.id).await?,
        return_url: flow.return_url.as_deref().and_then(|text| Url::parse(text).ok()),
        from_user_page: user_pages::leads_back(app, flow.return_url.as_ref()),
    };
    Ok(OpenFlow { flow, connection, account, head })
}

async fn judge(app: &App, flow: FlowRow, as_of: Timestamp) -> Result<OpenFlow, Trouble> {
    let open = complete(app, flow).await?;
    let (flow, head) = (&open.flow, &open.head);
    let ended = |code: Code, detail: &'static str, at: Option<Timestamp>| Trouble {
        head: head.clone(),
        ended_at: at,
        flow: Some(flow.id.clone()),
        identity: None,
        error: Error::new(code, detail),
        reference: None,
    };
    if flow.state == FlowState::Done {
        let identity = open.identity();
        return Err(Trouble {
            identity,
            ..ended(Code::LinkUsed, "the link succeeded before", flow.finished_at)
        });
    }
    if flow.superseded {
        return Err(ended(Code::LinkExpired, "a newer link took its place", None));
    }
    if flow.expires_at <= as_of || flow.state == FlowState::Failed {
        return Err(ended(Code::LinkExpired, "its time is over", Some(flow.expires_at)));
    }
    open.connection.require_usable().map_err(|error| open.trouble(error))?;
    Ok(open)
}

fn unknown() -> Error {
    Error::new(Code::FlowNotFound, "there is no such link")
}

impl OpenFlow {
    /// A failure on this flow's page.
    pub fn trouble(&self, error: Error) -> Trouble {
        let flow = Some(self.flow.id.clone());
        let head = self.head.clone();
        Trouble { head, ended_at: None, flow, identity: None, error, reference: None }
    }

    /// Who is connected, as the provider names them.
    pub fn identity(&self) -> Option<String> {
        let account = &self.account;
        account.identity_label.clone().or_else(|| account.identity_id.clone())
    }

    /// The developer's values for a new grant.
    pub async fn developer(&self, app: &App) -> Result<Bindings> {
        let row = &self.connection.row;
        let credential = match &row.credential_id {
            Some(id) => app.db().find_credential(id).await?,
            None => None,
        };
        let mut bindings =
            grant::connection_bindings(app, &self.connection.connector, row, credential.as_ref())?;
        let organization = &self.account.organization_id;
        bindings.extend(connections::organization_bindings(app, &self.connection, organization).await?);
        Ok(bindings)
    }

    /// Whether its user has nothing to give but their consent.
    pub fn is_consent_only(&self) -> bool {
        self.connection.row.auth_mode == AuthMode::OrgWide && !self.account.org_wide
    }

    /// What is known of the account's own fields: what it had, and what the user typed on this link.
    pub fn account_values(&self, app: &App) -> Result<Bindings> {
        let mut values = Grant::open(app, &self.account)?.unwrap_or_default().account;
        for (name, value) in self.given_settings() {
            values.insert(name, value);
        }
        values.extend(sealed::open_input(app, &self.flow)?);
        for (name, value) in connections::fixed_values(&self.connection.row) {
            values.insert(name, value);
        }
        Ok(values)
    }

    /// Account fields that the developer gave with the account, before anybody connected.
    fn given_settings(&self) -> Vec<(String, String)> {
        let Ok(method) = self.connection.method() else {
            return Vec::new();
        };
        let shown = self.account.variables.as_object();
        let fields = method.fields.iter().filter(|field| field.place == Place::Account && !field.secret);
        fields
            .filter_map(|field| Some((field.name.clone(), shown?.get(&field.name)?.as_str()?.to_owned())))
            .collect()
    }

    /// The scopes to ask for: the choice on the link, else the account's.
    pub fn wanted(&self) -> Vec<String> {
        let chosen = self.flow.scope_selection.as_ref().and_then(serde_json::Value::as_array);
        match chosen {
            Some(list) => list.iter().filter_map(|scope| scope.as_str().map(str::to_owned)).collect(),
            None => self.account.wanted_scopes.clone(),
        }
    }
}
