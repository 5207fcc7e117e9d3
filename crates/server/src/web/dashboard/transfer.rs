//! Connections as a file: out of this environment, and into it.

use askama::Template;
use axum::response::{IntoResponse as _, Response};
use http::{StatusCode, header};
use keybearer_app::Permission;
use keybearer_app::connections::transfer::{self, Brought, Outcome};
use keybearer_core::{Code, Result};

use super::answer::sentence;
use super::frame::{Frame, Place};
use super::guard::{Posted, Visit};
use super::settings::{frame, tabs};

const PAGE: &str = "/settings/transfer";

/// D22, Import and export.
#[derive(Template)]
#[template(path = "dashboard/transfer.html")]
struct TransferView {
    frame: Frame,
    tabs: Vec<Place>,
    may: bool,
    file: String,
    wrong: Option<String>,
    brought: Vec<Row>,
}

/// What became of a connection of the file.
struct Row {
    name: String,
    connector: String,
    word: &'static str,
    look: &'static str,
    icon: &'static str,
    says: String,
    /// Where to go on.
    id: String,
}

/// `GET /settings/transfer`
pub(super) async fn show(visit: Visit) -> Response {
    let page = view(&visit, String::new(), None, Vec::new());
    visit.answer(page.map(|view| visit.page(&view)))
}

/// `GET /settings/connections.json`
pub(super) async fn file(visit: Visit) -> Response {
    let text = transfer::export(visit.app(), visit.caller()).await;
    visit.answer(text.map(|text| {
        let head = [
            (header::CONTENT_TYPE, "application/json"),
            (header::CONTENT_DISPOSITION, "attachment; filename=\"keybearer-connections.json\""),
            (header::CACHE_CONTROL, "no-store"),
        ];
        (head, text).into_response()
    }))
}

/// `POST /settings/transfer`
pub(super) async fn bring(Posted { visit, form }: Posted) -> Response {
    let file = form.text("file");
    let done = match transfer::import(visit.app(), visit.caller(), &file).await {
        Ok(brought) => {
            let rows = brought.into_iter().map(row).collect();
            view(&visit, String::new(), None, rows).map(|view| visit.page(&view))
        }
        Err(error) if error.code == Code::InvalidArgument => {
            let wrong = error.violations.first().map(|wrong| format!("the text {}", wrong.description));
            let wrong = sentence(&wrong.unwrap_or_else(|| error.detail.to_string()));
            let view = view(&visit, file, Some(wrong), Vec::new());
            view.map(|view| visit.page_with(StatusCode::UNPROCESSABLE_ENTITY, &view))
        }
        Err(error) => Err(error),
    };
    visit.answer(done)
}

fn view(visit: &Visit, file: String, wrong: Option<String>, brought: Vec<Row>) -> Result<TransferView> {
    visit.caller().require(Permission::ConnectorsRead)?;
    Ok(TransferView {
        tabs: tabs(visit, PAGE),
        may: visit.caller().permissions.has(Permission::ConnectorsWrite),
        file,
        wrong,
        brought,
        frame: frame(visit, "Import and export").command("keybearer export --config keybearer.toml"),
    })
}

fn row(one: Brought) -> Row {
    let (word, look, icon, says, id) = match one.outcome {
        Outcome::Made { id, missing } if missing.is_empty() => {
            ("Made", "ok", "check", "Ready to use.".to_owned(), id.to_string())
        }
        Outcome::Made { id, missing } => {
            let says = format!("A draft: give {} again.", missing.join(", "));
            ("Made", "warn", "warn", says, id.to_string())
        }
        Outcome::Exists => {
            ("Left alone", "", "dot", "A connection of that name is here.".to_owned(), String::new())
        }
        Outcome::Refused(why) => ("Not made", "bad", "x", sentence(&why), String::new()),
    };
    Row { name: one.name, connector: one.connector, word, look, icon, says, id }
}
