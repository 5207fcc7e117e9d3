//! A service that records what reaches it, byte for byte, and answers as its path says.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What one request was.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The request line and the headers.
    pub head: String,
    /// How many bytes of body came.
    pub body: usize,
}

#[derive(Clone)]
pub struct Upstream {
    pub origin: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Upstream {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let record = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket, Arc::clone(&record)));
            }
        });
        Self { origin, seen }
    }

    /// What came since the last time this was asked.
    pub fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

async fn serve(mut socket: TcpStream, seen: Arc<Mutex<Vec<Seen>>>) {
    let mut read = Vec::new();
    loop {
        let Some(end) = find(&read, b"\r\n\r\n") else {
            let mut buffer = vec![0; 16 * 1024];
            match socket.read(&mut buffer).await {
                Ok(size) if size > 0 => read.extend_from_slice(&buffer[..size]),
                _ => return,
            }
            continue;
        };
        let head = String::from_utf8_lossy(&read[..end]).into_owned();
        let rest = read.split_off(end + 4);
        let Some((body, left)) = body(&mut socket, &head, rest).await else { return };
        read = left;
        seen.lock().unwrap().push(Seen { head: head.clone(), body });
        if answer(&mut socket, &head).await.is_none() {
            return;
        }
    }
}

/// Reads the body; gives its length and what came behind it.
async fn body(socket: &mut TcpStream, head: &str, mut read: Vec<u8>) -> Option<(usize, Vec<u8>)> {
    let lower = head.to_ascii_lowercase();
    let header = |name: &str| {
        lower.lines().find_map(|line| line.strip_prefix(name).map(|value| value.trim().to_owned()))
    };
    let mut buffer = vec![0; 64 * 1024];
    if let Some(length) = header("content-length:").and_then(|length| length.parse::<usize>().ok()) {
        let mut got = read.len();
        while got < length {
            let size = socket.read(&mut buffer).await.ok().filter(|size| *size > 0)?;
            got += size;
        }
        let left = if read.len() > length { read.split_off(length) } else { Vec::new() };
        return Some((length, left));
    }
    if header("transfer-encoding:").is_some() {
        let (mut total, mut tail) = (read.len(), read);
        while !tail.ends_with(b"0\r\n\r\n") {
            let size = socket.read(&mut buffer).await.ok().filter(|size| *size > 0)?;
            total += size;
            tail.extend_from_slice(&buffer[..size]);
            let from = tail.len().saturating_sub(16);
            tail.drain(..from);
        }
        return Some((total, Vec::new()));
    }
    Some((0, read))
}

async fn answer(socket: &mut TcpStream, head: &str) -> Option<()> {
    let path = head.split(' ').nth(1)?;
    let plain = |status: &str, headers: &str, body: &str| {
        format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len())
    };
    let text = match path.split('?').next()?.trim_start_matches("/v1") {
        "/redirect" => plain("302 Found", "location: http://127.0.0.1:9/elsewhere\r\n", ""),
        "/echo" => {
            plain("200 OK", "content-type: text/plain\r\nset-cookie: a=b\r\nauthorization: x\r\n", head)
        }
        "/empty" => "HTTP/1.1 204 No Content\r\n\r\n".to_owned(),
        "/endless" => {
            socket.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await.ok()?;
            let chunk = [b"10000\r\n".as_slice(), &[b'x'; 0x10000], b"\r\n"].concat();
            while socket.write_all(&chunk).await.is_ok() {}
            return None;
        }
        "/large" => {
            let size = 64 << 20;
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {size}\r\n\r\n");
            socket.write_all(head.as_bytes()).await.ok()?;
            let piece = vec![b'x'; 1 << 20];
            for _ in 0..64 {
                socket.write_all(&piece).await.ok()?;
            }
            return Some(());
        }
        "/events" => {
            let head =
                "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
            socket.write_all(format!("{head}9\r\ndata: 1\n\n\r\n").as_bytes()).await.ok()?;
            // the second event comes when the first has arrived: the test sends another request then
            return None.or(std::future::pending().await);
        }
        "/refused" => plain("401 Unauthorized", "www-authenticate: Bearer error=\"invalid_token\"\r\n", "{}"),
        _ => plain("200 OK", "content-type: application/json\r\nx-upstream: yes\r\n", "{\"ok\":true}"),
    };
    socket.write_all(text.as_bytes()).await.ok()
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}
