//! The line of the system check: whether the issuer can be asked, and what it says.

use tokio::time::Instant;
use url::Url;

use super::denied::{Denied, Stop};
use super::{endpoint, issuer, redirect_uri};
use crate::config::SsoConfig;
use crate::state::App;

/// The host of the issuer, and what was found in words or what is wrong; `None` without a single sign-on.
pub(crate) async fn check(app: &App) -> Option<(String, Result<String, (String, String)>)> {
    let sso = app.config().sso.as_ref()?;
    let url = Url::parse(&sso.issuer).ok();
    let host = url.as_ref().and_then(Url::host_str).unwrap_or_default().to_owned();
    let begun = Instant::now();
    let found = look(app, sso).await.map(|keys| {
        let ms = begun.elapsed().as_millis();
        format!("{host} answers in {ms} ms and publishes {keys}.")
    });
    Some((host.clone(), found.map_err(|stop| told(app, &host, stop))))
}

async fn look(app: &App, sso: &SsoConfig) -> Result<String, Stop> {
    let (metadata, keys) = issuer::fetch(app, sso).await?;
    endpoint(metadata.authorization_endpoint.as_ref(), "authorization_endpoint")?;
    endpoint(metadata.token_endpoint.as_ref(), "token_endpoint")?;
    match keys.len() {
        0 => Err(Stop::new(Denied::Setup, "it publishes no key that we can use")),
        1 => Ok("1 key".to_owned()),
        many => Ok(format!("{many} keys")),
    }
}

fn told(app: &App, host: &str, stop: Stop) -> (String, String) {
    match stop {
        Stop::Refused(refused) => {
            let fix = match refused.why {
                Denied::Unreachable => {
                    "Check name, firewall and `sso.issuer`; an issuer on a private address needs a line in `egress.allow`."
                        .to_owned()
                }
                _ => format!("Compare `[sso]` with what {host} documents; it sends people back to {}.", redirect_uri(app)),
            };
            (format!("{host}: {}.", refused.detail), fix)
        }
        Stop::Failed(error) => (format!("{host}: {}.", error.detail), String::new()),
    }
}
