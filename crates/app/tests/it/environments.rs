//! Environments, on both databases.

use keybearer_app::accounts::{self, AccountQuery};
use keybearer_app::environments::{self, UpdateSettings};
use keybearer_app::{Caller, PageAsk, Permission, Permissions, clients};
use keybearer_core::{Code, EnvironmentKind, VerifyMode};

use crate::accounts::{connection, make, new, tokens};
use crate::harness::{World, code, fields, on_both, tick};

on_both!(
    an_environment_has_keys_clients_and_accounts_of_its_own,
    a_client_sees_its_own_environment_only,
    settings_change_what_is_given,
);

async fn an_environment_has_keys_clients_and_accounts_of_its_own(world: &World) {
    let (app, caller) = (&world.app, &world.caller);
    tick(world);
    let made = environments::create(app, caller, "staging", EnvironmentKind::Development).await.unwrap();
    assert_eq!(world.audited(made.id.as_str(), "environment.created").await, 1);
    let again = environments::create(app, caller, "staging", EnvironmentKind::Production).await;
    assert_eq!(code(again), Code::AlreadyExists);
    let inside = environments::enter(app, caller, "staging").await.unwrap();
    assert_eq!(inside.environment, made.id);
    let client = clients::create(app, &inside, "backend", Permissions::default_set()).await.unwrap();
    let token = clients::issue_token(app, client.client.id.as_str(), &client.secret, None).await.unwrap();
    let signed_in = clients::authenticate(app, token.token.expose(), None).await.unwrap();
    assert_eq!(signed_in.environment, made.id, "the client decides on the environment");
    // the same names and the same user are free there, and nothing is seen across
    let name = connection(world, "postcards").await;
    make(world, new(&name, "ada", tokens())).await;
    let everything = AccountQuery::default();
    let listed = accounts::list(app, &signed_in, &everything, &PageAsk::default()).await.unwrap();
    assert_eq!(listed.total, 0);
    assert_eq!(code(clients::get(app, caller, &client.client.id).await), Code::NotFound);
    // each signs with its own key, and /keys shows all of them
    let keys = clients::jwks(app).await.unwrap();
    assert_eq!(keys["keys"].as_array().unwrap().len(), 3);
}

async fn a_client_sees_its_own_environment_only(world: &World) {
    let app = &world.app;
    let usual = Caller { permissions: Permissions::default_set(), ..world.caller.clone() };
    let (own, foreign) = (world.caller.environment.as_str(), world.stranger.environment.as_str());
    let seen = environments::visible(app, &usual, &PageAsk::default()).await.unwrap();
    assert_eq!((seen.total, seen.items[0].id.as_str()), (1, own));
    assert_eq!(code(environments::show(app, &usual, foreign).await), Code::NotFound);
    assert_eq!(code(environments::enter(app, &usual, foreign).await), Code::NotFound);
    assert_eq!(code(environments::show(app, &usual, "env_77").await), Code::NotFound);
    assert_eq!(
        code(environments::create(app, &usual, "x", EnvironmentKind::Production).await),
        Code::PermissionDenied
    );
    assert_eq!(code(environments::rename(app, &usual, own, "x").await), Code::PermissionDenied);
    let setter = world.with_permissions(&[Permission::SettingsRead, Permission::SettingsWrite]);
    let nothing = UpdateSettings::default();
    assert_eq!(
        code(environments::update_settings(app, &usual, own, nothing.clone()).await),
        Code::PermissionDenied
    );
    assert_eq!(code(environments::update_settings(app, &setter, foreign, nothing).await), Code::NotFound);
    // with the permission both are there, a page at a time
    let all = environments::visible(app, &world.caller, &PageAsk::first(1)).await.unwrap();
    assert_eq!((all.total, all.items.len()), (2, 1));
    let ask = PageAsk { size: 1, token: all.next.unwrap() };
    let rest = environments::visible(app, &world.caller, &ask).await.unwrap();
    assert_eq!((rest.items.len(), rest.next), (1, None));
    assert_ne!(all.items[0].id, rest.items[0].id);
    let renamed = environments::rename(app, &world.caller, foreign, "renamed").await.unwrap();
    assert_eq!(renamed.name, "renamed");
    assert_eq!(fields(environments::rename(app, &world.caller, foreign, " ").await), ["display_name"]);
    assert_eq!(code(environments::rename(app, &world.caller, foreign, "default").await), Code::AlreadyExists);
}

async fn settings_change_what_is_given(world: &World) {
    let (app, own) = (&world.app, world.caller.environment.as_str());
    let set = async |change| environments::update_settings(app, &world.caller, own, change).await;
    let custom = UpdateSettings { verify_mode: Some(VerifyMode::Custom), ..UpdateSettings::default() };
    let changed = set(custom).await.unwrap();
    assert_eq!((changed.verify_mode, changed.detailed_errors), (VerifyMode::Custom, false));
    let detailed = UpdateSettings { detailed_errors: Some(true), ..UpdateSettings::default() };
    let changed = set(detailed).await.unwrap();
    assert_eq!((changed.verify_mode, changed.detailed_errors), (VerifyMode::Custom, true));
    let dashboard = UpdateSettings { verify_mode: Some(VerifyMode::Dashboard), ..UpdateSettings::default() };
    assert_eq!(set(dashboard).await.unwrap().verify_mode, VerifyMode::Dashboard);
    set(UpdateSettings { verify_mode: Some(VerifyMode::Custom), ..UpdateSettings::default() }).await.unwrap();
    let seen = environments::show(app, &world.caller, own).await.unwrap();
    assert_eq!((seen.verify_mode, seen.detailed_errors), (VerifyMode::Custom, true));
    let other = environments::show(app, &world.caller, world.stranger.environment.as_str()).await.unwrap();
    assert_eq!((other.verify_mode, other.detailed_errors), (VerifyMode::None, false));
    assert_eq!(world.audited(own, "environment.settings_changed").await, 4);
}
