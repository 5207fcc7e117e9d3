//! One unary call, from the frame of its request to the frame of its answer: what the generated services run.
//!
//! The gate has read the body and checked the message before; what is wrong with the frame itself is told here.

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use http::{Extensions, HeaderMap, HeaderValue, Request, Response, header};
use http_body::Body;
use http_body_util::{BodyExt as _, Full};
use prost::Message;
use tonic::metadata::MetadataMap;
use tonic::server::UnaryService;
use tonic::{Status, body};

/// Bytes before a message: whether it is compressed, and its length.
const HEAD: usize = 5;

/// Runs one method. What depends on the types of its messages is kept as little as it can be.
pub async fn unary<M, T, B>(method: M, request: Request<B>) -> Response<body::Body>
where
    M: UnaryService<T>,
    M::Response: Message,
    T: Message + Default,
    B: Body + Send + 'static,
    B::Error: Send,
{
    run(method, request).await.unwrap_or_else(Status::into_http)
}

async fn run<M, T, B>(mut method: M, request: Request<B>) -> Result<Response<body::Body>, Status>
where
    M: UnaryService<T>,
    M::Response: Message,
    T: Message + Default,
    B: Body + Send + 'static,
    B::Error: Send,
{
    let received = receive(request).await?;
    let message =
        T::decode(received.message).map_err(|_| Status::internal("the request message cannot be read"))?;
    let request = tonic::Request::from_parts(received.metadata, received.extensions, message);
    let (metadata, message, extensions) = method.call(request).await?.into_parts();
    let mut frame = BytesMut::zeroed(HEAD);
    message.encode(&mut frame).map_err(|_| Status::internal("the answer cannot be written"))?;
    Ok(give(metadata, extensions, frame))
}

struct Received {
    metadata: MetadataMap,
    extensions: Extensions,
    message: Bytes,
}

/// The one message of a request, uncompressed: compression is never offered.
async fn receive<B>(request: Request<B>) -> Result<Received, Status>
where
    B: Body + Send + 'static,
    B::Error: Send,
{
    let (parts, body) = request.into_parts();
    let broken = |_| Status::internal("the request body broke off");
    let body = body.map_frame(|frame| frame.map_data(|mut data| data.copy_to_bytes(data.remaining())));
    let mut frame = body.collect().await.map_err(broken)?.to_bytes();
    if frame.remaining() < HEAD {
        return Err(Status::internal("the request has no whole message"));
    }
    let compressed = frame.get_u8() != 0;
    let length = usize::try_from(frame.get_u32()).unwrap_or(usize::MAX);
    if compressed {
        return Err(Status::internal("the message is compressed, and no encoding was agreed on"));
    }
    if frame.remaining() != length {
        return Err(Status::internal("the request has no whole message, or more than one"));
    }
    let metadata = MetadataMap::from_headers(parts.headers);
    Ok(Received { metadata, extensions: parts.extensions, message: frame })
}

/// The answer: its message, then the trailer that says that all went well.
fn give(metadata: MetadataMap, extensions: Extensions, mut frame: BytesMut) -> Response<body::Body> {
    let length = u32::try_from(frame.len().saturating_sub(HEAD)).unwrap_or(u32::MAX);
    if let Some(mut head) = frame.get_mut(1..HEAD) {
        head.put_u32(length);
    }
    let trailers = HeaderMap::from_iter([(Status::GRPC_STATUS, HeaderValue::from_static("0"))]);
    let body = Full::new(frame.freeze()).with_trailers(std::future::ready(Some(Ok(trailers))));
    let mut response = Response::new(body::Body::new(body));
    *response.headers_mut() = metadata.into_headers();
    *response.extensions_mut() = extensions;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    response
}
