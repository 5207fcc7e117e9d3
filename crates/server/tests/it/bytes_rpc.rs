//! A gRPC call whose message is written as JSON: the way of a client, without generated code for each method.

use std::sync::OnceLock;

use http::uri::PathAndQuery;
use keybearer_server::api::Descriptors;
use keybearer_server::api::proto::scalekit::v1::errdetails::ErrorInfo;
use prost::Message as _;
use prost_reflect::{DynamicMessage, SerializeOptions};
use serde_json::Value;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::MetadataValue;
use tonic::{Request, Status};

/// The contract, read once.
pub fn contract() -> &'static Descriptors {
    static CONTRACT: OnceLock<Descriptors> = OnceLock::new();
    CONTRACT.get_or_init(|| Descriptors::load().unwrap())
}

/// Calls `/package.Service/Method` at `origin`; the answer as JSON, or the status with its details.
pub async fn call(
    origin: &str,
    token: &str,
    method: &str,
    body: Value,
) -> Result<Value, (Status, ErrorInfo)> {
    let known = contract().method(method).unwrap_or_else(|| panic!("no method {method}"));
    let (input, output) = (known.descriptor.input(), known.descriptor.output());
    let message = DynamicMessage::deserialize(input, body).unwrap();
    let channel =
        tonic::transport::Endpoint::from_shared(origin.to_owned()).unwrap().connect().await.unwrap();
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.unwrap();
    let mut request = Request::new(message.encode_to_vec());
    let bearer: MetadataValue<_> = format!("Bearer {token}").parse().unwrap();
    request.metadata_mut().insert("authorization", bearer);
    match client.unary(request, method.parse::<PathAndQuery>().unwrap(), Bytes).await {
        Ok(answer) => {
            let message = DynamicMessage::decode(output, answer.into_inner().as_slice()).unwrap();
            let options = SerializeOptions::new().use_proto_field_name(true).skip_default_fields(false);
            Ok(message.serialize_with_options(serde_json::value::Serializer, &options).unwrap())
        }
        Err(status) => {
            let details =
                keybearer_server::api::proto::google::rpc::Status::decode(status.details()).unwrap();
            let info = ErrorInfo::decode(details.details[0].value.as_slice()).unwrap();
            Err((status, info))
        }
    }
}

/// Messages that are encoded already.
struct Bytes;

impl Codec for Bytes {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Bytes {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        bytes::BufMut::put_slice(buffer, &item);
        Ok(())
    }
}

impl Decoder for Bytes {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        use bytes::Buf as _;
        let mut message = vec![0; buffer.remaining()];
        buffer.copy_to_slice(&mut message);
        Ok(Some(message))
    }
}
