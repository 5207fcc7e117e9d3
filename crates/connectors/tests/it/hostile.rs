//! Values that try to leave their place: each position has its encoder, or refuses.

use url::Url;

use crate::quirks::oauth2;
use crate::shown::Case;

const HOSTILE: [&str; 24] = [
    "a#",
    "a?",
    "a&b=c",
    "a/../..",
    "../../admin",
    "..",
    ".",
    "%2e%2e",
    "%2f",
    "evil.example/",
    "@evil.example",
    "a@b",
    ":443",
    "a\r\nx-evil: 1",
    "a\nb",
    "a\0b",
    "a b",
    "\u{202e}a",
    "ä",
    "💥",
    "{access_token}",
    "\\evil.example",
    "a;b",
    "//evil.example",
];

fn account_field(url: &str, more: &str) -> Case {
    oauth2(&format!(
        "{url}\npinned_hosts: [.acme.example, acme.example]\nfields:\n  - {{name: client_id, label: Client, in: connection}}\n  - {{name: client_secret, label: Secret, in: connection, secret: true}}\n  - {{name: tenant, label: Tenant, in: account}}\n{more}"
    ))
}

/// The URL of the request that was told, if it was not refused.
fn url_of(told: &str) -> Option<Url> {
    if told.starts_with("refused: ") {
        return None;
    }
    let line = told.lines().next().unwrap();
    Some(Url::parse(line.rsplit(' ').next().unwrap()).unwrap())
}

#[test]
fn in_a_host() {
    let mut refused = 0;
    for value in HOSTILE {
        let case = account_field("token_url: https://{tenant}.acme.example/token", "").with("tenant", value);
        match url_of(&case.token()) {
            None => refused += 1,
            Some(url) => {
                assert_eq!(url.path(), "/token", "{value:?}");
                assert!(url.host_str().unwrap().ends_with(".acme.example"), "{value:?}: {url}");
                assert!(url.username().is_empty() && url.port().is_none(), "{value:?}: {url}");
            }
        }
    }
    assert!(refused >= HOSTILE.len() - 2, "only names that are good hosts are taken: {refused}");
}

#[test]
fn in_a_path_a_value_is_one_segment() {
    for value in HOSTILE {
        let case =
            account_field("token_url: https://acme.example/t/{tenant}/token", "").with("tenant", value);
        let Some(url) = url_of(&case.token()) else { continue };
        let segments: Vec<&str> = url.path_segments().unwrap().collect();
        assert_eq!((segments.len(), segments[0], segments[2]), (3, "t", "token"), "{value:?}: {url}");
        assert_eq!(url.host_str(), Some("acme.example"), "{value:?}");
        assert!(url.query().is_none() && url.fragment().is_none(), "{value:?}: {url}");
    }
}

#[test]
fn in_a_query_a_value_is_one_value() {
    for value in HOSTILE {
        let case = account_field("", "authorize_params: {tenant: \"{tenant}\"}").with("tenant", value);
        let Some(url) = url_of(&case.authorize(&[])) else { continue };
        let given: Vec<String> = url
            .query_pairs()
            .filter(|(name, _)| name == "tenant")
            .map(|(_, value)| value.into_owned())
            .collect();
        assert_eq!(given, [value], "{url}");
        assert!(url.fragment().is_none(), "{value:?}");
    }
}

#[test]
fn in_a_header_a_line_break_is_refused() {
    for value in HOSTILE {
        let case = account_field("", "token_headers: {x-tenant: \"{tenant}\"}").with("tenant", value);
        let told = case.token();
        let visible = value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
        assert_eq!(!told.starts_with("refused: "), visible, "{value:?}: {told}");
        assert!(!told.contains("x-evil: 1"), "{told}");
    }
}

#[test]
fn in_forms_and_json_a_value_is_one_value() {
    for value in HOSTILE {
        let form = account_field("", "token_params: {tenant: \"{tenant}\"}").with("tenant", value);
        let told = form.token();
        let body = told.rsplit("\n\n").next().unwrap().trim_end();
        let given: Vec<String> = url::form_urlencoded::parse(body.as_bytes())
            .filter(|(name, _)| name == "tenant")
            .map(|(_, value)| value.into_owned())
            .collect();
        assert_eq!(given, [value], "{told}");
        let json = account_field("token_body_format: json", "token_params: {tenant: \"{tenant}\"}")
            .with("tenant", value);
        let told = json.token();
        let body: serde_json::Value = serde_json::from_str(told.rsplit("\n\n").next().unwrap()).unwrap();
        assert_eq!(body["tenant"], value, "{told}");
    }
}

#[test]
fn a_value_of_ten_thousand_characters_is_a_value_or_refused() {
    let long = "x".repeat(10_000);
    let host = account_field("token_url: https://{tenant}.acme.example/token", "").with("tenant", &long);
    assert!(host.token().starts_with("refused: "));
    let query = account_field("", "authorize_params: {tenant: \"{tenant}\"}").with("tenant", &long);
    assert!(query.authorize(&[]).contains(&long));
}

#[test]
fn a_placeholder_inside_a_value_stays_text() {
    let case = account_field("", "token_params: {tenant: \"{tenant}\"}").with("tenant", "{client_secret}");
    assert!(case.token().contains("tenant=%7Bclient_secret%7D"));
}
