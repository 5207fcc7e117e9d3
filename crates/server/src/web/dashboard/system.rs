//! The system check: the page of `keybearer doctor`. It comes at once; what needs the network follows.

use askama::Template;
use axum::response::Response;
use keybearer_app::system::{self, Check, Report, State};
use keybearer_core::Result;

use super::answer::see_other;
use super::frame::{Frame, Section};
use super::guard::{Posted, Visit};
use super::when::When;

/// D23.
#[derive(Template)]
#[template(path = "dashboard/system.html")]
struct SystemView {
    frame: Frame,
    rows: Vec<Row>,
    problems: usize,
    waiting: bool,
    looked: Option<When>,
    report: String,
}

/// One line.
pub(super) struct Row {
    pub icon: &'static str,
    pub look: &'static str,
    pub word: &'static str,
    pub topic: String,
    pub says: String,
    pub fix: String,
}

/// `GET /system`
pub(super) async fn show(visit: Visit) -> Response {
    let report = system::glance(visit.app(), visit.caller()).await;
    visit.answer(report.map(|report| page(&visit, report)))
}

/// `POST /system`
pub(super) async fn again(Posted { visit, .. }: Posted) -> Response {
    let checked: Result<Report> = system::check(visit.app(), visit.caller()).await;
    visit.answer(checked.map(|_| see_other("/system")))
}

fn page(visit: &Visit, report: Report) -> Response {
    let now = visit.app().now();
    let frame = visit.frame(Section::System, "System check").command("keybearer doctor");
    let view = SystemView {
        frame: Frame { again_in: report.waiting.then_some(2), ..frame },
        problems: report.problems(),
        waiting: report.waiting,
        looked: report.looked_at.map(|at| When::new(at, now)),
        report: report.text(visit.app()),
        rows: report.checks.into_iter().map(row).collect(),
    };
    visit.page(&view)
}

pub(super) fn row(check: Check) -> Row {
    let (icon, look, word) = match check.state {
        State::Good => ("check", "ok", "ok"),
        State::Odd => ("warn", "warn", "look"),
        State::Bad => ("x", "bad", "problem"),
    };
    Row { icon, look, word, topic: check.topic, says: check.says, fix: check.fix }
}
