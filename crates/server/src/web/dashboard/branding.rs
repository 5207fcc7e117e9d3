//! D21: how the hosted pages look, with a preview of every one beside the form.

use axum::extract::Query;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use keybearer_app::brand::{self, Brand, BrandChange, LogoChange};
use keybearer_core::{Code, Result};

use super::branding_view::{Looked, Typed, view};
use super::flash::Flash;
use super::form::Form;
use super::guard::Visit;
use super::upload::Uploaded;

/// The page frames its own preview and nothing else.
const POLICY: &str = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; font-src 'self'; \
                      img-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// `GET /branding`
pub(super) async fn show(visit: Visit, Query(looked): Query<Looked>) -> Response {
    let page = async {
        let brand = own(&visit).await?;
        Ok(framing(visit.page(&view(&visit, &brand, Typed::of(&brand), looked, &[])?)))
    };
    let page: Result<Response> = page.await;
    visit.answer(page)
}

/// `POST /branding`: saves, or shows what is typed in the preview.
pub(super) async fn save(uploaded: Uploaded) -> Response {
    let visit = &uploaded.visit;
    let done = async {
        let brand = own(visit).await?;
        let (typed, looked) = (Typed::read(&uploaded.form), Looked::read(&uploaded.form));
        if uploaded.form.text("do") == "preview" {
            return Ok(framing(visit.page(&view(visit, &brand, typed, looked, &[])?)));
        }
        let change = change(&uploaded);
        match brand::update(visit.app(), visit.caller(), brand.environment_id.as_str(), &change).await {
            Ok(changed) => {
                let flash = if changed.left_out.is_empty() { Flash::Saved } else { Flash::LogoCleaned };
                Ok(visit.done(&looked.address(), flash))
            }
            Err(error) if error.code == Code::InvalidArgument => {
                let page = view(visit, &brand, typed, looked, &error.violations)?;
                Ok(framing(visit.page_with(StatusCode::UNPROCESSABLE_ENTITY, &page)))
            }
            Err(error) => Err(error),
        }
    };
    let done: Result<Response> = done.await;
    visit.answer(done)
}

/// The brand of the environment that the member is in.
pub(super) async fn own(visit: &Visit) -> Result<Brand> {
    brand::get(visit.app(), visit.caller(), visit.caller().environment.as_str()).await
}

fn framing(mut answer: Response) -> Response {
    answer.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    answer
}

fn change(uploaded: &Uploaded) -> BrandChange {
    let form = &uploaded.form;
    let text = |name: &str| Some(form.text(name));
    let logo = |name: &str| match uploaded.file(name) {
        Some(bytes) => LogoChange::Replace(bytes.to_vec()),
        None if form.has(&format!("remove_{name}")) => LogoChange::Remove,
        None => LogoChange::Keep,
    };
    BrandChange {
        expected_version: form.text("version").parse().ok(),
        app_name: text("app_name"),
        colour: text("colour"),
        corners: text("corners"),
        font: text("font"),
        theme: text("theme"),
        support_url: text("support_url"),
        privacy_url: text("privacy_url"),
        footer: Some(form.has("footer")),
        languages_off: Some(languages_off(form)),
        default_language: text("default_language"),
        words: Vec::new(),
        return_urls: Some(lines(&form.text("return_urls"))),
        embed_origins: Some(lines(&form.text("embed_origins"))),
        logo: logo("logo"),
        logo_dark: logo("logo_dark"),
    }
}

/// Those that the form offers and that are not ticked.
pub(super) fn languages_off(form: &Form) -> Vec<String> {
    let on = form.all("language");
    let known = crate::web::hosted::languages().into_iter().map(|language| language.code);
    known.filter(|code| !on.contains(code)).collect()
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
}
