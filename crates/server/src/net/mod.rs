//! The one listener: HTTP/1.1, HTTP/2 with prior knowledge and TLS on the same port, told apart by the first bytes.

mod connection;
mod listener;
mod sniff;
pub mod tls;

pub use listener::{Limits, Listener, Shutdown};
