//! How far people get with a link: opened, left for the provider, came back, and the last problem that a page showed.
//! Notes are written after the page went out, each fact once; a note that is lost changes nothing but a picture
//! (`docs/adr/0013`).

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use keybearer_core::ids::FlowId;
use keybearer_core::{Code, Reference, Timestamp};
use tokio_util::task::TaskTracker;

use crate::state::App;

/// Most facts that this process remembers to have noted; then it begins anew and the database says no.
const MOST_KNOWN: usize = 10_000;
/// Most notes that wait to be written; further ones are dropped.
const MOST_WAITING: usize = 1_000;

/// How far somebody got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    Opened,
    Left,
    Returned,
}

/// A note.
#[derive(Clone, Debug)]
pub(crate) enum Note {
    Step(Step),
    Trouble(Code, Reference),
}

/// Notes that are not written yet.
#[derive(Default)]
pub(crate) struct Trail {
    inner: Mutex<Inner>,
    tracker: TaskTracker,
}

#[derive(Default)]
struct Inner {
    known: HashSet<(FlowId, Step)>,
    waiting: Vec<(FlowId, Note, Timestamp)>,
    writing: bool,
}

impl Trail {
    /// Takes a note, unless it is known.
    pub fn add(&self, app: &App, flow: &FlowId, note: Note) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if let Note::Step(step) = note {
            if inner.known.len() >= MOST_KNOWN {
                inner.known.clear();
            }
            if !inner.known.insert((flow.clone(), step)) {
                return;
            }
        }
        if inner.waiting.len() >= MOST_WAITING {
            return;
        }
        inner.waiting.push((flow.clone(), note, app.now()));
        if !std::mem::replace(&mut inner.writing, true) {
            let app = app.clone();
            self.tracker.spawn(async move { write(&app).await });
        }
    }

    /// Waits until everything is written.
    pub async fn drain(&self) {
        self.tracker.close();
        self.tracker.wait().await;
        self.tracker.reopen();
    }

    fn take(&self) -> Vec<(FlowId, Note, Timestamp)> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = std::mem::take(&mut inner.waiting);
        inner.writing = !taken.is_empty();
        taken
    }
}

async fn write(app: &App) {
    loop {
        let notes = app.trail().take();
        if notes.is_empty() {
            return;
        }
        for (flow, note, at) in notes {
            let db = app.db();
            let written = match note {
                Note::Step(Step::Opened) => db.note_flow_opened(&flow, at).await,
                Note::Step(Step::Left) => db.note_flow_left(&flow, at).await,
                Note::Step(Step::Returned) => db.note_flow_returned(&flow, at).await,
                Note::Trouble(code, reference) => {
                    db.note_flow_trouble(&flow, code.as_str(), &reference.to_string(), at).await
                }
            };
            if let Err(error) = written {
                tracing::warn!(%error, flow.id = %flow, "how far a link got could not be noted");
            }
        }
    }
}
