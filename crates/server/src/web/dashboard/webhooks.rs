//! Webhook endpoints: where events go, how they did, and sending again.

use std::time::Duration;

use axum::extract::{Path, Query};
use axum::response::Response;
use http::StatusCode;
use keybearer_app::webhooks::{self, CreateEndpoint, UpdateEndpoint};
use keybearer_app::{PageAsk, Permission};
use keybearer_core::{Code, Error, Result};
use serde::Deserialize;

use super::answer::sentence;
use super::flash::Flash;
use super::form::Form;
use super::guard::{Posted, Visit};
use super::webhook_delivery;
use super::webhooks_view::{self, Draft, Looked};

/// How far back a replay reaches, in hours.
pub(super) const REACH: [(u64, &str); 5] =
    [(1, "the last hour"), (6, "6 hours"), (24, "1 day"), (168, "7 days"), (719, "30 days")];
/// Overlaps that a rotation offers, in seconds.
pub(super) const OVERLAPS: [(u64, &str); 3] =
    [(0, "stops signing now"), (3_600, "signs along for 1 hour"), (86_400, "signs along for 1 day")];

/// Filter and page.
#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    pub state: String,
    #[serde(default)]
    pub page: String,
}

/// `GET /webhooks`
pub(super) async fn list(visit: Visit, Query(asked): Query<Asked>) -> Response {
    let page = async {
        let ask = PageAsk { size: 20, token: asked.page };
        let listed = webhooks::list(visit.app(), visit.caller(), &ask).await?;
        webhooks_view::list(&visit, listed)
    };
    let page = page.await;
    visit.answer(page)
}

/// `GET /webhooks/new`
pub(super) async fn ask(visit: Visit) -> Response {
    let page = async {
        visit.caller().require(Permission::WebhooksWrite)?;
        let draft = Draft { newest: newest(&visit).await?, ..Draft::default() };
        Ok(visit.page(&webhooks_view::form(&visit, draft, None)))
    };
    let page: Result<Response> = page.await;
    visit.answer(page)
}

/// `POST /webhooks/new`: looks at the address with `do=check`; else makes the endpoint and shows its secret.
pub(super) async fn make(Posted { visit, form }: Posted) -> Response {
    let made = async {
        let draft = Draft::read(&form);
        if form.text("do") == "check" {
            let (draft, looked) = look(&visit, draft).await?;
            return Ok(visit.page(&webhooks_view::form(&visit, draft, looked)));
        }
        // the same form once more, by a reload: it has made its endpoint already
        if draft.newest != newest(&visit).await? {
            let wrong = "An endpoint was made since this form was opened. Look at the list; press again if you want one more.";
            let draft = Draft { newest: newest(&visit).await?, wrong: Some(wrong.to_owned()), ..draft };
            return Ok(visit.page_with(StatusCode::CONFLICT, &webhooks_view::form(&visit, draft, None)));
        }
        let new = CreateEndpoint {
            url: draft.url.clone(),
            description: draft.description.clone(),
            event_types: draft.types.clone(),
        };
        match webhooks::create(visit.app(), visit.caller(), &new).await {
            Ok(made) => {
                let (_, looked) = look(&visit, draft).await?;
                Ok(visit.page(&webhooks_view::shown(&visit, made, looked, None)))
            }
            Err(error) => again(&visit, draft, error),
        }
    };
    let made: Result<Response> = made.await;
    visit.answer(made)
}

/// `GET /webhooks/{id}`
pub(super) async fn show(visit: Visit, Path(id): Path<String>, Query(asked): Query<Asked>) -> Response {
    let page = webhooks_view::one(&visit, &id, &asked).await;
    visit.answer(page)
}

/// `GET /webhooks/{id}/edit`
pub(super) async fn ask_edit(visit: Visit, Path(id): Path<String>) -> Response {
    let page = async {
        visit.caller().require(Permission::WebhooksWrite)?;
        let endpoint = webhooks::get(visit.app(), visit.caller(), &id).await?;
        Ok(visit.page(&webhooks_view::form(&visit, Draft::of(endpoint), None)))
    };
    let page: Result<Response> = page.await;
    visit.answer(page)
}

/// `POST /webhooks/{id}/edit`
pub(super) async fn save(Path(id): Path<String>, Posted { visit, form }: Posted) -> Response {
    let done = async {
        let draft = Draft { id: Some(id.clone()), ..Draft::read(&form) };
        if form.text("do") == "check" {
            let (draft, looked) = look(&visit, draft).await?;
            return Ok(visit.page(&webhooks_view::form(&visit, draft, looked)));
        }
        let patch = UpdateEndpoint {
            url: Some(draft.url.clone()),
            description: Some(draft.description.clone()),
            event_types: Some(draft.types.clone()),
        };
        match webhooks::update(visit.app(), visit.caller(), &id, &patch).await {
            Ok(_) => Ok(visit.done(&format!("/webhooks/{id}"), Flash::Saved)),
            Err(error) => again(&visit, draft, error),
        }
    };
    let done: Result<Response> = done.await;
    visit.answer(done)
}

/// `POST /webhooks/{id}/pause`
pub(super) async fn pause(Path(id): Path<String>, Posted { visit, .. }: Posted) -> Response {
    let done = webhooks::pause(visit.app(), visit.caller(), &id).await;
    visit.answer(done.map(|_| visit.done(&format!("/webhooks/{id}"), Flash::EndpointPaused)))
}

/// `POST /webhooks/{id}/resume`
pub(super) async fn resume(Path(id): Path<String>, Posted { visit, .. }: Posted) -> Response {
    let done = webhooks::resume(visit.app(), visit.caller(), &id).await;
    visit.answer(done.map(|_| visit.done(&format!("/webhooks/{id}"), Flash::EndpointResumed)))
}

/// `POST /webhooks/{id}/test`: a sample event.
pub(super) async fn test(Path(id): Path<String>, Posted { visit, form }: Posted) -> Response {
    let given = Some(form.text("type")).filter(|text| !text.is_empty());
    let sent = webhooks::send_sample(visit.app(), visit.caller(), &id, given.as_deref()).await;
    visit.answer(
        sent.map(|sent| {
            visit.done(&format!("/webhooks/{id}/deliveries/{}", sent.event_id), Flash::SampleSent)
        }),
    )
}

/// `POST /webhooks/{id}/rotate`: another secret, and an end for the others.
pub(super) async fn rotate(Path(id): Path<String>, Posted { visit, form }: Posted) -> Response {
    let made = async {
        let endpoint = webhooks::get(visit.app(), visit.caller(), &id).await?;
        if form.text("seen") != webhooks_view::newest_secret(&endpoint) {
            return Err(Error::new(
                Code::FailedPrecondition,
                "the endpoint has a newer secret since the page was opened",
            )
            .with_help("open the endpoint again; nothing was changed"));
        }
        let seconds = form.text("overlap").parse().ok();
        let overlap = OVERLAPS.iter().find(|(known, _)| Some(*known) == seconds);
        let (seconds, words) = overlap.ok_or_else(|| Error::field("overlap", "must be one of the list"))?;
        let made = webhooks::rotate(visit.app(), visit.caller(), &id, Duration::from_secs(*seconds)).await?;
        Ok(visit.page(&webhooks_view::shown(&visit, made, None, Some(words))))
    };
    let made: Result<Response> = made.await;
    visit.answer(made)
}

/// `POST /webhooks/{id}/replay`: everything that was not taken, or everything.
pub(super) async fn replay_since(Path(id): Path<String>, Posted { visit, form }: Posted) -> Response {
    let done = async {
        let hours = form.text("hours").parse().ok();
        let reach = REACH.iter().find(|(known, _)| Some(*known) == hours);
        let (hours, _) = reach.ok_or_else(|| Error::field("since", "must be one of the list"))?;
        let since = visit.app().now().minus(Duration::from_secs(hours * 3_600));
        let events = webhooks::replay_since(visit.app(), visit.caller(), &id, since, form.has("all")).await?;
        let events = i64::try_from(events).unwrap_or(i64::MAX);
        Ok(visit.done_with(&format!("/webhooks/{id}"), Flash::Replayed, Some(events)))
    };
    let done: Result<Response> = done.await;
    visit.answer(done)
}

/// `GET /webhooks/{id}/deliveries/{event}`
pub(super) async fn delivery(visit: Visit, Path((id, event)): Path<(String, String)>) -> Response {
    let page = webhook_delivery::page(&visit, &id, &event).await;
    visit.answer(page)
}

/// `POST /webhooks/{id}/deliveries/{event}/replay`
pub(super) async fn replay(
    Path((id, event)): Path<(String, String)>,
    Posted { visit, .. }: Posted,
) -> Response {
    let done = webhooks::replay(visit.app(), visit.caller(), &id, &event).await;
    let to = format!("/webhooks/{id}/deliveries/{event}");
    visit.answer(done.map(|_| visit.done_with(&to, Flash::Replayed, Some(1))))
}

/// `GET /webhooks/{id}/delete`
pub(super) async fn ask_delete(visit: Visit, Path(id): Path<String>) -> Response {
    let found = webhooks::get(visit.app(), visit.caller(), &id).await;
    visit.answer(found.map(|endpoint| visit.page(&webhooks_view::delete(&visit, endpoint))))
}

/// `POST /webhooks/{id}/delete`
pub(super) async fn delete(Path(id): Path<String>, Posted { visit, .. }: Posted) -> Response {
    let done = webhooks::delete(visit.app(), visit.caller(), &id).await;
    visit.answer(done.map(|()| visit.done("/webhooks", Flash::EndpointDeleted)))
}

/// The form with what is wrong in it.
fn again(visit: &Visit, draft: Draft, error: Error) -> Result<Response> {
    if error.code != Code::InvalidArgument {
        return Err(error);
    }
    let draft = Draft { wrong: Some(in_words(&error)), ..draft };
    Ok(visit.page_with(StatusCode::UNPROCESSABLE_ENTITY, &webhooks_view::form(visit, draft, None)))
}

fn in_words(error: &Error) -> String {
    let said = error.violations.first().map_or_else(
        || error.detail.to_string(),
        |wrong| match wrong.field.as_str() {
            "url" => format!("the address {}", wrong.description),
            other => format!("{} {}", other.replace('_', " "), wrong.description),
        },
    );
    match &error.help {
        Some(help) => format!("{} {}", sentence(&said), sentence(help)),
        None => sentence(&said),
    }
}

/// A look at the address; what is wrong with it goes into the form.
async fn look(visit: &Visit, draft: Draft) -> Result<(Draft, Option<Looked>)> {
    match webhooks::probe(visit.app(), visit.caller(), &draft.url).await {
        Ok(probe) => Ok((draft, Some(Looked::new(probe)))),
        Err(error) if error.code == Code::InvalidArgument => {
            Ok((Draft { wrong: Some(in_words(&error)), ..draft }, None))
        }
        Err(error) => Err(error),
    }
}

async fn newest(visit: &Visit) -> Result<String> {
    let listed = webhooks::list(visit.app(), visit.caller(), &PageAsk::first(1)).await?;
    Ok(listed.items.first().map(|endpoint| endpoint.id.to_string()).unwrap_or_default())
}

impl Draft {
    fn read(form: &Form) -> Self {
        Self {
            id: None,
            newest: form.text("newest"),
            url: form.text("url").trim().to_owned(),
            description: form.text("description").trim().to_owned(),
            types: if form.text("which") == "some" { form.all("type") } else { Vec::new() },
            wrong: None,
        }
    }
}
