//! R13: five thousand events, a receiver that fails one in five, a program that is killed three times.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use http::Method;
use keybearer_app::connectors::Catalog;
use keybearer_app::{
    Actor, App, AppConfig, AppParts, Caller, DatabaseConfig, EgressConfig, ProxyLimits, RefreshLimits,
    RootKey, WebhookLimits, accounts, environments,
};
use keybearer_core::{EnvironmentKind, OsEntropy, SystemClock, VerifyMode};
use keybearer_testkit::{TempDir, TestDatabase};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::peers::process::{Launch, Server};

const USERS: usize = 1000;
const EVENTS_EACH: usize = 5;
/// How many tasks make the events.
const LOADERS: usize = 8;
const ALL: usize = USERS * EVENTS_EACH;
/// What may be on its way, or taken and not yet written down, when a process dies.
const UNDER_WAY: usize = 64;

/// What a receiver saw.
#[derive(Default)]
struct Seen {
    ids: BTreeSet<String>,
    failed: usize,
    /// Ids that were taken, in the order of their first time, with the account and the sequence number.
    taken: Vec<(String, String, u64)>,
    taken_ids: BTreeSet<String>,
    duplicates: usize,
}

#[derive(Clone)]
struct Receiver {
    seen: Arc<Mutex<Seen>>,
    taken: Arc<watch::Sender<usize>>,
}

/// Fails the first try of every fifth event.
async fn receive(State(receiver): State<Receiver>, headers: HeaderMap, body: String) -> StatusCode {
    let event: Value = serde_json::from_str(&body).unwrap();
    let id = headers["webhook-id"].to_str().unwrap().to_owned();
    let sequence: u64 = headers["keybearer-sequence"].to_str().unwrap().parse().unwrap();
    let mut seen = receiver.seen.lock().unwrap();
    if seen.ids.insert(id.clone()) && seen.ids.len().is_multiple_of(5) {
        seen.failed += 1;
        return StatusCode::INTERNAL_SERVER_ERROR;
    }
    if seen.taken_ids.insert(id.clone()) {
        let account = event["data"]["id"].as_str().unwrap().to_owned();
        seen.taken.push((id, account, sequence));
    } else {
        seen.duplicates += 1;
    }
    receiver.taken.send_replace(seen.taken.len());
    StatusCode::NO_CONTENT
}

impl Receiver {
    async fn start() -> (Self, String) {
        let receiver = Self { seen: Arc::default(), taken: Arc::new(watch::channel(0).0) };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let router = Router::new().fallback(receive).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (receiver, url)
    }

    async fn wait(&self, count: usize) {
        let mut taken = self.taken.subscribe();
        let enough =
            tokio::time::timeout(Duration::from_secs(100), taken.wait_for(|taken| *taken >= count)).await;
        assert!(enough.is_ok(), "{} of {count} events were taken", self.seen.lock().unwrap().taken.len());
    }
}

/// The folders of two nodes.
struct Nodes {
    folder: TempDir,
    database: Option<TestDatabase>,
}

impl Nodes {
    async fn start(&self, name: &str) -> Server {
        let connectors = self.folder.path().join("connectors");
        std::fs::create_dir_all(&connectors).unwrap();
        let data = self.folder.path().join(name);
        let database = self.database.as_ref().map(TestDatabase::url);
        Server::launch(Launch { data: &data, connectors: &connectors, database, log: None }).await
    }

    /// Five events about each of a thousand accounts, made on the database itself.
    async fn load(&self) {
        let data = self.folder.path().join("one");
        let sqlite = format!("sqlite:{}", data.join("keybearer.db").display());
        let url = self.database.as_ref().map_or(sqlite, |database| database.url().to_owned());
        let (app, _) = App::open(parts(&data, &url)).await.unwrap();
        let environment = environments::default(&app).await.unwrap().id;
        let caller = Caller::trusted(environment, Actor::Operator, app.reference().unwrap());
        let line = |user: usize| {
            let line = json!({"connection": "postcards", "identifier": format!("u-{user}"), "access_token": "at",
                "replace": true});
            format!("{line}\n")
        };
        let mut loading = tokio::task::JoinSet::new();
        for part in 0..LOADERS {
            let users = (part..USERS).step_by(LOADERS);
            let lines: String = (0..EVENTS_EACH).flat_map(|_| users.clone()).map(line).collect();
            let (app, caller) = (app.clone(), caller.clone());
            loading.spawn(async move { accounts::import(&app, &caller, &lines).await.unwrap() });
        }
        let results = loading.join_all().await;
        assert!(results.iter().flatten().all(|line| line.result.is_ok()));
        app.close().await;
    }
}

fn parts(data: &Path, url: &str) -> AppParts {
    AppParts {
        config: AppConfig {
            public_url: "http://localhost:4300".parse().unwrap(),
            environment_kind: EnvironmentKind::Development,
            app_name: "Tests".to_owned(),
            verify_mode: VerifyMode::None,
            verify_urls: Vec::new(),
            shared_credentials: BTreeMap::new(),
            known_fields: BTreeMap::new(),
            spill_folder: None,
            link_lifetime: Duration::from_secs(3600),
            links_open_all_accounts: false,
            refresh: RefreshLimits::default(),
            proxy: ProxyLimits::default(),
            webhooks: WebhookLimits::default(),
            sso: None,
        },
        database: DatabaseConfig::at(url.into()),
        root_key: RootKey::File(data.join("root.key")),
        egress: EgressConfig { allow: Vec::new(), extra_roots_pem: None },
        catalog: Catalog::embedded(),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(OsEntropy),
    }
}

/// Every event that there is, from the API.
async fn event_ids(server: &Server) -> BTreeSet<String> {
    let (mut ids, mut token) = (BTreeSet::new(), String::new());
    loop {
        let path = format!("/api/v1/events/paginated?page_size=100&page_token={token}");
        let page = server.api(Method::POST, &path, json!({})).await;
        let events = page["events"].as_array().unwrap();
        ids.extend(events.iter().map(|event| event["id"].as_str().unwrap().to_owned()));
        token = page["next_page_token"].as_str().unwrap_or_default().to_owned();
        if token.is_empty() {
            return ids;
        }
    }
}

async fn nothing_is_lost(database: Option<TestDatabase>) {
    let nodes = Nodes { folder: keybearer_testkit::temp_dir().unwrap(), database };
    let (receiver, url) = Receiver::start().await;
    let first = nodes.start("one").await;
    let made = first.api(Method::POST, "/api/v1/webhook-endpoints", json!({"url": url})).await;
    let id = made["endpoint"]["id"].as_str().unwrap().to_owned();
    first.process.kill();
    nodes.load().await;

    let mut running = vec![("one", nodes.start("one").await)];
    if nodes.database.is_some() {
        let (from, to) = (nodes.folder.path().join("one"), nodes.folder.path().join("two"));
        std::fs::create_dir_all(&to).unwrap();
        std::fs::copy(from.join("root.key"), to.join("root.key")).unwrap();
        running.push(("two", nodes.start("two").await));
    }
    for taken in [500, 1500, 2500] {
        receiver.wait(taken).await;
        let (name, server) = running.remove(0);
        server.process.kill();
        running.push((name, nodes.start(name).await));
    }
    receiver.wait(ALL).await;

    let server = &running[0].1;
    let expected = event_ids(server).await;
    let seen = std::mem::take(&mut *receiver.seen.lock().unwrap());
    assert_eq!(expected.len(), ALL);
    assert_eq!(seen.taken_ids, expected, "every id was delivered");
    let mut last: BTreeMap<&str, u64> = BTreeMap::new();
    for (event, account, sequence) in &seen.taken {
        let before = last.insert(account, *sequence).unwrap_or_default();
        assert_eq!(before + 1, *sequence, "{event} of {account} is out of order");
    }
    assert_eq!(seen.failed, ALL / 5);
    assert!(seen.duplicates <= 3 * UNDER_WAY, "{} events came twice", seen.duplicates);
    let path = format!("/api/v1/webhook-endpoints/{id}/deliveries?page_size=1");
    let log = server.api(Method::GET, &path, Value::Null).await;
    assert_eq!(log["total_size"], json!(ALL));
}

#[tokio::test(flavor = "multi_thread")]
async fn five_thousand_events_survive_three_kills_on_sqlite() {
    nothing_is_lost(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn five_thousand_events_survive_three_kills_of_two_nodes_on_postgres() {
    nothing_is_lost(Some(TestDatabase::create().unwrap())).await;
}
