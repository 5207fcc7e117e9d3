//! Opening a connect link. Nothing is decided, nothing used up and nobody called, however often it is opened; that it was
//! opened is noted once, after the page went out.

use keybearer_connectors::forms::{self, FormField};
use keybearer_connectors::schema::{AuthMethod, FieldKind, Scope};
use keybearer_core::{AccountStatus, FlowKind, Result, Timestamp};
use url::Url;

use super::begin::{self, Road};
use super::open::{self, OpenFlow};
use super::page::{
    Answer, CredentialPage, InputKind, Page, PageBody, PageField, PageForm, PermissionLine, ScopeChoice,
    Standing, StartNext, StartPage, Visit,
};
use super::problem::{self, Trouble};
use super::{consent, held, state};
use crate::connections::{self, ScopeSettings};
use crate::state::App;
use crate::trail::{Note, Step};

/// The page of a connect link.
///
/// # Errors
/// None of its own: every failure is a page.
pub async fn view(app: &App, token: &str, visit: &Visit) -> Result<Answer> {
    Ok(match page(app, token, visit).await {
        Ok(page) => Answer::Page(Box::new(page)),
        Err(trouble) => problem::answer(app, trouble),
    })
}

/// Somebody pressed the button of a start page: the browser says so beside following the link (`ping`). What is said about
/// no link of ours is forgotten.
///
/// # Errors
/// [`keybearer_core::Code::DatabaseUnavailable`].
pub async fn left(app: &App, token: &str) -> Result<()> {
    let flow = app.db().find_flow_by_token(&open::token_hash(token)).await?;
    if let Some(flow) = flow.filter(|flow| flow.finished_at.is_none()) {
        app.trail().add(app, &flow.id, Note::Step(Step::Left));
    }
    Ok(())
}

async fn page(app: &App, token: &str, visit: &Visit) -> Result<Page, Trouble> {
    let open = open::by_token(app, token).await?;
    let browser = visit.browser.clone().unwrap_or_default();
    if let Some(page) = held::page(app, &open, &browser).await? {
        return Ok(page);
    }
    let body = match begin::road(app, &open)? {
        Road::Consent => consent::page(app, &open, &browser)?,
        Road::Credentials => PageBody::Credentials(CredentialPage {
            form: form(app, &open, &browser)?,
            cancel_url: open.head.return_url.clone(),
            shared: false,
        }),
        Road::Form => start(app, &open, StartNext::Form(form(app, &open, &browser)?)).await?,
        Road::Straight => {
            let url = begin::provider_url(app, &open, &browser).await.map_err(|error| open.trouble(error))?;
            start(app, &open, StartNext::Link(url)).await?
        }
    };
    app.trail().add(app, &open.flow.id, Note::Step(Step::Opened));
    Ok(Page { head: open.head, body })
}

/// The page before the provider.
pub(super) async fn start(app: &App, open: &OpenFlow, next: StartNext) -> Result<PageBody> {
    let mut permissions = permissions(open)?;
    let standing = standing(app, open, &permissions).await?;
    if standing == Standing::More {
        permissions.retain(|line| line.new);
    }
    Ok(PageBody::Start(StartPage {
        provider_host: begin::provider_host(app, open).await?,
        permissions,
        standing,
        next,
        cancel_url: open.head.return_url.clone(),
        expires_at: open.flow.expires_at,
    }))
}

/// Where the account stands. A test asks anew each time: its account is connected after the first one.
async fn standing(app: &App, open: &OpenFlow, permissions: &[PermissionLine]) -> Result<Standing> {
    let account = &open.account;
    if account.status == AccountStatus::Active && open.flow.kind == FlowKind::Connect {
        return Ok(match permissions.iter().any(|line| line.new) {
            true => Standing::More,
            false => Standing::Connected { identity: open.identity() },
        });
    }
    if account.status == AccountStatus::PendingAuth && account.identity_id.is_none() {
        return Ok(Standing::New);
    }
    let lost_at = match account.status {
        AccountStatus::Expired => lost_at(app, open).await?,
        _ => None,
    };
    Ok(Standing::Again { lost_at })
}

/// When the provider refused the grant, if a refresh found that.
async fn lost_at(app: &App, open: &OpenFlow) -> Result<Option<Timestamp>> {
    let last = app.db().list_refresh_log(&open.account.id, 1).await?;
    Ok(last.first().filter(|row| row.outcome == "expired").map(|row| row.at))
}

/// What the app will be able to do, in sentences.
fn permissions(open: &OpenFlow) -> Result<Vec<PermissionLine>> {
    let method = open.connection.method()?;
    let granted = &open.account.granted_scopes;
    let before = !granted.is_empty();
    let line = |scope: &String| PermissionLine {
        new: before && !is_held(method, granted, scope) && is_reported(method, scope),
        ..permission(method, scope)
    };
    Ok(open.wanted().iter().map(line).collect())
}

/// What a scope allows, in a sentence.
pub(crate) fn permission(method: &AuthMethod, scope: &str) -> PermissionLine {
    let known = scope_of(method, scope);
    PermissionLine {
        plain: sentence(known),
        sensitive: known.is_some_and(|known| known.sensitive),
        new: false,
        scope: scope.to_owned(),
    }
}

/// The lines for scopes that were left out.
pub(super) fn missing(open: &OpenFlow, granted: &[String]) -> Result<Vec<PermissionLine>> {
    let method = open.connection.method()?;
    let left_out =
        |line: &PermissionLine| !is_held(method, granted, &line.scope) && is_reported(method, &line.scope);
    let lines = permissions(open)?.into_iter().filter(left_out);
    Ok(lines.map(|line| PermissionLine { new: false, ..line }).collect())
}

/// Whether a scope was granted, by itself or with a wider one.
fn is_held(method: &AuthMethod, granted: &[String], scope: &str) -> bool {
    let has = |name: &str| granted.iter().any(|one| one == name);
    has(scope) || scope_of(method, scope).is_some_and(|known| known.implied_by.iter().any(|wider| has(wider)))
}

/// Some scopes only make a refresh token be issued and are never named in an answer.
fn is_reported(method: &AuthMethod, scope: &str) -> bool {
    scope_of(method, scope).is_none_or(|known| !known.grants_refresh_token)
}

fn scope_of<'a>(method: &'a AuthMethod, name: &str) -> Option<&'a Scope> {
    let second = method.optional_scopes.iter().flat_map(|optional| &optional.scopes);
    method.scopes.iter().chain(second).find(|scope| scope.name == name)
}

fn sentence(known: Option<&Scope>) -> String {
    known.and_then(|known| known.plain.clone().or_else(|| known.says.clone())).unwrap_or_default()
}

/// The form of this link, with what is known filled in and secrets left out.
pub(super) fn form(app: &App, open: &OpenFlow, browser: &str) -> Result<PageForm> {
    let method = open.connection.method()?;
    let known = open.account_values(app)?;
    let fields = forms::account_form(&open.connection.connector, method);
    let value = |field: &FormField| {
        let stored = known.get(&field.name).filter(|_| !field.secret).map(|value| value.expose().clone());
        stored.or_else(|| field.default.clone().filter(|_| !field.secret)).unwrap_or_default()
    };
    let environment = &open.flow.environment_id;
    Ok(PageForm {
        csrf: state::csrf(&app.keyring()?, environment, &open.flow.id, browser)?,
        fields: fields
            .iter()
            .filter(|field| !field.generated && !connections::is_fixed(&open.connection.row, &field.name))
            .map(|field| page_field(field, value(field)))
            .collect(),
        scopes: choices(open)?,
        problem: None,
    })
}

fn page_field(field: &FormField, value: String) -> PageField {
    let find = field.where_to_find_url.as_deref().filter(|url| !url.contains('{'));
    PageField {
        name: field.name.clone(),
        label: field.label.clone(),
        help: field.help.clone(),
        where_to_find: find.and_then(|url| Url::parse(url).ok()),
        input: match field.kind {
            FieldKind::Number => InputKind::Number,
            FieldKind::Url => InputKind::Url,
            FieldKind::Enum => InputKind::Choice(field.choices.clone()),
            FieldKind::Pem | FieldKind::JsonFile => InputKind::Area,
            FieldKind::Text | FieldKind::Password => InputKind::Text,
        },
        secret: field.secret,
        required: field.required,
        example: field.example.clone(),
        pattern: field.pattern.clone().filter(|_| is_typed_whole(field)),
        prefix: field.prefix.clone(),
        suffix: field.suffix.clone(),
        value,
        error: None,
        notes: Vec::new(),
    }
}

/// Whether what is typed is the value itself, and not an address that it is cut out of.
fn is_typed_whole(field: &FormField) -> bool {
    let line = matches!(field.kind, FieldKind::Text | FieldKind::Password | FieldKind::Number);
    line && field.prefix.is_none() && field.suffix.is_none()
}

fn choices(open: &OpenFlow) -> Result<Vec<ScopeChoice>> {
    let settings = ScopeSettings::of(&open.connection.row);
    if !settings.selectable || open.flow.scope_selection.is_some() {
        return Ok(Vec::new());
    }
    let method = open.connection.method()?;
    let locked =
        |scope: &String| settings.required.contains(scope) || settings.required_optional.contains(scope);
    let choice = |scope: String| {
        let known = scope_of(method, &scope);
        ScopeChoice {
            plain: sentence(known),
            sensitive: known.is_some_and(|known| known.sensitive),
            locked: locked(&scope),
            chosen: true,
            scope,
        }
    };
    Ok(settings.wanted().into_iter().map(choice).collect())
}
