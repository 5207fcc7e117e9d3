//! The one place where a [`Code`] becomes a gRPC status, an HTTP status and an error body.

use std::error::Error as _;
use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use keybearer_core::{Code, Error, Fault, Reference};
use prost::Message as _;
use serde_json::{Map, Value, json};
use tonic::Status;

use crate::api::proto::google::rpc;
use crate::api::proto::scalekit::v1::errdetails::{
    DebugInfo, ErrorInfo, HelpInfo, RequestInfo, ResourceInfo, ValidationErrorInfo, help_info,
    validation_error_info,
};

/// The type name of the detail that every error carries.
pub const ERROR_INFO_TYPE: &str = "type.googleapis.com/scalekit.v1.errdetails.ErrorInfo";

/// The `error_code` of the wire: the published name where the SDKs' documents have one, else our own in capitals.
pub fn wire_name(code: Code) -> String {
    match code {
        Code::NotFound
        | Code::ConnectorNotFound
        | Code::ConnectionNotFound
        | Code::AccountNotFound
        | Code::FlowNotFound => "RESOURCE_NOT_FOUND".to_owned(),
        other => other.as_str().to_ascii_uppercase(),
    }
}

/// The gRPC status of a code.
pub fn grpc_code(code: Code) -> tonic::Code {
    // A provider's failure must not look like ours: the Node SDK sends calls that end in UNAVAILABLE again.
    if code.fault() == Fault::Provider && code.grpc() == tonic::Code::Unavailable as i32 {
        return tonic::Code::Internal;
    }
    tonic::Code::from_i32(code.grpc())
}

/// The HTTP status of a code.
pub fn http_status(code: Code) -> StatusCode {
    StatusCode::from_u16(code.http()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// The HTTP status of a gRPC code that no [`Code`] stands behind.
pub fn http_status_of_grpc(code: tonic::Code) -> StatusCode {
    use tonic::Code as Grpc;
    match code {
        Grpc::Ok => StatusCode::OK,
        Grpc::InvalidArgument | Grpc::FailedPrecondition | Grpc::OutOfRange => StatusCode::BAD_REQUEST,
        Grpc::Unauthenticated => StatusCode::UNAUTHORIZED,
        Grpc::PermissionDenied => StatusCode::FORBIDDEN,
        Grpc::NotFound => StatusCode::NOT_FOUND,
        Grpc::AlreadyExists | Grpc::Aborted => StatusCode::CONFLICT,
        Grpc::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        Grpc::Cancelled => StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST),
        Grpc::Unimplemented => StatusCode::NOT_IMPLEMENTED,
        Grpc::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Grpc::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
        Grpc::Internal | Grpc::Unknown | Grpc::DataLoss => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Seconds for `Retry-After`: what the error says, else one for every code that may pass by itself.
pub fn retry_after(error: &Error) -> Option<u32> {
    error.retry_after_seconds.or_else(|| error.code.retryable().then_some(1))
}

/// What a person reads first. A fault of ours says no more than that.
fn message(error: &Error) -> String {
    match error.code {
        // the published SDK tests look for these words
        Code::FlowNotFound => "auth request not found or no longer valid".to_owned(),
        code if code.fault() == Fault::Server || error.detail.is_empty() => code.title().to_owned(),
        _ => error.detail.clone().into_owned(),
    }
}

fn resource_name(code: Code) -> Option<&'static str> {
    match code {
        Code::ConnectorNotFound => Some("connector"),
        Code::ConnectionNotFound | Code::ConnectionNameTaken => Some("connection"),
        Code::AccountNotFound => Some("connected_account"),
        Code::FlowNotFound => Some("auth_request"),
        _ => None,
    }
}

fn error_info(error: &Error, reference: Option<&Reference>) -> ErrorInfo {
    let violations: Vec<_> = error
        .violations
        .iter()
        .map(|violation| validation_error_info::FieldViolation {
            field: violation.field.clone(),
            description: violation.description.clone(),
            constraint: String::new(),
        })
        .collect();
    ErrorInfo {
        error_code: wire_name(error.code),
        debug_info: Some(DebugInfo { stack_entries: Vec::new(), detail: error.code.as_str().to_owned() }),
        help_info: error.help.as_ref().map(|help| HelpInfo {
            links: vec![help_info::Link { description: help.clone().into_owned(), url: String::new() }],
        }),
        resource_info: resource_name(error.code)
            .map(|name| ResourceInfo { resource_name: name.to_owned(), ..ResourceInfo::default() }),
        request_info: reference
            .map(|reference| RequestInfo { request_id: reference.to_string(), serving_data: String::new() }),
        validation_error_info: (!violations.is_empty())
            .then_some(ValidationErrorInfo { field_violations: violations }),
        ..ErrorInfo::default()
    }
}

fn status_of(error: &Error, reference: Option<&Reference>) -> Status {
    let (code, message) = (grpc_code(error.code), message(error));
    let detail = prost_types::Any {
        type_url: ERROR_INFO_TYPE.to_owned(),
        value: error_info(error, reference).encode_to_vec(),
    };
    // the Python helper refuses details whose code or message differs from the status
    let details = rpc::Status { code: code as i32, message: message.clone(), details: vec![detail] };
    let mut status = Status::with_details(code, message, Bytes::from(details.encode_to_vec()));
    let metadata = status.metadata_mut();
    if let Some(seconds) = retry_after(error)
        && let Ok(value) = seconds.to_string().parse()
    {
        metadata.insert("retry-after", value);
    }
    if let Some(value) = reference.and_then(|reference| reference.as_str().parse().ok()) {
        metadata.insert("x-request-id", value);
    }
    status
}

/// The status a handler answers with. The gate adds the reference and logs the error once.
///
/// ```ignore
/// let account = keybearer_app::accounts::get(&self.app, &caller, lookup).await.map_err(status)?;
/// ```
pub fn status(error: Error) -> Status {
    let mut status = status_of(&error, None);
    status.set_source(Arc::new(error));
    status
}

/// A failure on its way out: as a gRPC status and as an HTTP answer.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The gRPC status with its details.
    pub status: Status,
    /// The HTTP status that belongs to it.
    pub http: StatusCode,
    /// The code, when the failure came from us and not from the transport.
    pub code: Option<Code>,
}

impl Failure {
    /// Renders an error and logs it: faults of ours with everything beneath them.
    pub fn new(error: &Error, reference: &Reference) -> Self {
        log(error, reference);
        Self {
            status: status_of(error, Some(reference)),
            http: http_status(error.code),
            code: Some(error.code),
        }
    }

    /// Renders the status of a handler; one that carries no [`Error`] comes from the transport.
    pub fn from_status(status: &Status, reference: &Reference) -> Self {
        if let Some(error) = status.source().and_then(|source| source.downcast_ref::<Error>()) {
            return Self::new(error, reference);
        }
        tracing::warn!(reference = %reference, grpc.code = ?status.code(), "transport refused the call: {}", status.message());
        let code = match status.code() {
            tonic::Code::Unimplemented => Code::Unimplemented,
            tonic::Code::Unauthenticated => Code::Unauthenticated,
            tonic::Code::ResourceExhausted | tonic::Code::OutOfRange => Code::TooLarge,
            tonic::Code::InvalidArgument => Code::InvalidArgument,
            _ => Code::Internal,
        };
        let error = Error::new(code, status.message().to_owned());
        let http =
            if code == Code::Internal { http_status_of_grpc(status.code()) } else { http_status(code) };
        Self { status: status_of(&error, Some(reference)), http, code: Some(code) }
    }

    /// The answer to a gRPC call: trailers only.
    pub fn into_grpc(self) -> Response<Body> {
        self.status.into_http::<Body>()
    }

    /// The answer to a REST call: `{"code","message","details":[ErrorInfo]}`.
    pub fn into_rest(self) -> Response<Body> {
        let body = Bytes::from(self.body().to_string());
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.http;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        for name in [header::RETRY_AFTER, http::HeaderName::from_static("x-request-id")] {
            let value = self.status.metadata().get(name.as_str()).and_then(|value| value.to_str().ok());
            if let Some(Ok(value)) = value.map(HeaderValue::from_str) {
                headers.insert(name, value);
            }
        }
        if self.http == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"keybearer\""));
        }
        response
    }

    /// The JSON of an error body.
    pub fn body(&self) -> Value {
        let details = rpc::Status::decode(self.status.details()).unwrap_or_default().details;
        let details: Vec<Value> = details
            .iter()
            .filter_map(|detail| ErrorInfo::decode(detail.value.as_slice()).ok())
            .map(|info| Value::Object(info_json(info)))
            .collect();
        json!({ "code": self.status.code() as i32, "message": self.status.message(), "details": details })
    }
}

fn info_json(info: ErrorInfo) -> Map<String, Value> {
    let mut json = Map::new();
    json.insert("@type".to_owned(), ERROR_INFO_TYPE.into());
    json.insert("error_code".to_owned(), info.error_code.into());
    let mut add = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            json.insert(name.to_owned(), value);
        }
    };
    add("debug_info", info.debug_info.map(|debug| json!({ "detail": debug.detail })));
    add(
        "help_info",
        info.help_info.map(|help| {
            let links = help.links.into_iter();
            let links = links.map(|link| json!({ "description": link.description, "url": link.url }));
            json!({ "links": links.collect::<Vec<_>>() })
        }),
    );
    add(
        "resource_info",
        info.resource_info.map(|resource| json!({ "resource_name": resource.resource_name })),
    );
    add("request_info", info.request_info.map(|request| json!({ "request_id": request.request_id })));
    add(
        "validation_error_info",
        info.validation_error_info.map(|validation| {
            let violations = validation.field_violations.into_iter();
            let violations = violations.map(
                |v| json!({ "field": v.field, "description": v.description, "constraint": v.constraint }),
            );
            json!({ "field_violations": violations.collect::<Vec<_>>() })
        }),
    );
    add(
        "tool_error_info",
        info.tool_error_info.map(|tool| {
            json!({
                "execution_id": tool.execution_id,
                "tool_error_message": tool.tool_error_message,
                "tool_error_code": tool.tool_error_code,
            })
        }),
    );
    json
}

fn log(error: &Error, reference: &Reference) {
    let mut chain = String::new();
    let mut source = error.source();
    while let Some(beneath) = source {
        chain.push_str(": ");
        chain.push_str(&beneath.to_string());
        source = beneath.source();
    }
    let code = error.code.as_str();
    match error.code.fault() {
        Fault::Server => {
            tracing::error!(reference = %reference, error.code = code, "call failed: {error}{chain}")
        }
        Fault::Caller => {
            tracing::debug!(reference = %reference, error.code = code, "call refused: {error}{chain}")
        }
        Fault::Provider | Fault::Developer => {
            tracing::info!(reference = %reference, error.code = code, "call failed: {error}{chain}");
        }
    }
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
