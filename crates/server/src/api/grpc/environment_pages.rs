//! How the hosted pages of an environment look and what they say.

use keybearer_app::brand::{self, Brand, BrandChange, LogoChange, WordChange};
use keybearer_core::{Error, Result};
use own::environment_page_service_server::EnvironmentPageService;
use tonic::{Request, async_trait};

use super::{Answer, Service, fail, give, take};
use crate::api::proto::keybearer::v1 as own;
use crate::web::hosted;

#[async_trait]
impl EnvironmentPageService for Service {
    async fn get_environment_pages(
        &self,
        request: Request<own::GetEnvironmentPagesRequest>,
    ) -> Answer<own::EnvironmentPages> {
        let (caller, message) = take(request)?;
        let found = brand::get(&self.0, &caller, &message.id).await.map_err(fail)?;
        give(told(found, Vec::new()))
    }

    async fn update_environment_pages(
        &self,
        request: Request<own::UpdateEnvironmentPagesRequest>,
    ) -> Answer<own::EnvironmentPages> {
        let (caller, mut message) = take(request)?;
        let id = std::mem::take(&mut message.id);
        // whoever may not see the environment learns nothing about words
        brand::get(&self.0, &caller, &id).await.map_err(fail)?;
        let change = change(message).map_err(fail)?;
        let changed = brand::update(&self.0, &caller, &id, &change).await.map_err(fail)?;
        give(told(changed.brand, changed.left_out))
    }
}

fn change(message: own::UpdateEnvironmentPagesRequest) -> Result<BrandChange> {
    let list = |texts: Option<own::PageTexts>| texts.map(|texts| texts.values);
    let logo = |bytes: Option<Vec<u8>>| match bytes {
        None => LogoChange::Keep,
        Some(bytes) if bytes.is_empty() => LogoChange::Remove,
        Some(bytes) => LogoChange::Replace(bytes),
    };
    let word = |one: own::PageWord| WordChange { language: one.language, key: one.key, text: one.text };
    let words: Vec<WordChange> = message.words.into_iter().map(word).collect();
    let wrong = hosted::faults(&words);
    if !wrong.is_empty() {
        return Err(Error::fields(wrong));
    }
    Ok(BrandChange {
        expected_version: message.expected_version.map(i64::from),
        app_name: message.app_name,
        colour: message.colour,
        corners: message.corners,
        font: message.font,
        theme: message.theme,
        support_url: message.support_url,
        privacy_url: message.privacy_url,
        footer: message.footer,
        languages_off: list(message.languages_off),
        default_language: message.default_language,
        words,
        return_urls: list(message.return_urls),
        embed_origins: list(message.embed_origins),
        logo: logo(message.logo),
        logo_dark: logo(message.logo_dark),
    })
}

fn told(brand: Brand, left_out: Vec<String>) -> own::EnvironmentPages {
    let settings = brand.settings;
    let words = settings.words.into_iter().flat_map(|(language, all)| {
        all.into_iter().map(move |(key, text)| own::PageWord { language: language.clone(), key, text })
    });
    let url = |url: Option<url::Url>| url.map(String::from).unwrap_or_default();
    own::EnvironmentPages {
        id: brand.environment_id.to_string(),
        app_name: brand.app_name,
        version: u32::try_from(brand.version).unwrap_or(u32::MAX),
        colour: settings.colour.unwrap_or_default(),
        corners: settings.corners.as_str().to_owned(),
        font: settings.font.as_str().to_owned(),
        theme: settings.theme.as_str().to_owned(),
        support_url: url(settings.support_url),
        privacy_url: url(settings.privacy_url),
        footer: !settings.without_footer,
        languages_off: settings.languages_off.into_iter().collect(),
        default_language: settings.default_language.unwrap_or_default(),
        words: words.collect(),
        return_urls: settings.return_urls.into_iter().map(String::from).collect(),
        embed_origins: settings.embed_origins,
        logo: brand.logo.unwrap_or_default(),
        logo_dark: brand.logo_dark.unwrap_or_default(),
        left_out,
    }
}
