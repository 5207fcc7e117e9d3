//! Every type that may hold a secret is filled with canaries and printed in every way it can be printed.

use std::fmt::Debug;

use http::{HeaderMap, Method};
use keybearer_core::{SecretString, Timestamp};
use keybearer_oauth::client_auth::{ClientAuth, ClientCredentials};
use keybearer_oauth::failure::{self, Answer, GrantKind};
use keybearer_oauth::jwt::{self, Algorithm, KeyEncoding, ServiceAccountKey, SigningKey};
use keybearer_oauth::pkce::Pkce;
use keybearer_oauth::token::TokenRules;
use keybearer_oauth::{Call, Document, ErrorCode, Params, callback, oauth1, revoke, sigv4};

const CANARY: &str = "cnry_1f2e3d4c";
const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

fn secret() -> SecretString {
    CANARY.into()
}

#[track_caller]
fn silent(value: &impl Debug) {
    for text in [format!("{value:?}"), format!("{value:#?}")] {
        assert!(!text.contains("cnry"), "{text}");
    }
}

#[test]
fn parameters_and_calls_print_names_only() {
    let mut call = Call::post(format!("https://as.example/{CANARY}?k={CANARY}").parse().unwrap());
    call.params.push("code", secret());
    call.params.push_json("json", serde_json::json!({ "a": CANARY }));
    call.query.push("q", secret());
    call.headers.push("X-Key", secret());
    let secret = secret();
    let client = ClientCredentials { id: "id", secret: Some(&secret), assertion: Some(&secret) };
    silent(&client);
    for auth in [ClientAuth::Basic, ClientAuth::Post, ClientAuth::PrivateKeyJwt] {
        auth.apply(client, &mut call).unwrap();
        silent(&call);
    }
    silent(&call.params);
    let request = call.into_request().unwrap();
    silent(request.headers());
    let refused: Params = [("X-Key", format!("{CANARY}\r\n"))].into_iter().collect();
    let error = keybearer_oauth::request::header_map(&refused).unwrap_err();
    silent(&error);
    assert!(!error.to_string().contains("cnry"));
    let target = "https://as.example/revoke".parse().unwrap();
    silent(
        &revoke::request(target, &secret, revoke::TokenKind::AccessToken, ClientAuth::Post, client).unwrap(),
    );
}

#[test]
fn token_answers_print_nothing_of_the_answer() {
    let body = format!(
        r#"{{"access_token":"{CANARY}a","refresh_token":"{CANARY}r","id_token":"{CANARY}i","x":"{CANARY}"}}"#
    );
    let document = Document::from_body(None, body.as_bytes()).unwrap();
    silent(&document);
    silent(&TokenRules::default().read(document, NOW).unwrap());
    let form = format!("oauth_token={CANARY}&oauth_token_secret={CANARY}&x={CANARY}");
    silent(&oauth1::read_token_answer(form.as_bytes()).unwrap());
}

#[test]
fn callbacks_print_neither_code_nor_state_nor_text() {
    let granted = format!("code={CANARY}&state={CANARY}&x={CANARY}");
    silent(&callback::parse(&granted, None).unwrap());
    let refused = format!("error={CANARY}&error_description={CANARY}&state={CANARY}&x={CANARY}");
    silent(&callback::parse(&refused, None).unwrap());
    let first = format!("oauth_token={CANARY}&oauth_verifier={CANARY}&x={CANARY}");
    silent(&callback::parse_oauth1(&first).unwrap());
    for input in [format!("code={CANARY}&code={CANARY}&state=s"), format!("code={CANARY}%00&state=s")] {
        let error = callback::parse(&input, None).unwrap_err();
        silent(&error);
        assert!(!error.to_string().contains("cnry"));
    }
}

#[test]
fn signers_and_keys_print_no_key() {
    let secret = secret();
    let mut pair = Pkce::from_bytes(&[7; 32]);
    pair.verifier = CANARY.into();
    silent(&pair);
    let token = oauth1::Token { token: &secret, secret: &secret };
    silent(&token);
    silent(&oauth1::Signer {
        consumer_key: "key",
        consumer_secret: &secret,
        token: Some(token),
        method: oauth1::SignatureMethod::HmacSha1,
        realm: None,
        nonce: "n",
        timestamp: NOW,
        callback: None,
        verifier: Some(&secret),
    });
    let signer = sigv4::Signer {
        access_key_id: "id",
        secret_access_key: &secret,
        session_token: Some(&secret),
        region: "r",
        service: "s",
        now: NOW,
        style: sigv4::Style::Object,
    };
    silent(&signer);
    let (url, headers) = ("https://a.example/".parse().unwrap(), HeaderMap::new());
    let payload = sigv4::Payload::Bytes(CANARY.as_bytes());
    let request = sigv4::Request { method: &Method::GET, url: &url, headers: &headers, payload };
    silent(&signer.sign(&request).unwrap());
    silent(&SigningKey::read(Algorithm::Hs256, &secret, KeyEncoding::Text).unwrap());
    silent(&SigningKey::read(Algorithm::Rs256, &secret, KeyEncoding::Text).unwrap_err());
    let file = format!(r#"{{"client_email":"a@b.example","private_key":"{CANARY}"}}"#);
    silent(&ServiceAccountKey::read(&file.as_str().into()).unwrap());
    let token = jwt::sign(
        &serde_json::Map::new(),
        &serde_json::Map::from_iter([("jti".to_owned(), CANARY.into())]),
        &SigningKey::read(Algorithm::Hs256, &secret, KeyEncoding::Text).unwrap(),
    );
    silent(&jwt::unverified_claims(token.unwrap().expose()).unwrap());
}

#[test]
fn failures_keep_a_listed_code_at_most() {
    let headers = HeaderMap::new();
    for body in [
        format!(r#"{{"error":"{CANARY}","error_description":"{CANARY}"}}"#),
        format!(r#"{{"error":"invalid_grant","error_description":"{CANARY}"}}"#),
        format!(r#"{{"error":{{"message":"{CANARY}","code":"{CANARY}"}}}}"#),
        format!("<html>{CANARY}"),
        CANARY.to_owned(),
    ] {
        for status in [200, 302, 400, 401, 429, 500, 503] {
            let answer = Answer { status, headers: &headers, body: body.as_bytes(), now: NOW };
            let failure = failure::classify(&answer, GrantKind::RefreshToken, &[]);
            silent(&failure);
            assert!(!failure.to_string().contains("cnry"));
            silent(&revoke::read(&answer));
        }
    }
    assert_eq!(ErrorCode::read(CANARY), ErrorCode::ProviderError);
}
