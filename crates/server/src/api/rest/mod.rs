//! REST, projected from the contract: an HTTP call becomes a message, goes through the same gate and handler as a
//! gRPC call, and the answer becomes JSON.

mod json;
pub mod openapi;
mod params;
mod paths;
mod schema;
mod transcode;
mod words;

pub use transcode::Rest;
