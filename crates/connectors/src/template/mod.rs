//! Texts with placeholders, and how values get into them without leaving their place.

mod encode;
mod text;

pub use encode::{has_dot_segment, header_value, host_and_port, host_label, path_segment, query_value};
pub use text::{Part, Template, TemplateError, Text};
