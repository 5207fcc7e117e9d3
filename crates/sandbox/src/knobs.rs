//! The switches in words: what each can be set to, and what a program that calls through Keybearer meets then.
//!
//! The dashboard and the command line show this table, so that both say the same.

/// Something that can be set.
#[derive(Clone, Copy, Debug)]
pub struct Knob {
    /// The name that [`crate::Control::set`] takes.
    pub name: &'static str,
    /// What a person calls it.
    pub label: &'static str,
    /// What it decides, in a sentence.
    pub about: &'static str,
    /// What it is usually set to; other values are possible.
    pub choices: &'static [Choice],
}

/// One way to set it.
#[derive(Clone, Copy, Debug)]
pub struct Choice {
    /// The value that [`crate::Control::set`] takes.
    pub value: &'static str,
    /// What it is called.
    pub label: &'static str,
    /// What your code will see.
    pub sees: &'static str,
}

const fn choice(value: &'static str, label: &'static str, sees: &'static str) -> Choice {
    Choice { value, label, sees }
}

const PASSES: &str = "It passes through as it is.";
const AWAY: &str = "503 provider_unavailable.";
const LATE: &str = "503 provider_unavailable when the token has ended; while it lives, nothing.";

/// How long tokens live, and what happens to a refresh token that is used.
pub const TOKENS: &[Knob] = &[
    Knob {
        name: "access",
        label: "An access token lives",
        about: "How long a token is good for calls.",
        choices: &[
            choice("5", "5 s", "Nearly every call refreshes first and takes a little longer."),
            choice("60", "60 s", "The first call after a minute refreshes first."),
            choice("600", "10 min", "A refresh about every ten minutes."),
            choice("3600", "1 h", "A refresh about every hour, as at most providers."),
        ],
    },
    Knob {
        name: "refresh_life",
        label: "An unused refresh token lives",
        about: "How long a user can be away.",
        choices: &[
            choice("120", "2 min", "409 account_needs_sign_in after two minutes without a call."),
            choice("3600", "1 h", "409 account_needs_sign_in after an hour without a call."),
            choice("604800", "7 d", "409 account_needs_sign_in after a week without a call."),
        ],
    },
    Knob {
        name: "absolute",
        label: "A grant ends",
        about: "Counted from consent, however often it is used.",
        choices: &[
            choice("300", "after 5 min", "409 account_needs_sign_in five minutes after the sign-in."),
            choice("86400", "after 1 d", "409 account_needs_sign_in a day after the sign-in."),
            choice("2592000", "after 30 d", "409 account_needs_sign_in a month after the sign-in."),
        ],
    },
    Knob {
        name: "rotate",
        label: "Refresh tokens rotate",
        about: "Whether each refresh brings a new refresh token.",
        choices: &[
            choice("on", "on", "Nothing: Keybearer stores the new one before the call goes on."),
            choice("off", "off", "Nothing: Keybearer keeps the one it has."),
        ],
    },
    Knob {
        name: "reuse",
        label: "A refresh token that comes twice",
        about: "What the provider does when an old one is shown again.",
        choices: &[
            choice("revoke", "revokes everything", "409 account_needs_sign_in, should it ever happen."),
            choice("refuse", "is refused", "409 account_needs_sign_in, should it ever happen."),
        ],
    },
    Knob {
        name: "grace",
        label: "Grace for an old refresh token",
        about: "For how long a rotated token still gives the same new pair.",
        choices: &[
            choice("0", "none", "After a lost answer: 409 account_needs_sign_in."),
            choice("10", "10 s", "A lost answer may heal by itself."),
        ],
    },
    Knob {
        name: "limit",
        label: "Grants of one person and app",
        about: "The oldest ends when there are more.",
        choices: &[
            choice("1", "1", "Connecting the same person twice ends the first: 409 account_needs_sign_in."),
            choice("50", "50", "Nothing."),
        ],
    },
    Knob {
        name: "pkce",
        label: "Proof key (PKCE)",
        about: "Whether a sign-in needs one.",
        choices: &[
            choice("required", "required", "Nothing: Keybearer always sends one."),
            choice("optional", "optional", "Nothing: Keybearer always sends one."),
        ],
    },
];

/// Where it can fail.
pub const STAGES: &[Knob] = &[
    Knob {
        name: "consent",
        label: "At consent",
        about: "What becomes of the question whether the app may.",
        choices: &[
            choice("works", "the person decides", "What the person decided."),
            choice("approve", "allowed, no page", "The account is connected."),
            choice("deny", "denied", "The page says: not connected. The link can be used again."),
            choice("partial", "one permission left out", "Connected, with the flag Scopes behind."),
            choice(
                "administrator",
                "an administrator must approve",
                "The page says that the organisation decides.",
            ),
            choice(
                "temporarily_unavailable",
                "provider busy",
                "The page says that the provider does not answer.",
            ),
            choice("invalid_scope", "a scope is refused", "Connection needs attention: check the setup."),
            choice("wrong_state", "wrong state", "The answer is not taken; nothing is stored."),
            choice("no_state", "no state", "The answer is not taken; nothing is stored."),
            choice("wrong_iss", "another issuer", "The answer is not taken; nothing is stored."),
            choice("no_iss", "no issuer", "The answer is not taken; nothing is stored."),
            choice("500", "500", "The person sees the provider's error and does not come back."),
            choice("slow:3000", "slow, 3 s", "The person waits."),
        ],
    },
    Knob {
        name: "exchange",
        label: "At the exchange of the code",
        about: "The person has allowed it; Keybearer asks for tokens.",
        choices: &[
            choice("works", "works", "The account is connected."),
            choice("invalid_grant", "refuses the code", "Not connected; the link can be used again."),
            choice(
                "invalid_client",
                "refuses the client",
                "Not connected; the app's credentials are refused.",
            ),
            choice("no_refresh_token", "no refresh token", "Connected until the access token ends."),
            choice("no_expires_in", "no expires_in", "Connected; the first 401 tells that the token ended."),
            choice("text_expires_in", "expires_in as text", "Connected."),
            choice("500", "500", "Not connected; the page offers another try."),
            choice("rate_limit:30", "429, Retry-After 30", "Not connected; the page offers another try."),
            choice("slow:10000", "hangs 10 s", "The page waits."),
            choice("html", "HTML instead of JSON", "Not connected; the page offers another try."),
            choice("lose_answer", "answer lost", "Not connected; the page offers another try."),
        ],
    },
    Knob {
        name: "refresh",
        label: "At a refresh",
        about: "The token has ended and Keybearer asks for the next one.",
        choices: &[
            choice("works", "works", "Nothing."),
            choice(
                "invalid_grant*1",
                "refuses once",
                "409 account_needs_sign_in: a provider that rotates is believed the first time.",
            ),
            choice(
                "invalid_grant",
                "refuses always",
                "409 account_needs_sign_in, and an event about the account.",
            ),
            choice(
                "invalid_client",
                "refuses the client",
                "400 client_rejected; the connection needs attention.",
            ),
            choice("500", "500", LATE),
            choice("rate_limit:30", "429, Retry-After 30", "429 provider_rate_limited with Retry-After."),
            choice("slow:10000", "hangs 10 s", "The call takes 10 s longer, or 503 refresh_in_progress."),
            choice("html", "HTML instead of JSON", LATE),
            choice(
                "garbage",
                "JSON cut in the middle",
                "400 provider_rejected; the connection needs attention.",
            ),
            choice("ok_error", "200 with an error", "400 provider_rejected; the connection needs attention."),
            choice("no_expires_in", "no expires_in", "Nothing: the first 401 tells that the token ended."),
            choice("text_expires_in", "expires_in as text", "Nothing."),
            choice("no_refresh_token", "no refresh token", "Nothing now; 409 when the next token ends."),
            choice("drop_before", "connection closes", LATE),
            choice("lose_answer", "answer lost", "503 while it is on, then 409: the token is spent."),
        ],
    },
    Knob {
        name: "api",
        label: "At the API",
        about: "Your call goes through, and the provider answers.",
        choices: &[
            choice("works", "works", "The provider's answer."),
            choice(
                "unauthorized*1",
                "401 once",
                "Nothing: Keybearer refreshes once and sends the call again.",
            ),
            choice("unauthorized", "401 always", "The provider's 401, after one refresh."),
            choice("insufficient_scope", "403, a scope is missing", PASSES),
            choice("rate_limit:30", "429, Retry-After 30", PASSES),
            choice("500", "500", PASSES),
            choice("html", "502 with HTML", PASSES),
            choice("garbage", "JSON cut in the middle", PASSES),
            choice("redirect", "307 elsewhere", "It passes through; the credential does not follow it."),
            choice("slow:3000", "slow, 3 s", "The answer, 3 s later."),
            choice("drop_before", "connection closes", AWAY),
        ],
    },
];

/// The words of the dialect, each with what it changes.
pub const DIALECT: Knob = Knob {
    name: "dialect",
    label: "Dialect",
    about: "How token answers are written. Your code sees nothing of the first five; errors differ in words.",
    choices: &[
        choice("form", "form-encoded answer", "Nothing: token answers are read in both forms."),
        choice(
            "comma",
            "scopes by comma",
            "Nothing, where the connector says so; else the granted scopes differ.",
        ),
        choice(
            "nested",
            "token in authed_user",
            "400 provider_rejected, unless the connector says where it is.",
        ),
        choice("no_expires_in", "no expires_in", "Nothing: the first 401 tells that the token ended."),
        choice("text_expires_in", "expires_in as text", "Nothing."),
        choice("ok_error", "errors with status 200", "400 provider_rejected where a 409 would be."),
        choice("html_error", "errors as HTML", "400 provider_rejected where a 409 would be."),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::{Stage, Switch, Switches};
    use crate::settings::{Dialect, Settings};

    #[test]
    fn every_choice_can_be_set() {
        for knob in TOKENS {
            for choice in knob.choices {
                Settings::default().set(knob.name, choice.value).unwrap();
            }
        }
        for knob in STAGES {
            let stage = Stage::parse(knob.name).unwrap();
            for choice in knob.choices.iter().filter(|choice| choice.value != "works") {
                let switch: Switch = choice.value.parse().unwrap();
                Switches::default().set(stage, Some(switch)).unwrap();
            }
        }
        for choice in DIALECT.choices {
            Dialect::parse(choice.value).unwrap();
        }
    }

    #[test]
    fn what_a_sandbox_starts_with_is_among_the_choices() {
        for (name, value) in Settings::default().pairs() {
            let Some(knob) = TOKENS.iter().find(|knob| knob.name == name) else { continue };
            assert!(knob.choices.iter().any(|choice| choice.value == value), "{name}={value}");
        }
    }
}
