//! H6 and H7: a user's own page, and the question before something is disconnected.

use askama::Template;
use url::Url;

use super::contract::{PageHead, ServiceLine, ServiceState, ServicesPage, StopPage, Stopped};
use super::frame::{Frame, Href, Names, Scene, TEXT};
use super::sentence::{Look, Sentence, bold, plain, tidy};
use super::tile::Tile;
use super::views::{Line, back_key, until};
use super::words::Key;

/// H6, and H7 where the page manages.
#[derive(Template)]
#[template(path = "hosted/services.html")]
pub(super) struct ServicesView {
    frame: Frame,
    heading: Sentence,
    says: Sentence,
    to: String,
    stopped: Option<(Sentence, Option<Sentence>, bool)>,
    search: Option<String>,
    none: Option<Sentence>,
    may: Sentence,
    rows: Vec<Row>,
    back: Option<Href>,
    back_words: Sentence,
    person: Option<Sentence>,
    works_until: Sentence,
}

/// A service.
struct Row {
    tile: Tile,
    service: String,
    label: Option<String>,
    purpose: Option<String>,
    state: Sentence,
    icon: &'static str,
    times: Vec<Sentence>,
    permissions: Vec<Permission>,
    connection: String,
    account: String,
    connect: Option<String>,
    stop: Option<String>,
}

/// What the app may do.
struct Permission {
    line: Line,
    sensitive: bool,
}

impl ServicesView {
    pub fn new(head: &PageHead, page: &ServicesPage, scene: &Scene) -> Self {
        let title = if page.manage { Key::ServicesTitle } else { Key::ServicesChooseTitle };
        let frame = Frame::new(head, scene, title);
        let to = path(&page.address);
        let search = page.search.as_deref().map(|text| tidy(text, TEXT));
        let sought = search.as_deref().filter(|text| !text.is_empty());
        let none = sought.filter(|_| page.lines.is_empty());
        let user = &frame.names.user;
        Self {
            heading: frame.say(title),
            says: frame.say(match (page.lines.is_empty() && none.is_none(), page.manage) {
                (true, _) => Key::ServicesEmpty,
                (false, true) => Key::ServicesSays,
                (false, false) => Key::ServicesChooseSays,
            }),
            stopped: page.stopped.as_ref().map(|stopped| said(&frame, stopped)),
            none: none.map(|text| frame.say_with(Key::ServicesNone, &[plain("text", text)])),
            may: frame.say(Key::ServicesMay),
            rows: page.lines.iter().map(|line| Row::new(&frame, line, page.manage, &to)).collect(),
            back: head.return_url.as_ref().and_then(Href::web),
            back_words: frame.say(back_key(head)),
            person: (!user.is_empty()).then(|| frame.say_with(Key::AskedFor, &[bold("user", user)])),
            works_until: until(&frame, Key::WorksUntil, page.expires_at),
            search,
            to,
            frame,
        }
    }
}

/// What came of a disconnection; whether all of it is good news.
fn said(frame: &Frame, stopped: &Stopped) -> (Sentence, Option<Sentence>, bool) {
    let names = named(frame, &stopped.service);
    let say = |key| names.say(frame.words.text(key));
    let then = stopped.revoked.map(|revoked| match revoked {
        true => Key::ServicesRevoked,
        false => Key::ServicesNotRevoked,
    });
    (say(Key::ServicesStopped), then.map(say), stopped.revoked != Some(false))
}

/// The names of a page with those of one service.
fn named(frame: &Frame, service: &str) -> Names {
    let mut names = frame.names.clone();
    names.provider = tidy(service, TEXT);
    names
}

impl Row {
    fn new(frame: &Frame, line: &ServiceLine, manage: bool, to: &str) -> Self {
        let names = named(frame, &line.service);
        let text = |text: &Option<String>| text.as_deref().map(|text| tidy(text, TEXT));
        let lang = frame.words.english().filter(|_| line.english);
        let permissions = line.permissions.iter().map(|one| Permission {
            line: Line::new(&frame.words, &one.plain, &one.scope, lang),
            sensitive: one.sensitive,
        });
        let day = |key, at| frame.say_with(key, &[plain("day", &frame.words.day(at))]);
        let since = line.since.map(|at| day(Key::ServicesSince, at));
        let used = line.used.map(|at| day(Key::ServicesUsed, at));
        Self {
            tile: Tile::new(&line.slug, &line.service),
            label: text(&line.label),
            purpose: text(&line.purpose).filter(|purpose| !purpose.is_empty()),
            state: state(frame, &names, line),
            icon: icon(line.state),
            times: since.into_iter().chain(used).collect(),
            permissions: permissions.collect(),
            connection: line.connection.clone(),
            account: line.account.clone(),
            connect: ask(line.state).map(|key| frame.words.text(key).to_owned()),
            stop: (manage && line.state != ServiceState::Open).then(|| format!("{to}?stop={}", line.account)),
            service: names.provider,
        }
    }
}

/// What the button says that leads to a connect link.
fn ask(state: ServiceState) -> Option<Key> {
    match state {
        ServiceState::Open => Some(Key::ServicesConnect),
        ServiceState::Lost | ServiceState::More => Some(Key::ServicesSignIn),
        ServiceState::Waiting => Some(Key::Again),
        ServiceState::Connected | ServiceState::Off => None,
    }
}

fn state(frame: &Frame, names: &Names, line: &ServiceLine) -> Sentence {
    let say = |key| names.say(frame.words.text(key));
    match line.state {
        ServiceState::Open => say(Key::ServicesOpen),
        ServiceState::More => say(Key::ServicesMore),
        ServiceState::Lost => say(Key::ServicesLost),
        ServiceState::Waiting => say(Key::ServicesWaiting),
        ServiceState::Off => say(Key::ServicesOff),
        ServiceState::Connected => connected(frame, names, line.identity.as_deref()),
    }
}

/// Who is connected, where that is known.
fn connected(frame: &Frame, names: &Names, identity: Option<&str>) -> Sentence {
    let identity = identity.map(|identity| tidy(identity, TEXT)).unwrap_or_default();
    match identity.is_empty() {
        true => names.say(frame.words.text(Key::ServicesConnected)),
        false => names.say_with(frame.words.text(Key::ServicesConnectedAs), &[bold("identity", &identity)]),
    }
}

fn icon(state: ServiceState) -> &'static str {
    match state {
        ServiceState::Connected => "check",
        ServiceState::More | ServiceState::Lost => "warn",
        ServiceState::Open | ServiceState::Waiting | ServiceState::Off => "info",
    }
}

/// Before something is disconnected.
#[derive(Template)]
#[template(path = "hosted/stop.html")]
pub(super) struct StopView {
    frame: Frame,
    heading: Sentence,
    who: Option<Sentence>,
    says: Sentence,
    then: Sentence,
    go: Sentence,
    keep: Sentence,
    to: String,
    account: String,
}

impl StopView {
    pub fn new(head: &PageHead, page: &StopPage, scene: &Scene) -> Self {
        let frame = Frame::new(head, scene, Key::StopTitle);
        let known = page.identity.as_deref();
        Self {
            heading: frame.say(Key::StopTitle),
            who: known.map(|identity| connected(&frame, &frame.names, Some(identity))),
            says: frame.say(Key::StopSays),
            then: frame.say(if page.revokes { Key::StopAsks } else { Key::StopOwn }),
            go: frame.say(Key::StopGo),
            keep: frame.say(Key::StopKeep),
            to: path(&page.address),
            account: page.account.clone(),
            frame,
        }
    }
}

fn path(address: &Url) -> String {
    address.path().to_owned()
}
