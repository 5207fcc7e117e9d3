//! Making a connect link, or a page on which a user chooses among several connections.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use askama::Template;
use axum::extract::{Path, Query};
use axum::response::Response;
use http::StatusCode;
use keybearer_app::accounts::{AccountQuery, Lookup};
use keybearer_app::connections::{self, ConnectionQuery};
use keybearer_app::flows::{self, LinkRequest};
use keybearer_app::user_pages::{self, UserPageRequest};
use keybearer_app::{PageAsk, accounts};
use keybearer_core::{Code, ConnectionState, Error, Result};
use serde::Deserialize;

use super::accounts::badge;
use super::accounts::person::address;
use super::answer::{see_other, sentence, with_cookie};
use super::connections::Badge;
use super::cookie::Cookie;
use super::flash::Flash;
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
    several: bool,
    users: Vec<String>,
    /// What can be filled in for the user, and for which connection; absent until that is asked for.
    fill: Option<Fill>,
    user: String,
    existing: Vec<(String, Badge)>,
    lifetimes: Vec<Lifetime>,
    languages: Vec<Spoken>,
    note: String,
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
    also: bool,
}

/// The fields of a connection that are filled in for the user.
struct Fill {
    connection: String,
    name: String,
    fields: Vec<FillField>,
}

/// One of them.
struct FillField {
    name: String,
    label: String,
    help: Option<String>,
    example: Option<String>,
    choices: Vec<String>,
    value: String,
    error: Option<String>,
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
    also: Vec<String>,
    /// The connection that fields were shown of, and what they hold.
    fields_of: String,
    fields: BTreeMap<String, String>,
    user: String,
    lifetime: u64,
    language: String,
    note: String,
    return_url: String,
}

impl Default for Typed {
    fn default() -> Self {
        let empty = String::new;
        Self {
            connection: empty(),
            also: Vec::new(),
            fields_of: empty(),
            fields: BTreeMap::new(),
            user: empty(),
            lifetime: 86_400,
            language: empty(),
            note: empty(),
            return_url: empty(),
        }
    }
}

impl Typed {
    fn read(form: &Form) -> Self {
        Self {
            connection: form.text("connection"),
            also: form.all("also"),
            fields_of: form.text("fields_of"),
            fields: filled(form),
            user: form.text("user"),
            lifetime: form.text("lifetime").parse().unwrap_or(86_400),
            language: form.text("language"),
            note: form.text("note"),
            return_url: form.text("return_url"),
        }
    }
}

/// What was filled in for the user.
fn filled(form: &Form) -> BTreeMap<String, String> {
    let given = form.0.0.iter().filter_map(|(name, value)| Some((name.strip_prefix("field.")?, value)));
    given
        .map(|(name, value)| (name.to_owned(), value.expose().trim().to_owned()))
        .filter(|(_, value)| !value.is_empty())
        .collect()
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
        field if field.starts_with("fields.") => (None, None),
        "identifier" => (Some(sentence(&format!("the user {}", wrong.description))), None),
        "note" => (Some(sentence(&format!("the note {}", wrong.description))), None),
        "connection" => (Some(sentence(&format!("the connection {}", wrong.description))), None),
        field => (Some(sentence(&format!("{field} {}", wrong.description))), None),
    }
}

/// A language that the pages of the link can be in.
pub(super) struct Spoken {
    pub tag: &'static str,
    name: &'static str,
    pub chosen: bool,
}

/// The languages to choose from, each named in itself.
pub(super) fn spoken(chosen: &str) -> Vec<Spoken> {
    let one = |language: &'static Language| Spoken {
        tag: language.tag,
        name: language.name,
        chosen: language.tag == chosen,
    };
    LANGUAGES.iter().map(one).collect()
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
        if form.has("fill") {
            let typed = Typed { fields_of: form.text("connection"), ..Typed::read(&form) };
            return Ok(visit.page(&ask_view(&visit, typed, None).await?));
        }
        match create(&visit, &form).await {
            Ok((token, to)) => {
                Ok(with_cookie(see_other(&to), Cookie::Made.set(&token, visit.dash.is_secure())))
            }
            Err(error) if error.code == Code::InvalidArgument => {
                // fields that were shown are shown again, of the connection that is chosen now
                let mut typed = Typed::read(&form);
                if !typed.fields_of.is_empty() {
                    typed.fields_of.clone_from(&typed.connection);
                }
                let view = ask_view(&visit, typed, Some(&error)).await?;
                Ok(visit.page_with(StatusCode::UNPROCESSABLE_ENTITY, &view))
            }
            Err(error) => Err(error),
        }
    };
    let done: Result<Response> = done.await;
    visit.answer(done)
}

/// The token of what was made, and where it is shown.
async fn create(visit: &Visit, form: &Form) -> Result<(String, String)> {
    let language = form.text("language");
    let language = spoken(&language).into_iter().find(|one| one.chosen).map(|one| one.tag);
    let also: Vec<String> = form.all("also").into_iter().filter(|id| !id.is_empty()).collect();
    let (token, place, mut shown) = if also.iter().all(|id| *id == form.text("connection")) {
        let link = create_link(visit, form).await?;
        let token = link.url.path().rsplit('/').next().unwrap_or_default().to_owned();
        (token, "made", vec![("account", link.account_id.to_string())])
    } else {
        if !filled(form).is_empty() {
            return Err(Error::field(
                "connection",
                "must be the only one where fields are filled in: empty them, or untick the others",
            ));
        }
        let connections: Vec<String> = [form.text("connection")].into_iter().chain(also).collect();
        let named = ("connections", connections.join(","));
        let token = choosing(visit, form, connections).await?;
        (token, "page", vec![("user", form.text("user").trim().to_owned()), named])
    };
    shown.extend(language.map(|tag| ("language", tag.to_owned())));
    Ok((token, format!("/links/{place}?{}", query(&shown))))
}

fn query(pairs: &[(&str, String)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

async fn create_link(visit: &Visit, form: &Form) -> Result<flows::Link> {
    let account = form.text("account");
    let lookup = match account.is_empty() {
        true => Lookup::of(form.text("connection"), form.text("user").trim()),
        false => Lookup::id(account),
    };
    let fields = filled(form);
    if !fields.is_empty() && form.text("fields_of") != form.text("connection") {
        return Err(Error::field(
            "connection",
            "is another one than the fields below belong to: look at them again",
        ));
    }
    let request = LinkRequest {
        lookup,
        fields,
        lifetime: lifetime(form),
        locale: Some(form.text("language")),
        note: Some(form.text("note")),
        return_url: Some(form.text("return_url")),
        ..LinkRequest::default()
    };
    flows::create_link(visit.app(), visit.caller(), request).await
}

/// The fields of a connection that can be filled in for its users.
async fn fill(visit: &Visit, typed: &Typed, error: Option<&Error>) -> Result<Option<Fill>> {
    if typed.fields_of.is_empty() {
        return Ok(None);
    }
    let (app, caller) = (visit.app(), visit.caller());
    let connection = connections::get(app, caller, &typed.fields_of).await?;
    let form = connections::form(app, caller, &connection.connector, Some(&connection.method)).await?;
    let wrong = |name: &str| {
        let faults = error.into_iter().flat_map(|error| &error.violations);
        let mut faults = faults.filter(|fault| fault.field.strip_prefix("fields.") == Some(name));
        faults.next().map(|fault| sentence(&format!("this {}", fault.description)))
    };
    let open = form
        .account_fields
        .into_iter()
        .filter(|field| !field.secret && !field.generated && !connection.fixed.contains_key(&field.name));
    let fields = open.map(|field| FillField {
        value: typed.fields.get(&field.name).cloned().unwrap_or_default(),
        error: wrong(&field.name),
        name: field.name,
        label: field.label,
        help: field.help,
        example: field.example,
        choices: field.choices,
    });
    Ok(Some(Fill { fields: fields.collect(), connection: connection.id.to_string(), name: connection.name }))
}

/// A page on which the user chooses among these connections; gives its token.
async fn choosing(visit: &Visit, form: &Form, connections: Vec<String>) -> Result<String> {
    let request = UserPageRequest {
        identifier: form.text("user").trim().to_owned(),
        connections,
        lifetime: lifetime(form),
        locale: Some(form.text("language")),
        note: Some(form.text("note")),
        return_url: Some(form.text("return_url")),
        ..UserPageRequest::default()
    };
    let page = user_pages::create(visit.app(), visit.caller(), request).await?;
    Ok(page.token.expose().clone())
}

fn lifetime(form: &Form) -> Option<Duration> {
    let seconds = form.text("lifetime").parse().ok();
    let seconds = seconds.filter(|seconds| LIFETIMES.iter().any(|(known, _)| known == seconds));
    seconds.map(Duration::from_secs)
}

/// `POST /users/{person}/page`: a page on which the user sees everything they have, for an hour.
pub(super) async fn own_page(Path(person): Path<String>, Posted { visit, .. }: Posted) -> Response {
    let done = async {
        let request =
            UserPageRequest { identifier: person.clone(), manage: true, ..UserPageRequest::default() };
        let page = user_pages::create(visit.app(), visit.caller(), request).await?;
        let shown = [("user", person), ("manage", "true".to_owned())];
        let to = see_other(&format!("/links/page?{}", query(&shown)));
        Ok(with_cookie(to, Cookie::Made.set(page.token.expose(), visit.dash.is_secure())))
    };
    let done: Result<Response> = done.await;
    visit.answer(done)
}

/// `POST /users/{person}/pages/end`: every page of theirs, before its time.
pub(super) async fn end_pages(Path(person): Path<String>, Posted { visit, .. }: Posted) -> Response {
    let done = user_pages::end(visit.app(), visit.caller(), &person).await;
    let done = done.map(|ended| {
        visit.done_with(&address(&person), Flash::PagesEnded, Some(i64::try_from(ended).unwrap_or(i64::MAX)))
    });
    visit.answer(done)
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
        also: typed.also.iter().any(|id| id == one.id.as_str()),
        id: one.id.to_string(),
        name: one.name,
        connector: one.connector_display_name,
    };
    let lifetimes = LIFETIMES.into_iter();
    let frame = visit.frame(Section::Accounts, "Create a connect link").under("/accounts", "Accounts");
    let (wrong, return_error) = told(error);
    let newest =
        accounts::list(visit.app(), visit.caller(), &AccountQuery::default(), &PageAsk::first(100)).await?;
    let users: BTreeSet<String> =
        newest.items.into_iter().filter(|one| !one.org_wide).map(|one| one.identifier).collect();
    let fill = fill(visit, &typed, error).await?;
    Ok(AskView {
        frame: frame
            .under("", "Create a link")
            .command("keybearer link CONNECTION --user USER --works-for 1440 --locale de"),
        choices: listed.items.into_iter().map(choice).collect(),
        several: !typed.also.is_empty(),
        users: users.into_iter().collect(),
        fill,
        user: typed.user.clone(),
        languages: spoken(&typed.language),
        existing: existing.into_iter().map(|one| (one.connection, badge(one.status))).collect(),
        lifetimes: lifetimes
            .map(|(seconds, words)| Lifetime { seconds, words, chosen: seconds == typed.lifetime })
            .collect(),
        note: typed.note,
        return_url: typed.return_url,
        return_error,
        wrong,
    })
}
