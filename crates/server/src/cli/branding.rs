//! `keybearer branding`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::{Args, Subcommand};
use http::Method;
use keybearer_core::{Error, Result};
use serde_json::{Map, Value, json};

use super::Context;
use super::environments;
use super::output::{list, text};
use super::session::{Session, encoded};

#[derive(Debug, Subcommand)]
pub(crate) enum Branding {
    /// Show how the pages look, what they say, and where they lead
    Show {
        /// Id or name of the environment; not needed where there is one
        #[arg(long)]
        environment: Option<String>,
    },
    /// Change it; what is not given stays as it is, an empty value takes it away
    Set(Box<Set>),
}

#[derive(Debug, Args)]
pub(crate) struct Set {
    /// Id or name of the environment; not needed where there is one
    #[arg(long)]
    environment: Option<String>,
    /// The name of your app
    #[arg(long)]
    app_name: Option<String>,
    /// SVG or PNG of at most 64 KB, or `none`
    #[arg(long, value_name = "FILE")]
    logo: Option<String>,
    /// The same for dark surfaces
    #[arg(long, value_name = "FILE")]
    logo_dark: Option<String>,
    /// One colour, for example '#00b2e3'; links and focus are made readable from it
    #[arg(long)]
    colour: Option<String>,
    /// How round things are
    #[arg(long, value_parser = ["soft", "square", "round"])]
    corners: Option<String>,
    /// In which letters
    #[arg(long, value_parser = ["built-in", "system"])]
    font: Option<String>,
    /// In which theme
    #[arg(long, value_parser = ["auto", "light", "dark"])]
    theme: Option<String>,
    /// Where people find help
    #[arg(long, value_name = "URL")]
    support_url: Option<String>,
    /// What your app does with data
    #[arg(long, value_name = "URL")]
    privacy_url: Option<String>,
    /// The line about Keybearer below each page
    #[arg(long, value_name = "on|off", value_parser = ["on", "off"])]
    footer: Option<String>,
    /// A language that the pages are not shown in; repeat it, `none` for all on
    #[arg(long = "language-off", value_name = "TAG")]
    languages_off: Vec<String>,
    /// The language for people who read none of the others
    #[arg(long, value_name = "TAG")]
    default_language: Option<String>,
    /// A sentence in place of ours: LANGUAGE.KEY=TEXT; repeat it, empty for ours again
    #[arg(long = "word", value_name = "LANGUAGE.KEY=TEXT")]
    words: Vec<String>,
    /// What addresses that a link leads back to must begin with; repeat it, `none` for no limit
    #[arg(long = "return-url", value_name = "URL")]
    return_urls: Vec<String>,
    /// A site that may show the pages inside its own; repeat it, `none` for none
    #[arg(long = "embed-origin", value_name = "ORIGIN")]
    embed_origins: Vec<String>,
}

pub(crate) async fn run(command: Branding, context: &mut Context) -> Result<()> {
    let body = match &command {
        Branding::Show { .. } => None,
        Branding::Set(set) => Some(body(set)?),
    };
    let session = Session::open(context).await?;
    let environment = match &command {
        Branding::Show { environment } => environment,
        Branding::Set(set) => &set.environment,
    };
    let id = match environment {
        Some(given) => environments::find(&session, given).await?,
        None => only(&session).await?,
    };
    let path = format!("/api/v1/environments/{}/pages", encoded(&id));
    let pages = match body {
        Some(body) => session.api(Method::PATCH, &path, Some(&body)).await?,
        None => session.get(&path).await?,
    };
    context.out.result(&pages, words)
}

/// The environment, where the API client sees one only.
async fn only(session: &Session) -> Result<String> {
    let answer = session.get("/api/v1/environments?page_size=100").await?;
    match list(&answer, "environments") {
        [one] => Ok(text(one, "id").to_owned()),
        _ => Err(Error::field("--environment", "must say which one: the API client sees several")
            .with_help("list them: `keybearer environments list`")),
    }
}

fn body(set: &Set) -> Result<Value> {
    let mut body = Map::new();
    let texts = [
        ("app_name", &set.app_name),
        ("colour", &set.colour),
        ("corners", &set.corners),
        ("font", &set.font),
        ("theme", &set.theme),
        ("support_url", &set.support_url),
        ("privacy_url", &set.privacy_url),
        ("default_language", &set.default_language),
    ];
    for (name, value) in texts {
        if let Some(value) = value {
            body.insert(name.to_owned(), json!(value));
        }
    }
    if let Some(switch) = &set.footer {
        body.insert("footer".to_owned(), json!(switch == "on"));
    }
    for (name, values) in [
        ("languages_off", &set.languages_off),
        ("return_urls", &set.return_urls),
        ("embed_origins", &set.embed_origins),
    ] {
        if !values.is_empty() {
            let values: Vec<&String> = values.iter().filter(|value| *value != "none").collect();
            body.insert(name.to_owned(), json!({"values": values}));
        }
    }
    for (name, file) in [("logo", &set.logo), ("logo_dark", &set.logo_dark)] {
        if let Some(file) = file {
            body.insert(name.to_owned(), json!(picture(name, file)?));
        }
    }
    if !set.words.is_empty() {
        body.insert("words".to_owned(), set.words.iter().map(|word| one_word(word)).collect::<Result<_>>()?);
    }
    if body.is_empty() {
        return Err(Error::field("--app-name", "or another value must be given: there is nothing to change")
            .with_help("see them all: `keybearer branding set --help`"));
    }
    Ok(Value::Object(body))
}

fn picture(name: &str, file: &str) -> Result<String> {
    if file == "none" {
        return Ok(String::new());
    }
    let read = std::fs::read(file);
    let option = format!("--{}", name.replace('_', "-"));
    let bytes = read.map_err(|error| Error::field(option, format!("cannot be read ({})", error.kind())))?;
    Ok(STANDARD.encode(bytes))
}

fn one_word(given: &str) -> Result<Value> {
    let read = given.split_once('=').and_then(|(name, text)| Some((name.split_once('.')?, text)));
    let ((language, key), text) = read.ok_or_else(|| {
        Error::field("--word", "must be LANGUAGE.KEY=TEXT, for example de.cancel=Abbrechen")
    })?;
    Ok(json!({"language": language, "key": key, "text": text}))
}

fn words(pages: &Value) -> String {
    let or = |name: &str, instead: &str| match text(pages, name) {
        "" => instead.to_owned(),
        value => value.to_owned(),
    };
    let all = |name: &str, instead: &str| match list(pages, name) {
        [] => instead.to_owned(),
        values => values.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
    };
    let footer = pages.get("footer").and_then(Value::as_bool).unwrap_or_default();
    let mut lines: Vec<(&str, String)> = vec![
        ("App name", or("app_name", "")),
        ("Logo", or("logo", "a letter on a tile")),
        ("Logo, dark", or("logo_dark", "the light one on a plate")),
        ("Colour", or("colour", "ours")),
        ("Corners", or("corners", "")),
        ("Font", or("font", "")),
        ("Theme", or("theme", "")),
        ("Support", or("support_url", "no link")),
        ("Privacy", or("privacy_url", "no link")),
        ("Keybearer line", if footer { "on" } else { "off" }.to_owned()),
        ("Languages off", all("languages_off", "none")),
        ("Usual language", or("default_language", "en")),
        ("Return URLs", all("return_urls", "every address")),
        ("Embedding", all("embed_origins", "nowhere")),
    ];
    for word in list(pages, "words") {
        let name = format!("{}.{}", text(word, "language"), text(word, "key"));
        lines.push(("Wording", format!("{name} = {}", text(word, "text"))));
    }
    if !list(pages, "left_out").is_empty() {
        lines.push(("Left out", format!("of the logo: {}", all("left_out", ""))));
    }
    let lines: Vec<String> = lines.into_iter().map(|(label, value)| format!("{label:<15} {value}")).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_may_hold_what_separates_it() {
        let word = one_word("en.start.heading={app} = {provider}").unwrap();
        assert_eq!(word, json!({"language": "en", "key": "start.heading", "text": "{app} = {provider}"}));
        for bad in ["cancel=x", "en.cancel", ""] {
            assert!(one_word(bad).is_err(), "{bad}");
        }
    }
}
