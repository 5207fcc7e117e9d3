//! What other scopes mean for accounts, before they are saved.

use askama::Template;
use axum::extract::{Path, RawQuery};
use axum::response::Response;
use keybearer_app::connections::{self, Connection, ScopeImpact, ScopeSettings, UpdateConnection};
use keybearer_core::Result;

use super::connection::in_use;
use super::flash::{Flash, accounts as counted};
use super::form::Form;
use super::frame::{Frame, Section};
use super::guard::{Posted, Visit};
use crate::web::hosted::Submitted;

/// D9.
#[derive(Template)]
#[template(path = "dashboard/review.html")]
struct ReviewView {
    frame: Frame,
    id: String,
    name: String,
    provider: String,
    impact: ScopeImpact,
    again: String,
    hold: String,
    unknown: String,
    scopes: Vec<String>,
    selectable: bool,
    version: i64,
}

/// Where the review of these scopes is.
pub(super) fn address(connection: &Connection, wanted: &ScopeSettings) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for scope in &wanted.scopes {
        query.append_pair("scope", scope);
    }
    if wanted.selectable {
        query.append_pair("selectable", "1");
    }
    format!("/connections/{}/review?{}", connection.id, query.finish())
}

/// `GET /connections/{name}/review?scope=…`
pub(super) async fn ask(visit: Visit, Path(name): Path<String>, RawQuery(query): RawQuery) -> Response {
    let form = Form(Submitted::read(query.unwrap_or_default().as_bytes()));
    let page = async {
        let connection = in_use(&visit, &name).await?;
        let wanted = settings(&connection, &form);
        let impact =
            connections::scope_impact(visit.app(), visit.caller(), connection.id.as_str(), &wanted).await?;
        let frame = visit.frame(Section::Connections, "Review").under("/connections", "Connections");
        let frame = frame.under(format!("/connections/{}", connection.id), connection.name.clone());
        let view = ReviewView {
            frame: frame.under("", "Review"),
            again: counted(impact.must_sign_in_again),
            hold: counted(impact.hold_removed),
            unknown: counted(impact.unknown),
            impact,
            scopes: wanted.scopes,
            selectable: wanted.selectable,
            version: connection.version,
            id: connection.id.to_string(),
            name: connection.name,
            provider: connection.connector_display_name,
        };
        Ok(visit.page(&view))
    };
    let page: Result<Response> = page.await;
    visit.answer(page)
}

/// `POST /connections/{name}/review`
pub(super) async fn save(Path(name): Path<String>, Posted { visit, form }: Posted) -> Response {
    let done = async {
        let connection = in_use(&visit, &name).await?;
        let patch = UpdateConnection {
            scopes: Some(settings(&connection, &form)),
            expected_version: form.text("version").parse().ok(),
            ..UpdateConnection::default()
        };
        connections::update(visit.app(), visit.caller(), connection.id.as_str(), patch).await?;
        Ok(visit.done(&format!("/connections/{}", connection.id), Flash::ScopesSaved))
    };
    let done: Result<Response> = done.await;
    visit.answer(done)
}

fn settings(connection: &Connection, form: &Form) -> ScopeSettings {
    ScopeSettings {
        scopes: form.all("scope"),
        selectable: form.has("selectable"),
        ..connection.scopes.clone()
    }
}
