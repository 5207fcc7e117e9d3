//! The built-in provider: its switches, its clock, its people, and what it received.

use std::time::Duration;

use axum::extract::Path;
use axum::response::Response;
use keybearer_app::Permission;
use keybearer_core::{Code, EnvironmentKind, Error, Result};
use keybearer_sandbox::{Control, SettingError, knobs};

use super::flash::Flash;
use super::form::Form;
use super::guard::{Posted, Visit};
use super::sandbox_view;

/// The sandbox that runs in this process, as the dashboard reaches it.
#[derive(Clone)]
pub struct Beside {
    /// Its handle.
    pub control: Control,
    /// Whether the operator wants it beside production environments, too.
    pub in_production: bool,
}

/// The switches as they are, or what was wrong with those that were sent.
pub(super) async fn show(visit: Visit) -> Response {
    let page = async {
        visit.caller().require(Permission::ConnectorsRead)?;
        match &visit.dash.sandbox {
            None => Ok(sandbox_view::absent(&visit)),
            Some(_) => sandbox_view::page(&visit, control(&visit)?).await,
        }
    };
    let page = page.await;
    visit.answer(page)
}

/// `POST /sandbox`: everything the form holds, or nothing.
pub(super) async fn set(Posted { visit, form }: Posted) -> Response {
    let done = change(&visit, |control| {
        let wanted = wanted(&form);
        let pairs = wanted.iter().map(|(name, value)| (*name, value.as_str()));
        control.set_all(pairs).map_err(|error| refused(&error))?;
        Ok(Flash::SwitchesSet)
    });
    visit.answer(done)
}

/// `POST /sandbox/clock`: forward by so many seconds, or a constant error.
pub(super) async fn clock(Posted { visit, form }: Posted) -> Response {
    let done = change(&visit, |control| {
        if form.has("forward") {
            let seconds = form.text("forward").trim().parse().ok().filter(|seconds| *seconds <= 400 * 86_400);
            let seconds = seconds
                .ok_or_else(|| Error::field("forward", "must be a number of seconds, at most 400 days"))?;
            control.advance(Duration::from_secs(seconds));
        }
        if form.has("skew") {
            let seconds = form.text("skew").trim().parse::<i64>().ok();
            let seconds = seconds.filter(|seconds| seconds.abs() <= 86_400).ok_or_else(|| {
                Error::field("skew", "must be a number of seconds between -86400 and 86400")
            })?;
            control.set_skew(seconds);
        }
        Ok(Flash::ClockMoved)
    });
    visit.answer(done)
}

/// `POST /sandbox/people/{id}/withdraw`: what the person does on the page "Apps with access".
pub(super) async fn withdraw(Path(id): Path<String>, Posted { visit, .. }: Posted) -> Response {
    let done = change(&visit, |control| {
        control.withdraw(&id, None);
        Ok(Flash::GrantsWithdrawn)
    });
    visit.answer(done)
}

/// `POST /sandbox/requests/clear`
pub(super) async fn clear(Posted { visit, .. }: Posted) -> Response {
    let done = change(&visit, |control| {
        control.clear_requests();
        Ok(Flash::TrafficCleared)
    });
    visit.answer(done)
}

/// `POST /sandbox/reset`
pub(super) async fn reset(Posted { visit, .. }: Posted) -> Response {
    let done = change(&visit, |control| {
        control.reset();
        Ok(Flash::SandboxReset)
    });
    visit.answer(done)
}

fn change(visit: &Visit, work: impl FnOnce(&Control) -> Result<Flash>) -> Result<Response> {
    visit.caller().require(Permission::ConnectorsWrite)?;
    let control = control(visit)?;
    let flash = work(control)?;
    tracing::info!(
        actor = visit.caller().actor.as_text(), reference = %visit.caller().reference, unusual = ?control.unusual(),
        "the sandbox was changed in the dashboard"
    );
    Ok(visit.done("/sandbox", flash))
}

/// The handle of the sandbox, where this environment may use it.
fn control(visit: &Visit) -> Result<&Control> {
    let Some(beside) = &visit.dash.sandbox else {
        return Err(Error::new(Code::FailedPrecondition, "this server runs without the sandbox provider")
            .with_help("`keybearer dev` starts one beside the server"));
    };
    if visit.session.environment.kind == EnvironmentKind::Production && !beside.in_production {
        return Err(Error::new(
            Code::FailedPrecondition,
            "the sandbox provider is not for production environments",
        )
        .with_help("start `keybearer dev` with --sandbox-in-production if you mean it"));
    }
    Ok(control_of(beside))
}

const fn control_of(beside: &Beside) -> &Control {
    &beside.control
}

/// What a form says about switches that it shows.
fn wanted(form: &Form) -> Vec<(&'static str, String)> {
    let chosen = knobs::TOKENS.iter().chain(knobs::STAGES).filter(|knob| form.has(knob.name));
    let mut wanted: Vec<(&'static str, String)> =
        chosen.map(|knob| (knob.name, form.text(knob.name))).collect();
    if form.has("dialect_shown") {
        let words = form.all(knobs::DIALECT.name);
        let dialect = if words.is_empty() { "standard".to_owned() } else { words.join(",") };
        wanted.push((knobs::DIALECT.name, dialect));
    }
    wanted
}

fn refused(error: &SettingError) -> Error {
    Error::new(Code::InvalidArgument, error.to_string()).with_help("nothing was changed")
}

impl Visit {
    /// What every page says while the sandbox does something on purpose that it does not do by itself.
    pub(super) fn ribbon(&self) -> Option<String> {
        let unusual = control(self).ok()?.unusual();
        match unusual.as_slice() {
            [] => None,
            [only] => Some(only.clone()),
            [first, rest @ ..] => Some(format!("{first} and {} more", rest.len())),
        }
    }
}
