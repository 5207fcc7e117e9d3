use super::*;
use serde_json::json;

fn places(issuer: &str) -> Vec<String> {
    candidates(&issuer.parse().unwrap()).iter().map(Url::to_string).collect()
}

fn parsed(document: &serde_json::Value, expected: &str) -> Result<ServerMetadata, MetadataError> {
    parse(document.to_string().as_bytes(), expected, &[])
}

#[test]
fn an_issuer_with_a_path_is_looked_up_path_inserted_first() {
    assert_eq!(
        places("https://as.example/tenant/1/"),
        [
            "https://as.example/.well-known/oauth-authorization-server/tenant/1",
            "https://as.example/.well-known/openid-configuration/tenant/1",
            "https://as.example/tenant/1/.well-known/openid-configuration",
            "https://as.example/.well-known/oauth-authorization-server",
            "https://as.example/.well-known/openid-configuration",
        ]
    );
    assert_eq!(
        places("https://as.example:8443?x=1"),
        [
            "https://as.example:8443/.well-known/oauth-authorization-server",
            "https://as.example:8443/.well-known/openid-configuration",
        ]
    );
}

#[test]
fn a_complete_document_is_read() {
    let document = json!({
        "issuer": "https://as.example", "authorization_endpoint": "https://as.example/a",
        "token_endpoint": "https://as.example/t", "revocation_endpoint": "https://as.example/r",
        "authorization_response_iss_parameter_supported": true, "scopes_supported": ["a"],
        "code_challenge_methods_supported": ["plain", "S256"],
        "token_endpoint_auth_methods_supported": ["none"], "unknown": {"x": 1},
    });
    let metadata = parsed(&document, "https://as.example").unwrap();
    assert_eq!(metadata.token_endpoint.as_ref().unwrap().as_str(), "https://as.example/t");
    assert!(metadata.iss_parameter_supported && metadata.supports_s256());
    assert_eq!(metadata.scopes_supported, ["a"]);
    assert_eq!(metadata.registration_endpoint, None);
}

#[test]
fn another_issuer_is_refused_unless_it_is_listed() {
    let named = |issuer: &str| json!({ "issuer": issuer });
    for issuer in ["https://b.example", "https://A.example", "https://a.example:443", "http://a.example"] {
        assert_eq!(
            parsed(&named(issuer), "https://a.example"),
            Err(MetadataError::IssuerMismatch),
            "{issuer}"
        );
    }
    assert!(parsed(&named("https://a.example/"), "https://a.example").is_ok());
    let with_path = parsed(&named("https://a.example/x/"), "https://a.example/x");
    assert_eq!(with_path, Err(MetadataError::IssuerMismatch));
    let body = named("https://b.example").to_string();
    assert!(parse(body.as_bytes(), "https://a.example", &["https://b.example"]).is_ok());
    assert_eq!(parsed(&json!({}), "https://a.example"), Err(MetadataError::NoIssuer));
}

#[test]
fn endpoints_that_nobody_should_visit_are_refused() {
    for bad in [
        "javascript:alert(1)",
        "http://as.example/t",
        "/t",
        "https://user:pw@as.example/t",
        "https://as.example/t#f",
        "file:///etc/passwd",
    ] {
        let document = json!({"issuer": "https://as.example", "token_endpoint": bad});
        let expected = Err(MetadataError::Endpoint("token_endpoint"));
        assert_eq!(parsed(&document, "https://as.example"), expected, "{bad}");
    }
    for good in ["http://127.0.0.1:4301/t", "http://localhost:4301/t", "http://[::1]:1/t"] {
        let document = json!({"issuer": "https://as.example", "token_endpoint": good});
        assert!(parsed(&document, "https://as.example").is_ok(), "{good}");
    }
}

#[test]
fn documents_that_are_none_are_refused() {
    for body in
        ["", "<html>", "null", "[]", "{", r#"{"issuer":7}"#, r#"{"issuer":"i","scopes_supported":"a"}"#]
    {
        assert_eq!(parse(body.as_bytes(), "i", &[]), Err(MetadataError::Malformed), "{body}");
    }
    assert_eq!(parse(&vec![b' '; MAX_DOCUMENT + 1], "i", &[]), Err(MetadataError::Malformed));
}
