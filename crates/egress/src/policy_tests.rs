use super::*;

fn policy(allow: &[&str]) -> Policy {
    Policy { allow: allow.iter().map(|rule| rule.parse().unwrap()).collect(), ..Policy::default() }
}

fn target(url: &str) -> Target {
    Target::from_url(&url::Url::parse(url).unwrap()).unwrap()
}

fn admits(allow: &[&str], url: &str, address: &str) -> bool {
    policy(allow).admit(&target(url), address.parse().unwrap()).is_ok()
}

#[test]
fn rules_are_read_in_every_form_and_written_back() {
    for (text, shown) in [
        ("localhost", "localhost"),
        ("IDP.Corp.Example.:8443", "idp.corp.example:8443"),
        ("127.0.0.0/8", "127.0.0.0/8"),
        ("10.1.2.3/8:8080", "10.0.0.0/8:8080"),
        ("10.1.2.3", "10.1.2.3/32"),
        ("10.1.2.3:8080", "10.1.2.3/32:8080"),
        ("::1", "::1/128"),
        ("fd00::/8", "fd00::/8"),
        ("[::1]:8443", "[::1/128]:8443"),
        ("[fd00::/8]:8443", "[fd00::/8]:8443"),
        ("[fd00::5]", "fd00::5/128"),
    ] {
        let rule: AllowRule = text.parse().unwrap();
        assert_eq!(rule.to_string(), shown, "{text}");
        assert_eq!(shown.parse::<AllowRule>().unwrap(), rule, "{shown}");
    }
}

#[test]
fn a_rule_in_no_known_form_is_an_error() {
    let bad = [
        "",
        " ",
        "*",
        "*.corp.example",
        "http://localhost",
        "host:0",
        "host:65536",
        "host:port",
        "10.0.0.0/33",
        "a b",
        "user@host",
        "host/path",
        ":8080",
        "127.1",
        "[localhost]:80",
    ];
    for text in bad {
        let read = text.parse::<AllowRule>();
        assert_eq!(read, Err(PolicyError::Rule(text.to_owned())));
    }
}

#[test]
fn public_addresses_need_https_and_no_rule() {
    assert!(admits(&[], "https://api.example", "8.8.8.8"));
    assert!(!admits(&[], "http://api.example", "8.8.8.8"));
    assert!(admits(&["api.example"], "http://api.example", "8.8.8.8"));
    assert!(admits(&["8.8.8.0/24"], "http://api.example", "8.8.8.8"));
    assert!(!admits(&["other.example"], "http://api.example", "8.8.8.8"));
}

#[test]
fn a_rule_for_an_address_opens_it_for_every_name_on_its_port() {
    assert!(admits(&["127.0.0.0/8"], "http://any.example", "127.0.0.1"));
    assert!(admits(&["10.1.2.3:8080"], "http://any.example:8080", "10.1.2.3"));
    assert!(!admits(&["10.1.2.3:8080"], "http://any.example", "10.1.2.3"));
    assert!(!admits(&["10.1.2.3:8080"], "http://any.example:8080", "10.1.2.4"));
    assert!(admits(&["169.254.169.254"], "http://169.254.169.254", "169.254.169.254"));
    assert!(admits(&["10.0.0.5:443"], "https://any.example", "10.0.0.5"));
}

#[test]
fn a_rule_for_a_name_opens_private_addresses_of_that_name_only() {
    assert!(admits(&["idp.corp"], "https://idp.corp", "10.0.0.5"));
    assert!(admits(&["idp.corp"], "https://IDP.corp.", "10.0.0.5"));
    assert!(!admits(&["idp.corp"], "https://sub.idp.corp", "10.0.0.5"));
    assert!(!admits(&["idp.corp:8443"], "https://idp.corp", "10.0.0.5"));
    assert!(!admits(&["idp.corp"], "https://10.0.0.5", "10.0.0.5"));
}

#[test]
fn a_rule_for_a_name_never_opens_metadata_addresses() {
    for address in ["169.254.169.254", "fd00:ec2::254", "100.100.100.200", "fe80::1", "0.0.0.0", "::"] {
        assert!(!admits(&["idp.corp"], "https://idp.corp", address), "{address}");
    }
}

#[test]
fn a_rule_for_ipv4_covers_its_mapped_form_but_no_tunnel() {
    assert!(admits(&["127.0.0.0/8"], "http://x.example", "::ffff:127.0.0.1"));
    assert!(!admits(&["127.0.0.0/8"], "http://x.example", "64:ff9b::7f00:1"));
    assert!(!admits(&["127.0.0.0/8"], "http://x.example", "2002:7f00:1::"));
    assert!(!admits(&["127.0.0.0/8"], "http://x.example", "::1"));
}

#[test]
fn names_of_this_machine_are_known_without_a_look_up() {
    for url in ["https://localhost", "https://LOCALHOST.", "https://a.localhost:8443"] {
        assert!(policy(&[]).check(&target(url)).is_err(), "{url}");
        assert!(policy(&["127.0.0.0/8"]).check(&target(url)).is_ok(), "{url}");
    }
    assert!(policy(&["localhost"]).check(&target("http://localhost:4301")).is_ok());
    assert!(policy(&["[::1]:4301"]).check(&target("http://localhost:4301")).is_ok());
}

#[test]
fn plain_http_to_a_name_is_refused_at_once_unless_a_rule_may_cover_it() {
    assert!(policy(&[]).check(&target("http://api.example")).is_err());
    assert!(policy(&["10.0.0.0/8:8080"]).check(&target("http://api.example")).is_err());
    assert!(policy(&["10.0.0.0/8"]).check(&target("http://api.example")).is_ok());
    assert!(policy(&[]).check(&target("https://api.example")).is_ok());
}

#[test]
fn an_address_that_is_kept_has_plain_http_only_where_a_rule_says_its_name() {
    let keeps = |allow: &[&str], url: &str| policy(allow).check_written(&target(url)).is_ok();
    assert!(
        keeps(&["127.0.0.0/8"], "http://127.0.0.1:9/x") && keeps(&["127.0.0.0/8"], "http://localhost:9/x")
    );
    assert!(
        !keeps(&["127.0.0.0/8"], "http://api.example/x") && keeps(&["127.0.0.0/8"], "https://api.example/x")
    );
    assert!(keeps(&["crm.internal"], "http://crm.internal/x") && !keeps(&[], "http://127.0.0.1/x"));
    assert!(!keeps(&[], "https://10.0.0.1/x"));
}
