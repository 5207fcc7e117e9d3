//! The OpenAPI document, written from the contract.

use std::collections::{BTreeMap, BTreeSet};

use http::Method as Verb;
use keybearer_core::Result;
use prost_reflect::prost_types::FileDescriptorProto;
use prost_reflect::{MessageDescriptor, MethodDescriptor};
use serde_json::{Map, Value, json};

use super::schema::{Schemas, ref_to};
use crate::api::descriptors::{Binding, Descriptors, LinkSession, Method};

/// The document of this version, as it is served; a test compares it with what [`generate`] writes.
pub const CURRENT: &str = include_str!("../../../../../docs/openapi.json");

/// Writes the document, with the comments of the .proto files as descriptions.
///
/// # Errors
/// Those of [`Descriptors::load_documented`].
pub fn generate() -> Result<Value> {
    let descriptors = Descriptors::load_documented()?;
    let mut schemas = Schemas::new(descriptors.pool())?;
    let mut paths: BTreeMap<String, Map<String, Value>> = edge_paths();
    let mut permissions = BTreeSet::new();
    for method in descriptors.methods() {
        permissions.insert(method.permission.as_str());
        for (position, binding) in method.bindings.iter().enumerate() {
            let entry = paths.entry(binding.template.clone()).or_default();
            let operation = operation(&method, binding, position, &mut schemas);
            entry.insert(binding.verb.as_str().to_ascii_lowercase(), operation);
        }
    }
    if let Some(error) = descriptors.pool().get_message_by_name("scalekit.v1.errdetails.ErrorInfo") {
        schemas.add(&error);
    }
    let permissions: Map<String, Value> =
        permissions.into_iter().map(|name| (name.to_owned(), "".into())).collect();
    Ok(json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Keybearer API",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
            "description": "The same calls are offered over gRPC on the same port. Field names are accepted in \
                snake_case and camelCase and are answered in snake_case; unknown fields are ignored.",
        },
        "servers": [{ "url": "/" }],
        "security": [{ "client_credentials": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "client_credentials": {
                    "type": "oauth2",
                    "description": "Permissions belong to the API client, not to the token request.",
                    "flows": { "clientCredentials": { "tokenUrl": "/oauth/token", "scopes": permissions } },
                },
                "connect_link": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": "__Host-kb_link",
                    "description": "Set by the page of a connect link, together with `__Host-kb_browser`. Calls must come \
                        from this origin.",
                },
            },
            "responses": { "Error": error_response() },
            "schemas": schemas.into_json(),
        },
    }))
}

fn operation(method: &Method, binding: &Binding, position: usize, schemas: &mut Schemas) -> Value {
    let input = method.descriptor.input();
    let service = method.descriptor.parent_service();
    let suffix = if position == 0 { String::new() } else { format!("_{position}") };
    let mut parameters = path_parameters(&binding.template, &input, schemas);
    if binding.body != "*" {
        let in_path: Vec<String> = fields_of(&binding.template);
        schemas.query_parameters(&input, &in_path, &binding.body, &mut parameters);
    }
    let mut operation = Map::new();
    operation.insert(
        "operationId".to_owned(),
        format!("{}_{}{suffix}", service.name(), method.descriptor.name()).into(),
    );
    operation.insert("tags".to_owned(), json!([service.name()]));
    operation.insert("summary".to_owned(), comment_of(&method.descriptor).into());
    let permission = method.permission.as_str();
    let (description, security) = match method.link_session {
        LinkSession::Never => {
            (format!("Needs the permission `{permission}`."), json!([{ "client_credentials": [permission] }]))
        }
        LinkSession::Also => (
            format!("Needs the permission `{permission}`, or the browser that opened a connect link."),
            json!([{ "client_credentials": [permission] }, { "connect_link": [] }]),
        ),
        LinkSession::Only => {
            ("For the browser that opened a connect link.".to_owned(), json!([{ "connect_link": [] }]))
        }
    };
    operation.insert("description".to_owned(), description.into());
    operation.insert("security".to_owned(), security);
    if !parameters.is_empty() {
        operation.insert("parameters".to_owned(), parameters.into());
    }
    if !binding.body.is_empty() {
        let body = match input.get_field_by_name(&binding.body) {
            Some(field) => schemas.field(&field),
            None => schemas.body_without(&input, &fields_of(&binding.template)),
        };
        let content = json!({ "application/json": { "schema": body } });
        // no body is an empty object, which is enough when nothing in it is required
        let required = schemas.needs_body(&input, &binding.body, &fields_of(&binding.template));
        operation.insert("requestBody".to_owned(), json!({ "required": required, "content": content }));
    }
    let answer = schemas.message(&method.descriptor.output());
    let status = method.http_status.to_string();
    operation.insert(
        "responses".to_owned(),
        json!({
            status: { "description": "Success.", "content": { "application/json": { "schema": answer } } },
            "default": { "$ref": "#/components/responses/Error" },
        }),
    );
    Value::Object(operation)
}

fn path_parameters(template: &str, input: &MessageDescriptor, schemas: &mut Schemas) -> Vec<Value> {
    let names = fields_of(template).into_iter();
    names
        .map(|name| {
            let field = input.get_field_by_name(&name);
            let schema = field.map_or_else(|| json!({ "type": "string" }), |field| schemas.field(&field));
            json!({ "name": name, "in": "path", "required": true, "schema": schema })
        })
        .collect()
}

fn fields_of(template: &str) -> Vec<String> {
    let pieces = template.split('{').skip(1);
    pieces.filter_map(|piece| piece.split_once('}').map(|(name, _)| name.to_owned())).collect()
}

fn comment_of(method: &MethodDescriptor) -> String {
    comment(method.parent_service().parent_file().file_descriptor_proto(), method.path())
}

/// The comment above a declaration, as one paragraph.
pub(super) fn comment(file: &FileDescriptorProto, path: &[i32]) -> String {
    let locations = file.source_code_info.iter().flat_map(|info| &info.location);
    let mut found = locations.filter(|location| location.path == path);
    let text = found.next().and_then(|location| location.leading_comments.clone()).unwrap_or_default();
    text.lines().map(str::trim).collect::<Vec<_>>().join(" ").trim().to_owned()
}

fn error_response() -> Value {
    json!({
        "description": "Failure.",
        "content": { "application/json": { "schema": {
            "type": "object",
            "required": ["code", "message", "details"],
            "properties": {
                "code": { "type": "integer", "description": "gRPC status number." },
                "message": { "type": "string" },
                "details": { "type": "array", "items": { "allOf": [
                    { "type": "object", "properties": { "@type": { "type": "string" } } },
                    ref_to("scalekit.v1.errdetails.ErrorInfo"),
                ] } },
            },
        } } },
    })
}

/// The addresses that are not in the contract.
fn edge_paths() -> BTreeMap<String, Map<String, Value>> {
    let open = json!([]);
    let plain = |summary: &str, id: &str| {
        json!({
            "operationId": id, "tags": ["Server"], "summary": summary, "security": open,
            "responses": { "200": { "description": "Success.", "content": { "application/json": { "schema": { "type": "object" } } } },
                "default": { "$ref": "#/components/responses/Error" } },
        })
    };
    let paths = [
        ("/health", Verb::GET, plain("Says that the process runs.", "health")),
        ("/ready", Verb::GET, plain("Says whether a call could be answered now.", "ready")),
        ("/keys", Verb::GET, plain("Public keys that verify our access tokens (JWKS).", "keys")),
        ("/oauth/token", Verb::POST, token_operation()),
    ];
    paths
        .into_iter()
        .map(|(path, verb, operation)| {
            let entry = Map::from_iter([(verb.as_str().to_ascii_lowercase(), operation)]);
            (path.to_owned(), entry)
        })
        .collect()
}

fn token_operation() -> Value {
    let text = json!({ "type": "string" });
    let failure = json!({
        "description": "Failure, in the shape of RFC 6749 §5.2.",
        "content": { "application/json": { "schema": {
            "type": "object", "required": ["error"],
            "properties": { "error": text, "error_description": text },
        } } },
    });
    json!({
        "operationId": "token", "tags": ["Server"], "security": [],
        "summary": "Gives an access token for client credentials (RFC 6749 §4.4).",
        "requestBody": { "required": true, "content": { "application/x-www-form-urlencoded": { "schema": {
            "type": "object", "required": ["grant_type"],
            "properties": {
                "grant_type": { "type": "string", "const": "client_credentials" },
                "client_id": text, "client_secret": text, "scope": text,
            },
        } } } },
        "responses": {
            "200": { "description": "Success.", "content": { "application/json": { "schema": {
                "type": "object", "required": ["access_token", "token_type", "expires_in"],
                "properties": {
                    "access_token": text, "token_type": { "type": "string", "const": "Bearer" },
                    "expires_in": { "type": "integer" }, "scope": text,
                },
            } } } },
            "default": failure,
        },
    })
}
