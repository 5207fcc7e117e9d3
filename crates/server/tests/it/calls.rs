use axum::body::Body;
use bytes::{BufMut, BytesMut};
use http::{Request, Response};
use http_body_util::BodyExt as _;
use keybearer_server::api::proto::google::rpc;
use keybearer_server::api::proto::scalekit::v1::connected_accounts as accounts;
use keybearer_server::api::proto::scalekit::v1::errdetails::ErrorInfo;
use prost::Message;
use tonic::Status;

use crate::echo::front;

const GET: &str = "/scalekit.v1.connected_accounts.ConnectedAccountService/GetConnectedAccount";

async fn call(path: &str, tokens: &[&str], frame: Vec<u8>) -> Response<Body> {
    let mut request =
        Request::post(path).header("content-type", "application/grpc+proto").header("te", "trailers");
    for token in tokens {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    front().respond(request.body(Body::from(frame)).unwrap()).await
}

fn frame(message: &impl Message) -> Vec<u8> {
    let mut frame = BytesMut::new();
    frame.put_u8(0);
    frame.put_u32(u32::try_from(message.encoded_len()).unwrap());
    message.encode(&mut frame).unwrap();
    frame.to_vec()
}

fn get(id: &str) -> Vec<u8> {
    frame(&accounts::GetConnectedAccountRequest { id: id.to_owned() })
}

fn refusal(response: &Response<Body>) -> (tonic::Code, String, ErrorInfo) {
    let status = Status::from_header_map(response.headers()).expect("a trailers-only answer");
    let details = rpc::Status::decode(status.details()).unwrap();
    assert_eq!((details.code, details.message.as_str()), (status.code() as i32, status.message()));
    let info = ErrorInfo::decode(details.details[0].value.as_slice()).unwrap();
    (status.code(), status.message().to_owned(), info)
}

#[tokio::test]
async fn the_first_of_two_authorization_values_counts() {
    let response = call(GET, &["good", "stale"], get("ca_1")).await;
    let collected = response.into_body().collect().await.unwrap();
    assert_eq!(collected.trailers().unwrap()["grpc-status"], "0");
    let message = accounts::GetConnectedAccountResponse::decode(&collected.to_bytes()[5..]).unwrap();
    assert_eq!(message.connected_account.unwrap().identifier, "ca_1");

    let response = call(GET, &["stale", "good"], get("ca_1")).await;
    assert_eq!(refusal(&response).0, tonic::Code::Unauthenticated);
}

#[tokio::test]
async fn without_a_token_the_body_is_not_even_read() {
    let response = call(GET, &[], b"\0\0\0\0\x05junk".to_vec()).await;
    assert_eq!(response.status(), 200);
    let (code, message, info) = refusal(&response);
    assert_eq!((code, message.as_str()), (tonic::Code::Unauthenticated, "Token empty"));
    assert_eq!(info.error_code, "UNAUTHENTICATED");
    assert_eq!(info.request_info.unwrap().request_id.len(), 9);
}

#[tokio::test]
async fn a_handlers_failure_comes_with_details_that_match() {
    let (code, message, info) = refusal(&call(GET, &["good"], get("ca_404")).await);
    assert_eq!(code, tonic::Code::NotFound);
    assert_eq!(message, "connected account not found: \u{e4}");
    assert_eq!(info.error_code, "RESOURCE_NOT_FOUND");
}

#[tokio::test]
async fn field_rules_hold_for_grpc_too() {
    let (code, _, info) = refusal(&call(GET, &["good"], get(&"x".repeat(40))).await);
    assert_eq!(code, tonic::Code::InvalidArgument);
    let violations = info.validation_error_info.unwrap().field_violations;
    assert_eq!(violations[0].field, "id");
}

#[tokio::test]
async fn what_is_not_built_is_unimplemented() {
    for path in ["/scalekit.v1.tools.ToolService/ListTools", "/x/y", "/"] {
        let (code, ..) = refusal(&call(path, &["good"], Vec::new()).await);
        assert_eq!(code, tonic::Code::Unimplemented, "{path}");
    }
}

#[tokio::test]
async fn broken_frames_are_refused() {
    for (body, expected) in [
        (b"\0\0\0\0\x02\xff\xff".to_vec(), tonic::Code::InvalidArgument),
        // compressed, but no `grpc-encoding`: INTERNAL, says the gRPC protocol over HTTP/2
        (b"\x01\0\0\0\x01x".to_vec(), tonic::Code::Internal),
    ] {
        let (code, ..) = refusal(&call(GET, &["good"], body).await);
        assert_eq!(code, expected);
    }
    let (code, _, info) = refusal(&call(GET, &["good"], vec![0; 5 * 1024 * 1024]).await);
    assert_eq!((code, info.error_code.as_str()), (tonic::Code::InvalidArgument, "TOO_LARGE"));
}
