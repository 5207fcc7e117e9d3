use super::*;

fn url(text: &str) -> Url {
    text.parse().unwrap()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn signer<'a>(secret: &'a SecretString, token: Option<Token<'a>>) -> Signer<'a> {
    Signer {
        consumer_key: "dpf43f3p2l4k3l03",
        consumer_secret: secret,
        token,
        method: SignatureMethod::HmacSha1,
        realm: None,
        nonce: "n",
        timestamp: Timestamp::from_seconds(137_131_200),
        callback: None,
        verifier: None,
    }
}

#[test]
fn rfc_5849_section_3_4_1_1_base_string_is_reproduced() {
    let protocol = pairs(&[
        ("oauth_consumer_key", "9djdj82h48djs9d2"),
        ("oauth_token", "kkk9d7dh3k39sjv7"),
        ("oauth_signature_method", "HMAC-SHA1"),
        ("oauth_timestamp", "137131201"),
        ("oauth_nonce", "7d8f3e4a"),
    ]);
    let target = url("http://EXAMPLE.COM:80/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b");
    let base = base_string(&Method::POST, &target, Some(b"c2&a3=2+q"), &protocol);
    assert_eq!(
        base.expose(),
        "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26\
         c%2540%3D%26c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26\
         oauth_signature_method%3DHMAC-SHA1%26oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7"
    );
}

#[test]
fn rfc_5849_section_1_2_signatures_are_reproduced() {
    let consumer = SecretString::from("kd94hf93k423kf44");
    let sign = |token: Option<Token<'_>>, method: Method, target: &str, protocol: &[(&str, &str)]| {
        let mut all =
            vec![("oauth_consumer_key", "dpf43f3p2l4k3l03"), ("oauth_signature_method", "HMAC-SHA1")];
        all.extend_from_slice(protocol);
        signer(&consumer, token).signature(&method, &url(target), None, &pairs(&all)).expose().clone()
    };
    let initiate = sign(
        None,
        Method::POST,
        "https://photos.example.net/initiate",
        &[
            ("oauth_timestamp", "137131200"),
            ("oauth_nonce", "wIjqoS"),
            ("oauth_callback", "http://printer.example.com/ready"),
        ],
    );
    assert_eq!(initiate, "74KNZJeDHnMBp0EMJ9ZHt/XKycU=");
    let (token, secret) = (SecretString::from("hh5s93j4hdidpola"), SecretString::from("hdhd0244k9j7ao03"));
    let exchange = sign(
        Some(Token { token: &token, secret: &secret }),
        Method::POST,
        "https://photos.example.net/token",
        &[
            ("oauth_token", "hh5s93j4hdidpola"),
            ("oauth_timestamp", "137131201"),
            ("oauth_nonce", "walatlh"),
            ("oauth_verifier", "hfdp7dh39dks9884"),
        ],
    );
    assert_eq!(exchange, "gKgrFCywp7rO0OXSjdot/IHF7IU=");
    let (token, secret) = (SecretString::from("nnch734d00sl2jdk"), SecretString::from("pfkkdhi9sl3r4s00"));
    let call = sign(
        Some(Token { token: &token, secret: &secret }),
        Method::GET,
        "http://photos.example.net/photos?file=vacation.jpg&size=original",
        &[("oauth_token", "nnch734d00sl2jdk"), ("oauth_timestamp", "137131202"), ("oauth_nonce", "chapoH")],
    );
    assert_eq!(call, "MdpQcU8iPSUjWoN/UDMsK2sui9I=");
}

#[test]
fn a_published_signature_with_query_and_body_is_reproduced() {
    // the worked example of a provider's guide "Creating a signature", with oauth_version
    let consumer = SecretString::from("kAcSOqF21Fu85e7zjz7ZN2U4ZRhfV3WpwPAoE3Z7kBw");
    let token = SecretString::from("370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb");
    let secret = SecretString::from("LswwdoUaIvS8ltyTt5jkRh4J50vUPVVHtR2YPi5kE");
    let signer = Signer {
        consumer_key: "xvz1evFS4wEEPTGEFPHBog",
        nonce: "kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg",
        timestamp: Timestamp::from_seconds(1_318_622_958),
        ..signer(&consumer, Some(Token { token: &token, secret: &secret }))
    };
    let body = b"status=Hello%20Ladies%20%2b%20Gentlemen%2c%20a%20signed%20OAuth%20request%21";
    let target = url("https://api.twitter.com/1/statuses/update.json?include_entities=true");
    let header = signer.authorization(&Method::POST, &target, Some(body));
    assert!(
        header.expose().contains("oauth_signature=\"tnnArxj06cWHq44gCs1OSKk%2FjLY%3D\""),
        "{}",
        header.expose()
    );
}

#[test]
fn the_header_names_every_parameter_once_and_leaves_the_realm_unsigned() {
    let consumer = SecretString::from("secret");
    let verifier = SecretString::from("v");
    let plain = Signer { callback: Some("https://a.example/cb?x=1"), ..signer(&consumer, None) };
    let header = plain.authorization(&Method::POST, &url("https://as.example/r"), None).expose().clone();
    assert!(
        header.starts_with(
            "OAuth oauth_consumer_key=\"dpf43f3p2l4k3l03\", oauth_signature_method=\"HMAC-SHA1\""
        )
    );
    assert!(header.contains("oauth_timestamp=\"137131200\", oauth_nonce=\"n\", oauth_version=\"1.0\""));
    assert!(header.contains("oauth_callback=\"https%3A%2F%2Fa.example%2Fcb%3Fx%3D1\""));
    let realm = Signer { realm: Some("12\"34\r\n"), ..plain.clone() };
    let with_realm = realm.authorization(&Method::POST, &url("https://as.example/r"), None);
    assert_eq!(*with_realm.expose(), header.replace("OAuth ", "OAuth realm=\"1234\", "));
    let token = SecretString::from("t");
    let second = Signer {
        verifier: Some(&verifier),
        ..signer(&consumer, Some(Token { token: &token, secret: &token }))
    };
    let header = second.authorization(&Method::POST, &url("https://as.example/a"), None);
    assert!(
        header.expose().contains("oauth_token=\"t\"") && header.expose().contains("oauth_verifier=\"v\"")
    );
}

#[test]
fn the_other_methods_sign_as_defined() {
    let consumer = SecretString::from("djr9rjt0jd78jf88");
    let token = SecretString::from("jjd999tj88uiths3");
    let base = signer(&consumer, Some(Token { token: &token, secret: &token }));
    // RFC 5849 §3.4.4 joins the encoded secrets
    let plaintext = Signer { method: SignatureMethod::Plaintext, ..base.clone() };
    let header = plaintext.authorization(&Method::GET, &url("https://a.example/"), None);
    assert!(header.expose().contains("oauth_signature=\"djr9rjt0jd78jf88%26jjd999tj88uiths3\""));
    let sha256 = Signer { method: SignatureMethod::HmacSha256, ..base };
    let signature = sha256.signature(&Method::GET, &url("https://a.example/"), None, &[]);
    assert_eq!(STANDARD.decode(signature.expose()).unwrap().len(), 32);
    assert_eq!(SignatureMethod::parse("HMAC-SHA256"), Some(SignatureMethod::HmacSha256));
    assert_eq!(SignatureMethod::parse("RSA-SHA1"), None);
}

#[test]
fn token_answers_are_read_from_forms_and_json() {
    let answer =
        read_token_answer(b"oauth_token=hh5&oauth_token_secret=hdhd&oauth_callback_confirmed=true").unwrap();
    assert_eq!((answer.token.expose().as_str(), answer.secret.expose().as_str()), ("hh5", "hdhd"));
    assert!(answer.callback_confirmed);
    let answer = read_token_answer(b"oauth_token=t&oauth_token_secret=s&user_id=7").unwrap();
    assert!(!answer.callback_confirmed);
    assert_eq!(answer.raw.text(&Path::key("user_id")).unwrap().expose(), "7");
    assert!(read_token_answer(br#"{"oauth_token":"t","oauth_token_secret":"s"}"#).is_ok());
}

#[test]
fn incomplete_and_ambiguous_token_answers_are_refused() {
    for (body, error) in [
        ("", TokenError::Missing),
        ("<html>", TokenError::Missing),
        ("oauth_problem=token_expired", TokenError::Missing),
        ("oauth_token=t", TokenError::Missing),
        ("oauth_token=&oauth_token_secret=s", TokenError::Missing),
        ("oauth_token=a&oauth_token=b&oauth_token_secret=s", TokenError::Ambiguous),
        ("oauth_token=a%0d%0a&oauth_token_secret=s", TokenError::Characters),
    ] {
        assert_eq!(read_token_answer(body.as_bytes()).unwrap_err(), error, "{body}");
    }
}
