//! `keybearer link`, `user-page`, `call` and `logs`.

use bytes::Bytes;
use clap::Args;
use http::{Method, Request, header};
use keybearer_core::{Code, Error, Result};
use serde_json::{Value, json};

use super::Context;
use super::output::{list, text};
use super::session::{Session, encoded, failure, read_secret};

#[derive(Debug, Args)]
pub(crate) struct Link {
    /// Name of the connection
    connection: String,
    /// The user, as you name them
    #[arg(long)]
    user: String,
    #[command(flatten)]
    along: Along,
    /// A field that is no secret, filled in for the user: NAME=VALUE; repeat it
    #[arg(long = "field", value_name = "NAME=VALUE")]
    fields: Vec<String>,
    /// How long it works, in minutes
    #[arg(long, value_name = "MINUTES", value_parser = clap::value_parser!(u32).range(1..=43_200))]
    works_for: Option<u32>,
}

/// What goes along with a link or a page.
#[derive(Debug, Args)]
pub(crate) struct Along {
    /// Given back to your app at the end
    #[arg(long)]
    state: Option<String>,
    /// Where your app confirms the person
    #[arg(long)]
    verify_url: Option<String>,
    /// Where its pages lead back to
    #[arg(long, value_name = "URL")]
    return_url: Option<String>,
    /// Language of its pages, for example `pt-BR`; the browser's by default
    #[arg(long)]
    locale: Option<String>,
    /// For yourselves: what it is for. The user never sees it
    #[arg(long)]
    note: Option<String>,
}

impl Along {
    /// The body of a call with these and with `more`.
    fn with(self, more: Value) -> Value {
        let mut body = json!({
            "state": self.state.unwrap_or_default(), "user_verify_url": self.verify_url.unwrap_or_default(),
            "return_url": self.return_url.unwrap_or_default(), "locale": self.locale.unwrap_or_default(),
            "note": self.note.unwrap_or_default(),
        });
        if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
            body.extend(more);
        }
        body
    }
}

#[derive(Debug, Args)]
pub(crate) struct UserPage {
    /// The user, as you name them
    user: String,
    /// Only this connection; repeat it. All that are in use by default
    #[arg(long = "connection", value_name = "NAME")]
    connections: Vec<String>,
    /// The user only connects: what is connected is neither shown in detail nor disconnected
    #[arg(long)]
    choose: bool,
    #[command(flatten)]
    along: Along,
    /// How long it works, in minutes: an hour by default, at most a day, or 30 days with `--choose`
    #[arg(long, value_name = "MINUTES", value_parser = clap::value_parser!(u32).range(1..=43_200))]
    works_for: Option<u32>,
    /// End every page of the user instead of making one
    #[arg(long, conflicts_with_all = ["connections", "choose", "works_for", "Along"])]
    end: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Call {
    /// Name of the connection
    connection: String,
    /// The user, as you name them
    #[arg(long)]
    user: String,
    /// HTTP method
    method: String,
    /// Path below the connector's base address
    path: String,
    /// A header: NAME: VALUE; repeat it
    #[arg(long = "header", short = 'H', value_name = "NAME: VALUE")]
    headers: Vec<String>,
    /// A body; `@FILE` reads a file, `@-` standard input
    #[arg(long, short = 'd')]
    body: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Logs {
    /// The reference of an error or a call
    reference: Option<String>,
    /// Only this account's
    #[arg(long)]
    account: Option<String>,
}

pub(crate) async fn link(command: Link, context: &mut Context) -> Result<()> {
    let session = Session::open(context).await?;
    let body = command.along.with(json!({
        "connection": command.connection, "identifier": command.user,
        "fields": super::connections::pairs(&command.fields)?,
        "lifetime_seconds": command.works_for.map_or(0, |minutes| minutes * 60),
    }));
    let answer = session.api(Method::POST, "/api/v1/accounts:connect-link", Some(&body)).await?;
    context.out.result(&answer, |answer| {
        format!(
            "{}\nWorks until it succeeds or until {}. Opening it does not use it up.",
            text(answer, "link"),
            text(answer, "expiry")
        )
    })
}

pub(crate) async fn user_page(command: UserPage, context: &mut Context) -> Result<()> {
    let session = Session::open(context).await?;
    if command.end {
        let body = json!({ "identifier": command.user });
        let answer = session.api(Method::POST, "/api/v1/user-pages:end", Some(&body)).await?;
        return context.out.result(&answer, |answer| {
            let ended = answer.get("ended").and_then(Value::as_u64).unwrap_or_default();
            format!("{ended} pages ended. What is connected stays connected.")
        });
    }
    let body = command.along.with(json!({
        "identifier": command.user, "connections": command.connections, "manage": !command.choose,
        "lifetime_seconds": command.works_for.map_or(0, |minutes| minutes * 60),
    }));
    let answer = session.api(Method::POST, "/api/v1/user-pages", Some(&body)).await?;
    context.out.result(&answer, |answer| {
        format!(
            "{}\nWorks until {}. Whoever has it acts as the user.",
            text(answer, "link"),
            text(answer, "expiry")
        )
    })
}

pub(crate) async fn call(command: Call, context: &mut Context) -> Result<()> {
    let session = Session::open(context).await?;
    let method: Method = command
        .method
        .to_ascii_uppercase()
        .parse()
        .map_err(|_| Error::field("method", "must be an HTTP method"))?;
    let path = command.path.strip_prefix('/').unwrap_or(&command.path);
    let mut request = Request::builder()
        .method(method)
        .uri(format!("/proxy/{path}"))
        .header("keybearer-connection", &command.connection)
        .header("keybearer-user", &command.user);
    for line in &command.headers {
        let (name, value) =
            line.split_once(':').ok_or_else(|| Error::field("--header", "must be NAME: VALUE"))?;
        request = request.header(name.trim(), value.trim());
    }
    let body = match command.body.as_deref() {
        None => Bytes::new(),
        Some(text) => match text.strip_prefix('@') {
            Some(path) => Bytes::from(read_secret(path)?.expose().clone()),
            None => Bytes::from(text.to_owned()),
        },
    };
    let request = request.body(body).map_err(|_| Error::field("path", "must be percent-encoded ASCII"))?;
    let started = tokio::time::Instant::now();
    let response = session.proxied(request).await?;
    let ours = response.headers().contains_key("x-request-id") && !response.status().is_success();
    let words = String::from_utf8_lossy(response.body()).into_owned();
    if ours && let Ok(answer) = serde_json::from_str::<Value>(&words) {
        return Err(failure(&response, &answer));
    }
    let kind =
        response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("no type");
    context.out.progress(&format!("{} in {} ms ({kind})", response.status(), started.elapsed().as_millis()));
    context.out.text(&words)?;
    if response.status().is_success() || response.status().is_redirection() {
        return Ok(());
    }
    Err(Error::new(Code::ProviderRejected, format!("the provider answered {}", response.status())))
}

pub(crate) async fn logs(command: Logs, context: &mut Context) -> Result<()> {
    let session = Session::open(context).await?;
    let named = [("reference", command.reference), ("account_id", command.account)];
    let query: Vec<String> =
        named.into_iter().filter_map(|(name, value)| Some(format!("{name}={}", encoded(&value?)))).collect();
    let answer = session.get(&format!("/api/v1/logs?{}", query.join("&"))).await?;
    let entries = list(&answer, "entries");
    let row = |entry: &Value| {
        let cell = |name: &str| text(entry, name).to_owned();
        let status = entry.get("http_status").and_then(Value::as_u64).unwrap_or_default();
        vec![
            cell("at"),
            cell("reference"),
            cell("kind"),
            cell("summary"),
            status.to_string(),
            cell("error_code"),
        ]
    };
    let rows: Vec<Vec<String>> = entries.iter().map(row).collect();
    context.out.table(&json!(entries), &["AT", "REF", "KIND", "CALL", "STATUS", "ERROR"], &rows)
}
