//! One piece of work for one key at a time: callers that come while it runs share its result.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use keybearer_core::{Error, Result};
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

/// The work that is under way, by key.
pub(crate) struct Flights<K, V> {
    open: Arc<Mutex<HashMap<K, watch::Receiver<Option<V>>>>>,
    tracker: TaskTracker,
}

impl<K, V> Default for Flights<K, V> {
    fn default() -> Self {
        Self { open: Arc::default(), tracker: TaskTracker::new() }
    }
}

impl<K, V> Flights<K, V>
where
    K: Clone + Eq + Hash + Send + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// Joins the work under way for `key`, or starts `work` in a task of its own: a caller that goes away does
    /// not stop it.
    ///
    /// # Errors
    /// [`keybearer_core::Code::Internal`] when the task panicked.
    pub async fn join<F>(&self, key: K, work: impl FnOnce() -> F) -> Result<V>
    where
        F: Future<Output = V> + Send + 'static,
    {
        let mut receiver = self.enter(key, work);
        loop {
            let value = receiver.borrow_and_update().clone();
            if let Some(value) = value {
                return Ok(value);
            }
            receiver.changed().await.map_err(|_| Error::internal("the shared work was interrupted"))?;
        }
    }

    fn enter<F>(&self, key: K, work: impl FnOnce() -> F) -> watch::Receiver<Option<V>>
    where
        F: Future<Output = V> + Send + 'static,
    {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(receiver) = open.get(&key) {
            // a sender that is gone without a value panicked; its place is free
            if receiver.has_changed().is_ok() {
                return receiver.clone();
            }
        }
        let (sender, receiver) = watch::channel(None);
        open.insert(key.clone(), receiver.clone());
        let (map, future) = (Arc::clone(&self.open), work());
        self.tracker.spawn(async move {
            let value = future.await;
            // out of the map first: whoever comes after the result must look at the database again
            map.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
            let _ = sender.send(Some(value));
        });
        receiver
    }

    /// Waits until everything that was started has ended.
    pub async fn drain(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }

    /// How many pieces of work are under way.
    pub fn len(&self) -> usize {
        self.tracker.len()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn callers_share_one_run_and_its_value() {
        let flights: Arc<Flights<&str, usize>> = Arc::default();
        let (runs, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let callers: Vec<_> = (0..100)
            .map(|_| {
                let (flights, runs, gate) = (Arc::clone(&flights), Arc::clone(&runs), Arc::clone(&gate));
                tokio::spawn(async move {
                    let work = || async move {
                        gate.notified().await;
                        runs.fetch_add(1, Ordering::SeqCst) + 41
                    };
                    flights.join("account", work).await.unwrap()
                })
            })
            .collect();
        while flights.len() == 0 {
            tokio::task::yield_now().await;
        }
        for _ in 0..200 {
            tokio::task::yield_now().await;
        }
        gate.notify_waiters();
        gate.notify_one();
        for caller in callers {
            assert_eq!(caller.await.unwrap(), 41);
        }
        assert_eq!(runs.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn work_goes_on_when_its_caller_leaves() {
        let flights: Arc<Flights<u8, ()>> = Arc::default();
        let (gate, done) = (Arc::new(Notify::new()), Arc::new(AtomicUsize::new(0)));
        let (gate2, done2, flights2) = (Arc::clone(&gate), Arc::clone(&done), Arc::clone(&flights));
        let caller = tokio::spawn(async move {
            let work = || async move {
                gate2.notified().await;
                done2.fetch_add(1, Ordering::SeqCst);
            };
            flights2.join(1, work).await
        });
        while flights.len() == 0 {
            tokio::task::yield_now().await;
        }
        caller.abort();
        gate.notify_one();
        flights.drain().await;
        assert_eq!(done.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_panic_is_an_error_and_frees_the_key() {
        let flights: Flights<u8, u8> = Flights::default();
        assert!(flights.join(1, || async { panic!("planted") }).await.is_err());
        assert_eq!(flights.join(1, || async { 7 }).await.unwrap(), 7);
    }
}
