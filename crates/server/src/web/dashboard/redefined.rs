//! A connection whose connector was changed since somebody last looked: what is different, and that it was reviewed.

use axum::extract::Path;
use axum::response::Response;
use keybearer_app::connections::{self, Connection};
use keybearer_app::providers;
use keybearer_core::{Error, Result};

use super::connectors::change_lines;
use super::flash::Flash;
use super::guard::{Posted, Visit};

/// What is different.
pub(super) struct Redefined {
    pub identifier: String,
    pub connector: String,
    pub seen: i64,
    pub version: i64,
    pub lines: Vec<String>,
    pub differences: Vec<(String, String, String)>,
    pub more: usize,
}

/// What is different for a connection; `None` when nothing is.
pub(super) async fn of(visit: &Visit, connection: &Connection) -> Result<Option<Redefined>> {
    let changed = providers::what_changed(visit.app(), visit.caller(), &connection.id).await?;
    Ok(changed.map(|changed| Redefined {
        lines: change_lines(&changed.means),
        identifier: changed.identifier,
        connector: changed.connector,
        seen: changed.seen,
        version: changed.version,
        differences: changed.differences,
        more: changed.more,
    }))
}

/// `POST /connections/{name}/definition`: somebody reviewed it.
pub(super) async fn reviewed(Path(name): Path<String>, Posted { visit, form }: Posted) -> Response {
    let done = async {
        let wrong = || Error::field("version", "must be a number");
        let version = form.text("version").parse::<i64>().map_err(|_| wrong())?;
        let connection = connections::get(visit.app(), visit.caller(), &name).await?;
        providers::reviewed(visit.app(), visit.caller(), connection.id.as_str(), version).await?;
        Ok(visit.done(&format!("/connections/{}", connection.id), Flash::DefinitionReviewed))
    };
    let done: Result<Response> = done.await;
    visit.answer(done)
}
