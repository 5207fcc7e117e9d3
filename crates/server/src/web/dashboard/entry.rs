//! Coming in and going out: first owner, sign-in, one-time links, sign-out, theme.

use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use keybearer_app::members::{self, NewMember};
use keybearer_app::passkeys::{self, Answer};
use keybearer_app::sessions::{self, SignedIn};
use keybearer_core::{Code, Result, SecretString};
use serde::Deserialize;

use super::Dashboard;
use super::answer::{html, see_other, with_cookie};
use super::cookie::Cookie;
use super::entry_view::{EntryView, LINK, WAITING};
use super::flash::Flash;
use super::form::Form;
use super::frame::Theme;
use super::guard::{Guest, GuestPosted, Posted};
use super::{keeping, sso};

/// What the addresses of these pages carry.
#[derive(Deserialize)]
pub(super) struct Asked {
    /// A one-time token.
    pub t: Option<SecretString>,
    /// Where to go after signing in.
    pub next: Option<String>,
    /// Why the single sign-on let nobody in: a word of a closed list.
    pub why: Option<String>,
    /// Under which reference that is in the log.
    pub reference: Option<String>,
}

/// `GET /login`
pub(super) async fn ask(guest: Guest, Query(asked): Query<Asked>) -> Response {
    let next = local(asked.next.as_deref());
    let wrong = sso::told(&guest.dash, &asked);
    if guest.session.is_some() && wrong.is_none() {
        return see_other(&next);
    }
    let view = EntryView::login(&guest, next).await.map(|view| EntryView { wrong, ..view });
    guest.answer(view.map(|view| html(StatusCode::OK, &view)))
}

/// `POST /login`
pub(super) async fn sign_in(GuestPosted { guest, form }: GuestPosted) -> Response {
    let email = form.text("email");
    let signed = sessions::sign_in(&guest.dash.app, &email, form.secret("password"), &guest.visitor).await;
    signed_in(&guest, &form, signed).await
}

/// `POST /login/passkey`
pub(super) async fn sign_in_with_passkey(GuestPosted { guest, form }: GuestPosted) -> Response {
    let app = &guest.dash.app;
    let signed = passkeys::sign_in(app, &guest.browser, &answer_of(&form), &guest.visitor).await;
    signed_in(&guest, &form, signed).await
}

/// In, to where the person was going; or the sign-in again.
async fn signed_in(guest: &Guest, form: &Form, signed: Result<SignedIn>) -> Response {
    let (next, kept) = (local(Some(&form.text("next"))), form.text("kept"));
    let signed = match signed {
        Ok(signed) if !kept.is_empty() => {
            let page = keeping::after_sign_in(guest, &signed, &kept).await;
            return guest.answer(page.map(|page| with_cookies(guest, &signed, page)));
        }
        Ok(signed) => return let_in(guest, &signed, &next),
        Err(error) => error,
    };
    let view = EntryView::login(guest, next).await;
    let view = view.map(|view| EntryView { email: form.text("email"), kept, ..view });
    refused(guest, view, signed)
}

/// `GET /?t=…`: a button, so that looking at a link uses nothing up.
pub(super) async fn ask_link(guest: Guest, token: SecretString) -> Response {
    let frame = guest.frame(LINK.0).await;
    let view =
        frame.map(|frame| EntryView { token: token.expose().clone(), ..EntryView::new(frame, "link", LINK) });
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
        let Some(token) = asked.t else {
            if members::any(&guest.dash.app).await? {
                return Ok(see_other("/login"));
            }
            let frame = guest.frame(WAITING.0).await?;
            return Ok(html(StatusCode::OK, &EntryView::new(frame, "waiting", WAITING)));
        };
        Ok(html(StatusCode::OK, &EntryView::setup(&guest, &token).await?))
    };
    let page: Result<Response> = page.await;
    guest.answer(page)
}

/// `POST /setup`
pub(super) async fn make_owner(GuestPosted { guest, form }: GuestPosted) -> Response {
    let (app, token) = (&guest.dash.app, form.secret("token"));
    let new = NewMember { email: form.text("email"), name: form.text("name") };
    let made = match has_answer(&form) {
        true => {
            let from = (guest.browser.as_str(), &guest.visitor);
            passkeys::create_owner(app, &token, &new, &form.text("member"), &answer_of(&form), from).await
        }
        false => match members::create_owner(app, &token, new.clone(), form.secret("password")).await {
            Ok(member) => sessions::begin(app, &member, &guest.visitor).await,
            Err(error) => Err(error),
        },
    };
    match made {
        Ok(signed) => let_in(&guest, &signed, "/"),
        // a link that has ended has no form
        Err(error) if !is_told(error.code) => guest.answer(Err(error)),
        Err(error) => {
            let view = EntryView::setup(&guest, &token).await;
            let view = view.map(|view| EntryView { email: new.email, name: new.name, ..view });
            refused(&guest, view, error)
        }
    }
}

/// `GET /welcome?t=…`
pub(super) async fn ask_password(guest: Guest, Query(asked): Query<Asked>) -> Response {
    let token = asked.t.unwrap_or_else(|| "".into());
    let page = async { Ok(html(StatusCode::OK, &EntryView::welcome(&guest, &token).await?)) };
    let page: Result<Response> = page.await;
    guest.answer(page)
}

/// `POST /welcome`
pub(super) async fn choose_password(GuestPosted { guest, form }: GuestPosted) -> Response {
    let (app, token) = (&guest.dash.app, form.secret("token"));
    let joined = match has_answer(&form) {
        true => passkeys::join(app, &token, &answer_of(&form), &guest.browser, &guest.visitor).await,
        false => match members::choose_password(app, &token, form.secret("password")).await {
            Ok(member) => sessions::begin(app, &member, &guest.visitor).await,
            Err(error) => Err(error),
        },
    };
    match joined {
        Ok(signed) => let_in(&guest, &signed, "/"),
        Err(error) if is_told(error.code) => {
            let view = EntryView::welcome(&guest, &token).await;
            refused(&guest, view, error)
        }
        Err(error) => guest.answer(Err(error)),
    }
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

/// What the script of the pages brought back from an authenticator.
pub(super) fn answer_of(form: &Form) -> Answer {
    Answer { challenge: form.text("challenge"), text: form.text("answer") }
}

fn has_answer(form: &Form) -> bool {
    !form.text("answer").is_empty()
}

/// Whether the failure is told on the form itself.
fn is_told(code: Code) -> bool {
    matches!(code, Code::Unauthenticated | Code::InvalidArgument | Code::RateLimited | Code::AlreadyExists)
}

/// The form again with what is wrong, or the page of the failure.
pub(super) fn refused(guest: &Guest, view: Result<EntryView>, error: keybearer_core::Error) -> Response {
    // a challenge that is over is told on the sign-in; a link that is over has no form
    let asks_anew = error.code == Code::LinkExpired && view.as_ref().is_ok_and(|view| view.kind == "login");
    if !is_told(error.code) && !asks_anew {
        return guest.answer(Err(error));
    }
    let status = match error.code {
        Code::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let page = view.map(|view| {
        let mut answer = html(status, &view.wrong(guest, &error)).into_response();
        if let Some(seconds) = error.retry_after_seconds {
            answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        answer
    });
    guest.answer(page)
}

pub(super) fn let_in(guest: &Guest, signed: &SignedIn, next: &str) -> Response {
    with_cookies(guest, signed, see_other(next))
}

fn with_cookies(guest: &Guest, signed: &SignedIn, answer: Response) -> Response {
    let secure = guest.dash.is_secure();
    let answer = with_cookie(answer, Cookie::Session.set(signed.token.expose(), secure));
    with_cookie(answer, Cookie::Device.set(&signed.device, secure))
}

/// A path of ours, or `/`.
pub(super) fn local(path: Option<&str>) -> String {
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
