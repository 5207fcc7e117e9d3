//! Who may see a page, and which forms count.
//!
//! A form counts when the browser says that it comes from a page of ours (`Sec-Fetch-Site`, else `Origin`) and when it
//! carries the token that is bound to the session, or to the cookie of a browser that has none.

use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::Response;
use http::request::Parts;
use http::{HeaderMap, StatusCode, header};
use keybearer_app::sessions::{self, Session, Visitor};
use keybearer_app::{App, Caller, members};
use keybearer_core::{Code, Error, Reference, Result, random_token};

use super::Dashboard;
use super::answer::{problem, see_other, with_cookie};
use super::cookie::Cookie;
use super::environment::{self, Made};
use super::flash::Flash;
use super::form::Form;
use super::frame::{Frame, Section, Theme};
use super::keeping;
use crate::web::hosted::Submitted;

/// A request of a signed-in member.
pub(super) struct Visit {
    pub dash: Dashboard,
    pub session: Session,
    pub theme: Theme,
    pub flash: Option<String>,
    pub csrf: String,
    pub path: String,
    pub section: Section,
    /// The form was made before an update of this program.
    pub of_another_version: bool,
}

impl Visit {
    /// The application.
    pub fn app(&self) -> &App {
        &self.dash.app
    }

    /// The member as the use cases see them.
    pub fn caller(&self) -> &Caller {
        &self.session.caller
    }
}

/// A form of a signed-in member that counts.
pub(super) struct Posted {
    pub visit: Visit,
    pub form: Form,
}

/// A request of somebody who need not be signed in.
pub(super) struct Guest {
    pub dash: Dashboard,
    pub theme: Theme,
    pub flash: Option<String>,
    pub visitor: Visitor,
    /// Whether the browser has a session.
    pub session: Option<Session>,
    /// What forms are bound to.
    pub browser: String,
    fresh: bool,
}

/// A form of such a person that counts.
pub(super) struct GuestPosted {
    pub guest: Guest,
    pub form: Form,
}

impl Guest {
    async fn read(parts: &Parts, dash: &Dashboard) -> Result<Self> {
        let secure = dash.is_secure();
        let known = Cookie::Form.read(&parts.headers, secure).filter(|value| value.len() == 26);
        let (fresh, browser) = match known {
            Some(value) => (false, value),
            None => (true, random_token(dash.app.entropy(), 16)?),
        };
        let session = match Cookie::Session.read_secret(&parts.headers, secure) {
            Some(token) => sessions::resume(&dash.app, &token).await?,
            None => None,
        };
        Ok(Self {
            theme: theme(&parts.headers, secure),
            flash: flash(&parts.headers, secure),
            visitor: visitor(parts, secure),
            dash: dash.clone(),
            session,
            browser,
            fresh,
        })
    }

    /// The frame of a page of this visit.
    pub async fn frame(&self, title: &str) -> Result<Frame> {
        let csrf = sessions::form_token(&self.dash.app, &self.browser).await?;
        let frame = Frame::bare(&format!("{title} — Keybearer"), self.theme, csrf);
        Ok(Frame { flash: self.flash.clone(), ..frame })
    }

    /// The answer with the cookie that the forms are bound to, or the page of the failure.
    pub fn answer(&self, result: Result<Response>) -> Response {
        let secure = self.dash.is_secure();
        let answer = match result {
            Ok(answer) => answer,
            Err(error) => bare_problem(&self.dash, self.theme, &error),
        };
        let said = self.flash.as_ref().and_then(|_| Cookie::Flash.clear(secure));
        let cookie = self.fresh.then(|| Cookie::Form.set(&self.browser, secure)).flatten();
        with_cookie(with_cookie(answer, cookie), said)
    }
}

impl FromRequestParts<Dashboard> for Guest {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, dash: &Dashboard) -> Result<Self, Response> {
        let theme = theme(&parts.headers, dash.is_secure());
        Self::read(parts, dash).await.map_err(|error| bare_problem(dash, theme, &error))
    }
}

impl FromRequestParts<Dashboard> for Visit {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, dash: &Dashboard) -> Result<Self, Response> {
        let secure = dash.is_secure();
        let theme = theme(&parts.headers, secure);
        let failed = |error: Error| bare_problem(dash, theme, &error);
        let found = match Cookie::Session.read_secret(&parts.headers, secure) {
            Some(token) => sessions::resume(&dash.app, &token).await.map_err(failed)?,
            None => None,
        };
        let Some(session) = found else { return Err(signed_out(parts, dash, theme).await) };
        let token = sessions::form_token(&dash.app, session.id.as_str()).await.map_err(failed)?;
        let csrf = Made::write(&token, session.environment.id.as_str());
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        Ok(Self {
            dash: dash.clone(),
            flash: flash(&parts.headers, secure),
            section: section(&path),
            of_another_version: false,
            session,
            theme,
            csrf,
            path,
        })
    }
}

impl FromRequest<Dashboard> for Posted {
    type Rejection = Response;

    async fn from_request(request: Request, dash: &Dashboard) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let own = is_own(&parts.headers);
        let path = parts.uri.path().to_owned();
        let visit = match Visit::from_request_parts(&mut parts, dash).await {
            Ok(visit) => visit,
            Err(away) if own && away.status() == StatusCode::SEE_OTHER => {
                return Err(kept(parts, body, dash, away).await);
            }
            Err(refused) => return Err(refused),
        };
        let form = Form(Submitted::from_request(Request::from_parts(parts, body), &()).await?);
        counted(visit, &form, own, &path).await.map(|visit| Self { visit, form })
    }
}

/// The visit of a form that counts; the answer for one that came from elsewhere, or from another environment.
pub(super) async fn counted(visit: Visit, form: &Form, own: bool, path: &str) -> Result<Visit, Response> {
    let made = Made::read(&form.text("csrf"));
    match sessions::is_form_token(&visit.dash.app, visit.session.id.as_str(), &made.token).await {
        Ok(true) if own && environment::acts_inside(path) && !environment::was_made_here(&visit, &made) => {
            Err(environment::refuse(&visit, form))
        }
        Ok(true) if own => Ok(Visit { of_another_version: made.is_of_another_version(), ..visit }),
        Ok(_) => Err(visit.answer(Err(foreign()))),
        Err(error) => Err(visit.answer(Err(error))),
    }
}

impl FromRequest<Dashboard> for GuestPosted {
    type Rejection = Response;

    async fn from_request(request: Request, dash: &Dashboard) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let own = is_own(&parts.headers);
        let guest = Guest::from_request_parts(&mut parts, dash).await?;
        let form = Form(Submitted::from_request(Request::from_parts(parts, body), &()).await?);
        match sessions::is_form_token(&dash.app, &guest.browser, &form.text("csrf")).await {
            Ok(true) if own => Ok(Self { guest, form }),
            Ok(_) => Err(guest.answer(Err(foreign()))),
            Err(error) => Err(guest.answer(Err(error))),
        }
    }
}

/// The sign-in with the form that came after the session had ended; where there is nothing to keep, the usual way.
async fn kept(mut parts: Parts, body: Body, dash: &Dashboard, away: Response) -> Response {
    let path = parts.uri.path().to_owned();
    if !members::any(&dash.app).await.unwrap_or(false) || matches!(path.as_str(), "/theme" | "/sign-out") {
        return away;
    }
    let guest = match Guest::from_request_parts(&mut parts, dash).await {
        Ok(guest) => guest,
        Err(refused) => return refused,
    };
    let headers = parts.headers.clone();
    match Submitted::from_request(Request::from_parts(parts, body), &()).await {
        Ok(form) => keeping::signed_out(&guest, &headers, &path, &Form(form)).await,
        Err(refused) => refused,
    }
}

/// Whether a browser says that a page of this very origin sent the form. One that says nothing sent none.
pub(super) fn is_own(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return site == "same-origin";
    }
    let host = text(header::HOST.as_str());
    let origin = text("origin").and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
    origin.is_some() && origin == host
}

fn foreign() -> Error {
    Error::new(Code::PermissionDenied, "the form did not come from a page of this browser's session")
        .with_help("go back, load the page again, and send it once more")
}

/// Where somebody goes who is not signed in: to the sign-in, and back afterwards.
async fn signed_out(parts: &Parts, dash: &Dashboard, theme: Theme) -> Response {
    match members::any(&dash.app).await {
        Err(error) => bare_problem(dash, theme, &error),
        Ok(false) => see_other("/setup"),
        Ok(true) => {
            let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
            let back = if parts.method == http::Method::GET { path } else { "/" };
            let query = form_urlencoded::Serializer::new(String::new()).append_pair("next", back).finish();
            see_other(&format!("/login?{query}"))
        }
    }
}

fn bare_problem(dash: &Dashboard, theme: Theme, error: &Error) -> Response {
    let reference = dash.app.reference().unwrap_or_else(|_| Reference::unknown());
    problem(error, &reference, Frame::bare("Not done — Keybearer", theme, String::new()))
}

fn theme(headers: &HeaderMap, secure: bool) -> Theme {
    Theme::parse(&Cookie::Theme.read(headers, secure).unwrap_or_default())
}

fn flash(headers: &HeaderMap, secure: bool) -> Option<String> {
    Cookie::Flash.read(headers, secure).and_then(|code| Flash::says(&code))
}

fn visitor(parts: &Parts, secure: bool) -> Visitor {
    let agent = parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    Visitor {
        address: parts.extensions.get::<SocketAddr>().map(SocketAddr::ip),
        agent: agent.unwrap_or_default().to_owned(),
        device: Cookie::Device.read(&parts.headers, secure),
    }
}

fn section(path: &str) -> Section {
    match path.split(['/', '?']).nth(1).unwrap_or_default() {
        "connections" => Section::Connections,
        "accounts" | "links" => Section::Accounts,
        "logs" => Section::Logs,
        "try" => Section::Try,
        "api-keys" => Section::Keys,
        "webhooks" => Section::Webhooks,
        "connectors" => Section::Connectors,
        "sandbox" => Section::Sandbox,
        "system" => Section::System,
        "branding" => Section::Branding,
        "settings" => Section::Settings,
        _ => Section::Overview,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn said(pairs: &[(&'static str, &'static str)]) -> bool {
        is_own(
            &pairs
                .iter()
                .map(|(name, value)| (http::HeaderName::from_static(name), HeaderValue::from_static(value)))
                .collect(),
        )
    }

    #[test]
    fn only_a_page_of_this_origin_sends_forms_that_count() {
        assert!(said(&[("sec-fetch-site", "same-origin"), ("host", "keys.example")]));
        assert!(said(&[("origin", "https://keys.example"), ("host", "keys.example")]));
        for bad in [
            &[("sec-fetch-site", "same-site"), ("origin", "https://keys.example"), ("host", "keys.example")]
                [..],
            &[("sec-fetch-site", "cross-site"), ("host", "keys.example")],
            &[("origin", "https://evil.example"), ("host", "keys.example")],
            &[("origin", "null"), ("host", "keys.example")],
            &[("host", "keys.example")],
        ] {
            assert!(!said(bad), "{bad:?}");
        }
    }
}
