//! What the browser that opened a connect link may do with it besides its pages (`docs/adr/0005`).

use keybearer_core::{Code, Error, Reference, Result, SecretString};
use keybearer_store::FlowRow;
use serde_json::json;
use url::Url;

use super::begin::{self, Road};
use super::open;
use crate::access::{Actor, Caller, LinkSession, Permissions};
use crate::accounts::{self, ScopeSelection};
use crate::state::App;

/// The caller behind the two cookies of a connect page: the link that was opened last, and the browser. It has no
/// permission and is looked up anew for each call, so that it ends with its link: by success, by a newer link, by time.
///
/// # Errors
/// [`Code::Unauthenticated`] when the link has ended or was never there.
pub async fn admit(app: &App, link: &str, browser: &str) -> Result<Caller> {
    let open = open::by_token(app, link).await.map_err(|trouble| match trouble.error.code {
        Code::FlowNotFound | Code::LinkUsed | Code::LinkExpired => {
            Error::new(Code::Unauthenticated, "the connect link of this browser has ended")
                .with_help("open a new connect link")
        }
        _ => trouble.error,
    })?;
    let session = LinkSession {
        flow: open.flow.id.clone(),
        connection: open.connection.row.id.clone(),
        account: open.account.id.clone(),
        link: SecretString::from(link),
        browser: SecretString::from(browser),
    };
    Ok(Caller {
        environment: open.flow.environment_id,
        actor: Actor::Session(Box::new(session)),
        reference: Reference::unknown(),
        permissions: Permissions::default(),
    })
}

/// Where the browser goes on: straight to the provider, or to the page of the link where that asks for something
/// first. A choice of scopes is kept for this link.
///
/// # Errors
/// [`Code::InvalidScopeSelection`], [`Code::Unauthenticated`] when the link has ended meanwhile.
pub(crate) async fn redirect_url(
    app: &App,
    session: &LinkSession,
    selection: Option<&ScopeSelection>,
) -> Result<Url> {
    let open = open::by_token(app, session.link.expose()).await;
    let mut open = open.map_err(|trouble| trouble.error)?;
    if let Some(selection) = selection {
        let chosen = json!(accounts::selected(&open.connection.row, Some(selection))?);
        let kept =
            app.db().set_flow_input(&open.flow.id, open.flow.sealed_input.as_ref(), Some(&chosen)).await?;
        if !kept {
            return Err(Error::new(Code::Unauthenticated, "the connect link of this browser has ended"));
        }
        open.flow.scope_selection = Some(chosen);
    }
    if begin::road(app, &open)? == Road::Straight {
        return begin::provider_url(app, &open, session.browser.expose()).await;
    }
    let page = format!("{}/c/{}", app.issuer(), session.link.expose());
    Url::parse(&page).map_err(|_| Error::internal("the public URL cannot carry a link"))
}

/// The link of a session, if it is still open.
///
/// # Errors
/// Those of opening it.
pub(crate) async fn link_of(app: &App, session: &LinkSession) -> Result<FlowRow> {
    let open = open::by_token(app, session.link.expose()).await;
    open.map(|open| open.flow).map_err(|trouble| trouble.error)
}
