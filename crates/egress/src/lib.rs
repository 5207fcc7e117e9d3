#![doc = include_str!("../README.md")]

mod address;
mod body;
#[cfg(test)]
mod breaking;
mod client;
mod connector;
mod error;
mod policy;
mod resolve;
mod socket;
mod target;
mod tls;

pub use body::{BodyStream, BoxError, body_from, empty_body};
pub use client::{Egress, Limits, StreamLimits};
pub use connector::Timings;
pub use error::{Cause, EgressError, PolicyError};
pub use policy::{AllowRule, Policy};
pub use resolve::{Resolve, ResolveFuture, SystemResolver};
pub use tls::{Root, read_roots};
