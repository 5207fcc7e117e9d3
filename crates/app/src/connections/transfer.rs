//! Connections as a file: their settings without secrets, to keep, to compare, or to bring into another environment.

use std::collections::BTreeMap;

use keybearer_core::ids::ConnectionId;
use keybearer_core::{Code, CredentialSource, Error, Result};
use serde::{Deserialize, Serialize};

use super::overrides::MethodOverrides;
use super::types::{Connection, CreateConnection, NameRules, ScopeSettings, UpdateConnection};
use super::{ConnectionQuery, create, delete, list, update};
use crate::access::{Caller, Permission};
use crate::paging::PageAsk;
use crate::state::App;

/// What a file calls itself.
const FORMAT: &str = "keybearer.connections";
/// The version that is written, and the only one that is read.
const VERSION: u32 = 1;
/// How many connections a file has at most.
const MOST: usize = 500;

/// The file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bundle {
    format: String,
    version: u32,
    connections: Vec<Settings>,
}

/// A connection without its secrets.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    name: String,
    connector: String,
    method: String,
    label: String,
    says: String,
    shared: bool,
    client_id: Option<String>,
    fields: BTreeMap<String, String>,
    fixed: BTreeMap<String, String>,
    scopes: ScopeSettings,
    extra_authorize_params: BTreeMap<String, String>,
    overrides: MethodOverrides,
    org_wide: bool,
    proxy_enabled: Option<bool>,
    /// Secrets that are not in the file and have to be given again; only told.
    ask_again: Vec<String>,
}

/// What became of a connection of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brought {
    /// Its name in the file.
    pub name: String,
    /// The connector that it belongs to.
    pub connector: String,
    /// What became of it.
    pub outcome: Outcome,
}

/// What can become of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was made; what is missing must be given before it can be used.
    Made {
        /// Its id here.
        id: ConnectionId,
        /// The names of what is missing.
        missing: Vec<String>,
    },
    /// One of that name is there and was left as it is.
    Exists,
    /// It cannot be made here; the sentence says why.
    Refused(String),
}

/// All connections of the caller's environment as a file. No secret is in it.
///
/// # Errors
/// [`Code::PermissionDenied`].
pub async fn export(app: &App, caller: &Caller) -> Result<String> {
    caller.require(Permission::ConnectorsRead)?;
    let (mut connections, mut token) = (Vec::new(), String::new());
    loop {
        let ask = PageAsk { size: 100, token };
        let page = list(app, caller, &ConnectionQuery::default(), &ask).await?;
        connections.extend(page.items.into_iter().map(settings));
        match page.next {
            Some(next) => token = next,
            None => break,
        }
    }
    connections.sort_by(|one, other| one.name.cmp(&other.name));
    let bundle = Bundle { format: FORMAT.to_owned(), version: VERSION, connections };
    serde_json::to_string_pretty(&bundle)
        .map_err(|error| Error::internal("the file cannot be written").with_source(error))
}

/// Makes the connections of a file that are not here yet, by name. Each is made by itself: one that is refused does not
/// hold up the others. One that lacks a secret stays a draft.
///
/// # Errors
/// [`Code::PermissionDenied`]; `InvalidArgument` at `file` when it is none of ours.
pub async fn import(app: &App, caller: &Caller, file: &str) -> Result<Vec<Brought>> {
    caller.require(Permission::ConnectorsWrite)?;
    let mut brought = Vec::new();
    for one in read(file)?.connections {
        let (name, connector) = (one.name.clone(), one.connector.clone());
        let outcome = match bring(app, caller, one).await {
            Ok(outcome) => outcome,
            Err(error) if error.code.http() < 500 => Outcome::Refused(why(&error)),
            Err(error) => return Err(error),
        };
        brought.push(Brought { name, connector, outcome });
    }
    Ok(brought)
}

fn read(file: &str) -> Result<Bundle> {
    let wrong = |says: String| Error::field("file", says);
    let bundle: Bundle = serde_json::from_str(file.trim_start_matches('\u{feff}')).map_err(|error| {
        // where, and not what: a file of somebody else may hold secrets
        wrong(format!("is no file of connections (line {}, column {})", error.line(), error.column()))
    })?;
    match (bundle.format.as_str(), bundle.version, bundle.connections.len()) {
        (FORMAT, VERSION, 0..=MOST) => Ok(bundle),
        (FORMAT, VERSION, _) => Err(wrong(format!("must have at most {MOST} connections"))),
        (FORMAT, other, _) => Err(wrong(format!("has version {other}; this server reads version {VERSION}"))),
        _ => Err(wrong(format!("must say `\"format\": \"{FORMAT}\"`"))),
    }
}

async fn bring(app: &App, caller: &Caller, one: Settings) -> Result<Outcome> {
    if one.name.is_empty() {
        return Ok(Outcome::Refused("it has no name".to_owned()));
    }
    let patch = UpdateConnection {
        overrides: one.overrides.clone(),
        fixed: one.fixed.clone(),
        proxy_enabled: one.proxy_enabled.filter(|on| !on),
        ..UpdateConnection::default()
    };
    let complete = patch.overrides == MethodOverrides::default()
        && patch.fixed.is_empty()
        && patch.proxy_enabled.is_none();
    let made = match create(app, caller, new(one)).await {
        Ok(made) => made,
        Err(error) if error.code == Code::ConnectionNameTaken => return Ok(Outcome::Exists),
        Err(error) => return Err(error),
    };
    if complete {
        return Ok(Outcome::Made { id: made.id, missing: made.missing });
    }
    let id = made.id.to_string();
    match update(app, caller, &id, patch).await {
        Ok(made) => Ok(Outcome::Made { id: made.id, missing: made.missing }),
        Err(error) => {
            // half of it would look like the whole
            delete(app, caller, &id, None, false).await?;
            Err(error)
        }
    }
}

fn new(one: Settings) -> CreateConnection {
    CreateConnection {
        connector: one.connector,
        method: Some(one.method).filter(|method| !method.is_empty()),
        name: Some(one.name),
        // every name that was exported fits these
        name_rules: NameRules::Wire,
        label: one.label,
        blurb_for_users: one.says,
        source: Some(if one.shared { CredentialSource::Shared } else { CredentialSource::Own }),
        client_id: one.client_id.filter(|_| !one.shared),
        fields: one.fields,
        scopes: Some(one.scopes),
        extra_authorize_params: one.extra_authorize_params,
        org_wide: one.org_wide,
        ..CreateConnection::default()
    }
}

fn settings(one: Connection) -> Settings {
    let secret = one.has_client_secret && one.source == CredentialSource::Own;
    let ask_again = secret.then(|| "client_secret".to_owned()).into_iter().chain(one.secret_fields).collect();
    Settings {
        name: one.name,
        connector: one.connector,
        method: one.method,
        label: one.label,
        says: one.blurb_for_users,
        shared: one.source == CredentialSource::Shared,
        client_id: one.client_id.filter(|_| one.source == CredentialSource::Own),
        fields: one.fields,
        fixed: one.fixed,
        scopes: one.scopes,
        extra_authorize_params: one.extra_authorize_params,
        overrides: one.overrides,
        org_wide: one.org_wide,
        proxy_enabled: Some(one.proxy_enabled),
        ask_again,
    }
}

fn why(error: &Error) -> String {
    match error.violations.first() {
        Some(wrong) => format!("{} {}", wrong.field, wrong.description),
        None => error.detail.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_somebody_else_is_refused_without_its_words() {
        for (file, says) in [
            ("", "line 1, column 0"),
            ("{\"client_secret\": \"cnry-1\"}", "is no file of connections"),
            ("{\"format\": \"x\", \"version\": 1, \"connections\": []}", "must say"),
            (
                "{\"format\": \"keybearer.connections\", \"version\": 2, \"connections\": []}",
                "reads version 1",
            ),
        ] {
            let error = read(file).unwrap_err();
            let told = &error.violations[0].description;
            assert!(told.contains(says) && !told.contains("cnry"), "{told}");
        }
    }
}
