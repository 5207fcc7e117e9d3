//! How the sandbox behaves when nothing is broken on purpose: lifetimes, rotation, dialect.

use std::fmt;

use serde::{Serialize, Serializer};

/// Lifetimes, rotation rules and the dialect. Every field has a `key=value` text form, see [`Settings::set`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Settings {
    /// `access=60`: life of an access token in seconds.
    pub access_seconds: u64,
    /// `refresh=…` is a failure switch, so the life of an unused refresh token is `refresh_life=604800`.
    pub refresh_seconds: u64,
    /// `absolute=2592000`: the end of a grant's refresh tokens, counted from consent.
    pub absolute_seconds: u64,
    /// `code=60`: life of an authorization code.
    pub code_seconds: u64,
    /// `rotate=on|off`: a refresh makes a new refresh token. With `off` the answer carries none.
    pub rotate: bool,
    /// `grace=0|10`: for how long a rotated refresh token still answers with the same new pair.
    pub grace_seconds: u64,
    /// `reuse=revoke|refuse`: a rotated token seen again revokes its whole family, or is only refused.
    pub reuse_revokes_family: bool,
    /// `limit=50`: live refresh tokens per user and application; the oldest is dropped.
    pub max_refresh_tokens: usize,
    /// `pkce=required|optional`: S256 only in both cases.
    pub pkce_required: bool,
    /// `dialect=form,comma`: see [`Dialect`].
    pub dialect: Dialect,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            access_seconds: 60,
            refresh_seconds: 7 * 86_400,
            absolute_seconds: 30 * 86_400,
            code_seconds: 60,
            rotate: true,
            grace_seconds: 0,
            reuse_revokes_family: true,
            max_refresh_tokens: 50,
            pkce_required: true,
            dialect: Dialect::default(),
        }
    }
}

/// A setting that could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SettingError {
    /// No setting has this name.
    #[error("{0:?} is not a setting of the sandbox")]
    UnknownName(String),
    /// The value does not fit.
    #[error("{name} must be {expected}")]
    Value {
        /// The setting.
        name: String,
        /// What it takes.
        expected: &'static str,
    },
    /// The failure switch could not be read.
    #[error(transparent)]
    Switch(#[from] crate::failure::SwitchError),
}

impl Settings {
    /// Changes one setting from its text form, for example `set("rotate", "off")`.
    ///
    /// # Errors
    /// [`SettingError`] for an unknown name or a value that does not fit; nothing is changed then.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), SettingError> {
        let wrong = |expected| SettingError::Value { name: name.to_owned(), expected };
        let seconds = || value.trim_end_matches('s').parse::<u64>().map_err(|_| wrong("a number of seconds"));
        let choice = |yes: &str, no: &str, expected| match value {
            _ if value == yes => Ok(true),
            _ if value == no => Ok(false),
            _ => Err(wrong(expected)),
        };
        match name {
            "access" => self.access_seconds = seconds()?,
            "refresh_life" => self.refresh_seconds = seconds()?,
            "absolute" => self.absolute_seconds = seconds()?,
            "code" => self.code_seconds = seconds()?,
            "grace" => self.grace_seconds = seconds()?,
            "rotate" => self.rotate = choice("on", "off", "on or off")?,
            "reuse" => self.reuse_revokes_family = choice("revoke", "refuse", "revoke or refuse")?,
            "pkce" => self.pkce_required = choice("required", "optional", "required or optional")?,
            "limit" => {
                let limit = value.parse().ok().filter(|limit| *limit > 0);
                self.max_refresh_tokens = limit.ok_or_else(|| wrong("a count from 1"))?;
            }
            "dialect" => self.dialect = Dialect::parse(value).ok_or_else(|| wrong(Dialect::EXPECTED))?,
            other => return Err(SettingError::UnknownName(other.chars().take(40).collect())),
        }
        Ok(())
    }
}

impl Settings {
    /// Every setting by name, as [`Settings::set`] takes it.
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        let word = |yes: bool, (on, off): (&str, &str)| if yes { on.to_owned() } else { off.to_owned() };
        vec![
            ("access", self.access_seconds.to_string()),
            ("refresh_life", self.refresh_seconds.to_string()),
            ("absolute", self.absolute_seconds.to_string()),
            ("code", self.code_seconds.to_string()),
            ("rotate", word(self.rotate, ("on", "off"))),
            ("reuse", word(self.reuse_revokes_family, ("revoke", "refuse"))),
            ("grace", self.grace_seconds.to_string()),
            ("limit", self.max_refresh_tokens.to_string()),
            ("pkce", word(self.pkce_required, ("required", "optional"))),
            ("dialect", self.dialect.to_string()),
        ]
    }
}

/// How the token endpoint speaks. Several words may be combined with commas.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dialect {
    /// `form`: answers are form-encoded instead of JSON.
    pub form: bool,
    /// `comma`: scopes are joined with commas, and read so.
    pub comma: bool,
    /// `nested`: the tokens are in an object `authed_user`, beside `"ok": true`.
    pub nested: bool,
    /// `no_expires_in`: the answer does not say how long the token lives.
    pub no_expires_in: bool,
    /// `text_expires_in`: it says so as text.
    pub text_expires_in: bool,
    /// `ok_error`: errors come with status 200 and `"ok": false`.
    pub ok_error: bool,
    /// `html_error`: errors come as HTML pages.
    pub html_error: bool,
}

impl Dialect {
    const EXPECTED: &'static str =
        "standard or some of form, comma, nested, no_expires_in, text_expires_in, ok_error, html_error";

    /// Reads `standard` or words joined with commas; `None` when a word is unknown.
    pub fn parse(text: &str) -> Option<Self> {
        let mut dialect = Self::default();
        if text == "standard" {
            return Some(dialect);
        }
        for word in text.split(',') {
            let flag = match word.trim() {
                "form" => &mut dialect.form,
                "comma" => &mut dialect.comma,
                "nested" => &mut dialect.nested,
                "no_expires_in" => &mut dialect.no_expires_in,
                "text_expires_in" => &mut dialect.text_expires_in,
                "ok_error" => &mut dialect.ok_error,
                "html_error" => &mut dialect.html_error,
                _ => return None,
            };
            *flag = true;
        }
        Some(dialect)
    }

    fn words(self) -> Vec<&'static str> {
        let all = [
            (self.form, "form"),
            (self.comma, "comma"),
            (self.nested, "nested"),
            (self.no_expires_in, "no_expires_in"),
            (self.text_expires_in, "text_expires_in"),
            (self.ok_error, "ok_error"),
            (self.html_error, "html_error"),
        ];
        all.into_iter().filter(|(on, _)| *on).map(|(_, word)| word).collect()
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = self.words();
        formatter.write_str(&if words.is_empty() { "standard".to_owned() } else { words.join(",") })
    }
}

impl Serialize for Dialect {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_from_text_and_refuse_nonsense() {
        let mut settings = Settings::default();
        settings.set("access", "5s").unwrap();
        settings.set("rotate", "off").unwrap();
        settings.set("dialect", "form,comma").unwrap();
        assert_eq!((settings.access_seconds, settings.rotate), (5, false));
        assert!(settings.dialect.form && settings.dialect.comma);
        assert_eq!(settings.set("rotate", "maybe").unwrap_err().to_string(), "rotate must be on or off");
        assert!(settings.set("limit", "0").is_err());
        assert!(settings.set("colour", "red").is_err());
        assert!(settings.set("dialect", "latin").is_err());
        let mut copy = Settings::default();
        settings.pairs().iter().for_each(|(name, value)| copy.set(name, value).unwrap());
        assert_eq!(copy, settings, "what is told can be set");
    }
}
