use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use keybearer_connectors::Connector;
use keybearer_core::ids::ProviderId;

/// How many definitions are kept.
const MOST: usize = 512;

/// Definitions that were made from rows. The row is read on every use, so that a change on another node is seen at
/// once; only making the definition is saved.
#[derive(Debug, Default)]
pub(crate) struct Cache(Mutex<HashMap<ProviderId, (i64, Arc<Connector>)>>);

impl Cache {
    /// The definition of this version of a row.
    pub fn get(&self, id: &ProviderId, version: i64) -> Option<Arc<Connector>> {
        let known = self.0.lock().ok()?;
        known.get(id).filter(|(of, _)| *of == version).map(|(_, connector)| Arc::clone(connector))
    }

    /// Keeps the definition of this version of a row.
    pub fn put(&self, id: &ProviderId, version: i64, connector: &Arc<Connector>) {
        let Ok(mut known) = self.0.lock() else { return };
        if known.len() >= MOST && !known.contains_key(id) {
            known.clear();
        }
        known.insert(id.clone(), (version, Arc::clone(connector)));
    }
}
