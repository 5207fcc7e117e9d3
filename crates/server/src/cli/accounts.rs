//! `keybearer accounts`.

use clap::{Args, Subcommand};
use http::Method;
use keybearer_core::{Code, Error, Result};
use serde_json::{Value, json};

use super::Context;
use super::output::{list, text};
use super::session::{Session, encoded, read_secret};

#[derive(Debug, Subcommand)]
pub(crate) enum Accounts {
    /// List them
    List {
        /// Only those of this connection
        #[arg(long)]
        connection: Option<String>,
        /// Only this user's
        #[arg(long)]
        user: Option<String>,
        /// Only those in this state, for example EXPIRED
        #[arg(long)]
        state: Option<String>,
    },
    /// Show one, with its refreshes
    Show(Which),
    /// Take in accounts from a file, one JSON object per line; `-` reads standard input
    Import {
        /// The file
        file: String,
    },
    /// Provision the one credential that all accounts of an org-wide connection use
    AuthorizeShared {
        /// Name or id of the connection
        connection: String,
        /// A field of the credential: NAME=VALUE; repeat it. `@FILE` as value reads a file
        #[arg(long = "field", value_name = "NAME=VALUE")]
        fields: Vec<String>,
    },
    /// Refresh its token now
    Refresh(Which),
    /// Wipe its credential and ask the provider to revoke it; the row stays
    Disconnect(Which),
    /// Ask the provider to revoke its grant, and wipe it
    Revoke(Which),
    /// Delete it for good
    Delete(Which),
}

/// One account.
#[derive(Debug, Args)]
pub(crate) struct Which {
    /// Its id, or the name of its connection
    account: String,
    /// Whose, with the name of a connection
    #[arg(long)]
    user: Option<String>,
}

impl Which {
    async fn id(self, session: &Session) -> Result<String> {
        let Some(user) = self.user else {
            if self.account.starts_with("ca_") {
                return Ok(self.account);
            }
            return Err(Error::field("user", "must say whose account on the connection it is").with_help(
                format!(
                    "`--user USER` with `{}`, or the id that `keybearer accounts list` shows",
                    self.account
                ),
            ));
        };
        let query = format!("connection={}&identifier={}", encoded(&self.account), encoded(&user));
        let answer = session.get(&format!("/api/v1/accounts?{query}")).await?;
        match list(&answer, "accounts") {
            [one] => Ok(text(one, "id").to_owned()),
            [] => Err(Error::new(Code::AccountNotFound, "this user has no account on the connection")
                .with_help(format!("make a connect link: `keybearer link {} --user {user}`", self.account))),
            _ => Err(Error::field("user", "has several accounts there: name one by its id")),
        }
    }
}

pub(crate) async fn run(command: Accounts, context: &mut Context) -> Result<()> {
    let session = Session::open(context).await?;
    match command {
        Accounts::List { connection, user, state } => {
            let named = [("connection", connection), ("identifier", user), ("status", state)];
            let query: Vec<String> = named
                .into_iter()
                .filter_map(|(name, value)| Some(format!("{name}={}", encoded(&value?))))
                .collect();
            let answer = session.get(&format!("/api/v1/accounts?{}", query.join("&"))).await?;
            table(&answer, context)
        }
        Accounts::Show(which) => show(&which.id(&session).await?, &session, context).await,
        Accounts::Import { file } => import(&file, &session, context).await,
        Accounts::AuthorizeShared { connection, fields } => {
            authorize_shared(&connection, &fields, &session, context).await
        }
        Accounts::Refresh(which) => act(&session, &which.id(&session).await?, ":refresh", context).await,
        Accounts::Revoke(which) => act(&session, &which.id(&session).await?, ":revoke", context).await,
        Accounts::Disconnect(which) => {
            let id = which.id(&session).await?;
            let path = format!("/api/v1/connected_accounts/{}:disconnect", encoded(&id));
            session.api(Method::POST, &path, Some(&json!({}))).await?;
            one(&session.get(&format!("/api/v1/accounts/{}", encoded(&id))).await?, context)
        }
        Accounts::Delete(which) => {
            let id = which.id(&session).await?;
            session.api(Method::POST, "/api/v1/connected_accounts:delete", Some(&json!({"id": id}))).await?;
            context.out.result(&json!({"deleted": id}), |_| format!("Deleted {id}."))
        }
    }
}

async fn authorize_shared(
    connection: &str,
    fields: &[String],
    session: &Session,
    context: &Context,
) -> Result<()> {
    let setup = session.get(&format!("/api/v1/connection-setups/{}", encoded(connection))).await?;
    let id = setup.pointer("/connection/id").cloned().unwrap_or_default();
    let details = super::connections::pairs(fields)?;
    let body = match details.is_empty() {
        true => json!({"connection_id": id}),
        false => json!({
            "connection_id": id, "authorization_details": {"static_auth": {"details": details}},
        }),
    };
    let path = "/api/v1/connected_accounts/org_wide/authorize";
    let answer = session.api(Method::POST, path, Some(&body)).await?;
    context.out.result(&answer, |answer| match text(answer, "link") {
        "" => format!("{}  {}", text(answer, "connected_account_id"), text(answer, "status")),
        link => format!("{link}\nOpen it and sign in with the account that everybody shall use."),
    })
}

async fn act(session: &Session, id: &str, verb: &str, context: &Context) -> Result<()> {
    let path = format!("/api/v1/accounts/{}{verb}", encoded(id));
    one(&session.api(Method::POST, &path, Some(&json!({}))).await?, context)
}

async fn show(id: &str, session: &Session, context: &Context) -> Result<()> {
    let answer = session.get(&format!("/api/v1/accounts/{}", encoded(id))).await?;
    let history = session.get(&format!("/api/v1/accounts/{}/refreshes", encoded(id))).await?;
    let account = answer.get("account").cloned().unwrap_or_default();
    let value = json!({"account": account, "refreshes": history.get("refreshes")});
    context.out.result(&value, |_| {
        let mut lines = vec![words(&account)];
        for refresh in list(&history, "refreshes") {
            lines.push(format!(
                "  {}  {}  {}",
                text(refresh, "at"),
                text(refresh, "outcome"),
                text(refresh, "reason")
            ));
        }
        lines.join("\n")
    })
}

fn one(answer: &Value, context: &Context) -> Result<()> {
    let account = answer
        .get("account")
        .cloned()
        .ok_or_else(|| Error::new(Code::Internal, "the server sent no account"))?;
    context.out.result(&account, words)
}

fn words(account: &Value) -> String {
    let mut lines = vec![format!(
        "{}  {}  {}  {} ({})",
        text(account, "id"),
        whose(account),
        text(account, "connection"),
        text(account, "status"),
        text(account, "reason")
    )];
    for (label, name) in [
        ("Connected as", "identity_label"),
        ("Token ends", "access_token_expires_at"),
        ("Last used", "last_used_at"),
        ("Last failure", "last_failure"),
        ("Revocation", "revoke_outcome"),
        ("Do", "next_step"),
    ] {
        let value = text(account, name);
        if !value.is_empty() {
            lines.push(format!("  {label:<13} {value}"));
        }
    }
    lines.join("\n")
}

/// The user; the credential that serves all of them has none.
fn whose(account: &Value) -> String {
    let all = account.get("org_wide").and_then(Value::as_bool).unwrap_or_default();
    if all { "(everybody)".to_owned() } else { text(account, "identifier").to_owned() }
}

fn table(answer: &Value, context: &Context) -> Result<()> {
    let accounts = list(answer, "accounts");
    let row = |account: &Value| {
        let cell = |name: &str| text(account, name).to_owned();
        vec![
            cell("id"),
            whose(account),
            cell("connection"),
            cell("status"),
            cell("reason"),
            cell("identity_label"),
        ]
    };
    let rows: Vec<Vec<String>> = accounts.iter().map(row).collect();
    context.out.table(
        &json!(accounts),
        &["ID", "USER", "CONNECTION", "STATE", "REASON", "CONNECTED AS"],
        &rows,
    )
}

async fn import(file: &str, session: &Session, context: &Context) -> Result<()> {
    let lines = read_secret(file)?;
    let (mut done, mut failed) = (0_usize, Vec::new());
    for (number, line) in lines.expose().lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let outcome = match serde_json::from_str::<Value>(line) {
            Ok(body) => session.api(Method::POST, "/api/v1/accounts:import", Some(&body)).await.map(|_| ()),
            Err(_) => Err(Error::field("line", "must be one JSON object")),
        };
        match outcome {
            Ok(()) => done += 1,
            Err(error) => failed.push(json!({"line": number + 1, "error": error.detail})),
        }
    }
    let value = json!({"imported": done, "failed": failed});
    context.out.result(&value, |_| {
        let mut words: Vec<String> =
            failed.iter().map(|line| format!("line {}: {}", line["line"], text(line, "error"))).collect();
        words.push(format!("{done} taken in, {} refused", failed.len()));
        words.join("\n")
    })?;
    if failed.is_empty() {
        Ok(())
    } else {
        Err(Error::new(Code::InvalidArgument, "some lines were refused; the others are in"))
    }
}
