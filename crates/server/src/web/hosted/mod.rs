//! The hosted pages: what a user meets between a connect link and a connected account.
//!
//! Handlers read the cookie, ask one use case and render its answer. Nothing here decides about a flow.

mod answer;
mod contract;
mod embedded;
mod form;
mod frame;
mod handlers;
#[cfg(debug_assertions)]
pub mod preview;
mod problem;
mod said;
mod samples;
mod samples_services;
mod sentence;
mod services;
mod showcase;
mod skin;
mod submitted;
mod theme;
mod tile;
mod views;
mod wording;
pub mod words;

#[cfg(test)]
mod render_tests;
#[cfg(test)]
mod route_tests;

pub use answer::{absent, elsewhere};
pub use contract::{Answer, Page, PageBody, Visit};
pub use handlers::{Flows, routes};
pub(in crate::web) use showcase::{Screen, languages, screens, specimen};
pub use submitted::Submitted;
pub(in crate::web) use tile::Tile;
pub(crate) use wording::faults;
pub(in crate::web) use wording::{Word, wording};
