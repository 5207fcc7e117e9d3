//! The guarded HTTP client for programs around the application: the CLI, the demo, checks.

use std::time::Duration;

use bytes::Bytes;
use keybearer_core::{Code, Error, Result};
use keybearer_egress::{AllowRule, Egress, Limits, Policy, read_roots};
use url::Url;

/// A client that may contact what one command names.
#[derive(Clone, Debug)]
pub struct Outbound(Egress);

impl Outbound {
    /// A client that may contact public addresses and the hosts of `urls`, wherever they are. `roots_pem` holds
    /// further root certificates.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`] for certificates that cannot be read.
    pub fn to(urls: &[&Url], roots_pem: Option<&str>) -> Result<Self> {
        let wrong = |error: keybearer_egress::PolicyError| Error::new(Code::ConfigInvalid, error.to_string());
        let hosts = urls.iter().filter_map(|url| url.host_str());
        let allow = hosts.map(|host| host.parse().map_err(wrong)).collect::<Result<Vec<AllowRule>>>()?;
        let extra_roots = roots_pem.map(|pem| read_roots(pem.as_bytes()).map_err(wrong)).transpose()?;
        let policy = Policy { allow, extra_roots: extra_roots.unwrap_or_default(), ..Policy::default() };
        Egress::new(policy).map(Self).map_err(wrong)
    }

    /// Sends a request and reads the whole answer; redirects are not followed.
    ///
    /// # Errors
    /// [`Code::ProviderUnavailable`] when nobody answers, [`Code::EgressRefused`] for other private hosts.
    pub async fn send(
        &self,
        request: http::Request<Bytes>,
        timeout: Duration,
    ) -> Result<http::Response<Bytes>> {
        let limits = Limits { timeout, max_body: 64 << 20 };
        self.0.send(request, limits).await.map_err(Error::from)
    }
}
