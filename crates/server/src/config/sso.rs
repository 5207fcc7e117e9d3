//! `[sso]`: single sign-on with OpenID Connect.

use std::collections::BTreeMap;
use std::path::PathBuf;

use keybearer_app::SsoConfig;
use keybearer_core::{MemberRole, Result, SecretString};
use serde::Deserialize;
use url::{Host, Url};

use super::{from_file, invalid};

/// `[sso]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SsoSection {
    /// What the button calls it.
    pub name: Option<String>,
    /// The issuer.
    pub issuer: Option<String>,
    /// Client id.
    pub client_id: Option<String>,
    /// Client secret.
    pub client_secret: Option<SecretString>,
    /// A file with the client secret.
    pub client_secret_file: Option<PathBuf>,
    /// What is asked for besides `openid`.
    pub scopes: Option<Vec<String>>,
    /// Domains of e-mail addresses.
    pub allowed_domains: Vec<String>,
    /// Claims of which one value must be there.
    pub required_claims: BTreeMap<String, Vec<String>>,
    /// What somebody becomes who was not invited.
    pub default_role: Option<String>,
    /// The claim that decides the role.
    pub role_claim: Option<String>,
    /// Which value of it means which role.
    pub roles: BTreeMap<String, String>,
    /// Whether a confirmed address makes somebody the member who has it.
    pub link_by_email: bool,
    /// Whether it is the only way in.
    pub only: bool,
}

/// The single sign-on that the section describes.
///
/// # Errors
/// [`keybearer_core::Code::ConfigInvalid`] naming the key and what it must be.
pub(super) fn read(section: &SsoSection) -> Result<SsoConfig> {
    let secret = section.client_secret.clone();
    let config = SsoConfig {
        name: name(section.name.as_deref().unwrap_or_default())?,
        issuer: issuer(section.issuer.as_deref().unwrap_or_default())?,
        client_id: required("sso.client_id", section.client_id.as_deref())?,
        client_secret: from_file("sso.client_secret", secret, section.client_secret_file.as_ref())?,
        scopes: section.scopes.clone().unwrap_or_else(|| vec!["email".to_owned(), "profile".to_owned()]),
        allowed_domains: section.allowed_domains.iter().map(|one| domain(one)).collect::<Result<_>>()?,
        required_claims: section.required_claims.clone(),
        default_role: section
            .default_role
            .as_deref()
            .map(|text| role("sso.default_role", text))
            .transpose()?,
        role_claim: section.role_claim.clone(),
        roles: roles(&section.roles)?,
        link_by_email: section.link_by_email,
        only: section.only,
    };
    judge(&config)?;
    Ok(config)
}

/// What each key alone cannot say.
fn judge(config: &SsoConfig) -> Result<()> {
    if config.default_role == Some(MemberRole::Owner) {
        return Err(invalid("sso.default_role", "must not be owner: let a value of `role_claim` mean it"));
    }
    if config.role_claim.is_none() != config.roles.is_empty() {
        return Err(invalid("sso.role_claim", "and [sso.roles] must be set together"));
    }
    // an issuer that knows everybody would let everybody in
    if config.default_role.is_some() && config.allowed_domains.is_empty() && config.required_claims.is_empty()
    {
        return Err(invalid(
            "sso.default_role",
            "needs allowed_domains or required_claims (`allowed_domains = [\"*\"]` lets in everybody whom the issuer knows)",
        ));
    }
    Ok(())
}

fn required(key: &str, text: Option<&str>) -> Result<String> {
    let text = text.map(str::trim).filter(|text| !text.is_empty());
    text.map(str::to_owned).ok_or_else(|| invalid(key, "must be set"))
}

fn name(text: &str) -> Result<String> {
    let name = text.trim();
    match (1..=40).contains(&name.chars().count()) && !name.chars().any(char::is_control) {
        true => Ok(name.to_owned()),
        false => Err(invalid("sso.name", "must be set: 1 to 40 characters that people know the sign-in by")),
    }
}

fn issuer(text: &str) -> Result<String> {
    let url = Url::parse(text).ok().filter(|url| {
        url.query().is_none() && url.fragment().is_none() && url.username().is_empty() && url.has_host()
    });
    let local = |url: &Url| match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url {
        Some(url) if url.scheme() == "https" || (url.scheme() == "http" && local(&url)) => {
            Ok(text.to_owned())
        }
        _ => Err(invalid("sso.issuer", "must be set: the https address that the issuer calls itself")),
    }
}

fn domain(text: &str) -> Result<String> {
    let domain = text.trim().to_lowercase();
    let plain =
        !domain.is_empty() && !domain.contains(['@', '/', ' ']) && (domain == "*" || !domain.contains('*'));
    plain
        .then_some(domain)
        .ok_or_else(|| invalid("sso.allowed_domains", "must be domains such as example.com"))
}

fn role(key: &str, text: &str) -> Result<MemberRole> {
    MemberRole::parse(text).ok_or_else(|| invalid(key, "must be owner, developer, viewer or auditor"))
}

fn roles(given: &BTreeMap<String, String>) -> Result<BTreeMap<String, MemberRole>> {
    let read =
        |(value, text): (&String, &String)| Ok((value.clone(), role(&format!("sso.roles.{value}"), text)?));
    given.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "name = \"Acme\"\nissuer = \"https://id.acme.example\"\nclient_id = \"kb\"\n";

    fn read_text(more: &str) -> Result<SsoConfig> {
        read(&toml::from_str(&format!("{GOOD}{more}")).unwrap())
    }

    #[test]
    fn what_lets_in_too_many_people_stops_the_start() {
        for (more, key) in [
            ("default_role = \"viewer\"", "sso.default_role needs allowed_domains"),
            (
                "default_role = \"owner\"\nallowed_domains = [\"a.example\"]",
                "sso.default_role must not be owner",
            ),
            ("default_role = \"admin\"", "sso.default_role must be owner, developer"),
            ("role_claim = \"groups\"", "sso.role_claim and [sso.roles]"),
            ("[roles]\na = \"viewer\"", "sso.role_claim and [sso.roles]"),
            ("role_claim = \"groups\"\n[roles]\na = \"king\"", "sso.roles.a must be"),
            ("allowed_domains = [\"@a.example\"]", "sso.allowed_domains"),
            ("allowed_domains = [\"*.a.example\"]", "sso.allowed_domains"),
        ] {
            let error = read_text(more).unwrap_err();
            assert!(error.detail.starts_with(key), "{more}: {}", error.detail);
        }
        let good = read_text("default_role = \"viewer\"\nallowed_domains = [\"A.example\"]").unwrap();
        assert_eq!(good.allowed_domains, ["a.example"]);
        assert!(read_text("default_role = \"viewer\"\nallowed_domains = [\"*\"]").is_ok());
    }

    #[test]
    fn an_issuer_is_an_https_address_or_on_this_machine() {
        for bad in
            ["", "http://id.acme.example", "https://id.acme.example/?a=b", "ftp://a", "id.acme.example"]
        {
            assert!(issuer(bad).unwrap_err().detail.starts_with("sso.issuer"), "{bad}");
        }
        for good in ["https://id.acme.example/tenant", "http://127.0.0.1:9000", "http://localhost:9000/"] {
            assert_eq!(issuer(good).unwrap(), good);
        }
    }
}
