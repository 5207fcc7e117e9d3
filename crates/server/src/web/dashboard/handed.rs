//! A link that was made just now, to hand on: it is shown this once, with a code for phones.

use askama::Template;
use axum::extract::Query;
use axum::response::Response;
use http::HeaderMap;
use keybearer_app::accounts::{self, Lookup};
use keybearer_core::{Code, Error, Result};
use qrcode::{Color, EcLevel, QrCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::accounts::person;
use super::answer::quoted;
use super::cookie::Cookie;
use super::frame::{Frame, Section};
use super::guard::Visit;
use super::links::spoken;

/// D14, after.
#[derive(Template)]
#[template(path = "dashboard/link_made.html")]
struct MadeView {
    frame: Frame,
    heading: String,
    says: String,
    hint: &'static str,
    url: String,
    qr: String,
    size: usize,
    about: (String, &'static str),
    mail: String,
    curl: String,
}

/// Which link it is. Its token is in a cookie.
#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    account: String,
    #[serde(default)]
    user: String,
    #[serde(default)]
    connections: String,
    #[serde(default)]
    manage: bool,
    #[serde(default)]
    language: String,
}

/// `GET /links/made?account=…`
pub(super) async fn link(visit: Visit, Query(asked): Query<Asked>, headers: HeaderMap) -> Response {
    let page = async {
        let account = accounts::get(visit.app(), visit.caller(), &Lookup::id(asked.account.as_str())).await?;
        let url = address(&visit, &headers, "c")?;
        let (user, connection) = (account.identifier, account.connection);
        let (locale, option) = language(&asked);
        let mut body = json!({"connection": connection, "identifier": user});
        add(&mut body, "locale", locale);
        let (qr, size) = code(&url)?;
        let view = MadeView {
            frame: frame(&visit, "Connect link")
                .command(format!("keybearer link {connection} --user {}{option}", quoted(&user))),
            heading: format!("Connect link for {user}"),
            says: format!(
                "Send it to the person. Whoever has it can connect the account of {user} on {connection}."
            ),
            hint: "It works until it succeeds or its time is over. Opening it does not use it up. It is shown this once.",
            mail: mail(&format!("please connect your {} account with this link", account.connector), &url),
            curl: api(&visit, "accounts:connect-link", &body),
            about: (format!("/accounts/{}", account.id), "The account"),
            url,
            qr,
            size,
        };
        Ok(visit.page(&view))
    };
    let page: Result<Response> = page.await;
    visit.answer(page)
}

/// `GET /links/page?user=…`
pub(super) async fn page(visit: Visit, Query(asked): Query<Asked>, headers: HeaderMap) -> Response {
    let page = page_view(&visit, &asked, &headers).map(|view| visit.page(&view));
    visit.answer(page)
}

fn page_view(visit: &Visit, asked: &Asked, headers: &HeaderMap) -> Result<MadeView> {
    let (url, user) = (address(visit, headers, "me")?, asked.user.clone());
    let connections: Vec<&str> = asked.connections.split(',').filter(|id| !id.is_empty()).collect();
    let (locale, option) = language(asked);
    let mut body = json!({"identifier": user, "manage": asked.manage});
    if !connections.is_empty() {
        add(&mut body, "connections", Some(&connections));
    }
    add(&mut body, "locale", locale);
    let named: String = connections.iter().map(|id| format!(" --connection {}", quoted(id))).collect();
    let choose = if asked.manage { "" } else { " --choose" };
    let (qr, size) = code(&url)?;
    Ok(MadeView {
        frame: frame(visit, "A user’s own page")
            .command(format!("keybearer user-page {}{named}{choose}{option}", quoted(&user))),
        heading: format!("Page for {user}"),
        says: match asked.manage {
            true => format!(
                "On it {user} sees what is connected, connects more, and disconnects. Whoever has it acts as them."
            ),
            false => {
                format!("On it {user} chooses what to connect. Whoever has it can connect accounts for them.")
            }
        },
        hint: "It works until its time is over, however often it is used. It is shown this once.",
        mail: mail("this page shows which services you can connect", &url),
        curl: api(visit, "user-pages", &body),
        about: (person::address(&user), "The user"),
        url,
        qr,
        size,
    })
}

fn frame(visit: &Visit, title: &str) -> Frame {
    visit.frame(Section::Accounts, title).under("/accounts", "Accounts").under("", title)
}

/// The address of what was made, by its token in the cookie.
fn address(visit: &Visit, headers: &HeaderMap, place: &str) -> Result<String> {
    let token = Cookie::Made.read(headers, visit.dash.is_secure());
    let gone = || {
        Error::new(Code::LinkExpired, "a link is shown only right after it was made")
            .with_help("make another one: the former one ends then")
    };
    Ok(format!("{}/{place}/{}", visit.app().issuer(), token.ok_or_else(gone)?))
}

/// The language that was chosen, and how the command line says it.
fn language(asked: &Asked) -> (Option<&'static str>, String) {
    let locale = spoken(&asked.language).into_iter().find(|one| one.chosen).map(|one| one.tag);
    (locale, locale.map_or_else(String::new, |tag| format!(" --locale {tag}")))
}

fn add(body: &mut Value, name: &str, value: Option<impl serde::Serialize>) {
    if let (Some(fields), Some(value)) = (body.as_object_mut(), value) {
        fields.insert(name.to_owned(), json!(value));
    }
}

/// A message that carries the link.
fn mail(asks: &str, url: &str) -> String {
    format!(
        "Hello,\n\n{asks}:\n{url}\n\nYou sign in at each service itself; we never see your password. It works until its time \
         is over."
    )
}

/// The call of the API that makes such a link.
fn api(visit: &Visit, path: &str, body: &Value) -> String {
    format!(
        "curl {}/api/v1/{path} \\\n  -H \"Authorization: Bearer $KEYBEARER_TOKEN\" \\\n  -H \"Content-Type: \
         application/json\" \\\n  -d {}",
        visit.app().issuer(),
        quoted(&body.to_string())
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
