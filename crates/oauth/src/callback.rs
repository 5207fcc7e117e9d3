//! What a provider sends back through the browser.
//!
//! The parsers take the raw query string or form body and refuse everything ambiguous before anybody looks a
//! flow up: see RFC 6749 §4.1.2, RFC 9207 and the negative tests A01, A12 and A28 of the threat model.

use keybearer_core::SecretString;

use crate::error_code::ErrorCode;
use crate::params::Params;

const MAX_INPUT: usize = 64 * 1024;
const MAX_PARAMETERS: usize = 64;
const MAX_CODE: usize = 8 * 1024;
const MAX_STATE: usize = 4 * 1024;

/// The answer to an authorization request.
///
/// Check [`crate::issuer::check`] and the state before believing `outcome`.
#[derive(Clone, Debug)]
pub struct Callback {
    /// Code or refusal.
    pub outcome: Outcome,
    /// The `state` that was sent, never empty.
    pub state: SecretString,
    /// The `iss` parameter (RFC 9207).
    pub issuer: Option<String>,
    /// Every other parameter, for captures.
    pub others: Params,
}

/// What the provider says.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// An authorization code of 1 to 8192 visible ASCII characters.
    Code(SecretString),
    /// A refusal.
    Error {
        /// The code, from the closed list.
        error: ErrorCode,
        /// Whether the provider sent a description; its text is not kept.
        description_present: bool,
    },
}

/// The answer to an OAuth 1.0a authorization ([RFC 5849 §2.2](https://www.rfc-editor.org/rfc/rfc5849#section-2.2)).
#[derive(Clone, Debug)]
pub struct Oauth1Callback {
    /// The temporary token that the answer belongs to.
    pub token: SecretString,
    /// The verifier, or `None` when the person said no.
    pub verifier: Option<SecretString>,
    /// Every other parameter, for captures.
    pub others: Params,
}

/// Why an answer is refused. Nothing may be sent to the token endpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallbackError {
    /// More than 64 KiB or more than 64 parameters.
    #[error("callback must be at most 64 KiB and 64 parameters")]
    TooLarge,
    /// A parameter that decides something comes twice.
    #[error("{0} must come once")]
    Repeated(&'static str),
    /// Code and error together.
    #[error("callback must hold a code or an error (got both)")]
    CodeAndError,
    /// Neither code nor error.
    #[error("callback must hold a code or an error (got neither)")]
    Neither,
    /// No state, or an empty one.
    #[error("state must be present")]
    NoState,
    /// A value is too long or holds characters that such a value never has.
    #[error("{0} must be visible ASCII text of a sane length")]
    Unfit(&'static str),
}

/// Parses a callback. `code_name` is what the provider calls the code, `code` if `None`.
///
/// # Errors
/// [`CallbackError`].
pub fn parse(input: &str, code_name: Option<&str>) -> Result<Callback, CallbackError> {
    let mut others = parameters(input)?;
    let code_name = code_name.unwrap_or("code");
    let code = take_once(&mut others, code_name, "code")?;
    let error = take_once(&mut others, "error", "error")?;
    let state = take_once(&mut others, "state", "state")?.filter(|state| !state.is_empty());
    let issuer = take_once(&mut others, "iss", "iss")?;
    let description = take_once(&mut others, "error_description", "error_description")?;
    let state = state.ok_or(CallbackError::NoState)?;
    fit(&state, MAX_STATE, "state")?;
    if let Some(issuer) = &issuer {
        fit(issuer, 2048, "iss")?;
    }
    let outcome = match (code, error) {
        (Some(_), Some(_)) => return Err(CallbackError::CodeAndError),
        (None, None) => return Err(CallbackError::Neither),
        (Some(code), None) => {
            fit(&code, MAX_CODE, "code")?;
            Outcome::Code(code)
        }
        (None, Some(error)) => Outcome::Error {
            error: ErrorCode::read(error.expose()),
            description_present: description.is_some(),
        },
    };
    Ok(Callback { outcome, state, issuer: issuer.map(|issuer| issuer.expose().clone()), others })
}

/// Parses an OAuth 1.0a callback. `denied=<token>` is how some providers report a refusal.
///
/// # Errors
/// [`CallbackError`].
pub fn parse_oauth1(input: &str) -> Result<Oauth1Callback, CallbackError> {
    let mut others = parameters(input)?;
    let token = take_once(&mut others, "oauth_token", "oauth_token")?;
    let verifier = take_once(&mut others, "oauth_verifier", "oauth_verifier")?;
    let denied = take_once(&mut others, "denied", "denied")?;
    let refusal = take_once(&mut others, "oauth_problem", "oauth_problem")?.is_some();
    if verifier.is_some() && (denied.is_some() || refusal) {
        return Err(CallbackError::CodeAndError);
    }
    let refused = refusal || denied.is_some();
    if verifier.is_none() && !refused {
        return Err(CallbackError::Neither);
    }
    let token = token.or(denied).ok_or(CallbackError::NoState)?;
    fit(&token, MAX_STATE, "oauth_token")?;
    if let Some(verifier) = &verifier {
        fit(verifier, MAX_CODE, "oauth_verifier")?;
    }
    Ok(Oauth1Callback { token, verifier, others })
}

fn parameters(input: &str) -> Result<Params, CallbackError> {
    if input.len() > MAX_INPUT {
        return Err(CallbackError::TooLarge);
    }
    let input = input.strip_prefix('?').unwrap_or(input);
    let params: Params = form_urlencoded::parse(input.as_bytes())
        .take(MAX_PARAMETERS + 1)
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    if params.len() > MAX_PARAMETERS {
        return Err(CallbackError::TooLarge);
    }
    Ok(params)
}

/// Takes a parameter out; twice is refused even with the same value, since readers differ in which they take.
fn take_once(
    params: &mut Params,
    name: &str,
    shown: &'static str,
) -> Result<Option<SecretString>, CallbackError> {
    if params.names().filter(|known| *known == name).count() > 1 {
        return Err(CallbackError::Repeated(shown));
    }
    let value = params.get(name);
    params.remove(name);
    Ok(value)
}

/// RFC 6749 appendix A allows visible ASCII and space; an escaped byte that is not UTF-8 arrives as U+FFFD.
fn fit(value: &SecretString, max: usize, shown: &'static str) -> Result<(), CallbackError> {
    let text = value.expose();
    if text.is_empty() || text.len() > max || !text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return Err(CallbackError::Unfit(shown));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(input: &str) -> CallbackError {
        parse(input, None).unwrap_err()
    }

    #[test]
    fn a_code_is_read_with_all_that_came_along() {
        let callback = parse("?code=4%2F0A&state=s1&iss=https%3A%2F%2Fas.example&realmId=77", None).unwrap();
        assert!(matches!(&callback.outcome, Outcome::Code(code) if code.expose() == "4/0A"));
        assert_eq!(callback.state.expose(), "s1");
        assert_eq!(callback.issuer.as_deref(), Some("https://as.example"));
        assert_eq!(callback.others.to_form().expose(), "realmId=77");
    }

    #[test]
    fn the_code_may_have_another_name() {
        let callback = parse("spapi_oauth_code=c&state=s", Some("spapi_oauth_code")).unwrap();
        assert!(matches!(&callback.outcome, Outcome::Code(code) if code.expose() == "c"));
        assert_eq!(parse("code=c&state=s", Some("other")).unwrap_err(), CallbackError::Neither);
    }

    #[test]
    fn a_refusal_keeps_a_listed_code_and_no_text() {
        let callback = parse("error=access_denied&error_description=cnry_text&state=s", None).unwrap();
        let Outcome::Error { error, description_present } = callback.outcome else {
            panic!("must be an error")
        };
        assert_eq!(error, ErrorCode::AccessDenied);
        assert!(description_present);
        assert!(callback.others.is_empty());
        let callback = parse("error=cnry_secret&state=s", None).unwrap();
        assert!(!format!("{callback:?}").contains("cnry"));
    }

    #[test]
    fn ambiguous_answers_are_refused() {
        assert_eq!(refused("code=a&code=a&state=s"), CallbackError::Repeated("code"));
        assert_eq!(refused("code=a&state=s&state=t"), CallbackError::Repeated("state"));
        assert_eq!(refused("code=a&state=s&iss=a&iss=b"), CallbackError::Repeated("iss"));
        assert_eq!(refused("error=a&error=b&state=s"), CallbackError::Repeated("error"));
        assert_eq!(refused("code=a&error=access_denied&state=s"), CallbackError::CodeAndError);
        assert_eq!(refused("code=&error=&state=s"), CallbackError::CodeAndError);
        assert_eq!(refused("state=s"), CallbackError::Neither);
        assert_eq!(refused("access_token=t&state=s"), CallbackError::Neither);
    }

    #[test]
    fn a_missing_or_empty_state_is_refused() {
        for input in ["code=a", "code=a&state=", "error=access_denied", ""] {
            assert_eq!(refused(input), CallbackError::NoState, "{input}");
        }
    }

    #[test]
    fn codes_that_no_provider_sends_are_refused() {
        let long = format!("code={}&state=s", "a".repeat(MAX_CODE + 1));
        for input in [
            "code=&state=s",
            "code=a%0d%0ab&state=s",
            "code=a%00&state=s",
            "code=%ff&state=s",
            "code=%C3%A9&state=s",
            &long,
        ] {
            assert_eq!(refused(input), CallbackError::Unfit("code"), "{input}");
        }
        assert_eq!(refused(&"a".repeat(MAX_INPUT + 1)), CallbackError::TooLarge);
        assert_eq!(refused(&"a&".repeat(65)), CallbackError::TooLarge);
        assert_eq!(refused("code=a&state=s%0a"), CallbackError::Unfit("state"));
    }

    #[test]
    fn oauth1_answers_are_read() {
        let granted = parse_oauth1("oauth_token=t&oauth_verifier=v&x=1").unwrap();
        assert_eq!(granted.token.expose(), "t");
        assert_eq!(granted.verifier.unwrap().expose(), "v");
        assert_eq!(granted.others.to_form().expose(), "x=1");
        let denied = parse_oauth1("denied=t").unwrap();
        assert_eq!((denied.token.expose().as_str(), denied.verifier.is_none()), ("t", true));
        for input in ["", "oauth_token=t", "oauth_verifier=v", "oauth_token=t&oauth_token=t&oauth_verifier=v"]
        {
            assert!(parse_oauth1(input).is_err(), "{input}");
        }
        let both = parse_oauth1("oauth_token=t&oauth_verifier=v&denied=t").unwrap_err();
        assert_eq!(both, CallbackError::CodeAndError);
    }
}
