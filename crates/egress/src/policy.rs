use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use ipnet::IpNet;
use url::Host;

use crate::address::{Reach, canonical, reach};
use crate::target::{Scheme, Target};
use crate::{EgressError, PolicyError, Root};

/// What the operator opened, and how connections are made.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Exceptions from "public addresses only"; plain `http` is possible to these alone.
    pub allow: Vec<AllowRule>,
    /// Root certificates beside those of Mozilla's list.
    pub extra_roots: Vec<Root>,
    /// The longest that look-up, TCP and TLS may take together.
    pub connect_timeout: Duration,
}

/// One exception: a host or a network, on one port or on all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowRule {
    scope: Scope,
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Scope {
    Host(String),
    Network(IpNet),
}

impl Default for Policy {
    fn default() -> Self {
        Self { allow: Vec::new(), extra_roots: Vec::new(), connect_timeout: Duration::from_secs(10) }
    }
}

impl Policy {
    /// What can be said without a name look-up: scheme and literal address.
    pub(crate) fn check(&self, target: &Target) -> Result<(), EgressError> {
        match &target.host {
            Host::Ipv4(address) => self.admit(target, IpAddr::V4(*address)),
            Host::Ipv6(address) => self.admit(target, IpAddr::V6(*address)),
            Host::Domain(name) if is_localhost(name) => {
                let loopback = ["127.0.0.1", "::1"].iter().filter_map(|text| text.parse().ok());
                loopback.map(|address| self.admit(target, address)).reduce(Result::or).unwrap_or(Ok(()))
            }
            Host::Domain(_) => {
                let by_address = |rule: &AllowRule| {
                    matches!(rule.scope, Scope::Network(_)) && rule.covers_port(target.port)
                };
                let possible =
                    target.scheme == Scheme::Https || self.names(target) || self.allow.iter().any(by_address);
                possible.then_some(()).ok_or_else(|| target.refused(PLAIN_HTTP))
            }
        }
    }

    /// Like [`Self::check`], and plain `http` to a name only where a rule has that name: a network that is open says
    /// nothing about where names lead.
    pub(crate) fn check_written(&self, target: &Target) -> Result<(), EgressError> {
        self.check(target)?;
        let by_name = matches!(&target.host, Host::Domain(name) if !is_localhost(name));
        if target.scheme == Scheme::Http && by_name && !self.names(target) {
            return Err(target.refused(PLAIN_HTTP));
        }
        Ok(())
    }

    /// Whether a connection to `address` may be made for `target`.
    pub(crate) fn admit(&self, target: &Target, address: IpAddr) -> Result<(), EgressError> {
        let named = self.names(target);
        let real = canonical(address);
        if self.allow.iter().any(|rule| rule.covers_address(real, target.port)) {
            return Ok(());
        }
        match (reach(address), target.scheme) {
            (Reach::Reserved, _) => Err(target.refused(NOT_PUBLIC)),
            (Reach::Internal, _) if !named => Err(target.refused(NOT_PUBLIC)),
            (_, Scheme::Http) if !named => Err(target.refused(PLAIN_HTTP)),
            _ => Ok(()),
        }
    }

    fn names(&self, target: &Target) -> bool {
        self.allow.iter().any(|rule| rule.covers_host(&target.host, target.port))
    }
}

const NOT_PUBLIC: &str = "the address is not public";
const PLAIN_HTTP: &str = "the scheme must be https";

impl AllowRule {
    fn covers_port(&self, port: u16) -> bool {
        self.port.is_none_or(|only| only == port)
    }

    fn covers_address(&self, address: IpAddr, port: u16) -> bool {
        matches!(&self.scope, Scope::Network(network) if network.contains(&address)) && self.covers_port(port)
    }

    fn covers_host(&self, host: &Host<String>, port: u16) -> bool {
        let same = match (&self.scope, host) {
            (Scope::Host(allowed), Host::Domain(name)) => allowed == name,
            _ => false,
        };
        same && self.covers_port(port)
    }
}

impl FromStr for AllowRule {
    type Err = PolicyError;

    /// Reads `host`, `address`, `network/prefix`, each with `:port` or without; IPv6 with a port in brackets.
    fn from_str(text: &str) -> Result<Self, PolicyError> {
        let invalid = || PolicyError::Rule(text.to_owned());
        let trimmed = text.trim();
        if let Some(network) = network(without_brackets(trimmed)) {
            return Ok(Self { scope: Scope::Network(network), port: None });
        }
        let (host, port) = match trimmed.rsplit_once(':') {
            Some((host, port)) => {
                (host, Some(port.parse().ok().filter(|port| *port > 0).ok_or_else(invalid)?))
            }
            None => (trimmed, None),
        };
        if let Some(network) = network(without_brackets(host)) {
            return Ok(Self { scope: Scope::Network(network), port });
        }
        match Host::parse(host).map_err(|_| invalid())? {
            Host::Domain(name) if is_name(&name) => {
                Ok(Self { scope: Scope::Host(name.trim_end_matches('.').to_owned()), port })
            }
            _ => Err(invalid()),
        }
    }
}

impl fmt::Display for AllowRule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.scope, self.port) {
            (Scope::Host(name), None) => formatter.write_str(name),
            (Scope::Host(name), Some(port)) => write!(formatter, "{name}:{port}"),
            (Scope::Network(network), None) => write!(formatter, "{network}"),
            (Scope::Network(network @ IpNet::V4(_)), Some(port)) => write!(formatter, "{network}:{port}"),
            (Scope::Network(network @ IpNet::V6(_)), Some(port)) => write!(formatter, "[{network}]:{port}"),
        }
    }
}

fn without_brackets(text: &str) -> &str {
    text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text)
}

fn network(text: &str) -> Option<IpNet> {
    let network = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)).ok()?;
    Some(network.trunc())
}

fn is_name(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

/// RFC 6761 §6.3: these names are loopback whatever a resolver says.
fn is_localhost(name: &str) -> bool {
    name == "localhost" || name.ends_with(".localhost")
}

#[cfg(test)]
#[path = "policy_tests.rs"]
mod tests;
