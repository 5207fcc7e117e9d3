//! Everything the sandbox knows, behind one lock that is never held over an await.

mod devices;
mod grants;
mod people;
mod postcards;
mod tokens;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use keybearer_core::{SecretString, Timestamp, sha256, to_hex};

pub(crate) use devices::{DEVICE_INTERVAL, DEVICE_LIFE, Device, DeviceState, PollRefusal};
pub(crate) use grants::{Code, Exchange, Grant};
pub use people::{Habit, Person};
pub(crate) use postcards::Postcard;
pub(crate) use tokens::{Access, Family, Fresh, Owner, Pair, RefreshRefusal, Refreshed};

use crate::config::{ClientConfig, KeyPair};
use crate::failure::Switches;
use crate::settings::Settings;

/// A permission an application can ask for.
pub(crate) struct Scope {
    pub name: &'static str,
    pub says: &'static str,
    pub sensitive: bool,
}

pub(crate) const SCOPES: [Scope; 4] = [
    Scope { name: "profile.read", says: "read your profile", sensitive: false },
    Scope { name: "postcards.read", says: "read your postcards", sensitive: false },
    Scope { name: "postcards.write", says: "send postcards", sensitive: false },
    Scope { name: "postcards.delete", says: "delete postcards", sensitive: true },
];

/// The key under which a secret is found: its SHA-256, so that the tables hold no secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Digest(String);

impl Digest {
    pub fn of(secret: &str) -> Self {
        Self(to_hex(&sha256(secret.as_bytes())))
    }
}

/// A browser that has met the sandbox; `person` once somebody signed in.
pub(crate) struct Session {
    pub person: Option<Person>,
    pub csrf: SecretString,
    pub seen: Timestamp,
}

#[derive(Default)]
pub(crate) struct World {
    pub settings: Settings,
    pub switches: Switches,
    pub clients: BTreeMap<String, ClientConfig>,
    pub keys: BTreeMap<String, String>,
    pub used_assertions: BTreeMap<String, Timestamp>,
    pub sessions: HashMap<Digest, Session>,
    pub grants: BTreeMap<(String, String), Grant>,
    pub administrator_allows: BTreeSet<String>,
    pub codes: HashMap<Digest, Code>,
    pub access: HashMap<Digest, Access>,
    pub families: BTreeMap<u64, Family>,
    pub refresh_index: HashMap<Digest, (u64, u32)>,
    pub devices: BTreeMap<String, Device>,
    pub postcards: BTreeMap<String, Vec<Postcard>>,
    pub last_family: u64,
    pub last_postcard: u64,
}

impl World {
    pub fn new(settings: Settings, clients: &[ClientConfig], keys: &[KeyPair]) -> Self {
        let mut world = Self { settings, ..Self::default() };
        for client in clients {
            world.clients.insert(client.client_id.clone(), client.clone());
        }
        for key in keys {
            world.keys.insert(key.issuer.clone(), key.public_key_pem.clone());
        }
        world
    }

    /// Forgets what has ended, once a table has grown; keeps long test runs small.
    pub fn tidy(&mut self, now: Timestamp) {
        const MANY: usize = 20_000;
        if self.access.len() > MANY {
            self.access.retain(|_, access| access.expires_at > now);
        }
        if self.codes.len() > MANY {
            self.codes.retain(|_, code| code.expires_at > now);
        }
        if self.used_assertions.len() > MANY {
            self.used_assertions.retain(|_, expires_at| *expires_at > now);
        }
        if self.refresh_index.len() > 5 * MANY {
            self.families.retain(|_, family| !family.revoked && family.absolute_end > now);
            let families = &self.families;
            self.refresh_index.retain(|_, (family, _)| families.contains_key(family));
        }
        if self.devices.len() > 1_000 {
            self.devices.retain(|_, device| device.expires_at > now);
        }
        if self.sessions.len() > MANY {
            let mut ages: Vec<Timestamp> = self.sessions.values().map(|session| session.seen).collect();
            ages.sort_unstable();
            let middle = ages.get(MANY / 2).copied().unwrap_or(now);
            self.sessions.retain(|_, session| session.seen > middle);
        }
    }
}

/// The known scopes in `text`, in the order of [`SCOPES`]; `Err` with the first that is unknown.
pub(crate) fn read_scopes(text: &str) -> Result<Vec<String>, String> {
    let asked: Vec<&str> = text.split([' ', ',']).filter(|scope| !scope.is_empty()).collect();
    match asked.iter().find(|scope| !SCOPES.iter().any(|known| known.name == **scope)) {
        Some(unknown) => Err(unknown.chars().take(80).collect()),
        None => {
            let known = SCOPES.iter().filter(|scope| asked.contains(&scope.name));
            Ok(known.map(|scope| scope.name.to_owned()).collect())
        }
    }
}
