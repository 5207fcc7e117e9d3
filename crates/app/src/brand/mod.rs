//! The brand of an environment: how its hosted pages look, what they say, and where they lead.

pub mod colour;
mod phone;
mod png;
mod show;
mod svg;
mod svg_rules;
pub mod theme;
mod types;
mod update;
mod urls;

pub use phone::{LENT_FOR, Pass, lend, lent};
pub(crate) use show::of_page;
pub use show::{Asset, AssetKind, asset, get};
pub use types::{
    Brand, BrandChange, Changed, Corners, Font, LogoChange, PageBrand, PageTheme, Settings, WordChange,
    Wording,
};
pub use update::update;
pub(crate) use urls::return_url;
