use serde_json::json;

use super::*;
use crate::pattern::{Described, compile, unread};

const PETS: &str = r##"
openapi: 3.0.3
info:
  title: "Pets & Co. API"
  description: |
    Pets, owners
    and visits.

    A second paragraph.
servers:
  - url: https://{region}.pets.example/{version}/
    variables:
      region: {default: eu, enum: [eu, us]}
      version: {default: v2}
  - url: https://sandbox.pets.example
security:
  - code: [pets.read]
components:
  securitySchemes:
    key: {type: apiKey, in: header, name: X-Pets-Key, description: Under Settings}
    asked: {type: apiKey, in: query, name: api_key}
    crumb: {type: apiKey, in: cookie, name: sid}
    plain: {type: http, scheme: basic}
    token: {$ref: "#/components/x-shared/token"}
    code:
      type: oauth2
      flows:
        authorizationCode:
          authorizationUrl: https://login.pets.example/authorize
          tokenUrl: https://login.pets.example/token
          refreshUrl: https://login.pets.example/refresh
          scopes: {pets.read: Read your pets, pets.write: ""}
        clientCredentials: {tokenUrl: https://login.pets.example/token, scopes: {}}
    there: {$ref: "https://elsewhere.example/schemes.yaml#/x"}
    circle: {$ref: "#/components/securitySchemes/circle"}
    digest: {type: http, scheme: digest}
    tls: {type: mutualTLS}
    oidc: {type: openIdConnect, openIdConnectUrl: https://login.pets.example/.well-known/openid-configuration}
  x-shared:
    token: {type: http, scheme: Bearer}
paths:
  /pets: {get: {security: []}, post: {}}
"##;

/// What the draft is as a definition.
fn compiled(read: &Read) -> crate::pattern::Compiled {
    let text = |key: &str| read.definition[key].as_str().unwrap().to_owned();
    compile(&Described {
        slug: "NEW:0",
        display_name: &text("display_name"),
        description: &text("description"),
        proxy_url: &text("proxy_url"),
        proxy_enabled: true,
        auth_patterns: &read.definition["auth_patterns"],
    })
    .unwrap()
}

#[test]
fn what_a_document_says_becomes_a_draft_that_is_a_connector() {
    let read = read(PETS).unwrap();
    assert_eq!(read.definition["display_name"], "Pets Co API");
    assert_eq!(read.definition["description"], "Pets, owners and visits.");
    assert_eq!(read.definition["proxy_url"], "https://eu.pets.example/v2");
    let patterns = read.definition["auth_patterns"].as_array().unwrap();
    let kinds: Vec<&str> = patterns.iter().map(|one| one["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["OAUTH", "API_KEY", "API_KEY", "BASIC", "BEARER"], "what is asked for comes first");
    assert_eq!(
        patterns[0]["oauth_config"],
        json!({
            "authorize_uri": "https://login.pets.example/authorize",
            "token_uri": "https://login.pets.example/token",
            "available_scopes": [{"scope": "pets.read", "display_name": "Read your pets"}, {"scope": "pets.write"}],
        })
    );
    assert_eq!(patterns[1]["auth_header_key_override"], "X-Pets-Key");
    assert_eq!(patterns[1]["fields"][0]["hint"], "Under Settings");
    let made = compiled(&read);
    let sent = |id: &str| made.connector.method(id).unwrap().credential_placement.clone();
    assert_eq!(sent("api_key").headers["X-Pets-Key"].source(), "{api_key}");
    assert_eq!(sent("api_key_2").query["api_key"].source(), "{api_key}");
    assert!(sent("api_key_2").headers.is_empty());
    assert!(made.connector.method("api_key_2").unwrap().field("api_key").unwrap().secret);
    assert!(unread(&read.definition).is_empty(), "{:?}", unread(&read.definition));
}

#[test]
fn what_is_not_taken_is_told() {
    let told = read(PETS).unwrap().left_out.join("\n");
    for part in [
        "Other values of `region` in the address than eu.",
        "Another server, https://sandbox.pets.example",
        "`crumb`: a key in `cookie`.",
        "`code`: its flow `clientCredentials`",
        "`code`: another address for refreshes",
        "`there`: it is described elsewhere, and nothing outside the document is read.",
        "`circle`: it is described elsewhere",
        "`digest`: HTTP authentication `digest`.",
        "`tls`: sign-in of type `mutualTLS`.",
        "`oidc`: OpenID Connect. Press Read with https://login.pets.example/.well-known/openid-configuration",
        "Its 2 operations",
        "What single operations ask for",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
}

#[test]
fn the_same_in_json_and_of_3_1() {
    let document = json!({
        "openapi": "3.1.0", "info": {"title": "CRM", "summary": "Deals"},
        "servers": [{"url": "https://{tenant}.crm.example/api", "variables": {"tenant": {"default": "demo"}}}],
    });
    let read = read(&document.to_string()).unwrap();
    assert_eq!(read.definition["proxy_url"], "https://{{tenant}}.crm.example/api", "a value of each user");
    assert_eq!(read.definition["auth_patterns"], json!([{"type": "NO_AUTH"}]));
    assert!(read.left_out.iter().any(|one| one.contains("no way to sign in")), "{:?}", read.left_out);
    assert_eq!(compiled(&read).connector.auth[0].fields[0].name, "tenant");
    let relative = json!({"openapi": "3.0.1", "info": {}, "servers": [{"url": "/api/v3"}]});
    let read = super::read(&relative.to_string()).unwrap();
    assert_eq!(read.definition["display_name"], "New connector");
    assert_eq!(read.definition["proxy_url"], "");
    assert!(read.left_out[0].contains("relative (/api/v3)"), "{:?}", read.left_out);
}

#[test]
fn what_is_no_document_says_why_and_nothing_of_what_it_holds() {
    for (text, why) in [
        ("", "is empty"),
        ("  \n", "is empty"),
        ("{\"openapi\": \"3.0.0\", cnry-secret", "cannot be read at line 1"),
        ("openapi: [3.0\ncnry-secret: }", "cannot be read at line"),
        ("- cnry-secret", "is no object"),
        ("cnry-secret", "is no object"),
        ("swagger: \"2.0\"\ninfo: {title: cnry-secret}", "Swagger 2.0"),
        ("openapi: 2.0.0", "does not begin with"),
        ("openapi: 3.00", "does not begin with"),
        ("openapi: {cnry-secret: 1}", "does not begin with"),
    ] {
        let said = read(text).unwrap_err();
        assert!(said.contains(why) && !said.contains("cnry-secret"), "{text:?}: {said}");
    }
    assert!(read(&"x".repeat(LARGEST + 1)).unwrap_err().contains("more than 480 KB"));
}

#[test]
fn a_document_that_means_harm_ends_soon_and_small() {
    let deep = format!("{{\"openapi\": {}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(read(&deep).is_err());
    let deep = format!("openapi: 3.0.0\nx: {}1{}", "[".repeat(50_000), "]".repeat(50_000));
    assert!(read(&deep).is_err());
    let mut laughs = String::from("a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n");
    for level in 1..12 {
        let item = format!("*a{}", level - 1);
        laughs.push_str(&format!("a{level}: &a{level} [{}]\n", vec![item; 9].join(", ")));
    }
    assert!(read(&format!("openapi: 3.0.0\n{laughs}")).is_err(), "a billion laughs");
    let many: Vec<String> = (0..5000)
        .map(|number| format!("\"s{number}\": {{\"type\": \"apiKey\", \"in\": \"cookie\", \"name\": \"x\"}}"))
        .collect();
    let many = format!(
        "{{\"openapi\": \"3.0.0\", \"components\": {{\"securitySchemes\": {{{}}}}}}}",
        many.join(",")
    );
    assert_eq!(read(&many).unwrap().left_out.len(), MOST_TOLD);
    let hostile = json!({
        "openapi": "3.0.0",
        "info": {"title": "<script>alert(1)</script>", "description": "a\u{0}b\u{202e}".to_owned() + &"x".repeat(5000)},
        "servers": [{"url": "https://{{evil}}.example/{"}, {"url": "javascript:alert(1)"}],
        "components": {"securitySchemes": {
            "\"><img src=x>": {"type": "apiKey", "in": "header", "name": "Host"},
            "n": {"type": "oauth2", "flows": {"authorizationCode": {"authorizationUrl": 7, "tokenUrl": ["x"], "scopes": {"a b\n": null}}}},
            "t": {"type": ["http"], "scheme": {}}, "u": 7, "v": {"$ref": 7}, "w": {"$ref": "file:///etc/passwd"},
        }},
    });
    let read = read(&hostile.to_string()).unwrap();
    assert_eq!(read.definition["display_name"], "script alert 1 script");
    assert!(read.definition["description"].as_str().unwrap().chars().count() <= 301);
    assert!(read.left_out.iter().all(|one| one.chars().count() < 400 && !one.contains('\n')));
}
