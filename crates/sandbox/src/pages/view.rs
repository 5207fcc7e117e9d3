//! The templates and the headers every page carries.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::{Html, IntoResponse as _, Response};
use http::{HeaderValue, StatusCode, header};
use keybearer_core::SecretString;

use crate::oauth::{Ask, no_store};
use crate::shared::Shared;
use crate::world::Person;

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    switches: Option<String>,
}

#[derive(Template)]
#[template(path = "problem.html")]
struct Problem<'a> {
    title: &'a str,
    says: &'a str,
}

#[derive(Template)]
#[template(path = "sign_in.html")]
pub(super) struct SignIn {
    pub people: Vec<Person>,
    pub client: Option<String>,
    pub hint: Option<String>,
    pub to: &'static str,
    pub query: String,
    pub csrf: SecretString,
}

pub(super) struct ScopeBox {
    pub name: &'static str,
    pub says: &'static str,
    pub sensitive: bool,
    pub ticked: bool,
}

#[derive(Template)]
#[template(path = "consent.html")]
pub(super) struct Consent {
    pub client: String,
    pub returns_to: String,
    pub person: Person,
    pub says_no: bool,
    pub boxes: Vec<ScopeBox>,
    pub before: Vec<&'static str>,
    pub access_life: String,
    pub refresh_life: String,
    pub rotates: bool,
    pub switches: Option<String>,
    pub query: String,
    pub somebody_else: String,
    pub csrf: SecretString,
}

#[derive(Template)]
#[template(path = "administrator.html")]
pub(super) struct Administrator {
    client: String,
    person: Person,
    query: String,
    somebody_else: String,
    csrf: SecretString,
}

impl Administrator {
    pub fn new(ask: &Ask, person: &Person, csrf: &SecretString) -> Self {
        let client = ask.client.name.clone();
        let (query, somebody_else) = (ask.query(), ask.query_for_somebody_else());
        Self { client, person: person.clone(), query, somebody_else, csrf: csrf.clone() }
    }
}

pub(super) struct App {
    pub client_id: String,
    pub name: String,
    pub may: Vec<&'static str>,
    pub since: String,
}

#[derive(Template)]
#[template(path = "apps.html")]
pub(super) struct Apps {
    pub person: Person,
    pub apps: Vec<App>,
    pub csrf: SecretString,
}

#[derive(Template)]
#[template(path = "device_code.html")]
pub(super) struct DeviceCode {
    pub unknown: bool,
}

#[derive(Template)]
#[template(path = "device_consent.html")]
pub(super) struct DeviceConsent {
    pub client: String,
    pub person: Person,
    pub may: Vec<&'static str>,
    pub user_code: String,
    pub csrf: SecretString,
}

#[derive(Template)]
#[template(path = "device_done.html")]
pub(super) struct DeviceDone {
    pub allowed: bool,
}

/// What was just registered; shown once.
pub(super) enum Registered {
    App { name: String, client_id: String, client_secret: SecretString },
    Key { key_id: String },
}

#[derive(Template)]
#[template(path = "developers.html")]
pub(super) struct Developers {
    pub registered: Option<Registered>,
    pub problem: Option<&'static str>,
    pub csrf: SecretString,
}

/// A page with its safety headers.
///
/// No `form-action`: browsers apply it to every redirect after the form, which leads to the application and
/// on to addresses nobody here knows.
pub(super) fn page(status: StatusCode, template: &impl Template) -> Response {
    let Ok(text) = template.render() else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let mut response = no_store((status, Html(text)).into_response());
    let headers = response.headers_mut();
    let policy =
        "default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'";
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// 303 to `target`.
pub(super) fn redirect(target: &str) -> Response {
    let Ok(location) = HeaderValue::from_str(target) else {
        return problem(
            StatusCode::BAD_REQUEST,
            "This request cannot be answered",
            "The address is malformed.",
        );
    };
    let mut response = no_store(StatusCode::SEE_OTHER.into_response());
    response.headers_mut().insert(header::LOCATION, location);
    response.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

pub(super) fn problem(status: StatusCode, title: &str, says: &str) -> Response {
    page(status, &Problem { title, says })
}

pub(super) fn stale_form() -> Response {
    let says =
        "The page you sent is not from this browser's session. Go back, load it again and send it once more.";
    problem(StatusCode::FORBIDDEN, "Nothing was changed", says)
}

pub(super) fn no_entropy() -> Response {
    problem(StatusCode::INTERNAL_SERVER_ERROR, "No random bytes", "This machine gives no random bytes.")
}

pub(crate) async fn not_found() -> Response {
    problem(StatusCode::NOT_FOUND, "Nothing is here", "The sandbox has no page at this address.")
}

pub(super) async fn home(State(shared): State<Arc<Shared>>) -> Response {
    page(StatusCode::OK, &Home { switches: shared.switches_url.clone() })
}

pub(super) async fn style() -> Response {
    let css = include_str!("../../assets/postcards.css");
    let headers =
        [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "max-age=3600")];
    (headers, css).into_response()
}

/// `60 s`, `10 min`, `2 h` or `7 d`.
pub(super) fn life(seconds: u64) -> String {
    match seconds {
        0..=120 => format!("{seconds} s"),
        121..=7_200 => format!("{} min", seconds / 60),
        7_201..=172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}
