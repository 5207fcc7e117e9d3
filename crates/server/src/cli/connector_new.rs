//! `keybearer connectors new`: a connector file to begin with, written only when it is a good one.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use keybearer_app::connectors::lint::{Level, lint};
use keybearer_app::connectors::{Catalog, load_connector};
use keybearer_core::{Code, Error, Result};
use serde_json::{Value, json};

use super::Context;

/// What the new file describes.
#[derive(Debug, Args)]
pub(crate) struct New {
    /// Its slug: lower-case letters, digits and hyphens
    slug: String,
    /// The name people read; made of the slug when absent
    #[arg(long)]
    name: Option<String>,
    /// Where its API begins, for example <https://api.example.com/v1>
    #[arg(long)]
    base_url: String,
    /// How a user's credential is had
    #[arg(long, value_enum, default_value_t = Auth::ApiKey)]
    auth: Auth,
    /// OAuth: where users consent
    #[arg(long, required_if_eq("auth", "oauth2"))]
    authorize_url: Option<String>,
    /// OAuth: where a code is exchanged
    #[arg(long, required_if_eq("auth", "oauth2"))]
    token_url: Option<String>,
    /// The folder that gets `<slug>/connector.yaml`
    #[arg(long, default_value = "connectors")]
    folder: PathBuf,
}

/// The kinds that need no more than a few words to begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Auth {
    Oauth2,
    ApiKey,
    Bearer,
    Basic,
    None,
}

pub(crate) fn run(new: &New, context: &Context) -> Result<()> {
    if Catalog::embedded().get(&new.slug).is_some() {
        return Err(Error::field("slug", "must not be that of a built-in connector")
            .with_help(format!("see it with `keybearer connectors show {}`", new.slug)));
    }
    let yaml = text(new);
    checked(&yaml)?;
    let file = write(&new.folder.join(&new.slug), &yaml)?;
    let folder = new.folder.display();
    context.out.result(&json!({"file": file}), |_| {
        format!(
            "{}\nEdit it, then `keybearer connectors lint {folder}`. A server reads the folder that \
             `connectors.dir` names.",
            file.display()
        )
    })
}

/// Refuses what the server would refuse when it starts.
fn checked(yaml: &str) -> Result<()> {
    let connector =
        load_connector(yaml).map_err(|reason| Error::new(Code::InvalidArgument, reason.trim().to_owned()))?;
    let wrong: Vec<String> = lint(&connector)
        .iter()
        .filter(|finding| finding.level == Level::Error)
        .map(ToString::to_string)
        .collect();
    if wrong.is_empty() { Ok(()) } else { Err(Error::new(Code::InvalidArgument, wrong.join("\n       "))) }
}

fn write(folder: &Path, yaml: &str) -> Result<PathBuf> {
    let file = folder.join("connector.yaml");
    let failed = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => Error::new(
            Code::AlreadyExists,
            format!("{} exists already and was left as it is", file.display()),
        ),
        kind => Error::new(Code::ConfigInvalid, format!("{} cannot be written ({kind})", file.display())),
    };
    std::fs::create_dir_all(folder).map_err(failed)?;
    let mut open = OpenOptions::new().write(true).create_new(true).open(&file).map_err(failed)?;
    open.write_all(yaml.as_bytes()).map_err(failed)?;
    Ok(file)
}

fn text(new: &New) -> String {
    let name = new.name.clone().unwrap_or_else(|| title(&new.slug));
    let mut yaml =
        format!("slug: {}\ndisplay_name: {}\nkind: api\nauth:\n", quoted(&new.slug), quoted(&name));
    yaml.push_str(&method(new));
    let _ = write!(yaml, "api:\n  base_url: {}\n", quoted(&new.base_url));
    yaml
}

fn method(new: &New) -> String {
    let given = |url: &Option<String>| quoted(url.as_deref().unwrap_or_default());
    match new.auth {
        Auth::Oauth2 => OAUTH
            .replace("AUTHORIZE_URL", &given(&new.authorize_url))
            .replace("TOKEN_URL", &given(&new.token_url)),
        Auth::ApiKey => API_KEY.to_owned(),
        Auth::Bearer => BEARER.to_owned(),
        Auth::Basic => BASIC.to_owned(),
        Auth::None => NONE.to_owned(),
    }
}

/// A JSON string is a YAML string.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// `dry-cleaning` becomes `Dry Cleaning`.
fn title(slug: &str) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>())
    };
    slug.split('-').filter_map(word).collect::<Vec<_>>().join(" ")
}

const OAUTH: &str = r#"  - id: oauth2
    type: oauth2
    authorize_url: AUTHORIZE_URL
    token_url: TOKEN_URL
    pkce: S256
    setup:
      steps:
        - Register an app at the service, with the redirect URI shown here. (Write the real steps.)
        - Paste its client ID and secret here.
    fields:
      - {name: client_id, label: Client ID, in: connection, required: true}
      - {name: client_secret, label: Client secret, in: connection, secret: true, required: true}
    scopes: []
    credential_placement:
      headers:
        authorization: "Bearer {access_token}"
"#;

const API_KEY: &str = r#"  - id: api_key
    type: api_key
    fields:
      - {name: api_key, label: API key, kind: password, in: account, secret: true, required: true}
    credential_placement:
      headers:
        x-api-key: "{api_key}"
"#;

const BEARER: &str = r#"  - id: token
    type: bearer
    fields:
      - {name: token, label: Access token, kind: password, in: account, secret: true, required: true}
    credential_placement:
      headers:
        authorization: "Bearer {token}"
"#;

const BASIC: &str = r#"  - id: basic
    type: basic
    fields:
      - {name: username, label: User name, in: account, required: true}
      - {name: password, label: Password, kind: password, in: account, secret: true, required: true}
    credential_placement:
      basic: {username: "{username}", password: "{password}"}
"#;

const NONE: &str = "  - id: none
    type: none
    label: No sign-in
";

#[cfg(test)]
mod tests {
    use super::*;

    fn new(auth: Auth) -> New {
        let url = |path: &str| Some(format!("https://login.dry-cleaning.test/{path}"));
        New {
            slug: "dry-cleaning".to_owned(),
            name: None,
            base_url: "https://api.dry-cleaning.test/v1".to_owned(),
            auth,
            authorize_url: url("authorize"),
            token_url: url("token"),
            folder: PathBuf::new(),
        }
    }

    #[test]
    fn every_kind_begins_as_a_file_that_lints() {
        for auth in Auth::value_variants() {
            let yaml = text(&new(*auth));
            checked(&yaml).unwrap_or_else(|error| panic!("{auth:?}: {error}\n{yaml}"));
            assert_eq!(load_connector(&yaml).unwrap().display_name, "Dry Cleaning");
        }
    }

    #[test]
    fn what_is_typed_stays_text() {
        let name = Some("a: {b}\n# \"c\"".to_owned());
        let yaml = text(&New { name: name.clone(), ..new(Auth::None) });
        assert_eq!(Some(load_connector(&yaml).unwrap().display_name), name);
    }

    #[test]
    fn a_file_that_would_be_refused_is_not_written() {
        let insecure = New { base_url: "http://api.dry-cleaning.test".to_owned(), ..new(Auth::ApiKey) };
        assert!(checked(&text(&insecure)).is_err());
    }

    #[test]
    fn a_file_that_is_there_stays() {
        let folder = tempfile::tempdir().unwrap();
        let file = write(folder.path(), "one").unwrap();
        assert_eq!(write(folder.path(), "two").unwrap_err().code, Code::AlreadyExists);
        assert_eq!(std::fs::read_to_string(file).unwrap(), "one");
    }
}
