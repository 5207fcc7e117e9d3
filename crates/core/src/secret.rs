use std::fmt;

use serde::{Deserialize, Deserializer};
use zeroize::Zeroize;

/// A value that must not be seen: no `Display`, no `Serialize`, a `Debug` that prints `***`, wiped on drop.
///
/// [`Secret::expose`] is the only way out and belongs next to the wire or the vault.
#[derive(Clone)]
pub struct Secret<T: Zeroize>(T);

/// Secret text, for example a token or a password.
pub type SecretString = Secret<String>;

/// Secret bytes, for example a key.
pub type SecretBytes = Secret<Vec<u8>>;

impl<T: Zeroize> Secret<T> {
    /// Wraps a value.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself. Call it only where it is written to a wire or sealed.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

impl<T: Zeroize> From<T> for Secret<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl From<&str> for Secret<String> {
    fn from(value: &str) -> Self {
        Self(value.to_owned())
    }
}

impl<'de, T: Zeroize + Deserialize<'de>> Deserialize<'de> for Secret<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self)
    }
}

impl<T: Zeroize + AsRef<[u8]>> PartialEq for Secret<T> {
    /// Constant-time comparison of the contents.
    fn eq(&self, other: &Self) -> bool {
        subtle::ConstantTimeEq::ct_eq(self.0.as_ref(), other.0.as_ref()).into()
    }
}

impl<T: Zeroize + AsRef<[u8]>> Eq for Secret<T> {}

impl Secret<String> {
    /// Whether the secret text is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// F02, while compiling: if a secret could be displayed, two implementations would fit and `rustc` would stop here.
    const _: fn() = || {
        trait HasNoDisplay<Which> {
            fn holds() {}
        }
        impl<T: ?Sized> HasNoDisplay<()> for T {}
        impl<T: ?Sized + fmt::Display> HasNoDisplay<u8> for T {}
        <SecretString as HasNoDisplay<_>>::holds();
    };

    /// F02
    #[test]
    fn debug_never_shows_the_value() {
        #[derive(Debug)]
        struct Holder {
            #[expect(dead_code, reason = "read through Debug")]
            token: SecretString,
        }
        let holder = Holder { token: "cnry_debug".into() };
        assert_eq!(format!("{holder:?}"), "Holder { token: *** }");
    }

    #[test]
    fn equality_compares_contents() {
        assert_eq!(SecretString::from("a"), SecretString::from("a"));
        assert_ne!(SecretString::from("a"), SecretString::from("ab"));
    }
}
