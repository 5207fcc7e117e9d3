//! An application beside a running sandbox, and a browser that goes between the two.

use std::sync::Arc;

use keybearer_app::accounts::{self, Account, Lookup};
use keybearer_app::connections;
use keybearer_app::flows::page::{DonePage, PageForm, ProblemCase, ProblemPage, StartNext};
use keybearer_app::flows::{self, Answer, LinkRequest, PageBody, Visit};
use keybearer_app::{App, AppConfig};
use keybearer_core::{FixedClock, OsEntropy, SecretString};
use keybearer_sandbox::{Approval, ClientConfig, Control, Sandbox, SandboxConfig};
use keybearer_testkit::TEST_TIME;
use url::Url;

use crate::accounts::connection;
use crate::harness::{Setup, World};

/// The secret of the app that [`connection`] uses.
pub const APP_SECRET: &str = "s3cr3t-of-the-app-0001";

/// Runs each named function beside a sandbox, on SQLite and on PostgreSQL, with a configuration.
macro_rules! on_both_staged {
    ($tune:expr; $($name:ident),* $(,)?) => {$(
        mod $name {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                super::$name(&crate::flows_stage::Stage::sqlite($tune).await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                super::$name(&crate::flows_stage::Stage::postgres($tune).await).await;
            }
        }
    )*};
}

pub(crate) use on_both_staged;

/// Nothing but the usual configuration.
pub fn plain(_: &mut AppConfig) {}

/// A world, a sandbox that shares its clock, and the name of a connection to it.
pub struct Stage {
    pub world: World,
    pub control: Control,
    pub name: String,
    _sandbox: Sandbox,
}

pub type Pairs = Vec<(String, SecretString)>;

impl Stage {
    pub async fn sqlite(tune: fn(&mut AppConfig)) -> Self {
        let (clock, sandbox, setup) = sandbox(tune).await;
        Self::on(World::sqlite_with(clock, setup).await, sandbox).await
    }

    pub async fn postgres(tune: fn(&mut AppConfig)) -> Self {
        let (clock, sandbox, setup) = sandbox(tune).await;
        Self::on(World::postgres_with(clock, setup).await, sandbox).await
    }

    async fn on(world: World, sandbox: Sandbox) -> Self {
        let control = sandbox.control();
        let name = connection(&world, "postcards").await;
        let stage = Self { world, control, name, _sandbox: sandbox };
        stage.register(APP_SECRET).await;
        stage
    }

    /// Registers the developer's app at the sandbox, with this secret.
    pub async fn register(&self, secret: &str) {
        self.register_for(&self.id().await, secret);
    }

    /// The same for another connection.
    pub fn register_for(&self, connection: &str, secret: &str) {
        self.control.register_client(ClientConfig {
            client_id: "app-1".to_owned(),
            client_secret: Some(secret.into()),
            redirect_uris: vec![format!("https://keys.example/sso/v1/oauth/{connection}/callback")],
            name: "Fieldnote".to_owned(),
        });
    }

    pub fn app(&self) -> &App {
        &self.world.app
    }

    /// The id of the connection.
    pub async fn id(&self) -> String {
        connections::get(self.app(), &self.world.caller, &self.name).await.unwrap().id.to_string()
    }

    /// The token of a new link for `user`.
    pub async fn link(&self, user: &str) -> String {
        self.link_with(LinkRequest { lookup: Lookup::of(&self.name, user), ..LinkRequest::default() }).await
    }

    pub async fn link_with(&self, request: LinkRequest) -> String {
        let link = flows::create_link(self.app(), &self.world.caller, request).await.unwrap();
        link.url.path().strip_prefix("/c/").unwrap().to_owned()
    }

    pub async fn account(&self, user: &str) -> Account {
        accounts::get(self.app(), &self.world.caller, &Lookup::of(&self.name, user)).await.unwrap()
    }

    pub async fn view(&self, token: &str, browser: &Visit) -> PageBody {
        page(flows::view(self.app(), token, browser).await.unwrap())
    }

    /// Where the start page's link leads.
    pub async fn provider_url(&self, token: &str, browser: &Visit) -> String {
        match self.view(token, browser).await {
            PageBody::Start(start) => match start.next {
                StartNext::Link(url) => url.to_string(),
                StartNext::Form(form) => panic!("{form:?}"),
            },
            other => panic!("{other:?}"),
        }
    }

    /// What the provider sends back when `person` decides as they are used to.
    pub async fn consent(&self, token: &str, browser: &Visit, person: &str) -> Pairs {
        let url = self.provider_url(token, browser).await;
        self.approve(&url, person)
    }

    pub fn approve(&self, url: &str, person: &str) -> Pairs {
        let approval = Approval { person: person.to_owned(), scopes: None };
        pairs(&self.control.approve(url, &approval).unwrap())
    }

    pub async fn callback(&self, parameters: Pairs, browser: &Visit) -> Answer {
        let id = self.id().await;
        flows::callback(self.app(), &id, parameters, browser).await.unwrap()
    }

    /// The whole way of `person` for `user`.
    pub async fn connect(&self, user: &str, person: &str) -> Account {
        let (token, browser) = (self.link(user).await, browser("b"));
        let parameters = self.consent(&token, &browser, person).await;
        done(self.callback(parameters, &browser).await);
        self.account(user).await
    }

    /// Token requests at the sandbox by grant type.
    pub fn token_requests(&self, grant: &str) -> u64 {
        self.control.counters().token_requests.get(grant).copied().unwrap_or(0)
    }
}

async fn sandbox(tune: fn(&mut AppConfig)) -> (Arc<FixedClock>, Sandbox, Setup) {
    let clock = Arc::new(FixedClock::new(TEST_TIME));
    let listen = "127.0.0.1:0".parse().unwrap();
    let config = SandboxConfig::new(listen, clock.clone(), Arc::new(OsEntropy), "control".into());
    let sandbox = Sandbox::start(config).await.unwrap();
    let setup = Setup { sandbox_url: Some(sandbox.control().url().to_owned()), tune: Some(tune) };
    (clock, sandbox, setup)
}

/// A browser with a cookie that it got before.
pub fn browser(cookie: &str) -> Visit {
    Visit { browser: Some(cookie.repeat(22)), fresh_browser: false }
}

pub fn pairs(url: &Url) -> Pairs {
    url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned().into())).collect()
}

/// The parameters with one changed, removed where the value is empty.
pub fn with(mut parameters: Pairs, name: &str, value: &str) -> Pairs {
    parameters.retain(|(key, _)| key != name);
    if !value.is_empty() {
        parameters.push((name.to_owned(), value.into()));
    }
    parameters
}

pub fn value(parameters: &Pairs, name: &str) -> String {
    parameters.iter().find(|(key, _)| key == name).unwrap().1.expose().clone()
}

pub fn page(answer: Answer) -> PageBody {
    match answer {
        Answer::Page(page) => page.body,
        Answer::Redirect(to) | Answer::Leave { to, .. } => panic!("a redirect to {}", to.path()),
    }
}

pub fn done(answer: Answer) -> DonePage {
    match page(answer) {
        PageBody::Done(done) => done,
        other => panic!("{other:?}"),
    }
}

pub fn problem(body: PageBody) -> ProblemPage {
    match body {
        PageBody::Problem(problem) => problem,
        other => panic!("{other:?}"),
    }
}

pub fn case(answer: Answer) -> ProblemCase {
    problem(page(answer)).case
}

pub fn credential_form(body: PageBody) -> PageForm {
    match body {
        PageBody::Credentials(page) => page.form,
        other => panic!("{other:?}"),
    }
}
