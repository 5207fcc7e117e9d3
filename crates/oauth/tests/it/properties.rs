use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method};
use keybearer_core::{SecretString, Timestamp};
use keybearer_oauth::expiry::{self, Expiry, Unit};
use keybearer_oauth::failure::{self, Answer, GrantKind};
use keybearer_oauth::jwt::{self, Algorithm, KeyEncoding, ServiceAccountKey, SigningKey};
use keybearer_oauth::token::TokenRules;
use keybearer_oauth::{Document, Params, Path, callback, metadata, oauth1, percent_encode, sigv4};
use proptest::prelude::*;
use serde_json::Value;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

/// Text that is close to what the parsers look for.
fn syntax() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[-a-z0-9$.\\[\\]='\"*_ ]{0,40}",
        "(code|state|error|iss|oauth_token|denied|=|&|%0|%00|a|\\+){0,20}",
        "[\\[\\]{}\":,0-9a-z ]{0,60}",
        "[0-9:TZ +.eE-]{0,30}",
        "-{0,6}(BEGIN|END|PRIVATE|RSA|KEY| |-|\n|\\\\n|[A-Za-z0-9+/=]){0,30}",
    ]
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    let key = prop_oneof![
        "access_token|refresh_token|expires_in|expires_at|scope|error|errors|code|token_type|id_token",
        any::<String>()
    ];
    leaf.prop_recursive(4, 32, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(key.clone(), inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn text_parsers_never_panic(text in syntax(), name in syntax()) {
        let secret = SecretString::from(text.as_str());
        let _ = callback::parse(&text, Some(&name));
        let _ = callback::parse_oauth1(&text);
        let _ = oauth1::read_token_answer(text.as_bytes());
        let _ = metadata::parse(text.as_bytes(), &name, &[]);
        let _ = jwt::unverified_claims(&text);
        let _ = jwt::public_key_fingerprint(&secret);
        let _ = ServiceAccountKey::read(&secret);
        let _ = expiry::date(&text);
        for encoding in [KeyEncoding::Text, KeyEncoding::Base64, KeyEncoding::Base64Url, KeyEncoding::Hex] {
            let _ = encoding.decode(&secret);
        }
        for algorithm in [Algorithm::Rs256, Algorithm::Es256, Algorithm::Hs256] {
            let _ = SigningKey::read(algorithm, &secret, KeyEncoding::Text);
        }
    }

    #[test]
    fn answers_of_any_bytes_are_classified(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        status in 100_u16..1000,
        wait in "[ -~]{0,20}",
    ) {
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", HeaderValue::from_str(&wait).unwrap());
        let answer = Answer { status, headers: &headers, body: &bytes, now: NOW };
        let _ = failure::classify(&answer, GrantKind::RefreshToken, &[]);
        let waits = failure::retry_after(&headers, "retry-after", NOW);
        prop_assert!(waits.is_none_or(|wait| wait <= Duration::from_secs(3600)));
    }

    #[test]
    fn any_document_is_read_or_refused_and_every_end_lies_within_the_limit(value in json()) {
        let document = Document::from_value(value);
        if let Ok(set) = TokenRules::default().read(document, NOW) {
            prop_assert!(set.access_token.expose().bytes().all(|byte| (0x20..0x7f).contains(&byte)));
            prop_assert!(set.expires_at.is_none_or(|end| end <= NOW.plus(expiry::MAX_LIFE)));
        }
    }

    #[test]
    fn every_value_is_an_expiry_or_none(value in json(), text in syntax()) {
        for value in [value, Value::from(text)] {
            for unit in [Unit::Seconds, Unit::Millis] {
                for expiry in [
                    expiry::relative(Some(&value), unit, NOW),
                    expiry::absolute(Some(&value), None, NOW),
                    expiry::absolute(Some(&value), Some(unit), NOW),
                ] {
                    if let Expiry::At(end) | Expiry::Clamped(end) = expiry {
                        prop_assert!(end <= NOW.plus(expiry::MAX_LIFE));
                    }
                }
            }
        }
    }

    #[test]
    fn paths_that_parse_find_without_panic_and_read_back(text in syntax(), document in json()) {
        if let Ok(path) = Path::parse(&text) {
            let all = path.find_all(&document);
            prop_assert_eq!(path.find(&document), all.first().copied());
            let written = path.to_string();
            if !written.contains(['\'', '"']) {
                prop_assert_eq!(Path::parse(&written), Ok(path), "{}", written);
            }
        }
    }

    #[test]
    fn forms_read_back_what_was_put_in(pairs in prop::collection::vec((any::<String>(), any::<String>()), 0..6)) {
        let params: Params = pairs.clone().into_iter().collect();
        let form = params.to_form();
        let read: Vec<(String, String)> =
            form_urlencoded::parse(form.expose().as_bytes()).into_owned().collect();
        prop_assert_eq!(read, pairs);
    }

    #[test]
    fn a_callback_returns_the_code_that_was_encoded(code in "[ -~]{1,80}", state in "[ -~]{1,80}") {
        let sent: Params = [("code", code.as_str()), ("state", state.as_str())].into_iter().collect();
        let callback = callback::parse(sent.to_form().expose(), None).unwrap();
        prop_assert_eq!(callback.state.expose(), &state);
        match callback.outcome {
            callback::Outcome::Code(read) => prop_assert_eq!(read.expose(), &code),
            callback::Outcome::Error { .. } => prop_assert!(false, "must be a code"),
        }
    }

    #[test]
    fn percent_encoding_reverses(text in any::<String>()) {
        let encoded = percent_encode(&text);
        let decoded = percent_encoding::percent_decode_str(&encoded).decode_utf8().unwrap();
        prop_assert_eq!(decoded.into_owned(), text);
    }

    #[test]
    fn any_request_can_be_signed(path in "[!-~é]{0,30}", query in "[!-~]{0,30}", body in any::<Vec<u8>>()) {
        let Ok(url) = format!("https://a.example/{path}?{query}").parse::<url::Url>() else { return Ok(()) };
        let secret = SecretString::from("s");
        let signer = sigv4::Signer {
            access_key_id: "id",
            secret_access_key: &secret,
            session_token: None,
            region: "r",
            service: "s",
            now: NOW,
            style: sigv4::Style::Standard,
        };
        let headers = HeaderMap::new();
        let payload = sigv4::Payload::Bytes(&body);
        let request = sigv4::Request { method: &Method::GET, url: &url, headers: &headers, payload };
        prop_assert!(signer.sign(&request).is_ok());
        let _ = oauth1::base_string(&Method::POST, &url, Some(&body), &[]);
    }
}
