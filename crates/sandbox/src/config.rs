use std::net::SocketAddr;
use std::sync::Arc;

use keybearer_core::{Clock, Entropy, SecretString};
use url::Url;

use crate::Settings;

/// Everything [`crate::Sandbox::start`] needs.
pub struct SandboxConfig {
    /// Where to listen; port 0 takes any free port.
    pub listen: SocketAddr,
    /// The origin that browsers and Keybearer use; `http://{listen}` when absent.
    pub public_url: Option<Url>,
    /// Where its switches are, for people: its pages link to it.
    pub switches_url: Option<Url>,
    /// The clock that the sandbox's own offset is added to.
    pub clock: Arc<dyn Clock>,
    /// Where tokens come from.
    pub entropy: Arc<dyn Entropy>,
    /// The bearer token of the control API below `/_control/`.
    pub control_token: SecretString,
    /// Applications registered from the start; they survive a reset.
    pub clients: Vec<ClientConfig>,
    /// Key pairs registered from the start with the Turnstile service; they survive a reset.
    pub keys: Vec<KeyPair>,
    /// Behaviour at the start and after a reset.
    pub settings: Settings,
    /// Whether the environment it runs beside is a production one: refused unless `force_in_production`.
    pub production: bool,
    /// Starts in production all the same.
    pub force_in_production: bool,
}

impl SandboxConfig {
    /// A configuration with no client and default behaviour.
    pub fn new(
        listen: SocketAddr,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        control_token: SecretString,
    ) -> Self {
        Self {
            listen,
            public_url: None,
            switches_url: None,
            clock,
            entropy,
            control_token,
            clients: Vec::new(),
            keys: Vec::new(),
            settings: Settings::default(),
            production: false,
            force_in_production: false,
        }
    }
}

/// An application that may ask people for access.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// Its `client_id`.
    pub client_id: String,
    /// Its secret; `None` for a public client.
    pub client_secret: Option<SecretString>,
    /// Redirect addresses, compared as exact text.
    pub redirect_uris: Vec<String>,
    /// The name people see on the consent page.
    pub name: String,
}

/// The public half of a key pair that may sign assertions for the Turnstile service.
#[derive(Clone, Debug)]
pub struct KeyPair {
    /// The `iss` and `sub` of its assertions.
    pub issuer: String,
    /// The public key as PEM, RSA or EC P-256.
    pub public_key_pem: String,
}

/// Why the sandbox did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The environment is a production one.
    #[error("the sandbox provider does not start beside a production environment (force it with the flag)")]
    Production,
    /// The address cannot be used.
    #[error("the sandbox cannot listen on {address}: {source}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The public URL is not an `http` or `https` origin.
    #[error("public_url must be an http or https origin without a path")]
    PublicUrl,
    /// No random bytes.
    #[error(transparent)]
    Entropy(#[from] keybearer_core::Error),
}
