//! The dashboard as a browser without scripts sees it: pages as text, cookies, posted forms.

mod branding;
mod build;
mod connections;
mod connector_drafts;
mod connectors;
mod entry;
mod environments;
mod find;
mod heart;
mod hostile;
mod overview;
mod reach;
mod settings;
mod sso;
mod stage;
mod system;
