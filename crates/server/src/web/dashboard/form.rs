//! A posted form, value by value.

use keybearer_core::SecretString;

use crate::web::hosted::Submitted;

/// The values of a form.
#[derive(Debug, Default)]
pub(super) struct Form(pub Submitted);

impl Form {
    fn find(&self, name: &str) -> Option<&SecretString> {
        self.0.0.iter().find(|(given, _)| given == name).map(|(_, value)| value)
    }

    /// Whether the form has the field at all.
    pub fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// A value that is no secret; empty when it did not come.
    pub fn text(&self, name: &str) -> String {
        self.find(name).map(|value| value.expose().clone()).unwrap_or_default()
    }

    /// A secret; empty when it did not come.
    pub fn secret(&self, name: &str) -> SecretString {
        self.find(name).cloned().unwrap_or_else(|| "".into())
    }

    /// All values of a field that can come several times.
    pub fn all(&self, name: &str) -> Vec<String> {
        let values = self.0.0.iter().filter(|(given, _)| given == name);
        values.map(|(_, value)| value.expose().clone()).collect()
    }
}
