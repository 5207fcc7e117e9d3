//! What HTTP/2 clients do on a connection, frame by frame: grpc-core sends PINGs for ever, also without a call.

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use http::{Request, Response};
use keybearer_server::net::{Limits, Listener, Shutdown};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const ACK: u8 = 1;

async fn start(limits: Limits) -> SocketAddr {
    let listener = Listener::bind("127.0.0.1:0".parse().unwrap(), None, limits).await.unwrap();
    let address = listener.local_addr().unwrap();
    let respond = |_: Request<Body>| async { Response::new(Body::empty()) };
    tokio::spawn(listener.serve(respond, Shutdown::default()));
    address
}

/// The client's side of a connection, in frames.
struct Client(TcpStream);

impl Client {
    async fn connect(address: SocketAddr) -> Self {
        let mut client = Self(TcpStream::connect(address).await.unwrap());
        client.0.write_all(PREFACE).await.unwrap();
        client.send(SETTINGS, 0, &[]).await;
        client
    }

    async fn send(&mut self, kind: u8, flags: u8, payload: &[u8]) {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let mut frame = vec![length[1], length[2], length[3], kind, flags, 0, 0, 0, 0];
        frame.extend_from_slice(payload);
        self.0.write_all(&frame).await.unwrap();
    }

    /// The next frame: kind, flags, payload. Nothing when the server has closed the connection.
    async fn next(&mut self) -> Option<(u8, u8, Vec<u8>)> {
        let mut head = [0; 9];
        self.0.read_exact(&mut head).await.ok()?;
        let mut payload =
            vec![0; usize::try_from(u32::from_be_bytes([0, head[0], head[1], head[2]])).unwrap()];
        self.0.read_exact(&mut payload).await.ok()?;
        Some((head[3], head[4], payload))
    }

    /// Reads until a PING that is or is not an answer; a GOAWAY or the end fails.
    async fn ping(&mut self, flags: u8) -> Vec<u8> {
        loop {
            match self.next().await.expect("the connection stays open") {
                (PING, given, payload) if given == flags => return payload,
                (GOAWAY, _, payload) => panic!("GOAWAY {payload:?}"),
                _ => {}
            }
        }
    }
}

#[tokio::test]
async fn pings_without_a_call_are_answered_as_often_as_they_come() {
    let mut client = Client::connect(start(Limits::default()).await).await;
    for number in 0..300_u64 {
        client.send(PING, 0, &number.to_be_bytes()).await;
        assert_eq!(client.ping(ACK).await, number.to_be_bytes());
    }
}

#[tokio::test]
async fn a_quiet_client_stays_while_it_answers_pings_and_goes_when_it_does_not() {
    // the server asks after six times the time for a head, and waits twice that time
    let limits = Limits { head: Duration::from_millis(20), ..Limits::default() };
    let mut client = Client::connect(start(limits).await).await;
    for _ in 0..8 {
        let asked = client.ping(0).await;
        client.send(PING, ACK, &asked).await;
    }
    let gone =
        tokio::time::timeout(Duration::from_secs(10), async { while client.next().await.is_some() {} });
    gone.await.expect("a client that is silent is dropped");
}
