//! What the issuer says of itself: where to go, and the keys it signs with.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, header};
use jsonwebtoken::jwk::Jwk;
use keybearer_core::{Error, Timestamp};
use keybearer_egress::Limits;
use keybearer_oauth::metadata::{self, ServerMetadata};
use serde_json::Value;
use url::Url;

use super::denied::{Denied, Stop};
use crate::config::SsoConfig;
use crate::state::App;

/// How long the document and the keys are believed without asking again.
const FRESH: Duration = Duration::from_secs(3600);
/// How often a token with an unknown key may make us look for new ones.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// How long one call may take.
const CALL_TIME: Duration = Duration::from_secs(10);
const MAX_ANSWER: u64 = 256 * 1024;

/// The document and the keys, with the time they were fetched at.
#[derive(Clone)]
struct Known {
    metadata: Arc<ServerMetadata>,
    keys: Arc<Vec<Jwk>>,
    fetched: Timestamp,
    keys_fetched: Timestamp,
}

/// What this node knows of the issuer.
#[derive(Default)]
pub(crate) struct Cache(Mutex<Option<Known>>);

impl Cache {
    fn get(&self) -> Result<Option<Known>, Stop> {
        Ok(self.0.lock().map_err(|_| poisoned())?.clone())
    }

    fn set(&self, known: Known) -> Result<(), Stop> {
        *self.0.lock().map_err(|_| poisoned())? = Some(known);
        Ok(())
    }
}

fn poisoned() -> Error {
    Error::internal("the cache of the single sign-on is poisoned")
}

/// The issuer's document.
pub(super) async fn metadata(app: &App, sso: &SsoConfig) -> Result<Arc<ServerMetadata>, Stop> {
    known(app, sso).await.map(|known| known.metadata)
}

/// The keys that the issuer signs with now.
pub(super) async fn keys(app: &App, sso: &SsoConfig) -> Result<Arc<Vec<Jwk>>, Stop> {
    known(app, sso).await.map(|known| known.keys)
}

/// The keys, fetched again because one is missing; `None` when they were fetched a moment ago.
pub(super) async fn newer_keys(app: &App, sso: &SsoConfig) -> Result<Option<Arc<Vec<Jwk>>>, Stop> {
    let known = known(app, sso).await?;
    if app.now().since(known.keys_fetched) < LOOK_EVERY {
        return Ok(None);
    }
    let keys = Arc::new(fetch_keys(app, &known.metadata).await?);
    app.sso().set(Known { keys: Arc::clone(&keys), keys_fetched: app.now(), ..known })?;
    Ok(Some(keys))
}

/// Both, asked for now; nothing is remembered.
pub(super) async fn fetch(app: &App, sso: &SsoConfig) -> Result<(ServerMetadata, Vec<Jwk>), Stop> {
    let metadata = fetch_metadata(app, sso).await?;
    let keys = fetch_keys(app, &metadata).await?;
    Ok((metadata, keys))
}

async fn known(app: &App, sso: &SsoConfig) -> Result<Known, Stop> {
    if let Some(known) = app.sso().get()?
        && app.now().since(known.fetched) < FRESH
    {
        return Ok(known);
    }
    let (metadata, keys) = fetch(app, sso).await?;
    let now = app.now();
    let known = Known { metadata: Arc::new(metadata), keys: Arc::new(keys), fetched: now, keys_fetched: now };
    app.sso().set(known.clone())?;
    Ok(known)
}

/// OpenID Connect Discovery §4: the document lies below the issuer.
async fn fetch_metadata(app: &App, sso: &SsoConfig) -> Result<ServerMetadata, Stop> {
    let address = format!("{}/.well-known/openid-configuration", sso.issuer.trim_end_matches('/'));
    let address: Url = address.parse().map_err(|_| wrong("sso.issuer is no address"))?;
    let answer = get(app, &address, None).await?;
    metadata::parse(answer.body(), &sso.issuer, &[]).map_err(|error| wrong(error.to_string()))
}

async fn fetch_keys(app: &App, metadata: &ServerMetadata) -> Result<Vec<Jwk>, Stop> {
    let address = metadata.jwks_uri.as_ref().ok_or_else(|| wrong("the issuer names no jwks_uri"))?;
    let answer = get(app, address, None).await?;
    let set: Value =
        serde_json::from_slice(answer.body()).map_err(|_| wrong("the issuer's keys are not JSON"))?;
    let keys = set.get("keys").and_then(Value::as_array).ok_or_else(|| wrong("the issuer has no keys"))?;
    // a key of a kind that we do not know is none of our keys
    Ok(keys.iter().filter_map(|key| serde_json::from_value(key.clone()).ok()).collect())
}

/// A GET to the issuer, with a bearer token if one is given. Its answer must be 200.
pub(super) async fn get(app: &App, address: &Url, bearer: Option<&str>) -> Result<Response<Bytes>, Stop> {
    let mut request = Request::builder().method(Method::GET).uri(address.as_str());
    request = request.header(header::ACCEPT, "application/json");
    if let Some(token) = bearer {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    let request =
        request.body(Bytes::new()).map_err(|_| wrong("an address of the issuer cannot be asked"))?;
    let answer = send(app, request).await?;
    match answer.status().as_u16() {
        200 => Ok(answer),
        status => Err(Stop::new(Denied::Unreachable, format!("{status} at {}", address.path()))),
    }
}

/// One call to the issuer.
pub(super) async fn send(app: &App, request: Request<Bytes>) -> Result<Response<Bytes>, Stop> {
    let limits = Limits { timeout: CALL_TIME, max_body: MAX_ANSWER };
    app.egress()
        .send(request, limits)
        .await
        .map_err(|error| Stop::new(Denied::Unreachable, error.to_string()))
}

fn wrong(what: impl Into<String>) -> Stop {
    Stop::new(Denied::Setup, what)
}
