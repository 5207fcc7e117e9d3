//! `keybearer connections`.

use clap::{Args, Subcommand};
use http::Method;
use keybearer_core::{Code, Error, Result};
use serde_json::{Map, Value, json};

use super::Context;
use super::output::{list, text};
use super::session::{Session, encoded, read_secret};

#[derive(Debug, Subcommand)]
pub(crate) enum Connections {
    /// Configure a connector; what is missing can be given later with `edit`
    Add(Add),
    /// List them
    List,
    /// Show one, with its redirect URI and what is missing
    Show {
        /// Name or id
        connection: String,
    },
    /// Change one; a new client id leaves existing accounts on the old one
    Edit(Edit),
    /// Replace the client secret; accounts go on without signing in again
    ReplaceSecret(ReplaceSecret),
    /// Destroy the old client secret that is still tried
    RemoveOldSecret {
        /// Name or id
        connection: String,
    },
    /// Make a link with which you connect as yourself
    Test {
        /// Name or id
        connection: String,
    },
    /// Stop all calls and links until `resume`
    Pause {
        /// Name or id
        connection: String,
    },
    /// Go on after a pause
    Resume {
        /// Name or id
        connection: String,
    },
    /// Delete one; with accounts, their number must be named
    Delete {
        /// Name or id
        connection: String,
        /// How many accounts are deleted with it
        #[arg(long, value_name = "N")]
        expect_accounts: Option<u32>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Settings {
    /// Client id at the provider
    #[arg(long)]
    client_id: Option<String>,
    /// File with the client secret; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    secret_file: Option<String>,
    /// A scope to ask for; repeat it
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// A scope of the connector's second list; repeat it
    #[arg(long = "optional-scope", value_name = "SCOPE")]
    optional_scopes: Vec<String>,
    /// A scope that users cannot leave out; repeat it
    #[arg(long = "required-scope", value_name = "SCOPE")]
    required_scopes: Vec<String>,
    /// Let users choose fewer scopes
    #[arg(long)]
    selectable: bool,
    /// A value of the connector: NAME=VALUE; repeat it. `@FILE` as value reads a file
    #[arg(long = "field", value_name = "NAME=VALUE")]
    fields: Vec<String>,
    /// Use the operator's shared app
    #[arg(long)]
    shared: bool,
    /// What a person calls it
    #[arg(long)]
    label: Option<String>,
    /// One sentence for users: why you ask
    #[arg(long)]
    says: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Add {
    /// Slug of the connector
    connector: String,
    /// Its name; the slug when absent
    #[arg(long)]
    name: Option<String>,
    /// Auth method; the recommended one when absent
    #[arg(long)]
    method: Option<String>,
    /// One credential serves all its accounts; see `accounts authorize-shared`
    #[arg(long)]
    org_wide: bool,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Debug, Args)]
pub(crate) struct Edit {
    /// Name or id
    connection: String,
    /// Switch the proxy for it
    #[arg(long, value_parser = ["on", "off"])]
    proxy: Option<String>,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Debug, Args)]
pub(crate) struct ReplaceSecret {
    /// Name or id
    connection: String,
    /// File with the new secret; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    secret_file: String,
    /// For how long the old one is tried as well; not at all when absent
    #[arg(long, value_name = "hour|day|until-removed", value_parser = ["hour", "day", "until-removed"])]
    keep_old: Option<String>,
    /// When the new one ends at the provider, for example 2027-03-01 or 2027-03-01T09:00:00Z
    #[arg(long, value_name = "TIME")]
    ends: Option<String>,
}

impl ReplaceSecret {
    fn body(&self) -> Result<Value> {
        let day = |text: &String| if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.clone() };
        Ok(without_nulls(json!({
            "client_secret": read_secret(&self.secret_file)?.expose(),
            "keep_earlier": self.keep_old.as_ref().map(|keep| keep.replace('-', "_")),
            "ends_at": self.ends.as_ref().map(day),
        })))
    }
}

pub(crate) async fn run(command: Connections, context: &mut Context) -> Result<()> {
    let session = Session::open(context).await?;
    let at =
        |connection: &str, verb: &str| format!("/api/v1/connection-setups/{}{verb}", encoded(connection));
    match command {
        Connections::Add(add) => self::add(add, &session, context).await,
        Connections::List => {
            let answer = session.get("/api/v1/connection-setups?page_size=30").await?;
            table(&answer, context)
        }
        Connections::Show { connection } => show(session.get(&at(&connection, "")).await?, context),
        Connections::Edit(edit) => {
            let body = patch(&edit.settings, edit.proxy.as_deref())?;
            let answer = session.api(Method::PATCH, &at(&edit.connection, ""), Some(&body)).await?;
            show(finished(&session, answer).await?, context)
        }
        Connections::ReplaceSecret(replace) => {
            let (path, body) = (at(&replace.connection, ":replace-secret"), replace.body()?);
            show(session.api(Method::POST, &path, Some(&body)).await?, context)
        }
        Connections::RemoveOldSecret { connection } => {
            let path = at(&connection, ":remove-earlier-secret");
            show(session.api(Method::POST, &path, Some(&json!({}))).await?, context)
        }
        Connections::Test { connection } => {
            let answer = session.api(Method::POST, &at(&connection, ":test-link"), Some(&json!({}))).await?;
            context.out.result(&answer, |answer| {
                format!("{}\nOpen it and connect as yourself.", text(answer, "link"))
            })
        }
        Connections::Pause { connection } => {
            show(session.api(Method::POST, &at(&connection, ":pause"), Some(&json!({}))).await?, context)
        }
        Connections::Resume { connection } => {
            show(session.api(Method::POST, &at(&connection, ":resume"), Some(&json!({}))).await?, context)
        }
        Connections::Delete { connection, expect_accounts } => {
            let expected = expect_accounts.unwrap_or_default();
            let body = json!({"force": expected > 0, "expected_accounts": expected});
            session.api(Method::POST, &at(&connection, ":delete"), Some(&body)).await?;
            context.out.result(&json!({"deleted": connection}), |_| format!("Deleted {connection}."))
        }
    }
}

async fn add(add: Add, session: &Session, context: &Context) -> Result<()> {
    let draft = json!({"connector": add.connector, "method": add.method, "name": add.name, "label": add.settings.label,
        "auth_mode": add.org_wide.then_some("org_wide")});
    let draft = without_nulls(draft);
    let answer = session.api(Method::POST, "/api/v1/connection-setups", Some(&draft)).await?;
    let made = answer.get("connection").cloned().unwrap_or_default();
    let name = text(&made, "name").to_owned();
    let body = patch(&add.settings, None)?;
    let answer = match body.as_object().is_some_and(Map::is_empty) {
        true => answer,
        false => {
            let path = format!("/api/v1/connection-setups/{}", encoded(&name));
            session.api(Method::PATCH, &path, Some(&body)).await.map_err(|error| {
                let help = format!(
                    "the draft `{name}` is kept: correct it with `keybearer connections edit {name}`"
                );
                error.with_help(help)
            })?
        }
    };
    show(finished(session, answer).await?, context)
}

/// Activates a draft that lacks nothing.
async fn finished(session: &Session, answer: Value) -> Result<Value> {
    let made = answer.get("connection").cloned().unwrap_or_default();
    if text(&made, "state") != "draft" || !list(&made, "missing").is_empty() {
        return Ok(answer);
    }
    let path = format!("/api/v1/connection-setups/{}:activate", encoded(text(&made, "name")));
    session.api(Method::POST, &path, Some(&json!({}))).await
}

fn patch(settings: &Settings, proxy: Option<&str>) -> Result<Value> {
    let secret = settings.secret_file.as_deref().map(read_secret).transpose()?;
    let fields = pairs(&settings.fields)?;
    let scoped = !settings.scopes.is_empty()
        || !settings.optional_scopes.is_empty()
        || !settings.required_scopes.is_empty();
    let scopes = scoped.then(|| {
        json!({"scopes": settings.scopes, "required": settings.required_scopes, "optional_scopes": settings.optional_scopes, "selectable": settings.selectable})
    });
    Ok(without_nulls(json!({
        "client_id": settings.client_id,
        "client_secret": secret.map(|secret| secret.expose().clone()),
        "scopes": scopes,
        "fields": (!fields.is_empty()).then_some(fields),
        "credential_source": settings.shared.then_some("shared"),
        "label": settings.label,
        "blurb_for_users": settings.says,
        "proxy_enabled": proxy.map(|proxy| proxy == "on"),
    })))
}

/// `NAME=VALUE` pairs; `@FILE` as value reads a file.
pub(super) fn pairs(given: &[String]) -> Result<Map<String, Value>> {
    let mut fields = Map::new();
    for pair in given {
        let (name, value) =
            pair.split_once('=').ok_or_else(|| Error::field("--field", "must be NAME=VALUE"))?;
        let value = match value.strip_prefix('@') {
            Some(path) => read_secret(path)?.expose().clone(),
            None => value.to_owned(),
        };
        fields.insert(name.to_owned(), json!(value));
    }
    Ok(fields)
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(map.into_iter().filter(|(_, value)| !value.is_null()).collect()),
        other => other,
    }
}

fn show(answer: Value, context: &Context) -> Result<()> {
    let connection = answer
        .get("connection")
        .cloned()
        .ok_or_else(|| Error::new(Code::Internal, "the server sent no connection"))?;
    context.out.result(&connection, words)
}

fn words(connection: &Value) -> String {
    let joined = |names: &[Value]| names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ");
    let scopes = connection.get("scopes").cloned().unwrap_or_default();
    let mut lines = vec![
        format!(
            "{}  {}  {}",
            text(connection, "name"),
            text(connection, "connector_display_name"),
            text(connection, "state")
        ),
        format!("  Redirect URI  {}", text(connection, "redirect_uri")),
        format!("  Client ID     {}", or_dash(text(connection, "client_id"))),
        format!("  Scopes        {}", or_dash(&joined(list(&scopes, "scopes")))),
        format!(
            "  Accounts      {}",
            connection.pointer("/counts/accounts").and_then(Value::as_u64).unwrap_or_default()
        ),
    ];
    if text(connection, "auth_mode") == "org_wide" {
        let name = text(connection, "name");
        lines.push(format!("  Credential    one for everybody: keybearer accounts authorize-shared {name}"));
    }
    if connection.get("earlier_secret_kept").and_then(Value::as_bool).unwrap_or_default() {
        let name = text(connection, "name");
        lines.push(match text(connection, "earlier_secret_until") {
            "" => format!("  Old secret    tried until: keybearer connections remove-old-secret {name}"),
            until => format!("  Old secret    tried until {until}"),
        });
    }
    let attention = text(connection, "attention");
    if !attention.is_empty() {
        lines.push(format!("  Attention     {attention}"));
    }
    let missing = joined(list(connection, "missing"));
    if !missing.is_empty() {
        lines.push(format!(
            "  Missing       {missing}   keybearer connections edit {} …",
            text(connection, "name")
        ));
    }
    lines.join("\n")
}

fn or_dash(text: &str) -> &str {
    if text.is_empty() { "—" } else { text }
}

fn table(answer: &Value, context: &Context) -> Result<()> {
    let connections = list(answer, "connections");
    let rows: Vec<Vec<String>> = connections
        .iter()
        .map(|connection| {
            let accounts = connection.pointer("/counts/accounts").and_then(Value::as_u64).unwrap_or_default();
            let cell = |name: &str| text(connection, name).to_owned();
            vec![cell("name"), cell("connector"), cell("state"), cell("attention"), accounts.to_string()]
        })
        .collect();
    context.out.table(&json!(connections), &["NAME", "CONNECTOR", "STATE", "ATTENTION", "ACCOUNTS"], &rows)
}
