//! What hosted pages show. Nothing in here is a secret, and every text is data, never markup.

use std::sync::Arc;

use keybearer_connectors::forms::{Fault, Note};
use keybearer_core::{Code, FlowKind, Reference, Timestamp};
use url::Url;

use crate::brand::PageBrand;

/// One hosted page.
#[derive(Clone, Debug)]
pub struct Page {
    /// Who asks.
    pub head: PageHead,
    /// What the page is about.
    pub body: PageBody,
}

/// What every hosted page says about the request.
#[derive(Clone, Debug, Default)]
pub struct PageHead {
    /// The developer's product, for example `Fieldnote`.
    pub app_name: String,
    /// The service, for example `GitHub`; empty when it is not known.
    pub connector_name: String,
    /// The service's slug, for the tile's colour.
    pub connector_slug: String,
    /// The user the link was made for, as the developer names them.
    pub identifier: String,
    /// The sentence of the developer: `Fieldnote reads your issues to …`.
    pub purpose: Option<String>,
    /// A developer tests the connection.
    pub test: bool,
    /// The connector is the built-in sandbox.
    pub sandbox: bool,
    /// The language that the maker of the link chose.
    pub locale: Option<String>,
    /// What the connector says (labels, help, sentences of its scopes) is English.
    pub english: bool,
    /// The service does not let people sign in inside other apps.
    pub refuses_embedded: bool,
    /// How the app wants its pages to look.
    pub brand: Arc<PageBrand>,
    /// Where "Back to the app" and "Cancel" lead.
    pub return_url: Option<Url>,
    /// [`PageHead::return_url`] is the user's page of their own.
    pub from_user_page: bool,
}

/// The kinds of hosted pages.
#[derive(Clone, Debug)]
pub enum PageBody {
    /// Before the provider's consent.
    Start(StartPage),
    /// The user gives a credential here.
    Credentials(CredentialPage),
    /// The person came back and the exchange still runs. It goes on whatever the browser does.
    Waiting(WaitingPage),
    /// Another account holder than before came back; nothing was replaced yet.
    IdentityChanged(IdentityPage),
    /// It worked.
    Done(DonePage),
    /// It did not work.
    Problem(ProblemPage),
    /// A user's page of their own: what they may connect, or have connected.
    Services(ServicesPage),
    /// Before a user disconnects a service.
    Stop(StopPage),
}

/// The page before the provider's consent.
#[derive(Clone, Debug)]
pub struct StartPage {
    /// Where the person will sign in, for example `github.com`.
    pub provider_host: String,
    /// What the app will be able to do.
    pub permissions: Vec<PermissionLine>,
    /// What is known about the account already.
    pub standing: Standing,
    /// How to go on.
    pub next: StartNext,
    /// Where "Cancel" leads, if the app gave an address.
    pub cancel_url: Option<Url>,
    /// When the link ends.
    pub expires_at: Timestamp,
}

/// Where an account stands when its link is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nobody connected it yet.
    New,
    /// It was connected before and must be connected again.
    Again {
        /// When access was lost, where that is known.
        lost_at: Option<Timestamp>,
    },
    /// It works; the app asks for more than it has.
    More,
    /// It works and has everything.
    Connected {
        /// Who is connected, where the provider says.
        identity: Option<String>,
    },
}

/// The page while the exchange runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitingPage {
    /// It takes so long that the person need not wait.
    pub slow: bool,
}

/// One line of the permission list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PermissionLine {
    /// The scope as it is sent.
    pub scope: String,
    /// The sentence for the person; empty where the connector has none.
    pub plain: String,
    /// Reaches private or powerful things.
    pub sensitive: bool,
    /// Not granted yet, on a reconnect.
    pub new: bool,
}

/// How to go on from the start page.
#[derive(Clone, Debug)]
pub enum StartNext {
    /// A plain link to the provider.
    Link(Url),
    /// A form of ours first: fields, a choice of scopes, or a protocol that needs a call before the redirect.
    Form(PageForm),
}

/// A form that posts back to the link's own address.
#[derive(Clone, Debug, Default)]
pub struct PageForm {
    /// Value of the hidden field `csrf`.
    pub csrf: String,
    /// What is asked.
    pub fields: Vec<PageField>,
    /// Scopes the person may leave out; posted as repeated `scope`.
    pub scopes: Vec<ScopeChoice>,
    /// What is wrong with the form as a whole, after a submit.
    pub problem: Option<FormProblem>,
}

/// What is wrong with a submitted form.
#[derive(Clone, Debug)]
pub struct FormProblem {
    /// What happened.
    pub kind: FormTrouble,
    /// The reference to quote.
    pub reference: Reference,
}

/// What is wrong with a form as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormTrouble {
    /// Fields need a change; nothing was sent.
    Fields,
    /// The provider did not accept what was given.
    Rejected,
    /// The provider does not answer.
    Away,
    /// It did not work for another reason.
    Failed,
}

/// An input of a form.
#[derive(Clone, Debug, Default)]
pub struct PageField {
    /// Name of the input.
    pub name: String,
    /// Its label.
    pub label: String,
    /// A hint below it.
    pub help: Option<String>,
    /// The provider's page on which the value is found.
    pub where_to_find: Option<Url>,
    /// How it is entered.
    pub input: InputKind,
    /// Hidden while typed, never sent back.
    pub secret: bool,
    /// Must be given.
    pub required: bool,
    /// An example, shown as placeholder.
    pub example: Option<String>,
    /// What the whole value looks like, as a regular expression, where that can be told while it is typed.
    pub pattern: Option<String>,
    /// What stands before the value, for example `https://`.
    pub prefix: Option<String>,
    /// What stands after the value, for example `.zendesk.com`.
    pub suffix: Option<String>,
    /// The present value; always empty for secrets.
    pub value: String,
    /// What is wrong with it, after a submit.
    pub error: Option<Fault>,
    /// What was done to it, or seen in it, at a submit.
    pub notes: Vec<Note>,
}

/// How an input is entered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum InputKind {
    /// One line.
    #[default]
    Text,
    /// A number.
    Number,
    /// A web address.
    Url,
    /// One of these values.
    Choice(Vec<String>),
    /// Several lines: a PEM key or a JSON document.
    Area,
}

/// A scope the person may leave out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeChoice {
    /// The scope as it is sent.
    pub scope: String,
    /// The sentence for the person; empty where the connector has none.
    pub plain: String,
    /// Reaches private or powerful things.
    pub sensitive: bool,
    /// Cannot be left out.
    pub locked: bool,
    /// Ticked.
    pub chosen: bool,
}

/// The page on which the user gives a credential.
#[derive(Clone, Debug)]
pub struct CredentialPage {
    /// The form.
    pub form: PageForm,
    /// Where "Cancel" leads, if the app gave an address.
    pub cancel_url: Option<Url>,
    /// The user only agrees: one credential of the organization serves everybody.
    pub shared: bool,
}

/// The page after another account holder came back.
#[derive(Clone, Debug)]
pub struct IdentityPage {
    /// Who was connected before.
    pub before: String,
    /// Who came back.
    pub now: String,
    /// Value of the hidden field `csrf`; the buttons post `choice=keep` or `choice=back`.
    pub csrf: String,
}

/// The page after success.
#[derive(Clone, Debug, Default)]
pub struct DonePage {
    /// Who is connected, if the provider says.
    pub identity: Option<String>,
    /// Permissions that were left out.
    pub missing: Vec<PermissionLine>,
    /// Where "Back to the app" leads.
    pub return_url: Option<Url>,
    /// A link to start over with another account at the provider.
    pub again: bool,
    /// What was seen in the files that were given.
    pub notes: Vec<Note>,
    /// The page goes back to the app by itself; here is its address for who wants to stay.
    pub stay: Option<String>,
}

/// A user's page of their own.
#[derive(Clone, Debug)]
pub struct ServicesPage {
    /// Its address, below which it posts.
    pub address: Url,
    /// The user sees what is connected and can disconnect it; otherwise they only choose what to connect.
    pub manage: bool,
    /// One line for each account, or for a connection without one.
    pub lines: Vec<ServiceLine>,
    /// What was searched for; absent where there are too few services for a search.
    pub search: Option<String>,
    /// What was disconnected just now.
    pub stopped: Option<Stopped>,
    /// When the page ends.
    pub expires_at: Timestamp,
}

/// A service on a user's page.
#[derive(Clone, Debug)]
pub struct ServiceLine {
    /// Id of the connection.
    pub connection: String,
    /// Id of the account; empty where there is none.
    pub account: String,
    /// The service, for example `GitHub`.
    pub service: String,
    /// Its slug, for the tile's colour.
    pub slug: String,
    /// The connector's sentences are English.
    pub english: bool,
    /// What tells it from another line of the same service: the connection's name.
    pub label: Option<String>,
    /// The sentence of the developer.
    pub purpose: Option<String>,
    /// Where it stands.
    pub state: ServiceState,
    /// Who is connected, where the provider says.
    pub identity: Option<String>,
    /// Since when, where that is known.
    pub since: Option<Timestamp>,
    /// When it was used last.
    pub used: Option<Timestamp>,
    /// What the app may do.
    pub permissions: Vec<PermissionLine>,
}

/// Where a service stands for a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceState {
    /// Nobody connected it yet, or it was disconnected.
    Open,
    /// It works.
    Connected,
    /// It works, and the app asks for more than it was allowed.
    More,
    /// It worked before; the user must sign in again.
    Lost,
    /// The app has not confirmed the person yet.
    Waiting,
    /// The connection is paused.
    Off,
}

/// What came of a disconnection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// The service.
    pub service: String,
    /// Whether the provider took the permission back; absent where there was none to take back.
    pub revoked: Option<bool>,
}

/// The page before a user disconnects a service.
#[derive(Clone, Debug)]
pub struct StopPage {
    /// The user's page.
    pub address: Url,
    /// Id of the account.
    pub account: String,
    /// Who is connected, where the provider says.
    pub identity: Option<String>,
    /// The provider is asked to take the permission back.
    pub revokes: bool,
}

/// The page after a failure.
#[derive(Clone, Debug)]
pub struct ProblemPage {
    /// Which case it is.
    pub case: ProblemCase,
    /// The code behind it; decides the HTTP status.
    pub code: Code,
    /// The reference to quote.
    pub reference: Reference,
    /// When the link ended, where that is the problem.
    pub ended_at: Option<Timestamp>,
    /// Whether trying again on the same link makes sense.
    pub retry: bool,
    /// Who is connected, where the link was used before.
    pub identity: Option<String>,
    /// Seconds to wait before another try.
    pub wait_seconds: Option<u32>,
    /// Where "Back to the app" leads.
    pub return_url: Option<Url>,
}

/// The cases of `ux/screens.md` H5 that can happen here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProblemCase {
    /// The person said no.
    Denied,
    /// The link ended, was replaced by a newer one, or never was one.
    LinkEnded,
    /// The link succeeded before.
    LinkUsed,
    /// The provider refused the developer's app.
    AppRefused,
    /// An administrator at the provider must approve.
    AdministratorNeeded,
    /// The cookie is missing: another browser, or cookies are off.
    OtherBrowser,
    /// The provider is slow or down.
    ProviderAway,
    /// Another person than asked (verification).
    OtherPerson,
    /// The connection is paused or gone.
    ConnectionOff,
    /// Too many tries.
    TooManyTries,
    /// We failed.
    Internal,
}

/// What a hosted request leads to.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Show a page.
    Page(Box<Page>),
    /// Go somewhere with 303: the app's verify URL, or a page of ours.
    Redirect(Url),
    /// Go to the provider, from a page about `head`.
    Leave {
        /// Where the person signs in.
        to: Url,
        /// What the page before it was about.
        head: Box<PageHead>,
    },
}

/// What the browser sent besides the path.
#[derive(Clone, Debug, Default)]
pub struct Visit {
    /// Value of the browser cookie, if it came.
    pub browser: Option<String>,
    /// Whether the browser already had the cookie, or it was made for this answer and must be set.
    pub fresh_browser: bool,
}

impl Page {
    /// Whether the link is a developer's test.
    pub fn is_test(kind: FlowKind) -> bool {
        kind == FlowKind::Test
    }
}
