//! Which environment a browser is in, and forms that were made in another one.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use keybearer_app::environments::Environment;
use keybearer_app::sessions;
use keybearer_core::EnvironmentKind;

use super::answer::see_other;
use super::form::Form;
use super::frame::Frame;
use super::guard::{Posted, Visit};

/// What a page's forms carry behind the token: the environment and the version that made them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Made {
    /// The token that counts.
    pub token: String,
    /// The environment; empty in forms of somebody who is not signed in, and of versions before this was said.
    pub environment: String,
    /// The version of the program.
    pub version: String,
}

impl Made {
    /// What a form of this visit carries.
    pub fn write(token: &str, environment: &str) -> String {
        format!("{token}.{environment}.{}", env!("CARGO_PKG_VERSION"))
    }

    /// What a posted form carries.
    pub fn read(text: &str) -> Self {
        let mut parts = text.splitn(3, '.').map(str::to_owned);
        let mut next = || parts.next().unwrap_or_default();
        Self { token: next(), environment: next(), version: next() }
    }

    /// Whether another version of this program made the form.
    pub fn is_of_another_version(&self) -> bool {
        self.version != env!("CARGO_PKG_VERSION")
    }
}

/// A form of another environment than the one this browser is in by now.
#[derive(Template)]
#[template(path = "dashboard/elsewhere.html")]
struct ElsewhereView {
    frame: Frame,
    here: String,
    there: Option<(String, String)>,
    back: String,
    reference: String,
}

/// `POST /environment`
pub(super) async fn choose(Posted { visit, form }: Posted) -> Response {
    let entered = sessions::enter(visit.app(), &visit.session, &form.text("environment")).await;
    visit.answer(entered.map(|()| see_other(&list_of(&form.text("back")))))
}

/// Whether a form acts on what an environment has. The others are about the person and the browser.
pub(super) fn acts_inside(path: &str) -> bool {
    let personal = ["/environment", "/sign-out", "/theme", "/settings/password"];
    !personal.contains(&path)
        && !path.starts_with("/settings/sessions/")
        && !path.starts_with("/settings/people")
}

/// Whether a form was made in the environment that this browser is in. Forms that do not say come from the time when
/// there was the first one only.
pub(super) fn was_made_here(visit: &Visit, made: &Made) -> bool {
    let here = visit.session.environment.id.as_str();
    match made.environment.as_str() {
        "" => visit.session.environments.first().is_some_and(|first| first.id.as_str() == here),
        there => there == here,
    }
}

/// The page that says so, instead of acting on the wrong one.
pub(super) fn refuse(visit: &Visit, form: &Form) -> Response {
    let made = Made::read(&form.text("csrf"));
    let there = visit.session.environments.iter().find(|one| one.id.as_str() == made.environment);
    let view = ElsewhereView {
        here: named(&visit.session.environment),
        there: there.map(|one| (one.id.to_string(), named(one))),
        back: list_of(&visit.path),
        reference: visit.session.caller.reference.to_string(),
        frame: visit.frame(visit.section, "Another environment"),
    };
    tracing::info!(reference = view.reference, "a form was made in another environment and changed nothing");
    visit.page_with(StatusCode::CONFLICT, &view)
}

/// An environment with what it is for.
pub(super) fn named(environment: &Environment) -> String {
    format!("{} ({})", environment.name, kind(environment.kind))
}

/// What it is for, in a word.
pub(super) const fn kind(kind: EnvironmentKind) -> &'static str {
    match kind {
        EnvironmentKind::Production => "production",
        EnvironmentKind::Staging => "staging",
        EnvironmentKind::Development => "development",
    }
}

/// The list that a page belongs to: what is on a page of one environment is not in another.
fn list_of(path: &str) -> String {
    let plain = path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let mut parts = path.split('/').skip(1);
    let known =
        |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    match (plain, parts.next().filter(known), parts.next().filter(known)) {
        (true, Some("settings"), Some(page)) => format!("/settings/{page}"),
        (true, Some(part), _) if !matches!(part, "environment" | "login" | "theme" | "sign-out") => {
            format!("/{part}")
        }
        _ => "/".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_leads_to_the_list_and_never_elsewhere() {
        for (from, to) in [
            ("/connections/conn_1/setup?x=1", "/connections"),
            ("/accounts?state=EXPIRED", "/accounts"),
            ("/settings/encryption", "/settings/encryption"),
            ("/settings/environments/env_1", "/settings/environments"),
            ("/", "/"),
            ("//evil.example/x", "/"),
            ("https://evil.example", "/"),
            ("/\\evil", "/"),
            ("/sign-out", "/"),
        ] {
            assert_eq!(list_of(from), to, "{from}");
        }
    }

    #[test]
    fn what_a_form_carries_comes_apart_again() {
        let made = Made::read(&Made::write("abc", "env_1"));
        assert_eq!((made.token.as_str(), made.environment.as_str()), ("abc", "env_1"));
        assert!(!made.is_of_another_version());
        let old = Made::read("abc");
        assert_eq!((old.token.as_str(), old.environment.as_str()), ("abc", ""));
        assert!(old.is_of_another_version());
    }
}
