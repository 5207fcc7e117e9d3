//! Connectors that the environment describes itself.

mod lines;
mod list;
mod openapi;
mod plain;
mod preview;
mod said;
mod sheet;
mod view;

use axum::Router;
use axum::extract::{Path, Query};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::{HeaderValue, StatusCode, header};
use keybearer_app::providers::{
    self, CreateProvider, CustomProvider, Discovered, Provider, ProviderKind, UpdateProvider, Used,
};
use keybearer_app::{PageAsk, Permission};
use keybearer_core::{Code, Error, Result, sha256};
use serde::Deserialize;
use serde_json::Value;

use super::Dashboard;
use super::flash::Flash;
use super::form::Form;
use super::guard::{Posted, Visit};
use plain::Plain;
use sheet::Sheet;
use view::{Extra, Looked, Note, look, page, reviewed};

pub(super) use view::change_lines;

/// The pages of connectors.
pub(super) fn routes() -> Router<Dashboard> {
    Router::new()
        .route("/connectors", get(list::list))
        .route("/connectors/new", get(ask).post(make))
        .route("/connectors/{name}", get(show).post(save))
        .route("/connectors/new/openapi", get(openapi::ask).post(openapi::read))
        .route("/connectors/{name}/export", get(export))
        .route("/connectors/{name}/connector.yaml", get(contribute))
        .route("/connectors/{name}/delete", get(list::ask_delete).post(list::delete))
}

/// What a new one begins with.
#[derive(Deserialize)]
struct Begin {
    #[serde(default)]
    name: String,
    #[serde(default)]
    from: String,
}

/// What tells one text from another.
fn digest(text: &str) -> String {
    hex::encode(sha256(text.as_bytes()).get(..10).unwrap_or_default())
}

/// `GET /connectors/new`
async fn ask(visit: Visit, Query(begin): Query<Begin>) -> Response {
    let page = async {
        visit.caller().require(Permission::ConnectorsWrite)?;
        let mut extra = Extra::default();
        let sheet = match begin.from.as_str() {
            "" => {
                let plain = Plain::new(&begin.name);
                let definition = plain.write(&Value::Null);
                Sheet::new(plain, &definition)
            }
            from => {
                let draft = providers::draft_of(visit.app(), visit.caller(), from).await?;
                let name = format!("{} copy", draft.described.display_name);
                let says = format!("A copy of {}. Nothing is saved yet.", draft.described.display_name);
                extra.note = Some(Note { look: "info", says });
                extra.left_out = draft.left_out;
                Sheet::of(&providers::keys(&CreateProvider { display_name: name, ..draft.described }))
            }
        };
        // an empty form is not wrong yet
        let looked = match begin.from.as_str() {
            "" => Looked { examined: providers::Examined::default(), described: None },
            _ => look(&visit, &sheet)?,
        };
        let newest = newest(&visit).await?;
        Ok(visit.page(&page(&visit, None, newest, sheet, looked, extra)))
    };
    let page: Result<Response> = page.await;
    visit.answer(page)
}

/// `POST /connectors/new`: looks, reads from the provider, or makes it.
async fn make(Posted { visit, form }: Posted) -> Response {
    let made = async {
        visit.caller().require(Permission::ConnectorsWrite)?;
        let (sheet, mut extra) = turn(&visit, &form).await?;
        let looked = look(&visit, &sheet)?;
        let newest = newest(&visit).await?;
        let mut status = StatusCode::OK;
        if form.text("do") == "save" {
            status = StatusCode::UNPROCESSABLE_ENTITY;
            let described =
                looked.described.clone().filter(|_| looked.examined.wrong.is_empty() && !sheet.conflict);
            match described {
                Some(_) if form.text("newest") != newest => {
                    let says = "A connector was made since this form was opened. Look at the list; press again if you want one more.";
                    extra.note = Some(Note { look: "warn", says: says.to_owned() });
                    status = StatusCode::CONFLICT;
                }
                Some(described) => match providers::create(visit.app(), visit.caller(), described).await {
                    Ok(Provider::Custom(made)) => {
                        return Ok(
                            visit.done(&format!("/connectors/{}", made.identifier), Flash::ConnectorAdded)
                        );
                    }
                    Ok(Provider::Catalogue(_)) => {
                        return Err(Error::internal("a made connector is its environment's"));
                    }
                    Err(error) => return Err(error),
                },
                None => {}
            }
        }
        Ok(visit.page_with(status, &page(&visit, None, newest, sheet, looked, extra)))
    };
    let made: Result<Response> = made.await;
    visit.answer(made)
}

/// `GET /connectors/{name}`
async fn show(visit: Visit, Path(name): Path<String>) -> Response {
    let page = async {
        let one = custom(&visit, &name).await?;
        let uses = used_by(&visit, &one.identifier).await?;
        let sheet = Sheet::of(&providers::keys(&one.described()));
        let looked = look(&visit, &sheet)?;
        Ok(visit.page(&page(&visit, Some((one, uses)), String::new(), sheet, looked, Extra::default())))
    };
    let page: Result<Response> = page.await;
    visit.answer(page)
}

/// `POST /connectors/{name}`: looks, reviews, or saves.
async fn save(Path(name): Path<String>, Posted { visit, form }: Posted) -> Response {
    let done = async {
        visit.caller().require(Permission::ConnectorsWrite)?;
        let one = custom(&visit, &name).await?;
        let uses = used_by(&visit, &one.identifier).await?;
        let (sheet, mut extra) = turn(&visit, &form).await?;
        let looked = look(&visit, &sheet)?;
        let seen: i64 = form.text("version").parse().unwrap_or_default();
        let mut status = StatusCode::OK;
        if form.text("do") == "save" {
            let described =
                looked.described.clone().filter(|_| looked.examined.wrong.is_empty() && !sheet.conflict);
            status = match described {
                _ if seen != one.version => stale(&one, &mut extra),
                None => StatusCode::UNPROCESSABLE_ENTITY,
                Some(described) => {
                    let change =
                        providers::review(visit.app(), visit.caller(), &one.identifier, &described).await?;
                    let shown = form.text("reviewed") == reviewed(&sheet, one.version);
                    if (shown || change.uses.is_empty()) && change.lost.is_empty() && !change.forbidden {
                        match write(&visit, &one, described).await? {
                            Some(done) => return Ok(done),
                            None => stale(&custom(&visit, &name).await?, &mut extra),
                        }
                    } else {
                        extra.review = Some(change);
                        StatusCode::OK
                    }
                }
            };
        }
        let one = custom(&visit, &name).await?;
        Ok(visit.page_with(status, &page(&visit, Some((one, uses)), String::new(), sheet, looked, extra)))
    };
    let done: Result<Response> = done.await;
    visit.answer(done)
}

/// Writes a new version; `None` when somebody was faster.
async fn write(visit: &Visit, one: &CustomProvider, described: CreateProvider) -> Result<Option<Response>> {
    let new = UpdateProvider {
        display_name: described.display_name,
        description: described.description,
        auth_patterns: Some(described.auth_patterns),
        proxy_url: described.proxy_url,
        proxy_enabled: described.proxy_enabled,
        icon_src: described.icon_src,
        metadata: described.metadata,
        expected_version: Some(one.version),
    };
    match providers::update(visit.app(), visit.caller(), &one.identifier, new).await {
        Ok(_) => Ok(Some(visit.done(&format!("/connectors/{}", one.identifier), Flash::ConnectorSaved))),
        Err(error)
            if error.code == Code::FailedPrecondition
                && custom(visit, &one.identifier).await?.version != one.version =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Somebody saved while this was written: nothing is saved, nothing is lost.
fn stale(now: &CustomProvider, extra: &mut Extra) -> StatusCode {
    let says = format!(
        "Not saved: somebody saved version {} since you opened this. Yours is below as you left it; saving again puts it in place of theirs.",
        now.version
    );
    extra.note = Some(Note { look: "bad", says });
    extra.theirs = Some(providers::text(&providers::keys(&now.described())));
    StatusCode::CONFLICT
}

/// The posted sheet after its button.
async fn turn(visit: &Visit, form: &Form) -> Result<(Sheet, Extra)> {
    let mut sheet = Sheet::read(form);
    let mut extra = Extra { discovery: form.text("discovery").trim().to_owned(), ..Extra::default() };
    match form.text("do").as_str() {
        "more" => sheet.more = sheet.more.saturating_add(5).min(40),
        "read" if !sheet.conflict => {
            match providers::discover(visit.app(), visit.caller(), &extra.discovery).await {
                Ok(found) => {
                    sheet.plain.take(&found);
                    sheet = sheet.after_form();
                    extra.note = Some(Note { look: "ok", says: told(&found) });
                }
                Err(error) if error.code == Code::InvalidArgument => {
                    extra.fault = error.violations.into_iter().next()
                }
                Err(error) => return Err(error),
            }
        }
        _ => {}
    }
    Ok((sheet, extra))
}

fn told(found: &Discovered) -> String {
    let mut parts = vec![format!("Read from {}.", found.url)];
    match found.scopes.len() {
        0 => parts.push("It lists no scopes: give those that you need.".to_owned()),
        number => {
            parts.push(format!("It lists {number} scopes: keep those that you need, and give them words."))
        }
    }
    if found.more_scopes > 0 {
        parts.push(format!("{} more scopes were not taken over.", found.more_scopes));
    }
    if found.authorize.is_none() || found.exchange.is_none() {
        parts.push("It does not name both endpoints: give what is missing.".to_owned());
    }
    if found.proof == Some(false) {
        parts.push("It does not list S256 among its proof keys.".to_owned());
    }
    parts.join(" ")
}

/// `GET /connectors/{name}/export`: the file that the command line takes.
async fn export(visit: Visit, Path(name): Path<String>) -> Response {
    let file = async {
        let one = custom(&visit, &name).await?;
        let text = providers::text(&providers::keys(&one.described()));
        let name: String =
            one.display_name.split_whitespace().collect::<Vec<_>>().join("-").to_ascii_lowercase();
        let name: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(60).collect();
        let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{name}.json\""))
            .unwrap_or_else(|_| HeaderValue::from_static("attachment"));
        let kind = HeaderValue::from_static("application/json");
        Ok(([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, disposition)], text).into_response())
    };
    let file: Result<Response> = file.await;
    visit.answer(file)
}

/// `GET /connectors/{name}/connector.yaml`: the same as a file of the catalogue.
async fn contribute(visit: Visit, Path(name): Path<String>) -> Response {
    let file = async {
        let one = custom(&visit, &name).await?;
        let text = providers::contribution(visit.app(), visit.caller(), &one.identifier).await?;
        let head = [
            (header::CONTENT_TYPE, "application/yaml"),
            (header::CONTENT_DISPOSITION, "attachment; filename=\"connector.yaml\""),
        ];
        Ok((head, text).into_response())
    };
    let file: Result<Response> = file.await;
    visit.answer(file)
}

/// A connector of the environment; those of the catalogue have no page here.
async fn custom(visit: &Visit, name: &str) -> Result<CustomProvider> {
    match providers::get(visit.app(), visit.caller(), name).await? {
        Provider::Custom(one) => Ok(*one),
        Provider::Catalogue(connector) => {
            let detail = format!("{} is a connector of the catalogue", connector.display_name);
            Err(Error::new(Code::ConnectorNotFound, detail)
                .with_help(format!("make one of your own from it: /connectors/new?from={}", connector.slug)))
        }
    }
}

async fn used_by(visit: &Visit, identifier: &str) -> Result<Vec<Used>> {
    providers::uses(visit.app(), visit.caller(), identifier).await
}

async fn newest(visit: &Visit) -> Result<String> {
    let ask = PageAsk::first(1);
    let listed = providers::list(visit.app(), visit.caller(), ProviderKind::Custom, None, &ask).await?;
    Ok(match listed.items.first() {
        Some(Provider::Custom(one)) => one.id.clone(),
        _ => String::new(),
    })
}
