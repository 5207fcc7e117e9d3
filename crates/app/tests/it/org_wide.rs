//! Connections whose accounts all use one credential.

use keybearer_app::accounts::{self, AccountQuery, Credentials, Lookup, OauthTokens, OrgWide, UpdateAccount};
use keybearer_app::connections::{self, CreateConnection, UpdateConnection};
use keybearer_app::flows::{self, PageBody};
use keybearer_app::{AppConfig, PageAsk};
use keybearer_core::{AccountStatus, Code, VerifyMode};
use serde_json::json;

use crate::accounts::{connection, details, new, tokens};
use crate::connections::postcards;
use crate::flows_stage::{Stage, browser, done, on_both_staged};
use crate::harness::{World, code, fields, on_both};
use crate::tokens_refresh::get_from;

fn custom(config: &mut AppConfig) {
    config.verify_mode = VerifyMode::Custom;
}

on_both_staged!(crate::flows_stage::plain;
    a_users_consent_calls_with_the_shared_credential,
    without_consent_or_without_the_credential_nothing_is_called,
    authorizing_again_keeps_the_account_and_its_tokens_until_it_is_done,
);
on_both_staged!(super::custom; the_shared_sign_in_is_not_asked_who_it_is);
on_both!(
    keys_are_active_at_once_and_have_no_link,
    users_of_a_shared_connection_have_no_credential_of_their_own,
    a_connection_of_single_users_has_no_shared_credential,
    the_auth_mode_is_locked_once_there_is_an_account,
    a_connection_has_one_shared_account_however_many_ask,
);

async fn shared(world: &World, connector: &str) -> connections::Connection {
    let plain = CreateConnection { connector: connector.to_owned(), ..CreateConnection::default() };
    let wanted = if connector == "postcards" { postcards() } else { plain };
    let wanted = CreateConnection { org_wide: true, name: Some("all".repeat(2)), ..wanted };
    connections::create(&world.app, &world.caller, wanted).await.unwrap()
}

async fn authorize(
    world: &World,
    connection: &str,
    credentials: Credentials,
) -> keybearer_core::Result<OrgWide> {
    accounts::authorize_org_wide(&world.app, &world.caller, connection, credentials, None).await
}

const KEY: &str = "lk_0123456789abcdef0123456789abcdef";

/// Makes the stage's connection a shared one; gives the link of its credential.
async fn staged(stage: &Stage) -> OrgWide {
    let patch = UpdateConnection { org_wide: Some(true), ..UpdateConnection::default() };
    connections::update(stage.app(), &stage.world.caller, &stage.name, patch).await.unwrap();
    connections::set_proxy(stage.app(), &stage.world.caller, &stage.name, true).await.unwrap();
    authorize(&stage.world, &stage.name, Credentials::None).await.unwrap()
}

fn token(authorized: &OrgWide) -> String {
    authorized.link.as_ref().unwrap().url.path().strip_prefix("/c/").unwrap().to_owned()
}

async fn sign_in(stage: &Stage, authorized: &OrgWide, person: &str) {
    let (token, browser) = (token(authorized), browser("s"));
    let parameters = stage.consent(&token, &browser, person).await;
    done(stage.callback(parameters, &browser).await);
}

async fn consent(stage: &Stage, user: &str) {
    let (token, browser) = (stage.link(user).await, browser("u"));
    let PageBody::Credentials(asked) = stage.view(&token, &browser).await else { panic!("no page") };
    assert!(asked.shared && asked.form.fields.is_empty() && asked.form.scopes.is_empty());
    let form = vec![("csrf".to_owned(), asked.form.csrf.into())];
    let after = done(flows::submit(stage.app(), &token, &browser, form).await.unwrap());
    assert!(after.missing.is_empty() && after.identity.is_none());
}

async fn a_users_consent_calls_with_the_shared_credential(stage: &Stage) {
    let authorized = staged(stage).await;
    assert_eq!((authorized.account.status, authorized.account.org_wide), (AccountStatus::PendingAuth, true));
    sign_in(stage, &authorized, "ada").await;
    consent(stage, "u-1").await;
    let user = stage.account("u-1").await;
    assert_eq!((user.status, user.org_wide), (AccountStatus::Active, false));
    let shown = connections::get(stage.app(), &stage.world.caller, &stage.name).await.unwrap();
    assert_eq!((shown.counts.accounts, shown.counts.scopes_behind), (2, 0));
    assert_eq!(stage.world.audited(user.id.as_str(), "account.consented").await, 1);
    assert_eq!(get_from(stage, &stage.name, "/postcards").await.unwrap(), 200);
    // the credential is renewed where it is kept
    stage.world.clock.advance(std::time::Duration::from_secs(61));
    assert_eq!(get_from(stage, &stage.name, "/postcards").await.unwrap(), 200);
    let lookup = Lookup::id(authorized.account.id.as_str());
    let holder = accounts::get(stage.app(), &stage.world.caller, &lookup).await.unwrap();
    assert!(holder.generation > authorized.account.generation);
    assert_eq!(stage.account("u-1").await.generation, user.generation);
    // the user's row gives nothing away, the call log names the user
    let by_user = Lookup::of(&stage.name, "u-1");
    let read = accounts::auth(stage.app(), &stage.world.caller, &by_user).await.unwrap();
    assert_eq!(read.credentials, None);
    let logged = "SELECT DISTINCT account_id FROM call_log WHERE account_id IS NOT NULL";
    tokio::time::timeout(std::time::Duration::from_secs(10), async {
        while stage.world.sql(logged).await != [user.id.as_str()] {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    // who withdraws their consent calls nothing any more, and revokes nobody's grant
    let ended = accounts::disconnect(stage.app(), &stage.world.caller, &by_user).await.unwrap();
    assert_eq!(ended.outcome, accounts::RevokeOutcome::NothingToRevoke);
    assert_eq!(code(get_from(stage, &stage.name, "/postcards").await), Code::AccountNotConnected);
}

async fn without_consent_or_without_the_credential_nothing_is_called(stage: &Stage) {
    let authorized = staged(stage).await;
    let before = stage.control.requests(0).len();
    stage.link("u-1").await;
    assert_eq!(code(get_from(stage, &stage.name, "/postcards").await), Code::AccountNotConnected);
    consent(stage, "u-1").await;
    let error = get_from(stage, &stage.name, "/postcards").await.unwrap_err();
    assert_eq!(error.code, Code::AccountNotConnected);
    assert!(error.detail.contains("nobody has authorized"), "{error}");
    assert_eq!(stage.control.requests(0).len(), before);
    // and the other way round: the credential is there, the consent is not
    let user = Lookup::of(&stage.name, "u-1");
    accounts::disconnect(stage.app(), &stage.world.caller, &user).await.unwrap();
    sign_in(stage, &authorized, "ada").await;
    let error = get_from(stage, &stage.name, "/postcards").await.unwrap_err();
    assert!(error.code == Code::AccountNotConnected && !error.detail.contains("nobody"), "{error}");
    consent(stage, "u-1").await;
    assert_eq!(get_from(stage, &stage.name, "/postcards").await.unwrap(), 200);
}

async fn authorizing_again_keeps_the_account_and_its_tokens_until_it_is_done(stage: &Stage) {
    let first = staged(stage).await;
    sign_in(stage, &first, "ada").await;
    consent(stage, "u-1").await;
    let second = authorize(&stage.world, &stage.name, Credentials::None).await.unwrap();
    assert_eq!(second.account.id, first.account.id);
    assert!(second.link.is_some());
    assert_eq!(get_from(stage, &stage.name, "/postcards").await.unwrap(), 200, "the old tokens stay");
    sign_in(stage, &second, "ada").await;
    assert_eq!(get_from(stage, &stage.name, "/postcards").await.unwrap(), 200);
}

async fn the_shared_sign_in_is_not_asked_who_it_is(stage: &Stage) {
    let authorized = staged(stage).await;
    sign_in(stage, &authorized, "ada").await;
    let lookup = Lookup::id(authorized.account.id.as_str());
    let holder = accounts::get(stage.app(), &stage.world.caller, &lookup).await.unwrap();
    assert_eq!(holder.status, AccountStatus::Active);
}

async fn keys_are_active_at_once_and_have_no_link(world: &World) {
    let made = shared(world, "luggage").await;
    let none = authorize(world, &made.name, Credentials::None).await;
    assert_eq!(fields(none.map(|_| ())), ["authorization_details"]);
    let given = || details(json!({"api_key": KEY}));
    let first = authorize(world, &made.name, given()).await.unwrap();
    assert_eq!((first.account.status, first.link.is_none()), (AccountStatus::Active, true));
    let again = authorize(world, made.id.as_str(), given()).await.unwrap();
    assert_eq!((again.account.id.clone(), again.account.generation), (first.account.id, 2));
    assert_eq!(world.audited(again.account.id.as_str(), "account.org_wide_authorized").await, 2);
    let query = AccountQuery { org_wide: Some(true), ..AccountQuery::default() };
    let listed = accounts::list(&world.app, &world.caller, &query, &PageAsk::default()).await.unwrap();
    assert_eq!((listed.total, &listed.items[0].id), (1, &again.account.id));
    let strange = accounts::authorize_org_wide(&world.app, &world.stranger, made.id.as_str(), given(), None);
    assert_eq!(code(strange.await.map(|_| ())), Code::ConnectionNotFound);
    let reader = world.with_permissions(&[keybearer_app::Permission::AccountsRead]);
    let denied = accounts::authorize_org_wide(&world.app, &reader, &made.name, given(), None);
    assert_eq!(code(denied.await.map(|_| ())), Code::PermissionDenied);
}

async fn users_of_a_shared_connection_have_no_credential_of_their_own(world: &World) {
    let made = shared(world, "luggage").await;
    let given = || details(json!({"api_key": KEY}));
    let create = accounts::create(&world.app, &world.caller, new(&made.name, "ada", given())).await;
    assert_eq!(fields(create), ["authorization_details"]);
    let user = accounts::create(&world.app, &world.caller, new(&made.name, "ada", Credentials::None)).await;
    assert_eq!(user.unwrap().status, AccountStatus::PendingAuth);
    let patch = UpdateAccount { credentials: given(), ..UpdateAccount::default() };
    let lookup = Lookup::of(&made.name, "ada");
    assert_eq!(
        fields(accounts::update(&world.app, &world.caller, &lookup, patch).await),
        ["authorization_details"]
    );
    let taken = new(&made.name, "keybearer:org-wide", Credentials::None);
    assert_eq!(fields(accounts::create(&world.app, &world.caller, taken).await), ["identifier"]);
}

async fn a_connection_of_single_users_has_no_shared_credential(world: &World) {
    let name = connection(world, "postcards").await;
    let refused = authorize(world, &name, tokens()).await;
    assert_eq!(code(refused.map(|_| ())), Code::FailedPrecondition);
    let free =
        CreateConnection { connector: "crossref".to_owned(), org_wide: true, ..CreateConnection::default() };
    assert_eq!(fields(connections::create(&world.app, &world.caller, free).await), ["auth_mode"]);
}

async fn the_auth_mode_is_locked_once_there_is_an_account(world: &World) {
    let made = shared(world, "postcards").await;
    let to = |org_wide| {
        let patch = UpdateConnection { org_wide: Some(org_wide), ..UpdateConnection::default() };
        connections::update(&world.app, &world.caller, made.id.as_str(), patch)
    };
    assert!(!to(false).await.unwrap().org_wide);
    assert!(to(true).await.unwrap().org_wide);
    let imported =
        Credentials::Oauth(OauthTokens { access_token: Some("at".into()), ..OauthTokens::default() });
    let authorized = authorize(world, &made.name, imported).await.unwrap();
    assert_eq!((authorized.account.status, authorized.link.is_none()), (AccountStatus::Active, true));
    assert_eq!(code(to(false).await), Code::FailedPrecondition);
    assert!(to(true).await.is_ok(), "what it is already may be said again");
}

async fn a_connection_has_one_shared_account_however_many_ask(world: &World) {
    let made = shared(world, "luggage").await;
    let asks = (0..8).map(|_| authorize(world, &made.name, details(json!({"api_key": KEY}))));
    let answers = futures_util::future::join_all(asks).await;
    let ids: std::collections::BTreeSet<String> =
        answers.into_iter().map(|answer| answer.unwrap().account.id.to_string()).collect();
    assert_eq!(ids.len(), 1);
    // not even the database takes a second one
    let second = "UPDATE account SET org_wide = (1 = 1) WHERE identifier = 'ada' RETURNING id";
    accounts::create(&world.app, &world.caller, new(&made.name, "ada", Credentials::None)).await.unwrap();
    assert!(world.refuses(second).await);
}
