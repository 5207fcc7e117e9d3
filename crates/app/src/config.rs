use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use keybearer_core::{EnvironmentKind, MemberRole, SecretString, VerifyMode};
use url::Url;

/// What the operator decided; read once at the start.
#[derive(Clone, Debug)]
pub struct AppConfig {
    /// Where people and providers reach this server; no path, no trailing slash.
    pub public_url: Url,
    /// What the environment is for, when the first start makes it.
    pub environment_kind: EnvironmentKind,
    /// The name users read on hosted pages, for example `Fieldnote`.
    pub app_name: String,
    /// How people are verified, when the first start makes the environment.
    pub verify_mode: VerifyMode,
    /// Origins with path prefixes that a `user_verify_url` may begin with.
    pub verify_urls: Vec<Url>,
    /// OAuth apps of the operator, by connector slug.
    pub shared_credentials: BTreeMap<String, SharedCredential>,
    /// Values for connection fields that this server knows itself, for example `sandbox_url`.
    pub known_fields: BTreeMap<String, String>,
    /// Where refreshed grants wait while the database cannot take them.
    pub spill_folder: Option<PathBuf>,
    /// How long a connect link lives.
    pub link_lifetime: Duration,
    /// Whether a connect link opens all accounts of its user to the browser that holds it, not only its own.
    pub links_open_all_accounts: bool,
    /// Limits of the refresh protocol.
    pub refresh: RefreshLimits,
    /// Limits of the proxy.
    pub proxy: ProxyLimits,
    /// Limits of the webhooks.
    pub webhooks: WebhookLimits,
    /// Where members of the dashboard may sign in besides here.
    pub sso: Option<SsoConfig>,
}

/// Single sign-on with OpenID Connect.
#[derive(Clone, Debug)]
pub struct SsoConfig {
    /// What the button calls it.
    pub name: String,
    /// The issuer, exactly as it calls itself.
    pub issuer: String,
    /// Our client id there.
    pub client_id: String,
    /// Our client secret there; none for a public client.
    pub client_secret: Option<SecretString>,
    /// What is asked for; `openid` always.
    pub scopes: Vec<String>,
    /// Domains that the e-mail address must be of; empty or `*` means any.
    pub allowed_domains: Vec<String>,
    /// Claims of which one of the values must be there, each.
    pub required_claims: BTreeMap<String, Vec<String>>,
    /// What somebody becomes who was not invited; `None`: they stay outside.
    pub default_role: Option<MemberRole>,
    /// The claim that decides the role, at each sign-in.
    pub role_claim: Option<String>,
    /// Which value of it means which role.
    pub roles: BTreeMap<String, MemberRole>,
    /// Whether a confirmed address makes somebody the member who has it.
    pub link_by_email: bool,
    /// Whether it is the only way in.
    pub only: bool,
}

impl SsoConfig {
    /// Whether addresses of that domain may come in.
    pub(crate) fn allows(&self, domain: &str) -> bool {
        self.allowed_domains.is_empty() || self.allowed_domains.iter().any(|one| one == domain || one == "*")
    }

    /// The claims that decide something.
    pub(crate) fn wanted_claims(&self) -> impl Iterator<Item = &str> {
        self.required_claims.keys().chain(&self.role_claim).map(String::as_str)
    }
}

/// An OAuth app that the operator offers to every connection of a connector.
#[derive(Clone, Debug)]
pub struct SharedCredential {
    /// The name people see at the provider.
    pub app_name: String,
    /// OAuth client id.
    pub client_id: String,
    /// OAuth client secret.
    pub client_secret: SecretString,
    /// Scopes the app may ask for; empty means the connector's own.
    pub scopes: Vec<String>,
}

/// Limits of the refresh protocol (`reliability.md` §1).
#[derive(Clone, Debug)]
pub struct RefreshLimits {
    /// Total deadline of one refresh call; must stay well below `lease`.
    pub deadline: Duration,
    /// How long a row lease holds.
    pub lease: Duration,
    /// How long a caller waits for somebody else's refresh.
    pub wait: Duration,
    /// Refresh when less than this (or a fifth of the lifetime) remains.
    pub margin: Duration,
    /// How often the background job looks for due accounts.
    pub tick: Duration,
    /// How many background refreshes run at once for one provider host.
    pub per_provider: usize,
}

impl Default for RefreshLimits {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(20),
            lease: Duration::from_secs(45),
            wait: Duration::from_secs(25),
            margin: Duration::from_secs(300),
            tick: Duration::from_secs(5),
            per_provider: 8,
        }
    }
}

/// Limits of the proxy.
#[derive(Clone, Debug)]
pub struct ProxyLimits {
    /// Largest request body, in bytes.
    pub request_bytes: u64,
    /// Largest response body, in bytes.
    pub response_bytes: u64,
    /// How long the provider may take to answer with headers.
    pub headers_timeout: Duration,
    /// Calls a second of one account; twice as many at once after a pause. On each node, like the next three.
    pub account_calls_per_second: NonZeroU32,
    /// Calls a second of all accounts of one connection, which share the developer's app at the provider.
    pub connection_calls_per_second: NonZeroU32,
    /// Calls a second of one environment.
    pub environment_calls_per_second: NonZeroU32,
    /// Calls of one account that may be under way at once.
    pub account_calls_at_once: NonZeroU32,
}

impl Default for ProxyLimits {
    fn default() -> Self {
        Self {
            request_bytes: 100 << 20,
            response_bytes: 1 << 30,
            headers_timeout: Duration::from_secs(60),
            account_calls_per_second: const { NonZeroU32::new(100).unwrap() },
            connection_calls_per_second: const { NonZeroU32::new(1000).unwrap() },
            environment_calls_per_second: const { NonZeroU32::new(5000).unwrap() },
            account_calls_at_once: const { NonZeroU32::new(200).unwrap() },
        }
    }
}

/// Limits of the webhooks.
#[derive(Clone, Debug)]
pub struct WebhookLimits {
    /// How often a node looks for deliveries that are due.
    pub tick: Duration,
    /// How long an endpoint may take to answer.
    pub timeout: Duration,
    /// How long a node has the queue of an endpoint to itself, unless it says again that it lives.
    pub lease: Duration,
    /// How many requests run at once to one endpoint.
    pub at_once: usize,
}

impl Default for WebhookLimits {
    fn default() -> Self {
        Self {
            tick: Duration::from_millis(250),
            timeout: Duration::from_secs(15),
            lease: Duration::from_secs(6),
            at_once: 16,
        }
    }
}
