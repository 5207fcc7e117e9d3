use super::Report;
use crate::engine::{TIME_FORMATS, offers_algorithm};
use crate::schema::{AuthMethod, BodyFormat, CaptureSource, DeriveFunction, MethodType, Signing};

/// What the schema knows and the engine does not do, each by its name.
pub(super) fn check(method: &AuthMethod, report: &mut Report<'_>) {
    let refused = match method.kind {
        MethodType::SamlBearer => Some("saml_bearer"),
        MethodType::Wsse => Some("wsse"),
        MethodType::HttpMessageSignature => Some("http_message_signature"),
        MethodType::AppInstallation => Some("app_installation"),
        MethodType::PluginInstall => Some("plugin_install"),
        _ => None,
    };
    if let Some(name) = refused {
        report.error("type", format!("{name} is not offered by the engine"));
    }
    let flags = [
        ("mtls", method.mtls, "client certificates are"),
        ("code_from_webhook", method.code_from_webhook, "codes from a webhook are"),
        ("credential_source", method.credential_source.is_some(), "role assumption is"),
        (
            "credential_placement.by_caller",
            method.credential_placement.by_caller,
            "credentials placed by the caller are",
        ),
        (
            "credential_placement.configurable",
            method.credential_placement.configurable,
            "a configurable placement is",
        ),
        (
            "credential_placement.signing",
            method.credential_placement.signing == Some(Signing::HttpMessageSignature),
            "http_message_signature is",
        ),
        ("response.expiry_from_introspection", introspects(method), "expiry by introspection is"),
    ];
    for (key, set, what) in flags {
        if set {
            report.error(key, format!("{what} not offered by the engine"));
        }
    }
    bodies(method, report);
    computed(method, report);
}

/// Bodies and captures that the engine cannot write or read.
fn bodies(method: &AuthMethod, report: &mut Report<'_>) {
    let formats = [
        ("token_body_format", method.token_body_format),
        ("refresh_body_format", method.refresh_body_format),
        ("revoke.body_format", method.revoke.as_ref().and_then(|revoke| revoke.body_format)),
    ];
    for (key, format) in formats {
        if format == Some(BodyFormat::Xml) {
            report.error(key, "xml is not offered by the engine");
        }
    }
    for step in method.extra_steps.iter().filter(|step| step.body_format == Some(BodyFormat::Xml)) {
        report.error(
            format!("extra_steps[{}].body_format", step.url.source()),
            "xml is not offered by the engine",
        );
    }
    if method.captures.iter().any(|capture| capture.from == CaptureSource::InstallWebhook) {
        report.error("captures", "install_webhook is not offered by the engine");
    }
}

fn introspects(method: &AuthMethod) -> bool {
    method.response.as_ref().is_some_and(|response| response.expiry_from_introspection)
}

fn computed(method: &AuthMethod, report: &mut Report<'_>) {
    for derive in &method.derive {
        let key = format!("derive[{}]", derive.name);
        if !derive.function.is_offered() {
            let name = serde_json::to_string(&derive.function).unwrap_or_default();
            report.error(format!("{key}.fn"), format!("{name} is not offered by the engine"));
        }
        let keyed = matches!(derive.function, DeriveFunction::HmacSha1Hex | DeriveFunction::HmacSha256Hex);
        if keyed && derive.key.is_none() {
            report.error(format!("{key}.key"), "must be given for an HMAC");
        }
        let now = derive.function == DeriveFunction::Now;
        if !now && derive.input.is_none() {
            report.error(format!("{key}.input"), "must be given");
        }
        if now && derive.format.as_deref().is_some_and(|format| !TIME_FORMATS.contains(&format)) {
            report.error(format!("{key}.format"), format!("must be one of {}", TIME_FORMATS.join(", ")));
        }
        if derive.function == DeriveFunction::Split && derive.separator.as_deref().is_none_or(str::is_empty) {
            report.error(format!("{key}.separator"), "must be given for split");
        }
        if derive.function == DeriveFunction::JsonPath && derive.path.is_none() {
            report.error(format!("{key}.path"), "must be given for json_path");
        }
    }
    assertion(method, report);
}

fn assertion(method: &AuthMethod, report: &mut Report<'_>) {
    let Some(assertion) = &method.assertion else {
        return;
    };
    if assertion.kind != "jwt" || assertion.saml.is_some() {
        report.error("assertion.kind", format!("{} is not offered by the engine", assertion.kind));
    }
    if assertion.header.get("alg").is_some_and(|algorithm| !offers_algorithm(algorithm)) {
        report.error("assertion.header.alg", "must be RS256, PS256, ES256 or HS256");
    }
    let encoding = assertion.key_encoding.as_deref().unwrap_or("pem");
    if keybearer_oauth::jwt::KeyEncoding::parse(encoding).is_none() {
        report.error("assertion.key_encoding", "must be pem, text, base64, base64url or hex");
    }
}
