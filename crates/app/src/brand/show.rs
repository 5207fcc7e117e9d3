//! Reading brands, and the files that pages ask for.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keybearer_core::ids::EnvironmentId;
use keybearer_core::{Error, Result};
use keybearer_store::{BrandRow, LogoKind, LogoRef, LogoVariant};

use super::types::{Brand, PageBrand, Settings};
use crate::access::{Caller, Permission};
use crate::environments;
use crate::state::App;

/// A file that a brand is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asset {
    /// What it is.
    pub kind: AssetKind,
    /// The file.
    pub bytes: Vec<u8>,
}

/// What a file of a brand is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AssetKind {
    /// A stylesheet.
    Css,
    /// A cleaned SVG.
    Svg,
    /// A checked PNG.
    Png,
}

/// The brand of an environment.
///
/// # Errors
/// `PermissionDenied`; `NotFound` for every environment that the caller may not see.
pub async fn get(app: &App, caller: &Caller, environment: &str) -> Result<Brand> {
    caller.require(Permission::SettingsRead)?;
    let found = environments::reachable(app, caller, environment).await?;
    let row = app.db().find_brand(&found.id).await?;
    whole(app, &found.id, found.app_name, row).await
}

pub(super) async fn whole(
    app: &App,
    environment: &EnvironmentId,
    app_name: String,
    row: Option<BrandRow>,
) -> Result<Brand> {
    let version = row.as_ref().map_or(0, |row| row.version);
    let logos = if row.is_some() { app.db().list_logos(environment).await? } else { Vec::new() };
    let [logo, logo_dark] = addresses(&logos);
    Ok(Brand {
        environment_id: environment.clone(),
        version,
        app_name,
        settings: read(row)?,
        logo,
        logo_dark,
    })
}

/// What the hosted pages of an environment need.
pub(crate) async fn of_page(app: &App, environment: &EnvironmentId) -> Result<Arc<PageBrand>> {
    let Some(row) = app.db().find_brand(environment).await? else {
        return Ok(Arc::default());
    };
    let [logo, logo_dark] = addresses(&app.db().list_logos(environment).await?);
    let settings = read(Some(row))?;
    Ok(Arc::new(PageBrand { sheet: settings.look().address(), settings, logo, logo_dark }))
}

pub(super) async fn settings(app: &App, environment: &EnvironmentId) -> Result<Settings> {
    read(app.db().find_brand(environment).await?)
}

fn read(row: Option<BrandRow>) -> Result<Settings> {
    let Some(row) = row else { return Ok(Settings::default()) };
    serde_json::from_value(row.settings)
        .map_err(|error| Error::internal("the stored brand cannot be read").with_source(error))
}

fn addresses(logos: &[LogoRef]) -> [Option<String>; 2] {
    let of = |variant| {
        let logo = logos.iter().find(|logo| logo.variant == variant)?;
        Some(format!("/theme/{}.{}", logo.hash, logo.kind.as_str()))
    };
    [of(LogoVariant::Light), of(LogoVariant::Dark)]
}

/// The file of that name below `/theme/`; `None` for every name that no environment uses. Anybody may ask: a name is
/// the hash of what it holds.
///
/// # Errors
/// [`keybearer_core::Code::DatabaseUnavailable`].
pub async fn asset(app: &App, name: &str) -> Result<Option<Asset>> {
    let Some((hash, ending)) = name.split_once('.') else { return Ok(None) };
    if hash.len() != 32 || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(None);
    }
    if ending == "css" {
        return sheet(app, name).await;
    }
    let Some(row) = app.db().find_logo(hash).await?.filter(|row| row.kind.as_str() == ending) else {
        return Ok(None);
    };
    Ok(match row.kind {
        LogoKind::Svg => Some(Asset { kind: AssetKind::Svg, bytes: row.content.into_bytes() }),
        LogoKind::Png => STANDARD.decode(row.content).ok().map(|bytes| Asset { kind: AssetKind::Png, bytes }),
    })
}

/// Sheets are computed, never stored: a new version of this program draws them anew.
async fn sheet(app: &App, name: &str) -> Result<Option<Asset>> {
    let address = format!("/theme/{name}");
    for row in app.db().list_brands().await? {
        let look = read(Some(row))?.look();
        if look.address().is_some_and(|known| known == address) {
            let css = look.css().unwrap_or_default();
            return Ok(Some(Asset { kind: AssetKind::Css, bytes: css.into_bytes() }));
        }
    }
    Ok(None)
}
