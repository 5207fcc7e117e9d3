//! Webhooks: what happens to accounts, sent to the developer's own program.
//!
//! A delivery is queued in the transaction of the change that it reports. One node at a time sends to an endpoint
//! (a lease on its queue), keeps the order of each account, and writes down what came of it before it goes on.

mod deliveries;
mod ending;
mod endpoints;
mod lane;
mod probe;
mod samples;
mod schedule;
mod secrets;
mod send;
mod sign;
mod types;
mod url;
mod worker;

pub use deliveries::{find_delivery, list_deliveries, replay, replay_since};
pub use endpoints::{FAILING_AFTER, create, delete, failing, get, list, pause, resume, update};
pub use keybearer_store::{DeliveryState, EndpointState};
pub use probe::{Probe, probe};
pub use samples::{example, send_sample, send_sample_to_all};
pub use secrets::rotate;
pub use types::{Attempt, CreateEndpoint, Delivery, Endpoint, NewSecret, SigningSecret, UpdateEndpoint};
pub(crate) use worker::{KEPT, run as run_background, tidy};
