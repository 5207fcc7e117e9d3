//! Finding the page behind an address.

use keybearer_core::{Code, Error};
use keybearer_store::UserPageRow;
use url::Url;

use crate::access::{Actor, Caller};
use crate::flows::page::PageHead;
use crate::flows::{Trouble, token_hash};
use crate::state::App;
use crate::{brand, environments};

/// A page that can be used.
pub(super) struct Open {
    pub row: UserPageRow,
    pub head: PageHead,
    pub address: Url,
}

/// The page of a token.
pub(super) async fn by_token(app: &App, token: &str) -> Result<Open, Trouble> {
    let row = app.db().find_user_page(&token_hash(token)).await.map_err(Error::from)?;
    let row = row.ok_or_else(|| Error::new(Code::FlowNotFound, "there is no such page"))?;
    let environment = environments::get(app, &row.environment_id).await?;
    let head = PageHead {
        app_name: environment.app_name,
        identifier: row.identifier.clone(),
        locale: row.locale.clone(),
        brand: brand::of_page(app, &row.environment_id).await?,
        return_url: row.return_url.as_deref().and_then(|text| Url::parse(text).ok()),
        ..PageHead::default()
    };
    if row.expires_at <= app.now() {
        let error = Error::new(Code::LinkExpired, "its time is over");
        return Err(Trouble { head, ended_at: Some(row.expires_at), ..Trouble::from(error) });
    }
    let address = format!("{}/{token}", super::address(app)).parse();
    let address = address.map_err(|_| Error::internal("the public URL cannot carry a page"))?;
    Ok(Open { row, head, address })
}

impl Open {
    /// The user, as whom everything on the page is done.
    pub fn caller(&self, app: &App) -> keybearer_core::Result<Caller> {
        Ok(Caller::trusted(self.row.environment_id.clone(), Actor::User, app.reference()?))
    }
}
