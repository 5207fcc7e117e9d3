//! A dashboard on a database of its own, and browsers without scripts.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{Request, Response, header};
use http_body_util::BodyExt as _;
use keybearer_app::accounts::{self, CreateAccount, Credentials, Lookup, OauthTokens};
use keybearer_app::connectors::{Catalog, load_connector};
use keybearer_app::members::{self, NewMember};
use keybearer_app::{
    Actor, App, AppConfig, AppParts, Caller, DatabaseConfig, EgressConfig, ProxyLimits, RefreshLimits,
    RootKey, WebhookLimits, environments,
};
use keybearer_core::{EnvironmentKind, MemberRole, OsEntropy, SystemClock, VerifyMode};
use keybearer_testkit::TempDir;
use tower::ServiceExt as _;

pub const PASSWORD: &str = "cnry-correct-horse-battery";
const HOST: &str = "localhost:4300";

/// A connector of which every text is hostile.
const HOSTILE: &str = r#"
slug: hostile
display_name: '<img src=x onerror=alert(1)>"'
kind: api
sandbox: true
categories: [developer-tools]
blurb: '"><script>alert(2)</script>'
auth:
  - id: oauth2
    type: oauth2
    label: '<svg onload=alert(3)>'
    authorize_url: "http://127.0.0.1:9/authorize"
    token_url: "http://127.0.0.1:9/token"
    setup: { minutes: 2, console_url: "javascript:alert(4)", steps: ['<script>alert(5)</script>'] }
    fields:
      - { name: client_id, label: '<b onclick=alert(6)>', in: connection, help: '"><iframe src=//evil.example>', where_to_find_url: "javascript:alert(7)" }
      - { name: client_secret, label: Secret, in: connection, secret: true }
      - { name: site, label: Site, in: connection, required: false, example: '" autofocus onfocus=alert(8) x="', prefix: '<i>', suffix: '</i>' }
    scopes:
      - { name: read, default: true, says: '<script>alert(9)</script>', group: '<u>' }
      - { name: write }
    credential_placement: { headers: { authorization: "Bearer {access_token}" } }
api: { base_url: "http://127.0.0.1:9" }
sources: []
"#;

pub struct Scene {
    pub app: App,
    pub operator: Caller,
    pub router: Router,
    _folder: TempDir,
}

impl Scene {
    pub async fn set() -> Self {
        Self::at(&format!("http://{HOST}")).await
    }

    /// With a public URL of its own.
    pub async fn at(public_url: &str) -> Self {
        Self::tuned(public_url, |_| {}).await
    }

    /// In an environment of that kind.
    pub async fn set_in(kind: EnvironmentKind) -> Self {
        Self::made(&format!("http://{HOST}"), kind, |_| {}).await
    }

    /// With parts of its own.
    pub async fn tuned(public_url: &str, tune: impl FnOnce(&mut AppParts)) -> Self {
        Self::made(public_url, EnvironmentKind::Development, tune).await
    }

    async fn made(
        public_url: &str,
        environment_kind: EnvironmentKind,
        tune: impl FnOnce(&mut AppParts),
    ) -> Self {
        let folder = keybearer_testkit::temp_dir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("keybearer.db").display());
        let mut catalog = Catalog::embedded();
        catalog.insert(load_connector(HOSTILE).unwrap());
        let mut parts = AppParts {
            config: AppConfig {
                public_url: public_url.parse().unwrap(),
                environment_kind,
                app_name: "Fieldnote".to_owned(),
                verify_mode: VerifyMode::None,
                verify_urls: Vec::new(),
                shared_credentials: BTreeMap::new(),
                known_fields: BTreeMap::new(),
                spill_folder: None,
                link_lifetime: Duration::from_secs(86_400),
                refresh: RefreshLimits::default(),
                proxy: ProxyLimits::default(),
                links_open_all_accounts: false,
                webhooks: WebhookLimits::default(),
                sso: None,
            },
            database: DatabaseConfig::at(url.into()),
            root_key: RootKey::File(folder.path().join("root.key")),
            egress: EgressConfig::default(),
            catalog,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(OsEntropy),
        };
        tune(&mut parts);
        let (app, _) = App::open(parts).await.unwrap();
        let environment = environments::default(&app).await.unwrap().id;
        let operator = Caller::trusted(environment, Actor::Operator, app.reference().unwrap());
        Self { router: keybearer_server::web::dashboard(app.clone()), app, operator, _folder: folder }
    }

    pub fn browser(&self) -> Browser {
        Browser { router: self.router.clone(), cookies: BTreeMap::new(), page: String::new() }
    }

    pub async fn owner(&self) -> Browser {
        let mut browser = self.browser();
        let link = members::setup_link(&self.app, &self.operator).await.unwrap().unwrap();
        browser.get(&path(link.as_str())).await;
        let answer = browser
            .submit("/setup", &[("email", "ada@fieldnote.example"), ("name", "Ada"), ("password", PASSWORD)])
            .await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        browser
    }

    pub async fn member(&self, email: &str, name: &str, role: MemberRole) -> Browser {
        let new = NewMember { email: email.to_owned(), name: name.to_owned() };
        let (_, link) = members::invite(&self.app, &self.operator, &new, role).await.unwrap();
        let mut browser = self.browser();
        browser.get(&path(link.as_str())).await;
        let answer = browser.submit("/welcome", &[("email", email), ("password", PASSWORD)]).await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        browser
    }
}

pub fn path(url: &str) -> String {
    url.strip_prefix(&format!("http://{HOST}")).unwrap().to_owned()
}

/// A browser without scripts.
pub struct Browser {
    pub router: Router,
    pub cookies: BTreeMap<String, String>,
    pub page: String,
}

pub struct Answer {
    pub status: u16,
    pub location: String,
    pub headers: http::HeaderMap,
    pub text: String,
}

impl Browser {
    pub async fn get(&mut self, path: &str) -> Answer {
        let answer = self.send(Request::get(path).body(Body::empty()).unwrap()).await;
        if answer.status != 303 {
            self.page.clone_from(&answer.text);
        }
        answer
    }

    /// Posts a form of the present page, with the hidden values that the page has for it.
    pub async fn submit(&mut self, to: &str, values: &[(&str, &str)]) -> Answer {
        let mut pairs: Vec<(String, String)> = hidden(&self.page, to);
        pairs.extend(values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        self.post(to, &pairs, &[("sec-fetch-site", "same-origin")]).await
    }

    pub async fn post(&mut self, to: &str, pairs: &[(String, String)], more: &[(&str, &str)]) -> Answer {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        let mut request = Request::post(to).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        for (name, value) in more {
            request = request.header(*name, *value);
        }
        let answer = self.send(request.body(Body::from(body)).unwrap()).await;
        if answer.status != 303 {
            self.page.clone_from(&answer.text);
        }
        answer
    }

    /// Posts a form with files of the present page; a file is its name, its file name and what it holds.
    pub async fn upload(
        &mut self,
        to: &str,
        values: &[(&str, &str)],
        files: &[(&str, &str, &[u8])],
    ) -> Answer {
        let mut pairs: Vec<(String, String)> = hidden(&self.page, to);
        pairs.extend(values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let mut body = Vec::new();
        for (name, value) in &pairs {
            body.extend(
                format!("--xYz\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
                    .bytes(),
            );
        }
        for (name, file, bytes) in files {
            let head = format!("name=\"{name}\"; filename=\"{file}\"\r\nContent-Type: image/svg+xml");
            body.extend(format!("--xYz\r\nContent-Disposition: form-data; {head}\r\n\r\n").bytes());
            body.extend_from_slice(bytes);
            body.extend(b"\r\n");
        }
        body.extend(b"--xYz--\r\n");
        let request = Request::post(to)
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=xYz")
            .header("sec-fetch-site", "same-origin");
        let answer = self.send(request.body(Body::from(body)).unwrap()).await;
        if answer.status != 303 {
            self.page.clone_from(&answer.text);
        }
        answer
    }

    async fn send(&mut self, mut request: Request<Body>) -> Answer {
        let jar: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let headers = request.headers_mut();
        headers.insert(header::HOST, HOST.parse().unwrap());
        if !jar.is_empty() {
            headers.insert(header::COOKIE, jar.join("; ").parse().unwrap());
        }
        request.extensions_mut().insert::<SocketAddr>("127.0.0.1:50000".parse().unwrap());
        let response: Response<Body> = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        for line in parts.headers.get_all(header::SET_COOKIE) {
            let line = line.to_str().unwrap();
            assert!(
                line.contains("HttpOnly") && line.contains("SameSite=Lax") && line.contains("Path=/"),
                "{line}"
            );
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            match line.contains("Max-Age=0") {
                true => drop(self.cookies.remove(name)),
                false => drop(self.cookies.insert(name.to_owned(), value.to_owned())),
            }
        }
        let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        let location = parts.headers.get(header::LOCATION).map(|to| to.to_str().unwrap().to_owned());
        Answer {
            status: parts.status.as_u16(),
            location: location.unwrap_or_default(),
            headers: parts.headers,
            text,
        }
    }

    /// Follows a redirect.
    pub async fn follow(&mut self, answer: Answer) -> Answer {
        assert_eq!(answer.status, 303, "{}", answer.text);
        self.get(&answer.location).await
    }
}

/// The hidden values of the form that posts to `to`, or of the first form without an address.
pub fn hidden(page: &str, to: &str) -> Vec<(String, String)> {
    let forms: Vec<&str> =
        page.split("<form").skip(1).map(|form| form.split("</form>").next().unwrap()).collect();
    let own = forms.iter().find(|form| form.contains(&format!("action=\"{to}\"")));
    let form = own.or_else(|| {
        forms.iter().find(|form| {
            form.contains("method=\"post\"") && !form.split('>').next().unwrap().contains("action=")
        })
    });
    let Some(form) = form else { return Vec::new() };
    let inputs = form.split("<input type=\"hidden\" name=\"").skip(1);
    let pair = |text: &str| {
        let (name, rest) = text.split_once('"').unwrap();
        let value = rest.split_once("value=\"").unwrap().1.split('"').next().unwrap();
        (name.to_owned(), value.to_owned())
    };
    inputs.map(pair).collect()
}

pub async fn connection(ada: &mut Browser, name: &str) -> String {
    ada.get("/connections/new/hostile").await;
    let begun = ada.submit("/connections/new/hostile", &[("method", "oauth2")]).await;
    let setup = begun.location.clone();
    ada.follow(begun).await;
    let saved = ada
        .submit(
            &setup,
            &[
                ("do", "save"),
                ("name", name),
                ("client_id", "id-1"),
                ("client_secret", "secret-of-it"),
                ("scope", "read"),
                ("scopes_shown", "1"),
            ],
        )
        .await;
    assert_eq!(saved.status, 303, "{}", saved.text);
    setup.split('/').nth(2).unwrap().to_owned()
}

pub async fn account(scene: &Scene, connection: &str, user: &str) -> String {
    let tokens = OauthTokens {
        access_token: Some("at-1".into()),
        scopes: vec!["read".to_owned()],
        ..OauthTokens::default()
    };
    let new = CreateAccount {
        lookup: Lookup::of(connection, user),
        credentials: Credentials::Oauth(tokens),
        ..CreateAccount::default()
    };
    accounts::create(&scene.app, &scene.operator, new).await.unwrap().id.to_string()
}
