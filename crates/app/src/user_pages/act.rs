//! What a user does on such a page.

use keybearer_core::{Code, Error, Result};
use url::Url;

use super::open::{self, Open};
use super::{lines, view};
use crate::accounts::{self, Lookup};
use crate::flows::page::{Answer, ServiceLine, ServiceState};
use crate::flows::{self, LinkRequest, Trouble, trouble_page};
use crate::state::App;

/// Makes a connect link for a service of the page and leads there. `account` is empty where there is none yet.
///
/// # Errors
/// None of its own: every failure is a page.
pub async fn connect(app: &App, token: &str, connection: &str, account: &str) -> Result<Answer> {
    Ok(match linked(app, token, connection, account).await {
        Ok(url) => Answer::Redirect(url),
        Err(trouble) => trouble_page(app, trouble),
    })
}

async fn linked(app: &App, token: &str, connection: &str, account: &str) -> Result<Url, Trouble> {
    let open = open::by_token(app, token).await?;
    let lines = lines::all(app, &open.row).await.map_err(|error| open.trouble(error))?;
    let wanted = |line: &&ServiceLine| line.connection == connection && line.account == account;
    let line = lines.iter().find(wanted).filter(|line| line.state != ServiceState::Off);
    let off = || open.trouble(Error::new(Code::ConnectionNotFound, "the page offers no such service"));
    let request = LinkRequest {
        lookup: lookup(&open, line.ok_or_else(off)?),
        app_state: open.row.app_state.clone(),
        user_verify_url: open.row.user_verify_url.clone(),
        from_user_page: true,
        locale: open.row.locale.clone(),
        note: open.row.note.clone(),
        ..LinkRequest::default()
    };
    let caller = open.caller(app)?;
    let link = flows::create_link(app, &caller, request).await.map_err(|error| open.trouble(error))?;
    Ok(link.url)
}

fn lookup(open: &Open, line: &ServiceLine) -> Lookup {
    if !line.account.is_empty() {
        return Lookup::id(&line.account);
    }
    let given = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    Lookup {
        organization_id: given(&open.row.organization_id),
        user_id: given(&open.row.user_id),
        ..Lookup::of(&line.connection, &open.row.identifier)
    }
}

/// Disconnects an account of the page: its credential is wiped, and the provider is asked to take the permission back.
///
/// # Errors
/// None of its own: every failure is a page.
pub async fn disconnect(app: &App, token: &str, account: &str) -> Result<Answer> {
    Ok(match ended(app, token, account).await {
        Ok(url) => Answer::Redirect(url),
        Err(trouble) => trouble_page(app, trouble),
    })
}

async fn ended(app: &App, token: &str, account: &str) -> Result<Url, Trouble> {
    let open = open::by_token(app, token).await?;
    let lines = lines::all(app, &open.row).await.map_err(|error| open.trouble(error))?;
    let (_, row) = view::stoppable(app, &open, &lines, account).await?;
    let (caller, lookup) = (open.caller(app)?, Lookup::id(row.id.as_str()));
    accounts::disconnect(app, &caller, &lookup).await.map_err(|error| open.trouble(error))?;
    let mut url = open.address;
    url.query_pairs_mut().append_pair("stopped", row.id.as_str());
    Ok(url)
}
