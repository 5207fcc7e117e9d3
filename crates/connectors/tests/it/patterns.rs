//! Auth patterns of the wire, told as the requests they make.

use bytes::Bytes;
use http::Request;
use keybearer_connectors::engine::{
    self, AuthorizeRequest, Context, EngineError, Exchange, Grant, credential_headers,
};
use keybearer_connectors::lint::{Level, lint};
use keybearer_connectors::pattern::{Compiled, Described, compile, is_mcp};
use keybearer_connectors::schema::{AuthMethod, Kind, MethodType};
use keybearer_connectors::{Bindings, forms};
use keybearer_core::{FieldViolation, SeededEntropy, Timestamp};
use serde_json::{Value, json};

fn described(proxy_url: &str, patterns: &Value) -> Result<Compiled, Vec<FieldViolation>> {
    compile(&Described {
        slug: "ACME:17",
        display_name: "Acme",
        description: "Things.",
        proxy_url,
        proxy_enabled: true,
        auth_patterns: patterns,
    })
}

fn made(proxy_url: &str, pattern: Value) -> Compiled {
    let compiled = described(proxy_url, &json!([pattern])).unwrap_or_else(|wrong| panic!("{wrong:?}"));
    let faults: Vec<String> = lint(&compiled.connector)
        .into_iter()
        // the slug says on purpose that it is not of the catalogue
        .filter(|finding| finding.level == Level::Error && finding.key != "slug")
        .map(|finding| finding.to_string())
        .collect();
    assert!(faults.is_empty(), "{faults:?}");
    compiled
}

/// The call that a method makes with these values, as `URL` and `name: value` lines.
fn call(compiled: &Compiled, values: &[(&str, &str)]) -> Result<String, EngineError> {
    call_of(compiled, &compiled.connector.auth[0], values)
}

fn call_of(compiled: &Compiled, method: &AuthMethod, values: &[(&str, &str)]) -> Result<String, EngineError> {
    let (bindings, entropy): (Bindings, _) = (values.iter().copied().collect(), SeededEntropy::new(1));
    let context = Context {
        connector: &compiled.connector,
        method,
        bindings: &bindings,
        now: Timestamp::from_seconds(1_900_000_000),
        entropy: &entropy,
    };
    let url = engine::proxy_target(&context, "/things?x=1")?;
    let request = Request::get(url.as_str()).header("authorization", "stolen").body(Bytes::new()).unwrap();
    let (mut parts, _) = request.into_parts();
    engine::inject(&context, &mut parts, None)?;
    let headers = parts.headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()));
    let lines: Vec<String> = std::iter::once(parts.uri.to_string()).chain(headers).collect();
    Ok(lines.join("\n"))
}

fn wrong(proxy_url: &str, patterns: Value) -> Vec<String> {
    let wrong = described(proxy_url, &patterns).map(|compiled| compiled.connector).unwrap_err();
    wrong.into_iter().map(|violation| violation.field).collect()
}

const BASE: &str = "https://api.acme.example/v1";
const CALL: &str = "https://api.acme.example/v1/things?x=1";

#[test]
fn each_static_type_sends_its_header() {
    let basic = made(BASE, json!({"type": "BASIC"}));
    assert_eq!(
        call(&basic, &[("username", "ada"), ("password", "x:y")]).unwrap(),
        format!("{CALL}\nauthorization: Basic YWRhOng6eQ==")
    );
    let bearer =
        made(BASE, json!({"type": "BEARER", "fields": [{"field_name": "pat", "input_type": "text"}]}));
    assert_eq!(call(&bearer, &[("pat", "t-1")]).unwrap(), format!("{CALL}\nauthorization: Bearer t-1"));
    let key = made(BASE, json!({"type": "API_KEY", "fields": [{"field_name": "api_key", "required": true}]}));
    assert_eq!(call(&key, &[("api_key", "k-1")]).unwrap(), format!("{CALL}\nauthorization: k-1"));
    let none = made(BASE, json!({"type": "NO_AUTH"}));
    assert_eq!(call(&none, &[]).unwrap(), CALL);
}

#[test]
fn a_credential_is_secret_whatever_the_pattern_calls_it() {
    let secret = |pattern: Value| -> Vec<String> {
        let fields = &made(BASE, pattern).connector.auth[0].fields;
        fields.iter().filter(|field| field.secret).map(|field| field.name.clone()).collect()
    };
    assert_eq!(
        secret(json!({"type": "API_KEY", "fields": [{"field_name": "k", "input_type": "text"}]})),
        ["k"]
    );
    assert_eq!(secret(json!({"type": "BEARER", "fields": [{"field_name": "t"}]})), ["t"]);
    let both = json!([{"field_name": "user"}, {"field_name": "pass"}]);
    assert_eq!(secret(json!({"type": "BASIC", "fields": both})), ["pass"]);
    let only = json!([{"field_name": "username"}]);
    assert_eq!(secret(json!({"type": "BASIC", "fields": only})), ["username"]);
    let headers =
        json!([{"field_name": "a", "header_name": "X-A"}, {"field_name": "note", "input_type": "text"}]);
    assert_eq!(secret(json!({"type": "API_KEY", "fields": headers})), ["a"]);
}

#[test]
fn an_override_moves_each_type_to_another_header_that_callers_cannot_set() {
    let own = |kind: &str| made(BASE, json!({"type": kind, "auth_header_key_override": "X-Acme-Auth"}));
    let values =
        [("username", "a"), ("password", "b"), ("token", "t"), ("api_key", "k"), ("access_token", "o")];
    for (kind, sent) in [("BASIC", "Basic YTpi"), ("BEARER", "Bearer t"), ("API_KEY", "k")] {
        let compiled = own(kind);
        assert_eq!(call(&compiled, &values).unwrap(), format!("{CALL}\nx-acme-auth: {sent}"), "{kind}");
        let names = credential_headers(&compiled.connector, &compiled.connector.auth[0]);
        assert!(names.contains(&"x-acme-auth".to_owned()) && names.contains(&"authorization".to_owned()));
    }
}

#[test]
fn mutations_take_the_default_first_and_then_prefix_and_suffix() {
    let pattern = json!({"type": "BASIC", "auth_field_mutations": {
        "username": {"prefix": "", "suffix": "/token"}, "password": {"default": "X{}"}}});
    let basic = made(BASE, pattern);
    let of = |text: &str| format!("{CALL}\nauthorization: Basic {}", base64(text));
    assert_eq!(call(&basic, &[("username", "ada"), ("password", "p")]).unwrap(), of("ada/token:p"));
    assert_eq!(call(&basic, &[("username", "ada")]).unwrap(), of("ada/token:X{}"));
    let form = forms::account_form(&basic.connector, &basic.connector.auth[0]);
    let password = form.iter().find(|field| field.name == "password").unwrap();
    assert!(!password.required && password.default.is_none(), "the default is not shown to users");
    let key = json!({"type": "API_KEY", "auth_field_mutations": {"api_key": {"prefix": "Token "}}});
    assert_eq!(
        call(&made(BASE, key), &[("api_key", "k")]).unwrap(),
        format!("{CALL}\nauthorization: Token k")
    );
    let token = json!({"type": "BEARER", "auth_field_mutations": {"token": {"default": "d", "suffix": "!"}}});
    assert_eq!(call(&made(BASE, token), &[]).unwrap(), format!("{CALL}\nauthorization: Bearer d!"));
    assert_eq!(
        wrong(BASE, json!([{"type": "BEARER", "auth_field_mutations": {"user": {"prefix": "a"}}}])),
        ["auth_patterns[0].auth_field_mutations.user"]
    );
    assert_eq!(
        wrong(BASE, json!([{"type": "BEARER", "auth_field_mutations": {"token": {"prefix": "a\r\nx: y"}}}])),
        ["auth_patterns[0].auth_field_mutations.token.prefix"]
    );
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}

#[test]
fn fields_with_a_header_are_sent_as_exactly_that_header() {
    let pattern = json!({"type": "API_KEY", "fields": [
        {"field_name": "api", "header_name": "DD-API-KEY", "required": true},
        {"field_name": "app", "header_name": "DD-APPLICATION-KEY", "required": false},
    ]});
    let many = made(BASE, pattern);
    assert_eq!(
        call(&many, &[("api", "1"), ("app", "2")]).unwrap(),
        format!("{CALL}\ndd-api-key: 1\ndd-application-key: 2")
    );
    assert_eq!(call(&many, &[("api", "1")]).unwrap(), format!("{CALL}\ndd-api-key: 1"));
    assert!(matches!(call(&many, &[("app", "2")]), Err(EngineError::Missing { .. })), "api is required");
}

#[test]
fn values_fill_the_address_and_stay_in_their_place() {
    let pattern = json!({"type": "BEARER", "fields": [
        {"field_name": "token"}, {"field_name": "tenant", "is_path_param": true, "required": true}]});
    let made = made("https://{{domain}}.acme.example/{{version}}/{{tenant}}", pattern);
    let names: Vec<&str> = made.connector.auth[0].fields.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(names, ["token", "tenant", "domain", "version"], "undeclared values are fields too");
    let with = |domain: &str, tenant: &str| {
        call(&made, &[("token", "t"), ("domain", domain), ("version", "v2"), ("tenant", tenant)])
    };
    let url = with("eu", "a b/c").unwrap();
    assert!(url.starts_with("https://eu.acme.example/v2/a%20b%2Fc/things?x=1\n"), "{url}");
    for domain in
        ["evil.com#", "evil.com/", "a@evil.com", "evil.com?", "é", "a b", "", "..", "evil.com\\", "a:1"]
    {
        assert!(with(domain, "x").is_err(), "{domain}");
    }
    for tenant in ["..", ".", "%2e%2e", "a/../b", ""] {
        assert!(with("eu", tenant).is_err(), "{tenant}");
    }
}

#[test]
fn a_user_names_a_whole_host_only_for_a_credential_of_their_own() {
    let open = made("https://{{domain}}/api", json!({"type": "BASIC"}));
    let values = |domain: &'static str| [("username", "a"), ("password", "b"), ("domain", domain)];
    assert!(call(&open, &values("any.example")).unwrap().starts_with("https://any.example/api/things"));
    for domain in
        ["u@evil.example", "evil.example/x", "evil.example#", "evil.example\\@x", "пример.example", "[::1]"]
    {
        assert!(call(&open, &values(domain)).is_err(), "{domain}");
    }
    let named = json!({"type": "BASIC", "allowed_proxy_domains": ["*.acme.example", "https://acme.example"]});
    let named = made("https://{{domain}}/api", named);
    for good in ["eu.acme.example", "acme.example"] {
        assert!(call(&named, &values(good)).is_ok(), "{good}");
    }
    for bad in
        ["evil.example", "acme.example.evil.example", "evilacme.example", "127.0.0.1", "acme.example:8443"]
    {
        assert!(matches!(call(&named, &values(bad)), Err(EngineError::HostNotPinned { .. })), "{bad}");
    }
}

fn oauth(config: Value) -> Value {
    json!({"type": "OAUTH", "oauth_config": config})
}

#[test]
fn an_oauth_pattern_asks_exchanges_and_calls() {
    let config = json!({"authorize_uri": "https://login.acme.example/authorize", "token_uri": "https://login.acme.example/token",
        "user_info_uri": "https://login.acme.example/me", "pkce_enabled": true, "custom_scope_name": "permissions",
        "available_scopes": [{"scope": "read", "display_name": "Read", "required": true}, {"scope": "write"}]});
    let compiled = made(BASE, oauth(config));
    let method = &compiled.connector.auth[0];
    assert_eq!(keybearer_connectors::scopes::defaults(method), ["read"]);
    assert!(!method.field("client_secret").unwrap().required, "a client with a proof key may be public");
    let bindings: Bindings =
        [("client_id", "id"), ("client_secret", "s"), ("access_token", "at")].into_iter().collect();
    let entropy = SeededEntropy::new(1);
    let now = Timestamp::from_seconds(1_900_000_000);
    let context =
        Context { connector: &compiled.connector, method, bindings: &bindings, now, entropy: &entropy };
    let ask = AuthorizeRequest {
        redirect_uri: "https://keys.example/cb",
        state: "st",
        code_challenge: Some("ch"),
        scopes: &["read".to_owned()],
        optional_scopes: &[],
        extra: &[],
    };
    let url = engine::authorize_url(&context, &ask).unwrap().to_string();
    assert!(url.starts_with("https://login.acme.example/authorize?"), "{url}");
    assert!(url.contains("permissions=read") && !url.contains("scope=read"), "{url}");
    assert!(url.contains("code_challenge=ch") && url.contains("client_id=id"), "{url}");
    let grant = Grant::AuthorizationCode {
        code: "c".into(),
        redirect_uri: "https://keys.example/cb".to_owned(),
        verifier: None,
    };
    let exchange = Exchange::new(&context, &grant);
    let request = exchange.next_request().unwrap().unwrap();
    assert_eq!(request.uri(), "https://login.acme.example/token");
    assert!(engine::identity_request(&context).unwrap().unwrap().uri() == "https://login.acme.example/me");
    assert_eq!(
        call(&compiled, &[("access_token", "at")]).unwrap(),
        format!("{CALL}\nauthorization: Bearer at")
    );
}

#[test]
fn the_client_secret_never_goes_to_a_host_that_a_user_invented() {
    let config = |token: &str| json!({"authorize_uri": "https://login.acme.example/a", "token_uri": token});
    let open = config("https://{{domain}}/token");
    assert_eq!(wrong(BASE, json!([oauth(open.clone())])), ["auth_patterns[0].oauth_config.token_uri"]);
    let mut named = oauth(open);
    named["allowed_proxy_domains"] = json!([".acme.example"]);
    for (pattern, domain, good) in [
        (named.clone(), "eu.acme.example", true),
        (named, "evil.example", false),
        (oauth(config("https://{{domain}}.acme.example/token")), "eu", true),
        (oauth(config("https://{{domain}}.acme.example/token")), "evil.example/x", false),
    ] {
        let compiled = made("https://{{other}}/api", pattern);
        let method = &compiled.connector.auth[0];
        let bindings: Bindings =
            [("client_id", "id"), ("client_secret", "s"), ("domain", domain), ("other", "any.example")]
                .into_iter()
                .collect();
        let entropy = SeededEntropy::new(1);
        let now = Timestamp::from_seconds(1_900_000_000);
        let context =
            Context { connector: &compiled.connector, method, bindings: &bindings, now, entropy: &entropy };
        let grant =
            Grant::AuthorizationCode { code: "c".into(), redirect_uri: "r".to_owned(), verifier: None };
        assert_eq!(Exchange::new(&context, &grant).next_request().is_ok(), good, "{domain}");
    }
}

#[test]
fn an_oauth_account_may_name_the_host_of_its_calls() {
    let config =
        json!({"authorize_uri": "https://login.acme.example/a", "token_uri": "https://login.acme.example/t"});
    let compiled = made("https://{{domain}}/api", oauth(config));
    let values = [("access_token", "at"), ("domain", "eu.acme.example")];
    assert!(call(&compiled, &values).unwrap().starts_with("https://eu.acme.example/api/things"));
}

#[test]
fn an_mcp_server_needs_no_endpoints_and_says_what_it_is() {
    let patterns = json!([{"type": "OAUTH", "is_mcp": true, "oauth_config": {"pkce_enabled": true}}]);
    let compiled = described("https://mcp.acme.example/mcp", &patterns).unwrap();
    assert!(is_mcp(&patterns) && compiled.connector.kind == Kind::Mcp);
    assert_eq!(compiled.connector.auth[0].kind, MethodType::McpOauth);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of mistakes")]
fn what_is_wrong_is_told_at_its_key() {
    let pattern = |more: Value| {
        let mut pattern = json!({"type": "API_KEY"});
        pattern.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!([pattern])
    };
    let at = "auth_patterns[0]";
    let cases: Vec<(&str, Value, String)> = vec![
        (BASE, json!([]), "auth_patterns".to_owned()),
        (BASE, json!({"type": "BASIC"}), "auth_patterns".to_owned()),
        (BASE, json!(["BASIC"]), at.to_owned()),
        (BASE, json!([{}]), format!("{at}.type")),
        (BASE, json!([{"type": "GOOGLE_DWD"}]), format!("{at}.type")),
        (BASE, json!([{"type": 7}]), format!("{at}.type")),
        (BASE, pattern(json!({"fields": {"a": 1}})), format!("{at}.fields")),
        (BASE, pattern(json!({"fields": [{"label": "x"}]})), format!("{at}.fields[0].field_name")),
        (BASE, pattern(json!({"fields": [{"field_name": "a-b"}]})), format!("{at}.fields[0].field_name")),
        (BASE, pattern(json!({"fields": [{"field_name": "state"}]})), format!("{at}.fields[0].field_name")),
        (
            BASE,
            pattern(json!({"fields": [{"field_name": "a"}, {"field_name": "a"}]})),
            format!("{at}.fields[1].field_name"),
        ),
        (
            BASE,
            pattern(json!({"fields": [{"field_name": "a", "header_name": "a b"}]})),
            format!("{at}.fields[0].header_name"),
        ),
        (
            BASE,
            pattern(json!({"fields": [{"field_name": "a", "header_name": "Host"}]})),
            format!("{at}.fields[0].header_name"),
        ),
        (
            BASE,
            pattern(json!({"auth_header_key_override": "Content-Length"})),
            format!("{at}.auth_header_key_override"),
        ),
        (
            BASE,
            pattern(json!({"allowed_proxy_domains": ["https://a.example/x"]})),
            format!("{at}.allowed_proxy_domains[0]"),
        ),
        (BASE, pattern(json!({"allowed_proxy_domains": ["*"]})), format!("{at}.allowed_proxy_domains[0]")),
        (
            BASE,
            pattern(json!({"allowed_proxy_domains": ["127.0.0.1"]})),
            format!("{at}.allowed_proxy_domains[0]"),
        ),
        (BASE, pattern(json!({"is_mcp": "yes"})), format!("{at}.is_mcp")),
        (
            BASE,
            json!([{"type": "OAUTH", "oauth_config": {"token_uri": "https://a.example/t"}}]),
            format!("{at}.oauth_config.authorize_uri"),
        ),
        (
            BASE,
            json!([{"type": "OAUTH", "account_fields": [{"field_name": "client_id"}], "oauth_config": {"authorize_uri": "https://a.example/a", "token_uri": "https://a.example/t"}}]),
            format!("{at}.account_fields[0].field_name"),
        ),
        (
            "https://{{pass}}.acme.example",
            pattern(json!({"fields": [{"field_name": "pass", "input_type": "password"}]})),
            format!("{at}.fields[0].field_name"),
        ),
    ];
    for (base, patterns, field) in cases {
        assert_eq!(wrong(base, patterns.clone()), [field], "{patterns}");
    }
    for base in [
        "",
        "ftp://a.example",
        "a.example",
        "https://",
        "https://u@a.example",
        "https://u:p@a.example",
        "https://a.example#f",
        "https://a.example/?q=1",
        "https://a.example/ x",
        "https://a.example\\x",
        "https://{{a",
        "https://{{a b}}.example",
        "https://{a}.example",
        "https://}}.example",
        "{{base}}/x",
        "https://a.example:{{port}}",
        "https://{{a}}:8443",
        "https://{{a}}@evil.example",
        "http://{{a}}.acme.example",
        "javascript:alert(1)",
        "https://{{a}}.acme.example:8443/x",
        "https://acme.example/{{access_token_of}}/{{code}}",
    ] {
        assert_eq!(wrong(base, json!([{"type": "NO_AUTH"}])), ["proxy_url"], "{base}");
    }
}

#[test]
fn unknown_keys_do_no_harm() {
    let compiled =
        made(BASE, json!({"type": "NO_AUTH", "x_new": {"a": [1]}, "oauth_config": null, "fields": null}));
    assert_eq!(compiled.connector.auth.len(), 1);
}

#[test]
fn several_patterns_of_one_type_are_told_apart() {
    let compiled =
        described(BASE, &json!([{"type": "BASIC"}, {"type": "API_KEY"}, {"type": "BASIC"}])).unwrap();
    let ids: Vec<&str> = compiled.connector.auth.iter().map(|method| method.id.as_str()).collect();
    assert_eq!(ids, ["basic", "api_key", "basic_2"]);
    assert_eq!(
        call_of(&compiled, compiled.connector.method("api_key").unwrap(), &[("api_key", "k")]).unwrap(),
        format!("{CALL}\nauthorization: k")
    );
}
