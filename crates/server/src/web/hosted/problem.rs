//! H5: the page after a failure.

use askama::Template;

use super::contract::{PageHead, ProblemCase, ProblemPage};
use super::frame::{Frame, Href, Scene, TEXT};
use super::sentence::{Look, Sentence, bold, mono, plain, say, tidy};
use super::views::{back_key, until};
use super::words::{Key, Words};

/// H5.
#[derive(Template)]
#[template(path = "hosted/problem.html")]
pub(super) struct ProblemView {
    frame: Frame,
    heading: Sentence,
    says: Sentence,
    worked_until: Option<Sentence>,
    connected_as: Option<Sentence>,
    then: Sentence,
    wait: Option<Wait>,
    message: Option<String>,
    retry: Option<Href>,
    back: Option<Href>,
    back_words: Sentence,
    reference: Sentence,
    quiet: bool,
}

impl ProblemView {
    pub fn new(head: &PageHead, page: &ProblemPage, scene: &Scene) -> Self {
        let problem = problem_words(page.case);
        let frame = Frame::new(head, scene, problem.heading);
        let administrator = page.case == ProblemCase::AdministratorNeeded;
        let identity = page.identity.as_deref().map(|identity| tidy(identity, TEXT));
        let reference = [mono("ref", page.reference.as_str())];
        Self {
            heading: frame.say(problem.heading),
            says: frame.say(problem.says),
            worked_until: page.ended_at.map(|at| until(&frame, Key::ProblemWorkedUntil, at)),
            connected_as: identity
                .filter(|identity| !identity.is_empty())
                .map(|identity| frame.say_with(Key::ProblemConnectedAs, &[bold("identity", &identity)])),
            then: frame.say(problem.then),
            wait: page.wait_seconds.map(|seconds| Wait::new(&frame.words, seconds)),
            message: administrator.then(|| frame.say(Key::ProblemMessage).text()),
            retry: scene.own.clone().filter(|_| page.retry),
            back: page.return_url.as_ref().and_then(Href::web),
            back_words: frame.say(back_key(head)),
            reference: frame.say_with(Key::Reference, &reference),
            quiet: matches!(page.case, ProblemCase::Denied | ProblemCase::LinkUsed),
            frame: frame.scripted(administrator || page.wait_seconds.is_some()),
        }
    }
}

/// What a problem says: what happened, what is still fine, what to do.
struct ProblemWords {
    heading: Key,
    says: Key,
    then: Key,
}

fn problem_words(case: ProblemCase) -> ProblemWords {
    use Key as K;
    let (heading, says, then) = match case {
        ProblemCase::Denied => (K::ProblemDeniedHeading, K::ProblemDeniedSays, K::ProblemDeniedThen),
        ProblemCase::LinkEnded => {
            (K::ProblemLinkEndedHeading, K::ProblemLinkEndedSays, K::ProblemLinkEndedThen)
        }
        ProblemCase::LinkUsed => (K::ProblemLinkUsedHeading, K::ProblemLinkUsedSays, K::ProblemLinkUsedThen),
        ProblemCase::AppRefused => {
            (K::ProblemAppRefusedHeading, K::ProblemAppRefusedSays, K::ProblemAppRefusedThen)
        }
        ProblemCase::AdministratorNeeded => {
            (K::ProblemAdministratorHeading, K::ProblemAdministratorSays, K::ProblemAdministratorThen)
        }
        ProblemCase::OtherBrowser => {
            (K::ProblemOtherBrowserHeading, K::ProblemOtherBrowserSays, K::ProblemOtherBrowserThen)
        }
        ProblemCase::ProviderAway => {
            (K::ProblemProviderAwayHeading, K::ProblemProviderAwaySays, K::ProblemProviderAwayThen)
        }
        ProblemCase::OtherPerson => {
            (K::ProblemOtherPersonHeading, K::ProblemOtherPersonSays, K::ProblemOtherPersonThen)
        }
        ProblemCase::ConnectionOff => {
            (K::ProblemConnectionOffHeading, K::ProblemConnectionOffSays, K::ProblemConnectionOffThen)
        }
        ProblemCase::TooManyTries => {
            (K::ProblemTooManyTriesHeading, K::ProblemTooManyTriesSays, K::ProblemTooManyTriesThen)
        }
        ProblemCase::Internal => (K::ProblemInternalHeading, K::ProblemInternalSays, K::ProblemInternalThen),
    };
    ProblemWords { heading, says, then }
}

/// How long one has to wait, and what a script needs to count it down: every form that the sentence can take.
struct Wait {
    seconds: u32,
    /// Seconds of one that is counted.
    unit: u32,
    now: Sentence,
    forms: Vec<(&'static str, Sentence)>,
}

impl Wait {
    fn new(words: &Words, seconds: u32) -> Self {
        let seconds = seconds.max(1);
        let (key, unit) =
            if seconds < 60 { (Key::ProblemWaitSeconds, 1) } else { (Key::ProblemWaitMinutes, 60) };
        let number = seconds.div_ceil(unit);
        let said = |text: &str| say(text, &[plain("n", &number.to_string())]);
        Self {
            seconds,
            unit,
            now: said(words.count(key, u64::from(number))),
            forms: words.forms(key).into_iter().map(|(form, text)| (form.name(), said(text))).collect(),
        }
    }
}
