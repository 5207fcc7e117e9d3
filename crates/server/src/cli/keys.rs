//! `keybearer keys`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use http::Method;
use keybearer_app::{RootKey, data_keys};
use keybearer_core::{Code, Error, Result};
use serde_json::{Value, json};

use super::Context;
use super::offline::Offline;
use super::output::{list, text};
use super::session::Session;

/// How often the progress of a move is asked for.
const LOOK: Duration = Duration::from_millis(500);

#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    /// List data keys and signing keys
    List,
    /// Make a new data key and seal with it from now on; or a new signing key
    Rotate(Rotate),
    /// Make a staged data key the primary one
    Activate {
        /// Its version
        version: i32,
    },
    /// Move every sealed value to the primary data key
    Reencrypt,
    /// Open every sealed value and name the rows that do not open
    Verify,
    /// Destroy a data key that seals nothing any more
    Destroy {
        /// Its version
        version: i32,
    },
    /// Wrap the data keys with another root key; the server must not be running
    ChangeRoot {
        /// The configuration with the present root key
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// File with the new root key; made when it is not there
        #[arg(long, value_name = "FILE")]
        new_key_file: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Rotate {
    /// Make the data key, but do not seal with it yet
    #[arg(long, conflicts_with = "signing")]
    stage: bool,
    /// Rotate the key that signs access tokens instead
    #[arg(long)]
    signing: bool,
    /// Seconds for which the new signing key is published before it signs
    #[arg(long, requires = "signing", value_name = "SECONDS")]
    ahead: Option<u32>,
    /// Seconds for which the former signing keys verify from then on
    #[arg(long, requires = "signing", value_name = "SECONDS")]
    overlap: Option<u32>,
}

pub(crate) async fn run(command: Keys, context: &mut Context) -> Result<()> {
    if let Keys::ChangeRoot { config, new_key_file } = command {
        return change_root(config, new_key_file, context).await;
    }
    let session = Session::open(context).await?;
    match command {
        Keys::List => show(&session, context).await,
        Keys::Rotate(how) if how.signing => {
            let body = json!({"ahead_seconds": how.ahead, "overlap_seconds": how.overlap});
            session.api(Method::POST, "/api/v1/keys/signing:rotate", Some(&body)).await?;
            show(&session, context).await
        }
        Keys::Rotate(how) => {
            let made = session.api(Method::POST, "/api/v1/keys/deks", Some(&json!({}))).await?;
            let version = made.pointer("/dek/dek_version").and_then(Value::as_i64).unwrap_or_default();
            if !how.stage {
                activate(&session, version).await?;
            }
            show(&session, context).await
        }
        Keys::Activate { version } => {
            activate(&session, i64::from(version)).await?;
            show(&session, context).await
        }
        Keys::Reencrypt => reencrypt(&session, context).await,
        Keys::Verify => verify(&session, context).await,
        Keys::Destroy { version } => {
            session.api(Method::DELETE, &format!("/api/v1/keys/deks/{version}"), None).await?;
            context.out.result(&json!({"destroyed": version}), |_| format!("Destroyed data key {version}."))
        }
        // answered above, without a server
        Keys::ChangeRoot { .. } => Ok(()),
    }
}

async fn activate(session: &Session, version: i64) -> Result<()> {
    let path = format!("/api/v1/keys/deks/{version}:activate");
    session.api(Method::POST, &path, Some(&json!({}))).await.map(|_| ())
}

async fn show(session: &Session, context: &Context) -> Result<()> {
    let data = session.get("/api/v1/keys/deks?page_size=100").await?;
    let signing = session.get("/api/v1/keys/signing").await?;
    let value = json!({"data_keys": list(&data, "deks"), "signing_keys": list(&signing, "keys")});
    if context.out.is_json() {
        return context.out.result(&value, |_| String::new());
    }
    let number = |key: &Value| key.get("dek_version").map(Value::to_string).unwrap_or_default();
    let row = |key: &Value| {
        let texts = ["status", "id", "created_at", "rotated_at"].map(|name| text(key, name).to_owned());
        [vec![number(key)], texts.to_vec()].concat()
    };
    let rows: Vec<Vec<String>> = list(&data, "deks").iter().map(row).collect();
    context.out.table(&value, &["DATA KEY", "STATE", "ID", "MADE", "REPLACED"], &rows)?;
    let row = |key: &Value| {
        ["id", "role", "signs_from", "retires_at"].map(|name| text(key, name).to_owned()).to_vec()
    };
    let rows: Vec<Vec<String>> = list(&signing, "keys").iter().map(row).collect();
    context.out.say("")?;
    context.out.table(&value, &["SIGNING KEY", "ROLE", "SIGNS FROM", "VERIFIES UNTIL"], &rows)
}

async fn reencrypt(session: &Session, context: &Context) -> Result<()> {
    let mut state = session.api(Method::POST, "/api/v1/keys/reencryption", Some(&json!({}))).await?;
    let number = |state: &Value, name: &str| state.get(name).and_then(Value::as_u64).unwrap_or_default();
    let mut shown = None;
    while text(&state, "finished_at").is_empty() {
        let progress = (number(&state, "moved"), number(&state, "remaining"));
        if shown.replace(progress) != Some(progress) {
            context.out.progress(&format!("{} moved, {} to go", progress.0, progress.1));
        }
        tokio::time::sleep(LOOK).await;
        state = session.get("/api/v1/keys/reencryption").await?;
    }
    context.out.result(&state, |state| {
        let mut lines = vec![format!(
            "{} values moved to data key {}.",
            number(state, "moved"),
            number(state, "dek_version")
        )];
        for failed in list(state, "failed") {
            lines.push(format!("  {} of {} do not open", number(failed, "count"), text(failed, "table")));
        }
        lines.join("\n")
    })?;
    refuse_failed(number(&state, "remaining"), "moved")
}

async fn verify(session: &Session, context: &Context) -> Result<()> {
    let found = session.api(Method::POST, "/api/v1/keys:verify", Some(&json!({}))).await?;
    let number = |name: &str| found.get(name).and_then(Value::as_u64).unwrap_or_default();
    context.out.result(&found, |found| {
        let mut lines = vec![format!("{} values open, {} do not.", number("opened"), number("failed"))];
        for value in list(found, "unopened") {
            lines.push(format!(
                "  {}.{} of {}: {}",
                text(value, "table"),
                text(value, "column"),
                text(value, "row"),
                text(value, "reason")
            ));
        }
        lines.join("\n")
    })?;
    refuse_failed(number("failed"), "opened")
}

/// A command that found something wrong does not end with success.
fn refuse_failed(count: u64, verb: &str) -> Result<()> {
    match count {
        0 => Ok(()),
        count => Err(Error::new(Code::IntegrityError, format!("{count} values could not be {verb}"))
            .with_help("`keybearer keys verify` names the rows; restore them from a backup, or let the users reconnect")),
    }
}

async fn change_root(config: PathBuf, new: PathBuf, context: &Context) -> Result<()> {
    let offline = Offline::open(&config, None).await?;
    let changed = data_keys::change_root(&offline.app, &offline.caller, &RootKey::File(new.clone())).await;
    offline.app.close().await;
    let changed = changed?;
    let value = json!({"root_key": changed.root, "data_keys": changed.data_keys, "created": changed.created});
    context.out.result(&value, |_| {
        format!(
            "{} data keys are wrapped with {} now.\n\nName the new key in the configuration before the next start:\n\n  [key]\n  file = \"{}\"\n\nKeep a copy of it apart from the database. Backups made before still need the former key.",
            changed.data_keys,
            changed.root,
            new.display()
        )
    })
}
