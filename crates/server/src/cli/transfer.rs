//! `keybearer export` and `keybearer import`: connections as a file, without secrets.

use std::path::PathBuf;

use clap::Args;
use keybearer_app::connections::transfer::{self, Brought, Outcome};
use keybearer_core::{Error, Result};
use serde_json::{Value, json};

use super::Context;
use super::offline::Offline;

#[derive(Debug, Args)]
pub(crate) struct Export {
    /// The configuration of `serve`; with the embedded database the server must be stopped
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Of which environment: its id or name; the first one when absent
    #[arg(long)]
    environment: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Import {
    /// A file that `export` wrote; `-` reads standard input
    file: String,
    /// The configuration of `serve`; with the embedded database the server must be stopped
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Into which environment: its id or name; the first one when absent
    #[arg(long)]
    environment: Option<String>,
}

pub(crate) async fn export(command: Export, context: &mut Context) -> Result<()> {
    let offline = Offline::open(&command.config, command.environment.as_deref()).await?;
    let text = transfer::export(&offline.app, &offline.caller).await;
    offline.app.close().await;
    context.out.text(&text?)
}

pub(crate) async fn import(command: Import, context: &mut Context) -> Result<()> {
    let file = read(&command.file)?;
    let offline = Offline::open(&command.config, command.environment.as_deref()).await?;
    let brought = transfer::import(&offline.app, &offline.caller, &file).await;
    offline.app.close().await;
    let all = Value::Array(brought?.iter().map(told).collect());
    let rows: Vec<Vec<String>> = all.as_array().into_iter().flatten().map(cells).collect();
    context.out.table(&all, &["NAME", "CONNECTOR", "OUTCOME", "MISSING OR WHY"], &rows)
}

fn read(file: &str) -> Result<String> {
    let text = match file {
        "-" => std::io::read_to_string(std::io::stdin()),
        path => std::fs::read_to_string(path),
    };
    text.map_err(|error| Error::field("FILE", format!("cannot be read ({})", error.kind())))
}

fn told(one: &Brought) -> Value {
    let (outcome, id, says) = match &one.outcome {
        Outcome::Made { id, missing } => ("made", Some(id.to_string()), missing.join(", ")),
        Outcome::Exists => ("exists", None, "left as it is".to_owned()),
        Outcome::Refused(why) => ("refused", None, why.clone()),
    };
    json!({"name": one.name, "connector": one.connector, "outcome": outcome, "id": id, "says": says})
}

fn cells(one: &Value) -> Vec<String> {
    ["name", "connector", "outcome", "says"].map(|name| super::output::text(one, name).to_owned()).into()
}
