//! `keybearer environments`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use http::Method;
use keybearer_app::environments as app;
use keybearer_core::{Code, EnvironmentKind, Error, Result};
use serde_json::{Map, Value, json};

use super::Context;
use super::offline::Offline;
use super::output::{list, text};
use super::session::{Session, encoded};

#[derive(Debug, Subcommand)]
pub(crate) enum Environments {
    /// List those that the API client may see
    List,
    /// Make one, with keys of its own
    Create {
        /// Its name
        name: String,
        /// Production or development
        #[arg(long, value_enum, default_value_t = Kind::Production)]
        kind: Kind,
        /// Write into the database of this configuration, for a server that is not running
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Show one with its settings
    Show {
        /// Its id or name
        environment: String,
    },
    /// Change how people are confirmed, what the call log keeps, what the pages show
    Settings(Settings),
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Kind {
    Production,
    Development,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Verification {
    /// Whoever opens a link connects
    None,
    /// Your app confirms each person
    Custom,
    /// Only people signed in to the dashboard
    Dashboard,
}

#[derive(Debug, Args)]
pub(crate) struct Settings {
    /// Its id or name
    environment: String,
    /// How people are confirmed
    #[arg(long, value_enum)]
    verification: Option<Verification>,
    /// Keep what went wrong in full in the call log: on or off
    #[arg(long, value_name = "on|off", value_parser = ["on", "off"])]
    detailed_errors: Option<String>,
    /// The name of your app on the hosted pages
    #[arg(long)]
    app_name: Option<String>,
    /// For how many days calls are kept; 0 keeps them for good
    #[arg(long, value_name = "DAYS", requires = "config")]
    call_log_days: Option<u32>,
    /// Write into the database of this configuration; with the embedded one the server must be stopped
    #[arg(long, value_name = "FILE", requires = "call_log_days")]
    config: Option<PathBuf>,
}

pub(crate) async fn run(command: Environments, context: &mut Context) -> Result<()> {
    if let Environments::Create { name, kind, config: Some(config) } = &command {
        let offline = Offline::open(config, None).await?;
        let made = app::create(&offline.app, &offline.caller, name, (*kind).into()).await;
        offline.app.close().await;
        return created(&json!({"id": made?.id, "display_name": name}), context);
    }
    if let Environments::Settings(Settings {
        environment,
        call_log_days: Some(days),
        config: Some(config),
        ..
    }) = &command
    {
        return keep_calls(config, environment, *days, context).await;
    }
    let session = Session::open(context).await?;
    match command {
        Environments::List => {
            let answer = session.get("/api/v1/environments?page_size=100").await?;
            let all = list(&answer, "environments");
            let row =
                |one: &Value| ["id", "display_name", "type"].map(|name| text(one, name).to_owned()).to_vec();
            let rows: Vec<Vec<String>> = all.iter().map(row).collect();
            context.out.table(&json!(all), &["ID", "NAME", "KIND"], &rows)
        }
        Environments::Create { name, kind, .. } => {
            let kind = if EnvironmentKind::from(kind) == EnvironmentKind::Production { "PRD" } else { "DEV" };
            let body = json!({"display_name": name, "type": kind});
            let answer = session.api(Method::POST, "/api/v1/environments", Some(&body)).await?;
            created(answer.get("environment").unwrap_or(&Value::Null), context)
        }
        Environments::Show { environment } => {
            show(&session, &find(&session, &environment).await?, context).await
        }
        Environments::Settings(settings) => change(&session, settings, context).await,
    }
}

async fn keep_calls(config: &std::path::Path, environment: &str, days: u32, context: &Context) -> Result<()> {
    let offline = Offline::open(config, Some(environment)).await?;
    let change = app::UpdateSettings { call_log_days: Some(days), ..app::UpdateSettings::default() };
    let id = offline.caller.environment.clone();
    let changed = app::update_settings(&offline.app, &offline.caller, id.as_str(), change).await;
    offline.app.close().await;
    let changed = changed?;
    context.out.result(&json!({"id": changed.id, "call_log_days": changed.call_log_days}), |_| match changed
        .call_log_days
    {
        Some(days) => format!("{} keeps calls for {days} days.", changed.name),
        None => format!("{} keeps calls for good.", changed.name),
    })
}

fn created(environment: &Value, context: &Context) -> Result<()> {
    context.out.result(environment, |one| {
        let (id, name) = (text(one, "id"), text(one, "display_name"));
        format!("Created {name} ({id}).\n\nMake its first API client: `keybearer clients create --name NAME --environment {id}`")
    })
}

async fn change(session: &Session, settings: Settings, context: &Context) -> Result<()> {
    let id = find(session, &settings.environment).await?;
    let base = format!("/api/v1/environments/{}", encoded(&id));
    let mut body = Map::new();
    if let Some(verification) = settings.verification {
        let mode = match verification {
            Verification::None => "USER_VERIFY_MODE_NONE",
            Verification::Custom => "USER_VERIFY_MODE_B2B",
            Verification::Dashboard => "USER_VERIFY_MODE_SCALEKIT_PLATFORM",
        };
        body.insert("user_verify_mode".to_owned(), mode.into());
    }
    if let Some(switch) = settings.detailed_errors {
        body.insert("detailed_error_logging".to_owned(), (switch == "on").into());
    }
    if !body.is_empty() {
        let path = format!("{base}/settings/agent-actions");
        session.api(Method::PATCH, &path, Some(&Value::Object(body))).await?;
    }
    if let Some(app_name) = settings.app_name {
        session.api(Method::PATCH, &format!("{base}/pages"), Some(&json!({"app_name": app_name}))).await?;
    }
    show(session, &id, context).await
}

async fn show(session: &Session, id: &str, context: &Context) -> Result<()> {
    let base = format!("/api/v1/environments/{}", encoded(id));
    let environment = session.get(&base).await?.get("environment").cloned().unwrap_or_default();
    let settings = session.get(&format!("{base}/settings/agent-actions")).await?;
    let settings = settings.get("agent_actions_config").cloned().unwrap_or_default();
    let pages = session.get(&format!("{base}/pages")).await?;
    let value = json!({"environment": environment, "settings": settings, "pages": pages});
    context.out.result(&value, |_| {
        let mode = match text(&settings, "user_verify_mode") {
            "USER_VERIFY_MODE_NONE" => "none: whoever opens a link connects",
            "USER_VERIFY_MODE_B2B" => "custom: your app confirms each person",
            "USER_VERIFY_MODE_SCALEKIT_PLATFORM" => "dashboard: the person is signed in to the dashboard",
            other => other,
        };
        let detailed = settings.get("detailed_error_logging").and_then(Value::as_bool).unwrap_or_default();
        format!(
            "{}  {}  {}\n  Verification     {mode}\n  Detailed errors  {}\n  App name         {}",
            text(&environment, "id"),
            text(&environment, "display_name"),
            text(&environment, "type"),
            if detailed { "on" } else { "off" },
            text(&pages, "app_name")
        )
    })
}

/// The id of an environment given by id or name.
pub(super) async fn find(session: &Session, given: &str) -> Result<String> {
    let answer = session.get("/api/v1/environments?page_size=100").await?;
    let named = |one: &&Value| text(one, "id") == given || text(one, "display_name") == given;
    let found = list(&answer, "environments").iter().find(named).map(|one| text(one, "id").to_owned());
    found.ok_or_else(|| {
        Error::new(Code::NotFound, "the API client sees no environment of that name")
            .with_help("list those it sees: `keybearer environments list`")
    })
}

impl From<Kind> for EnvironmentKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Production => Self::Production,
            Kind::Development => Self::Development,
        }
    }
}
