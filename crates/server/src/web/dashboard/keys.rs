//! API clients: what programs call us with. A secret is shown on the page that answers the form which made it, and
//! nowhere else: not under an address, not in a cookie, not in a log.

use std::time::Duration;

use axum::extract::{Path, Query};
use axum::response::Response;
use http::StatusCode;
use keybearer_app::clients::{self, ApiClient, CreateClient, UpdateClient};
use keybearer_app::{PageAsk, Permission, Permissions};
use keybearer_core::ids::ClientId;
use keybearer_core::{Code, Error, Result};
use serde::Deserialize;

use super::flash::Flash;
use super::form::Form;
use super::guard::{Posted, Visit};
use super::keys_view::{self, Draft};

/// Overlaps that a rotation offers, in seconds.
pub(super) const OVERLAPS: [(u64, &str); 4] = [
    (0, "Ends now"),
    (3_600, "Works for 1 hour"),
    (86_400, "Works for 1 day"),
    (604_800, "Works for 7 days"),
];

/// The page of the list.
#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    page: String,
}

/// `GET /api-keys`
pub(super) async fn list(visit: Visit, Query(asked): Query<Asked>) -> Response {
    let ask = PageAsk { size: 20, token: asked.page };
    let listed = clients::page(visit.app(), visit.caller(), &ask).await;
    visit.answer(listed.map(|listed| keys_view::list(&visit, listed)))
}

/// `GET /api-keys/new`
pub(super) async fn ask(visit: Visit) -> Response {
    let page = async {
        visit.caller().require(Permission::ClientsWrite)?;
        let draft = Draft::new(newest(&visit).await?, Permissions::default_set());
        Ok(visit.page(&keys_view::form(&visit, draft, None)))
    };
    let page: Result<Response> = page.await;
    visit.answer(page)
}

/// `POST /api-keys/new`: makes one, and shows its secret.
pub(super) async fn make(Posted { visit, form }: Posted) -> Response {
    let made = async {
        let draft = Draft::read(&form)?;
        // the same form once more, by a reload: it has made its client already
        if draft.newest != newest(&visit).await? {
            let draft = Draft { newest: newest(&visit).await?, ..draft };
            let wrong = Some(
                "A client was made since this form was opened. Look at the list; press again if you want one more.",
            );
            return Ok(visit.page_with(StatusCode::CONFLICT, &keys_view::form(&visit, draft, wrong)));
        }
        match clients::create_client(visit.app(), visit.caller(), draft.create()).await {
            Ok(made) => Ok(visit.page(&keys_view::shown(&visit, made, None))),
            Err(error) if error.code == Code::InvalidArgument => {
                let draft = Draft { wrong: Some(super::answer::sentence(&plain(&error))), ..draft };
                let view = keys_view::form(&visit, draft, None);
                Ok(visit.page_with(StatusCode::UNPROCESSABLE_ENTITY, &view))
            }
            Err(error) => Err(error),
        }
    };
    let made: Result<Response> = made.await;
    visit.answer(made)
}

/// `GET /api-keys/{id}`
pub(super) async fn show(visit: Visit, Path(id): Path<String>) -> Response {
    let found = find(&visit, &id).await;
    visit.answer(found.map(|client| visit.page(&keys_view::one(&visit, client, None))))
}

/// `POST /api-keys/{id}`: name, permissions, networks, life of tokens.
pub(super) async fn save(Path(id): Path<String>, Posted { visit, form }: Posted) -> Response {
    let done = async {
        let client = find(&visit, &id).await?;
        let draft = Draft::read(&form)?;
        let change = UpdateClient {
            name: Some(draft.name.clone()),
            permissions: Some(draft.permissions.clone()),
            networks: Some((draft.networks(), draft.enforces())),
            token_seconds: draft.token_seconds,
        };
        match clients::update(visit.app(), visit.caller(), &client.id, change).await {
            Ok(_) => Ok(visit.done(&format!("/api-keys/{id}"), Flash::Saved)),
            Err(error) if error.code == Code::InvalidArgument => {
                let draft = Draft { wrong: Some(super::answer::sentence(&plain(&error))), ..draft };
                let view = keys_view::one(&visit, client, Some(draft));
                Ok(visit.page_with(StatusCode::UNPROCESSABLE_ENTITY, &view))
            }
            Err(error) => Err(error),
        }
    };
    let done: Result<Response> = done.await;
    visit.answer(done)
}

/// `POST /api-keys/{id}/rotate`: one more secret, and an end for the others.
pub(super) async fn rotate(Path(id): Path<String>, Posted { visit, form }: Posted) -> Response {
    let made = async {
        let client = find(&visit, &id).await?;
        let newest = client.secrets.last().map(|secret| secret.id.to_string()).unwrap_or_default();
        if form.text("seen") != newest {
            return Err(Error::new(
                Code::FailedPrecondition,
                "the client has a newer secret since the page was opened",
            )
            .with_help("open the client again; nothing was changed"));
        }
        let seconds = form.text("overlap").parse().ok();
        let overlap = OVERLAPS.iter().find(|(known, _)| Some(*known) == seconds);
        let (overlap, _) = overlap.ok_or_else(|| Error::field("overlap", "must be one of the list"))?;
        let made =
            clients::rotate(visit.app(), visit.caller(), &client.id, Duration::from_secs(*overlap)).await?;
        Ok(visit.page(&keys_view::shown(&visit, made, Some(*overlap))))
    };
    let made: Result<Response> = made.await;
    visit.answer(made)
}

/// `POST /api-keys/{id}/secrets/{secret}/end`
pub(super) async fn end(
    Path((id, secret)): Path<(String, String)>,
    Posted { visit, .. }: Posted,
) -> Response {
    let done = async {
        let client = find(&visit, &id).await?;
        clients::delete_secret(visit.app(), visit.caller(), &client.id, &secret).await?;
        Ok(visit.done(&format!("/api-keys/{id}"), Flash::SecretEnded))
    };
    let done: Result<Response> = done.await;
    visit.answer(done)
}

/// `GET /api-keys/{id}/delete`
pub(super) async fn ask_delete(visit: Visit, Path(id): Path<String>) -> Response {
    let found = find(&visit, &id).await;
    visit.answer(found.map(|client| visit.page(&keys_view::delete(&visit, client))))
}

/// `POST /api-keys/{id}/delete`
pub(super) async fn delete(Path(id): Path<String>, Posted { visit, .. }: Posted) -> Response {
    let done = async {
        let client = find(&visit, &id).await?;
        clients::delete(visit.app(), visit.caller(), &client.id).await?;
        Ok(visit.done("/api-keys", Flash::ClientDeleted))
    };
    let done: Result<Response> = done.await;
    visit.answer(done)
}

async fn find(visit: &Visit, id: &str) -> Result<ApiClient> {
    let id = ClientId::parse(id).ok_or_else(|| Error::new(Code::NotFound, "there is no such API client"))?;
    clients::get(visit.app(), visit.caller(), &id).await
}

/// The newest client: what a form for another one was opened after.
async fn newest(visit: &Visit) -> Result<String> {
    let listed = clients::page(visit.app(), visit.caller(), &PageAsk::first(1)).await?;
    Ok(listed.items.first().map(|client| client.id.to_string()).unwrap_or_default())
}

/// The first violation in the words of the form.
fn plain(error: &Error) -> String {
    let Some(wrong) = error.violations.first() else { return error.detail.to_string() };
    let label = match wrong.field.as_str() {
        "name" => "the name",
        "access_token_expiry" => "the life of tokens",
        field if field.starts_with("ip_allowlist") => "the list of networks",
        other => other,
    };
    format!("{label} {}", wrong.description)
}

impl Draft {
    /// What a form says.
    fn read(form: &Form) -> Result<Self> {
        let permissions = form.all("permission");
        Ok(Self {
            newest: form.text("newest"),
            name: form.text("name").trim().to_owned(),
            permissions: Permissions::parse(permissions.iter().map(String::as_str))?,
            networks: form.text("networks"),
            token_seconds: form.text("token_seconds").parse().ok(),
            wrong: None,
        })
    }

    fn create(&self) -> CreateClient {
        CreateClient {
            name: self.name.clone(),
            permissions: self.permissions.clone(),
            networks: self.networks(),
            networks_enforced: self.enforces(),
            token_seconds: self.token_seconds,
        }
    }

    fn networks(&self) -> Vec<String> {
        let words = self.networks.split(|c: char| c.is_whitespace() || c == ',');
        words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
    }

    fn enforces(&self) -> bool {
        !self.networks().is_empty()
    }
}
