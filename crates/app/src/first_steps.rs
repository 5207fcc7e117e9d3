//! The steps to a first call that the first page shows: one list for an environment, because what they lead to is done once
//! for everybody who works there.

use keybearer_core::Result;
use serde_json::json;

use crate::access::{Caller, Permission};
use crate::audit;
use crate::state::App;

/// What became of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstSteps {
    /// It is shown until its steps are done.
    Shown,
    /// Its steps were done, and it went for good.
    Done,
    /// Somebody hid it.
    Hidden,
    /// Somebody wanted it back: it stays until somebody hides it.
    Restored,
}

impl FirstSteps {
    const ALL: [Self; 4] = [Self::Shown, Self::Done, Self::Hidden, Self::Restored];

    /// The word in the database and in the audit trail.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Shown => "shown",
            Self::Done => "done",
            Self::Hidden => "hidden",
            Self::Restored => "restored",
        }
    }

    /// Whether the first page has the list.
    pub const fn is_there(self) -> bool {
        matches!(self, Self::Shown | Self::Restored)
    }
}

/// What became of the list of the caller's environment.
///
/// # Errors
/// [`keybearer_core::Code::PermissionDenied`].
pub async fn state(app: &App, caller: &Caller) -> Result<FirstSteps> {
    caller.require(Permission::ConnectorsRead)?;
    let word = app.db().first_steps(&caller.environment).await?.unwrap_or_default();
    Ok(FirstSteps::ALL.into_iter().find(|state| state.as_str() == word).unwrap_or(FirstSteps::Shown))
}

/// All steps are seen to be done: the list goes, unless somebody decided about it. Only who may read the log knows that
/// the last two are.
///
/// # Errors
/// [`keybearer_core::Code::PermissionDenied`].
pub async fn done(app: &App, caller: &Caller) -> Result<()> {
    caller.require(Permission::LogsRead)?;
    let (from, to) = (FirstSteps::Shown.as_str(), FirstSteps::Done.as_str());
    app.db().set_first_steps(&caller.environment, Some(from), to).await.map(|_| ()).map_err(Into::into)
}

/// Hides the list, or brings it back.
///
/// # Errors
/// [`keybearer_core::Code::PermissionDenied`].
pub async fn show(app: &App, caller: &Caller, shown: bool) -> Result<()> {
    caller.require(Permission::SettingsWrite)?;
    let to = if shown { FirstSteps::Restored } else { FirstSteps::Hidden };
    if app.db().set_first_steps(&caller.environment, None, to.as_str()).await? {
        let detail = json!({"first_steps": to.as_str()});
        audit::record(app, caller, "environment.settings_changed", caller.environment.as_str(), detail)
            .await?;
    }
    Ok(())
}
