//! Account fields that the developer gives for everybody.

use keybearer_app::accounts::{self, Lookup};
use keybearer_app::connections::{self, UpdateConnection};
use keybearer_app::flows::{self, LinkRequest};
use keybearer_core::{AccountStatus, SecretString};

use crate::accounts::connection;
use crate::flows_stage::{Stage, browser, credential_form, done, on_both_staged};
use crate::harness::{fields, texts};

on_both_staged!(crate::flows_stage::plain; what_is_the_same_for_all_is_neither_asked_nor_taken_from_a_browser);

async fn what_is_the_same_for_all_is_neither_asked_nor_taken_from_a_browser(stage: &Stage) {
    let name = connection(&stage.world, "lockers").await;
    let fix = async |pairs: &[(&str, &str)]| {
        let patch = UpdateConnection { fixed: texts(pairs), ..UpdateConnection::default() };
        connections::update(stage.app(), &stage.world.caller, &name, patch).await
    };
    assert_eq!(
        fields(fix(&[("password", "locker-ada")]).await),
        ["fixed.password"],
        "a secret is each user's own"
    );
    assert_eq!(fields(fix(&[("nothing", "x")]).await), ["fixed.nothing"]);
    let fixed = fix(&[("username", " ada ")]).await.unwrap();
    assert_eq!(fixed.fixed["username"], "ada");
    let lookup = Lookup::of(&name, "u-1");
    let token = stage.link_with(LinkRequest { lookup: lookup.clone(), ..LinkRequest::default() }).await;
    let visit = browser("a");
    let form = credential_form(stage.view(&token, &visit).await);
    let asked: Vec<&str> = form.fields.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(asked, ["password"]);
    let posted = [("csrf", form.csrf.as_str()), ("username", "eve"), ("password", "locker-ada")];
    let posted = posted.map(|(name, value)| (name.to_owned(), SecretString::from(value))).to_vec();
    done(flows::submit(stage.app(), &token, &visit, posted).await.unwrap());
    let account = accounts::get(stage.app(), &stage.world.caller, &lookup).await.unwrap();
    assert_eq!(account.status, AccountStatus::Active);
    assert_eq!(account.identity_id.as_deref(), Some("ada"), "whatever the browser sent");
    // an empty value asks everybody again
    assert!(fix(&[("username", "")]).await.unwrap().fixed.is_empty());
}
