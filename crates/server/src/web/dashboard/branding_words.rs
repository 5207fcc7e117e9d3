//! D21, the wording: every text of the hosted pages in one language, and what stands in its place.

use askama::Template;
use axum::extract::Query;
use axum::response::Response;
use http::StatusCode;
use keybearer_app::Permission;
use keybearer_app::brand::{self, Brand, BrandChange, WordChange};
use keybearer_core::{Code, Error, FieldViolation, Result};
use serde::Deserialize;

use super::answer::sentence;
use super::branding::own;
use super::branding_view::{Choice, choice};
use super::flash::Flash;
use super::form::Form;
use super::frame::{Frame, Section};
use super::guard::{Posted, Visit};
use crate::web::hosted::{self, Word};

/// What a field of the form is called: this, and the name of the text.
const FIELD: &str = "word.";

/// Most texts on a page: a search may find nearly all.
const ROWS: usize = 60;

/// Which texts are looked at.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Sought {
    lang: String,
    part: String,
    q: String,
}

impl Sought {
    fn read(form: &Form) -> Self {
        Self { lang: form.text("lang"), part: form.text("part"), q: form.text("q") }
    }

    fn address(&self) -> String {
        let pairs = [("lang", &self.lang), ("part", &self.part), ("q", &self.q)];
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        format!("/branding/words?{query}")
    }

    /// The tag of a language that there is.
    fn language(&self) -> String {
        let known = hosted::languages().into_iter().map(|language| language.code);
        known.into_iter().find(|code| *code == self.lang).unwrap_or_else(|| "en".to_owned())
    }

    /// The part that is shown where nothing is searched for.
    fn part(&self) -> &str {
        let known = self.part == "changed" || PARTS.iter().any(|(name, _)| *name == self.part);
        if known { &self.part } else { "start" }
    }

    fn finds(&self, word: &Word, own: &str) -> bool {
        let sought = self.q.trim().to_lowercase();
        if sought.is_empty() {
            return match self.part() {
                "changed" => !own.is_empty(),
                part => part_of(&word.name) == part,
            };
        }
        [word.name.as_str(), &word.ours, own].iter().any(|text| text.to_lowercase().contains(&sought))
    }
}

/// The parts of the pages, by the first piece of a name.
const PARTS: [(&str, &str); 11] = [
    ("start", "Start"),
    ("form", "Forms"),
    ("fault", "What is wrong with an answer"),
    ("done", "Done"),
    ("problem", "Problems"),
    ("identity", "Another account"),
    ("services", "A user’s own page"),
    ("waiting", "Waiting"),
    ("embedded", "Inside another app"),
    ("page", "On every page"),
    ("date", "Dates"),
];

fn part_of(name: &str) -> &'static str {
    let first = name.split_once('.').map_or("page", |(first, _)| first);
    match first {
        "note" => "fault",
        "hop" => "waiting",
        "stop" => "services",
        "absent" => "problem",
        _ => PARTS.iter().find(|(known, _)| *known == first).map_or("page", |(known, _)| known),
    }
}

/// A text in the form.
struct Row {
    id: String,
    field: String,
    name: String,
    ours: String,
    text: String,
    error: Option<String>,
}

/// D21, the wording.
#[derive(Template)]
#[template(path = "dashboard/branding_words.html")]
struct WordsView {
    frame: Frame,
    version: i64,
    sought: Sought,
    language: String,
    right_to_left: bool,
    languages: Vec<Choice>,
    parts: Vec<Choice>,
    rows: Vec<Row>,
    changed: usize,
    wrong: usize,
    may: bool,
}

/// `GET /branding/words`
pub(super) async fn show(visit: Visit, Query(sought): Query<Sought>) -> Response {
    let page = async {
        let brand = own(&visit).await?;
        Ok(visit.page(&view(&visit, &brand, sought, None, &[])))
    };
    let page: Result<Response> = page.await;
    visit.answer(page)
}

/// `POST /branding/words`
pub(super) async fn save(Posted { visit, form }: Posted) -> Response {
    let done = async {
        let brand = own(&visit).await?;
        let sought = Sought::read(&form);
        let words = changes(&brand, &sought.language(), &form);
        let change = BrandChange {
            expected_version: form.text("version").parse().ok(),
            words,
            ..BrandChange::default()
        };
        let wrong = hosted::faults(&change.words);
        let changed = match wrong.is_empty() {
            true => brand::update(visit.app(), visit.caller(), brand.environment_id.as_str(), &change).await,
            false => Err(Error::fields(wrong)),
        };
        match changed {
            Ok(_) => Ok(visit.done(&sought.address(), Flash::Saved)),
            Err(error) if error.code == Code::InvalidArgument => {
                let page = view(&visit, &brand, sought, Some(&form), &error.violations);
                Ok(visit.page_with(StatusCode::UNPROCESSABLE_ENTITY, &page))
            }
            Err(error) => Err(error),
        }
    };
    let done: Result<Response> = done.await;
    visit.answer(done)
}

/// What was typed and is not what is saved.
fn changes(brand: &Brand, language: &str, form: &Form) -> Vec<WordChange> {
    let known = brand.settings.words.get(language);
    let saved = |key: &str| known.and_then(|all| all.get(key)).map_or("", String::as_str);
    let words = hosted::wording(language);
    let typed = words.iter().map(|word| (word.name.as_str(), format!("{FIELD}{}", word.name)));
    typed
        .filter(|(_, field)| form.has(field))
        .map(|(key, field)| (key, form.text(&field).trim().to_owned()))
        .filter(|(key, text)| text != saved(key))
        .map(|(key, text)| WordChange { language: language.to_owned(), key: key.to_owned(), text })
        .collect()
}

fn view(
    visit: &Visit,
    brand: &Brand,
    sought: Sought,
    typed: Option<&Form>,
    wrong: &[FieldViolation],
) -> WordsView {
    let language = sought.language();
    let known = brand.settings.words.get(&language);
    let own = |name: &str| known.and_then(|all| all.get(name)).cloned().unwrap_or_default();
    let error = |name: &str| {
        let field = format!("words.{language}.{name}");
        let found = wrong.iter().find(|wrong| wrong.field == field)?;
        Some(sentence(&format!("this {}", found.description)))
    };
    let row = |word: Word| {
        let field = format!("{FIELD}{}", word.name);
        let text =
            typed.filter(|form| form.has(&field)).map_or_else(|| own(&word.name), |form| form.text(&field));
        Row {
            id: format!("w-{}", word.name.replace('.', "-")),
            error: error(&word.name),
            ours: word.ours,
            name: word.name,
            field,
            text,
        }
    };
    let words = hosted::wording(&language).into_iter().filter(|word| sought.finds(word, &own(&word.name)));
    let mut parts = vec![choice("changed", "Only what is changed", sought.part())];
    parts.extend(PARTS.iter().map(|(name, label)| choice(name, label, sought.part())));
    WordsView {
        frame: visit
            .frame(Section::Branding, "Wording")
            .under("/branding", "Hosted pages")
            .under("", "Wording")
            .command(format!("keybearer branding set --word {language}.start.heading=TEXT")),
        version: brand.version,
        rows: words.take(ROWS).map(row).collect(),
        languages: hosted::languages().iter().map(|one| choice(&one.code, &one.name, &language)).collect(),
        right_to_left: language == "ar",
        changed: known.map_or(0, std::collections::BTreeMap::len),
        wrong: wrong.len(),
        may: visit.caller().permissions.has(Permission::SettingsWrite),
        parts,
        language,
        sought,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_found_in_a_part_of_the_pages() {
        let mut counts = std::collections::BTreeMap::new();
        for word in hosted::wording("en") {
            *counts.entry(part_of(&word.name)).or_insert(0) += 1;
        }
        assert_eq!(counts.len(), PARTS.len(), "{counts:?}");
    }

    #[test]
    fn a_text_is_found_by_its_name_by_ours_and_by_the_own_one() {
        let word = hosted::wording("en").into_iter().find(|word| word.name == "cancel").unwrap();
        let sought = |q: &str| Sought { q: q.into(), ..Sought::default() };
        assert!(sought("CANC").finds(&word, "") && sought("leave it").finds(&word, "Leave it"));
        assert!(!sought("heading").finds(&word, ""));
        assert!(Sought { part: "changed".into(), ..Sought::default() }.finds(&word, "Leave it"));
    }
}
