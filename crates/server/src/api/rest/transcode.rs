use std::fmt::Write as _;
use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method as Verb, Request, Response, StatusCode, header};
use keybearer_core::{Code, Error, Reference, Result};
use prost_reflect::{DeserializeOptions, DynamicMessage, Kind, MessageDescriptor, SerializeOptions};
use serde_json::{Map, Value};

use super::paths::{Found, Paths};
use super::{json, params, words};
use crate::api::auth::Call;
use crate::api::descriptors::Method;
use crate::api::error::Failure;
use crate::api::gate::{Gate, read_body};

/// Largest body of a REST call, in bytes.
const REST_BODY: usize = 1024 * 1024;

/// The REST side of the API.
#[derive(Clone, Debug)]
pub struct Rest {
    gate: Gate,
    paths: Arc<Paths<Route>>,
}

#[derive(Debug)]
struct Route {
    method: Arc<Method>,
    body: String,
}

impl Rest {
    /// REST for every method of the gate's contract that has an HTTP binding.
    pub fn new(gate: Gate) -> Self {
        let routes = gate.descriptors().methods().into_iter().flat_map(|method| {
            let bindings = method.bindings.clone().into_iter();
            bindings.map(move |binding| {
                let route = Route { method: Arc::clone(&method), body: binding.body };
                (binding.verb, binding.template, route)
            })
        });
        let paths = Arc::new(Paths::new(routes));
        Self { gate, paths }
    }

    /// Answers a REST call.
    pub async fn respond(&self, request: Request<Body>) -> Response<Body> {
        let reference = self.gate.reference();
        let (parts, body) = request.into_parts();
        let (route, values) = match self.paths.find(&parts.method, parts.uri.path()) {
            Found::Target(route, values) => (route, values),
            Found::OtherVerbs(verbs) => return other_verbs(&parts.method, &verbs, &reference),
            Found::Nothing => {
                let error = Error::new(Code::NotFound, "there is no such path");
                return Failure::new(&error, &reference).into_rest();
            }
        };
        match self.run(route, values, &parts, body, &reference).await {
            Ok(json) => success(&json, route.method.http_status, &reference),
            Err(failure) => failure.into_rest(),
        }
    }

    async fn run(
        &self,
        route: &Route,
        values: Vec<(String, String)>,
        parts: &http::request::Parts,
        body: Body,
        reference: &Reference,
    ) -> Result<Value, Failure> {
        let fail = |error: Error| Failure::new(&error, reference);
        let safe = matches!(parts.method, Verb::GET | Verb::HEAD);
        let call = Call { headers: &parts.headers, safe, reference };
        let caller = self.gate.admit(&call, &route.method).await.map_err(fail)?;
        let input = route.method.descriptor.input();
        let mut fields = Map::new();
        if !route.body.is_empty() {
            let body = read_json(&parts.headers, body).await.map_err(fail)?;
            fields = fields_from_body(&route.body, body, &input).map_err(fail)?;
        }
        if route.body != "*" {
            params::apply_query(parts.uri.query().unwrap_or_default(), &input, &mut fields).map_err(fail)?;
        }
        for (name, value) in values {
            remove_other_spelling(&input, &name, &mut fields);
            params::apply(&name, &value, &input, &mut fields).map_err(fail)?;
        }
        let message = read_message(input, Value::Object(fields)).map_err(fail)?;
        self.gate.descriptors().rules().check(&message).map_err(fail)?;
        let answer = self.gate.call(&route.method, caller, &message, reference).await?;
        write_message(&answer).map_err(fail)
    }
}

async fn read_json(headers: &HeaderMap, body: Body) -> Result<Value> {
    if let Some(encoding) = headers.get(header::CONTENT_ENCODING)
        && !encoding.as_bytes().eq_ignore_ascii_case(b"identity")
    {
        return Err(Error::new(Code::UnsupportedMediaType, "a compressed request body is not read here"));
    }
    let bytes = read_body(body, REST_BODY).await?;
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(Value::Object(Map::new()));
    }
    let content_type =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        return Err(Error::new(Code::UnsupportedMediaType, "content-type must be application/json"));
    }
    json::parse(&bytes)
}

fn fields_from_body(target: &str, body: Value, input: &MessageDescriptor) -> Result<Map<String, Value>> {
    let Value::Object(object) = body else {
        return Err(Error::new(Code::InvalidArgument, "the request body must be a JSON object"));
    };
    if target == "*" {
        return Ok(object);
    }
    let is_message =
        input.get_field_by_name(target).is_some_and(|field| matches!(field.kind(), Kind::Message(_)));
    if !is_message {
        return Err(Error::internal("the contract binds a body to a field that is no message"));
    }
    Ok(Map::from_iter([(target.to_owned(), Value::Object(object))]))
}

/// A path parameter wins over the same field in the body, in whichever spelling that came.
fn remove_other_spelling(input: &MessageDescriptor, name: &str, fields: &mut Map<String, Value>) {
    if let Some(field) = input.get_field_by_name(name) {
        fields.remove(field.name());
        fields.remove(field.json_name());
    }
}

fn read_message(input: MessageDescriptor, json: Value) -> Result<DynamicMessage> {
    // unknown fields are ignored, and the parser takes an unknown word of an enum for one of them
    words::check(&input, &json, "")?;
    let options = DeserializeOptions::new().deny_unknown_fields(false);
    DynamicMessage::deserialize_with_options(input.clone(), &json, &options)
        // the parser's words repeat the value, and the value may be a secret
        .map_err(|_| misfit(&input, &json, String::new(), &options))
}

/// Names the field that does not fit, by trying the fields one after another.
fn misfit(message: &MessageDescriptor, json: &Value, path: String, options: &DeserializeOptions) -> Error {
    let help = "compare the request with the schema at /openapi.json";
    for (key, value) in json.as_object().into_iter().flatten() {
        let Some(field) = message.get_field_by_name(key).or_else(|| message.get_field_by_json_name(key))
        else {
            continue;
        };
        let alone = Value::Object(Map::from_iter([(key.clone(), value.clone())]));
        if DynamicMessage::deserialize_with_options(message.clone(), &alone, options).is_ok() {
            continue;
        }
        let at = if path.is_empty() { field.name().to_owned() } else { format!("{path}.{}", field.name()) };
        return match field.kind() {
            Kind::Message(inner) if !field.is_list() && !field.is_map() && value.is_object() => {
                misfit(&inner, value, at, options)
            }
            _ => Error::field(at, params::expectation(&field)).with_help(help),
        };
    }
    let at = if path.is_empty() { "request".to_owned() } else { path };
    Error::field(at, "has a value of the wrong type").with_help(help)
}

fn write_message(message: &DynamicMessage) -> Result<Value> {
    let options = SerializeOptions::new()
        .use_proto_field_name(true)
        .stringify_64_bit_integers(true)
        .skip_default_fields(false);
    let mut json = message
        .serialize_with_options(serde_json::value::Serializer, &options)
        .map_err(|error| Error::internal("the answer cannot be written as JSON").with_source(error))?;
    json::with_whole_numbers(&mut json);
    Ok(json)
}

fn success(json: &Value, status: u16, reference: &Reference) -> Response<Body> {
    let mut response = Response::new(Body::from(Bytes::from(json.to_string())));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(value) = HeaderValue::from_str(reference.as_str()) {
        headers.insert("x-request-id", value);
    }
    response
}

/// 204 with `Allow` for OPTIONS, else 405 with it. There is no CORS: browsers have no business with this API.
fn other_verbs(verb: &Verb, allowed: &[&Verb], reference: &Reference) -> Response<Body> {
    let mut list = String::from("OPTIONS");
    let mut allowed = allowed.to_vec();
    allowed.sort_by_key(|verb| verb.to_string());
    for verb in allowed {
        let _ = write!(list, ", {verb}");
        if *verb == Verb::GET {
            list.push_str(", HEAD");
        }
    }
    let mut response = if verb == Verb::OPTIONS {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        response
    } else {
        let error = Error::new(Code::MethodNotAllowed, format!("this path takes {list}"));
        Failure::new(&error, reference).into_rest()
    };
    if let Ok(value) = HeaderValue::from_str(&list) {
        response.headers_mut().insert(header::ALLOW, value);
    }
    response
}
