//! Verification before the code is exchanged: the app confirms the person (`product.md` decision 2), or the person shows
//! who they are by a session of the dashboard.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keybearer_connectors::Bindings;
use keybearer_core::{AccountStatus, Code, Error, Result, StatusReason, sha256, to_hex};
use keybearer_oauth::Params;
use keybearer_store::{AttemptRow, AttemptStatus};
use serde_json::json;

use super::callback::fail;
use super::complete::{self, Connected, Consent};
use super::open::{self, OpenFlow};
use super::page::{Answer, DonePage, Page, PageBody, PageHead, Visit};
use super::problem::Trouble;
use super::{finish, held, sealed, state, verify_url};
use crate::access::{Caller, Permission};
use crate::audit;
use crate::sessions::Session;
use crate::state::App;

const MAX_ID: usize = 1000;

/// The key of a parked code under which it is noted that the dashboard confirms, and what the value says.
const BY: &str = "confirmed_by";
const DASHBOARD: &str = "dashboard";

/// Keeps the code sealed and sends the browser to the app.
pub(super) async fn park(app: &App, open: OpenFlow, consent: Consent, hash: &str) -> Result<Answer, Trouble> {
    if open.flow.user_verify_url.is_none() {
        let error =
            Error::new(Code::ConfigInvalid, "user_verify_url not configured for verification redirect")
                .with_help("give user_verify_url when you make the link");
        return Err(open.trouble(error));
    }
    keep(app, open, consent, hash, None).await
}

/// Keeps the code sealed and sends the browser to the dashboard, where nobody but this browser can confirm.
pub(super) async fn park_for_member(
    app: &App,
    open: OpenFlow,
    consent: Consent,
    hash: &str,
    browser: &str,
) -> Result<Answer, Trouble> {
    keep(app, open, consent, hash, Some(browser)).await
}

async fn keep(
    app: &App,
    open: OpenFlow,
    consent: Consent,
    hash: &str,
    browser: Option<&str>,
) -> Result<Answer, Trouble> {
    let mut random = [0_u8; 32];
    app.entropy().fill(&mut random)?;
    let request_id = URL_SAFE_NO_PAD.encode(random);
    let mut values = Bindings::new().with("code", consent.code).with("auth_request_id", request_id.as_str());
    if let Some(verifier) = consent.verifier {
        values.insert("verifier", verifier);
    }
    if browser.is_some() {
        values.insert(BY, DASHBOARD);
    }
    values.insert("parameters", consent.parameters.to_form());
    let mut row = held::blank(app, &open, hash, AttemptStatus::AwaitingVerification);
    row.sealed = Some(sealed::seal_attempt(app, &open.flow.environment_id, &open.flow.id, hash, &values)?);
    row.auth_request_hash = Some(match browser {
        Some(browser) => own_request_hash(browser, &request_id),
        None => request_hash(&request_id),
    });
    let inserted = app.db().insert_attempt(&row).await.map_err(Error::from)?;
    if !inserted {
        let known = app.db().find_attempt(hash).await.map_err(Error::from)?;
        row = known.ok_or_else(|| Error::new(Code::StateInvalid, "the callback was used"))?;
        return Ok(to_confirmer(app, &open, &row)?);
    }
    let (status, reason) = (AccountStatus::PendingVerification, StatusReason::AwaitingVerification);
    finish::wait_state(app, &open, status, reason).await?;
    Ok(to_confirmer(app, &open, &row)?)
}

/// Where the person is confirmed: the app's verify URL with `auth_request_id` and `state`, and nothing else of ours; or a
/// page of the dashboard.
pub(super) fn to_confirmer(app: &App, open: &OpenFlow, attempt: &AttemptRow) -> Result<Answer> {
    let over = || Error::new(Code::LinkUsed, "the verification is over");
    let values = sealed::open_attempt(app, attempt)?;
    let id = values.get("auth_request_id").ok_or_else(over)?;
    if values.get(BY).is_some_and(|by| by.expose() == DASHBOARD) {
        let url = format!("{}/connect/confirm?request={}", app.issuer(), id.expose());
        let url = url.parse().map_err(|_| Error::internal("the public URL cannot carry a page"))?;
        return Ok(Answer::Redirect(url));
    }
    let text = open.flow.user_verify_url.as_ref().ok_or_else(over)?;
    // the list may have changed since the link was made
    let mut url = verify_url::allowed(text, &app.config().verify_urls)?;
    url.query_pairs_mut().append_pair("auth_request_id", id.expose());
    if let Some(state) = &open.flow.app_state {
        url.query_pairs_mut().append_pair("state", state);
    }
    Ok(Answer::Redirect(url))
}

/// The app says who the person is. The right user exchanges the code; another one destroys it. Gives the address
/// to which the app sends the browser.
///
/// # Errors
/// [`Code::PermissionDenied`]; [`Code::FlowNotFound`] for an unknown, used or ended id and for those of other
/// environments; [`Code::IdentifierMismatch`]; and what the exchange came to.
pub async fn verify(app: &App, caller: &Caller, auth_request_id: &str, identifier: &str) -> Result<String> {
    caller.require(Permission::AccountsWrite)?;
    if auth_request_id.is_empty() || auth_request_id.len() > MAX_ID || auth_request_id.contains('\0') {
        return Err(unknown());
    }
    let attempt = waiting(app, &request_hash(auth_request_id)).await?;
    if attempt.environment_id != caller.environment {
        return Err(unknown());
    }
    decide(app, caller, attempt, |user| user == identifier).await
}

/// The browser that came back from the provider shows who it is: a signed-in member, whose address must be the user that
/// the link was made for. Gives the address where the browser goes on.
///
/// # Errors
/// [`Code::FlowNotFound`] for an unknown, used or ended request and in every other browser;
/// [`Code::IdentifierMismatch`] for another member, which destroys the code; and what the exchange came to.
pub async fn confirm(app: &App, session: &Session, visit: &Visit, request: &str) -> Result<String> {
    let over = |error: Error| match error.code {
        Code::FlowNotFound => Error::new(Code::FlowNotFound, "there is nothing to confirm in this browser")
            .with_help("open the connect link again, in the browser that goes through all of it"),
        Code::IdentifierMismatch => Error::new(
            Code::IdentifierMismatch,
            format!(
                "the link was made for somebody else than {}, as whom you are signed in here",
                session.member.email
            ),
        )
        .with_help("nothing was stored; sign in here as that person and open the link again"),
        _ => error,
    };
    let browser = visit.browser.as_deref().filter(|_| request.len() <= MAX_ID);
    let browser = browser.ok_or_else(|| over(unknown()))?;
    let attempt = waiting(app, &own_request_hash(browser, request)).await.map_err(over)?;
    let caller = Caller { environment: attempt.environment_id.clone(), ..session.caller.clone() };
    let email = session.member.email.as_str();
    decide(app, &caller, attempt, |user| user.trim().to_lowercase() == email).await.map_err(over)
}

/// The id under which the app confirms a parked code; `None` where the dashboard confirms.
pub(super) fn request_of_app(app: &App, attempt: &AttemptRow) -> Result<Option<String>> {
    let values = sealed::open_attempt(app, attempt)?;
    let of_app = values.get(BY).is_none_or(|by| by.expose() != DASHBOARD);
    Ok(values.get("auth_request_id").filter(|_| of_app).map(|id| id.expose().clone()))
}

/// A parked code that waits for a word about its person.
async fn waiting(app: &App, request_hash: &str) -> Result<AttemptRow> {
    let attempt = app.db().find_attempt_by_auth_request(request_hash).await?;
    let fresh = |row: &AttemptRow| app.now().since(row.created_at) <= state::LIFETIME;
    attempt.filter(|row| row.status == AttemptStatus::AwaitingVerification && fresh(row)).ok_or_else(unknown)
}

/// The right person gets the exchange; another one destroys the code.
async fn decide(
    app: &App,
    caller: &Caller,
    attempt: AttemptRow,
    is_right: impl FnOnce(&str) -> bool,
) -> Result<String> {
    // a newer link, a success or a paused connection since then count here, too
    let open = open::by_id(app, &attempt.flow_id, attempt.created_at).await;
    let open = open.map_err(|trouble| match trouble.error.code {
        Code::LinkUsed | Code::LinkExpired => unknown(),
        _ => trouble.error,
    })?;
    let (from, to) = (AttemptStatus::AwaitingVerification, AttemptStatus::Exchanging);
    if !is_right(&open.account.identifier) {
        // whoever moves it decides: a right answer at the same moment does not undo the wrong one
        if !app.db().move_attempt(&attempt.state_hash, from, to, app.now()).await? {
            return Err(unknown());
        }
        return Err(destroy(app, caller, &open, &attempt).await?);
    }
    let values = sealed::open_attempt(app, &attempt)?;
    if !app.db().move_attempt(&attempt.state_hash, from, to, app.now()).await? {
        return Err(unknown());
    }
    let worker = app.clone();
    let task =
        app.flow_tasks().spawn(async move { confirmed(&worker, open, &attempt.state_hash, &values).await });
    task.await.map_err(|_| Error::internal("the exchange was interrupted"))?
}

fn unknown() -> Error {
    Error::new(Code::FlowNotFound, "auth request not found or no longer valid")
}

async fn confirmed(app: &App, open: OpenFlow, hash: &str, values: &Bindings) -> Result<String> {
    let code = values.get("code").cloned();
    let consent = Consent {
        code: code.ok_or_else(|| Error::new(Code::IntegrityError, "the stored code is gone"))?,
        verifier: values.get("verifier").cloned(),
        parameters: read_parameters(values),
    };
    let exchanged = complete::exchange(app, &open, consent).await;
    let stored = match exchanged {
        // the page behind the address below asks the person
        Ok(connected) if held::is_somebody_else(&open, &connected) => {
            held::hold(app, &open, hash, &connected).await.map(|_| ())
        }
        Ok(connected) => store(app, &open, hash, &connected).await,
        Err(error) => Err(error),
    };
    if let Err(error) = stored {
        fail(app, hash, &error).await;
        finish::wait_state(app, &open, AccountStatus::PendingAuth, StatusReason::Created).await?;
        return Err(error);
    }
    Ok(format!("{}/connect/success?flow={}", app.issuer(), open.flow.id))
}

async fn store(app: &App, open: &OpenFlow, hash: &str, connected: &Connected) -> Result<()> {
    let stored = finish::store(app, open, Some(hash), connected).await;
    if stored.is_err() {
        // nobody keeps what the provider just issued
        held::give_back(app, open, &connected.grant).await;
    }
    stored.map(|_| ())
}

/// Another person than the link was made for consented: nobody gets what they allowed.
async fn destroy(app: &App, caller: &Caller, open: &OpenFlow, attempt: &AttemptRow) -> Result<Error> {
    let error =
        Error::new(Code::IdentifierMismatch, "the person who consented is not the one the link was made for")
            .with_help("the code was destroyed; send a new link to the right person");
    fail(app, &attempt.state_hash, &error).await;
    let (status, reason) = (AccountStatus::PendingAuth, StatusReason::VerificationMismatch);
    finish::wait_state(app, open, status, reason).await?;
    audit::record(app, caller, "verify.mismatch", open.account.id.as_str(), json!({"flow": open.flow.id}))
        .await?;
    Ok(error)
}

fn read_parameters(values: &Bindings) -> Params {
    let form = values.get("parameters").map(|form| form.expose().clone()).unwrap_or_default();
    let pairs = url::form_urlencoded::parse(form.as_bytes());
    pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

fn request_hash(id: &str) -> String {
    to_hex(&sha256(id.as_bytes()))
}

/// For a request that only the browser can answer that brought the code: no API call has a zero byte.
fn own_request_hash(browser: &str, id: &str) -> String {
    to_hex(&sha256(format!("dashboard\0{browser}\0{id}").as_bytes()))
}

/// The page at the end of a verified flow, and of any other for who stays on it. It names the service, never the account
/// holder, for anybody can open it; only the browser that still has the link sees more, and is asked here when another
/// account holder than before came back.
///
/// # Errors
/// None of its own.
pub async fn success(app: &App, query: &str, link: Option<&str>, visit: &Visit) -> Result<Answer> {
    let value = |wanted: &str| {
        url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == wanted).map(|(_, value)| value)
    };
    let id = value("flow").and_then(|id| keybearer_core::ids::FlowId::parse(&id));
    let flow = match id {
        Some(id) => app.db().find_flow(&id).await?,
        None => None,
    };
    if let (Some(flow), Some(link), Some(browser)) = (&flow, link, &visit.browser)
        && let Ok(open) = open::by_token(app, link).await
        && open.flow.id == flow.id
        && let Ok(Some(page)) = held::page(app, &open, browser).await
    {
        return Ok(Answer::Page(Box::new(page)));
    }
    let own = flow.as_ref().zip(link).is_some_and(|(flow, link)| flow.token_hash == open::token_hash(link));
    let open = match flow {
        Some(flow) => open::complete(app, flow).await.ok(),
        None => None,
    };
    Ok(Answer::Page(Box::new(match &open {
        Some(open) if own => own_success(open, value("stay").is_some())?,
        open => {
            let head = open.as_ref().map(|open| PageHead { return_url: None, ..open.head.clone() });
            let head = PageHead { identifier: String::new(), ..head.unwrap_or_default() };
            Page { head, body: PageBody::Done(DonePage::default()) }
        }
    })))
}

/// The same for the browser that has the link.
fn own_success(open: &OpenFlow, stays: bool) -> Result<Page> {
    let Page { head, body } = finish::done(open, &open.account, Vec::new())?;
    let PageBody::Done(done) = body else { return Ok(Page { head, body }) };
    let done = DonePage {
        identity: done.identity.filter(|_| open.account.status == AccountStatus::Active),
        stay: done.stay.filter(|_| !stays),
        ..done
    };
    Ok(Page { head: PageHead { identifier: String::new(), ..head }, body: PageBody::Done(done) })
}
