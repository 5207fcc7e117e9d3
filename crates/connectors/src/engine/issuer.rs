use super::values::Values;
use super::{Context, EngineError};

/// The issuer that the callback's `iss` must equal (RFC 9207), where the definition knows it.
///
/// # Errors
/// A value that is computed from itself, or a failing random source.
pub fn expected_issuer(context: &Context<'_>) -> Result<Option<String>, EngineError> {
    let Some(text) = &context.method.issuer else {
        return Ok(None);
    };
    let value = Values::new(context).optional(text)?;
    Ok(value.map(|issuer| issuer.expose().clone()))
}
