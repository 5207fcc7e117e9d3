//! "Send to my phone" of D21: a code that opens the preview on a device that is not signed in.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Path, Query};
use axum::response::{Html, IntoResponse as _, Response};
use http::{HeaderName, HeaderValue, Uri, header};
use keybearer_app::brand::{self, Brand};
use keybearer_core::{Code, Error, Result};
use url::Host;

use super::branding::own;
use super::branding_preview::Draft;
use super::branding_view::{Looked, Typed};
use super::frame::{Frame, Section};
use super::guard::{Guest, Visit};
use super::handed::code;
use super::when::length;
use crate::web::hosted;

/// Nobody frames it, and its forms lead nowhere.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; form-action 'none'; \
                      base-uri 'none'; frame-ancestors 'none'";
/// The longest query that still makes a code which a phone reads.
const LONGEST: usize = 700;

#[derive(Template)]
#[template(path = "dashboard/branding_phone.html")]
struct PhoneView {
    frame: Frame,
    url: String,
    qr: String,
    size: usize,
    label: String,
    lasts: String,
    public_url: String,
    /// Only this machine reaches that address.
    local: bool,
    back: String,
}

/// `GET /branding/phone`: the code for the preview of what is typed.
pub(super) async fn ask(visit: Visit, Query(typed): Query<BTreeMap<String, String>>) -> Response {
    let page = async {
        let saved = own(&visit).await?;
        let (query, label) = wanted(&typed, &saved);
        if query.len() > LONGEST {
            let error = Error::new(Code::InvalidArgument, "what is typed is too long for a code");
            return Err(error.with_help("save it first: what is saved needs no room in the address"));
        }
        let pass = brand::lend(visit.app(), visit.caller(), &query).await?;
        let url = format!("{}/preview/{}?{query}", visit.app().issuer(), pass.token);
        let (qr, size) = code(&url)?;
        let public = &visit.app().config().public_url;
        let text = |name: &str| typed.get(name).cloned().unwrap_or_default();
        let looked =
            Looked { screen: text("screen"), scheme: text("scheme"), size: text("size"), lang: text("lang") };
        Ok(visit.page(&PhoneView {
            frame: visit
                .frame(Section::Branding, "Hosted pages on your phone")
                .under("/branding", "Hosted pages")
                .under("", "On your phone")
                .command("keybearer branding show"),
            lasts: length(brand::LENT_FOR.as_secs()),
            public_url: public.to_string(),
            local: match public.host() {
                Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
                Some(Host::Ipv4(address)) => address.is_loopback(),
                Some(Host::Ipv6(address)) => address.is_loopback(),
                None => false,
            },
            back: looked.address(),
            url,
            qr,
            size,
            label,
        }))
    };
    let page: Result<Response> = page.await;
    visit.answer(page)
}

/// The query of the preview with what differs from what is saved, and what its page is called.
fn wanted(typed: &BTreeMap<String, String>, saved: &Brand) -> (String, String) {
    let text = |name: &str| typed.get(name).map(String::as_str).unwrap_or_default();
    let screens = hosted::screens();
    let screen = screens.iter().find(|one| one.name == text("screen")).or(screens.first());
    let (name, label) = screen.map_or(("start", String::new()), |one| (one.name, one.label.clone()));
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("screen", name);
    let saved = Typed::of(saved);
    for (name, now) in saved.draft(&Looked::default()) {
        if let Some(value) = typed.get(name).filter(|value| *value != now) {
            query.append_pair(name, value);
        }
    }
    (query.finish(), label)
}

/// `GET /preview/{token}`: that page, for whoever has the address.
pub(super) async fn show(guest: Guest, Path(token): Path<String>, uri: Uri) -> Response {
    let page = async {
        let (saved, draft) = lent(&guest, &token, &uri).await?;
        let query = uri.query().unwrap_or_default();
        let sheet = format!("/preview/{token}/theme.css?{query}");
        let html = draft.specimen(&draft.screen, saved, Some(sheet), false);
        let mut answer = Html(html.ok_or_else(unknown)?).into_response();
        answer.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
        answer
            .headers_mut()
            .insert(HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex, nofollow"));
        Ok(answer)
    };
    let page: Result<Response> = page.await;
    guest.answer(page)
}

/// `GET /preview/{token}/theme.css`
pub(super) async fn sheet(guest: Guest, Path(token): Path<String>, uri: Uri) -> Response {
    let sheet = async {
        let (saved, draft) = lent(&guest, &token, &uri).await?;
        let css = draft.look(saved.settings.look()).css().unwrap_or_default();
        Ok(([(header::CONTENT_TYPE, "text/css; charset=utf-8")], css).into_response())
    };
    let sheet: Result<Response> = sheet.await;
    guest.answer(sheet)
}

async fn lent(guest: &Guest, token: &str, uri: &Uri) -> Result<(Brand, Draft)> {
    let saved = brand::lent(&guest.dash.app, token, uri.query().unwrap_or_default()).await?;
    let Query(draft) = Query::<Draft>::try_from_uri(uri).map_err(|_| unknown())?;
    Ok((saved, draft))
}

fn unknown() -> Error {
    Error::new(Code::NotFound, "there is no such preview")
}
