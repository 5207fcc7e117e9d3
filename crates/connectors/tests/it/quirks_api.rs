//! What APIs ask for: the rows of the list of quirks, by number, that concern calls with the credential.

use crate::quirks::oauth2;
use crate::shown::Case;

const MINE: &[(&str, &str)] = &[("authorization", "Bearer of-the-agent")];

/// A connector with a key of the user's, these lines in its method and these in its `api`.
fn keyed(method: &str, api: &str) -> Case {
    let indent = |text: &str, by: &str| -> String {
        text.trim_matches('\n').lines().map(|line| format!("{by}{line}\n")).collect()
    };
    let base = if api.contains("base_url") { "" } else { "  base_url: https://api.acme.example/v1\n" };
    let fields = if method.contains("fields:") {
        ""
    } else {
        "    fields:\n      - {name: api_key, label: Key, in: account, secret: true}\n"
    };
    Case::of(&format!(
        "slug: acme\ndisplay_name: Acme\nkind: api\ncategories: [crm]\nauth:\n  - id: m\n    type: api_key\n{fields}{}api:\n{base}{}",
        indent(method, "    "),
        indent(api, "  ")
    ))
}

#[track_caller]
fn has(text: &str, wanted: &str) {
    assert!(text.contains(wanted), "{wanted:?} is not in\n{text}");
}

/// 1.
#[test]
fn the_host_and_the_path_hold_a_value_of_the_account() {
    let call = Case::shipped("shopify", "oauth2").with("access_token", "the-access").call(
        "GET",
        "/shop.json",
        &[],
        "",
    );
    has(&call, "GET https://acme-store.myshopify.com/admin/api/");
    let call = Case::shipped("jira", "oauth2")
        .with("access_token", "the-access")
        .with("cloud_id", "11-22")
        .call("GET", "/issue/A-1", &[], "");
    has(&call, "GET https://api.atlassian.com/ex/jira/11-22/rest/api/3/issue/A-1");
}

/// 2.
#[test]
fn the_credential_stands_in_a_header_of_its_own_and_never_twice() {
    let case = keyed("credential_placement:\n  headers: {x-acme-key: \"{api_key}\"}", "");
    let mine = [("X-Acme-Key", "mine"), ("x_acme_key", "mine too"), ("authorization", "Bearer mine")];
    let call = case.call("GET", "/me", &mine, "");
    has(&call, "x-acme-key: the-api-key");
    assert!(!call.contains("mine"), "{call}");
}

/// 6, 37.
#[test]
fn constant_and_versioned_headers() {
    let case = keyed(
        "fields:\n  - {name: api_key, label: Key, in: account, secret: true}\n  - {name: version, label: Version, in: connection, default: '2026-01'}\n  - {name: agent, label: Your app, in: connection, example: Fieldnote}\ncredential_placement:\n  headers: {authorization: \"Bearer {api_key}\"}",
        "headers:\n  acme-version: \"{version}\"\n  user-agent: \"{agent} (ops@fieldnote.example)\"",
    );
    let call = case.call("GET", "/me", MINE, "");
    has(&call, "acme-version: 2026-01");
    has(&call, "user-agent: Fieldnote (ops@fieldnote.example)");
    has(&case.call("GET", "/me", &[("acme-version", "2025-12")], ""), "acme-version: 2025-12");
}

/// 9.
#[test]
fn authorization_has_another_scheme_or_none() {
    let scheme = keyed("credential_placement:\n  headers: {authorization: \"Acme-Key {api_key}\"}", "");
    has(&scheme.call("GET", "/me", MINE, ""), "authorization: Acme-Key the-api-key");
    let bare = keyed("credential_placement:\n  headers: {authorization: \"{api_key}\"}", "");
    has(&bare.call("GET", "/me", MINE, ""), "authorization: the-api-key\n");
}

/// 19, 71.
#[test]
fn one_half_of_basic_is_fixed() {
    has(
        &Case::shipped("freshdesk", "basic").call("GET", "/x", MINE, ""),
        "authorization: Basic <the-api-key:X>",
    );
    let token = oauth2("token_auth_method: client_secret_as_basic_username").token();
    has(&token, "authorization: Basic <the-client-secret:>");
}

/// 24.
#[test]
fn the_credential_stands_in_the_query_and_replaces_the_callers() {
    let case = keyed("credential_placement:\n  query: {appid: \"{api_key}\"}", "");
    let call = case.call("GET", "/me?appid=mine&a=1&%61ppid=mine", MINE, "");
    has(&call, "GET https://api.acme.example/v1/me?a=1&appid=the-api-key\n");
    let names = keybearer_connectors::engine::credential_query_names(&case.connector, &case.method);
    assert_eq!(names, ["appid"], "logs leave its value out");
}

/// 25.
#[test]
fn the_first_template_whose_values_are_all_given() {
    let api = "base_url: [\"https://{region}.api.acme.example\", \"https://api.acme.example\"]";
    let method = "pinned_hosts: [.acme.example]\nfields:\n  - {name: api_key, label: Key, in: account, secret: true}\n  - {name: region, label: Region, in: account, required: false}\ncredential_placement:\n  headers: {x-key: \"{api_key}\"}";
    has(
        &keyed(method, api).with("region", "eu").call("GET", "/me", &[], ""),
        "GET https://eu.api.acme.example/me",
    );
    let mut without = keyed(method, api);
    without.bindings.remove("region");
    has(&without.call("GET", "/me", &[], ""), "GET https://api.acme.example/me");
}

/// 26.
#[test]
fn several_headers_carry_the_credential() {
    let case = keyed(
        "fields:\n  - {name: api_key, label: Key, in: account, secret: true}\n  - {name: app_key, label: App key, in: account, secret: true}\ncredential_placement:\n  headers: {x-api-key: \"{api_key}\", x-app-key: \"{app_key}\"}",
        "",
    );
    let call = case.call("GET", "/me", &[("x-app-key", "mine")], "");
    has(&call, "x-api-key: the-api-key");
    has(&call, "x-app-key: the-app-key");
}

/// 47.
#[test]
fn a_call_is_signed_with_sigv4() {
    let call = Case::shipped("aws", "access_keys").call("PUT", "/bucket/key", MINE, "content");
    has(
        &call,
        "authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20270115/us-east-1/s3/aws4_request",
    );
    // the payload is part of what is signed
    has(&call, "x-amz-content-sha256: ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73");
}

/// 51.
#[test]
fn the_credential_is_merged_into_the_body() {
    let case = keyed("credential_placement:\n  body: {key: \"{api_key}\"}", "");
    let json = case.call("POST", "/x", &[("content-type", "application/json")], r#"{"a":1,"key":"mine"}"#);
    has(&json, r#""key":"the-api-key""#);
    assert!(!json.contains("mine"), "{json}");
    let form =
        case.call("POST", "/x", &[("content-type", "application/x-www-form-urlencoded")], "a=1&key=mine");
    has(&form, "key=the-api-key");
    assert!(!form.contains("mine"), "{form}");
    has(&case.call("POST", "/x", &[("content-type", "text/plain")], "hello"), "refused: ");
}

/// 53.
#[test]
fn a_call_carries_a_digest_of_itself() {
    let case = keyed(
        "derive:\n  - {name: signature, fn: hmac_sha256_hex, input: \"{request_method}{request_path}{request_body}\", key: \"{api_key}\"}\ncredential_placement:\n  headers: {x-signature: \"{signature}\"}",
        "",
    );
    let call = |body: &str| case.call("POST", "/x", MINE, body);
    assert_ne!(call("one"), call("two"), "the digest follows the body");
    has(&call("one"), "x-signature: ");
}

/// 77.
#[test]
fn the_credential_is_part_of_the_path() {
    let case = Case::shipped("telegram", "api_key").with("api_key", "1:AA/../x");
    let call = case.call("GET", "/getMe", MINE, "");
    assert!(call.starts_with("refused: ") || call.contains("%2F..%2F"), "{call}");
}
