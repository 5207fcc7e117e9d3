//! Devices waiting for a person to type their code (RFC 8628).

use std::time::Duration;

use keybearer_core::{SecretString, Timestamp};

use super::{Digest, Owner, Person, World};

pub(crate) const DEVICE_LIFE: Duration = Duration::from_secs(600);
pub(crate) const DEVICE_INTERVAL: Duration = Duration::from_secs(5);

/// A device that asked for access; keyed by its user code.
pub(crate) struct Device {
    pub digest: Digest,
    pub client_id: String,
    pub scopes: Vec<String>,
    pub expires_at: Timestamp,
    pub state: DeviceState,
    last_poll: Option<Timestamp>,
}

pub(crate) enum DeviceState {
    Waiting,
    Denied,
    Allowed { person: Person, scopes: Vec<String> },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PollRefusal {
    Unknown,
    Pending,
    SlowDown,
    Denied,
    Ended,
}

impl World {
    pub fn add_device(
        &mut self,
        codes: (&SecretString, &str),
        client_id: &str,
        scopes: Vec<String>,
        now: Timestamp,
    ) {
        self.tidy(now);
        let (device_code, user_code) = codes;
        let device = Device {
            digest: Digest::of(device_code.expose()),
            client_id: client_id.to_owned(),
            scopes,
            expires_at: now.plus(DEVICE_LIFE),
            state: DeviceState::Waiting,
            last_poll: None,
        };
        self.devices.insert(user_code.to_owned(), device);
    }

    /// The device that shows `user_code`, while somebody can still decide about it.
    pub fn waiting_device(&mut self, user_code: &str, now: Timestamp) -> Option<&mut Device> {
        let device = self.devices.get_mut(user_code)?;
        (now < device.expires_at && matches!(device.state, DeviceState::Waiting)).then_some(device)
    }

    /// One poll of a device; an allowed one is used up by it.
    pub fn poll_device(
        &mut self,
        device_code: &str,
        client_id: &str,
        now: Timestamp,
    ) -> Result<Owner, PollRefusal> {
        let digest = Digest::of(device_code);
        let found = self.devices.iter_mut().find(|(_, device)| device.digest == digest);
        let (user_code, device) = found.ok_or(PollRefusal::Unknown)?;
        if device.client_id != client_id {
            return Err(PollRefusal::Unknown);
        }
        if now >= device.expires_at {
            return Err(PollRefusal::Ended);
        }
        let last_poll = device.last_poll.replace(now);
        let (person, scopes) = match &device.state {
            DeviceState::Denied => return Err(PollRefusal::Denied),
            DeviceState::Waiting if last_poll.is_some_and(|last| now.since(last) < DEVICE_INTERVAL) => {
                return Err(PollRefusal::SlowDown);
            }
            DeviceState::Waiting => return Err(PollRefusal::Pending),
            DeviceState::Allowed { person, scopes } => (person.clone(), scopes.clone()),
        };
        let (user_code, client_id) = (user_code.clone(), client_id.to_owned());
        self.devices.remove(&user_code);
        Ok(Owner { person: Some(person), client_id, scopes })
    }
}
