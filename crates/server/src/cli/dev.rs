//! `keybearer dev`: everything on this machine.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use keybearer_core::{Result, SecretString};

use super::Context;
use super::local::{Local, Wanted};
use super::serve::stop_signal;
use crate::config::address;

#[derive(Debug, Args)]
pub(crate) struct Dev {
    /// Address of the server
    #[arg(long, default_value = "127.0.0.1:4300", value_name = "ADDR")]
    listen: String,
    /// Address of the sandbox provider
    #[arg(long, default_value = "127.0.0.1:4301", value_name = "ADDR")]
    sandbox_listen: String,
    /// Another database than the one in the data folder: `postgres://…` or `sqlite:FILE`
    #[arg(long, value_name = "URL", env = "KEYBEARER_DATABASE_URL", hide_env_values = true)]
    database: Option<String>,
    /// A folder with connectors of your own
    #[arg(long, value_name = "DIR")]
    connectors: Option<PathBuf>,
    /// Run the sandbox provider beside a production environment, too
    #[arg(long)]
    sandbox_in_production: bool,
}

pub(crate) async fn run(command: Dev, context: &mut Context) -> Result<()> {
    let listen: SocketAddr = address("--listen", &command.listen)?;
    let wanted = Wanted {
        data: context.data.clone(),
        listen,
        sandbox_listen: address("--sandbox-listen", &command.sandbox_listen)?,
        database: command.database.map(SecretString::new),
        connectors: command.connectors,
        sandbox_in_production: command.sandbox_in_production,
    };
    let local = Local::start(wanted).await?;
    local.write_file(&context.data)?;
    announce(&local, context)?;
    stop_signal().await;
    context.out.progress("Stopping: calls end, tokens land.");
    local.stop().await;
    Ok(())
}

fn announce(local: &Local, context: &Context) -> Result<()> {
    if context.out.is_json() {
        return context.out.text(&local.ready_line().to_string());
    }
    if let Some(path) = &local.running.opened.key_file_created {
        context.out.text(&format!(
            "Made an encryption key: {}\nKeep a copy apart from the database. Without it nobody can read the stored credentials.\n",
            path.display()
        ))?;
    }
    let ready = local.ready_line();
    let line = |name: &str| super::output::text(&ready, name).to_owned();
    context.out.text(&format!(
        "{}\n\n  Dashboard {}\n  Server    {}\n  Sandbox   {}\n  API       client {} (its secret is in {})\n\nTry it:\n  keybearer link {name} --user ada\n  keybearer sandbox approve LINK --as ada\n  keybearer call {name} --user ada GET /me\n\nStop with Ctrl+C.",
        context.out.strong("Keybearer is ready."),
        line("dashboard_url"),
        line("url"),
        line("sandbox_url"),
        line("client_id"),
        context.data.join("dev.json").display(),
        name = super::local::CONNECTION,
    ))
}
