//! `keybearer connectors` for those that the environment made: they live on the server and not in this program.

use http::Method;
use keybearer_core::{Error, Result};
use serde_json::{Value, json};

use super::Context;
use super::output::{list, text};
use super::session::{Session, encoded};

/// Whether a name is an identifier of such a connector and not a slug of the catalogue.
pub(crate) fn is_identifier(name: &str) -> bool {
    name.contains(':')
}

/// All of them, or those that fit what a person typed. None where no server is known: the catalogue needs none.
pub(crate) async fn all(query: Option<&str>, context: &Context) -> Result<Vec<Value>> {
    if !Session::is_known(context) {
        return Ok(Vec::new());
    }
    match found(query.unwrap_or_default(), context).await {
        Ok(own) => Ok(own),
        Err(error) => {
            context.out.progress(&format!("connectors of your own are not shown: {}", error.detail));
            Ok(Vec::new())
        }
    }
}

async fn found(query: &str, context: &Context) -> Result<Vec<Value>> {
    let session = Session::open(context).await?;
    let (mut own, mut token) = (Vec::new(), String::new());
    loop {
        let (query, page) = (encoded(query), encoded(&token));
        let path = format!("/api/v1/connectors?query={query}&page_size=1000&page_token={page}");
        let answer = session.get(&path).await?;
        let custom = |connector: &&Value| connector.get("custom") == Some(&Value::Bool(true));
        own.extend(list(&answer, "connectors").iter().filter(custom).cloned());
        text(&answer, "next_page_token").clone_into(&mut token);
        if token.is_empty() {
            return Ok(own);
        }
    }
}

/// One of the list as JSON, with the keys that the catalogue's have.
pub(crate) fn entry(connector: &Value) -> Value {
    json!({
        "slug": text(connector, "slug"),
        "display_name": text(connector, "display_name"),
        "auth_types": list(connector, "auth_types"),
        "needs": needs(connector),
        "custom": true,
    })
}

/// One line of the table.
pub(crate) fn row(connector: &Value) -> Vec<String> {
    let types: Vec<&str> = list(connector, "auth_types").iter().filter_map(Value::as_str).collect();
    let cell = |name: &str| text(connector, name).to_owned();
    vec![cell("slug"), cell("display_name"), types.join(" "), needs(connector).to_owned()]
}

fn needs(connector: &Value) -> &'static str {
    match connector.get("needs_client") == Some(&Value::Bool(true)) {
        true => "an OAuth app",
        false => "Nothing: users bring their own",
    }
}

pub(crate) async fn show(identifier: &str, context: &Context) -> Result<()> {
    let session = Session::open(context).await?;
    let answer = session.get(&format!("/api/v1/connectors/{}", encoded(identifier))).await?;
    let connector = answer.get("connector").cloned().unwrap_or_default();
    context.out.result(&connector, words)
}

fn words(connector: &Value) -> String {
    let cell = |name: &str| text(connector, name);
    let mut lines =
        vec![format!("{}  {}", cell("display_name"), cell("blurb")), format!("  {}", cell("base_url"))];
    for method in list(connector, "methods") {
        lines.push(format!("\n{}  {}", text(method, "id"), text(method, "auth_type")));
        for (who, form) in [("You give", "connection_fields"), ("Each user gives", "account_fields")] {
            let labels = list(method, form).iter();
            let labels: Vec<String> =
                labels.map(|field| format!("{} ({})", text(field, "label"), text(field, "name"))).collect();
            if !labels.is_empty() {
                lines.push(format!("  {who}: {}", labels.join(", ")));
            }
        }
    }
    lines.push(format!("\nkeybearer connections add {}", cell("slug")));
    lines.join("\n")
}

pub(crate) async fn add(file: &str, context: &Context) -> Result<()> {
    let provider = read(file)?;
    let session = Session::open(context).await?;
    made(session.api(Method::POST, "/api/v1/custom-providers", Some(&provider)).await?, context)
}

pub(crate) async fn edit(identifier: &str, file: &str, context: &Context) -> Result<()> {
    let provider = read(file)?;
    let session = Session::open(context).await?;
    let path = format!("/api/v1/custom-providers/{}", encoded(identifier));
    made(session.api(Method::PUT, &path, Some(&provider)).await?, context)
}

pub(crate) async fn delete(identifier: &str, context: &Context) -> Result<()> {
    let session = Session::open(context).await?;
    let path = format!("/api/v1/custom-providers/{}", encoded(identifier));
    session.api(Method::DELETE, &path, None).await?;
    context.out.result(&json!({"deleted": identifier}), |_| format!("{identifier} is deleted."))
}

fn made(answer: Value, context: &Context) -> Result<()> {
    let provider = answer.get("provider").cloned().unwrap_or_default();
    context.out.result(&provider, |provider| {
        let identifier = text(provider, "identifier");
        format!("{identifier}\n\nkeybearer connections add {identifier}")
    })
}

fn read(file: &str) -> Result<Value> {
    match serde_json::from_str::<Value>(&content(file)?) {
        Ok(Value::Object(provider)) => Ok(Value::Object(provider)),
        _ => Err(Error::field(
            "--file",
            "must hold a JSON object with display_name, proxy_url and auth_patterns",
        )),
    }
}

/// What a file holds; `-` is standard input.
pub(crate) fn content(file: &str) -> Result<String> {
    let content = match file {
        "-" => std::io::read_to_string(std::io::stdin()),
        path => std::fs::read_to_string(path),
    };
    content.map_err(|error| Error::field("--file", format!("cannot be read ({})", error.kind())))
}
