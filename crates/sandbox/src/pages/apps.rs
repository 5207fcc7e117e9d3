//! "Apps with access": what a person allowed, and taking it back.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use super::session::{SignInFor, Target, Visitor, show};
use super::view::{self, App, Apps};
use crate::params::Params;
use crate::shared::Shared;
use crate::world::{Person, SCOPES};

pub(super) async fn list(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    let Ok(visitor) = Visitor::of(&shared, &headers) else {
        return view::no_entropy();
    };
    let Some(person) = visitor.person.clone() else {
        return show(&shared, &headers, SignInFor { to: Target::Apps, query: String::new(), client: None });
    };
    let page = Apps { apps: apps(&shared, &person), person, csrf: visitor.csrf.clone() };
    visitor.keep(&shared, view::page(StatusCode::OK, &page))
}

fn apps(shared: &Shared, person: &Person) -> Vec<App> {
    let world = shared.world();
    let own = world.grants.values().filter(|grant| grant.person.id == person.id);
    let app = |grant: &crate::world::Grant| App {
        client_id: grant.client_id.clone(),
        name: world.clients.get(&grant.client_id).map_or("An application", |client| &client.name).to_owned(),
        may: SCOPES.iter().filter(|s| grant.scopes.iter().any(|g| g == s.name)).map(|s| s.says).collect(),
        since: grant.at.rfc3339().chars().take(16).collect::<String>().replace('T', " "),
    };
    own.map(app).collect()
}

pub(super) async fn revoke(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let form = Params::parse(&body);
    let Ok(visitor) = Visitor::of(&shared, &headers) else {
        return view::no_entropy();
    };
    let Some(person) = visitor.person.clone().filter(|_| visitor.sent(&headers, &form)) else {
        return view::stale_form();
    };
    shared.world().withdraw_grant(&person.id, form.get("client_id").unwrap_or_default());
    view::redirect("/apps")
}

pub(super) async fn sign_out(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let form = Params::parse(&body);
    let Ok(visitor) = Visitor::of(&shared, &headers) else {
        return view::no_entropy();
    };
    if !visitor.sent(&headers, &form) {
        return view::stale_form();
    }
    visitor.end(&shared);
    view::redirect("/")
}
