//! OAuth 1.0a (RFC 5849): a request token before the redirect, an access token after it.

use keybearer_connectors::Bindings;
use keybearer_connectors::engine::{
    RequestToken, access_token_request, oauth1_authorize_url, read_access_token, read_request_token,
    request_token_request,
};
use keybearer_core::{Code, Error, Result};
use keybearer_store::AttemptStatus;
use url::Url;

use super::complete::{self, Connected, Consent};
use super::open::OpenFlow;
use super::state::{self, Bound};
use super::{begin, held, sealed};
use crate::accounts;
use crate::connections::{self, ConnectionConfig};
use crate::exchange::explain;
use crate::grant::Grant;
use crate::state::App;

/// Gets a request token and says where the browser goes with it.
pub(super) async fn start(app: &App, open: &OpenFlow, browser: &str) -> Result<Url> {
    let row = &open.connection.row;
    let bound = Bound { environment: &row.environment_id, connection: &row.id, browser };
    let issued = state::issue(&app.keyring()?, bound, &open.flow.id, app.now(), app.entropy())?;
    let callback = format!("{}?state={}", connections::redirect_uri(app, &row.id), issued.state);
    let account = open.account_values(app)?;
    let bindings = begin::bindings(app, open, &account).await?;
    let context = begin::context(app, open, &bindings)?;
    let response = complete::send(app, request_token_request(&context, &callback)?).await?;
    let token = match read_request_token(&context, &response) {
        Ok(token) => token,
        Err(failure) => return Err(complete::refused(app, open, Some(failure), explain(failure)).await),
    };
    let hash = state::hash(&issued.state);
    let values = Bindings::new().with("token", token.token.clone()).with("secret", token.secret.clone());
    let mut attempt = held::blank(app, open, &hash, AttemptStatus::Prepared);
    attempt.sealed = Some(sealed::seal_attempt(app, &row.environment_id, &open.flow.id, &hash, &values)?);
    app.db().insert_attempt(&attempt).await?;
    let extra: Vec<(String, String)> = ConnectionConfig::of(row).extra_authorize_params.into_iter().collect();
    let (scopes, _) = accounts::optional_part(row, &open.wanted());
    Ok(oauth1_authorize_url(&context, &token, &scopes, &extra)?)
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
