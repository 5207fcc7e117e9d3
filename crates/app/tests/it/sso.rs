//! Single sign-on: who comes in, as whom, and what is refused. The issuer here is one that lies on demand; the real one is
//! in the tests of the server.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use keybearer_app::members::{self, NewMember};
use keybearer_app::sessions::{self, Session, SignedIn, Visitor};
use keybearer_app::sso::{self, Arrival, Arrived, Denied};
use keybearer_app::{Actor, AppConfig, Caller, SsoConfig, step_up, system};
use keybearer_core::{Clock as _, Code, FixedClock, MemberRole, SecretString};
use keybearer_testkit::TEST_TIME;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use url::{Url, form_urlencoded};

use crate::harness::{Setup, World, read_request};

const BROWSER: &str = "browser-1";
const CLIENT_SECRET: &str = "cnry-client-secret-0123456789";
const ACCESS: &str = "cnry-access-token";
const CODE: &str = "cnry-code-4711";
const PASSWORD: &str = "correct horse battery";

/// A key of the issuer.
struct Key {
    kid: String,
    signer: EncodingKey,
    jwk: Value,
}

impl Key {
    fn new(kid: &str) -> Self {
        let random = SystemRandom::new();
        let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der.as_ref()).unwrap();
        let point = pair.public_key().as_ref();
        let part = |range: std::ops::Range<usize>| URL_SAFE_NO_PAD.encode(&point[range]);
        let jwk = json!({
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": kid, "x": part(1..33), "y": part(33..65),
        });
        Self { kid: kid.to_owned(), signer: EncodingKey::from_ec_der(der.as_ref()), jwk }
    }

    fn sign(&self, claims: &Value) -> String {
        let header = Header { kid: Some(self.kid.clone()), ..Header::new(Algorithm::ES256) };
        jsonwebtoken::encode(&header, claims, &self.signer).unwrap()
    }
}

/// What it answers next.
#[derive(Default)]
struct Answers {
    published: Vec<Value>,
    tokens: Value,
    userinfo: Value,
    advertises_iss: bool,
    down: bool,
    asked: Vec<String>,
}

struct Issuer {
    url: String,
    key: Key,
    answers: Arc<Mutex<Answers>>,
}

impl Issuer {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let key = Key::new("k1");
        let answers =
            Answers { published: vec![key.jwk.clone()], advertises_iss: true, ..Answers::default() };
        let answers = Arc::new(Mutex::new(answers));
        let (all, origin) = (Arc::clone(&answers), url.clone());
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let request = read_request(&mut socket).await;
                let (status, body) = answer(&mut all.lock().unwrap(), &origin, request);
                let text = body.to_string();
                let head = format!(
                    "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                    text.len()
                );
                let _ = socket.write_all(format!("{head}{text}").as_bytes()).await;
            }
        });
        Self { url, key, answers }
    }

    fn set(&self, change: impl FnOnce(&mut Answers)) {
        change(&mut self.answers.lock().unwrap());
    }

    fn asked(&self, path: &str) -> usize {
        self.answers.lock().unwrap().asked.iter().filter(|request| request.contains(path)).count()
    }
}

fn answer(answers: &mut Answers, origin: &str, request: String) -> (u16, Value) {
    let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
    answers.asked.push(request);
    if answers.down {
        return (503, json!({}));
    }
    match path.as_str() {
        "/.well-known/openid-configuration" => (
            200,
            json!({
                "issuer": origin, "authorization_endpoint": format!("{origin}/auth"),
                "token_endpoint": format!("{origin}/token"), "jwks_uri": format!("{origin}/keys"),
                "userinfo_endpoint": format!("{origin}/me"),
                "authorization_response_iss_parameter_supported": answers.advertises_iss,
            }),
        ),
        "/keys" => (200, json!({"keys": answers.published})),
        "/token" if answers.tokens.is_null() => (400, json!({"error": "invalid_grant"})),
        "/token" => (200, answers.tokens.clone()),
        "/me" => (200, answers.userinfo.clone()),
        _ => (404, json!({})),
    }
}

/// A world whose members may come from that issuer.
struct Stage {
    world: World,
    issuer: Issuer,
}

fn config(app: &mut AppConfig) {
    app.sso = Some(SsoConfig {
        name: "Acme".to_owned(),
        issuer: app.known_fields["sandbox_url"].clone(),
        client_id: "us".to_owned(),
        client_secret: Some(CLIENT_SECRET.into()),
        scopes: vec!["email".to_owned(), "openid".to_owned()],
        allowed_domains: vec!["acme.example".to_owned()],
        required_claims: BTreeMap::new(),
        default_role: Some(MemberRole::Viewer),
        role_claim: None,
        roles: BTreeMap::new(),
        link_by_email: false,
        only: false,
    });
}

fn strict(app: &mut AppConfig) {
    config(app);
    app.sso.as_mut().unwrap().default_role = None;
}

fn linking(app: &mut AppConfig) {
    strict(app);
    app.sso.as_mut().unwrap().link_by_email = true;
}

fn mapped(app: &mut AppConfig) {
    config(app);
    let sso = app.sso.as_mut().unwrap();
    sso.default_role = None;
    sso.role_claim = Some("groups".to_owned());
    sso.roles = BTreeMap::from([
        ("admins".to_owned(), MemberRole::Owner),
        ("devs".to_owned(), MemberRole::Developer),
    ]);
    sso.required_claims = BTreeMap::from([("tenant".to_owned(), vec!["t1".to_owned(), "t2".to_owned()])]);
}

fn alone(app: &mut AppConfig) {
    strict(app);
    app.sso.as_mut().unwrap().only = true;
}

impl Stage {
    async fn both(tune: fn(&mut AppConfig)) -> Vec<Self> {
        let mut stages = Vec::new();
        for postgres in [false, true] {
            let issuer = Issuer::start().await;
            let setup = Setup { sandbox_url: Some(issuer.url.clone()), tune: Some(tune) };
            let clock = Arc::new(FixedClock::new(TEST_TIME));
            let world = match postgres {
                true => World::postgres_with(clock, setup).await,
                false => World::sqlite_with(clock, setup).await,
            };
            stages.push(Self { world, issuer });
        }
        stages
    }

    fn operator(&self) -> Caller {
        let app = &self.world.app;
        Caller::trusted(self.world.caller.environment.clone(), Actor::Operator, app.reference().unwrap())
    }

    async fn owner(&self) -> SignedIn {
        let app = &self.world.app;
        let link = members::setup_link(app, &self.operator()).await.unwrap().unwrap();
        let new = NewMember { email: "ada@acme.example".to_owned(), name: "Ada".to_owned() };
        let member = members::create_owner(app, &token(&link), new, PASSWORD.into()).await.unwrap();
        sessions::begin(app, &member, &Visitor::default()).await.unwrap()
    }

    async fn session(&self, signed: &SignedIn) -> Option<Session> {
        sessions::resume(&self.world.app, &signed.token).await.unwrap()
    }

    /// Claims of a good ID token about a person.
    fn claims(&self, way: &Url, person: &Value) -> Value {
        let now = self.world.clock.now().seconds();
        let mut claims = json!({
            "iss": self.issuer.url, "aud": "us", "sub": "s-1", "email": "ada@acme.example", "email_verified": true,
            "name": "Ada Obi", "iat": now, "exp": now + 300, "auth_time": now, "nonce": part(way, "nonce"),
        });
        for (name, value) in person.as_object().unwrap() {
            match value {
                Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
                value => claims[name] = value.clone(),
            }
        }
        claims
    }

    async fn begin(&self) -> Url {
        sso::begin(&self.world.app, BROWSER, "/accounts").await.unwrap().unwrap()
    }

    /// The issuer sends a person back who went that way.
    async fn back(&self, way: &Url, person: &Value, session: Option<&Session>) -> Arrived {
        let id_token = self.issuer.key.sign(&self.claims(way, person));
        self.back_with(way, &id_token, session).await
    }

    async fn back_with(&self, way: &Url, id_token: &str, session: Option<&Session>) -> Arrived {
        let tokens = json!({"id_token": id_token, "access_token": ACCESS, "token_type": "Bearer"});
        self.issuer.set(|answers| answers.tokens = tokens);
        self.arrive(&self.query(way), session).await
    }

    fn query(&self, way: &Url) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("code", CODE).append_pair("state", &part(way, "state"));
        query.append_pair("iss", &self.issuer.url).finish()
    }

    async fn arrive(&self, query: &str, session: Option<&Session>) -> Arrived {
        sso::arrive(&self.world.app, BROWSER, query, session, &Visitor::default()).await.unwrap()
    }

    /// Whole trip of somebody who signs in.
    async fn come(&self, person: Value) -> Result<SignedIn, Denied> {
        let way = self.begin().await;
        signed(self.back(&way, &person, None).await)
    }
}

fn signed(arrived: Arrived) -> Result<SignedIn, Denied> {
    let shown = format!("{arrived:?}");
    for secret in [CLIENT_SECRET, ACCESS, CODE] {
        assert!(!shown.contains(secret), "{shown}");
    }
    match arrived.arrival {
        Arrival::SignedIn(signed) => Ok(*signed),
        Arrival::Refused(refused) => Err(refused.why),
        Arrival::Confirmed => panic!("nobody asked for a proof"),
    }
}

fn why(arrived: Arrived) -> Denied {
    signed(arrived).unwrap_err()
}

fn part(url: &Url, name: &str) -> String {
    url.query_pairs()
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

fn token(link: &Url) -> SecretString {
    part(link, "t").into()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_subject_is_the_identity_and_the_address_only_an_address() {
    for stage in Stage::both(config).await {
        assert_eq!(
            stage.come(json!({})).await.unwrap_err(),
            Denied::Owner,
            "nobody claims a new server that way"
        );
        stage.owner().await;
        assert_eq!(
            stage.come(json!({})).await.unwrap_err(),
            Denied::Member,
            "an address links only where configured"
        );
        let bob = stage.come(json!({"sub": "s-2", "email": "Bob@Acme.example"})).await.unwrap();
        assert_eq!((bob.member.email.as_str(), bob.member.role), ("bob@acme.example", MemberRole::Viewer));
        let again = stage.come(json!({"sub": "s-2", "email": "robert@acme.example"})).await.unwrap();
        assert_eq!(again.member.id, bob.member.id);
        assert_eq!(again.member.email, "robert@acme.example");
        let taken = stage.come(json!({"sub": "s-2", "email": "ada@acme.example"})).await.unwrap();
        assert_eq!(
            (taken.member.id, taken.member.email.as_str()),
            (bob.member.id.clone(), "robert@acme.example")
        );
        // somebody new who got the address of somebody who left
        let heir = stage.come(json!({"sub": "s-3", "email": "robert@acme.example"})).await;
        assert_eq!(heir.unwrap_err(), Denied::Member);
        let id = bob.member.id.as_str();
        assert_eq!(stage.world.audited(id, "member.joined_by_sso").await, 1);
        assert_eq!(stage.world.audited(id, "member.email_changed").await, 1);
        assert_eq!(stage.world.audited(id, "member.signed_in").await, 3);
        let stored = stage.world.stored();
        for secret in [CLIENT_SECRET, ACCESS, CODE] {
            assert!(!stored.windows(secret.len()).any(|bytes| bytes == secret.as_bytes()), "{secret}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_with_one_thing_wrong_lets_nobody_in() {
    let [stage, _] = Stage::both(config).await.try_into().ok().unwrap();
    stage.owner().await;
    let now = TEST_TIME.seconds();
    let bob = json!({"sub": "s-2", "email": "bob@acme.example"});
    for (change, expected) in [
        (json!({"nonce": "another"}), Denied::Token),
        (json!({"nonce": null}), Denied::Token),
        (json!({"aud": "them"}), Denied::Token),
        (json!({"aud": ["us", "them"]}), Denied::Token),
        (json!({"azp": "them"}), Denied::Token),
        (json!({"iss": "http://127.0.0.1:1"}), Denied::Token),
        (json!({"exp": now - 60}), Denied::Token),
        (json!({"exp": null}), Denied::Token),
        (json!({"iat": now + 61}), Denied::Token),
        (json!({"nbf": now + 61}), Denied::Token),
        (json!({"sub": null}), Denied::Token),
        (json!({"email_verified": false}), Denied::Email),
        (json!({"email_verified": "yes"}), Denied::Email),
        (json!({"email": "bob"}), Denied::Email),
        (json!({"email": "bob@acme.example.evil.example"}), Denied::Domain),
        (json!({"email": "acme.example@evil.example"}), Denied::Domain),
    ] {
        let mut person = bob.clone();
        person.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        assert_eq!(stage.come(person).await.unwrap_err(), expected, "{change}");
    }
    // neither in the ID token nor in what the access token tells
    stage.issuer.set(|answers| answers.userinfo = json!({"sub": "s-2"}));
    let silent = json!({"sub": "s-2", "email": "bob@acme.example", "email_verified": null});
    assert_eq!(stage.come(silent.clone()).await.unwrap_err(), Denied::Email);
    stage.issuer.set(|answers| answers.userinfo = json!({"sub": "s-9", "email_verified": true}));
    assert_eq!(stage.come(silent.clone()).await.unwrap_err(), Denied::Token, "userinfo of somebody else");
    stage.issuer.set(|answers| answers.userinfo = json!({"sub": "s-2", "email_verified": true}));
    assert!(stage.come(silent).await.is_ok());
    assert_eq!(members::list(&stage.world.app, &stage.operator()).await.unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_the_issuer_did_not_sign_lets_nobody_in() {
    let [stage, _] = Stage::both(config).await.try_into().ok().unwrap();
    stage.owner().await;
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let forge = |claims: &Value, header: Value, signature: &str| {
        format!("{}.{}.{signature}", encode(&header), encode(claims))
    };
    let bob = json!({"sub": "s-2", "email": "bob@acme.example"});
    type Forgery<'a> = Box<dyn Fn(&Value) -> String + 'a>;
    let public = stage.issuer.key.jwk.to_string();
    let forgeries: [(&str, Forgery<'_>); 5] = [
        ("no signature", Box::new(|claims| forge(claims, json!({"alg": "none"}), ""))),
        (
            "no signature, with a key",
            Box::new(|claims| forge(claims, json!({"alg": "none", "kid": "k1"}), "")),
        ),
        (
            "the public key as a shared secret",
            Box::new(|claims| {
                let header = Header { kid: Some("k1".to_owned()), ..Header::new(Algorithm::HS256) };
                jsonwebtoken::encode(&header, claims, &EncodingKey::from_secret(public.as_bytes())).unwrap()
            }),
        ),
        ("another key of that name", Box::new(|claims| Key::new("k1").sign(claims))),
        ("a key that nobody published", Box::new(|claims| Key::new("k9").sign(claims))),
    ];
    for (what, forgery) in forgeries {
        let way = stage.begin().await;
        let id_token = forgery(&stage.claims(&way, &bob));
        assert_eq!(why(stage.back_with(&way, &id_token, None).await), Denied::Token, "{what}");
    }
    let way = stage.begin().await;
    stage.issuer.set(|answers| answers.tokens = json!({"access_token": ACCESS}));
    assert_eq!(why(stage.arrive(&stage.query(&way), None).await), Denied::Token, "no ID token at all");
    stage.issuer.set(|answers| answers.tokens = Value::Null);
    let way = stage.begin().await;
    assert_eq!(why(stage.arrive(&stage.query(&way), None).await), Denied::Answered);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_counts_once_in_the_browser_that_asked_and_from_the_issuer_only() {
    for stage in Stage::both(config).await {
        stage.owner().await;
        let bob = json!({"sub": "s-2", "email": "bob@acme.example"});
        let way = stage.begin().await;
        let app = &stage.world.app;
        let elsewhere =
            sso::arrive(app, "browser-2", &stage.query(&way), None, &Visitor::default()).await.unwrap();
        assert_eq!(why(elsewhere), Denied::Foreign);
        assert!(stage.back(&way, &bob, None).await.next == "/accounts");
        assert_eq!(why(stage.back(&way, &bob, None).await), Denied::Used);
        let asked = stage.issuer.asked("/token");
        for query in [
            "code=a".to_owned(),
            format!("{}&code=b", stage.query(&stage.begin().await)),
            "code=a&state=AAAA&iss=x".to_owned(),
        ] {
            assert_eq!(why(stage.arrive(&query, None).await), Denied::Foreign, "{query}");
        }
        let state =
            |way: &Url| form_urlencoded::byte_serialize(part(way, "state").as_bytes()).collect::<String>();
        for iss in ["", "&iss=http%3A%2F%2Fevil.example"] {
            let query = format!("code=a&state={}{iss}", state(&stage.begin().await));
            assert_eq!(why(stage.arrive(&query, None).await), Denied::Issuer, "{iss}");
        }
        let iss: String = form_urlencoded::byte_serialize(stage.issuer.url.as_bytes()).collect();
        for (error, expected) in [("access_denied", Denied::SaidNo), ("server_error", Denied::Answered)] {
            let query = format!(
                "error={error}&error_description=%3Cb%3E&iss={iss}&state={}",
                state(&stage.begin().await)
            );
            assert_eq!(why(stage.arrive(&query, None).await), expected);
        }
        let way = stage.begin().await;
        stage.world.clock.advance(Duration::from_secs(15 * 60));
        assert_eq!(why(stage.back(&way, &bob, None).await), Denied::Late);
        assert_eq!(stage.issuer.asked("/token"), asked, "no code left for any of them");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_asked_for_is_exact_and_the_code_travels_with_its_proof() {
    let [stage, _] = Stage::both(config).await.try_into().ok().unwrap();
    let (way, other) = (stage.begin().await, stage.begin().await);
    assert_eq!(part(&way, "scope"), "openid email");
    assert_eq!(part(&way, "redirect_uri"), "https://keys.example/login/sso/callback");
    assert_eq!(
        (part(&way, "response_type"), part(&way, "code_challenge_method")),
        ("code".into(), "S256".into())
    );
    for name in ["state", "nonce", "code_challenge"] {
        assert!(part(&way, name).len() >= 43 && part(&way, name) != part(&other, name), "{name}");
    }
    assert!(!way.as_str().contains(CLIENT_SECRET) && part(&way, "prompt").is_empty());
    stage.back(&way, &json!({}), None).await;
    let asked = stage
        .issuer
        .answers
        .lock()
        .unwrap()
        .asked
        .iter()
        .find(|text| text.contains("/token"))
        .cloned()
        .unwrap();
    assert!(asked.contains("code_verifier=") && asked.contains(CODE), "{asked}");
    assert!(!asked.contains("client_secret"), "Basic, where the issuer does not say otherwise: {asked}");
    assert!(asked.to_lowercase().contains("authorization: basic "), "{asked}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_makes_somebody_the_member_only_where_that_is_configured() {
    for stage in Stage::both(linking).await {
        let owner = stage.owner().await;
        let ada = stage.come(json!({})).await.unwrap();
        assert_eq!((ada.member.id.clone(), ada.member.role), (owner.member.id, MemberRole::Owner));
        assert_eq!(
            stage.come(json!({"sub": "s-9"})).await.unwrap_err(),
            Denied::Member,
            "she is somebody else there"
        );
        assert_eq!(
            stage.come(json!({"sub": "s-2", "email": "bob@acme.example"})).await.unwrap_err(),
            Denied::Stranger
        );
        assert_eq!(stage.world.audited(ada.member.id.as_str(), "member.linked_to_sso").await, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_decides_the_role_at_each_sign_in_and_the_last_owner_stays() {
    for stage in Stage::both(mapped).await {
        stage.owner().await;
        stage.issuer.set(|answers| answers.userinfo = json!({"sub": "s-2"}));
        let come = |groups: Value| {
            stage.come(json!({"sub": "s-2", "email": "bob@acme.example", "groups": groups, "tenant": "t2"}))
        };
        assert_eq!(come(json!(["guests"])).await.unwrap_err(), Denied::Role);
        assert_eq!(come(json!(null)).await.unwrap_err(), Denied::Role);
        assert_eq!(come(json!("devs")).await.unwrap().member.role, MemberRole::Developer);
        let bob = come(json!(["devs", "admins"])).await.unwrap();
        assert_eq!(bob.member.role, MemberRole::Owner, "the widest one counts");
        let owners = members::list(&stage.world.app, &stage.operator()).await.unwrap();
        let ada = owners.iter().find(|member| member.email == "ada@acme.example").unwrap();
        members::remove(&stage.world.app, &stage.operator(), &ada.id).await.unwrap();
        assert_eq!(come(json!(["devs"])).await.unwrap().member.role, MemberRole::Owner, "somebody must stay");
        let elsewhere =
            json!({"sub": "s-2", "email": "bob@acme.example", "groups": "admins", "tenant": "t3"});
        assert_eq!(stage.come(elsewhere).await.unwrap_err(), Denied::Claim);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_it_is_the_only_way_the_link_of_the_machine_still_lets_in() {
    for stage in Stage::both(alone).await {
        let app = &stage.world.app;
        let owner = stage.owner().await;
        let refused = sessions::sign_in(app, "ada@acme.example", PASSWORD.into(), &Visitor::default()).await;
        assert_eq!(refused.unwrap_err().code, Code::Unauthenticated);
        assert_eq!(stage.come(json!({})).await.unwrap_err(), Denied::Member);
        // a link that a member made ties to the single sign-on and opens no other way
        let session = stage.session(&owner).await.unwrap();
        let bob = NewMember { email: "bob@acme.example".to_owned(), name: String::new() };
        let (id, link) = members::invite(app, &session.caller, &bob, MemberRole::Developer).await.unwrap();
        assert!(!members::invited(app, &token(&link)).await.unwrap().1);
        let refused = members::choose_password(app, &token(&link), PASSWORD.into()).await;
        assert_eq!(refused.unwrap_err().code, Code::Unauthenticated);
        let way = sso::begin_join(app, BROWSER, &token(&link)).await.unwrap().unwrap();
        let joined =
            signed(stage.back(&way, &json!({"sub": "s-2", "email": "b.o@acme.example"}), None).await)
                .unwrap();
        assert_eq!((joined.member.id, joined.member.role), (id, MemberRole::Developer));
        // one that was made on the machine lets in, whatever became of the issuer
        stage.issuer.set(|answers| answers.down = true);
        let link = members::password_link_for(app, &stage.operator(), "ada@acme.example").await.unwrap();
        assert!(members::invited(app, &token(&link)).await.unwrap().1);
        let ada = members::choose_password(app, &token(&link), "another long sentence".into()).await.unwrap();
        assert!(sessions::begin(app, &ada, &Visitor::default()).await.is_ok());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_ties_its_member_to_whoever_comes_back_once() {
    for stage in Stage::both(strict).await {
        let app = &stage.world.app;
        let setup = members::setup_link(app, &stage.operator()).await.unwrap().unwrap();
        let way = sso::begin_join(app, BROWSER, &token(&setup)).await.unwrap().unwrap();
        let ada = signed(stage.back(&way, &json!({}), None).await).unwrap();
        assert_eq!((ada.member.role, ada.member.email.as_str()), (MemberRole::Owner, "ada@acme.example"));
        assert_eq!(
            sso::begin_join(app, BROWSER, &token(&setup)).await.unwrap().unwrap_err().why,
            Denied::Link
        );
        assert_eq!(stage.come(json!({})).await.unwrap().member.id, ada.member.id);

        let bob = NewMember { email: "bob@acme.example".to_owned(), name: String::new() };
        let (id, link) = members::invite(app, &stage.world.caller, &bob, MemberRole::Viewer).await.unwrap();
        let ways = [
            sso::begin_join(app, BROWSER, &token(&link)).await.unwrap().unwrap(),
            sso::begin_join(app, BROWSER, &token(&link)).await.unwrap().unwrap(),
            sso::begin_join(app, BROWSER, &token(&link)).await.unwrap().unwrap(),
        ];
        assert_eq!(why(stage.back(&ways[0], &json!({}), None).await), Denied::Other, "Ada is Ada");
        let person = json!({"sub": "s-2", "email": "b.o@acme.example"});
        assert_eq!(signed(stage.back(&ways[1], &person, None).await).unwrap().member.id, id);
        assert_eq!(why(stage.back(&ways[2], &json!({"sub": "s-3"}), None).await), Denied::Link);
        assert_eq!(
            sso::begin_join(app, BROWSER, &"nothing".into()).await.unwrap().unwrap_err().why,
            Denied::Link
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proof_is_of_the_same_person_made_now_in_the_same_session() {
    for stage in Stage::both(config).await {
        stage.owner().await;
        let (bob, app) = (json!({"sub": "s-2", "email": "bob@acme.example"}), &stage.world.app);
        let session = stage.session(&stage.come(bob.clone()).await.unwrap()).await.unwrap();
        let second = stage.session(&stage.come(bob.clone()).await.unwrap()).await.unwrap();
        stage.world.clock.advance(Duration::from_secs(601));
        assert!(
            step_up::ways(app, &session).await.unwrap().sso
                && !step_up::is_fresh(app, &session).await.unwrap()
        );
        let begin =
            || async { sso::begin_confirm(app, BROWSER, &session, "/settings").await.unwrap().unwrap() };
        let way = begin().await;
        assert_eq!((part(&way, "prompt"), part(&way, "max_age")), ("login".into(), "0".into()));
        let before = stage.world.clock.now().seconds() - 300;
        for (person, session, expected) in [
            (json!({"sub": "s-2", "auth_time": before}), Some(&session), Denied::Stale),
            (json!({"sub": "s-2", "auth_time": null}), Some(&session), Denied::Stale),
            (json!({"sub": "s-7"}), Some(&session), Denied::Somebody),
            (json!({"sub": "s-2"}), Some(&second), Denied::Session),
            (json!({"sub": "s-2"}), None, Denied::Session),
        ] {
            let arrived = stage.back(&begin().await, &person, session).await;
            assert!(arrived.confirming);
            assert_eq!(why(arrived), expected, "{person}");
        }
        assert!(!step_up::is_fresh(app, &session).await.unwrap());
        let arrived = stage.back(&way, &bob, Some(&session)).await;
        assert!(matches!(arrived.arrival, Arrival::Confirmed) && arrived.next == "/settings");
        let session = sessions::list(app, &session).await.unwrap().len();
        assert_eq!(session, 2, "a proof opens no further session");
        assert_eq!(stage.world.audited(second.member.id.as_str(), "member.confirmed").await, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_keys_are_looked_for_but_not_for_every_forger() {
    let [mut stage, _] = Stage::both(config).await.try_into().ok().unwrap();
    stage.owner().await;
    let bob = json!({"sub": "s-2", "email": "bob@acme.example"});
    stage.come(bob.clone()).await.unwrap();
    stage.world.clock.advance(Duration::from_secs(31));
    stage.issuer.key = Key::new("k2");
    let rotated = stage.issuer.key.jwk.clone();
    stage.issuer.set(|answers| answers.published.push(rotated));
    let asked = stage.issuer.asked("/keys");
    stage.come(bob.clone()).await.unwrap();
    assert_eq!(stage.issuer.asked("/keys"), asked + 1);
    for _ in 0..5 {
        let way = stage.begin().await;
        let forged = Key::new("k9").sign(&stage.claims(&way, &bob));
        assert_eq!(why(stage.back_with(&way, &forged, None).await), Denied::Token);
    }
    assert_eq!(stage.issuer.asked("/keys"), asked + 1, "one look in thirty seconds");
    stage.come(bob).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_issuer_that_is_away_is_told_and_the_system_check_says_so() {
    let [stage, _] = Stage::both(config).await.try_into().ok().unwrap();
    let line = || async {
        let report = system::check(&stage.world.app, &stage.world.caller).await.unwrap();
        let text = report.text(&stage.world.app);
        assert!(!text.contains("127.0.0.1"), "a report to send names no host: {text}");
        report.checks.into_iter().find(|check| check.topic == "Single sign-on").unwrap()
    };
    let good = line().await;
    assert_eq!(good.state, system::State::Good, "{good:?}");
    assert!(good.says.contains("publishes 1 key"), "{good:?}");
    stage.issuer.set(|answers| answers.down = true);
    let refused = sso::begin(&stage.world.app, BROWSER, "/").await.unwrap().unwrap_err();
    assert_eq!(refused.why, Denied::Unreachable);
    stage.world.clock.advance(Duration::from_secs(61));
    let bad = line().await;
    assert_eq!(bad.state, system::State::Bad, "{bad:?}");
    assert!(bad.says.contains("503"), "{bad:?}");
    stage.issuer.set(|answers| answers.down = false);
    assert!(sso::begin(&stage.world.app, BROWSER, "/").await.unwrap().is_ok(), "a failure is not remembered");
}
