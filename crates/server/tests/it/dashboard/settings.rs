//! The pages of the settings: what they change, what they refuse, and what the trail says about it.

use keybearer_core::{EnvironmentKind, MemberRole};

use super::stage::{Browser, Scene, account, connection, hidden};

#[tokio::test(flavor = "multi_thread")]
async fn the_public_url_is_checked_and_what_a_change_breaks_is_counted() {
    let scene = Scene::set().await;
    let mut ada = scene.owner().await;
    let id = connection(&mut ada, "notes").await;
    account(&scene, "notes", "u-1").await;
    let page = ada.get("/settings/general").await.text;
    assert!(
        page.contains("This address does not lead back to this server.") || page.contains("another server"),
        "{page}"
    );
    assert!(page.contains("1 connection with a redirect URI"), "{page}");
    assert!(page.contains(&format!("http://localhost:4300/sso/v1/oauth/{id}/callback")), "{page}");
    assert!(page.contains("1 account here is refreshed"), "{page}");
    assert!(page.contains("Passkeys belong to <code>localhost</code>"), "{page}");
    assert_eq!(ada.submit("/settings/general", &[]).await.location, "/settings/general");
}

#[tokio::test]
async fn a_badge_stands_on_every_page_until_somebody_confirms_people() {
    let scene = Scene::set().await;
    let mut ada = scene.owner().await;
    assert!(ada.get("/connections").await.text.contains("Nobody confirms users"));
    ada.get("/settings/verification").await;
    let saved = ada.submit("/settings/verification", &[("mode", "custom")]).await;
    assert!(ada.follow(saved).await.text.contains("/api/v1/connected_accounts/user/verify"));
    assert!(!ada.get("/connections").await.text.contains("Nobody confirms users"));
    ada.get("/settings/verification").await;
    assert_eq!(ada.submit("/settings/verification", &[("mode", "sometimes")]).await.status, 400);
    ada.get("/settings/verification").await;
    let saved = ada.submit("/settings/verification", &[("mode", "dashboard")]).await;
    assert_eq!(saved.status, 303, "{}", saved.text);
    assert!(ada.get("/settings/verification").await.text.contains("value=\"dashboard\" checked"));
}

#[tokio::test]
async fn an_environment_is_made_named_and_entered() {
    let scene = Scene::set().await;
    let mut ada = scene.owner().await;
    let page = ada.get("/settings/environments").await.text;
    assert!(page.contains("You are here"), "{page}");
    let empty = ada.submit("/settings/environments", &[("name", " "), ("kind", "prod")]).await;
    assert_eq!(empty.status, 422);
    assert!(empty.text.contains("The name must have 1 to 200 characters."), "{}", empty.text);
    let made = ada.submit("/settings/environments", &[("name", "live"), ("kind", "prod")]).await;
    assert!(ada.follow(made).await.text.contains("with keys of its own"));
    let taken = ada.submit("/settings/environments", &[("name", "live"), ("kind", "dev")]).await;
    assert_eq!(taken.status, 422);
    assert!(taken.text.contains("Another environment has that name."), "{}", taken.text);
    let live = keybearer_app::environments::named(&scene.app, "live").await.unwrap();
    assert_eq!(live.kind, EnvironmentKind::Production);
    let one = format!("/settings/environments/{}", live.id);
    ada.get(&one).await;
    let renamed = ada.submit(&one, &[("name", "<b>shop</b>")]).await;
    let page = ada.follow(renamed).await.text;
    assert!(page.contains("&#60;b&#62;shop") && !page.contains("<b>shop</b>"), "{page}");
    assert_eq!(ada.get("/settings/environments/env_1").await.status, 404);
    let mut vi = scene.member("vi@a.example", "Vi", MemberRole::Viewer).await;
    assert_eq!(vi.get(&one).await.status, 403);
}

#[tokio::test]
async fn keys_rotate_move_and_end_only_by_their_name() {
    let scene = Scene::set().await;
    let mut ada = scene.owner().await;
    connection(&mut ada, "notes").await;
    account(&scene, "notes", "u-1").await;
    ada.get("/settings/encryption").await;
    let rotated = ada.submit("/settings/encryption/rotate", &[]).await;
    assert!(ada.follow(rotated).await.text.contains("Rotated. The new key seals"));
    keybearer_app::data_keys::reencrypt(&scene.app, &scene.operator).await.unwrap();
    let page = ada.get("/settings/encryption").await.text;
    assert!(page.contains("Moved to key 2") && page.contains("Primary, seals"), "{page}");
    let first = "/settings/encryption/1/destroy";
    let asked = ada.get(first).await.text;
    let id = asked.split("Type <code>").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let untyped = ada.submit(first, &[("typed", "dk_1")]).await;
    assert_eq!(untyped.status, 422);
    assert!(untyped.text.contains(&format!("Type {id} to confirm.")), "{}", untyped.text);
    let young = ada.submit(first, &[("typed", &id)]).await;
    assert_eq!(young.status, 422, "it sealed values less than a day ago");
    assert!(young.text.contains("less than a day ago"), "{}", young.text);
    assert_eq!(
        ada.get("/settings/encryption/2/destroy").await.status,
        400,
        "the primary key has no such page"
    );
    ada.get("/settings/encryption").await;
    let staged = ada.submit("/settings/encryption/stage", &[]).await;
    assert!(ada.follow(staged).await.text.contains("Staged, not used yet"));
    let signed = ada.submit("/settings/encryption/signing", &[]).await;
    assert!(
        ada.follow(signed).await.text.contains("signs in 9 minutes")
            || ada.page.contains("signs in 10 minutes")
    );
    let activated = ada.submit("/settings/encryption/3/activate", &[]).await;
    assert!(ada.follow(activated).await.text.contains("Activated."));
}

const PAGES: [&str; 7] =
    ["general", "verification", "environments", "encryption", "retention", "audit", "transfer"];

#[tokio::test(flavor = "multi_thread")]
async fn a_role_sees_the_pages_that_it_may_and_the_way_to_no_other() {
    let scene = Scene::set().await;
    scene.owner().await;
    let mut au = scene.member("au@a.example", "Au", MemberRole::Auditor).await;
    let mut vi = scene.member("vi@a.example", "Vi", MemberRole::Viewer).await;
    for page in PAGES.map(|page| format!("/settings/{page}")) {
        let seen = au.get(&page).await;
        assert_eq!(seen.status, 200, "{page}");
        assert!(
            seen.text.contains("aria-label=\"Settings\"") && seen.text.contains(&format!("href=\"{page}\""))
        );
        let inside = seen.text.split("<main").nth(1).unwrap();
        let may = ["/settings/general", "/environment", "/settings/audit"];
        let forms = inside.split("<form").skip(1).filter_map(|form| form.split("</form>").next());
        for form in forms.filter(|form| form.contains("<button")) {
            assert!(may.iter().any(|to| form.contains(&format!("action=\"{to}\""))), "{page}: {form}");
        }
        let seen = vi.get(&page).await;
        assert_eq!(
            seen.status,
            if ["/settings/general", "/settings/transfer"].contains(&&*page) { 200 } else { 403 },
            "{page}"
        );
    }
    let tabs = vi.get("/settings").await.text;
    assert!(
        tabs.contains("href=\"/settings/general\"") && !tabs.contains("href=\"/settings/encryption\""),
        "{tabs}"
    );
}

#[tokio::test]
async fn who_only_looks_changes_nothing() {
    let scene = Scene::set().await;
    let mut ada = scene.owner().await;
    let here = environment(&mut ada).await;
    let mut au = scene.member("au@a.example", "Au", MemberRole::Auditor).await;
    let before = trail(&scene).await;
    for (to, pairs) in [
        ("/settings/verification", vec![("mode", "custom")]),
        ("/settings/environments", vec![("name", "mine"), ("kind", "dev")]),
        (&*here, vec![("name", "mine")]),
        ("/settings/encryption/rotate", vec![]),
        ("/settings/encryption/stage", vec![]),
        ("/settings/encryption/move", vec![]),
        ("/settings/encryption/signing", vec![]),
        ("/settings/encryption/1/activate", vec![]),
        ("/settings/encryption/1/destroy", vec![("typed", "x")]),
        ("/settings/retention", vec![("days", "1")]),
        ("/settings/transfer", vec![("file", EMPTY)]),
    ] {
        au.get("/settings").await;
        let mut form = hidden(&au.page, "/sign-out");
        form.extend(pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())));
        let answer = au.post(to, &form, &[("sec-fetch-site", "same-origin")]).await;
        assert!(answer.status == 403, "{to}: {} {}", answer.status, answer.text);
        let foreign = ada.post(to, &form, &[("sec-fetch-site", "same-origin")]).await;
        assert_eq!(foreign.status, 403, "{to} takes a form of another session");
    }
    assert_eq!(trail(&scene).await, before, "nothing was changed");
    assert_eq!(au.get("/settings/encryption/1/destroy").await.status, 403);
}

/// What can be downloaded.
const FILES: [&str; 2] = ["/settings/audit.csv", "/settings/connections.json"];

/// The page of the environment that the browser is in.
async fn environment(browser: &mut Browser) -> String {
    let page = browser.get("/settings/environments").await.text;
    let id = page.split("href=\"/settings/environments/").nth(1).unwrap().split('"').next().unwrap();
    format!("/settings/environments/{id}")
}

/// How many lines the trail has.
async fn trail(scene: &Scene) -> i64 {
    let (all, first) = (Default::default(), Default::default());
    keybearer_app::audit_trail::list(&scene.app, &scene.operator, &all, &first).await.unwrap().total
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_of_the_settings_shows_a_secret() {
    let scene = Scene::set().await;
    let mut ada = scene.owner().await;
    connection(&mut ada, "notes").await;
    account(&scene, "notes", "u-1").await;
    let rights = keybearer_app::Permissions::default_set();
    let made = keybearer_app::clients::create(&scene.app, &scene.operator, "agent", rights).await.unwrap();
    let secret = made.secret.expose().clone();
    for page in PAGES.map(|page| format!("/settings/{page}")).iter().chain(&FILES.map(str::to_owned)) {
        let text = ada.get(page).await.text;
        for hidden in ["secret-of-it", "cnry-", super::stage::PASSWORD, &secret] {
            assert!(!text.contains(hidden), "{page} shows {hidden}");
        }
    }
}

#[tokio::test]
async fn calls_are_kept_as_long_as_somebody_says() {
    let scene = Scene::set().await;
    let mut ada = scene.owner().await;
    ada.get("/settings/retention").await;
    for wrong in ["0", "-1", "4000", "soon"] {
        let answer = ada.submit("/settings/retention", &[("days", wrong)]).await;
        assert_eq!(answer.status, 422, "{wrong}");
        assert!(answer.text.contains("Days must be a number from 1 to 3650"), "{}", answer.text);
        assert!(answer.text.contains(&format!("value=\"{wrong}\"")), "what was typed stays");
    }
    let saved = ada.submit("/settings/retention", &[("days", "30"), ("detailed", "1")]).await;
    assert!(ada.follow(saved).await.text.contains("value=\"30\""));
    let stored = keybearer_app::environments::default(&scene.app).await.unwrap();
    assert_eq!((stored.call_log_days, stored.detailed_errors), (Some(30), true));
    let cleared = ada.submit("/settings/retention", &[("days", "")]).await;
    ada.follow(cleared).await;
    let stored = keybearer_app::environments::default(&scene.app).await.unwrap();
    assert_eq!((stored.call_log_days, stored.detailed_errors), (None, false));
    let trail = ada.get("/settings/audit?action=environment.").await.text;
    assert!(trail.contains("call log days:</span> 30 → —"), "{trail}");
}

#[tokio::test]
async fn the_trail_says_who_did_what_and_shows_no_secret() {
    let scene = Scene::set().await;
    let mut ada = scene.owner().await;
    let id = connection(&mut ada, "notes").await;
    ada.get(&format!("/connections/{id}")).await;
    ada.submit(&format!("/connections/{id}/pause"), &[]).await;
    let page = ada.get("/settings/audit").await.text;
    assert!(page.contains("connection.paused") && page.contains("Ada (ada@fieldnote.example)"), "{page}");
    for secret in ["secret-of-it", super::stage::PASSWORD] {
        assert!(!page.contains(secret));
    }
    let of_it = ada.get(&format!("/settings/audit?target={id}&action=connection.")).await.text;
    assert!(of_it.contains("connection.paused") && !of_it.contains("member.signed_in"), "{of_it}");
    let nothing = ada.get("/settings/audit?actor=mem_1").await.text;
    assert!(nothing.contains("Nothing fits.") && nothing.contains("Clear the filter"));
    let never = ada.get(&format!("/settings/audit?target={id}&from=2999-01-01&to=2999-12-31")).await.text;
    assert!(never.contains("Nothing fits.") && never.contains("value=\"2999-01-01\""), "{never}");
    assert!(never.contains("--since 2999-01-01 --until 2999-12-31"), "{never}");
    assert!(
        never.contains("audit.csv?target=") && never.contains("from=2999-01-01&#38;to=2999-12-31"),
        "{never}"
    );
    let file = ada.get(&format!("/settings/audit.csv?target={id}&to=1999-12-31")).await;
    assert_eq!(file.text.lines().count(), 1, "{}", file.text);
    assert_eq!(ada.get("/settings/audit?from=soon").await.status, 400);
    assert_eq!(ada.get("/settings/audit.csv?to=soon").await.status, 400);
    let file = ada.get(&format!("/settings/audit.csv?target={id}")).await;
    assert_eq!(file.headers["content-type"], "text/csv; charset=utf-8");
    assert!(file.text.starts_with("time,actor,name,action,target,detail,reference\r\n"), "{}", file.text);
    assert!(
        file.text.contains("\"connection.paused\"") && !file.text.contains("secret-of-it"),
        "{}",
        file.text
    );
    assert!(ada.get("/settings/audit").await.text.contains("audit.exported"), "an export is a line, too");
    let mut vi = scene.member("vi@a.example", "Vi", MemberRole::Viewer).await;
    for page in ["/settings/audit", "/settings/audit.csv"] {
        assert_eq!(vi.get(page).await.status, 403, "{page}");
    }
    let long = "x".repeat(300);
    assert_eq!(ada.get(&format!("/settings/audit?target={long}")).await.status, 400);
}

#[tokio::test]
async fn the_trail_goes_on_for_pages_and_stays_inside_its_environment() {
    let scene = Scene::set().await;
    let mut ada = scene.owner().await;
    for number in 0..60 {
        let new =
            keybearer_app::members::NewMember { email: format!("m{number}@a.example"), name: String::new() };
        keybearer_app::members::invite(&scene.app, &scene.operator, &new, MemberRole::Viewer).await.unwrap();
    }
    let first = ada.get("/settings/audit?action=member.invited&from=2000-01-01").await.text;
    let older = first
        .split("href=\"")
        .filter(|rest| rest.contains("rel=\"next\""))
        .map(|rest| rest.split('"').next().unwrap());
    let older = older.last().unwrap().replace("&#38;", "&");
    assert!(older.contains("action=member.invited&from=2000-01-01"), "{older}");
    let second = ada.get(&older).await.text;
    assert_eq!(first.matches("<code>member.invited</code>").count(), 50);
    assert_eq!(second.matches("<code>member.invited</code>").count(), 10, "{second}");
    assert!(second.contains("rel=\"prev\""));
    keybearer_app::environments::create(&scene.app, &scene.operator, "live", EnvironmentKind::Production)
        .await
        .unwrap();
    let live = keybearer_app::environments::named(&scene.app, "live").await.unwrap();
    ada.get("/").await;
    let mut pairs = hidden(&ada.page, "/environment");
    pairs.push(("environment".to_owned(), live.id.to_string()));
    ada.post("/environment", &pairs, &[("sec-fetch-site", "same-origin")]).await;
    let there = ada.get("/settings/audit").await.text;
    assert!(there.contains("member.entered") && !there.contains("member.invited"), "{there}");
    assert_eq!(ada.get(&older).await.status, 400, "a page of another environment's list opens nothing");
}

/// A file without connections.
const EMPTY: &str = "{\"format\": \"keybearer.connections\", \"version\": 1, \"connections\": []}";

#[tokio::test]
async fn connections_leave_as_a_file_and_come_into_another_environment_without_their_secrets() {
    let scene = Scene::set().await;
    let mut ada = scene.owner().await;
    connection(&mut ada, "notes").await;
    let answer = ada.get("/settings/connections.json").await;
    assert_eq!(answer.headers["content-type"], "application/json");
    let file = answer.text;
    assert!(file.contains("\"name\": \"notes\"") && file.contains("\"client_secret\"\n"), "{file}");
    assert!(!file.contains("secret-of-it"), "{file}");
    ada.get("/settings/transfer").await;
    let here = ada.submit("/settings/transfer", &[("file", &file)]).await.text;
    assert!(here.contains("A connection of that name is here."), "{here}");
    ada.get("/settings/transfer").await;
    let wrong = ada.submit("/settings/transfer", &[("file", "<script>alert(1)</script>")]).await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.text.contains("The text is no file of connections (line 1, column 1)."), "{}", wrong.text);
    assert!(!wrong.text.contains("<script>alert"), "what was typed stays, as text");
    keybearer_app::environments::create(&scene.app, &scene.operator, "live", EnvironmentKind::Production)
        .await
        .unwrap();
    let live = keybearer_app::environments::named(&scene.app, "live").await.unwrap();
    ada.get("/").await;
    ada.submit("/environment", &[("environment", live.id.as_str())]).await;
    ada.get("/settings/transfer").await;
    let there = ada.submit("/settings/transfer", &[("file", &file)]).await.text;
    assert!(there.contains("A draft: give client_secret again."), "{there}");
    let strange = file.replace("\"hostile\"", "\"nothing-like-that\"").replace("\"notes\"", "\"other\"");
    ada.get("/settings/transfer").await;
    let refused = ada.submit("/settings/transfer", &[("file", &strange)]).await.text;
    assert!(refused.contains("Not made"), "{refused}");
    let inside = keybearer_app::Caller { environment: live.id, ..scene.operator.clone() };
    let (all, first) = (Default::default(), Default::default());
    let listed = keybearer_app::connections::list(&scene.app, &inside, &all, &first).await.unwrap();
    let all = listed.items;
    assert_eq!(all.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["notes"]);
    assert!(!all[0].has_client_secret && all[0].client_id.is_some());
}
