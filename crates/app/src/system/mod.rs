//! What has to be right before anything else can be: the system check of the dashboard and `keybearer doctor`.
//!
//! Each check catches its own failure. What needs the network takes seconds: it runs once a minute at most, beside the
//! page that shows it.

mod local;
mod providers;
mod report;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use keybearer_core::ids::EnvironmentId;
use keybearer_core::{Error, Result, SecretString, Timestamp};

use crate::access::{Caller, Permission};
use crate::state::App;
use crate::{members, reach, sso};

/// How long a look outside is good for.
const KEPT: Duration = Duration::from_secs(60);
/// After this one that has not ended is taken for lost.
const LOST: Duration = Duration::from_secs(30);

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing to do.
    Good,
    /// It works, and somebody should look at it.
    Odd,
    /// It does not work.
    Bad,
}

impl State {
    /// The word of reports: `ok`, `odd`, `problem`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Odd => "odd",
            Self::Bad => "problem",
        }
    }
}

/// One line of the system check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What was looked at.
    pub topic: String,
    /// How it ended.
    pub state: State,
    /// What was found, in a sentence.
    pub says: String,
    /// What to do; empty when there is nothing to do.
    pub fix: String,
}

/// The whole system check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// When it was made.
    pub at: Timestamp,
    /// The version of this program.
    pub version: &'static str,
    /// The lines.
    pub checks: Vec<Check>,
    /// The look outside is still under way: its lines are missing.
    pub waiting: bool,
    /// When somebody last looked outside.
    pub looked_at: Option<Timestamp>,
    names: Vec<String>,
}

/// What is remembered of looks outside, for each environment.
#[derive(Debug)]
pub(crate) struct Memory {
    started: Timestamp,
    looks: Mutex<HashMap<EnvironmentId, Look>>,
}

/// One look outside.
#[derive(Clone, Debug, Default)]
struct Look {
    begun: Option<Timestamp>,
    ended: Option<Timestamp>,
    checks: Vec<Check>,
    names: Vec<String>,
}

impl Memory {
    /// A process that begins now.
    pub fn new(started: Timestamp) -> Self {
        Self { started, looks: Mutex::default() }
    }

    fn of(&self, environment: &EnvironmentId) -> Look {
        let looks = self.looks.lock().unwrap_or_else(PoisonError::into_inner);
        looks.get(environment).cloned().unwrap_or_default()
    }

    /// True for the one that is to look now.
    fn begin(&self, environment: &EnvironmentId, now: Timestamp, kept: Duration) -> bool {
        let mut looks = self.looks.lock().unwrap_or_else(PoisonError::into_inner);
        let look = looks.entry(environment.clone()).or_default();
        let fresh = look.ended.is_some_and(|at| now.since(at) < kept);
        let running = look.begun.is_some_and(|at| now.since(at) < LOST);
        if fresh || running {
            return false;
        }
        look.begun = Some(now);
        true
    }

    fn end(&self, environment: &EnvironmentId, look: Look) {
        let mut looks = self.looks.lock().unwrap_or_else(PoisonError::into_inner);
        looks.insert(environment.clone(), look);
    }
}

/// The checks that need no network, with what the last look outside found. When that is older than a minute, another
/// one begins beside this call, and the report says that it waits.
///
/// # Errors
/// [`keybearer_core::Code::PermissionDenied`].
pub async fn glance(app: &App, caller: &Caller) -> Result<Report> {
    caller.require(Permission::LogsRead)?;
    let begins = app.system().begin(&caller.environment, app.now(), KEPT);
    // what is known now, however soon the look outside is over
    let look = app.system().of(&caller.environment);
    if begins {
        let (app, caller) = (app.clone(), caller.clone());
        tokio::spawn(async move { outside(&app, &caller).await });
    }
    Ok(report(app, caller, look).await)
}

/// Every check, made now; a look outside that is under way is waited for.
///
/// # Errors
/// [`keybearer_core::Code::PermissionDenied`].
pub async fn check(app: &App, caller: &Caller) -> Result<Report> {
    caller.require(Permission::LogsRead)?;
    if app.system().begin(&caller.environment, app.now(), Duration::from_secs(3)) {
        outside(app, caller).await;
    }
    for _ in 0..100 {
        if app.system().of(&caller.environment).begun.is_none() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(report(app, caller, app.system().of(&caller.environment)).await)
}

/// What has to be right before the first owner is made: address, encryption key, database. Only for whoever has the set-up
/// link. The address may take seconds: after `patience` its line is missing, and comes with a later call.
///
/// # Errors
/// [`keybearer_core::Code::LinkExpired`].
pub async fn at_setup(app: &App, link: &SecretString, patience: Duration) -> Result<(Vec<Check>, bool)> {
    members::check_setup(app, link).await?;
    let asker = app.clone();
    // on its own: a page that comes without it does not end it
    let asking = tokio::spawn(async move { said(reach::at_setup(&asker).await.said()) });
    let (address, (key, database)) =
        tokio::join!(tokio::time::timeout(patience, asking), local::before_the_first_owner(app));
    let address = address.ok().and_then(std::result::Result::ok);
    let waiting = address.is_none();
    Ok((address.into_iter().chain([key, database]).collect(), waiting))
}

async fn report(app: &App, caller: &Caller, look: Look) -> Report {
    let mut checks = local::all(app, caller, app.system().started).await;
    let at = usize::from(!checks.is_empty());
    checks.splice(at..at, look.checks);
    Report {
        at: app.now(),
        version: env!("CARGO_PKG_VERSION"),
        checks,
        waiting: look.begun.is_some(),
        looked_at: look.ended,
        names: look.names,
    }
}

/// Everything that needs the network.
async fn outside(app: &App, caller: &Caller) {
    let asked = (address(app, caller), sso::check(app), providers::all(app, caller));
    let (address, sign_on, (mut found, mut names)) = tokio::join!(asked.0, asked.1, asked.2);
    if let Some((host, outcome)) = sign_on {
        names.push(host);
        found.insert(0, sign_on_line(outcome));
    }
    found.insert(0, address);
    let look = Look { begun: None, ended: Some(app.now()), checks: found, names };
    app.system().end(&caller.environment, look);
}

async fn address(app: &App, _: &Caller) -> Check {
    said(reach::asked_again(app).await.said())
}

fn said(said: reach::Said) -> Check {
    match (said.ok, said.why.is_empty()) {
        (true, true) => Check::good("Address", said.what),
        (true, false) => Check::odd("Address", format!("{} {}", said.what, said.why), said.fix),
        (false, _) => Check::bad("Address", format!("{} {}", said.what, said.why), said.fix),
    }
}

fn sign_on_line(outcome: std::result::Result<String, (String, String)>) -> Check {
    match outcome {
        Ok(says) => Check::good("Single sign-on", says),
        Err((says, fix)) => Check::bad("Single sign-on", says, fix),
    }
}

impl Check {
    fn good(topic: impl Into<String>, says: impl Into<String>) -> Self {
        Self { topic: topic.into(), state: State::Good, says: says.into(), fix: String::new() }
    }

    fn odd(topic: impl Into<String>, says: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { topic: topic.into(), state: State::Odd, says: says.into(), fix: fix.into() }
    }

    fn bad(topic: impl Into<String>, says: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { topic: topic.into(), state: State::Bad, says: says.into(), fix: fix.into() }
    }

    /// A check that could not be made.
    fn failed(topic: &str, error: &Error) -> Self {
        let fix = error.help.clone().map_or_else(
            || "See the server's log; the other checks go on without this one.".to_owned(),
            |help| help.to_string(),
        );
        Self::bad(topic, format!("{} {}", error.code.title(), error.detail), fix)
    }
}
