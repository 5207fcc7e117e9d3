use std::sync::{Mutex, MutexGuard, PoisonError};

use std::sync::Arc;

use keybearer_core::{Entropy, SecretString, Timestamp, random_token};

use crate::clock::SandboxClock;
use crate::config::{ClientConfig, KeyPair};
use crate::record::Recorder;
use crate::settings::Settings;
use crate::world::World;

/// What every handler works on.
pub(crate) struct Shared {
    /// The issuer: the public URL without a slash at its end.
    pub issuer: String,
    /// Where its switches are, for people.
    pub switches_url: Option<String>,
    pub clock: SandboxClock,
    pub entropy: Arc<dyn Entropy>,
    pub control_token: SecretString,
    pub recorder: Recorder,
    pub initial: Initial,
    /// Applications registered later that a reset keeps.
    pub kept: Mutex<Vec<ClientConfig>>,
    pub world: Mutex<World>,
}

/// What a reset goes back to.
pub(crate) struct Initial {
    pub settings: Settings,
    pub clients: Vec<ClientConfig>,
    pub keys: Vec<KeyPair>,
}

impl Initial {
    pub fn world(&self) -> World {
        World::new(self.settings.clone(), &self.clients, &self.keys)
    }
}

impl Shared {
    /// The world, locked. Nothing may be awaited while it is held.
    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A new secret that begins with `prefix` and carries 160 random bits.
    pub fn token(&self, prefix: &str) -> keybearer_core::Result<SecretString> {
        random_token(self.entropy.as_ref(), 20).map(|text| SecretString::from(format!("{prefix}{text}")))
    }

    pub fn https(&self) -> bool {
        self.issuer.starts_with("https:")
    }
}
