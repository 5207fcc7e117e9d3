//! What a provider says, for the developer who tests a connection: short, plain, and without anything that could be a
//! secret. Nobody else ever sees it.

use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_TYPE, DATE};
use keybearer_connectors::engine::{Context, Grant};
use keybearer_core::{SecretString, Timestamp};
use keybearer_oauth::{Document, Path};

/// The longest text that is kept.
const MAX: usize = 300;
/// Values shorter than this are words, not secrets.
const SHORT: usize = 6;
/// Longer runs of letters and digits could be a token that we do not know.
const LONG_RUN: usize = 32;
const BLANK: &str = "•••";

/// Where providers put the name of an error, and where they explain it.
const NAMES: &[&str] = &["error", "error.code", "error.type", "errorCode", "code"];
const SENTENCES: &[&str] =
    &["error_description", "error.message", "error_message", "message", "errors[0].message", "error_uri"];

/// Everything of a token call that must not be told.
pub(crate) fn secrets_of<'a>(context: &'a Context<'_>, grant: &'a Grant) -> Vec<&'a SecretString> {
    let open = |name: &str| matches!(name, "client_id" | "redirect_uri") || name.ends_with("_url");
    let mut secrets: Vec<&SecretString> =
        context.bindings.iter().filter(|(name, _)| !open(name)).map(|(_, value)| value).collect();
    if let Grant::AuthorizationCode { code, verifier, .. } = grant {
        secrets.push(code);
        secrets.extend(verifier);
    }
    secrets
}

/// The error of an answer in the provider's words; `None` when it names none.
pub(crate) fn of_answer(response: &http::Response<Bytes>, secrets: &[&SecretString]) -> Option<String> {
    let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let markup = content_type.is_some_and(|kind| kind.contains("html"));
    if markup {
        return (!response.status().is_success()).then(|| "a web page".to_owned());
    }
    let document = Document::from_body(content_type, response.body()).ok()?;
    let first = |paths: &[&str]| {
        let texts = paths.iter().filter_map(|path| document.text(&Path::parse(path).ok()?));
        texts.map(|text| text.expose().clone()).find(|text| !text.trim().is_empty())
    };
    let name = first(NAMES)?;
    let told = match first(SENTENCES) {
        Some(sentence) if sentence != name => format!("{name}: {sentence}"),
        _ => name,
    };
    Some(blanked(&told, secrets))
}

/// One line of at most 300 characters, in which every known secret and every long run of letters and digits is blank.
pub(crate) fn blanked(text: &str, secrets: &[&SecretString]) -> String {
    let mut line: String =
        text.split(|c: char| c.is_whitespace() || c.is_control()).collect::<Vec<_>>().join(" ");
    for secret in secrets {
        let secret = secret.expose();
        if secret.chars().count() >= SHORT {
            line = line.replace(secret.as_str(), BLANK);
        }
    }
    let mut shown = String::new();
    let mut run = String::new();
    for character in line.chars().chain(std::iter::once(' ')) {
        if character.is_ascii_alphanumeric() || matches!(character, '_' | '-') {
            run.push(character);
            continue;
        }
        let is_words = run.len() < LONG_RUN || !run.bytes().any(|byte| byte.is_ascii_digit());
        shown.push_str(if is_words { &run } else { BLANK });
        run.clear();
        shown.push(character);
    }
    shown.trim().chars().take(MAX).collect()
}

/// How many seconds the provider's clock is ahead of ours, by its `Date`.
pub(crate) fn skew(headers: &HeaderMap, now: Timestamp) -> Option<i64> {
    let date = keybearer_oauth::expiry::date(headers.get(DATE)?.to_str().ok()?)?;
    Some(date.seconds() - now.seconds())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(kind: &str, body: &str) -> http::Response<Bytes> {
        let builder = http::Response::builder().status(400).header(CONTENT_TYPE, kind);
        builder.body(Bytes::from(body.to_owned())).unwrap()
    }

    #[test]
    fn the_providers_error_is_told_without_secrets() {
        let secret = SecretString::from("s3cr3t-of-the-app");
        let body = r#"{"error":"redirect_uri_mismatch","error_description":"s3cr3t-of-the-app is not\nhttps://a.example/cb"}"#;
        let told = of_answer(&answer("application/json", body), &[&secret]).unwrap();
        assert_eq!(told, "redirect_uri_mismatch: ••• is not https://a.example/cb");
        let unknown = blanked("the token ya29a0AfH6SMBx1234567890abcdefghijklmnop is bad", &[]);
        assert_eq!(unknown, "the token ••• is bad");
        assert_eq!(of_answer(&answer("text/html", "<h1>cnry</h1>"), &[]).unwrap(), "a web page");
        assert_eq!(of_answer(&answer("application/json", r#"{"access_token":"cnry"}"#), &[]), None);
        assert!(blanked(&"word ".repeat(500), &[]).chars().count() <= MAX);
    }
}
