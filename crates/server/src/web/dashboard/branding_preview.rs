//! The preview of the hosted pages: sample pages with the brand that is typed, for signed-in members only.

use std::sync::Arc;

use axum::extract::{Path, Query};
use axum::response::{Html, IntoResponse as _, Json, Response};
use http::{HeaderValue, header};
use keybearer_app::brand::colour::Rgb;
use keybearer_app::brand::theme::Look;
use keybearer_app::brand::{Brand, Corners, Font, PageBrand, PageTheme};
use keybearer_core::{Code, Error, Result};
use serde::Deserialize;
use url::Url;

use super::branding::own;
use super::branding_view::contrast;
use super::guard::Visit;
use crate::web::hosted;

/// Shown inside a page of ours only. Its forms lead nowhere.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; form-action 'none'; \
                      base-uri 'none'; frame-ancestors 'self'";

/// What is typed and not saved; absent is as saved.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Draft {
    pub screen: String,
    app_name: Option<String>,
    colour: Option<String>,
    corners: Option<String>,
    font: Option<String>,
    theme: Option<String>,
    footer: Option<String>,
    support_url: Option<String>,
    privacy_url: Option<String>,
    scheme: String,
    lang: String,
}

impl Draft {
    pub fn look(&self, saved: Look) -> Look {
        let read = |text: &Option<String>| text.as_deref().map(Rgb::parse);
        Look {
            colour: read(&self.colour).unwrap_or(saved.colour),
            corners: self.corners.as_deref().and_then(Corners::parse).unwrap_or(saved.corners),
            font: self.font.as_deref().and_then(Font::parse).unwrap_or(saved.font),
        }
    }

    /// The sheet of a look that nobody saved.
    fn sheet(look: Look) -> String {
        let colour = look.colour.map(|colour| colour.to_string()).unwrap_or_default();
        let pairs =
            [("colour", colour.as_str()), ("corners", look.corners.as_str()), ("font", look.font.as_str())];
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        format!("/branding/theme.css?{query}")
    }

    fn over(&self, mut brand: PageBrand, sheet: Option<String>) -> PageBrand {
        let look = self.look(brand.settings.look());
        let settings = &mut brand.settings;
        settings.font = look.font;
        settings.theme = self.theme.as_deref().and_then(PageTheme::parse).unwrap_or(settings.theme);
        settings.theme = PageTheme::parse(&self.scheme).unwrap_or(settings.theme);
        settings.without_footer = self.footer.as_ref().map_or(settings.without_footer, String::is_empty);
        let url = |text: &Option<String>, saved: Option<Url>| match text {
            Some(text) => Url::parse(text).ok(),
            None => saved,
        };
        settings.support_url = url(&self.support_url, settings.support_url.take());
        settings.privacy_url = url(&self.privacy_url, settings.privacy_url.take());
        settings.embed_origins.clear();
        settings.languages_off.remove(&self.lang);
        brand.sheet = sheet.or_else(|| Some(Self::sheet(look)));
        brand
    }

    /// A page with sample data in what is typed over what is saved; `None` for a name that is none. `sheet` is where the
    /// stylesheet is, if not at its usual place for members.
    pub fn specimen(
        &self,
        screen: &str,
        saved: Brand,
        sheet: Option<String>,
        switches: bool,
    ) -> Option<String> {
        let app_name = self.app_name.clone().unwrap_or(saved.app_name);
        let brand =
            PageBrand { settings: saved.settings, sheet: None, logo: saved.logo, logo_dark: saved.logo_dark };
        hosted::specimen(screen, app_name, Arc::new(self.over(brand, sheet)), &self.lang, switches)
    }
}

/// `GET /branding/preview/{screen}`
pub(super) async fn show(visit: Visit, Path(screen): Path<String>, Query(draft): Query<Draft>) -> Response {
    let page = async {
        let html = draft.specimen(&screen, own(&visit).await?, None, true);
        let html = html.ok_or_else(|| Error::new(Code::NotFound, "there is no such page to look at"))?;
        let mut answer = Html(html).into_response();
        let headers = answer.headers_mut();
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
        headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN"));
        Ok(answer)
    };
    let page: Result<Response> = page.await;
    visit.answer(page)
}

/// `GET /branding/theme.css`
pub(super) async fn sheet(_visit: Visit, Query(draft): Query<Draft>) -> Response {
    let css = draft.look(Look::default()).css().unwrap_or_default();
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], css).into_response()
}

/// `GET /branding/contrast`
pub(super) async fn told(_visit: Visit, Query(draft): Query<Draft>) -> Response {
    Json(contrast(&draft.colour.unwrap_or_default())).into_response()
}
