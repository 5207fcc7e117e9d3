//! One's own password and sessions, and the people who may sign in.

use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;
use keybearer_app::members::{self, Member, NewMember};
use keybearer_app::{Permission, sessions, sso, step_up};
use keybearer_core::ids::{MemberId, MemberSessionId};
use keybearer_core::{Code, Error, MemberRole, Result};
use url::Url;

use super::answer::sentence;
use super::flash::Flash;
use super::form::Form;
use super::frame::{Frame, Place, Section};
use super::guard::{Posted, Visit};
use super::settings::tabs;
use super::when::When;
use super::{keeping, passkeys};

/// One's own settings.
#[derive(Template)]
#[template(path = "dashboard/you.html")]
struct YouView {
    frame: Frame,
    tabs: Vec<Place>,
    email: String,
    has_password: bool,
    passkeys: Vec<passkeys::Row>,
    /// Whether this server can have passkeys at all.
    possible: bool,
    sessions: Vec<Open>,
    wrong: Option<String>,
}

/// An open session.
struct Open {
    id: String,
    current: bool,
    address: String,
    agent: String,
    opened: When,
    seen: When,
}

/// The people.
#[derive(Template)]
#[template(path = "dashboard/people.html")]
struct PeopleView {
    frame: Frame,
    tabs: Vec<Place>,
    people: Vec<Person>,
    roles: Vec<Role>,
    may: bool,
    link: Option<String>,
    wrong: Option<String>,
}

/// One of them.
struct Person {
    id: String,
    name: String,
    email: String,
    role: MemberRole,
    signed_in: Option<When>,
    invited: bool,
    you: bool,
    ties: Vec<Shown>,
}

/// How somebody comes in by the single sign-on.
struct Shown {
    key: String,
    issuer: String,
    subject: String,
    used: When,
    current: bool,
}

/// A role with what it may do.
struct Role {
    role: MemberRole,
    says: &'static str,
}

/// `GET /settings`
pub(super) async fn you(visit: Visit) -> Response {
    let page = you_view(&visit, None).await;
    visit.answer(page.map(|view| visit.page(&view)))
}

/// `POST /settings/password`
pub(super) async fn password(Posted { visit, form }: Posted) -> Response {
    let changed = members::change_password(
        visit.app(),
        &visit.session,
        form.secret("current"),
        form.secret("password"),
    )
    .await;
    let done = match changed {
        Ok(()) => Ok(visit.done("/settings", Flash::PasswordSet)),
        Err(error) if matches!(error.code, Code::InvalidArgument | Code::RateLimited) => {
            let view = you_view(&visit, Some(wrong(&error))).await;
            view.map(|view| visit.page_with(StatusCode::UNPROCESSABLE_ENTITY, &view))
        }
        Err(error) => Err(error),
    };
    visit.answer(done)
}

/// `POST /settings/sessions/{id}/end`
pub(super) async fn end_session(Path(id): Path<String>, Posted { visit, .. }: Posted) -> Response {
    let done = async {
        let id = MemberSessionId::parse(&id)
            .ok_or_else(|| Error::new(Code::NotFound, "there is no such session of yours"))?;
        sessions::revoke(visit.app(), &visit.session, &id).await?;
        Ok(visit.done("/settings", Flash::SessionEnded))
    };
    let done: Result<Response> = done.await;
    visit.answer(done)
}

/// `POST /settings/sessions/end-others`
pub(super) async fn end_others(Posted { visit, .. }: Posted) -> Response {
    let done = sessions::revoke_others(visit.app(), &visit.session).await;
    visit.answer(done.map(|_| visit.done("/settings", Flash::SessionsEnded)))
}

/// `GET /settings/people`
pub(super) async fn list(visit: Visit) -> Response {
    let page = people_view(&visit, None, None).await;
    visit.answer(page.map(|view| visit.page(&view)))
}

/// `POST /settings/people`
pub(super) async fn invite(Posted { visit, form }: Posted) -> Response {
    let new = NewMember { email: form.text("email"), name: form.text("name") };
    let role = MemberRole::parse(&form.text("role")).unwrap_or(MemberRole::Viewer);
    let done = match step_up::invite(visit.app(), &visit.session, &new, role).await {
        Ok((_, link)) => people_view(&visit, Some(&link), None).await.map(|view| visit.page(&view)),
        Err(error) if matches!(error.code, Code::InvalidArgument | Code::AlreadyExists) => {
            let view = people_view(&visit, None, Some(wrong(&error))).await;
            view.map(|view| visit.page_with(StatusCode::UNPROCESSABLE_ENTITY, &view))
        }
        Err(error) => Err(error),
    };
    answer(&visit, &form, done).await
}

/// The answer; a form that wants a proof first waits for it.
async fn answer(visit: &Visit, form: &Form, done: Result<Response>) -> Response {
    match done {
        Err(error) if error.code == Code::Unauthenticated => {
            keeping::step_up(visit, form, "/settings/people").await
        }
        done => visit.answer(done),
    }
}

/// `POST /settings/people/{id}/role`
pub(super) async fn role(Path(id): Path<String>, Posted { visit, form }: Posted) -> Response {
    let done = async {
        let role = MemberRole::parse(&form.text("role"))
            .ok_or_else(|| Error::field("role", "must be one of the roles"))?;
        step_up::set_role(visit.app(), &visit.session, &member(&id)?, role).await?;
        Ok(visit.done("/settings/people", Flash::RoleSet))
    };
    let done: Result<Response> = done.await;
    answer(&visit, &form, done).await
}

/// `POST /settings/people/{id}/link`
pub(super) async fn link(Path(id): Path<String>, Posted { visit, form }: Posted) -> Response {
    let done = async {
        let link = step_up::password_link(visit.app(), &visit.session, &member(&id)?).await?;
        Ok(visit.page(&people_view(&visit, Some(&link), None).await?))
    };
    let done: Result<Response> = done.await;
    answer(&visit, &form, done).await
}

/// `POST /settings/people/{id}/remove`
pub(super) async fn remove(Path(id): Path<String>, Posted { visit, .. }: Posted) -> Response {
    let done = async {
        members::remove(visit.app(), visit.caller(), &member(&id)?).await?;
        Ok(visit.done("/settings/people", Flash::Removed))
    };
    let done: Result<Response> = done.await;
    visit.answer(done)
}

fn member(id: &str) -> Result<MemberId> {
    MemberId::parse(id).ok_or_else(|| Error::new(Code::NotFound, "there is no such member"))
}

fn wrong(error: &Error) -> String {
    match (error.retry_after_seconds, error.violations.first()) {
        (Some(seconds), _) => format!("Too many wrong tries. Try again in {seconds} s."),
        (None, Some(wrong)) => {
            let field = match wrong.field.as_str() {
                "current" => "what you gave as present password",
                "password" => "the new password",
                "email" => "the e-mail address",
                _ => "the name",
            };
            sentence(&format!("{field} {}", wrong.description))
        }
        (None, None) => sentence(&error.detail),
    }
}

/// A browser as a person calls it; what is not known stays as it was told.
fn browser(agent: &str) -> String {
    const NAMES: [(&str, &str); 6] = [
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("HeadlessChrome/", "Chrome without a window"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ];
    const SYSTEMS: [(&str, &str); 6] = [
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS", "macOS"),
        ("Linux", "Linux"),
    ];
    let known = |table: &[(&str, &'static str)]| {
        table.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name)
    };
    match (known(&NAMES), known(&SYSTEMS)) {
        (Some(name), Some(system)) => format!("{name} on {system}"),
        (Some(name), None) => name.to_owned(),
        _ if agent.is_empty() => "A browser that does not say its name".to_owned(),
        _ => agent.chars().take(120).collect(),
    }
}

async fn you_view(visit: &Visit, wrong: Option<String>) -> Result<YouView> {
    let now = visit.app().now();
    let open = sessions::list(visit.app(), &visit.session).await?;
    let open = open.into_iter().map(|session| Open {
        id: session.id.to_string(),
        current: session.current,
        address: session.address,
        agent: browser(&session.agent),
        opened: When::new(session.created_at, now),
        seen: When::new(session.seen_at, now),
    });
    Ok(YouView {
        passkeys: passkeys::rows(visit).await?,
        possible: keybearer_app::passkeys::possible(visit.app()),
        frame: visit.frame(Section::Settings, "Settings"),
        tabs: tabs(visit, "/settings"),
        email: visit.session.member.email.clone(),
        has_password: visit.session.member.has_password,
        sessions: open.collect(),
        wrong,
    })
}

async fn people_view(visit: &Visit, link: Option<&Url>, wrong: Option<String>) -> Result<PeopleView> {
    let now = visit.app().now();
    let all = members::list(visit.app(), visit.caller()).await?;
    let ties = sso::ties(visit.app(), visit.caller()).await?;
    let of = |id: &MemberId| {
        let own = ties.iter().filter(|tie| tie.member == *id);
        let shown = own.map(|tie| Shown {
            key: tie.key.clone(),
            issuer: tie.issuer.clone(),
            subject: tie.subject.clone(),
            used: When::new(tie.used, now),
            current: tie.current,
        });
        shown.collect::<Vec<_>>()
    };
    let person = |one: Member| Person {
        ties: of(&one.id),
        you: one.id == visit.session.member.id,
        id: one.id.to_string(),
        invited: !one.has_password && one.signed_in_at.is_none(),
        name: one.name,
        email: one.email,
        role: one.role,
        signed_in: one.signed_in_at.map(|at| When::new(at, now)),
    };
    Ok(PeopleView {
        frame: visit.frame(Section::Settings, "People").under("/settings", "Settings").under("", "People"),
        tabs: tabs(visit, "/settings/people"),
        people: all.into_iter().map(person).collect(),
        roles: MemberRole::ALL.iter().map(|role| Role { role: *role, says: says(*role) }).collect(),
        may: visit.caller().permissions.has(Permission::MembersWrite),
        link: link.map(Url::to_string),
        wrong,
    })
}

fn says(role: MemberRole) -> &'static str {
    match role {
        MemberRole::Owner => "Everything, people included",
        MemberRole::Developer => "Everything but people",
        MemberRole::Viewer => "Sees connections and accounts",
        MemberRole::Auditor => "Sees everything, logs included",
    }
}

#[cfg(test)]
mod tests {
    use super::browser;

    #[test]
    fn a_browser_is_called_by_its_name() {
        let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
        assert_eq!(browser(firefox), "Firefox on Linux");
        let edge = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0";
        assert_eq!(browser(edge), "Edge on Windows");
        let safari = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari/604.1";
        assert_eq!(browser(safari), "Safari on iPhone");
        assert_eq!(browser("curl/8.9"), "curl/8.9");
        assert_eq!(browser(""), "A browser that does not say its name");
    }
}
