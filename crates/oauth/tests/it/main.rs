//! Properties of the public API: parsers never panic, and nothing prints a secret.

mod canary;
mod properties;
