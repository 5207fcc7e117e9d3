//! The code for claims that count.

use http::Response;
use keybearer_core::SecretString;
use keybearer_oauth::client_auth::ClientCredentials;
use keybearer_oauth::metadata::ServerMetadata;
use keybearer_oauth::{Call, ClientAuth, Document};
use serde_json::Value;
use url::Url;

use super::denied::{Denied, Stop};
use super::state::Trip;
use super::token::{self, Claims, Expected, Refusal};
use super::{endpoint, issuer, redirect_uri};
use crate::config::SsoConfig;
use crate::state::App;

/// The claims of who came.
pub(super) async fn claims(
    app: &App,
    sso: &SsoConfig,
    metadata: &ServerMetadata,
    trip: &Trip,
    code: SecretString,
) -> Result<Claims, Stop> {
    let tokens = tokens(app, sso, metadata, trip, code).await?;
    let text = |name: &str| tokens.expose().get(name).and_then(Value::as_str);
    let id_token = text("id_token").ok_or_else(|| Stop::new(Denied::Token, "the answer has no id_token"))?;
    let claims = checked(app, sso, metadata, trip, id_token).await?;
    // what the ID token does not hold may come with the access token
    let wanted = ["email", "email_verified"].into_iter().chain(sso.wanted_claims());
    let missing = wanted.into_iter().any(|name| !claims.contains_key(name));
    match (missing, text("access_token"), &metadata.userinfo_endpoint) {
        (true, Some(token), Some(address)) => with_userinfo(app, claims, address, token).await,
        _ => Ok(claims),
    }
}

async fn tokens(
    app: &App,
    sso: &SsoConfig,
    metadata: &ServerMetadata,
    trip: &Trip,
    code: SecretString,
) -> Result<Document, Stop> {
    let mut call = Call::post(endpoint(metadata.token_endpoint.as_ref(), "token_endpoint")?);
    call.params.set("grant_type", "authorization_code");
    call.params.set("code", code);
    call.params.set("redirect_uri", redirect_uri(app));
    call.params.set("code_verifier", trip.pkce().verifier);
    let client =
        ClientCredentials { id: &sso.client_id, secret: sso.client_secret.as_ref(), assertion: None };
    let unfit = |error: &dyn std::fmt::Display| Stop::new(Denied::Setup, format!("token request: {error}"));
    client_auth(sso, metadata).apply(client, &mut call).map_err(|error| unfit(&error))?;
    let request = call.into_request().map_err(|error| unfit(&error))?;
    let answer = issuer::send(app, request).await?;
    let read =
        |answer: &Response<bytes::Bytes>| Document::from_json(std::str::from_utf8(answer.body()).ok()?).ok();
    let status = answer.status().as_u16();
    match (status, read(&answer)) {
        (200, Some(document)) => Ok(document),
        (200, None) => Err(Stop::new(Denied::Token, "the token endpoint answered something else than JSON")),
        (_, document) => {
            let error = document.as_ref().and_then(|document| document.expose().get("error")?.as_str());
            let error = keybearer_oauth::ErrorCode::read(error.unwrap_or_default()).as_str();
            Err(Stop::new(Denied::Answered, format!("the token endpoint answered {status} {error}")))
        }
    }
}

/// The claims of an ID token that counts. A key that we do not know makes us look for newer ones, now and then.
async fn checked(
    app: &App,
    sso: &SsoConfig,
    metadata: &ServerMetadata,
    trip: &Trip,
    id_token: &str,
) -> Result<Claims, Stop> {
    let nonce = trip.nonce();
    let expected = Expected {
        issuer: &metadata.issuer,
        client_id: &sso.client_id,
        nonce: &nonce,
        now: app.now(),
        since: trip.is_proof().then(|| trip.began()),
    };
    let first = token::verify(id_token, &issuer::keys(app, sso).await?, expected);
    let verdict = match first {
        Err(Refusal::UnknownKey | Refusal::Signature) => match issuer::newer_keys(app, sso).await? {
            Some(keys) => token::verify(id_token, &keys, expected),
            None => first,
        },
        verdict => verdict,
    };
    verdict.map_err(|why| match why {
        Refusal::Stale => Stop::new(Denied::Stale, why.to_string()),
        _ => Stop::new(Denied::Token, why.to_string()),
    })
}

/// Claims that come with the access token only. They must be of the same person (OpenID Connect Core §5.3.2).
async fn with_userinfo(app: &App, mut claims: Claims, address: &Url, token: &str) -> Result<Claims, Stop> {
    let answer = issuer::get(app, address, Some(token)).await?;
    let more: Claims = serde_json::from_slice(answer.body())
        .map_err(|_| Stop::new(Denied::Token, "userinfo is no JSON object"))?;
    if more.get("sub") != claims.get("sub") {
        return Err(Stop::new(Denied::Token, "userinfo tells of somebody else"));
    }
    for (name, value) in more {
        claims.entry(name).or_insert(value);
    }
    Ok(claims)
}

fn client_auth(sso: &SsoConfig, metadata: &ServerMetadata) -> ClientAuth {
    let listed = metadata.token_endpoint_auth_methods_supported.as_deref();
    let takes = |method: &str| listed.is_none_or(|listed| listed.iter().any(|one| one == method));
    match &sso.client_secret {
        None => ClientAuth::None,
        Some(_) if takes("client_secret_basic") => ClientAuth::Basic,
        Some(_) => ClientAuth::Post,
    }
}
