//! The operator's configuration: `keybearer.toml`, then `KEYBEARER_*` variables, which win.

mod file;
mod sso;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use keybearer_app::{
    AppConfig, DatabaseConfig, EgressConfig, ProxyLimits, RefreshLimits, RootKey, SharedCredential,
    WebhookLimits,
};
use keybearer_core::{Code, EnvironmentKind, Error, Result, SecretString, VerifyMode};
use url::Url;

pub use file::ConfigFile;

/// Everything the server starts with.
#[derive(Debug)]
pub struct Settings {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The folder with database, keys and certificates.
    pub data: PathBuf,
    /// What the application is told.
    pub app: AppConfig,
    /// The database.
    pub database: DatabaseConfig,
    /// The root key.
    pub root_key: RootKey,
    /// What may be contacted.
    pub egress: EgressConfig,
    /// Where the operator's own connectors are.
    pub connectors: Option<PathBuf>,
    /// Certificate and key files.
    pub tls: Tls,
}

/// How TLS is offered.
#[derive(Debug)]
pub enum Tls {
    /// Not at all: something in front does it.
    Off,
    /// With these files.
    Files {
        /// Certificate chain, PEM.
        certificate: PathBuf,
        /// Private key, PEM.
        key: PathBuf,
    },
    /// With an authority of our own, for development.
    Development,
}

/// Reads one variable of the environment.
pub type Variable<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The settings of `keybearer serve`.
///
/// # Errors
/// [`Code::ConfigInvalid`] naming the key and what it must be.
pub fn load(path: Option<&Path>, variable: Variable<'_>) -> Result<Settings> {
    let file = ConfigFile::read(path)?.overlaid(variable)?;
    settings(file)
}

fn settings(file: ConfigFile) -> Result<Settings> {
    let data = file.data.clone().unwrap_or_else(|| PathBuf::from("keybearer-data"));
    let public_url = file
        .public_url
        .as_deref()
        .ok_or_else(|| invalid("public_url", "must be set: it is where providers send people back"))?;
    let public_url = public_address("public_url", public_url)?;
    let environment_kind = match file.environment.as_deref() {
        None => EnvironmentKind::Production,
        Some(text) => EnvironmentKind::parse(text)
            .ok_or_else(|| invalid("environment", "must be dev, staging or prod"))?,
    };
    let secret =
        |name: &str, value: Option<SecretString>, path: Option<&PathBuf>| from_file(name, value, path);
    let database_url = secret("database.url", file.database.url.clone(), file.database.url_file.as_ref())?;
    let root_key = match secret("key.value", file.key.value.clone(), file.key.value_file.as_ref())? {
        Some(text) => RootKey::Text(text),
        None => RootKey::File(file.key.file.clone().unwrap_or_else(|| data.join("root.key"))),
    };
    Ok(Settings {
        listen: address("listen", file.listen.as_deref().unwrap_or("127.0.0.1:4300"))?,
        app: AppConfig {
            public_url,
            environment_kind,
            app_name: file.app_name.clone().unwrap_or_else(|| "This app".to_owned()),
            verify_mode: verification(file.verification.as_deref())?,
            verify_urls: file
                .verify_urls
                .iter()
                .map(|url| web_address("verify_urls", url))
                .collect::<Result<_>>()?,
            shared_credentials: shared(&file)?,
            known_fields: BTreeMap::new(),
            spill_folder: Some(data.join("spill")),
            link_lifetime: Duration::from_secs(file.link_hours.unwrap_or(24).clamp(1, 24 * 30) * 3600),
            links_open_all_accounts: file.links_open_all_accounts,
            refresh: RefreshLimits::default(),
            proxy: proxy(&file.proxy),
            webhooks: WebhookLimits::default(),
            sso: file.sso.as_ref().map(sso::read).transpose()?,
        },
        database: DatabaseConfig {
            connections: file.database.connections.unwrap_or(10).clamp(2, 200),
            statement_cache: file.database.statement_cache.unwrap_or(true),
            ..DatabaseConfig::at(database_url.unwrap_or_else(|| sqlite(&data)))
        },
        root_key,
        egress: EgressConfig { allow: file.egress.allow.clone(), extra_roots_pem: roots(&file)? },
        connectors: file.connectors.dir.clone(),
        tls: tls(&file)?,
        data,
    })
}

fn proxy(file: &file::ProxySection) -> ProxyLimits {
    let usual = ProxyLimits::default();
    let mib = |given: NonZeroU32| u64::from(given.get()) << 20;
    ProxyLimits {
        request_bytes: file.request_mib.map_or(usual.request_bytes, mib),
        account_calls_per_second: file.account_calls_per_second.unwrap_or(usual.account_calls_per_second),
        connection_calls_per_second: file
            .connection_calls_per_second
            .unwrap_or(usual.connection_calls_per_second),
        environment_calls_per_second: file
            .environment_calls_per_second
            .unwrap_or(usual.environment_calls_per_second),
        account_calls_at_once: file.account_calls_at_once.unwrap_or(usual.account_calls_at_once),
        ..usual
    }
}

/// The database in the data folder.
pub fn sqlite(data: &Path) -> SecretString {
    SecretString::new(format!("sqlite:{}", data.join("keybearer.db").display()))
}

/// An address to listen on.
///
/// # Errors
/// [`Code::ConfigInvalid`] naming `key`.
pub fn address(key: &str, text: &str) -> Result<SocketAddr> {
    text.parse().map_err(|_| {
        invalid(key, &format!("must be an address with a port such as 127.0.0.1:4300 (got {text})"))
    })
}

fn web_address(key: &str, text: &str) -> Result<Url> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.ok_or_else(|| invalid(key, &format!("must be an http or https address (got {text})")))
}

/// The public address: an origin, https unless it is this machine.
fn public_address(key: &str, text: &str) -> Result<Url> {
    let url = web_address(key, text)?;
    let bare =
        url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    if !bare {
        return Err(invalid(key, "must be an address without path, query or user"));
    }
    let local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    if url.scheme() != "https" && !local {
        return Err(invalid(key, "must be https (http is possible for localhost only)"));
    }
    Ok(url)
}

fn verification(text: Option<&str>) -> Result<VerifyMode> {
    match text {
        Some("none") => Ok(VerifyMode::None),
        Some("custom") => Ok(VerifyMode::Custom),
        Some("dashboard") => Ok(VerifyMode::Dashboard),
        Some(_) => Err(invalid("verification", "must be none, custom or dashboard")),
        None => Err(invalid(
            "verification",
            "must be set: `custom` lets your app confirm each person, `dashboard` wants people to be signed in to the dashboard, `none` trusts whoever opens the link",
        )),
    }
}

fn shared(file: &ConfigFile) -> Result<BTreeMap<String, SharedCredential>> {
    let mut all = BTreeMap::new();
    for (slug, app) in &file.shared {
        if slug.contains(':') {
            return Err(invalid(&format!("shared.{slug}"), "must be a connector of the catalogue"));
        }
        let key = format!("shared.{slug}.client_secret");
        let secret = from_file(&key, app.client_secret.clone(), app.client_secret_file.as_ref())?;
        all.insert(
            slug.clone(),
            SharedCredential {
                app_name: app.app_name.clone(),
                client_id: app.client_id.clone(),
                client_secret: secret.ok_or_else(|| invalid(&key, "or client_secret_file must be set"))?,
                scopes: app.scopes.clone(),
            },
        );
    }
    Ok(all)
}

/// A secret from its key or from the file that its `_file` key names; both is an error.
fn from_file(key: &str, value: Option<SecretString>, path: Option<&PathBuf>) -> Result<Option<SecretString>> {
    match (value, path) {
        (Some(_), Some(_)) => Err(invalid(key, "must be set directly or by file, not both")),
        (Some(value), None) => Ok(Some(value)),
        (None, None) => Ok(None),
        (None, Some(path)) => {
            let text = std::fs::read_to_string(path).map_err(|error| {
                invalid(key, &format!("file {} cannot be read ({})", path.display(), error.kind()))
            })?;
            Ok(Some(SecretString::from(text.trim())))
        }
    }
}

fn roots(file: &ConfigFile) -> Result<Option<String>> {
    let Some(path) = &file.egress.extra_roots_file else {
        return Ok(None);
    };
    std::fs::read_to_string(path)
        .map(Some)
        .map_err(|_| invalid("egress.extra_roots_file", &format!("{} cannot be read", path.display())))
}

fn tls(file: &ConfigFile) -> Result<Tls> {
    match (file.tls.certificate.clone(), file.tls.key.clone()) {
        (Some(certificate), Some(key)) => Ok(Tls::Files { certificate, key }),
        (None, None) => Ok(Tls::Off),
        _ => Err(invalid("tls", "must have both certificate and key, or neither")),
    }
}

pub(crate) fn invalid(key: &str, expected: &str) -> Error {
    Error::new(Code::ConfigInvalid, format!("{key} {expected}"))
        .with_help("see docs/configuration.md for every key and its variable")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(toml: &str, variables: &[(&str, &str)]) -> Result<Settings> {
        let variables: BTreeMap<String, String> =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        settings(ConfigFile::parse(toml)?.overlaid(&|name| variables.get(name).cloned())?)
    }

    const GOOD: &str = "public_url = \"https://auth.example.com\"\nverification = \"custom\"\n";

    #[test]
    fn serve_refuses_to_guess_the_verification_mode() {
        let error = read("public_url = \"https://auth.example.com\"", &[]).unwrap_err();
        assert!(error.detail.starts_with("verification must be set"), "{}", error.detail);
    }

    #[test]
    fn variables_win_over_the_file() {
        let settings =
            read(GOOD, &[("KEYBEARER_LISTEN", "127.0.0.1:9"), ("KEYBEARER_VERIFICATION", "none")]).unwrap();
        assert_eq!(settings.listen.port(), 9);
        assert_eq!(settings.app.verify_mode, VerifyMode::None);
    }

    #[test]
    fn public_url_must_be_a_bare_https_origin() {
        for bad in [
            "http://auth.example.com",
            "https://a.example/x",
            "ftp://a.example",
            "auth.example.com",
            "https://u@a.example",
        ] {
            let toml = format!("public_url = \"{bad}\"\nverification = \"none\"");
            assert!(read(&toml, &[]).unwrap_err().detail.starts_with("public_url"), "{bad}");
        }
    }

    #[test]
    fn unknown_keys_are_named() {
        let error = read(&format!("{GOOD}publik = 1"), &[]).unwrap_err();
        assert!(error.detail.contains("publik"), "{}", error.detail);
    }

    #[test]
    fn the_secret_of_the_single_sign_on_comes_from_one_place() {
        let toml =
            format!("{GOOD}[sso]\nname = \"Acme\"\nissuer = \"https://id.example\"\nclient_id = \"kb\"");
        assert!(read(GOOD, &[]).unwrap().app.sso.is_none());
        assert!(read(GOOD, &[("KEYBEARER_SSO_CLIENT_SECRET", "s")]).unwrap().app.sso.is_none());
        assert!(read(&toml, &[]).unwrap().app.sso.unwrap().client_secret.is_none());
        let settings = read(&toml, &[("KEYBEARER_SSO_CLIENT_SECRET", "s")]).unwrap();
        assert_eq!(settings.app.sso.unwrap().client_secret.unwrap().expose(), "s");
        let gone = [("KEYBEARER_SSO_CLIENT_SECRET_FILE", "/nowhere/at/all")];
        assert!(read(&toml, &gone).unwrap_err().detail.starts_with("sso.client_secret file"));
    }

    #[test]
    fn debug_output_has_no_secret() {
        let toml = format!(
            "{GOOD}[shared.github]\napp_name = \"x\"\nclient_id = \"id\"\nclient_secret = \"cnry_shared\"\n[database]\nurl = \"postgres://u:cnry_db@h/d\"\n\
             [sso]\nname = \"Acme\"\nissuer = \"https://id.example\"\nclient_id = \"kb\"\nclient_secret = \"cnry_sso\""
        );
        let settings = read(&toml, &[("KEYBEARER_KEY", "cnry_key")]).unwrap();
        assert!(!format!("{settings:?}").contains("cnry"));
    }
}
