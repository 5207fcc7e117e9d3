//! Device authorization, the person's side: type the code, decide.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, StatusCode, Uri};

use super::session::{SignInFor, Target, Visitor, show};
use super::view::{self, DeviceCode, DeviceConsent, DeviceDone};
use crate::params::Params;
use crate::shared::Shared;
use crate::world::{DeviceState, Habit, SCOPES};

pub(super) async fn page(State(shared): State<Arc<Shared>>, headers: HeaderMap, uri: Uri) -> Response {
    let params = Params::from_query(uri.query());
    let Some(user_code) = params.get("user_code").map(normal) else {
        return view::page(StatusCode::OK, &DeviceCode { unknown: false });
    };
    let Ok(visitor) = Visitor::of(&shared, &headers) else {
        return view::no_entropy();
    };
    let found = waiting(&shared, &user_code);
    let Some((client, scopes)) = found else {
        return view::page(StatusCode::NOT_FOUND, &DeviceCode { unknown: true });
    };
    let Some(person) = visitor.person.clone() else {
        let query = format!("user_code={user_code}");
        return show(&shared, &headers, SignInFor { to: Target::Device, query, client: Some(client) });
    };
    let may =
        SCOPES.iter().filter(|scope| scopes.iter().any(|name| name == scope.name)).map(|scope| scope.says);
    let page = DeviceConsent { client, person, may: may.collect(), user_code, csrf: visitor.csrf.clone() };
    view::page(StatusCode::OK, &page)
}

/// The application and scopes of a code that waits.
fn waiting(shared: &Shared, user_code: &str) -> Option<(String, Vec<String>)> {
    let (mut world, now) = (shared.world(), shared.now());
    let device = world.waiting_device(user_code, now)?;
    let (client_id, scopes) = (device.client_id.clone(), device.scopes.clone());
    Some((world.clients.get(&client_id)?.name.clone(), scopes))
}

pub(super) async fn answer(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let form = Params::parse(&body);
    let Ok(visitor) = Visitor::of(&shared, &headers) else {
        return view::no_entropy();
    };
    let Some(person) = visitor.person.clone().filter(|_| visitor.sent(&headers, &form)) else {
        return view::stale_form();
    };
    let allows = form.get("decision") == Some("allow") && person.habit != Habit::SaysNo;
    let user_code = normal(form.get("user_code").unwrap_or_default());
    let (mut world, now) = (shared.world(), shared.now());
    let Some(device) = world.waiting_device(&user_code, now) else {
        return view::page(StatusCode::NOT_FOUND, &DeviceCode { unknown: true });
    };
    let (client_id, scopes) = (device.client_id.clone(), device.scopes.clone());
    device.state = match allows {
        true => DeviceState::Allowed { person: person.clone(), scopes: scopes.clone() },
        false => DeviceState::Denied,
    };
    if allows {
        world.remember_grant(&person, &client_id, (&scopes, &scopes), now);
    }
    view::page(StatusCode::OK, &DeviceDone { allowed: allows })
}

/// Codes are typed in either case, with or without the dash.
fn normal(text: &str) -> String {
    let plain: String = text.chars().filter(char::is_ascii_alphanumeric).take(8).collect();
    let upper = plain.to_ascii_uppercase();
    upper.split_at_checked(4).map_or(upper.clone(), |(head, tail)| format!("{head}-{tail}"))
}
