//! What a person does with a request when no page is shown: the habits of Ada, Ben, Cy, Dee and Eve.

use crate::failure::Failure;
use crate::oauth::{Ask, deny, give_code, refuse};
use crate::shared::Shared;
use crate::world::{Habit, Person};

/// A decision about an authorization request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Allow(Vec<String>),
    Deny,
    AskAdministrator,
}

/// What `person` decides by habit.
pub(crate) fn verdict(shared: &Shared, ask: &Ask, person: &Person) -> Verdict {
    match person.habit {
        Habit::SaysNo => Verdict::Deny,
        Habit::NeedsAdministrator if !administrator_allows(shared, ask) => Verdict::AskAdministrator,
        Habit::UnticksOne => Verdict::Allow(without_last(&ask.scopes)),
        _ => Verdict::Allow(ask.scopes.clone()),
    }
}

impl Verdict {
    /// The address that tells the application.
    pub fn redirect(
        &self,
        shared: &Shared,
        ask: &Ask,
        person: &Person,
        met: Option<Failure>,
    ) -> keybearer_core::Result<String> {
        match self {
            Self::Allow(scopes) if scopes.is_empty() => Ok(deny(shared, ask, met)),
            Self::Allow(scopes) => give_code(shared, ask, person, scopes, met),
            Self::Deny => Ok(deny(shared, ask, met)),
            Self::AskAdministrator => Ok(refuse(
                shared,
                ask,
                "consent_required",
                "an administrator must approve this application",
                met,
            )),
        }
    }
}

pub(super) fn administrator_allows(shared: &Shared, ask: &Ask) -> bool {
    shared.world().administrator_allows.contains(&ask.client.client_id)
}

/// All but the last; the only one stays.
pub(super) fn without_last(scopes: &[String]) -> Vec<String> {
    match scopes.split_last() {
        Some((_, rest)) if !rest.is_empty() => rest.to_vec(),
        _ => scopes.to_vec(),
    }
}
