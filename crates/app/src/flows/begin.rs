//! Leaving for the provider.

use keybearer_connectors::Bindings;
use keybearer_connectors::engine::{AuthorizeRequest, Context, authorize_url};
use keybearer_connectors::schema::{AuthMethod, MethodType, Pkce};
use keybearer_connectors::{Layers, forms};
use keybearer_core::{Error, Result};
use url::Url;

use super::open::OpenFlow;
use super::state::{self, Bound};
use crate::accounts;
use crate::connections::{self, ConnectionConfig, ScopeSettings};
use crate::state::App;

/// What has to happen before the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Road {
    /// Nothing: a plain link leads there.
    Straight,
    /// The page asks something first, or the protocol needs a call of ours.
    Form,
    /// There is no provider page: the user gives a credential here.
    Credentials,
    /// There is nothing to give: the user agrees to a credential that others gave.
    Consent,
}

/// How this flow goes on.
pub(super) fn road(app: &App, open: &OpenFlow) -> Result<Road> {
    let method = open.connection.method()?;
    if open.is_consent_only() {
        return Ok(Road::Consent);
    }
    if !method.has_redirect() {
        return Ok(Road::Credentials);
    }
    let chooses = ScopeSettings::of(&open.connection.row).selectable && open.flow.scope_selection.is_none();
    if method.kind == MethodType::Oauth1 || chooses || !missing_fields(app, open, method)?.is_empty() {
        return Ok(Road::Form);
    }
    Ok(Road::Straight)
}

/// The required account fields that nobody has given yet.
fn missing_fields(app: &App, open: &OpenFlow, method: &AuthMethod) -> Result<Vec<String>> {
    let known = open.account_values(app)?;
    let form = forms::account_form(&open.connection.connector, method);
    let missing = form.into_iter().filter(|field| {
        field.required && !field.generated && field.default.is_none() && known.get(&field.name).is_none()
    });
    Ok(missing.map(|field| field.name).collect())
}

/// The values of this flow before there is a token.
pub(super) async fn bindings(app: &App, open: &OpenFlow, account: &Bindings) -> Result<Bindings> {
    let nothing = Bindings::new();
    let developer = open.developer(app).await?;
    let layers = Layers { connection: &developer, account, captured: &nothing, tokens: &nothing };
    Ok(Bindings::layered(open.connection.method()?, layers))
}

/// What the engine works on.
pub(super) fn context<'a>(app: &'a App, open: &'a OpenFlow, bindings: &'a Bindings) -> Result<Context<'a>> {
    Ok(Context {
        connector: &open.connection.connector,
        method: open.connection.method()?,
        bindings,
        now: app.now(),
        entropy: app.entropy(),
    })
}

/// Where the browser goes, with a state and a verifier of its own.
pub(super) async fn provider_url(app: &App, open: &OpenFlow, browser: &str) -> Result<Url> {
    let account = open.account_values(app)?;
    let bindings = bindings(app, open, &account).await?;
    let context = context(app, open, &bindings)?;
    let row = &open.connection.row;
    let bound = Bound { environment: &row.environment_id, connection: &row.id, browser };
    let issued = state::issue(&app.keyring()?, bound, &open.flow.id, app.now(), app.entropy())?;
    let (scopes, optional_scopes) = accounts::optional_part(row, &open.wanted());
    let extra: Vec<(String, String)> = ConnectionConfig::of(row).extra_authorize_params.into_iter().collect();
    let request = AuthorizeRequest {
        redirect_uri: &connections::redirect_uri(app, &row.id),
        state: &issued.state,
        code_challenge: (context.method.pkce == Pkce::S256).then_some(issued.pkce.challenge.as_str()),
        scopes: &scopes,
        optional_scopes: &optional_scopes,
        extra: &extra,
    };
    let url = authorize_url(&context, &request)?;
    app.egress().check(&url).map_err(Error::from)?;
    Ok(url)
}

/// The host that people will sign in at, for the page.
pub(super) async fn provider_host(app: &App, open: &OpenFlow) -> Result<String> {
    let account = open.account_values(app)?;
    let bindings = bindings(app, open, &account).await?;
    let context = context(app, open, &bindings)?;
    let request = AuthorizeRequest {
        redirect_uri: &connections::redirect_uri(app, &open.connection.row.id),
        state: "preview",
        code_challenge: None,
        scopes: &[],
        optional_scopes: &[],
        extra: &[],
    };
    // before the account's fields are given there is no host yet: the connector's name stands in
    let url = authorize_url(&context, &request).ok();
    let host = url.as_ref().and_then(Url::host_str).map(|host| match url.as_ref().and_then(Url::port) {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    });
    Ok(host.unwrap_or_else(|| open.head.connector_name.clone()))
}
