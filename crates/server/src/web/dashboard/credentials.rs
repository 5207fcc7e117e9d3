//! Replacing the secret of the present client, or the client.

use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;
use keybearer_app::connections::{self, Connection, KeepEarlier, Rotation, SetCredentials};
use keybearer_app::connectors::Bindings;
use keybearer_app::flows::trial::{CredentialCheck, check_credentials};
use keybearer_core::{Code, CredentialSource, Error, Result, Timestamp};

use super::answer::sentence;
use super::connection::in_use;
use super::flash::{Flash, accounts as counted};
use super::form::Form;
use super::frame::{Frame, Section};
use super::guard::{Posted, Visit};
use super::setup_view::stored;
use super::when::When;

/// D10.
#[derive(Template)]
#[template(path = "dashboard/credentials.html")]
struct CredentialsView {
    frame: Frame,
    id: String,
    name: String,
    provider: String,
    stored: String,
    client_id: String,
    accounts: String,
    number: i64,
    /// Accounts on an earlier client, in words and as a number.
    earlier: Option<(String, i64)>,
    /// Until when the secret before this one is tried.
    earlier_secret: Option<String>,
    ends: Option<When>,
    ends_on: String,
    keep: String,
    shared: bool,
    can_check: bool,
    checked: Option<Checked>,
    wrong: Vec<(String, String)>,
}

/// What the provider says about client id and secret.
pub(super) struct Checked {
    pub look: &'static str,
    pub icon: &'static str,
    pub says: String,
    pub words: String,
    /// It may be saved all the same.
    pub refused: bool,
}

/// The answer of a check in words.
pub(super) fn checked(provider: &str, answer: &CredentialCheck) -> Checked {
    let shown = |look, icon, says: String, words: &Option<String>| Checked {
        look,
        icon,
        says,
        words: words.clone().unwrap_or_default(),
        refused: look == "bad",
    };
    match answer {
        CredentialCheck::Accepted { duration_ms } => {
            let says = format!("{provider} accepts client ID and secret (checked now, {duration_ms} ms).");
            shown("ok", "check", says, &None)
        }
        CredentialCheck::Refused { words } => {
            let says = format!("{provider} does not accept this client ID and secret together.");
            shown("bad", "x", says, words)
        }
        CredentialCheck::Unclear { words } => {
            shown("warn", "warn", format!("{provider} gave no clear answer. The test will tell."), words)
        }
        CredentialCheck::NotOffered => {
            shown("info", "info", format!("{provider} offers no way to check this without a user."), &None)
        }
    }
}

/// `GET /connections/{name}/credentials`
pub(super) async fn ask(visit: Visit, Path(name): Path<String>) -> Response {
    let page = async {
        let connection = in_use(&visit, &name).await?;
        Ok(visit.page(&view(&visit, connection).await?))
    };
    let page: Result<Response> = page.await;
    visit.answer(page)
}

/// `POST /connections/{name}/credentials`; `do` says what for.
pub(super) async fn replace(Path(name): Path<String>, Posted { visit, form }: Posted) -> Response {
    let done = async {
        let connection = in_use(&visit, &name).await?;
        let to = format!("/connections/{}", connection.id);
        let (app, caller, id) = (visit.app(), visit.caller(), connection.id.as_str());
        let done = match form.text("do").as_str() {
            "check" => return check(&visit, connection, &form).await,
            "forget" => connections::forget_earlier_secret(app, caller, id)
                .await
                .map(|_| visit.done(&to, Flash::EarlierRemoved)),
            "ends" => set_end(&visit, &connection, &form, &to).await,
            "drop" => drop_earlier(&visit, &connection, &form, &to).await,
            "client" => new_client(&visit, &connection, &form, &to).await,
            _ => new_secret(&visit, &connection, &form, &to).await,
        };
        match done {
            Err(error) if error.code == Code::InvalidArgument => {
                let view = view(&visit, connection).await?;
                let view = CredentialsView { wrong: wrong(&error), keep: form.text("keep"), ..view };
                Ok(visit.page_with(StatusCode::UNPROCESSABLE_ENTITY, &view))
            }
            done => done,
        }
    };
    let done: Result<Response> = done.await;
    visit.answer(done)
}

fn secrets(form: &Form) -> Bindings {
    Bindings::new().with("client_secret", form.secret("client_secret"))
}

async fn asked(visit: &Visit, connection: &Connection, form: &Form) -> Result<CredentialCheck> {
    let client = form.text("client_id");
    let client = Some(client.as_str()).filter(|client| !client.is_empty());
    check_credentials(visit.app(), visit.caller(), connection.id.as_str(), client, &secrets(form)).await
}

/// Only asks the provider; nothing is saved.
async fn check(visit: &Visit, connection: Connection, form: &Form) -> Result<Response> {
    let answer = asked(visit, &connection, form).await?;
    let said = checked(&connection.connector_display_name, &answer);
    let view =
        CredentialsView { checked: Some(said), keep: form.text("keep"), ..view(visit, connection).await? };
    Ok(visit.page(&view))
}

/// What the provider refuses is saved only when the person says so.
async fn refused(visit: &Visit, connection: &Connection, form: &Form) -> Result<Option<Response>> {
    if form.has("anyway") || form.secret("client_secret").expose().trim().is_empty() {
        return Ok(None);
    }
    let answer = asked(visit, connection, form).await?;
    if !matches!(answer, CredentialCheck::Refused { .. }) {
        return Ok(None);
    }
    let said = checked(&connection.connector_display_name, &answer);
    let page = view(visit, connection.clone()).await?;
    let page = CredentialsView { checked: Some(said), keep: form.text("keep"), ..page };
    Ok(Some(visit.page_with(StatusCode::UNPROCESSABLE_ENTITY, &page)))
}

async fn new_secret(visit: &Visit, connection: &Connection, form: &Form, to: &str) -> Result<Response> {
    let rotation = Rotation {
        secrets: secrets(form),
        keep: match form.text("keep").as_str() {
            "hour" => Some(KeepEarlier::Hour),
            "day" => Some(KeepEarlier::Day),
            "open" => Some(KeepEarlier::UntilRemoved),
            _ => None,
        },
        ends_at: date(&form.text("ends"))?,
    };
    if let Some(page) = refused(visit, connection, form).await? {
        return Ok(page);
    }
    connections::rotate_secret(visit.app(), visit.caller(), connection.id.as_str(), rotation).await?;
    Ok(visit.done(to, Flash::SecretReplaced))
}

async fn new_client(visit: &Visit, connection: &Connection, form: &Form, to: &str) -> Result<Response> {
    let client_id = form.text("client_id").trim().to_owned();
    if connection.client_id.as_deref() == Some(client_id.as_str()) {
        // told apart by what was typed: the same client is a rotation
        return new_secret(visit, connection, form, to).await;
    }
    let drops = form.text("existing") == "drop";
    let number = connection.counts.accounts;
    if drops && form.text("typed").trim() != connection.name {
        return Err(Error::field("typed", format!("must be {} to confirm", connection.name)));
    }
    let seen: i64 = form.text("accounts").parse().unwrap_or_default();
    if drops && seen != number {
        return Err(Error::field("typed", "is not enough: the number of accounts has changed, look again"));
    }
    if let Some(page) = refused(visit, connection, form).await? {
        return Ok(page);
    }
    let client = SetCredentials::ReplaceClient {
        source: CredentialSource::Own,
        client_id: Some(client_id),
        secrets: secrets(form),
    };
    let (app, caller, id) = (visit.app(), visit.caller(), connection.id.as_str());
    let set = connections::set_credentials(app, caller, id, client).await?;
    if drops && set.on_earlier_client > 0 {
        connections::drop_earlier_client(app, caller, id, set.on_earlier_client).await?;
        return Ok(visit.done_with(to, Flash::EarlierDropped, Some(set.on_earlier_client)));
    }
    Ok(visit.done_with(to, Flash::ClientReplaced, Some(set.on_earlier_client)))
}

async fn drop_earlier(visit: &Visit, connection: &Connection, form: &Form, to: &str) -> Result<Response> {
    if form.text("typed").trim() != connection.name {
        return Err(Error::field("typed", format!("must be {} to confirm", connection.name)));
    }
    let seen: i64 = form.text("accounts").parse().unwrap_or_default();
    connections::drop_earlier_client(visit.app(), visit.caller(), connection.id.as_str(), seen).await?;
    Ok(visit.done_with(to, Flash::EarlierDropped, Some(seen)))
}

async fn set_end(visit: &Visit, connection: &Connection, form: &Form, to: &str) -> Result<Response> {
    let ends = date(&form.text("ends"))?;
    connections::set_secret_end(visit.app(), visit.caller(), connection.id.as_str(), ends).await?;
    Ok(visit.done(to, Flash::EndSet))
}

/// The end of that day in UTC; nothing where nothing was given.
pub(super) fn date(text: &str) -> Result<Option<Timestamp>> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let read = Timestamp::parse_rfc3339(&format!("{text}T23:59:59Z"));
    read.map(Some).ok_or_else(|| Error::field("ends_at", "must be a date like 2027-01-31"))
}

fn wrong(error: &Error) -> Vec<(String, String)> {
    let label = |field: &str| match field {
        "client_id" => "The client ID",
        "typed" => "The name",
        "ends_at" => "The end of the secret",
        _ => "The client secret",
    };
    let all = error.violations.iter();
    all.map(|wrong| {
        (wrong.field.clone(), sentence(&format!("{} {}", label(&wrong.field), wrong.description)))
    })
    .collect()
}

async fn view(visit: &Visit, connection: Connection) -> Result<CredentialsView> {
    let connector =
        connections::connector(visit.app(), &visit.caller().environment, &connection.connector).await?;
    let method = connector.method(&connection.method);
    let frame = visit.frame(Section::Connections, "Credentials").under("/connections", "Connections");
    let frame = frame.under(format!("/connections/{}", connection.id), connection.name.clone());
    let frame = frame.under("", "Credentials");
    let (earlier, now) = (connection.counts.on_earlier_client, visit.app().now());
    let until = connection.secret.earlier_until.map(|until| When::new(until, now).words);
    Ok(CredentialsView {
        frame: frame.command(format!(
            "keybearer connections replace-secret {} --secret-file - --keep-old day",
            connection.name
        )),
        stored: stored(&connection),
        accounts: counted(connection.counts.accounts),
        number: connection.counts.accounts,
        earlier: (earlier > 0).then(|| (counted(earlier), earlier)),
        earlier_secret: connection
            .secret
            .has_earlier
            .then(|| until.unwrap_or_else(|| "until you remove it".to_owned())),
        ends: connection.secret.ends_at.map(|end| When::new(end, now)),
        ends_on: connection.secret.ends_at.map(day).unwrap_or_default(),
        keep: "day".to_owned(),
        shared: connection.source == CredentialSource::Shared,
        can_check: method.is_some_and(|method| method.credential_probe.is_some()),
        checked: None,
        client_id: connection.client_id.unwrap_or_default(),
        id: connection.id.to_string(),
        name: connection.name,
        provider: connection.connector_display_name,
        wrong: Vec::new(),
    })
}

fn day(at: Timestamp) -> String {
    at.rfc3339().get(..10).unwrap_or_default().to_owned()
}
