//! What a refused page says beyond the refusal: what is near what was looked for; which role it takes, and who has it.

use std::convert::Infallible;

use askama::Template as _;
use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use http::{StatusCode, header};
use keybearer_app::{App, Caller, Permission, members};
use keybearer_core::{Code, Error, MemberRole, Result};

use super::answer::ProblemView;
use super::find::{self, Hit};
use super::guard::Visit;

/// Most things that are named as near.
const MOST_NEAR: usize = 6;
/// The longest word that is looked for.
const LONGEST: usize = 80;

/// What more there is to say.
#[derive(Debug, Default)]
pub(super) struct Beyond {
    /// What was looked for; empty where that is not known.
    pub wanted: String,
    /// What is called nearly so.
    pub near: Vec<Hit>,
    /// Where everything is searched for that word.
    pub search: String,
    /// There are other environments, where it may be.
    pub elsewhere: bool,
    pub able: Option<Able>,
}

/// Who may do what this member may not.
#[derive(Debug)]
pub(super) struct Able {
    pub roles: String,
    pub people: String,
}

/// What a refusal is about.
enum About {
    Lost(String),
    Lacking(Permission),
}

impl About {
    fn of(error: &Error, path: &str) -> Option<Self> {
        match error.code {
            Code::PermissionDenied => error.lacking.and_then(Permission::parse).map(Self::Lacking),
            Code::NotFound | Code::ConnectionNotFound | Code::ConnectorNotFound | Code::AccountNotFound => {
                wanted(path).map(Self::Lost)
            }
            _ => None,
        }
    }
}

/// The word of a path that names a thing: `/connections/git-hub/setup` looks for `git-hub`.
fn wanted(path: &str) -> Option<String> {
    let word = path.split(['?', '#']).next()?.split('/').filter(|part| !part.is_empty()).nth(1)?;
    let word = percent_encoding::percent_decode_str(word).decode_utf8().ok()?;
    Some(word.trim().chars().take(LONGEST).collect()).filter(|word: &String| !word.is_empty())
}

/// The page of a refusal, with what can be said beyond it. What takes the database is asked while the page is sent.
pub(super) fn explained(visit: &Visit, error: &Error, status: StatusCode, mut view: ProblemView) -> Response {
    let about = About::of(error, &visit.path);
    let (app, caller) = (visit.app().clone(), visit.caller().clone());
    let elsewhere = visit.session.environments.len() > 1;
    let page = async move {
        if let Some(about) = about {
            view.beyond = match beyond(&app, &caller, about).await {
                Ok(beyond) => Beyond { elsewhere, ..beyond },
                // the refusal stands without it
                Err(error) => {
                    tracing::warn!(%error, "a refusal could not be explained");
                    Beyond::default()
                }
            };
        }
        view.render().unwrap_or_else(|error| {
            tracing::error!(%error, "the page of a refusal could not be rendered");
            String::new()
        })
    };
    let body = Body::from_stream(stream::once(async move { Ok::<_, Infallible>(page.await) }));
    (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], body).into_response()
}

async fn beyond(app: &App, caller: &Caller, about: About) -> Result<Beyond> {
    match about {
        About::Lost(wanted) => {
            let groups = find::look(app, caller, &wanted).await?;
            let near = groups.into_iter().flat_map(|group| group.hits).take(MOST_NEAR).collect();
            let query = form_urlencoded::Serializer::new(String::new()).append_pair("q", &wanted).finish();
            Ok(Beyond { near, search: format!("/find?{query}"), wanted, ..Beyond::default() })
        }
        About::Lacking(permission) => {
            let able = members::who_may(app, caller, permission).await?;
            let roles: Vec<&str> = able.roles.iter().copied().map(MemberRole::as_str).collect();
            let able = Able { roles: listed(&roles), people: able.people.join(", ") };
            Ok(Beyond { able: Some(able), ..Beyond::default() })
        }
    }
}

/// `owner`, `owner or developer`, `owner, developer or auditor`.
fn listed(words: &[&str]) -> String {
    match words {
        [] => "none".to_owned(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_tells_what_was_looked_for() {
        assert_eq!(wanted("/connections/git-hub/setup?x=1").as_deref(), Some("git-hub"));
        assert_eq!(wanted("/users/ada%40fieldnote.example").as_deref(), Some("ada@fieldnote.example"));
        assert_eq!(wanted("/users/%FF"), None);
        assert_eq!(wanted("/settings"), None);
    }

    #[test]
    fn roles_are_told_as_a_person_would() {
        assert_eq!(listed(&["owner"]), "owner");
        assert_eq!(listed(&["owner", "developer", "auditor"]), "owner, developer or auditor");
    }
}
