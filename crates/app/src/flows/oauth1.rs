//! OAuth 1.0a (RFC 5849): a request token before the redirect, an access token after it.

use keybearer_connectors::Bindings;
use keybearer_connectors::engine::{
    RequestToken, access_token_request, oauth1_authorize_url, read_access_token, read_request_token,
    request_token_request,
};
use keybearer_core::ids::ConnectionId;
use keybearer_core::{Code, Error, Result, SecretString};
use keybearer_oauth::ErrorCode;
use keybearer_oauth::callback::{self as wire, Outcome};
use keybearer_store::AttemptStatus;
use url::Url;

use super::callback::{Answered, foreign, not_one_answer};
use super::complete::{self, Connected, Consent};
use super::open::OpenFlow;
use super::state::{self, Known};
use super::{begin, held, sealed};
use crate::accounts;
use crate::connections::{self, ConnectionConfig};
use crate::exchange::explain;
use crate::grant::Grant;
use crate::state::App;

/// Gets a request token and says where the browser goes with it.
pub(super) async fn start(app: &App, open: &OpenFlow, browser: &str) -> Result<Url> {
    let row = &open.connection.row;
    // exactly as the developer registered it: OAuth 1.0a has no `state`, and some providers compare the whole address
    let callback = connections::redirect_uri(app, &row.id);
    let account = open.account_values(app)?;
    let bindings = begin::bindings(app, open, &account).await?;
    let context = begin::context(app, open, &bindings)?;
    let response = complete::send(app, request_token_request(&context, &callback)?).await?;
    let token = match read_request_token(&context, &response) {
        Ok(token) => token,
        Err(failure) => return Err(complete::refused(app, open, Some(failure), explain(failure)).await),
    };
    let hash = attempt_of(&token.token, browser);
    let values = Bindings::new().with("token", token.token.clone()).with("secret", token.secret.clone());
    let mut attempt = held::blank(app, open, &hash, AttemptStatus::Prepared);
    attempt.sealed = Some(sealed::seal_attempt(app, &row.environment_id, &open.flow.id, &hash, &values)?);
    app.db().insert_attempt(&attempt).await?;
    let extra: Vec<(String, String)> = ConnectionConfig::of(row).extra_authorize_params.into_iter().collect();
    let (scopes, _) = accounts::optional_part(row, &open.wanted());
    Ok(oauth1_authorize_url(&context, &token, &scopes, &extra)?)
}

/// The attempt of a request token in the browser that asked for it: another browser finds nothing.
fn attempt_of(token: &SecretString, browser: &str) -> String {
    state::hash(&format!("{} {browser}", token.expose()))
}

/// The provider's answer, matched with the request token that this browser got.
pub(super) async fn answered(
    app: &App,
    raw: &str,
    browser: &str,
    connection: &ConnectionId,
) -> Result<Answered> {
    let parsed = wire::parse_oauth1(raw).map_err(|_| not_one_answer())?;
    let hash = attempt_of(&parsed.token, browser);
    let attempt = app.db().find_attempt(&hash).await?;
    let attempt = attempt.ok_or_else(|| foreign("the request token is not one of this browser"))?;
    let flow = app.db().find_flow(&attempt.flow_id).await?;
    if flow.is_none_or(|flow| flow.connection_id != *connection) {
        return Err(foreign("the request token belongs to another connection"));
    }
    let outcome = match parsed.verifier {
        Some(verifier) => Outcome::Code(verifier),
        None => Outcome::Error { error: ErrorCode::AccessDenied, description_present: false },
    };
    let mut others = parsed.others;
    others.set("oauth_token", parsed.token);
    let known = Known {
        flow: attempt.flow_id,
        issued_at: attempt.created_at,
        pkce: keybearer_oauth::pkce::Pkce::from_bytes(&[0; 32]),
    };
    Ok(Answered { outcome, issuer: None, others, known, hash })
}

/// Exchanges the verifier for an access token.
pub(super) async fn exchange(app: &App, open: &OpenFlow, consent: Consent, hash: &str) -> Result<Connected> {
    let lost = || Error::new(Code::StateInvalid, "the request token of this answer is not known");
    let attempt = app.db().find_attempt(hash).await?.ok_or_else(lost)?;
    let values = sealed::open_attempt(app, &attempt)?;
    let (Some(token), Some(secret)) = (values.get("token"), values.get("secret")) else {
        return Err(lost());
    };
    if consent.parameters.get("oauth_token").as_ref() != Some(token) {
        return Err(lost());
    }
    let method = open.connection.method()?;
    let grant = Grant { account: open.account_values(app)?, ..Grant::default() };
    let developer = open.developer(app).await?;
    let bindings = complete::without_tokens(method, &developer, &grant);
    let context = complete::context(app, open, method, &bindings);
    let token = RequestToken { token: token.clone(), secret: secret.clone() };
    let response = complete::send(app, access_token_request(&context, &token, &consent.code)?).await?;
    match read_access_token(&context, &response) {
        Ok(granted) => complete::finish(app, open, &developer, grant, granted).await,
        Err(failure) => Err(complete::refused(app, open, Some(failure), explain(failure)).await),
    }
}
