//! What a call was like on our side, for whoever looks at one: never sent on, never logged.

use std::time::Duration;

use http::HeaderMap;
use url::Url;

/// An extension of the answer to a proxied call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// How long the provider took until its answer began, over all tries.
    pub provider: Duration,
    /// Where the call went: the host.
    pub host: String,
    /// What was added for the caller, by name; never a value.
    pub added: Vec<Added>,
    /// Whether the provider refused the token, and it was exchanged.
    pub renewed: bool,
}

/// Something that was added to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Added {
    /// A header of that name.
    Header(String),
    /// A query parameter of that name.
    Parameter(String),
    /// Members of the body, or a signature over it.
    Body,
}

/// What differs between a call as it was asked for and as it is sent.
pub(super) fn added(
    (asked, sent): (&HeaderMap, &HeaderMap),
    (target, complete): (&Url, &http::Uri),
    whole_body: bool,
) -> Vec<Added> {
    let new = |name: &&http::HeaderName| asked.get(*name) != sent.get(*name);
    let mut all: Vec<Added> =
        sent.keys().filter(new).map(|name| Added::Header(name.as_str().to_owned())).collect();
    let given: Vec<String> = target.query_pairs().map(|(name, _)| name.into_owned()).collect();
    let query = complete.query().unwrap_or_default().as_bytes();
    let more = url::form_urlencoded::parse(query).map(|(name, _)| name.into_owned());
    all.extend(more.filter(|name| !given.contains(name)).map(Added::Parameter));
    if whole_body {
        all.push(Added::Body);
    }
    all
}
