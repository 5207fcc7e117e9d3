//! The configure page: draft and later changes. A form post saves; with scripts a draft saves itself meanwhile.

use std::collections::BTreeMap;

use axum::extract::Path;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use keybearer_app::connections::{self, Connection, ScopeSettings, UpdateConnection};
use keybearer_app::connectors::schema::AuthMethod;
use keybearer_core::{Code, ConnectionState, CredentialSource, Error, Result};
use serde_json::json;

use super::answer::{see_other, sentence};
use super::fields::Control;
use super::flash::Flash;
use super::form::Form;
use super::frame::Section;
use super::guard::{Posted, Visit};
use super::setup_view::{Facts, SetupView};
use super::when::When;
use super::{scopes, testing};

/// `GET /connections/{name}/setup`
pub(super) async fn show(visit: Visit, Path(name): Path<String>) -> Response {
    let page = async {
        let connection = connections::get(visit.app(), visit.caller(), &name).await?;
        Ok(visit.page(&view(&visit, &connection).await?))
    };
    let page: Result<Response> = page.await;
    visit.answer(page)
}

/// `POST /connections/{name}/setup`; `do` says what for: `draft`, `save`, `test` or `discard`.
pub(super) async fn save(Path(name): Path<String>, Posted { visit, form }: Posted) -> Response {
    let done = match form.text("do").as_str() {
        "draft" => save_draft(&visit, &name, &form).await,
        "discard" => discard(&visit, &name).await,
        what => save_all(&visit, &name, &form, what == "test").await,
    };
    visit.answer(done)
}

/// The page of a connection as it is stored.
pub(super) async fn view(visit: &Visit, connection: &Connection) -> Result<SetupView> {
    let app = visit.app();
    let connector = connections::connector(app, &visit.caller().environment, &connection.connector).await?;
    let asked =
        connections::form(app, visit.caller(), &connection.connector, Some(&connection.method)).await?;
    let method = method(&connector, connection)?;
    let facts = Facts {
        connection,
        connector: &connector,
        method,
        asked: &asked,
        saved: When::new(connection.updated_at, app.now()),
        app_name: &visit.session.environment.app_name,
        known: &app.config().known_fields,
    };
    let title =
        if connection.state == ConnectionState::Draft { "Add a connection" } else { &connection.name };
    let frame = visit.frame(Section::Connections, title).under("/connections", "Connections");
    let frame = match connection.state {
        ConnectionState::Draft => frame.under("", format!("Add {}", connector.display_name)),
        _ => {
            frame.under(format!("/connections/{}", connection.id), connection.name.clone()).under("", "Setup")
        }
    };
    let command = format!("keybearer connections edit {}", connection.name);
    Ok(SetupView::new(frame.command(command), &facts))
}

fn method<'a>(
    connector: &'a keybearer_app::connectors::schema::Connector,
    connection: &Connection,
) -> Result<&'a AuthMethod> {
    let gone = || Error::new(Code::FailedPrecondition, "the connector does not have this method any more");
    connector.method(&connection.method).ok_or_else(gone)
}

/// Saves what can be saved and tells the rest, for the script that saves while a person types.
async fn save_draft(visit: &Visit, name: &str, form: &Form) -> Result<Response> {
    let before = connections::get(visit.app(), visit.caller(), name).await?;
    let patch = patch(visit, &before, form).await?;
    let (app, caller) = (visit.app(), visit.caller());
    let mut wrong = Vec::new();
    let saved = match connections::update(app, caller, before.id.as_str(), patch.clone()).await {
        Err(error) if !error.violations.is_empty() || error.code == Code::ConnectionNameTaken => {
            let rest = without(patch, &error);
            wrong = told(&error);
            connections::update(app, caller, before.id.as_str(), rest).await?
        }
        saved => saved?,
    };
    let warnings =
        saved.warnings.iter().map(|warning| json!({"field": input_of(&warning.field), "says": warning.says}));
    let answer = json!({
        "saved": saved.updated_at.rfc3339(),
        "version": saved.version,
        "wrong": wrong,
        "warnings": warnings.collect::<Vec<_>>(),
    });
    Ok(axum::Json(answer).into_response())
}

fn told(error: &Error) -> Vec<serde_json::Value> {
    if error.code == Code::ConnectionNameTaken {
        let says = error.help.as_deref().map(sentence).unwrap_or_default();
        return vec![json!({"field": "name", "says": format!("{} {says}", sentence(&error.detail))})];
    }
    let wrong = error.violations.iter();
    wrong
        .map(|wrong| json!({"field": input_of(&wrong.field), "says": sentence(&wrong.description)}))
        .collect()
}

/// The input of the page that a field of the use case is entered in.
fn input_of(field: &str) -> String {
    match field {
        "name" | "label" => field.to_owned(),
        "blurb_for_users" => "blurb".to_owned(),
        "extra_authorize_params" => "extra".to_owned(),
        field if field.starts_with("scopes") => "custom_scopes".to_owned(),
        field => super::fields::name(field),
    }
}

/// The patch without what was refused.
fn without(mut patch: UpdateConnection, error: &Error) -> UpdateConnection {
    if error.code == Code::ConnectionNameTaken {
        patch.name = None;
    }
    for wrong in &error.violations {
        match wrong.field.as_str() {
            "name" => patch.name = None,
            "label" => patch.label = None,
            "blurb_for_users" => patch.blurb_for_users = None,
            "extra_authorize_params" => patch.extra_authorize_params = None,
            "client_id" => patch.client_id = None,
            "source" => patch.source = None,
            field if field.starts_with("scopes") => patch.scopes = None,
            field => {
                patch.fields.remove(field);
                patch.secrets.remove(field);
            }
        }
    }
    patch
}

async fn discard(visit: &Visit, name: &str) -> Result<Response> {
    let connection = connections::get(visit.app(), visit.caller(), name).await?;
    if connection.state != ConnectionState::Draft {
        return Err(Error::new(Code::FailedPrecondition, "the connection is no draft"));
    }
    connections::delete(visit.app(), visit.caller(), name, None, false).await?;
    Ok(visit.done("/connections", Flash::Discarded))
}

async fn save_all(visit: &Visit, name: &str, form: &Form, test: bool) -> Result<Response> {
    let (app, caller) = (visit.app(), visit.caller());
    let before = connections::get(app, caller, name).await?;
    let mut patch = patch(visit, &before, form).await?;
    patch.expected_version =
        form.text("version").parse().ok().filter(|_| before.state != ConnectionState::Draft);
    let wanted = patch.scopes.clone();
    let review = before.counts.accounts > 0 && changes(&before.scopes, wanted.as_ref());
    if review {
        patch.scopes = None;
    }
    let saved = match connections::update(app, caller, before.id.as_str(), patch).await {
        Ok(saved) => saved,
        Err(error) if matches!(error.code, Code::InvalidArgument | Code::ConnectionNameTaken) => {
            let page = view(visit, &before).await?.refused(form, &error);
            return Ok(visit.page_with(StatusCode::UNPROCESSABLE_ENTITY, &page));
        }
        Err(error) => return Err(error),
    };
    if let Some(wanted) = wanted.filter(|_| review) {
        return Ok(see_other(&super::review::address(&saved, &wanted)));
    }
    finish(visit, &saved, test).await
}

/// Puts a complete draft into use; then on to the test, or to the connection.
async fn finish(visit: &Visit, saved: &Connection, test: bool) -> Result<Response> {
    if !saved.missing.is_empty() {
        let page = view(visit, saved).await?.incomplete(&saved.missing);
        return Ok(visit.page_with(StatusCode::UNPROCESSABLE_ENTITY, &page));
    }
    let draft = saved.state == ConnectionState::Draft;
    if draft {
        connections::activate(visit.app(), visit.caller(), saved.id.as_str()).await?;
    }
    if test {
        return testing::start(visit, saved.id.as_str()).await;
    }
    let to = format!("/connections/{}", saved.id);
    Ok(visit.done(&to, if draft { Flash::Activated } else { Flash::Saved }))
}

fn changes(present: &ScopeSettings, wanted: Option<&ScopeSettings>) -> bool {
    let sorted = |settings: &ScopeSettings| {
        let mut all = settings.wanted();
        all.sort();
        all
    };
    wanted.is_some_and(|wanted| sorted(present) != sorted(wanted))
}

/// What the form changes.
async fn patch(visit: &Visit, before: &Connection, form: &Form) -> Result<UpdateConnection> {
    let connector =
        connections::connector(visit.app(), &visit.caller().environment, &before.connector).await?;
    let method = method(&connector, before)?;
    let page = view(visit, before).await?;
    let shared = form.text("source") == CredentialSource::Shared.as_str();
    let mut patch = UpdateConnection {
        name: Some(form.text("name")).filter(|name| !name.is_empty() && *name != before.name),
        label: form.has("label").then(|| form.text("label")),
        blurb_for_users: form.has("blurb").then(|| form.text("blurb")),
        extra_authorize_params: form.has("extra").then(|| pairs(&form.text("extra"))),
        ..UpdateConnection::default()
    };
    if form.has("source") {
        let wanted = if shared { CredentialSource::Shared } else { CredentialSource::Own };
        patch.source = Some(wanted).filter(|wanted| *wanted != before.source);
    }
    if page.picker.is_some() && form.has("scopes_shown") {
        patch.scopes = Some(scopes::wanted(method, &before.scopes, form));
    }
    for input in page.inputs.iter().filter(|input| form.has(&input.name) && input.control != Control::Shown) {
        let field = input.name.trim_start_matches("f.");
        let secret = field == "client_secret" || method.field(field).is_some_and(|field| field.secret);
        match field {
            "client_id" | "client_secret" if shared => {}
            "client_id" => {
                let id = form.text(&input.name);
                patch.client_id =
                    Some(id).filter(|id| !id.trim().is_empty() && before.client_id.as_ref() != Some(id));
            }
            _ if secret => {
                let value = form.secret(&input.name);
                if !value.is_empty() {
                    patch.secrets.insert(field, value);
                }
            }
            _ => drop(patch.fields.insert(field.to_owned(), form.text(&input.name))),
        }
    }
    Ok(patch)
}

/// `name=value` on each line.
fn pairs(text: &str) -> BTreeMap<String, String> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let pair = |line: &str| {
        let (name, value) = line.split_once('=').unwrap_or((line, ""));
        (name.trim().to_owned(), value.trim().to_owned())
    };
    lines.map(pair).collect()
}
