//! The connectors of the environment.

use askama::Template;
use axum::extract::{Path, Query};
use axum::response::Response;
use http::StatusCode;
use keybearer_app::providers::{self, Provider, ProviderKind, Used};
use keybearer_app::{PageAsk, Permission};
use keybearer_core::Result;
use serde::Deserialize;
use serde_json::Value;

use super::super::answer::quoted;
use super::super::flash::Flash;
use super::super::frame::{Frame, Section, Tile};
use super::super::guard::{Posted, Visit};
use super::super::when::When;
use super::view::{counted, used};
use super::{custom, used_by};

/// Page of the list.
#[derive(Deserialize)]
pub(in super::super) struct Asked {
    #[serde(default)]
    page: String,
}

#[derive(Template)]
#[template(path = "dashboard/connectors.html")]
struct ListView {
    frame: Frame,
    rows: Vec<Row>,
    total: i64,
    of_catalogue: usize,
    previous: String,
    next: String,
    may: bool,
}

struct Row {
    id: String,
    name: String,
    about: String,
    tile: Tile,
    ways: String,
    used: String,
    in_use: bool,
    changed: When,
}

#[derive(Template)]
#[template(path = "dashboard/delete_connector.html")]
struct DeleteView {
    frame: Frame,
    id: String,
    name: String,
    uses: Vec<Used>,
    used: String,
    wrong: Option<String>,
}

/// `GET /connectors`
pub(in super::super) async fn list(visit: Visit, Query(asked): Query<Asked>) -> Response {
    let page = async {
        let (app, caller) = (visit.app(), visit.caller());
        let ask = PageAsk { size: 20, token: asked.page };
        let listed = providers::list(app, caller, ProviderKind::Custom, None, &ask).await?;
        let tally = providers::tally(app, caller).await?;
        let address = |token: Option<String>| {
            token.map(|token| format!("/connectors?page={token}")).unwrap_or_default()
        };
        let rows = listed.items.into_iter().filter_map(|provider| match provider {
            Provider::Custom(one) => Some(one),
            Provider::Catalogue(_) => None,
        });
        let rows = rows.map(|one| {
            let (connections, accounts) = tally.get(&one.identifier).copied().unwrap_or_default();
            Row {
                tile: Tile::new(&one.identifier, &one.display_name),
                ways: ways(&one.auth_patterns),
                used: counted(connections, accounts),
                in_use: connections > 0,
                changed: When::new(one.updated_at, app.now()),
                id: one.identifier,
                name: one.display_name,
                about: one.description,
            }
        });
        let frame = visit.frame(Section::Connectors, "Connectors").under("", "Connectors");
        let view = ListView {
            frame: frame.command("keybearer connectors list"),
            rows: rows.collect(),
            total: listed.total,
            of_catalogue: app.catalog().len(),
            previous: address(listed.previous),
            next: address(listed.next),
            may: caller.permissions.has(Permission::ConnectorsWrite),
        };
        Ok(visit.page(&view))
    };
    let page: Result<Response> = page.await;
    visit.answer(page)
}

fn ways(patterns: &Value) -> String {
    let word = |pattern: &Value| match pattern.get("type").and_then(Value::as_str).unwrap_or_default() {
        "OAUTH" => "OAuth",
        "API_KEY" => "API key",
        "BEARER" => "Bearer token",
        "BASIC" => "User name and password",
        "NO_AUTH" => "Nothing",
        _ => "Another way",
    };
    let mut words: Vec<&str> = patterns.as_array().into_iter().flatten().map(word).collect();
    words.dedup();
    words.join(", ")
}

/// `GET /connectors/{name}/delete`
pub(in super::super) async fn ask_delete(visit: Visit, Path(name): Path<String>) -> Response {
    let page = async {
        visit.caller().require(Permission::ConnectorsWrite)?;
        Ok(visit.page(&delete_view(&visit, &name, None).await?))
    };
    let page: Result<Response> = page.await;
    visit.answer(page)
}

/// `POST /connectors/{name}/delete`
pub(in super::super) async fn delete(Path(name): Path<String>, Posted { visit, form }: Posted) -> Response {
    let done = async {
        let (app, caller) = (visit.app(), visit.caller());
        let one = custom(&visit, &name).await?;
        let wrong = match form.text("typed").trim() == one.display_name {
            true => None,
            false => Some(format!("Type {} to confirm.", one.display_name)),
        };
        let uses = used_by(&visit, &one.identifier).await?;
        if wrong.is_some() || !uses.is_empty() {
            let view = delete_view(&visit, &name, wrong).await?;
            return Ok(visit.page_with(StatusCode::UNPROCESSABLE_ENTITY, &view));
        }
        providers::delete(app, caller, &one.identifier).await?;
        Ok(visit.done("/connectors", Flash::ConnectorDeleted))
    };
    let done: Result<Response> = done.await;
    visit.answer(done)
}

async fn delete_view(visit: &Visit, name: &str, wrong: Option<String>) -> Result<DeleteView> {
    let one = custom(visit, name).await?;
    let uses = used_by(visit, &one.identifier).await?;
    let frame = visit.frame(Section::Connectors, "Delete a connector").under("/connectors", "Connectors");
    let frame = frame.under(format!("/connectors/{}", one.identifier), one.display_name.clone());
    let command = format!("keybearer connectors delete {}", quoted(&one.identifier));
    Ok(DeleteView {
        frame: frame.under("", "Delete").command(command),
        id: one.identifier,
        name: one.display_name,
        used: used(&uses),
        uses,
        wrong,
    })
}
