//! Data keys on both databases: staged, primary, moved away from, destroyed.

use std::time::Duration;

use futures_util::future::join_all;
use keybearer_app::accounts::{self, Lookup};
use keybearer_app::data_keys::{self, KeyState};
use keybearer_app::{Actor, Caller, PageAsk, Permission, RootKey, jobs};
use keybearer_core::Code;
use keybearer_store::SEALED_COLUMNS;

use crate::accounts::{auth, connection, details, make, new, tokens};
use crate::flows_stage::{Stage, on_both_staged};
use crate::harness::{World, code, on_both};
use crate::tokens_refresh::{connected, get};

on_both!(
    values_move_to_a_new_key_and_the_old_one_is_destroyed,
    a_value_that_does_not_open_is_named_and_keeps_its_key,
    a_move_that_an_ended_process_left_is_gone_on_with,
    another_node_learns_of_a_key_and_takes_no_row_for_damaged,
    every_sealed_column_is_moved,
    a_new_root_key_wraps_every_data_key,
    keys_need_their_permissions_and_stay_in_their_environment,
);

on_both_staged!(crate::flows_stage::plain;
    a_move_beside_refreshes_loses_none,
);

/// A new primary key; the world's time goes on so that no node has to be waited for.
async fn rotate(world: &World) -> i64 {
    let made = data_keys::create(&world.app, &world.caller).await.unwrap();
    assert_eq!((made.state, made.values), (KeyState::Staged, 0));
    world.clock.advance(Duration::from_secs(10));
    let activated = data_keys::activate(&world.app, &world.caller, made.version).await.unwrap();
    assert_eq!(activated.state, KeyState::Primary);
    made.version
}

async fn values(world: &World, version: i64) -> i64 {
    data_keys::get(&world.app, &world.caller, version).await.unwrap().values
}

async fn values_move_to_a_new_key_and_the_old_one_is_destroyed(world: &World) {
    let (app, caller) = (&world.app, &world.caller);
    let (oauth, key) = (connection(world, "postcards").await, connection(world, "luggage").await);
    make(world, new(&oauth, "ada", tokens())).await;
    for user in 0..150 {
        let given = details(serde_json::json!({"api_key": format!("lk_{user:032x}")}));
        make(world, new(&key, &format!("u-{user}"), given)).await;
    }
    let before = values(world, 1).await;
    assert!(before > 151, "accounts and the signing key");
    let version = rotate(world).await;
    assert_eq!((version, values(world, 1).await, values(world, 2).await), (2, before, 0));
    // what is new lies under the new key, and the old one still opens
    make(world, new(&oauth, "ben", tokens())).await;
    assert_eq!(values(world, 2).await, 1);
    let was = auth(world, &Lookup::of(&oauth, "ada")).await;
    let stranger_before = data_keys::get(app, &world.stranger, 1).await.unwrap();

    assert_eq!(code(data_keys::destroy(app, caller, 2).await), Code::FailedPrecondition, "primary");
    let young = data_keys::destroy(app, caller, 1).await.unwrap_err();
    assert!(young.detail.contains("less than a day ago"), "{young}");
    world.clock.advance(Duration::from_secs(86_400));
    let used = data_keys::destroy(app, caller, 1).await.unwrap_err();
    assert!(used.detail.contains("values lie under the key"), "{used}");

    let done = data_keys::reencrypt(app, caller).await.unwrap();
    assert_eq!((done.version, done.moved, done.remaining), (2, before, 0));
    assert!(done.failed.is_empty() && done.finished_at.is_some());
    assert_eq!((values(world, 1).await, values(world, 2).await), (0, before + 1));
    // nothing is left for the next one
    assert_eq!(data_keys::reencrypt(app, caller).await.unwrap().moved, 0);
    data_keys::destroy(app, caller, 1).await.unwrap();
    assert_eq!(code(data_keys::get(app, caller, 1).await), Code::NotFound);
    assert_eq!(auth(world, &Lookup::of(&oauth, "ada")).await, was);
    let verified = data_keys::verify(app, caller).await.unwrap();
    assert_eq!((i64::try_from(verified.opened).unwrap(), verified.failed), (before + 1, 0));
    // the other environment's keys and values are where they were
    assert_eq!(data_keys::get(app, &world.stranger, 1).await.unwrap(), stranger_before);
    for action in ["data_key.created", "data_key.activated"] {
        let id = data_keys::get(app, caller, 2).await.unwrap().id;
        assert_eq!(world.audited(id.as_str(), action).await, 1, "{action}");
    }
}

async fn a_value_that_does_not_open_is_named_and_keeps_its_key(world: &World) {
    let oauth = connection(world, "postcards").await;
    let ada = make(world, new(&oauth, "ada", tokens())).await;
    make(world, new(&oauth, "ben", tokens())).await;
    // K04: whoever writes the database gives the row to another user
    world.sql(&format!("UPDATE account SET identifier = 'eve' WHERE id = '{}'", ada.id)).await;
    rotate(world).await;
    let done = data_keys::reencrypt(&world.app, &world.caller).await.unwrap();
    assert_eq!((done.failed, done.remaining), (vec![("account".to_owned(), 1)], 1));
    assert!(done.finished_at.is_some());
    let found = data_keys::verify(&world.app, &world.caller).await.unwrap();
    assert_eq!((found.failed, found.unopened.len()), (1, 1));
    let named = &found.unopened[0];
    assert_eq!((named.table.as_str(), named.row.as_str()), ("account", ada.id.as_str()));
    world.clock.advance(Duration::from_secs(86_400));
    let refused = data_keys::destroy(&world.app, &world.caller, 1).await.unwrap_err();
    assert!(refused.detail.starts_with("1 values"), "{refused}");
}

async fn a_move_that_an_ended_process_left_is_gone_on_with(world: &World) {
    let oauth = connection(world, "postcards").await;
    for user in 0..5 {
        make(world, new(&oauth, &format!("u-{user}"), tokens())).await;
    }
    rotate(world).await;
    let begun = data_keys::begin(&world.app, &world.caller).await.unwrap();
    assert_eq!((begun.moved, begun.finished_at), (0, None));
    // as a process leaves it: somewhere in the accounts, with a lease that has ended
    let account = SEALED_COLUMNS.iter().position(|column| column.table == "account").unwrap();
    world.sql(&format!("UPDATE reencryption SET step = {account}, last_row = 'ca_1', moved = 3")).await;
    let name = format!("reencrypt:{}", world.caller.environment);
    world.sql(&format!("INSERT INTO job_lease (name, owner, until) VALUES ('{name}', 'gone.1', 5)")).await;
    let jobs = jobs::start(&world.app);
    let finished = async {
        loop {
            let state = data_keys::state(&world.app, &world.caller).await.unwrap();
            if state.finished_at.is_some() {
                return state;
            }
            tokio::task::yield_now().await;
        }
    };
    let state = tokio::time::timeout(Duration::from_secs(20), finished).await.unwrap();
    jobs.stop(Duration::from_secs(5)).await;
    // what was behind the place where it stopped is found in another pass
    assert_eq!((state.remaining, values(world, 1).await), (0, 0));
    assert!(state.moved >= 3 + 5);
}

async fn another_node_learns_of_a_key_and_takes_no_row_for_damaged(world: &World) {
    if !world.is_postgres() {
        return;
    }
    let other = world.another_node().await;
    let oauth = connection(world, "postcards").await;
    rotate(world).await;
    let ada = make(world, new(&oauth, "ada", tokens())).await;
    let lookup = Lookup::of(&oauth, "ada");
    let read = async || accounts::auth(&other, &world.caller, &lookup).await;
    assert_eq!(code(read().await), Code::Unavailable);
    let jobs = jobs::start(&other);
    let heard = async {
        while read().await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), heard).await.unwrap();
    jobs.stop(Duration::from_secs(5)).await;
    let after = accounts::get(&other, &world.caller, &lookup).await.unwrap();
    assert_eq!((after.status, after.generation), (ada.status, ada.generation));
}

/// Whoever adds a column with a sealed value must add it to the move, too.
async fn every_sealed_column_is_moved(world: &World) {
    let columns = match world.is_postgres() {
        true => {
            "SELECT table_name || '.' || column_name FROM information_schema.columns \
             WHERE table_schema = 'public' AND data_type = 'bytea' AND table_name NOT LIKE '\\_sqlx%'"
        }
        false => {
            "SELECT m.name || '.' || c.name FROM sqlite_master m, pragma_table_info(m.name) c \
             WHERE m.type = 'table' AND c.type = 'BLOB' AND m.name NOT LIKE '\\_sqlx%' ESCAPE '\\'"
        }
    };
    let mut stored = world.sql(columns).await;
    // not under a data key: the root key wraps the one, the other is the root key's own check
    stored.retain(|column| !["data_key.wrapped", "installation.key_check"].contains(&column.as_str()));
    stored.sort();
    let mut moved: Vec<String> =
        SEALED_COLUMNS.iter().map(|column| format!("{}.{}", column.table, column.column)).collect();
    moved.sort();
    assert_eq!(moved, stored, "add the column to `store/src/sealed.rs`");
}

async fn a_new_root_key_wraps_every_data_key(world: &World) {
    let oauth = connection(world, "postcards").await;
    make(world, new(&oauth, "ada", tokens())).await;
    let folder = keybearer_testkit::temp_dir().unwrap();
    let new_key = RootKey::File(folder.path().join("new.key"));
    assert_eq!(
        code(data_keys::change_root(&world.app, &world.caller, &new_key).await),
        Code::PermissionDenied
    );
    let operator = Caller { actor: Actor::Operator, ..world.caller.clone() };
    let changed = data_keys::change_root(&world.app, &operator, &new_key).await.unwrap();
    assert_eq!((changed.data_keys, changed.created), (2, true), "one key of each environment");
    // this process has the data keys in its memory; one that starts needs the new root key
    auth(world, &Lookup::of(&oauth, "ada")).await;
    if world.is_postgres() {
        assert_eq!(code(world.open_again(None).await), Code::ConfigInvalid);
        let again = world.open_again(Some(new_key)).await.unwrap();
        accounts::auth(&again, &world.caller, &Lookup::of(&oauth, "ada")).await.unwrap();
    }
}

async fn keys_need_their_permissions_and_stay_in_their_environment(world: &World) {
    let app = &world.app;
    let reader = world.with_permissions(&[Permission::KeysRead]);
    let writer = world.with_permissions(&[Permission::KeysWrite]);
    for refused in [
        code(data_keys::create(app, &reader).await),
        code(data_keys::activate(app, &reader, 1).await),
        code(data_keys::begin(app, &reader).await),
        code(data_keys::destroy(app, &writer, 1).await),
        code(data_keys::list(app, &writer, None, &PageAsk::default()).await),
        code(data_keys::verify(app, &writer).await),
    ] {
        assert_eq!(refused, Code::PermissionDenied);
    }
    data_keys::create(app, &world.caller).await.unwrap();
    world.clock.advance(Duration::from_secs(1));
    data_keys::create(app, &world.caller).await.unwrap();
    let list = async |state: Option<&str>, size, token: &str| {
        let page = PageAsk { size, token: token.to_owned() };
        data_keys::list(app, &world.caller, state, &page).await
    };
    let versions = |page: &keybearer_app::Listed<data_keys::DataKeyInfo>| {
        page.items.iter().map(|key| key.version).collect::<Vec<_>>()
    };
    let first = list(None, 2, "").await.unwrap();
    assert_eq!((versions(&first), first.total), (vec![3, 2], 3));
    let second = list(None, 2, &first.next.unwrap()).await.unwrap();
    assert_eq!((versions(&second), second.next), (vec![1], None));
    assert_eq!(versions(&list(Some("staged"), 9, "").await.unwrap()), [3, 2]);
    assert_eq!(code(list(Some("stolen"), 9, "").await), Code::InvalidArgument);
    // the other environment has its own first key, and no third one
    assert_eq!(code(data_keys::get(app, &world.stranger, 3).await), Code::NotFound);
    assert_eq!(code(data_keys::activate(app, &world.stranger, 3).await), Code::NotFound);
    data_keys::destroy(app, &world.caller, 3).await.unwrap();
}

async fn a_move_beside_refreshes_loses_none(stage: &Stage) {
    connected(stage, 60).await;
    rotate(&stage.world).await;
    stage.control.set("refresh", "slow:30").unwrap();
    for round in 0..6 {
        stage.world.clock.advance(Duration::from_secs(61));
        // every other round the values go to yet another key
        if round % 2 == 1 {
            rotate(&stage.world).await;
        }
        let calls = join_all((0..8).map(|_| get(stage.app(), stage, "u-1")));
        let moves = join_all((0..2).map(|_| data_keys::reencrypt(stage.app(), &stage.world.caller)));
        let (statuses, moves) = tokio::join!(calls, moves);
        statuses.into_iter().for_each(|status| assert_eq!(status.unwrap(), 200));
        moves.into_iter().for_each(|moved| assert!(moved.unwrap().failed.is_empty()));
    }
    let counters = stage.control.counters();
    assert_eq!(counters.reuses, 0, "an older refresh token was never put back");
    data_keys::reencrypt(stage.app(), &stage.world.caller).await.unwrap();
    let verified = data_keys::verify(stage.app(), &stage.world.caller).await.unwrap();
    assert_eq!(verified.failed, 0);
    stage.world.clock.advance(Duration::from_secs(61));
    assert_eq!(get(stage.app(), stage, "u-1").await.unwrap(), 200);
}
