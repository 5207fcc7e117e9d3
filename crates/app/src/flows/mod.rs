//! Connect flows: from a connect link to a connected account (`docs/adr/0001`).

mod begin;
mod callback;
mod complete;
mod consent;
mod credentials;
mod finish;
mod held;
pub mod language;
mod link;
mod oauth1;
mod open;
pub mod page;
mod problem;
mod progress;
mod recover;
mod sealed;
mod session;
mod state;
mod submit;
mod test_result;
pub mod trial;
mod verify;
mod verify_url;
mod view;

pub use callback::{POSTED, callback};
pub use link::{Link, LinkRequest, TEST_USER, create_link, create_test_link};
pub use page::{Answer, Page, PageBody, Visit};
pub use progress::{TestProgress, TestStand, latest_test, test_progress};
pub(crate) use recover::{KEEP, drain, purge, recover};
pub use session::admit;
pub(crate) use session::{link_of, redirect_url};
pub use submit::submit;
pub use test_result::{TestResult, test_request_id, test_result};
pub use verify::{confirm, success, verify};
pub(crate) use verify_url::covers;
pub use view::{left, view};
