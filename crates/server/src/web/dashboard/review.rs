//! What other scopes mean for accounts, before they are saved.

use askama::Template;
use axum::extract::{Path, RawQuery};
use axum::response::Response;
use http::{HeaderValue, header};
use keybearer_app::accounts::{Account, Lookup};
use keybearer_app::connections::{self, Connection, ScopeImpact, ScopeSettings, UpdateConnection};
use keybearer_app::flows::{self, LinkRequest};
use keybearer_app::{Permission, connectors};
use keybearer_core::Result;

use super::connection::in_use;
use super::flash::{Flash, accounts as counted};
use super::form::Form;
use super::frame::{Frame, Section};
use super::guard::{Posted, Visit};
use super::when::When;
use crate::web::hosted::Submitted;

/// How many accounts are listed, and how many links one page makes.
const MOST: usize = 200;

/// D9.
#[derive(Template)]
#[template(path = "dashboard/review.html")]
struct ReviewView {
    frame: Frame,
    id: String,
    name: String,
    provider: String,
    impact: ScopeImpact,
    added: Vec<Added>,
    again: String,
    hold: String,
    unknown: String,
    /// Those that lack something, and those of which nobody knows.
    touched: i64,
    accounts: Vec<Touched>,
    console: String,
    scopes: Vec<String>,
    selectable: bool,
    version: i64,
    may_link: bool,
    most: usize,
    /// There are more than one page takes.
    many: bool,
}

/// A scope that is new.
struct Added {
    name: String,
    says: String,
    sensitive: bool,
}

/// An account that a change touches.
struct Touched {
    href: String,
    user: String,
    says: String,
}

/// The links that were made, shown this once.
#[derive(Template)]
#[template(path = "dashboard/review_links.html")]
struct LinksView {
    frame: Frame,
    id: String,
    name: String,
    links: Vec<Made>,
    left: i64,
    csv: String,
}

/// A link for an account.
struct Made {
    href: String,
    user: String,
    url: String,
    ends: When,
}

/// Where the review of these scopes is.
pub(super) fn address(connection: &Connection, wanted: &ScopeSettings) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for scope in &wanted.scopes {
        query.append_pair("scope", scope);
    }
    if wanted.selectable {
        query.append_pair("selectable", "1");
    }
    format!("/connections/{}/review?{}", connection.id, query.finish())
}

/// `GET /connections/{name}/review?scope=…`
pub(super) async fn ask(visit: Visit, Path(name): Path<String>, RawQuery(query): RawQuery) -> Response {
    let form = Form(Submitted::read(query.unwrap_or_default().as_bytes()));
    let page = review(&visit, &name, &form).await;
    visit.answer(page)
}

async fn review(visit: &Visit, name: &str, form: &Form) -> Result<Response> {
    let (app, caller) = (visit.app(), visit.caller());
    let connection = in_use(visit, name).await?;
    let wanted = settings(&connection, form);
    let impact = connections::scope_impact(app, caller, connection.id.as_str(), &wanted).await?;
    let connector = connections::connector(app, &caller.environment, &connection.connector).await?;
    let method = connector.method(&connection.method);
    let known = |name: &String| method.and_then(|method| connectors::scopes::find(method, name));
    let added = impact.added.iter().map(|name| Added {
        says: known(name)
            .and_then(|scope| scope.says.clone().or_else(|| scope.plain.clone()))
            .unwrap_or_default(),
        sensitive: known(name).is_some_and(|scope| scope.sensitive),
        name: name.clone(),
    });
    let console =
        method.and_then(|method| method.setup.as_ref()).and_then(|setup| setup.console_url.as_ref());
    let touched = impact.must_sign_in_again + impact.unknown;
    let accounts = match method.filter(|_| touched > 0 || impact.hold_removed > 0) {
        Some(method) => touched_accounts(visit, &connection, method, &wanted, &impact).await?,
        None => Vec::new(),
    };
    let view = ReviewView {
        frame: frame(visit, &connection),
        added: added.collect(),
        again: counted(impact.must_sign_in_again),
        hold: counted(impact.hold_removed),
        unknown: counted(impact.unknown),
        console: console.and_then(|text| super::fields::web(text.source())).unwrap_or_default(),
        may_link: caller.permissions.has(Permission::AccountsWrite),
        most: MOST,
        many: usize::try_from(touched).is_ok_and(|touched| touched > MOST),
        touched,
        accounts,
        impact,
        scopes: wanted.scopes,
        selectable: wanted.selectable,
        version: connection.version,
        id: connection.id.to_string(),
        name: connection.name,
        provider: connection.connector_display_name,
    };
    Ok(visit.page(&view))
}

/// The newest accounts that the change touches, and how.
async fn touched_accounts(
    visit: &Visit,
    connection: &Connection,
    method: &connectors::schema::AuthMethod,
    wanted: &ScopeSettings,
    impact: &ScopeImpact,
) -> Result<Vec<Touched>> {
    use keybearer_app::accounts::{self, AccountQuery};
    let query = AccountQuery { connection: Some(connection.id.to_string()), ..AccountQuery::default() };
    let ask = keybearer_app::PageAsk { size: 100, token: String::new() };
    let listed = accounts::list(visit.app(), visit.caller(), &query, &ask).await?;
    let wanted = wanted.wanted();
    let says = |account: &Account| {
        if account.granted_scopes.is_empty() {
            return "not known what was granted".to_owned();
        }
        let lacks = connectors::scopes::not_granted(method, &account.granted_scopes, &wanted);
        let holds: Vec<&String> =
            impact.removed.iter().filter(|name| account.granted_scopes.contains(name)).collect();
        let mut says = Vec::new();
        if !lacks.is_empty() {
            says.push(format!("lacks {}", lacks.join(", ")));
        }
        if !holds.is_empty() {
            says.push(format!(
                "still holds {}",
                holds.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ")
            ));
        }
        says.join("; ")
    };
    let all = listed.items.into_iter().map(|account| Touched {
        href: format!("/accounts/{}", account.id),
        says: says(&account),
        user: account.identifier,
    });
    Ok(all.filter(|touched| !touched.says.is_empty()).collect())
}

fn frame(visit: &Visit, connection: &Connection) -> Frame {
    let frame = visit.frame(Section::Connections, "Review").under("/connections", "Connections");
    let frame = frame.under(format!("/connections/{}", connection.id), connection.name.clone());
    frame.under("", "Review").command(format!("keybearer connections edit {} --scope …", connection.name))
}

/// `POST /connections/{name}/review`
pub(super) async fn save(Path(name): Path<String>, Posted { visit, form }: Posted) -> Response {
    let done = async {
        let (app, caller) = (visit.app(), visit.caller());
        let connection = in_use(&visit, &name).await?;
        let wanted = settings(&connection, &form);
        let id = connection.id.as_str();
        let impact = connections::scope_impact(app, caller, id, &wanted).await?;
        let patch = UpdateConnection {
            scopes: Some(wanted),
            expected_version: form.text("version").parse().ok(),
            ..UpdateConnection::default()
        };
        connections::update(app, caller, id, patch).await?;
        let touched = impact.must_sign_in_again + impact.unknown;
        connections::note_scope_change(app, caller, id, touched).await?;
        if form.text("then") == "links" && touched > 0 {
            return made(&visit, &name).await;
        }
        let to = format!("/connections/{id}");
        Ok(match touched {
            0 => visit.done(&to, Flash::ScopesSaved),
            touched => visit.done_with(&to, Flash::ScopesMarked, Some(touched)),
        })
    };
    let done: Result<Response> = done.await;
    visit.answer(done)
}

/// `POST /connections/{name}/links`: links for those who still lack something.
pub(super) async fn links(Path(name): Path<String>, Posted { visit, .. }: Posted) -> Response {
    let page = made(&visit, &name).await;
    visit.answer(page)
}

/// Makes the links and shows them, once: nothing keeps them.
async fn made(visit: &Visit, name: &str) -> Result<Response> {
    let (app, caller) = (visit.app(), visit.caller());
    caller.require(Permission::AccountsWrite)?;
    let connection = in_use(visit, name).await?;
    let lacking = connections::lacking(app, caller, connection.id.as_str(), MOST).await?;
    let mut links = Vec::with_capacity(lacking.len());
    for account in lacking {
        let lookup = Lookup {
            connector: Some(connection.id.to_string()),
            identifier: Some(account.identifier.clone()),
            organization_id: Some(account.organization_id.clone()),
            user_id: Some(account.user_id.clone()),
            id: None,
        };
        let link = flows::create_link(app, caller, LinkRequest { lookup, ..LinkRequest::default() }).await?;
        links.push(Made {
            href: format!("/accounts/{}", account.id),
            user: account.identifier,
            ends: When::new(link.expires_at, app.now()),
            url: link.url.to_string(),
        });
    }
    let made = i64::try_from(links.len()).unwrap_or(i64::MAX);
    let view = LinksView {
        frame: frame(visit, &connection),
        csv: csv(&links),
        left: (connection.counts.scopes_behind - made).max(0),
        id: connection.id.to_string(),
        name: connection.name,
        links,
    };
    let mut page = visit.page(&view);
    page.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(page)
}

/// The table as a file. What a spreadsheet would run begins with a quote.
fn csv(links: &[Made]) -> String {
    let cell = |text: &str| {
        let risky = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
        format!("\"{}{}\"", if risky { "'" } else { "" }, text.replace('"', "\"\""))
    };
    let mut file = "user,link,ends\n".to_owned();
    for link in links {
        file.push_str(&format!("{},{},{}\n", cell(&link.user), cell(&link.url), cell(&link.ends.exact)));
    }
    file
}

fn settings(connection: &Connection, form: &Form) -> ScopeSettings {
    ScopeSettings {
        scopes: form.all("scope"),
        selectable: form.has("selectable"),
        ..connection.scopes.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keybearer_core::Timestamp;

    #[test]
    fn a_user_id_cannot_become_a_formula() {
        let now = Timestamp::from_seconds(0);
        let link = |user: &str| Made {
            href: String::new(),
            user: user.to_owned(),
            url: "u".to_owned(),
            ends: When::new(now, now),
        };
        let file = csv(&[link("=cmd()"), link("a\"b,c")]);
        assert!(file.contains("\"'=cmd()\",\"u\"") && file.contains("\"a\"\"b,c\""), "{file}");
    }
}
