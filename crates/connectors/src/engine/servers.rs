use url::Url;

use super::Context;
use super::proxy;
use super::urls;
use super::values::Values;

/// The servers that accounts of a connection are called at and refreshed at, as far as the connection decides them:
/// an address with a value of each account has none here. Origins only, each once.
pub fn servers(context: &Context<'_>) -> Vec<Url> {
    let values = Values::new(context);
    let method = context.method;
    let token = method.refresh_url.as_ref().or(method.token_url.as_ref());
    let token = token.and_then(|address| urls::fill(address, &values, "token_url").ok());
    let mut found = Vec::new();
    for mut url in [proxy::base(&values).ok(), token].into_iter().flatten() {
        url.set_path("/");
        url.set_query(None);
        url.set_fragment(None);
        if !found.contains(&url) {
            found.push(url);
        }
    }
    found
}
