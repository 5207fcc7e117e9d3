use std::sync::Arc;
use std::sync::atomic::Ordering;

use http::{Response, Uri};
use keybearer_core::{Code, Error};
use keybearer_egress::{Cause, Egress, EgressError, Policy, body_from, empty_body};
use url::Url;

use crate::peers::{LIMITS, Script, get, http, local, policy};

/// Every way to write an address that is not public.
const SPELLINGS: &[&str] = &[
    "127.0.0.1",
    "127.8.9.10",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "192.0.0.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "168.63.129.16",
    "[::1]",
    "[::]",
    "[fe80::1]",
    "[fc00::1]",
    "[fd00:ec2::254]",
    "[ff02::1]",
    "2130706433",
    "0x7f.1",
    "0x7f000001",
    "0177.0.0.1",
    "017700000001",
    "127.1",
    "127.0.1",
    "127.0.0.1.",
    "localhost",
    "LocalHost",
    "localhost.",
    "a.localhost",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::ffff:a9fe:a9fe]",
    "[0:0:0:0:0:ffff:a00:1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b::169.254.169.254]",
    "[::127.0.0.1]",
    "[2002:7f00:1::]",
    "[2002:a9fe:a9fe::1]",
    "[2001:0:7f00:1::]",
];

#[tokio::test]
async fn no_spelling_of_an_inner_address_is_contacted() {
    let script = Script::new(&[&["127.0.0.1"]]);
    let egress = Egress::with_resolver(Policy::default(), Arc::clone(&script) as _).unwrap();
    for host in SPELLINGS {
        for url in [format!("https://{host}/"), format!("https://{host}:8443/x"), format!("http://{host}/")] {
            let sent = egress.send(get(&url), LIMITS).await;
            assert!(matches!(sent, Err(EgressError::Refused { .. })), "{url}: {sent:?}");
            let streamed = egress.stream(get(&url).map(body_from), LIMITS.timeout).await;
            assert!(matches!(streamed, Err(EgressError::Refused { .. })), "{url}");
            let checked = egress.check(&Url::parse(&url).unwrap());
            assert!(matches!(checked, Err(EgressError::Refused { .. })), "{url}: {checked:?}");
        }
    }
    assert_eq!(script.asked(), 0, "refused before any look-up");
}

#[test]
fn digits_of_other_scripts_are_digits() {
    let egress = Egress::new(Policy::default()).unwrap();
    for url in ["https://①②⑦.0.0.1/", "https://127。0。0。1/", "https://%31%32%37.1/"] {
        let checked = egress.check(&Url::parse(url).unwrap());
        assert!(matches!(checked, Err(EgressError::Refused { .. })), "{url}");
        assert!(url.parse::<Uri>().is_err() || url.contains('%'));
    }
}

#[tokio::test]
async fn other_schemes_methods_and_credentials_in_the_address_are_refused() {
    let egress = local();
    let urls =
        ["ftp://127.0.0.1/", "https://ada:cnry@api.example/", "https://cnry@127.0.0.1/", "/only/a/path"];
    for url in urls {
        let sent = egress.send(get(url), LIMITS).await.unwrap_err();
        assert!(matches!(sent, EgressError::Refused { .. }), "{url}: {sent:?}");
        assert!(!format!("{sent} {sent:?}").contains("cnry"), "{sent:?}");
    }
    let url = Url::parse("https://ada:cnry@api.example/").unwrap();
    assert!(matches!(egress.check(&url), Err(EgressError::Refused { .. })));
    let mut connect = get("http://127.0.0.1/");
    *connect.method_mut() = http::Method::CONNECT;
    assert!(matches!(egress.send(connect, LIMITS).await, Err(EgressError::Refused { .. })));
}

#[test]
fn a_public_https_address_passes_the_check() {
    let egress = Egress::new(Policy::default()).unwrap();
    for url in ["https://api.example/v1", "https://8.8.8.8/", "https://[2606:4700:4700::1111]:8443/"] {
        egress.check(&Url::parse(url).unwrap()).unwrap();
    }
}

#[tokio::test]
async fn a_name_that_leads_inside_is_refused_unless_it_is_allowed() {
    let (address, connections) = http(|_| async { Response::new(body_from("hello")) }).await;
    let port = address.port();
    let url = format!("https://inner.example:{port}/");
    for answer in ["127.0.0.1", "::ffff:127.0.0.1", "169.254.169.254", "64:ff9b::7f00:1"] {
        let script = Script::new(&[&[answer]]);
        let egress = Egress::with_resolver(Policy::default(), script).unwrap();
        let sent = egress.send(get(&url), LIMITS).await;
        assert!(matches!(sent, Err(EgressError::Refused { .. })), "{answer}: {sent:?}");
    }
    assert_eq!(connections.load(Ordering::SeqCst), 0);

    let url = format!("http://inner.example:{port}/");
    for rule in
        ["inner.example", &format!("inner.example:{port}"), "127.0.0.1", &format!("127.0.0.0/8:{port}")]
    {
        let egress = Egress::with_resolver(policy(&[rule]), Script::new(&[&["127.0.0.1"]])).unwrap();
        assert_eq!(egress.send(get(&url), LIMITS).await.unwrap().body(), "hello", "{rule}");
    }
}

#[tokio::test]
async fn plain_http_to_a_public_address_is_refused_after_the_look_up_too() {
    // a rule for a network makes the look-up necessary; its answer is outside the network
    let script = Script::new(&[&["8.8.8.8"]]);
    let egress = Egress::with_resolver(policy(&["10.0.0.0/8"]), Arc::clone(&script) as _).unwrap();
    let sent = egress.send(get("http://api.example/"), LIMITS).await;
    assert!(matches!(sent, Err(EgressError::Refused { .. })), "{sent:?}");
    assert_eq!(script.asked(), 1);
}

#[tokio::test]
async fn of_mixed_answers_only_allowed_addresses_are_contacted() {
    let (address, _) = http(|_| async { Response::new(body_from("hello")) }).await;
    let script = Script::new(&[&["169.254.169.254", "10.9.9.9", "127.0.0.1"]]);
    let egress = Egress::with_resolver(policy(&["127.0.0.1"]), script).unwrap();
    let answer = egress.send(get(&format!("http://mixed.example:{}/", address.port())), LIMITS).await;
    assert_eq!(answer.unwrap().body(), "hello");
}

#[tokio::test]
async fn a_changed_answer_of_the_resolver_is_judged_again() {
    let (address, connections) = http(|_| async { Response::new(body_from("hello")) }).await;
    let url = format!("http://flip.example:{}/", address.port());
    let script = Script::new(&[&["127.0.0.1"], &["127.0.0.2"]]);
    let egress = Egress::with_resolver(policy(&["127.0.0.1"]), Arc::clone(&script) as _).unwrap();
    assert_eq!(egress.send(get(&url), LIMITS).await.unwrap().body(), "hello");
    assert_eq!(script.asked(), 1, "the address that was judged is the one that is used");
    let second = egress.send(get(&url), LIMITS).await;
    assert!(matches!(second, Err(EgressError::Refused { .. })), "{second:?}");
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_dead_address_gives_way_to_the_next() {
    let (address, _) = http(|_| async { Response::new(body_from("hello")) }).await;
    let script = Script::new(&[&["127.0.0.9", "127.0.0.1"]]);
    let egress = Egress::with_resolver(policy(&["127.0.0.0/8"]), script).unwrap();
    let answer = egress.send(get(&format!("http://two.example:{}/", address.port())), LIMITS).await;
    assert_eq!(answer.unwrap().body(), "hello");
}

#[tokio::test]
async fn the_system_resolver_finds_this_machine() {
    let (address, _) = http(|_| async { Response::new(body_from("hello")) }).await;
    let url = format!("http://localhost:{}/", address.port());
    let egress = Egress::new(policy(&["localhost"])).unwrap();
    let request = http::Request::get(url).body(empty_body()).unwrap();
    assert_eq!(egress.stream(request, LIMITS.timeout).await.unwrap().status(), 200);
}

#[test]
fn refusals_become_a_code_with_a_way_out() {
    let egress = Egress::new(Policy::default()).unwrap();
    let refused = egress.check(&Url::parse("https://10.0.0.1/?token=cnry").unwrap()).unwrap_err();
    assert_eq!((refused.host(), refused.cause(), refused.never_left()), ("10.0.0.1", None, true));
    let error = Error::from(refused);
    assert_eq!(error.code, Code::EgressRefused);
    assert!(error.help.unwrap().contains("egress.allow"));
    assert!(!error.detail.contains("cnry"), "{}", error.detail);
}

#[tokio::test]
async fn proxy_variables_are_not_read() {
    // the same binary runs one test again with every proxy variable set to a dead port
    let binary = std::env::current_exe().unwrap();
    let mut again = tokio::process::Command::new(binary);
    again.args(["--exact", "addresses::the_system_resolver_finds_this_machine"]);
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        again.env(name, "http://127.0.0.1:1");
    }
    let output = again.output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
}

#[tokio::test]
async fn a_failed_look_up_was_not_sent() {
    let egress = Egress::with_resolver(Policy::default(), Script::failing()).unwrap();
    let sent = egress.send(get("https://none.example/?token=cnry"), LIMITS).await.unwrap_err();
    assert!(matches!(&sent, EgressError::NotSent { cause: Cause::Dns, .. }), "{sent:?}");
    assert!(sent.never_left() && !format!("{sent} {sent:?}").contains("cnry"));

    let egress = Egress::with_resolver(Policy::default(), Script::new(&[&[]])).unwrap();
    let sent = egress.send(get("https://none.example/"), LIMITS).await;
    assert!(matches!(sent, Err(EgressError::NotSent { cause: Cause::Dns, .. })), "{sent:?}");
}
