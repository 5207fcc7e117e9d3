use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::{Buf, BufMut, Bytes, BytesMut};
use http::{HeaderValue, Request, Response, header};
use http_body::Body as _;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use keybearer_core::{Code, Entropy, Error, Reference, Result};
use prost::Message as _;
use prost_reflect::DynamicMessage;
use tokio::time::Instant;
use tonic::Status;
use tower::ServiceExt as _;

use crate::api::auth::{Authenticate, Call, Caller};
use crate::api::descriptors::{Descriptors, Method};
use crate::api::error::Failure;

/// Largest request message of a gRPC call, in bytes.
const GRPC_BODY: usize = 4 * 1024 * 1024;

/// How long the body of an API call may take to arrive.
pub(super) const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// What every call passes before its handler runs: token, permission, size, field rules; and what every failure
/// passes on its way out.
#[derive(Clone, Debug)]
pub struct Gate(Arc<Parts>);

struct Parts {
    descriptors: Arc<Descriptors>,
    handlers: axum::Router,
    authenticate: Authenticate,
    entropy: Arc<dyn Entropy>,
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Gate").field("descriptors", &self.descriptors).finish_non_exhaustive()
    }
}

impl Gate {
    /// A gate before the handlers of `routes`.
    pub fn new(
        descriptors: Arc<Descriptors>,
        routes: tonic::service::Routes,
        authenticate: Authenticate,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        let handlers = routes.prepare().into_axum_router();
        Self(Arc::new(Parts { descriptors, handlers, authenticate, entropy }))
    }

    /// The contract behind the gate.
    pub fn descriptors(&self) -> &Arc<Descriptors> {
        &self.0.descriptors
    }

    /// A name for a new call.
    pub fn reference(&self) -> Reference {
        Reference::new(self.0.entropy.as_ref()).unwrap_or_else(|_| Reference::unknown())
    }

    /// Answers a gRPC call.
    pub async fn grpc(&self, request: Request<Body>) -> Response<Body> {
        let reference = self.reference();
        match self.unary(request, &reference).await {
            Ok(mut response) => {
                stamp(&mut response, &reference);
                response
            }
            Err(failure) => failure.into_grpc(),
        }
    }

    async fn unary(&self, request: Request<Body>, reference: &Reference) -> Result<Response<Body>, Failure> {
        let fail = |error: &Error| Failure::new(error, reference);
        let path = request.uri().path();
        let Some(method) = self.0.descriptors.method(path).cloned() else {
            return Err(fail(&Error::new(Code::Unimplemented, "there is no such method")));
        };
        if request.method() != http::Method::POST {
            return Err(fail(&Error::new(Code::MethodNotAllowed, "a gRPC call is a POST")));
        }
        // every gRPC call is a POST: none counts as one that changes nothing
        let call = Call { headers: request.headers(), safe: false, reference };
        let caller = self.admit(&call, &method).await.map_err(|error| fail(&error))?;
        let (parts, body) = request.into_parts();
        let frame = read_body(body, GRPC_BODY + 5).await.map_err(|error| fail(&error))?;
        if let Some(message) = uncompressed_message(&frame) {
            let decoded = DynamicMessage::decode(method.descriptor.input(), message).map_err(|error| {
                fail(
                    &Error::new(Code::InvalidArgument, "the request message cannot be read")
                        .with_source(error),
                )
            })?;
            self.0.descriptors.rules().check(&decoded).map_err(|error| fail(&error))?;
        }
        let request = Request::from_parts(parts, Body::from(frame));
        self.dispatch(request, &method, caller, reference).await
    }

    /// Who calls, and whether they may call this method.
    ///
    /// # Errors
    /// [`Code::Unauthenticated`] or [`Code::PermissionDenied`].
    pub(super) async fn admit(&self, call: &Call<'_>, method: &Method) -> Result<Caller> {
        self.0.authenticate.admit(call, method).await
    }

    /// Runs the handler of a method with a message that was checked, and gives the answer's message.
    ///
    /// # Errors
    /// The handler's failure.
    pub(super) async fn call(
        &self,
        method: &Method,
        caller: Caller,
        message: &DynamicMessage,
        reference: &Reference,
    ) -> Result<DynamicMessage, Failure> {
        let unreadable = |what: &'static str| Failure::new(&Error::internal(what), reference);
        let mut frame = BytesMut::with_capacity(message.encoded_len() + 5);
        frame.put_u8(0);
        frame.put_u32(u32::try_from(message.encoded_len()).unwrap_or(u32::MAX));
        message.encode(&mut frame).map_err(|_| unreadable("the request message cannot be written"))?;
        let request = Request::post(&method.path)
            .version(http::Version::HTTP_2)
            .header(header::CONTENT_TYPE, "application/grpc")
            .header(header::TE, "trailers")
            .body(Body::from(frame.freeze()))
            .map_err(|_| unreadable("the call cannot be built"))?;
        let response = self.dispatch(request, method, caller, reference).await?;
        let collected = response
            .into_body()
            .collect()
            .await
            .map_err(|_| unreadable("the answer of the handler broke off"))?;
        if let Some(status) = collected.trailers().and_then(Status::from_header_map)
            && status.code() != tonic::Code::Ok
        {
            return Err(Failure::from_status(&status, reference));
        }
        let frame = collected.to_bytes();
        let message =
            uncompressed_message(&frame).ok_or_else(|| unreadable("the handler answered no message"))?;
        DynamicMessage::decode(method.descriptor.output(), message)
            .map_err(|_| unreadable("the answer of the handler cannot be read"))
    }

    /// Runs the handler to its end, even when the caller goes away: a refresh or an exchange that has begun must
    /// store what it gets.
    async fn dispatch(
        &self,
        mut request: Request<Body>,
        method: &Method,
        caller: Caller,
        reference: &Reference,
    ) -> Result<Response<Body>, Failure> {
        let started = Instant::now();
        request.extensions_mut().insert(caller);
        let handlers = self.0.handlers.clone();
        let answer = tokio::spawn(async move { handlers.oneshot(request).await }).await;
        let outcome = match answer {
            Ok(Ok(response)) => {
                let status = response.extensions().get::<Status>().cloned();
                let status = status.or_else(|| Status::from_header_map(response.headers()));
                match status.filter(|status| status.code() != tonic::Code::Ok) {
                    Some(status) => Err(Failure::from_status(&status, reference)),
                    None => Ok(response),
                }
            }
            Ok(Err(never)) => match never {},
            Err(_) => Err(Failure::new(&Error::internal("the handler panicked"), reference)),
        };
        tracing::info!(
            reference = %reference,
            rpc.method = method.path,
            duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            error.code = outcome.as_ref().err().and_then(|failure| failure.code).map(Code::as_str),
            "API call answered"
        );
        outcome
    }
}

/// Reads a whole body within a size and a time.
///
/// # Errors
/// [`Code::TooLarge`], [`Code::RequestTimeout`], or [`Code::InvalidArgument`] when it broke off.
pub(super) async fn read_body(body: Body, limit: usize) -> Result<Bytes> {
    let too_large = || Error::new(Code::TooLarge, format!("the request must be at most {limit} bytes"));
    if body.size_hint().lower() > u64::try_from(limit).unwrap_or(u64::MAX) {
        return Err(too_large());
    }
    match tokio::time::timeout(BODY_TIMEOUT, Limited::new(body, limit).collect()).await {
        Err(_) => Err(Error::new(Code::RequestTimeout, "the request body did not arrive in time")),
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(Error::new(Code::InvalidArgument, "the request body broke off")),
    }
}

/// The message of a gRPC frame; `None` when it is compressed or incomplete, which tonic then answers.
fn uncompressed_message(frame: &Bytes) -> Option<Bytes> {
    let mut rest = frame.clone();
    if rest.remaining() < 5 || rest.get_u8() != 0 {
        return None;
    }
    let length = usize::try_from(rest.get_u32()).ok()?;
    (rest.remaining() == length).then_some(rest)
}

fn stamp(response: &mut Response<Body>, reference: &Reference) {
    if let Ok(value) = HeaderValue::from_str(reference.as_str()) {
        response.headers_mut().insert("x-request-id", value);
    }
}
