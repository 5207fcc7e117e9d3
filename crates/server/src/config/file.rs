use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use keybearer_core::{Error, Result, SecretString};
use serde::Deserialize;

pub use super::sso::SsoSection;
use super::{Variable, invalid};

/// `keybearer.toml` as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConfigFile {
    /// Where people and providers reach the server.
    pub public_url: Option<String>,
    /// Address and port to listen on.
    pub listen: Option<String>,
    /// Folder for database, keys and certificates.
    pub data: Option<PathBuf>,
    /// `dev`, `staging` or `prod`.
    pub environment: Option<String>,
    /// The name users read.
    pub app_name: Option<String>,
    /// `none`, `custom` or `dashboard`.
    pub verification: Option<String>,
    /// What a `user_verify_url` may begin with.
    pub verify_urls: Vec<String>,
    /// How long a connect link lives.
    pub link_hours: Option<u64>,
    /// Whether a connect link opens all accounts of its user to the browser that holds it.
    pub links_open_all_accounts: bool,
    /// The database.
    pub database: DatabaseSection,
    /// The root key.
    pub key: KeySection,
    /// TLS.
    pub tls: TlsSection,
    /// What may be contacted.
    pub egress: EgressSection,
    /// The operator's own connectors.
    pub connectors: ConnectorsSection,
    /// What may be called, and how often.
    pub proxy: ProxySection,
    /// The operator's OAuth apps, by connector.
    pub shared: BTreeMap<String, SharedSection>,
    /// Single sign-on to the dashboard.
    pub sso: Option<SsoSection>,
}

/// `[database]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DatabaseSection {
    /// `sqlite:FILE` or `postgres://…`.
    pub url: Option<SecretString>,
    /// A file with the URL.
    pub url_file: Option<PathBuf>,
    /// Connections at most.
    pub connections: Option<u32>,
    /// Off behind a pooler in transaction mode.
    pub statement_cache: Option<bool>,
}

/// `[key]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KeySection {
    /// The key file; made at the first start.
    pub file: Option<PathBuf>,
    /// The key itself. Prefer the variable `KEYBEARER_KEY`.
    pub value: Option<SecretString>,
    /// A file with the key itself, as orchestrators mount it.
    pub value_file: Option<PathBuf>,
}

/// `[tls]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TlsSection {
    /// Certificate chain, PEM.
    pub certificate: Option<PathBuf>,
    /// Private key, PEM.
    pub key: Option<PathBuf>,
}

/// `[egress]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EgressSection {
    /// Exceptions for private addresses.
    pub allow: Vec<String>,
    /// Further root certificates, PEM.
    pub extra_roots_file: Option<PathBuf>,
}

/// `[connectors]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConnectorsSection {
    /// Folder with one folder per connector.
    pub dir: Option<PathBuf>,
}

/// `[proxy]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProxySection {
    /// Largest request body, in MiB.
    pub request_mib: Option<NonZeroU32>,
    /// Calls a second of one account.
    pub account_calls_per_second: Option<NonZeroU32>,
    /// Calls a second of one connection.
    pub connection_calls_per_second: Option<NonZeroU32>,
    /// Calls a second of one environment.
    pub environment_calls_per_second: Option<NonZeroU32>,
    /// Calls of one account under way at once.
    pub account_calls_at_once: Option<NonZeroU32>,
}

/// `[shared.CONNECTOR]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SharedSection {
    /// The name people see at the provider.
    pub app_name: String,
    /// Client id.
    pub client_id: String,
    /// Client secret.
    pub client_secret: Option<SecretString>,
    /// A file with the client secret.
    pub client_secret_file: Option<PathBuf>,
    /// Scopes the app may ask for.
    #[serde(default)]
    pub scopes: Vec<String>,
}

impl ConfigFile {
    /// Reads the file; without a path, `keybearer.toml` of this folder if it is there.
    ///
    /// # Errors
    /// [`keybearer_core::Code::ConfigInvalid`].
    pub fn read(path: Option<&Path>) -> Result<Self> {
        let given = path.unwrap_or(Path::new("keybearer.toml"));
        match std::fs::read_to_string(given) {
            Ok(text) => Self::parse(&text).map_err(|error| Error {
                detail: format!("{}: {}", given.display(), error.detail).into(),
                ..error
            }),
            Err(error) if path.is_none() && error.kind() == std::io::ErrorKind::NotFound => {
                Ok(Self::default())
            }
            Err(error) => {
                Err(invalid("--config", &format!("{} cannot be read ({})", given.display(), error.kind())))
            }
        }
    }

    pub(super) fn parse(text: &str) -> Result<Self> {
        toml::from_str(text).map_err(|error| {
            // the message without the line it quotes: that line may hold a secret
            let line = error
                .span()
                .map_or(0, |span| text.get(..span.start).unwrap_or_default().matches('\n').count() + 1);
            invalid(&format!("line {line}:"), error.message())
        })
    }

    /// Lays the variables of the environment over the file.
    ///
    /// # Errors
    /// [`keybearer_core::Code::ConfigInvalid`] for a number that is none.
    pub fn overlaid(mut self, variable: Variable<'_>) -> Result<Self> {
        let set = |slot: &mut Option<String>, name: &str| {
            if let Some(value) = variable(name) {
                *slot = Some(value);
            }
        };
        set(&mut self.public_url, "KEYBEARER_PUBLIC_URL");
        set(&mut self.listen, "KEYBEARER_LISTEN");
        set(&mut self.environment, "KEYBEARER_ENVIRONMENT");
        set(&mut self.app_name, "KEYBEARER_APP_NAME");
        set(&mut self.verification, "KEYBEARER_VERIFICATION");
        let path = |slot: &mut Option<PathBuf>, name: &str| {
            if let Some(value) = variable(name) {
                *slot = Some(value.into());
            }
        };
        path(&mut self.data, "KEYBEARER_DATA");
        path(&mut self.key.file, "KEYBEARER_KEY_FILE");
        path(&mut self.tls.certificate, "KEYBEARER_TLS_CERTIFICATE");
        path(&mut self.tls.key, "KEYBEARER_TLS_KEY");
        path(&mut self.connectors.dir, "KEYBEARER_CONNECTORS_DIR");
        path(&mut self.egress.extra_roots_file, "KEYBEARER_EGRESS_EXTRA_ROOTS_FILE");
        path(&mut self.database.url_file, "KEYBEARER_DATABASE_URL_FILE");
        if let Some(value) = variable("KEYBEARER_DATABASE_URL") {
            (self.database.url, self.database.url_file) = (Some(value.into()), None);
        }
        if let Some(value) = variable("KEYBEARER_KEY") {
            (self.key.value, self.key.value_file) = (Some(value.into()), None);
        }
        if let Some(sso) = &mut self.sso {
            path(&mut sso.client_secret_file, "KEYBEARER_SSO_CLIENT_SECRET_FILE");
            if let Some(value) = variable("KEYBEARER_SSO_CLIENT_SECRET") {
                (sso.client_secret, sso.client_secret_file) = (Some(value.into()), None);
            }
        }
        for (slot, name) in [
            (&mut self.verify_urls, "KEYBEARER_VERIFY_URLS"),
            (&mut self.egress.allow, "KEYBEARER_EGRESS_ALLOW"),
        ] {
            if let Some(value) = variable(name) {
                *slot = value
                    .split(',')
                    .map(str::trim)
                    .filter(|part| !part.is_empty())
                    .map(str::to_owned)
                    .collect();
            }
        }
        if let Some(value) = variable("KEYBEARER_LINK_HOURS") {
            let hours =
                value.parse().map_err(|_| invalid("KEYBEARER_LINK_HOURS", "must be a whole number"))?;
            self.link_hours = Some(hours);
        }
        Ok(self)
    }
}
