//! What people allowed, and the codes made from it.

use std::time::Duration;

use keybearer_core::{SecretString, Timestamp};

use super::{Digest, Fresh, Owner, Pair, Person, World};

/// What a person allowed an application.
#[derive(Clone)]
pub(crate) struct Grant {
    pub person: Person,
    pub client_id: String,
    pub scopes: Vec<String>,
    pub at: Timestamp,
}

/// An authorization code and what it is bound to.
pub(crate) struct Code {
    pub owner: Owner,
    pub redirect_uri: String,
    pub challenge: Option<String>,
    pub expires_at: Timestamp,
    pub used: Option<Used>,
}

/// What was made from a code, so that it can be taken back when the code comes again.
pub(crate) struct Used {
    family: Option<u64>,
    access: Digest,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CodeRefusal {
    Unknown,
    Used,
    Ended,
    OtherClient,
    OtherRedirect,
    Verifier,
}

impl CodeRefusal {
    pub const fn says(self) -> &'static str {
        match self {
            Self::Unknown => "the code is not known",
            Self::Used => "the code was used before; what it gave is revoked",
            Self::Ended => "the code has ended",
            Self::OtherClient => "the code belongs to another client",
            Self::OtherRedirect => "redirect_uri is not the one of the authorization request",
            Self::Verifier => "code_verifier does not fit the code_challenge",
        }
    }
}

/// What a token request says about its code.
pub(crate) struct Exchange<'a> {
    pub code: &'a str,
    pub client_id: &'a str,
    pub redirect_uri: Option<&'a str>,
    /// S256 of the verifier that was sent.
    pub challenge: Option<String>,
}

impl World {
    /// Remembers an answer of `person`: of the scopes `asked`, those `given` are allowed and the others not.
    pub fn remember_grant(
        &mut self,
        person: &Person,
        client_id: &str,
        (asked, given): (&[String], &[String]),
        now: Timestamp,
    ) {
        let key = (person.id.clone(), client_id.to_owned());
        let fresh =
            || Grant { person: person.clone(), client_id: client_id.to_owned(), scopes: vec![], at: now };
        let grant = self.grants.entry(key).or_insert_with(fresh);
        grant.scopes.retain(|scope| !asked.contains(scope));
        grant.scopes.extend_from_slice(given);
        grant.at = now;
    }

    pub fn granted(&self, person: &Person, client_id: &str) -> Vec<String> {
        let grant = self.grants.get(&(person.id.clone(), client_id.to_owned()));
        grant.map(|grant| grant.scopes.clone()).unwrap_or_default()
    }

    /// What the "apps with access" page does: forgets the grant and ends everything made from it.
    pub fn withdraw_grant(&mut self, person_id: &str, client_id: &str) -> bool {
        let of = |owner: &Owner| {
            owner.client_id == client_id && owner.person.as_ref().is_some_and(|person| person.id == person_id)
        };
        let families: Vec<u64> =
            self.families.iter().filter(|(_, family)| of(&family.owner)).map(|(number, _)| *number).collect();
        for number in families {
            self.revoke_family(number);
        }
        self.access.retain(|_, access| !of(&access.owner));
        self.codes.retain(|_, code| !of(&code.owner));
        self.grants.remove(&(person_id.to_owned(), client_id.to_owned())).is_some()
    }

    pub fn add_code(
        &mut self,
        code: &SecretString,
        owner: Owner,
        redirect_uri: &str,
        challenge: Option<&str>,
        now: Timestamp,
    ) {
        let code_life = Duration::from_secs(self.settings.code_seconds);
        let entry = Code {
            owner,
            redirect_uri: redirect_uri.to_owned(),
            challenge: challenge.map(str::to_owned),
            expires_at: now.plus(code_life),
            used: None,
        };
        self.codes.insert(Digest::of(code.expose()), entry);
    }

    /// Trades a code for tokens. A code that comes twice revokes what it gave (RFC 6749 section 4.1.2).
    pub fn exchange(
        &mut self,
        asked: &Exchange<'_>,
        fresh: Fresh,
        with_refresh: bool,
        now: Timestamp,
    ) -> Result<Pair, CodeRefusal> {
        let digest = Digest::of(asked.code);
        let owner = match self.check_code(&digest, asked, now) {
            Ok(owner) => owner,
            Err(CodeRefusal::Used) => {
                self.take_back(&digest);
                return Err(CodeRefusal::Used);
            }
            Err(other) => return Err(other),
        };
        let (pair, family) = self.issue(owner, fresh, with_refresh, now);
        if let Some(code) = self.codes.get_mut(&digest) {
            code.used = Some(Used { family, access: Digest::of(pair.access.expose()) });
        }
        Ok(pair)
    }

    fn check_code(
        &self,
        digest: &Digest,
        asked: &Exchange<'_>,
        now: Timestamp,
    ) -> Result<Owner, CodeRefusal> {
        let code = self.codes.get(digest).ok_or(CodeRefusal::Unknown)?;
        match code {
            _ if code.owner.client_id != asked.client_id => Err(CodeRefusal::OtherClient),
            _ if code.used.is_some() => Err(CodeRefusal::Used),
            _ if now >= code.expires_at => Err(CodeRefusal::Ended),
            _ if asked.redirect_uri != Some(code.redirect_uri.as_str()) => Err(CodeRefusal::OtherRedirect),
            _ if asked.challenge != code.challenge => Err(CodeRefusal::Verifier),
            _ => Ok(code.owner.clone()),
        }
    }

    fn take_back(&mut self, digest: &Digest) {
        let Some(used) = self.codes.get(digest).and_then(|code| code.used.as_ref()) else {
            return;
        };
        let (family, access) = (used.family, used.access.clone());
        self.access.remove(&access);
        if let Some(number) = family {
            self.revoke_family(number);
        }
    }
}
