use http::HeaderName;

use super::{Report, needs_app};
use crate::schema::{
    AuthMethod, Connector, IdentitySource, MappedRefreshClass, MethodType, RefreshWith, TokenAuth,
};
use crate::template::Text;

/// Headers that belong to the transport.
const TRANSPORT: &[&str] =
    &["host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer"];

pub(super) fn check(connector: &Connector, method: &AuthMethod, report: &mut Report<'_>) {
    required(connector, method, report);
    placement(method, report);
    headers(connector, method, report);
    if needs_app(method) && method.setup.as_ref().is_none_or(|setup| setup.steps.is_empty()) {
        report.error("setup.steps", "must say how the developer makes the app");
    }
    if needs_app(method)
        && !connector.sandbox
        && method.setup.as_ref().is_none_or(|setup| setup.console_url.is_none())
    {
        report.warning("setup.console_url", "the vendor's page for apps is missing");
    }
    if method.iss_supported && method.issuer.is_none() {
        report.error("issuer", "must be given where `iss_supported` is set");
    }
    lifetimes(method, report);
    identity(method, report);
    for name in ["state", "redirect_uri", "code_challenge", "code_challenge_method"] {
        if method.authorize_params.contains_key(name) {
            report.error(format!("authorize_params.{name}"), "is set by the engine");
        }
    }
    for (index, step) in method.post_connect.iter().enumerate() {
        let ways =
            [step.url.is_some(), step.path.is_some(), step.jwt_claims.is_some(), step.regex_on.is_some()];
        if ways.iter().filter(|way| **way).count() != 1 {
            report
                .error(format!("post_connect[{index}]"), "must have one of url, path, jwt_claims, regex_on");
        }
        if step.extract.is_empty() {
            report.error(format!("post_connect[{index}].extract"), "must name a value");
        }
        if step.regex_on.is_some() != step.pattern.is_some() {
            report.error(format!("post_connect[{index}].pattern"), "goes together with regex_on");
        }
    }
}

fn required(connector: &Connector, method: &AuthMethod, report: &mut Report<'_>) {
    let needed: &[(&str, &Option<Text>)] = match method.kind {
        MethodType::Oauth2 => &[("authorize_url", &method.authorize_url), ("token_url", &method.token_url)],
        MethodType::Oauth1 => &[
            ("request_token_url", &method.request_token_url),
            ("authorize_url", &method.authorize_url),
            ("token_url", &method.token_url),
        ],
        MethodType::Oauth2ClientCredentials
        | MethodType::Oauth2Password
        | MethodType::Oauth2RefreshToken
        | MethodType::SessionLogin
        | MethodType::ServiceAccount
        | MethodType::JwtBearer => &[("token_url", &method.token_url)],
        _ => &[],
    };
    for (key, text) in needed {
        if text.is_none() {
            report.error(key, "must be given for this type");
        }
    }
    if connector.api_for(method).base_url.is_none() {
        report.error("api.base_url", "must be given here or for the connector");
    }
    let statement = method.assertion.is_some();
    let needs_statement =
        matches!(method.kind, MethodType::JwtBearer | MethodType::JwtKeyPair | MethodType::JwtSharedSecret);
    if needs_statement && !statement {
        report.error("assertion", "must be given for this type");
    }
    let by_access_token = method.refresh_with == Some(RefreshWith::AccessToken);
    if by_access_token && method.refresh_params.is_empty() {
        report.error("refresh_params", "must say how the access token is sent");
    }
    if method.token_auth_method == TokenAuth::PrivateKeyJwt && !statement {
        let key = method
            .fields
            .iter()
            .any(|field| field.kind == Some(crate::schema::FieldKind::Pem) || field.name == "private_key");
        if !key {
            report.error("assertion", "or a PEM field must be given for private_key_jwt");
        }
    }
}

fn placement(method: &AuthMethod, report: &mut Report<'_>) {
    let placement = &method.credential_placement;
    let somewhere = !placement.headers.is_empty()
        || !placement.query.is_empty()
        || !placement.body.is_empty()
        || placement.basic.is_some()
        || placement.signing.is_some()
        || placement.base_url;
    if !somewhere && method.kind != MethodType::None {
        report.error("credential_placement", "must say where the credential travels");
    }
    let brings_token = method.has_redirect() || crate::engine::mint_grant(method, &[]).is_some();
    let texts = placement.headers.values().chain(placement.query.values()).chain(placement.body.values());
    let basic = placement.basic.iter().flat_map(|basic| [&basic.username, &basic.password]);
    let mut names: Vec<&str> = texts.chain(basic).flat_map(Text::placeholders).collect();
    let derived: Vec<&str> = method
        .derive
        .iter()
        .filter(|derive| names.contains(&derive.name.as_str()))
        .flat_map(|derive| derive.input.iter().chain(&derive.key).flat_map(Text::placeholders))
        .collect();
    names.extend(derived);
    let extra = method.captured_names().any(|name| names.contains(&name));
    if brings_token
        && placement.signing.is_none()
        && !placement.base_url
        && !names.contains(&"access_token")
        && !extra
    {
        report.error("credential_placement", "must use {access_token}");
    }
}

fn headers(connector: &Connector, method: &AuthMethod, report: &mut Report<'_>) {
    let api = connector.api_for(method).headers.unwrap_or_default();
    let groups = [
        ("credential_placement.headers", &method.credential_placement.headers),
        ("token_headers", &method.token_headers),
        ("refresh_headers", &method.refresh_headers),
        ("api.headers", &api),
    ];
    let basic = method.credential_placement.basic.iter().filter_map(|basic| basic.header.as_deref());
    for name in basic.filter(|name| !is_settable(name)) {
        report
            .error("credential_placement.basic.header", format!("`{name}` is not a header that can be set"));
    }
    for (key, texts) in groups {
        let mut seen = std::collections::HashSet::new();
        for name in texts.keys() {
            let lower = name.to_ascii_lowercase();
            if !is_settable(name) {
                report.error(format!("{key}.{name}"), "is not a header that can be set");
            }
            if !seen.insert(lower) {
                report.error(format!("{key}.{name}"), "is there twice in different spellings");
            }
        }
    }
}

/// Whether a definition may set a header of that name.
pub(crate) fn is_settable(name: &str) -> bool {
    HeaderName::from_bytes(name.as_bytes()).is_ok()
        && !TRANSPORT.contains(&name.to_ascii_lowercase().as_str())
}

fn lifetimes(method: &AuthMethod, report: &mut Report<'_>) {
    let Some(lifetimes) = &method.lifetimes else {
        return;
    };
    match lifetimes.refresh_class {
        Some(MappedRefreshClass::GraceSame | MappedRefreshClass::GraceReissue)
            if lifetimes.grace_seconds.is_none() =>
        {
            report.error("lifetimes.grace_seconds", "must be given for a grace class");
        }
        Some(MappedRefreshClass::Static) if lifetimes.refresh_token_rotates == Some(true) => {
            report.error("lifetimes.refresh_class", "is static while refresh_token_rotates is set");
        }
        _ => {}
    }
}

fn identity(method: &AuthMethod, report: &mut Report<'_>) {
    let Some(identity) = &method.identity else {
        if method.has_redirect() && method.userinfo_url.is_none() {
            report.warning("identity", "nobody can be told who connected");
        }
        return;
    };
    if identity.id.is_none() {
        report.error("identity.id", "must name the lasting id");
    }
    let call = identity.from == IdentitySource::Request;
    match (call, identity.url.is_some(), identity.path.is_some()) {
        (true, false, false) => report.error("identity", "must have url or path"),
        (true, true, true) => report.warning("identity.path", "is not used beside url"),
        (false, true, _) | (false, _, true) => report.warning("identity.url", "is not used with `from`"),
        _ => {}
    }
}
