//! Making a connect link, and showing it once with a code for phones.

use std::time::Duration;

use askama::Template;
use axum::extract::Query;
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use keybearer_app::accounts::Lookup;
use keybearer_app::connections::{self, ConnectionQuery};
use keybearer_app::flows::{self, LinkRequest};
use keybearer_app::{PageAsk, accounts};
use keybearer_core::{Code, ConnectionState, Error, Result};
use qrcode::{Color, EcLevel, QrCode};
use serde::Deserialize;

use super::accounts::badge;
use super::answer::quoted;
use super::answer::{see_other, sentence, with_cookie};
use super::connections::Badge;
use super::cookie::Cookie;
use super::form::Form;
use super::frame::{Frame, Section};
use super::guard::{Posted, Visit};
use crate::web::hosted::words::{LANGUAGES, Language};

/// For whom, where that is known already.
#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    connection: String,
    #[serde(default)]
    user: String,
    #[serde(default)]
    account: String,
    #[serde(default)]
    language: String,
}

/// A file that the page itself carries: saving it asks the server nothing.
pub(super) fn data_file(kind: &str, text: &str) -> String {
    let mut address = format!("data:{kind};charset=utf-8,");
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'/' => {
                address.push(char::from(byte))
            }
            other => address.push_str(&format!("%{other:02X}")),
        }
    }
    address
}

/// D14, before.
#[derive(Template)]
#[template(path = "dashboard/link.html")]
struct AskView {
    frame: Frame,
    choices: Vec<Choice>,
    user: String,
    existing: Vec<(String, Badge)>,
    lifetimes: Vec<Lifetime>,
    languages: Vec<Spoken>,
    return_url: String,
    return_error: Option<String>,
    wrong: Option<String>,
}

/// A connection that links can be made for.
struct Choice {
    id: String,
    name: String,
    connector: String,
    chosen: bool,
}

/// How long a link works.
struct Lifetime {
    seconds: u64,
    words: &'static str,
    chosen: bool,
}

/// What was typed before.
struct Typed {
    connection: String,
    user: String,
    lifetime: u64,
    language: String,
    return_url: String,
}

impl Default for Typed {
    fn default() -> Self {
        let empty = String::new;
        Self { connection: empty(), user: empty(), lifetime: 86_400, language: empty(), return_url: empty() }
    }
}

impl Typed {
    fn read(form: &Form) -> Self {
        Self {
            connection: form.text("connection"),
            user: form.text("user"),
            lifetime: form.text("lifetime").parse().unwrap_or(86_400),
            language: form.text("language"),
            return_url: form.text("return_url"),
        }
    }
}

/// What is wrong above the form, and at the return URL.
fn told(error: Option<&Error>) -> (Option<String>, Option<String>) {
    let Some(error) = error else { return (None, None) };
    let Some(wrong) = error.violations.first() else { return (Some(sentence(&error.detail)), None) };
    match wrong.field.as_str() {
        "return_url" => {
            let help = error.help.as_deref().map(|help| format!(" {}", sentence(help))).unwrap_or_default();
            (None, Some(format!("{}{help}", sentence(&format!("this {}", wrong.description)))))
        }
        "identifier" => (Some(sentence(&format!("the user {}", wrong.description))), None),
        field => (Some(sentence(&format!("{field} {}", wrong.description))), None),
    }
}

/// A language that the pages of the link can be in.
struct Spoken {
    tag: &'static str,
    name: &'static str,
    chosen: bool,
}

/// The languages to choose from, each named in itself.
fn spoken(chosen: &str) -> Vec<Spoken> {
    let one = |language: &'static Language| Spoken {
        tag: language.tag,
        name: language.name,
        chosen: language.tag == chosen,
    };
    LANGUAGES.iter().map(one).collect()
}

/// D14, after.
#[derive(Template)]
#[template(path = "dashboard/link_made.html")]
struct MadeView {
    frame: Frame,
    url: String,
    qr: String,
    size: usize,
    account: String,
    user: String,
    connection: String,
    mail: String,
    curl: String,
}

/// How long a link can work, and how that is said.
pub(super) const LIFETIMES: [(u64, &str); 5] = [
    (900, "15 minutes"),
    (3600, "1 hour"),
    (86_400, "24 hours"),
    (7 * 86_400, "7 days"),
    (30 * 86_400, "30 days"),
];

/// `GET /links`
pub(super) async fn ask(visit: Visit, Query(asked): Query<Asked>) -> Response {
    let page = async {
        let typed = Typed { connection: asked.connection, user: asked.user, ..Typed::default() };
        let view = ask_view(&visit, typed, None).await?;
        Ok(visit.page(&view))
    };
    let page: Result<Response> = page.await;
    visit.answer(page)
}

/// `POST /links`
pub(super) async fn make(Posted { visit, form }: Posted) -> Response {
    let done = async {
        match create(&visit, &form).await {
            Ok(link) => {
                let token = link.url.path().rsplit('/').next().unwrap_or_default().to_owned();
                let language = form.text("language");
                let language = spoken(&language).into_iter().find(|one| one.chosen);
                let language = language.map_or_else(String::new, |one| format!("&language={}", one.tag));
                let to = see_other(&format!("/links/made?account={}{language}", link.account_id));
                Ok(with_cookie(to, Cookie::Made.set(&token, visit.dash.is_secure())))
            }
            Err(error) if error.code == Code::InvalidArgument => {
                let view = ask_view(&visit, Typed::read(&form), Some(&error)).await?;
                Ok(visit.page_with(StatusCode::UNPROCESSABLE_ENTITY, &view))
            }
            Err(error) => Err(error),
        }
    };
    let done: Result<Response> = done.await;
    visit.answer(done)
}

async fn create(visit: &Visit, form: &Form) -> Result<flows::Link> {
    let account = form.text("account");
    let lookup = match account.is_empty() {
        true => Lookup::of(form.text("connection"), form.text("user").trim()),
        false => Lookup::id(account),
    };
    let seconds = form
        .text("lifetime")
        .parse()
        .ok()
        .filter(|seconds| LIFETIMES.iter().any(|(known, _)| known == seconds));
    let request = LinkRequest {
        lookup,
        lifetime: seconds.map(Duration::from_secs),
        locale: Some(form.text("language")),
        return_url: Some(form.text("return_url")),
        ..LinkRequest::default()
    };
    flows::create_link(visit.app(), visit.caller(), request).await
}

/// `GET /links/made?account=…`
pub(super) async fn made(visit: Visit, Query(asked): Query<Asked>, headers: HeaderMap) -> Response {
    let page = async {
        let account = accounts::get(visit.app(), visit.caller(), &Lookup::id(asked.account)).await?;
        let token = Cookie::Made.read(&headers, visit.dash.is_secure());
        let gone = || {
            Error::new(Code::LinkExpired, "a link is shown only right after it was made")
                .with_help("make another one: the former one ends then")
        };
        let url = format!("{}/c/{}", visit.app().issuer(), token.ok_or_else(gone)?);
        let (qr, size) = code(&url)?;
        let frame = visit
            .frame(Section::Accounts, "Connect link")
            .under("/accounts", "Accounts")
            .under("", "Connect link");
        let locale = spoken(&asked.language).into_iter().find(|one| one.chosen).map(|one| one.tag);
        let option = locale.map_or_else(String::new, |tag| format!(" --locale {tag}"));
        let view = MadeView {
            frame: frame.command(format!(
                "keybearer link {} --user {}{option}",
                account.connection, account.identifier
            )),
            mail: mail(&account.connector, &url),
            curl: api(visit.app().issuer(), &account.connection, &account.identifier, locale),
            account: account.id.to_string(),
            user: account.identifier,
            connection: account.connection,
            url,
            qr,
            size,
        };
        Ok(visit.page(&view))
    };
    let page: Result<Response> = page.await;
    visit.answer(page)
}

async fn ask_view(visit: &Visit, typed: Typed, error: Option<&Error>) -> Result<AskView> {
    let query = ConnectionQuery { state: Some(ConnectionState::Active), ..ConnectionQuery::default() };
    let listed = connections::list(visit.app(), visit.caller(), &query, &PageAsk::first(100)).await?;
    let existing = match typed.user.trim() {
        "" => Vec::new(),
        known => accounts::of_person(visit.app(), visit.caller(), known).await?,
    };
    let choice = |one: connections::Connection| Choice {
        chosen: one.id.as_str() == typed.connection || one.name == typed.connection,
        id: one.id.to_string(),
        name: one.name,
        connector: one.connector_display_name,
    };
    let lifetimes = LIFETIMES.into_iter();
    let frame = visit.frame(Section::Accounts, "Create a connect link").under("/accounts", "Accounts");
    let (wrong, return_error) = told(error);
    Ok(AskView {
        frame: frame
            .under("", "Create a link")
            .command("keybearer link CONNECTION --user USER --works-for 1440 --locale de"),
        choices: listed.items.into_iter().map(choice).collect(),
        user: typed.user.clone(),
        languages: spoken(&typed.language),
        existing: existing.into_iter().map(|one| (one.connection, badge(one.status))).collect(),
        lifetimes: lifetimes
            .map(|(seconds, words)| Lifetime { seconds, words, chosen: seconds == typed.lifetime })
            .collect(),
        return_url: typed.return_url,
        return_error,
        wrong,
    })
}

/// A message that carries the link.
fn mail(service: &str, url: &str) -> String {
    format!(
        "Hello,\n\nplease connect your {service} account with this link:\n{url}\n\nYou sign in at the service itself; we never see \
         your password. The link works until it succeeds or its time is over."
    )
}

/// The call of the API that makes such a link.
fn api(issuer: &str, connection: &str, user: &str, locale: Option<&str>) -> String {
    let mut body = serde_json::json!({"connection": connection, "identifier": user});
    if let (Some(fields), Some(locale)) = (body.as_object_mut(), locale) {
        fields.insert("locale".to_owned(), locale.into());
    }
    let body = body.to_string();
    format!(
        "curl {issuer}/api/v1/accounts:connect-link \\\n  -H \"Authorization: Bearer $KEYBEARER_TOKEN\" \\\n  -H \"Content-Type: \
         application/json\" \\\n  -d {}",
        quoted(&body)
    )
}

/// The dark modules of the code as the data of a path, and how many modules wide it is with its quiet zone.
pub(super) fn code(text: &str) -> Result<(String, usize)> {
    use std::fmt::Write as _;
    const QUIET: usize = 4;
    let code = QrCode::with_error_correction_level(text, EcLevel::M);
    let code = code.map_err(|_| Error::internal("the link does not fit into a code"))?;
    let (width, mut path) = (code.width(), String::new());
    for (number, color) in code.to_colors().into_iter().enumerate() {
        if color == Color::Dark {
            let (x, y) = (number % width + QUIET, number / width + QUIET);
            let _ = write!(path, "M{x} {y}h1v1h-1z");
        }
    }
    Ok((path, width + 2 * QUIET))
}

#[cfg(test)]
mod tests {
    use super::code;

    #[test]
    fn a_link_becomes_a_code_of_squares_only() {
        let (path, size) = code("https://keys.example/c/0123456789abcdefghjkmnpqrstvwxyz").unwrap();
        assert!((29..=61).contains(&size) && path.starts_with("M4 4h1v1h-1z"));
        assert!(path.bytes().all(|byte| byte.is_ascii_digit() || b"Mhvz- ".contains(&byte)));
    }
}
