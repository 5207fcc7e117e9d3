//! The routes of the hosted pages.

use std::future::Future;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use axum::routing::{get, post};
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use keybearer_app::brand::Asset;
use keybearer_app::flows;
use keybearer_app::user_pages::UserPageAsk;
use keybearer_core::{Code, Result};

use super::answer::{Asked, absent, failure_page, give, refusal, see_other};
use super::contract::{Answer, Visit};
use super::embedded;
use super::frame::Href;
use super::submitted::Submitted;
use super::theme;
use super::words::Wish;
use crate::web::{Web, cookie};

/// What the pages ask of the use cases.
pub trait Flows: Clone + Send + Sync + 'static {
    /// The page of a connect link. Writes nothing and calls nobody.
    fn view(&self, token: &str, visit: &Visit) -> impl Future<Output = Result<Answer>> + Send;

    /// Somebody pressed the button that leads to the provider.
    fn left(&self, token: &str) -> impl Future<Output = Result<()>> + Send;

    /// The posted form of a connect link.
    fn submit(
        &self,
        token: &str,
        visit: &Visit,
        form: Submitted,
    ) -> impl Future<Output = Result<Answer>> + Send;

    /// What the provider sent back, in the order it came and as often as it came.
    fn callback(
        &self,
        connection: &str,
        parameters: Submitted,
        visit: &Visit,
    ) -> impl Future<Output = Result<Answer>> + Send;

    /// A user's own page. Writes nothing and calls nobody.
    fn own_page(&self, token: &str, ask: UserPageAsk) -> impl Future<Output = Result<Answer>> + Send;

    /// The posted form of a user's own page.
    fn act(&self, token: &str, form: Submitted) -> impl Future<Output = Result<Answer>> + Send;

    /// A file below `/theme/`: the stylesheet or a logo of a brand.
    fn asset(&self, name: &str) -> impl Future<Output = Result<Option<Asset>>> + Send {
        let _ = name;
        std::future::ready(Ok(None))
    }

    /// The page at the end; `link` is the token of the link that this browser opened last.
    fn success(
        &self,
        query: &str,
        link: Option<&str>,
        visit: &Visit,
    ) -> impl Future<Output = Result<Answer>> + Send;
}

type Shared<F> = State<Arc<Web<F>>>;

/// `/c/{token}`, the callback and `/connect/success`.
pub fn routes<F: Flows>(web: Web<F>) -> Router {
    Router::new()
        .route("/c/{token}", get(view::<F>).post(submit::<F>))
        .route("/c/{token}/left", post(left::<F>))
        .route("/sso/v1/oauth/{connection}/callback", get(callback::<F>).post(posted_callback))
        .route("/connect/success", get(success::<F>))
        .route("/me", get(own_page_again::<F>))
        .route("/me/{token}", get(own_page::<F>).post(act::<F>))
        .route("/theme/{file}", get(theme::<F>))
        .with_state(Arc::new(web))
}

async fn view<F: Flows>(
    State(web): Shared<F>,
    Path(token): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let asked = about(&web, &headers, query.as_deref(), Some(Href::link(&token)));
    let asked =
        Asked { inside: embedded::inside(&headers, query.as_deref(), &web.public_url, &token), ..asked };
    let visit = match cookie::visit_or_new(&headers, web.is_secure(), web.entropy.as_ref()) {
        Ok(visit) => visit,
        Err(error) => return failure_page(&error, &asked, web.entropy.as_ref()),
    };
    let answer = web.flows.view(&token, &visit).await;
    let mut response = told(&web, answer, &asked);
    for cookie in
        cookie::set(&visit, &token, web.is_secure()).into_iter().chain(language(&asked, web.is_secure()))
    {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// The `ping` of the link to the provider. It says one thing about a link that whoever sends it has; nothing is answered.
async fn left<F: Flows>(State(web): Shared<F>, Path(token): Path<String>) -> StatusCode {
    if let Err(error) = web.flows.left(&token).await {
        tracing::warn!(code = error.code.as_str(), "that somebody left for the provider could not be noted");
    }
    StatusCode::NO_CONTENT
}

async fn submit<F: Flows>(
    State(web): Shared<F>,
    Path(token): Path<String>,
    headers: HeaderMap,
    form: Submitted,
) -> Response {
    let visit = cookie::visit(&headers, web.is_secure());
    let answer = web.flows.submit(&token, &visit, form).await;
    let asked = about(&web, &headers, None, Some(Href::link(&token)));
    told(&web, answer, &Asked { posted: true, ..asked })
}

async fn callback<F: Flows>(
    State(web): Shared<F>,
    Path(connection): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let visit = cookie::visit(&headers, web.is_secure());
    let own = cookie::link(&headers, web.is_secure()).map(|token| Href::link(&token));
    let parameters = Submitted::read(query.unwrap_or_default().as_bytes());
    let answer = web.flows.callback(&connection, parameters, &visit).await;
    told(&web, answer, &about(&web, &headers, None, own))
}

/// `response_mode=form_post`: browsers send no `SameSite=Lax` cookie with a post from another site, but do with the GET
/// it is turned into. That GET says that it was a post, for a provider must answer in the mode it was asked for.
async fn posted_callback(uri: Uri, headers: HeaderMap, mut form: Submitted) -> Response {
    form.0.push((flows::POSTED.to_owned(), "1".into()));
    form.as_query(uri.path()).map_or_else(|| refusal(Code::Internal, &Asked::plain(&headers)), see_other)
}

async fn success<F: Flows>(State(web): Shared<F>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let visit = cookie::visit(&headers, web.is_secure());
    let link = cookie::link(&headers, web.is_secure());
    let answer = web.flows.success(&query.unwrap_or_default(), link.as_deref(), &visit).await;
    told(&web, answer, &about(&web, &headers, None, link.map(|token| Href::link(&token))))
}

async fn own_page<F: Flows>(
    State(web): Shared<F>,
    Path(token): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let asked = about(&web, &headers, query.as_deref(), Some(Href::own_page(&token)));
    let given = Submitted::read(query.unwrap_or_default().as_bytes());
    let ask =
        UserPageAsk { search: given.text("q"), stop: given.text("stop"), stopped: given.text("stopped") };
    let mut response = told(&web, web.flows.own_page(&token, ask).await, &asked);
    let page = cookie::set_own_page(&token, web.is_secure());
    for cookie in page.into_iter().chain(language(&asked, web.is_secure())) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// Back from the pages of a link, which do not know the address of the page that it was made on.
async fn own_page_again<F: Flows>(State(web): Shared<F>, headers: HeaderMap) -> Response {
    let token = cookie::own_page(&headers, web.is_secure());
    let to = token.and_then(|token| HeaderValue::from_str(Href::own_page(&token).as_str()).ok());
    to.map_or_else(|| refusal(Code::LinkExpired, &about(&web, &headers, None, None)), see_other)
}

async fn act<F: Flows>(
    State(web): Shared<F>,
    Path(token): Path<String>,
    headers: HeaderMap,
    form: Submitted,
) -> Response {
    let answer = web.flows.act(&token, form).await;
    let asked = about(&web, &headers, None, Some(Href::own_page(&token)));
    told(&web, answer, &Asked { posted: true, ..asked })
}

/// Remembers the language that was chosen just now.
fn language(asked: &Asked, secure: bool) -> Option<HeaderValue> {
    asked.wish.chosen().filter(|_| asked.wish.fresh).and_then(|tag| cookie::set_language(tag, secure))
}

fn about<F>(web: &Web<F>, headers: &HeaderMap, query: Option<&str>, own: Option<Href>) -> Asked {
    let wish = Wish::of(headers, query, web.is_secure());
    Asked { wish, switch: own.clone(), own, ..Asked::default() }
}

async fn theme<F: Flows>(State(web): Shared<F>, Path(file): Path<String>, headers: HeaderMap) -> Response {
    match web.flows.asset(&file).await {
        Ok(Some(asset)) => theme::stored(asset),
        Ok(None) => absent(&headers),
        Err(error) => failure_page(&error, &Asked::plain(&headers), web.entropy.as_ref()),
    }
}

fn told<F>(web: &Web<F>, answer: Result<Answer>, asked: &Asked) -> Response {
    match answer {
        Ok(answer) => give(&answer, asked, &web.public_url),
        Err(error) => failure_page(&error, asked, web.entropy.as_ref()),
    }
}
