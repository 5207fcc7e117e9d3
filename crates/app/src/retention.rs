//! What is kept for how long, as the jobs do it.

use std::time::Duration;

use crate::{figures, flows, members, sessions, webhooks};

/// The times that cannot be changed. How long calls are kept is a setting of each environment
/// ([`crate::environments::Environment::call_log_days`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// Connect links and what became of them, after they ended.
    pub links: Duration,
    /// Webhook deliveries, after they ended.
    pub deliveries: Duration,
    /// Daily counts of accounts.
    pub counts: Duration,
    /// Sessions of the dashboard, without use.
    pub idle_session: Duration,
    /// Sessions of the dashboard at most.
    pub session: Duration,
    /// Links with which members come in, after they ended.
    pub member_links: Duration,
    /// Counted tries at passwords, after the last one.
    pub tries: Duration,
}

/// Taken from where each of them is applied.
pub const TIMES: Times = Times {
    links: flows::KEEP,
    deliveries: webhooks::KEPT,
    counts: Duration::from_secs(figures::CENSUS_DAYS.unsigned_abs() * 86_400),
    idle_session: sessions::IDLE,
    session: sessions::LIFETIME,
    member_links: members::KEEP,
    tries: sessions::COUNTED,
};
