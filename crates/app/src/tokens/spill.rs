//! The file beside the database that keeps a refreshed grant while the database cannot take it (R09). Everything
//! in it is sealed already; the next start writes it into the database.

use std::path::{Path, PathBuf};

use keybearer_core::ids::AccountId;
use keybearer_core::{AccountStatus, Code, Error, Result, StatusReason, Timestamp, from_hex, to_hex};
use keybearer_store::{Lease, NewTokens, RefreshLogRow};
use serde::{Deserialize, Serialize};
use tokio::io::AsyncWriteExt as _;

use crate::state::App;

/// The folder for spilled grants; none is kept when the operator gave no folder.
#[derive(Debug, Default)]
pub(crate) struct Spill(Option<PathBuf>);

/// A refreshed grant that is not in the database yet.
pub(crate) struct SpilledRefresh<'a> {
    pub lease: &'a Lease,
    pub tokens: &'a NewTokens,
    pub log: &'a RefreshLogRow,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    account_id: AccountId,
    generation: i64,
    owner: String,
    sealed: String,
    access_expires_at: Option<i64>,
    refresh_expires_at: Option<i64>,
    next_refresh_at: Option<i64>,
    granted_scopes: Vec<String>,
    variables: serde_json::Value,
    reason: StatusReason,
    log_id: String,
    log_at: i64,
    duration_ms: i64,
}

impl Spill {
    /// Keeps spilled grants in `folder`.
    pub fn new(folder: Option<PathBuf>) -> Self {
        Self(folder)
    }

    /// Writes the grant and waits until it is on the disk; gives the file.
    pub async fn write(&self, refresh: &SpilledRefresh<'_>) -> Result<Option<PathBuf>> {
        let Some(folder) = &self.0 else { return Ok(None) };
        let path = folder.join(format!("{}-{}.json", refresh.lease.account_id, refresh.lease.generation));
        let text = serde_json::to_vec(&Stored::from(refresh)).map_err(|_| failed("written as JSON"))?;
        write_durably(folder, &path, &text).await.map_err(|error| failed("written").with_source(error))?;
        Ok(Some(path))
    }

    /// Removes a file whose grant is in the database.
    pub async fn remove(&self, file: Option<PathBuf>) {
        if let Some(file) = file
            && let Err(error) = tokio::fs::remove_file(&file).await
        {
            tracing::warn!(%error, "a spilled refresh could not be removed; it is ignored at the next start");
        }
    }

    /// How many grants wait.
    pub async fn waiting(&self) -> usize {
        let Some(folder) = &self.0 else { return 0 };
        let Ok(mut entries) = tokio::fs::read_dir(folder).await else { return 0 };
        let mut count = 0;
        while let Ok(Some(entry)) = entries.next_entry().await {
            count += usize::from(entry.path().extension().is_some_and(|extension| extension == "json"));
        }
        count
    }

    /// Writes every spilled grant into the database; gives how many landed. A file stays until its grant is stored,
    /// or a newer one is.
    ///
    /// # Errors
    /// [`Code::DatabaseUnavailable`].
    pub async fn replay(&self, app: &App) -> Result<usize> {
        let Some(folder) = &self.0 else { return Ok(0) };
        let Ok(mut entries) = tokio::fs::read_dir(folder).await else {
            return Ok(0);
        };
        let mut landed = 0;
        while let Ok(Some(entry)) = entries.next_entry().await {
            let path = entry.path();
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            let fate = replay_file(app, &path).await?;
            landed += usize::from(fate == Fate::Landed);
            if fate != Fate::Waits {
                self.remove(Some(path)).await;
            }
        }
        Ok(landed)
    }
}

/// What became of a spilled grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It is in the database.
    Landed,
    /// The account has a newer grant or is gone, or the file was never complete.
    Obsolete,
    /// Another worker has the account just now.
    Waits,
}

async fn replay_file(app: &App, path: &Path) -> Result<Fate> {
    let Ok(bytes) = tokio::fs::read(path).await else {
        return Ok(Fate::Waits);
    };
    let Some((lease, tokens, log)) = serde_json::from_slice(&bytes).ok().and_then(Stored::into_parts) else {
        tracing::warn!("a spilled refresh is cut short: the process ended while it was written");
        return Ok(Fate::Obsolete);
    };
    let fate = match app.db().finish_refresh(&lease, &tokens, &[], &log).await? {
        Some(_) => Fate::Landed,
        None => after_its_lease(app, &lease, &tokens, &log).await?,
    };
    tracing::info!(account.id = %lease.account_id, ?fate, "replayed a spilled refresh");
    Ok(fate)
}

/// The lease ended. Where the generation is still the one that was refreshed, it is taken again for the write.
async fn after_its_lease(app: &App, lease: &Lease, tokens: &NewTokens, log: &RefreshLogRow) -> Result<Fate> {
    if app.db().lease_account(lease, app.config().refresh.lease).await?.is_some() {
        let landed = app.db().finish_refresh(lease, tokens, &[], log).await?.is_some();
        return Ok(if landed { Fate::Landed } else { Fate::Waits });
    }
    let row = app.db().find_account(&lease.account_id).await?;
    let waits = row.is_some_and(|row| row.generation == lease.generation);
    Ok(if waits { Fate::Waits } else { Fate::Obsolete })
}

async fn write_durably(folder: &Path, path: &Path, text: &[u8]) -> std::io::Result<()> {
    tokio::fs::create_dir_all(folder).await?;
    let mut options = tokio::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    options.mode(0o600);
    let mut file = options.open(path).await?;
    file.write_all(text).await?;
    file.sync_all().await?;
    // the name must survive a power cut too
    tokio::fs::File::open(folder).await?.sync_all().await
}

fn failed(what: &str) -> Error {
    Error::new(Code::DatabaseUnavailable, format!("refreshed tokens could not be {what} to the spill folder"))
}

impl From<&SpilledRefresh<'_>> for Stored {
    fn from(refresh: &SpilledRefresh<'_>) -> Self {
        let tokens = refresh.tokens;
        Self {
            account_id: refresh.lease.account_id.clone(),
            generation: refresh.lease.generation,
            owner: refresh.lease.owner.clone(),
            sealed: to_hex(&tokens.sealed),
            access_expires_at: tokens.access_expires_at.map(Timestamp::micros),
            refresh_expires_at: tokens.refresh_expires_at.map(Timestamp::micros),
            next_refresh_at: tokens.next_refresh_at.map(Timestamp::micros),
            granted_scopes: tokens.granted_scopes.clone(),
            variables: tokens.variables.clone(),
            reason: tokens.status.1,
            log_id: refresh.log.id.clone(),
            log_at: refresh.log.at.micros(),
            duration_ms: refresh.log.duration_ms,
        }
    }
}

impl Stored {
    fn into_parts(self) -> Option<(Lease, NewTokens, RefreshLogRow)> {
        let tokens = NewTokens {
            sealed: from_hex(&self.sealed)?.into(),
            access_expires_at: self.access_expires_at.map(Timestamp::from_micros),
            refresh_expires_at: self.refresh_expires_at.map(Timestamp::from_micros),
            next_refresh_at: self.next_refresh_at.map(Timestamp::from_micros),
            granted_scopes: self.granted_scopes,
            variables: self.variables,
            status: (AccountStatus::Active, self.reason),
        };
        let log = RefreshLogRow {
            id: self.log_id,
            account_id: self.account_id.clone(),
            at: Timestamp::from_micros(self.log_at),
            outcome: "replayed".to_owned(),
            reason: None,
            generation: self.generation,
            duration_ms: self.duration_ms,
        };
        Some((
            Lease { account_id: self.account_id, generation: self.generation, owner: self.owner },
            tokens,
            log,
        ))
    }
}
