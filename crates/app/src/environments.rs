//! The environments of this installation.

use keybearer_core::ids::EnvironmentId;
use keybearer_core::{Code, EnvironmentKind, Error, Result, VerifyMode};

use crate::state::App;

/// A tenant of the deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    /// Its id.
    pub id: EnvironmentId,
    /// Unique name.
    pub name: String,
    /// What it is for.
    pub kind: EnvironmentKind,
    /// What users read on hosted pages.
    pub app_name: String,
    /// How the person behind a consent is confirmed.
    pub verify_mode: VerifyMode,
}

/// All environments, oldest first.
///
/// # Errors
/// [`Code::DatabaseUnavailable`].
pub async fn list(app: &App) -> Result<Vec<Environment>> {
    let rows = app.db().list_environments().await?;
    Ok(rows
        .into_iter()
        .map(|row| Environment {
            id: row.id,
            name: row.name,
            kind: row.kind,
            app_name: row.app_name,
            verify_mode: row.verify_mode,
        })
        .collect())
}

/// The first environment, the one that a new installation has.
///
/// # Errors
/// [`Code::Internal`] when there is none.
pub async fn default(app: &App) -> Result<Environment> {
    list(app).await?.into_iter().next().ok_or_else(|| Error::internal("there is no environment"))
}

/// One environment.
///
/// # Errors
/// [`Code::NotFound`].
pub(crate) async fn get(app: &App, id: &EnvironmentId) -> Result<Environment> {
    let found = list(app).await?.into_iter().find(|environment| environment.id == *id);
    found.ok_or_else(|| Error::new(Code::NotFound, "there is no such environment"))
}
