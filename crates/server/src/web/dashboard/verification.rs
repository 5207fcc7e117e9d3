//! How the person behind a consent is confirmed.

use askama::Template;
use axum::response::Response;
use keybearer_app::Permission;
use keybearer_app::environments::{self, UpdateSettings};
use keybearer_core::{EnvironmentKind, Error, Result, VerifyMode};

use super::flash::Flash;
use super::frame::{Frame, Place};
use super::guard::{Posted, Visit};
use super::settings::{frame, tabs};

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
    let page = view(&visit).await;
    visit.answer(page.map(|view| visit.page(&view)))
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

async fn view(visit: &Visit) -> Result<VerificationView> {
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
        call: call(app.issuer()),
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

/// The call that confirms a person, as `docs/` of the SDKs have it.
fn call(base: &str) -> String {
    format!(
        "curl {base}/api/v1/connected_accounts/user/verify \\\n  -H \"Authorization: Bearer $ACCESS_TOKEN\" \\\n  -H \"Content-Type: application/json\" \\\n  -d '{{\"auth_request_id\": \"FROM_THE_ADDRESS\", \"identifier\": \"YOUR_SIGNED_IN_USER\"}}'"
    )
}
