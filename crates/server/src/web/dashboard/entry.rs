//! Coming in and going out: first owner, sign-in, one-time links, sign-out, theme.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use keybearer_app::members::{self, NewMember};
use keybearer_app::sessions::{self, SignedIn};
use keybearer_core::{Code, Error, Result, SecretString};
use serde::Deserialize;

use super::Dashboard;
use super::answer::{html, see_other, sentence, with_cookie};
use super::cookie::Cookie;
use super::flash::Flash;
use super::frame::{Frame, Theme};
use super::guard::{Guest, GuestPosted, Posted};

/// What the addresses of these pages carry.
#[derive(Deserialize)]
pub(super) struct Asked {
    /// A one-time token.
    t: Option<SecretString>,
    /// Where to go after signing in.
    next: Option<String>,
}

/// Sign-in, first owner, new password, one-time link: a card with a short form.
#[derive(Template)]
#[template(path = "dashboard/entry.html")]
struct EntryView {
    frame: Frame,
    kind: &'static str,
    heading: String,
    says: String,
    token: String,
    next: String,
    email: String,
    name: String,
    wrong: Option<String>,
    at: &'static str,
}

impl EntryView {
    fn new(frame: Frame, kind: &'static str, heading: &str, says: &str) -> Self {
        let (heading, says) = (heading.to_owned(), says.to_owned());
        let empty = String::new;
        let (token, next, email, name) = (empty(), empty(), empty(), empty());
        Self { frame, kind, heading, says, token, next, email, name, wrong: None, at: "" }
    }

    fn wrong(mut self, error: &Error) -> Self {
        self.wrong = Some(match error.retry_after_seconds {
            Some(1) => "Too many wrong tries. Try again in 1 second.".to_owned(),
            Some(seconds) => format!("Too many wrong tries. Try again in {seconds} seconds."),
            None => match error.violations.first() {
                Some(wrong) => sentence(&format!("{} {}", field_word(&wrong.field), wrong.description)),
                None => sentence(&error.detail),
            },
        });
        self.at = error.violations.first().map_or("", |wrong| match wrong.field.as_str() {
            "email" => "email",
            "name" => "name",
            _ => "password",
        });
        self
    }
}

fn field_word(field: &str) -> &str {
    match field {
        "email" => "the e-mail address",
        "name" => "your name",
        _ => "the password",
    }
}

const SIGN_IN: (&str, &str) = ("Sign in", "Keybearer keeps the keys that agents act with.");
const OWNER: (&str, &str) =
    ("Set up Keybearer", "You become the owner of this server. Others join by your invitation.");
const CHOOSE: (&str, &str) = ("Choose your password", "It replaces the one you had, and signs you in.");
const LINK: (&str, &str) = (
    "Open the dashboard",
    "This link signs you in on this machine, once. It came from the terminal in which the server runs.",
);
const WAITING: (&str, &str) = (
    "This server has no owner yet",
    "Open the set-up link that the server printed when it started. It works for 24 hours; a restart prints another, and \
     so does `keybearer members setup-link`.",
);

/// `GET /login`
pub(super) async fn ask(guest: Guest, Query(asked): Query<Asked>) -> Response {
    let next = local(asked.next.as_deref());
    if guest.session.is_some() {
        return see_other(&next);
    }
    let view = guest
        .frame(SIGN_IN.0)
        .await
        .map(|frame| EntryView { next, ..EntryView::new(frame, "login", SIGN_IN.0, SIGN_IN.1) });
    guest.answer(view.map(|view| html(StatusCode::OK, &view)))
}

/// `POST /login`
pub(super) async fn sign_in(GuestPosted { guest, form }: GuestPosted) -> Response {
    let (email, next) = (form.text("email"), local(Some(&form.text("next"))));
    let signed = sessions::sign_in(&guest.dash.app, &email, form.secret("password"), &guest.visitor).await;
    let again = |frame| EntryView {
        email,
        next: next.clone(),
        ..EntryView::new(frame, "login", SIGN_IN.0, SIGN_IN.1)
    };
    outcome(&guest, signed, &next, again).await
}

/// `GET /?t=…`: a button, so that looking at a link uses nothing up.
pub(super) async fn ask_link(guest: Guest, token: SecretString) -> Response {
    let frame = guest.frame(LINK.0).await;
    let view = frame.map(|frame| EntryView {
        token: token.expose().clone(),
        ..EntryView::new(frame, "link", LINK.0, LINK.1)
    });
    guest.answer(view.map(|view| html(StatusCode::OK, &view)))
}

/// `POST /link`
pub(super) async fn redeem(GuestPosted { guest, form }: GuestPosted) -> Response {
    let signed = sessions::redeem(&guest.dash.app, &form.secret("token"), &guest.visitor).await;
    guest.answer(signed.map(|signed| let_in(&guest, &signed, "/")))
}

/// `GET /setup`
pub(super) async fn ask_owner(guest: Guest, Query(asked): Query<Asked>) -> Response {
    let page = async {
        if members::any(&guest.dash.app).await? {
            return Ok(see_other("/login"));
        }
        let Some(token) = asked.t else {
            let frame = guest.frame(WAITING.0).await?;
            return Ok(html(StatusCode::OK, &EntryView::new(frame, "waiting", WAITING.0, WAITING.1)));
        };
        members::check_setup(&guest.dash.app, &token).await?;
        let view = EntryView::new(guest.frame(OWNER.0).await?, "setup", OWNER.0, OWNER.1);
        Ok(html(StatusCode::OK, &EntryView { token: token.expose().clone(), ..view }))
    };
    let page: Result<Response> = page.await;
    guest.answer(page)
}

/// `POST /setup`
pub(super) async fn make_owner(GuestPosted { guest, form }: GuestPosted) -> Response {
    let app = &guest.dash.app;
    let (token, new) =
        (form.secret("token"), NewMember { email: form.text("email"), name: form.text("name") });
    let made = members::create_owner(app, &token, new.clone(), form.secret("password")).await;
    let signed = match made {
        Ok(member) => sessions::begin(app, &member, &guest.visitor).await,
        Err(error) => Err(error),
    };
    let again = |frame| EntryView {
        token: token.expose().clone(),
        email: new.email,
        name: new.name,
        ..EntryView::new(frame, "setup", OWNER.0, OWNER.1)
    };
    outcome(&guest, signed, "/", again).await
}

/// `GET /welcome?t=…`
pub(super) async fn ask_password(guest: Guest, Query(asked): Query<Asked>) -> Response {
    let token = asked.t.unwrap_or_else(|| "".into());
    let page = async {
        let member = members::invited(&guest.dash.app, &token).await?;
        let view = EntryView::new(guest.frame(CHOOSE.0).await?, "welcome", CHOOSE.0, CHOOSE.1);
        Ok(html(StatusCode::OK, &EntryView { token: token.expose().clone(), email: member.email, ..view }))
    };
    let page: Result<Response> = page.await;
    guest.answer(page)
}

/// `POST /welcome`
pub(super) async fn choose_password(GuestPosted { guest, form }: GuestPosted) -> Response {
    let (app, token) = (&guest.dash.app, form.secret("token"));
    let signed = match members::choose_password(app, &token, form.secret("password")).await {
        Ok(member) => sessions::begin(app, &member, &guest.visitor).await,
        Err(error) => Err(error),
    };
    let email = form.text("email");
    let again = |frame| EntryView {
        token: token.expose().clone(),
        email,
        ..EntryView::new(frame, "welcome", CHOOSE.0, CHOOSE.1)
    };
    outcome(&guest, signed, "/", again).await
}

/// `POST /sign-out`
pub(super) async fn sign_out(Posted { visit, .. }: Posted) -> Response {
    let secure = visit.dash.is_secure();
    let ended = sessions::sign_out(visit.app(), &visit.session).await;
    let out =
        ended.map(|()| with_cookie(visit.done("/login", Flash::SignedOut), Cookie::Session.clear(secure)));
    visit.answer(out)
}

/// `POST /theme`
pub(super) async fn theme(State(dash): State<Dashboard>, headers: HeaderMap, posted: Posted) -> Response {
    let theme = Theme::parse(&posted.form.text("theme"));
    let secure = dash.is_secure();
    let cookie = match theme {
        Theme::System if Cookie::Theme.read(&headers, secure).is_some() => Cookie::Theme.clear(secure),
        Theme::System => None,
        theme => Cookie::Theme.set(theme.as_str(), secure),
    };
    with_cookie(see_other(&local(Some(&posted.form.text("back")))), cookie)
}

/// In, or the form again with what is wrong.
async fn outcome(
    guest: &Guest,
    signed: Result<SignedIn>,
    next: &str,
    again: impl FnOnce(Frame) -> EntryView,
) -> Response {
    let error = match signed {
        Ok(signed) => return let_in(guest, &signed, next),
        Err(error) => error,
    };
    let status = match error.code {
        Code::Unauthenticated | Code::InvalidArgument => StatusCode::UNPROCESSABLE_ENTITY,
        Code::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        _ => return guest.answer(Err(error)),
    };
    let frame = guest.frame("Not signed in").await;
    guest.answer(frame.map(|frame| html(status, &again(frame).wrong(&error))))
}

fn let_in(guest: &Guest, signed: &SignedIn, next: &str) -> Response {
    let secure = guest.dash.is_secure();
    let answer = with_cookie(see_other(next), Cookie::Session.set(signed.token.expose(), secure));
    with_cookie(answer, Cookie::Device.set(&signed.device, secure))
}

/// A path of ours, or `/`.
fn local(path: Option<&str>) -> String {
    let path = path.unwrap_or("/");
    let plain = path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let own = path.starts_with('/') && !path.starts_with("//") && plain;
    let ends = path.starts_with("/login") || path.starts_with("/theme") || path.starts_with("/sign-out");
    if own && !ends { path.to_owned() } else { "/".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::local;

    #[test]
    fn after_signing_in_nobody_is_sent_elsewhere() {
        assert_eq!(local(Some("/accounts?state=EXPIRED")), "/accounts?state=EXPIRED");
        for bad in [
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "javascript:x",
            "",
            "/a\r\nb",
            "/login",
        ] {
            assert_eq!(local(Some(bad)), "/", "{bad:?}");
        }
    }
}
