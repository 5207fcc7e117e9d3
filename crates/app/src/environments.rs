//! The environments of this installation: each with its own keys, API clients, connections and accounts.

use std::time::Duration;

use keybearer_core::ids::{DataKeyId, EnvironmentId};
use keybearer_core::{Code, EnvironmentKind, Error, Result, Timestamp, VerifyMode};
use keybearer_store::{Cursor, EnvironmentRow};
use serde_json::{Value, json};

use crate::access::{Caller, Permission};
use crate::paging::{List, Listed, PageAsk};
use crate::state::App;
use crate::{audit, keys};

/// Key of the setting that keeps error details in the call log.
const DETAILED_ERRORS: &str = "detailed_error_logging";
/// Key of the setting that says for how many days calls are kept.
const CALL_LOG_DAYS: &str = "call_log_days";
/// The longest that it can say.
const MOST_DAYS: u32 = 3650;

/// The ways to confirm people, as pages offer them.
pub const VERIFY_MODES: [VerifyMode; 3] = [VerifyMode::Custom, VerifyMode::Dashboard, VerifyMode::None];

/// A tenant of the deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    /// Its id.
    pub id: EnvironmentId,
    /// Unique name.
    pub name: String,
    /// What it is for.
    pub kind: EnvironmentKind,
    /// What users read on hosted pages.
    pub app_name: String,
    /// How the person behind a consent is confirmed.
    pub verify_mode: VerifyMode,
    /// Whether the call log keeps what went wrong in full.
    pub detailed_errors: bool,
    /// For how many days calls are kept; for good when absent.
    pub call_log_days: Option<u32>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// What to change of an environment's settings; `None` leaves a value as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpdateSettings {
    /// Another way to confirm people.
    pub verify_mode: Option<VerifyMode>,
    /// Whether the call log keeps what went wrong in full.
    pub detailed_errors: Option<bool>,
    /// Another name on hosted pages.
    pub app_name: Option<String>,
    /// For how many days calls are kept; 0 keeps them for good.
    pub call_log_days: Option<u32>,
}

/// All environments, oldest first.
///
/// # Errors
/// [`Code::DatabaseUnavailable`].
pub async fn list(app: &App) -> Result<Vec<Environment>> {
    Ok(app.db().list_environments().await?.into_iter().map(environment).collect())
}

/// The first environment, the one that a new installation has.
///
/// # Errors
/// [`Code::Internal`] when there is none.
pub async fn default(app: &App) -> Result<Environment> {
    list(app).await?.into_iter().next().ok_or_else(|| Error::internal("there is no environment"))
}

/// The environment with that id or name, for the operator at the machine.
///
/// # Errors
/// [`Code::NotFound`].
pub async fn named(app: &App, text: &str) -> Result<Environment> {
    let found = list(app).await?.into_iter().find(|one| one.id.as_str() == text || one.name == text);
    found.ok_or_else(|| unknown().with_help("list them: `keybearer environments list`"))
}

/// One environment.
///
/// # Errors
/// [`Code::NotFound`].
pub(crate) async fn get(app: &App, id: &EnvironmentId) -> Result<Environment> {
    app.db().find_environment(id).await?.map(environment).ok_or_else(unknown)
}

/// One page of the environments that the caller may see, newest first: its own, or all with `environments:write`; 30
/// unless asked otherwise, 100 at most.
///
/// # Errors
/// [`Code::PermissionDenied`]; [`Code::InvalidArgument`] at `page_size` or `page_token`.
pub async fn visible(app: &App, caller: &Caller, ask: &PageAsk) -> Result<Listed<Environment>> {
    caller.require(Permission::SettingsRead)?;
    let mut all = list(app).await?;
    all.retain(|one| reaches(caller, &one.id));
    let page = List {
        environment: &caller.environment,
        name: "environments",
        query: "",
        prefix: EnvironmentId::PREFIX,
        default_size: 30,
        max_size: 100,
    };
    page.slice(app, ask, all, |one| Cursor { created_at: one.created_at, id: one.id.to_string() })
}

/// One environment that the caller may see.
///
/// # Errors
/// [`Code::PermissionDenied`], [`Code::NotFound`].
pub async fn show(app: &App, caller: &Caller, id: &str) -> Result<Environment> {
    caller.require(Permission::SettingsRead)?;
    reachable(app, caller, id).await.map(environment)
}

/// Creates an environment with keys of its own. It has no API client yet.
///
/// # Errors
/// [`Code::PermissionDenied`], [`Code::InvalidArgument`] at `display_name`, [`Code::AlreadyExists`].
pub async fn create(app: &App, caller: &Caller, name: &str, kind: EnvironmentKind) -> Result<Environment> {
    caller.require(Permission::EnvironmentsCreate)?;
    check_name("display_name", name)?;
    let made = make(app, name, kind).await?;
    audit::record(app, caller, "environment.created", made.id.as_str(), json!({"name": name, "kind": kind}))
        .await?;
    Ok(made)
}

/// Renames an environment.
///
/// # Errors
/// [`Code::PermissionDenied`], [`Code::NotFound`], [`Code::InvalidArgument`], [`Code::AlreadyExists`].
pub async fn rename(app: &App, caller: &Caller, id: &str, name: &str) -> Result<Environment> {
    caller.require(Permission::EnvironmentsWrite)?;
    let mut row = reachable(app, caller, id).await?;
    check_name("display_name", name)?;
    let before = std::mem::replace(&mut row.name, name.to_owned());
    let detail = json!({"name": {"from": before, "to": name}});
    save(app, caller, row, "environment.renamed", detail).await
}

/// Changes how people are confirmed, what the call log keeps, and what the pages show.
///
/// # Errors
/// [`Code::PermissionDenied`], [`Code::NotFound`]; [`Code::InvalidArgument`] at `call_log_days` or a name.
pub async fn update_settings(
    app: &App,
    caller: &Caller,
    id: &str,
    change: UpdateSettings,
) -> Result<Environment> {
    caller.require(Permission::SettingsWrite)?;
    let mut row = reachable(app, caller, id).await?;
    let before = row.clone();
    row.verify_mode = change.verify_mode.unwrap_or(row.verify_mode);
    if let Some(app_name) = change.app_name {
        check_name("app_name", &app_name)?;
        row.app_name = app_name;
    }
    if let (Some(on), Some(settings)) = (change.detailed_errors, row.settings.as_object_mut()) {
        settings.insert(DETAILED_ERRORS.to_owned(), on.into());
    }
    if let (Some(days), Some(settings)) = (change.call_log_days, row.settings.as_object_mut()) {
        match days {
            0 => settings.remove(CALL_LOG_DAYS),
            1..=MOST_DAYS => settings.insert(CALL_LOG_DAYS.to_owned(), days.into()),
            _ => return Err(Error::field(CALL_LOG_DAYS, format!("must be at most {MOST_DAYS}"))),
        };
    }
    let detail = changed(&before, &row);
    save(app, caller, row, "environment.settings_changed", detail).await
}

/// The same caller inside another environment, given by id or name.
///
/// # Errors
/// [`Code::NotFound`], also when the caller may not enter it.
pub async fn enter(app: &App, caller: &Caller, text: &str) -> Result<Caller> {
    let found = list(app).await?.into_iter().find(|one| one.id.as_str() == text || one.name == text);
    let found = found.filter(|one| reaches(caller, &one.id)).ok_or_else(|| {
        unknown().with_help("a client sees its own environment only, unless it has `environments:write`")
    })?;
    Ok(Caller { environment: found.id, ..caller.clone() })
}

/// Makes an environment with its first keys.
pub(crate) async fn make(app: &App, name: &str, kind: EnvironmentKind) -> Result<Environment> {
    let now = app.now();
    let row = EnvironmentRow {
        id: app.id(EnvironmentId::from_number)?,
        name: name.to_owned(),
        kind,
        app_name: app.config().app_name.clone(),
        verify_mode: app.config().verify_mode,
        settings: json!({}),
        created_at: now,
        updated_at: now,
    };
    let installation = keys::installation(app).await?;
    let id = app.id(DataKeyId::from_number)?;
    let (data_key, keyring) = keys::new_data_key(app, &installation, &row.id, id).await?;
    let signing_key = keys::new_signing_key(app, &keyring, &row.id).await?;
    app.db().create_environment(&row, &data_key, &signing_key).await.map_err(name_taken)?;
    keys::reload_data_keys(app).await?;
    Ok(environment(row))
}

/// Deletes calls that are older than their environment keeps them.
///
/// # Errors
/// [`Code::DatabaseUnavailable`].
pub(crate) async fn purge_calls(app: &App) -> Result<()> {
    for one in list(app).await? {
        let Some(days) = one.call_log_days else { continue };
        let before = app.now().minus(Duration::from_secs(u64::from(days).saturating_mul(86_400)));
        app.db().delete_calls_of(&one.id, before).await?;
    }
    Ok(())
}

/// What a change of settings changed, for the audit trail.
fn changed(before: &EnvironmentRow, after: &EnvironmentRow) -> Value {
    let setting = |row: &EnvironmentRow, name: &str| row.settings.get(name).cloned().unwrap_or_default();
    let pairs = [
        ("verify_mode", json!(before.verify_mode), json!(after.verify_mode)),
        ("app_name", json!(before.app_name), json!(after.app_name)),
        (DETAILED_ERRORS, setting(before, DETAILED_ERRORS), setting(after, DETAILED_ERRORS)),
        (CALL_LOG_DAYS, setting(before, CALL_LOG_DAYS), setting(after, CALL_LOG_DAYS)),
    ];
    let differing = pairs.into_iter().filter(|(_, from, to)| from != to);
    let told = differing.map(|(name, from, to)| (name.to_owned(), json!({"from": from, "to": to})));
    Value::Object(told.collect())
}

async fn save(
    app: &App,
    caller: &Caller,
    mut row: EnvironmentRow,
    action: &str,
    detail: Value,
) -> Result<Environment> {
    row.updated_at = app.now();
    if !app.db().update_environment(&row).await.map_err(name_taken)? {
        return Err(unknown());
    }
    let inside = Caller { environment: row.id.clone(), ..caller.clone() };
    audit::record(app, &inside, action, row.id.as_str(), detail).await?;
    Ok(environment(row))
}

pub(crate) async fn reachable(app: &App, caller: &Caller, id: &str) -> Result<EnvironmentRow> {
    let id = EnvironmentId::parse(id).filter(|id| reaches(caller, id)).ok_or_else(unknown)?;
    app.db().find_environment(&id).await?.ok_or_else(unknown)
}

fn reaches(caller: &Caller, id: &EnvironmentId) -> bool {
    caller.environment == *id || caller.permissions.has(Permission::EnvironmentsWrite)
}

pub(crate) fn check_name(field: &str, name: &str) -> Result<()> {
    let good = !name.trim().is_empty() && name.chars().count() <= 200 && !name.chars().any(char::is_control);
    if good { Ok(()) } else { Err(Error::field(field, "must have 1 to 200 characters")) }
}

fn name_taken(error: keybearer_store::StoreError) -> Error {
    match error.is_conflict("environment") {
        true => Error::new(Code::AlreadyExists, "another environment has that name"),
        false => error.into(),
    }
}

fn days(settings: &Value) -> Option<u32> {
    settings.get(CALL_LOG_DAYS).and_then(Value::as_u64).and_then(|days| u32::try_from(days).ok())
}

fn unknown() -> Error {
    Error::new(Code::NotFound, "there is no such environment")
}

fn environment(row: EnvironmentRow) -> Environment {
    Environment {
        detailed_errors: row.settings.get(DETAILED_ERRORS).and_then(Value::as_bool).unwrap_or_default(),
        call_log_days: days(&row.settings),
        id: row.id,
        name: row.name,
        kind: row.kind,
        app_name: row.app_name,
        verify_mode: row.verify_mode,
        created_at: row.created_at,
        updated_at: row.updated_at,
    }
}
