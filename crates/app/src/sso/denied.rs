//! Why somebody does not come in: a closed list for the page, and a detail that only the log sees.

use keybearer_core::Error;
use keybearer_store::StoreError;

/// Why somebody did not come in by the single sign-on. An address of a page carries it as a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// The answer is not one to this browser, or none to anything we asked.
    Foreign,
    /// It took too long.
    Late,
    /// The answer was used before.
    Used,
    /// The answer is of another issuer.
    Issuer,
    /// The issuer says no.
    SaidNo,
    /// The issuer reports a failure.
    Answered,
    /// The issuer does not answer.
    Unreachable,
    /// The issuer does not say where to go.
    Setup,
    /// What the issuer said does not count.
    Token,
    /// No confirmed address.
    Email,
    /// An address of another domain.
    Domain,
    /// A claim that is asked for is not there.
    Claim,
    /// No claim gives a role.
    Role,
    /// Nobody invited them.
    Stranger,
    /// Somebody with the address is a member by other means.
    Member,
    /// There is no first owner yet.
    Owner,
    /// The link has ended.
    Link,
    /// The person is another member.
    Other,
    /// The session that was to be confirmed has ended.
    Session,
    /// Somebody else answered.
    Somebody,
    /// The issuer did not ask them again.
    Stale,
}

impl Denied {
    const ALL: [(Self, &'static str, &'static str, &'static str); 21] = [
        (
            Self::Foreign,
            "foreign",
            "The answer of {name} was not one to this browser.",
            "Start again here. The browser must keep this site's cookies on the way.",
        ),
        (Self::Late, "late", "It took more than 15 minutes at {name}.", "Start again."),
        (Self::Used, "used", "That answer of {name} was used before.", "Start again."),
        (
            Self::Issuer,
            "issuer",
            "The answer did not come from {name}.",
            "If that happens again, tell whoever runs the server: somebody may be in between.",
        ),
        (Self::SaidNo, "no", "{name} did not let you in.", "Ask whoever runs {name} for this application."),
        (
            Self::Answered,
            "failed",
            "{name} answered with a failure.",
            "Try again. Whoever runs the server finds its code in the log, under the reference.",
        ),
        (
            Self::Unreachable,
            "away",
            "{name} cannot be reached at the moment.",
            "Try again in a minute. Whoever runs the server finds the cause under System check.",
        ),
        (
            Self::Setup,
            "setup",
            "{name} is not set up rightly here.",
            "Whoever runs the server finds what is wrong in the log, under the reference.",
        ),
        (
            Self::Token,
            "token",
            "What {name} said about you does not count.",
            "Try again. Whoever runs the server finds the reason in the log, under the reference.",
        ),
        (
            Self::Email,
            "email",
            "{name} did not confirm an e-mail address of yours.",
            "Confirm it there. Whoever runs {name} must send `email` and `email_verified`.",
        ),
        (
            Self::Domain,
            "domain",
            "People with an e-mail address like yours may not sign in here.",
            "Use the account of your work, or ask whoever runs the server.",
        ),
        (
            Self::Claim,
            "claim",
            "{name} does not say that you may sign in here.",
            "Ask whoever runs {name}: you are missing in a group that this server asks for.",
        ),
        (
            Self::Role,
            "role",
            "{name} gives you no role here.",
            "Ask whoever runs {name}: none of your groups means a role on this server.",
        ),
        (
            Self::Stranger,
            "stranger",
            "Nobody invited you yet.",
            "Ask an owner for an invitation: Settings, People.",
        ),
        (
            Self::Member,
            "member",
            "Somebody with your e-mail address is a member already, and not by {name}.",
            "Sign in as before, or ask an owner for a link to join: it ties you to {name}.",
        ),
        (
            Self::Owner,
            "owner",
            "This server has no owner yet.",
            "Open the set-up link that the server printed, and choose {name} there.",
        ),
        (Self::Link, "link", "The link was used before, or its time is over.", "Ask for a new one."),
        (
            Self::Other,
            "other",
            "{name} knows you as another member of this server.",
            "Sign in with {name} as the person that the link is for.",
        ),
        (Self::Session, "session", "Your session ended meanwhile.", "Sign in."),
        (Self::Somebody, "somebody", "That was somebody else.", "Sign in at {name} as yourself."),
        (
            Self::Stale,
            "stale",
            "{name} did not ask again who you are.",
            "Sign out at {name} and try again, or prove it another way.",
        ),
    ];

    fn line(self) -> (&'static str, &'static str, &'static str) {
        let line = Self::ALL.iter().find(|(denied, ..)| *denied == self);
        line.map_or(("", "", ""), |(_, word, says, help)| (word, says, help))
    }

    /// The word of addresses and logs.
    pub fn as_str(self) -> &'static str {
        self.line().0
    }

    /// Reads such a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known, ..)| *known == word).map(|(denied, ..)| *denied)
    }

    /// What happened and what to do, for the person.
    pub fn says(self, name: &str) -> String {
        let (_, says, help) = self.line();
        format!("{says} {help}").replace("{name}", name)
    }
}

/// Somebody who does not come in.
#[derive(Clone, Debug)]
pub struct Refused {
    /// For the person.
    pub why: Denied,
    /// For the log. Holds no part of a token, a code or a secret.
    pub detail: String,
}

/// Why a step stopped.
#[derive(Debug)]
pub(super) enum Stop {
    Refused(Refused),
    Failed(Error),
}

impl Stop {
    pub fn new(why: Denied, detail: impl Into<String>) -> Self {
        Self::Refused(Refused { why, detail: detail.into() })
    }
}

impl From<Denied> for Stop {
    fn from(why: Denied) -> Self {
        Self::new(why, "")
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

/// What a step came to, where a refusal is an answer and not a failure.
pub(super) fn settled<T>(step: Result<T, Stop>) -> keybearer_core::Result<Result<T, Refused>> {
    match step {
        Ok(value) => Ok(Ok(value)),
        Err(Stop::Refused(refused)) => Ok(Err(refused)),
        Err(Stop::Failed(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_has_a_word_of_its_own_and_both_sentences() {
        for (denied, word, says, help) in Denied::ALL {
            assert_eq!((denied.as_str(), Denied::parse(word)), (word, Some(denied)));
            assert!(says.ends_with('.') && help.ends_with('.'), "{word}");
            assert!(!denied.says("Acme").contains('{'), "{word}");
        }
        assert_eq!(Denied::parse("<script>"), None);
    }
}
