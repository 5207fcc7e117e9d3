use super::*;
use http::header::CONTENT_TYPE;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// Signs as the published test suite does: 2015-08-30T12:36:00Z, us-east-1, `service`.
fn suite(method: &Method, target: &str, headers: &HeaderMap, body: &[u8]) -> String {
    let secret = SecretString::from(SECRET);
    let url: Url = target.parse().unwrap();
    let signer = Signer {
        access_key_id: "AKIDEXAMPLE",
        secret_access_key: &secret,
        session_token: None,
        region: "us-east-1",
        service: "service",
        now: Timestamp::from_seconds(1_440_938_160),
        style: Style::Standard,
    };
    let request = Request { method, url: &url, headers, payload: Payload::Bytes(body) };
    authorization(&signer.sign(&request).unwrap())
}

fn authorization(added: &[(HeaderName, HeaderValue)]) -> String {
    added.iter().find(|(name, _)| name == AUTHORIZATION).unwrap().1.to_str().unwrap().to_owned()
}

fn signature(authorization: &str) -> &str {
    authorization.split_once("Signature=").unwrap().1
}

#[test]
fn get_vanilla_is_reproduced() {
    let header = suite(&Method::GET, "https://example.amazonaws.com/", &HeaderMap::new(), b"");
    assert_eq!(
        header,
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
         SignedHeaders=host;x-amz-date, \
         Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
    );
}

#[test]
fn published_suite_signatures_are_reproduced() {
    let none = HeaderMap::new();
    let get = |path: &str| suite(&Method::GET, &format!("https://example.amazonaws.com{path}"), &none, b"");
    let sorted = get("/?Param2=value2&Param1=value1");
    assert_eq!(signature(&sorted), "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500");
    assert_eq!(get("/?Param1=value1&Param2=value2"), sorted);
    for path in ["//", "/./", "/a/.."] {
        assert_eq!(signature(&get(path)), "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
    }
    let post = suite(&Method::POST, "https://example.amazonaws.com/", &none, b"");
    assert_eq!(signature(&post), "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
    let mut form = HeaderMap::new();
    form.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    let post = suite(&Method::POST, "https://example.amazonaws.com/", &form, b"Param1=value1");
    assert_eq!(signature(&post), "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a");
    let mut spaces = HeaderMap::new();
    spaces.insert("my-header1", HeaderValue::from_static(" value1"));
    spaces.insert("my-header2", HeaderValue::from_static(" \"a   b   c\""));
    let get = suite(&Method::GET, "https://example.amazonaws.com/", &spaces, b"");
    assert_eq!(signature(&get), "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736");
}

#[test]
fn the_identity_service_example_is_reproduced() {
    let secret = SecretString::from(SECRET);
    let url = "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08".parse().unwrap();
    let mut headers = HeaderMap::new();
    let content_type = HeaderValue::from_static("application/x-www-form-urlencoded; charset=utf-8");
    headers.insert(CONTENT_TYPE, content_type);
    let signer = Signer {
        access_key_id: "AKIDEXAMPLE",
        secret_access_key: &secret,
        session_token: None,
        region: "us-east-1",
        service: "iam",
        now: Timestamp::from_seconds(1_440_938_160),
        style: Style::Standard,
    };
    let request =
        Request { method: &Method::GET, url: &url, headers: &headers, payload: Payload::Bytes(b"") };
    let header = authorization(&signer.sign(&request).unwrap());
    assert!(header.contains("SignedHeaders=content-type;host;x-amz-date, "));
    assert_eq!(signature(&header), "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
}

#[test]
fn the_object_store_example_is_reproduced() {
    let secret = SecretString::from("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
    let url = "https://examplebucket.s3.amazonaws.com/test.txt".parse().unwrap();
    let mut headers = HeaderMap::new();
    headers.insert("range", HeaderValue::from_static("bytes=0-9"));
    let signer = Signer {
        access_key_id: "AKIAIOSFODNN7EXAMPLE",
        secret_access_key: &secret,
        session_token: None,
        region: "us-east-1",
        service: "s3",
        now: Timestamp::from_seconds(1_369_353_600),
        style: Style::Object,
    };
    let request =
        Request { method: &Method::GET, url: &url, headers: &headers, payload: Payload::Bytes(b"") };
    let added = signer.sign(&request).unwrap();
    let header = authorization(&added);
    assert!(added.iter().any(|(name, _)| name == "x-amz-content-sha256"));
    assert_eq!(signature(&header), "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

#[test]
fn a_session_token_is_sent_and_signed() {
    let secret = SecretString::from(SECRET);
    let token = SecretString::from(
        "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8Y\
         UuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE\
         8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2\
         ICCR/oLxBA==",
    );
    let url = "https://example.amazonaws.com/".parse().unwrap();
    let headers = HeaderMap::new();
    let signer = Signer {
        access_key_id: "AKIDEXAMPLE",
        secret_access_key: &secret,
        session_token: Some(&token),
        region: "us-east-1",
        service: "service",
        now: Timestamp::from_seconds(1_440_938_160),
        style: Style::Standard,
    };
    let request =
        Request { method: &Method::POST, url: &url, headers: &headers, payload: Payload::Bytes(b"") };
    let added = signer.sign(&request).unwrap();
    assert!(added.iter().any(|(name, value)| name == "x-amz-security-token" && value.is_sensitive()));
    let header = authorization(&added);
    assert!(header.contains("SignedHeaders=host;x-amz-date;x-amz-security-token, "));
    assert_eq!(signature(&header), "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead");
}

#[test]
fn headers_that_are_set_by_signing_replace_those_of_the_caller() {
    let mut headers = HeaderMap::new();
    headers.insert("x-amz-date", HeaderValue::from_static("19990101T000000Z"));
    headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer x"));
    let header = suite(&Method::GET, "https://example.amazonaws.com/", &headers, b"");
    assert_eq!(signature(&header), "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
}

#[test]
fn query_values_are_encoded_alike_however_they_were_written() {
    let canonical = |query: &str| canonical_query(&format!("https://a.example/?{query}").parse().unwrap());
    assert_eq!(canonical("b=1&a=x%2fy"), "a=x%2Fy&b=1");
    assert_eq!(canonical("a=x/y&b=1"), "a=x%2Fy&b=1");
    assert_eq!(canonical("a=%7e%20"), "a=~%20");
    assert_eq!(canonical("flag&a=1+2"), "a=1%2B2&flag=");
    assert_eq!(canonical(""), "");
}
