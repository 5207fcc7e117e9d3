use std::time::Duration;

use http::{HeaderMap, Method, Request, Response, Uri};
use keybearer_connectors::Bindings;
use keybearer_connectors::engine::{Context, inject, means_expired_token, needs_whole_body, proxy_target};
use keybearer_connectors::schema::Kind;
use keybearer_core::{Code, Error, Result};
use keybearer_egress::{BodyStream, StreamLimits, body_from};
use keybearer_store::AccountRow;

use super::facts::{self, Facts};
use super::log::Started;
use super::redact::Redactor;
use super::replay::{RequestBody, gather, may_repeat};
use super::{caps, headers};
use crate::access::{Caller, Permission};
use crate::state::App;
use crate::tokens::{self, LoadedAccount, LoadedConnection};

/// The largest answer that is read to find out whether a token ended, in bytes.
const PEEK: u64 = 64 * 1024;

/// A call to a provider's API for a user.
pub struct ProxyCall {
    /// Name of the connection.
    pub connection: String,
    /// The user, as the developer names them.
    pub identifier: String,
    /// The HTTP method.
    pub method: Method,
    /// Path below the connector's base address, and query.
    pub path_and_query: String,
    /// The caller's headers.
    pub headers: HeaderMap,
    /// The caller's body.
    pub body: BodyStream,
}

/// Sends the call with the user's credential and streams the answer back, status and body as they are. Redirects
/// are answers like any other: they are not followed.
///
/// # Errors
/// [`Code::PermissionDenied`], [`Code::ConnectionNotFound`], [`Code::AccountNotFound`], the outcomes of
/// a refresh, [`Code::PathRefused`], [`Code::ProxyDisabled`], [`Code::EgressRefused`],
/// [`Code::ProviderUnavailable`], [`Code::TooLarge`], [`Code::RateLimited`].
pub async fn call(app: &App, caller: &Caller, call: ProxyCall) -> Result<Response<BodyStream>> {
    let started = Started::now(app, &call);
    let mut trace = Trace::default();
    let outcome = run(app, caller, call, &mut trace).await;
    let status = outcome.as_ref().map(|response| response.status().as_u16());
    started.end(app, caller, &trace, status);
    outcome
}

/// What a call leaves behind for the log, however it ends.
#[derive(Default)]
pub(super) struct Trace {
    /// The account, when it got that far.
    pub account: Option<LoadedAccount>,
    /// How long the provider took, when something was sent to it.
    pub provider: Option<Duration>,
}

async fn run(app: &App, caller: &Caller, call: ProxyCall, trace: &mut Trace) -> Result<Response<BodyStream>> {
    caller.require(Permission::ConnectorsExecute)?;
    if matches!(call.method, Method::CONNECT | Method::TRACE) {
        return Err(Error::field("method", "must not be CONNECT or TRACE"));
    }
    let headers = headers::for_provider(&call.headers)?;
    let row = find_account(app, caller, &call.connection, &call.identifier).await?;
    let permit = app.caps().enter(&row)?;
    let Trace { account, provider } = trace;
    let account = account.insert(tokens::fresh(app, &row.id).await?);
    // the path is judged before the body is read or anything is sent
    target(app, account, &call.path_and_query)?;
    let whole = needs_whole_body(account.connection.method()?);
    let body = RequestBody::read(call.body, whole, app.config().proxy.request_bytes).await?;
    let asked = Asked { method: call.method, path_and_query: call.path_and_query, headers };
    let mut way = Way { asked, body, facts: Facts::default() };
    let answer = send(app, account, &mut way).await;
    *provider = Some(way.facts.provider);
    let (expired, answer) = judge(account, answer?).await?;
    let answer = match expired {
        true => {
            let repeated = after_refusal(app, account, &mut way, answer).await;
            *provider = Some(way.facts.provider);
            repeated?
        }
        false => answer,
    };
    let mut answer = deliver(account, answer)?;
    answer.extensions_mut().insert(way.facts);
    Ok(caps::hold(answer, permit))
}

struct Asked {
    method: Method,
    path_and_query: String,
    headers: HeaderMap,
}

/// A call on its way: what is asked, what may be sent again, what is known of it.
struct Way {
    asked: Asked,
    body: RequestBody,
    facts: Facts,
}

async fn find_account(app: &App, caller: &Caller, connection: &str, identifier: &str) -> Result<AccountRow> {
    if connection.is_empty() || identifier.is_empty() {
        return Err(Error::field("connection_name and identifier", "must be given as headers"));
    }
    let found = app.db().find_connection_by_name(&caller.environment, connection).await?;
    let found = found.ok_or_else(|| {
        Error::new(Code::ConnectionNotFound, format!("there is no connection `{connection}`"))
            .with_help("list them: `keybearer connections list`")
    })?;
    let loaded = LoadedConnection::of(app, found).await?;
    loaded.require_usable()?;
    if !loaded.row.proxy_enabled {
        return Err(Error::new(Code::ProxyDisabled, "proxy not enabled for provider")
            .with_help(format!("switch it on: `keybearer connections edit {connection} --proxy on`")));
    }
    check_connector(&loaded)?;
    let rows = app.db().find_accounts_in_any_scope(&loaded.row.id, identifier).await?;
    let mut rows = rows.into_iter();
    match (rows.next(), rows.next()) {
        (Some(row), None) => Ok(row),
        (Some(_), Some(_)) => {
            Err(Error::field("identifier", "must name one account; this one has several scopes"))
        }
        (None, _) => Err(Error::new(Code::AccountNotFound, "this user has no account on the connection")
            .with_help("make a connect link for the user: `keybearer link CONNECTION --user USER`")),
    }
}

/// Whether the connector lets itself be called.
fn check_connector(connection: &LoadedConnection) -> Result<()> {
    let connector = &connection.connector;
    if connector.proxy_disabled {
        return Err(Error::new(Code::ProxyDisabled, "proxy not enabled for provider")
            .with_help(format!("set `proxy_enabled` of the provider {}", connector.slug)));
    }
    if connector.kind == Kind::Mcp {
        return Err(Error::new(
            Code::ProxyDisabled,
            "the provider is an MCP server, which the proxy does not call",
        )
        .with_help("an MCP server is used through its tools"));
    }
    Ok(())
}

fn target(app: &App, account: &LoadedAccount, path_and_query: &str) -> Result<url::Url> {
    let bindings = account.bindings()?;
    Ok(proxy_target(&account.context(app, &bindings)?, path_and_query)?)
}

async fn send(app: &App, account: &LoadedAccount, way: &mut Way) -> Result<Response<BodyStream>> {
    let bindings = account.bindings()?;
    let context = account.context(app, &bindings)?;
    let request = complete(&context, way)?;
    let limits = StreamLimits {
        max_body: Some(app.config().proxy.response_bytes),
        ..StreamLimits::from(app.config().proxy.headers_timeout)
    };
    let begun = tokio::time::Instant::now();
    let answer = app.egress().stream(request, limits).await;
    way.facts.provider += begun.elapsed();
    Ok(answer?)
}

fn complete(context: &Context<'_>, way: &mut Way) -> Result<Request<BodyStream>> {
    let Way { asked, body, facts } = way;
    let url = proxy_target(context, &asked.path_and_query)?;
    let uri: Uri =
        url.as_str().parse().map_err(|_| Error::new(Code::PathRefused, "path must be a valid path"))?;
    let mut request = Request::new(());
    *request.method_mut() = asked.method.clone();
    *request.uri_mut() = uri;
    *request.headers_mut() = asked.headers.clone();
    let (mut parts, ()) = request.into_parts();
    let mut kept = body.kept();
    inject(context, &mut parts, kept.as_mut())?;
    let whole = needs_whole_body(context.method);
    facts.added = facts::added((&asked.headers, &parts.headers), (&url, &parts.uri), whole);
    facts.host = url.host_str().unwrap_or_default().to_owned();
    let body = match (kept, whole) {
        (Some(bytes), true) => body_from(bytes),
        _ => body.take(),
    };
    Ok(Request::from_parts(parts, body))
}

/// Whether the answer means that the token ended. Only refusals are looked into, and only a little.
async fn judge(
    account: &LoadedAccount,
    answer: Response<BodyStream>,
) -> Result<(bool, Response<BodyStream>)> {
    let method = account.connection.method()?;
    let status = answer.status().as_u16();
    let suspicious = match method.proxy_401_refresh.is_empty() {
        true => status == 401,
        false => method.proxy_401_refresh.iter().any(|expired| expired.status == status),
    };
    if !suspicious {
        return Ok((false, answer));
    }
    let (parts, body) = answer.into_parts();
    let collected = gather(body, PEEK).await;
    let bytes = collected.ok_or_else(|| {
        Error::new(
            Code::ProviderRejected,
            "the provider refused the call with an answer that is too large or broken",
        )
    })?;
    let answer = Response::from_parts(parts, bytes);
    Ok((means_expired_token(method, &answer), answer.map(body_from)))
}

/// Exchanges the token once, and repeats the call where that is safe.
async fn after_refusal(
    app: &App,
    account: &mut LoadedAccount,
    way: &mut Way,
    answer: Response<BodyStream>,
) -> Result<Response<BodyStream>> {
    let renewed = match tokens::renew(app, account).await {
        Ok(renewed) => renewed,
        // a credential that cannot be refreshed: the provider's answer is all there is to say
        Err(error) if error.code == Code::FailedPrecondition => return Ok(answer),
        Err(error) => return Err(error),
    };
    way.facts.renewed = true;
    let changed = renewed.row.generation != account.row.generation;
    *account = renewed;
    if !changed || !may_repeat(&way.asked.method, answer.headers(), &way.body) {
        return Ok(answer);
    }
    send(app, account, way).await
}

fn deliver(account: &LoadedAccount, answer: Response<BodyStream>) -> Result<Response<BodyStream>> {
    let (mut parts, body) = answer.into_parts();
    parts.headers = headers::for_caller(&parts.headers);
    parts.extensions.clear();
    let bindings: Bindings = account.bindings()?;
    let method = account.connection.method()?;
    let is_secret = |name: &str| {
        name == "client_secret"
            || name.ends_with("_token")
            || name.ends_with("token_secret")
            || method.field(name).is_none_or(|field| field.secret)
    };
    Ok(match Redactor::new(&bindings, |name| name != "client_id" && is_secret(name)) {
        Some(redactor) => {
            parts.headers = redactor.headers(parts.headers);
            Response::from_parts(parts, redactor.body(body))
        }
        None => Response::from_parts(parts, body),
    })
}
