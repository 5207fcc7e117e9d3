//! Testing a connection as oneself: the real flow in another tab, followed here by what the server knows.

use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use keybearer_app::accounts::{self, Lookup};
use keybearer_app::flows::{TestStand, trial};
use keybearer_app::{Permission, connections, flows, refresh_now};
use keybearer_core::ids::FlowId;
use keybearer_core::{Code, Error, Result};

use super::answer::{see_other, sentence, with_cookie};
use super::cookie::Cookie;
use super::flash::Flash;
use super::frame::{Frame, Section, Tile};
use super::guard::{Posted, Visit};
use super::test_view::{Facts, Step, Verdict, steps};
use super::when::When;

/// How often the page looks again while somebody is at the provider.
const AGAIN_SECONDS: u32 = 3;
/// How often after a long time.
const SLOWLY_SECONDS: u32 = 15;
/// When the page asks whether anybody is still there.
const LONG_SECONDS: u64 = 600;

/// D7.
#[derive(Template)]
#[template(path = "dashboard/test.html")]
struct TestView {
    frame: Frame,
    id: String,
    flow: String,
    name: String,
    provider: String,
    tile: Tile,
    steps: Vec<Step>,
    connected: bool,
    /// What came of it in one sentence, once everything is done.
    result: Option<String>,
    waiting: bool,
    /// Nobody came for ten minutes.
    long: bool,
    can_refresh: bool,
    link: String,
    outside: String,
    ends: When,
    by: String,
    account: String,
    may_remove: bool,
    wait: Option<String>,
}

/// `POST /connections/{name}/test`
pub(super) async fn begin(Path(name): Path<String>, Posted { visit, .. }: Posted) -> Response {
    let started = start(&visit, &name).await;
    visit.answer(started)
}

/// Makes a test link and goes to the page that follows it. The link itself travels in a cookie: it is stored nowhere.
pub(super) async fn start(visit: &Visit, name: &str) -> Result<Response> {
    let link = trial::begin_test(visit.app(), visit.caller(), name, &visit.session.member.name).await?;
    let token = link.url.path().rsplit('/').next().unwrap_or_default().to_owned();
    let to = see_other(&format!("/connections/{name}/test/{}", link.flow_id));
    Ok(with_cookie(to, Cookie::Made.set(&token, visit.dash.is_secure())))
}

/// `GET /connections/{name}/test/{flow}`
pub(super) async fn show(
    visit: Visit,
    Path((name, flow)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let page = page(&visit, &name, &flow, made(&visit, &headers), None).await;
    visit.answer(page)
}

fn made(visit: &Visit, headers: &HeaderMap) -> Option<String> {
    Cookie::Made.read(headers, visit.dash.is_secure())
}

/// `POST /connections/{name}/test/{flow}/stop`
pub(super) async fn stop(
    Path((name, flow)): Path<(String, String)>,
    Posted { visit, .. }: Posted,
) -> Response {
    let done = async {
        trial::stop_test(visit.app(), visit.caller(), &name, &parsed(&flow)?).await?;
        Ok(visit.done(&format!("/connections/{name}"), Flash::TestStopped))
    };
    let done: Result<Response> = done.await;
    visit.answer(done)
}

/// `POST /connections/{name}/test/{flow}/remove`: the test account goes, what was found stays.
pub(super) async fn remove(
    Path((name, flow)): Path<(String, String)>,
    Posted { visit, .. }: Posted,
) -> Response {
    let done = async {
        let test = progress(&visit, &name, &flow).await?;
        accounts::delete(visit.app(), visit.caller(), &Lookup::id(test.account.id.as_str())).await?;
        Ok(visit.done(&format!("/connections/{name}"), Flash::AccountDeleted))
    };
    let done: Result<Response> = done.await;
    visit.answer(done)
}

/// `POST /connections/{name}/test/{flow}/refresh`
pub(super) async fn refresh(
    Path((name, flow)): Path<(String, String)>,
    Posted { visit, .. }: Posted,
) -> Response {
    let done = async {
        let test = progress(&visit, &name, &flow).await?;
        match refresh_now(visit.app(), visit.caller(), &test.account.id).await {
            Err(error) if error.code == Code::RateLimited => {
                let seconds = error.retry_after_seconds.unwrap_or(10);
                page(&visit, &name, &flow, None, Some(seconds)).await
            }
            // what became of it stands in the account's history, which the page shows
            Err(error) => {
                tracing::info!(code = error.code.as_str(), "the refresh of a test failed");
                Ok(see_other(&format!("/connections/{name}/test/{flow}")))
            }
            Ok(_) => Ok(visit.done(&format!("/connections/{name}/test/{flow}"), Flash::Refreshed)),
        }
    };
    let done: Result<Response> = done.await;
    visit.answer(done)
}

fn parsed(flow: &str) -> Result<FlowId> {
    FlowId::parse(flow)
        .ok_or_else(|| Error::new(Code::FlowNotFound, "there is no such test of this connection"))
}

async fn progress(visit: &Visit, name: &str, flow: &str) -> Result<flows::TestProgress> {
    flows::test_progress(visit.app(), visit.caller(), name, &parsed(flow)?).await
}

async fn page(
    visit: &Visit,
    name: &str,
    flow: &str,
    made: Option<String>,
    wait: Option<u32>,
) -> Result<Response> {
    let (app, caller) = (visit.app(), visit.caller());
    let test = progress(visit, name, flow).await?;
    let connection = connections::get(app, caller, name).await?;
    let connector = connections::connector(app, &caller.environment, &connection.connector).await?;
    let method = connector.method(&connection.method);
    let method =
        method.ok_or_else(|| Error::new(Code::FailedPrecondition, "the connector has no such method"))?;
    let steps = steps(&Facts { test: &test, connection: &connection, method, now: app.now() });
    let good = steps.iter().filter(|step| step.verdict == Verdict::Ok).count();
    let busy = steps.iter().any(|step| step.verdict == Verdict::Waiting);
    let connected = test.stand == TestStand::Connected;
    if connected && !busy {
        let counted = (number(good), number(steps.len()));
        trial::keep_result(app, caller, name, &test.flow_id, counted).await?;
    }
    let open = matches!(test.stand, TestStand::Waiting | TestStand::Failed | TestStand::Exchanging);
    let long = test.stand == TestStand::Waiting && app.now().since(test.created_at).as_secs() > LONG_SECONDS;
    let token = made.filter(|_| open);
    let view = TestView {
        frame: frame(visit, &connection, follow(&test, busy, long)),
        result: (connected && !busy).then(|| result(&test, good, &steps)),
        can_refresh: connected
            && test.refreshes
            && test.has_refresh_token
            && test.refresh.is_none()
            && test.note(trial::TrialStep::Refresh).is_none()
            && test.kept.is_none(),
        outside: token.as_ref().map(|token| format!("{}/c/{token}", app.issuer())).unwrap_or_default(),
        link: token.map(|token| format!("/c/{token}")).unwrap_or_default(),
        ends: When::new(test.expires_at, app.now()),
        by: test.kept.as_ref().map(|kept| kept.by.clone()).unwrap_or_default(),
        account: test.account.id.to_string(),
        may_remove: caller.permissions.has(Permission::AccountsRevoke),
        wait: wait.map(|seconds| {
            sentence(&format!("the provider was asked a moment ago: try again in {seconds} seconds"))
        }),
        tile: Tile::new(&connection.connector, &connection.connector_display_name),
        id: connection.id.to_string(),
        flow: flow.to_owned(),
        provider: connection.connector_display_name,
        name: connection.name,
        waiting: open,
        long,
        connected,
        steps,
    };
    let status = if wait.is_some() { StatusCode::TOO_MANY_REQUESTS } else { StatusCode::OK };
    Ok(visit.page_with(status, &view))
}

fn frame(visit: &Visit, connection: &connections::Connection, again_in: Option<u32>) -> Frame {
    let frame = visit.frame(Section::Connections, "Test").under("/connections", "Connections");
    let frame = frame.under(format!("/connections/{}", connection.id), connection.name.clone());
    let frame = frame.under("", "Test").command(format!("keybearer connections test {}", connection.name));
    Frame { again_in, ..frame }
}

/// How often the page looks again by itself, if it does.
fn follow(test: &flows::TestProgress, busy: bool, long: bool) -> Option<u32> {
    let goes_on = match test.stand {
        TestStand::Waiting | TestStand::Exchanging => true,
        // what goes on beside the test ends by itself
        TestStand::Connected => busy && test.kept.is_some(),
        TestStand::Failed => test.kept.is_some(),
        TestStand::Ended => false,
    };
    goes_on.then_some(if long { SLOWLY_SECONDS } else { AGAIN_SECONDS })
}

/// Copy 8, with as much as is known.
fn result(test: &flows::TestProgress, good: usize, steps: &[Step]) -> String {
    let mut says = Vec::new();
    if let Some(identity) = super::test_view::identity(test) {
        says.push(format!("You are connected as {identity}"));
    }
    let (wanted, missing) = (test.account.wanted_scopes.len(), test.account.missing_scopes.len());
    if !test.account.granted_scopes.is_empty() {
        says.push(format!("{} of {wanted} scopes granted", wanted.saturating_sub(missing)));
    }
    let done = |step| test.note(step).filter(|note| note.outcome == trial::NoteOutcome::Ok);
    if done(trial::TrialStep::Refresh).is_some() {
        says.push("the token was refreshed once".to_owned());
    }
    if let Some(took) = done(trial::TrialStep::Call).and_then(|note| note.duration_ms) {
        says.push(format!("a test call answered in {took} ms"));
    }
    says.push(format!("{good} of {} steps are good", steps.len()));
    sentence(&says.join("; "))
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
