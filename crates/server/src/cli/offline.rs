//! Work on the database itself, for a server that is not running: its configuration says where everything is.

use std::path::Path;
use std::sync::Arc;

use keybearer_app::connectors::Catalog;
use keybearer_app::{Actor, App, AppParts, Caller, environments};
use keybearer_core::{OsEntropy, Result, SystemClock};

use crate::{config, run};

/// An opened installation, and the operator in one of its environments.
pub(crate) struct Offline {
    pub app: App,
    pub caller: Caller,
}

impl Offline {
    /// Opens the installation of a configuration; `environment` is an id or a name, the first one when absent.
    pub async fn open(path: &Path, environment: Option<&str>) -> Result<Self> {
        let settings = config::load(Some(path), &|name| std::env::var(name).ok())?;
        run::make_folder(&settings)?;
        let parts = AppParts {
            config: settings.app,
            database: settings.database,
            root_key: settings.root_key,
            egress: settings.egress,
            catalog: Catalog::embedded(),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(OsEntropy),
        };
        let (app, _) = App::open(parts).await?;
        let found = match environment {
            Some(text) => environments::named(&app, text).await,
            None => environments::default(&app).await,
        };
        match found {
            Ok(found) => {
                let caller = Caller::trusted(found.id, Actor::Operator, app.reference()?);
                Ok(Self { app, caller })
            }
            Err(error) => {
                app.close().await;
                Err(error)
            }
        }
    }
}
