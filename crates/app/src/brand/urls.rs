//! Where pages may lead back to, and who may show them inside their own.

use keybearer_core::ids::EnvironmentId;
use keybearer_core::{Error, FieldViolation, Result};
use url::{Host, Url};

use crate::flows;
use crate::state::App;

/// Longest address.
const LONGEST: usize = 2048;
/// Most entries of a list.
const MOST: usize = 50;

/// A web address as a person gives it: http or https, without a user.
pub(super) fn web(field: &str, text: &str) -> Result<Url, FieldViolation> {
    let wrong = || FieldViolation {
        field: field.to_owned(),
        description: "must be a whole web address that begins with https:// (or http:// while developing)"
            .to_owned(),
    };
    let text = text.trim();
    let strange =
        text.len() > LONGEST || text.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\');
    let written_out = text.starts_with("https://") || text.starts_with("http://");
    let url = Url::parse(text).ok().filter(|_| written_out && !strange).ok_or_else(wrong)?;
    let plain = url.username().is_empty() && url.password().is_none() && url.host().is_some();
    if plain { Ok(url) } else { Err(wrong()) }
}

/// The entries of a list of addresses; each wrong one is named by its number.
pub(super) fn list(field: &str, texts: &[String]) -> Result<Vec<Url>, FieldViolation> {
    let mut urls: Vec<Url> = Vec::new();
    for (number, text) in texts.iter().map(|text| text.trim()).filter(|text| !text.is_empty()).enumerate() {
        let url = web(field, text).map_err(|wrong| numbered(field, number, &wrong.description))?;
        if url.fragment().is_some() || url.query().is_some() {
            return Err(numbered(field, number, "must be an origin with a path, without ? and #"));
        }
        if !urls.contains(&url) {
            urls.push(url);
        }
    }
    if urls.len() > MOST {
        return Err(FieldViolation {
            field: field.to_owned(),
            description: "must have at most 50 lines".to_owned(),
        });
    }
    Ok(urls)
}

/// Origins as they stand in a policy: scheme, host and port, nothing that could end its place there.
pub(super) fn origins(field: &str, texts: &[String]) -> Result<Vec<String>, FieldViolation> {
    let mut origins: Vec<String> = Vec::new();
    for (number, url) in list(field, texts)?.into_iter().enumerate() {
        let local = matches!(url.host_str(), Some("localhost" | "127.0.0.1"));
        if url.scheme() != "https" && !local {
            return Err(numbered(field, number, "must begin with https://"));
        }
        if url.path() != "/" || matches!(url.host(), Some(Host::Ipv6(_))) {
            return Err(numbered(field, number, "must be an origin, for example https://app.example.com"));
        }
        let origin = url.origin().ascii_serialization();
        if !origin.bytes().all(|byte| byte.is_ascii_alphanumeric() || b":/.-".contains(&byte)) {
            return Err(numbered(field, number, "must be an origin, for example https://app.example.com"));
        }
        if !origins.contains(&origin) {
            origins.push(origin);
        }
    }
    Ok(origins)
}

fn numbered(field: &str, number: usize, what: &str) -> FieldViolation {
    let description = format!("line {} {what}", number + 1);
    FieldViolation { field: field.to_owned(), description }
}

/// Reads where a link leads back to, by the list of its environment. An empty list allows every web address.
///
/// # Errors
/// `InvalidArgument` at `field`, saying where the list is.
pub(crate) async fn return_url(
    app: &App,
    environment: &EnvironmentId,
    field: &str,
    text: &str,
) -> Result<Url> {
    let url = web(field, text).map_err(|wrong| Error::field(wrong.field, wrong.description))?;
    let allowed = super::show::settings(app, environment).await?.return_urls;
    if allowed.is_empty() || allowed.iter().any(|entry| flows::covers(entry, &url)) {
        return Ok(url);
    }
    Err(Error::field(field, "must begin with an address of the allowed return URLs of this environment")
        .with_help(
            "add it under Hosted pages, Allowed return URLs, or with `keybearer branding set --return-url …`",
        ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(all: &[&str]) -> Vec<String> {
        all.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn only_whole_web_addresses_count() {
        assert!(web("x", " https://a.example/help?x=1#y ").is_ok());
        for bad in [
            "javascript:alert(1)",
            "data:text/html,x",
            "//a.example",
            "/help",
            "https:a.example",
            "https://user@a.example",
            "https://a.example\\@b.example",
            "https://a.ex ample",
            "mailto:a@example.com",
            "",
        ] {
            assert!(web("x", bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_origin_cannot_say_more_than_itself_in_a_policy() {
        let good = origins(
            "x",
            &texts(&["https://App.example.com/", "", "https://app.example.com", "http://localhost:3000"]),
        );
        assert_eq!(good.unwrap(), ["https://app.example.com", "http://localhost:3000"]);
        for bad in [
            "https://a.example; script-src *",
            "https://a.example,https://b.example",
            "https://*.example",
            "*",
            "'self'",
            "https://a.example/x",
            "http://a.example",
            "https://a.example'",
        ] {
            assert!(origins("x", &texts(&[bad])).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_wrong_line_is_named() {
        let wrong = list("return_urls", &texts(&["https://a.example", "", "b.example"])).unwrap_err();
        assert!(wrong.description.starts_with("line 2 must"), "{}", wrong.description);
    }
}
