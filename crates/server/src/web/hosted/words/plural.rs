//! Plural categories of the languages, for whole numbers below a million (CLDR, `supplemental/plurals`).

/// A plural category.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Category {
    /// None.
    Zero,
    /// A single thing.
    One,
    /// A pair.
    Two,
    /// Some.
    Few,
    /// Lots.
    Many,
    /// All the rest; every language has it.
    Other,
}

impl Category {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Zero, Self::One, Self::Two, Self::Few, Self::Many, Self::Other];

    /// Its name in the files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Zero => "zero",
            Self::One => "one",
            Self::Two => "two",
            Self::Few => "few",
            Self::Many => "many",
            Self::Other => "other",
        }
    }

    /// The category of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|category| category.name() == name)
    }
}

/// One thing, or several: English, German, Dutch, Italian, Spanish.
pub(super) fn one_or_other(number: u64) -> Category {
    if number == 1 { Category::One } else { Category::Other }
}

/// None counts as one: French, Portuguese.
pub(super) fn none_is_one(number: u64) -> Category {
    if number <= 1 { Category::One } else { Category::Other }
}

/// Japanese, Korean, Chinese.
pub(super) fn only_other(_: u64) -> Category {
    Category::Other
}

/// Polish: 1, then 2 to 4 at the end but for 12 to 14, then the rest.
pub(super) fn polish(number: u64) -> Category {
    match (number, number % 10, number % 100) {
        (1, _, _) => Category::One,
        (_, 2..=4, tens) if !(12..=14).contains(&tens) => Category::Few,
        _ => Category::Many,
    }
}

/// Arabic, all six.
pub(super) fn arabic(number: u64) -> Category {
    match (number, number % 100) {
        (0, _) => Category::Zero,
        (1, _) => Category::One,
        (2, _) => Category::Two,
        (_, 3..=10) => Category::Few,
        (_, 11..=99) => Category::Many,
        _ => Category::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::Category::{Few, Many, One, Other, Two, Zero};
    use super::*;

    #[test]
    fn the_categories_are_those_of_cldr() {
        let of = |rule: fn(u64) -> Category| [0, 1, 2, 3, 5, 11, 12, 22, 25, 100, 102, 103, 112].map(rule);
        let (f, m) = (Few, Many);
        assert_eq!(of(polish), [m, One, f, f, m, m, m, f, m, m, f, f, m]);
        assert_eq!(of(arabic), [Zero, One, Two, f, f, m, m, m, m, Other, Other, f, m]);
        assert_eq!([0, 1, 2].map(none_is_one), [One, One, Other]);
        assert_eq!([0, 1, 2].map(one_or_other), [Other, One, Other]);
        assert_eq!([0, 1, 2].map(only_other), [Other, Other, Other]);
    }
}
