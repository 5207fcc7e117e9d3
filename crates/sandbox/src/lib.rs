#![doc = include_str!("../README.md")]

mod api;
mod broken;
mod clock;
mod config;
mod control;
mod failure;
pub mod knobs;
mod oauth;
mod observe;
mod pages;
mod params;
mod record;
mod routes;
mod server;
mod settings;
mod shared;
mod world;

pub use config::{ClientConfig, KeyPair, SandboxConfig, StartError};
pub use control::{Approval, ApproveError, Control};
pub use failure::{Failure, Stage, Switch, SwitchError, Switches};
pub use record::{Counters, RequestRecord};
pub use server::Sandbox;
pub use settings::{Dialect, SettingError, Settings};
pub use world::{Habit, Person};
