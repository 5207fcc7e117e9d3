//! Replacing the secret of the present client, or the client.

use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;
use keybearer_app::connections::{self, Connection, SetCredentials};
use keybearer_app::connectors::Bindings;
use keybearer_core::{Code, CredentialSource, Error, Result};

use super::answer::sentence;
use super::connection::in_use;
use super::flash::{Flash, accounts as counted};
use super::form::Form;
use super::frame::{Frame, Section};
use super::guard::{Posted, Visit};
use super::setup_view::stored;

/// D10.
#[derive(Template)]
#[template(path = "dashboard/credentials.html")]
struct CredentialsView {
    frame: Frame,
    id: String,
    name: String,
    provider: String,
    stored: String,
    client_id: String,
    accounts: String,
    earlier: Option<String>,
    shared: bool,
    wrong: Vec<(String, String)>,
}

/// `GET /connections/{name}/credentials`
pub(super) async fn ask(visit: Visit, Path(name): Path<String>) -> Response {
    let found = in_use(&visit, &name).await;
    visit.answer(found.map(|connection| visit.page(&view(&visit, connection))))
}

/// `POST /connections/{name}/credentials`; `do` is `secret` or `client`.
pub(super) async fn replace(Path(name): Path<String>, Posted { visit, form }: Posted) -> Response {
    let done = async {
        let connection = in_use(&visit, &name).await?;
        match connections::set_credentials(visit.app(), visit.caller(), connection.id.as_str(), wanted(&form))
            .await
        {
            Ok(set) => {
                let to = format!("/connections/{}", connection.id);
                Ok(match form.text("do").as_str() {
                    "client" => visit.done_with(&to, Flash::ClientReplaced, Some(set.on_earlier_client)),
                    _ => visit.done(&to, Flash::SecretReplaced),
                })
            }
            Err(error) if error.code == Code::InvalidArgument => {
                let view = CredentialsView { wrong: wrong(&error), ..view(&visit, connection) };
                Ok(visit.page_with(StatusCode::UNPROCESSABLE_ENTITY, &view))
            }
            Err(error) => Err(error),
        }
    };
    let done: Result<Response> = done.await;
    visit.answer(done)
}

fn wanted(form: &Form) -> SetCredentials {
    let secrets = Bindings::new().with("client_secret", form.secret("client_secret"));
    match form.text("do").as_str() {
        "client" => SetCredentials::ReplaceClient {
            source: CredentialSource::Own,
            client_id: Some(form.text("client_id")),
            secrets,
        },
        _ => SetCredentials::ReplaceSecret { secrets },
    }
}

fn wrong(error: &Error) -> Vec<(String, String)> {
    let label = |field: &str| match field {
        "client_id" => "The client ID",
        _ => "The client secret",
    };
    let all = error.violations.iter();
    all.map(|wrong| {
        (wrong.field.clone(), sentence(&format!("{} {}", label(&wrong.field), wrong.description)))
    })
    .collect()
}

fn view(visit: &Visit, connection: Connection) -> CredentialsView {
    let frame = visit.frame(Section::Connections, "Credentials").under("/connections", "Connections");
    let frame = frame.under(format!("/connections/{}", connection.id), connection.name.clone());
    let earlier = connection.counts.on_earlier_client;
    CredentialsView {
        frame: frame.under("", "Credentials"),
        stored: stored(&connection),
        accounts: counted(connection.counts.accounts),
        earlier: (earlier > 0).then(|| counted(earlier)),
        shared: connection.source == CredentialSource::Shared,
        client_id: connection.client_id.unwrap_or_default(),
        id: connection.id.to_string(),
        name: connection.name,
        provider: connection.connector_display_name,
        wrong: Vec::new(),
    }
}
