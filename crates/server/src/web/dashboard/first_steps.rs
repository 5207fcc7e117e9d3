//! The way to a first call, for a new environment.

use axum::response::Response;
use keybearer_app::connections::Connection;
use keybearer_app::first_steps::{self, FirstSteps};
use keybearer_app::logs::{self, CallQuery};
use keybearer_app::{PageAsk, Permission, journal};
use keybearer_core::{Error, Result};

use super::flash::Flash;
use super::guard::{Posted, Visit};
use super::snippets;

/// A step of the way to a first call.
pub(super) struct Step {
    pub done: bool,
    pub title: &'static str,
    pub says: &'static str,
    pub href: String,
    pub action: &'static str,
    /// What to type, where that is the step.
    pub curl: Option<String>,
}

/// The steps as long as the first page has them; those that are all done go for good.
pub(super) async fn shown(visit: &Visit, all: &[Connection], active: i64) -> Result<Vec<Step>> {
    let (app, caller) = (visit.app(), visit.caller());
    let state = first_steps::state(app, caller).await?;
    if !state.is_there() {
        return Ok(Vec::new());
    }
    let steps = steps(visit, all, active).await?;
    if state == FirstSteps::Shown && steps.iter().all(|step| step.done) {
        if caller.permissions.has(Permission::LogsRead) {
            first_steps::done(app, caller).await?;
        }
        return Ok(Vec::new());
    }
    Ok(steps)
}

/// `POST /settings/first-steps`: hides the list, or brings it back.
pub(super) async fn decide(Posted { visit, form }: Posted) -> Response {
    let done = async {
        let back = if form.text("from") == "general" { "/settings/general" } else { "/" };
        let (shown, flash) = match form.text("do").as_str() {
            "hide" => (false, Flash::StepsHidden),
            "show" => (true, Flash::StepsRestored),
            _ => return Err(Error::field("do", "must be hide or show")),
        };
        first_steps::show(visit.app(), visit.caller(), shown).await?;
        Ok(visit.done(back, flash))
    };
    let done: Result<Response> = done.await;
    visit.answer(done)
}

/// The way to a first call and a first refresh, each step done by itself when it happened.
async fn steps(visit: &Visit, all: &[Connection], active: i64) -> Result<Vec<Step>> {
    let (app, caller) = (visit.app(), visit.caller());
    let seen = match caller.permissions.has(Permission::LogsRead) {
        true => {
            let calls = logs::list(app, caller, &CallQuery::default(), &PageAsk::first(1)).await?.total;
            let refreshed =
                journal::Query { kind: Some(journal::Kind::Refresh), ..journal::Query::default() };
            (calls > 0, !journal::list(app, caller, &refreshed, None, 1).await?.items.is_empty())
        }
        false => (active > 0, active > 0),
    };
    let first = all.iter().find(|one| one.counts.accounts > 0).or_else(|| all.first());
    let page = first.map_or_else(|| "/connections/new".to_owned(), |one| format!("/connections/{}", one.id));
    let link = first.map_or_else(|| "/links".to_owned(), |one| format!("/links?connection={}", one.id));
    let step = |done, title, says, href, action| Step { done, title, says, href, action, curl: None };
    let mut call = step(
        seen.0,
        "Make a call",
        "With the user's token, which your agent never sees.",
        page,
        "More languages",
    );
    call.curl = first.filter(|_| active > 0 && !seen.0).map(|one| snippets::curl(app.issuer(), &one.name));
    Ok(vec![
        step(
            true,
            "Start the server",
            "It answers, and its keys open what is stored.",
            "/system".to_owned(),
            "Check",
        ),
        step(
            !all.is_empty(),
            "Add a connection",
            "Your side of a service: an OAuth app, or the question which key each user brings.",
            "/connections/new".to_owned(),
            "Add",
        ),
        step(
            active > 0,
            "Connect a user",
            "A user opens the link, agrees at the provider, and your agent can act for them.",
            link,
            "Create link",
        ),
        call,
        step(
            seen.1,
            "Watch a refresh",
            "Move the sandbox's clock past the end of the token, and call again.",
            "/sandbox".to_owned(),
            "Open the sandbox",
        ),
    ])
}
