//! The person: keeps cookies, follows redirects, fills the forms that come.

use std::collections::BTreeMap;

use http::{Method, header};
use regex::Regex;
use serde_json::Value;
use url::Url;

use super::process::Http;

/// Opens `start` and goes on until a page of `home` is shown; gives its address and text.
pub async fn consent(start: &str, home: &str, login: &Value) -> (Url, String) {
    walk(start, home, login, None).await
}

/// Opens `start` and goes on until somebody sends the browser to an address that begins with `back`; gives the address.
pub async fn until(start: &str, back: &str, login: &Value) -> Url {
    walk(start, back, login, Some(back)).await.0
}

async fn walk(start: &str, home: &str, login: &Value, stop: Option<&str>) -> (Url, String) {
    let http = Http::to(home);
    let mut cookies: BTreeMap<String, String> = BTreeMap::new();
    let (mut address, mut form): (Url, Option<String>) = (start.parse().unwrap(), None);
    let mut posted = false;
    for _ in 0..25 {
        let cookie: Vec<String> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookie = cookie.join("; ");
        let mut headers = vec![("cookie", cookie.as_str()), ("referer", address.as_str())];
        if form.is_some() {
            headers.push(("content-type", "application/x-www-form-urlencoded"));
        }
        let method = if form.is_some() { Method::POST } else { Method::GET };
        let response = http.send(method, address.as_str(), &headers, form.take().unwrap_or_default()).await;
        for line in response.headers().get_all(header::SET_COOKIE) {
            let (name, value) = line.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
            cookies.insert(name.to_owned(), value.to_owned());
        }
        if let Some(location) = response.headers().get(header::LOCATION) {
            address = address.join(location.to_str().unwrap()).unwrap();
            if stop.is_some_and(|stop| address.as_str().starts_with(stop)) {
                return (address, String::new());
            }
            continue;
        }
        let page = String::from_utf8_lossy(response.body()).into_owned();
        if address.as_str().starts_with(home) {
            if let Some(next) = way_on(&page) {
                address = next.parse().unwrap();
                continue;
            }
            // where a request has to be made first, the start page has a form instead of a link
            let ours = if posted || !page.contains("name=\"csrf\"") { None } else { fill(&page, login) };
            let Some((_, body)) = ours else { return (address, page) };
            (posted, form) = (true, Some(body));
            continue;
        }
        let (action, body) = fill(&page, login).unwrap_or_else(|| panic!("no form at {address}: {page}"));
        address = address.join(&action).unwrap();
        form = Some(body);
    }
    panic!("too many hops");
}

/// The link behind "Continue" of our start page, or the way to another origin that follows a form.
fn way_on(page: &str) -> Option<String> {
    let link = Regex::new(r#"href="([^"]*response_type=[^"]*)""#).unwrap();
    let onward = Regex::new(r#"http-equiv="refresh" content="0;url=([^"]*)""#).unwrap();
    let link = link.captures(page).or_else(|| onward.captures(page))?;
    Some(plain(link.get(1)?.as_str()))
}

fn fill(page: &str, login: &Value) -> Option<(String, String)> {
    let form = Regex::new(r"(?s)<form([^>]*)>(.*?)</form>").unwrap();
    let found = form.captures(page)?;
    let (tag, inner) = (found.get(1)?.as_str(), found.get(2)?.as_str());
    let action = attribute(tag, "action").unwrap_or_default();
    let mut body = form_urlencoded::Serializer::new(String::new());
    for input in Regex::new(r"<(?:input|button)[^>]*>").unwrap().find_iter(inner) {
        let Some(name) = attribute(input.as_str(), "name") else { continue };
        if attribute(input.as_str(), "type").as_deref() == Some("submit") && name != "allow" {
            continue;
        }
        let typed = login.get(&name).and_then(Value::as_str).map(str::to_owned);
        body.append_pair(&name, &typed.or_else(|| attribute(input.as_str(), "value")).unwrap_or_default());
    }
    Some((plain(&action), body.finish()))
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let pattern = Regex::new(&format!(r#"\b{name}="([^"]*)""#)).unwrap();
    Some(plain(pattern.captures(tag)?.get(1)?.as_str()))
}

fn plain(text: &str) -> String {
    text.replace("&amp;", "&").replace("&#38;", "&").replace("&#x26;", "&")
}
