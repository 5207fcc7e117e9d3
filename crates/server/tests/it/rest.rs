use axum::body::Body;
use http::Request;
use serde_json::json;

use crate::echo::{front, read, send};

#[tokio::test]
async fn query_body_and_path_become_one_message() {
    let got = send(
        "GET",
        "/api/v1/connected_accounts?identifier=u%201&connection_names=a&connectionNames=b&page_size=7",
        None,
    )
    .await;
    assert_eq!(got.status, 200, "{}", got.text);
    let json = got.json();
    assert_eq!(json["connected_accounts"][0]["identifier"], "u 1");
    assert_eq!(json["connected_accounts"][0]["connector"], "a+b");
    assert_eq!(json["total_size"], 7);
    assert_eq!(json["next_page_token"], "");
}

#[tokio::test]
async fn create_answers_201_with_snake_case_names_and_whole_numbers() {
    let body = json!({
        "connector": "helpdesk", "identifier": "u-1", "unknown_field": 1,
        "connectedAccount": {
            "authorizationDetails": { "static_auth": { "details": { "username": "k", "n": 1 } } },
            "api_config": { "version": 2, "ratio": 0.5, "list": [1.0, "x", null] },
        },
    });
    let got = send("POST", "/api/v1/connected_accounts", Some(&body.to_string())).await;
    assert_eq!(got.status, 201, "{}", got.text);
    insta::assert_snapshot!(got.text);
}

#[tokio::test]
async fn a_body_field_and_dotted_query_parameters_meet() {
    let got = send(
        "POST",
        "/api/v1/connections?flags.is_app=true",
        Some(r#"{"provider_key":"GITHUB","type":"OAUTH","keyId":"gh"}"#),
    )
    .await;
    assert_eq!(got.status, 201, "{}", got.text);
    let connection = &got.json()["connection"];
    assert_eq!(connection["type"], "OAUTH");
    assert_eq!(connection["enabled"], true);
    assert_eq!(connection["key_id"], "gh");
    let got = send("POST", "/api/v1/connections", Some(r#"{"provider_key":"GITHUB","type":4}"#)).await;
    assert_eq!(got.json()["connection"]["type"], "OAUTH");
}

#[tokio::test]
async fn wrappers_are_bare_values_or_null() {
    let body = r#"{"oauth_config":{"client_id":"x","pkce_enabled":false,"prompt":null}}"#;
    let got = send("PATCH", "/api/v1/connections/conn_1", Some(body)).await;
    assert_eq!(got.status, 200, "{}", got.text);
    let config = &got.json()["connection"]["oauth_config"];
    assert_eq!((config["client_id"].clone(), config["pkce_enabled"].clone()), (json!("x"), json!(false)));
    assert!(config.get("prompt").is_none());
    assert_eq!(got.json()["connection"]["id"], "conn_1");
}

#[tokio::test]
async fn custom_verbs_take_raw_and_encoded_colons() {
    let got = send("POST", "/api/v1/connected_accounts/ca_7:disconnect", Some("{}")).await;
    assert_eq!(got.json()["connected_account"]["identifier"], "ca_7");
    let got = send("PATCH", "/api/v1/connections/NAME:12:enable", None).await;
    assert_eq!(got.json()["error_message"], "NAME:12");
    let got = send("PATCH", "/api/v1/connections/NAME%3A12:enable", None).await;
    assert_eq!(got.json()["error_message"], "NAME:12");
    let got = send("POST", "/api/v1/connected_accounts:delete", Some("{}")).await;
    assert_eq!((got.status, got.text.as_str()), (200, "{}"));
    let got = send("DELETE", "/api/v1/connections/conn_1", None).await;
    assert_eq!((got.status, got.text.as_str()), (200, "{}"));
}

#[tokio::test]
async fn a_handlers_failure_keeps_code_words_and_reference() {
    let got = send("GET", "/api/v1/connected_accounts/ca_404", None).await;
    assert_eq!((got.status, got.error_code().as_str()), (404, "RESOURCE_NOT_FOUND"));
    let json = got.json();
    assert_eq!(json["code"], 5);
    assert_eq!(json["message"], "connected account not found: \u{e4}");
    let reference = json["details"][0]["request_info"]["request_id"].as_str().unwrap().to_owned();
    assert_eq!(got.headers["x-request-id"], reference.as_str());
    assert_eq!(reference.len(), 9);

    let got = send("POST", "/api/v1/connected_accounts/magic_link", Some("{}")).await;
    assert_eq!((got.status, got.error_code().as_str()), (429, "RATE_LIMITED"));
    assert_eq!(got.headers["retry-after"], "30");
    let body = r#"{"auth_request_id":"a","identifier":"b"}"#;
    let got = send("POST", "/api/v1/connected_accounts/user/verify", Some(body)).await;
    assert_eq!((got.status, got.json()["code"].clone()), (503, json!(13)));
}

#[tokio::test]
async fn a_panicking_handler_is_an_internal_error() {
    let got = send("PUT", "/api/v1/connected_accounts", Some(r#"{"connected_account":{}}"#)).await;
    assert_eq!((got.status, got.error_code().as_str()), (500, "INTERNAL"));
}

#[tokio::test]
async fn without_a_token_nothing_else_is_looked_at() {
    let request = Request::post("/api/v1/connected_accounts").body(Body::from("{{{")).unwrap();
    let got = read(front().respond(request).await).await;
    assert_eq!((got.status, got.error_code().as_str()), (401, "UNAUTHENTICATED"));
    assert_eq!(got.json()["message"], "Token empty");
    assert_eq!(got.json()["code"], 16);
    assert_eq!(got.headers["www-authenticate"], "Bearer realm=\"keybearer\"");
}

#[tokio::test]
async fn a_client_without_the_permission_is_refused() {
    let request =
        Request::get("/api/v1/connected_accounts/auth?id=ca_1").header("authorization", "Bearer reader");
    let got = read(front().respond(request.body(Body::empty()).unwrap()).await).await;
    assert_eq!((got.status, got.error_code().as_str()), (403, "PERMISSION_DENIED"));
    assert!(got.json()["message"].as_str().unwrap().contains("connected_accounts:access"));
}

#[tokio::test]
async fn fields_that_break_a_rule_are_named_without_their_values() {
    let body = json!({ "connector": "cnry/bad", "identifier": "x".repeat(101), "id": "acct_1" });
    let got = send("POST", "/api/v1/connected_accounts/magic_link", Some(&body.to_string())).await;
    assert_eq!((got.status, got.error_code().as_str()), (400, "INVALID_ARGUMENT"));
    assert!(!got.text.contains("cnry"));
    insta::assert_json_snapshot!(got.json()["details"][0]["validation_error_info"]);
}

#[tokio::test]
async fn empty_optional_text_counts_as_absent() {
    let body = r#"{"id":"","connector":"","identifier":"","user_verify_url":""}"#;
    let got = send("POST", "/api/v1/connected_accounts/magic_link", Some(body)).await;
    assert_eq!(got.status, 429, "{}", got.text);
}

#[tokio::test]
async fn rules_between_fields_hold() {
    let got = send("GET", "/api/v1/connected_accounts?connector=a&connection_names=b", None).await;
    assert_eq!(got.status, 400);
    assert!(got.text.contains("must have only one of connector and connection_names"), "{}", got.text);
    let got = send("GET", "/api/v1/connected_accounts?connector=&connection_names=b", None).await;
    assert_eq!(got.status, 200);
    let got = send("POST", "/api/v1/connections", Some("{}")).await;
    assert!(got.text.contains("must have provider_key or provider"), "{}", got.text);
    let got = send("GET", "/api/v1/connected_accounts?page_size=100", None).await;
    assert!(got.text.contains("page_size must be at most 99"), "{}", got.text);
}

#[tokio::test]
async fn json_of_the_wrong_type_names_the_field_only() {
    let body =
        r#"{"connected_account":{"authorization_details":{"oauth_token":{"access_token":["cnry_1"]}}}}"#;
    let got = send("POST", "/api/v1/connected_accounts", Some(body)).await;
    assert_eq!(got.status, 400, "{}", got.text);
    assert!(!got.text.contains("cnry"), "{}", got.text);
    let violation = &got.json()["details"][0]["validation_error_info"]["field_violations"][0];
    assert_eq!(violation["field"], "connected_account.authorization_details.oauth_token.access_token");
    assert_eq!(violation["description"], "must be text");
}

#[tokio::test]
async fn hostile_bodies_end_as_4xx() {
    let deep = format!(
        r#"{{"connected_account":{{"api_config":{}1{}}}}}"#,
        r#"{"a":"#.repeat(50_000),
        "}".repeat(50_000)
    );
    for (body, status) in [
        (r#"{"identifier":"a","identifier":"b"}"#.to_owned(), 400),
        (deep, 400),
        (r#"{"identifier":"\ud800"}"#.to_owned(), 400),
        ("[]".to_owned(), 400),
        ("NaN".to_owned(), 400),
        (format!(r#"{{"identifier":"{}"}}"#, "x".repeat(1_100_000)), 413),
    ] {
        let got = send("POST", "/api/v1/connected_accounts", Some(&body)).await;
        assert_eq!(got.status, status, "{}", &body[..40.min(body.len())]);
        assert_eq!(got.json()["code"], 3);
    }
}

#[tokio::test]
async fn other_kinds_of_body_are_415() {
    for (name, value) in
        [("content-type", "text/plain"), ("content-type", "application/xml"), ("content-encoding", "gzip")]
    {
        let mut request = Request::post("/api/v1/connected_accounts")
            .header("authorization", "Bearer good")
            .header(name, value);
        if name == "content-encoding" {
            request = request.header("content-type", "application/json");
        }
        let got = read(front().respond(request.body(Body::from("{}")).unwrap()).await).await;
        assert_eq!((got.status, got.error_code().as_str()), (415, "UNSUPPORTED_MEDIA_TYPE"), "{value}");
    }
}

#[tokio::test]
async fn an_empty_body_is_an_empty_object() {
    let got = send("POST", "/api/v1/connected_accounts", None).await;
    assert_eq!(got.status, 201, "{}", got.text);
}

#[tokio::test]
async fn other_methods_are_told_what_is_allowed() {
    let got = send("DELETE", "/api/v1/connected_accounts", None).await;
    assert_eq!((got.status, got.error_code().as_str()), (405, "METHOD_NOT_ALLOWED"));
    assert_eq!(got.headers["allow"], "OPTIONS, GET, HEAD, POST, PUT");
    let got = send("OPTIONS", "/api/v1/connected_accounts", None).await;
    assert_eq!((got.status, got.text.as_str()), (204, ""));
    assert!(got.headers.get("access-control-allow-origin").is_none());
    assert_eq!(send("HEAD", "/api/v1/connected_accounts/ca_1", None).await.status, 200);
    let got = send("GET", "/api/v1/nothing", None).await;
    assert_eq!((got.status, got.error_code().as_str()), (404, "RESOURCE_NOT_FOUND"));
    assert_eq!(send("GET", "/keys/", None).await.status, 404);
    assert_eq!(send("POST", "/keys", None).await.status, 405);
}

#[tokio::test]
async fn doubled_slashes_collapse_except_behind_the_proxy() {
    assert_eq!(send("GET", "//keys", None).await.json()["keys"][0]["kid"], "snk_1");
    let got = send("GET", "//api//v1///connected_accounts//ca_9", None).await;
    assert_eq!(got.json()["connected_account"]["identifier"], "ca_9");
    assert_eq!(send("GET", "//proxy/a//b", None).await.text, "/proxy/a//b");
    assert_eq!(send("GET", "/proxy//a//b/", None).await.text, "/proxy//a//b/");
}

#[tokio::test]
async fn health_and_readiness_are_told_apart() {
    assert_eq!(send("GET", "/health", None).await.status, 200);
    let got = send("GET", "/ready", None).await;
    assert_eq!((got.status, got.error_code().as_str()), (503, "DATABASE_UNAVAILABLE"));
    assert_eq!(send("GET", "/openapi.json", None).await.json()["openapi"], "3.1.0");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_arrive_is_408() {
    let (_never_ends, body) = tokio::io::duplex(8);
    let body = Body::from_stream(tokio_util::io::ReaderStream::new(body));
    let request = Request::post("/api/v1/connected_accounts")
        .header("authorization", "Bearer good")
        .header("content-type", "application/json");
    let got = read(front().respond(request.body(body).unwrap()).await).await;
    assert_eq!((got.status, got.error_code().as_str()), (408, "REQUEST_TIMEOUT"));
}
