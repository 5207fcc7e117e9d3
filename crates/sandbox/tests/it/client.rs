//! A small HTTP/1.1 client over a plain socket: one request a connection, nothing followed.

use std::net::SocketAddr;

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use serde_json::Value;

/// An answer, fully read.
pub struct Reply {
    pub status: u16,
    pub headers: http::HeaderMap,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {}", self.text()))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn location(&self) -> url::Url {
        url::Url::parse(self.header("location")).unwrap()
    }

    /// A parameter of the query of `Location`.
    pub fn param(&self, name: &str) -> Option<String> {
        self.location().query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }
}

/// Sends one request; `Err` when the connection ends without a whole answer.
pub async fn send(address: SocketAddr, request: http::Request<Full<Bytes>>) -> Result<Reply, hyper::Error> {
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let driver = tokio::spawn(connection);
    let response = sender.send_request(request).await?;
    let (parts, body) = response.into_parts();
    let body = body.collect().await?.to_bytes().to_vec();
    driver.abort();
    Ok(Reply { status: parts.status.as_u16(), headers: parts.headers, body })
}

/// A request builder with the usual headers.
pub fn request(method: &str, path: &str) -> http::request::Builder {
    http::Request::builder().method(method).uri(path).header("host", "postcards.test")
}

pub fn form_body(pairs: &[(&str, &str)]) -> Full<Bytes> {
    Full::new(Bytes::from(form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()))
}
