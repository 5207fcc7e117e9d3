//! Single sign-on: who comes in, as whom, and what is refused. The issuer here is one that lies on demand; the real one is
//! in the tests of the server.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use keybearer_app::members::{self, NewMember};
use keybearer_app::sessions::{self, Visitor};
use keybearer_app::sso::{self, Arrival, Denied};
use keybearer_app::{step_up, system};
use keybearer_core::{Clock as _, Code, MemberRole};
use keybearer_testkit::TEST_TIME;
use serde_json::{Value, json};
use url::{Url, form_urlencoded};

use crate::sso_stage::{
    ACCESS, BROWSER, CLIENT_SECRET, CODE, Key, PASSWORD, Stage, alone, config, linking, mapped, part, signed,
    strict, token, why,
};

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
