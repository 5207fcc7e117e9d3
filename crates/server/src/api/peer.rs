//! Who is at the other end of the connection. It belongs to the task that answers, so that no way in, present or
//! future, can forget to hand it to the check of an API client's networks.

use std::net::{IpAddr, SocketAddr};

tokio::task_local! {
    static PEER: Option<SocketAddr>;
}

/// Answers a request with its peer known.
pub(super) async fn scope<T>(peer: Option<SocketAddr>, answer: impl Future<Output = T>) -> T {
    PEER.scope(peer, answer).await
}

/// The address that the present request came from: the socket's own, never a header's. `None` outside of a request.
pub fn address() -> Option<IpAddr> {
    PEER.try_with(|peer| *peer).ok().flatten().map(|peer| peer.ip())
}
