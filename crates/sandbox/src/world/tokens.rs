//! Access tokens, refresh token families, rotation, reuse and the grace window.

use std::time::Duration;

use keybearer_core::{Entropy, SecretString, Timestamp, random_token};

use super::{Digest, Person, World};

/// Random text for a pair, made before the lock is taken.
pub(crate) struct Fresh {
    pub access: SecretString,
    pub refresh: SecretString,
}

impl Fresh {
    pub fn new(entropy: &dyn Entropy) -> keybearer_core::Result<Self> {
        let make = |prefix: &str| {
            random_token(entropy, 20).map(|text| SecretString::from(format!("{prefix}{text}")))
        };
        Ok(Self { access: make("pc_at_")?, refresh: make("pc_rt_")? })
    }
}

/// Who tokens are for.
#[derive(Clone)]
pub(crate) struct Owner {
    pub person: Option<Person>,
    pub client_id: String,
    pub scopes: Vec<String>,
}

/// What a token answer says.
#[derive(Clone)]
pub(crate) struct Pair {
    pub access: SecretString,
    pub refresh: Option<SecretString>,
    pub scopes: Vec<String>,
    pub expires_at: Timestamp,
    pub person: Option<Person>,
}

impl Pair {
    /// Whole seconds left, rounded up: a token that was made a moment ago still has its full life.
    pub fn expires_in(&self, now: Timestamp) -> u64 {
        u64::try_from(self.expires_at.since(now).as_micros().div_ceil(1_000_000)).unwrap_or(u64::MAX)
    }
}

pub(crate) struct Access {
    pub owner: Owner,
    pub issued_at: Timestamp,
    pub expires_at: Timestamp,
    pub family: Option<u64>,
}

/// All refresh tokens that descend from one consent.
pub(crate) struct Family {
    pub owner: Owner,
    pub absolute_end: Timestamp,
    pub revoked: bool,
    pub tokens: Vec<RefreshToken>,
}

pub(crate) struct RefreshToken {
    pub issued_at: Timestamp,
    rotated: Option<Rotated>,
}

struct Rotated {
    at: Timestamp,
    into: Pair,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RefreshRefusal {
    Unknown,
    OtherClient,
    Revoked,
    Ended,
    Reused,
    WiderScope,
}

impl RefreshRefusal {
    pub const fn says(self) -> &'static str {
        match self {
            Self::Unknown => "the refresh token is not known",
            Self::OtherClient => "the refresh token belongs to another client",
            Self::Revoked => "the grant was revoked",
            Self::Ended => "the refresh token has ended",
            Self::Reused => "the refresh token was used before",
            Self::WiderScope => "the scope is wider than the grant",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refreshed {
    Rotated,
    Kept,
    Grace,
}

impl World {
    /// Makes a pair; without `refresh` in `fresh`'s use when `with_refresh` is off.
    pub fn issue(
        &mut self,
        owner: Owner,
        fresh: Fresh,
        with_refresh: bool,
        now: Timestamp,
    ) -> (Pair, Option<u64>) {
        self.tidy(now);
        let family = with_refresh.then(|| self.begin_family(&owner, &fresh.refresh, now));
        let pair = self.pair(owner, &fresh.access, family, now);
        (Pair { refresh: with_refresh.then_some(fresh.refresh), ..pair }, family)
    }

    fn begin_family(&mut self, owner: &Owner, refresh: &SecretString, now: Timestamp) -> u64 {
        self.drop_oldest(owner);
        self.last_family += 1;
        let number = self.last_family;
        let absolute_end = now.plus(Duration::from_secs(self.settings.absolute_seconds));
        let tokens = vec![RefreshToken { issued_at: now, rotated: None }];
        self.families.insert(number, Family { owner: owner.clone(), absolute_end, revoked: false, tokens });
        self.refresh_index.insert(Digest::of(refresh.expose()), (number, 1));
        number
    }

    /// The per-user limit: the oldest live family makes room.
    fn drop_oldest(&mut self, owner: &Owner) {
        let same = |family: &Family| {
            !family.revoked
                && family.owner.client_id == owner.client_id
                && family.owner.person == owner.person
        };
        let live: Vec<u64> =
            self.families.iter().filter(|(_, family)| same(family)).map(|(number, _)| *number).collect();
        let surplus = (live.len() + 1).saturating_sub(self.settings.max_refresh_tokens);
        for number in live.into_iter().take(surplus) {
            self.revoke_family(number);
        }
    }

    fn pair(&mut self, owner: Owner, access: &SecretString, family: Option<u64>, now: Timestamp) -> Pair {
        let expires_at = now.plus(Duration::from_secs(self.settings.access_seconds));
        let (scopes, person) = (owner.scopes.clone(), owner.person.clone());
        self.access.insert(Digest::of(access.expose()), Access { owner, issued_at: now, expires_at, family });
        Pair { access: access.clone(), refresh: None, scopes, expires_at, person }
    }

    /// Uses a refresh token.
    pub fn refresh(
        &mut self,
        presented: &str,
        client_id: &str,
        narrower: Option<Vec<String>>,
        fresh: Fresh,
        now: Timestamp,
    ) -> Result<(Pair, Refreshed), RefreshRefusal> {
        self.tidy(now);
        let found = self.refresh_index.get(&Digest::of(presented)).copied();
        let (number, index) = found.ok_or(RefreshRefusal::Unknown)?;
        let owner = self.usable(number, client_id, now)?;
        let scopes = match narrower {
            Some(asked) if asked.iter().any(|scope| !owner.scopes.contains(scope)) => {
                return Err(RefreshRefusal::WiderScope);
            }
            Some(asked) if !asked.is_empty() => asked,
            _ => owner.scopes.clone(),
        };
        if let Some(answer) = self.seen_before(number, index, now) {
            return answer.map(|pair| (pair, Refreshed::Grace));
        }
        self.check_life(number, index, now)?;
        let mut pair = self.pair(Owner { scopes, ..owner }, &fresh.access, Some(number), now);
        if !self.settings.rotate {
            return Ok((pair, Refreshed::Kept));
        }
        self.refresh_index.insert(Digest::of(fresh.refresh.expose()), (number, index + 1));
        pair.refresh = Some(fresh.refresh);
        self.rotate(number, index, &pair, now);
        Ok((pair, Refreshed::Rotated))
    }

    fn usable(&self, number: u64, client_id: &str, now: Timestamp) -> Result<Owner, RefreshRefusal> {
        let family = self.families.get(&number).ok_or(RefreshRefusal::Unknown)?;
        match family {
            _ if family.owner.client_id != client_id => Err(RefreshRefusal::OtherClient),
            _ if family.revoked => Err(RefreshRefusal::Revoked),
            _ if now >= family.absolute_end => Err(RefreshRefusal::Ended),
            _ => Ok(family.owner.clone()),
        }
    }

    /// For a token that was rotated before: the same pair within the grace window, else reuse.
    fn seen_before(
        &mut self,
        number: u64,
        index: u32,
        now: Timestamp,
    ) -> Option<Result<Pair, RefreshRefusal>> {
        let family = self.families.get(&number)?;
        let rotated = family.token(index)?.rotated.as_ref()?;
        let window = Duration::from_secs(self.settings.grace_seconds);
        let next_unused = family.token(index + 1).is_some_and(|next| next.rotated.is_none());
        if next_unused && now < rotated.at.plus(window) {
            return Some(Ok(rotated.into.clone()));
        }
        if self.settings.reuse_revokes_family {
            self.revoke_family(number);
        }
        Some(Err(RefreshRefusal::Reused))
    }

    fn check_life(&self, number: u64, index: u32, now: Timestamp) -> Result<(), RefreshRefusal> {
        let token = self.families.get(&number).and_then(|family| family.token(index));
        let life = Duration::from_secs(self.settings.refresh_seconds);
        let alive = token.is_some_and(|token| now < token.issued_at.plus(life));
        if alive { Ok(()) } else { Err(RefreshRefusal::Ended) }
    }

    fn rotate(&mut self, number: u64, index: u32, into: &Pair, now: Timestamp) {
        let Some(family) = self.families.get_mut(&number) else {
            return;
        };
        let position = (index as usize).saturating_sub(1);
        if let Some(token) = family.tokens.get_mut(position) {
            token.rotated = Some(Rotated { at: now, into: into.clone() });
        }
        // only the last pair can ever be answered again, so older ones are forgotten
        if let Some(older) = position.checked_sub(1).and_then(|older| family.tokens.get_mut(older))
            && let Some(rotated) = &mut older.rotated
        {
            rotated.into.refresh = None;
        }
        family.tokens.push(RefreshToken { issued_at: now, rotated: None });
    }

    /// Ends a family: its refresh tokens and every access token made from them.
    pub fn revoke_family(&mut self, number: u64) {
        if let Some(family) = self.families.get_mut(&number) {
            family.revoked = true;
        }
        self.access.retain(|_, access| access.family != Some(number));
    }

    /// RFC 7009: a refresh token ends its family, an access token ends alone. Unknown tokens change nothing.
    pub fn revoke_token(&mut self, token: &str, client_id: &str) {
        let digest = Digest::of(token);
        if let Some((number, _)) = self.refresh_index.get(&digest).copied() {
            let own = self.families.get(&number).is_some_and(|family| family.owner.client_id == client_id);
            if own {
                self.revoke_family(number);
            }
        } else if self.access.get(&digest).is_some_and(|access| access.owner.client_id == client_id) {
            self.access.remove(&digest);
        }
    }

    /// The live access token, whoever it belongs to.
    pub fn live_access(&self, token: &str, now: Timestamp) -> Option<&Access> {
        self.access.get(&Digest::of(token)).filter(|access| now < access.expires_at)
    }

    /// The family of a refresh token that would still be accepted.
    pub fn live_refresh(&self, token: &str, now: Timestamp) -> Option<&Family> {
        let (number, index) = self.refresh_index.get(&Digest::of(token)).copied()?;
        let family =
            self.families.get(&number).filter(|family| !family.revoked && now < family.absolute_end)?;
        let unused = family.token(index).is_some_and(|token| token.rotated.is_none());
        (unused && self.check_life(number, index, now).is_ok()).then_some(family)
    }

    /// `family.number` of a refresh token that was ever made.
    pub fn refresh_number(&self, token: &str) -> Option<String> {
        self.refresh_index.get(&Digest::of(token)).map(|(family, number)| format!("{family}.{number}"))
    }
}

impl Family {
    fn token(&self, index: u32) -> Option<&RefreshToken> {
        self.tokens.get((index as usize).checked_sub(1)?)
    }
}
