//! The main job against OAuth servers that others wrote, with the real program as a process.

pub mod browser;
pub mod process;
mod scenes;
mod tests;
