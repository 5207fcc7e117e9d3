//! The file of a connector of one's own: written, and looked at.

use std::collections::BTreeMap;
use std::sync::Arc;

use keybearer_app::connectors::lint::{Level, lint};
use keybearer_app::connectors::pattern::{Described, compile, line_of, unread};
use keybearer_app::connectors::{Catalog, Connector, load_connector};
use keybearer_app::providers::{self, CreateProvider, Draft};
use keybearer_core::{Code, Error, FieldViolation, Result};
use serde_json::{Value, json};

use super::Context;
use super::custom_connectors::{content, is_identifier};
use super::output::{list, text};
use super::session::{Session, encoded};

pub(crate) async fn export(name: &str, yaml: bool, context: &Context) -> Result<()> {
    if yaml {
        return context.out.text(contribution(name, context).await?.trim_end());
    }
    let described = match is_identifier(name) {
        true => own(name, context).await?,
        false => {
            let connector = of_catalogue(name)?;
            let draft = Draft::of_catalogue(&connector);
            for one in &draft.left_out {
                context.out.progress(&format!("left out, since a file cannot say it: {one}"));
            }
            draft.described
        }
    };
    context.out.text(providers::text(&providers::keys(&described)).trim_end())
}

async fn contribution(name: &str, context: &Context) -> Result<String> {
    if !is_identifier(name) {
        return providers::contribution_of(of_catalogue(name)?.as_ref().clone());
    }
    let described = own(name, context).await?;
    let compiled = compile(&of_file(&described)).map_err(Error::fields)?;
    providers::contribution_of(compiled.connector)
}

fn of_catalogue(name: &str) -> Result<Arc<Connector>> {
    Catalog::embedded().get(name).ok_or_else(|| {
        Error::new(Code::ConnectorNotFound, format!("there is no connector `{name}`"))
            .with_help("see all of them: `keybearer connectors list`")
    })
}

fn of_file(described: &CreateProvider) -> Described<'_> {
    Described {
        slug: "FILE:0",
        display_name: &described.display_name,
        description: &described.description,
        proxy_url: &described.proxy_url,
        proxy_enabled: described.proxy_enabled,
        auth_patterns: &described.auth_patterns,
    }
}

/// The file of a connector from an OpenAPI document. What was not taken is said beside it.
pub(crate) fn openapi(file: &str, context: &Context) -> Result<()> {
    let draft = providers::openapi_draft(&content(file)?)?;
    for one in &draft.left_out {
        context.out.progress(&format!("not taken: {one}"));
    }
    context.out.text(providers::text(&providers::keys(&draft.described)).trim_end())
}

async fn own(identifier: &str, context: &Context) -> Result<CreateProvider> {
    let session = Session::open(context).await?;
    let path = format!("/api/v1/providers?identifier={}", encoded(identifier));
    let answer = session.get(&path).await?;
    let found = list(&answer, "providers").first().ok_or_else(|| {
        Error::new(Code::ConnectorNotFound, format!("there is no connector `{identifier}`"))
            .with_help("see all of them: `keybearer connectors list`")
    })?;
    let pairs: BTreeMap<String, String> = found
        .get("metadata")
        .and_then(|pairs| serde_json::from_value(pairs.clone()).ok())
        .unwrap_or_default();
    Ok(CreateProvider {
        display_name: text(found, "display_name").to_owned(),
        description: text(found, "description").to_owned(),
        proxy_url: text(found, "proxy_url").to_owned(),
        proxy_enabled: found.get("proxy_enabled") == Some(&Value::Bool(true)),
        auth_patterns: found.get("auth_patterns").cloned().unwrap_or_default(),
        icon_src: text(found, "icon_src").to_owned(),
        metadata: pairs,
    })
}

/// Looks at a file without a server. Whether the server may call its addresses is said when it is given to it.
pub(crate) fn check(file: &str, context: &Context) -> Result<()> {
    let source = content(file)?;
    if !source.trim_start().starts_with('{') {
        return check_catalogue(&source, context);
    }
    let (described, object) = providers::parse(&source)?;
    let wrong = compile(&of_file(&described)).err().unwrap_or_default();
    let finding = |level: &'static str| {
        let source = source.clone();
        move |one: &FieldViolation| json!({"level": level, "line": line_of(&source, &one.field), "field": one.field, "says": one.description})
    };
    let mut findings: Vec<Value> = wrong.iter().map(finding("error")).collect();
    findings.extend(unread(&object).iter().map(finding("warning")));
    let value = json!({"errors": wrong.len(), "findings": findings});
    context.out.result(&value, |_| {
        let line = |one: &Value| {
            let at = one.get("line").and_then(Value::as_u64).unwrap_or(1);
            format!("{} line {at}: {} {}", text(one, "level"), text(one, "field"), text(one, "says"))
        };
        let mut lines: Vec<String> = findings.iter().map(line).collect();
        lines.push(format!("{} errors", wrong.len()));
        lines.join("\n")
    })?;
    match wrong.len() {
        0 => Ok(()),
        number => Err(Error::new(Code::ConfigInvalid, format!("{number} errors in the file"))),
    }
}

/// Looks at a file of the catalogue, which is YAML.
fn check_catalogue(source: &str, context: &Context) -> Result<()> {
    let connector = load_connector(source)
        .map_err(|reason| Error::new(Code::ConfigInvalid, format!("no connector file: {}", reason.trim())))?;
    let found = lint(&connector);
    let errors = found.iter().filter(|finding| finding.level == Level::Error).count();
    let lines: Vec<String> = found.iter().map(ToString::to_string).collect();
    context.out.result(&json!({"errors": errors, "findings": lines}), |_| {
        let last = format!("{errors} errors");
        lines.iter().cloned().chain([last]).collect::<Vec<_>>().join("\n")
    })?;
    match errors {
        0 => Ok(()),
        number => Err(Error::new(Code::ConfigInvalid, format!("{number} errors in the file"))),
    }
}
