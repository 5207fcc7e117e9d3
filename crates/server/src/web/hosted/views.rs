//! The templates, and what they show: every decision is taken here, the templates only loop and ask.

use askama::Template;
use keybearer_core::Timestamp;

use super::contract::{
    CredentialPage, DonePage, IdentityPage, Page, PageHead, PermissionLine, ProblemCase, ProblemPage,
    StartNext, StartPage,
};
use super::form::{Control, FormView};
use super::frame::{Frame, Href, TEXT};
use super::sentence::{Look, Sentence, bold, mono, plain, say, tidy};
use super::words::ENGLISH;

/// H1.
#[derive(Template)]
#[template(path = "hosted/start.html")]
pub(super) struct StartView {
    frame: Frame,
    heading: Sentence,
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
}

/// A line of the permission list.
pub(super) struct Permission {
    pub text: String,
    pub sensitive: bool,
    pub new: bool,
}

impl Permission {
    fn new(line: &PermissionLine) -> Self {
        let text = if line.plain.is_empty() { &line.scope } else { &line.plain };
        Self { text: tidy(text, TEXT), sensitive: line.sensitive, new: line.new }
    }
}

impl StartView {
    pub fn new(head: &PageHead, page: &StartPage, own: Option<&Href>) -> Self {
        let words = &ENGLISH.start;
        let frame = Frame::new(head, words.title);
        let names = frame.names.clone();
        let (link, form) = match &page.next {
            StartNext::Link(url) => (Href::web(url), None),
            StartNext::Form(form) => (None, Some(FormView::new(&names, form))),
        };
        let asked = |scope: &str| form.as_ref().is_some_and(|form| form.offers(scope));
        let permissions: Vec<_> =
            page.permissions.iter().filter(|line| !asked(&line.scope)).map(Permission::new).collect();
        let untold = permissions.is_empty() && form.as_ref().is_none_or(|form| form.scopes.is_empty());
        let host = tidy(&page.provider_host, TEXT);
        let values = [plain("app", &names.app), plain("provider", &names.provider), bold("host", &host)];
        Self {
            heading: names.say(if page.reconnect { words.heading_again } else { words.heading }),
            sign_in_at: say(words.sign_in_at, &values),
            purpose: purpose(head),
            able_to: names.say(words.able_to),
            provider_lists: untold.then(|| names.say(words.provider_lists)),
            go: names.say(words.go),
            cancel: page.cancel_url.as_ref().and_then(Href::web),
            person: person(&frame),
            works_until: until(ENGLISH.works_until, page.expires_at),
            permissions,
            ping: own.map(|own| format!("{}/left", own.as_str())),
            link,
            form,
            frame,
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
    pub fn new(head: &PageHead, page: &CredentialPage) -> Self {
        let words = &ENGLISH.form;
        let mut frame = Frame::new(head, words.title);
        let form = FormView::new(&frame.names, &page.form);
        let kept = if page.shared { words.shared } else { words.kept };
        if form.is_wrong() {
            frame.title = frame.names.say(words.title_wrong).text();
        }
        Self {
            heading: frame.names.say(words.heading),
            purpose: purpose(head),
            cancel: page.cancel_url.as_ref().and_then(Href::web),
            kept: frame.names.say(kept),
            person: person(&frame),
            form,
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
    pub fn new(head: &PageHead, page: &IdentityPage, own: Option<&Href>) -> Self {
        let words = &ENGLISH.identity;
        let frame = Frame::new(head, words.title);
        let (before, now) = (tidy(&page.before, TEXT), tidy(&page.now, TEXT));
        Self {
            heading: frame.names.say(words.heading),
            says: frame.names.say(words.says),
            keep: say(words.keep, &[plain("now", &now)]),
            go_back: say(words.go_back, &[plain("before", &before)]),
            csrf: page.csrf.clone(),
            to: own.cloned(),
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
    again: Option<Href>,
    missing: Vec<Permission>,
    missing_heading: Sentence,
    missing_says: Sentence,
    back: Option<Href>,
    back_words: Sentence,
}

impl DoneView {
    pub fn new(head: &PageHead, page: &DonePage, own: Option<&Href>) -> Self {
        let words = &ENGLISH.done;
        let heading = if head.connector_name.is_empty() { words.heading_any } else { words.heading };
        let frame = Frame::new(head, heading);
        let identity = page.identity.as_deref().map(|identity| tidy(identity, TEXT));
        Self {
            heading: frame.names.say(heading),
            identity: identity.map(|identity| say(words.identity, &[bold("identity", &identity)])),
            again: own.filter(|_| page.again).cloned(),
            missing: page.missing.iter().map(Permission::new).collect(),
            missing_heading: frame.names.say(words.missing),
            missing_says: frame.names.say(words.missing_says),
            back: page.return_url.as_ref().and_then(Href::web),
            back_words: frame.names.say(ENGLISH.back),
            frame,
        }
    }
}

/// H5.
#[derive(Template)]
#[template(path = "hosted/problem.html")]
pub(super) struct ProblemView {
    frame: Frame,
    heading: Sentence,
    says: Sentence,
    worked_until: Option<Sentence>,
    then: Sentence,
    wait: Option<Sentence>,
    message: Option<String>,
    retry: Option<Href>,
    back: Option<Href>,
    back_words: Sentence,
    reference: Sentence,
    quiet: bool,
}

impl ProblemView {
    pub fn new(head: &PageHead, page: &ProblemPage, own: Option<&Href>) -> Self {
        let all = &ENGLISH.problem;
        let problem = all.of(page.case);
        let frame = Frame::new(head, problem.heading);
        let names = frame.names.clone();
        let ended = page.ended_at.map(|at| until(all.worked_until, at));
        let administrator = page.case == ProblemCase::AdministratorNeeded;
        Self {
            heading: names.say(problem.heading),
            says: names.say(problem.says),
            worked_until: ended,
            then: names.say(problem.then),
            wait: page.wait_seconds.map(wait),
            message: administrator.then(|| names.say(all.message).text()),
            retry: own.filter(|_| page.retry).cloned(),
            back: page.return_url.as_ref().and_then(Href::web),
            back_words: names.say(ENGLISH.back),
            reference: say(ENGLISH.reference, &[mono("ref", page.reference.as_str())]),
            quiet: matches!(page.case, ProblemCase::Denied | ProblemCase::LinkUsed),
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
    pub fn new(head: &PageHead, to: Href, host: &str) -> Self {
        let words = &ENGLISH.hop;
        let mut frame = Frame::new(head, words.title);
        frame.onward = Some(to.clone());
        Self {
            heading: frame.names.say(words.title),
            says: say(words.says, &[bold("host", host)]),
            go: frame.names.say(words.go),
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
    pub fn new() -> Self {
        Self { frame: Frame::new(&PageHead::default(), ENGLISH.absent.heading) }
    }
}

/// The page as HTML. `own` is the address of the link it is about, where that is known.
pub(super) fn html(page: &Page, own: Option<&Href>) -> askama::Result<String> {
    use super::contract::PageBody::{Credentials, Done, IdentityChanged, Problem, Start};
    match &page.body {
        Start(body) => StartView::new(&page.head, body, own).render(),
        Credentials(body) => CredentialView::new(&page.head, body).render(),
        IdentityChanged(body) => IdentityView::new(&page.head, body, own).render(),
        Done(body) => DoneView::new(&page.head, body, own).render(),
        Problem(body) => ProblemView::new(&page.head, body, own).render(),
    }
}

fn purpose(head: &PageHead) -> Option<String> {
    head.purpose.as_deref().map(|purpose| tidy(purpose, TEXT)).filter(|purpose| !purpose.is_empty())
}

fn person(frame: &Frame) -> Option<Sentence> {
    let (app, user) = (&frame.names.app, &frame.names.user);
    (!user.is_empty()).then(|| say(ENGLISH.asked_for, &[plain("app", app), bold("user", user)]))
}

fn until(pattern: &'static str, at: Timestamp) -> Sentence {
    let time = jiff::Timestamp::from_microsecond(at.micros())
        .map_or_else(|_| at.rfc3339(), |time| time.strftime("%-d %B %Y, %H:%M UTC").to_string());
    say(pattern, &[plain("time", &time)])
}

fn wait(seconds: u32) -> Sentence {
    let words = &ENGLISH.problem;
    let (pattern, count) = match seconds {
        0 | 1 => (words.wait_one_second, 1),
        2..=59 => (words.wait_seconds, seconds),
        60 => (words.wait_one_minute, 1),
        _ => (words.wait_minutes, seconds.div_ceil(60)),
    };
    say(pattern, &[plain("n", &count.to_string())])
}
