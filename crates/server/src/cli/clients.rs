//! `keybearer clients`.

use std::path::PathBuf;

use clap::Subcommand;
use http::Method;
use keybearer_app::{Permissions, clients};
use keybearer_core::Result;
use serde_json::{Value, json};

use super::Context;
use super::offline::Offline;
use super::output::{list, text};
use super::session::{Session, encoded};

#[derive(Debug, Subcommand)]
pub(crate) enum Clients {
    /// Make one; its secret is shown this once
    Create {
        /// What you call it
        #[arg(long)]
        name: String,
        /// A permission; repeat it. Without any: all but reading credentials
        #[arg(long = "permission", value_name = "NAME")]
        permissions: Vec<String>,
        /// Id or name of the environment; the API client's own without it
        #[arg(long, value_name = "NAME")]
        environment: Option<String>,
        /// Write into the database of this configuration, for the first client of a server that is not running
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// List them
    List,
    /// Give one a new secret
    Rotate {
        /// Its id
        id: String,
        /// Seconds for which the old secret still works
        #[arg(long, default_value_t = 0)]
        overlap: u32,
    },
    /// Delete one; its tokens are refused from then on
    Delete {
        /// Its id
        id: String,
    },
}

pub(crate) async fn run(command: Clients, context: &mut Context) -> Result<()> {
    if let Clients::Create { name, permissions, environment, config: Some(config) } = &command {
        let offline = Offline::open(config, environment.as_deref()).await?;
        return create_offline(name, permissions, offline, context).await;
    }
    let session = Session::open(context).await?;
    match command {
        Clients::Create { name, permissions, environment, .. } => {
            let body = json!({"name": name, "permissions": permissions, "environment": environment});
            made(&session.api(Method::POST, "/api/v1/api-clients", Some(&body)).await?, context)
        }
        Clients::List => {
            let answer = session.get("/api/v1/api-clients").await?;
            let all = list(&answer, "clients");
            let row = |client: &Value| {
                let permissions: Vec<&str> =
                    list(client, "permissions").iter().filter_map(Value::as_str).collect();
                vec![text(client, "id").to_owned(), text(client, "name").to_owned(), permissions.join(" ")]
            };
            let rows: Vec<Vec<String>> = all.iter().map(row).collect();
            context.out.table(&json!(all), &["ID", "NAME", "PERMISSIONS"], &rows)
        }
        Clients::Rotate { id, overlap } => {
            let path = format!("/api/v1/api-clients/{}:rotate", encoded(&id));
            made(
                &session.api(Method::POST, &path, Some(&json!({"overlap_seconds": overlap}))).await?,
                context,
            )
        }
        Clients::Delete { id } => {
            session.api(Method::DELETE, &format!("/api/v1/api-clients/{}", encoded(&id)), None).await?;
            context.out.result(&json!({"deleted": id}), |_| format!("Deleted {id}."))
        }
    }
}

fn made(answer: &Value, context: &Context) -> Result<()> {
    let client = answer.get("client").cloned().unwrap_or_default();
    context.out.result(answer, |answer| {
        format!(
            "Client id      {}\nClient secret  {}\n\nThe secret is shown this once.",
            text(&client, "id"),
            text(answer, "client_secret")
        )
    })
}

/// The first client of a server: made in the database itself.
async fn create_offline(
    name: &str,
    permissions: &[String],
    offline: Offline,
    context: &Context,
) -> Result<()> {
    let permissions = match permissions.is_empty() {
        true => Ok(Permissions::default_set()),
        false => Permissions::parse(permissions.iter().map(String::as_str)),
    };
    let made = match permissions {
        Ok(permissions) => clients::create(&offline.app, &offline.caller, name, permissions).await,
        Err(error) => Err(error),
    };
    offline.app.close().await;
    let new = made?;
    let answer = json!({"client": {"id": new.client.id, "name": new.client.name}, "client_secret": new.secret.expose()});
    self::made(&answer, context)
}
