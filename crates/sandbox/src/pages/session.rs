//! Signing in: the session cookie, the form's token, the page with the people.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use keybearer_core::SecretString;

use super::view::{self, SignIn};
use crate::params::Params;
use crate::shared::Shared;
use crate::world::{Digest, Person, Session};

/// A browser as the handlers see it.
pub(super) struct Visitor {
    pub cookie: SecretString,
    pub person: Option<Person>,
    pub csrf: SecretString,
    /// Set when the browser came without a session.
    pub fresh: bool,
}

impl Visitor {
    /// The session of this browser, or a new one.
    pub fn of(shared: &Shared, headers: &HeaderMap) -> keybearer_core::Result<Self> {
        if let Some(cookie) = cookie(shared, headers) {
            let (mut world, now) = (shared.world(), shared.now());
            if let Some(session) = world.sessions.get_mut(&Digest::of(cookie.expose())) {
                session.seen = now;
                let (person, csrf) = (session.person.clone(), session.csrf.clone());
                return Ok(Self { cookie, person, csrf, fresh: false });
            }
        }
        Self::begin(shared, None)
    }

    fn begin(shared: &Shared, person: Option<Person>) -> keybearer_core::Result<Self> {
        let (cookie, csrf) = (shared.token("")?, shared.token("")?);
        let session = Session { person: person.clone(), csrf: csrf.clone(), seen: shared.now() };
        let mut world = shared.world();
        world.tidy(shared.now());
        world.sessions.insert(Digest::of(cookie.expose()), session);
        Ok(Self { cookie, person, csrf, fresh: true })
    }

    /// Whether a form came from a page that this browser got from us.
    pub fn sent(&self, headers: &HeaderMap, form: &Params) -> bool {
        let cross_site = headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site");
        // `Secret` compares in constant time
        !cross_site && form.get("csrf").is_some_and(|csrf| self.csrf == SecretString::from(csrf))
    }

    /// Gives the browser its cookie when it is new.
    pub fn keep(&self, shared: &Shared, mut response: Response) -> Response {
        if self.fresh {
            set_cookie(shared, (self.cookie.expose(), ""), &mut response);
        }
        response
    }

    /// Keeps the person signed in beyond the end of the browser's session.
    pub fn stay(&self, shared: &Shared, mut response: Response) -> Response {
        set_cookie(shared, (self.cookie.expose(), "; Max-Age=2592000"), &mut response);
        response
    }

    /// Forgets the session.
    pub fn end(&self, shared: &Shared) {
        shared.world().sessions.remove(&Digest::of(self.cookie.expose()));
    }
}

fn cookie_name(shared: &Shared) -> &'static str {
    if shared.https() { "__Host-pc_session" } else { "pc_session" }
}

fn cookie(shared: &Shared, headers: &HeaderMap) -> Option<SecretString> {
    let name = cookie_name(shared);
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value.into())
}

fn set_cookie(shared: &Shared, (value, lasts): (&str, &str), response: &mut Response) {
    let secure = if shared.https() { "; Secure" } else { "" };
    let text = format!("{}={value}; Path=/; HttpOnly; SameSite=Lax{lasts}{secure}", cookie_name(shared));
    if let Ok(header_value) = HeaderValue::from_str(&text) {
        response.headers_mut().append(header::SET_COOKIE, header_value);
    }
}

pub(super) async fn page(State(shared): State<Arc<Shared>>, headers: HeaderMap, uri: Uri) -> Response {
    let params = Params::from_query(uri.query());
    let to = Target::parse(params.get("to").unwrap_or_default());
    show(
        &shared,
        &headers,
        SignInFor { to, query: params.get("query").unwrap_or_default().to_owned(), client: None },
    )
}

/// Where a person goes after signing in. A closed list, so that the form cannot redirect elsewhere.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    Authorize,
    Device,
    Apps,
}

impl Target {
    fn parse(text: &str) -> Self {
        match text {
            "authorize" => Self::Authorize,
            "device" => Self::Device,
            _ => Self::Apps,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Authorize => "authorize",
            Self::Device => "device",
            Self::Apps => "apps",
        }
    }
}

/// What the sign-in page is shown for.
pub(super) struct SignInFor {
    pub to: Target,
    pub query: String,
    pub client: Option<String>,
}

pub(super) fn show(shared: &Shared, headers: &HeaderMap, wanted: SignInFor) -> Response {
    let Ok(visitor) = Visitor::of(shared, headers) else {
        return view::no_entropy();
    };
    let hint = Params::from_query(Some(&wanted.query)).get("login_hint").map(str::to_owned);
    let page = SignIn {
        people: Person::residents().to_vec(),
        client: wanted.client,
        hint,
        to: wanted.to.as_str(),
        query: wanted.query,
        csrf: visitor.csrf.clone(),
    };
    visitor.keep(shared, view::page(StatusCode::OK, &page))
}

pub(super) async fn sign_in(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let form = Params::parse(&body);
    let Ok(visitor) = Visitor::of(&shared, &headers) else {
        return view::no_entropy();
    };
    if !visitor.sent(&headers, &form) {
        return view::stale_form();
    }
    let named = form.get("person").or_else(|| form.get("name")).and_then(Person::named);
    let Some(person) = named else {
        return view::problem(
            StatusCode::BAD_REQUEST,
            "Nobody is signed in",
            "Pick a person or type a name.",
        );
    };
    // a new id after signing in, so that a planted cookie is worth nothing
    visitor.end(&shared);
    let Ok(signed_in) = Visitor::begin(&shared, Some(person)) else {
        return view::no_entropy();
    };
    let query = without_sign_in_prompt(&Params::parse(form.get("query").unwrap_or_default().as_bytes()));
    let target = match Target::parse(form.get("to").unwrap_or_default()) {
        Target::Authorize => format!("/authorize?{query}"),
        Target::Device => format!("/device?{query}"),
        Target::Apps => "/apps".to_owned(),
    };
    signed_in.keep(&shared, view::redirect(&target))
}

/// The query without what asked for the sign-in that has just happened.
fn without_sign_in_prompt(params: &Params) -> String {
    let prompt = params.get("prompt").unwrap_or_default();
    let left: Vec<&str> =
        prompt.split(' ').filter(|word| !matches!(*word, "" | "login" | "select_account")).collect();
    let mut query = params.encode_without(&["prompt"]);
    if !left.is_empty() {
        query.push_str("&prompt=");
        query.push_str(&left.join("+"));
    }
    query
}
