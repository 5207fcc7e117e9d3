//! Luggage takes an API key, Lockers takes Basic credentials.

use axum::Json;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::json;

use super::guard::error;
use crate::oauth::split_basic;
use crate::world::Person;

/// `lk_` and 32 letters or digits; a key that ends in `0000` was withdrawn.
fn luggage_key(headers: &HeaderMap) -> Result<&str, Box<Response>> {
    let refuse = |code, says| Err(Box::new(error(StatusCode::UNAUTHORIZED, code, says)));
    let Some(key) = headers.get("x-luggage-key").and_then(|value| value.to_str().ok()) else {
        return refuse("key_missing", "send the header X-Luggage-Key");
    };
    let tail = key.strip_prefix("lk_").unwrap_or_default();
    match tail {
        _ if tail.len() != 32 || !tail.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            refuse("key_malformed", "a key is lk_ and 32 letters or digits")
        }
        _ if tail.ends_with("0000") => refuse("key_withdrawn", "this key was withdrawn"),
        _ => Ok(tail),
    }
}

pub(super) async fn luggage_check(headers: HeaderMap) -> Response {
    match luggage_key(&headers) {
        Ok(tail) => {
            let owner = tail.get(..4).unwrap_or_default();
            Json(json!({ "valid": true, "account": format!("luggage-{owner}") })).into_response()
        }
        Err(refusal) => *refusal,
    }
}

pub(super) async fn luggage_items(headers: HeaderMap) -> Response {
    let items = json!({ "items": [
        { "tag": "LG-1", "colour": "petrol", "kilos": 12 },
        { "tag": "LG-2", "colour": "brass", "kilos": 7 },
    ]});
    luggage_key(&headers).map_or_else(|refusal| *refusal, |_| Json(items).into_response())
}

/// Any person's name with the password `locker-NAME`.
pub(super) async fn lockers_me(headers: HeaderMap) -> Response {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let credentials = value.and_then(|value| value.strip_prefix("Basic ")).and_then(split_basic);
    let person = credentials.and_then(|(name, password)| {
        let person = Person::named(&name)?;
        (password == format!("locker-{}", person.id).into()).then_some(person)
    });
    let Some(person) = person else {
        let mut response =
            error(StatusCode::UNAUTHORIZED, "wrong_credentials", "the password of NAME is locker-NAME");
        let basic = HeaderValue::from_static("Basic realm=\"lockers\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, basic);
        return response;
    };
    Json(json!({ "user": person.id, "name": person.name, "locker": 12 })).into_response()
}
