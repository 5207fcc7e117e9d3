//! A receiver of webhooks that we did not take from the code under test, and a world whose worker looks often.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keybearer_app::AppConfig;
use keybearer_app::accounts::{self, Lookup, UpdateAccount};
use keybearer_app::jobs::{self, Jobs};
use keybearer_app::webhooks::{self, CreateEndpoint, Endpoint, NewSecret};
use keybearer_core::FixedClock;
use keybearer_testkit::TEST_TIME;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::accounts::{connection, make, new, tokens};
use crate::harness::{Setup, World};

/// Runs each named function on SQLite and on PostgreSQL, with a worker that looks often.
macro_rules! on_both_hooked {
    ($($name:ident),* $(,)?) => {$(
        mod $name {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                super::$name(&crate::hooks::sqlite().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                super::$name(&crate::hooks::postgres().await).await;
            }
        }
    )*};
}

pub(crate) use on_both_hooked;

fn hasty(config: &mut AppConfig) {
    config.webhooks.tick = Duration::from_millis(20);
    config.webhooks.timeout = Duration::from_secs(2);
}

fn setup() -> Setup {
    Setup { tune: Some(hasty), ..Setup::default() }
}

pub async fn sqlite() -> World {
    World::sqlite_with(Arc::new(FixedClock::new(TEST_TIME)), setup()).await
}

pub async fn postgres() -> World {
    World::postgres_with(Arc::new(FixedClock::new(TEST_TIME)), setup()).await
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Received {
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

impl Received {
    pub fn id(&self) -> &str {
        &self.headers["webhook-id"]
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub fn event_type(&self) -> String {
        self.json()["type"].as_str().unwrap().to_owned()
    }

    pub fn user(&self) -> String {
        self.json()["data"]["identifier"].as_str().unwrap().to_owned()
    }

    /// Which of its signatures is of this secret.
    pub fn signed_by(&self, secret: &str) -> Option<usize> {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let text = format!("{}.{}.{}", self.id(), self.headers["webhook-timestamp"], self.body);
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), text.as_bytes());
        let expected = format!("v1,{}", STANDARD.encode(tag));
        self.headers["webhook-signature"].split(' ').position(|one| one == expected)
    }
}

/// What a receiver answers: status and further header lines. Status 0 never answers.
pub type Answer = (u16, &'static str);

type Decide = Box<dyn Fn(&Received) -> Answer + Send>;
type Asked = Arc<Mutex<Decide>>;

/// A receiver that asks a function for its answer.
pub struct Receiver {
    pub url: String,
    seen: watch::Receiver<Vec<Received>>,
    answer: Asked,
}

impl Receiver {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook?a=b", listener.local_addr().unwrap());
        let (sender, seen) = watch::channel(Vec::new());
        let usual: Decide = Box::new(|_| (204, ""));
        let answer = Arc::new(Mutex::new(usual));
        let (sender, asked) = (Arc::new(sender), Arc::clone(&answer));
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket, Arc::clone(&sender), Arc::clone(&asked)));
            }
        });
        Self { url, seen, answer }
    }

    pub fn answers(&self, answer: impl Fn(&Received) -> Answer + Send + 'static) {
        *self.answer.lock().unwrap() = Box::new(answer);
    }

    pub fn received(&self) -> Vec<Received> {
        self.seen.borrow().clone()
    }

    /// Waits for so many requests.
    pub async fn wait(&self, count: usize) -> Vec<Received> {
        let mut seen = self.seen.clone();
        let enough = seen.wait_for(|seen| seen.len() >= count);
        match tokio::time::timeout(Duration::from_secs(20), enough).await {
            Ok(seen) => seen.unwrap().clone(),
            Err(_) => panic!("only {:?}", self.received()),
        }
    }
}

async fn serve(mut socket: TcpStream, seen: Arc<watch::Sender<Vec<Received>>>, answer: Asked) {
    let mut buffer = Vec::new();
    while let Some(request) = read(&mut socket, &mut buffer).await {
        let (status, more) = (answer.lock().unwrap())(&request);
        seen.send_modify(|seen| seen.push(request));
        if status == 0 {
            std::future::pending::<()>().await;
        }
        let text = format!("HTTP/1.1 {status} X\r\ncontent-length: 2\r\n{more}\r\n{{}}");
        let text = if status == 204 { "HTTP/1.1 204 X\r\n\r\n".to_owned() } else { text };
        if socket.write_all(text.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn read(socket: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Received> {
    loop {
        let text = String::from_utf8(buffer.clone()).unwrap();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let lines = head.lines().filter_map(|line| line.split_once(": "));
            let headers: BTreeMap<String, String> =
                lines.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
            let length: usize = headers["content-length"].parse().unwrap();
            if body.len() >= length {
                *buffer = body.as_bytes()[length..].to_vec();
                return Some(Received { headers, body: body[..length].to_owned() });
            }
        }
        let mut piece = [0_u8; 8192];
        let size = socket.read(&mut piece).await.ok().filter(|size| *size > 0)?;
        buffer.extend_from_slice(&piece[..size]);
    }
}

/// An endpoint for every type.
pub async fn endpoint(world: &World, url: &str) -> NewSecret {
    endpoint_for(world, url, &[]).await
}

pub async fn endpoint_for(world: &World, url: &str, types: &[&str]) -> NewSecret {
    let new = CreateEndpoint {
        url: url.to_owned(),
        description: "tests".to_owned(),
        event_types: types.iter().map(|name| (*name).to_owned()).collect(),
    };
    webhooks::create(&world.app, &world.caller, &new).await.unwrap()
}

pub async fn seen(world: &World, id: &str) -> Endpoint {
    webhooks::get(&world.app, &world.caller, id).await.unwrap()
}

/// An account on a connection; one `created` event.
pub async fn account(world: &World, user: &str) -> Lookup {
    let (query, page) = (accounts::AccountQuery::default(), keybearer_app::PageAsk::first(1));
    let found = accounts::list(&world.app, &world.caller, &query, &page);
    let name = match found.await.unwrap().items.into_iter().next() {
        Some(account) => account.connector,
        None => connection(world, "postcards").await,
    };
    make(world, new(&name, user, tokens())).await;
    Lookup::of(&name, user)
}

/// One `updated` event.
pub async fn touch(world: &World, lookup: &Lookup) {
    accounts::update(&world.app, &world.caller, lookup, UpdateAccount::default()).await.unwrap();
}

/// Runs the jobs until the future has ended.
pub async fn while_sending<T>(world: &World, work: impl Future<Output = T>) -> T {
    let jobs: Jobs = jobs::start(&world.app);
    let result = work.await;
    jobs.stop(Duration::from_secs(20)).await;
    result
}

/// Waits until the database shows something.
pub async fn eventually<T>(mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let found = async {
        let mut pause = tokio::time::interval(Duration::from_millis(20));
        loop {
            pause.tick().await;
            if let Some(found) = look().await {
                return found;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), found).await.unwrap()
}
