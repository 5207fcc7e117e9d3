//! The provider sent the browser back.

use std::time::Duration;

use keybearer_connectors::engine::expected_issuer;
use keybearer_connectors::schema::{AuthMethod, MethodType};
use keybearer_core::ids::ConnectionId;
use keybearer_core::{Code, Error, FlowKind, FlowState, Result, SecretString, VerifyMode};
use keybearer_oauth::callback::{self as wire, Outcome};
use keybearer_oauth::issuer::{self, Expected};
use keybearer_oauth::{ErrorCode, Params};
use keybearer_store::{AttemptRow, AttemptStatus};

use super::complete::{self, Connected, Consent};
use super::open::{self, OpenFlow};
use super::page::{Answer, Page, PageBody, PageHead, Visit, WaitingPage};
use super::problem::{self, ADMINISTRATOR, Trouble};
use super::state::{self, Bound, Known};
use super::{begin, finish, held, trial, verify};
use crate::environments;
use crate::state::App;
use crate::tokens::LoadedConnection;
use crate::trail::{Note, Step};

/// How long a browser waits for the exchange before it gets a page that says so.
const AT_ONCE: Duration = Duration::from_millis(1_500);
/// After which time people are told that they may leave.
const SLOW: Duration = Duration::from_secs(10);

/// Parameter of a callback that came as a form: no provider sends it, our own redirect adds it.
pub const POSTED: &str = "kb_posted";

/// What the callback of a connection leads to: the app's verify URL, or a page.
///
/// # Errors
/// None of its own: every failure is a page.
pub async fn callback(
    app: &App,
    connection: &str,
    parameters: Vec<(String, SecretString)>,
    visit: &Visit,
) -> Result<Answer> {
    Ok(match receive(app, connection, parameters, visit).await {
        Ok(answer) => answer,
        Err(trouble) => problem::answer(app, trouble),
    })
}

pub(super) fn foreign(why: &'static str) -> Error {
    Error::new(Code::StateInvalid, why)
}

async fn receive(
    app: &App,
    connection: &str,
    mut parameters: Vec<(String, SecretString)>,
    visit: &Visit,
) -> Result<Answer, Trouble> {
    let sent = parameters.len();
    parameters.retain(|(name, _)| name != POSTED);
    let posted = parameters.len() < sent;
    let id =
        ConnectionId::parse(connection).ok_or_else(|| foreign("the redirect URI names no connection"))?;
    let row = app.db().find_connection(&id).await.map_err(Error::from)?;
    let connection =
        LoadedConnection::of(app, row.ok_or_else(|| foreign("the redirect URI names no connection"))?)
            .await?;
    let method = connection.method()?;
    let oauth1 = method.kind == MethodType::Oauth1;
    if posted != asked_for_a_post(method) {
        return Err(
            foreign("the answer came in another response mode than the one that was asked for").into()
        );
    }
    let raw = raw(&parameters);
    let browser = visit.browser.as_deref().filter(|_| !visit.fresh_browser);
    let browser =
        browser.ok_or_else(|| foreign("this browser did not start the flow, or keeps no cookies"))?;
    let Answered { outcome, issuer, others, known, hash } = if oauth1 {
        super::oauth1::answered(app, &raw, browser, &id).await?
    } else {
        let bound = Bound { environment: &connection.row.environment_id, connection: &id, browser };
        answered(app, &raw, method.callback_code_param.as_deref(), bound)?
    };
    if let Some(answer) = replay(app, &known, &hash, browser).await? {
        return Ok(answer);
    }
    if app.now().since(known.issued_at) > state::LIFETIME {
        let error =
            Error::new(Code::LinkExpired, "the person stayed at the provider for more than 15 minutes");
        return Err(error.into());
    }
    let open = open::by_id(app, &known.flow, known.issued_at).await?;
    app.trail().add(app, &open.flow.id, Note::Step(Step::Returned));
    check_issuer(app, &open, issuer.as_deref()).await.map_err(|error| open.trouble(error))?;
    match outcome {
        Outcome::Error { error, .. } => {
            let reference = app.reference()?;
            trial::refused(app, &open, &raw, &reference).await;
            let trouble = open.trouble(denied(app, &open, error).await);
            Err(Trouble { reference: Some(reference), ..trouble })
        }
        Outcome::Code(code) => {
            let consent = Consent {
                code,
                verifier: (!oauth1).then(|| known.pkce.verifier.clone()),
                parameters: others,
            };
            go_on(app, open, consent, hash, browser).await
        }
    }
}

/// Whether the authorization request asks for `response_mode=form_post`.
fn asked_for_a_post(method: &AuthMethod) -> bool {
    method.authorize_params.get("response_mode").and_then(serde_json::Value::as_str) == Some("form_post")
}

/// The parameters as they stood in the URL.
fn raw(parameters: &[(String, SecretString)]) -> String {
    let params: Params = parameters.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
    params.to_form().expose().clone()
}

/// An answer of the provider that belongs to this browser.
pub(super) struct Answered {
    pub outcome: Outcome,
    /// The `iss` parameter, if it came.
    pub issuer: Option<String>,
    /// Everything else that came.
    pub others: Params,
    pub known: Known,
    /// Names the attempt.
    pub hash: String,
}

fn answered(app: &App, raw: &str, code_name: Option<&str>, bound: Bound<'_>) -> Result<Answered> {
    let parsed = wire::parse(raw, code_name).map_err(|_| not_one_answer())?;
    let known = state::read(&app.keyring()?, bound, parsed.state.expose())?;
    let known = known.ok_or_else(|| foreign("the state is not one of this browser and connection"))?;
    let hash = state::hash(parsed.state.expose());
    Ok(Answered { outcome: parsed.outcome, issuer: parsed.issuer, others: parsed.others, known, hash })
}

pub(super) fn not_one_answer() -> Error {
    foreign("the callback is not one answer to one request")
}

async fn check_issuer(app: &App, open: &OpenFlow, received: Option<&str>) -> Result<()> {
    let account = open.account_values(app)?;
    let bindings = begin::bindings(app, open, &account).await?;
    let context = begin::context(app, open, &bindings)?;
    let expected = expected_issuer(&context)?;
    let expected = Expected { issuer: expected.as_deref(), advertised: context.method.iss_supported };
    issuer::check(expected, received)
        .map(|_| ())
        .map_err(|error| Error::new(Code::StateInvalid, error.to_string()))
}

/// The provider said no. What the account had stays, and the link can be used again.
async fn denied(app: &App, open: &OpenFlow, error: ErrorCode) -> Error {
    let noted = app.db().set_flow_failure(&open.flow.id, Some(error.as_str())).await;
    if let Err(error) = noted {
        tracing::warn!(%error, "the end of an attempt could not be noted");
    }
    match error {
        ErrorCode::AccessDenied | ErrorCode::LoginRequired | ErrorCode::AccountSelectionRequired => {
            Error::new(Code::ConsentDenied, "the person did not allow it at the provider")
        }
        ErrorCode::ConsentRequired | ErrorCode::InteractionRequired => {
            Error::new(Code::ConsentDenied, ADMINISTRATOR)
        }
        ErrorCode::TemporarilyUnavailable | ErrorCode::ServerError => {
            Error::new(Code::ProviderUnavailable, format!("the provider answered {}", error.as_str()))
        }
        other => {
            let flagged =
                app.db().flag_connection(&open.connection.row.id, Some("consent_refused"), app.now()).await;
            if let Err(error) = flagged {
                tracing::warn!(%error, "a connection could not be flagged");
            }
            Error::new(Code::ProviderRejected, format!("the provider refused the app: {}", other.as_str()))
        }
    }
}

/// One of all equal callbacks goes on; the others get what it came to.
async fn go_on(
    app: &App,
    open: OpenFlow,
    consent: Consent,
    hash: String,
    browser: &str,
) -> Result<Answer, Trouble> {
    let environment = environments::get(app, &open.flow.environment_id).await?;
    // a test and the credential of an organization belong to no user that the app could name
    let of_a_user = open.flow.kind != FlowKind::Test && !open.account.org_wide;
    match environment.verify_mode {
        VerifyMode::Custom if of_a_user => return verify::park(app, open, consent, &hash).await,
        VerifyMode::Dashboard if of_a_user => {
            return verify::park_for_member(app, open, consent, &hash, browser).await;
        }
        VerifyMode::None | VerifyMode::Custom | VerifyMode::Dashboard => {}
    }
    let (worker, browser) = (app.clone(), browser.to_owned());
    let head = open.head.clone();
    // nobody cancels it: neither a browser that leaves nor the page that waits
    let mut task =
        app.flow_tasks().spawn(async move { exchange_once(&worker, open, consent, hash, &browser).await });
    if let Ok(ended) = tokio::time::timeout(AT_ONCE, &mut task).await {
        return ended.map_err(|_| Trouble::from(Error::internal("the exchange was interrupted")))?;
    }
    let logger = app.clone();
    app.flow_tasks().spawn(async move {
        if let Ok(Err(trouble)) = task.await {
            // no page waits for it any more: it is logged all the same
            problem::answer(&logger, trouble);
        }
    });
    Ok(waiting(head, false))
}

/// The page that asks again by itself.
fn waiting(head: PageHead, slow: bool) -> Answer {
    Answer::Page(Box::new(Page { head, body: PageBody::Waiting(WaitingPage { slow }) }))
}

async fn exchange_once(
    app: &App,
    open: OpenFlow,
    consent: Consent,
    hash: String,
    browser: &str,
) -> Result<Answer, Trouble> {
    let row = held::blank(app, &open, &hash, AttemptStatus::Exchanging);
    // the intent is on the disk before the code leaves, and the code leaves once
    if begin_exchange(app, &open, row).await? {
        return finish_exchange(app, open, consent, hash, browser).await;
    }
    let known = Known {
        flow: open.flow.id.clone(),
        issued_at: app.now(),
        pkce: keybearer_oauth::pkce::Pkce::from_bytes(&[0; 32]),
    };
    let answer = replay(app, &known, &hash, browser).await?;
    answer.ok_or_else(|| foreign("the callback was used").into())
}

/// Inserts the attempt, or moves the prepared one of an OAuth 1.0a flow.
async fn begin_exchange(app: &App, open: &OpenFlow, row: AttemptRow) -> Result<bool> {
    if open.connection.method()?.kind == MethodType::Oauth1 {
        let moved = app.db().move_attempt(
            &row.state_hash,
            AttemptStatus::Prepared,
            AttemptStatus::Exchanging,
            app.now(),
        );
        return Ok(moved.await?);
    }
    Ok(app.db().insert_attempt(&row).await?)
}

async fn finish_exchange(
    app: &App,
    open: OpenFlow,
    consent: Consent,
    hash: String,
    browser: &str,
) -> Result<Answer, Trouble> {
    match exchange(app, &open, consent, &hash).await {
        Ok(connected) if held::is_somebody_else(&open, &connected) => {
            held::hold(app, &open, &hash, &connected).await?;
            let page = held::page(app, &open, browser).await?;
            page.map(|page| Answer::Page(Box::new(page)))
                .ok_or_else(|| foreign("the callback was used").into())
        }
        Ok(connected) => land(app, &open, &hash, &connected).await,
        Err(error) => failed(app, &open, &hash, error).await,
    }
}

/// Ends the attempt under the reference that its page shows.
async fn failed(app: &App, open: &OpenFlow, hash: &str, error: Error) -> Result<Answer, Trouble> {
    let reference = app.reference()?;
    end(app, hash, &error, Some(reference.to_string())).await;
    Err(Trouble { reference: Some(reference), ..open.trouble(error) })
}

async fn land(app: &App, open: &OpenFlow, hash: &str, connected: &Connected) -> Result<Answer, Trouble> {
    match finish::store(app, open, Some(hash), connected).await {
        Ok(row) => {
            trial::proven(app, open);
            Ok(Answer::Page(Box::new(finish::done(open, &row, Vec::new())?)))
        }
        Err(error) => {
            // nobody keeps what the provider just issued
            held::give_back(app, open, &connected.grant).await;
            failed(app, open, hash, error).await
        }
    }
}

async fn exchange(app: &App, open: &OpenFlow, consent: Consent, hash: &str) -> Result<Connected> {
    if open.connection.method()?.kind == MethodType::Oauth1 {
        return super::oauth1::exchange(app, open, consent, hash).await;
    }
    complete::exchange(app, open, consent).await
}

/// Ends the attempt; its link can be used again.
pub(super) async fn fail(app: &App, hash: &str, error: &Error) {
    end(app, hash, error, None).await;
}

async fn end(app: &App, hash: &str, error: &Error, reference: Option<String>) {
    let ended = app.db().fail_attempt(hash, error.code.as_str(), reference.as_deref(), app.now()).await;
    if let Err(error) = ended {
        tracing::warn!(%error, "a failed attempt could not be noted; the next start does it");
    }
}

/// The outcome of a callback that came before: reloads and doubles see it, nothing happens twice.
async fn replay(app: &App, known: &Known, hash: &str, browser: &str) -> Result<Option<Answer>, Trouble> {
    let find = || async { app.db().find_attempt(hash).await.map_err(Error::from) };
    let Some(mut attempt) = find().await?.filter(|row| row.status != AttemptStatus::Prepared) else {
        return Ok(None);
    };
    let ends = tokio::time::Instant::now() + AT_ONCE;
    while attempt.status == AttemptStatus::Exchanging && tokio::time::Instant::now() < ends {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        let Some(row) = find().await? else { break };
        attempt = row;
    }
    let flow = app.db().find_flow(&known.flow).await.map_err(Error::from)?;
    let open = open::complete(app, flow.ok_or_else(|| foreign("the link is gone"))?).await?;
    match attempt.status {
        AttemptStatus::Done if open.flow.state == FlowState::Done => {
            Ok(Some(Answer::Page(Box::new(finish::done(&open, &open.account, Vec::new())?))))
        }
        AttemptStatus::AwaitingVerification => Ok(Some(verify::to_confirmer(app, &open, &attempt)?)),
        AttemptStatus::Received => {
            Ok(held::page(app, &open, browser).await?.map(|page| Answer::Page(Box::new(page))))
        }
        AttemptStatus::Exchanging => {
            let slow = app.now().since(attempt.updated_at) >= SLOW;
            Ok(Some(waiting(open.head, slow)))
        }
        _ => {
            let failure = attempt.failure.unwrap_or_default();
            let code =
                Code::ALL.iter().copied().find(|code| code.as_str() == failure).unwrap_or(Code::LinkUsed);
            Err(open.trouble(Error::new(code, "this answer of the provider was handled before")))
        }
    }
}
