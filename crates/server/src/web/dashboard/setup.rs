//! The configure page: draft and later changes. A form post saves; with scripts a draft saves itself meanwhile.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Path;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use keybearer_app::connections::{
    self, Connection, ConnectionQuery, Form as Asked, ScopeSettings, UpdateConnection,
};
use keybearer_app::connectors::Bindings;
use keybearer_app::connectors::schema::{AuthMethod, Connector};
use keybearer_app::flows::trial::check_credentials;
use keybearer_app::reach::Reach;
use keybearer_app::{PageAsk, Permission};
use keybearer_core::{Code, ConnectionState, CredentialSource, Error, Result};
use serde_json::json;

use super::answer::{see_other, sentence};
use super::connection::{Head, Tab};
use super::fields::Control;
use super::flash::Flash;
use super::form::Form;
use super::frame::Section;
use super::guard::{Posted, Visit};
use super::setup_view::{Facts, SetupView};
use super::when::When;
use super::{credentials, scopes, testing};

/// How long a page waits for the answer whether this server is reachable.
const PATIENCE: Duration = Duration::from_millis(1500);

/// What the page of a connection is made from, looked up once.
struct Setup {
    connection: Connection,
    connector: Arc<Connector>,
    asked: Asked,
    shared_by: usize,
}

impl Setup {
    async fn load(visit: &Visit, name: &str) -> Result<Self> {
        let (app, caller) = (visit.app(), visit.caller());
        let connection = connections::get(app, caller, name).await?;
        let connector = connections::connector(app, &caller.environment, &connection.connector).await?;
        let method = Some(connection.method.as_str());
        let asked = connections::form(app, caller, &connection.connector, method).await?;
        let shared_by = match asked.shared_app_name {
            Some(_) => shared_by(visit, &connection.connector).await?,
            None => 0,
        };
        let setup = Self { connection, connector, asked, shared_by };
        setup.method().map(|_| ())?;
        Ok(setup)
    }

    fn method(&self) -> Result<&AuthMethod> {
        let gone =
            || Error::new(Code::FailedPrecondition, "the connector does not have this method any more");
        self.connector.method(&self.connection.method).ok_or_else(gone)
    }

    fn is_draft(&self) -> bool {
        self.connection.state == ConnectionState::Draft
    }

    /// The page of the connection as it is stored.
    fn view(&self, visit: &Visit) -> Result<SetupView> {
        let (app, connection) = (visit.app(), &self.connection);
        let facts = Facts {
            connection,
            connector: &self.connector,
            method: self.method()?,
            asked: &self.asked,
            saved: When::new(connection.updated_at, app.now()),
            app_name: &visit.session.environment.app_name,
            known: &app.config().known_fields,
            shared_by: self.shared_by,
        };
        let title = if self.is_draft() { "Add a connection" } else { &connection.name };
        let frame = visit.frame(Section::Connections, title).under("/connections", "Connections");
        let frame = match connection.state {
            ConnectionState::Draft => frame.under("", format!("Add {}", self.connector.display_name)),
            _ => frame
                .under(format!("/connections/{}", connection.id), connection.name.clone())
                .under("", "Setup"),
        };
        let command = format!("keybearer connections edit {}", connection.name);
        let mut view = SetupView::new(frame.command(command), &facts);
        view.head = (!self.is_draft()).then(|| Head::of(visit, connection, facts.method, Tab::Setup));
        view.may = visit.caller().permissions.has(Permission::ConnectorsWrite);
        Ok(view)
    }
}

impl Setup {
    /// The page, with the answer whether people who come back from the provider arrive here.
    async fn page(&self, visit: &Visit) -> Result<SetupView> {
        let mut view = self.view(visit)?;
        if let Some(redirect) = &mut view.redirect {
            redirect.checks.insert(0, super::redirect_checks::reachable(reach(visit).await.as_ref()));
        }
        Ok(view)
    }
}

/// Whether the public URL leads back here. The page does not wait long for it: the answer is kept for the next one.
async fn reach(visit: &Visit) -> Option<Reach> {
    let (app, caller) = (visit.app().clone(), visit.caller().clone());
    let asked = tokio::spawn(async move { keybearer_app::reach::check(&app, &caller).await });
    let answered = tokio::time::timeout(PATIENCE, asked).await.ok()?;
    answered.ok()?.ok()
}

async fn shared_by(visit: &Visit, connector: &str) -> Result<usize> {
    let query = ConnectionQuery { connector: Some(connector.to_owned()), ..ConnectionQuery::default() };
    let listed = connections::list(visit.app(), visit.caller(), &query, &PageAsk::first(100)).await?;
    Ok(listed.items.iter().filter(|one| one.source == CredentialSource::Shared).count())
}

/// `GET /connections/{name}/setup`
pub(super) async fn show(visit: Visit, Path(name): Path<String>) -> Response {
    let page = async { Ok(visit.page(&Setup::load(&visit, &name).await?.page(&visit).await?)) };
    let page: Result<Response> = page.await;
    visit.answer(page)
}

/// `POST /connections/{name}/setup`; `do` says what for.
pub(super) async fn save(Path(name): Path<String>, Posted { visit, form }: Posted) -> Response {
    let done = async {
        match form.text("do").as_str() {
            "draft" => save_draft(&visit, &name, &form).await,
            "discard" => discard(&visit, &name).await,
            "check" => check(&visit, &name, &form).await,
            what if what.starts_with("preset-") => take_preset(&visit, &name, &form, what).await,
            what => save_all(&visit, &name, &form, what == "test").await,
        }
    };
    let done: Result<Response> = done.await;
    visit.answer(done)
}

/// Saves what can be saved and tells the rest, for the script that saves while a person types.
async fn save_draft(visit: &Visit, name: &str, form: &Form) -> Result<Response> {
    let setup = Setup::load(visit, name).await?;
    let (saved, wrong) = save_part(visit, &setup, form).await?;
    let warnings =
        saved.warnings.iter().map(|warning| json!({"field": input_of(&warning.field), "says": warning.says}));
    let answer = json!({
        "saved": saved.updated_at.rfc3339(),
        "version": saved.version,
        "wrong": wrong,
        "warnings": warnings.collect::<Vec<_>>(),
        "updated": visit.of_another_version,
    });
    Ok(axum::Json(answer).into_response())
}

/// Saves what is right; gives what is wrong.
async fn save_part(
    visit: &Visit,
    setup: &Setup,
    form: &Form,
) -> Result<(Connection, Vec<serde_json::Value>)> {
    let (app, caller, id) = (visit.app(), visit.caller(), setup.connection.id.as_str());
    let patch = patch(visit, setup, form)?;
    match connections::update(app, caller, id, patch.clone()).await {
        Err(error) if !error.violations.is_empty() || error.code == Code::ConnectionNameTaken => {
            let rest = without(patch, &error);
            let wrong = told(visit, form, &error);
            Ok((connections::update(app, caller, id, rest).await?, wrong))
        }
        saved => Ok((saved?, Vec::new())),
    }
}

fn told(visit: &Visit, form: &Form, error: &Error) -> Vec<serde_json::Value> {
    if error.code == Code::ConnectionNameTaken {
        return vec![json!({"field": "name", "says": taken(visit, form, error)})];
    }
    let wrong = error.violations.iter();
    wrong
        .map(|wrong| json!({"field": input_of(&wrong.field), "says": sentence(&wrong.description)}))
        .collect()
}

/// Copy 19.
fn taken(visit: &Visit, form: &Form, error: &Error) -> String {
    let (name, environment) = (form.text("name"), &visit.session.environment.name);
    let other = error.help.as_deref().and_then(|help| help.rsplit('`').nth(1)).unwrap_or_default();
    let says = format!(
        "`{name}` is used by another connection in {environment}. Names are how your code finds a connection."
    );
    if other.is_empty() { says } else { format!("{says} Try `{other}`.") }
}

/// The input of the page that a field of the use case is entered in.
fn input_of(field: &str) -> String {
    match field {
        "name" | "label" => field.to_owned(),
        "blurb_for_users" => "blurb".to_owned(),
        "extra_authorize_params" => "extra".to_owned(),
        field if field.starts_with("scopes") => "custom_scopes".to_owned(),
        field if field.starts_with("fixed.") => field.replacen("fixed.", "x.", 1),
        field => super::fields::name(field),
    }
}

/// The patch without what is wrong with it.
fn without(mut patch: UpdateConnection, error: &Error) -> UpdateConnection {
    if error.code == Code::ConnectionNameTaken {
        patch.name = None;
    }
    for wrong in &error.violations {
        match wrong.field.as_str() {
            "name" => patch.name = None,
            "label" => patch.label = None,
            "blurb_for_users" => patch.blurb_for_users = None,
            "extra_authorize_params" => patch.extra_authorize_params = None,
            "client_id" => patch.client_id = None,
            "source" => patch.source = None,
            field if field.starts_with("scopes") => patch.scopes = None,
            field if field.starts_with("fixed.") => {
                patch.fixed.remove(field.trim_start_matches("fixed."));
            }
            field => {
                patch.fields.remove(field);
                patch.secrets.remove(field);
            }
        }
    }
    patch
}

async fn discard(visit: &Visit, name: &str) -> Result<Response> {
    let connection = connections::get(visit.app(), visit.caller(), name).await?;
    if connection.state != ConnectionState::Draft {
        return Err(Error::new(Code::FailedPrecondition, "the connection is no draft"));
    }
    connections::delete(visit.app(), visit.caller(), name, None, false).await?;
    Ok(visit.done("/connections", Flash::Discarded))
}

/// Saves the draft, and asks the provider whether it knows the client.
async fn check(visit: &Visit, name: &str, form: &Form) -> Result<Response> {
    let mut setup = Setup::load(visit, name).await?;
    if !setup.is_draft() {
        return Err(Error::new(Code::FailedPrecondition, "credentials in use have a page of their own"));
    }
    (setup.connection, _) = save_part(visit, &setup, form).await?;
    let id = setup.connection.id.as_str();
    let answer = check_credentials(visit.app(), visit.caller(), id, None, &Bindings::new()).await?;
    let mut view = setup.page(visit).await?;
    view.checked = Some(credentials::checked(&setup.connector.display_name, &answer));
    Ok(visit.page(&view))
}

/// Ticks a ready choice. Where accounts are touched, the review comes first.
async fn take_preset(visit: &Visit, name: &str, form: &Form, word: &str) -> Result<Response> {
    let mut setup = Setup::load(visit, name).await?;
    if setup.is_draft() {
        (setup.connection, _) = save_part(visit, &setup, form).await?;
    }
    let unknown = || Error::field("do", "must be a preset of this connector");
    let wanted = scopes::preset(setup.method()?, &setup.connection.scopes, word).ok_or_else(unknown)?;
    if setup.connection.counts.accounts > 0 {
        return Ok(see_other(&super::review::address(&setup.connection, &wanted)));
    }
    let patch = UpdateConnection { scopes: Some(wanted), ..UpdateConnection::default() };
    let saved = connections::update(visit.app(), visit.caller(), setup.connection.id.as_str(), patch).await?;
    Ok(visit.done(&format!("/connections/{}/setup#h-scopes", saved.id), Flash::PresetTaken))
}

async fn save_all(visit: &Visit, name: &str, form: &Form, test: bool) -> Result<Response> {
    let setup = Setup::load(visit, name).await?;
    let before = &setup.connection;
    let mut patch = patch(visit, &setup, form)?;
    patch.expected_version = form.text("version").parse().ok().filter(|_| !setup.is_draft());
    let wanted = patch.scopes.clone();
    let review = before.counts.accounts > 0 && changes(&before.scopes, wanted.as_ref());
    if review {
        patch.scopes = None;
    }
    let saved = match connections::update(visit.app(), visit.caller(), before.id.as_str(), patch).await {
        Ok(saved) => saved,
        Err(error) if matches!(error.code, Code::InvalidArgument | Code::ConnectionNameTaken) => {
            let page = setup.page(visit).await?.refused(form, &error, &taken(visit, form, &error));
            return Ok(visit.page_with(StatusCode::UNPROCESSABLE_ENTITY, &page));
        }
        Err(error) => return Err(error),
    };
    if let Some(wanted) = wanted.filter(|_| review) {
        return Ok(see_other(&super::review::address(&saved, &wanted)));
    }
    finish(visit, Setup { connection: saved, ..setup }, test).await
}

/// Puts a complete draft into use; then on to the test, or to the connection.
async fn finish(visit: &Visit, setup: Setup, test: bool) -> Result<Response> {
    let saved = &setup.connection;
    if !saved.missing.is_empty() {
        let page = setup.page(visit).await?.incomplete(&saved.missing);
        return Ok(visit.page_with(StatusCode::UNPROCESSABLE_ENTITY, &page));
    }
    if setup.is_draft() {
        connections::activate(visit.app(), visit.caller(), saved.id.as_str()).await?;
    }
    if test {
        return testing::start(visit, saved.id.as_str()).await;
    }
    let to = format!("/connections/{}", saved.id);
    Ok(visit.done(&to, if setup.is_draft() { Flash::Activated } else { Flash::Saved }))
}

fn changes(present: &ScopeSettings, wanted: Option<&ScopeSettings>) -> bool {
    let sorted = |settings: &ScopeSettings| {
        let mut all = settings.wanted();
        all.sort();
        all
    };
    wanted.is_some_and(|wanted| sorted(present) != sorted(wanted))
}

/// What the form changes.
fn patch(visit: &Visit, setup: &Setup, form: &Form) -> Result<UpdateConnection> {
    let (before, method) = (&setup.connection, setup.method()?);
    let page = setup.view(visit)?;
    let shared = form.text("source") == CredentialSource::Shared.as_str();
    let mut patch = UpdateConnection {
        name: Some(form.text("name")).filter(|name| !name.is_empty() && *name != before.name),
        label: form.has("label").then(|| form.text("label")),
        blurb_for_users: form.has("blurb").then(|| form.text("blurb")),
        extra_authorize_params: form.has("extra").then(|| pairs(&form.text("extra"))),
        fixed: fixed(&page, form),
        ..UpdateConnection::default()
    };
    if form.has("source") {
        let wanted = if shared { CredentialSource::Shared } else { CredentialSource::Own };
        patch.source = Some(wanted).filter(|wanted| *wanted != before.source);
    }
    if page.picker.is_some() && form.has("scopes_shown") {
        patch.scopes = Some(scopes::wanted(method, &before.scopes, form));
    }
    for input in page.inputs.iter().filter(|input| form.has(&input.name) && input.control != Control::Shown) {
        let field = input.name.trim_start_matches("f.");
        let secret = field == "client_secret" || method.field(field).is_some_and(|field| field.secret);
        match field {
            "client_id" | "client_secret" if shared => {}
            "client_id" => {
                let id = form.text(&input.name);
                patch.client_id =
                    Some(id).filter(|id| !id.trim().is_empty() && before.client_id.as_ref() != Some(id));
            }
            _ if secret => {
                let value = form.secret(&input.name);
                if !value.is_empty() {
                    patch.secrets.insert(field, value);
                }
            }
            _ => drop(patch.fields.insert(field.to_owned(), form.text(&input.name))),
        }
    }
    Ok(patch)
}

/// Which account fields the developer gives for everybody.
fn fixed(page: &SetupView, form: &Form) -> BTreeMap<String, String> {
    let asked = page.fixable.iter().filter(|one| one.can && form.has(&one.input.choice()));
    asked
        .map(|one| {
            let value = match form.text(&one.input.choice()) == "fix" {
                true => form.text(&one.input.name),
                false => String::new(),
            };
            (one.input.name.trim_start_matches("x.").to_owned(), value)
        })
        .collect()
}

/// `name=value` on each line.
fn pairs(text: &str) -> BTreeMap<String, String> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let pair = |line: &str| {
        let (name, value) = line.split_once('=').unwrap_or((line, ""));
        (name.trim().to_owned(), value.trim().to_owned())
    };
    lines.map(pair).collect()
}
