//! `keybearer serve`: a production server.

use std::path::PathBuf;

use clap::Args;
use keybearer_app::{Actor, Caller, environments, members};
use keybearer_core::Result;
use serde_json::json;
use url::Url;

use super::Context;
use crate::config;
use crate::run::Running;

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// The configuration; `keybearer.toml` in this folder when it is there
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub(crate) async fn run(command: Serve, context: &mut Context) -> Result<()> {
    let settings = config::load(command.config.as_deref(), &|name| std::env::var(name).ok())?;
    let running = Running::start(settings).await?;
    let url = running.app.config().public_url.to_string();
    let ready = json!({"url": url.trim_end_matches('/'), "listen": running.address.to_string(), "database": running.app.database_kind()});
    context
        .out
        .result(&ready, |_| format!("Keybearer answers at {url} (listening on {})", running.address))?;
    if let Some(path) = &running.opened.key_file_created {
        context.out.progress(&format!(
            "Made an encryption key: {}. Keep a copy apart from the database.",
            path.display()
        ));
    }
    if let Some(link) = setup_link(&running).await? {
        // stderr, like the log: the ready line is read by programs
        context
            .out
            .progress(&format!("Nobody can sign in yet. Make the first owner within 24 hours: {link}"));
    }
    stop_signal().await;
    running.stop().await;
    Ok(())
}

/// The link for the first owner, while there is none.
async fn setup_link(running: &Running) -> Result<Option<Url>> {
    let app = &running.app;
    let environment = environments::default(app).await?;
    let caller = Caller::trusted(environment.id, Actor::Operator, app.reference()?);
    members::setup_link(app, &caller).await
}

/// Waits for Ctrl+C or SIGTERM.
pub(crate) async fn stop_signal() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = interrupt.await;
}
