//! `keybearer demo`: the whole story on the sandbox, in a temporary folder. Every step is checked as it is shown.

use std::net::{SocketAddr, TcpListener};
use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use clap::Args;
use http::{Method, Request, Response, header};
use keybearer_app::outbound::Outbound;
use keybearer_core::{Code, Error, Result, SecretString};
use keybearer_sandbox::Approval;
use serde_json::{Value, json};
use url::Url;

use super::Context;
use super::local::{CONNECTION, Local, Wanted};
use super::output::text;

const USER: &str = "ada";
const TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Debug, Args)]
pub(crate) struct Demo {}

pub(crate) async fn run(_: Demo, context: &mut Context) -> Result<()> {
    let folder = std::env::temp_dir().join(format!("keybearer-demo-{}", std::process::id()));
    let told = tell(&folder, context).await;
    // the folder held nothing but sandbox data; what cannot be removed is left to the system
    let _ = std::fs::remove_dir_all(&folder);
    told
}

async fn tell(folder: &std::path::Path, context: &Context) -> Result<()> {
    let started = tokio::time::Instant::now();
    let wanted = Wanted {
        data: folder.to_owned(),
        listen: free_port()?,
        sandbox_listen: free_port()?,
        database: None,
        connectors: None,
        sandbox_in_production: false,
    };
    let local = Local::start(wanted).await?;
    let outcome = story(&local, context, started).await;
    local.stop().await;
    outcome
}

/// A port that nobody has just now.
fn free_port() -> Result<SocketAddr> {
    let probe = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    probe.map_err(|error| Error::new(Code::ConfigInvalid, "no port is free on 127.0.0.1").with_source(error))
}

struct Teller<'a> {
    local: &'a Local,
    context: &'a Context,
    browser: Browser,
    token: SecretString,
    clock: Mutex<tokio::time::Instant>,
    steps: Mutex<Vec<Value>>,
}

async fn story(local: &Local, context: &Context, started: tokio::time::Instant) -> Result<()> {
    let outbound = Outbound::to(&[&local.url, &local.sandbox_url], None)?;
    let token = sign_in(local, &outbound).await?;
    let teller = Teller {
        local,
        context,
        browser: Browser::new(outbound),
        token,
        clock: Mutex::new(tokio::time::Instant::now()),
        steps: Mutex::default(),
    };
    let seconds = started.elapsed().as_secs_f64();
    context.out.say(&format!(
        "{}   started in {seconds:.1} s\n",
        context.out.strong("Keybearer demo: the sandbox provider \"Postcards\", no real data.")
    ))?;
    teller.connection().await?;
    let link = teller.link().await?;
    teller.consent(&link).await?;
    teller.call("4", "A call with Ada's token, which you never see").await?;
    teller.refresh().await?;
    teller.break_it().await?;
    teller.end()
}

async fn sign_in(local: &Local, outbound: &Outbound) -> Result<SecretString> {
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "client_credentials")
        .append_pair("client_id", &local.client_id)
        .append_pair("client_secret", local.client_secret.expose())
        .finish();
    let request = Request::post(format!("{}oauth/token", local.url))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Bytes::from(form))
        .map_err(|_| Error::internal("the token request cannot be built"))?;
    let response = outbound.send(request, TIMEOUT).await?;
    let answer: Value = serde_json::from_slice(response.body()).unwrap_or_default();
    expect(response.status().is_success(), "the token endpoint gave no token")?;
    Ok(SecretString::from(text(&answer, "access_token")))
}

/// A step that did not hold ends the demo with an error.
fn expect(held: bool, what: &'static str) -> Result<()> {
    if held { Ok(()) } else { Err(Error::new(Code::Internal, format!("this step did not hold: {what}"))) }
}

impl Teller<'_> {
    async fn connection(&self) -> Result<()> {
        let (status, answer) =
            self.api(Method::GET, &format!("/api/v1/connection-setups/{CONNECTION}"), None).await?;
        let connection = answer.get("connection").cloned().unwrap_or_default();
        expect(status == 200 && text(&connection, "state") == "active", "the connection is active")?;
        let command = format!("keybearer connections show {CONNECTION}");
        let words = format!(
            "{CONNECTION}   OAuth 2.0, PKCE, access token 60 s, rotates     {}",
            text(&connection, "state")
        );
        self.step("1", "A connection", &command, &words, connection)
    }

    async fn link(&self) -> Result<Url> {
        let body = json!({"connector": CONNECTION, "identifier": USER});
        let (status, answer) =
            self.api(Method::POST, "/api/v1/connected_accounts/magic_link", Some(&body)).await?;
        expect(status == 200, "a connect link is made")?;
        let url: Url =
            text(&answer, "link").parse().map_err(|_| Error::internal("the link is no address"))?;
        let command = format!("keybearer link {CONNECTION} --user {USER}");
        let words = format!("{url}\nworks until it succeeds or until {}", text(&answer, "expiry"));
        self.step("2", "A connect link for your user \"ada\"", &command, &words, answer.clone())?;
        Ok(url)
    }

    async fn consent(&self, link: &Url) -> Result<()> {
        let page = self.browser.open(link).await?;
        let next =
            continue_link(&page).ok_or_else(|| Error::internal("the page has no way to the provider"))?;
        let approval = Approval { person: USER.to_owned(), scopes: None };
        let back = self.local.control().approve(&next, &approval);
        let back = back.map_err(|error| Error::internal(format!("the sandbox did not agree: {error}")))?;
        let done = self.browser.open(&back).await?;
        expect(done.status() == 200, "the person comes back to a page of ours")?;
        let account = self.account().await?;
        expect(text(&account, "status") == "ACTIVE", "the account is active")?;
        let granted = account.get("granted_scopes").and_then(Value::as_array).map_or(0, Vec::len);
        let words = format!(
            "{USER}   {CONNECTION}   Active   connected as {}   {granted} scopes",
            text(&account, "identity_label")
        );
        let command = "keybearer sandbox approve LINK --as ada";
        self.step(
            "3",
            "Ada signs in and allows (a browser would show this; we press for her)",
            command,
            &words,
            account,
        )
    }

    async fn call(&self, number: &'static str, title: &'static str) -> Result<()> {
        let response = self.me().await?;
        let body = String::from_utf8_lossy(response.body()).into_owned();
        expect(response.status() == 200, "the provider answers the call")?;
        let command = format!(
            "curl -s {}proxy/me -H \"Authorization: Bearer …\" -H \"Keybearer-Connection: {CONNECTION}\" -H \"Keybearer-User: {USER}\"",
            self.local.url
        );
        self.step(number, title, &command, &body, json!({"status": 200}))
    }

    async fn refresh(&self) -> Result<()> {
        let before = self.local.control().counters();
        self.local.control().advance(Duration::from_secs(61));
        let response = self.me().await?;
        expect(response.status() == 200, "the call works after the token ended")?;
        let after = self.local.control().counters();
        expect(after.refreshes() == before.refreshes() + 1, "exactly one refresh was made")?;
        expect(after.rotations == before.rotations + 1, "the refresh token was rotated")?;
        let words = format!(
            "{}\nrefreshed once, refresh token rotated (no. {})",
            String::from_utf8_lossy(response.body()).trim(),
            after.rotations
        );
        let title = "The token ends in 60 s. We move the sandbox clock 61 s and call again";
        self.step(
            "5",
            title,
            "keybearer sandbox clock +61s && (the same curl)",
            &words,
            json!({"refreshes": after.refreshes()}),
        )
    }

    async fn break_it(&self) -> Result<()> {
        let set = self.local.control().set("refresh", "invalid_grant");
        set.map_err(|error| Error::internal(format!("the sandbox did not take the switch: {error}")))?;
        self.local.control().advance(Duration::from_secs(61));
        let response = self.me().await?;
        let answer: Value = serde_json::from_slice(response.body()).unwrap_or_default();
        expect(response.status() == 409, "the call is refused with 409")?;
        let account = self.account().await?;
        expect(text(&account, "status") == "EXPIRED", "the account needs its user")?;
        let name = answer.pointer("/details/0/error_code").and_then(Value::as_str).unwrap_or_default();
        let reference =
            response.headers().get("x-request-id").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let words = format!(
            "409 {}   {}\nRef {reference}   keybearer logs {reference}\n{USER}   {CONNECTION}   Needs sign-in ({})   -> keybearer link {CONNECTION} --user {USER}",
            name.to_ascii_lowercase(),
            text(&answer, "message"),
            text(&account, "reason"),
        );
        let command =
            "keybearer sandbox set refresh=invalid_grant && keybearer sandbox clock +61s && (the same curl)";
        self.step("6", "Break it: the provider refuses the refresh", command, &words, account)
    }

    fn end(&self) -> Result<()> {
        let steps = self.steps.lock().map(|steps| steps.clone()).unwrap_or_default();
        self.context.out.result(&json!({"held": true, "steps": steps}), |_| {
            "Every step held.\n\nNow by hand:    keybearer dev\nReal provider:  keybearer connectors list"
                .to_owned()
        })
    }

    fn step(
        &self,
        number: &'static str,
        title: &str,
        command: &str,
        words: &str,
        value: Value,
    ) -> Result<()> {
        let elapsed = {
            let mut clock = self.clock.lock().map_err(|_| Error::internal("the demo lost its clock"))?;
            let elapsed = clock.elapsed();
            *clock = tokio::time::Instant::now();
            elapsed
        };
        if let Ok(mut steps) = self.steps.lock() {
            steps.push(json!({"step": number, "title": title, "command": command, "ms": elapsed.as_millis() as u64, "result": value}));
        }
        let heading = self.context.out.strong(&format!("{number}  {title}"));
        let body: String = words.trim_end().lines().map(|line| format!("   {line}\n")).collect();
        self.context.out.say(&format!("{heading}   {:.1} s\n   {command}\n{body}", elapsed.as_secs_f64()))
    }

    async fn api(&self, method: Method, path: &str, body: Option<&Value>) -> Result<(u16, Value)> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.local.url.as_str().trim_end_matches('/')))
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token.expose()))
            .header(header::CONTENT_TYPE, "application/json")
            .body(body.map(|body| Bytes::from(body.to_string())).unwrap_or_default())
            .map_err(|_| Error::internal("the API call cannot be built"))?;
        let response = self.browser.outbound.send(request, TIMEOUT).await?;
        Ok((response.status().as_u16(), serde_json::from_slice(response.body()).unwrap_or_default()))
    }

    async fn account(&self) -> Result<Value> {
        let (_, answer) = self
            .api(Method::GET, &format!("/api/v1/accounts?connection={CONNECTION}&identifier={USER}"), None)
            .await?;
        Ok(answer.pointer("/accounts/0").cloned().unwrap_or_default())
    }

    async fn me(&self) -> Result<Response<Bytes>> {
        let request = Request::get(format!("{}proxy/me", self.local.url))
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token.expose()))
            .header("keybearer-connection", CONNECTION)
            .header("keybearer-user", USER)
            .body(Bytes::new())
            .map_err(|_| Error::internal("the call cannot be built"))?;
        self.browser.outbound.send(request, TIMEOUT).await
    }
}

/// As much of a browser as a connect flow needs: it keeps cookies and shows pages.
pub(crate) struct Browser {
    outbound: Outbound,
    cookies: Mutex<Vec<(String, String)>>,
}

impl Browser {
    pub fn new(outbound: Outbound) -> Self {
        Self { outbound, cookies: Mutex::default() }
    }

    /// Opens an address and keeps the cookies it sets.
    pub async fn open(&self, url: &Url) -> Result<Response<Bytes>> {
        let cookies = self.cookies.lock().map(|cookies| cookies.clone()).unwrap_or_default();
        let sent: Vec<String> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = Request::get(url.as_str());
        if !sent.is_empty() {
            request = request.header(header::COOKIE, sent.join("; "));
        }
        let request =
            request.body(Bytes::new()).map_err(|_| Error::internal("the page cannot be asked for"))?;
        let response = self.outbound.send(request, TIMEOUT).await?;
        if let Ok(mut jar) = self.cookies.lock() {
            for value in
                response.headers().get_all(header::SET_COOKIE).iter().filter_map(|value| value.to_str().ok())
            {
                let pair = value.split(';').next().and_then(|pair| pair.split_once('='));
                if let Some((name, value)) = pair {
                    jar.retain(|(known, _)| known != name.trim());
                    jar.push((name.trim().to_owned(), value.trim().to_owned()));
                }
            }
        }
        Ok(response)
    }
}

/// The address behind "Continue": the first link of the page that leads to another origin's authorization.
pub(crate) fn continue_link(page: &Response<Bytes>) -> Option<String> {
    let html = String::from_utf8_lossy(page.body()).into_owned();
    let mut links = html.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let link = links.find(|link| link.contains("response_type="))?;
    Some(link.replace("&amp;", "&").replace("&#38;", "&").replace("&#x26;", "&"))
}

/// The title of a page.
pub(crate) fn title(page: &Response<Bytes>) -> String {
    let html = String::from_utf8_lossy(page.body()).into_owned();
    let inner = html.split("<title>").nth(1).and_then(|rest| rest.split("</title>").next());
    inner.unwrap_or("a page without a title").trim().to_owned()
}
