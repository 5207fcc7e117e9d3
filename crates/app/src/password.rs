//! Passwords of members: Argon2id with the parameters of OWASP, a few at a time.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use keybearer_core::{Entropy, Error, Result, SecretString};
use tokio::sync::Semaphore;

/// Fewest and most characters.
const LENGTH: std::ops::RangeInclusive<usize> = 12..=200;
/// 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
/// Each takes 19 MiB and a processor: guessing must not take both from everybody else.
static AT_ONCE: Semaphore = Semaphore::const_new(2);
/// The hash that a try for an unknown address is compared with, so that it takes the same time.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$\
                      AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Checks a password that somebody chose. Length is all that counts; what it is made of is theirs.
pub(crate) fn check(password: &SecretString, email: &str) -> Result<()> {
    let characters = password.expose().chars().count();
    if !LENGTH.contains(&characters) {
        return Err(Error::field("password", "must have 12 to 200 characters"));
    }
    if password.expose().eq_ignore_ascii_case(email) {
        return Err(Error::field("password", "must differ from your e-mail address"));
    }
    Ok(())
}

/// The text that is stored.
pub(crate) async fn hash(password: SecretString, entropy: &dyn Entropy) -> Result<String> {
    let mut salt = [0_u8; 16];
    entropy.fill(&mut salt)?;
    slowly(move || {
        let hash = hasher()?.hash_password_with_salt(password.expose().as_bytes(), &salt);
        hash.map(|hash| hash.to_string()).map_err(|_| Error::internal("the password could not be hashed"))
    })
    .await
}

/// Whether the password is the one of the stored text; without one it takes as long and is not.
pub(crate) async fn verify(password: SecretString, stored: Option<String>) -> Result<bool> {
    slowly(move || {
        let known = stored.is_some();
        let stored = stored.unwrap_or_else(|| NOBODY.to_owned());
        let stored = PasswordHash::new(&stored).map_err(|_| Error::internal("a stored password is none"))?;
        let fits = hasher()?.verify_password(password.expose().as_bytes(), &stored).is_ok();
        Ok(fits && known)
    })
    .await
}

fn hasher() -> Result<Argon2<'static>> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, None);
    let params = params.map_err(|_| Error::internal("the parameters of Argon2 are wrong"))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

async fn slowly<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let _turn = AT_ONCE.acquire().await.map_err(|_| Error::internal("passwords are not checked any more"))?;
    tokio::task::spawn_blocking(work).await.map_err(|_| Error::internal("a password check was cut off"))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use keybearer_core::OsEntropy;

    #[tokio::test]
    async fn a_password_fits_its_own_hash_only() {
        let stored = hash("correct horse battery".into(), &OsEntropy).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(verify("correct horse battery".into(), Some(stored.clone())).await.unwrap());
        assert!(!verify("Correct horse battery".into(), Some(stored)).await.unwrap());
    }

    #[tokio::test]
    async fn nobody_has_no_password_but_a_hash_of_the_same_cost() {
        assert!(!verify("anything at all".into(), None).await.unwrap());
        assert_eq!(PasswordHash::new(NOBODY).unwrap().hash.unwrap().len(), 32);
    }

    #[test]
    fn only_the_length_of_a_password_counts() {
        assert!(check(&"aaaaaaaaaaaa".into(), "a@b.example").is_ok());
        assert!(check(&"Tr0ub4dor&3".into(), "a@b.example").is_err());
        assert!(check(&"ada@fieldnote.example".into(), "ada@fieldnote.example").is_err());
    }
}
