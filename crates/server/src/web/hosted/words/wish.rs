//! Which language a page is in.

use std::sync::Arc;

use http::{HeaderMap, header};
use keybearer_app::flows::language;

use super::super::contract::PageHead;
use super::{Words, of};
use crate::web::cookie;

/// Most entries of `Accept-Language` that are looked at.
const ENTRIES: usize = 20;

/// What a request says about languages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// Chosen on a page of ours: with this request, or before.
    chosen: Option<&'static str>,
    /// Whether it was chosen with this request, and is to be remembered.
    pub fresh: bool,
    /// What the browser asks for, best first.
    accepted: Vec<&'static str>,
}

impl Wish {
    /// The wish of a request; `query` may hold `lang`.
    pub fn of(headers: &HeaderMap, query: Option<&str>, secure: bool) -> Self {
        let asked = query.and_then(|query| {
            let mut pairs = form_urlencoded::parse(query.as_bytes());
            pairs.find(|(name, _)| name == "lang").and_then(|(_, tag)| known(&tag))
        });
        let lines = headers.get_all(header::ACCEPT_LANGUAGE).iter().filter_map(|line| line.to_str().ok());
        let accepted = lines.flat_map(accepted).collect();
        let chosen = asked.or_else(|| cookie::language(headers, secure).and_then(|tag| known(&tag)));
        Self { chosen, fresh: asked.is_some(), accepted }
    }

    /// The wish of a page that is shown as it is chosen.
    pub fn only(tag: &str) -> Self {
        Self { chosen: known(tag), ..Self::default() }
    }

    /// The language that was chosen, if one was.
    pub fn chosen(&self) -> Option<&'static str> {
        self.chosen
    }

    /// The words for a page: in what the person chose, else what the link says, else what the browser asks for, else
    /// the app's usual language, else English. Languages that are off are passed over. The app's own sentences stand
    /// in place of ours.
    pub fn words(&self, head: &PageHead) -> Arc<Words> {
        let settings = &head.brand.settings;
        let link = head.locale.as_deref().and_then(language::matching);
        let usual = settings.default_language.as_deref().and_then(language::matching);
        let wishes = self.chosen.into_iter().chain(link).chain(self.accepted.iter().copied());
        let tag = wishes.chain(usual).find(|tag| settings.speaks(tag)).unwrap_or("en");
        let words = of(tag);
        match settings.words.get(words.language.tag) {
            Some(own) => Arc::new(words.with(own)),
            None => words,
        }
    }
}

fn known(tag: &str) -> Option<&'static str> {
    #[cfg(debug_assertions)]
    if let Some(tag) = super::pseudo::known(tag) {
        return Some(tag);
    }
    language::matching(tag)
}

/// The languages of an `Accept-Language` line (RFC 9110, section 12.5.4) that we have, best first.
fn accepted(line: &str) -> Vec<&'static str> {
    let entry = |entry: &str| {
        let mut pieces = entry.split(';').map(str::trim);
        let tag = language::matching(pieces.next()?)?;
        let quality = pieces.find_map(|piece| piece.strip_prefix("q=").or_else(|| piece.strip_prefix("Q=")));
        let quality: f32 = quality.map_or(Some(1.0), |text| text.trim().parse().ok())?;
        (quality > 0.0 && quality <= 1.0).then_some((tag, quality))
    };
    let mut entries: Vec<_> = line.split(',').take(ENTRIES).filter_map(entry).collect();
    entries.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    entries.into_iter().map(|(tag, _)| tag).collect()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use keybearer_app::brand::{PageBrand, Settings};

    use super::super::Key;
    use super::*;

    fn wish(accept: &str, cookie: &str, query: &str) -> Wish {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_str(accept).unwrap());
        headers.insert(header::COOKIE, HeaderValue::from_str(cookie).unwrap());
        Wish::of(&headers, Some(query), false)
    }

    fn shown(wish: &Wish, link: Option<&str>, default: Option<&str>) -> &'static str {
        branded(wish, link, default, &[]).language.tag
    }

    fn branded(wish: &Wish, link: Option<&str>, default: Option<&str>, off: &[&str]) -> Arc<Words> {
        let settings = Settings {
            default_language: default.map(str::to_owned),
            languages_off: off.iter().map(|tag| (*tag).to_owned()).collect(),
            words: [("it".to_owned(), [("cancel".to_owned(), "Lascia stare".to_owned())].into())].into(),
            ..Settings::default()
        };
        let brand = Arc::new(PageBrand { settings, ..PageBrand::default() });
        wish.words(&PageHead { locale: link.map(str::to_owned), brand, ..PageHead::default() })
    }

    #[test]
    fn a_language_that_is_off_is_passed_over() {
        let wish = wish("de, fr;q=0.9", "kb_lang=ja", "");
        for (off, tag) in [
            (&[][..], "ja"),
            (&["ja"], "ko"),
            (&["ja", "ko"], "de"),
            (&["ja", "ko", "de"], "fr"),
            (&["ja", "ko", "de", "fr"], "it"),
        ] {
            assert_eq!(branded(&wish, Some("ko"), Some("it"), off).language.tag, tag);
        }
    }

    #[test]
    fn the_sentences_of_the_app_stand_in_their_own_language_only() {
        let cancel = |tag| branded(&wish(tag, "", ""), None, None, &[]).text(Key::Cancel).to_owned();
        assert_eq!((cancel("it").as_str(), cancel("en").as_str()), ("Lascia stare", "Cancel"));
    }

    #[test]
    fn the_browser_is_heard_by_its_qualities() {
        for (accept, tag) in [
            ("de", "de"),
            ("de-AT,en;q=0.8", "de"),
            ("en;q=0.5, fr;q=0.9", "fr"),
            ("fr;q=0,it;q=0.1", "it"),
            ("sv, da;q=0.9, nl;q=0.5", "nl"),
            ("zh-CN", "zh-Hans"),
            ("zh-TW,zh;q=0.9,en;q=0.8", "zh-Hans"),
            ("zh-TW,en;q=0.8", "en"),
            ("pt", "pt-BR"),
            ("PT-pt", "pt-BR"),
            ("es;q=2, ko;q=abc, ja;q=0.3", "ja"),
            ("*", "en"),
            ("", "en"),
            (";;,,q=1,;q", "en"),
        ] {
            assert_eq!(shown(&wish(accept, "", ""), None, None), tag, "{accept}");
        }
    }

    #[test]
    fn the_person_is_heard_before_the_link_and_the_link_before_the_browser() {
        let browser = wish("de", "", "");
        assert_eq!(shown(&browser, Some("ja"), Some("it")), "ja");
        assert_eq!(shown(&browser, None, Some("it")), "de");
        assert_eq!(shown(&wish("sv", "", ""), None, Some("it")), "it");
        assert_eq!(shown(&wish("sv", "", ""), Some("sv"), Some("sv")), "en");
        let remembered = wish("de", "kb_lang=fr", "");
        assert_eq!(shown(&remembered, Some("ja"), None), "fr");
        assert!(!remembered.fresh);
        let asked = wish("de", "kb_lang=fr", "a=b&lang=ar");
        assert_eq!(shown(&asked, Some("ja"), None), "ar");
        assert!(asked.fresh);
        assert_eq!(shown(&wish("de", "kb_lang=%3Cscript", "lang=<script>"), None, None), "de");
    }
}
