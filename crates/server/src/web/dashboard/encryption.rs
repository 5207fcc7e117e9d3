//! The keys that seal and sign: which there are, how a new one takes over, and how an old one ends.

use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;
use keybearer_app::data_keys::{self, DataKeyInfo, KeyState, Reencryption};
use keybearer_app::signing_keys::{self, Rotation, SigningKeyInfo, SigningRole};
use keybearer_app::{PageAsk, Permission};
use keybearer_core::{Code, Error, Result, Timestamp};

use super::answer::sentence;
use super::flash::Flash;
use super::frame::{Frame, Place, Section};
use super::guard::{Posted, Visit};
use super::settings::{frame, tabs};
use super::when::When;

const PAGE: &str = "/settings/encryption";

/// D22, Encryption.
#[derive(Template)]
#[template(path = "dashboard/encryption.html")]
struct EncryptionView {
    frame: Frame,
    tabs: Vec<Place>,
    keys: Vec<Sealing>,
    older: bool,
    elsewhere: i64,
    progress: Option<Progress>,
    signing: Vec<Signing>,
    root: String,
    may: bool,
    may_destroy: bool,
}

/// The question before a key ends.
#[derive(Template)]
#[template(path = "dashboard/destroy_key.html")]
struct DestroyView {
    frame: Frame,
    key: Sealing,
    wrong: Option<String>,
}

/// A data key.
struct Sealing {
    version: i64,
    id: String,
    word: &'static str,
    look: &'static str,
    icon: &'static str,
    values: i64,
    made: When,
    replaced: Option<When>,
    staged: bool,
    ended: bool,
}

/// How far a move has come.
struct Progress {
    version: i64,
    moved: i64,
    remaining: i64,
    failed: Vec<(String, i64)>,
    running: bool,
    at: When,
}

/// A signing key.
struct Signing {
    id: String,
    word: &'static str,
    says: String,
}

/// `GET /settings/encryption`
pub(super) async fn show(visit: Visit) -> Response {
    let page = view(&visit).await;
    visit.answer(page.map(|view| visit.page(&view)))
}

/// `POST /settings/encryption/rotate`: a new key, which seals from now on, and everything moves to it.
pub(super) async fn rotate(Posted { visit, .. }: Posted) -> Response {
    let done = async {
        let made = data_keys::create(visit.app(), visit.caller()).await?;
        data_keys::activate(visit.app(), visit.caller(), made.version).await?;
        data_keys::begin(visit.app(), visit.caller()).await?;
        Ok(visit.done(PAGE, Flash::KeyRotated))
    };
    let done: Result<Response> = done.await;
    visit.answer(done)
}

/// `POST /settings/encryption/stage`
pub(super) async fn stage(Posted { visit, .. }: Posted) -> Response {
    let made = data_keys::create(visit.app(), visit.caller()).await;
    visit.answer(made.map(|_| visit.done(PAGE, Flash::KeyStaged)))
}

/// `POST /settings/encryption/move`
pub(super) async fn move_values(Posted { visit, .. }: Posted) -> Response {
    let begun = data_keys::begin(visit.app(), visit.caller()).await;
    visit.answer(begun.map(|_| visit.done(PAGE, Flash::MoveBegun)))
}

/// `POST /settings/encryption/{version}/activate`
pub(super) async fn activate(Path(version): Path<i64>, Posted { visit, .. }: Posted) -> Response {
    let activated = data_keys::activate(visit.app(), visit.caller(), version).await;
    visit.answer(activated.map(|_| visit.done(PAGE, Flash::KeyActivated)))
}

/// `GET /settings/encryption/{version}/destroy`
pub(super) async fn ask_destroy(visit: Visit, Path(version): Path<i64>) -> Response {
    let page = destroy_view(&visit, version, None).await;
    visit.answer(page.map(|view| visit.page(&view)))
}

/// `POST /settings/encryption/{version}/destroy`
pub(super) async fn destroy(Path(version): Path<i64>, Posted { visit, form }: Posted) -> Response {
    let done = async {
        let (app, caller) = (visit.app(), visit.caller());
        let key = data_keys::get(app, caller, version).await?;
        let wrong = match form.text("typed").trim() == key.id.as_str() {
            false => format!("Type {} to confirm.", key.id),
            true => match data_keys::destroy(app, caller, version).await {
                Ok(()) => return Ok(visit.done(PAGE, Flash::KeyDestroyed)),
                Err(error) if error.code == Code::FailedPrecondition => sentence(&error.detail),
                Err(error) => return Err(error),
            },
        };
        let view = destroy_view(&visit, version, Some(wrong)).await?;
        Ok(visit.page_with(StatusCode::UNPROCESSABLE_ENTITY, &view))
    };
    let done: Result<Response> = done.await;
    visit.answer(done)
}

/// `POST /settings/encryption/signing`
pub(super) async fn rotate_signing(Posted { visit, .. }: Posted) -> Response {
    let rotated = signing_keys::rotate(visit.app(), visit.caller(), Rotation::default()).await;
    visit.answer(rotated.map(|_| visit.done(PAGE, Flash::SigningRotated)))
}

async fn view(visit: &Visit) -> Result<EncryptionView> {
    let (app, caller) = (visit.app(), visit.caller());
    let now = app.now();
    let listed = data_keys::list(app, caller, None, &PageAsk::first(100)).await?;
    let moving = match data_keys::state(app, caller).await {
        Ok(state) => Some(state),
        Err(error) if error.code == Code::NotFound => None,
        Err(error) => return Err(error),
    };
    let signing = signing_keys::list(app, caller).await?;
    let elsewhere =
        listed.items.iter().filter(|key| key.state != KeyState::Primary).map(|key| key.values).sum();
    let progress = moving.map(|moving| progress(moving, now));
    let running = progress.as_ref().is_some_and(|progress| progress.running);
    let frame = frame(visit, "Encryption").command("keybearer keys rotate");
    Ok(EncryptionView {
        frame: Frame { again_in: running.then_some(2), ..frame },
        tabs: tabs(visit, PAGE),
        root: listed.items.first().map(|key| key.root.clone()).unwrap_or_default(),
        older: listed.items.len() > 1,
        keys: listed.items.into_iter().map(|key| sealing(key, now)).collect(),
        elsewhere,
        progress,
        signing: signing.into_iter().map(|key| signer(&key, now)).collect(),
        may: caller.permissions.has(Permission::KeysWrite),
        may_destroy: caller.permissions.has(Permission::KeysDestroy),
    })
}

async fn destroy_view(visit: &Visit, version: i64, wrong: Option<String>) -> Result<DestroyView> {
    visit.caller().require(Permission::KeysDestroy)?;
    let key = data_keys::get(visit.app(), visit.caller(), version).await?;
    if key.state == KeyState::Primary {
        return Err(Error::new(Code::FailedPrecondition, "the primary key cannot be destroyed")
            .with_help("rotate first: another key must seal before this one can end"));
    }
    let title = format!("Destroy data key {version}");
    let frame = visit.frame(Section::Settings, &title);
    let frame = frame.under("/settings", "Settings").under(PAGE, "Encryption").under("", title);
    Ok(DestroyView {
        key: sealing(key, visit.app().now()),
        wrong,
        frame: frame.command(format!("keybearer keys destroy {version}")),
    })
}

fn sealing(key: DataKeyInfo, now: Timestamp) -> Sealing {
    let (word, look, icon) = match key.state {
        KeyState::Staged => ("Staged, not used yet", "info", "clock"),
        KeyState::Primary => ("Primary, seals", "ok", "check"),
        KeyState::Deprecated => ("Earlier, opens", "", "dot"),
    };
    Sealing {
        version: key.version,
        id: key.id.to_string(),
        word,
        look,
        icon,
        values: key.values,
        made: When::new(key.created_at, now),
        replaced: key.rotated_at.map(|at| When::new(at, now)),
        staged: key.state == KeyState::Staged,
        ended: key.state != KeyState::Primary && key.values == 0,
    }
}

fn progress(moving: Reencryption, now: Timestamp) -> Progress {
    Progress {
        version: moving.version,
        moved: moving.moved,
        remaining: moving.remaining,
        failed: moving.failed,
        running: moving.finished_at.is_none(),
        at: When::new(moving.finished_at.unwrap_or(moving.started_at), now),
    }
}

fn signer(key: &SigningKeyInfo, now: Timestamp) -> Signing {
    let (word, says) = match key.role {
        SigningRole::Next => ("Published", format!("signs {}", When::new(key.signs_from, now).words)),
        SigningRole::Signing => ("Signs", format!("made {}", When::new(key.created_at, now).words)),
        SigningRole::Verifying => {
            let ends = key.retires_at.map(|at| When::new(at, now).words).unwrap_or_default();
            ("Verifies", format!("ends {ends}"))
        }
    };
    Signing { id: key.id.to_string(), word, says }
}
