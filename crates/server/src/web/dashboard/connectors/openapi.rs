//! A connector from an OpenAPI document: pasted or chosen as a file, then a draft in the form.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use keybearer_app::Permission;
use keybearer_app::providers::{self, OPENAPI_LARGEST};
use keybearer_core::{Code, Error, Result};

use super::super::answer::sentence;
use super::super::frame::{Frame, Section};
use super::super::guard::Visit;
use super::super::upload::Uploaded;
use super::sheet::Sheet;
use super::view::{Extra, Note, look, page};

#[derive(Template)]
#[template(path = "dashboard/openapi.html")]
struct OpenapiView {
    frame: Frame,
    document: String,
    most: usize,
    wrong: Option<String>,
}

/// `GET /connectors/new/openapi`
pub(super) async fn ask(visit: Visit) -> Response {
    let page = view(&visit, String::new(), None).map(|view| visit.page(&view));
    visit.answer(page)
}

/// `POST /connectors/new/openapi`: the form, filled in. Nothing is saved.
pub(super) async fn read(uploaded: Uploaded) -> Response {
    let visit = &uploaded.visit;
    let done = async {
        visit.caller().require(Permission::ConnectorsWrite)?;
        let typed = uploaded.form.text("document");
        let read = match uploaded.file("file").map(std::str::from_utf8) {
            Some(Err(_)) => Err(Error::field("document", "is no text")),
            Some(Ok(file)) => providers::from_openapi(visit.caller(), file),
            None => providers::from_openapi(visit.caller(), &typed),
        };
        match read {
            Ok(draft) => {
                let sheet = Sheet::of(&providers::keys(&draft.described));
                let says = "Read from the document. Nothing is saved yet: look at each part, then make the connector.";
                let note = Note { look: "info", says: says.to_owned() };
                let extra = Extra { note: Some(note), left_out: draft.left_out, ..Extra::default() };
                let looked = look(visit, &sheet)?;
                let newest = super::newest(visit).await?;
                Ok(visit.page(&page(visit, None, newest, sheet, looked, extra)))
            }
            Err(error) if error.code == Code::InvalidArgument => {
                let wrong = error.violations.first().map(|one| format!("the document {}", one.description));
                let wrong = sentence(&wrong.unwrap_or_else(|| error.detail.to_string()));
                let view = view(visit, typed, Some(wrong))?;
                Ok(visit.page_with(StatusCode::UNPROCESSABLE_ENTITY, &view))
            }
            Err(error) => Err(error),
        }
    };
    let done: Result<Response> = done.await;
    visit.answer(done)
}

fn view(visit: &Visit, document: String, wrong: Option<String>) -> Result<OpenapiView> {
    visit.caller().require(Permission::ConnectorsWrite)?;
    let frame = visit.frame(Section::Connectors, "From an OpenAPI document");
    let frame = frame.under("/connectors", "Connectors").under("", "From an OpenAPI document");
    Ok(OpenapiView {
        frame: frame.command("keybearer connectors openapi --file openapi.yaml > connector.json"),
        document,
        most: OPENAPI_LARGEST / 1024,
        wrong,
    })
}
