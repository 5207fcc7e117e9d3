use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use crate::lint::{Finding, Level, lint};
use crate::schema::Connector;
use crate::search;

/// The definitions that are part of the binary.
#[derive(rust_embed::Embed)]
#[folder = "../../connectors"]
struct Embedded;

/// Why a definition was not loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be read.
    #[error("{path}: cannot be read ({kind})")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        kind: std::io::ErrorKind,
    },
    /// The file is not a connector definition.
    #[error("{path}: {reason}")]
    Definition {
        /// The file.
        path: PathBuf,
        /// What is wrong, with line and column.
        reason: String,
    },
    /// The folder has another name than the connector.
    #[error("{path}: slug is `{slug}`; the folder must have the same name")]
    Slug {
        /// The file.
        path: PathBuf,
        /// The slug in the file.
        slug: String,
    },
}

/// Reads one definition.
///
/// # Errors
/// What is wrong, with line and column; never panics whatever the text is.
pub fn load_connector(yaml: &str) -> Result<Connector, String> {
    serde_saphyr::from_str(yaml).map_err(|error| error.to_string())
}

/// A definition as a file, as [`load_connector`] reads it.
///
/// # Errors
/// A sentence about what cannot be written.
pub fn to_yaml(connector: &Connector) -> Result<String, String> {
    serde_saphyr::to_string(connector).map_err(|error| error.to_string())
}

/// The JSON Schema of a definition, as published.
pub fn json_schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(Connector).to_value();
    if let Some(members) = schema.as_object_mut() {
        members.insert("title".to_owned(), "Keybearer connector".into());
    }
    schema
}

/// The connectors that can be used: those in the binary and those of the operator.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    connectors: BTreeMap<String, Arc<Connector>>,
}

impl Catalog {
    /// The connectors of this binary; parsed once. Definitions that do not load are left out (a test keeps them out
    /// of releases).
    pub fn embedded() -> Self {
        static PARSED: OnceLock<Catalog> = OnceLock::new();
        PARSED.get_or_init(|| Self::embedded_with_errors().0).clone()
    }

    /// The connectors of this binary, and what did not load.
    pub fn embedded_with_errors() -> (Self, Vec<LoadError>) {
        let mut catalog = Self::default();
        let mut errors = Vec::new();
        for path in Embedded::iter().filter(|path| path.ends_with("/connector.yaml")) {
            let text = Embedded::get(&path).map(|file| String::from_utf8_lossy(&file.data).into_owned());
            match parse_file(Path::new(path.as_ref()), &text.unwrap_or_default()) {
                Ok(connector) => catalog.insert(connector),
                Err(error) => errors.push(error),
            }
        }
        (catalog, errors)
    }

    /// The connectors of a folder with one folder per connector.
    pub fn from_dir(folder: &Path) -> (Self, Vec<LoadError>) {
        let mut catalog = Self::default();
        let errors = catalog.read_dir(folder);
        (catalog, errors)
    }

    /// This catalog and the connectors of a folder, which win over those of the same slug.
    pub fn with_dir(mut self, folder: &Path) -> (Self, Vec<LoadError>) {
        let errors = self.read_dir(folder);
        (self, errors)
    }

    /// Adds or replaces a connector.
    pub fn insert(&mut self, connector: Connector) {
        self.connectors.insert(connector.slug.clone(), Arc::new(connector));
    }

    /// Adds a connector that is shared with others.
    pub fn insert_shared(&mut self, connector: Arc<Connector>) {
        self.connectors.insert(connector.slug.clone(), connector);
    }

    /// The connector of that slug.
    pub fn get(&self, slug: &str) -> Option<Arc<Connector>> {
        self.connectors.get(slug).cloned()
    }

    /// All connectors by slug.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Connector>> {
        self.connectors.values()
    }

    /// The connectors that fit what a person typed: by name, alias, category, kind and description, with slips of the
    /// pen forgiven. Best first; all of them by name when nothing was typed.
    pub fn search(&self, text: &str) -> Vec<Arc<Connector>> {
        search::search(self.iter(), text)
    }

    /// Checks all definitions, also against one another.
    pub fn lint(&self) -> Vec<Finding> {
        let mut findings: Vec<Finding> = self.iter().flat_map(|connector| lint(connector)).collect();
        for connector in self.iter() {
            let service =
                connector.service.as_ref().filter(|service| !self.connectors.contains_key(*service));
            if let Some(service) = service {
                findings.push(Finding {
                    level: Level::Warning,
                    slug: connector.slug.clone(),
                    key: "service".to_owned(),
                    message: format!("there is no connector `{service}`"),
                });
            }
        }
        findings
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.connectors.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.connectors.is_empty()
    }

    fn read_dir(&mut self, folder: &Path) -> Vec<LoadError> {
        let io =
            |path: &Path, error: &std::io::Error| LoadError::Io { path: path.to_owned(), kind: error.kind() };
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => return vec![io(folder, &error)],
        };
        let mut folders: Vec<PathBuf> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
        folders.sort();
        let mut errors = Vec::new();
        for path in
            folders.into_iter().map(|folder| folder.join("connector.yaml")).filter(|path| path.is_file())
        {
            let parsed = std::fs::read_to_string(&path)
                .map_err(|error| io(&path, &error))
                .and_then(|text| parse_file(&path, &text));
            match parsed {
                Ok(connector) => self.insert(connector),
                Err(error) => errors.push(error),
            }
        }
        errors
    }
}

fn parse_file(path: &Path, text: &str) -> Result<Connector, LoadError> {
    let connector =
        load_connector(text).map_err(|reason| LoadError::Definition { path: path.to_owned(), reason })?;
    let folder = path.parent().and_then(Path::file_name).and_then(|name| name.to_str());
    if folder == Some(connector.slug.as_str()) {
        Ok(connector)
    } else {
        Err(LoadError::Slug { path: path.to_owned(), slug: connector.slug })
    }
}
