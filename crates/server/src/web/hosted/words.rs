//! Every sentence of the hosted pages. A language is one [`Words`]; a sentence that is missing does not compile.
//!
//! `{name}` stands for a value that [`super::sentence::say`] puts in.

use super::contract::ProblemCase;

/// The sentences of one language.
pub(super) struct Words {
    /// The `lang` attribute.
    pub lang: &'static str,
    /// The `dir` attribute.
    pub dir: &'static str,
    pub footer: &'static str,
    pub test: &'static str,
    pub sandbox: &'static str,
    pub asked_for: &'static str,
    pub works_until: &'static str,
    pub cancel: &'static str,
    pub back: &'static str,
    pub close: &'static str,
    pub again: &'static str,
    pub reference: &'static str,
    pub start: Start,
    pub form: Form,
    pub identity: Identity,
    pub done: Done,
    pub problem: Problems,
    pub hop: Hop,
    pub absent: Absent,
}

/// The page before the provider's consent.
pub(super) struct Start {
    pub title: &'static str,
    pub heading: &'static str,
    pub heading_again: &'static str,
    pub sign_in_at: &'static str,
    pub able_to: &'static str,
    pub provider_lists: &'static str,
    pub sensitive: &'static str,
    pub new: &'static str,
    pub choose: &'static str,
    pub locked: &'static str,
    pub go: &'static str,
}

/// Forms, wherever they are.
pub(super) struct Form {
    pub title: &'static str,
    pub title_wrong: &'static str,
    pub heading: &'static str,
    pub connect: &'static str,
    pub kept: &'static str,
    pub shared: &'static str,
    pub optional: &'static str,
    pub choose: &'static str,
    pub where_to_find: &'static str,
    pub new_tab: &'static str,
    pub one_wrong: &'static str,
    pub some_wrong: &'static str,
    pub one_field: &'static str,
    pub some_fields: &'static str,
}

/// The page after another account holder came back.
pub(super) struct Identity {
    pub title: &'static str,
    pub heading: &'static str,
    pub says: &'static str,
    pub before: &'static str,
    pub now: &'static str,
    pub keep: &'static str,
    pub go_back: &'static str,
}

/// The page after success.
pub(super) struct Done {
    pub heading: &'static str,
    pub heading_any: &'static str,
    pub identity: &'static str,
    pub wrong_account: &'static str,
    pub another: &'static str,
    pub missing: &'static str,
    pub missing_says: &'static str,
}

/// The page that leads to the provider after a form.
pub(super) struct Hop {
    pub title: &'static str,
    pub says: &'static str,
    pub go: &'static str,
}

/// The page where nothing is.
pub(super) struct Absent {
    pub heading: &'static str,
    pub says: &'static str,
    pub then: &'static str,
}

/// One problem: what happened, what is still fine, what to do.
pub(super) struct Problem {
    pub heading: &'static str,
    pub says: &'static str,
    pub then: &'static str,
}

/// All problems, and what only some of them say.
pub(super) struct Problems {
    pub denied: Problem,
    pub link_ended: Problem,
    pub link_used: Problem,
    pub app_refused: Problem,
    pub administrator: Problem,
    pub other_browser: Problem,
    pub provider_away: Problem,
    pub other_person: Problem,
    pub connection_off: Problem,
    pub too_many_tries: Problem,
    pub internal: Problem,
    pub worked_until: &'static str,
    pub message_label: &'static str,
    pub message: &'static str,
    pub wait_one_second: &'static str,
    pub wait_seconds: &'static str,
    pub wait_one_minute: &'static str,
    pub wait_minutes: &'static str,
    pub anyone: &'static str,
    pub any_service: &'static str,
}

impl Problems {
    /// The problem of a case.
    pub fn of(&self, case: ProblemCase) -> &Problem {
        match case {
            ProblemCase::Denied => &self.denied,
            ProblemCase::LinkEnded => &self.link_ended,
            ProblemCase::LinkUsed => &self.link_used,
            ProblemCase::AppRefused => &self.app_refused,
            ProblemCase::AdministratorNeeded => &self.administrator,
            ProblemCase::OtherBrowser => &self.other_browser,
            ProblemCase::ProviderAway => &self.provider_away,
            ProblemCase::OtherPerson => &self.other_person,
            ProblemCase::ConnectionOff => &self.connection_off,
            ProblemCase::TooManyTries => &self.too_many_tries,
            ProblemCase::Internal => &self.internal,
        }
    }
}

/// English.
pub(super) static ENGLISH: Words = Words {
    lang: "en",
    dir: "ltr",
    footer: "{app} uses Keybearer to hold this connection.",
    test: "Test. A developer of {app} tries this connection.",
    sandbox: "Sandbox. {provider} is a practice service, nothing here is real.",
    asked_for: "Asked by {app} for {user}. Not you? Close this page.",
    works_until: "This page works until {time}.",
    cancel: "Cancel",
    back: "Back to {app}",
    close: "You can close this page.",
    again: "Try again",
    reference: "Ref {ref}",
    start: Start {
        title: "Connect {provider} to {app}",
        heading: "{app} wants to connect to your {provider} account",
        heading_again: "{app} asks you to sign in to {provider} again",
        sign_in_at: "You will sign in at {host}. {app} never sees your {provider} password.",
        able_to: "{app} will be able to",
        provider_lists: "{provider} shows what {app} will be able to do before you agree.",
        sensitive: "Look twice:",
        new: "New",
        choose: "You choose",
        locked: "always needed",
        go: "Continue to {provider}",
    },
    form: Form {
        title: "Connect {provider} to {app}",
        title_wrong: "Not connected yet: {provider} and {app}",
        heading: "Connect {provider} to {app}",
        connect: "Connect",
        kept: "What you enter is encrypted before it is stored. {app} can use it; it cannot show it.",
        shared: "{app} uses one {provider} account for everybody. You allow that it is used for you, and enter nothing.",
        optional: "(optional)",
        choose: "Choose one",
        where_to_find: "Show me where",
        new_tab: "(opens a new tab)",
        one_wrong: "One answer needs a change.",
        some_wrong: "{n} answers need a change.",
        one_field: "The field is marked below. Secrets must be entered again.",
        some_fields: "They are marked below. Secrets must be entered again.",
    },
    identity: Identity {
        title: "Which {provider} account?",
        heading: "This is another {provider} account than before",
        says: "Nothing was replaced yet. Choose which one {app} should use.",
        before: "Connected before",
        now: "You signed in as",
        keep: "Use {now}",
        go_back: "Stay with {before}",
    },
    done: Done {
        heading: "{provider} is connected",
        heading_any: "Your account is connected",
        identity: "You are signed in there as {identity}.",
        wrong_account: "Not the right account?",
        another: "Use another one",
        missing: "{app} was not allowed to",
        missing_says: "It works without this, but perhaps not all of it. {app} can ask you again later.",
    },
    problem: Problems {
        denied: Problem {
            heading: "Not connected",
            says: "You chose not to allow it at {provider}. Nothing was saved.",
            then: "You can try again, or go back to {app}.",
        },
        link_ended: Problem {
            heading: "This link has ended",
            says: "It can no longer be used to connect an account.",
            then: "Ask {app} for a new one: nothing you did is lost.",
        },
        link_used: Problem {
            heading: "This link was used",
            says: "It connected {provider} before. A link works once.",
            then: "Nothing is left to do here. For another account, ask {app} for a new link.",
        },
        app_refused: Problem {
            heading: "{provider} would not accept {app} just now",
            says: "This is not something you can fix. Nothing was saved.",
            then: "{app} has been told, with the reference below.",
        },
        administrator: Problem {
            heading: "Your organisation decides about this",
            says: "An administrator must allow {app} in {provider} first. Nothing was saved.",
            then: "Send them the message below. Then open the link from {app} again.",
        },
        other_browser: Problem {
            heading: "This browser did not start it",
            says: "You may have changed the browser on the way, or cookies are off. Nothing was saved.",
            then: "Allow cookies for this site, then open the link from {app} again and stay in one browser.",
        },
        provider_away: Problem {
            heading: "{provider} is not answering",
            says: "{provider} is slow or down right now. Nothing was saved.",
            then: "The link still works. Try again in a few minutes.",
        },
        other_person: Problem {
            heading: "This link was made for somebody else",
            says: "{app} did not recognise you as the person it asked. Nothing was saved.",
            then: "Sign in to {app} as yourself and start from there.",
        },
        connection_off: Problem {
            heading: "{provider} is switched off here",
            says: "{app} has paused or removed this connection. Nothing was saved.",
            then: "Ask {app} when it will be back.",
        },
        too_many_tries: Problem {
            heading: "Too many tries",
            says: "To keep keys from being guessed, there is a pause after several tries. The link still works.",
            then: "Check the values while you wait.",
        },
        internal: Problem {
            heading: "Keybearer could not finish this",
            says: "A fault on our side stopped it. It is recorded with the reference below.",
            then: "Open the link from {app} again. If it repeats, tell {app} the reference.",
        },
        worked_until: "It worked until {time}.",
        message_label: "Message for your administrator",
        message: "Hello, I would like to use {app} with our {provider}. It needs your approval in {provider}. \
                  Thank you.",
        wait_one_second: "You can try again in 1 second.",
        wait_seconds: "You can try again in {n} seconds.",
        wait_one_minute: "You can try again in 1 minute.",
        wait_minutes: "You can try again in {n} minutes.",
        anyone: "the app",
        any_service: "the service",
    },
    hop: Hop {
        title: "On to {provider}",
        says: "You sign in at {host} next. If nothing happens, press the button.",
        go: "Continue to {provider}",
    },
    absent: Absent {
        heading: "There is nothing at this address",
        says: "The address may be incomplete: a long link is easily cut in two.",
        then: "Go back to where you found the link and open it from there.",
    },
};
