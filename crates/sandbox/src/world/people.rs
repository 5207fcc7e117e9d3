use serde::Serialize;

/// How a person behaves at the consent page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Habit {
    /// Allows what is asked.
    Normal,
    /// Says no.
    SaysNo,
    /// Needs an administrator's approval first.
    NeedsAdministrator,
    /// Unticks one scope.
    UnticksOne,
    /// Signs in as herself, whoever the application asked for.
    SomebodyElse,
}

/// Somebody with an account at the sandbox. No real person, no real address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Person {
    /// Short name, used in forms and by `--as`.
    pub id: String,
    /// The full name.
    pub name: String,
    /// What this person does at the consent page.
    pub habit: Habit,
}

impl Person {
    /// The five who live here.
    pub fn residents() -> [Self; 5] {
        let person = |id: &str, name: &str, habit| Self { id: id.to_owned(), name: name.to_owned(), habit };
        [
            person("ada", "Ada Obi", Habit::Normal),
            person("ben", "Ben Costa", Habit::SaysNo),
            person("cy", "Cy Lindqvist", Habit::NeedsAdministrator),
            person("dee", "Dee Marsh", Habit::UnticksOne),
            person("eve", "Eve Novak", Habit::SomebodyElse),
        ]
    }

    /// The person for a typed name: a resident, or a visitor with the normal habit. `None` for an empty name.
    pub fn named(text: &str) -> Option<Self> {
        let name = text.trim().trim_end_matches("@postcards.test");
        let name: String = name.chars().filter(|c| !c.is_control()).take(60).collect();
        let slug: String =
            name.to_lowercase().chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
        let id = slug.trim_matches('-').to_owned();
        if id.is_empty() {
            return None;
        }
        let resident = Self::residents().into_iter().find(|person| person.id == id);
        Some(resident.unwrap_or(Self { id, name, habit: Habit::Normal }))
    }

    /// The identifier in answers, for example `pc_ada`.
    pub fn subject(&self) -> String {
        format!("pc_{}", self.id)
    }

    /// An address below `.test`, which no mail reaches.
    pub fn email(&self) -> String {
        format!("{}@postcards.test", self.id)
    }

    /// What the sign-in page says about this person.
    pub const fn note(&self) -> &'static str {
        match self.habit {
            Habit::Normal => "allows what you ask",
            Habit::SaysNo => "says no",
            Habit::NeedsAdministrator => "needs an administrator",
            Habit::UnticksOne => "unticks one permission",
            Habit::SomebodyElse => "is somebody else than you asked for",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_names_become_people() {
        assert_eq!(Person::named(" Ada ").unwrap().name, "Ada Obi");
        assert_eq!(Person::named("ada@postcards.test").unwrap().id, "ada");
        let visitor = Person::named("Zoë Ní").unwrap();
        assert_eq!((visitor.id.as_str(), visitor.name.as_str()), ("zoë-ní", "Zoë Ní"));
        assert!(Person::named(" \n ").is_none());
    }
}
