//! Sending to one endpoint. Whoever holds the lease on its queue does it alone, so of each account one event is
//! under way at most; what came of it is on the disk before the next one leaves.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use keybearer_core::ids::{EventId, WebhookEndpointId};
use keybearer_core::{Error, Result, SecretBytes};
use keybearer_store::{DeliveryRow, EndpointHealth, EndpointRow, EndpointState, StoreError};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::schedule::BREAKER;
use super::send::{self, Outcome};
use super::{ending, secrets};
use crate::state::App;

/// How often a result is written anew while the database is away, and how long apart. After that the events are
/// sent again: at least once is the promise.
const WRITES: u32 = 20;
const BETWEEN_WRITES: Duration = Duration::from_millis(500);

/// What the names of owners of queues begin with.
const OWNER: &str = "webhooks/";

/// A finished try.
pub(super) type Finished = (DeliveryRow, Outcome);

/// The queue of one endpoint in the hands of this process.
pub(super) struct Lane {
    app: App,
    id: WebhookEndpointId,
    /// How the endpoint does, as far as this process knows.
    health: EndpointHealth,
    target: Option<Arc<Target>>,
    queue: VecDeque<DeliveryRow>,
    under_way: BTreeSet<EventId>,
    running: JoinSet<(DeliveryRow, Result<Outcome>)>,
    /// When the lease was last taken.
    leased: Option<Instant>,
}

/// Where a request goes, and what signs it.
struct Target {
    url: String,
    keys: Vec<SecretBytes>,
}

impl Lane {
    pub fn new(app: &App, id: WebhookEndpointId) -> Self {
        Self {
            app: app.clone(),
            id,
            health: EndpointHealth::default(),
            target: None,
            queue: VecDeque::new(),
            under_way: BTreeSet::new(),
            running: JoinSet::new(),
            leased: None,
        }
    }

    /// Sends until nothing is due or `stop`; requests under way always end and are written down.
    ///
    /// # Errors
    /// [`keybearer_core::Code::DatabaseUnavailable`]; what was not written down is sent again.
    pub async fn run(mut self, stop: &CancellationToken) -> Result<()> {
        let outcome = self.work(stop).await;
        if self.leased.is_some() {
            self.app.db().release_job(&self.lease_name(), &owner(&self.app)).await?;
        }
        outcome
    }

    async fn work(&mut self, stop: &CancellationToken) -> Result<()> {
        let mut trouble = Ok(());
        loop {
            if trouble.is_ok() && !stop.is_cancelled() {
                trouble = self.fill().await;
            }
            if self.running.is_empty() {
                return trouble;
            }
            let finished = match self.collect().await {
                (finished, None) => finished,
                (finished, Some(error)) => {
                    trouble = Err(error);
                    finished
                }
            };
            trouble = trouble.and(self.write(&finished).await);
        }
    }

    /// Starts as many requests as may run at once.
    async fn fill(&mut self) -> Result<()> {
        if self.queue.is_empty() {
            self.look().await?;
        }
        while self.running.len() < self.at_once() && self.may_send() {
            let (Some(delivery), Some(target)) = (self.queue.pop_front(), self.target.clone()) else {
                return Ok(());
            };
            self.under_way.insert(delivery.event_id.clone());
            let app = self.app.clone();
            self.running.spawn(async move {
                let outcome = attempt(&app, &target, &delivery).await;
                (delivery, outcome)
            });
        }
        Ok(())
    }

    /// Reads what is due, the endpoint as it is now, and its secrets. The lease is taken only when there is
    /// something to do, and what is due is read again under it.
    async fn look(&mut self) -> Result<()> {
        let due = self.due().await?;
        if due.is_empty() || !self.take_lease().await? {
            return Ok(());
        }
        let endpoint = self.app.db().find_live_endpoint(&self.id).await?;
        let Some(endpoint) = endpoint.filter(|endpoint| self.is_open(endpoint)) else {
            return Ok(());
        };
        self.health = health(&endpoint);
        let keys = secrets::keys(&self.app, &self.id).await?;
        self.target = Some(Arc::new(Target { url: endpoint.url, keys }));
        self.queue = self.due().await?.into();
        Ok(())
    }

    async fn due(&self) -> Result<Vec<DeliveryRow>> {
        let wanted = self.under_way.len() + 2 * self.app.config().webhooks.at_once;
        let limit = i64::try_from(wanted).unwrap_or(i64::MAX);
        let rows = self.app.db().list_due_deliveries(&self.id, self.app.now(), limit).await?;
        Ok(rows.into_iter().filter(|row| !self.under_way.contains(&row.event_id)).collect())
    }

    fn is_open(&self, endpoint: &EndpointRow) -> bool {
        let rested = endpoint.retry_at.is_none_or(|until| until <= self.app.now());
        endpoint.state == EndpointState::Active && rested
    }

    fn may_send(&self) -> bool {
        let held = self.leased.is_some_and(|at| at.elapsed() < self.app.config().webhooks.lease);
        held && self.health.retry_at.is_none_or(|until| until <= self.app.now())
    }

    /// The more tries failed in a row, the fewer run at once; an endpoint whose breaker opened is asked with one
    /// request whether it works again.
    fn at_once(&self) -> usize {
        let failed = usize::try_from(self.health.failure_count).unwrap_or(usize::MAX);
        match self.health.failure_count >= BREAKER {
            true => 1,
            false => self.app.config().webhooks.at_once.saturating_sub(failed).max(1),
        }
    }

    /// Waits for a request to end, and takes along all that ended. Says that this node lives meanwhile. An error
    /// ends the sending, not what is under way.
    async fn collect(&mut self) -> (Vec<Finished>, Option<Error>) {
        let (mut finished, mut trouble) = (Vec::new(), None);
        let pause = self.app.config().webhooks.lease / 3;
        while finished.is_empty() && trouble.is_none() {
            let ended = tokio::select! {
                ended = self.running.join_next() => ended,
                () = sleep(pause) => {
                    trouble = self.take_lease().await.err();
                    continue;
                }
            };
            let Some(ended) = ended else { break };
            let mut next = Some(ended);
            while let Some(ended) = next {
                match ended {
                    Ok((row, Ok(outcome))) => finished.push((row, outcome)),
                    Ok((row, Err(error))) => {
                        self.under_way.remove(&row.event_id);
                        trouble = Some(error);
                    }
                    Err(_) => trouble = Some(Error::internal("sending a webhook panicked")),
                }
                next = self.running.try_join_next();
            }
        }
        (finished, trouble)
    }

    /// Writes down what came of tries, until the database takes it.
    async fn write(&mut self, finished: &[Finished]) -> Result<()> {
        if finished.is_empty() {
            return Ok(());
        }
        let judged = ending::judge(&self.app, self.health, finished)?;
        let mut written = Ok(());
        for _ in 0..WRITES {
            let (results, health) = (&judged.results, &judged.health);
            written = self.app.db().finish_tries(&self.id, results, health, judged.hasten).await;
            match &written {
                Err(StoreError::Unavailable { .. }) => sleep(BETWEEN_WRITES).await,
                _ => break,
            }
        }
        written?;
        for (row, _) in finished {
            self.under_way.remove(&row.event_id);
        }
        self.health = judged.health;
        if !self.may_send() {
            self.queue.clear();
        }
        if let Some(reason) = judged.disable {
            self.queue.clear();
            ending::disable(&self.app, &self.id, reason).await?;
        }
        self.take_lease().await.map(|_| ())
    }

    /// Takes or renews the lease where a third of it is over; false when another node has it.
    async fn take_lease(&mut self) -> Result<bool> {
        let lease = self.app.config().webhooks.lease;
        if self.leased.is_some_and(|at| at.elapsed() < lease / 3) {
            return Ok(true);
        }
        if self.leased.is_none_or(|at| at.elapsed() >= lease) {
            // somebody else may have had the queue: what was read from it is stale
            self.queue.clear();
        }
        let asked = Instant::now();
        let taken = self.app.db().take_job(&self.lease_name(), &owner(&self.app), lease).await?;
        self.leased = taken.then_some(asked);
        Ok(taken)
    }

    fn lease_name(&self) -> String {
        format!("webhooks:{}", self.id)
    }
}

/// Names this run as owner of queues. Not by the plain name of the node, whose leases end during the start.
fn owner(app: &App) -> String {
    format!("{OWNER}{}", app.node())
}

/// Ends the leases of queues that an earlier run of this node left behind.
pub(super) async fn end_former(app: &App) -> Result<()> {
    app.db().end_leases_of(&format!("{OWNER}{}", app.node_prefix())).await?;
    Ok(())
}

async fn attempt(app: &App, target: &Target, delivery: &DeliveryRow) -> Result<Outcome> {
    let event = app.db().find_event(&delivery.event_id).await?;
    let event = event.ok_or_else(|| Error::internal("the event of a delivery is not there"))?;
    send::send(app, &target.url, &target.keys, &event.into()).await
}

fn health(endpoint: &EndpointRow) -> EndpointHealth {
    EndpointHealth {
        failure_count: endpoint.failure_count,
        failing_since: endpoint.failing_since,
        retry_at: endpoint.retry_at,
        last_success_at: endpoint.last_success_at,
    }
}
