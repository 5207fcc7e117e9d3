//! How much one account, one connection and one environment may call, so that one agent cannot get the app that all
//! share throttled at the provider (`threats.md` E23). Each node counts its own calls.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use http::Response;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use keybearer_core::ids::AccountId;
use keybearer_core::{Code, Error, Result};
use keybearer_egress::{BodyStream, BoxError};
use keybearer_store::AccountRow;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::ProxyLimits;

/// The counters of this node.
pub(crate) struct Caps {
    accounts: DefaultKeyedRateLimiter<String>,
    connections: DefaultKeyedRateLimiter<String>,
    environments: DefaultKeyedRateLimiter<String>,
    at_once: usize,
    under_way: Mutex<HashMap<AccountId, Arc<Semaphore>>>,
}

impl Caps {
    /// Counters with these limits.
    pub fn new(limits: &ProxyLimits) -> Self {
        Self {
            accounts: lane(limits.account_calls_per_second),
            connections: lane(limits.connection_calls_per_second),
            environments: lane(limits.environment_calls_per_second),
            at_once: limits.account_calls_at_once.get() as usize,
            under_way: Mutex::default(),
        }
    }

    /// Counts one call. It is under way until the permit is dropped.
    ///
    /// # Errors
    /// [`Code::RateLimited`] with the time to wait.
    pub fn enter(&self, row: &AccountRow) -> Result<OwnedSemaphorePermit> {
        within(&self.accounts, row.id.to_string(), "this account")?;
        within(&self.connections, row.connection_id.to_string(), "all accounts of this connection")?;
        within(&self.environments, row.environment_id.to_string(), "this environment")?;
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        let slots = under_way.entry(row.id.clone()).or_insert_with(|| Arc::new(Semaphore::new(self.at_once)));
        Arc::clone(slots).try_acquire_owned().map_err(|_| {
            Error::new(Code::RateLimited, "too many calls of this account are under way").with_retry_after(1)
        })
    }

    /// Forgets accounts and connections that have not called for a while.
    pub fn tidy(&self) {
        for lane in [&self.accounts, &self.connections, &self.environments] {
            lane.retain_recent();
            lane.shrink_to_fit();
        }
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        under_way.retain(|_, slots| slots.available_permits() < self.at_once);
    }
}

fn lane(per_second: NonZeroU32) -> DefaultKeyedRateLimiter<String> {
    RateLimiter::keyed(Quota::per_second(per_second).allow_burst(per_second.saturating_mul(TWICE)))
}

/// How many seconds' worth of calls may come at once.
const TWICE: NonZeroU32 = NonZeroU32::new(2).unwrap();

fn within(lane: &DefaultKeyedRateLimiter<String>, key: String, who: &str) -> Result<()> {
    lane.check_key(&key).map_err(|not_before| {
        let wait = not_before.wait_time_from(DefaultClock::default().now());
        let seconds = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1);
        Error::new(Code::RateLimited, format!("{who} calls too often"))
            .with_help("spread the calls; the operator sets the limit under `proxy` in the configuration")
            .with_retry_after(seconds)
    })
}

/// The answer, under way until its body has ended or is dropped.
pub(super) fn hold(answer: Response<BodyStream>, permit: OwnedSemaphorePermit) -> Response<BodyStream> {
    answer.map(|body| Held { body, _permit: permit }.boxed_unsync())
}

struct Held {
    body: BodyStream,
    _permit: OwnedSemaphorePermit,
}

impl Body for Held {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
