//! What the next page says once, after something was done. A cookie carries a word of a closed list and a number.

/// Something that was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flash {
    Saved,
    EnvironmentMade,
    KeyRotated,
    KeyStaged,
    KeyActivated,
    KeyDestroyed,
    MoveBegun,
    SigningRotated,
    ScopesSaved,
    SecretReplaced,
    ClientReplaced,
    Activated,
    Paused,
    Resumed,
    Deleted,
    Discarded,
    Refreshed,
    Disconnected,
    AccountDeleted,
    PasswordSet,
    SessionEnded,
    SessionsEnded,
    RoleSet,
    Removed,
    SignedOut,
    TestStopped,
    EarlierRemoved,
    EarlierDropped,
    EndSet,
    Duplicated,
    PresetTaken,
    DeletedRevoked,
    ScopesMarked,
    SwitchesSet,
    ClockMoved,
    GrantsWithdrawn,
    TrafficCleared,
    SandboxReset,
    SecretEnded,
    ClientDeleted,
    EndpointPaused,
    EndpointResumed,
    EndpointDeleted,
    SampleSent,
    Replayed,
    PasskeyAdded,
    PasskeyRenamed,
    PasskeyRemoved,
    ConnectorAdded,
    ConnectorSaved,
    ConnectorDeleted,
    LogoCleaned,
    StepsHidden,
    StepsRestored,
    DefinitionReviewed,
    Untied,
    PagesEnded,
}

impl Flash {
    const ALL: &'static [(Self, &'static str, &'static str)] = &[
        (Self::Saved, "saved", "Saved."),
        (Self::EnvironmentMade, "made", "Made, with keys of its own. Go there to add connections."),
        (Self::KeyRotated, "rotated", "Rotated. The new key seals; everything else moves to it now."),
        (Self::KeyStaged, "staged", "Staged. It seals nothing until it is activated."),
        (Self::KeyActivated, "primary", "Activated. New values lie under it; move the others when you like."),
        (Self::KeyDestroyed, "destroyed", "Destroyed."),
        (Self::MoveBegun, "moving", "Moving. It goes on by itself."),
        (Self::SigningRotated, "signing", "A new signing key is published and signs in ten minutes."),
        (Self::ScopesSaved, "scopes", "Scopes saved. New sign-ins ask for them from now on."),
        (Self::SecretReplaced, "secret", "Secret replaced. All accounts use it at once."),
        (Self::ClientReplaced, "client", "Client replaced. On the earlier one until the next sign-in: {n}."),
        (Self::Activated, "active", "Saved. The connection is in use."),
        (Self::Paused, "paused", "Paused. Calls are refused, everything is kept."),
        (Self::Resumed, "resumed", "Resumed. Calls go through again."),
        (Self::Deleted, "deleted", "Deleted. {n} ended with it."),
        (Self::Discarded, "discarded", "Draft discarded."),
        (Self::Refreshed, "refreshed", "Refreshed."),
        (Self::Disconnected, "disconnected", "Disconnected. Its credential is destroyed."),
        (Self::AccountDeleted, "gone", "Account deleted."),
        (Self::PasswordSet, "password", "Password changed. Other browsers are signed out."),
        (Self::SessionEnded, "session", "Session ended."),
        (Self::SessionsEnded, "sessions", "Signed out everywhere else."),
        (Self::RoleSet, "role", "Role changed."),
        (Self::Removed, "removed", "Removed. They are signed out."),
        (Self::SignedOut, "out", "Signed out."),
        (Self::TestStopped, "stopped", "Test stopped. Its link works no more."),
        (Self::EarlierRemoved, "earlier", "The earlier secret is destroyed."),
        (
            Self::EarlierDropped,
            "dropped",
            "{n} left the earlier app and must sign in again at the next refresh.",
        ),
        (Self::EndSet, "ends", "Noted. The connection says so from 30 days before."),
        (Self::Duplicated, "copied", "Copied without credentials. This one has a redirect URI of its own."),
        (
            Self::DeletedRevoked,
            "revoked",
            "Deleted. {n} ended with it: {a} revoked at the provider, {b} refused there.",
        ),
        (Self::ScopesMarked, "marked", "Scopes saved. {n} must sign in again to get them all."),
        (Self::PresetTaken, "preset", "Scopes chosen. Nothing is wider than what you picked."),
        (Self::SwitchesSet, "switches", "Switches set. They count from the next request on."),
        (Self::ClockMoved, "clock", "The sandbox's clock was set."),
        (
            Self::GrantsWithdrawn,
            "withdrawn",
            "Taken back at the sandbox. The next call of such an account finds out.",
        ),
        (Self::TrafficCleared, "traffic", "Traffic cleared."),
        (Self::SandboxReset, "reset", "The sandbox is as it started."),
        (Self::SecretEnded, "ended", "Secret ended. It is refused from now on."),
        (Self::ClientDeleted, "unclient", "API client deleted. Its tokens are refused from now on."),
        (Self::EndpointPaused, "hookpaused", "Endpoint paused. Events wait for up to 72 hours."),
        (Self::EndpointResumed, "hookresumed", "Endpoint resumed. What waited is sent now."),
        (Self::EndpointDeleted, "hookgone", "Endpoint deleted."),
        (Self::SampleSent, "sample", "Test event queued. What comes of it appears here."),
        (Self::Replayed, "replayed", "To be sent again: {count}."),
        (Self::PasskeyAdded, "passkey", "Passkey added. You can sign in with it from now on."),
        (Self::ConnectorAdded, "described", "Connector made. Add a connection with it next."),
        (Self::ConnectorSaved, "redescribed", "Saved. Everything that uses it follows."),
        (Self::ConnectorDeleted, "undescribed", "Connector deleted."),
        (Self::PasskeyRenamed, "passkeyname", "Passkey renamed."),
        (
            Self::PasskeyRemoved,
            "passkeygone",
            "Passkey removed. It does not sign you in any more; delete it on your device too.",
        ),
        (
            Self::LogoCleaned,
            "cleaned",
            "Saved. Parts of the logo that could run or load something were left out: look at it below.",
        ),
        (Self::DefinitionReviewed, "definition", "Noted. The mark comes back with the next version."),
        (Self::Untied, "untied", "Untied. Their sessions have ended."),
        (Self::PagesEnded, "pagesended", "Pages ended: {count}. What is connected stays connected."),
        (Self::StepsHidden, "steps", "Hidden. Settings, General brings it back."),
        (Self::StepsRestored, "stepsback", "Getting started is back, until somebody hides it."),
    ];

    /// The cookie's value.
    pub fn code(self, number: Option<i64>) -> String {
        let word = Self::ALL.iter().find(|(flash, ..)| *flash == self).map_or("", |(_, word, _)| word);
        number.map_or_else(|| word.to_owned(), |number| format!("{word}-{number}"))
    }

    /// The cookie's value for a sentence with several numbers.
    pub fn code_of(self, numbers: &[i64]) -> String {
        let all: Vec<String> = numbers.iter().map(i64::to_string).collect();
        format!("{}-{}", self.code(None), all.join("-"))
    }

    /// The sentence of a cookie's value.
    pub fn says(code: &str) -> Option<String> {
        let mut parts = code.split('-');
        let word = parts.next().unwrap_or_default();
        let mut number = || parts.next().and_then(|text| text.parse::<i64>().ok()).unwrap_or(0);
        let (first, second, third) = (number(), number(), number());
        let (.., text) = Self::ALL.iter().find(|(_, known, _)| *known == word)?;
        let text = text.replace("{n}", &accounts(first));
        let text = text.replace("{count}", &first.to_string());
        Some(text.replace("{a}", &second.to_string()).replace("{b}", &third.to_string()))
    }
}

/// `1 account`, `12 accounts`.
pub(super) fn accounts(number: i64) -> String {
    if number == 1 { "1 account".to_owned() } else { format!("{number} accounts") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_can_only_say_what_we_wrote() {
        assert_eq!(Flash::says(&Flash::Deleted.code(Some(1))).unwrap(), "Deleted. 1 account ended with it.");
        assert_eq!(Flash::says("saved").unwrap(), "Saved.");
        assert_eq!(
            Flash::says(&Flash::DeletedRevoked.code_of(&[12, 11, 1])).unwrap(),
            "Deleted. 12 accounts ended with it: 11 revoked at the provider, 1 refused there."
        );
        assert_eq!(Flash::says("<b>"), None);
        assert!(Flash::ALL.iter().all(|(flash, word, _)| flash.code(None) == *word));
    }
}
