//! Texts with placeholders, and how values get into them without leaving their place.

mod text;

pub use text::{Part, Template, TemplateError, Text};
