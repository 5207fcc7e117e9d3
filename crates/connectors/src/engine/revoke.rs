use bytes::Bytes;
use keybearer_oauth::Call;
use keybearer_oauth::client_auth::basic_header;

use super::values::Values;
use super::{Context, EngineError, call, inject, params, urls};
use crate::schema::{BodyFormat, Revoke, RevokeAuth};

/// The call that gives the access back, `None` where the method has none or there is nothing to revoke.
///
/// Without `body` it is the form of [RFC 7009 §2.1](https://www.rfc-editor.org/rfc/rfc7009#section-2.1) with the
/// refresh token, or the access token where there is no refresh token. Read the answer with
/// `keybearer_oauth::revoke::read`.
///
/// # Errors
/// A missing value, a value that would leave its place, or a host that is not pinned.
pub fn revoke_request(context: &Context<'_>) -> Result<Option<http::Request<Bytes>>, EngineError> {
    let Some(revoke) = &context.method.revoke else {
        return Ok(None);
    };
    let values = Values::new(context);
    let refresh = values.get("refresh_token")?.map(|token| (token, "refresh_token"));
    let access = values.get("access_token")?.map(|token| (token, "access_token"));
    let Some((token, hint)) = refresh.or(access) else {
        return Ok(None);
    };
    let mut wire = Call::post(urls::fill(&revoke.url, &values, "revoke")?);
    wire.method = call::method(&revoke.method)?;
    wire.format = call::format(revoke.body_format.unwrap_or(default_format(revoke)))?;
    match &revoke.body {
        Some(body) => params::lay_over(&mut wire.params, body, &values)?,
        None if matches!(revoke.auth, RevokeAuth::Client | RevokeAuth::ClientBasic | RevokeAuth::None) => {
            wire.params.push("token", token);
            wire.params.push("token_type_hint", hint);
        }
        None => {}
    }
    authenticate(&mut wire, revoke, &values)?;
    call::headers(&mut wire, &revoke.headers, &values)?;
    let mut request = wire.into_request()?;
    if revoke.auth == RevokeAuth::Bearer {
        let (mut parts, mut body) = request.into_parts();
        inject::place(&values, &mut parts, Some(&mut body))?;
        request = http::Request::from_parts(parts, body);
    }
    Ok(Some(request))
}

/// A body described for another method than POST is JSON, as such APIs expect.
fn default_format(revoke: &Revoke) -> BodyFormat {
    if revoke.body.is_some() && !revoke.method.eq_ignore_ascii_case("POST") {
        BodyFormat::Json
    } else {
        BodyFormat::Form
    }
}

fn authenticate(wire: &mut Call, revoke: &Revoke, values: &Values<'_>) -> Result<(), EngineError> {
    match revoke.auth {
        // a described body belongs to the API, not to RFC 7009: id and secret must not be mixed into it
        RevokeAuth::Client if revoke.body.is_none() => {
            call::client_auth(wire, values.context.method.token_auth_method, values)
        }
        RevokeAuth::Client | RevokeAuth::ClientBasic => {
            let id = values.required("client_id", "revoke")?;
            let secret = values.required("client_secret", "revoke")?;
            wire.headers.set("authorization", basic_header(id.expose(), secret.expose()));
            Ok(())
        }
        RevokeAuth::Bearer | RevokeAuth::None | RevokeAuth::Custom => Ok(()),
    }
}
