#[path = "../../../../app/src/flows/page.rs"]
mod page;
pub use page::*;
