use keybearer_core::Timestamp;
use serde::Serialize;

use super::World;

/// A card in somebody's drawer.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Postcard {
    pub id: String,
    pub to: String,
    pub text: String,
    pub sent_at: String,
}

impl World {
    /// The drawer of a person; three cards lie in it from the start.
    pub fn drawer(&mut self, person_id: &str, now: Timestamp) -> &mut Vec<Postcard> {
        if !self.postcards.contains_key(person_id) {
            let texts = [
                ("grandma@postcards.test", "The tram climbs like a goat. More tomorrow."),
                ("harbour@postcards.test", "Rain all day, soup all day."),
                ("desk@postcards.test", "Back on Monday. Water the fern."),
            ];
            let cards = texts.map(|(to, text)| self.new_postcard(to, text, now));
            self.postcards.insert(person_id.to_owned(), cards.into());
        }
        self.postcards.entry(person_id.to_owned()).or_default()
    }

    pub fn new_postcard(&mut self, to: &str, text: &str, now: Timestamp) -> Postcard {
        self.last_postcard += 1;
        Postcard {
            id: format!("card_{:04}", self.last_postcard),
            to: to.to_owned(),
            text: text.to_owned(),
            sent_at: now.rfc3339(),
        }
    }
}
