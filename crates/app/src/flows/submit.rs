//! The posted form of a connect link.

use std::collections::BTreeMap;

use keybearer_connectors::Bindings;
use keybearer_connectors::forms::{self, Checked, FieldFault, FieldNote, Note as Seen, Require};
use keybearer_connectors::schema::{MethodType, Place};
use keybearer_core::{Code, Error, Result, SecretString};
use keybearer_store::AttemptStatus;
use serde_json::json;
use url::Url;

use super::begin::{self, Road};
use super::open::{self, OpenFlow};
use super::page::{
    Answer, CredentialPage, FormProblem, FormTrouble, Page, PageBody, PageForm, StartNext, Visit,
};
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
    let given = Given::read(&open, form)?;
    if !given.checked.faults.is_empty() {
        return Ok(again(app, &open, browser, &given, None).await?);
    }
    let chosen = match chosen_scopes(&open, form) {
        Ok(chosen) => chosen,
        Err(error) => return Err(open.trouble(error)),
    };
    let sealed = sealed::seal_input(app, &open.flow, &given.checked.values)?;
    let selection = chosen.as_ref().map(|chosen| json!(chosen));
    app.db().set_flow_input(&open.flow.id, Some(&sealed), selection.as_ref()).await.map_err(Error::from)?;
    open.flow.sealed_input = Some(sealed);
    open.flow.scope_selection = selection.or(open.flow.scope_selection.take());
    let url: Result<Url> = match open.connection.method()?.kind {
        MethodType::Oauth1 => oauth1::start(app, &open, browser).await,
        _ => begin::provider_url(app, &open, browser).await,
    };
    app.trail().add(app, &open.flow.id, Note::Step(Step::Left));
    match url {
        Ok(to) => Ok(Answer::Leave { to, head: Box::new(open.head) }),
        Err(error) => Err(open.trouble(error)),
    }
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
    let given = Given::read(&open, form)?;
    if !given.checked.faults.is_empty() {
        return Ok(again(app, &open, browser, &given, None).await?);
    }
    let hash = credentials::take_try(app, &open).await.map_err(|error| open.trouble(error))?;
    // a credential is given and checked here: there is no other place to go to
    app.trail().add(app, &open.flow.id, Note::Step(Step::Returned));
    match credentials::connect(app, &open, given.checked.values.clone()).await {
        Ok(connected) => {
            let row = finish::store(app, &open, Some(&hash), &connected).await;
            let row = row.map_err(|error| open.trouble(error))?;
            trial::proven(app, &open);
            Ok(Answer::Page(Box::new(finish::done(&open, &row, given.in_files())?)))
        }
        Err(error) => {
            super::callback::fail(app, &hash, &error).await;
            Ok(again(app, &open, browser, &given, Some(error)).await?)
        }
    }
}

/// What the person typed, and what came of it.
struct Given {
    input: BTreeMap<String, String>,
    checked: Checked,
}

impl Given {
    fn read(open: &OpenFlow, form: &[(String, SecretString)]) -> Result<Self> {
        let (connector, method) = (&open.connection.connector, open.connection.method()?);
        let input = fields(open, form);
        let checked = forms::read(connector, method, Place::Account, &input, Require::All);
        Ok(Self { input, checked })
    }

    /// What was seen in files, for the page after success.
    fn in_files(&self) -> Vec<Seen> {
        let of_file = |note: &&FieldNote| matches!(note.note, Seen::Key { .. } | Seen::Account { .. });
        self.checked.notes.iter().filter(of_file).map(|seen| seen.note.clone()).collect()
    }
}

/// The form again: nothing typed is lost but secrets, and each fault and each change stands at its field.
async fn again(
    app: &App,
    open: &OpenFlow,
    browser: &str,
    given: &Given,
    refused: Option<Error>,
) -> Result<Answer> {
    let mut form: PageForm = view::form(app, open, browser)?;
    for field in &mut form.fields {
        if let Some(typed) = given.input.get(&field.name).filter(|_| !field.secret) {
            field.value.clone_from(typed);
        }
        let wrong = |fault: &&FieldFault| fault.field == field.name;
        field.error = given.checked.faults.iter().find(wrong).map(|wrong| wrong.fault.clone());
        let here = given.checked.notes.iter().filter(|note| note.field == field.name);
        field.notes = here.map(|note| note.note.clone()).collect();
    }
    let reference = app.reference()?;
    let code = refused.as_ref().map_or(Code::InvalidArgument, |error| error.code);
    tracing::info!(%reference, %code, flow.id = %open.flow.id, "a connect form came back");
    app.trail().add(app, &open.flow.id, Note::Trouble(code, reference.clone()));
    form.problem = Some(FormProblem { kind: trouble(refused.as_ref()), reference });
    let body = match begin::road(app, open)? {
        Road::Credentials | Road::Consent => PageBody::Credentials(CredentialPage {
            form,
            cancel_url: open.head.return_url.clone(),
            shared: false,
        }),
        Road::Form | Road::Straight => view::start(app, open, StartNext::Form(form)).await?,
    };
    Ok(Answer::Page(Box::new(Page { head: open.head.clone(), body })))
}

fn trouble(refused: Option<&Error>) -> FormTrouble {
    match refused.map(|error| error.code) {
        None => FormTrouble::Fields,
        Some(Code::CredentialRejected) => FormTrouble::Rejected,
        Some(Code::ProviderUnavailable | Code::ProviderRateLimited) => FormTrouble::Away,
        Some(_) => FormTrouble::Failed,
    }
}

/// An attempt that nobody answers any more.
pub(super) const CREDENTIAL_TRY: AttemptStatus = AttemptStatus::Exchanging;

/// The values a person typed, for the grant.
pub(super) type Typed = Bindings;
