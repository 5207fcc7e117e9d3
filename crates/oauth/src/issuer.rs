//! Mix-up defence by the `iss` parameter ([RFC 9207](https://www.rfc-editor.org/rfc/rfc9207)).

/// What is known about the server that a browser was sent to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Expected<'a> {
    /// Its issuer identifier, if known.
    pub issuer: Option<&'a str>,
    /// Whether it advertises `authorization_response_iss_parameter_supported`.
    pub advertised: bool,
}

/// What the check found when nothing is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IssuerCheck {
    /// `iss` is there and equal.
    Matched,
    /// There is no `iss` and none was promised.
    Absent,
    /// `iss` is there and we know no issuer to compare it with.
    Unchecked,
}

/// Why the answer must not be used. Neither its code nor its error may be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IssuerError {
    /// The server promised `iss` and it is not there.
    #[error("iss must be present, the server advertises it")]
    Missing,
    /// `iss` names another server.
    #[error("iss must be the issuer that the browser was sent to")]
    Mismatch,
}

/// Compares `iss` by simple string comparison: no normalisation of case, port or trailing slash (§2.4).
///
/// # Errors
/// [`IssuerError`]; run this before looking at code or error.
pub fn check(expected: Expected<'_>, received: Option<&str>) -> Result<IssuerCheck, IssuerError> {
    match (expected.issuer, received) {
        (_, None) if expected.advertised => Err(IssuerError::Missing),
        (_, None) => Ok(IssuerCheck::Absent),
        (Some(issuer), Some(received)) if issuer == received => Ok(IssuerCheck::Matched),
        (Some(_), Some(_)) => Err(IssuerError::Mismatch),
        (None, Some(_)) => Ok(IssuerCheck::Unchecked),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: Expected<'static> = Expected { issuer: Some("https://as.example"), advertised: true };

    #[test]
    fn only_the_identical_string_passes() {
        assert_eq!(check(ISSUER, Some("https://as.example")), Ok(IssuerCheck::Matched));
        for other in [
            "https://as.example/",
            "https://AS.example",
            "https://as.example:443",
            "http://as.example",
            "https://evil.example",
            "",
        ] {
            assert_eq!(check(ISSUER, Some(other)), Err(IssuerError::Mismatch), "{other}");
        }
    }

    #[test]
    fn a_promised_iss_must_come() {
        assert_eq!(check(ISSUER, None), Err(IssuerError::Missing));
        assert_eq!(check(Expected { advertised: false, ..ISSUER }, None), Ok(IssuerCheck::Absent));
    }

    #[test]
    fn an_unpromised_iss_is_still_compared() {
        let quiet = Expected { advertised: false, ..ISSUER };
        assert_eq!(check(quiet, Some("https://evil.example")), Err(IssuerError::Mismatch));
        assert_eq!(check(Expected::default(), Some("https://x")), Ok(IssuerCheck::Unchecked));
    }
}
