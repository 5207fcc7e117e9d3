use std::collections::BTreeMap;

use keybearer_core::SecretString;

use crate::schema::{AuthMethod, Place};

/// Values by placeholder name. Everything in it is treated as secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bindings(BTreeMap<String, SecretString>);

impl Bindings {
    /// No values.
    pub fn new() -> Self {
        Self::default()
    }

    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<&SecretString> {
        self.0.get(name)
    }

    /// Sets the value of a name.
    pub fn insert(&mut self, name: impl Into<String>, value: impl Into<SecretString>) {
        self.0.insert(name.into(), value.into());
    }

    /// These values and one more.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<SecretString>) -> Self {
        self.insert(name, value);
        self
    }

    /// Takes a value out.
    pub fn remove(&mut self, name: &str) -> Option<SecretString> {
        self.0.remove(name)
    }

    /// Adds all values of `other`, which win.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Names and values in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &SecretString)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The values a call may use: each layer only fills the names that the method gives to it, so an account can
    /// never replace the developer's client id, secret or host.
    pub fn layered(method: &AuthMethod, layers: Layers<'_>) -> Self {
        let mut bindings = Self::new();
        let mut take = |layer: &Self, allowed: &dyn Fn(&str) -> bool| {
            for (name, value) in layer.iter().filter(|(name, _)| allowed(name)) {
                bindings.insert(name, value.clone());
            }
        };
        let of_place = |name: &str, place: Place| {
            method.fields.iter().any(|field| field.name == name && field.place == place && !field.fixed)
        };
        let client = |name: &str| matches!(name, "client_id" | "client_secret");
        take(layers.captured, &|name| {
            method.captured_names().any(|known| known == name)
                && !method.fields.iter().any(|field| field.name == name && field.place == Place::Connection)
        });
        take(layers.account, &|name| of_place(name, Place::Account));
        take(layers.connection, &|name| {
            of_place(name, Place::Connection) || (client(name) && !of_place(name, Place::Account))
        });
        take(layers.tokens, &|name| TOKEN_NAMES.contains(&name));
        bindings
    }
}

/// The names under which the credential of an account is bound.
pub(crate) const TOKEN_NAMES: &[&str] = &["access_token", "refresh_token", "id_token", "access_token_secret"];

/// Where the values of a call come from, weakest claim last.
#[derive(Clone, Copy, Debug)]
pub struct Layers<'a> {
    /// What the developer gave: client id and secret, and the fields `in: connection`.
    pub connection: &'a Bindings,
    /// What the user gave: the fields `in: account`.
    pub account: &'a Bindings,
    /// What captures, `post_connect` and further tokens brought.
    pub captured: &'a Bindings,
    /// `access_token`, `refresh_token`, `id_token`, `access_token_secret`.
    pub tokens: &'a Bindings,
}

impl FromIterator<(String, SecretString)> for Bindings {
    fn from_iter<I: IntoIterator<Item = (String, SecretString)>>(pairs: I) -> Self {
        Self(pairs.into_iter().collect())
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for Bindings {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect())
    }
}

impl IntoIterator for Bindings {
    type Item = (String, SecretString);
    type IntoIter = std::collections::btree_map::IntoIter<String, SecretString>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
