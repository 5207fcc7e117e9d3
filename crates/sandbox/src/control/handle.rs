use std::sync::{Arc, PoisonError};
use std::time::Duration;

use keybearer_core::Timestamp;
use url::Url;

use crate::config::{ClientConfig, KeyPair};
use crate::failure::{Failure, Stage, Switch};
use crate::oauth::{Ask, AskError};
use crate::pages::{Verdict, verdict};
use crate::params::Params;
use crate::record::{Counters, RequestRecord};
use crate::settings::{SettingError, Settings};
use crate::shared::Shared;
use crate::world::Person;

/// The handle that moves the sandbox's clock, sets its switches and reads its records. Cheap to clone.
#[derive(Clone)]
pub struct Control {
    shared: Arc<Shared>,
}

/// Who answers an authorization request, and how.
#[derive(Clone, Debug, Default)]
pub struct Approval {
    /// The person, for example `ada`; any other name is a visitor who allows everything.
    pub person: String,
    /// Exactly these scopes instead of what the person's habit says.
    pub scopes: Option<Vec<String>>,
}

/// Why nobody could answer an authorization request.
#[derive(Debug, thiserror::Error)]
pub enum ApproveError {
    /// The address is not the sandbox's `/authorize`.
    #[error("the address must be {0}/authorize?…")]
    NotAuthorize(String),
    /// The person's name is empty.
    #[error("person must be a name")]
    Nobody,
    /// The page would show an error instead of asking.
    #[error("{0}")]
    Refused(String),
    /// No random bytes.
    #[error(transparent)]
    Entropy(#[from] keybearer_core::Error),
}

impl Control {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// The public origin, also the issuer.
    pub fn url(&self) -> &str {
        &self.shared.issuer
    }

    /// Changes a setting or a failure switch from text, as the CLI does: `("refresh", "invalid_grant*1")`,
    /// `("refresh", "works")`, `("rotate", "off")`, `("dialect", "form")`.
    ///
    /// # Errors
    /// [`SettingError`]; nothing is changed then.
    pub fn set(&self, name: &str, value: &str) -> Result<(), SettingError> {
        self.set_all([(name, value)])
    }

    /// Changes several at once: all of them or, on an error, none.
    ///
    /// # Errors
    /// [`SettingError`] of the first that is wrong.
    pub fn set_all<'a>(
        &self,
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<(), SettingError> {
        let mut world = self.shared.world();
        let (mut settings, mut switches) = (world.settings.clone(), world.switches.clone());
        for (name, value) in pairs {
            match Stage::parse(name) {
                Some(stage) => {
                    let off = matches!(value, "works" | "off" | "person");
                    switches.set(stage, if off { None } else { Some(value.parse()?) })?;
                }
                None => settings.set(name, value)?,
            }
        }
        (world.settings, world.switches) = (settings, switches);
        Ok(())
    }

    /// Turns a failure on for every request at `stage`, or for the next `times`.
    ///
    /// # Errors
    /// [`SettingError::Switch`] when the failure does not fit the stage.
    pub fn fail(&self, stage: Stage, failure: Failure, times: Option<u32>) -> Result<(), SettingError> {
        Ok(self.shared.world().switches.set(stage, Some(Switch { failure, left: times }))?)
    }

    /// Turns the failure at `stage` off.
    pub fn heal(&self, stage: Stage) {
        // switching off fits every stage
        let _ = self.shared.world().switches.set(stage, None);
    }

    /// The switches that are on.
    pub fn switches(&self) -> crate::failure::Switches {
        self.shared.world().switches.clone()
    }

    /// The present settings.
    pub fn settings(&self) -> Settings {
        self.shared.world().settings.clone()
    }

    /// What differs from how it started, as `name=value` and the clock; empty when everything is normal.
    pub fn unusual(&self) -> Vec<String> {
        let (world, initial) = (self.shared.world(), self.shared.initial.settings.pairs());
        let switches = &world.switches;
        let failing = Stage::ALL.into_iter().filter_map(|stage| {
            let switch = switches.get(stage)?;
            Some(format!("{}={switch}", stage.as_str()))
        });
        let changed = world.settings.pairs().into_iter().filter(|pair| !initial.contains(pair));
        let offset = self.clock_offset_seconds();
        let clock = (offset != 0).then(|| format!("clock {offset:+} s"));
        failing.chain(changed.map(|(name, value)| format!("{name}={value}"))).chain(clock).collect()
    }

    /// The sandbox's time.
    pub fn now(&self) -> Timestamp {
        self.shared.now()
    }

    /// By how many seconds the sandbox's clock is ahead of the injected one.
    pub fn clock_offset_seconds(&self) -> i64 {
        self.shared.clock.offset_micros().div_euclid(1_000_000)
    }

    /// By how many seconds the sandbox's clock is wrong on purpose.
    pub fn skew_seconds(&self) -> i64 {
        self.shared.clock.skew_micros().div_euclid(1_000_000)
    }

    /// Moves the sandbox's clock forward.
    pub fn advance(&self, by: Duration) {
        self.shared.clock.advance(by);
    }

    /// Sets a constant error of the sandbox's clock, in seconds ahead (negative: behind).
    pub fn set_skew(&self, seconds: i64) {
        self.shared.clock.set_skew(seconds);
    }

    /// Answers an authorization request for a person, without pages: the address to send the browser to.
    /// The request is checked as the page does; Ben's answer is a no, Cy's waits for an administrator.
    ///
    /// # Errors
    /// [`ApproveError`] when the address is not an authorization request that the page would accept.
    pub fn approve(&self, authorize_url: &str, approval: &Approval) -> Result<Url, ApproveError> {
        let shared = self.shared.as_ref();
        let not_ours = || ApproveError::NotAuthorize(shared.issuer.clone());
        let url = Url::parse(authorize_url).map_err(|_| not_ours())?;
        if url.origin().ascii_serialization() != shared.issuer || url.path() != "/authorize" {
            return Err(not_ours());
        }
        let person = Person::named(&approval.person).ok_or(ApproveError::Nobody)?;
        let target = match Ask::read(shared, Params::from_query(url.query())) {
            Ok(ask) => {
                let verdict = match &approval.scopes {
                    Some(scopes) => Verdict::Allow(
                        ask.scopes.iter().filter(|scope| scopes.contains(scope)).cloned().collect(),
                    ),
                    None => verdict(shared, &ask, &person),
                };
                verdict.redirect(shared, &ask, &person, None)?
            }
            Err(AskError::Redirect(target)) => target,
            Err(AskError::Page(says)) => return Err(ApproveError::Refused(says)),
        };
        Url::parse(&target).map_err(|_| not_ours())
    }

    /// Every request kept, oldest first; with `after`, only those with a higher number.
    pub fn requests(&self, after: u64) -> Vec<RequestRecord> {
        self.shared.recorder.after(after)
    }

    /// Counts since the start or the last [`Control::clear_requests`].
    pub fn counters(&self) -> Counters {
        self.shared.recorder.counters()
    }

    /// Forgets records and counters.
    pub fn clear_requests(&self) {
        self.shared.recorder.clear();
    }

    /// Registers an application, or replaces the one with the same id. A reset forgets it.
    pub fn register_client(&self, client: ClientConfig) {
        self.shared.world().clients.insert(client.client_id.clone(), client);
    }

    /// Like [`Control::register_client`], for an application that a reset keeps.
    pub fn keep_client(&self, client: ClientConfig) {
        let mut kept = self.shared.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|known| known.client_id != client.client_id);
        kept.push(client.clone());
        drop(kept);
        self.register_client(client);
    }

    /// Registers the public key of a Turnstile key pair. A reset forgets it.
    pub fn register_key(&self, key: KeyPair) {
        self.shared.world().keys.insert(key.issuer, key.public_key_pem);
    }

    /// The residents. Any other name works, too.
    pub fn people(&self) -> Vec<Person> {
        Person::residents().to_vec()
    }

    /// What an administrator says about an application, for Cy.
    pub fn administrator(&self, client_id: &str, allows: bool) {
        let mut world = self.shared.world();
        if allows {
            world.administrator_allows.insert(client_id.to_owned());
        } else {
            world.administrator_allows.remove(client_id);
        }
    }

    /// Takes back what a person allowed an application, as the page "Apps with access" does. Every
    /// application when `client_id` is `None`. Answers how many grants ended.
    pub fn withdraw(&self, person: &str, client_id: Option<&str>) -> usize {
        let Some(person) = Person::named(person) else {
            return 0;
        };
        let mut world = self.shared.world();
        let keys: Vec<(String, String)> = world.grants.keys().cloned().collect();
        let matching = keys
            .into_iter()
            .filter(|(id, client)| *id == person.id && client_id.is_none_or(|wanted| wanted == client));
        matching.filter(|(id, client)| world.withdraw_grant(id, client)).count()
    }

    /// How many families of refresh tokens of a person are live, over all applications.
    pub fn live_grants(&self, person: &str) -> usize {
        let (world, now) = (self.shared.world(), self.shared.now());
        let own = |family: &&crate::world::Family| {
            !family.revoked
                && now < family.absolute_end
                && family.owner.person.as_ref().is_some_and(|p| p.id == person)
        };
        world.families.values().filter(own).count()
    }

    /// Back to how it started: settings, switches, clock, tokens, sessions, postcards, records.
    pub fn reset(&self) {
        let mut fresh = self.shared.initial.world();
        for client in self.shared.kept.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            fresh.clients.insert(client.client_id.clone(), client.clone());
        }
        *self.shared.world() = fresh;
        self.shared.clock.reset();
        self.shared.recorder.clear();
    }
}
