//! From a consent to a grant: the exchange, further calls, the account holder.

use std::time::Duration;

use bytes::Bytes;
use keybearer_connectors::engine::{
    Context, Grant as EngineGrant, Granted, Step, callback_captures, identity_from_grant, identity_request,
    post_connect_step, read_identity, read_post_connect_step,
};
use keybearer_connectors::schema::AuthMethod;
use keybearer_connectors::{Bindings, Layers};
use keybearer_core::{Code, Error, Result, SecretString};
use keybearer_egress::Limits;
use keybearer_oauth::Params;
use keybearer_oauth::failure::Failure;
use keybearer_store::Identity;

use super::open::OpenFlow;
use super::trial;
use crate::connections;
use crate::exchange::{self, MAX_ANSWER};
use crate::grant::{self, Grant};
use crate::state::App;

/// How long one call beside the token call may take.
const CALL_TIME: Duration = Duration::from_secs(10);

/// What a person brought back from the provider.
pub(super) struct Consent {
    pub code: SecretString,
    pub verifier: Option<SecretString>,
    /// The callback's other parameters.
    pub parameters: Params,
}

/// A grant that is not stored yet.
#[derive(Debug)]
pub(super) struct Connected {
    pub grant: Grant,
    pub granted_scopes: Vec<String>,
    pub identity: Option<Identity>,
}

/// Exchanges the code. It is sent once, whatever happens.
pub(super) async fn exchange(app: &App, open: &OpenFlow, consent: Consent) -> Result<Connected> {
    let method = open.connection.method()?;
    let mut grant = Grant { account: open.account_values(app)?, ..Grant::default() };
    grant.captured = callback_captures(method, &consent.parameters)?;
    let developer = open.developer(app).await?;
    let bindings = without_tokens(method, &developer, &grant);
    let context = context(app, open, method, &bindings);
    let wire = EngineGrant::AuthorizationCode {
        code: consent.code,
        redirect_uri: connections::redirect_uri(app, &open.connection.row.id),
        verifier: consent.verifier,
    };
    let mut seen = exchange::Seen::default();
    let deadline = app.config().refresh.deadline;
    let granted = match exchange::run_seen(app, &context, &wire, deadline, &mut seen).await {
        Ok(granted) => granted,
        Err(failed) => {
            let error = refused(app, open, failed.failure, failed.error).await;
            trial::exchanged(app, open, &seen, Some(&error)).await;
            return Err(error);
        }
    };
    trial::exchanged(app, open, &seen, None).await;
    finish(app, open, &developer, grant, granted).await
}

/// A failed exchange: the developer's fault puts the connection into "needs attention".
pub(super) async fn refused(app: &App, open: &OpenFlow, failure: Option<Failure>, error: Error) -> Error {
    let attention = match failure {
        Some(Failure::ClientRejected { .. }) => Some("client_rejected"),
        Some(Failure::ConnectorFault { .. }) => Some("connector_fault"),
        _ => None,
    };
    if attention.is_some() {
        let flagged = app.db().flag_connection(&open.connection.row.id, attention, app.now()).await;
        if let Err(error) = flagged {
            tracing::warn!(%error, "a connection could not be flagged");
        }
    }
    match failure {
        Some(Failure::InvalidGrant) => {
            Error::new(Code::ProviderRejected, "the provider did not take the code: it was used or too old")
        }
        _ => error,
    }
}

/// Keeps what the token call brought and asks for the rest: discovered values and the account holder.
pub(super) async fn finish(
    app: &App,
    open: &OpenFlow,
    developer: &Bindings,
    mut grant: Grant,
    granted: Granted,
) -> Result<Connected> {
    let method = open.connection.method()?;
    let tokens = &granted.tokens;
    grant.tokens.insert("access_token", tokens.access_token.clone());
    for (name, value) in [("refresh_token", &tokens.refresh_token), ("id_token", &tokens.id_token)] {
        if let Some(value) = value {
            grant.tokens.insert(name, value.clone());
        }
    }
    if let Some(secret) = granted.values.get("access_token_secret") {
        grant.tokens.insert("access_token_secret", secret.clone());
    }
    grant.captured.extend(granted.values.clone());
    grant.obtained_at = app.now();
    grant.access_expires_at = tokens.expires_at;
    let known_life = method.lifetimes.as_ref().and_then(|lifetimes| lifetimes.refresh_token_s);
    let by_definition = known_life.map(|seconds| app.now().plus(Duration::from_secs(seconds)));
    grant.refresh_expires_at =
        tokens.refresh_expires_at.or(by_definition.filter(|_| tokens.refresh_token.is_some()));
    let granted_scopes = tokens.scopes.clone().unwrap_or_else(|| open.wanted());
    discover(app, open, developer, &mut grant).await?;
    let identity = match identity_from_grant(method, &granted) {
        Some(found) => Some(found),
        None => ask_identity(app, open, developer, &grant).await?,
    };
    let identity = identity.and_then(|found| {
        let id = found.id.or_else(|| found.label.clone())?;
        Some(Identity { id, label: found.label })
    });
    Ok(Connected { grant, granted_scopes, identity })
}

/// The calls that the connector needs once after connecting.
pub(super) async fn discover(
    app: &App,
    open: &OpenFlow,
    developer: &Bindings,
    grant: &mut Grant,
) -> Result<()> {
    let method = open.connection.method()?;
    for index in 0..method.post_connect.len() {
        let bindings = grant::account_bindings(method, developer, grant);
        let context = context(app, open, method, &bindings);
        let extracted = match post_connect_step(&context, index)? {
            Step::Skip => continue,
            Step::Done(extracted) => extracted,
            Step::Send(request) => {
                let response = send(app, *request).await?;
                read_post_connect_step(&context, index, &response).map_err(|error| {
                    Error::new(Code::ProviderRejected, format!("after connecting, {error}"))
                })?
            }
        };
        grant.captured.extend(extracted.values);
    }
    Ok(())
}

/// Who the account belongs to at the provider; `None` when the provider does not say. Never a reason to fail.
pub(super) async fn ask_identity(
    app: &App,
    open: &OpenFlow,
    developer: &Bindings,
    grant: &Grant,
) -> Result<Option<keybearer_connectors::engine::AccountIdentity>> {
    let method = open.connection.method()?;
    let bindings = grant::account_bindings(method, developer, grant);
    let context = context(app, open, method, &bindings);
    let Some(request) = identity_request(&context)? else {
        return Ok(None);
    };
    match send(app, request).await {
        Ok(response) => Ok(read_identity(method, &response)),
        Err(error) => {
            tracing::warn!(code = %error.code, connection.id = %open.connection.row.id, "the account holder could not be asked for");
            Ok(None)
        }
    }
}

/// One call whose answer is small.
pub(super) async fn send(app: &App, request: http::Request<Bytes>) -> Result<http::Response<Bytes>> {
    let limits = Limits { timeout: CALL_TIME, max_body: MAX_ANSWER };
    app.egress().send(request, limits).await.map_err(Error::from)
}

pub(super) fn context<'a>(
    app: &'a App,
    open: &'a OpenFlow,
    method: &'a AuthMethod,
    bindings: &'a Bindings,
) -> Context<'a> {
    Context {
        connector: &open.connection.connector,
        method,
        bindings,
        now: app.now(),
        entropy: app.entropy(),
    }
}

/// The values of the exchange itself: there is no token yet.
pub(super) fn without_tokens(method: &AuthMethod, developer: &Bindings, grant: &Grant) -> Bindings {
    let nothing = Bindings::new();
    let layers = Layers {
        connection: developer,
        account: &grant.account,
        captured: &grant.captured,
        tokens: &nothing,
    };
    Bindings::layered(method, layers)
}
