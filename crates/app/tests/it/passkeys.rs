//! Passkeys: joining, signing in, adding and removing, and everything that must not count.

use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keybearer_app::members::{self, NewMember};
use keybearer_app::passkeys::{self, Answer, Question};
use keybearer_app::sessions::{self, Session, SignedIn, Visitor};
use keybearer_app::step_up;
use keybearer_core::{Code, Error, MemberRole, SecretString, sha256};
use serde_json::json;
use url::Url;

use crate::harness::{World, on_both};

on_both!(
    the_first_owner_joins_with_a_passkey_and_signs_in_with_it,
    an_invited_member_joins_with_a_passkey_and_the_link_is_used,
    a_challenge_counts_once_in_one_browser_for_one_purpose_and_ten_minutes,
    a_passkey_of_another_site_or_without_verification_is_refused,
    a_passkey_signs_in_its_own_member_only,
    a_counter_that_goes_back_is_refused_and_audited,
    the_last_way_in_stays,
    adding_a_passkey_wants_a_fresh_proof,
    an_owner_is_invited_with_a_fresh_proof_only,
    what_is_stored_of_a_passkey_lets_nobody_in,
);

const BROWSER: &str = "0123456789abcdefghjkmnpqrs";
const PASSWORD: &str = "cnry-correct-horse-battery";

/// An authenticator that keeps one key.
pub struct Device {
    pair: EcdsaKeyPair,
    id: String,
    pub owner: String,
    pub count: u8,
    pub flags: u8,
    pub origin: &'static str,
    pub rp_id: &'static str,
}

impl Device {
    pub fn new(id: &str) -> Self {
        Self {
            pair: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap(),
            id: id.to_owned(),
            owner: String::new(),
            count: 0,
            flags: 0x05,
            origin: "https://keys.example",
            rp_id: "keys.example",
        }
    }

    fn data(&self, flags: u8) -> Vec<u8> {
        [&sha256(self.rp_id.as_bytes())[..], &[flags, 0, 0, 0, self.count]].concat()
    }

    fn client_data(&self, kind: &str, challenge: &str) -> String {
        json!({"type": kind, "challenge": URL_SAFE_NO_PAD.encode(challenge), "origin": self.origin})
            .to_string()
    }

    pub fn make(&mut self, question: &Question) -> Answer {
        self.owner.clone_from(&question.member);
        let point = self.pair.public_key().as_ref();
        let cose = [
            &[0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32][..],
            &point[1..33],
            &[0x22, 0x58, 32],
            &point[33..],
        ];
        let id = self.id.as_bytes();
        let length = [0, u8::try_from(id.len()).unwrap()];
        let data = [&self.data(self.flags | 0x40)[..], &[0; 16], &length, id, &cose.concat()].concat();
        let object = [
            &b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58"[..],
            &[u8::try_from(data.len()).unwrap()],
            &data,
        ];
        let text = json!({
            "id": URL_SAFE_NO_PAD.encode(id),
            "client_data": URL_SAFE_NO_PAD.encode(self.client_data("webauthn.create", &question.challenge)),
            "attestation": URL_SAFE_NO_PAD.encode(object.concat()),
            "transports": ["internal"],
        });
        Answer { challenge: question.challenge.clone(), text: text.to_string() }
    }

    pub fn sign(&mut self, question: &Question) -> Answer {
        let (data, client_data) =
            (self.data(self.flags), self.client_data("webauthn.get", &question.challenge));
        let signed = [data.as_slice(), &sha256(client_data.as_bytes())].concat();
        let signature = self.pair.sign(&SystemRandom::new(), &signed).unwrap();
        let text = json!({
            "id": URL_SAFE_NO_PAD.encode(&self.id),
            "client_data": URL_SAFE_NO_PAD.encode(client_data),
            "authenticator_data": URL_SAFE_NO_PAD.encode(data),
            "signature": URL_SAFE_NO_PAD.encode(signature),
            "user_handle": URL_SAFE_NO_PAD.encode(&self.owner),
        });
        Answer { challenge: question.challenge.clone(), text: text.to_string() }
    }
}

fn token(link: &Url) -> SecretString {
    let found = link.query_pairs().find(|(name, _)| name == "t");
    SecretString::new(found.unwrap().1.into_owned())
}

fn new(email: &str) -> NewMember {
    NewMember { email: email.to_owned(), name: String::new() }
}

fn here() -> Visitor {
    Visitor { address: Some("192.0.2.1".parse().unwrap()), agent: "Browser/1".to_owned(), device: None }
}

/// The first owner with a passkey on `device`.
async fn owner(world: &World, device: &mut Device) -> SignedIn {
    let link = token(&members::setup_link(&world.app, &world.caller).await.unwrap().unwrap());
    let question = passkeys::ask_owner(&world.app, BROWSER).await.unwrap().unwrap();
    let answer = device.make(&question);
    let from = (BROWSER, &here());
    passkeys::create_owner(&world.app, &link, &new("ada@a.example"), &question.member, &answer, from)
        .await
        .unwrap()
}

async fn invited(world: &World, email: &str) -> SecretString {
    let invited = members::invite(&world.app, &world.caller, &new(email), MemberRole::Viewer).await;
    token(&invited.unwrap().1)
}

async fn question(world: &World) -> Question {
    passkeys::ask_sign_in(&world.app, BROWSER).await.unwrap().unwrap()
}

async fn sign_in(world: &World, device: &mut Device) -> Result<SignedIn, Error> {
    let answer = device.sign(&question(world).await);
    passkeys::sign_in(&world.app, BROWSER, &answer, &here()).await
}

async fn session(world: &World, signed: &SignedIn) -> Session {
    sessions::resume(&world.app, &signed.token).await.unwrap().unwrap()
}

async fn the_first_owner_joins_with_a_passkey_and_signs_in_with_it(world: &World) {
    let mut device = Device::new("ada's");
    let first = owner(world, &mut device).await;
    assert_eq!((first.member.role, first.member.has_password), (MemberRole::Owner, false));
    assert_eq!(first.member.id.as_str(), device.owner, "the passkey was made for the id that the owner has");
    let again = sign_in(world, &mut device).await.unwrap();
    assert_eq!(again.member.email, "ada@a.example");
    let listed = passkeys::list(&world.app, &session(world, &again).await).await.unwrap();
    assert_eq!((listed.len(), listed[0].used_at), (1, Some(world.app.now())));
    assert!(members::setup_link(&world.app, &world.caller).await.unwrap().is_none());
    assert_eq!(world.audited(&device.owner, "member.first_owner").await, 1);
    let guess = sessions::sign_in(&world.app, "ada@a.example", "".into(), &here()).await;
    assert_eq!(guess.unwrap_err().code, Code::Unauthenticated, "no password is not an empty one");
}

async fn an_invited_member_joins_with_a_passkey_and_the_link_is_used(world: &World) {
    owner(world, &mut Device::new("ada's")).await;
    let link = invited(world, "ben@a.example").await;
    let mut device = Device::new("ben's");
    let ask = || async { passkeys::ask_invited(&world.app, &link, BROWSER).await.unwrap().unwrap() };
    let (first, second) = (ask().await, ask().await);
    let answer = device.make(&first);
    let joined = passkeys::join(&world.app, &link, &answer, BROWSER, &here()).await.unwrap();
    assert_eq!(joined.member.email, "ben@a.example");
    let late = passkeys::join(&world.app, &link, &Device::new("eve's").make(&second), BROWSER, &here()).await;
    assert_eq!(late.unwrap_err().code, Code::LinkExpired);
    assert_eq!(sign_in(world, &mut device).await.unwrap().member.role, MemberRole::Viewer);
}

async fn a_challenge_counts_once_in_one_browser_for_one_purpose_and_ten_minutes(world: &World) {
    let mut device = Device::new("ada's");
    let signed = owner(world, &mut device).await;
    let answer = device.sign(&question(world).await);
    let send = |browser: &'static str, answer: Answer| async move {
        passkeys::sign_in(&world.app, browser, &answer, &here()).await.map_err(|error| error.code)
    };
    assert_eq!(send("zzzzzzzzzzzzzzzzzzzzzzzzzz", answer.clone()).await.unwrap_err(), Code::LinkExpired);
    assert!(send(BROWSER, answer.clone()).await.is_ok(), "another browser does not use it up");
    assert_eq!(send(BROWSER, answer).await.unwrap_err(), Code::LinkExpired, "a replay");
    let confirm = passkeys::ask_confirm(&world.app, &session(world, &signed).await).await.unwrap().unwrap();
    assert_eq!(send(BROWSER, device.sign(&confirm)).await.unwrap_err(), Code::LinkExpired, "another purpose");
    let forged = Question { challenge: question(world).await.challenge.replace('0', "1"), ..confirm };
    assert_eq!(send(BROWSER, device.sign(&forged)).await.unwrap_err(), Code::LinkExpired);
    let old = device.sign(&question(world).await);
    world.clock.advance(Duration::from_secs(600));
    assert_eq!(send(BROWSER, old).await.unwrap_err(), Code::LinkExpired);
    // the challenge that is sent and the one that is signed are the same one
    let (one, other) = (question(world).await, question(world).await);
    let swapped = Answer { challenge: other.challenge, ..device.sign(&one) };
    assert_eq!(send(BROWSER, swapped).await.unwrap_err(), Code::Unauthenticated);
}

async fn a_passkey_of_another_site_or_without_verification_is_refused(world: &World) {
    let mut device = Device::new("ada's");
    owner(world, &mut device).await;
    let refused = |error: Error| (error.code, error.detail.into_owned());
    device.origin = "https://keys.example.evil.example";
    let (code, why) = refused(sign_in(world, &mut device).await.unwrap_err());
    assert_eq!(code, Code::Unauthenticated);
    assert!(why.contains("another site asked"), "{why}");
    device.origin = "https://keys.example";
    device.rp_id = "evil.example";
    assert!(refused(sign_in(world, &mut device).await.unwrap_err()).1.contains("belongs to another site"));
    device.rp_id = "keys.example";
    device.flags = 0x01;
    assert!(refused(sign_in(world, &mut device).await.unwrap_err()).1.contains("did not make sure"));
    device.flags = 0x04;
    assert!(refused(sign_in(world, &mut device).await.unwrap_err()).1.contains("touched"));
    device.flags = 0x05;
    sign_in(world, &mut device).await.unwrap();
    // neither is one without verification added
    let link = token(&members::password_link_for(&world.app, &world.caller, "ada@a.example").await.unwrap());
    let question = passkeys::ask_invited(&world.app, &link, BROWSER).await.unwrap().unwrap();
    let mut careless = Device { flags: 0x01, ..Device::new("careless") };
    let joined = passkeys::join(&world.app, &link, &careless.make(&question), BROWSER, &here()).await;
    assert_eq!(joined.unwrap_err().code, Code::Unauthenticated);
}

async fn a_passkey_signs_in_its_own_member_only(world: &World) {
    let mut ada = Device::new("ada's");
    let signed = owner(world, &mut ada).await;
    let link = invited(world, "ben@a.example").await;
    let mut ben = Device::new("ben's");
    let ask = passkeys::ask_invited(&world.app, &link, BROWSER).await.unwrap().unwrap();
    passkeys::join(&world.app, &link, &ben.make(&ask), BROWSER, &here()).await.unwrap();
    // ben's key that says it is ada's
    let bens = std::mem::replace(&mut ben.owner, ada.owner.clone());
    assert_eq!(sign_in(world, &mut ben).await.unwrap_err().code, Code::Unauthenticated);
    ben.owner = bens;
    // ada's id with ben's signature
    let id = std::mem::replace(&mut ben.id, ada.id.clone());
    let owner = std::mem::replace(&mut ben.owner, ada.owner.clone());
    assert_eq!(sign_in(world, &mut ben).await.unwrap_err().code, Code::Unauthenticated);
    (ben.id, ben.owner) = (id, owner);
    // ben's passkey proves nothing in ada's session
    let session = session(world, &signed).await;
    let question = passkeys::ask_confirm(&world.app, &session).await.unwrap().unwrap();
    let proved = passkeys::confirm(&world.app, &session, &ben.sign(&question)).await;
    assert_eq!(proved.unwrap_err().code, Code::Unauthenticated);
    let mut stranger = Device { owner: ada.owner.clone(), ..Device::new("nobody's") };
    assert_eq!(sign_in(world, &mut stranger).await.unwrap_err().code, Code::Unauthenticated);
}

async fn a_counter_that_goes_back_is_refused_and_audited(world: &World) {
    let mut device = Device { count: 7, ..Device::new("counting") };
    owner(world, &mut device).await;
    device.count = 9;
    sign_in(world, &mut device).await.unwrap();
    for count in [9, 8, 0] {
        device.count = count;
        let error = sign_in(world, &mut device).await.unwrap_err();
        assert!(error.detail.contains("counts backwards"), "{count}: {}", error.detail);
    }
    assert_eq!(world.audited(&device.owner, "member.passkey_copied").await, 3);
    device.count = 10;
    sign_in(world, &mut device).await.unwrap();
}

async fn the_last_way_in_stays(world: &World) {
    let signed = owner(world, &mut Device::new("one")).await;
    let session = session(world, &signed).await;
    let first = passkeys::list(&world.app, &session).await.unwrap().remove(0);
    let last = passkeys::remove(&world.app, &session, &first.id).await.unwrap_err();
    assert_eq!(last.code, Code::FailedPrecondition);
    let question = passkeys::ask_add(&world.app, &session).await.unwrap().unwrap();
    assert_eq!(question.known.len(), 1, "the browser leaves out what is here already");
    let answer = Device::new("two").make(&question);
    passkeys::add(&world.app, &session, "Blue key", &answer).await.unwrap();
    let both = passkeys::list(&world.app, &session).await.unwrap();
    let (left, right) = tokio::join!(
        passkeys::remove(&world.app, &session, &both[0].id),
        passkeys::remove(&world.app, &session, &both[1].id),
    );
    assert_eq!(usize::from(left.is_ok()) + usize::from(right.is_ok()), 1, "{left:?} {right:?}");
    let kept = passkeys::list(&world.app, &session).await.unwrap().remove(0);
    members::change_password(&world.app, &session, "".into(), PASSWORD.into()).await.unwrap();
    passkeys::remove(&world.app, &session, &kept.id).await.unwrap();
    assert_eq!(passkeys::remove(&world.app, &session, &kept.id).await.unwrap_err().code, Code::NotFound);
}

async fn adding_a_passkey_wants_a_fresh_proof(world: &World) {
    let mut device = Device::new("one");
    let signed = owner(world, &mut device).await;
    let ask = |session: Session| async move { passkeys::ask_add(&world.app, &session).await };
    assert!(ask(session(world, &signed).await).await.is_ok());
    let early = passkeys::ask_add(&world.app, &session(world, &signed).await).await.unwrap().unwrap();
    world.clock.advance(Duration::from_secs(9 * 60 + 59));
    assert!(ask(session(world, &signed).await).await.is_ok());
    world.clock.advance(Duration::from_secs(1));
    let stale = session(world, &signed).await;
    assert_eq!(ask(stale.clone()).await.unwrap_err().code, Code::Unauthenticated);
    let added = passkeys::add(&world.app, &stale, "", &Device::new("two").make(&early)).await;
    assert_eq!(added.unwrap_err().code, Code::Unauthenticated);
    let question = passkeys::ask_confirm(&world.app, &stale).await.unwrap().unwrap();
    passkeys::confirm(&world.app, &stale, &device.sign(&question)).await.unwrap();
    let fresh = session(world, &signed).await;
    let question = ask(fresh.clone()).await.unwrap().unwrap();
    let again = passkeys::add(&world.app, &fresh, "", &Device::new("one").make(&question)).await;
    assert_eq!(again.unwrap_err().code, Code::AlreadyExists);
    let question = ask(fresh.clone()).await.unwrap().unwrap();
    passkeys::add(&world.app, &fresh, "", &Device::new("two").make(&question)).await.unwrap();
}

async fn an_owner_is_invited_with_a_fresh_proof_only(world: &World) {
    let signed = owner(world, &mut Device::new("one")).await;
    members::change_password(&world.app, &session(world, &signed).await, "".into(), PASSWORD.into())
        .await
        .unwrap();
    world.clock.advance(Duration::from_secs(600));
    let stale = session(world, &signed).await;
    step_up::invite(&world.app, &stale, &new("vi@a.example"), MemberRole::Viewer).await.unwrap();
    let vi = members::list(&world.app, &world.caller).await.unwrap().pop().unwrap().id;
    let refused = [
        step_up::invite(&world.app, &stale, &new("o@a.example"), MemberRole::Owner).await.map(drop),
        step_up::set_role(&world.app, &stale, &vi, MemberRole::Owner).await,
        step_up::password_link(&world.app, &stale, &vi).await.map(drop),
    ];
    assert!(refused.into_iter().all(|answer| answer.unwrap_err().code == Code::Unauthenticated));
    let wrong = step_up::confirm(&world.app, &stale, "not it at all".into()).await.unwrap_err();
    assert_eq!(wrong.violations[0].field, "password");
    step_up::confirm(&world.app, &stale, PASSWORD.into()).await.unwrap();
    let fresh = session(world, &signed).await;
    step_up::invite(&world.app, &fresh, &new("o@a.example"), MemberRole::Owner).await.unwrap();
    step_up::set_role(&world.app, &fresh, &vi, MemberRole::Owner).await.unwrap();
    step_up::password_link(&world.app, &fresh, &vi).await.unwrap();
}

async fn what_is_stored_of_a_passkey_lets_nobody_in(world: &World) {
    let mut device = Device::new("ada's");
    owner(world, &mut device).await;
    let question = question(world).await;
    let answer = device.sign(&question);
    passkeys::sign_in(&world.app, BROWSER, &answer, &here()).await.unwrap();
    let stored = world.stored();
    assert!(!stored.windows(question.challenge.len()).any(|part| part == question.challenge.as_bytes()));
    let rows = world.sql("SELECT name FROM member_passkey").await;
    assert_eq!(rows, ["First passkey"]);
}
