//! What the pages of the settings share, and the page about the public address.

use askama::Template;
use axum::response::Response;
use keybearer_app::connections::{self, Connection, ConnectionQuery};
use keybearer_app::first_steps::{self, FirstSteps};
use keybearer_app::passkeys;
use keybearer_app::reach::{self, Reach};
use keybearer_app::{Caller, PageAsk, Permission, accounts};
use keybearer_core::Result;

use super::answer::see_other;
use super::environment::named;
use super::frame::{Frame, Place, Section};
use super::guard::{Posted, Visit};
use super::when::When;

/// The pages, in their order, with what one must be allowed to do to see them.
pub(super) const PAGES: [(&str, &str, Option<Permission>); 9] = [
    ("/settings", "You", None),
    ("/settings/people", "People", Some(Permission::MembersRead)),
    ("/settings/general", "General", Some(Permission::ConnectorsRead)),
    ("/settings/verification", "User verification", Some(Permission::SettingsRead)),
    ("/settings/environments", "Environments", Some(Permission::SettingsRead)),
    ("/settings/encryption", "Encryption", Some(Permission::KeysRead)),
    ("/settings/retention", "Retention", Some(Permission::SettingsRead)),
    ("/settings/audit", "Audit", Some(Permission::LogsRead)),
    ("/settings/transfer", "Import and export", Some(Permission::ConnectorsRead)),
];

/// The way between those pages that this member may see.
pub(super) fn tabs(visit: &Visit, here: &str) -> Vec<Place> {
    let seen = |needed: Option<Permission>| needed.is_none_or(|one| visit.caller().permissions.has(one));
    let open = PAGES.into_iter().filter(|(_, _, needed)| seen(*needed));
    open.map(|(href, label, _)| Place { href, label, icon: "", here: href == here }).collect()
}

/// The frame of one of the pages.
pub(super) fn frame(visit: &Visit, label: &str) -> Frame {
    visit.frame(Section::Settings, label).under("/settings", "Settings").under("", label)
}

/// How many connections are looked at for the list.
const LOOKED_AT: u32 = 100;
/// How many of them are shown.
const SHOWN: usize = 10;

/// D22, General.
#[derive(Template)]
#[template(path = "dashboard/general.html")]
struct GeneralView {
    frame: Frame,
    tabs: Vec<Place>,
    url: String,
    reach: Option<Told>,
    breaks: Vec<Breaks>,
    listed: Vec<Registered>,
    more: usize,
    accounts: i64,
    /// What passkeys belong to, when there can be any.
    passkeys_of: Option<String>,
    /// What the single sign-on is called, if there is one.
    sso: Option<String>,
    /// What became of the first steps.
    steps: &'static str,
    steps_there: bool,
    may: bool,
}

/// What asking ourselves gave.
struct Told {
    ok: bool,
    what: String,
    why: String,
    fix: String,
    at: When,
}

/// What a change breaks in an environment.
struct Breaks {
    environment: String,
    connections: String,
}

/// A redirect URI that stands at a provider.
struct Registered {
    id: String,
    name: String,
    provider: String,
    redirect_uri: String,
}

/// `GET /settings/general`
pub(super) async fn show(visit: Visit) -> Response {
    let page = view(&visit).await;
    visit.answer(page.map(|view| visit.page(&view)))
}

/// `POST /settings/general`
pub(super) async fn check(Posted { visit, .. }: Posted) -> Response {
    let checked = reach::check_again(visit.app(), visit.caller()).await;
    visit.answer(checked.map(|_| see_other("/settings/general")))
}

async fn view(visit: &Visit) -> Result<GeneralView> {
    let (app, caller) = (visit.app(), visit.caller());
    let reach = reach::check(app, caller).await?;
    let counts = accounts::counts(app, caller).await?;
    let mut breaks = Vec::new();
    for one in &visit.session.environments {
        let inside = Caller { environment: one.id.clone(), ..caller.clone() };
        let (registered, all) = registered(visit, &inside).await?;
        let plus = if all { "" } else { " or more" };
        let noun = if registered.len() == 1 && all { "connection" } else { "connections" };
        breaks.push(Breaks {
            environment: named(one),
            connections: format!("{}{plus} {noun}", registered.len()),
        });
    }
    let (here, _) = registered(visit, caller).await?;
    let steps = first_steps::state(app, caller).await?;
    let frame = frame(visit, "General");
    Ok(GeneralView {
        tabs: tabs(visit, "/settings/general"),
        url: app.issuer().to_owned(),
        reach: Some(told(&reach, app.now())),
        breaks,
        more: here.len().saturating_sub(SHOWN),
        passkeys_of: passkeys::possible(app).then(|| host(app.issuer())),
        sso: app.config().sso.as_ref().map(|sso| sso.name.clone()),
        steps: steps_word(steps),
        steps_there: steps.is_there(),
        may: caller.permissions.has(Permission::SettingsWrite),
        accounts: counts.iter().map(|count| count.accounts).sum(),
        listed: here.into_iter().take(SHOWN).map(listed).collect(),
        frame: frame.command("keybearer doctor"),
    })
}

const fn steps_word(state: FirstSteps) -> &'static str {
    match state {
        FirstSteps::Shown => "The first page shows the steps to a first call until they are done.",
        FirstSteps::Done => "All five steps are done, and the list has gone from the first page.",
        FirstSteps::Hidden => "Somebody hid the list.",
        FirstSteps::Restored => "The first page shows the steps to a first call until somebody hides them.",
    }
}

/// The host name in an address.
fn host(url: &str) -> String {
    url::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
}

/// The connections with an address of ours at their provider, and whether these are all.
async fn registered(visit: &Visit, caller: &Caller) -> Result<(Vec<Connection>, bool)> {
    let ask = PageAsk::first(LOOKED_AT);
    let page = connections::list(visit.app(), caller, &ConnectionQuery::default(), &ask).await?;
    let all = page.next.is_none();
    Ok((page.items.into_iter().filter(|one| one.needs_redirect_uri).collect(), all))
}

fn listed(connection: Connection) -> Registered {
    Registered {
        id: connection.id.to_string(),
        name: connection.name,
        provider: connection.connector_display_name,
        redirect_uri: connection.redirect_uri,
    }
}

fn told(reach: &Reach, now: keybearer_core::Timestamp) -> Told {
    let said = reach.said();
    Told { ok: said.ok, what: said.what, why: said.why, fix: said.fix, at: When::new(reach.at, now) }
}
