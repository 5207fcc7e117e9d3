//! `keybearer connectors`.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use keybearer_app::connectors::engine::auth_type;
use keybearer_app::connectors::forms::{account_form, connection_form};
use keybearer_app::connectors::lint::{Level, lint};
use keybearer_app::connectors::schema::AuthMethod;
use keybearer_app::connectors::{Catalog, Connector, json_schema};
use keybearer_core::{Code, Error, Result};
use serde_json::{Value, json};

use super::connector_new::New;
use super::{Context, connector_new, custom_connectors, custom_file};

#[derive(Debug, Subcommand)]
pub(crate) enum Connectors {
    /// List them, or search by name, alias and category
    List {
        /// Words to search for
        query: Option<String>,
    },
    /// Show one: what it needs from you and from each user
    Show {
        /// Its slug
        connector: String,
    },
    /// Make a connector of your own from a file: a JSON object with display_name, proxy_url and auth_patterns
    Add {
        /// The file; `-` reads standard input
        #[arg(long, value_name = "FILE")]
        file: String,
    },
    /// Replace a connector of your own by what a file says
    Edit {
        /// Its identifier
        connector: String,
        /// The file; `-` reads standard input
        #[arg(long, value_name = "FILE")]
        file: String,
    },
    /// Delete a connector of your own that no connection uses
    Delete {
        /// Its identifier
        connector: String,
    },
    /// Write the file of a connector: one of your own, or one of the catalogue to make your own from
    Export {
        /// Its identifier or slug
        connector: String,
        /// As a file of the catalogue, connector.yaml
        #[arg(long)]
        yaml: bool,
    },
    /// Write the file of a connector from an OpenAPI document (3.0 or 3.1, JSON or YAML)
    Openapi {
        /// The document; `-` reads standard input
        #[arg(long, value_name = "FILE")]
        file: String,
    },
    /// Look at the file of a connector of your own before it is given to the server, or at a connector.yaml
    Check {
        /// The file; `-` reads standard input
        #[arg(long, value_name = "FILE")]
        file: String,
    },
    /// Check connector files
    Lint {
        /// A folder with one folder per connector; the built-in ones when absent
        folder: Option<PathBuf>,
    },
    /// Write a connector file to begin with
    New(New),
    /// Print the JSON Schema of connector files
    Schema,
}

pub(crate) async fn run(command: Connectors, context: &mut Context) -> Result<()> {
    match command {
        Connectors::List { query } => {
            let own = custom_connectors::all(query.as_deref(), context).await?;
            list(query.as_deref(), &own, context)
        }
        Connectors::Show { connector } if custom_connectors::is_identifier(&connector) => {
            custom_connectors::show(&connector, context).await
        }
        Connectors::Show { connector } => show(&connector, context),
        Connectors::Add { file } => custom_connectors::add(&file, context).await,
        Connectors::Edit { connector, file } => custom_connectors::edit(&connector, &file, context).await,
        Connectors::Delete { connector } => custom_connectors::delete(&connector, context).await,
        Connectors::Export { connector, yaml } => custom_file::export(&connector, yaml, context).await,
        Connectors::Openapi { file } => custom_file::openapi(&file, context),
        Connectors::Check { file } => custom_file::check(&file, context),
        Connectors::Lint { folder } => check(folder.as_deref(), context),
        Connectors::New(new) => connector_new::run(&new, context),
        Connectors::Schema => context.out.text(&format!("{:#}", json_schema())),
    }
}

fn list(query: Option<&str>, own: &[Value], context: &Context) -> Result<()> {
    let catalog = Catalog::embedded();
    let found: Vec<_> = match query {
        Some(words) => catalog.search(words),
        None => catalog.iter().cloned().collect(),
    };
    let mut value: Vec<Value> = found
        .iter()
        .map(|connector| json!({"slug": connector.slug, "display_name": connector.display_name, "auth_types": types(connector), "needs": needs(connector)}))
        .collect();
    let mut rows: Vec<Vec<String>> = found
        .iter()
        .map(|connector| {
            vec![
                connector.slug.clone(),
                connector.display_name.clone(),
                types(connector).join(" "),
                needs(connector),
            ]
        })
        .collect();
    value.extend(own.iter().map(custom_connectors::entry));
    rows.extend(own.iter().map(custom_connectors::row));
    context.out.table(&json!(value), &["SLUG", "NAME", "AUTH", "WHAT YOU NEED FIRST"], &rows)
}

fn types(connector: &Connector) -> Vec<String> {
    let mut types: Vec<String> =
        connector.auth.iter().map(|method| auth_type(method).as_str().to_owned()).collect();
    types.dedup();
    types
}

fn needs(connector: &Connector) -> String {
    let Some(method) = connector.recommended() else {
        return String::new();
    };
    if connection_form(connector, method).iter().all(|field| !field.required) {
        return "Nothing: users bring their own".to_owned();
    }
    let minutes = method.setup.as_ref().and_then(|setup| setup.minutes);
    let app = if method.has_redirect() { "an OAuth app" } else { "your credentials" };
    match minutes {
        Some(minutes) => format!("{app}, about {minutes} min"),
        None => app.to_owned(),
    }
}

fn show(slug: &str, context: &Context) -> Result<()> {
    let catalog = Catalog::embedded();
    let connector = catalog.get(slug).ok_or_else(|| {
        let near: Vec<String> = catalog.search(slug).iter().take(3).map(|found| found.slug.clone()).collect();
        let error = Error::new(Code::ConnectorNotFound, format!("there is no connector `{slug}`"));
        if near.is_empty() { error } else { error.with_help(format!("did you mean {}?", near.join(", "))) }
    })?;
    let value = serde_json::to_value(&*connector)
        .map_err(|error| Error::internal("the connector cannot be shown").with_source(error))?;
    context.out.result(&value, |_| words(&connector))
}

fn words(connector: &Connector) -> String {
    let mut lines =
        vec![format!("{}  {}", connector.display_name, connector.blurb.clone().unwrap_or_default())];
    for method in &connector.auth {
        lines.push(String::new());
        lines.push(format!("{}  {}", method.id, auth_type(method).as_str()));
        lines.extend(method_words(connector, method));
    }
    lines.push(format!("\nkeybearer connections add {}", connector.slug));
    lines.join("\n")
}

fn method_words(connector: &Connector, method: &AuthMethod) -> Vec<String> {
    let mut lines = Vec::new();
    for (who, form) in [
        ("You give", connection_form(connector, method)),
        ("Each user gives", account_form(connector, method)),
    ] {
        let labels: Vec<String> =
            form.iter().map(|field| format!("{} ({})", field.label, field.name)).collect();
        if !labels.is_empty() {
            lines.push(format!("  {who}: {}", labels.join(", ")));
        }
    }
    for (number, step) in method.setup.iter().flat_map(|setup| &setup.steps).enumerate() {
        lines.push(format!("  {}. {step}", number + 1));
    }
    let scopes: Vec<&str> = method
        .scopes
        .iter()
        .filter(|scope| scope.default || scope.required)
        .map(|scope| scope.name.as_str())
        .collect();
    if !scopes.is_empty() {
        lines.push(format!("  Scopes by default: {}", scopes.join(" ")));
    }
    lines
}

fn check(folder: Option<&Path>, context: &Context) -> Result<()> {
    let (catalog, errors) = match folder {
        Some(folder) => Catalog::from_dir(folder),
        None => Catalog::embedded_with_errors(),
    };
    let mut lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
    let mut wrong = errors.len();
    for connector in catalog.iter() {
        for finding in lint(connector) {
            wrong += usize::from(finding.level == Level::Error);
            lines.push(finding.to_string());
        }
    }
    let value = json!({"connectors": catalog.len(), "errors": wrong, "findings": lines});
    context.out.result(&value, |_| {
        let mut words = lines.clone();
        words.push(format!("{} connectors, {wrong} errors", catalog.len()));
        words.join("\n")
    })?;
    if wrong == 0 {
        Ok(())
    } else {
        let errors = if wrong == 1 { "error" } else { "errors" };
        Err(Error::new(Code::ConfigInvalid, format!("{wrong} {errors} in connector files")))
    }
}
