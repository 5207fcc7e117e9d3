//! An issuer that lies on demand, and a world whose members may come from it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use keybearer_app::members::{self, NewMember};
use keybearer_app::sessions::{self, Session, SignedIn, Visitor};
use keybearer_app::sso::{self, Arrival, Arrived, Denied};
use keybearer_app::{Actor, AppConfig, Caller, SsoConfig};
use keybearer_core::{Clock as _, FixedClock, MemberRole, SecretString};
use keybearer_testkit::TEST_TIME;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use url::{Url, form_urlencoded};

use crate::harness::{Setup, World, read_request};

pub const BROWSER: &str = "browser-1";
pub const CLIENT_SECRET: &str = "cnry-client-secret-0123456789";
pub const ACCESS: &str = "cnry-access-token";
pub const CODE: &str = "cnry-code-4711";
pub const PASSWORD: &str = "correct horse battery";

/// A key of the issuer.
pub struct Key {
    pub kid: String,
    pub signer: EncodingKey,
    pub jwk: Value,
}

impl Key {
    pub fn new(kid: &str) -> Self {
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

    pub fn sign(&self, claims: &Value) -> String {
        let header = Header { kid: Some(self.kid.clone()), ..Header::new(Algorithm::ES256) };
        jsonwebtoken::encode(&header, claims, &self.signer).unwrap()
    }
}

/// What it answers next.
#[derive(Default)]
pub struct Answers {
    pub published: Vec<Value>,
    pub tokens: Value,
    pub userinfo: Value,
    pub advertises_iss: bool,
    pub down: bool,
    pub asked: Vec<String>,
}

pub struct Issuer {
    pub url: String,
    pub key: Key,
    pub answers: Arc<Mutex<Answers>>,
}

impl Issuer {
    pub async fn start() -> Self {
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

    pub fn set(&self, change: impl FnOnce(&mut Answers)) {
        change(&mut self.answers.lock().unwrap());
    }

    pub fn asked(&self, path: &str) -> usize {
        self.answers.lock().unwrap().asked.iter().filter(|request| request.contains(path)).count()
    }
}

pub fn answer(answers: &mut Answers, origin: &str, request: String) -> (u16, Value) {
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
pub struct Stage {
    pub world: World,
    pub issuer: Issuer,
}

pub fn config(app: &mut AppConfig) {
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

pub fn strict(app: &mut AppConfig) {
    config(app);
    app.sso.as_mut().unwrap().default_role = None;
}

pub fn linking(app: &mut AppConfig) {
    strict(app);
    app.sso.as_mut().unwrap().link_by_email = true;
}

pub fn mapped(app: &mut AppConfig) {
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

pub fn alone(app: &mut AppConfig) {
    strict(app);
    app.sso.as_mut().unwrap().only = true;
}

impl Stage {
    pub async fn both(tune: fn(&mut AppConfig)) -> Vec<Self> {
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

    pub fn operator(&self) -> Caller {
        let app = &self.world.app;
        Caller::trusted(self.world.caller.environment.clone(), Actor::Operator, app.reference().unwrap())
    }

    pub async fn owner(&self) -> SignedIn {
        let app = &self.world.app;
        let link = members::setup_link(app, &self.operator()).await.unwrap().unwrap();
        let new = NewMember { email: "ada@acme.example".to_owned(), name: "Ada".to_owned() };
        let member = members::create_owner(app, &token(&link), new, PASSWORD.into()).await.unwrap();
        sessions::begin(app, &member, &Visitor::default()).await.unwrap()
    }

    pub async fn session(&self, signed: &SignedIn) -> Option<Session> {
        sessions::resume(&self.world.app, &signed.token).await.unwrap()
    }

    /// Claims of a good ID token about a person.
    pub fn claims(&self, way: &Url, person: &Value) -> Value {
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

    pub async fn begin(&self) -> Url {
        sso::begin(&self.world.app, BROWSER, "/accounts").await.unwrap().unwrap()
    }

    /// The issuer sends a person back who went that way.
    pub async fn back(&self, way: &Url, person: &Value, session: Option<&Session>) -> Arrived {
        let id_token = self.issuer.key.sign(&self.claims(way, person));
        self.back_with(way, &id_token, session).await
    }

    pub async fn back_with(&self, way: &Url, id_token: &str, session: Option<&Session>) -> Arrived {
        let tokens = json!({"id_token": id_token, "access_token": ACCESS, "token_type": "Bearer"});
        self.issuer.set(|answers| answers.tokens = tokens);
        self.arrive(&self.query(way), session).await
    }

    pub fn query(&self, way: &Url) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("code", CODE).append_pair("state", &part(way, "state"));
        query.append_pair("iss", &self.issuer.url).finish()
    }

    pub async fn arrive(&self, query: &str, session: Option<&Session>) -> Arrived {
        sso::arrive(&self.world.app, BROWSER, query, session, &Visitor::default()).await.unwrap()
    }

    /// Whole trip of somebody who signs in.
    pub async fn come(&self, person: Value) -> Result<SignedIn, Denied> {
        let way = self.begin().await;
        signed(self.back(&way, &person, None).await)
    }
}

pub fn signed(arrived: Arrived) -> Result<SignedIn, Denied> {
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

pub fn why(arrived: Arrived) -> Denied {
    signed(arrived).unwrap_err()
}

pub fn part(url: &Url, name: &str) -> String {
    url.query_pairs()
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

pub fn token(link: &Url) -> SecretString {
    part(link, "t").into()
}
