//! A connector of the environment as a file of the catalogue.

use keybearer_connectors::lint::lint;
use keybearer_connectors::{Connector, to_yaml};
use keybearer_core::{Error, Result};

use super::types::Provider;
use super::{check, examine, find};
use crate::access::Caller;
use crate::state::App;

/// `connector.yaml` of a connector of the environment, or of one of the catalogue. What the catalogue's check would say
/// stands on top of it.
///
/// # Errors
/// [`keybearer_core::Code::PermissionDenied`], [`keybearer_core::Code::ConnectorNotFound`]; `InvalidArgument` where the
/// definition cannot be used any more.
pub async fn contribution(app: &App, caller: &Caller, name: &str) -> Result<String> {
    match find::get(app, caller, name).await? {
        Provider::Custom(custom) => {
            let row = examine::row(app, caller, &custom.described())?;
            contribution_of(check::compiled(&row)?.connector)
        }
        Provider::Catalogue(connector) => contribution_of(connector.as_ref().clone()),
    }
}

/// The same of a definition. One of the environment gets the slug that its name makes.
///
/// # Errors
/// [`keybearer_core::Code::Internal`] when it cannot be written.
pub fn contribution_of(mut connector: Connector) -> Result<String> {
    if connector.is_custom() {
        connector.slug = slug(&connector.display_name);
    }
    let written = to_yaml(&connector);
    let yaml = written.map_err(|_| Error::internal("the connector cannot be written as YAML"))?;
    let findings = lint(&connector).into_iter().map(|finding| {
        let line: String =
            finding.to_string().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        format!("# {line}\n")
    });
    let head = "# A connector file (docs/connectors.md). Add what it is for (categories, docs_url, sources), then look at it:\n\
                # keybearer connectors check --file connector.yaml\n";
    Ok(format!("{head}{}{yaml}", findings.collect::<String>()))
}

fn slug(name: &str) -> String {
    let plain: String =
        name.to_ascii_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { ' ' }).collect();
    let slug = plain.split_whitespace().collect::<Vec<_>>().join("-");
    if slug.is_empty() { "connector".to_owned() } else { slug }
}
