use url::Url;

use super::Report;
use crate::engine::{Chooser, Position, chooser, is_local, is_secret};
use crate::schema::{AuthMethod, Connector, Place, Source, Stage, Use, UseKind, uses};
use crate::template::{Part, Template};

/// Placeholders that pages for the developer may use besides the method's own.
const SETUP_NAMES: &[&str] = &["redirect_uri", "app_name", "scopes"];

pub(super) fn check(connector: &Connector, method: &AuthMethod, report: &mut Report<'_>) {
    for used in uses(connector, method) {
        match &used.text {
            Err(error) => report.error(&used.key, format!("text {error}")),
            Ok(text) => {
                for template in text.alternatives() {
                    placeholders(method, &used, template, report);
                    if used.kind == UseKind::Url {
                        address(connector, method, &used, template, report);
                    }
                }
            }
        }
        secrets(method, &used, report);
    }
    pins(&method.pinned_hosts, report);
    pins(&connector.api_for(method).pinned_hosts.unwrap_or_default(), report);
}

fn placeholders(method: &AuthMethod, used: &Use, template: &Template, report: &mut Report<'_>) {
    for name in template.placeholders() {
        if used.stage == Stage::Setup && SETUP_NAMES.contains(&name) {
            continue;
        }
        let Some(source) = method.source(name) else {
            report.error(&used.key, format!("nothing gives {{{name}}} a value"));
            continue;
        };
        let wrong = match (used.stage, source) {
            (Stage::Authorize, Source::Builtin) => {
                matches!(
                    name,
                    "access_token"
                        | "refresh_token"
                        | "code"
                        | "code_verifier"
                        | "id_token"
                        | "access_token_secret"
                )
            }
            (Stage::Authorize, Source::Step | Source::Secondary | Source::Extract(_)) => true,
            (Stage::Call, Source::Builtin) => {
                matches!(name, "code" | "code_verifier" | "state" | "redirect_uri")
            }
            _ => false,
        };
        let of_call = name.starts_with("request_") && source == Source::Builtin && used.stage != Stage::Any;
        if wrong || (of_call && used.stage != Stage::Call) {
            report.error(&used.key, format!("{{{name}}} has no value yet when this is filled"));
        }
    }
}

fn address(
    connector: &Connector,
    method: &AuthMethod,
    used: &Use,
    template: &Template,
    report: &mut Report<'_>,
) {
    let mut position = Position::Start;
    let mut written = String::new();
    let mut in_host: Vec<&str> = Vec::new();
    for part in template.parts() {
        match part {
            Part::Literal(literal) => {
                position = position.after(&written, literal);
                written.push_str(literal);
            }
            Part::Placeholder(name) => {
                match position {
                    Position::Scheme => {
                        return report.error(&used.key, "must not have a placeholder in its scheme");
                    }
                    Position::Start => {
                        in_host.push(name);
                        written.push_str("https://host.example");
                        position = Position::Path;
                        continue;
                    }
                    Position::Authority => in_host.push(name),
                    Position::Path | Position::Query | Position::Fragment => {}
                }
                written.push('x');
            }
        }
    }
    let Ok(url) = Url::parse(&written) else {
        return report.error(&used.key, "must be a complete https address");
    };
    let plain = url.scheme() == "http" && !(connector.sandbox && is_local(&url));
    if plain || !matches!(url.scheme(), "https" | "http") {
        report.error(&used.key, "must be https");
    }
    if !url.username().is_empty() || url.password().is_some() {
        report.error(&used.key, "must not hold a user name or password");
    }
    if url.fragment().is_some() && used.stage != Stage::Setup {
        report.error(&used.key, "must not hold a fragment");
    }
    if used.key.ends_with("base_url") && url.query().is_some() {
        report.error(&used.key, "must not hold a query");
    }
    if used.stage != Stage::Setup {
        let own = connector.api_for(method).pinned_hosts.filter(|_| used.key == "api.base_url");
        hosts(
            method,
            used,
            &in_host,
            (own.as_deref().unwrap_or(&method.pinned_hosts), own.is_some()),
            report,
        );
    }
}

/// `pins` with whether they are those of the API alone, to which only a credential that is placed there goes.
fn hosts(
    method: &AuthMethod,
    used: &Use,
    names: &[&str],
    (pins, of_api): (&[String], bool),
    report: &mut Report<'_>,
) {
    let closed =
        |name: &str| matches!(method.source(name), Some(Source::Field(field)) if !field.choices.is_empty());
    let choosers = names.iter().filter(|name| !closed(name)).map(|name| chooser(method, name, 0));
    let Some(worst) = choosers.max() else { return };
    if pins.is_empty() {
        match worst {
            Chooser::User => report
                .error("pinned_hosts", format!("must be given: a user chooses the host of {}", used.key)),
            Chooser::Provider => {
                report.warning(
                    "pinned_hosts",
                    format!("an answer chooses the host of {}; name the vendor's hosts", used.key),
                );
            }
            Chooser::Developer => {}
        }
    }
    let own_secret = method.fields.iter().any(|field| {
        let of_client = matches!(field.name.as_str(), "client_id" | "client_secret");
        field.secret && field.place == Place::Connection && !(of_api && of_client)
    });
    let own_secret = own_secret || (of_api && places_client_secret(method));
    if worst > Chooser::Developer && own_secret && pins.iter().any(|pin| pin == "*") {
        report.error("pinned_hosts", "must not be `*` where the developer's secret is sent");
    }
    if names.iter().any(|name| matches!(method.source(name), Some(Source::Field(field)) if field.secret)) {
        report.error(&used.key, "must not hold a secret in its host");
    }
}

/// Whether calls of the API carry the client secret itself.
fn places_client_secret(method: &AuthMethod) -> bool {
    let placement = &method.credential_placement;
    let texts = placement.headers.values().chain(placement.query.values()).chain(placement.body.values());
    let basic = placement.basic.iter().flat_map(|basic| [&basic.username, &basic.password]);
    texts.chain(basic).flat_map(crate::template::Text::placeholders).any(|name| name == "client_secret")
}

/// A secret may only stand in an address of the API that is known to hold one, so that it is kept out of logs. Our
/// own calls, such as asking who signed in, are not logged with their address.
fn secrets(method: &AuthMethod, used: &Use, report: &mut Report<'_>) {
    let Ok(text) = &used.text else { return };
    if !is_secret(method, text) {
        return;
    }
    let address = matches!(used.kind, UseKind::Url | UseKind::Path);
    if used.stage == Stage::Authorize || used.stage == Stage::Setup {
        report.error(&used.key, "must not show a secret to a browser");
    } else if address
        && used.stage == Stage::Call
        && !method.credential_placement.base_url
        && used.key.starts_with("api.")
    {
        report.error(
            &used.key,
            "holds a secret: set credential_placement.base_url so that addresses are kept out of logs",
        );
    } else if used.kind == UseKind::Query && used.key.starts_with("api.query") {
        report.error(
            &used.key,
            "holds a secret: put it into credential_placement.query, which is kept out of logs",
        );
    }
}

fn pins(pins: &[String], report: &mut Report<'_>) {
    for pin in pins.iter().filter(|pin| *pin != "*") {
        let host = pin.strip_prefix('.').unwrap_or(pin);
        let fit = host.contains('.')
            && !host.starts_with('.')
            && !host.ends_with('.')
            && host.bytes().all(|byte| {
                byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.')
            });
        if !fit {
            report.error(
                "pinned_hosts",
                format!("`{pin}` must be a host such as `api.example.com` or `.example.com`"),
            );
        }
    }
}
