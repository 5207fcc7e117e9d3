//! Testing a connection as oneself: the real flow in another tab, followed here by what the server knows.

use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use keybearer_app::flows::TestStand;
use keybearer_app::{connections, flows, refresh_now};
use keybearer_core::ids::FlowId;
use keybearer_core::{Code, Error, Result};

use super::answer::{see_other, sentence, with_cookie};
use super::cookie::Cookie;
use super::flash::Flash;
use super::frame::{Frame, Section, Tile};
use super::guard::{Posted, Visit};
use super::test_view::{Step, Verdict, steps};
use super::when::When;

/// How often the page looks again while somebody is at the provider.
const AGAIN_SECONDS: u32 = 3;

/// D7.
#[derive(Template)]
#[template(path = "dashboard/test.html")]
struct TestView {
    frame: Frame,
    id: String,
    flow: String,
    name: String,
    tile: Tile,
    steps: Vec<Step>,
    good: usize,
    connected: bool,
    waiting: bool,
    can_refresh: bool,
    link: String,
    ends: When,
    account: String,
    wait: Option<String>,
}

/// `POST /connections/{name}/test`
pub(super) async fn begin(Path(name): Path<String>, Posted { visit, .. }: Posted) -> Response {
    let started = start(&visit, &name).await;
    visit.answer(started)
}

/// Makes a test link and goes to the page that follows it. The link itself travels in a cookie: it is stored nowhere.
pub(super) async fn start(visit: &Visit, name: &str) -> Result<Response> {
    let link = flows::create_test_link(visit.app(), visit.caller(), name).await?;
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

async fn progress(visit: &Visit, name: &str, flow: &str) -> Result<flows::TestProgress> {
    let unknown = || Error::new(Code::FlowNotFound, "there is no such test of this connection");
    let flow = FlowId::parse(flow).ok_or_else(unknown)?;
    flows::test_progress(visit.app(), visit.caller(), name, &flow).await
}

async fn page(
    visit: &Visit,
    name: &str,
    flow: &str,
    made: Option<String>,
    wait: Option<u32>,
) -> Result<Response> {
    let test = progress(visit, name, flow).await?;
    let connection = connections::get(visit.app(), visit.caller(), name).await?;
    let connector =
        connections::connector(visit.app(), &visit.caller().environment, &connection.connector).await?;
    let method = connector.method(&connection.method);
    let method =
        method.ok_or_else(|| Error::new(Code::FailedPrecondition, "the connector has no such method"))?;
    let steps = steps(&test, &connection, method);
    let waiting = matches!(test.stand, TestStand::Waiting | TestStand::Exchanging | TestStand::Failed);
    let frame = visit.frame(Section::Connections, "Test").under("/connections", "Connections");
    let frame =
        frame.under(format!("/connections/{}", connection.id), connection.name.clone()).under("", "Test");
    let follow = matches!(test.stand, TestStand::Waiting | TestStand::Exchanging);
    let frame = Frame { again_in: follow.then_some(AGAIN_SECONDS), ..frame };
    let status = if wait.is_some() { StatusCode::TOO_MANY_REQUESTS } else { StatusCode::OK };
    let view = TestView {
        frame: frame.command(format!("keybearer connections test {}", connection.name)),
        good: steps.iter().filter(|step| step.verdict == Verdict::Ok).count(),
        connected: test.stand == TestStand::Connected,
        can_refresh: test.stand == TestStand::Connected
            && test.refreshes
            && test.has_refresh_token
            && test.refresh.is_none(),
        link: made.filter(|_| waiting).map(|token| format!("/c/{token}")).unwrap_or_default(),
        ends: When::new(test.expires_at, visit.app().now()),
        account: test.account.id.to_string(),
        wait: wait.map(|seconds| {
            sentence(&format!("the provider was asked a moment ago: try again in {seconds} seconds"))
        }),
        tile: Tile::new(&connection.connector, &connection.connector_display_name),
        id: connection.id.to_string(),
        flow: flow.to_owned(),
        name: connection.name,
        waiting,
        steps,
    };
    Ok(visit.page_with(status, &view))
}
