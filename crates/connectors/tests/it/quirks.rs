//! What `OAuth` servers ask for: the rows of the list of quirks, by number, that concern authorization and token calls.
//! Those about API calls are in `quirks_api.rs`.

use std::time::Duration;

use keybearer_connectors::engine::{self, ExpiryKnowledge, Grant, RefreshKind, Step};
use keybearer_connectors::lint::{Level, lint};
use keybearer_core::{RefreshClass, Timestamp};

use crate::shown::{Case, json_answer};

/// A connector for `OAuth` 2.0 with these lines more in its method.
pub fn oauth2(more: &str) -> Case {
    let lines: String = more.trim_matches('\n').lines().map(|line| format!("    {line}\n")).collect();
    let fields = if more.contains("fields:") {
        ""
    } else {
        "    fields:\n      - {name: client_id, label: Client, in: connection}\n      - {name: client_secret, label: Secret, in: connection, secret: true}\n"
    };
    let urls = [("authorize_url", "authorize"), ("token_url", "token")].map(|(key, path)| {
        if more.contains(&format!("{key}:")) {
            String::new()
        } else {
            format!("    {key}: https://acme.example/{path}\n")
        }
    });
    Case::of(&format!(
        "slug: acme\ndisplay_name: Acme\nkind: api\ncategories: [crm]\nauth:\n  - id: m\n    type: oauth2\n{}{}{fields}{lines}api:\n  base_url: https://api.acme.example/v1\n",
        urls[0], urls[1]
    ))
}

#[track_caller]
fn has(text: &str, wanted: &str) {
    assert!(text.contains(wanted), "{wanted:?} is not in\n{text}");
}

#[track_caller]
fn lacks(text: &str, unwanted: &str) {
    assert!(!text.contains(unwanted), "{unwanted:?} is in\n{text}");
}

fn expiry(case: &Case, answer: &str) -> Option<Timestamp> {
    case.granted(&Case::code_grant(), answer).tokens.expires_at
}

fn in_seconds(seconds: i64) -> Option<Timestamp> {
    Some(Timestamp::from_seconds(1_800_000_000 + seconds))
}

/// 3.
#[test]
fn pkce_is_s256_unless_the_definition_turns_it_off() {
    let on = oauth2("");
    has(&on.authorize(&[]), "code_challenge=the-challenge&code_challenge_method=S256");
    has(&on.token(), "code_verifier=the-verifier");
    let off = oauth2("pkce: none");
    lacks(&off.authorize(&[]), "challenge");
    lacks(&off.token(), "verifier");
}

/// 4.
#[test]
fn the_client_authenticates_with_basic() {
    let token = oauth2("token_auth_method: client_secret_basic").token();
    has(&token, "authorization: Basic <the-client-id:the-client-secret>");
    lacks(&token, "client_secret=");
    // RFC 6749 §2.3.1: both are form-encoded before they are joined
    let strange = oauth2("token_auth_method: client_secret_basic").with("client_secret", "a:b c");
    has(&strange.token(), "Basic <the-client-id:a%3Ab+c>");
}

/// 5, 29.
#[test]
fn a_user_chooses_the_host_only_among_the_vendors() {
    let fields = r"
authorize_url: https://{subdomain}.acme.example/authorize
token_url: https://{subdomain}.acme.example/token
pinned_hosts: [.acme.example]
fields:
  - {name: client_id, label: Client, in: connection}
  - {name: client_secret, label: Secret, in: connection, secret: true}
  - {name: subdomain, label: Address, in: account}";
    has(&oauth2(fields).with("subdomain", "north").authorize(&[]), "https://north.acme.example/authorize?");
    has(&oauth2(fields).with("subdomain", "north").token(), "POST https://north.acme.example/token");
    for evil in [
        "evil.example/",
        "evil.example#",
        "evil.example?",
        "evil.example:443/x",
        "a@evil.example/",
        "evil.example\\",
    ] {
        let case = oauth2(fields).with("subdomain", evil);
        has(&case.token(), "refused: ");
        has(&case.authorize(&[]), "refused: ");
    }
    let unpinned = oauth2(&fields.replace("pinned_hosts: [.acme.example]", ""));
    let refused = |case: &Case| {
        lint(&case.connector)
            .into_iter()
            .any(|found| found.level == Level::Error && found.key.contains("pinned_hosts"))
    };
    assert!(refused(&unpinned), "a host that a user chooses must be pinned");
    let anywhere = oauth2(&fields.replace("[.acme.example]", "['*']"));
    assert!(refused(&anywhere), "the developer's secret must not go anywhere");
    assert!(!refused(&oauth2(fields)));
}

/// 7.
#[test]
fn the_token_request_can_be_json() {
    let token = oauth2("token_body_format: json").token();
    has(&token, "content-type: application/json");
    has(&token, r#"{"grant_type":"authorization_code","code":"the-code""#);
}

/// 8.
#[test]
fn the_offline_scope_is_asked_by_default_and_its_absence_is_warned_about() {
    let with = |default: bool| {
        oauth2(&format!(
            "scopes:\n  - {{name: read, says: Read., plain: Read, default: true}}\n  - {{name: offline_access, says: Stay., plain: Stay, grants_refresh_token: true, default: {default}}}"
        ))
    };
    has(&with(true).authorize(&[]), "scope=read%20offline_access");
    let warned =
        |case: &Case| lint(&case.connector).iter().any(|found| found.message.contains("refresh token"));
    assert!(warned(&with(false)));
    assert!(!warned(&with(true)));
}

/// 10, 15, 18, 20, 22.
#[test]
fn constant_and_filled_authorize_parameters() {
    let case = oauth2(
        "authorize_params:\n  prompt: consent\n  access_type: offline\n  audience: api.acme.example\n  response_mode: query\n  owner: \"{client_id}\"",
    );
    let url = case.authorize(&[]);
    for wanted in [
        "prompt=consent",
        "access_type=offline",
        "audience=api.acme.example",
        "response_mode=query",
        "owner=the-client-id",
    ] {
        has(&url, wanted);
    }
}

/// 12, 45.
#[test]
fn a_rotated_refresh_token_is_seen_and_a_missing_one_is_not_invented() {
    let case = oauth2("lifetimes:\n  refresh_token_rotates: true").with("refresh_token", "the-refresh");
    let brought =
        case.granted(&Grant::Refresh, r#"{"access_token":"a","refresh_token":"next","expires_in":60}"#);
    assert_eq!(brought.tokens.refresh_token.unwrap().expose(), "next");
    let brought = case.granted(&Grant::Refresh, r#"{"access_token":"a","expires_in":60}"#);
    assert!(brought.tokens.refresh_token.is_none());
    assert_eq!(engine::refresh_policy(&case.method).class, RefreshClass::StrictFamily, "unknown is strict");
    let stays = oauth2("lifetimes:\n  refresh_token_rotates: false");
    assert_eq!(engine::refresh_policy(&stays.method).class, RefreshClass::Static);
}

/// 13, 21.
#[test]
fn values_come_from_the_token_answer_and_from_the_callback() {
    let case = oauth2(
        "pinned_hosts: [.acme.example]\ncaptures:\n  - {name: instance_url, from: token_response, path: instance_url, allow: 'https://[a-z0-9.-]+\\.acme\\.example'}\n  - {name: realm, from: callback_query, path: realmId, allow: '[0-9]+'}",
    );
    let brought = case
        .granted(&Case::code_grant(), r#"{"access_token":"a","instance_url":"https://eu1.acme.example"}"#);
    assert_eq!(brought.values.get("instance_url").unwrap().expose(), "https://eu1.acme.example");
    let brought =
        case.granted(&Case::code_grant(), r#"{"access_token":"a","instance_url":"https://evil.example"}"#);
    assert!(brought.values.get("instance_url").is_none());
    assert_eq!(brought.refused, ["instance_url"]);
    let query = |value: &str| {
        let mut params = keybearer_oauth::Params::new();
        params.push("realmId", value);
        engine::callback_captures(&case.method, &params)
    };
    assert_eq!(query("4711").unwrap().get("realm").unwrap().expose(), "4711");
    let left_out = query("4711/../x").ok().and_then(|values| values.get("realm").cloned());
    assert!(left_out.is_none(), "{left_out:?}");
}

/// 14, 70.
#[test]
fn tokens_stand_elsewhere_in_the_answer() {
    let case = oauth2(
        "response:\n  access_token: data.token.access\n  refresh_token: data.token.refresh\n  expires_in: data.ttl\n  access_token_fallback: token",
    );
    let brought =
        case.granted(&Case::code_grant(), r#"{"data":{"token":{"access":"a","refresh":"r"},"ttl":120}}"#);
    assert_eq!(brought.tokens.access_token.expose(), "a");
    assert_eq!(brought.tokens.refresh_token.unwrap().expose(), "r");
    assert_eq!(brought.tokens.expires_at, in_seconds(120));
    assert_eq!(case.granted(&Case::code_grant(), r#"{"token":"b"}"#).tokens.access_token.expose(), "b");
}

/// 16, 23.
#[test]
fn token_requests_take_more_headers_and_parameters() {
    let case = oauth2(
        "token_headers:\n  x-client: \"{client_id}\"\ntoken_params:\n  audience: api\ntoken_query_params:\n  version: \"2\"",
    );
    let token = case.token();
    has(&token, "x-client: the-client-id");
    has(&token, "&audience=api");
    has(&token, "https://acme.example/token?version=2");
}

/// 17, 52, 66.
#[test]
fn scopes_are_joined_as_the_vendor_wants() {
    let scopes = "scopes:\n  - {name: a, says: A., plain: A, default: true}\n  - {name: b, says: B., plain: B, default: true}";
    has(&oauth2(scopes).authorize(&[]), "scope=a%20b&");
    has(&oauth2(&format!("scope_separator: ','\n{scopes}")).authorize(&[]), "scope=a%2Cb&");
    let plus = oauth2(&format!("scope_separator: '+'\nauthorize_scope_unencoded: true\n{scopes}"));
    has(&plus.authorize(&[]), "scope=a+b&");
}

/// 27, 32.
#[test]
fn an_answer_without_an_expiry() {
    let bare = r#"{"access_token":"a"}"#;
    assert_eq!(expiry(&oauth2("response:\n  default_ttl_s: 7200"), bare), in_seconds(7200));
    let unknown = oauth2("response:\n  expires_in_absent: refresh_on_401");
    assert_eq!(expiry(&unknown, bare), None);
    assert_eq!(engine::refresh_policy(&unknown.method).expiry, ExpiryKnowledge::Unknown);
    let never = oauth2("response:\n  never_expires: true\nlifetimes:\n  no_refresh_token: true");
    assert_eq!(expiry(&never, bare), None);
    let policy = engine::refresh_policy(&never.method);
    assert_eq!((policy.kind, policy.expiry), (RefreshKind::None, ExpiryKnowledge::Never));
}

/// 28, 30, 44: nothing is registered by itself; a method of that kind takes the developer's client like any other.
#[test]
fn a_client_entered_by_the_developer_is_used_where_registration_is_static() {
    let case = oauth2("registration: static");
    has(&case.authorize(&[]), "client_id=the-client-id");
    has(&case.token(), "client_secret=the-client-secret");
}

/// 31, 33, 38.
#[test]
fn a_refresh_differs_from_the_exchange() {
    let case = oauth2(
        "refresh_url: https://acme.example/refresh\nrefresh_params:\n  kind: again\nrefresh_headers:\n  x-refresh: \"1\"\nrefresh_auth_method: client_secret_basic\nrefresh_body_format: json",
    )
    .with("refresh_token", "the-refresh");
    let refresh = case.refresh();
    has(&refresh, "POST https://acme.example/refresh");
    has(&refresh, "x-refresh: 1");
    has(&refresh, "Basic <the-client-id:the-client-secret>");
    has(&refresh, r#""refresh_token":"the-refresh""#);
    has(&refresh, r#""kind":"again""#);
    let token = case.token();
    has(&token, "POST https://acme.example/token");
    lacks(&token, "again");
    let get = oauth2("refresh_http_method: GET").with("refresh_token", "the-refresh").refresh();
    has(&get, "GET https://acme.example/token?grant_type=refresh_token&refresh_token=the-refresh");
}

/// 34, 46.
#[test]
fn a_signed_statement_is_exchanged_or_authenticates_the_client() {
    let account = Case::shipped("bigquery", "service_account");
    let minted = account.asked(&engine::mint_grant(&account.method, &account.scopes()).unwrap());
    has(&minted, "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer");
    has(&minted, r#""iss":"robot@a-project.example""#);
    assert_eq!(engine::refresh_policy(&account.method).kind, RefreshKind::Mint);
    let key_pair = Case::shipped("snowflake", "key_pair").call("GET", "/x", &[], "");
    has(&key_pair, r#""sub":"MYORG-MYACCOUNT.ADA""#);
}

/// 69.
#[test]
fn a_renewal_without_a_refresh_token() {
    // whatever asked for the first token asks for the next one, with all its parameters
    for (slug, method) in [
        ("zoom", "server_to_server"),
        ("auth0", "client_credentials"),
        ("salesforce", "jwt"),
        ("turnstile", "key_pair"),
    ] {
        let case = Case::shipped(slug, method);
        assert_eq!(engine::refresh_policy(&case.method).kind, RefreshKind::Mint, "{slug}");
    }
    let consented = oauth2("refresh_with: client_credentials");
    assert_eq!(engine::refresh_policy(&consented.method).kind, RefreshKind::App);
    has(&consented.refresh(), "grant_type=client_credentials&client_id=the-client-id");
}

/// 35, 73.
#[test]
fn the_end_is_given_as_a_date_or_in_milliseconds() {
    let date = oauth2("response:\n  expires_at: ends");
    for (ends, wanted) in [
        ("\"2027-01-15T09:00:00Z\"", 3600),
        ("1800003600", 3600),
        ("1800003600000", 3600),
        ("\"1800003600\"", 3600),
    ] {
        let answer = format!(r#"{{"access_token":"a","ends":{ends}}}"#);
        assert_eq!(expiry(&date, &answer), in_seconds(wanted), "{ends}");
    }
    let milliseconds = oauth2("response:\n  expires_in_unit: ms");
    assert_eq!(expiry(&milliseconds, r#"{"access_token":"a","expires_in":60000}"#), in_seconds(60));
}

/// 39, 48.
#[test]
fn a_token_is_fetched_with_get() {
    let token = oauth2("token_http_method: GET\ntoken_body_format: query").token();
    has(&token, "GET https://acme.example/token?grant_type=authorization_code&code=the-code");
}

/// 40, 56.
#[test]
fn a_token_that_ends_for_good_or_is_exchanged_for_the_next() {
    let ends = oauth2("lifetimes:\n  no_refresh_token: true\n  access_token_s: 3600");
    assert_eq!(engine::refresh_policy(&ends.method).kind, RefreshKind::None);
    let itself = oauth2("refresh_with: access_token\nrefresh_params:\n  access_token: \"{access_token}\"\nrefresh_margin_s: 600")
        .with("access_token", "the-access");
    let policy = engine::refresh_policy(&itself.method);
    assert_eq!((policy.kind, policy.margin), (RefreshKind::AccessToken, Some(Duration::from_secs(600))));
    has(&itself.refresh(), "access_token=the-access");
}

/// 41.
#[test]
fn an_exchange_of_two_calls() {
    let case = oauth2(
        "extra_steps:\n  - url: https://acme.example/long\n    method: GET\n    params: {short: \"{step1_access_token}\"}\n    body_format: query\nresponse:\n  access_token: step2.access_token",
    );
    let (context, grant) = (case.context(), Case::code_grant());
    let mut exchange = engine::Exchange::new(&context, &grant);
    exchange.next_request().unwrap().unwrap();
    exchange.answer(&json_answer(r#"{"access_token":"short-lived"}"#)).unwrap();
    let second = exchange.next_request().unwrap().unwrap();
    assert_eq!(second.uri().to_string(), "https://acme.example/long?short=short-lived");
    exchange.answer(&json_answer(r#"{"access_token":"long-lived","expires_in":100}"#)).unwrap();
    assert!(exchange.next_request().unwrap().is_none());
    assert_eq!(exchange.finish().unwrap().tokens.access_token.expose(), "long-lived");
}

/// 42, 55, 58.
#[test]
fn parameters_are_renamed_dropped_and_left_out_when_empty() {
    let case = oauth2(
        "authorize_param_names: {client_id: app_id, redirect_uri: null}\ntoken_param_names: {code: auth_code}\nauthorize_omit_empty: true\nauthorize_params: {hint: \"\"}",
    );
    let url = case.authorize(&[]);
    has(&url, "app_id=the-client-id");
    lacks(&url, "redirect_uri");
    lacks(&url, "hint");
    has(&case.token(), "auth_code=the-code");
}

/// 11, 36.
#[test]
fn a_call_after_connecting_finds_the_tenant_or_lets_the_user_choose() {
    let case = oauth2(
        "post_connect:\n  - method: GET\n    url: https://api.acme.example/sites\n    extract: {cloud_id: '[0].id'}\n    choose_when_many: true\n    choice_label: name",
    )
    .with("access_token", "the-access");
    let Step::Send(request) = engine::post_connect_step(&case.context(), 0).unwrap() else {
        panic!("a call")
    };
    assert_eq!(request.uri().to_string(), "https://api.acme.example/sites");
    let read = |answer: &str| engine::read_post_connect_step(&case.context(), 0, &json_answer(answer));
    let one = read(r#"[{"id":"s1","name":"One"}]"#).unwrap();
    assert_eq!(one.values.get("cloud_id").unwrap().expose(), "s1");
    let two = read(r#"[{"id":"s1","name":"One"},{"id":"s2","name":"Two"}]"#).unwrap();
    let labels: Vec<&str> = two.choices.iter().map(|choice| choice.label.as_str()).collect();
    assert_eq!(labels, ["One", "Two"]);
    assert_eq!(two.values.get("cloud_id").unwrap().expose(), "s1", "the first is the default");
    assert!(read("[]").is_err());
}

/// 54.
#[test]
fn an_error_that_came_with_200_is_no_grant() {
    let case = oauth2("response:\n  success: {path: ok, equals: true}");
    let (context, grant) = (case.context(), Case::code_grant());
    let mut exchange = engine::Exchange::new(&context, &grant);
    exchange.next_request().unwrap();
    assert!(
        exchange.answer(&json_answer(r#"{"ok":false,"error":"invalid_code","access_token":"x"}"#)).is_err()
    );
    assert_eq!(case.granted(&grant, r#"{"ok":true,"access_token":"x"}"#).tokens.access_token.expose(), "x");
}

/// 76.
#[test]
fn two_lists_of_scopes() {
    let case = Case::shipped("slack", "oauth2");
    let url = case.authorize(&["search:read", "files:read"]);
    has(&url, "scope=channels%3Aread%2Cchat%3Awrite%2Cusers%3Aread");
    has(&url, "user_scope=search%3Aread%2Cfiles%3Aread");
}
