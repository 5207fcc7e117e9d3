//! Registering a second application or a public key by hand, as a provider's developer console does.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use super::session::Visitor;
use super::view::{self, Developers, Registered};
use crate::config::ClientConfig;
use crate::oauth::usable_redirect;
use crate::params::Params;
use crate::shared::Shared;

const MANY: usize = 10_000;
const FULL: &str = "Too many are registered. Reset the sandbox.";

pub(super) async fn page(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    let Ok(visitor) = Visitor::of(&shared, &headers) else {
        return view::no_entropy();
    };
    show(&shared, &visitor, None, None)
}

fn show(
    shared: &Shared,
    visitor: &Visitor,
    registered: Option<Registered>,
    problem: Option<&'static str>,
) -> Response {
    let status = match (&registered, problem) {
        (Some(_), _) => StatusCode::CREATED,
        (None, Some(_)) => StatusCode::UNPROCESSABLE_ENTITY,
        (None, None) => StatusCode::OK,
    };
    let page = Developers { registered, problem, csrf: visitor.csrf.clone() };
    visitor.keep(shared, view::page(status, &page))
}

pub(super) async fn register_app(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let form = Params::parse(&body);
    let Ok(visitor) = Visitor::of(&shared, &headers) else {
        return view::no_entropy();
    };
    if !visitor.sent(&headers, &form) {
        return view::stale_form();
    }
    let name: String =
        form.get("name").unwrap_or_default().chars().filter(|c| !c.is_control()).take(80).collect();
    let redirect = form.get("redirect_uri").unwrap_or_default().to_owned();
    if name.trim().is_empty() || !usable_redirect(&redirect) {
        let says = "An application needs a name and an http or https redirect address without a fragment.";
        return show(&shared, &visitor, None, Some(says));
    }
    let (Ok(client_id), Ok(secret)) = (shared.token("pc_client_"), shared.token("pc_secret_")) else {
        return view::no_entropy();
    };
    let client_id = client_id.expose().clone();
    let client = ClientConfig {
        client_id: client_id.clone(),
        client_secret: Some(secret.clone()),
        redirect_uris: vec![redirect],
        name: name.clone(),
    };
    {
        let mut world = shared.world();
        if world.clients.len() >= MANY {
            drop(world);
            return show(&shared, &visitor, None, Some(FULL));
        }
        world.clients.insert(client_id.clone(), client);
    }
    show(&shared, &visitor, Some(Registered::App { name, client_id, client_secret: secret }), None)
}

pub(super) async fn register_key(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let form = Params::parse(&body);
    let Ok(visitor) = Visitor::of(&shared, &headers) else {
        return view::no_entropy();
    };
    if !visitor.sent(&headers, &form) {
        return view::stale_form();
    }
    let pem = form.get("public_key").unwrap_or_default().trim();
    if pem.contains("PRIVATE KEY") {
        let says = "That is a private key. Keep it, and paste the public half.";
        return show(&shared, &visitor, None, Some(says));
    }
    if !crate::api::is_public_key(pem) {
        return show(&shared, &visitor, None, Some("This is not a public key of RSA or EC P-256 in PEM."));
    }
    let Ok(key_id) = shared.token("pc_key_") else {
        return view::no_entropy();
    };
    let key_id = key_id.expose().clone();
    {
        let mut world = shared.world();
        if world.keys.len() >= MANY {
            drop(world);
            return show(&shared, &visitor, None, Some(FULL));
        }
        world.keys.insert(key_id.clone(), format!("{pem}\n"));
    }
    show(&shared, &visitor, Some(Registered::Key { key_id }), None)
}
