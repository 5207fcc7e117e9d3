//! Who may sign in, and how: first owner, guesses, roles, links.

use std::time::Duration;

use keybearer_app::connections::{self, CreateConnection};
use keybearer_app::members::{self, NewMember};
use keybearer_app::sessions::{self, SignedIn, Visitor};
use keybearer_app::{Permission, Permissions};
use keybearer_core::{Code, MemberRole, SecretString};
use url::Url;

use crate::harness::{World, on_both};

const PASSWORD: &str = "cnry-correct-horse-battery";

on_both!(
    the_setup_link_makes_one_owner_and_no_second,
    a_stranger_cannot_claim_a_new_server,
    a_wrong_password_and_an_unknown_address_answer_the_same,
    guesses_slow_down_one_address_and_not_the_others,
    a_known_browser_is_not_slowed_down_by_strangers,
    sessions_end_when_idle_and_after_a_week,
    a_revoked_session_ends_at_once,
    ending_the_others_leaves_this_session_and_those_of_other_people,
    a_new_password_ends_the_sessions_that_did_not_choose_it,
    a_member_without_the_role_cannot_change_anything,
    one_owner_always_stays,
    an_invited_member_chooses_a_password_once,
    the_local_link_works_once_and_on_this_machine_only,
    a_form_token_is_bound_to_its_browser,
    nothing_stored_lets_anybody_in,
);

fn token(link: &Url) -> SecretString {
    let found = link.query_pairs().find(|(name, _)| name == "t");
    SecretString::new(found.unwrap().1.into_owned())
}

fn new(email: &str) -> NewMember {
    NewMember { email: email.to_owned(), name: String::new() }
}

fn from(address: &str) -> Visitor {
    Visitor { address: Some(address.parse().unwrap()), agent: "Browser/1".to_owned(), device: None }
}

async fn owner(world: &World) -> members::Member {
    let link = members::setup_link(&world.app, &world.caller).await.unwrap().unwrap();
    members::create_owner(&world.app, &token(&link), new("Ada@Fieldnote.example"), PASSWORD.into())
        .await
        .unwrap()
}

async fn member(world: &World, email: &str, role: MemberRole) -> members::Member {
    let (_, link) = members::invite(&world.app, &world.caller, &new(email), role).await.unwrap();
    members::choose_password(&world.app, &token(&link), PASSWORD.into()).await.unwrap()
}

async fn signed_in(world: &World, email: &str, visitor: &Visitor) -> SignedIn {
    sessions::sign_in(&world.app, email, PASSWORD.into(), visitor).await.unwrap()
}

async fn guess(world: &World, email: &str, visitor: &Visitor) -> Code {
    sessions::sign_in(&world.app, email, "a wrong password".into(), visitor).await.unwrap_err().code
}

async fn the_setup_link_makes_one_owner_and_no_second(world: &World) {
    let first = members::setup_link(&world.app, &world.caller).await.unwrap().unwrap();
    let second = members::setup_link(&world.app, &world.caller).await.unwrap().unwrap();
    assert!(first.as_str().starts_with("https://keys.example/setup?t="));
    let (first, second) = (token(&first), token(&second));
    let make = |token, email| members::create_owner(&world.app, token, new(email), PASSWORD.into());
    let (left, right) = (first.clone(), second.clone());
    let (left, right) = tokio::join!(make(&left, "ada@a.example"), make(&right, "ben@a.example"));
    assert_eq!(usize::from(left.is_ok()) + usize::from(right.is_ok()), 1, "{left:?} {right:?}");
    for token in [&first, &second] {
        assert_eq!(make(token, "cy@a.example").await.unwrap_err().code, Code::LinkExpired);
    }
    let all = members::list(&world.app, &world.caller).await.unwrap();
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].role, MemberRole::Owner);
    assert_eq!(members::setup_link(&world.app, &world.caller).await.unwrap(), None);
    assert_eq!(world.audited(all[0].id.as_str(), "member.first_owner").await, 1);
}

async fn a_stranger_cannot_claim_a_new_server(world: &World) {
    let make = |token: SecretString| async move {
        members::create_owner(&world.app, &token, new("eve@a.example"), PASSWORD.into()).await
    };
    assert_eq!(make("0123456789abcdefghjkmnpqrstvwxyz".into()).await.unwrap_err().code, Code::LinkExpired);
    assert_eq!(make("".into()).await.unwrap_err().code, Code::LinkExpired);
    let link = members::setup_link(&world.app, &world.caller).await.unwrap().unwrap();
    world.clock.advance(Duration::from_secs(24 * 3600 + 1));
    assert_eq!(make(token(&link)).await.unwrap_err().code, Code::LinkExpired);
    assert!(!members::any(&world.app).await.unwrap());
    let poor = world.with_permissions(&[Permission::ConnectorsWrite]);
    assert_eq!(members::setup_link(&world.app, &poor).await.unwrap_err().code, Code::PermissionDenied);
}

async fn a_wrong_password_and_an_unknown_address_answer_the_same(world: &World) {
    owner(world).await;
    let wrong = |email: &'static str| async move {
        let error = sessions::sign_in(&world.app, email, "a wrong password".into(), &from("192.0.2.1")).await;
        let error = error.unwrap_err();
        (error.code, error.detail, error.help)
    };
    assert_eq!(wrong("ada@fieldnote.example").await, wrong("nobody@fieldnote.example").await);
    let session = signed_in(world, " ADA@fieldnote.example ", &from("192.0.2.1")).await;
    assert_eq!(session.member.email, "ada@fieldnote.example");
}

async fn guesses_slow_down_one_address_and_not_the_others(world: &World) {
    owner(world).await;
    member(world, "ben@fieldnote.example", MemberRole::Developer).await;
    let guesser = from("192.0.2.66");
    for _ in 0..5 {
        assert_eq!(guess(world, "ada@fieldnote.example", &guesser).await, Code::Unauthenticated);
    }
    let error = sessions::sign_in(&world.app, "ada@fieldnote.example", PASSWORD.into(), &guesser).await;
    let error = error.unwrap_err();
    assert_eq!(error.code, Code::RateLimited, "the right password does not show itself to a guesser");
    assert!(error.retry_after_seconds.is_some_and(|seconds| (1..=2).contains(&seconds)));
    signed_in(world, "ada@fieldnote.example", &from("192.0.2.7")).await;
    signed_in(world, "ben@fieldnote.example", &guesser).await;

    for _ in 0..12 {
        world.clock.advance(Duration::from_secs(61));
        assert_eq!(guess(world, "ada@fieldnote.example", &guesser).await, Code::Unauthenticated);
    }
    assert_eq!(guess(world, "ada@fieldnote.example", &guesser).await, Code::RateLimited);
    world.clock.advance(Duration::from_secs(61));
    signed_in(world, "ada@fieldnote.example", &guesser).await;
    assert_eq!(guess(world, "ada@fieldnote.example", &guesser).await, Code::Unauthenticated, "forgotten");
}

async fn a_known_browser_is_not_slowed_down_by_strangers(world: &World) {
    owner(world).await;
    let proxy = from("10.0.0.1");
    let device = signed_in(world, "ada@fieldnote.example", &proxy).await.device;
    for _ in 0..5 {
        guess(world, "ada@fieldnote.example", &proxy).await;
    }
    assert_eq!(guess(world, "ada@fieldnote.example", &proxy).await, Code::RateLimited);
    let known = Visitor { device: Some(device.clone()), ..proxy.clone() };
    let again = signed_in(world, "ada@fieldnote.example", &known).await;
    assert_eq!(again.device, device);
    let forged = format!("{}{}", &device[..26], "0".repeat(32));
    let stranger = Visitor { device: Some(forged), ..proxy };
    assert_eq!(guess(world, "ada@fieldnote.example", &stranger).await, Code::RateLimited);
}

async fn sessions_end_when_idle_and_after_a_week(world: &World) {
    owner(world).await;
    let idle = signed_in(world, "ada@fieldnote.example", &from("192.0.2.1")).await.token;
    let busy = signed_in(world, "ada@fieldnote.example", &from("192.0.2.2")).await.token;
    for hour in 1..=7 * 24 {
        world.clock.advance(Duration::from_secs(3600));
        let open = sessions::resume(&world.app, &busy).await.unwrap().is_some();
        assert_eq!(open, hour < 7 * 24, "after {hour} hours");
        if hour == 12 {
            assert!(sessions::resume(&world.app, &idle).await.unwrap().is_none(), "idle");
        }
    }
    assert!(sessions::resume(&world.app, &"nothing".into()).await.unwrap().is_none());
}

async fn a_revoked_session_ends_at_once(world: &World) {
    owner(world).await;
    member(world, "ben@fieldnote.example", MemberRole::Developer).await;
    let here = signed_in(world, "ada@fieldnote.example", &from("192.0.2.1")).await.token;
    let there = signed_in(world, "ada@fieldnote.example", &from("192.0.2.2")).await.token;
    let bens = signed_in(world, "ben@fieldnote.example", &from("192.0.2.3")).await.token;
    let session = sessions::resume(&world.app, &here).await.unwrap().unwrap();
    let listed = sessions::list(&world.app, &session).await.unwrap();
    assert_eq!(listed.iter().map(|entry| entry.current).collect::<Vec<_>>(), [false, true]);
    assert_eq!(listed[0].address, "192.0.2.2");

    let foreign = sessions::resume(&world.app, &bens).await.unwrap().unwrap();
    let error = sessions::revoke(&world.app, &session, &foreign.id).await.unwrap_err();
    assert_eq!(error.code, Code::NotFound, "a foreign session answers like none");
    sessions::revoke(&world.app, &session, &listed[0].id).await.unwrap();
    assert!(sessions::resume(&world.app, &there).await.unwrap().is_none());
    sessions::sign_out(&world.app, &session).await.unwrap();
    assert!(sessions::resume(&world.app, &here).await.unwrap().is_none());
    assert!(sessions::resume(&world.app, &bens).await.unwrap().is_some());
    assert_eq!(world.audited(session.member.id.as_str(), "member.session_ended").await, 2);
}

async fn ending_the_others_leaves_this_session_and_those_of_other_people(world: &World) {
    owner(world).await;
    member(world, "ben@fieldnote.example", MemberRole::Developer).await;
    let here = signed_in(world, "ada@fieldnote.example", &from("192.0.2.1")).await.token;
    let there = signed_in(world, "ada@fieldnote.example", &from("192.0.2.2")).await.token;
    let bens = signed_in(world, "ben@fieldnote.example", &from("192.0.2.3")).await.token;
    let session = sessions::resume(&world.app, &here).await.unwrap().unwrap();
    sessions::revoke_others(&world.app, &session).await.unwrap();
    assert!(sessions::resume(&world.app, &there).await.unwrap().is_none());
    for token in [here, bens] {
        assert!(sessions::resume(&world.app, &token).await.unwrap().is_some());
    }
    assert_eq!(world.audited(session.member.id.as_str(), "member.sessions_ended").await, 1);
}

async fn a_new_password_ends_the_sessions_that_did_not_choose_it(world: &World) {
    let ada = owner(world).await;
    let here = signed_in(world, "ada@fieldnote.example", &from("192.0.2.1")).await.token;
    let there = signed_in(world, "ada@fieldnote.example", &from("192.0.2.2")).await.token;
    let is_open = async |token: &SecretString| sessions::resume(&world.app, token).await.unwrap().is_some();
    let session = sessions::resume(&world.app, &here).await.unwrap().unwrap();
    members::change_password(&world.app, &session, PASSWORD.into(), "another password".into()).await.unwrap();
    assert_eq!((is_open(&here).await, is_open(&there).await), (true, false));
    // whoever needs a link may have lost the browser: none stays signed in
    let link = members::password_link(&world.app, &world.caller, &ada.id).await.unwrap();
    assert!(is_open(&here).await, "a link that nobody used ends nothing");
    members::choose_password(&world.app, &token(&link), PASSWORD.into()).await.unwrap();
    assert!(!is_open(&here).await);
}

async fn a_member_without_the_role_cannot_change_anything(world: &World) {
    owner(world).await;
    let viewer = member(world, "vi@fieldnote.example", MemberRole::Viewer).await;
    let token = signed_in(world, "vi@fieldnote.example", &from("192.0.2.1")).await.token;
    let create = || async {
        let session = sessions::resume(&world.app, &token).await.unwrap().unwrap();
        let new =
            CreateConnection { connector: "acme".to_owned(), draft: true, ..CreateConnection::default() };
        connections::create(&world.app, &session.caller, new).await
    };
    let error = create().await.unwrap_err();
    assert_eq!(error.code, Code::PermissionDenied);
    assert!(error.detail.contains("your role"), "{}", error.detail);
    members::set_role(&world.app, &world.caller, &viewer.id, MemberRole::Developer).await.unwrap();
    create().await.unwrap();
    let developer = sessions::resume(&world.app, &token).await.unwrap().unwrap().caller;
    let error = members::set_role(&world.app, &developer, &viewer.id, MemberRole::Owner).await.unwrap_err();
    assert_eq!(error.code, Code::PermissionDenied);
    for role in MemberRole::ALL {
        assert!(!Permissions::of_role(*role).has(Permission::AccountsAccess), "{role} reads credentials");
    }
}

async fn one_owner_always_stays(world: &World) {
    let ada = owner(world).await;
    let refused = members::remove(&world.app, &world.caller, &ada.id).await.unwrap_err();
    assert_eq!(refused.code, Code::FailedPrecondition);
    let refused =
        members::set_role(&world.app, &world.caller, &ada.id, MemberRole::Viewer).await.unwrap_err();
    assert_eq!(refused.code, Code::FailedPrecondition);
    let ben = member(world, "ben@fieldnote.example", MemberRole::Owner).await;
    let bens = signed_in(world, "ben@fieldnote.example", &from("192.0.2.1")).await.token;
    members::remove(&world.app, &world.caller, &ben.id).await.unwrap();
    assert!(sessions::resume(&world.app, &bens).await.unwrap().is_none(), "a removed member is out at once");
    let gone = members::remove(&world.app, &world.caller, &ben.id).await.unwrap_err();
    assert_eq!(gone.code, Code::NotFound);
}

async fn an_invited_member_chooses_a_password_once(world: &World) {
    owner(world).await;
    let role = MemberRole::Auditor;
    let (id, former) = members::invite(&world.app, &world.caller, &new("au@a.example"), role).await.unwrap();
    let taken = members::invite(&world.app, &world.caller, &new("AU@a.example"), role).await.unwrap_err();
    assert_eq!(taken.code, Code::AlreadyExists);
    let link = members::password_link(&world.app, &world.caller, &id).await.unwrap();
    let choose = |link: &Url| {
        let token = token(link);
        async move { members::choose_password(&world.app, &token, PASSWORD.into()).await }
    };
    assert_eq!(choose(&former).await.unwrap_err().code, Code::LinkExpired, "the newer link counts");
    let short = members::choose_password(&world.app, &token(&link), "too short".into()).await.unwrap_err();
    assert_eq!(short.violations[0].field, "password");
    assert_eq!(members::invited(&world.app, &token(&link)).await.unwrap().0.email, "au@a.example");
    choose(&link).await.unwrap();
    assert_eq!(choose(&link).await.unwrap_err().code, Code::LinkExpired);
    let token = signed_in(world, "au@a.example", &from("192.0.2.1")).await.token;
    let session = sessions::resume(&world.app, &token).await.unwrap().unwrap();
    let wrong =
        members::change_password(&world.app, &session, "not it at all".into(), "another password".into());
    assert_eq!(wrong.await.unwrap_err().violations[0].field, "current");
    members::change_password(&world.app, &session, PASSWORD.into(), "another password".into()).await.unwrap();
    assert_eq!(guess(world, "au@a.example", &from("192.0.2.1")).await, Code::Unauthenticated);
    assert!(sessions::resume(&world.app, &token).await.unwrap().is_some(), "this browser stays in");
}

async fn the_local_link_works_once_and_on_this_machine_only(world: &World) {
    let link = members::local_link(&world.app, &world.caller).await.unwrap();
    assert!(link.as_str().starts_with("https://keys.example/?t="));
    let redeem = |address: &'static str, link: &Url| {
        let token = token(link);
        async move { sessions::redeem(&world.app, &token, &from(address)).await }
    };
    assert_eq!(redeem("192.0.2.1", &link).await.unwrap_err().code, Code::PermissionDenied);
    let session = redeem("127.0.0.1", &link).await.unwrap();
    assert_eq!(session.member.role, MemberRole::Owner);
    assert_eq!(redeem("::1", &link).await.unwrap_err().code, Code::LinkExpired);
    let next = members::local_link(&world.app, &world.caller).await.unwrap();
    assert_eq!(members::list(&world.app, &world.caller).await.unwrap().len(), 1, "the same owner");
    world.clock.advance(Duration::from_secs(15 * 60));
    assert_eq!(redeem("127.0.0.1", &next).await.unwrap_err().code, Code::LinkExpired);
}

async fn a_form_token_is_bound_to_its_browser(world: &World) {
    let token = sessions::form_token(&world.app, "mbs_1").await.unwrap();
    assert!(sessions::is_form_token(&world.app, "mbs_1", &token).await.unwrap());
    assert!(!sessions::is_form_token(&world.app, "mbs_2", &token).await.unwrap());
    assert!(!sessions::is_form_token(&world.app, "mbs_1", "").await.unwrap());
}

async fn nothing_stored_lets_anybody_in(world: &World) {
    owner(world).await;
    let session = signed_in(world, "ada@fieldnote.example", &from("192.0.2.1")).await;
    let (_, link) =
        members::invite(&world.app, &world.caller, &new("b@a.example"), MemberRole::Viewer).await.unwrap();
    let stored = world.stored();
    for secret in [PASSWORD, session.token.expose(), token(&link).expose()] {
        assert!(!stored.windows(secret.len()).any(|part| part == secret.as_bytes()));
    }
    assert!(!format!("{session:?}").contains(session.token.expose().as_str()));
}
