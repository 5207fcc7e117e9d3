//! The steps of a test, each with a verdict and its time, and what to do about the one that failed.

use keybearer_app::connections::Connection;
use keybearer_app::connectors::redirect;
use keybearer_app::connectors::schema::AuthMethod;
use keybearer_app::flows::trial::{Note, NoteOutcome, Seen, TrialStep};
use keybearer_app::flows::{TestProgress, TestStand};
use keybearer_core::Timestamp;

use super::answer::sentence;
use super::test_fix::{About, Fix};

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
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub verdict: Verdict,
    pub title: String,
    pub says: String,
    /// When, or how long.
    pub time: String,
    pub list: Vec<String>,
    pub fix: Option<Fix>,
}

/// How long what happens beside the test may take before nobody waits for it.
const PATIENCE_SECONDS: u64 = 30;

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

/// Who the test connected as.
pub(super) fn identity(test: &TestProgress) -> Option<&str> {
    test.account.identity_label.as_deref().or(test.account.identity_id.as_deref())
}

/// What the steps are made from.
pub(super) struct Facts<'a> {
    pub test: &'a TestProgress,
    pub connection: &'a Connection,
    pub method: &'a AuthMethod,
    pub now: Timestamp,
}

/// All steps in order.
pub(super) fn steps(facts: &Facts<'_>) -> Vec<Step> {
    let redirects = facts.method.has_redirect();
    let mut steps = vec![facts.settings()];
    if redirects {
        steps.push(facts.redirect());
        steps.extend(facts.reach());
        steps.extend(facts.client());
        steps.push(facts.approval());
    }
    steps.push(facts.exchange(redirects));
    if redirects {
        steps.push(facts.scopes());
        steps.push(facts.refresh_token());
    }
    steps.extend(facts.refresh());
    steps.push(match (facts.connected(), identity(facts.test)) {
        (false, _) => unreached("Connected as"),
        (true, Some(identity)) => step(Verdict::Ok, "Connected as", identity),
        (true, None) => step(Verdict::Ok, "Connected", "The provider has no way to say as whom."),
    });
    steps.extend(facts.call());
    steps
}

fn step(verdict: Verdict, title: impl Into<String>, says: &str) -> Step {
    Step {
        verdict,
        title: title.into(),
        says: says.to_owned(),
        time: String::new(),
        list: Vec::new(),
        fix: None,
    }
}

fn unreached(title: &str) -> Step {
    step(Verdict::NotReached, title, "")
}

fn took(note: &Note) -> String {
    note.duration_ms.map(|took| format!("{took} ms")).unwrap_or_default()
}

impl Facts<'_> {
    fn about(&self) -> About<'_> {
        About { connection: self.connection, method: self.method }
    }

    fn provider(&self) -> &str {
        &self.connection.connector_display_name
    }

    fn connected(&self) -> bool {
        self.test.stand == TestStand::Connected
    }

    /// Whether what goes on beside the test may still come.
    fn may_come(&self, since: Option<Timestamp>) -> bool {
        let since = since.map(|since| self.now.since(since).as_secs());
        self.test.kept.is_some() && since.is_some_and(|seconds| seconds < PATIENCE_SECONDS)
    }

    fn settings(&self) -> Step {
        match self.connection.missing.as_slice() {
            [] => step(Verdict::Ok, "Settings complete", ""),
            missing => {
                let fix = Fix::why("Fill in what is missing, then test again.");
                let fix = fix.then("Open the set-up", self.about().setup(""));
                Step { fix: Some(fix), ..step(Verdict::Wrong, "Settings incomplete", &missing.join(", ")) }
            }
        }
    }

    fn redirect(&self) -> Step {
        match redirect::problems(self.method, &self.connection.redirect_uri).first() {
            None => {
                step(Verdict::Ok, "Redirect URI fits the provider's rules", &self.connection.redirect_uri)
            }
            Some(problem) => {
                let fix = Fix::why(
                    "The address comes from this server's public URL. Set an https public URL, or use a tunnel while trying.",
                );
                let fix = fix.then("Open the set-up", self.about().setup("#h-uri"));
                Step {
                    fix: Some(fix),
                    ..step(Verdict::Wrong, "Redirect URI", &sentence(&problem.to_string()))
                }
            }
        }
    }

    fn reach(&self) -> Option<Step> {
        let title = format!("{} answers", self.provider());
        let Some(note) = self.test.note(TrialStep::Reach) else {
            return self.may_come(Some(self.test.created_at)).then(|| step(Verdict::Waiting, title, ""));
        };
        let seen = &note.seen;
        if note.outcome == NoteOutcome::Failed {
            let title = format!("{} was not reached", self.provider());
            let (says, fix) = self.not_reached(seen);
            return Some(Step { time: took(note), fix: Some(fix), ..step(Verdict::Wrong, title, says) });
        }
        let parts = [
            seen.dns_ms.map(|ms| format!("name look-up {ms} ms")),
            seen.tls_ms.map(|ms| format!("TLS {ms} ms")),
        ];
        let says = parts.into_iter().flatten().collect::<Vec<_>>().join(" · ");
        let good = Step { time: took(note), ..step(Verdict::Ok, title, &says) };
        Some(match seen.skew_seconds.filter(|_| note.outcome == NoteOutcome::Odd) {
            Some(skew) if skew.abs() > 60 => {
                let says = format!(
                    "Its clock is {} s {} ours.",
                    skew.abs(),
                    if skew > 0 { "ahead of" } else { "behind" }
                );
                let why = "Signed requests and short-lived codes fail when clocks differ. Set this machine's clock by a time server; if ours is right, the provider's is wrong.";
                Step {
                    verdict: Verdict::Odd,
                    says,
                    fix: Some(Fix::why(why).then("System check", "/system")),
                    ..good
                }
            }
            _ if note.outcome == NoteOutcome::Odd => {
                let says = format!("With status {}.", seen.status.unwrap_or_default());
                Step { verdict: Verdict::Odd, says, ..good }
            }
            _ => good,
        })
    }

    fn not_reached(&self, seen: &Seen) -> (&'static str, Fix) {
        let setup = self.about().setup("#h-cred");
        match seen.code.as_deref().unwrap_or_default() {
            "dns" => ("Its name does not resolve.", Fix::why("Check the address in the set-up, and the name server of this machine.").then("Open the set-up", setup)),
            "tls" => ("The encrypted connection failed.", Fix::why("Its certificate is not one that this server trusts. Behind a company's proxy, add its root certificate to the configuration.")),
            "egress_refused" => ("Its address is one that this server does not contact.", Fix::why("It leads to a private network. The operator can allow it: `egress.allow` in the configuration.").then("Open the set-up", setup)),
            "connect" => ("Nobody takes the connection.", Fix::why("A firewall may be in the way of this server, or the port is wrong.").then("Open the set-up", setup)),
            _ => ("It did not answer in time.", Fix::why("Its side, or the way there. The test goes on: your browser may get there all the same.")),
        }
    }

    fn client(&self) -> Option<Step> {
        let Some(note) = self.test.note(TrialStep::Client) else {
            let comes = self.method.credential_probe.is_some() && self.may_come(Some(self.test.created_at));
            return comes.then(|| step(Verdict::Waiting, "Client accepted", ""));
        };
        Some(match note.outcome {
            NoteOutcome::Ok => Step {
                time: took(note),
                ..step(Verdict::Ok, "Client accepted", "Client ID and secret belong together.")
            },
            NoteOutcome::Odd => {
                let fix = Fix::why(
                    "Whether client ID and secret belong together shows when the code is exchanged.",
                );
                Step {
                    time: took(note),
                    fix: Some(fix.quoting(Some(&note.seen))),
                    ..step(Verdict::Odd, "Client not checked", "The provider answered something else.")
                }
            }
            NoteOutcome::Failed => {
                let (says, fix) = self.about().fix(&note.seen);
                Step {
                    time: took(note),
                    fix: Some(fix),
                    ..step(Verdict::Wrong, "Client not accepted", &says)
                }
            }
        })
    }

    fn approval(&self) -> Step {
        let provider = self.provider();
        let note = self.test.note(TrialStep::Approve);
        if self.test.refused_by_provider {
            let code = self.test.failure.as_deref().unwrap_or_default();
            let bare = Seen { cause: keybearer_app::flows::trial::Cause::of(code), ..Seen::default() };
            let (says, fix) = self.about().fix(note.map_or(&bare, |note| &note.seen));
            return Step { fix: Some(fix), ..step(Verdict::Wrong, "Not approved", &says) };
        }
        let ahead = note.filter(|_| self.test.approved_at.is_none());
        if let Some(note) = ahead.filter(|_| self.test.stand == TestStand::Waiting) {
            let (says, fix) = self.about().fix(&note.seen);
            let title = format!("{provider} will not let anybody in");
            return Step { fix: Some(fix), ..step(Verdict::Wrong, title, &says) };
        }
        let time = self.test.approved_at.map(clock).unwrap_or_default();
        match self.test.stand {
            TestStand::Connected | TestStand::Exchanging | TestStand::Failed => {
                Step { time, ..step(Verdict::Ok, "You approved", "") }
            }
            TestStand::Ended => {
                step(Verdict::Wrong, "Nobody came back", "The link ended. Run the test again.")
            }
            TestStand::Waiting => {
                let why = format!(
                    "If {provider} shows an error instead of its consent page, it most often is the redirect URI: \
                     compare http or https, host, port and a slash at the end, letter by letter."
                );
                let fix = Fix { uri: Some(self.connection.redirect_uri.clone()), ..Fix::why(why) };
                let says = format!("Sign in at {provider} in the other tab. This page follows by itself.");
                Step { fix: Some(fix), ..step(Verdict::Waiting, "Waiting for you", &says) }
            }
        }
    }

    fn exchange(&self, redirects: bool) -> Step {
        let (done, wrong) = match redirects {
            true => ("Code exchanged", "Code not exchanged"),
            false => ("Credential accepted", "Credential not accepted"),
        };
        let note = self.test.note(TrialStep::Exchange);
        let time = note.map(took).unwrap_or_default();
        if self.connected() {
            return Step { time, ..step(Verdict::Ok, done, "") };
        }
        if self.test.stand != TestStand::Failed || self.test.refused_by_provider {
            let waits = self.test.stand == TestStand::Exchanging
                || (!redirects && self.test.stand == TestStand::Waiting);
            return step(if waits { Verdict::Waiting } else { Verdict::NotReached }, done, "");
        }
        let code = self.test.failure.as_deref().unwrap_or_default();
        let (says, fix) = self.not_exchanged(code, note.map(|note| &note.seen));
        let fix = Fix { reference: self.test.reference.clone().unwrap_or_default(), ..fix };
        Step { time, fix: Some(fix), ..step(Verdict::Wrong, wrong, &format!("{says} ({code})")) }
    }

    fn not_exchanged(&self, code: &str, seen: Option<&Seen>) -> (String, Fix) {
        use keybearer_app::flows::trial::Cause;
        let known = seen.and_then(|seen| seen.cause);
        let cause = known.or_else(|| (code == "client_rejected").then_some(Cause::Client));
        if cause.is_some() {
            return self.about().fix(&Seen { cause, ..seen.cloned().unwrap_or_default() });
        }
        let provider = self.provider();
        let (says, fix) = match code {
            "provider_unavailable" | "provider_rate_limited" => (
                format!("{provider} did not answer in time."),
                Fix::why("Nothing was stored. The same link can be used again."),
            ),
            "egress_refused" => (
                "The token address leads to a private network, which this server does not contact."
                    .to_owned(),
                Fix::why("The operator can allow it: `egress.allow` in the configuration.")
                    .then("Open the set-up", self.about().setup("#h-cred")),
            ),
            "credential_rejected" => (
                format!("{provider} did not accept the credential."),
                Fix::why("Nothing was stored. Open the link again and compare what you paste."),
            ),
            _ => {
                let why = "Often the redirect URI differs from the one in the app at the provider, or the code was used before. Nothing was stored; the same link can be used again.";
                let fix = Fix { uri: Some(self.connection.redirect_uri.clone()), ..Fix::why(why) };
                (
                    "The person approved, but the provider gave no token.".to_owned(),
                    fix.then("Open the set-up", self.about().setup("")),
                )
            }
        };
        (says, fix.quoting(seen))
    }

    fn scopes(&self) -> Step {
        if !self.connected() {
            return unreached("Scopes granted");
        }
        let account = &self.test.account;
        let (missing, wanted) = (&account.missing_scopes, account.wanted_scopes.len());
        if account.granted_scopes.is_empty() {
            return step(Verdict::Ok, "Scopes", "The provider does not report what was granted.");
        }
        let list = account.granted_scopes.clone();
        if missing.is_empty() {
            let says = format!("{wanted} of {wanted}");
            return Step { list, ..step(Verdict::Ok, "Scopes granted", &says) };
        }
        let says = format!("{} of {wanted}. Not granted: {}", wanted - missing.len(), missing.join(", "));
        let why = "You left them out, or they are not switched on in the app at the provider.";
        let fix = Fix::why(why).then("Change the scopes", self.about().setup("#h-scopes"));
        Step { fix: Some(fix), list, ..step(Verdict::Odd, "Scopes granted in part", &says) }
    }

    fn refresh_token(&self) -> Step {
        if !self.connected() {
            return unreached("Refresh token");
        }
        match (self.test.has_refresh_token, self.test.account.access_expires_at) {
            (true, _) => step(Verdict::Ok, "Refresh token", "Got one: access goes on after you leave."),
            (false, None) => {
                step(Verdict::Ok, "Refresh token", "None, and none is needed: the access token does not end.")
            }
            (false, Some(_)) if !self.test.refreshes => {
                step(Verdict::Ok, "Refresh token", "None is needed here.")
            }
            (false, Some(end)) => {
                let says = format!("Connected, but only until {}.", clock(end));
                let why = format!(
                    "{} issued no refresh token: this connection does not ask to keep working after the user leaves.",
                    self.provider()
                );
                let fix = self.about().offline(Fix::why(why));
                Step { fix: Some(fix), ..step(Verdict::Odd, "No refresh token", &says) }
            }
        }
    }

    fn refresh(&self) -> Option<Step> {
        if !self.test.refreshes || (self.connected() && !self.test.has_refresh_token) {
            return None;
        }
        if !self.connected() {
            return self.method.has_redirect().then(|| unreached("Refreshed once"));
        }
        if let Some(note) = self.test.note(TrialStep::Refresh) {
            let time = took(note);
            if note.outcome == NoteOutcome::Ok {
                let says = "Access can go on without you.";
                return Some(Step { time, ..step(Verdict::Ok, "Refreshed once", says) });
            }
            let says = note.seen.code.as_deref().unwrap_or("no reason given").replace('_', " ");
            let fix = Fix::why("Everybody who connects would have to sign in again when the first token ends. The account's history has the details.")
                .then("The test account", format!("/accounts/{}", self.test.account.id));
            return Some(Step { time, fix: Some(fix), ..step(Verdict::Wrong, "Refresh failed", &says) });
        }
        Some(match &self.test.refresh {
            None if self.may_come(self.test.finished_at) => step(Verdict::Waiting, "Refreshed once", ""),
            None => step(Verdict::Waiting, "Refresh", "Not tried yet."),
            Some(record) if record.outcome == "refreshed" || record.reason.is_none() => {
                let time = format!("{} ms", record.duration_ms);
                Step { time, ..step(Verdict::Ok, "Refreshed once", "") }
            }
            Some(record) => {
                let says = format!("{} {}", record.outcome, record.reason.as_deref().unwrap_or_default());
                step(Verdict::Wrong, "Refresh failed", &says)
            }
        })
    }

    fn call(&self) -> Option<Step> {
        if !self.connected() {
            return self.test.kept.is_some().then(|| unreached("Test call"));
        }
        let Some(note) = self.test.note(TrialStep::Call) else {
            return self.may_come(self.test.finished_at).then(|| step(Verdict::Waiting, "Test call", ""));
        };
        let status = note.seen.status.map(|status| status.to_string()).unwrap_or_default();
        if note.outcome == NoteOutcome::Ok {
            return Some(Step { time: took(note), ..step(Verdict::Ok, "Test call", &status) });
        }
        let fix = Fix::why("The sign-in went well, the API did not take the token: often a scope is missing, or the API is not switched on for the app.")
            .then("Change the scopes", self.about().setup("#h-scopes"))
            .quoting(Some(&note.seen));
        let code = note.seen.code.clone().unwrap_or(status);
        Some(Step { time: took(note), fix: Some(fix), ..step(Verdict::Wrong, "Test call refused", &code) })
    }
}

/// `18:04:12` UTC.
fn clock(at: Timestamp) -> String {
    let exact = at.rfc3339();
    format!("{} UTC", exact.get(11..19).unwrap_or(&exact))
}
