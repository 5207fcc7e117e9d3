//! The posted form of a connect link.

use std::collections::BTreeMap;

use keybearer_connectors::Bindings;
use keybearer_connectors::forms::{self, Require};
use keybearer_connectors::schema::{MethodType, Place};
use keybearer_core::{Code, Error, FieldViolation, Result, SecretString};
use keybearer_store::AttemptStatus;
use serde_json::json;
use url::Url;

use super::begin::{self, Road};
use super::open::{self, OpenFlow};
use super::page::{Answer, CredentialPage, FormProblem, Page, PageBody, PageForm, StartNext, Visit};
use super::problem::{self, Trouble};
use super::{consent, credentials, finish, held, oauth1, sealed, state, trial, view};
use crate::accounts::{self, ScopeSelection};
use crate::connections::{self, ScopeSettings};
use crate::state::App;
use crate::trail::{Note, Step};

/// What a posted form leads to: the provider, or a page.
///
/// # Errors
/// None of its own: every failure is a page.
pub async fn submit(
    app: &App,
    token: &str,
    visit: &Visit,
    form: Vec<(String, SecretString)>,
) -> Result<Answer> {
    Ok(match handle(app, token, visit, form).await {
        Ok(answer) => answer,
        Err(trouble) => problem::answer(app, trouble),
    })
}

async fn handle(
    app: &App,
    token: &str,
    visit: &Visit,
    form: Vec<(String, SecretString)>,
) -> Result<Answer, Trouble> {
    let open = open::by_token(app, token).await?;
    let browser = visit.browser.as_deref().filter(|_| !visit.fresh_browser).unwrap_or_default();
    let given = form.iter().find(|(name, _)| name == "csrf").map(|(_, value)| value);
    let ours = !browser.is_empty()
        && state::csrf_holds(&app.keyring()?, &open.flow.environment_id, &open.flow.id, browser, given)?;
    if !ours {
        return Err(open.trouble(Error::new(Code::StateInvalid, "the form is not one of this browser")));
    }
    if let Some((_, choice)) = form.iter().find(|(name, _)| name == "choice")
        && let Some(answer) = held::decide(app, &open, choice.expose()).await?
    {
        return Ok(answer);
    }
    match begin::road(app, &open)? {
        Road::Consent => {
            consent::give(app, &open).await.map_err(|error| open.trouble(error))?;
            Ok(Answer::Page(Box::new(consent::done(&open))))
        }
        Road::Credentials => credentials(app, open, browser, &form).await,
        Road::Form | Road::Straight => leave(app, open, browser, &form).await,
    }
}

/// The typed fields, without our own, and what the developer gives for everybody.
fn fields(open: &OpenFlow, form: &[(String, SecretString)]) -> BTreeMap<String, String> {
    let own = |name: &str| matches!(name, "csrf" | "scope" | "choice");
    let typed = form.iter().filter(|(name, _)| !own(name));
    let mut input: BTreeMap<String, String> =
        typed.map(|(name, value)| (name.clone(), value.expose().clone())).collect();
    input.extend(connections::fixed_values(&open.connection.row));
    input
}

/// Takes the input and sends the browser to the provider.
async fn leave(
    app: &App,
    mut open: OpenFlow,
    browser: &str,
    form: &[(String, SecretString)],
) -> Result<Answer, Trouble> {
    let method = open.connection.method()?;
    let input = fields(&open, form);
    let values = match forms::check(&open.connection.connector, method, Place::Account, &input, Require::All)
    {
        Ok(values) => values,
        Err(violations) => return Ok(again(app, &open, browser, &input, Wrong::Fields(violations)).await?),
    };
    let chosen = match chosen_scopes(&open, form) {
        Ok(chosen) => chosen,
        Err(error) => return Err(open.trouble(error)),
    };
    let sealed = sealed::seal_input(app, &open.flow, &values)?;
    let selection = chosen.as_ref().map(|chosen| json!(chosen));
    app.db().set_flow_input(&open.flow.id, Some(&sealed), selection.as_ref()).await.map_err(Error::from)?;
    open.flow.sealed_input = Some(sealed);
    open.flow.scope_selection = selection.or(open.flow.scope_selection.take());
    let url: Result<Url> = match open.connection.method()?.kind {
        MethodType::Oauth1 => oauth1::start(app, &open, browser).await,
        _ => begin::provider_url(app, &open, browser).await,
    };
    app.trail().add(app, &open.flow.id, Note::Step(Step::Left));
    url.map(Answer::Redirect).map_err(|error| open.trouble(error))
}

/// The scopes that were left ticked, where the page let the person choose.
fn chosen_scopes(open: &OpenFlow, form: &[(String, SecretString)]) -> Result<Option<Vec<String>>> {
    let settings = ScopeSettings::of(&open.connection.row);
    if !settings.selectable || open.flow.scope_selection.is_some() {
        return Ok(None);
    }
    let ticked = form.iter().filter(|(name, _)| name == "scope").map(|(_, value)| value.expose().clone());
    let (optional_scopes, scopes): (Vec<String>, Vec<String>) = ticked
        .partition(|scope| settings.optional_scopes.contains(scope) && !settings.scopes.contains(scope));
    let selection = ScopeSelection { scopes, optional_scopes };
    accounts::selected(&open.connection.row, Some(&selection)).map(Some)
}

/// Checks what the person gave and connects the account with it.
async fn credentials(
    app: &App,
    open: OpenFlow,
    browser: &str,
    form: &[(String, SecretString)],
) -> Result<Answer, Trouble> {
    let input = fields(&open, form);
    let method = open.connection.method()?;
    let values = match forms::check(&open.connection.connector, method, Place::Account, &input, Require::All)
    {
        Ok(values) => values,
        Err(violations) => return Ok(again(app, &open, browser, &input, Wrong::Fields(violations)).await?),
    };
    let hash = credentials::take_try(app, &open).await.map_err(|error| open.trouble(error))?;
    // a credential is given and checked here: there is no other place to go to
    app.trail().add(app, &open.flow.id, Note::Step(Step::Returned));
    match credentials::connect(app, &open, values).await {
        Ok(connected) => {
            let row = finish::store(app, &open, Some(&hash), &connected).await;
            let row = row.map_err(|error| open.trouble(error))?;
            trial::proven(app, &open);
            Ok(Answer::Page(Box::new(finish::done(&open, &row)?)))
        }
        Err(error) => {
            super::callback::fail(app, &hash, &error).await;
            Ok(again(app, &open, browser, &input, Wrong::Refused(error)).await?)
        }
    }
}

/// Why a form comes back.
enum Wrong {
    Fields(Vec<FieldViolation>),
    Refused(Error),
}

/// The form again: nothing typed is lost but secrets, and each fault stands at its field.
async fn again(
    app: &App,
    open: &OpenFlow,
    browser: &str,
    input: &BTreeMap<String, String>,
    wrong: Wrong,
) -> Result<Answer> {
    let mut form: PageForm = view::form(app, open, browser)?;
    for field in form.fields.iter_mut().filter(|field| !field.secret) {
        if let Some(typed) = input.get(&field.name) {
            field.value.clone_from(typed);
        }
    }
    let reference = app.reference()?;
    let name = &open.head.connector_name;
    let (what, then) = match &wrong {
        Wrong::Fields(violations) => {
            for violation in violations {
                let field = form.fields.iter_mut().find(|field| field.name == violation.field);
                if let Some(field) = field {
                    field.error = Some(sentence(&field.label, &violation.description));
                }
            }
            let count = violations.len();
            let what = if count == 1 {
                "One field needs a look.".to_owned()
            } else {
                format!("{count} fields need a look.")
            };
            (what, "Nothing was sent. What is wrong stands at each field.".to_owned())
        }
        Wrong::Refused(error) => explain(name, error),
    };
    let code = if let Wrong::Refused(error) = &wrong { error.code } else { Code::InvalidArgument };
    tracing::info!(%reference, %code, flow.id = %open.flow.id, "a connect form came back");
    app.trail().add(app, &open.flow.id, Note::Trouble(code, reference.clone()));
    form.problem = Some(FormProblem { what, then, reference });
    let body = match begin::road(app, open)? {
        Road::Credentials | Road::Consent => {
            PageBody::Credentials(CredentialPage { form, cancel_url: None, shared: false })
        }
        Road::Form | Road::Straight => view::start(app, open, StartNext::Form(form)).await?,
    };
    Ok(Answer::Page(Box::new(Page { head: open.head.clone(), body })))
}

/// `must be …` as a sentence about the field.
fn sentence(label: &str, description: &str) -> String {
    format!("{label} {description}.")
}

fn explain(name: &str, error: &Error) -> (String, String) {
    match error.code {
        Code::CredentialRejected => (
            format!("{name} did not accept this."),
            "Check that everything belongs together and is still valid, then try again.".to_owned(),
        ),
        Code::ProviderUnavailable | Code::ProviderRateLimited => (
            format!("{name} does not answer just now."),
            "Nothing was saved. Wait a moment, then try again.".to_owned(),
        ),
        _ => (
            format!("{name} could not be connected with this."),
            "Nothing was saved. Check what you typed, or ask the app's people.".to_owned(),
        ),
    }
}

/// An attempt that nobody answers any more.
pub(super) const CREDENTIAL_TRY: AttemptStatus = AttemptStatus::Exchanging;

/// The values a person typed, for the grant.
pub(super) type Typed = Bindings;
