//! Sample pages for pictures and tests.

use keybearer_app::connectors::forms::{Fault, Note};
use keybearer_core::{Code, Reference, SeededEntropy, Timestamp};
use url::Url;

use super::contract::{
    CredentialPage, DonePage, FormProblem, FormTrouble, IdentityPage, InputKind, Page, PageBody, PageField,
    PageForm, PageHead, PermissionLine, ProblemCase, ProblemPage, ScopeChoice, Standing, StartNext,
    StartPage, WaitingPage,
};
use super::samples_services;

/// Every sample by its name.
pub(super) const NAMES: [&str; 34] = [
    "start",
    "start-reconnect",
    "start-more",
    "start-connected",
    "start-fields",
    "start-scopes",
    "start-wrong",
    "start-test",
    "start-bare",
    "keys",
    "keys-wrong",
    "keys-kinds",
    "embedded",
    "waiting",
    "waiting-slow",
    "identity",
    "done",
    "done-partial",
    "done-bare",
    "services",
    "services-choose",
    "services-stop",
    "services-stopped",
    "denied",
    "ended",
    "used",
    "refused",
    "administrator",
    "browser",
    "away",
    "person",
    "off",
    "tries",
    "internal",
];

/// The sample of that name.
pub(super) fn sample(name: &str) -> Option<Page> {
    let page = |body| Some(Page { head: head("CodeHarbor", "codeharbor"), body });
    let start = |start| page(PageBody::Start(start));
    match name {
        "start" => start(plain_start()),
        "start-reconnect" => {
            let standing = Standing::Again { lost_at: Some(Timestamp::from_seconds(1_762_164_000)) };
            start(StartPage { standing, permissions: again(), ..plain_start() })
        }
        "start-more" => {
            let permissions = vec![PermissionLine { new: true, ..write() }];
            start(StartPage { standing: Standing::More, permissions, ..plain_start() })
        }
        "start-connected" => {
            let standing = Standing::Connected { identity: Some("@ada-obi".into()) };
            start(StartPage { standing, ..plain_start() })
        }
        "start-fields" => {
            Some(Page { head: head("Deskbell", "deskbell"), body: PageBody::Start(fields(None)) })
        }
        "start-wrong" => {
            let fault = Fault::PartBefore(".deskbell.example".into());
            Some(Page { head: head("Deskbell", "deskbell"), body: PageBody::Start(fields(Some(fault))) })
        }
        "embedded" => {
            let head = PageHead { refuses_embedded: true, ..head("CodeHarbor", "codeharbor") };
            Some(Page { head, body: PageBody::Start(plain_start()) })
        }
        "start-scopes" => start(StartPage { next: StartNext::Form(choices()), ..plain_start() }),
        "start-test" => {
            let head = PageHead { test: true, sandbox: true, ..head("Postcards", "postcards") };
            Some(Page { head, body: PageBody::Start(StartPage { cancel_url: None, ..plain_start() }) })
        }
        "start-bare" => {
            let head =
                PageHead { identifier: String::new(), sandbox: true, ..head("Postcards", "postcards") };
            let start = StartPage { permissions: Vec::new(), cancel_url: None, ..plain_start() };
            Some(Page { head, body: PageBody::Start(start) })
        }
        "keys" => Some(keys(None, None)),
        "keys-wrong" => {
            Some(keys(Some(rejected()), Some(Fault::Example("a hexadecimal number of 32 digits".into()))))
        }
        "keys-kinds" => Some(kinds()),
        "waiting" => page(PageBody::Waiting(WaitingPage { slow: false })),
        "waiting-slow" => page(PageBody::Waiting(WaitingPage { slow: true })),
        "identity" => page(PageBody::IdentityChanged(IdentityPage {
            before: "@ada-obi".into(),
            now: "@ada-private".into(),
            csrf: "c5rf".into(),
        })),
        "done" => page(PageBody::Done(DonePage { again: true, stay: Some("#".to_owned()), ..done() })),
        "done-partial" => page(PageBody::Done(DonePage { missing: vec![write()], ..done() })),
        "done-bare" => page(PageBody::Done(DonePage { identity: None, return_url: None, ..done() })),
        _ => samples_services::sample(name).or_else(|| problem_sample(name)),
    }
}

fn problem_sample(name: &str) -> Option<Page> {
    let (case, code) = match name {
        "denied" => (ProblemCase::Denied, Code::ConsentDenied),
        "ended" => (ProblemCase::LinkEnded, Code::LinkExpired),
        "used" => (ProblemCase::LinkUsed, Code::LinkUsed),
        "refused" => (ProblemCase::AppRefused, Code::ClientRejected),
        "administrator" => (ProblemCase::AdministratorNeeded, Code::ConsentDenied),
        "browser" => (ProblemCase::OtherBrowser, Code::StateInvalid),
        "away" => (ProblemCase::ProviderAway, Code::ProviderUnavailable),
        "person" => (ProblemCase::OtherPerson, Code::IdentifierMismatch),
        "off" => (ProblemCase::ConnectionOff, Code::ConnectionPaused),
        "tries" => (ProblemCase::TooManyTries, Code::RateLimited),
        "internal" => (ProblemCase::Internal, Code::Internal),
        _ => return None,
    };
    let problem = ProblemPage {
        case,
        code,
        reference: reference(),
        ended_at: (case == ProblemCase::LinkEnded).then(|| Timestamp::from_seconds(1_900_000_000)),
        retry: matches!(
            case,
            ProblemCase::Denied | ProblemCase::ProviderAway | ProblemCase::AdministratorNeeded
        ),
        identity: (case == ProblemCase::LinkUsed).then(|| "@ada-obi".into()),
        wait_seconds: (case == ProblemCase::TooManyTries).then_some(480),
        return_url: web("https://fieldnote.example/settings"),
    };
    Some(Page { head: head("CodeHarbor", "codeharbor"), body: PageBody::Problem(problem) })
}

pub(super) fn head(name: &str, slug: &str) -> PageHead {
    PageHead {
        app_name: "Fieldnote".into(),
        connector_name: name.into(),
        connector_slug: slug.into(),
        identifier: "ada@example.com".into(),
        english: true,
        ..PageHead::default()
    }
}

pub(super) fn web(url: &str) -> Option<Url> {
    Url::parse(url).ok()
}

fn reference() -> Reference {
    Reference::new(&SeededEntropy::new(7)).unwrap_or_else(|_| Reference::unknown())
}

pub(super) fn write() -> PermissionLine {
    line("repo", "Write to your repositories, private ones included", true)
}

fn line(scope: &str, plain: &str, sensitive: bool) -> PermissionLine {
    PermissionLine { scope: scope.into(), plain: plain.into(), sensitive, new: false }
}

fn again() -> Vec<PermissionLine> {
    let kept = line("read:user", "See your profile and email address", false);
    vec![kept, PermissionLine { new: true, ..write() }]
}

fn plain_start() -> StartPage {
    let next = web("https://codeharbor.example/login/oauth/authorize?client_id=Ov23liX1&scope=repo&state=s");
    StartPage {
        provider_host: "codeharbor.example".into(),
        permissions: vec![
            line("read:user", "See your profile and email address", false),
            line("public_repo", "Read your repositories", false),
            write(),
        ],
        standing: Standing::New,
        next: next.map_or_else(|| StartNext::Form(PageForm::default()), StartNext::Link),
        cancel_url: web("https://fieldnote.example/settings"),
        expires_at: Timestamp::from_seconds(1_900_000_000),
    }
}

fn fields(error: Option<Fault>) -> StartPage {
    let subdomain = PageField {
        name: "subdomain".into(),
        label: "Your Deskbell address".into(),
        help: Some("It is in the address bar when you work in Deskbell.".into()),
        example: Some("acme".into()),
        prefix: Some("https://".into()),
        suffix: Some(".deskbell.example".into()),
        required: true,
        value: if error.is_some() { "https://acme".into() } else { String::new() },
        error,
        ..PageField::default()
    };
    let form = PageForm { csrf: "c5rf".into(), fields: vec![subdomain], ..PageForm::default() };
    StartPage { provider_host: "your Deskbell".into(), next: StartNext::Form(form), ..plain_start() }
}

fn choices() -> PageForm {
    let choice = |scope: &str, plain: &str, sensitive, locked, chosen| ScopeChoice {
        scope: scope.into(),
        plain: plain.into(),
        sensitive,
        locked,
        chosen,
    };
    let scopes = vec![
        choice("read:user", "See your profile and email address", false, true, true),
        choice("public_repo", "Read your repositories", false, false, true),
        choice("repo", "Write to your repositories, private ones included", true, false, false),
    ];
    PageForm { csrf: "c5rf".into(), scopes, ..PageForm::default() }
}

fn secret(name: &str, label: &str, help: &str) -> PageField {
    let (name, label, help) = (name.into(), label.into(), Some(help.into()));
    PageField { name, label, help, secret: true, required: true, ..PageField::default() }
}

fn rejected() -> FormProblem {
    FormProblem { kind: FormTrouble::Rejected, reference: reference() }
}

fn keys(problem: Option<FormProblem>, error: Option<Fault>) -> Page {
    let site = PageField {
        name: "site".into(),
        label: "Watchtower site".into(),
        input: InputKind::Choice(vec!["app.watchtower.example".into(), "app.watchtower.eu.example".into()]),
        value: "app.watchtower.example".into(),
        required: true,
        ..PageField::default()
    };
    let key = PageField {
        where_to_find: web("https://docs.watchtower.example/account_management/api-app-keys/"),
        notes: error.iter().map(|_| Note::Scheme("Bearer".into())).collect(),
        error,
        value: "never shown".into(),
        pattern: Some("^[0-9a-f]{32}$".into()),
        ..secret("api_key", "API key", "In Watchtower: Organization settings → API keys.")
    };
    let application =
        secret("application_key", "Application key", "Acts with the rights of the person who made it.");
    let form = PageForm {
        csrf: "c5rf".into(),
        fields: vec![site, key, application],
        problem,
        ..PageForm::default()
    };
    let page = CredentialPage { form, cancel_url: web("https://fieldnote.example/settings"), shared: false };
    Page { head: head("Watchtower", "watchtower"), body: PageBody::Credentials(page) }
}

fn kinds() -> Page {
    let of = |name: &str, label: &str, input| PageField {
        name: name.into(),
        label: label.into(),
        input,
        required: true,
        ..PageField::default()
    };
    let region = InputKind::Choice(vec!["eu-central".into(), "us-east".into()]);
    let fields = vec![
        PageField {
            example: Some("https://acme.example".into()),
            ..of("url", "Address of your server", InputKind::Url)
        },
        of("region", "Region", region),
        PageField { required: false, ..of("account", "Account number", InputKind::Number) },
        PageField { secret: true, ..of("key", "Private key", InputKind::Area) },
    ];
    let form = PageForm { csrf: "c5rf".into(), fields, ..PageForm::default() };
    let head = PageHead {
        purpose: Some("Fieldnote reads your warehouse to draw the maps you ask for.".into()),
        ..head("Drift Icehouse", "icehouse")
    };
    Page { head, body: PageBody::Credentials(CredentialPage { form, cancel_url: None, shared: false }) }
}

fn done() -> DonePage {
    DonePage {
        identity: Some("@ada-obi".into()),
        return_url: web("https://fieldnote.example/settings"),
        ..DonePage::default()
    }
}
