//! A call to a provider from the dashboard: through the proxy, as the member, logged and capped like any other.

use std::time::Duration;

use axum::body::Body;
use axum::extract::Query;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use keybearer_app::accounts::{self, Account, Lookup};
use keybearer_app::proxy::{self, Facts, ProxyCall};
use keybearer_app::{Actor, Permission};
use keybearer_core::{Code, EnvironmentKind, Error, Result};
use serde::Deserialize;
use tokio::time::{Instant, timeout_at};

use super::answer::{sentence, with_cookie};
use super::cookie::Cookie;
use super::form::Form;
use super::guard::{Posted, Visit};
use super::readable::{self, MOST};
use super::try_view::{self, Answered, Draft, Outcome};

/// The methods that the page offers.
pub(super) const METHODS: [Method; 6] =
    [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::HEAD];
/// The longest body that a form can hold.
const MOST_BODY: usize = 256 * 1024;
/// How long an answer may take to come in whole.
const PATIENCE: Duration = Duration::from_secs(20);

/// Whose account, and what to find others by.
#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    account: String,
    #[serde(default)]
    q: String,
    #[serde(default)]
    path: String,
}

/// `GET /try`
pub(super) async fn ask(visit: Visit, Query(asked): Query<Asked>) -> Response {
    let page = async {
        visit.caller().require(Permission::ConnectorsExecute)?;
        let account = match asked.account.as_str() {
            "" => None,
            id => Some(find(&visit, id).await?),
        };
        let draft = Draft { path: asked.path.clone(), ..Draft::default() };
        let view = try_view::page(&visit, account, (draft, Outcome::None), &asked.q).await?;
        Ok(visit.page(&view))
    };
    let page: Result<Response> = page.await;
    visit.answer(page)
}

/// `POST /try`: sends it. What changes something in production is asked about first, once a session.
pub(super) async fn send(headers: HeaderMap, Posted { visit, form }: Posted) -> Response {
    let page = async {
        visit.caller().require(Permission::ConnectorsExecute)?;
        let account = find(&visit, &form.text("account")).await?;
        let draft = Draft::read(&form)?;
        if must_ask(&visit, &headers, &draft) && !form.has("sure") {
            let view = try_view::page(&visit, Some(account), (draft, Outcome::Ask), "").await?;
            return Ok(visit.page(&view));
        }
        let outcome = call(&visit, &account, &draft).await?;
        let remember = form.has("sure").then(|| Cookie::Writes.set(&session(&visit), visit.dash.is_secure()));
        let view = try_view::page(&visit, Some(account), (draft, outcome), "").await?;
        Ok(with_cookie(visit.page(&view), remember.flatten()))
    };
    let page: Result<Response> = page.await;
    visit.answer(page)
}

async fn find(visit: &Visit, id: &str) -> Result<Account> {
    accounts::get(visit.app(), visit.caller(), &Lookup::id(id)).await
}

fn must_ask(visit: &Visit, headers: &HeaderMap, draft: &Draft) -> bool {
    let asked = Cookie::Writes.read(headers, visit.dash.is_secure());
    visit.session.environment.kind == EnvironmentKind::Production
        && !draft.method.is_safe()
        && asked.as_deref() != Some(session(visit).as_str())
}

/// The session, in characters that a cookie of ours may hold.
fn session(visit: &Visit) -> String {
    visit.session.id.as_str().chars().filter(char::is_ascii_alphanumeric).collect()
}

/// The call and its answer. A call that was refused or not answered is an outcome of its own.
async fn call(visit: &Visit, account: &Account, draft: &Draft) -> Result<Outcome> {
    debug_assert!(matches!(visit.caller().actor, Actor::Member(_)));
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
    if let Some(kind) = draft.kind().filter(|_| !draft.body.is_empty()) {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    let body = Full::new(Bytes::from(draft.body.clone())).map_err(|never| match never {});
    let made = ProxyCall {
        connection: account.connection.clone(),
        identifier: account.identifier.clone(),
        method: draft.method.clone(),
        path_and_query: draft.path.clone(),
        headers,
        body: body.boxed_unsync(),
    };
    let begun = Instant::now();
    match proxy::call(visit.app(), visit.caller(), made).await {
        Ok(answer) => Ok(Outcome::Answered(Box::new(answered(answer.map(Body::new), begun).await))),
        Err(error)
            if error.code == Code::PermissionDenied
                || error.code.http() >= 500 && error.code == Code::Internal =>
        {
            Err(error)
        }
        Err(error) => {
            tracing::info!(reference = %visit.caller().reference, code = error.code.as_str(), detail = %error.detail, "a call of the dashboard was not sent or not answered");
            Ok(Outcome::Refused {
                code: error.code.as_str(),
                status: error.code.http(),
                says: error.code.title(),
                why: sentence(&error.detail),
                help: error.help.as_deref().map(sentence),
            })
        }
    }
}

async fn answered(answer: http::Response<Body>, begun: Instant) -> Answered {
    let (parts, body) = answer.into_parts();
    let facts = parts.extensions.get::<Facts>().cloned().unwrap_or_default();
    let (bytes, cut) = read(body, begun + PATIENCE).await;
    let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    Answered {
        status: parts.status,
        provider_ms: facts.provider.as_millis(),
        whole_ms: begun.elapsed().as_millis(),
        body: readable::body(&bytes, kind, cut),
        headers: parts
            .headers
            .iter()
            .map(|(name, value)| {
                (name.to_string(), readable::line(&String::from_utf8_lossy(value.as_bytes())))
            })
            .collect(),
        facts,
    }
}

/// As much of a body as is shown, and why it is not whole.
async fn read(mut body: Body, until: Instant) -> (Vec<u8>, Option<&'static str>) {
    let mut bytes = Vec::new();
    loop {
        match timeout_at(until, body.frame()).await {
            Err(_) => return (bytes, Some("The answer did not end in time; this is its beginning.")),
            Ok(None) => return (bytes, None),
            Ok(Some(Err(_))) => return (bytes, Some("The answer broke off; this is what came.")),
            Ok(Some(Ok(frame))) => {
                bytes.extend_from_slice(frame.data_ref().map_or(&[], |data| data.as_ref()))
            }
        }
        if bytes.len() > MOST {
            bytes.truncate(MOST);
            return (bytes, Some("The answer is longer; this is its beginning."));
        }
    }
}

impl Draft {
    fn read(form: &Form) -> Result<Self> {
        let method = form.text("method");
        let method = METHODS.into_iter().find(|known| known.as_str() == method);
        let path = form.text("path").trim().to_owned();
        let body = form.text("body");
        if body.len() > MOST_BODY {
            return Err(Error::field("body", "must have at most 256 KiB here; send more through the proxy"));
        }
        Ok(Self {
            method: method.ok_or_else(|| Error::field("method", "must be one of the list"))?,
            path: if path.starts_with('/') { path } else { format!("/{path}") },
            kind: form.text("kind"),
            body,
        })
    }
}

/// The status in words, for those that have some.
pub(super) fn reason(status: StatusCode) -> &'static str {
    status.canonical_reason().unwrap_or_default()
}
