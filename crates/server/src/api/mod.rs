//! The API: one handler for each RPC, reached by gRPC and by REST.

pub mod proto;
