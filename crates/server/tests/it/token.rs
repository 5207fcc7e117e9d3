use axum::body::Body;
use base64::Engine as _;
use http::Request;

use crate::echo::{Got, front, read};

async fn ask(authorization: Option<&str>, body: &str) -> Got {
    let mut request =
        Request::post("//oauth/token").header("content-type", "application/x-www-form-urlencoded");
    if let Some(value) = authorization {
        request = request.header("authorization", value);
    }
    read(front().respond(request.body(Body::from(body.to_owned())).unwrap()).await).await
}

const GOOD: &str = "grant_type=client_credentials&client_id=skc_1&client_secret=s3+cret";

#[tokio::test]
async fn a_stale_bearer_in_the_header_does_not_matter() {
    for authorization in [None, Some("Bearer expired"), Some("Basic eDp5")] {
        let got = ask(authorization, GOOD).await;
        assert_eq!(got.status, 200, "{}", got.text);
        assert_eq!(
            got.text,
            r#"{"access_token":"good","token_type":"Bearer","expires_in":86399,"scope":""}"#
        );
        assert_eq!(got.headers["cache-control"], "no-store");
    }
}

#[tokio::test]
async fn basic_counts_when_the_form_has_no_secret() {
    let basic = |text: &str| format!("Basic {}", base64::prelude::BASE64_STANDARD.encode(text));
    let got = ask(Some(&basic("skc_1:s3+cret")), "grant_type=client_credentials").await;
    assert_eq!(got.status, 200, "{}", got.text);
    let got = ask(Some(&basic("skc_1:s3%20cret")), "grant_type=client_credentials&client_id=skc_1").await;
    assert_eq!(got.status, 200, "{}", got.text);
    let got = ask(Some(&basic("skc_1:s3%20cret")), "grant_type=client_credentials&client_id=skc_2").await;
    assert_eq!(got.status, 400);
}

#[tokio::test]
async fn refusals_have_the_shape_of_oauth() {
    let cases = [
        ("grant_type=client_credentials&client_id=skc_1&client_secret=wrong", 401, "invalid_client"),
        ("grant_type=client_credentials&client_id=skc_1", 400, "invalid_request"),
        ("grant_type=password&client_id=skc_1&client_secret=x", 400, "unsupported_grant_type"),
        ("client_id=skc_1&client_secret=x", 400, "invalid_request"),
        ("grant_type=client_credentials&client_id=a&client_id=b&client_secret=x", 400, "invalid_request"),
    ];
    for (body, status, error) in cases {
        let got = ask(None, body).await;
        assert_eq!((got.status, got.json()["error"].as_str().unwrap()), (status, error), "{body}");
        assert!(got.json()["error_description"].is_string());
    }
    let huge = format!("{GOOD}&x={}", "y".repeat(20_000));
    assert_eq!(ask(None, &huge).await.status, 413);
}
