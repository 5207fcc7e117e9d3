use keybearer_app::Permission;
use keybearer_app::accounts::{self, Credentials, Lookup, RevokeOutcome, UpdateAccount};
use keybearer_core::{AccountStatus, Code, StatusReason};
use serde_json::json;

use crate::accounts::{auth, connection, details, make, new, tokens};
use crate::harness::{World, code, on_both};

on_both!(
    reading_credentials_is_written_down_before_they_come,
    a_read_leaves_a_keyed_hash_of_each_value,
    disconnecting_wipes_and_tells_what_the_provider_said,
    revoking_needs_a_connector_that_can,
    a_deleted_account_is_gone_and_was_revoked,
    every_change_has_its_events,
);

/// F07
async fn reading_credentials_is_written_down_before_they_come(world: &World) {
    let name = connection(world, "postcards").await;
    let made = make(world, new(&name, "ada", tokens())).await;
    let lookup = Lookup::id(made.id.as_str());
    let denied = world.with_permissions(&[Permission::AccountsRead, Permission::AccountsWrite]);
    assert_eq!(code(accounts::auth(&world.app, &denied, &lookup).await), Code::PermissionDenied);
    let before = world.audited(made.id.as_str(), "account.credentials_read").await;
    auth(world, &lookup).await;
    let after = world.audited(made.id.as_str(), "account.credentials_read").await;
    assert_eq!((before, after), (0, 1));
    // without its line nobody gets a credential
    world.refuse_audit().await;
    let refused = accounts::auth(&world.app, &world.caller, &lookup).await;
    assert!(matches!(refused.unwrap_err().code, Code::Internal | Code::DatabaseUnavailable));
}

/// F08: the line of a read recognises what was given out, and only what was.
async fn a_read_leaves_a_keyed_hash_of_each_value(world: &World) {
    let name = connection(world, "postcards").await;
    let made = make(world, new(&name, "ada", tokens())).await;
    let other = make(world, new(&name, "ben", tokens())).await;
    for account in [&made, &made, &other] {
        auth(world, &Lookup::id(account.id.as_str())).await;
    }
    let select = "SELECT detail FROM audit WHERE action = 'account.credentials_read'";
    let lines = world.sql(select).await;
    let values: Vec<serde_json::Value> = lines
        .iter()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["values"].clone())
        .collect();
    assert_eq!(values.len(), 3);
    let hash = values[0]["refresh_token"].as_str().unwrap();
    assert_eq!(hash.len(), 64);
    assert_ne!(
        hash,
        keybearer_core::to_hex(&keybearer_core::sha256(b"rt-4711")),
        "without a key anybody could guess"
    );
    assert_ne!(values[0]["refresh_token"], values[0]["access_token"]);
    assert!(values.iter().all(|value| value == &values[0]), "the same tokens are recognised anywhere");
}

async fn disconnecting_wipes_and_tells_what_the_provider_said(world: &World) {
    let name = connection(world, "postcards").await;
    let cases = [
        (200, RevokeOutcome::Revoked),
        (404, RevokeOutcome::NotOffered),
        (400, RevokeOutcome::Failed),
        (503, RevokeOutcome::NotReachable),
        (0, RevokeOutcome::NotReachable),
    ];
    for (status, expected) in cases {
        world.provider.answer(status);
        let user = format!("u-{status}");
        let made = make(world, new(&name, &user, tokens())).await;
        let lookup = Lookup::id(made.id.as_str());
        let ended = accounts::disconnect(&world.app, &world.caller, &lookup).await.unwrap();
        assert_eq!(ended.outcome, expected, "{status}");
        assert_eq!(ended.account.status, AccountStatus::Disconnected);
        assert_eq!(ended.account.reason, StatusReason::DisconnectedByDeveloper);
        assert_eq!(ended.account.generation, made.generation + 1);
        let read = accounts::auth(&world.app, &world.caller, &lookup).await.unwrap();
        assert_eq!((read.credentials, read.account.revoke_outcome), (None, Some(expected)));
        // once more changes nothing and tells the same
        let again = accounts::disconnect(&world.app, &world.caller, &lookup).await.unwrap();
        assert_eq!((again.outcome, again.account.generation), (expected, made.generation + 1));
    }
    let sent = world.provider.received();
    assert_eq!(sent.len(), cases.len());
    assert!(sent[0].starts_with("POST /revoke ") && sent[0].contains("token=rt-4711"), "{}", sent[0]);
    let waiting = make(world, new(&name, "new", Credentials::None)).await;
    let ended =
        accounts::disconnect(&world.app, &world.caller, &Lookup::id(waiting.id.as_str())).await.unwrap();
    assert_eq!(ended.outcome, RevokeOutcome::NothingToRevoke);
}

async fn revoking_needs_a_connector_that_can(world: &World) {
    let (oauth, key) = (connection(world, "postcards").await, connection(world, "luggage").await);
    let lookup = Lookup::of(&oauth, "ada");
    make(world, new(&oauth, "ada", tokens())).await;
    let done = accounts::revoke(&world.app, &world.caller, &lookup).await.unwrap();
    assert_eq!((done.outcome, done.account.status), (RevokeOutcome::Revoked, AccountStatus::Disconnected));
    assert_eq!(code(accounts::revoke(&world.app, &world.caller, &lookup).await), Code::FailedPrecondition);
    let given = details(json!({"api_key": "lk_0123456789abcdef0123456789abcdef"}));
    make(world, new(&key, "ada", given)).await;
    let refused = accounts::revoke(&world.app, &world.caller, &Lookup::of(&key, "ada")).await;
    assert_eq!(code(refused), Code::FailedPrecondition);
    let ended = accounts::disconnect(&world.app, &world.caller, &Lookup::of(&key, "ada")).await.unwrap();
    assert_eq!(ended.outcome, RevokeOutcome::NotOffered);
}

async fn a_deleted_account_is_gone_and_was_revoked(world: &World) {
    let name = connection(world, "postcards").await;
    let made = make(world, new(&name, "ada", tokens())).await;
    let lookup = Lookup::id(made.id.as_str());
    let outcome = accounts::delete(&world.app, &world.caller, &lookup).await.unwrap();
    assert_eq!((outcome, world.provider.received().len()), (RevokeOutcome::Revoked, 1));
    assert_eq!(code(accounts::delete(&world.app, &world.caller, &lookup).await), Code::AccountNotFound);
    assert_eq!(code(accounts::get(&world.app, &world.caller, &lookup).await), Code::AccountNotFound);
    assert_eq!(world.audited(made.id.as_str(), "account.deleted").await, 1);
    make(world, new(&name, "ada", tokens())).await;
}

async fn every_change_has_its_events(world: &World) {
    let name = connection(world, "postcards").await;
    let made = make(world, new(&name, "ada", Credentials::None)).await;
    let lookup = Lookup::id(made.id.as_str());
    let patch = UpdateAccount { credentials: tokens(), ..UpdateAccount::default() };
    accounts::update(&world.app, &world.caller, &lookup, patch).await.unwrap();
    accounts::disconnect(&world.app, &world.caller, &lookup).await.unwrap();
    accounts::delete(&world.app, &world.caller, &lookup).await.unwrap();
    let types: Vec<String> = world.events(&made.id).await.into_iter().map(|(event, _)| event).collect();
    assert_eq!(
        types,
        [
            "connected_account.created",
            "connected_account.updated",
            "connected_account.status_updated",
            "connected_account.status_updated",
            "connected_account.deleted",
        ]
    );
    let (_, updated) = world.events(&made.id).await.swap_remove(2);
    assert_eq!((&updated["old_status"], &updated["status"]), (&json!("PENDING_AUTH"), &json!("ACTIVE")));
}
