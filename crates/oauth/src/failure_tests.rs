use super::*;
use http::HeaderValue;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

fn failure_with(status: u16, headers: &HeaderMap, body: &str, rules: &[ErrorRule]) -> Failure {
    let answer = Answer { status, headers, body: body.as_bytes(), now: NOW };
    classify(&answer, GrantKind::RefreshToken, rules)
}

fn failure(status: u16, body: &str) -> Failure {
    failure_with(status, &HeaderMap::new(), body, &[])
}

fn fault(status: u16, error: ErrorCode, cause: Cause) -> Failure {
    Failure::ConnectorFault { status, error, cause }
}

fn wait(value: &'static str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(RETRY_AFTER, HeaderValue::from_static(value));
    headers
}

#[test]
fn only_a_named_refusal_of_the_grant_is_permanent() {
    assert_eq!(failure(400, r#"{"error":"invalid_grant"}"#), Failure::InvalidGrant);
    assert_eq!(failure(403, r#"{"error":"invalid_grant"}"#), Failure::InvalidGrant);
    assert_eq!(failure(401, "error=invalid_grant&x=1"), Failure::InvalidGrant);
    assert_eq!(failure(400, r#"{"error":{"code":"invalid_grant"}}"#), Failure::InvalidGrant);
    for (status, body) in [
        (400, r#"{"error":"Invalid_Grant"}"#),
        (400, r#"{"error":"token invalid_grant"}"#),
        (400, "invalid_grant"),
        (400, ""),
        (401, r#"{"message":"no"}"#),
        (403, "<html>invalid_grant</html>"),
        (404, "{}"),
        (200, r#"{"error":"invalid_grant"}"#),
        (500, r#"{"error":"invalid_grant"}"#),
        (503, r#"{"error":"invalid_grant"}"#),
        (429, r#"{"error":"invalid_grant"}"#),
        (302, r#"{"error":"invalid_grant"}"#),
    ] {
        assert_ne!(failure(status, body), Failure::InvalidGrant, "{status} {body}");
    }
}

#[test]
fn a_rejected_client_is_told_from_a_rejected_grant() {
    for code in [ErrorCode::InvalidClient, ErrorCode::UnauthorizedClient] {
        for status in [400, 401, 403] {
            let found = failure(status, &format!(r#"{{"error":"{code}"}}"#));
            assert_eq!(found, Failure::ClientRejected { error: code });
        }
    }
}

#[test]
fn lost_and_broken_answers_are_uncertain() {
    for status in [408, 500, 502, 503, 504, 520] {
        assert_eq!(failure(status, "<html>"), Failure::Uncertain { status: Some(status) });
    }
    assert_eq!(Failure::from(TransportFault::Uncertain), Failure::Uncertain { status: None });
    assert_eq!(Failure::from(TransportFault::NotSent), Failure::NotSent);
}

#[test]
fn waits_are_honoured_up_to_an_hour() {
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    let limited = |headers: &HeaderMap| failure_with(429, headers, "", &[]);
    assert_eq!(limited(&HeaderMap::new()), Failure::RateLimited { retry_after: None });
    assert_eq!(limited(&wait("17")), Failure::RateLimited { retry_after: seconds(17) });
    assert_eq!(limited(&wait("999999")), Failure::RateLimited { retry_after: seconds(3600) });
    assert_eq!(
        limited(&wait("Fri, 15 Jan 2027 08:01:00 GMT")),
        Failure::RateLimited { retry_after: seconds(60) }
    );
    assert_eq!(
        limited(&wait("Thu, 01 Jan 1970 00:00:00 GMT")),
        Failure::RateLimited { retry_after: seconds(0) }
    );
    for junk in ["-5", "soon", "NaN", "inf", ""] {
        assert_eq!(limited(&wait(junk)), Failure::RateLimited { retry_after: None }, "{junk}");
    }
    assert_eq!(failure_with(503, &wait("5"), "", &[]), Failure::Unavailable { retry_after: seconds(5) });
    let busy = failure(400, r#"{"error":"temporarily_unavailable"}"#);
    assert_eq!(busy, Failure::Unavailable { retry_after: None });
}

#[test]
fn answers_off_the_protocol_are_the_connectors_fault() {
    let ok = |body| failure(200, body);
    assert_eq!(ok("<html>"), fault(200, ErrorCode::ProviderError, Cause::Unreadable));
    assert_eq!(ok(""), fault(200, ErrorCode::ProviderError, Cause::Unreadable));
    assert_eq!(ok("{}"), fault(200, ErrorCode::ProviderError, Cause::NoToken));
    assert_eq!(ok("[1]"), fault(200, ErrorCode::ProviderError, Cause::NoToken));
    let body = r#"{"ok":false,"error":"invalid_scope"}"#;
    assert_eq!(ok(body), fault(200, ErrorCode::InvalidScope, Cause::ErrorInSuccess));
    assert_eq!(failure(302, ""), fault(302, ErrorCode::ProviderError, Cause::Redirect));
    let request = failure(400, r#"{"error":"invalid_request"}"#);
    assert_eq!(request, fault(400, ErrorCode::InvalidRequest, Cause::Refused));
}

#[test]
fn the_catalogue_decides_before_the_table() {
    let rule =
        |status, error: Option<&str>, class| ErrorRule { status, error: error.map(str::to_owned), class };
    let rules = [
        rule(Some(200), Some("bad_refresh_token"), Class::InvalidGrant),
        rule(None, Some("60"), Class::RateLimited),
        rule(Some(403), None, Class::Unavailable),
    ];
    let found = |status, body| failure_with(status, &HeaderMap::new(), body, &rules);
    assert_eq!(found(200, r#"{"error":"bad_refresh_token"}"#), Failure::InvalidGrant);
    assert_ne!(found(400, r#"{"error":"bad_refresh_token"}"#), Failure::InvalidGrant);
    assert_eq!(found(200, r#"{"code":60}"#), Failure::RateLimited { retry_after: None });
    assert_eq!(found(400, r#"{"errors":[{"code":"60"}]}"#), Failure::RateLimited { retry_after: None });
    assert_eq!(found(403, r#"{"error":"invalid_grant"}"#), Failure::Unavailable { retry_after: None });
}

#[test]
fn a_bare_401_condemns_only_a_users_own_login() {
    let headers = HeaderMap::new();
    let answer = Answer { status: 401, headers: &headers, body: b"", now: NOW };
    assert_eq!(classify(&answer, GrantKind::Login, &[]), Failure::InvalidGrant);
    for grant in [GrantKind::RefreshToken, GrantKind::AuthorizationCode, GrantKind::Assertion] {
        let expected = fault(401, ErrorCode::ProviderError, Cause::Unreadable);
        assert_eq!(classify(&answer, grant, &[]), expected);
    }
}

#[test]
fn no_text_of_the_provider_is_kept() {
    for body in [
        r#"{"error":"cnry_secret","error_description":"cnry_secret"}"#,
        r#"{"error":{"code":"cnry_secret","message":"cnry_secret"}}"#,
        r#"{"error":"invalid_scope","error_description":"token cnry_secret"}"#,
        "cnry_secret",
    ] {
        for status in [200, 400, 401, 403, 429, 500] {
            let found = failure(status, body);
            assert!(!format!("{found} {found:?}").contains("cnry"), "{found:?}");
        }
    }
}

#[test]
fn classes_read_back() {
    for class in Class::ALL {
        assert_eq!(Class::parse(class.as_str()), Some(*class));
    }
    assert_eq!(Class::parse("fatal"), None);
}
