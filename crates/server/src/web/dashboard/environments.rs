//! The environments: making one, naming one, seeing what differs.

use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;
use keybearer_app::environments::{self, Environment};
use keybearer_app::{PageAsk, Permission};
use keybearer_core::{Code, EnvironmentKind, Error, Result, VerifyMode};

use super::answer::sentence;
use super::environment::{kind, named};
use super::flash::Flash;
use super::frame::{Frame, Place};
use super::guard::{Posted, Visit};
use super::settings::{frame, tabs};
use super::when::When;

/// D22, Environments.
#[derive(Template)]
#[template(path = "dashboard/environments.html")]
struct EnvironmentsView {
    frame: Frame,
    tabs: Vec<Place>,
    rows: Vec<Row>,
    kinds: Vec<Kind>,
    may: bool,
    name: String,
    wrong: Option<String>,
}

/// One of them.
#[derive(Template)]
#[template(path = "dashboard/one_environment.html")]
struct OneView {
    frame: Frame,
    tabs: Vec<Place>,
    row: Row,
    app_name: String,
    may: bool,
    wrong: Option<String>,
}

/// An environment in the list.
struct Row {
    id: String,
    name: String,
    kind: &'static str,
    made: When,
    here: bool,
    verified: bool,
}

/// What one can be for.
struct Kind {
    value: &'static str,
    label: &'static str,
    says: &'static str,
}

/// `GET /settings/environments`
pub(super) async fn list(visit: Visit) -> Response {
    let page = view(&visit, String::new(), None).await;
    visit.answer(page.map(|view| visit.page(&view)))
}

/// `POST /settings/environments`
pub(super) async fn make(Posted { visit, form }: Posted) -> Response {
    let (name, kind) = (form.text("name"), EnvironmentKind::parse(&form.text("kind")));
    let made = match kind {
        Some(kind) => environments::create(visit.app(), visit.caller(), name.trim(), kind).await,
        None => Err(Error::field("kind", "must be one of those on the page")),
    };
    let done = match made {
        Ok(_) => Ok(visit.done("/settings/environments", Flash::EnvironmentMade)),
        Err(error) if is_about_the_form(&error) => {
            let view = view(&visit, name, Some(wrong(&error))).await;
            view.map(|view| visit.page_with(StatusCode::UNPROCESSABLE_ENTITY, &view))
        }
        Err(error) => Err(error),
    };
    visit.answer(done)
}

/// `GET /settings/environments/{id}`
pub(super) async fn show(visit: Visit, Path(id): Path<String>) -> Response {
    let page = one(&visit, &id, None).await;
    visit.answer(page.map(|view| visit.page(&view)))
}

/// `POST /settings/environments/{id}`
pub(super) async fn rename(Path(id): Path<String>, Posted { visit, form }: Posted) -> Response {
    let renamed = environments::rename(visit.app(), visit.caller(), &id, form.text("name").trim()).await;
    let done = match renamed {
        Ok(_) => Ok(visit.done(&format!("/settings/environments/{id}"), Flash::Saved)),
        Err(error) if is_about_the_form(&error) => {
            let view = one(&visit, &id, Some(wrong(&error))).await;
            view.map(|view| visit.page_with(StatusCode::UNPROCESSABLE_ENTITY, &view))
        }
        Err(error) => Err(error),
    };
    visit.answer(done)
}

fn is_about_the_form(error: &Error) -> bool {
    matches!(error.code, Code::InvalidArgument | Code::AlreadyExists)
}

fn wrong(error: &Error) -> String {
    match error.violations.first() {
        Some(wrong) if wrong.field == "kind" => sentence(&format!("what it is for {}", wrong.description)),
        Some(wrong) => sentence(&format!("the name {}", wrong.description)),
        None => sentence(&error.detail),
    }
}

async fn view(visit: &Visit, name: String, wrong: Option<String>) -> Result<EnvironmentsView> {
    let (app, caller) = (visit.app(), visit.caller());
    let all = environments::visible(app, caller, &PageAsk::first(100)).await?;
    let frame = frame(visit, "Environments");
    Ok(EnvironmentsView {
        tabs: tabs(visit, "/settings/environments"),
        rows: all.items.iter().map(|one| row(visit, one)).collect(),
        kinds: EnvironmentKind::ALL.iter().map(|kind| option(*kind)).collect(),
        may: caller.permissions.has(Permission::EnvironmentsCreate),
        name,
        wrong,
        frame: frame.command("keybearer environments create NAME --kind development"),
    })
}

async fn one(visit: &Visit, id: &str, wrong: Option<String>) -> Result<OneView> {
    let (app, caller) = (visit.app(), visit.caller());
    let found = environments::show(app, caller, id).await?;
    let label = named(&found);
    let frame = visit.frame(super::frame::Section::Settings, &label);
    let frame =
        frame.under("/settings", "Settings").under("/settings/environments", "Environments").under("", label);
    Ok(OneView {
        tabs: tabs(visit, "/settings/environments"),
        row: row(visit, &found),
        app_name: found.app_name.clone(),
        may: caller.permissions.has(Permission::EnvironmentsWrite),
        wrong,
        frame: frame.command(format!("keybearer environments show {}", found.id)),
    })
}

fn row(visit: &Visit, one: &Environment) -> Row {
    Row {
        id: one.id.to_string(),
        name: one.name.clone(),
        kind: kind(one.kind),
        made: When::new(one.created_at, visit.app().now()),
        here: one.id == visit.session.environment.id,
        verified: one.verify_mode != VerifyMode::None,
    }
}

fn option(one: EnvironmentKind) -> Kind {
    let says = match one {
        EnvironmentKind::Development => "Yours to break, with the sandbox beside it where it runs.",
        EnvironmentKind::Staging => "Like production, for a last look.",
        EnvironmentKind::Production => {
            "Real users. Named in the bar and the title of every page; calls that change something ask first."
        }
    };
    Kind { value: one.as_str(), label: kind(one), says }
}
