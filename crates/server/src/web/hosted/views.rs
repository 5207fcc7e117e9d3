//! The templates, and what they show: every decision is taken here, the templates only loop and ask.

use askama::Template;

use super::contract::{
    CredentialPage, DonePage, IdentityPage, Page, PageHead, PermissionLine, Standing, StartNext, StartPage,
    WaitingPage,
};
use super::form::{Control, FormView};
use super::frame::{Frame, Href, Scene, TEXT};
use super::problem::ProblemView;
use super::said;
use super::sentence::{Look, Sentence, bold, plain, say, tidy};
use super::services::{ServicesView, StopView};
use super::words::{Key, Words};

/// H1.
#[derive(Template)]
#[template(path = "hosted/start.html")]
pub(super) struct StartView {
    frame: Frame,
    heading: Sentence,
    stands: Vec<Sentence>,
    sign_in_at: Sentence,
    purpose: Option<String>,
    able_to: Sentence,
    permissions: Vec<Permission>,
    provider_lists: Option<Sentence>,
    link: Option<Href>,
    /// Told when somebody follows the link.
    ping: Option<String>,
    form: Option<FormView>,
    go: Sentence,
    cancel: Option<Href>,
    person: Option<Sentence>,
    works_until: Sentence,
    settled: bool,
}

/// A sentence of a connector, or ours where it has none.
pub(super) struct Line {
    pub sentence: Sentence,
    pub lang: Option<&'static str>,
}

impl Line {
    /// The sentence about a scope; `lang` is the language of the connector's sentences, where it is not the page's.
    pub fn new(words: &Words, text: &str, scope: &str, lang: Option<&'static str>) -> Self {
        let (text, scope) = (tidy(text, TEXT), tidy(scope, TEXT));
        if text.is_empty() {
            return Self {
                sentence: say(words.text(Key::StartUseScope), &[plain("scope", &scope)]),
                lang: None,
            };
        }
        Self { sentence: say("{text}", &[plain("text", &text)]), lang }
    }
}

/// A line of the permission list.
pub(super) struct Permission {
    pub line: Line,
    pub sensitive: bool,
    pub new: bool,
}

impl Permission {
    fn new(frame: &Frame, head: &PageHead, line: &PermissionLine) -> Self {
        let lang = frame.words.english().filter(|_| head.english);
        Self {
            line: Line::new(&frame.words, &line.plain, &line.scope, lang),
            sensitive: line.sensitive,
            new: line.new,
        }
    }
}

impl StartView {
    pub fn new(head: &PageHead, page: &StartPage, scene: &Scene) -> Self {
        let frame = Frame::new(head, scene, Key::StartTitle);
        let (link, form) = match &page.next {
            StartNext::Link(url) => (Href::web(url), None),
            StartNext::Form(form) => (None, Some(FormView::new(&frame, form, head.english))),
        };
        let asked = |scope: &str| form.as_ref().is_some_and(|form| form.offers(scope));
        let permissions: Vec<_> = page
            .permissions
            .iter()
            .filter(|line| !asked(&line.scope))
            .map(|line| Permission::new(&frame, head, line))
            .collect();
        let untold = permissions.is_empty() && form.as_ref().is_none_or(|form| form.scopes.is_empty());
        let host = tidy(&page.provider_host, TEXT);
        let more = page.standing == Standing::More;
        Self {
            heading: frame.say(start_heading(&page.standing)),
            stands: stands(&frame, &page.standing),
            sign_in_at: frame.say_with(Key::StartSignInAt, &[bold("host", &host)]),
            purpose: purpose(head),
            able_to: frame.say(if more { Key::StartAbleToMore } else { Key::StartAbleTo }),
            provider_lists: untold.then(|| frame.say(Key::StartProviderLists)),
            go: frame.say(Key::StartGo),
            cancel: page.cancel_url.as_ref().and_then(Href::web),
            person: person(&frame),
            works_until: until(&frame, Key::WorksUntil, page.expires_at),
            settled: matches!(page.standing, Standing::Connected { .. }),
            permissions,
            ping: scene.own.as_ref().map(|own| format!("{}/left", own.as_str())),
            link,
            frame: frame.scripted(form.as_ref().is_some_and(FormView::saves_steps)),
            form,
        }
    }
}

fn start_heading(standing: &Standing) -> Key {
    match standing {
        Standing::New => Key::StartHeading,
        Standing::Again { .. } => Key::StartHeadingAgain,
        Standing::More => Key::StartHeadingMore,
        Standing::Connected { .. } => Key::StartHeadingConnected,
    }
}

/// What is known of the account already, below the heading.
fn stands(frame: &Frame, standing: &Standing) -> Vec<Sentence> {
    match standing {
        Standing::New | Standing::More | Standing::Again { lost_at: None } => Vec::new(),
        Standing::Again { lost_at: Some(at) } => {
            vec![frame.say_with(Key::StartLostAccess, &[plain("day", &frame.words.day(*at))])]
        }
        Standing::Connected { identity } => {
            let identity = identity.as_deref().map(|identity| tidy(identity, TEXT));
            let nothing = identity.filter(|identity| !identity.is_empty()).map_or_else(
                || frame.say(Key::StartNothingToDo),
                |identity| frame.say_with(Key::StartNothingToDoAs, &[bold("identity", &identity)]),
            );
            vec![nothing, frame.say(Key::StartOtherAccount)]
        }
    }
}

/// H2.
#[derive(Template)]
#[template(path = "hosted/credentials.html")]
pub(super) struct CredentialView {
    frame: Frame,
    heading: Sentence,
    purpose: Option<String>,
    form: FormView,
    cancel: Option<Href>,
    kept: Sentence,
    person: Option<Sentence>,
}

impl CredentialView {
    pub fn new(head: &PageHead, page: &CredentialPage, scene: &Scene) -> Self {
        let mut frame = Frame::new(head, scene, Key::FormTitle);
        let form = FormView::new(&frame, &page.form, head.english);
        if form.is_wrong() {
            frame.title = frame.say(Key::FormTitleWrong).text();
        }
        Self {
            heading: frame.say(Key::FormHeading),
            purpose: purpose(head),
            cancel: page.cancel_url.as_ref().and_then(Href::web),
            kept: frame.say(if page.shared { Key::FormShared } else { Key::FormKept }),
            person: person(&frame),
            frame: frame.scripted(form.saves_steps()),
            form,
        }
    }
}

/// H3.
#[derive(Template)]
#[template(path = "hosted/waiting.html")]
pub(super) struct WaitingView {
    frame: Frame,
    heading: Sentence,
    says: Sentence,
}

impl WaitingView {
    pub fn new(head: &PageHead, page: WaitingPage, scene: &Scene) -> Self {
        let mut frame = Frame::new(head, scene, Key::WaitingTitle);
        // the address itself again: nothing of it stands in the page
        frame.onward = (!scene.still).then(|| if page.slow { "3" } else { "1" }.to_owned());
        Self {
            heading: frame.say(Key::WaitingTitle),
            says: frame.say(if page.slow { Key::WaitingSlow } else { Key::WaitingSays }),
            frame,
        }
    }
}

/// H5, case 9.
#[derive(Template)]
#[template(path = "hosted/identity.html")]
pub(super) struct IdentityView {
    frame: Frame,
    heading: Sentence,
    says: Sentence,
    before: String,
    now: String,
    keep: Sentence,
    go_back: Sentence,
    csrf: String,
    to: Option<Href>,
}

impl IdentityView {
    pub fn new(head: &PageHead, page: &IdentityPage, scene: &Scene) -> Self {
        let frame = Frame::new(head, scene, Key::IdentityTitle);
        let (before, now) = (tidy(&page.before, TEXT), tidy(&page.now, TEXT));
        Self {
            heading: frame.say(Key::IdentityHeading),
            says: frame.say(Key::IdentitySays),
            keep: frame.say_with(Key::IdentityKeep, &[plain("now", &now)]),
            go_back: frame.say_with(Key::IdentityGoBack, &[plain("before", &before)]),
            csrf: page.csrf.clone(),
            to: scene.own.clone(),
            before,
            now,
            frame,
        }
    }
}

/// H4.
#[derive(Template)]
#[template(path = "hosted/done.html")]
pub(super) struct DoneView {
    frame: Frame,
    heading: Sentence,
    identity: Option<Sentence>,
    notes: Vec<Sentence>,
    again: Option<Href>,
    missing: Vec<Permission>,
    missing_heading: Sentence,
    missing_says: Sentence,
    /// Where the page stays, when it goes back by itself.
    stay: Option<Href>,
    leaves: Sentence,
    back: Option<Href>,
    back_words: Sentence,
}

impl DoneView {
    pub fn new(head: &PageHead, page: &DonePage, scene: &Scene) -> Self {
        let heading = if head.connector_name.is_empty() { Key::DoneHeadingAny } else { Key::DoneHeading };
        let mut frame = Frame::new(head, scene, heading);
        let back = page.return_url.as_ref().and_then(Href::web);
        let leaving = back.as_ref().zip(page.stay.as_deref());
        frame.onward = leaving.filter(|_| !scene.still).map(|(to, _)| format!("3;url={}", to.as_str()));
        let identity = page.identity.as_deref().map(|identity| tidy(identity, TEXT));
        Self {
            heading: frame.say(heading),
            identity: identity
                .map(|identity| frame.say_with(Key::DoneIdentity, &[bold("identity", &identity)])),
            notes: page.notes.iter().map(|note| said::note(&frame.words, note)).collect(),
            again: scene.own.clone().filter(|_| page.again),
            missing: page.missing.iter().map(|line| Permission::new(&frame, head, line)).collect(),
            missing_heading: frame.say(Key::DoneMissing),
            missing_says: frame.say(Key::DoneMissingSays),
            stay: leaving.map(|(_, stay)| Href::path(stay)),
            leaves: frame.say(Key::DoneLeaves),
            back,
            back_words: frame.say(back_key(head)),
            frame,
        }
    }
}

/// The way to the provider after a form of ours.
#[derive(Template)]
#[template(path = "hosted/hop.html")]
pub(super) struct HopView {
    frame: Frame,
    heading: Sentence,
    says: Sentence,
    go: Sentence,
    to: Href,
}

impl HopView {
    pub fn new(head: &PageHead, to: Href, host: &str, scene: &Scene) -> Self {
        let mut frame = Frame::new(head, scene, Key::HopTitle);
        frame.onward = Some(format!("0;url={}", to.as_str()));
        Self {
            heading: frame.say(Key::HopTitle),
            says: frame.say_with(Key::HopSays, &[bold("host", host)]),
            go: frame.say(Key::HopGo),
            to,
            frame,
        }
    }
}

/// Nothing is here.
#[derive(Template)]
#[template(path = "hosted/absent.html")]
pub(super) struct AbsentView {
    frame: Frame,
}

impl AbsentView {
    pub fn new(scene: &Scene) -> Self {
        Self { frame: Frame::new(&PageHead::default(), scene, Key::AbsentHeading) }
    }
}

/// The page as HTML.
pub(super) fn html(page: &Page, scene: &Scene) -> askama::Result<String> {
    use super::contract::PageBody::{
        Credentials, Done, IdentityChanged, Problem, Services, Start, Stop, Waiting,
    };
    match &page.body {
        Start(body) => StartView::new(&page.head, body, scene).render(),
        Credentials(body) => CredentialView::new(&page.head, body, scene).render(),
        Waiting(body) => WaitingView::new(&page.head, *body, scene).render(),
        IdentityChanged(body) => IdentityView::new(&page.head, body, scene).render(),
        Done(body) => DoneView::new(&page.head, body, scene).render(),
        Problem(body) => ProblemView::new(&page.head, body, scene).render(),
        Services(body) => ServicesView::new(&page.head, body, scene).render(),
        Stop(body) => StopView::new(&page.head, body, scene).render(),
    }
}

/// What the way back is called.
pub(super) fn back_key(head: &PageHead) -> Key {
    if head.from_user_page { Key::ServicesBack } else { Key::Back }
}

fn purpose(head: &PageHead) -> Option<String> {
    head.purpose.as_deref().map(|purpose| tidy(purpose, TEXT)).filter(|purpose| !purpose.is_empty())
}

fn person(frame: &Frame) -> Option<Sentence> {
    let user = &frame.names.user;
    (!user.is_empty()).then(|| frame.say_with(Key::AskedFor, &[bold("user", user)]))
}

pub(super) fn until(frame: &Frame, key: Key, at: keybearer_core::Timestamp) -> Sentence {
    frame.say_with(key, &[plain("time", &frame.words.moment(at))])
}
