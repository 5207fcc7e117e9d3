//! Pages of a user's own (`docs/adr/0017`): what they may connect, or what they have connected and can disconnect.
//!
//! Whoever has the address acts as that user, so it is stored as a hash and ends soon. It connects nothing itself: each
//! service is connected by a connect link that is made when the user asks for it.

mod act;
mod create;
mod lines;
mod open;
mod view;

pub use act::{connect, disconnect};
pub(crate) use create::end_all;
pub use create::{UserPage, UserPageRequest, create, end};
pub use view::{UserPageAsk, view};

use crate::state::App;

/// Where the pages of a link lead back to when it was made on a page of a user's own. The browser remembers which one.
pub(crate) fn address(app: &App) -> String {
    format!("{}/me", app.issuer())
}

/// Whether a link leads back to such a page.
pub(crate) fn leads_back(app: &App, return_url: Option<&String>) -> bool {
    return_url.is_some_and(|text| *text == address(app))
}
