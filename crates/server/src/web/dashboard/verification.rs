//! How the person behind a consent is confirmed.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use keybearer_app::environments::{self, UpdateSettings};
use keybearer_app::{Permission, flows};
use keybearer_core::{Code, EnvironmentKind, Error, Result, VerifyMode};

use super::answer::{quoted, sentence};
use super::flash::Flash;
use super::frame::{Frame, Place};
use super::guard::{Posted, Visit};
use super::settings::{frame, tabs};
use super::when::When;

/// D22, User verification.
#[derive(Template)]
#[template(path = "dashboard/verification.html")]
struct VerificationView {
    frame: Frame,
    tabs: Vec<Place>,
    may: bool,
    modes: Vec<Mode>,
    off: bool,
    production: bool,
    addresses: Vec<String>,
    call: String,
    /// Consents that wait, where the developer may confirm them here.
    waiting: Option<Vec<Waits>>,
    told: Option<Told>,
}

/// A consent that waits for the app's word.
struct Waits {
    id: String,
    request: String,
    user: String,
    typed: String,
    account: String,
    connection: String,
    since: When,
    until: When,
    call: String,
}

/// What came of a confirmation.
struct Told {
    ok: bool,
    says: String,
    more: String,
    to: String,
}

/// A way to confirm people.
struct Mode {
    value: &'static str,
    label: &'static str,
    says: &'static str,
    chosen: bool,
}

/// `GET /settings/verification`
pub(super) async fn show(visit: Visit) -> Response {
    let page = view(&visit, None).await;
    visit.answer(page.map(|view| visit.page(&view)))
}

/// `POST /settings/verification/simulate`: confirms a person as the app's server would.
pub(super) async fn simulate(Posted { visit, form }: Posted) -> Response {
    let (request, user) = (form.text("request"), form.text("user"));
    let done = async {
        let (status, told) = match flows::simulate(visit.app(), visit.caller(), &request, user.trim()).await {
            Ok(to) => (
                StatusCode::OK,
                Told {
                    ok: true,
                    says: format!("Confirmed: it is {}.", user.trim()),
                    more: String::new(),
                    to,
                },
            ),
            // what the call would have answered
            Err(error) if matches!(error.code, Code::FlowNotFound | Code::IdentifierMismatch) => {
                let says = format!("The call answers {}: {}.", error.code.http(), error.detail);
                let more = error.help.as_deref().map(sentence).unwrap_or_default();
                (StatusCode::UNPROCESSABLE_ENTITY, Told { ok: false, says, more, to: String::new() })
            }
            Err(error) => return Err(error),
        };
        let view = view(&visit, Some(told)).await?;
        Ok(visit.page_with(status, &view))
    };
    let done: Result<Response> = done.await;
    visit.answer(done)
}

/// `POST /settings/verification`
pub(super) async fn save(Posted { visit, form }: Posted) -> Response {
    let done = async {
        let mode = VerifyMode::parse(&form.text("mode"))
            .ok_or_else(|| Error::field("mode", "must be one of the ways on the page"))?;
        let change = UpdateSettings { verify_mode: Some(mode), ..UpdateSettings::default() };
        let here = visit.session.environment.id.as_str();
        environments::update_settings(visit.app(), visit.caller(), here, change).await?;
        Ok(visit.done("/settings/verification", Flash::Saved))
    };
    let done: Result<Response> = done.await;
    visit.answer(done)
}

async fn view(visit: &Visit, told: Option<Told>) -> Result<VerificationView> {
    let (app, caller) = (visit.app(), visit.caller());
    let environment = environments::show(app, caller, visit.session.environment.id.as_str()).await?;
    let mode = |mode: VerifyMode| {
        let (label, says) = words(mode);
        Mode { value: mode.as_str(), label, says, chosen: environment.verify_mode == mode }
    };
    let frame = frame(visit, "User verification");
    let command = format!("keybearer environments settings {} --verification custom", environment.id);
    Ok(VerificationView {
        tabs: tabs(visit, "/settings/verification"),
        may: caller.permissions.has(Permission::SettingsWrite),
        modes: environments::VERIFY_MODES.iter().copied().map(mode).collect(),
        off: environment.verify_mode == VerifyMode::None,
        production: environment.kind == EnvironmentKind::Production,
        addresses: app.config().verify_urls.iter().map(url::Url::to_string).collect(),
        call: call(app.issuer(), "FROM_THE_ADDRESS", "YOUR_SIGNED_IN_USER"),
        waiting: waiting(visit, environment.kind).await?,
        told,
        frame: frame.command(command),
    })
}

/// What a way is called and does.
const fn words(mode: VerifyMode) -> (&'static str, &'static str) {
    match mode {
        VerifyMode::Custom => (
            "Your app confirms each person",
            "After consent people come back to your app, and your server says who they are. A link that fell into other hands connects nobody.",
        ),
        VerifyMode::Dashboard => (
            "Members of this dashboard only",
            "Whoever comes back from the provider signs in here, and must be the user of the link by e-mail address. For teams whose agents act for themselves.",
        ),
        VerifyMode::None => (
            "Nobody confirms",
            "Whoever opens a link connects an account under the user of the link. For development.",
        ),
    }
}

/// The consents that wait; `None` where nobody may confirm them on this page.
async fn waiting(visit: &Visit, kind: EnvironmentKind) -> Result<Option<Vec<Waits>>> {
    let (app, caller) = (visit.app(), visit.caller());
    if kind == EnvironmentKind::Production || !caller.permissions.has(Permission::AccountsWrite) {
        return Ok(None);
    }
    let now = app.now();
    let one = |(number, waiting): (usize, flows::Waiting)| Waits {
        id: format!("call-{number}"),
        call: call(app.issuer(), &waiting.request, &waiting.user),
        typed: waiting.user.clone(),
        since: When::new(waiting.since, now),
        until: When::new(waiting.until, now),
        account: waiting.account.to_string(),
        request: waiting.request,
        user: waiting.user,
        connection: waiting.connection,
    };
    Ok(Some(flows::waiting(app, caller).await?.into_iter().enumerate().map(one).collect()))
}

/// The call that confirms a person, as `docs/` of the SDKs have it.
fn call(base: &str, request: &str, user: &str) -> String {
    let body = serde_json::json!({"auth_request_id": request, "identifier": user}).to_string();
    let body = quoted(&body);
    format!(
        "curl {base}/api/v1/connected_accounts/user/verify \\\n  -H \"Authorization: Bearer $ACCESS_TOKEN\" \\\n  -H \"Content-Type: application/json\" \\\n  -d {body}"
    )
}
