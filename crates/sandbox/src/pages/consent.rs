//! `/authorize` and the consent form.

use std::sync::Arc;

use axum::extract::{Extension, State};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, StatusCode, Uri};

use super::decide::{Verdict, administrator_allows, without_last};
use super::session::{SignInFor, Target, Visitor, show};
use super::view::{self, Administrator, Consent, ScopeBox};
use crate::failure::{Failure, Stage};
use crate::oauth::{Ask, AskError, refuse};
use crate::observe::Met;
use crate::params::Params;
use crate::shared::Shared;
use crate::world::{Habit, Person, SCOPES};

pub(super) async fn authorize(
    State(shared): State<Arc<Shared>>,
    Extension(met): Extension<Met>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let ask = match Ask::read(&shared, Params::from_query(uri.query())) {
        Ok(ask) => ask,
        Err(error) => return refused(error),
    };
    match begin(&shared, &headers, &ask, met.0) {
        Ok(response) => response,
        Err(_) => view::no_entropy(),
    }
}

fn refused(error: AskError) -> Response {
    match error {
        AskError::Redirect(target) => view::redirect(&target),
        AskError::Page(says) => {
            view::problem(StatusCode::BAD_REQUEST, "This request cannot be answered", &says)
        }
    }
}

fn begin(
    shared: &Shared,
    headers: &HeaderMap,
    ask: &Ask,
    met: Option<Failure>,
) -> keybearer_core::Result<Response> {
    let visitor = Visitor::of(shared, headers)?;
    // a look ahead decides nothing and uses no switch up
    let looks_ahead = headers.get("sec-purpose").is_some_and(|purpose| purpose == "prefetch");
    if !looks_ahead
        && let Some(decision) = decision(shared, met)
        && let Some(response) = decided(shared, ask, visitor.person.as_ref(), decision)?
    {
        return Ok(response);
    }
    let asks_sign_in = ask.prompts("login") || ask.prompts("select_account");
    let Some(person) = visitor.person.clone().filter(|_| !asks_sign_in) else {
        if ask.prompts("none") {
            return Ok(view::redirect(&refuse(shared, ask, "login_required", "nobody is signed in", met)));
        }
        let client = Some(ask.client.name.clone());
        return Ok(show(shared, headers, SignInFor { to: Target::Authorize, query: ask.query(), client }));
    };
    let new_scopes = ask.new_scopes(shared, &person);
    if new_scopes.is_empty() {
        let verdict = Verdict::Allow(ask.scopes.clone());
        return Ok(view::redirect(&verdict.redirect(shared, ask, &person, met)?));
    }
    if ask.prompts("none") {
        return Ok(view::redirect(&refuse(shared, ask, "consent_required", "a permission is new", met)));
    }
    let everybody = met == Some(Failure::Administrator)
        || shared.world().switches.peek(Stage::Consent) == Some(Failure::Administrator);
    if (person.habit == Habit::NeedsAdministrator || everybody) && !administrator_allows(shared, ask) {
        return Ok(view::page(StatusCode::OK, &Administrator::new(ask, &person, &visitor.csrf)));
    }
    Ok(view::page(StatusCode::OK, &consent_page(shared, ask, &visitor, &person, &new_scopes)))
}

/// A decision by header or switch; `administrator` is left to the page.
fn decision(shared: &Shared, met: Option<Failure>) -> Option<Failure> {
    let taken = |failure: Failure| failure.is_decision() && failure != Failure::Administrator;
    met.filter(|failure| taken(*failure)).or_else(|| shared.world().switches.take_if(Stage::Consent, taken))
}

fn decided(
    shared: &Shared,
    ask: &Ask,
    signed_in: Option<&Person>,
    decision: Failure,
) -> keybearer_core::Result<Option<Response>> {
    let hinted = || ask.login_hint.as_deref().and_then(Person::named);
    let Some(person) = signed_in.cloned().or_else(hinted).or_else(|| Person::named("ada")) else {
        return Ok(None);
    };
    let verdict = match decision {
        Failure::Approve => Verdict::Allow(ask.scopes.clone()),
        Failure::Partial => Verdict::Allow(without_last(&ask.scopes)),
        Failure::Deny => Verdict::Deny,
        Failure::TemporarilyUnavailable | Failure::InvalidScope => {
            let says = "switched on in the sandbox";
            return Ok(Some(view::redirect(&refuse(shared, ask, &decision.to_string(), says, None))));
        }
        Failure::TestMode => {
            let says = "the application is in test mode, and this person is none of its test users";
            return Ok(Some(view::redirect(&refuse(shared, ask, "access_denied", says, None))));
        }
        Failure::WrongTenant => {
            let says = "the application was not found in the directory of this tenant";
            return Ok(Some(view::redirect(&refuse(shared, ask, "unauthorized_client", says, None))));
        }
        Failure::RedirectMismatch => {
            let registered = format!("{}/", ask.redirect_uri);
            let says = format!("the redirect_uri MUST match the registered callback URL {registered}");
            return Ok(Some(view::redirect(&refuse(shared, ask, "redirect_uri_mismatch", &says, None))));
        }
        _ => return Ok(None),
    };
    verdict.redirect(shared, ask, &person, None).map(|target| Some(view::redirect(&target)))
}

fn consent_page(shared: &Shared, ask: &Ask, visitor: &Visitor, person: &Person, new: &[String]) -> Consent {
    let ticked = if person.habit == Habit::UnticksOne { without_last(new) } else { new.to_vec() };
    let known = |name: &String| SCOPES.iter().find(|scope| scope.name == name.as_str());
    let boxes = new.iter().filter_map(known).map(|scope| ScopeBox {
        name: scope.name,
        says: scope.says,
        sensitive: scope.sensitive,
        ticked: ticked.iter().any(|name| name == scope.name),
    });
    let before =
        ask.scopes.iter().filter(|scope| !new.contains(scope)).filter_map(known).map(|scope| scope.says);
    let settings = shared.world().settings.clone();
    Consent {
        client: ask.client.name.clone(),
        returns_to: ask.redirect_uri.origin().ascii_serialization(),
        person: person.clone(),
        says_no: person.habit == Habit::SaysNo,
        boxes: boxes.collect(),
        before: before.collect(),
        access_life: view::life(settings.access_seconds),
        refresh_life: view::life(settings.refresh_seconds),
        rotates: settings.rotate,
        switches: shared.switches_url.clone(),
        query: ask.query(),
        somebody_else: ask.query_for_somebody_else(),
        csrf: visitor.csrf.clone(),
    }
}

pub(super) async fn answer(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let form = Params::parse(&body);
    let Ok(visitor) = Visitor::of(&shared, &headers) else {
        return view::no_entropy();
    };
    let Some(person) = visitor.person.clone().filter(|_| visitor.sent(&headers, &form)) else {
        return view::stale_form();
    };
    let ask = match Ask::read(&shared, Params::parse(form.get("query").unwrap_or_default().as_bytes())) {
        Ok(ask) => ask,
        Err(error) => return refused(error),
    };
    let verdict = match form.get("decision") {
        Some("approve-as-administrator") => {
            shared.world().administrator_allows.insert(ask.client.client_id.clone());
            return view::redirect(&format!("/authorize?{}", ask.query()));
        }
        Some("ask-administrator") => Verdict::AskAdministrator,
        Some("allow") => allowed(&shared, &ask, &person, &form),
        _ => Verdict::Deny,
    };
    let answer = match verdict.redirect(&shared, &ask, &person, None) {
        Ok(to) => view::redirect(&to),
        Err(_) => return view::no_entropy(),
    };
    match (form.get("stay"), form.get("may_stay")) {
        (Some(_), _) => visitor.stay(&shared, answer),
        (None, Some(_)) => {
            visitor.end(&shared);
            answer
        }
        (None, None) => answer,
    }
}

/// What the form allows: earlier permissions and the boxes that are ticked.
fn allowed(shared: &Shared, ask: &Ask, person: &Person, form: &Params) -> Verdict {
    let needs_administrator = person.habit == Habit::NeedsAdministrator && !administrator_allows(shared, ask);
    match person.habit {
        Habit::SaysNo => Verdict::Deny,
        _ if needs_administrator => Verdict::AskAdministrator,
        _ => {
            let (new, ticked) = (ask.new_scopes(shared, person), form.all("scope"));
            let given = |scope: &&String| !new.contains(scope) || ticked.contains(&scope.as_str());
            Verdict::Allow(ask.scopes.iter().filter(given).cloned().collect())
        }
    }
}
