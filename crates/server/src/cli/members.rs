//! `keybearer members`: links that let people in to the dashboard. They are made in the database itself: whoever can
//! run this on the server owns it anyway, and it must work when nobody can sign in.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Subcommand;
use keybearer_app::connectors::Catalog;
use keybearer_app::{Actor, App, AppParts, Caller, environments, members};
use keybearer_core::{Code, Error, OsEntropy, Result, SystemClock};
use serde_json::json;
use url::Url;

use super::Context;
use crate::{config, run};

#[derive(Debug, Subcommand)]
pub(crate) enum Members {
    /// A link that makes the first owner of a server
    SetupLink {
        /// The configuration of the server; with the embedded database, stop it first
        #[arg(long, value_name = "FILE", default_value = "keybearer.toml")]
        config: PathBuf,
    },
    /// A link with which a member chooses a new password
    Link {
        /// The member's e-mail address
        email: String,
        /// The configuration of the server; with the embedded database, stop it first
        #[arg(long, value_name = "FILE", default_value = "keybearer.toml")]
        config: PathBuf,
    },
}

pub(crate) async fn run(command: Members, context: &mut Context) -> Result<()> {
    let (app, caller) = open(match &command {
        Members::SetupLink { config } | Members::Link { config, .. } => config,
    })
    .await?;
    let link = match &command {
        Members::SetupLink { .. } => setup(&app, &caller).await,
        Members::Link { email, .. } => members::password_link_for(&app, &caller, email).await,
    };
    app.close().await;
    context.out.result(&json!({"url": link?.as_str()}), |answer| {
        format!("{}\n\nWhoever opens it gets in. It works once.", super::output::text(answer, "url"))
    })
}

async fn setup(app: &App, caller: &Caller) -> Result<Url> {
    let link = members::setup_link(app, caller).await?;
    link.ok_or_else(|| {
        Error::new(Code::FailedPrecondition, "the server has an owner already")
            .with_help("make a link for a member: `keybearer members link EMAIL`")
    })
}

async fn open(path: &Path) -> Result<(App, Caller)> {
    let settings = config::load(Some(path), &|name| std::env::var(name).ok())?;
    run::make_folder(&settings)?;
    let parts = AppParts {
        config: settings.app,
        database: settings.database,
        root_key: settings.root_key,
        egress: settings.egress,
        catalog: Catalog::embedded(),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(OsEntropy),
    };
    let (app, _) = App::open(parts).await?;
    let environment = environments::default(&app).await?;
    let caller = Caller::trusted(environment.id, Actor::Operator, app.reference()?);
    Ok((app, caller))
}
