//! `keybearer audit`.

use std::path::PathBuf;

use clap::Args;
use keybearer_app::audit_trail::{self, TrailQuery};
use keybearer_core::Result;

use super::Context;
use super::offline::Offline;

#[derive(Debug, Args)]
pub(crate) struct Audit {
    /// The configuration of `serve`; with the embedded database the server must be stopped
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Of which environment: its id or name; the first one when absent
    #[arg(long)]
    environment: Option<String>,
    /// Only what this member or API client did, by id; or `operator`, `user`, `system`
    #[arg(long)]
    actor: Option<String>,
    /// Only actions that begin so, for example `connection.`
    #[arg(long)]
    action: Option<String>,
    /// Only what was done to this id
    #[arg(long)]
    target: Option<String>,
    /// Only from this day (UTC) or time on: 2026-11-01, or 2026-11-01T08:30:00Z
    #[arg(long, value_name = "DAY|TIME")]
    since: Option<String>,
    /// Only up to this day, it included, or before this time
    #[arg(long, value_name = "DAY|TIME")]
    until: Option<String>,
}

pub(crate) async fn run(command: Audit, context: &mut Context) -> Result<()> {
    let query = TrailQuery {
        actor: command.actor,
        action: command.action,
        target: command.target,
        ..TrailQuery::default()
    };
    let (since, until) = (command.since.unwrap_or_default(), command.until.unwrap_or_default());
    let query = query.between(("--since", &since), ("--until", &until))?;
    let offline = Offline::open(&command.config, command.environment.as_deref()).await?;
    let text = audit_trail::csv(&offline.app, &offline.caller, &query).await;
    offline.app.close().await;
    context.out.text(&text?)
}
