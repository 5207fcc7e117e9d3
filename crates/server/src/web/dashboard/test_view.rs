//! The steps of a test, each with a verdict, and what to do about the one that failed.

use keybearer_app::connections::Connection;
use keybearer_app::connectors::redirect;
use keybearer_app::connectors::schema::AuthMethod;
use keybearer_app::flows::{TestProgress, TestStand};

use super::answer::sentence;

/// How a step went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Ok,
    Wrong,
    Odd,
    Waiting,
    NotReached,
}

impl Verdict {
    /// The word beside the icon.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Wrong => "failed",
            Self::Odd => "look",
            Self::Waiting => "waiting",
            Self::NotReached => "not reached",
        }
    }

    /// The icon.
    pub const fn icon(self) -> &'static str {
        match self {
            Self::Ok => "check",
            Self::Wrong => "x",
            Self::Odd => "warn",
            Self::Waiting => "clock",
            Self::NotReached => "dot",
        }
    }
}

/// One step.
pub(super) struct Step {
    pub verdict: Verdict,
    pub title: String,
    pub says: String,
    pub fix: Option<Fix>,
}

/// What to do about a step that failed.
pub(super) struct Fix {
    pub why: String,
    pub copy: Option<String>,
    pub label: &'static str,
    pub href: String,
}

/// A sentence about the newest test.
pub(super) fn in_short(test: &TestProgress) -> String {
    match test.stand {
        TestStand::Connected => match identity(test) {
            Some(identity) => format!("It works: connected as {identity}."),
            None => "It works.".to_owned(),
        },
        TestStand::Failed => {
            format!("Failed: {}.", test.failure.as_deref().unwrap_or("no reason given").replace('_', " "))
        }
        TestStand::Waiting | TestStand::Exchanging => "Under way.".to_owned(),
        TestStand::Ended => "Ended before anybody came back from the provider.".to_owned(),
    }
}

fn identity(test: &TestProgress) -> Option<&str> {
    test.account.identity_label.as_deref().or(test.account.identity_id.as_deref())
}

/// All steps in order.
pub(super) fn steps(test: &TestProgress, connection: &Connection, method: &AuthMethod) -> Vec<Step> {
    let mut steps = vec![settings(connection)];
    if method.has_redirect() {
        steps.push(redirect_step(connection, method));
        steps.push(approval(test, connection));
    }
    let connected = test.stand == TestStand::Connected;
    steps.push(exchange(test, connection, method.has_redirect()));
    if method.has_redirect() {
        steps.push(if connected { scopes(test, connection) } else { unreached("Scopes granted") });
        steps.push(if connected { refresh_token(test) } else { unreached("Refresh token") });
        if !connected || (test.refreshes && test.has_refresh_token) {
            steps.push(if connected { refresh(test) } else { unreached("Refreshed once") });
        }
    }
    steps.push(match (connected, identity(test)) {
        (false, _) => unreached("Connected as"),
        (true, Some(identity)) => step(Verdict::Ok, "Connected as", identity),
        (true, None) => step(Verdict::Ok, "Connected", "The provider has no way to say as whom."),
    });
    steps
}

fn step(verdict: Verdict, title: &str, says: &str) -> Step {
    Step { verdict, title: title.to_owned(), says: says.to_owned(), fix: None }
}

fn unreached(title: &str) -> Step {
    step(Verdict::NotReached, title, "")
}

fn settings(connection: &Connection) -> Step {
    match connection.missing.as_slice() {
        [] => step(Verdict::Ok, "Settings complete", ""),
        missing => {
            let fix = fix("Fill in what is missing, then test again.", "Open the set-up", setup(connection));
            let says = missing.join(", ");
            Step { fix: Some(fix), ..step(Verdict::Wrong, "Settings incomplete", &says) }
        }
    }
}

fn setup(connection: &Connection) -> String {
    format!("/connections/{}/setup", connection.id)
}

fn fix(why: &str, label: &'static str, href: String) -> Fix {
    Fix { why: why.to_owned(), copy: None, label, href }
}

fn redirect_step(connection: &Connection, method: &AuthMethod) -> Step {
    match redirect::problems(method, &connection.redirect_uri).first() {
        None => step(Verdict::Ok, "Redirect URI fits the provider's rules", &connection.redirect_uri),
        Some(problem) => {
            let why = "The address comes from this server's public URL. Set an https public URL, or use a tunnel while trying.";
            let says = sentence(&problem.to_string());
            Step {
                fix: Some(fix(why, "Open the set-up", setup(connection))),
                ..step(Verdict::Wrong, "Redirect URI", &says)
            }
        }
    }
}

fn approval(test: &TestProgress, connection: &Connection) -> Step {
    let title = "You approved";
    let provider = &connection.connector_display_name;
    if test.refused_by_provider {
        let words = test.failure.as_deref().unwrap_or_default();
        let says = format!("{provider} sent you back with “{words}”.");
        return Step { fix: Some(refusal(words, connection)), ..step(Verdict::Wrong, "Not approved", &says) };
    }
    match test.stand {
        TestStand::Connected | TestStand::Exchanging => step(Verdict::Ok, title, ""),
        TestStand::Failed => step(Verdict::Ok, title, ""),
        TestStand::Ended => step(Verdict::Wrong, "Nobody came back", "The link ended. Run the test again."),
        TestStand::Waiting => {
            let why = format!(
                "If {provider} shows an error instead of its consent page, it most often is the redirect URI: \
                 compare http or https, host, port and a slash at the end, letter by letter."
            );
            let fix =
                Fix { why, copy: Some(connection.redirect_uri.clone()), label: "", href: String::new() };
            let says = format!("Sign in at {provider} in the other tab. This page follows by itself.");
            Step { fix: Some(fix), ..step(Verdict::Waiting, "Waiting for you", &says) }
        }
    }
}

/// What to do about an error code that came back instead of a code.
fn refusal(words: &str, connection: &Connection) -> Fix {
    let provider = &connection.connector_display_name;
    match words {
        "access_denied" => fix(
            "You said no, or your organisation does not let you say yes. Open the link again to try once more.",
            "",
            String::new(),
        ),
        "invalid_scope" => fix(
            "The provider does not know or allow one of the scopes for this app: misspelt, not switched on in the app, or waiting for a review.",
            "Change the scopes",
            setup(connection),
        ),
        "unauthorized_client" | "invalid_client" => fix(
            "The provider does not accept the client ID. It may belong to an app that was deleted or is in test mode.",
            "Check the client",
            format!("/connections/{}/credentials", connection.id),
        ),
        "redirect_uri_mismatch" | "invalid_request" => Fix {
            why: format!(
                "At {provider} another redirect URI is registered, or none. Copy this one into the app there, save, and run the test again."
            ),
            copy: Some(connection.redirect_uri.clone()),
            label: "",
            href: String::new(),
        },
        _ => fix(
            "The provider refused the app. Compare the app at the provider with the set-up here.",
            "Open the set-up",
            setup(connection),
        ),
    }
}

fn exchange(test: &TestProgress, connection: &Connection, redirects: bool) -> Step {
    let (done, wrong) = match redirects {
        true => ("Code exchanged", "Code not exchanged"),
        false => ("Credential accepted", "Credential not accepted"),
    };
    let failed = test.stand == TestStand::Failed && !test.refused_by_provider;
    if test.stand == TestStand::Connected {
        return step(Verdict::Ok, done, "");
    }
    if !failed {
        let waiting = test.stand == TestStand::Exchanging || (!redirects && test.stand == TestStand::Waiting);
        return step(if waiting { Verdict::Waiting } else { Verdict::NotReached }, done, "");
    }
    let credentials = format!("/connections/{}/credentials", connection.id);
    let code = test.failure.as_deref().unwrap_or_default();
    let (says, fix) = match code {
        "client_rejected" => (
            "The provider does not accept this client ID and secret together.",
            fix(
                "The secret may belong to another app, or was replaced at the provider. Make a new one there and paste it here.",
                "Replace secret",
                credentials,
            ),
        ),
        "provider_unavailable" | "provider_rate_limited" => (
            "The provider did not answer in time.",
            fix("Nothing was stored. The same link can be used again.", "", String::new()),
        ),
        "egress_refused" => (
            "The token address leads to a private network, which this server does not contact.",
            fix(
                "The operator can allow it: `egress.allow` in the configuration.",
                "Open the set-up",
                setup(connection),
            ),
        ),
        "credential_rejected" => (
            "The provider did not accept the credential.",
            fix("Nothing was stored. Open the link again and compare what you paste.", "", String::new()),
        ),
        _ => (
            "The provider gave no token.",
            Fix {
                copy: Some(connection.redirect_uri.clone()),
                ..fix(
                    "Often the redirect URI differs from the one in the app at the provider, or the code was used before. Nothing was stored; the same link can be used again.",
                    "Open the set-up",
                    setup(connection),
                )
            },
        ),
    };
    let says = format!("{says} ({code})");
    Step { fix: Some(fix), ..step(Verdict::Wrong, wrong, &says) }
}

fn scopes(test: &TestProgress, connection: &Connection) -> Step {
    let (missing, wanted) = (&test.account.missing_scopes, test.account.wanted_scopes.len());
    if test.account.granted_scopes.is_empty() {
        return step(Verdict::Ok, "Scopes", "The provider does not report what was granted.");
    }
    if missing.is_empty() {
        return step(Verdict::Ok, "Scopes granted", &format!("{wanted} of {wanted}"));
    }
    let says = format!("Not granted: {}", missing.join(", "));
    let why = "You left them out, or they are not switched on in the app at the provider.";
    Step {
        fix: Some(fix(why, "Change the scopes", setup(connection))),
        ..step(Verdict::Odd, "Scopes granted in part", &says)
    }
}

fn refresh_token(test: &TestProgress) -> Step {
    match (test.has_refresh_token, test.account.access_expires_at) {
        (true, _) => step(Verdict::Ok, "Refresh token", "Access goes on after you leave."),
        (false, None) => {
            step(Verdict::Ok, "Refresh token", "None, and none is needed: the access token does not end.")
        }
        (false, Some(_)) if !test.refreshes => step(Verdict::Ok, "Refresh token", "None is needed here."),
        (false, Some(end)) => {
            let says = format!(
                "None was issued: access ends at {} and the person must sign in again.",
                end.rfc3339()
            );
            let why = "The connection does not ask to keep working after the user leaves. Add the scope or parameter for offline access.";
            let fix =
                fix(why, "Change the scopes", format!("/connections/{}/setup", test.account.connection_id));
            Step { fix: Some(fix), ..step(Verdict::Odd, "No refresh token", &says) }
        }
    }
}

fn refresh(test: &TestProgress) -> Step {
    match &test.refresh {
        None => step(Verdict::Waiting, "Refresh", "Not tried yet."),
        Some(record)
            if record.outcome == "ok" || record.outcome == "refreshed" || record.reason.is_none() =>
        {
            step(Verdict::Ok, "Refreshed once", &format!("{} ms", record.duration_ms))
        }
        Some(record) => {
            let says = format!("{} {}", record.outcome, record.reason.as_deref().unwrap_or_default());
            step(Verdict::Wrong, "Refresh failed", &says)
        }
    }
}
