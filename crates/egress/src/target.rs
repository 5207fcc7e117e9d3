use http::Uri;
use url::{Host, Url};

use crate::EgressError;

/// Where a request goes: what the filter needs to know of a URL.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) scheme: Scheme,
    /// Normalised as WHATWG URLs are, so that `0x7f.1` is an address here and not a name.
    pub(crate) host: Host<String>,
    pub(crate) port: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    Http,
    Https,
}

impl Target {
    pub(crate) fn from_uri(uri: &Uri) -> Result<Self, EgressError> {
        let host = uri.host().unwrap_or_default();
        let refuse = |reason| EgressError::refused(host, reason);
        if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err(refuse("the address holds credentials"));
        }
        let scheme = scheme(uri.scheme_str().unwrap_or_default()).ok_or_else(|| refuse(NO_SCHEME))?;
        if uri.authority().is_some_and(|authority| authority.port().is_some()) && uri.port_u16().is_none() {
            return Err(refuse("the port is not a port"));
        }
        Self::new(scheme, host, uri.port_u16())
    }

    pub(crate) fn from_url(url: &Url) -> Result<Self, EgressError> {
        let host = url.host_str().unwrap_or_default();
        let refuse = |reason| EgressError::refused(host, reason);
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refuse("the address holds credentials"));
        }
        let scheme = scheme(url.scheme()).ok_or_else(|| refuse(NO_SCHEME))?;
        Self::new(scheme, host, url.port())
    }

    fn new(scheme: Scheme, host: &str, port: Option<u16>) -> Result<Self, EgressError> {
        let refuse = || EgressError::refused(host, "the host is neither a name nor an address");
        let parsed = match Host::parse(host).map_err(|_| refuse())? {
            Host::Domain(name) => Host::Domain(name.trim_end_matches('.').to_owned()),
            address => address,
        };
        if matches!(&parsed, Host::Domain(name) if name.is_empty()) {
            return Err(refuse());
        }
        let port = port.unwrap_or(if scheme == Scheme::Https { 443 } else { 80 });
        Ok(Self { scheme, host: parsed, port })
    }

    /// The host in words.
    pub(crate) fn name(&self) -> String {
        self.host.to_string()
    }

    pub(crate) fn refused(&self, reason: &'static str) -> EgressError {
        EgressError::refused(self.name(), reason)
    }
}

const NO_SCHEME: &str = "the scheme must be https";

fn scheme(text: &str) -> Option<Scheme> {
    match text {
        "https" => Some(Scheme::Https),
        "http" => Some(Scheme::Http),
        _ => None,
    }
}
