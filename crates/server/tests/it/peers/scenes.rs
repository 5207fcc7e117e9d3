//! Steps that several tests share.

use http::Method;
use keybearer_testkit::TempDir;
use serde_json::{Value, json};

use super::browser;
use super::process::{Peer, Server};

/// A peer, described by a connector file, and a server that knows it.
pub struct Stage {
    pub folder: TempDir,
    pub peer: Peer,
    pub server: Server,
}

impl Stage {
    pub async fn set(peer: Peer, refresh_class: &str, database: Option<&str>) -> Self {
        let folder = keybearer_testkit::temp_dir().unwrap();
        let connector = folder.path().join("connectors/peer");
        std::fs::create_dir_all(&connector).unwrap();
        std::fs::write(connector.join("connector.yaml"), peer.connector(refresh_class)).unwrap();
        let server =
            Server::start(&folder.path().join("data"), &folder.path().join("connectors"), database).await;
        Self { folder, peer, server }
    }

    /// Another process on the same database, with the same root key.
    pub async fn another(&self, number: u32, database: &str) -> Server {
        let data = self.folder.path().join(format!("data{number}"));
        std::fs::create_dir_all(&data).unwrap();
        std::fs::copy(self.folder.path().join("data/root.key"), data.join("root.key")).unwrap();
        Server::start(&data, &self.folder.path().join("connectors"), Some(database)).await
    }

    /// Configures the connection and lets Ada consent in her browser.
    pub async fn connect(&self) {
        let draft = json!({"connector": "peer", "name": "peer"});
        self.server.api(Method::POST, "/api/v1/connection-setups", draft).await;
        let credentials = json!({
            "client_id": self.peer.process.text("client_id"),
            "client_secret": self.peer.process.text("client_secret"),
        });
        self.server.api(Method::PATCH, "/api/v1/connection-setups/peer", credentials).await;
        self.server.api(Method::POST, "/api/v1/connection-setups/peer:activate", json!(null)).await;
        self.consent().await;
    }

    /// Ada opens a new link and allows.
    pub async fn consent(&self) {
        // a server that came back listens elsewhere, so its redirect URI is another one
        let connection = self.server.api(Method::GET, "/api/v1/connection-setups/peer", json!(null)).await;
        self.peer.allow_redirect(connection["connection"]["redirect_uri"].as_str().unwrap()).await;
        let wanted = json!({"connector": "peer", "identifier": "ada"});
        let link = self.server.api(Method::POST, "/api/v1/connected_accounts/magic_link", wanted).await;
        let home = self.server.process.text("url");
        let login = &self.peer.process.ready["login"];
        let (address, page) = browser::consent(link["link"].as_str().unwrap(), &home, login).await;
        let account = self.server.account().await;
        assert_eq!(account["status"], "ACTIVE", "{address}: {page}");
    }

    /// Stores the same tokens again with an end in the past: the next call must refresh. Nobody has to wait.
    pub async fn let_token_end(&self) {
        let path = "/api/v1/connected_accounts/auth?connector=peer&identifier=ada";
        let auth = self.server.api(Method::GET, path, json!(null)).await;
        let tokens = &auth["connected_account"]["authorization_details"]["oauth_token"];
        let account: Value = json!({
            "connection": "peer", "identifier": "ada", "replace": true,
            "access_token": tokens["access_token"], "refresh_token": tokens["refresh_token"],
            "access_token_expires_at": "2020-01-01T00:00:00Z",
        });
        self.server.api(Method::POST, "/api/v1/accounts:import", account).await;
    }

    /// The path of a call that needs a good token.
    pub fn protected(&self) -> String {
        let origin = self.peer.process.text("origin");
        self.peer.process.text("userinfo_url").strip_prefix(&origin).unwrap().to_owned()
    }
}

/// Makes many calls at once, spread over the servers; gives how many succeeded.
pub async fn storm(servers: &[&Server], path: &str, calls: usize) -> usize {
    let call = |number: usize| servers[number % servers.len()].proxied(path);
    let answers = futures_util::future::join_all((0..calls).map(call)).await;
    answers.iter().filter(|answer| answer.status().is_success()).count()
}
